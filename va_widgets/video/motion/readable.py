"""The motion of a clip as a few numbers that a person can read, from what was measured of its frames.

Moves are brought to one rate of steps first, so that clips of any frame rate can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from va_widgets.video.motion.pair import PairMotion

RATE = 12.0  # steps a second that moves are brought to
_SMOOTH = 0.5  # seconds; what a move's mean over so long does not follow is shake
_FRAME_TIME = 1 / 60  # seconds, of a frame that stands alone
_LUMA = np.array([0.114, 0.587, 0.299])  # of blue, green and red, ITU-R BT.601


class MotionNumbers(NamedTuple):
    """The motion of a clip in shares of the picture a second.

    `pan` is positive where the camera moves right, `tilt` up, `zoom` in, `roll` clockwise: means over the clip. `pan`
    and `shake` are in picture widths, `tilt` in picture heights; a point at a distance r from the centre moves by r
    times `zoom` or `roll`. `shake` is the usual speed at which the camera moves to and fro. `subject_motion` is the
    mean speed, over the whole picture, of what moves by itself. `brightness_change` is in shares of the way from black
    to white, up and down.
    """

    pan: float
    tilt: float
    zoom: float
    roll: float
    shake: float
    subject_motion: float
    brightness_change: float


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

    @classmethod
    def nothing(cls) -> Measured:
        """Return what is measured of a clip without frames."""
        return cls(np.empty((0, 2)), np.empty((0, len(PairMotion._fields))), np.empty(0), np.empty((0, 3)))

    @property
    def length(self) -> float:
        """The seconds from the first frame to the last, at least a frame's time."""
        return max(_FRAME_TIME, float(self.times[-1] - self.times[0])) if len(self.times) else _FRAME_TIME

    @cached_property
    def velocities(self) -> NDArray[np.float64]:
        """The camera's velocity on the four axes in steps of equal length, float64 (k, 4), k at least 1."""
        if not len(self.spans):
            return np.zeros((1, 4))
        # Pairs follow each other, but for those that could not be compared: the path goes on where it was.
        begins, ends = self.spans[:, 0], self.spans[:, 1]
        path = np.concatenate([np.zeros((1, 4)), np.cumsum(self.moves[:, :4], axis=0)])
        knots = np.concatenate([begins[:1], ends])
        steps = max(1, round((ends[-1] - begins[0]) * RATE))
        moments = np.linspace(begins[0], ends[-1], steps + 1)
        places = np.stack([np.interp(moments, knots, path[:, axis]) for axis in range(4)], axis=1)
        return np.diff(places, axis=0) * (steps / (ends[-1] - begins[0]))

    @cached_property
    def shake(self) -> NDArray[np.float64]:
        """The velocities without their running mean, float64 (k, 4)."""
        return self.velocities - smoothed(self.velocities, round(_SMOOTH * RATE))

    @cached_property
    def time_shares(self) -> NDArray[np.float64]:
        """The share of the time that each pair takes, float64 (n,)."""
        spans = self.spans[:, 1] - self.spans[:, 0]
        return spans / spans.sum() if len(spans) else spans

    def field(self, name: str) -> NDArray[np.float64]:
        """Return a field of PairMotion, float64 (n,)."""
        return self.moves[:, PairMotion._fields.index(name)]

    def rates(self, name: str) -> NDArray[np.float64]:
        """Return a field of PairMotion a second, float64 (n,)."""
        return self.field(name) / (self.spans[:, 1] - self.spans[:, 0])

    @cached_property
    def brightness(self) -> NDArray[np.float64]:
        """The mean brightness of each frame, float64 (m,), from 0 to 1."""
        return self.colours @ _LUMA / 255


def numbers_of(measured: Measured) -> MotionNumbers:
    """Return the readable numbers of a clip; zeros where nothing could be measured."""
    pan, tilt, zoom, roll = (float(value) for value in measured.velocities.mean(axis=0))
    return MotionNumbers(
        pan,
        tilt,
        zoom,
        roll,
        shake=_usual_speed(measured.shake[:, :2]),
        subject_motion=float(measured.time_shares @ measured.rates("subject")),
        brightness_change=float(np.abs(np.diff(measured.brightness)).sum()) / measured.length,
    )


def smoothed(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the running means (k, d) of values (k, d) over up to `width` steps, fewer at the ends."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    position = np.arange(len(values))
    first = np.maximum(position - width // 2, 0)
    last = np.minimum(position - width // 2 + width, len(values))
    return (sums[last] - sums[first]) / (last - first)[:, None]


def rms(values: NDArray[np.float64]) -> float:
    """Return the root of the mean squared length of vectors (k, d)."""
    return float(np.sqrt(np.square(values).sum(axis=1).mean()))


def root(values: NDArray[np.float64]) -> float:
    """Return the root of the mean square of values (k,)."""
    return float(np.sqrt(np.square(values).mean()))


def _usual_speed(shake: NDArray[np.float64]) -> float:
    """Return the usual length of vectors (k, 2) over half a second: one quick move does not make a clip shaky."""
    energy = smoothed(np.square(shake).sum(axis=1, keepdims=True), round(_SMOOTH * RATE))
    return float(np.sqrt(np.median(energy)))
