"""Files of several recordings that were joined one after another, of which each counts its time anew."""

from __future__ import annotations

import av

JOINABLE = ("mpegts", "mpeg")  # containers whose files can be joined to one file
RESTART = 1.0  # seconds that a clock goes back, from which it is another recording's
_PLACES = 64  # of a file that are looked at, which takes a few hundredths of a second


def restarts(container: av.container.InputContainer, stream: av.VideoStream) -> bool:
    """Return whether the time stamps of a stream go back on the way from a file's beginning to its end.

    They are looked at in places that divide the file evenly, so a recording at its beginning that is shorter than one
    of these parts may not be noticed. The container is left somewhere in the file.
    """
    latest: float | None = None
    for place in range(_PLACES):
        try:
            container.seek(container.size * place // _PLACES, any_frame=True, unsupported_byte_offset=True)
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
