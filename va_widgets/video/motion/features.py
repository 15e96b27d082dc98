"""The motion of a clip as numbers from which a classifier can learn.

Magnitudes are given on logarithmic scales, signs and shares beside them, and moderate speeds as bumps: a linear
classifier can then tell a slow zoom from a fast one and from none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from va_widgets.video.motion.readable import RATE, Measured, MotionNumbers, numbers_of, rms, root, smoothed

# Of how motion is measured; it grows when the same video gets other features. Versions before the second had none.
MOTION_VERSION = 2
_AXES = ("pan", "tilt", "zoom", "roll")
# A speed that is clearly seen, of each axis, a second: the unit of what is learned from.
_UNITS = np.array([0.05, 0.05, 0.05, 0.05])
# Centres and widths of bumps on the scale arcsinh(|speed| / unit): 0, 0.02, 0.05, 0.12 and 0.3 pictures a second.
_BUMPS = ((0.0, 0.15), (0.4, 0.2), (0.9, 0.3), (1.6, 0.4), (2.5, 0.5))
_BANDS = {"1 Hz": 1.0, "2 Hz": 2.0, "3 Hz": 3.5, "5 Hz": 6.0}  # the upper ends of bands of frequencies
_FLASH = 0.06  # the least change of brightness, from 0 to 1, from one frame to the next in a flash
_SUBJECT_UNIT, _LIGHT_UNIT = 0.01, 0.05  # of the subject's speed and of the change of brightness, a second
_BLACK = 0.06  # the greatest brightness of a black frame


@dataclass(frozen=True)
class Motion:
    """What moves in a clip: `numbers` to be read, and `features`, float32 (len(FEATURES),), to be learned from."""

    numbers: MotionNumbers
    features: NDArray[np.float32]


def motion_of(measured: Measured) -> Motion:
    """Return the motion of a clip; zeros where nothing could be measured."""
    numbers = numbers_of(measured)
    return Motion(numbers, np.array([value for _, value in _features(measured, numbers)], dtype=np.float32))


def readable(features: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return the readable numbers, float32 (n, 7) in the order of MotionNumbers, of features (n, len(FEATURES)).

    They are exact to 0.3 % of features in float16. Rows that are zero throughout are of clips that could not be
    measured, because every measured clip has features that are not zero: their numbers are NaN.
    """
    columns = np.asarray(features[:, [FEATURES.index(name) for name in _READABLE]], dtype=np.float32)
    numbers = np.empty_like(columns)
    for place, (scale, unit) in enumerate(_READABLE.values()):
        numbers[:, place] = scale(columns[:, place]) * unit
    numbers[~features[:, _SEEN].any(axis=1)] = np.nan
    return numbers


def _log(value: float, unit: float) -> float:
    return float(np.log1p(abs(value) / unit))


def _signed(value: float, unit: float) -> float:
    return float(np.arcsinh(value / unit))


def _features(measured: Measured, numbers: MotionNumbers) -> Iterator[tuple[str, float]]:
    """Yield the features of a clip with their names."""
    velocities, shake = measured.velocities, measured.shake
    speeds = np.abs(velocities).mean(axis=0) / _UNITS
    for axis, name in enumerate(_AXES):
        yield from _axis_features(name, velocities[:, axis], shake[:, axis], float(_UNITS[axis]))
        yield f"{name} share", float(speeds[axis] / (speeds.sum() + 0.5))
    yield from _camera_features(velocities, shake, numbers)
    yield from _subject_features(measured, numbers)
    yield from _light_features(measured, numbers)


def _axis_features(
    name: str, velocity: NDArray[np.float64], shake: NDArray[np.float64], unit: float
) -> Iterator[tuple[str, float]]:
    """Yield the features of the camera's move on one axis."""
    mean, speed = float(velocity.mean()), float(np.abs(velocity).mean())
    half = len(velocity) // 2
    steady = smoothed(velocity[:, None], 3)[:, 0]
    yield f"{name} mean", _signed(mean, unit)
    yield f"{name} mean, absolute", _log(mean, unit)
    yield f"{name} speed", _log(speed, unit)
    yield f"{name} spread", _log(float(velocity.std()), unit)
    yield f"{name} shake", _log(root(shake), unit)
    yield f"{name} peak", _log(float(np.abs(steady).max()), unit)
    yield f"{name} one way", mean / (speed + 0.06 * unit)
    yield f"{name} one way, absolute", abs(mean) / (speed + 0.2 * unit)
    yield f"{name} turns", _turns(velocity, unit)
    yield f"{name} course", _signed(float(velocity[half:].mean() - velocity[:half].mean()) if half else 0.0, unit)
    yield f"{name} even", float(np.log((abs(mean) + 0.04 * unit) / (root(velocity) + 0.04 * unit)))
    yield f"{name} against shake", float(np.log((abs(mean) + 0.04 * unit) / (root(shake) + 0.08 * unit)))
    for centre, width in _BUMPS:
        distance = (abs(np.arcsinh(mean / unit)) - centre) / width
        yield f"{name} near {np.sinh(centre) * unit:.2f}", float(np.exp(-distance * distance / 2))


def _turns(velocity: NDArray[np.float64], unit: float) -> float:
    """Return how often a velocity's direction changes a second, slight moves apart."""
    signs = np.sign(velocity[np.abs(velocity) > 0.3 * unit])
    return float(np.log1p(np.count_nonzero(np.diff(signs)) / len(velocity) * RATE))


