"""Filmstrips: the frames of a clip side by side in one image file.

OpenCV is imported when the first filmstrip is made, because sessions show filmstrips without making any.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.errors import CorpusError, reason_of

if TYPE_CHECKING:
    import PIL.Image

STRIP_MIME = "image/jpeg"
STRIP_WIDTH = 240  # pixels of one frame of a stored filmstrip, at most
_SHAPE = 16 / 9  # of the box that one frame fits into
_QUALITY = 82


@dataclass(frozen=True)
class Filmstrip:
    """`frames` images of `width` x `height` pixels, side by side in one image file `data`."""

    frames: int
    width: int
    height: int
    mime: str
    data: bytes


def filmstrip(pictures: Sequence[NDArray[np.uint8]], box: int = STRIP_WIDTH) -> Filmstrip:
    """Return RGB images (h, w, 3) side by side as a JPEG, of the first one's shape.

    Each fits into 16:9 of `box` pixels in width, and none is enlarged.
    """
    import cv2

    height, width = pictures[0].shape[:2]
    scale = min(box / width, box / _SHAPE / height, 1.0)
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    row: NDArray[Any] = np.hstack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in pictures])
    succeeded, encoded = cv2.imencode(".jpg", row[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not succeeded:
        raise CorpusError(f"A filmstrip of {len(pictures)} pictures of {size[0]}x{size[1]} could not be encoded.")
    return Filmstrip(len(pictures), size[0], size[1], STRIP_MIME, encoded.tobytes())


def stored_strip(data: bytes | None, frames: int) -> Filmstrip | None:
    """Return the filmstrip of so many frames that is stored as a JPEG; None if there is none, or it is damaged."""
    import PIL.Image

    if data is None:
        return None
    try:
        with PIL.Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            width, height = image.size
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError):
        return None
    return None if width % frames else Filmstrip(frames, width // frames, height, STRIP_MIME, data)


def opened_strip(strip: Filmstrip) -> PIL.Image.Image:
    """Open the image of a filmstrip without decoding it. Raises OSError, SyntaxError or ValueError if it is none.

    Its size is compared before it is decoded: a damaged one may claim any number of pixels.
    """
    import PIL.Image

    try:
        image = PIL.Image.open(io.BytesIO(strip.data), formats=("JPEG", "WEBP"))
    except PIL.Image.DecompressionBombError as error:
        raise ValueError(str(error)) from error
    wide, high = strip.width * strip.frames, strip.height
    if image.size != (wide, high):
        raise ValueError(f"it has {image.width}x{image.height} pixels, not {wide}x{high}")
    return image


def frame_of(strip: Filmstrip, index: int) -> NDArray[np.uint8]:
    """Return a frame of a filmstrip in OpenCV's order of colours, uint8 (height, width, 3).

    Raises CorpusError if the filmstrip cannot be decoded.
    """
    import cv2

    damaged = f"A filmstrip of {strip.frames} frames is damaged: copy the corpus again."
    try:
        opened_strip(strip).close()
        row = cv2.imdecode(np.frombuffer(strip.data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except (OSError, SyntaxError, ValueError, cv2.error) as error:
        raise CorpusError(damaged) from error
    if row is None or row.shape[:2] != (strip.height, strip.width * strip.frames):
        raise CorpusError(damaged)
    return np.asarray(row[:, index * strip.width : (index + 1) * strip.width], dtype=np.uint8)


def filmstrip_of_preview(data: bytes, frames: int, box: int) -> Filmstrip:
    """Return a filmstrip of `frames` frames, spread evenly over a preview: the bytes of an MP4 of a few seconds.

    Each fits into 16:9 of `box` pixels in width. Raises CorpusError if the preview is damaged.
    """
    import av

    try:
        with av.open(io.BytesIO(data), "r") as file:
            number = file.streams.video[0].frames
            indices = {int((index + 0.5) * number / frames) for index in range(frames)}
            shown = {
                index: np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
                for index, frame in enumerate(file.decode(video=0))
                if index in indices
            }
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        raise CorpusError(f"The preview of a clip is damaged ({reason_of(error)}).") from error
    if shown.keys() != indices:
        raise CorpusError("The preview of a clip is damaged: pictures are missing.")
    return filmstrip([shown[int((index + 0.5) * number / frames)] for index in range(frames)], box)
