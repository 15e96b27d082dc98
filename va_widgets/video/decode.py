"""Frames: a video decoded in order, upright, in true colours and at the times that its time stamps say."""

from __future__ import annotations

import errno
import heapq
import itertools
import math
import os
import re
import statistics
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import IO, Any, Literal

import av
import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc, VideoReformatter
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from va_widgets.base.background import stop_requested
from va_widgets.base.errors import CorpusError, reason_of
from va_widgets.base.paths import open_regular
from va_widgets.video.colour import Transfer, to_screen
from va_widgets.video.filmstrip import STRIP_MIME, Filmstrip

Picture = NDArray[np.uint8]

STRIP_WIDTH, STRIP_HEIGHT = 240, 135  # what one frame of a filmstrip fits into
_STRIP_QUALITY = 82
_MOST_PIXELS = 1 << 27  # a frame; 16K video has 2^27, a damaged header can claim anything
_HD = 720  # lines from which a picture that does not say so is of BT.709, not BT.601
_HDR: dict[int, Transfer] = {int(ColorTrc.SMPTE2084): "pq", int(ColorTrc.ARIB_STD_B67): "hlg"}
_UNSPECIFIED = 2
_PICTURE_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "AVIF", "GIF", "JPEG2000", "PPM")
_ORIENTATION = 0x0112  # the EXIF tag
_SIDECARS = ("concat", "dash", "hls", "ffmetadata", "tty")  # lists of other files and texts: no videos themselves
_SLOWEST, _FASTEST = 0.01, 1000.0  # frames a second that are believed
_LONGEST_FRAME = 600.0  # seconds that a last frame is believed to be shown
_CLOCK = re.compile(r"([0-9]+):([0-9]+):([0-9]+(?:\.[0-9]+)?)")  # Matroska's 00:01:02.500000000
# Of large videos only some frames are decoded: anchor frames, those shown after all that came before them in the file,
# where they are dense enough, and otherwise all but those that no other frame needs. After an anchor frame that is so
# many times larger than others, however, the picture has changed, and all are, as where exactly shall be known.
_LARGE, _FAST_ENOUGH, _DENSE, _PROBED, _SURPRISE = 720, 23.0, 0.2, 120, 2.0
_SPARED = ("h264", "hevc")  # other codecs' frames are all decoded: they cost little, or none can be left out
_TELL_IN = ("h264", "hevc")  # whose frames have the decoding time stamps of the packets that they came in
# The processor time that a file may take: a damaged one must not hold up the rest.
_LONGEST, _LONGEST_A_MEGABYTE = 120.0, 20.0
_RUN_UP = 0.5  # seconds that a sound is decoded before it is wanted: codecs need some frames to be right
_APART = 5.0  # seconds that a sound may come after its picture in the file
_SAME = 1e-4  # seconds that two times may differ and be one, rounded
# A title in another encoding than UTF-8 is no damage. PyAV 19 always replaces what it cannot decode, and has no option.
_METADATA_OPTIONS: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


