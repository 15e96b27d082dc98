"""SMPTE time code, such as 01:00:02:12: what it counts, and the seconds from the first picture of a video."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_TIME_CODE = re.compile(r"([0-9]{1,2})[:;]([0-9]{1,2})[:;]([0-9]{1,2})([:;])([0-9]{1,3})")
_DROPPED = 2  # numbers of frames that drop-frame time code leaves out a minute, at 30 frames a second
_COARSE = Fraction(1, 10_000)  # seconds; time stamps of larger units are not those of the frame rate


@dataclass(frozen=True)
class TimeCode:
    """Hours, minutes, seconds and frames. `drop` says that it is written as drop-frame time code, 01:00:02;12."""

    hours: int
    minutes: int
    seconds: int
    frames: int
    drop: bool

    def __str__(self) -> str:
        sign = ";" if self.drop else ":"
        return f"{self.hours:02d}:{self.minutes:02d}:{self.seconds:02d}{sign}{self.frames:02d}"


MIDNIGHT = TimeCode(0, 0, 0, 0, drop=False)
"""The time code of the first picture of a video that says none."""


@dataclass(frozen=True)
class FrameCount:
    """A moment as the number of frames since 00:00:00:00, or since the first picture, `rate` of them a second."""

    frames: float
    rate: float
    from_first: bool = False

    def __str__(self) -> str:
        return f"{self.frames:g} frames"


def time_code(value: object) -> TimeCode | None:
    """Return the time code that a value is written as; None if it is none, or one that no clock shows."""
    match = _TIME_CODE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    return TimeCode(hours, minutes, seconds, frames, match[4] == ";")


@dataclass(frozen=True)
class SourceClock:
    """How a video counts its frames: `rate` a second, the first one at `start`, stamps in units of `base` seconds."""

    rate: Fraction
    start: TimeCode
    base: Fraction

    @property
    def drops(self) -> bool:
        """Whether the video's own time code is drop-frame, which only those of 30 and 60 frames a second have."""
        return self.start.drop and self._nominal % 30 == 0

    @property
    def first_frame(self) -> int:
        """The number of the first picture, counted from 00:00:00:00."""
        return _number(self.start, self._nominal, self.drops)

    @property
    def _nominal(self) -> int:
        return max(1, round(self.rate))

    def seconds(self, moment: TimeCode | FrameCount) -> float:
        """Return how many seconds after the first picture a moment is.

        Time code is drop-frame if the moment or the video's start is written so: both name frames of one tape. A
        number that is far below the start's is one after midnight. Raises ValueError, with the reason, for a moment
        that the video does not have.
        """
        nominal = self._nominal
        can_drop = nominal % 30 == 0
        drop = self.drops or (can_drop and isinstance(moment, TimeCode) and moment.drop)
        start, day = _number(self.start, nominal, drop), _number(TimeCode(24, 0, 0, 0, drop), nominal, drop)
        if isinstance(moment, FrameCount):
            same_rate = round(moment.rate) == nominal
            frames = Fraction(moment.frames) * (1 if same_rate else self.rate / Fraction(moment.rate))
            frames -= 0 if moment.from_first else start
        else:
            if moment.drop and not can_drop:
                raise ValueError(f"is drop-frame time code, which a video of {nominal} frames a second does not have")
            _check(moment, nominal, drop)
            frames = Fraction(_number(moment, nominal, drop) - start)
        if frames < -day / 2:
            frames += day
        if frames < 0:
            raise ValueError(f"lies before {self.start}, the time code of the video's first picture")
        seconds = frames / self.rate
        if self.base > _COARSE:  # Matroska rounds to milliseconds: the picture is the one with this stamp
            seconds = round(seconds / self.base) * self.base
        return float(seconds)


def _number(moment: TimeCode, nominal: int, drop: bool) -> int:
    """Return the number of a frame, counted from 00:00:00:00; SMPTE ST 12-1 says which numbers are left out."""
    minutes = 60 * moment.hours + moment.minutes
    number = (60 * minutes + moment.seconds) * nominal + moment.frames
    return number - (_left_out(nominal) * (minutes - minutes // 10) if drop else 0)


def _check(moment: TimeCode, nominal: int, drop: bool) -> None:
    """Raise ValueError if a video of so many frames a second has no such time code."""
    if moment.frames >= nominal:
        raise ValueError(f"has the frame {moment.frames}, but its video only {nominal} a second")
    if drop and moment.seconds == 0 and moment.frames < _left_out(nominal) and moment.minutes % 10:
        raise ValueError("is a number that drop-frame time code leaves out")


def _left_out(nominal: int) -> int:
    return _DROPPED * nominal // 30
