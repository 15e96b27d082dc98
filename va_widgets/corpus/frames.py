"""Frames: a video decoded in order, upright, in true colours and at the times that its time stamps say."""

from __future__ import annotations

import heapq
import statistics
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

import av
import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc, VideoReformatter
from numpy.typing import NDArray
from PIL import Image, ImageOps

from va_widgets.corpus.colour import Transfer, to_screen
from va_widgets.errors import CorpusError, said

Picture = NDArray[np.uint8]

STRIP_WIDTH, STRIP_HEIGHT = 240, 135  # what one frame of a filmstrip fits into
STRIP_MIME = "image/jpeg"
_STRIP_QUALITY = 82
_MOST_PIXELS = 1 << 27  # a frame; 16K video has 2^27, a damaged header can claim anything
_HD = 720  # lines from which a picture that does not say so is of BT.709, not BT.601
_HDR: dict[int, Transfer] = {int(ColorTrc.SMPTE2084): "pq", int(ColorTrc.ARIB_STD_B67): "hlg"}
_UNSPECIFIED = 2
_ORIENTATION = 0x0112  # the EXIF tag
_SIDECARS = ("concat", "dash", "hls", "ffmetadata", "tty")  # lists of other files and texts: no videos themselves
# Frames that no other frame needs are left out of large videos, except after an anchor frame that is so many times
# larger than others: there the picture has changed, and where exactly shall be known.
_LARGE, _FAST_ENOUGH, _SURPRISE = 720, 20.0, 2.0
# The processor time that a file may take: a damaged one must not hold up the rest.
_LONGEST, _LONGEST_A_MEGABYTE = 120.0, 20.0


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
class Shot:
    """A clip as it is read: `start` and `end` in seconds, frames `frame_in` up to but without `frame_out`.

    `width` and `height` are the pixels it is shown in; `pictures` are RGB, sampled of it, of any size.
    """

    start: float
    end: float
    frame_in: int
    frame_out: int
    width: int
    height: int
    pictures: list[Picture]


class Frame:
    """A decoded frame: its number in the file, and its `time` and `end` in seconds from the file's first frame.

    Its pixels are converted when they are asked for, as most frames are only needed small.
    """

    __slots__ = ("_decoded", "_video", "end", "index", "time")

    def __init__(self, index: int, time: float, end: float, decoded: av.VideoFrame, video: Video) -> None:
        self.index = index
        self.time = time
        self.end = end
        self._decoded = decoded
        self._video = video

    def small(self) -> Picture:
        """BGR, for shot detection."""
        return self._video._small(self._decoded)

    def picture(self) -> Picture:
        """RGB, for embedding and filmstrip."""
        return self._video._picture(self._decoded)

    def shown_size(self) -> tuple[int, int]:
        """Width and height in pixels, upright."""
        width, height = _displayed(self._decoded, self._video._picture.aspect)
        return (width, height) if _turns(self._decoded) % 2 == 0 else (height, width)


