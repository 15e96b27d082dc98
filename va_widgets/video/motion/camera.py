"""The camera's move between two frames, and what moves against it.

A phase correlation of the whole picture says roughly how far it has shifted; from there sparse optical flow tracks a
grid of points; and RANSAC fits the similarity (shift, scale, rotation) that most of them follow: the camera's. Points
that do not follow it are on what moves by itself.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from va_widgets.video.motion.pair import PairMotion

_LEAST_SIDE = 8  # pixels of a picture's shorter side below which nothing is measured
_CONTRAST = 24.0  # grey levels that a picture's standard deviation is brought to if it is less,
_LEAST_CONTRAST = 2.0  # by a factor that does not grow below this: then it is mostly noise
_ALIKE = 0.95  # a picture's mean, as a share of the brighter one's, below which the light has changed
_LEAST_MEAN = 1.0  # grey levels: a darker picture is not made brighter
_LEAST_SCALE = 0.01  # of one picture to the next
_BAR_LEVEL, _BAR_SPREAD = 36, 3.0  # greatest value and standard deviation of a row of a black bar, in grey levels
_BAR_SHARE = 0.3  # of a picture's side, the widest bar
_STEP = 4  # pixels between the points that are tracked
_WINDOW, _LEVELS = 9, 2  # pixels around a point that are compared, and how often the picture is halved
_TEXTURE = 1e-3  # least eigenvalue, as OpenCV scales it, of a point's surroundings
_LEAST_POINTS = 8
_LEAST_SHIFT, _LEAST_PEAK = 2.0, 0.06  # pixels, and height of the correlation's peak, of a shift to start from
_UNCLEAR, _CLEAR = 0.1, 0.25  # heights of the peak up to which the shift counts not at all, and fully from
_FOLLOWS = 0.5  # pixels by which a point may be off the camera's move and still follow it
_UNSURE, _SURE = 0.2, 0.45  # shares of points following a move: it counts not at all up to one, fully from the other
_STILL = 0.15  # pixels against the camera's move that are an error of measurement
_LONGEST = 0.3  # picture sides; a point that moves more against the camera was lost


def pair_motion(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> PairMotion:
    """Return what moved between two grey frames, uint8 (height, width), of equal size.

    Black bars at the sides are cut off first. Pictures without texture, too small, or too different give zeros.
    """
    before, after = _without_bars(before, after)
    height, width = before.shape
    if min(height, width) < _LEAST_SIDE:
        return PairMotion()
    first, second, contrast = _alike(before, after)
    shift, clearness = _picture_shift(first, second)
    fits = [_fitted(first, second, shift)]
    if any(shift) and fits[0].share < _SURE:
        fits.append(_fitted(first, second, (0.0, 0.0)))
    fit = max(fits, key=lambda fit: fit.share)
    certainty = min(1.0, max(0.0, (fit.share - _UNSURE) / (_SURE - _UNSURE)))
    # In a very fast move points are lost, but the picture's shift may still be clear.
    rest = (1 - certainty) * clearness
    size = np.array([width, height], dtype=np.float32)
    centre = (size - 1) / 2
    right, down = certainty * (fit.matrix[:, :2] @ centre + fit.matrix[:, 2] - centre) + rest * np.array(shift)
    return PairMotion(
        pan=-float(right) / width,
        tilt=float(down) / height,
        zoom=certainty * float(np.log(max(np.hypot(fit.matrix[0, 0], fit.matrix[1, 0]), _LEAST_SCALE))),
        roll=-certainty * float(np.arctan2(fit.matrix[1, 0], fit.matrix[0, 0])),
        certainty=certainty + rest,
        **_subject(fit, size),
        change=_change(first, second, fit.matrix) / contrast,
    )


def _without_bars(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return both pictures without black bars that both have, at the top and bottom, or left and right."""
    both = np.maximum(before, after)
    y, x = _bar(both), _bar(both.T)
    inside = slice(y, both.shape[0] - y), slice(x, both.shape[1] - x)
    return before[inside], after[inside]


def _bar(picture: NDArray[np.uint8]) -> int:
    """Return how many rows two equally wide black bars, at the top and at the bottom, take; 0 where there are none."""
    most = int(_BAR_SHARE * len(picture))
    top, bottom = picture[:most], picture[::-1][:most]
    width = 0
    while width < most and _is_black(top[width]) and _is_black(bottom[width]):
        width += 1
    # A picture that is dark all over has no bars. The row beside a bar is partly black.
    return width + 1 if 0 < width < most else 0


def _is_black(row: NDArray[np.uint8]) -> bool:
    return int(row.max()) <= _BAR_LEVEL and float(row.std()) < _BAR_SPREAD


