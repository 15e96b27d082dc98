"""Sound: the audio frames of a part of a video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import av

_RUN_UP = 0.5  # seconds that are decoded before the first that is needed: codecs need some frames to be right


def audio_frames(
    packets: Iterable[av.Packet[av.AudioStream]], base: float, zero: float, start: float, end: float
) -> Iterator[tuple[float, av.AudioFrame]]:
    """Decode packets of one stream, from `start` or a little before to `end`; yields frames with their times.

    Times are seconds from `zero`, `base` the seconds of one unit of the packets' time stamps. What does not decode is
    left out. Raises FFmpegError if nothing decodes.
    """
    failure: av.error.FFmpegError | None = None
    last: float | None = None
    for packet in packets:
        if packet.pts is not None and packet.pts * base - zero < start - _RUN_UP:
            continue
        try:
            frames: Any = packet.decode()  # PyAV's types do not know of which stream a packet is
        except av.error.FFmpegError as error:
            failure = error
            continue
        for frame in frames:
            moment = (last or 0.0) if frame.time is None else frame.time - zero
            if moment >= end:
                return
            last = moment + frame.samples / frame.sample_rate
            yield moment, frame
    if failure is not None and last is None:
        raise failure
