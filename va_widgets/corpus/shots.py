"""Shots: where a video cuts, and the frames that stand for each shot, in one pass over its frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scenedetect import AdaptiveDetector, FrameTimecode

from va_widgets.corpus.frames import Frame, Picture

SHORTEST = 0.4  # seconds; what is shorter belongs to its neighbour
_KEPT = 96  # frames of a running shot that are kept to choose from
_INTERVAL = 0.08  # seconds between them at first; doubled whenever there are too many


@dataclass(frozen=True)
class Shot:
    """A shot: `start` and `end` in seconds, frames `frame_in` up to but without `frame_out`, and sampled pictures."""

    start: float
    end: float
    frame_in: int
    frame_out: int
    pictures: list[Picture]


def shots(frames: Iterable[Frame], fps: float, samples: int) -> Iterator[Shot]:
    """Cut a stream of frames into shots and sample `samples` pictures, evenly spaced, of each.

    Cuts are PySceneDetect's adaptive detector's, which compares each frame's change with that of its neighbours, so
    that a pan is no cut. Memory stays the same however long a shot is.
    """
    shortest = max(1, round(SHORTEST * fps))
    detector = AdaptiveDetector(min_scene_len=shortest)
    running: _Running | None = None
    last: Frame | None = None
    for frame in frames:
        running = running or _Running(frame)
        running.add(frame)
        for cut in detector.process_frame(FrameTimecode(frame.index, fps), frame.small):
            done, running = running.split(cut.frame_num)
            if done is not None:
                yield done.shot(running.start, running.first, samples)
        last = frame
    if running is not None and last is not None:
        yield running.shot(last.time + 1.0 / fps, last.index + 1, samples)


class _Running:
    """A shot whose end is not known yet."""

    def __init__(self, frame: Frame) -> None:
        self.first = frame.index
        self.start = frame.time
        self._interval = _INTERVAL
        self._kept: list[Frame] = []
        self._recent: list[Frame] = []  # a cut is found a few frames late, and then these are the next shot's

    def add(self, frame: Frame) -> None:
        self._recent.append(frame)
        if len(self._recent) > 8:
            self._keep(self._recent.pop(0))

    def _keep(self, frame: Frame) -> None:
        if self._kept and frame.time - self._kept[-1].time < self._interval:
            return
        self._kept.append(frame)
        if len(self._kept) > _KEPT:
            del self._kept[1::2]
            self._interval *= 2

    def split(self, cut: int) -> tuple[_Running | None, _Running]:
        """The shot that ended at a frame and the one that began there."""
        before = [frame for frame in self._recent if frame.index < cut]
        after = [frame for frame in self._recent if frame.index >= cut]
        if not after or cut <= self.first:
            return None, self
        following = _Running(after[0])
        following._recent = after
        self._recent = before
        return self, following

    def shot(self, end: float, frame_out: int, samples: int) -> Shot:
        for frame in self._recent:
            self._keep(frame)
        chosen = []
        for i in range(samples):
            moment = self.start + (i + 0.5) / samples * (end - self.start)
            chosen.append(min(self._kept, key=lambda frame: abs(frame.time - moment)).picture)
        return Shot(self.start, end, self.first, frame_out, chosen)