def _camera_features(
    velocities: NDArray[np.float64], shake: NDArray[np.float64], numbers: MotionNumbers
) -> Iterator[tuple[str, float]]:
    """Yield the features of all that the camera does."""
    # At a picture's edge, half a picture from its centre, zoom and roll are seen half as fast.
    seen = velocities * np.array([1.0, 1.0, 0.5, 0.5])
    speed = np.sqrt(np.square(seen).sum(axis=1))
    unit = float(_UNITS[0])
    mean, peak = float(speed.mean()), float(smoothed(speed[:, None], 3).max())
    yield "camera speed", _log(mean, unit)
    yield "camera median speed", _log(float(np.median(speed)), unit)
    yield "camera peak", _log(peak, unit)
    yield "camera burst", float(np.log((peak + 0.2 * unit) / (mean + 0.2 * unit)))
    yield "camera still", float((speed < 0.3 * unit).mean())
    yield "camera fast", float((speed > 10 * unit).mean())
    unsteady = rms(shake)
    yield "camera shake", _log(unsteady, unit)
    yield "camera usual shake", _log(numbers.shake, unit)
    yield "camera shake, share", unsteady / (rms(velocities) + 0.2 * unit)
    for name, share in zip(_BANDS, _spectrum(velocities), strict=True):
        yield f"camera at {name}", share
    for centre in (0.0, 1.0, 2.0, 3.0):
        yield f"camera speed near {centre:g}", float(np.exp(-2 * (np.log1p(mean / unit) - centre) ** 2))


def _spectrum(velocities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the camera's speed in each band of frequencies, on a logarithmic scale."""
    power = np.square(np.abs(np.fft.rfft(velocities - velocities.mean(axis=0), axis=0))).sum(axis=1)
    frequencies = np.fft.rfftfreq(len(velocities), 1 / RATE)
    place = np.searchsorted(list(_BANDS.values()), frequencies)
    energy = np.bincount(place, weights=power, minlength=len(_BANDS))[: len(_BANDS)] * 2 / len(velocities) ** 2
    return np.log1p(np.sqrt(energy) / _UNITS[0])


def _subject_features(measured: Measured, numbers: MotionNumbers) -> Iterator[tuple[str, float]]:
    """Yield the features of what moves against the camera's move."""
    weights = measured.time_shares
    speed = measured.rates("subject")
    right, down = measured.rates("right"), measured.rates("down")
    moving = measured.field("moving") * weights
    area = float(moving.sum())
    share = moving / max(area, 1e-9)
    x, y = measured.field("x"), measured.field("y")
    mean_x, mean_y = float(share @ x), float(share @ y)
    yield "subject speed", _log(numbers.subject_motion, _SUBJECT_UNIT)
    yield "subject peak", _log(float(speed.max(initial=0.0)), 0.01)
    yield "subject area", area
    yield "subject left to right", _signed(float(share @ right), 0.1)
    yield "subject down", _signed(float(share @ down), 0.1)
    yield "subject to and fro", _log(float(share @ np.hypot(right, down)), 0.1)
    yield "subject x", mean_x
    yield "subject y", mean_y
    yield "subject wanders", float(np.sqrt(share @ ((x - mean_x) ** 2 + (y - mean_y) ** 2)))
    yield "unexplained change", float(weights @ measured.field("change"))
    yield "certainty", float(weights @ measured.field("certainty"))


def _light_features(measured: Measured, numbers: MotionNumbers) -> Iterator[tuple[str, float]]:
    """Yield the features of the brightness's and the colour's course."""
    brightness = measured.brightness
    steps = np.diff(brightness)
    length = measured.length
    large = steps[np.abs(steps) > _FLASH]
    chroma = measured.colours / np.maximum(measured.colours.sum(axis=1, keepdims=True), 24.0)
    yield "light change", _log(numbers.brightness_change, _LIGHT_UNIT)
    yield "light rise", _signed(float(steps.sum()) / length, 0.05)
    yield "light rise, absolute", _log(float(steps.sum()) / length, 0.05)
    yield "light spread", _log(float(brightness.std()) if len(brightness) else 0.0, 0.02)
    yield "light jump", _log(float(np.abs(steps).max(initial=0.0)), 0.02)
    yield "light flashes", float(np.log1p(np.count_nonzero(np.diff(np.sign(large))) / length))
    yield "light from black", float(brightness[0] < _BLACK <= brightness.max()) if len(brightness) else 0.0
    yield "light to black", float(brightness[-1] < _BLACK <= brightness.max()) if len(brightness) else 0.0
    yield "colour spread", _log(rms(chroma - chroma.mean(axis=0)) if len(chroma) else 0.0, 0.01)


FEATURES = tuple(name for name, _ in _features(Measured.nothing(), numbers_of(Measured.nothing())))
"""The names of `Motion.features`."""
# The feature of each readable number, the inverse of its scale, and its unit.
_READABLE = {
    **{f"{axis} mean": (np.sinh, float(unit)) for axis, unit in zip(_AXES, _UNITS, strict=True)},
    "camera usual shake": (np.expm1, float(_UNITS[0])),
    "subject speed": (np.expm1, _SUBJECT_UNIT),
    "light change": (np.expm1, _LIGHT_UNIT),
}
# One of these is not zero in every clip: a speed is near at least one of the bumps' centres, or far above them all.
_SEEN = [FEATURES.index(name) for name in ("pan near 0.00", "pan speed")]
