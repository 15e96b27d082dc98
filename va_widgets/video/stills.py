"""Image files, such as JPEGs, become clips of one frame."""

from __future__ import annotations

from functools import cache
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from va_widgets.base.errors import reason_of
from va_widgets.video.errors import UndecodableError
from va_widgets.video.scaling import fitted_size
from va_widgets.video.shots import Shot

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "AVIF", "GIF", "JPEG2000", "PPM")


def still(file: IO[bytes], side: int) -> Shot:
    """Return an image file as a clip of one upright frame, whose shorter side has at most `side` pixels.

    Raises UndecodableError if it is no image, or is damaged.
    """
    if not file.read(1):
        raise UndecodableError("it is empty (0 bytes)")
    file.seek(0)
    try:
        with Image.open(file, formats=_known_formats()) as opened:
            width, height = opened.size
            opened.draft("RGB", (2 * side, 2 * side))  # a JPEG can be decoded smaller, which is faster
            # Pillow itself turns a TIFF, and some versions exchange its sides already when it is opened.
            upright = ImageOps.exif_transpose(opened)
            if (upright.width > upright.height) != (width > height):
                width, height = height, width
            if upright.mode.startswith("I"):  # 16 bits a pixel
                upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
            elif upright.mode == "F":
                upright = _stretched(upright)
            elif upright.has_transparency_data:
                upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright.convert("RGBA"))
            small = upright.convert("RGB").resize(fitted_size(width, height, side), Image.Resampling.LANCZOS)
    except UnidentifiedImageError as error:
        raise UndecodableError("it is not a picture of a kind that is known here") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UndecodableError(f"it is not a picture that can be read ({reason_of(error)})") from error
    return Shot(0.0, 0.0, 0, 1, width, height, [np.asarray(small, dtype=np.uint8)])


@cache
def _known_formats() -> list[str]:
    """Return Pillow's names of the formats that are read, as far as the installed Pillow supports them.

    Other formats are not read, because Pillow runs Ghostscript for EPS files, whatever their names are.
    """
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _stretched(image: Image.Image) -> Image.Image:
    """Return an image of floats, whose unit is unknown, with its values scaled to 0 … 255."""
    values = np.asarray(image, dtype=np.float32)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    levels = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) * (255 / max(high - low, 1e-30))
    return Image.fromarray(levels.astype(np.uint8))
