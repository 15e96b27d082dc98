"""Files of several recordings that were joined one after another, of which each counts its time anew."""

from __future__ import annotations

from collections.abc import Iterator

import av

JOINABLE = ("mpegts", "mpeg")  # containers whose files can be joined to one file
RESTART = 1.0  # seconds that a clock goes back, from which it is another recording's
_PARTS = 64  # of a file, at whose beginnings it is looked at
_FIRST = 1 << 13  # bytes, from which on a first recording is found
_STEP = 2**0.25
_LAST = 1 << 16  # bytes from the end, which hold a picture


def restarts(container: av.container.InputContainer, stream: av.VideoStream) -> bool:
    """Return whether the time stamps of a stream go back on the way from a file's beginning to its end.

    They are looked at in 64 to 150 places, which takes some hundredths of a second. A first recording is not noticed
    that lasts less than two seconds, or may not be that has more than five times as many bytes a second as the next.
    The container is left somewhere in the file.
    """
    latest: float | None = None
    for place in _places(container.size):
        try:
            container.seek(place, any_frame=True, unsupported_byte_offset=True)
            stamp = next((packet.dts for packet in container.demux(stream) if packet.dts is not None), None)
        except (av.error.FFmpegError, IndexError):  # PyAV raises IndexError at the end if streams appeared late
            continue
        if stamp is None or stream.time_base is None:
            continue
        moment = float(stamp * stream.time_base)
        if latest is not None and moment < latest - RESTART:
            return True
        latest = moment
    return False


def _places(size: int) -> Iterator[int]:
    """Yield the bytes of a file at which its clock is looked at.

    They divide the file evenly. A first recording may be much shorter than such a part: before the second of these
    places there are others, each but a fifth further than the one before, so that the next recording has not reached
    the time of the last place in the first one. Of a last recording any place tells that it began anew.
    """
    yield 0
    place = float(_FIRST)
    while place < size / _PARTS:
        yield int(place)
        place *= _STEP
    yield from (size * part // _PARTS for part in range(1, _PARTS))
    if size > _PARTS * _LAST:
        yield size - _LAST
