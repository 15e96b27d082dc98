"""Whether what seemed to be the camera's move in several pairs of frames explains the picture.

Water, snow and people in front of a camera at rest may have a move from one frame to the next that most points follow.
But it does not add up: after a second, or as soon as the picture should have moved by a pixel, the first picture moved
by all of it is no nearer to the last one than as it was. A camera's move explains it, wherever nothing else moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from va_widgets.video.motion.camera import MeasuredPair, certainty
from va_widgets.video.motion.grey import LEAST_SIDE, alike, unexplained, without_bars
from va_widgets.video.motion.pair import PairMotion
from va_widgets.video.motion.similarity import Similarity
from va_widgets.video.motion.tracks import near_rest, tracked

_FAR, _LONG = 1.0, 1.0  # pixels that the picture should have moved by, and seconds, after which pairs are checked;
_FEWEST = 2  # snow seems to fall at one speed from one frame to the next
_NEAR = 0.5  # pixels that it should have moved by then, for what rests to be told from what moves,
_TOLD = 0.9  # and for what the move does not explain to speak against it
_LOST = 0.3  # certainty below which a pair is checked by itself
_AREA = 7  # pixels around each that are compared together
_BETTER = 0.5  # of what one move leaves unexplained, what a much better one does
_SEEN = 3.0  # grey levels below which nothing is told apart
_EXPLAINED = 0.1  # of the picture, which a camera's move explains at least
_AT_REST, _AGAINST = 0.1, 0.5  # of the picture, and of what the move explains, which speaks against it if it rests
_WIDE = 0.8  # and if its distance from the middle, to the side, is at least this share of all pixels'
_FOLLOWS = 0.2  # pixels by which a point may be off the move of what is near rest


@dataclass(frozen=True)
class Pair:
    """Two grey frames with their times in seconds, and what was measured between them."""

    start: float
    end: float
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    measured: MeasuredPair | None


def is_lost(pair: Pair) -> bool:
    """Return whether the camera's move is not known, as at a cut: such a pair is not checked with those before."""
    return pair.measured is None or pair.measured.certain < _LOST


def is_complete(pairs: Sequence[Pair]) -> bool:
    """Return whether pairs that follow each other, one at least, are enough to be checked together."""
    height, width = pairs[0].before.shape
    if is_lost(pairs[-1]) or pairs[-1].end - pairs[0].start >= _LONG:
        return True
    return len(pairs) >= _FEWEST and _path(pairs).distance((width, height)) >= _FAR


def checked(pairs: Sequence[Pair]) -> list[PairMotion]:
    """Return the motion of pairs that follow each other, near rest where the picture speaks against their move."""
    measured = [pair.measured for pair in pairs]
    rest = _rest_instead(pairs) if pairs else None
    if rest is not None:
        move, certain = rest
        length = pairs[-1].end - pairs[0].start
        parts = [move.part((pair.end - pair.start) / length) for pair in pairs]
        measured = [
            one and replace(one, followed=part, move=part, certain=certain)
            for one, part in zip(measured, parts, strict=True)
        ]
    return [PairMotion() if one is None else one.motion for one in measured]


def _path(pairs: Sequence[Pair]) -> Similarity:
    """Return what the moves of pairs that follow each other add up to."""
    total = Similarity()
    for pair in pairs:
        if pair.measured is not None and pair.measured.certain:
            total = pair.measured.move.after(total)
    return total


def _rest_instead(pairs: Sequence[Pair]) -> tuple[Similarity, float] | None:
    """Return the move of what is near rest, and its certainty; None if the picture bears out that the camera moves."""
    path = _path(pairs)
    before, after = without_bars(pairs[0].before, pairs[-1].after)
    size = before.shape[1], before.shape[0]
    distance = path.distance(size)
    if min(size) < LEAST_SIDE or distance < _NEAR:
        return None
    first, second, _ = alike(before, after)
    by_move, by_rest = (
        cv2.blur(difference.astype(np.float32), (_AREA, _AREA))
        for difference in (unexplained(first, second, path.matrix(size)), cv2.absdiff(first, second))
    )
    moves = (by_move < _BETTER * by_rest) & (by_rest > _SEEN)
    rests = (by_rest < _BETTER * by_move) & (by_move > _SEEN)
    refuted = rests.sum() >= max(_AT_REST * rests.size, _AGAINST * moves.sum()) and _is_wide(rests)
    if not refuted and (distance < _TOLD or moves.mean() >= _EXPLAINED):
        return None
    tracks = tracked(first, second, (0.0, 0.0))
    move = near_rest(tracks, size)
    off = np.hypot(*(tracks.moves - move.moves(tracks.points, size)).T)
    return move, certainty(float((off < _FOLLOWS).mean()) if len(off) else 0.0)


def _is_wide(area: NDArray[np.bool_]) -> bool:
    """Return whether an area lies towards both sides: what a camera follows rests in the middle."""
    width = area.shape[1]
    sideways = np.square(np.arange(width) - (width - 1) / 2)
    return bool(area.sum(axis=0) @ sideways >= _WIDE**2 * sideways.mean() * area.sum())
