"""MP4 and MOV files of which FFmpeg loses frames, because of what they say of the times at which frames are shown.

An edit list says which part of a track is shown. One without an end has a duration of 0, as programs write it that do
not know yet how long a recording will be; FFmpeg knows this only of files that are fragmented throughout. For a pause
that is not at the beginning FFmpeg shows the first frames of the track. A list that leaves nothing, such as a part
behind the end of the track, is an error of the program that wrote it. And where the table of durations says that frames
take no time, no edit list can say which are shown.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import av

from va_widgets.base.paths import opened
from va_widgets.video.mp4_boxes import Box, boxes_in, file_boxes

NOTHING_LEFT = "its edit list leaves out all of its pictures, so it was ignored"

# Options of FFmpeg's demuxer.
ONLY_BEGINNINGS = {"advanced_editlist": "0"}  # an edit list only says when its track begins
NO_EDITS = {"ignore_editlist": "1"}

_FORMAT = "mov,mp4,m4a,3gp,3g2,mj2"
_FASTEST = 1000.0  # frames a second that are plausible
_MOST_EDITS = 1000  # of a track
_PAUSE = -1  # in place of where an edit begins


def is_mp4(container: av.container.Container) -> bool:
    """Return whether a file is an MP4, a MOV or the like."""
    return container.format.name == _FORMAT


def has_clock(stream: av.VideoStream) -> bool:
    """Return whether the time stamps of a stream tell its frames apart. Only those of an MP4 are looked at."""
    index = stream.index_entries
    if not is_mp4(stream.container) or len(index) < 2 or stream.time_base is None:
        return True
    return len(index) - 1 <= _FASTEST * float((index[-1].timestamp - index[0].timestamp) * stream.time_base)


def has_mistaken_edits(container: av.container.InputContainer, source: Path | IO[bytes]) -> bool:
    """Return whether FFmpeg takes an edit list of a file for another than it is: open it with `ONLY_BEGINNINGS`.

    The file's boxes are read only if FFmpeg's index has other frames than the file: of a URL this takes requests.
    """
    is_suspect = any(map(_is_edited, container.streams.video)) or any(map(_is_short, container.streams.audio))
    if not is_mp4(container) or not is_suspect:
        return False
    with opened(source) as file:
        position = file.tell()  # at which FFmpeg goes on, if it reads the same file object
        found = any(map(_is_mistaken, _edit_lists(file)))
        file.seek(position)
    return found


def loses_video(container: av.container.InputContainer) -> bool:
    """Return whether a file's edit lists leave no video, or cannot be followed: open it with `NO_EDITS`."""
    tracks = _films(container)
    if not is_mp4(container) or not tracks:
        return False
    return all(map(_is_lost, tracks)) or not all(map(has_clock, tracks))


def flaw(container: av.container.InputContainer) -> str:
    """Return what is wrong with the edit lists of a file that is opened, as a sentence; empty if nothing is."""
    if not NO_EDITS.items() <= container.options.items():
        return ""
    tracks = _films(container)
    return NOTHING_LEFT if any(len(track.index_entries) for track in tracks) and all(map(has_clock, tracks)) else ""


def _films(container: av.container.InputContainer) -> list[av.VideoStream]:
    """Return the video tracks but for the cover image of a song."""
    cover = av.stream.Disposition.attached_pic
    return [track for track in container.streams.video if not track.disposition & cover]


def _is_short(sound: av.AudioStream) -> bool:
    """Return whether most of a sound is left out; nearly every sound lacks its first samples, which are silent."""
    return len(sound.index_entries) < sound.frames / 2


def _is_edited(track: av.VideoStream) -> bool:
    """Return whether frames of a track are left out or repeated."""
    index = track.index_entries
    return (track.frames > 0 and len(index) != track.frames) or (len(index) > 0 and index[0].is_discard)


def _is_lost(track: av.VideoStream) -> bool:
    """Return whether a track has frames of which none is shown, as those are not whose time is negative."""
    if not len(track.index_entries):
        return track.frames > 0
    return track.duration is not None and (track.start_time or 0) + track.duration <= 0 < track.duration


def _is_mistaken(edits: list[tuple[int, int]]) -> bool:
    """Return whether an edit list has an edit without an end, or a pause that is not its first edit."""
    is_endless = any(duration == 0 and begin != _PAUSE for duration, begin in edits)
    return is_endless or any(begin == _PAUSE for _, begin in edits[1:])


def _edit_lists(file: IO[bytes]) -> Iterator[list[tuple[int, int]]]:
    """Yield the edits of each track of a file: their durations and where in the track they begin."""
    for edit_list in _found(file, file_boxes(file), (b"moov", b"trak", b"edts", b"elst")):
        file.seek(edit_list.content)
        version, number = struct.unpack(">B3xI", file.read(8).ljust(8, b"\0"))
        edit = struct.Struct(">Qq4x" if version == 1 else ">Ii4x")
        data = file.read(min(number, _MOST_EDITS) * edit.size)
        yield list(edit.iter_unpack(data[: len(data) // edit.size * edit.size]))


def _found(file: IO[bytes], boxes: Iterator[Box], path: tuple[bytes, ...]) -> Iterator[Box]:
    """Yield the boxes of a path of kinds, of which `boxes` are the outermost."""
    for box in boxes:
        if box.kind == path[0] and len(path) > 1:
            yield from _found(file, boxes_in(file, box), path[1:])
        elif box.kind == path[0]:
            yield box
