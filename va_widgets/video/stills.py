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
_ORIENTATION = 0x0112  # the EXIF tag
_REDUCIBLE = ("L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")  # of 8 bits, of which means can be taken
_BAND = 16  # rows of a reduced image that are made at a time


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
            opened.load()
            is_turned = opened.getexif().get(_ORIENTATION, 1) != 1
            upright = ImageOps.exif_transpose(opened) if is_turned else _reduced(opened, side)
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


def _reduced(image: Image.Image, side: int) -> Image.Image:
    """Return a large image smaller, but with at least twice `side` pixels on its shorter side.

    It is made part by part, because a copy of a picture of 180 megapixels, which Pillow allows, takes 700 MB.
    """
    factor = min(image.size) // (2 * side)
    if factor < 2 or image.mode not in _REDUCIBLE:
        return image
    mode = "RGBA" if image.has_transparency_data else "RGB" if image.mode == "P" else image.mode
    reduced = Image.new(mode, (-(-image.width // factor), -(-image.height // factor)))
    for row in range(0, reduced.height, _BAND):
        top, bottom = row * factor, min((row + _BAND) * factor, image.height)
        reduced.paste(image.crop((0, top, image.width, bottom)).convert(mode).reduce(factor), (0, row))
    return reduced


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
