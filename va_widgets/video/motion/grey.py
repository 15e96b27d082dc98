"""Grey pictures are made comparable, and compared."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

LEAST_SIDE = 8  # pixels of a picture's shorter side below which nothing is measured
_CONTRAST = 24.0  # grey levels that a picture's standard deviation is brought to if it is less,
_LEAST_CONTRAST = 2.0  # by a factor that does not grow below this: then it is mostly noise
_LEAST_SPREAD = 0.5  # grey levels, the standard deviation of a picture that is not of one colour
_ALIKE = 0.95  # a picture's mean, as a share of the brighter one's, below which the light has changed
_LEAST_MEAN = 1.0  # grey levels: a darker picture is not made brighter
_BAR_LEVEL, _BAR_SPREAD = 36, 3.0  # greatest value and standard deviation of a row of a black bar, in grey levels
_BAR_SHARE = 0.3  # of a picture's side, the widest bar


def without_bars(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
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


def alike(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8], float]:
    """Return both pictures in equal light and with enough contrast, and their contrast in grey levels."""
    (mean_a, spread_a), (mean_b, spread_b) = (_mean_and_spread(picture) for picture in (before, after))
    # A change of light multiplies mean and contrast; a blurred picture has less contrast, which must stay.
    mean = max(mean_a, mean_b)
    gains = [mean / max(own, _LEAST_MEAN) if own < _ALIKE * mean else 1.0 for own in (mean_a, mean_b)]
    spread = max(spread_a * gains[0], spread_b * gains[1])
    gain = _CONTRAST / max(spread, _LEAST_CONTRAST) if spread < _CONTRAST else 1.0
    contrast = max(spread, _LEAST_CONTRAST) * gain  # not 0, as between two pictures of one colour each
    return _amplified(before, mean_a, gains[0], gain), _amplified(after, mean_b, gains[1], gain), contrast


def is_plain(picture: NDArray[np.uint8]) -> bool:
    """Return whether a picture is of one colour, so that nothing can be seen to move from it or to it."""
    return _mean_and_spread(picture)[1] < _LEAST_SPREAD


def _mean_and_spread(picture: NDArray[np.uint8]) -> tuple[float, float]:
    mean, spread = cv2.meanStdDev(picture)
    return float(mean[0, 0]), float(spread[0, 0])


def _amplified(picture: NDArray[np.uint8], mean: float, light: float, contrast: float) -> NDArray[np.uint8]:
    """Return a picture times `light`, its contrast times `contrast`; as it is where both are 1."""
    if light == contrast == 1.0:
        return picture
    middle = light * mean if contrast == 1.0 else 128.0
    return np.clip((picture - mean) * (light * contrast) + middle, 0, 255).astype(np.uint8)


def unexplained(first: NDArray[np.uint8], second: NDArray[np.uint8], matrix: NDArray[Any]) -> NDArray[np.uint8]:
    """Return by how much the pixels of the first picture, moved, differ from the second, uint8; 0 where it has none."""
    size = second.shape[1], second.shape[0]
    moved = cv2.warpAffine(first, matrix, size, borderMode=cv2.BORDER_TRANSPARENT, dst=second.copy())
    return cv2.absdiff(moved, second).astype(np.uint8, copy=False)
