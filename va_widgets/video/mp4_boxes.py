"""The boxes of which MP4 and MOV files are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, NamedTuple

_FIRST = (b"ftyp", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"sidx", b"moof", b"emsg", b"prft", b"moov")
_MOST = 1000  # boxes beside one another


class Box(NamedTuple):
    """A box: its kind, where it begins and where its content does, and its size with its head, all in bytes."""

    kind: bytes
    position: int
    content: int
    size: int

    @property
    def end(self) -> int:
        """Where the next box begins; damaged files may say that this is behind their end."""
        return self.position + self.size


def file_boxes(file: IO[bytes]) -> Iterator[Box]:
    """Yield the outermost boxes of an MP4 or MOV, up to one that reaches to its end; nothing of other files."""
    for box in _boxes(file, 0, None):
        if box.position == 0 and box.kind not in _FIRST:
            return
        yield box


def boxes_in(file: IO[bytes], box: Box) -> Iterator[Box]:
    """Yield the boxes that a box consists of."""
    return _boxes(file, box.content, box.end)


def _boxes(file: IO[bytes], position: int, end: int | None) -> Iterator[Box]:
    for _ in range(_MOST):
        if end is not None and position >= end:
            return
        file.seek(position)
        head = file.read(16)
        if len(head) < 8:
            return
        size, content = int.from_bytes(head[:4], "big"), position + 8
        if size == 1:  # it is too large for 32 bits
            size, content = int.from_bytes(head[8:], "big"), position + 16
        yield Box(head[4:8], position, content, size)
        if size < 8:
            return
        position += size
