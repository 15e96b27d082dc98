"""Measure the motion of clips from a video's frames, in the one pass in which they are decoded."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from va_widgets.video.motion.camera import MeasuredPair, measured_pair
from va_widgets.video.motion.features import Motion, motion_of
from va_widgets.video.motion.pair import PairMotion
from va_widgets.video.motion.readable import Measured
from va_widgets.video.motion.stretch import Pair, checked, is_complete, is_lost

INTERVAL = 0.08  # seconds between two frames that are compared: two frames at 24 or 25 a second, one at 12
_SHORTEST = 0.004  # seconds between two frames below which their distance says little of a speed
_LONGEST_PAUSE = 0.5  # seconds for which a frame that repeats the last one is left out
_ROUNDING = 1e-6  # seconds that equal times may differ by
_SAME = 0.1  # mean grey levels by which a repeated frame may differ, after encoding


class _Frame(Protocol):
    """A decoded frame, such as `video.frame.Frame`."""

    @property
    def time(self) -> float: ...

    @property
    def end(self) -> float: ...

    def small(self) -> NDArray[np.uint8]: ...


def motions(
    frames_from: Callable[[float], Iterable[_Frame]], spans: Sequence[tuple[float, float]]
) -> Iterator[tuple[int, Motion]]:
    """Yield the motion in each of some `spans` (start, end) in seconds, with its index.

    `frames_from` returns a video's frames from a moment on. It is called once for all spans that follow each other
    without a gap, or overlap. Spans after the end of the video are left out.
    """
    runs: list[list[int]] = []
    latest = 0.0
    for index in sorted(range(len(spans)), key=lambda index: spans[index]):
        start, end = spans[index]
        if not runs or start > latest + _ROUNDING:
            runs.append([])
            latest = end
        runs[-1].append(index)
        latest = max(latest, end)
    for run in runs:
        yield from _motions_of_run(frames_from(spans[run[0]][0]), spans, run)


def _motions_of_run(
    frames: Iterable[_Frame], spans: Sequence[tuple[float, float]], run: Sequence[int]
) -> Iterator[tuple[int, Motion]]:
    """Yield the motion in the spans of a `run`, indices that are sorted by the spans' starts."""
    meter, shown_until = MotionMeter(), 0.0
    pending = sorted(run, key=lambda index: spans[index][1])
    for frame in frames:
        meter.add(frame.small(), frame.time)
        shown_until = frame.end
        while pending and frame.time >= spans[pending[0]][1] - _ROUNDING:
            index = pending.pop(0)
            yield index, meter.result(*spans[index])
            if pending:
                meter.forget(min(spans[other][0] for other in pending))
        if not pending:
            return
    for index in pending:
        if spans[index][0] < shown_until - _ROUNDING:
            yield index, meter.result(*spans[index])


class MotionMeter:
    """Takes a video's small frames in order, and gives the motion between any two times among them.

    Frames are compared about every 0.08 s, whatever the frame rate. A frame that repeats the last one, as where a film
    of 24 frames a second is shown at 60, is left out, so that moves do not seem to stutter.
    """

    def __init__(self) -> None:
        self._reference: NDArray[np.uint8] | None = None  # the last frame that was compared, grey
        self._reference_time = 0.0
        self._newest: NDArray[np.uint8] | None = None  # the last frame that was given, grey
        self._newest_time = 0.0
        self._pairs: list[tuple[float, float, PairMotion]] = []
        self._unchecked: list[Pair] = []  # the newest pairs
        self._times: list[float] = []
        self._colours: list[tuple[float, float, float]] = []

    def add(self, picture: NDArray[np.uint8], time: float) -> None:
        """Take the next frame, uint8 BGR (height, width, 3) with a shorter side of about 36, shown at `time` seconds.

        Times never fall, and frames are of one size: after a frame of another size measuring begins anew.
        """
        self._times.append(time)
        self._colours.append(cv2.mean(picture)[:3])
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
        self._newest, self._newest_time = grey, time
        if self._reference is None or self._reference.shape != grey.shape:
            self._check()
            self._reference, self._reference_time = grey, time
        elif time - self._reference_time >= INTERVAL - 1e-3:
            self._compare(grey, time)

    def result(self, start: float, end: float) -> Motion:
        """Return the motion in the frames from `start` up to but without `end`, in seconds.

        Deterministic, finite, and zero throughout where fewer than two frames were given.
        """
        first, last = self._place(start), self._place(end)
        if self._newest is not None and self._reference_time + _SHORTEST < self._newest_time < end - _ROUNDING:
            self._compare(self._newest, self._newest_time)  # the rest of the clip is shorter than an interval
        unchecked = [pair for pair in self._unchecked if pair.end < end - _ROUNDING]
        pairs = [
            pair
            for pair in self._pairs + _checked(unchecked)
            if pair[0] >= start - _ROUNDING and pair[1] < end - _ROUNDING
        ]
        return motion_of(
            Measured(
                spans=np.array([pair[:2] for pair in pairs], dtype=np.float64).reshape(-1, 2),
                moves=np.array([pair[2] for pair in pairs], dtype=np.float64).reshape(-1, len(PairMotion._fields)),
                times=np.array(self._times[first:last], dtype=np.float64),
                colours=np.array(self._colours[first:last], dtype=np.float64).reshape(-1, 3),
            )
        )

    def forget(self, before: float) -> None:
        """Drop what was measured before `before` seconds, so that memory does not grow with a video's length."""
        place = self._place(before)
        del self._times[:place], self._colours[:place]
        self._pairs = [pair for pair in self._pairs if pair[1] >= before - _ROUNDING]

    def _place(self, time: float) -> int:
        return bisect_left(self._times, time - _ROUNDING)

    def _compare(self, grey: NDArray[np.uint8], time: float) -> None:
        """Measure what moved since the frame that was compared last, unless this one repeats it."""
        assert self._reference is not None
        repeats = cv2.norm(grey, self._reference, cv2.NORM_L1) <= _SAME * grey.size
        if repeats and time - self._reference_time < _LONGEST_PAUSE:
            return
        size = grey.shape[1], grey.shape[0]
        measured = MeasuredPair.at_rest(size) if repeats else measured_pair(self._reference, grey)
        pair = Pair(self._reference_time, time, self._reference, grey, measured)
        if is_lost(pair):
            self._check()
        self._unchecked.append(pair)
        if is_complete(self._unchecked):
            self._check()
        self._reference, self._reference_time = grey, time

    def _check(self) -> None:
        """Check the newest pairs together."""
        self._pairs += _checked(self._unchecked)
        self._unchecked = []


def _checked(pairs: Sequence[Pair]) -> list[tuple[float, float, PairMotion]]:
    """Return pairs that follow each other, each with its start, end and motion."""
    return [(pair.start, pair.end, motion) for pair, motion in zip(pairs, checked(pairs), strict=True)]
