"""Detect cuts, fades and dissolves in frames that are given one at a time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from va_widgets.video.flashes import is_flash
from va_widgets.video.resemblance import SmallPicture, change, correlation, shifted_correlation

SHORTEST = 0.4  # seconds; a shot that would be shorter belongs to its neighbour,
SHORTEST_BETWEEN_CUTS = 0.15  # unless it lies between two hard cuts; there a shorter one is a flash


class _Kind(IntEnum):
    """The kind of a transition; of two that are too close to each other the higher one counts."""

    DISSOLVE = 0
    FADE = 1
    CUT = 2


@dataclass(frozen=True, order=True)
class _Candidate:
    kind: _Kind
    strength: float
    position: int


class TransitionDetector:
    """Finds the first frames of shots, after cuts, dissolves and fades.

    Frames are compared at 32 x 18 pixels. A cut is a change far above its neighbours', after which the picture does not
    come back as it does after a flash; among much motion, one between pictures that are unlike however the camera may
    have moved. In a dissolve each frame lies on the straight line between a frame before and one after, which no moving
    camera or subject does. A fade passes through black, and ends in another picture. Where all is dim, smaller changes
    count. A longer flash, which lasts less than the shortest shot, is one of light alone (`flashes.py`).

    A shot's first frame is reported at most `lookahead` frames after it was given. `fps` is the number of frames given
    a second, `shortest` the seconds that a shot lasts at least, and `between_cuts` those of one between two hard cuts.
    """

    # Limits in grey levels are lower in a picture that is less bright than the first, and at least that share.
    _BRIGHT, _LEAST_LIGHT = 90.0, 0.2
    _CHANGE, _RATIO = 10.0, 3.5  # grey levels of a cut, and how many times its neighbours' change that is
    # A change so many times its neighbours' may be smaller, or between pictures that are as alike as one shot's.
    _CLEAR, _CLEAR_CHANGE = 10.0, 4.0
    _ALIKE = 0.8  # correlation from which two pictures are of one shot
    _SAME = 0.9  # pictures that correlate more than that are of one shot: a frame was only shown twice
    # Among motion: how many times the change on its busier side a cut is, and the greatest correlation of its pictures,
    # as they are and shifted.
    _BUSY_RATIO, _UNLIKE, _UNLIKE_SHIFTED = 1.5, 0.5, 0.65
    _NEIGHBOURS = 2  # frames on each side of a cut that its change is compared with
    _FLASH = 0.16  # seconds, the longest one whose picture may be any
    _STAYS = 0.5  # the share of a cut's change that is still there after a flash's time
    _REACH, _LEAST = 0.25, 4  # seconds, and at least frames, before and after a frame that are looked at for a dissolve
    # Of a dissolve: least change in grey levels, greatest correlation of its ends, greatest distance from the line.
    _FAR, _LIKE, _LIKE_SHIFTED, _OFF = 20.0, 0.75, 0.9, 0.05
    _BLACK, _FLAT = 12.0, 5.0  # greatest mean and deviation of a black picture, in grey levels,
    _LEAST_BLACK, _LEAST_FLAT = 4.0, 1.5  # and of one that is black in any light
    _CONTRAST = 2.0  # how many times as bright as the black of a fade the pictures around it are

    def __init__(self, fps: float, shortest: float = SHORTEST, between_cuts: float = SHORTEST_BETWEEN_CUTS) -> None:
        self._shortest = max(1, round(shortest * fps))
        self._between_cuts = min(self._shortest, max(self._NEIGHBOURS, round(between_cuts * fps)))
        self._flash = max(2, round(self._FLASH * fps))
        self._reach = max(self._LEAST, self._flash, round(self._REACH * fps))
        self._recent: list[SmallPicture] = []
        # Those that may lie around a flash when a cut is reported.
        self._history: deque[SmallPicture] = deque(maxlen=2 * self._shortest + self._reach + 1)
        self._changes: list[float] = []  # of each recent picture from the one before it
        self._light = 1.0  # the share of limits in grey levels that counts among the recent pictures
        self._count = 0
        self._structured: SmallPicture | None = None  # the last picture that was not all of one colour,
        self._structured_at = 0  # and its position
        self._black_from: int | None = None
        self._darkest = 0.0  # the least brightness since then
        self._best: _Candidate | None = None
        self._last = _Candidate(_Kind.CUT, 0.0, 0)  # the last transition that was reported
        self._dissolving = -self._shortest  # the last position that looked like a dissolve

    @property
    def lookahead(self) -> int:
        """The most frames that are given after a shot's first one before it is reported."""
        return self._reach + self._shortest + 1

    def process(self, picture: NDArray[np.uint8]) -> list[int]:
        """Take the next frame, uint8 (height, width, 3); returns the positions, from 0, of new shots' first frames."""
        small = SmallPicture(picture)
        self._changes.append(change(small, self._recent[-1]) if self._recent else 0.0)
        self._recent.append(small)
        self._history.append(small)
        self._count += 1
        if len(self._recent) > 2 * self._reach + 1:
            del self._recent[0], self._changes[0]
        brightest = max(recent.brightness for recent in self._recent)
        self._light = min(1.0, max(self._LEAST_LIGHT, brightest / self._BRIGHT))
        if self._is_black(small):
            # What looked like a dissolve was the way into a fade, and so is what follows.
            self._dissolving = self._count - 1
            if self._best is not None and self._best.kind == _Kind.DISSOLVE:
                self._best = None
        return self._look_at(len(self._recent) - 1 - self._reach) if len(self._recent) > self._reach else []

    def finish(self) -> list[int]:
        """Return the positions of the shots that begin in the last frames."""
        starts: list[int] = []
        for i in range(max(0, len(self._recent) - self._reach), len(self._recent)):
            starts += self._look_at(i)
        return starts + self._settled(self._count + self._shortest)

    def _look_at(self, i: int) -> list[int]:
        small, position = self._recent[i], self._count - len(self._recent) + i
        starts = self._settled(position)
        self._look_for_fade(small, position)
        if self._comes_back(small, position):
            # The light was out, or blinded the camera: the picture's disappearance was no cut, either.
            if self._best and self._best.kind == _Kind.CUT and self._best.position > self._structured_at:
                self._best = None
        elif self._is_cut(i):
            cut = _Candidate(_Kind.CUT, self._changes[i], position)
            if self._best is not None and position - self._best.position >= self._apart(self._best, cut):
                starts += self._report()
            self._note(cut)
        elif (far := self._dissolve(i)) > 0:
            if position - self._dissolving > self._shortest or self._best is not None:
                self._note(_Candidate(_Kind.DISSOLVE, far, position))
            self._dissolving = max(self._dissolving, position)
        if not self._is_flat(small):
            self._structured, self._structured_at = small, position
        return starts

    def _is_cut(self, i: int) -> bool:
        last, small, changed = self._recent[i - 1], self._recent[i], self._changes[i]
        # Of pictures of one colour each, which correlate with nothing, only a large change counts.
        light = 1.0 if self._is_flat(last) and self._is_flat(small) else self._light
        before = self._changes[max(1, i - self._NEIGHBOURS) : i]
        after = self._changes[i + 1 : i + 1 + self._NEIGHBOURS]
        if changed < self._CLEAR_CHANGE * light or not (before or after):
            return False
        usual = (sum(before) + sum(after)) / (len(before) + len(after))
        busier = max(sum(side) / max(1, len(side)) for side in (before, after))
        is_large, is_clear = changed >= self._CHANGE * light, changed >= self._CLEAR * usual
        stands_out = changed >= self._RATIO * usual
        if not (is_large or is_clear) or not (stands_out or changed >= self._BUSY_RATIO * busier):
            return False
        most = self._SAME if is_large and is_clear else self._ALIKE if stands_out else self._UNLIKE
        if correlation(last, small) > most:
            return False
        most = self._ALIKE if stands_out else self._UNLIKE_SHIFTED
        if not is_clear and shifted_correlation(last, small) > most:  # the camera was pushed
            return False
        earlier = self._recent[max(0, i - 1 - self._flash)]
        later = self._recent[min(len(self._recent) - 1, i + self._flash)]
        return min(change(last, later), change(earlier, small)) >= self._STAYS * changed

    def _comes_back(self, small: SmallPicture, position: int) -> bool:
        """Return whether a picture is that from before a moment in which all was of one colour."""
        flat = position - self._structured_at - 1  # frames of one colour before this one
        if self._structured is None or not 0 < flat < self._shortest or self._is_flat(small):
            return False
        return correlation(self._structured, small) >= self._ALIKE

    def _dissolve(self, i: int) -> float:
        """Return how far apart the ends of a dissolve around a picture are, in grey levels; 0 where there is none."""
        first, after = i - self._reach, i + self._reach + 1
        if first < 0 or after > len(self._recent):
            return 0.0
        start, end = self._recent[first], self._recent[after - 1]
        way = (end.pixels - start.pixels).ravel()
        length = float(way @ way)
        far = (length / len(way)) ** 0.5
        if far < self._FAR * self._light:
            return 0.0
        steps = np.stack([(small.pixels - start.pixels).ravel() for small in self._recent[first:after]])
        share = steps @ way / length
        # Half of the way is passed in the middle: otherwise this is one end of something else.
        if abs(int(np.argmax(share >= 0.5)) - self._reach) > 1:
            return 0.0
        off = steps - np.clip(share, 0, 1)[:, None] * way
        if float(np.square(off).sum()) / len(off) > self._OFF * length:
            return 0.0
        if min(start.deviation, end.deviation) < self._FLAT * self._light:
            return 0.0
        # The ends of a fade, or of a change of light, are one picture at two levels; those of a pan are one shifted.
        is_other = correlation(start, end) < self._LIKE and shifted_correlation(start, end) < self._LIKE_SHIFTED
        return far if is_other else 0.0

    def _look_for_fade(self, small: SmallPicture, position: int) -> None:
        if self._is_black(small):
            if self._black_from is None:
                self._black_from, self._darkest = position, small.brightness
            self._darkest = min(self._darkest, small.brightness)
        elif self._black_from is not None:
            if self._black_from > 0 and self._structured is not None:
                # A light that goes out and comes back shows the same picture again.
                newest = self._recent[-1]
                alike = max(correlation(self._structured, picture) for picture in (small, newest))
                bright = min(self._structured.brightness, newest.brightness)
                if alike < self._SAME and bright > self._CONTRAST * self._darkest:
                    middle = max((self._black_from + position) // 2, position - self._shortest)
                    self._note(_Candidate(_Kind.FADE, 0.0, middle))
            self._black_from = None

    def _is_black(self, small: SmallPicture) -> bool:
        return self._is_flat(small) and small.mean < max(self._LEAST_BLACK, self._BLACK * self._light)

    def _is_flat(self, small: SmallPicture) -> bool:
        """Return whether a picture is all of one colour."""
        return small.deviation < max(self._LEAST_FLAT, self._FLAT * self._light)

    def _apart(self, one: _Candidate, other: _Candidate) -> int:
        """Return how many frames two transitions are apart at least."""
        return self._between_cuts if one.kind == other.kind == _Kind.CUT else self._shortest

    def _note(self, candidate: _Candidate) -> None:
        """Keep a transition unless there is a better candidate."""
        if candidate.position - self._last.position >= self._apart(self._last, candidate):
            self._best = max(self._best or candidate, candidate)

    def _settled(self, position: int) -> list[int]:
        """Return the candidate's position if a change at `position` would be too far from it to be part of it."""
        return self._report() if self._best and position - self._best.position >= self._shortest else []

    def _report(self) -> list[int]:
        assert self._best is not None
        best, self._best = self._best, None
        at = best.position - self._count + len(self._history)
        if best.kind == _Kind.CUT and is_flash(list(self._history), at, self._shortest - 1):
            return []
        self._last = best
        return [best.position]
