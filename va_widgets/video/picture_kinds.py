"""Pictures that move, and those that cannot be read, such as a telephone's HEIC: their first bytes tell them."""

from __future__ import annotations

from typing import IO

HEAD = 64  # bytes of a file that tell its kind
HEIC = "it is a HEIC picture, which is not read here: save it as JPEG, PNG or AVIF"
_NO_AVIF = "it is an AVIF picture, which the installed Pillow does not read: install Pillow 11.3 or newer"
_DAMAGED_AVIF = "it is a damaged or truncated AVIF picture"
_PICTURES = frozenset(("heic", "heix", "heim", "heis", "mif1"))
_MOST_CHUNKS = 1000  # of a PNG that are looked through
_AVIF = frozenset(("avif", "avis"))


def is_animated(file: IO[bytes]) -> bool:
    """Return whether an image file, which is read from its beginning, is an animated WebP, AVIF or PNG."""
    file.seek(0)
    head = file.read(HEAD)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _is_animated_png(file)
    return is_webp_or_avif(head)


def is_webp_or_avif(head: bytes) -> bool:
    """Return whether a file that begins with `head` is an animated WebP or AVIF."""
    webp = head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) > 20 and bool(head[20] & 2)
    return webp or head[4:12] == b"ftypavis"


def is_heic(brands: str) -> bool:
    """Return whether a file with these brands, four letters each and the main one first, is a HEIC picture.

    It is built like an MP4 of one of the tiles that the picture is made of, which FFmpeg gives as a video.
    """
    return brands[:4] in _PICTURES and _AVIF.isdisjoint(_split(brands))


def refusal(head: bytes, *, reads_avif: bool) -> str:
    """Return why Pillow could not read a file that begins with `head`; empty if it is neither HEIC nor AVIF.

    `reads_avif` says that the installed Pillow reads AVIF, if it is not damaged.
    """
    if head[4:8] != b"ftyp":
        return ""
    box = head[8 : max(12, int.from_bytes(head[:4], "big"))]
    brands = (box[:4] + box[8:]).decode("latin-1")  # between them is a version
    if is_heic(brands):
        return HEIC
    if _AVIF.isdisjoint(_split(brands)):
        return ""
    return _DAMAGED_AVIF if reads_avif else _NO_AVIF


def _split(brands: str) -> list[str]:
    return [brands[start : start + 4] for start in range(0, len(brands), 4)]


def _is_animated_png(file: IO[bytes]) -> bool:
    """Return whether a PNG has a chunk acTL, which comes before its first picture."""
    position = 8
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        chunk = file.read(8)
        if len(chunk) < 8 or chunk[4:] in (b"IDAT", b"IEND"):
            return False
        if chunk[4:] == b"acTL":
            return True
        position += 12 + int.from_bytes(chunk[:4], "big")
    return False
