"""Shots: where a video is cut into clips, and the pictures that stand for each, in one pass over its frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from va_widgets.video.decode import Frame, Picture, Shot
from va_widgets.video.transitions import TransitionDetector

_CANDIDATES = 4  # pictures that are kept of a running clip for every one that is sampled of it,
_LEAST_CANDIDATES = 32  # but no fewer than this
_INTERVAL = 0.08  # seconds between them at first; doubled whenever there are too many
_LONGEST_STILL = 600.0  # seconds of a frame that are cut into windows; what is longer is a gap


class Transitions:
    """Begins a clip at every cut, fade and dissolve; sees every frame once, in order.

    `fps` are the frames seen a second, `look_back` those by which it may be late.
    """

    def __init__(self, fps: float) -> None:
        self._detector = TransitionDetector(fps)
        self.look_back = self._detector.lookahead
        self._seen = 0
        self._numbers: deque[int] = deque(maxlen=self.look_back + 1)

    def at(self, frame: Frame) -> list[int]:
        """The numbers of the frames that are now known to begin a clip."""
        self._seen += 1
        self._numbers.append(frame.index)
        return self._named(self._detector.process(frame.small()))

    def finish(self) -> list[int]:
        """The numbers of those that are only known at the end."""
        return self._named(self._detector.finish())

    def _named(self, places: Sequence[int]) -> list[int]:
        return [self._numbers[place - self._seen] for place in places]


def shots(frames: Iterable[Frame], cutter: Transitions, samples: int) -> Iterator[Shot]:
    """Cut a stream of frames into clips and sample `samples` pictures, evenly spaced, of each.

    Memory stays the same however long a clip is.
    """
    running: _Running | None = None

    def split(cuts: Sequence[int]) -> Iterator[Shot]:
        nonlocal running
        for cut in cuts:
            assert running is not None
            following = running.split(cut)
            if following is not None:
                yield running.shot(following.start, following.first)
                running = following

    for frame in frames:
        cuts = cutter.at(frame)
        if running is None:
            running = _Running(_seen(frame), samples, cutter.look_back)
        else:
            running.add(frame, wanted=frame.index in cuts)
        yield from split(cuts)
    if running is not None:
        yield from split(cutter.finish())
        yield running.shot()


def windows(frames: Iterable[Frame], seconds: float, samples: int) -> Iterator[Shot]:
    """Cut a stream of frames into clips of so many seconds; the last one ends with the video.

    A frame belongs to the window that it begins in, and to those that it fills at least half of: in a slide show.
    """
    running: _Running | None = None
    number = 0
    for frame in frames:
        first = int((frame.time + 1e-6) / seconds)
        still = frame.end - frame.time <= _LONGEST_STILL
        for window in range(first, max(first, int(frame.end / seconds - 0.5) if still else 0) + 1):
            if running is not None and window == number:
                running.add(frame)
                continue
            if running is not None:
                yield replace(running.shot(), start=number * seconds, end=(number + 1) * seconds)
            running, number = _Running(_seen(frame), samples, 0), window
    if running is not None:
        shot = running.shot()
        yield replace(shot, start=number * seconds, end=min((number + 1) * seconds, shot.end))


def segments(
    frames_from: Callable[[float], Iterable[Frame]], times: Sequence[tuple[float, float]], samples: int
) -> Iterator[tuple[int, Shot]]:
    """The clips that are asked for by (start, end) in seconds, each with its place in `times`.

    `frames_from` gives a video's frames from a moment on; clips are sought one by one. What lies behind the end of the
    video is left out; a clip that begins before it and ends after it ends with the video.
    """
    for place in sorted(range(len(times)), key=lambda place: times[place]):
        start, end = times[place]
        running: _Running | None = None
        for frame in frames_from(start):
            if frame.time >= end - 1e-6:
                break
            if running is None:
                running = _Running(_seen(frame), samples, 0)
            else:
                running.add(frame)
        if running is not None:
            shot = running.shot()
            yield place, replace(shot, start=start, end=min(end, shot.end))


@dataclass(frozen=True)
class _Seen:
    """A frame that has gone by; of most the picture is not kept, as decoded frames are large."""

    index: int
    time: float
    end: float
    size: tuple[int, int]
    picture: Picture | None


def _seen(frame: Frame, wanted: bool = True) -> _Seen:
    return _Seen(frame.index, frame.time, frame.end, frame.shown_size(), frame.picture() if wanted else None)


class _Running:
    """A clip whose end is not known yet."""

    def __init__(self, first: _Seen, samples: int, look_back: int) -> None:
        self.first, self.start = first.index, first.time
        self._samples, self._look_back = samples, look_back
        self._interval = _INTERVAL
        self._kept: list[_Seen] = []
        self._recent = [first]  # a cut may be found late, and then these are the next clip's
        self._pictured = first.time

    def add(self, frame: Frame, wanted: bool = False) -> None:
        """Take the next frame; its picture is kept if it is `wanted`, or none has been for a while."""
        # What may turn out to be the next clip's is not as sparse as what a long clip needs for itself.
        interval = _INTERVAL if self._look_back else self._interval
        wanted = wanted or frame.time - self._pictured >= interval - 1e-6
        if wanted:
            self._pictured = frame.time
        self._recent.append(_seen(frame, wanted))
        while len(self._recent) > self._look_back + 1:
            self._keep(self._recent.pop(0))

    def _keep(self, seen: _Seen) -> None:
        if seen.picture is None or (self._kept and seen.time - self._kept[-1].time < self._interval - 1e-6):
            return
        self._kept.append(seen)
        if len(self._kept) > max(_LEAST_CANDIDATES, _CANDIDATES * self._samples):
            del self._kept[1::2]
            self._interval *= 2

    def split(self, cut: int) -> _Running | None:
        """The clip that begins at a frame, which takes what is its own from this one.

        None if it would be this one, or if there would not be a picture of both: dozens of frames at one moment.
        """
        before = [seen for seen in self._recent if seen.index < cut]
        after = self._recent[len(before) :]
        pictured = [seen.time for seen in after if seen.picture is not None]
        if cut <= self.first or not pictured or not (self._kept or any(seen.picture is not None for seen in before)):
            return None
        self._recent = before
        following = _Running(after[0], self._samples, self._look_back)
        following._recent = after
        following._pictured = pictured[-1]
        return following

    def shot(self, end: float | None = None, frame_out: int | None = None) -> Shot:
        """The clip, which ends at `end` seconds, before the frame `frame_out`, or with its last frame."""
        last = self._recent[-1] if self._recent else self._kept[-1]
        for seen in self._recent:
            self._keep(seen)
        end = last.end if end is None else end
        moments = [self.start + (i + 0.5) / self._samples * (end - self.start) for i in range(self._samples)]
        chosen = [min(self._kept, key=lambda kept: abs(kept.time - moment)) for moment in moments]
        pictures = [seen.picture for seen in chosen if seen.picture is not None]
        frame_out = last.index + 1 if frame_out is None else frame_out
        return Shot(self.start, end, self.first, frame_out, *self._kept[0].size, pictures)
