"""Open video files, only regular ones and none that refer to others, and read their streams' properties."""

from __future__ import annotations

import errno
import os
import re
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av

from va_widgets.base.paths import open_regular
from va_widgets.video import mp4_times
from va_widgets.video.errors import UndecodableError
from va_widgets.video.picture_kinds import HEIC, is_heic
from va_widgets.video.unusable import ENCRYPTED, says_encrypted

_NO_VIDEO_FORMATS = ("concat", "dash", "hls", "ffmetadata", "tty")  # lists of other files, and texts
_SLOWEST, _FASTEST = 0.01, 1000.0  # frames a second that are plausible
_CLOCK = re.compile(r"([0-9]+):([0-9]+):([0-9]+(?:\.[0-9]+)?)")  # Matroska's 00:01:02.500000000
# A title in another encoding than UTF-8 is no damage. PyAV 19 always replaces what it cannot decode, and has no option.
_METADATA_OPTIONS: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


def open_container(source: Path | IO[bytes]) -> av.container.InputContainer:
    """Open a file to be decoded. Raises OSError for a path to anything but a regular file, or whatever PyAV raises."""
    if not isinstance(source, Path):
        return _with_all_frames(source)
    with open_regular(source) as file:
        before = os.fstat(file.fileno())
    container = _with_all_frames(source)
    if not os.path.samestat(before, source.stat()):
        container.close()
        raise OSError(errno.ESTALE, "it was exchanged for another file while it was opened", str(source))
    return container


def _with_all_frames(source: Path | IO[bytes]) -> av.container.InputContainer:
    """Open a file so that FFmpeg loses none of the frames that are to be shown."""
    container = _demuxed(source, {})
    if mp4_times.has_mistaken_edits(container, source):
        container = _reopened(container, source, mp4_times.ONLY_BEGINNINGS)
    if mp4_times.loses_video(container):
        container = _reopened(container, source, mp4_times.NO_EDITS)
    return container


def _reopened(
    container: av.container.InputContainer, source: Path | IO[bytes], options: dict[str, str]
) -> av.container.InputContainer:
    container.close()
    if not isinstance(source, Path):
        source.seek(0)
    return _demuxed(source, options)


def _demuxed(source: Path | IO[bytes], options: dict[str, str]) -> av.container.InputContainer:
    # A decoder's thread that logs waits for the interpreter's lock, whose holder may wait for that thread: a deadlock.
    # PyAV logs nothing by default, but older versions of torchvision switch it on when they are imported.
    av.logging.set_level(None)
    return av.open(
        str(source) if isinstance(source, Path) else source,
        "r",
        # A playlist that is named like a video must not make FFmpeg open the files that it lists.
        options={"protocol_whitelist": "file" if isinstance(source, Path) else "none", **options},
        **_METADATA_OPTIONS,
    )


def default_video(container: av.container.InputContainer) -> av.VideoStream:
    """Return the video stream that is played by default, or else the first, of those that can be decoded.

    Raises UndecodableError if there is none, or if it is encrypted.
    """
    if container.format.name in _NO_VIDEO_FORMATS:
        raise UndecodableError(f"it is a list or a text ({container.format.name}), not a video")
    if is_heic("".join(container.metadata.get(name, "") for name in ("major_brand", "compatible_brands"))):
        raise UndecodableError(HEIC)
    cover = av.stream.Disposition.attached_pic  # the cover image of a song is a video stream as well
    films = [stream for stream in container.streams.video if not stream.disposition & cover]
    known = [stream for stream in films if stream.codec_context is not None]
    if not known:
        raise UndecodableError(
            "its video is of a kind that is not known here" if films else "it has no video, only sound or data"
        )
    stream = min(known, key=lambda stream: not stream.disposition & av.stream.Disposition.default)
    if says_encrypted(container, stream):
        raise UndecodableError(ENCRYPTED)
    return stream


def default_audio(container: av.container.InputContainer) -> av.AudioStream | None:
    """Return the audio stream that is played by default, or else the first; None if none can be decoded."""
    known = [stream for stream in container.streams.audio if stream.codec_context is not None]
    default = av.stream.Disposition.default
    return min(known, key=lambda stream: not stream.disposition & default, default=None)


def frame_rate(stream: av.VideoStream) -> float:
    """Return the frames a second that a stream says it has; 25 if it states no plausible one."""
    if mp4_times.has_clock(stream):
        rates = [float(rate) for rate in (stream.average_rate, stream.guessed_rate) if rate]
    else:
        seconds = (stream.duration or 0) * time_base(stream)
        rates = [stream.frames / seconds] if seconds else []
        rates += [float(rate) for rate in (stream.codec_context.framerate,) if rate]
    # A slide show has less than a frame a second, but so has, on average, a recorded screen on which little moves.
    rates = [rate for rate in rates if 1 <= rate <= _FASTEST] or [rate for rate in rates if _SLOWEST <= rate < 1]
    return rates[0] if rates else 25.0


def time_base(stream: av.VideoStream) -> float:
    """Return how many seconds one unit of the stream's time stamps is."""
    return float(stream.time_base or Fraction(1, 90_000))


def duration(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    """Return how many seconds the file says that its video lasts; 0 if it does not say."""
    seconds_a_unit = time_base(stream)
    start = (stream.start_time or 0) * seconds_a_unit
    if stream.duration:
        # What lies before 0 in an MP4 is left out by its edit list.
        left_out = max(0.0, -start) if mp4_times.is_mp4(container) else 0.0
        return stream.duration * seconds_a_unit - left_out
    # Matroska and others say when the video ends, or only when the last of all streams does.
    clock = _CLOCK.fullmatch(stream.metadata.get("DURATION", ""))
    if clock is not None:
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3]) - start
    whole = container.duration
    return whole / av.time_base - start if whole and len(container.streams) == 1 else 0.0


def pixel_aspect(stream: av.VideoStream) -> Fraction | None:
    """Return the width of a pixel divided by its height; None if the file does not say."""
    return as_aspect(stream.sample_aspect_ratio)


def as_aspect(aspect: Any) -> Fraction | None:
    """Return an aspect ratio of PyAV as a Fraction, which since PyAV 19 it is not; None if it says nothing."""
    return Fraction(aspect.numerator, aspect.denominator) if aspect else None
