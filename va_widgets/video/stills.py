"""Image files, such as JPEGs, become clips of one frame."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from typing import IO, NamedTuple

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from va_widgets.base.errors import reason_of
from va_widgets.video import large_pictures, picture_kinds
from va_widgets.video.errors import UndecodableError
from va_widgets.video.exif import ORIENTATION, orientation
from va_widgets.video.scaling import fitted_size
from va_widgets.video.shots import Shot

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "AVIF", "GIF", "JPEG2000", "PPM")
_REDUCIBLE = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB")  # of 8 bits, of which means can be taken
_ANIMATED = ("WEBP", "PNG", "GIF", "AVIF")
_JPEG = ("JPEG", "MPO")
_JPEG_END = b"\xff\xd9"
_GREY = 128  # of what a JPEG lacks
_PART = 1 << 22  # pixels that are made smaller at a time, which takes some copies of them


class Still(NamedTuple):
    """A picture as a clip of one frame; `flaw` says what is wrong with it, as a sentence, empty if nothing is."""

    shot: Shot
    flaw: str


def still(file: IO[bytes], side: int) -> Still:
    """Return an image file as a clip of one upright frame, whose shorter side has at most `side` pixels.

    Raises UndecodableError if it is no image, is damaged, or takes too much memory; a JPEG may lack up to half of it.
    """
    if not file.read(1):
        raise UndecodableError("it is empty (0 bytes)")
    file.seek(0)
    flaw = ""
    try:
        with ExitStack() as files:
            opened = files.enter_context(Image.open(file, formats=_known_formats()))
            width, height = opened.size
            if opened.format in _ANIMATED and (number := getattr(opened, "n_frames", 1)) > 1:
                flaw = f"only the first of its {number:,} pictures is shown"
            opened.draft("RGB", (2 * side, 2 * side))  # a JPEG can be decoded smaller, which is faster
            whole = opened
            opened = large_pictures.reduced(whole, file, side)  # type: ignore[assignment]  # perhaps of no file
            if opened is whole:
                large_pictures.check_memory(whole, (width, height))
            # Pillow itself turns a TIFF, and some versions exchange its sides already when it is opened.
            try:
                opened.load()
            except OSError:
                if opened.format not in _JPEG:
                    raise
                opened, flaw = files.enter_context(_completed(file, side)), "its end is missing"
            turn = orientation(opened)
            reduced = _reduced(opened, side)
            upright = _turned(reduced, turn) if turn != 1 else reduced
            if (upright.width > upright.height) != (width > height):
                width, height = height, width
            if upright.has_transparency_data:
                upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright.convert("RGBA"))
            small = upright.convert("RGB").resize(fitted_size(width, height, side), Image.Resampling.LANCZOS)
    except UnidentifiedImageError as error:
        file.seek(0)
        why = picture_kinds.refusal(file.read(picture_kinds.HEAD), reads_avif="AVIF" in _known_formats())
        raise UndecodableError(why or "it is not a picture of a kind that is known here") from error
    except (OSError, ValueError, SyntaxError, RuntimeError, Image.DecompressionBombError) as error:
        # What libavif cannot decode Pillow tells by a RuntimeError.
        raise UndecodableError(f"it is not a picture that can be read ({reason_of(error)})") from error
    return Still(Shot(0.0, 0.0, 0, 1, width, height, [np.asarray(small, dtype=np.uint8)]), flaw)


def _completed(file: IO[bytes], side: int) -> ImageFile.ImageFile:
    """Return a JPEG that breaks off, whose missing rows are grey. Raises OSError if more than half of it is missing."""
    file.seek(0)
    image = Image.open(io.BytesIO(file.read() + _JPEG_END), formats=_JPEG)
    image.draft("RGB", (2 * side, 2 * side))
    image.load()
    rows = np.asarray(image.convert("RGB"), dtype=np.int16)
    present = np.flatnonzero((np.abs(rows - _GREY) > 1).any((1, 2)))
    if not present.size or present[-1] + 1 < len(rows) / 2:
        raise OSError("more than half of it is missing")
    return image


def _reduced(image: Image.Image, side: int) -> Image.Image:
    """Return a large image smaller, but with at least twice `side` pixels on its shorter side, and 8 bits a channel.

    It is made part by part, because a copy of a picture of 180 megapixels, which Pillow allows, takes 700 MB.
    """
    factor, is_deep = max(1, min(image.size) // (2 * side)), _is_deep(image)
    if not is_deep and (factor == 1 or image.mode not in _REDUCIBLE):
        return image
    levels = _levels(image) if image.mode == "F" else (0.0, 0.0)
    if is_deep or image.mode == "1":
        mode = "L"
    else:
        mode = "RGBA" if image.has_transparency_data else "RGB" if image.mode == "P" else image.mode
    reduced = Image.new(mode, (-(-image.width // factor), -(-image.height // factor)))
    for row, part in _parts(image, factor):
        reduced.paste((_shallow(part, levels) if is_deep else part.convert(mode)).reduce(factor), (0, row))
    return reduced


def _parts(image: Image.Image, factor: int) -> Iterator[tuple[int, Image.Image]]:
    """Yield an image in parts of all its columns, each with its row in the image divided by `factor`."""
    rows = max(1, _PART // (image.width * factor))
    for row in range(0, -(-image.height // factor), rows):
        yield row, image.crop((0, row * factor, image.width, min((row + rows) * factor, image.height)))


def _turned(image: Image.Image, turn: int) -> Image.Image:
    """Return an image as an EXIF orientation says that it is shown."""
    image.getexif()[ORIENTATION] = turn
    return ImageOps.exif_transpose(image)


@cache
def _known_formats() -> list[str]:
    """Return Pillow's names of the formats that are read, as far as the installed Pillow supports them.

    Other formats are not read, because Pillow runs Ghostscript for EPS files, whatever their names are.
    """
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _is_deep(image: Image.Image) -> bool:
    """Return whether an image has 16 bits a pixel, which Pillow may keep in 32, or floats."""
    return image.mode.startswith("I") or image.mode == "F"


def _levels(image: Image.Image) -> tuple[float, float]:
    """Return the least and the greatest of an image's finite floats, whose unit is unknown; 0 if it has none."""
    low, high = np.inf, -np.inf
    for _, part in _parts(image, 1):
        values = np.asarray(part, dtype=np.float32)
        low = min(low, float(values.min(initial=np.inf, where=np.isfinite(values))))
        high = max(high, float(values.max(initial=-np.inf, where=np.isfinite(values))))
    return (low, high) if low <= high else (0.0, 0.0)


def _shallow(image: Image.Image, levels: tuple[float, float]) -> Image.Image:
    """Return a deep image with 8 bits a pixel; of floats `levels` become 0 and 255."""
    if image.mode != "F":
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    low, high = levels
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), nan=low, posinf=high, neginf=low)
    return Image.fromarray(((values - low) * (255 / max(high - low, 1e-30))).astype(np.uint8))
