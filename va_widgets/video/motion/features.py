"""The motion of a clip as a few numbers that a person can read, and as many from which a classifier can learn.

Moves are brought to one rate of steps first, so that clips of any frame rate can be compared. Magnitudes are given on
logarithmic scales, signs and shares beside them, and moderate speeds as bumps: a linear classifier can then tell a slow
zoom from a fast one and from none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from va_widgets.video.motion.camera import PairMotion

_RATE = 12.0  # steps a second that moves are brought to
_SMOOTH = 0.5  # seconds; what a move's mean over so long does not follow is shake
_AXES = ("pan", "tilt", "zoom", "roll")
# A speed that is clearly seen, of each axis, a second: the unit of what is learned from.
_UNITS = np.array([0.05, 0.05, 0.05, 0.05])
_FRAME_TIME = 1 / 60  # seconds, of a frame that stands alone
# Centres and widths of bumps on the scale arcsinh(|speed| / unit): 0, 0.02, 0.05, 0.12 and 0.3 pictures a second.
_BUMPS = ((0.0, 0.15), (0.4, 0.2), (0.9, 0.3), (1.6, 0.4), (2.5, 0.5))
_BANDS = {"1 Hz": 1.0, "2 Hz": 2.0, "3 Hz": 3.5, "5 Hz": 6.0}  # the upper ends of bands of frequencies
_LUMA = np.array([0.114, 0.587, 0.299])  # of blue, green and red, ITU-R BT.601
_FLASH = 0.06  # the least change of brightness, from 0 to 1, from one frame to the next in a flash
_BLACK = 0.06  # the greatest brightness of a black frame


class MotionNumbers(NamedTuple):
    """The motion of a clip in shares of the picture a second.

    `pan` is positive where the camera moves right, `tilt` up, `zoom` in, `roll` clockwise: means over the clip. `pan`
    and `shake` are in picture widths, `tilt` in picture heights; a point at a distance r from the centre moves by r
    times `zoom` or `roll`. `shake` is the usual speed at
    which the camera moves to and fro. `subject_motion` is the mean speed, over the whole
    picture, of what moves by itself. `brightness_change` is in shares of the way from black to white, up and down.
    """

    pan: float
    tilt: float
    zoom: float
    roll: float
    shake: float
    subject_motion: float
    brightness_change: float


@dataclass(frozen=True)
class Motion:
    """What moves in a clip: `numbers` to be read, and `features`, float32 (len(FEATURES),), to be learned from."""

    numbers: MotionNumbers
    features: NDArray[np.float32]


@dataclass(frozen=True)
class Measured:
    """What was measured of a clip's frames: n pairs that were compared, and the colours of m frames.

    `spans` float64 (n, 2) has the times of each pair, `moves` float64 (n, 12) its PairMotion, `times` float64 (m,) and
    `colours` float64 (m, 3) each frame's time and mean blue, green and red, from 0 to 255.
    """

    spans: NDArray[np.float64]
    moves: NDArray[np.float64]
    times: NDArray[np.float64]
    colours: NDArray[np.float64]

    @property
    def length(self) -> float:
        """The seconds from the first frame to the last, at least a frame's time."""
        return max(_FRAME_TIME, float(self.times[-1] - self.times[0])) if len(self.times) else _FRAME_TIME


def motion_of(measured: Measured) -> Motion:
    """Return the motion of a clip; zeros where nothing could be measured."""
    velocities = _velocities(measured)
    shake = _shake(velocities)
    weights = _weights(measured)
    steps = _brightness_steps(measured)
    pan, tilt, zoom, roll = (float(value) for value in velocities.mean(axis=0))
    numbers = MotionNumbers(
        pan,
        tilt,
        zoom,
        roll,
        shake=_usual_speed(shake[:, :2]),
        subject_motion=float(weights @ _speed(measured, "subject")),
        brightness_change=float(np.abs(steps).sum()) / measured.length,
    )
    values = [value for _, value in _features(measured, velocities, shake, numbers)]
    return Motion(numbers, np.array(values, dtype=np.float32))


def _velocities(measured: Measured) -> NDArray[np.float64]:
    """Return the camera's velocity on the four axes in steps of equal length, float64 (k, 4), k at least 1."""
    if not len(measured.spans):
        return np.zeros((1, 4))
    # Pairs follow each other, but for those that could not be compared: the path goes on where it was.
    begins, ends = measured.spans[:, 0], measured.spans[:, 1]
    path = np.concatenate([np.zeros((1, 4)), np.cumsum(measured.moves[:, :4], axis=0)])
    knots = np.concatenate([begins[:1], ends])
    steps = max(1, round((ends[-1] - begins[0]) * _RATE))
    moments = np.linspace(begins[0], ends[-1], steps + 1)
    places = np.stack([np.interp(moments, knots, path[:, axis]) for axis in range(4)], axis=1)
    return np.diff(places, axis=0) * (steps / (ends[-1] - begins[0]))