class Video:
    """A video file that is decoded from the first frame, or from a moment, on.

    Parameters
    ----------
    source : Path or binary file
        A file object must be seekable.
    size : int
        Bytes of the file; they bound the time that decoding may take.
    small_side, picture_side : int
        Pixels of the shorter side of what `Frame.small` and `Frame.picture` give, at most.
    threads : int
        Threads to decode with.
    every : bool
        False leaves out frames of large videos that no other frame needs, which halves the work.

    Raises UndecodableError if there is nothing to decode.
    """

    def __init__(
        self,
        source: Path | IO[bytes],
        size: int,
        small_side: int,
        picture_side: int,
        threads: int = 1,
        every: bool = False,
    ) -> None:
        if size == 0:
            raise UndecodableError("it is empty (0 bytes)")
        self.position = 0  # bytes of the file that have been read
        self._damaged = 0
        self._until = 0.0
        self._small = _Scaler(small_side, "bgr24", true=False)
        self._picture = _Scaler(picture_side, "rgb24", true=True)
        self._deadline = time.process_time() + _LONGEST + _LONGEST_A_MEGABYTE * size / 1e6
        self._late = False
        try:
            self._container: av.container.InputContainer = av.open(
                str(source) if isinstance(source, Path) else source,
                "r",
                options={"protocol_whitelist": "file"} if isinstance(source, Path) else {},
            )
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise UndecodableError(f"it is not a video that can be read ({said(error)})") from error
        try:
            self._stream = self._first_stream()
            self._prepare(threads, every)
        except UndecodableError:
            self._container.close()
            raise

    def _first_stream(self) -> av.VideoStream:
        if self._container.format.name in _SIDECARS:
            raise UndecodableError(f"it is a list or a text ({self._container.format.name}), not a video")
        for stream in self._container.streams.video:
            if not stream.disposition & av.stream.Disposition.attached_pic:  # the cover of a song is no film
                return stream
        raise UndecodableError("it has no video, only sound or data")

    def _prepare(self, threads: int, every: bool) -> None:
        stream = self._stream
        stream.thread_type = "AUTO" if threads > 1 else "NONE"
        stream.thread_count = threads
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        self.fps = float(rate) if 1 <= rate <= 480 else 25.0
        base = stream.time_base or Fraction(1, 90_000)
        self._base = float(base)
        self._origin = (stream.start_time or 0) * self._base
        self.duration = float(stream.duration * base) if stream.duration else 0.0
        large = min(stream.width, stream.height) >= _LARGE
        self._sparse = large and self.fps >= _FAST_ENOUGH and stream.codec_context.has_b_frames and not every
        # About half of the frames are needed by others wherever there are frames that are not.
        self.seen_fps = self.fps / 2 if self._sparse else self.fps
        self._small.aspect = self._picture.aspect = stream.sample_aspect_ratio
        options = {"max_pixels": str(_MOST_PIXELS)}
        if self._sparse:
            options["skip_loop_filter"] = "all"  # it smooths what scaling down smooths anyway
        stream.codec_context.options = options

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    @property
    def damage(self) -> str:
        """What is wrong with the file as far as it has been decoded, as a sentence; empty if nothing is."""
        parts = []
        if self._damaged:
            parts.append(f"{self._damaged} damaged part{'s were' if self._damaged > 1 else ' was'} left out")
        if self._late:
            parts.append(f"decoding was too slow and was given up after {self._until:.1f} s of video")
        elif self.duration - self._until > max(1.0, 0.1 * self.duration):
            parts.append(f"it breaks off at {self._until:.1f} of {self.duration:.1f} s")
        return "; ".join(parts)

    def frames(self, start: float = 0.0) -> Iterator[Frame]:
        """Frames in order of time, from the last one at or before `start` (seconds from the first frame) on.

        Numbers count the file's own frames when it is read from its start, and are times of the frame rate otherwise.
        """
        if start > 0:
            self._container.seek(int((self._origin + start) / self._base), stream=self._stream, backward=True)
        first: float | None = self._origin if start > 0 else None
        waiting: Frame | None = None
        last = -1.0 / self.fps
        for decoded, number in self._decoded():
            stamp = last + 1.0 / self.fps if decoded.time is None else float(decoded.time)
            first = stamp if first is None else first
            moment = stamp - first
            if waiting is not None and moment <= last:  # broken time stamps: go on by the frame rate
                moment = last + 1.0 / self.fps
            if start > 0:
                number = round(moment * self.fps)
            if waiting is not None:
                waiting.end = moment
                if waiting.end > start:
                    yield waiting
            waiting = Frame(number, moment, moment + 1.0 / self.fps, decoded, self)
            last = moment
            self._until = max(self._until, waiting.end)
        if waiting is not None and waiting.end > start:
            yield waiting

    def _decoded(self) -> Iterator[tuple[av.VideoFrame, int]]:
        """Every frame that decodes whole, with its number."""
        order: list[int] = []  # time stamps of packets whose frames are still to come
        number = -1
        surprise = _Surprise()
        for packet in self._packets():
            if self._sparse and packet.size:
                self._stream.codec_context.skip_frame = "DEFAULT" if surprise.at(packet) else "NONREF"
            if packet.pts is not None and packet.size and not packet.is_discard:
                heapq.heappush(order, packet.pts)
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self._damaged += 1
                continue
            for frame in frames:
                number += 1
                if frame.pts is not None:
                    # What the decoder has left out counts too: numbers are the file's, not ours.
                    while order and order[0] < frame.pts:
                        heapq.heappop(order)
                        number += 1
                    while order and order[0] == frame.pts:
                        heapq.heappop(order)
                if frame.is_corrupt:
                    self._damaged += 1
                    continue
                yield frame, number

    def _packets(self) -> Iterator[av.Packet[av.VideoStream]]:
        """The file's packets; past a damaged place it goes on where the container finds its way again."""
        packets = self._container.demux(self._stream)
        stuck = False
        while time.process_time() < self._deadline:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                self._damaged += 1
                if stuck:
                    return
                stuck = True
                packets = self._container.demux(self._stream)
                continue
            stuck = False
            if packet.pos is not None:
                self.position = max(self.position, packet.pos)
            yield packet
        self._late = True


