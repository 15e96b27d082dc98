"""A grid of points is tracked from one grey picture to another, and the move found that most of them follow."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from va_widgets.video.motion.similarity import Similarity

_STEP = 4  # pixels between the points that are tracked
_WINDOW, _LEVELS = 9, 2  # pixels around a point that are compared, and how often the picture is halved
_TEXTURE = 1e-3  # least eigenvalue, as OpenCV scales it, of a point's surroundings
_LEAST_POINTS = 8
_LEAST_SHIFT, _LEAST_PEAK = 2.0, 0.06  # pixels, and height of the correlation's peak, of a shift to start from
_UNCLEAR, _CLEAR = 0.1, 0.25  # heights of the peak up to which the shift counts not at all, and fully from
FOLLOWS = 0.5  # pixels by which a point may be off the camera's move and still follow it
# Pixels by which points near rest are usually off their move, in each step of finding it exactly.
_EXACT = (0.2, 0.12, 0.08, 0.08)


class Tracks(NamedTuple):
    """Points of a picture, float32 (n, 2) in pixels, and their moves to the next one, float32 (n, 2)."""

    points: NDArray[np.float32]
    moves: NDArray[np.float32]


def tracked(first: NDArray[np.uint8], second: NDArray[np.uint8], start: tuple[float, float]) -> Tracks:
    """Return the points that are found again, looked for from a shift on."""
    height, width = first.shape
    points = _grid(width, height)
    ends, found, _ = cv2.calcOpticalFlowPyrLK(
        first,
        second,
        points,
        points + np.array(start, dtype=np.float32),
        winSize=(_WINDOW, _WINDOW),
        maxLevel=_LEVELS,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        minEigThreshold=_TEXTURE,
    )
    inside = ((ends >= 0) & (ends <= np.array([width - 1, height - 1]))).all(axis=1)
    kept = inside & (found.ravel() > 0)
    return Tracks(points[kept], (ends - points)[kept])


def most_followed(tracks: Tracks, size: tuple[int, int]) -> tuple[Similarity, float]:
    """Return the similarity that most points follow, and the share that does; none at all of too few points."""
    if len(tracks.points) >= _LEAST_POINTS:
        ends = tracks.points + tracks.moves
        matrix, follow = cv2.estimateAffinePartial2D(
            tracks.points, ends, method=cv2.RANSAC, ransacReprojThreshold=FOLLOWS
        )
        if matrix is not None:
            return Similarity.of(matrix.astype(np.float64), size), float(follow.mean())
    return Similarity(), 0.0


def near_rest(tracks: Tracks, size: tuple[int, int]) -> Similarity:
    """Return the similarity that points near rest follow.

    It is the mode next to rest, found by least squares with weights that fall with the distance from the move of the
    step before.
    """
    centre = (np.array(size) - 1) / 2
    places, moves = (pairs.astype(np.float64) @ np.array([1, 1j]) for pairs in (tracks.points - centre, tracks.moves))
    shift = slope = 0j
    for exact in _EXACT:
        off = np.abs(moves - (shift + slope * places))
        weights = np.exp(-0.5 * np.square(off / exact))
        total = weights.sum() + 1e-9
        place, move = weights @ places / total, weights @ moves / total
        centred = places - place
        spread = weights @ np.square(np.abs(centred)) + 1e-9
        slope = complex(weights @ (centred.conj() * (moves - move)) / spread)
        shift = complex(move - slope * place)
    return Similarity(1 + slope, shift)


def picture_shift(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> tuple[tuple[float, float], float]:
    """Return how far the whole picture has shifted, x and y in pixels, 0 if not far, and how clear that is, 0 to 1."""
    height, width = first.shape
    (x, y), peak = cv2.phaseCorrelate(first.astype(np.float32), second.astype(np.float32), _taper(width, height))
    if np.hypot(x, y) < _LEAST_SHIFT or peak < _LEAST_PEAK:
        return (0.0, 0.0), 0.0
    return (x, y), min(1.0, max(0.0, (peak - _UNCLEAR) / (_CLEAR - _UNCLEAR)))


@cache
def _grid(width: int, height: int) -> NDArray[np.float32]:
    """Return points all over a picture, float32 (n, 2)."""
    # Whole pixels: OpenCV would have to interpolate between pixels, and moves would seem smaller.
    x = np.arange((width - 1) % _STEP // 2, width, _STEP)
    y = np.arange((height - 1) % _STEP // 2, height, _STEP)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)


@cache
def _taper(width: int, height: int) -> NDArray[np.float32]:
    """Return weights that fall to 0 at a picture's edges, which would disturb a phase correlation."""
    return cv2.createHanningWindow((width, height), cv2.CV_32F).astype(np.float32, copy=False)
