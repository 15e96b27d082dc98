"""Frames of a video in the order in which they are shown: upright, whole, in true colours and at their times."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import av
from av.video.frame import PictureType

from va_widgets.video import mp4_times
from va_widgets.video.animations import playable
from va_widgets.video.clock_restarts import JOINABLE
from va_widgets.video.container import duration, frame_rate, time_base
from va_widgets.video.dolby_vision import FALSE_COLOURS, has_own_colours
from va_widgets.video.errors import UndecodableError
from va_widgets.video.frame import Frame, Scalers
from va_widgets.video.geometry import Geometry, GeometryReader
from va_widgets.video.interlacing import deinterlaced
from va_widgets.video.packets import PacketReader
from va_widgets.video.scaling import GREY_SPACES, FrameScaler
from va_widgets.video.skipping import ChangeDetector, Discard, skipped_frames
from va_widgets.video.sound import audio_frames
from va_widgets.video.time_stamps import FrameClock, FrameStamps, packet_stamp, stamp_source
from va_widgets.video.unusable import missing_part

_MOST_PIXELS = 1 << 27  # a frame; 16K video has 2^27, a damaged header can claim anything
_SOUND_DELAY = 5.0  # seconds that a sound may come after its frame in the file
# Whose decoders give no frame before they can, and do not mark every frame as a key frame from which they can.
_WAITING = ("h264", "hevc")
_SAME = 1e-4  # seconds that equal times may differ by, because of rounding


class _Decoded(NamedTuple):
    """A frame with its number, its time stamp, if it has one, and how it is shown."""

    frame: av.VideoFrame
    number: int
    stamp: int | None
    geometry: Geometry


class Video:
    """A video file, whose frames are decoded from its beginning or from a given time on.

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
        self._source = source = playable(source)
        self._reader = PacketReader(source, size, sound)
        self._threads, self._every = threads, every
        self._scalers = Scalers(
            FrameScaler(small_side, "bgr24", tone_map=False), FrameScaler(picture_side, "rgb24", tone_map=True)
        )
        self._has_own_colours = has_own_colours(self._reader.video)
        self._grey_space = ""  # the name of a colour space of which only the brightness is shown
        self._undecoded = 0  # damaged packets and frames
        self._until = 0.0  # the end of the last frame that was decoded, in seconds
        self._length: float | None = None  # of the video, in seconds, once it was decoded from its beginning to its end
        self._repeated_until = 0.0  # the end of a frame that was repeated, in the file's seconds
        self._zero: float | None = None  # when the first frame is shown, in the file's seconds, once it is known
        self._decoded_to_end = False
        self._is_joined: bool | None = None  # of several recordings, each with a clock of its own; None: not yet known
        self._has_restarted = False  # whether the newest frames are of such a recording after the first
        self._whole: Iterator[Frame] | None = None  # all frames, of which the first have been given
        self._newest: Frame | None = None  # of them
        self._types_are_known = False  # whether the decoder says of any frame what it refers to
        self._prepare()

    def _prepare(self) -> None:
        """Read the stream's properties, and set the decoder up."""
        container, stream = self._reader.container, self._reader.video
        codec = stream.codec_context
        stream.thread_type = "AUTO" if self._threads > 1 else "NONE"
        stream.thread_count = self._threads
        self.fps = frame_rate(stream)
        self._base = time_base(stream)
        self._start_time = (stream.start_time or 0) * self._base
        self.duration = duration(container, stream)
        self._edit_flaw = mp4_times.flaw(container)
        self._stamp_source = stamp_source(container, stream)
        # Frames before 0 are those that an edit list leaves out, where FFmpeg does not leave them out itself.
        self._earliest_stamp = 0 if mp4_times.is_mp4(container) else None
        if self._stamp_source == "sorted":  # a frame that is missing would shift the time stamps of all after it
            codec.flags |= av.codec.context.Flags.output_corrupt
        may_skip = not self._every and self._stamp_source == "presentation"
        self._skipped: Discard = skipped_frames(self._source, stream, self.fps) if may_skip else "DEFAULT"
        self._skips = self._skipped != "DEFAULT"
        # The frames a second that shot detection sees: about half of them where some are skipped.
        self.seen_fps = self.fps / 2 if self._skips else self.fps
        self._geometries = GeometryReader(stream)
        options = {"max_pixels": str(_MOST_PIXELS)}
        if self._skips:
            options["skip_loop_filter"] = "all"  # it smooths what scaling down smooths anyway
        codec.options = options
        self._audio_packets: list[av.Packet[av.AudioStream]] = []

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    @property
    def position(self) -> int:
        """How many bytes of the file have been read."""
        return self._reader.position

    @property
    def damage(self) -> str:
        """What is wrong with the file as far as it has been decoded, as a sentence; empty if nothing is."""
        parts = [FALSE_COLOURS] if self._has_own_colours else []
        if self._grey_space:
            parts = [
                f"its colours are of a kind that is not converted here ({self._grey_space}), so it is shown in grey"
            ]
        if self._edit_flaw:
            parts.append(self._edit_flaw)
        damaged = self._undecoded + self._reader.damaged
        has_nothing = self._decoded_to_end and not self._until
        if damaged and not has_nothing:
            parts.append(f"{damaged} damaged part{'s were' if damaged > 1 else ' was'} left out")
        if self._reader.timed_out:
            parts.append(f"decoding was too slow and was given up after {self._until:.1f} s of video")
        elif has_nothing and (missing := missing_part(self._source)):
            parts.append(missing)
        elif has_nothing and damaged:
            parts.append("it is damaged or truncated: not one of its pictures can be decoded")
        elif self._decoded_to_end and self.duration - self._until > max(1.0, 0.1 * self.duration):
            parts.append(f"it breaks off at {self._until:.1f} of {self.duration:.1f} s")
        return "; ".join(parts)

    def frames(self, start: float = 0.0) -> Iterator[Frame]:
        """Yield frames in order of time, from the last one at or before `start` (seconds from the first frame) on.

        They are those that decoding from the beginning gives from there on. Numbers count the file's own frames when
        it is read from its start, and are times of the frame rate otherwise. Raises UndecodableError if the file has
        to be opened again and cannot be.
        """
        if start > 0 and self._is_joined is None:
            self._whole = None  # it would go on elsewhere in the file
            self._is_joined = self._reader.clock_restarts()
        if start > 0 and not self._is_joined and self._stamp_source != "counted":
            self._whole = None
            is_found = False
            for frame in self._shown(self._decode_from(start), start, numbered=False):
                is_found = True
                yield frame
            is_joinable = self._reader.container.format.name in JOINABLE
            if is_found or not is_joinable or (self._length is not None and start >= self._length):
                return
            # The file may be of several recordings nevertheless.
        yield from self._from_beginning(start)

    def _from_beginning(self, start: float) -> Iterator[Frame]:
        """Yield the frames from `start` on by decoding all before, after the newest that was given if that is enough.

        What a time stamp means is known in no other way where recordings follow one another in a file.
        """
        newest, after = self._newest, start + _SAME if start > 0 else 0.0
        if self._whole is None or newest is None or start <= 0 or newest.time > start:
            self._rewind()
            self._whole = self._shown(self._decode(self._reader.packets()), 0.0, numbered=True)
        elif newest.end > after:
            yield newest
        for frame in self._whole:
            self._newest = frame
            if frame.end > after:
                yield frame
        self._whole = None
        if self._reader.at_end:
            self._length = self._until
            self._is_joined = self._has_restarted

    def _shown(self, decoding: Iterable[_Decoded], start: float, *, numbered: bool) -> Iterator[Frame]:
        """Yield the frames of some that are shown at `start` or later; `numbered` says that they have their numbers."""
        clock: FrameClock | None = None
        self._has_restarted = False
        waiting: Frame | None = None  # until the next one's time, at which it ends, is known
        after = start + _SAME if start > 0 else 0.0
        for whole, (frame, number, stamp, geometry) in deinterlaced((decoded.frame, decoded) for decoded in decoding):
            if clock is None:
                if self._zero is None:
                    self._zero = (stamp or 0) * self._base
                clock = FrameClock(self._zero, self._base, self.fps)
            moment = clock.time(stamp)
            self._has_restarted = clock.restarted
            if waiting is not None:
                waiting.end = moment
                if waiting.end > after:
                    yield waiting
            end = moment + clock.shown_for(frame)
            index = number if numbered else round(moment * self.fps)
            waiting = Frame(index, moment, end, whole, geometry, self._scalers)
            self._until = max(self._until, end)
        self._decoded_to_end |= self._reader.at_end
        if waiting is not None:
            waiting.end = max(waiting.end, self._repeated_until - self._known_zero)
            self._until = max(self._until, waiting.end)
            if waiting.end > after:
                yield waiting

    def sound(self, start: float, end: float) -> Iterator[tuple[float, av.AudioFrame]]:
        """Yield frames of the file's sound, with their times, from `start` or a little before to `end`.

        Times are seconds from the first frame of the video; what does not decode is left out. Call it after `frames`,
        which gave the video's frames from `start` on. Raises UndecodableError or FFmpegError if there is a sound, but
        none of it decodes.
        """
        audio = self._reader.audio
        self._whole = None  # which this reads on from
        if self._has_restarted:  # the sound's times are of another recording
            return
        if audio is None:
            if self._reader.container.streams.audio:
                raise UndecodableError("its sound is of a kind that is not known here")
            return
        base = float(audio.time_base or 0)
        yield from audio_frames(self._audio_packets_until(end), base, self._known_zero, start, end)

    def _audio_packets_until(self, end: float) -> Iterator[av.Packet[Any]]:
        """Yield the packets of the sound that were read with the video's, and those that follow, if they are needed."""
        reader = self._reader
        for packet in itertools.chain(self._audio_packets, reader.packets() if not reader.at_end else ()):
            if packet.stream is not reader.video:
                yield packet
            elif packet.dts is not None and self._seconds(packet.dts) > end + _SOUND_DELAY:
                return

    # --- decoding ----------------------------------------------------------------------------------

    def _decode(self, packets: Iterable[av.Packet[Any]]) -> Iterator[_Decoded]:
        """Yield every frame that decodes whole."""
        codec, audio = self._reader.video.codec_context, self._reader.audio
        stamps, changes = FrameStamps(self._stamp_source, self._skips, self._earliest_stamp), ChangeDetector()
        number = -1
        for packet in packets:
            if packet.stream is audio:
                self._audio_packets.append(packet)
                continue
            if self._skips and packet.size:
                codec.skip_frame = "DEFAULT" if changes.changed(packet) else self._skipped
            if not packet.size and packet.pts is not None:  # the last frame again, as Theora writes it
                number += 1
                self._repeated_until = packet.pts * self._base + ((packet.duration or 0) * self._base or 1 / self.fps)
                continue
            stamps.add(packet)
            damaged = packet.is_corrupt
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                damaged, frames = True, []
                number += 1
            self._undecoded += damaged
            self._geometries.decoded(packet, bool(frames))
            for frame in frames:
                stamp, skipped = stamps.take(frame)
                if stamps.is_hidden(stamp):
                    continue
                number += 1 + skipped
                self._grey_space = self._grey_space or GREY_SPACES.get(frame.colorspace, "")
                self._types_are_known |= frame.pict_type != PictureType.NONE
                if frame.is_corrupt:
                    self._undecoded += 1
                    continue
                yield _Decoded(frame, number, stamp, self._geometries.geometry(frame))

    # --- seeking -----------------------------------------------------------------------------------

    @property
    def _known_zero(self) -> float:
        """When the first frame is shown, in the file's seconds; what the file says as long as none was decoded."""
        return self._start_time if self._zero is None else self._zero

    def _seconds(self, stamp: int) -> float:
        """Return the time of a time stamp of the video, in seconds from its first frame."""
        return stamp * self._base - self._known_zero

    def _rewind(self) -> None:
        """Go to the file's beginning, and set the decoder up again if it was opened again."""
        if self._reader.rewind():
            self._prepare()

    def _decode_from(self, start: float) -> Iterator[_Decoded]:
        """Yield what `_decode` does, from the last frame at or before `start` (seconds), or from an earlier one on.

        Some containers, such as MPEG-TS, do not know their key frames, or only when they are decoded: there a seek may
        end after the one that is needed. Then it seeks further back, at last to the beginning.
        """
        if self._zero is None:
            # A recording may begin with frames that do not decode. Besides, some encoders name themselves only in their
            # first frame, and decoders work around the faults of those that they know.
            self._rewind()
            first = next(self._decode(self._reader.packets()), None)
            self._zero = self._start_time if first is None or first.stamp is None else first.stamp * self._base
        damaged = self._undecoded, self._reader.damaged
        back = 0.0  # seconds before `start`
        while back < start:
            decoding = self._decode(self._packets_from(start - back, start))
            first = self._entry(decoding, start)
            self._undecoded, self._reader.damaged = damaged  # damage before `start` does not count
            if first is not None:
                yield first
                yield from decoding
                return
            back = max(1.0, 2 * back)
        self._rewind()
        yield from self._decode(self._reader.packets())

    def _entry(self, decoding: Iterator[_Decoded], start: float) -> _Decoded | None:
        """Return the first frame of some that decodes without an earlier one; None if it is later than `start`.

        An MP4 file of MPEG-4 or a telephone's of H.263 may list all frames as key frames, and decoders of these codecs
        make blocks of grey of what refers to a frame that they do not have, or of that frame itself, without a type.
        """
        waits = self._reader.video.codec_context.name in _WAITING
        for decoded in decoding:
            if decoded.stamp is None or self._seconds(decoded.stamp) > start + _SAME:
                return None
            kind = decoded.frame.pict_type
            is_intact = kind == PictureType.I or (kind == PictureType.NONE and not self._types_are_known)
            if waits or decoded.frame.key_frame or is_intact:
                return decoded
        return None

    def _packets_from(self, target: float, start: float) -> Iterator[av.Packet[Any]]:
        """Yield the file's packets around `target` and after, of the video those from the first key frame on.

        There are none of the video if that key frame is later than `start`, or if seeking to `target` fails.
        """
        reader = self._reader
        self._audio_packets.clear()
        if not reader.seek(math.floor((self._known_zero + target) / self._base)):
            return
        entered = False
        for packet in reader.packets():
            if packet.stream is reader.video and not entered:
                packet_time = packet_stamp(packet, self._stamp_source)
                if packet_time is not None and self._seconds(packet_time) > start + _SAME:
                    return
                # In an MPEG program stream only frames at the start of a stream packet have time stamps. After a seek
                # FFmpeg guesses the others, wrong by a tenth of a second, until one has come that has a position.
                is_stamped = packet.pos is not None or reader.container.format.name != "mpeg"
                entered = packet.is_keyframe and is_stamped
                if not entered:
                    continue
            yield packet