class _Surprise:
    """Tells, before anything is decoded, where the picture may have changed from one anchor frame to the next.

    An anchor frame is one that is shown after all frames that came before it in the file.
    """

    def __init__(self) -> None:
        self._newest: int | None = None
        self._sizes: deque[int] = deque(maxlen=16)
        self._surprised = True

    def at(self, packet: av.Packet[av.VideoStream]) -> bool:
        """Whether the last anchor frame, perhaps this packet, is unlike those before it."""
        if packet.pts is None:
            return True
        if self._newest is None or packet.pts > self._newest:
            self._newest = packet.pts
            self._surprised = not self._sizes or packet.size > _SURPRISE * statistics.median(self._sizes)
            if not packet.is_keyframe:
                self._sizes.append(packet.size)
        return self._surprised


class _Scaler:
    """Turns decoded frames into small pictures: scaled, upright and, if `true`, of the colours that a screen shows."""

    def __init__(self, side: int, layout: str, true: bool) -> None:
        self._side = side
        self._layout = layout
        self._true = true
        self._reformatter = VideoReformatter()  # kept, as setting one up costs more than a frame
        self.aspect: Fraction | None = None  # of one pixel

    def __call__(self, frame: av.VideoFrame) -> Picture:
        width, height = fitted(*_displayed(frame, self.aspect), self._side)
        # Area averaging keeps small pictures free of the moire that would disturb both detector and encoder.
        said_nothing = frame.colorspace == _UNSPECIFIED and frame.height >= _HD
        scaled = self._reformatter.reformat(
            frame,
            width,
            height,
            self._layout,
            src_colorspace=Colorspace.ITU709 if said_nothing else None,
            interpolation="AREA",
            threads=1,
        ).to_ndarray()
        picture = np.ascontiguousarray(np.rot90(scaled, _turns(frame)), dtype=np.uint8)
        if self._true and frame.color_primaries == ColorPrimaries.BT2020:
            return to_screen(picture, _HDR.get(frame.color_trc, "gamma"))
        return picture


def still(file: IO[bytes], side: int) -> Shot:
    """A picture file, such as a JPEG, as a clip of one frame, upright.

    Raises UndecodableError if it is no picture, or is damaged.
    """
    try:
        with Image.open(file) as opened:
            width, height = opened.size
            if opened.getexif().get(_ORIENTATION, 1) > 4:  # it lies on its side
                width, height = height, width
            opened.draft("RGB", (2 * side, 2 * side))  # a JPEG can be decoded smaller, which is faster
            upright = ImageOps.exif_transpose(opened)
            if upright.mode.startswith("I"):  # 16 bits a pixel
                upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
            small = upright.convert("RGB").resize(fitted(width, height, side), Image.Resampling.LANCZOS)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UndecodableError(f"it is not a picture that can be read ({said(error)})") from error
    return Shot(0.0, 0.0, 0, 1, width, height, [np.asarray(small, dtype=np.uint8)])


def _turns(frame: av.VideoFrame) -> int:
    """Quarter turns to the left that put a frame upright."""
    return round(frame.rotation / 90) % 4


def _displayed(frame: av.VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    """The size of a frame as it is shown, before it is turned: pixels are not square everywhere."""
    if aspect and Fraction(1, 4) < aspect < 4:
        return max(1, round(frame.width * aspect)), frame.height
    return frame.width, frame.height


def fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """The size, even on both sides, at which the shorter side of a picture is at most `side`."""
    scale = min(1.0, side / max(1, min(width, height)))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def filmstrip(pictures: Sequence[Picture]) -> Filmstrip:
    """RGB pictures side by side, each at most 240 x 135 and of the first one's shape, as a JPEG."""
    height, width = pictures[0].shape[:2]
    scale = min(STRIP_WIDTH / width, STRIP_HEIGHT / height, 1.0)
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    row = np.hstack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in pictures])
    fine, encoded = cv2.imencode(".jpg", row[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _STRIP_QUALITY])
    if not fine:
        raise CorpusError(f"A filmstrip of {len(pictures)} pictures of {size[0]}x{size[1]} could not be encoded.")
    return Filmstrip(len(pictures), size[0], size[1], STRIP_MIME, encoded.tobytes())