def _shake(velocities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the velocities (k, 4) without their running mean."""
    return velocities - _smoothed(velocities, round(_SMOOTH * _RATE))


def _smoothed(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the running means (k, d) of values (k, d) over up to `width` steps, fewer at the ends."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    position = np.arange(len(values))
    first = np.maximum(position - width // 2, 0)
    last = np.minimum(position - width // 2 + width, len(values))
    return (sums[last] - sums[first]) / (last - first)[:, None]


def _weights(measured: Measured) -> NDArray[np.float64]:
    """Return the share of the time that each pair takes, float64 (n,)."""
    spans = measured.spans[:, 1] - measured.spans[:, 0]
    return spans / spans.sum() if len(spans) else spans


def _field(measured: Measured, name: str) -> NDArray[np.float64]:
    return measured.moves[:, PairMotion._fields.index(name)]


def _speed(measured: Measured, name: str) -> NDArray[np.float64]:
    """Return a length of PairMotion a second, float64 (n,)."""
    return _field(measured, name) / (measured.spans[:, 1] - measured.spans[:, 0])


def _brightness_steps(measured: Measured) -> NDArray[np.float64]:
    """Return how much brighter each frame is than the one before, float64 (m - 1,), from -1 to 1."""
    return np.diff(measured.colours @ _LUMA / 255)


def _rms(values: NDArray[np.float64]) -> float:
    """Return the root of the mean squared length of vectors (k, d)."""
    return float(np.sqrt(np.square(values).sum(axis=1).mean()))


def _root(values: NDArray[np.float64]) -> float:
    """Return the root of the mean square of values (k,)."""
    return float(np.sqrt(np.square(values).mean()))


def _usual_speed(shake: NDArray[np.float64]) -> float:
    """Return the usual length of vectors (k, 2) over half a second: one quick move does not make a clip shaky."""
    energy = _smoothed(np.square(shake).sum(axis=1, keepdims=True), round(_SMOOTH * _RATE))
    return float(np.sqrt(np.median(energy)))


def _log(value: float, unit: float) -> float:
    return float(np.log1p(abs(value) / unit))


def _signed(value: float, unit: float) -> float:
    return float(np.arcsinh(value / unit))


def _features(
    measured: Measured, velocities: NDArray[np.float64], shake: NDArray[np.float64], numbers: MotionNumbers
) -> Iterator[tuple[str, float]]:
    """Yield the features of a clip with their names."""
    speeds = np.abs(velocities).mean(axis=0) / _UNITS
    for axis, name in enumerate(_AXES):
        yield from _axis_features(name, velocities[:, axis], shake[:, axis], float(_UNITS[axis]))
        yield f"{name} share", float(speeds[axis] / (speeds.sum() + 0.5))
    yield from _camera_features(velocities, shake)
    yield from _subject_features(measured, numbers)
    yield from _light_features(measured, numbers)


def _axis_features(
    name: str, velocity: NDArray[np.float64], shake: NDArray[np.float64], unit: float
) -> Iterator[tuple[str, float]]:
    """Yield the features of the camera's move on one axis."""
    mean, speed = float(velocity.mean()), float(np.abs(velocity).mean())
    half = len(velocity) // 2
    steady = _smoothed(velocity[:, None], 3)[:, 0]
    yield f"{name} mean", _signed(mean, unit)
    yield f"{name} mean, absolute", _log(mean, unit)
    yield f"{name} speed", _log(speed, unit)
    yield f"{name} spread", _log(float(velocity.std()), unit)
    yield f"{name} shake", _log(_root(shake), unit)
    yield f"{name} peak", _log(float(np.abs(steady).max()), unit)
    yield f"{name} one way", mean / (speed + 0.06 * unit)
    yield f"{name} one way, absolute", abs(mean) / (speed + 0.2 * unit)
    yield f"{name} turns", _turns(velocity, unit)
    yield f"{name} course", _signed(float(velocity[half:].mean() - velocity[:half].mean()) if half else 0.0, unit)
    yield f"{name} even", float(np.log((abs(mean) + 0.04 * unit) / (_root(velocity) + 0.04 * unit)))
    yield f"{name} against shake", float(np.log((abs(mean) + 0.04 * unit) / (_root(shake) + 0.08 * unit)))
    for centre, width in _BUMPS:
        distance = (abs(np.arcsinh(mean / unit)) - centre) / width
        yield f"{name} near {np.sinh(centre) * unit:.2f}", float(np.exp(-distance * distance / 2))


def _turns(velocity: NDArray[np.float64], unit: float) -> float:
    """Return how often a velocity's direction changes a second, slight moves apart."""
    signs = np.sign(velocity[np.abs(velocity) > 0.3 * unit])
    return float(np.log1p(np.count_nonzero(np.diff(signs)) / len(velocity) * _RATE))


def _camera_features(velocities: NDArray[np.float64], shake: NDArray[np.float64]) -> Iterator[tuple[str, float]]:
    """Yield the features of all that the camera does."""
    # At a picture's edge, half a picture from its centre, zoom and roll are seen half as fast.
    seen = velocities * np.array([1.0, 1.0, 0.5, 0.5])
    speed = np.sqrt(np.square(seen).sum(axis=1))
    unit = float(_UNITS[0])
    mean, peak = float(speed.mean()), float(_smoothed(speed[:, None], 3).max())
    yield "camera speed", _log(mean, unit)
    yield "camera median speed", _log(float(np.median(speed)), unit)
    yield "camera peak", _log(peak, unit)
    yield "camera burst", float(np.log((peak + 0.2 * unit) / (mean + 0.2 * unit)))
    yield "camera still", float((speed < 0.3 * unit).mean())
    yield "camera fast", float((speed > 10 * unit).mean())
    unsteady = _rms(shake)
    yield "camera shake", _log(unsteady, unit)
    yield "camera shake, share", unsteady / (_rms(velocities) + 0.2 * unit)
    for name, share in zip(_BANDS, _spectrum(velocities), strict=True):
        yield f"camera at {name}", share
    for centre in (0.0, 1.0, 2.0, 3.0):
        yield f"camera speed near {centre:g}", float(np.exp(-2 * (np.log1p(mean / unit) - centre) ** 2))


def _spectrum(velocities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the camera's speed in each band of frequencies, on a logarithmic scale."""
    power = np.square(np.abs(np.fft.rfft(velocities - velocities.mean(axis=0), axis=0))).sum(axis=1)
    frequencies = np.fft.rfftfreq(len(velocities), 1 / _RATE)
    place = np.searchsorted(list(_BANDS.values()), frequencies)
    energy = np.bincount(place, weights=power, minlength=len(_BANDS))[: len(_BANDS)] * 2 / len(velocities) ** 2
    return np.log1p(np.sqrt(energy) / _UNITS[0])


def _subject_features(measured: Measured, numbers: MotionNumbers) -> Iterator[tuple[str, float]]:
    """Yield the features of what moves against the camera's move."""
    weights = _weights(measured)
    speed = _speed(measured, "subject")
    right, down = _speed(measured, "right"), _speed(measured, "down")
    moving = _field(measured, "moving") * weights
    area = float(moving.sum())
    share = moving / max(area, 1e-9)
    x, y = _field(measured, "x"), _field(measured, "y")
    mean_x, mean_y = float(share @ x), float(share @ y)
    yield "subject speed", _log(numbers.subject_motion, 0.01)
    yield "subject peak", _log(float(speed.max(initial=0.0)), 0.01)
    yield "subject area", area
    yield "subject left to right", _signed(float(share @ right), 0.1)
    yield "subject down", _signed(float(share @ down), 0.1)
    yield "subject to and fro", _log(float(share @ np.hypot(right, down)), 0.1)
    yield "subject x", mean_x
    yield "subject y", mean_y
    yield "subject wanders", float(np.sqrt(share @ ((x - mean_x) ** 2 + (y - mean_y) ** 2)))
    yield "unexplained change", float(weights @ _field(measured, "change"))
    yield "certainty", float(weights @ _field(measured, "certainty"))


def _light_features(measured: Measured, numbers: MotionNumbers) -> Iterator[tuple[str, float]]:
    """Yield the features of the brightness's and the colour's course."""
    brightness = measured.colours @ _LUMA / 255
    steps = _brightness_steps(measured)
    length = measured.length
    large = steps[np.abs(steps) > _FLASH]
    chroma = measured.colours / np.maximum(measured.colours.sum(axis=1, keepdims=True), 24.0)
    yield "light change", _log(numbers.brightness_change, 0.05)
    yield "light rise", _signed(float(steps.sum()) / length, 0.05)
    yield "light rise, absolute", _log(float(steps.sum()) / length, 0.05)
    yield "light spread", _log(float(brightness.std()) if len(brightness) else 0.0, 0.02)
    yield "light jump", _log(float(np.abs(steps).max(initial=0.0)), 0.02)
    yield "light flashes", float(np.log1p(np.count_nonzero(np.diff(np.sign(large))) / length))
    yield "light from black", float(brightness[0] < _BLACK <= brightness.max()) if len(brightness) else 0.0
    yield "light to black", float(brightness[-1] < _BLACK <= brightness.max()) if len(brightness) else 0.0
    yield "colour spread", _log(_rms(chroma - chroma.mean(axis=0)) if len(chroma) else 0.0, 0.01)


_EMPTY = Measured(np.empty((0, 2)), np.empty((0, len(PairMotion._fields))), np.empty(0), np.empty((0, 3)))
FEATURES = tuple(name for name, _ in _features(_EMPTY, np.zeros((1, 4)), np.zeros((1, 4)), MotionNumbers(*[0.0] * 7)))
"""The names of `Motion.features`."""
