"""Frames: decoding, and the pictures of a shot side by side in one filmstrip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from va_widgets.errors import CorpusError

Picture = NDArray[np.uint8]

STRIP_WIDTH, STRIP_HEIGHT = 240, 135  # what one frame of a filmstrip fits into
STRIP_MIME = "image/jpeg"
_STRIP_QUALITY = 82
_DAMAGED = 64  # packets in a row that cannot be decoded, after which the rest is given up


class UndecodableError(CorpusError):
    """A file holds no video that can be decoded; the text says why, as the end of a sentence."""


@dataclass(frozen=True)
class Filmstrip:
    """`frames` pictures of `width` x `height` pixels, side by side in one image file `data`."""

    frames: int
    width: int
    height: int
    mime: str
    data: bytes


@dataclass(frozen=True)
class Frame:
    """A decoded frame: `time` in seconds from the file's first frame, and the two sizes it is needed in."""

    index: int
    time: float
    small: Picture  # BGR, for shot detection
    picture: Picture  # RGB, for embedding and filmstrip


class Video:
    """A video file that is decoded once, from the first frame to the last, upright.

    Raises UndecodableError if there is nothing to decode.
    """

    def __init__(self, path: Path, small_side: int, picture_side: int) -> None:
        self.path = path
        self.damaged = 0
        self._sides = small_side, picture_side
        if path.is_file() and path.stat().st_size == 0:
            raise UndecodableError("it is empty (0 bytes)")
        try:
            self._container = av.open(str(path))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise UndecodableError(f"it is not a video that can be read ({_said(error)})") from error
        if not self._container.streams.video:
            self._container.close()
            raise UndecodableError("it has no video, only sound or data")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(25)
        self.fps = float(rate) if 1 <= rate <= 480 else 25.0
        self.width, self.height = 0, 0

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def frames(self) -> Iterator[Frame]:
        """Every frame in order. `width` and `height` are known after the first, `damaged` packets after the last."""
        first: float | None = None
        last = -1.0 / self.fps
        for index, decoded in enumerate(self._decoded()):
            time = last + 1.0 / self.fps if decoded.time is None else float(decoded.time)
            first = time if first is None else first
            moment = time - first
            if index and moment <= last:  # broken time stamps: go on by the frame rate
                moment = last + 1.0 / self.fps
            small, picture = (self._upright(decoded, side) for side in self._sides)
            yield Frame(index, moment, np.ascontiguousarray(small[..., ::-1]), picture)
            last = moment

    def _decoded(self) -> Iterator[av.VideoFrame]:
        in_a_row = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                self.damaged += 1
                return
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self.damaged += 1
                in_a_row += 1
                if in_a_row >= _DAMAGED:
                    return
                continue
            in_a_row = 0
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    yield frame

    def _upright(self, frame: av.VideoFrame, side: int) -> Picture:
        width, height = fitted(frame.width, frame.height, side)
        # Area averaging keeps small pictures free of the moire that would disturb both detector and encoder.
        scaled = frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA").to_ndarray()
        scaled = scaled.astype(np.uint8, copy=False)
        turns = round(frame.rotation / 90) % 4
        if not self.width:
            size = (frame.width, frame.height)
            self.width, self.height = size if turns % 2 == 0 else size[::-1]
        return np.ascontiguousarray(np.rot90(scaled, turns)) if turns else scaled


def fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """The size, even on both sides, at which the shorter side of a picture is at most `side`."""
    scale = min(1.0, side / max(1, min(width, height)))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def filmstrip(pictures: Sequence[Picture]) -> Filmstrip:
    """RGB pictures of one size side by side, each at most 240 x 135, as a JPEG."""
    height, width = pictures[0].shape[:2]
    scale = min(STRIP_WIDTH / width, STRIP_HEIGHT / height, 1.0)
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    row = np.hstack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in pictures])
    fine, encoded = cv2.imencode(".jpg", row[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _STRIP_QUALITY])
    if not fine:
        raise CorpusError(f"A filmstrip of {len(pictures)} pictures of {size[0]}x{size[1]} could not be encoded.")
    return Filmstrip(len(pictures), size[0], size[1], STRIP_MIME, encoded.tobytes())


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
