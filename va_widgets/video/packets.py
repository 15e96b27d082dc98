"""The packets of a video file: read in the file's order, past damaged places, within a limit of time."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import av

from va_widgets.base.background import stop_requested
from va_widgets.base.errors import reason_of
from va_widgets.video.clock_restarts import JOINABLE, restarts
from va_widgets.video.container import default_audio, default_video, open_container
from va_widgets.video.errors import UndecodableError
from va_widgets.video.unusable import ENCRYPTED, is_encrypted, is_scrambled, missing_part

# Processor seconds after which reading and decoding a file is given up, so that a damaged one does not delay the rest.
_LIMIT, _LIMIT_A_MEGABYTE = 120.0, 20.0


class PacketReader:
    """Reads the packets of a file's video and of its sound, of several the default ones.

    Parameters
    ----------
    source : Path or binary file
        A file object must be seekable.
    size : int
        Bytes of the file; they bound the processor time until `packets` ends, which includes the caller's decoding.
    with_sound : bool
        Whether the packets of the sound are read, too.

    Attributes
    ----------
    container : the file, opened by PyAV
    video, audio : its streams
        `audio` is None without sound that can be decoded.
    position : int
        Bytes of the file that have been read.
    damaged : int
        How often no packet could be read.
    at_end, timed_out : bool
        Why `packets` has ended.

    Raises UndecodableError if there is no video.
    """

    def __init__(self, source: Path | IO[bytes], size: int, with_sound: bool) -> None:
        if size == 0:
            raise UndecodableError("it is empty (0 bytes)")
        self.position = 0
        self.damaged = 0
        self.at_end = self.timed_out = False
        self._source = source
        self._with_sound = with_sound
        self._is_begun = False  # whether any packet may have been read since the file was opened
        self._deadline = time.process_time() + _LIMIT + _LIMIT_A_MEGABYTE * size / 1e6
        self._open()

    def _open(self) -> None:
        try:
            if not isinstance(self._source, Path):
                self._source.seek(0)
            self.container = open_container(self._source)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            if isinstance(error, av.error.InvalidDataError) and (missing := missing_part(self._source)):
                raise UndecodableError(missing) from error
            raise UndecodableError(f"it is not a video that can be read ({_reason(error)})") from error
        try:
            self._choose_streams()
        except UndecodableError as error:
            is_empty = not self.container.streams.video
            self.container.close()
            # The part of an index that names the streams may be missing.
            if is_empty and (missing := missing_part(self._source)):
                raise UndecodableError(missing) from error
            raise

    def _choose_streams(self) -> None:
        self.video = default_video(self.container)
        if self.container.format.name == "mpegts" and is_scrambled(self._source, self.video.id):
            raise UndecodableError(ENCRYPTED)
        self.audio = default_audio(self.container) if self._with_sound else None

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def rewind(self) -> bool:
        """Go to the file's beginning. Return whether it was opened again, so that its streams are new ones.

        It is opened again because some files are not seekable. Raises UndecodableError if it cannot be.
        """
        again = self._is_begun
        if again:
            self.container.close()
            self._open()
        self._is_begun, self.at_end = True, False
        return again

    def seek(self, stamp: int) -> bool:
        """Go to the last key frame that the container knows at or before a time stamp. Return whether it was possible.

        Some containers, such as MPEG-TS, do not know their key frames: there it may be any packet near the time stamp.
        """
        self.at_end = False
        try:
            self.container.seek(stamp, stream=self.video, backward=True)
        except av.error.FFmpegError:
            return False
        return True

    def clock_restarts(self) -> bool:
        """Return whether the file is of several recordings with a clock each, as far as a look at some places tells.

        Afterwards `rewind` or `seek` has to be called. A file of the network is not looked at, which would take long.
        """
        is_local = isinstance(self._source, (Path, io.IOBase))
        if self.container.format.name not in JOINABLE or not is_local:
            return False
        self._is_begun = True
        return restarts(self.container, self.video)

    def packets(self) -> Iterator[av.Packet[Any]]:
        """Yield the file's packets; after a damaged place it goes on where the container finds the next packet.

        Raises UndecodableError if the video is encrypted.
        """
        streams = [stream for stream in (self.video, self.audio) if stream is not None]
        packets = self.container.demux(*streams)
        failed = False  # whether the last packet could not be read
        while time.process_time() < self._deadline:
            if stop_requested():
                raise UndecodableError("Python was ended while it was read")
            try:
                packet = next(packets)
            except (StopIteration, IndexError):  # PyAV raises IndexError at the end if streams appeared late
                self.at_end = True
                return
            except av.error.FFmpegError:
                self.damaged += 1
                if failed:
                    self.at_end = True
                    return
                failed = True
                packets = self.container.demux(*streams)
                continue
            failed = False
            if packet.stream is self.video and is_encrypted(packet):
                raise UndecodableError(ENCRYPTED)
            if packet.pos is not None:
                self.position = max(self.position, packet.pos)
            yield packet
        self.timed_out = True


def _reason(error: Exception) -> str:
    return "it ends before its first picture" if isinstance(error, av.error.EOFError) else reason_of(error)
