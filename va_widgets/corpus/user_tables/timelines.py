"""Clips of timelines of editing programs: EDL (CMX 3600), and .otio by OpenTimelineIO."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from va_widgets.base.errors import CorpusError, MissingPackageError
from va_widgets.corpus.files.data_files import first_line
from va_widgets.corpus.user_tables.timecode import FrameCount

SUFFIXES = (".edl", ".otio")

_TIME = r"([0-9]{2}[:;][0-9]{2}[:;][0-9]{2}[:;][0-9]{2,3})"
# Number, reel, channels, kind of transition, its length; in and out of the source and of the record.
_EVENT = re.compile(rf"([0-9]+)\s+(\S.*?)\s+(\S+)\s+(C|D|W[0-9]*|K[BO]?)(?:\s+[0-9.]+)?\s+{_TIME}\s+{_TIME}\s+.*")
_LIKE_EVENT = re.compile(rf"[0-9]+\s.*{_TIME}")
_COMMENT = re.compile(
    r"\*?\s*((?:FROM|TO) CLIP NAME|(?:FROM|TO) (?:CLIP|FILE)|SOURCE FILE|OTIO REFERENCE \w+)\s*:\s*(.+)"
)
_NO_FILE = ("AX", "BL", "BLACK", "BARS")  # reels: an unknown one, and what a mixer makes
_NO_SOURCE = ("BL", "BLACK", "BARS")


@dataclass(frozen=True)
class TimelineClip:
    """A clip of a timeline: `media` are the names that its file may have, the surest first.

    `start` and `end` are time code as text, or a FrameCount; None if the timeline does not say. `label` tells people
    which clip it is, such as "event 003".
    """

    label: str
    media: tuple[str, ...]
    start: str | FrameCount | None
    end: str | FrameCount | None
    name: str
    reel: str = ""


def read_timeline(file: Path) -> list[TimelineClip]:
    """Return the clips of the video tracks of a timeline, in its order.

    Raises CorpusError if the file cannot be read or has none, MissingPackageError for .otio without OpenTimelineIO.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CorpusError(f"{file} cannot be read ({first_line(error)}): check the file.") from error
    clips = list(_edl_clips(file, content) if file.suffix.lower() == ".edl" else _otio_clips(file, content))
    if not clips:
        raise CorpusError(f"{file} holds no clips of videos: at least one is needed.")
    return clips


# --- EDL -------------------------------------------------------------------------------------------


@dataclass
class _Event:
    """The lines of one number in an EDL: two of them for a transition, from one source to another."""

    sources: list[re.Match[str]]
    comments: list[tuple[str, str]]


def _edl_clips(file: Path, content: bytes) -> Iterator[TimelineClip]:
    for event in _events(file, content):
        comments = event.comments
        for place, source in enumerate(event.sources):
            number, reel, channels, _, start, end = source.groups()
            if not ("V" in channels or channels in ("B", "BOTH")) or reel in _NO_SOURCE or start == end:
                continue
            side = "TO" if place > 0 else "FROM"
            name = next((text for kind, text in comments if kind == f"{side} CLIP NAME"), "")
            files = [text for kind, text in comments if kind in (f"{side} CLIP", f"{side} FILE")]
            neutral = [text for kind, text in comments if kind == "SOURCE FILE" or kind.startswith("OTIO")]
            files += neutral[place : place + 1]
            reel = "" if reel in _NO_FILE else reel
            media = tuple(filter(None, [*files, name, reel]))
            yield TimelineClip(f"event {number}", media, start, end, name, reel)


def _events(file: Path, content: bytes) -> list[_Event]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:  # what older programs write; it has a letter for every byte
        text = content.decode("latin-1")
    events: list[_Event] = []
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if match := _EVENT.fullmatch(line):
            if events and events[-1].sources[0][1] == match[1]:
                events[-1].sources.append(match)
            else:
                events.append(_Event([match], []))
        elif _LIKE_EVENT.match(line):
            raise CorpusError(f"Line {number} of {file} is no event of an EDL (CMX 3600), {line[:80]!r}: correct it.")
        elif events and (comment := _COMMENT.fullmatch(line)):
            events[-1].comments.append((comment[1], comment[2].strip()))
    return events


# --- OpenTimelineIO --------------------------------------------------------------------------------


def _otio_clips(file: Path, content: bytes) -> Iterator[TimelineClip]:
    try:
        otio = import_module("opentimelineio")
    except ImportError as error:
        raise MissingPackageError(
            'A timeline in .otio needs OpenTimelineIO, which is not installed: pip install "va-widgets[reel]".'
        ) from error
    try:
        # Not linked: the user's plugins would look for other files.
        linking = otio.media_linker.MediaLinkingPolicy.DoNotLinkMedia
        root = otio.adapters.read_from_string(content.decode("utf-8-sig"), "otio_json", media_linker_name=linking)
        clips = list(_video_clips(otio, root))
    except Exception as error:  # it raises types of its own, and those of C++
        raise CorpusError(f"{file} cannot be read as a timeline ({first_line(error)}): export it again.") from error
    for number, clip in enumerate(clips, 1):
        reference = clip.media_reference
        url = str(getattr(reference, "target_url", "") or "")
        name = str(clip.name or "")
        start, end = _otio_times(otio, clip)
        media = dict.fromkeys(filter(None, (url, unquote(url), name)))
        yield TimelineClip(f"clip {number}", tuple(media), start, end, name)


def _video_clips(otio: Any, item: Any) -> Iterator[Any]:
    """Yield the clips of an object of OpenTimelineIO that are shown; not those of audio tracks."""
    schema = otio.schema
    if isinstance(item, schema.Clip):
        if not isinstance(item.media_reference, schema.GeneratorReference):
            yield item
    elif isinstance(item, schema.Timeline):
        yield from _video_clips(otio, item.tracks)
    elif isinstance(item, schema.Track) and item.kind == schema.TrackKind.Audio:
        return
    elif isinstance(item, (schema.Stack, schema.Track, schema.SerializableCollection)):
        for child in item:
            yield from _video_clips(otio, child)


def _otio_times(otio: Any, clip: Any) -> tuple[FrameCount | None, FrameCount | None]:
    """Return where a clip begins and ends in its source.

    If the timeline says from where the source counts, from there on, which is its first picture.
    """
    try:
        part = clip.trimmed_range()
    except otio.exceptions.OTIOError:  # it has no range, nor has its source
        return None, None
    available = getattr(clip.media_reference, "available_range", None)

    def count(moment: Any) -> FrameCount:
        if available is None:
            return FrameCount(moment.value, moment.rate)
        return FrameCount((moment - available.start_time).rescaled_to(moment.rate).value, moment.rate, from_first=True)

    return count(part.start_time), count(part.end_time_exclusive())
