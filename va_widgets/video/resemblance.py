"""How much two pictures of a few pixels differ, and how alike they are."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT = 32, 18
_LEFT, _TOP = 10, 4  # how far the middle of a picture is looked for in another


class SmallPicture:
    """A frame at 32 x 18 pixels, float32 (18, 32, 3), with their mean and standard deviation in grey levels.

    `brightness` is the mean and two deviations, so that a dark picture with lights in it is not as dark as black.
    """

    __slots__ = ("brightness", "deviation", "mean", "pixels")

    def __init__(self, picture: NDArray[np.uint8]) -> None:
        small = cv2.resize(picture, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
        self.pixels = small.astype(np.float32)
        mean, deviation = cv2.meanStdDev(self.pixels.ravel())
        self.mean, self.deviation = float(mean[0, 0]), float(deviation[0, 0])
        self.brightness = self.mean + 2 * self.deviation


def change(a: SmallPicture, b: SmallPicture) -> float:
    """Return the mean difference of two pictures' pixels, in grey levels."""
    return cv2.norm(a.pixels, b.pixels, cv2.NORM_L1) / a.pixels.size


def correlation(a: SmallPicture, b: SmallPicture) -> float:
    """Return the correlation of two pictures, from -1 to 1; 0 if one of them is all of one colour."""
    if min(a.deviation, b.deviation) == 0:
        return 0.0
    product = float((a.pixels - a.mean).ravel() @ (b.pixels - b.mean).ravel())
    return product / (a.deviation * b.deviation * a.pixels.size)


def shifted_correlation(a: SmallPicture, b: SmallPicture) -> float:
    """Return the greatest correlation of one picture's middle with a part of the other, as of a camera that moved."""
    return max(_best_match(a, b), _best_match(b, a))


def _best_match(whole: SmallPicture, part: SmallPicture) -> float:
    middle = part.pixels[_TOP : _HEIGHT - _TOP, _LEFT : _WIDTH - _LEFT]
    return float(cv2.matchTemplate(whole.pixels, middle, cv2.TM_CCOEFF_NORMED).max())