class UndecodableError(CorpusError):
    """A file holds no video that can be decoded; the text says why, as the end of a sentence."""


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
    sound : bool
        Whether the sound that lies between the frames is kept for `Video.sound`.

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
        sound: bool = False,
    ) -> None:
        if size == 0:
            raise UndecodableError("it is empty (0 bytes)")
        self.position = 0  # bytes of the file that have been read
        self._damaged = 0
        self._until = 0.0
        self._small = _Scaler(small_side, "bgr24", true=False)
        self._picture = _Scaler(picture_side, "rgb24", true=True)
        self._source = source
        self._threads, self._every, self._with_sound = threads, every, sound
        self._moved = False  # whether anything has been read since the file was opened
        self._clocked = False  # whether it is known when the first frame is shown
        self._deadline = time.process_time() + _LONGEST + _LONGEST_A_MEGABYTE * size / 1e6
        self._late = self._ended = self._played_out = False
        self._open()

    def _open(self) -> None:
        try:
            if not isinstance(self._source, Path):
                self._source.seek(0)
            self._container = _opened(self._source)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise UndecodableError(f"it is not a video that can be read ({reason_of(error)})") from error
        try:
            self._stream = self._first_stream()
            self._audio = self._default_sound() if self._with_sound else None
            self._sound: list[av.Packet[av.AudioStream]] = []
            self._prepare()
        except UndecodableError:
            self._container.close()
            raise

    def _rewind(self) -> None:
        """Go to the file's beginning; not every file can be sought in, but each can be opened again."""
        if self._moved:
            self._container.close()
            self._open()
        self._moved, self._ended = True, False

    def _first_stream(self) -> av.VideoStream:
        if self._container.format.name in _SIDECARS:
            raise UndecodableError(f"it is a list or a text ({self._container.format.name}), not a video")
        cover = av.stream.Disposition.attached_pic  # of a song: that is no film
        films = [stream for stream in self._container.streams.video if not stream.disposition & cover]
        for stream in films:
            if stream.codec_context is not None:
                return stream
        raise UndecodableError(
            "its video is of a kind that is not known here" if films else "it has no video, only sound or data"
        )

    def _default_sound(self) -> av.AudioStream | None:
        """The sound that the file plays by default, or else its first; None if it has none that is known here."""
        known = [stream for stream in self._container.streams.audio if stream.codec_context is not None]
        return min(known, key=lambda one: not one.disposition & av.stream.Disposition.default, default=None)

    def _prepare(self) -> None:
        stream = self._stream
        stream.thread_type = "AUTO" if self._threads > 1 else "NONE"
        stream.thread_count = self._threads
        rates = [float(rate) for rate in (stream.average_rate, stream.guessed_rate) if rate]
        # A slide show has less than a frame a second, but so has, on average, a recorded screen on which little moves.
        rates = [rate for rate in rates if 1 <= rate <= _FASTEST] or [rate for rate in rates if _SLOWEST <= rate < 1]
        self.fps = rates[0] if rates else 25.0
        base = stream.time_base or Fraction(1, 90_000)
        self._base = float(base)
        self._origin = (stream.start_time or 0) * self._base
        if not self._clocked:
            self._zero = self._origin
        self.duration = self._length()
        large = min(stream.width, stream.height) >= _LARGE
        reordered = bool(stream.codec_context.has_b_frames)
        # AVI says when a frame is decoded, not when it is shown: there its place in the order of showing tells. Some
        # decoders say of a frame when it came in; others when it came out, and then that is its place.
        unordered = reordered and self._container.format.name == "avi"
        self._in_order = unordered and stream.codec_context.name in _TELL_IN
        self._as_it_comes = unordered and not self._in_order
        if self._in_order:  # what is not counted would put all after it in another's place
            stream.codec_context.flags |= av.codec.context.Flags.output_corrupt
        spared = reordered and not unordered and stream.codec_context.name in _SPARED
        sparse = large and self.fps >= _FAST_ENOUGH and spared and not self._every
        share = self._anchors() if sparse else 1.0
        self._sparse = share < 1.0
        # HEVC's anchor frames are often made like those between them, and would be left out as well.
        bidirectional = share >= _DENSE and stream.codec_context.name == "h264"
        self._left_out: Literal["BIDIR", "NONREF"] = "BIDIR" if bidirectional else "NONREF"
        # What shot detection reckons with; half of the frames suits what is left of them.
        self.seen_fps = self.fps / 2 if self._sparse else self.fps
        aspect = stream.sample_aspect_ratio  # since PyAV 19 a type of its own, which is not a Fraction
        ratio = Fraction(aspect.numerator, aspect.denominator) if aspect else None
        self._small.aspect = self._picture.aspect = ratio
        options = {"max_pixels": str(_MOST_PIXELS)}
        if self._sparse:
            options["skip_loop_filter"] = "all"  # it smooths what scaling down smooths anyway
        stream.codec_context.options = options

    def _anchors(self) -> float:
        """The share of anchor frames among the file's first; 0 for a file object, which is not read twice."""
        if not isinstance(self._source, Path):
            return 0.0
        newest, anchors, packets = -(1 << 62), 0, 0
        try:
            with _opened(self._source) as container:
                for packet in container.demux(container.streams[self._stream.index]):
                    if packet.pts is None or packets == _PROBED:
                        break
                    packets += 1
                    anchors += packet.pts > newest
                    newest = max(newest, packet.pts)
        except (av.error.FFmpegError, OSError):
            return 0.0  # whoever decodes it will meet the damage, too
        return anchors / packets if packets else 0.0

    def _length(self) -> float:
        """How many seconds the file says that its video lasts; 0 if it does not say."""
        stream = self._stream
        if stream.duration:
            return stream.duration * self._base
        # Matroska and others say when the video ends, or only when the last of all streams does.
        clock = _CLOCK.fullmatch(stream.metadata.get("DURATION", ""))
        if clock is not None:
            return int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3]) - self._origin
        whole = self._container.duration
        return whole / av.time_base - self._origin if whole and len(self._container.streams) == 1 else 0.0

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
        elif self._played_out and self.duration - self._until > max(1.0, 0.1 * self.duration):
            parts.append(f"it breaks off at {self._until:.1f} of {self.duration:.1f} s")
        return "; ".join(parts)

    def frames(self, start: float = 0.0) -> Iterator[Frame]:
        """Frames in order of time, from the last one at or before `start` (seconds from the first frame) on.

        They are those that decoding from the beginning gives from there on. Numbers count the file's own frames when
        it is read from its start, and are times of the frame rate otherwise. Raises UndecodableError if the file has
        to be opened again and cannot be.
        """
        if start > 0:
            found = self._decoded_from(start)
        else:
            self._rewind()
            found = self._decoded(self._packets())
        first: float | None = None
        waiting: Frame | None = None
        last = -1.0 / self.fps
        after = start + _SAME if start > 0 else 0.0
        for decoded, number, told in found:
            if first is None:
                if not self._clocked:
                    self._zero, self._clocked = (told or 0) * self._base, True
                first = self._zero
            moment = last + 1.0 / self.fps if told is None else told * self._base - first
            if waiting is not None and moment < last - 1.0:  # another recording follows, whose clock starts anew
                first += moment - last - 1.0 / self.fps
            if waiting is not None and moment <= last:  # broken time stamps: go on by the frame rate
                moment = last + 1.0 / self.fps
            if start > 0:
                number = round(moment * self.fps)
            if waiting is not None:
                waiting.end = moment
                if waiting.end > after:
                    yield waiting
            shown = decoded.duration * self._base
            shown = shown if 0 < shown <= _LONGEST_FRAME else 1.0 / self.fps
            waiting = Frame(number, moment, moment + shown, decoded, self)
            last = moment
            self._until = max(self._until, waiting.end)
        self._played_out |= self._ended
        if waiting is not None and waiting.end > after:
            yield waiting

    def _decoded_from(self, start: float) -> Iterator[tuple[av.VideoFrame, int, int | None]]:
        """What `_decoded` gives, from the last frame at or before `start` or an earlier one on.

        Where a container does not know its key frames, as MPEG-TS does not, or only when they are decoded, a seek ends
        behind the one that is needed: then it is sought further back, at last from the beginning.
        """
        if not self._clocked:
            # A recording may begin with frames that do not decode. Besides, some encoders say only in their first frame
            # who they are, and without that a decoder does not know what they do differently.
            self._rewind()
            _, _, told = next(self._decoded(self._packets()), (None, 0, None))
            self._zero, self._clocked = (self._origin if told is None else told * self._base), True
        damaged, back = self._damaged, 0.0
        while back < start:
            found = self._decoded(self._entered(start - back, start))
            first = next(found, None)
            self._damaged = damaged  # what lies before is not asked for
            if first is not None and first[2] is not None and self._moment(first[2]) <= start + _SAME:
                yield first
                yield from found
                return
            back = max(1.0, 2 * back)
        self._rewind()
        yield from self._decoded(self._packets())

    def _moment(self, told: int) -> float:
        """A time stamp of the video, in seconds from its first frame."""
        return told * self._base - self._zero

    def _entered(self, place: float, start: float) -> Iterator[av.Packet[Any]]:
        """The file's packets around `place` and after, of the video those from the first key frame on.

        They end before that key frame if it is later than `start`, or if `place` cannot be found.
        """
        self._sound.clear()
        self._ended = False
        try:
            at = math.floor((self._zero + place) / self._base)
            self._container.seek(at, stream=self._stream, backward=True)
        except av.error.FFmpegError:
            return
        entered = False
        for packet in self._packets():
            if packet.stream is self._stream and not entered:
                told = packet.dts if self._in_order else packet.pts
                if told is not None and self._moment(told) > start + _SAME:
                    return
                # In an MPEG program stream only some frames have time stamps of their own, those that begin a packet of
                # the stream. After a seek FFmpeg guesses the others' wrong, by a tenth of a second, until one has come.
                told_by_file = packet.pos is not None or self._container.format.name != "mpeg"
                entered = packet.is_keyframe and told_by_file
                if not entered:
                    continue
            yield packet

    def _decoded(self, packets: Iterable[av.Packet[Any]]) -> Iterator[tuple[av.VideoFrame, int, int | None]]:
        """Every frame that decodes whole, with its number and its time stamp, if it has one."""
        order: list[int] = []  # time stamps of packets whose frames are still to come
        number = -1
        surprise = _Surprise()
        for packet in packets:
            if packet.stream is self._audio:
                self._sound.append(packet)
                continue
            if self._sparse and packet.size:
                self._stream.codec_context.skip_frame = "DEFAULT" if surprise.at(packet) else self._left_out
            wanted = (self._sparse or self._in_order) and not packet.is_discard
            told = packet.dts if self._in_order else packet.pts
            if told is not None and packet.size and wanted:
                heapq.heappush(order, told)
            damaged = packet.is_corrupt
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                damaged, frames = True, []
                number += 1
            self._damaged += damaged
            for frame in frames:
                number += 1
                stamp = frame.pts
                if self._in_order:
                    stamp = heapq.heappop(order) if order else None
                elif self._as_it_comes:
                    stamp = frame.dts
                elif self._sparse and frame.pts is not None:
                    # What the decoder has left out counts too: numbers are the file's, not ours.
                    while order and order[0] < frame.pts:
                        heapq.heappop(order)
                        number += 1
                    while order and order[0] == frame.pts:
                        heapq.heappop(order)
                if frame.is_corrupt:
                    self._damaged += 1
                    continue
                yield frame, number, stamp

    def sound(self, start: float, end: float) -> Iterator[tuple[float, av.AudioFrame]]:
        """Frames of the file's sound, with their times, from `start` or a little before to `end`.

        Times are seconds from the first frame of the video; what does not decode is left out. It is asked for after
        `frames`, which gave the video's frames from `start` on. Raises UndecodableError or FFmpegError if there is a
        sound, but none of it decodes.
        """
        if self._audio is None:
            if self._container.streams.audio:
                raise UndecodableError("its sound is of a kind that is not known here")
            return
        base = float(self._audio.time_base or 0)
        fault: av.error.FFmpegError | None = None
        last: float | None = None
        for packet in itertools.chain(self._sound, self._packets() if not self._ended else ()):
            if packet.stream is self._stream:
                if packet.dts is not None and self._moment(packet.dts) > end + _APART:
                    break
                continue
            if packet.pts is not None and packet.pts * base - self._zero < start - _RUN_UP:
                continue
            try:
                frames: Any = packet.decode()  # the types cannot tell of which stream
            except av.error.FFmpegError as error:
                fault = error
                continue
            for frame in frames:
                moment = (last or 0.0) if frame.time is None else frame.time - self._zero
                if moment >= end:
                    return
                last = moment + frame.samples / frame.sample_rate
                yield moment, frame
        if fault is not None and last is None:
            raise fault

    def _packets(self) -> Iterator[av.Packet[Any]]:
        """The file's packets; past a damaged place it goes on where the container finds its way again."""
        streams = [stream for stream in (self._stream, self._audio) if stream is not None]
        packets = self._container.demux(*streams)
        stuck = False
        while time.process_time() < self._deadline:
            if stop_requested():
                raise UndecodableError("Python was ended while it was read")
            try:
                packet = next(packets)
            except (StopIteration, IndexError):  # at the end PyAV trips over streams that appeared late
                self._ended = True
                return
            except av.error.FFmpegError:
                self._damaged += 1
                if stuck:
                    self._ended = True
                    return
                stuck = True
                packets = self._container.demux(*streams)
                continue
            stuck = False
            if packet.pos is not None:
                self.position = max(self.position, packet.pos)
            yield packet
        self._late = True


