"""Synthetic footage for the tests of motion: a textured world, seen by a camera that moves as a test says."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from va_widgets.video.motion.features import Motion
from va_widgets.video.motion.meter import MotionMeter

SIZE = (64, 36)
Image = NDArray[np.uint8]


@cache
def world(seed: int = 0) -> Image:
    """Structures of several sizes in colour, uint8 (270, 480, 3)."""
    rng = np.random.default_rng(seed)
    total = np.zeros((270, 480, 3))
    for cells, weight in ((8, 60), (24, 45), (70, 30)):
        noise = rng.normal(0, weight, (cells * 9 // 16, cells, 3)).astype(np.float32)
        total += cv2.resize(noise, (480, 270), interpolation=cv2.INTER_CUBIC)
    return np.clip(total + 128, 0, 255).astype(np.uint8)


def seen(x: float = 0.0, y: float = 0.0, zoom: float = 0.0, roll: float = 0.0, size: tuple[int, int] = SIZE) -> Image:
    """What a camera sees that has moved right by `x` widths, up by `y` heights, in by `zoom`, clockwise by `roll`."""
    width, height = size
    unit = 200 / max(size)  # pixels of the world in a pixel of the picture
    scale = unit * np.exp(-zoom)
    cosine, sine = scale * np.cos(roll), scale * np.sin(roll)
    turned = np.array([[cosine, -sine], [sine, cosine]])
    centre = np.array([240 + x * width * unit, 135 - y * height * unit])
    matrix = np.concatenate([turned, (centre - turned @ [(width - 1) / 2, (height - 1) / 2])[:, None]], axis=1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(world(), matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT), dtype=np.uint8)


def filmed(picture: Callable[[float], Image], seconds: float = 1.5, fps: float = 24.0) -> Motion:
    """The motion of a clip that shows `picture` of each second."""
    meter = MotionMeter()
    for i in range(round(seconds * fps)):
        meter.add(picture(i / fps), i / fps)
    return meter.result(0.0, seconds)
