"""Large pictures of kinds that Pillow decodes as a whole, decoded smaller, in much less time and memory.

For a picture of 177 megapixels Pillow takes 3.3 GB as JPEG 2000, 2.8 GB as WebP and 1.6 GB as AVIF. Those that take too
much in any way are refused: several are decoded at a time, and where memory runs out the system ends any process.
"""

from __future__ import annotations

from typing import IO, Any

import av
from av.video.reformatter import Colorspace
from PIL import Image

from va_widgets.video.container import open_container
from va_widgets.video.errors import UndecodableError
from va_widgets.video.exif import ORIENTATION, orientation

_LARGE = 1 << 24  # pixels, for which Pillow needs 270 MB
_COARSEST = 64  # times that FFmpeg makes a side smaller; its filters have at most 256 pixels
_MOST_MEMORY = 1e9  # bytes
_UNSPECIFIED = 2  # what a frame says of its colours where the file says nothing


def reduced(image: Image.Image, file: IO[bytes], side: int) -> Image.Image:
    """Return a picture that is open, but not decoded, smaller, with at least twice `side` pixels on its shorter side.

    `image` itself is returned if it is of another kind, not large or animated, or if it cannot be decoded smaller.
    """
    width, height = image.size
    factor = min(_COARSEST, min(width, height) // (2 * side))
    if getattr(image, "n_frames", 1) > 1 or width * height < _LARGE or factor < 2:
        return image
    place = file.tell()
    smaller: Image.Image | None = None
    if image.format == "JPEG2000":
        smaller = _by_levels(file, factor)
    elif image.format == "WEBP" or (image.format == "AVIF" and image.mode == "RGB"):  # FFmpeg leaves AVIF's alpha out
        smaller = _by_ffmpeg(file, image.size, factor)
    if smaller is None:
        file.seek(place)
        return image
    smaller.getexif()[ORIENTATION] = orientation(image)
    return smaller


def check_memory(image: Image.Image, size: tuple[int, int]) -> None:
    """Raise UndecodableError if a picture that is open, but not decoded, takes more than 1 GB of memory to decode.

    `size` are its columns and rows, which for a JPEG are less in `image` if it is decoded smaller.
    """
    bands = len(image.getbands())
    a_pixel: float
    if image.format in ("JPEG", "MPO"):
        a_pixel = _coefficients(image) if "progressive" in image.info else 0.0
    else:
        a_pixel = {"JPEG2000": 4 + 5 * bands, "WEBP": 16, "AVIF": 12}.get(image.format or "", 0)
    pixels = size[0] * size[1]
    if a_pixel * pixels > _MOST_MEMORY:
        raise UndecodableError(
            f"decoding its {pixels / 1e6:.0f} megapixels takes more than 1 GB of memory: save it smaller, or as a JPEG"
            " that is not progressive"
        )


def _coefficients(image: Any) -> float:
    """Return the bytes a pixel of a JPEG's coefficients, all of which a progressive one needs until its last scan."""
    samplings = [(across, down) for _, across, down, _ in image.layer]
    finest = max(across for across, _ in samplings) * max(down for _, down in samplings)
    return 2 * sum(across * down for across, down in samplings) / finest


def _by_levels(file: IO[bytes], factor: int) -> Image.Image | None:
    """Return a JPEG 2000 of which the finest levels are not decoded, each of which doubles its sides.

    How many levels there are is not known before. Besides, Pillow refuses more than one of them for sides which it
    rounds in another way than OpenJPEG does, such as 777.
    """
    for levels in range(factor.bit_length() - 1, 0, -1):
        file.seek(0)
        image: Any = Image.open(file, formats=("JPEG2000",))
        image.reduce = levels
        try:
            image.load()
        except OSError:
            continue
        decoded: Image.Image = image
        return decoded
    return None


def _by_ffmpeg(file: IO[bytes], size: tuple[int, int], factor: int) -> Image.Image | None:
    """Return a WebP or AVIF, decoded by FFmpeg."""
    width, height = size
    try:
        file.seek(0)
        with open_container(file) as container:
            stream = container.streams.video[0]
            stream.thread_count = 1  # each thread of a decoder of AV1 has a picture of its own
            frame = next(container.decode(stream))
            if (frame.width, frame.height) != size:  # of an AVIF that is made of tiles it is one
                return None
            # Of the lossy WebP, which is BT.601 by its definition, and not as FFmpeg takes large pictures.
            is_untold = frame.format.name.startswith("yuv") and frame.colorspace == _UNSPECIFIED
            space = Colorspace.ITU601 if is_untold else None
            small = frame.reformat(width // factor, height // factor, "rgba", space, interpolation="AREA")
            return Image.fromarray(small.to_ndarray())
    except (av.error.FFmpegError, StopIteration, OSError, ValueError, IndexError):
        return None
