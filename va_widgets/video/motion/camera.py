"""The camera's move between two frames, and what moves against it.

A phase correlation of the whole picture says roughly how far it has shifted; from there sparse optical flow tracks a
grid of points; and RANSAC fits the similarity (shift, scale, rotation) that most of them follow: the camera's. Points
that do not follow it are on what moves by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from va_widgets.video.motion.grey import LEAST_SIDE, alike, is_plain, unexplained, without_bars
from va_widgets.video.motion.pair import PairMotion
from va_widgets.video.motion.similarity import Similarity
from va_widgets.video.motion.tracks import FOLLOWS, Tracks, most_followed, picture_shift, tracked

_UNSURE, _SURE = 0.2, 0.45  # shares of points following a move: it counts not at all up to one, fully from the other
_STILL = 0.15  # pixels against the camera's move that are an error of measurement
_LONGEST = 0.3  # picture sides; a point that moves more against the camera was lost


@dataclass(frozen=True)
class MeasuredPair:
    """What was measured between two frames.

    `move` is how the camera moved the picture, without bars of `size` (width, height), as far as is `certain`, from 0
    to 1. The `tracks` follow `followed`, or are on what moves by itself. `change` is as in PairMotion.
    """

    size: tuple[int, int]
    tracks: Tracks
    followed: Similarity
    move: Similarity
    certain: float
    change: float

    @classmethod
    def at_rest(cls, size: tuple[int, int]) -> MeasuredPair:
        """Return what is measured between two equal frames."""
        nothing = np.empty((0, 2), dtype=np.float32)
        return cls(size, Tracks(nothing, nothing), Similarity(), Similarity(), 1.0, 0.0)

    @property
    def motion(self) -> PairMotion:
        """The same in shares of the picture."""
        camera = self.move.part(self.certain).camera(self.size)
        return PairMotion(certainty=self.certain, change=self.change, **camera, **self._subject())

    def _subject(self) -> dict[str, float]:
        """Return what moves against the camera's move, as fields of PairMotion."""
        points, moves = self.tracks
        if not len(points):
            return {}
        against = moves - self.followed.moves(points, self.size)
        distance = np.hypot(against[:, 0], against[:, 1])
        speed = np.hypot(*(against / self.size).T) * np.maximum(0.0, 1 - _STILL / np.maximum(distance, 1e-6))
        moving = (distance > FOLLOWS) & (speed < _LONGEST)
        speed[speed >= _LONGEST] = 0.0
        if not moving.any():
            return {"subject": float(speed.mean())}
        place = points[moving].mean(axis=0) / self.size - 0.5
        move = (against[moving] / self.size).mean(axis=0)
        return {
            "subject": float(speed.mean()),
            "moving": float(moving.mean()),
            "x": float(place[0]),
            "y": float(place[1]),
            "right": float(move[0]),
            "down": float(move[1]),
        }


def pair_motion(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> PairMotion:
    """Return what moved between two grey frames, uint8 (height, width), of equal size.

    Black bars at the sides are cut off first. Pictures without texture, too small, or too different give zeros.
    """
    pair = measured_pair(before, after)
    return pair.motion if pair is not None else PairMotion()


def measured_pair(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> MeasuredPair | None:
    """Return what moved between two grey frames, uint8 (height, width), of equal size; None if nothing can be seen."""
    before, after = without_bars(before, after)
    size = before.shape[1], before.shape[0]
    if min(size) < LEAST_SIDE or is_plain(before) or is_plain(after):
        return None
    first, second, contrast = alike(before, after)
    shift, clearness = picture_shift(first, second)
    tracks = tracked(first, second, shift)
    followed, share = most_followed(tracks, size)
    if any(shift) and share < _SURE:
        others = tracked(first, second, (0.0, 0.0))
        other, other_share = most_followed(others, size)
        if other_share > share:
            tracks, followed, share = others, other, other_share
    change = float(cv2.mean(unexplained(first, second, followed.matrix(size)))[0]) / contrast
    certain = certainty(share)
    # In a very fast move points are lost, but the picture's shift may still be clear.
    rest = (1 - certain) * clearness
    if not rest:
        return MeasuredPair(size, tracks, followed, followed, certain, change)
    mixed = (certain * followed.shift + rest * complex(*shift)) / (certain + rest)
    move = Similarity(followed.part(certain / (certain + rest)).turn, mixed)
    return MeasuredPair(size, tracks, followed, move, certain + rest, change)


def certainty(share: float) -> float:
    """Return how much a move counts, 0 to 1, that a share of the points follows."""
    return min(1.0, max(0.0, (share - _UNSURE) / (_SURE - _UNSURE)))
