"""What a build and its decoder processes send each other through pipes.

Requests go to a process's standard input and messages come from its standard output; each is its length in four bytes,
then msgpack.
"""

from __future__ import annotations

from typing import IO, TypeAlias

import msgspec

TRIES_AGAIN = "the next build tries again"
"""The end of reasons that are not the file's own: a build reads a file again that was left for such a one."""

_LENGTH_BYTES = 4


class Request(msgspec.Struct, tag=True):
    """Decode a video and cut it by `segments` (start, end), into windows of `window` seconds, or into shots.

    `place` is a path as `names.escaped` writes it, or a URL; `samples` the number of pictures of each clip.
    """

    place: str
    size: int
    picture_side: int
    samples: int
    window: float | None = None
    segments: list[tuple[float, float]] | None = None
    threads: int = 1
    allow: list[str] = []  # schemes of URLs that the user trusts beside the usual ones


class PicturesRequest(msgspec.Struct, tag=True):
    """Read image files, each of which is a clip of one frame; paths as `names.escaped` writes them, or URLs."""

    places: list[str]
    picture_side: int
    allow: list[str] = []


class MotionRequest(msgspec.Struct, tag=True):
    """Measure the motion in parts of a video, `spans` (start, end) in seconds; for the others see Request."""

    place: str
    size: int
    spans: list[tuple[float, float]]
    threads: int = 1
    allow: list[str] = []


class Clip(msgspec.Struct, tag=True):
    """A clip: its times, its filmstrip as a JPEG, its pictures, (height, width, bytes of RGB) each, and its motion."""

    place: int  # its index among the request's segments or images, or among the video's clips
    start: float
    end: float
    frame_in: int
    frame_out: int
    strip: bytes
    strip_frames: int
    strip_width: int
    strip_height: int
    width: int
    height: int
    fps: float
    pictures: list[tuple[int, int, bytes]]
    motion: bytes  # see Measured


class Measured(msgspec.Struct, tag=True):
    """The motion in a part of a video: the features of `motion.features.FEATURES` as bytes of float16."""

    place: int  # its index among the request's spans
    motion: bytes


class Moved(msgspec.Struct, tag=True):
    """How much has been decoded: bytes of the file and seconds of video."""

    position: int
    seconds: float


class Spent(msgspec.Struct, tag=True):
    """Seconds that the process was at work on the file, without those in which it waited for the build."""

    seconds: float


class Done(msgspec.Struct, tag=True):
    """The file was read to its end; `reason` says what was wrong with it, and is empty if nothing was."""

    reason: str


class Flawed(msgspec.Struct, tag=True):
    """An image of several is used, but not all of it; `reason` says why, as a sentence."""

    place: int
    reason: str


class Refused(msgspec.Struct, tag=True):
    """An image of several cannot be used; `reason` says why, as the end of a sentence."""

    place: int
    reason: str


class Failed(msgspec.Struct, tag=True):
    """The file cannot be used, or not from here on; `reason` says why, as the end of a sentence.

    If that `is_temporary`, its clips so far are not kept: the next build reads it as a whole.
    """

    reason: str
    is_temporary: bool = False


AnyRequest: TypeAlias = Request | PicturesRequest | MotionRequest
Message: TypeAlias = Clip | Measured | Moved | Flawed | Refused | Spent | Done | Failed


def send(pipe: IO[bytes], message: AnyRequest | Message) -> None:
    """Write a request or a message. Raises BrokenPipeError if the other side has closed the pipe."""
    body = msgspec.msgpack.encode(message)
    pipe.write(len(body).to_bytes(_LENGTH_BYTES, "big"))
    pipe.write(body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes | None:
    """Return the body of the next request or message; None if the other side has closed the pipe."""
    head = pipe.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "big")
    body = pipe.read(length)
    return body if len(body) == length else None
