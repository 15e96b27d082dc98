"""Large videos are decoded in part: frames that no other frame needs are skipped where the picture does not change.

An anchor frame is one that is shown after all frames that come before it in the file. Where anchor frames are dense,
only they are decoded, and otherwise all frames but those that no other frame refers to. After an anchor frame that is
much larger than others, the picture has changed: there all frames are decoded, so that shots begin at the right one.
"""

from __future__ import annotations

import statistics
from collections import deque
from pathlib import Path
from typing import IO, Literal, TypeAlias

import av

from va_widgets.video.container import open_container

Discard: TypeAlias = Literal["DEFAULT", "BIDIR", "NONREF"]
"""Which frames FFmpeg's decoder skips: none, those that refer to later frames, or those that none refers to."""

_LARGE = 720  # pixels of the shorter side
_LEAST_RATE = 23.0  # frames a second
_DENSE = 0.2  # share of anchor frames
_PROBED_PACKETS = 120
_SURPRISE = 2.0  # times the median size of anchor frames
# Of other codecs all frames are decoded: they cost little, or none can be skipped.
_CODECS = ("h264", "hevc")


def skipped_frames(source: Path | IO[bytes], stream: av.VideoStream, fps: float) -> Discard:
    """Return which frames of a video may be skipped where the picture does not change.

    Of a file object, which is not read twice to count anchor frames, those that no other frame needs.
    """
    codec = stream.codec_context
    large = min(stream.width, stream.height) >= _LARGE
    if not (large and fps >= _LEAST_RATE and codec.has_b_frames and codec.name in _CODECS):
        return "DEFAULT"
    share = _anchor_share(source, stream.index)
    if share >= 1.0:
        return "DEFAULT"
    # HEVC's anchor frames often refer to later frames, and would be skipped as well.
    return "BIDIR" if share >= _DENSE and codec.name == "h264" else "NONREF"


def _anchor_share(source: Path | IO[bytes], index: int) -> float:
    """Return the share of anchor frames among a stream's first; 0 for a file object, which is not read twice."""
    if not isinstance(source, Path):
        return 0.0
    newest, anchors, packets = -(1 << 62), 0, 0
    try:
        with open_container(source) as container:
            for packet in container.demux(container.streams[index]):
                if packet.pts is None or packets == _PROBED_PACKETS:
                    break
                packets += 1
                anchors += packet.pts > newest
                newest = max(newest, packet.pts)
    except (av.error.FFmpegError, OSError):
        return 0.0  # decoding will meet the same damage
    return anchors / packets if packets else 0.0


class ChangeDetector:
    """Guesses from the sizes of packets, before they are decoded, where the picture changes."""

    def __init__(self) -> None:
        self._newest: int | None = None
        self._sizes: deque[int] = deque(maxlen=16)
        self._changed = True

    def changed(self, packet: av.Packet[av.VideoStream]) -> bool:
        """Take the next packet; returns whether the last anchor frame, perhaps this one, differs from those before."""
        if packet.pts is None:
            return True
        if self._newest is None or packet.pts > self._newest:
            self._newest = packet.pts
            self._changed = not self._sizes or packet.size > _SURPRISE * statistics.median(self._sizes)
            if not packet.is_keyframe:
                self._sizes.append(packet.size)
        return self._changed