def _alike(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8], float]:
    """Return both pictures in equal light and with enough contrast, and their contrast in grey levels."""
    (mean_a, spread_a), (mean_b, spread_b) = (_mean_and_spread(picture) for picture in (before, after))
    # A change of light multiplies mean and contrast; a blurred picture has less contrast, which must stay.
    mean = max(mean_a, mean_b)
    gains = [mean / max(own, _LEAST_MEAN) if own < _ALIKE * mean else 1.0 for own in (mean_a, mean_b)]
    spread = max(spread_a * gains[0], spread_b * gains[1])
    gain = _CONTRAST / max(spread, _LEAST_CONTRAST) if spread < _CONTRAST else 1.0
    contrast = max(spread, _LEAST_CONTRAST) * gain  # not 0, as between two pictures of one colour each
    return _amplified(before, mean_a, gains[0], gain), _amplified(after, mean_b, gains[1], gain), contrast


def _mean_and_spread(picture: NDArray[np.uint8]) -> tuple[float, float]:
    mean, spread = cv2.meanStdDev(picture)
    return float(mean[0, 0]), float(spread[0, 0])


def _amplified(picture: NDArray[np.uint8], mean: float, light: float, contrast: float) -> NDArray[np.uint8]:
    """Return a picture times `light`, its contrast times `contrast`; as it is where both are 1."""
    if light == contrast == 1.0:
        return picture
    middle = light * mean if contrast == 1.0 else 128.0
    return np.clip((picture - mean) * (light * contrast) + middle, 0, 255).astype(np.uint8)


def _picture_shift(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> tuple[tuple[float, float], float]:
    """Return how far the whole picture has shifted, x and y in pixels, 0 if not far, and how clear that is, 0 to 1."""
    height, width = first.shape
    (x, y), peak = cv2.phaseCorrelate(first.astype(np.float32), second.astype(np.float32), _taper(width, height))
    if np.hypot(x, y) < _LEAST_SHIFT or peak < _LEAST_PEAK:
        return (0.0, 0.0), 0.0
    return (x, y), min(1.0, max(0.0, (peak - _UNCLEAR) / (_CLEAR - _UNCLEAR)))


class _Fit(NamedTuple):
    """The move, a matrix (2, 3), that the `share` of the `points` follows; `moves` are theirs, float32 (n, 2)."""

    matrix: NDArray[np.float64]
    share: float
    points: NDArray[np.float32]
    moves: NDArray[np.float32]


def _fitted(first: NDArray[np.uint8], second: NDArray[np.uint8], start: tuple[float, float]) -> _Fit:
    """Return the similarity that most points follow, looked for from a shift on; none at all if too few are tracked."""
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
    points, ends = points[kept], ends[kept]
    if len(points) >= _LEAST_POINTS:
        matrix, follow = cv2.estimateAffinePartial2D(points, ends, method=cv2.RANSAC, ransacReprojThreshold=_FOLLOWS)
        if matrix is not None:
            return _Fit(matrix.astype(np.float64), float(follow.mean()), points, ends - points)
    return _Fit(np.eye(2, 3), 0.0, points[:0], points[:0])


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


def _subject(fit: _Fit, size: NDArray[np.float32]) -> dict[str, float]:
    """Return what moves against the camera's move, as fields of PairMotion."""
    if not len(fit.points):
        return {}
    points = fit.points
    against = fit.moves - (points @ fit.matrix[:, :2].T + fit.matrix[:, 2] - points)
    distance = np.hypot(against[:, 0], against[:, 1])
    speed = np.hypot(*(against / size).T) * np.maximum(0.0, 1 - _STILL / np.maximum(distance, 1e-6))
    moving = (distance > _FOLLOWS) & (speed < _LONGEST)
    speed[speed >= _LONGEST] = 0.0
    if not moving.any():
        return {"subject": float(speed.mean())}
    place = points[moving].mean(axis=0) / size - 0.5
    move = (against[moving] / size).mean(axis=0)
    return {
        "subject": float(speed.mean()),
        "moving": float(moving.mean()),
        "x": float(place[0]),
        "y": float(place[1]),
        "right": float(move[0]),
        "down": float(move[1]),
    }


def _change(first: NDArray[np.uint8], second: NDArray[np.uint8], matrix: NDArray[Any]) -> float:
    """Return the grey levels by which the first picture, moved with the camera, differs from the second."""
    height, width = first.shape
    moved = cv2.warpAffine(first, matrix, (width, height), borderMode=cv2.BORDER_TRANSPARENT, dst=second.copy())
    return float(np.abs(moved.astype(np.float32) - second).mean())
