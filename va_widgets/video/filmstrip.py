"""A filmstrip: the frames of a clip in one image file. Imports no decoder: a session shows filmstrips without one."""

from __future__ import annotations

from dataclasses import dataclass

STRIP_MIME = "image/jpeg"


@dataclass(frozen=True)
class Filmstrip:
    """`frames` pictures of `width` x `height` pixels, side by side in one image file `data`."""

    frames: int
    width: int
    height: int
    mime: str
    data: bytes
