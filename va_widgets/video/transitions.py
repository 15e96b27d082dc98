"""Detect cuts, fades and dissolves in frames that are given one at a time."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SHORTEST = 0.4  # seconds; a shot that would be shorter belongs to its neighbour


class TransitionDetector:
    """Finds the first frames of shots, after cuts, dissolves and fades.

    Frames are compared at 32 x 18 pixels. A cut is a change far above its neighbours', after which the picture does not
    come back as it does after a flash. In a dissolve each frame lies on the straight line between a frame before and
    one after, which no moving camera or subject does. A fade passes through black.

    A shot's first frame is reported at most `lookahead` frames after it was given. `fps` is the number of frames given
    a second, `shortest` the seconds that a shot lasts at least.
    """

    _SIZE = (32, 18)
    _CHANGE, _RATIO = 10.0, 3.5  # grey levels of a cut, and how many times its neighbours' change that is
    _CLEAR, _ALIKE = 10.0, 0.8  # a change less clear than that is a jump of the subject if the pictures correlate so
    _SAME = 0.9  # pictures that correlate more than that are of one shot: a frame was only shown twice
    _NEIGHBOURS = 2  # frames on each side of a cut that its change is compared with
    _FLASH = 0.16  # seconds, the longest one
    _STAYS = 0.5  # the share of a cut's change that is still there after a flash's time
    _REACH, _LEAST = 0.25, 4  # seconds, and at least frames, before and after a frame that are looked at for a dissolve
    # Of a dissolve: least change in grey levels, greatest correlation of its ends, greatest distance from the line.
    _FAR, _LIKE, _OFF = 20.0, 0.75, 0.05
    _BLACK, _FLAT = 12.0, 5.0  # greatest mean and deviation of a black picture, in grey levels

    def __init__(self, fps: float, shortest: float = SHORTEST) -> None:
        self._shortest = max(1, round(shortest * fps))
        self._flash = max(2, round(self._FLASH * fps))
        self._reach = max(self._LEAST, self._flash, round(self._REACH * fps))
        self._recent: list[NDArray[np.float32]] = []
        self._changes: list[float] = []  # of each recent picture from the one before it
        self._count = 0
        self._black_from: int | None = None
        self._best: tuple[int, float, int] | None = None  # rank, strength and position of the candidate
        self._cut = 0  # the position of the last transition that was reported
        self._dissolving = -self._shortest  # the last position that looked like a dissolve

    @property
    def lookahead(self) -> int:
        """The most frames that are given after a shot's first one before it is reported."""
        return self._reach + self._shortest + 1

    def process(self, picture: NDArray[np.uint8]) -> list[int]:
        """Take the next frame, uint8 (height, width, 3); returns the positions, from 0, of new shots' first frames."""
        small = cv2.resize(picture, self._SIZE, interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        self._changes.append(_change(small, self._recent[-1]) if self._recent else 0.0)
        self._recent.append(small)
        self._count += 1
        if len(self._recent) > 2 * self._reach + 1:
            del self._recent[0], self._changes[0]
        if self._is_black(small):
            # What looked like a dissolve was the way into a fade, and so is what follows.
            self._dissolving = self._count - 1
            if self._best is not None and self._best[0] == 0:
                self._best = None
        return self._look_at(len(self._recent) - 1 - self._reach) if len(self._recent) > self._reach else []

    def finish(self) -> list[int]:
        """Return the positions of the shots that begin in the last frames."""
        starts: list[int] = []
        for i in range(max(0, len(self._recent) - self._reach), len(self._recent)):
            starts += self._look_at(i)
        return starts + self._settled(self._count + self._shortest)

    def _look_at(self, i: int) -> list[int]:
        position = self._count - len(self._recent) + i
        starts = self._settled(position)
        self._look_for_fade(self._recent[i], position)
        if self._is_cut(i):
            self._note(2, self._changes[i], position)
        elif (far := self._dissolve(i)) > 0:
            if position - self._dissolving > self._shortest or self._best is not None:
                self._note(0, far, position)
            self._dissolving = max(self._dissolving, position)
        return starts

    def _is_cut(self, i: int) -> bool:
        around = [*self._changes[max(1, i - self._NEIGHBOURS) : i], *self._changes[i + 1 : i + 1 + self._NEIGHBOURS]]
        change = self._changes[i]
        usual = sum(around) / max(1, len(around))
        if change < self._CHANGE or not around or change < self._RATIO * usual:
            return False
        alike = _correlation(self._recent[i - 1], self._recent[i])
        if alike > self._SAME or (alike > self._ALIKE and change < self._CLEAR * usual):
            return False
        before = self._recent[max(0, i - 1 - self._flash)]
        after = self._recent[min(len(self._recent) - 1, i + self._flash)]
        stays = min(_change(self._recent[i - 1], after), _change(before, self._recent[i]))
        return stays >= self._STAYS * change

    def _dissolve(self, i: int) -> float:
        """Return how far apart the ends of a dissolve around a picture are, in grey levels; 0 where there is none."""
        first, after = i - self._reach, i + self._reach + 1
        if first < 0 or after > len(self._recent):
            return 0.0
        start, end = self._recent[first], self._recent[after - 1]
        way = end - start
        length = float(way @ way)
        far = (length / len(way)) ** 0.5
        if far < self._FAR:
            return 0.0
        steps = np.stack(self._recent[first:after]) - start
        share = steps @ way / length
        # Half of the way is passed in the middle: otherwise this is one end of something else.
        if abs(int(np.argmax(share >= 0.5)) - self._reach) > 1:
            return 0.0
        off = steps - np.clip(share, 0, 1)[:, None] * way
        if float(np.square(off).sum()) / len(off) > self._OFF * length:
            return 0.0
        if min(float(start.std()), float(end.std())) < self._FLAT:
            return 0.0
        # The ends of a fade, or of a change of light, are one picture at two levels.
        return far if _correlation(start, end) < self._LIKE else 0.0

    def _look_for_fade(self, small: NDArray[np.float32], position: int) -> None:
        if self._is_black(small):
            if self._black_from is None:
                self._black_from = position
        elif self._black_from is not None:
            if self._black_from > 0:
                self._note(1, 0.0, max((self._black_from + position) // 2, position - self._shortest))
            self._black_from = None

    def _is_black(self, small: NDArray[np.float32]) -> bool:
        return float(small.mean()) < self._BLACK and float(small.std()) < self._FLAT

    def _note(self, rank: int, strength: float, position: int) -> None:
        """Keep a transition unless there is a better candidate."""
        if position - self._cut >= self._shortest:
            self._best = max(self._best or (rank, strength, position), (rank, strength, position))

    def _settled(self, position: int) -> list[int]:
        """Return the candidate's position if a change at `position` would be too far from it to be part of it."""
        if self._best is None or position - self._best[2] < self._shortest:
            return []
        self._cut, self._best = self._best[2], None
        return [self._cut]


def _change(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.abs(a - b).mean())


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the correlation of two pictures, from -1 to 1; 0 if one of them is all of one colour."""
    a, b = a - a.mean(), b - b.mean()
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length > 0 else 0.0