def _opened(source: Path | IO[bytes]) -> av.container.InputContainer:
    """Open a file to be decoded. Raises OSError for a path to anything but a regular file, or whatever PyAV raises."""
    if not isinstance(source, Path):
        return _demuxed(source)
    with open_regular(source) as file:
        before = os.fstat(file.fileno())
    container = _demuxed(source)
    if not os.path.samestat(before, source.stat()):
        container.close()
        raise OSError(errno.ESTALE, "it was exchanged for another file while it was opened", str(source))
    return container


def _demuxed(source: Path | IO[bytes]) -> av.container.InputContainer:
    # A decoder's thread that logs waits for the interpreter, and may be waited for by who holds it: a deadlock. PyAV
    # passes on no messages unless it is told to, as older versions of torchvision do when they are imported.
    av.logging.set_level(None)
    return av.open(
        str(source) if isinstance(source, Path) else source,
        "r",
        # A list of other files that calls itself a video must not make us open them.
        options={"protocol_whitelist": "file" if isinstance(source, Path) else "none"},
        **_METADATA_OPTIONS,
    )


class _Surprise:
    """Tells, before anything is decoded, where the picture may have changed from one anchor frame to the next."""

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
    if not file.read(1):
        raise UndecodableError("it is empty (0 bytes)")
    file.seek(0)
    try:
        with Image.open(file, formats=_picture_formats()) as opened:
            width, height = opened.size
            if opened.getexif().get(_ORIENTATION, 1) > 4:  # it lies on its side
                width, height = height, width
            opened.draft("RGB", (2 * side, 2 * side))  # a JPEG can be decoded smaller, which is faster
            upright = ImageOps.exif_transpose(opened)
            if upright.mode.startswith("I"):  # 16 bits a pixel
                upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
            elif upright.mode == "F":
                upright = _stretched(upright)
            elif upright.has_transparency_data:  # what is not there looks like paper
                upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright.convert("RGBA"))
            small = upright.convert("RGB").resize(fitted(width, height, side), Image.Resampling.LANCZOS)
    except UnidentifiedImageError as error:
        raise UndecodableError("it is not a picture of a kind that is known here") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UndecodableError(f"it is not a picture that can be read ({reason_of(error)})") from error
    return Shot(0.0, 0.0, 0, 1, width, height, [np.asarray(small, dtype=np.uint8)])


@cache
def _picture_formats() -> list[str]:
    """Pillow's names of the formats that are read, as far as this Pillow knows them.

    Not of all: to read an EPS file, whatever its name is, Pillow runs Ghostscript on what the file says.
    """
    Image.init()
    return [name for name in _PICTURE_FORMATS if name in Image.OPEN]


def _stretched(picture: Image.Image) -> Image.Image:
    """A picture of floats, whose unit nobody knows, from its darkest value to its brightest."""
    values = np.asarray(picture, dtype=np.float32)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    levels = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) * (255 / max(high - low, 1e-30))
    return Image.fromarray(levels.astype(np.uint8))


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
