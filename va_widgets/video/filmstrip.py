"""Filmstrips: the frames of a clip side by side in one image file.

OpenCV is imported when the first filmstrip is made, because sessions show filmstrips without making any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.errors import CorpusError

STRIP_MIME = "image/jpeg"
_FRAME_WIDTH, _FRAME_HEIGHT = 240, 135  # pixels that one frame fits into
_QUALITY = 82


@dataclass(frozen=True)
class Filmstrip:
    """`frames` images of `width` x `height` pixels, side by side in one image file `data`."""

    frames: int
    width: int
    height: int
    mime: str
    data: bytes


def filmstrip(pictures: Sequence[NDArray[np.uint8]]) -> Filmstrip:
    """Return RGB images (h, w, 3) side by side as a JPEG, each at most 240 x 135 and of the first one's shape."""
    import cv2

    height, width = pictures[0].shape[:2]
    scale = min(_FRAME_WIDTH / width, _FRAME_HEIGHT / height, 1.0)
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    row: NDArray[Any] = np.hstack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in pictures])
    succeeded, encoded = cv2.imencode(".jpg", row[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not succeeded:
        raise CorpusError(f"A filmstrip of {len(pictures)} pictures of {size[0]}x{size[1]} could not be encoded.")
    return Filmstrip(len(pictures), size[0], size[1], STRIP_MIME, encoded.tobytes())
