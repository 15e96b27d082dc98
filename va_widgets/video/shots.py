"""Cut a video into clips, and choose the pictures that stand for each, in one pass over its frames.

It can be used alone:

    video = Video(path, path.stat().st_size, small_side=36, picture_side=224)
    for shot in shots(video.frames(), Transitions(video.seen_fps), samples=8):
        print(shot.start, shot.end)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from va_widgets.video.frame import Frame
from va_widgets.video.scaling import Picture
from va_widgets.video.transitions import TransitionDetector

_CANDIDATES = 4  # pictures that are kept of a running clip for every one that is sampled of it,
_LEAST_CANDIDATES = 32  # but no fewer than this
_INTERVAL = 0.08  # seconds between them at first; doubled whenever there are too many
_LONGEST_STILL = 600.0  # seconds of a frame that are cut into windows; what is longer is a gap


@dataclass(frozen=True)
class Shot:
    """A clip of a video: `start` and `end` in seconds, frames `frame_in` up to but without `frame_out`.

    `width` and `height` are the pixels it is shown in; `pictures` are RGB, sampled of it, of any size.
    """

    start: float
    end: float
    frame_in: int
    frame_out: int
    width: int
    height: int
    pictures: list[Picture]


class Transitions:
    """Finds the frames that begin a clip, at every cut, fade and dissolve, from frames given in order.

    `fps` is the number of frames given a second. A frame is reported at most `look_back` frames after it was given.
    """

    def __init__(self, fps: float) -> None:
        self._detector = TransitionDetector(fps)
        self.look_back = self._detector.lookahead
        self._count = 0
        self._numbers: deque[int] = deque(maxlen=self.look_back + 1)

    def process(self, frame: Frame) -> list[int]:
        """Take the next frame; returns the numbers of the frames that are now known to begin a clip."""
        self._count += 1
        self._numbers.append(frame.index)
        return self._frame_numbers(self._detector.process(frame.small()))

    def finish(self) -> list[int]:
        """Return the numbers of the frames that begin a clip and that are only known at the end."""
        return self._frame_numbers(self._detector.finish())

    def _frame_numbers(self, positions: Sequence[int]) -> list[int]:
        return [self._numbers[position - self._count] for position in positions]


def shots(frames: Iterable[Frame], cutter: Transitions, samples: int) -> Iterator[Shot]:
    """Yield the shots of a stream of frames, with `samples` evenly spaced pictures of each.

    Needs the same memory however long a shot is.
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
        cuts = cutter.process(frame)
        if running is None:
            running = _Running(_seen(frame), samples, cutter.look_back)
        else:
            running.add(frame, keep=frame.index in cuts)
        yield from split(cuts)
    if running is not None:
        yield from split(cutter.finish())
        yield running.shot()


def windows(frames: Iterable[Frame], seconds: float, samples: int) -> Iterator[Shot]:
    """Yield clips of so many seconds of a stream of frames; the last one ends with the video.

    A frame belongs to the window that it begins in. One that lasts longer, as in a slide show, also belongs to the
    later windows that it fills at least half of.
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
    """Yield the clips from `start` to `end` for each (start, end) of `times` in seconds, with its index in `times`.

    `frames_from` returns a video's frames from a moment on, and is called for each clip. Clips after the end of the
    video are left out; a clip that begins before it and ends after it ends with the video.
    """
    for index in sorted(range(len(times)), key=lambda index: times[index]):
        start, end = times[index]
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
            yield index, replace(shot, start=start, end=min(end, shot.end))


@dataclass(frozen=True)
class _Seen:
    """A frame that was decoded, without its picture in most cases, because decoded frames are large."""

    index: int
    time: float
    end: float
    size: tuple[int, int]
    picture: Picture | None


def _seen(frame: Frame, with_picture: bool = True) -> _Seen:
    picture = frame.picture() if with_picture else None
    return _Seen(frame.index, frame.time, frame.end, frame.shown_size(), picture)


class _Running:
    """A clip whose end is not known yet."""

    def __init__(self, first: _Seen, samples: int, look_back: int) -> None:
        self.first, self.start = first.index, first.time
        self._samples, self._look_back = samples, look_back
        self._interval = _INTERVAL
        self._kept: list[_Seen] = []
        self._recent = [first]  # a cut may be found late, and then these belong to the next clip
        self._last_picture = first.time  # the time of the last frame whose picture was kept

    def add(self, frame: Frame, keep: bool = False) -> None:
        """Take the next frame; its picture is kept if `keep` is true, or none has been kept for an interval."""
        # Frames that may turn out to be the next clip's are kept more densely than a long clip needs them.
        interval = _INTERVAL if self._look_back else self._interval
        keep = keep or frame.time - self._last_picture >= interval - 1e-6
        if keep:
            self._last_picture = frame.time
        self._recent.append(_seen(frame, keep))
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
        """Cut this clip at frame `cut`, and return the clip that begins there with its frames.

        Returns None, and cuts nothing, if `cut` is this clip's first frame, or if one of the two clips would have no
        picture, as where dozens of frames have the same time.
        """
        before = [seen for seen in self._recent if seen.index < cut]
        after = self._recent[len(before) :]
        pictured = [seen.time for seen in after if seen.picture is not None]
        if cut <= self.first or not pictured or not (self._kept or any(seen.picture is not None for seen in before)):
            return None
        self._recent = before
        following = _Running(after[0], self._samples, self._look_back)
        following._recent = after
        following._last_picture = pictured[-1]
        return following

    def shot(self, end: float | None = None, frame_out: int | None = None) -> Shot:
        """Return the clip, which ends at `end` seconds, before the frame `frame_out`, or with its last frame."""
        last = self._recent[-1] if self._recent else self._kept[-1]
        for seen in self._recent:
            self._keep(seen)
        end = last.end if end is None else end
        moments = [self.start + (i + 0.5) / self._samples * (end - self.start) for i in range(self._samples)]
        chosen = [min(self._kept, key=lambda kept: abs(kept.time - moment)) for moment in moments]
        pictures = [seen.picture for seen in chosen if seen.picture is not None]
        frame_out = last.index + 1 if frame_out is None else frame_out
        return Shot(self.start, end, self.first, frame_out, *self._kept[0].size, pictures)
