"""When a frame is shown: the time stamps of packets and decoders, and the seconds that they stand for."""

from __future__ import annotations

import heapq
from typing import Any, Literal, TypeAlias

import av

from va_widgets.video.clock_restarts import RESTART
from va_widgets.video.mp4_times import has_clock

StampSource: TypeAlias = Literal["presentation", "decoded", "sorted", "counted"]
"""What a frame's time stamp is taken from: its own presentation time stamp, when it was decoded, its packets' decoding
time stamps, sorted, or nothing: it follows the one before at the frame rate."""

_LONGEST_FRAME = 600.0  # seconds, the longest plausible duration of a last frame
_PACKET_STAMPS = ("h264", "hevc")  # whose frames have the decoding time stamps of the packets that they came in


def stamp_source(container: av.container.InputContainer, stream: av.VideoStream) -> StampSource:
    """Return where the time stamps of a stream's frames come from.

    AVI stores when a frame is decoded, not when it is shown. If frames are reordered, the n-th frame that is shown gets
    the n-th decoding time stamp: some decoders give a frame that of its own packet, and those have to be sorted; others
    give it that of the packet after which it came out, and then it is the right one.
    """
    if not has_clock(stream):
        return "counted"
    if container.format.name != "avi" or not stream.codec_context.has_b_frames:
        return "presentation"
    return "sorted" if stream.codec_context.name in _PACKET_STAMPS else "decoded"


def packet_stamp(packet: av.Packet[Any], source: StampSource) -> int | None:
    """Return the time stamp of a packet, if it has one."""
    if source == "counted":
        return None
    return packet.dts if source == "sorted" else packet.pts


class FrameStamps:
    """Time stamps of frames that are decoded one after another.

    `skips` says that the decoder skips some frames: they are counted. `earliest` is the time stamp before which
    frames are not shown, but only needed to decode others, if there is such.
    """

    def __init__(self, source: StampSource, skips: bool, earliest: int | None) -> None:
        self._source = source
        self._skips = skips
        self._earliest = earliest
        self._pending: list[int] = []  # a heap: time stamps of packets whose frames are still to come

    def add(self, packet: av.Packet[av.VideoStream]) -> None:
        """Take a packet before it is decoded."""
        stamp = packet_stamp(packet, self._source)
        counted = (self._skips or self._source == "sorted") and not packet.is_discard
        if stamp is not None and packet.size and counted and not self.is_hidden(stamp):
            heapq.heappush(self._pending, stamp)

    def take(self, frame: av.VideoFrame) -> tuple[int | None, int]:
        """Return a decoded frame's time stamp, if it has one, and how many frames were skipped before it."""
        if self._source == "counted":
            return None, 0
        if self._source == "sorted":
            return (heapq.heappop(self._pending) if self._pending else None), 0
        if self._source == "decoded":
            return frame.dts, 0
        skipped = 0
        if self._skips and frame.pts is not None:
            while self._pending and self._pending[0] < frame.pts:
                heapq.heappop(self._pending)
                skipped += 1
            while self._pending and self._pending[0] == frame.pts:
                heapq.heappop(self._pending)
        return frame.pts, skipped

    def is_hidden(self, stamp: int | None) -> bool:
        """Return whether a frame with a time stamp is not shown."""
        return self._earliest is not None and stamp is not None and stamp < self._earliest


class FrameClock:
    """Turns the time stamps of consecutive frames into increasing times, also where they are missing or broken.

    `zero` is the second at which the first frame of the file is shown, `base` the seconds of one unit. `restarted` is
    whether another recording, whose clock started anew, has followed.
    """

    def __init__(self, zero: float, base: float, fps: float) -> None:
        self._zero = zero
        self._base = base
        self._interval = 1.0 / fps
        self._last = -self._interval
        self._started = self._is_stamped = False
        self.restarted = False

    def time(self, stamp: int | None) -> float:
        """Return when the next frame is shown, in seconds from the file's first frame."""
        moment = self._last + self._interval if stamp is None else stamp * self._base - self._zero
        if self._started:
            if moment < self._last - RESTART:
                self.restarted = True
                self._zero += moment - self._last - self._interval
            if moment <= self._last:
                moment = self._last + self._interval
        self._started, self._is_stamped, self._last = True, stamp is not None, moment
        return moment

    def shown_for(self, frame: av.VideoFrame) -> float:
        """Return how many seconds the newest frame says that it is shown; the frame rate's interval if it does not.

        Without a time stamp a frame cannot tell.
        """
        seconds = frame.duration * self._base if self._is_stamped else 0.0
        return seconds if 0 < seconds <= _LONGEST_FRAME else self._interval
