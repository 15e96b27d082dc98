"""How a video counts its frames: its frame rate, and the time code of its first picture."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, NamedTuple

import av

from va_widgets.base.errors import reason_of
from va_widgets.video.container import default_video, frame_rate, open_container
from va_widgets.video.errors import UndecodableError

_TAGS = ("timecode", "TIMECODE")  # Matroska writes capitals
_ROUNDED = 2e-5  # part by which rates of containers differ from the standard's, such as 19001/317 from 60000/1001


class SourceCount(NamedTuple):
    """Frames a second, the time code of the first picture as the file writes it, or "", and the seconds of a unit."""

    rate: Fraction
    time_code: str
    base: Fraction


def source_count(source: Path | IO[bytes]) -> SourceCount:
    """Return how a video counts its frames. Nothing is decoded.

    The time code is that of the video's track, or else of a time code track (tmcd), or of the whole file. Raises
    UndecodableError if there is no video.
    """
    try:
        with open_container(source) as container:
            stream = default_video(container)
            tracks: list[Any] = [stream, *container.streams.data, container]
            tags = (track.metadata.get(name, "") for track in tracks for name in _TAGS)
            base = Fraction(stream.time_base or Fraction(1, 90_000))
            return SourceCount(standard_rate(stream), next(filter(None, tags), ""), base)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise UndecodableError(f"it is not a video that can be read ({reason_of(error)})") from error


def standard_rate(stream: av.VideoStream) -> Fraction:
    """Return the frames a second of a stream as a whole number, or as one of NTSC's such as 30000/1001, if it is."""
    rate = frame_rate(stream)
    nominal = max(1, round(rate))
    for known in (Fraction(nominal), Fraction(nominal * 1000, 1001)):
        if math.isclose(rate, float(known), rel_tol=_ROUNDED):
            return known
    return Fraction(rate).limit_denominator(100_000)
