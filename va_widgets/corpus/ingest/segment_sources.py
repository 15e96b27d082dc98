"""Where the segments of a corpus come from: a table, in memory or in a file, or a timeline of an editing program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.errors import CorpusError
from va_widgets.base.paths import GivenPath, absolute_path
from va_widgets.corpus.ingest.places import VideoPlaces
from va_widgets.corpus.user_tables import timelines
from va_widgets.corpus.user_tables.read import SUFFIXES, existing_file, read_table, row_numbers

_NEEDED = ("video", "start", "end")


def folder_of(table: pd.DataFrame | GivenPath, videos: GivenPath | None) -> Path:
    """Return the folder that names of videos are relative to: `videos`, or else that of the table's file, or "."."""
    if videos is not None:
        return absolute_path(videos, name="The folder of the videos")
    if isinstance(table, pd.DataFrame):
        return absolute_path(".")
    arguments.path(table, "A table", expected="a DataFrame, or the path of a file", error=CorpusError)
    return absolute_path(table).parent


def read_segments(
    source: pd.DataFrame | GivenPath, places: VideoPlaces
) -> tuple[pd.DataFrame, Callable[[], Callable[[int], str]]]:
    """Return the segments in a table or timeline, DataFrame(video, start, end, …), and what gives their labels.

    That function returns another one, of the number of a segment: how people find it, such as "row 3" of the
    spreadsheet or "event 003". Raises CorpusError for what `read_table` and `read_timeline` refuse.
    """
    if not isinstance(source, pd.DataFrame):
        file = existing_file(source, (*SUFFIXES, *timelines.SUFFIXES), "A table")
        if file.suffix.lower() in timelines.SUFFIXES:
            clips = timelines.read_timeline(file)
            return _table(clips, places), lambda: lambda row: clips[row].label

    def labels() -> Callable[[int], str]:
        numbers = row_numbers(source, _NEEDED)
        return lambda row: f"row {numbers(row)}"

    return read_table(source, _NEEDED), labels


def _table(clips: Sequence[timelines.TimelineClip], places: VideoPlaces) -> pd.DataFrame:
    """Return the clips of a timeline as a table, with their names and reels as columns, if they have any."""
    found = {media: places.first_of(media) for media in dict.fromkeys(clip.media for clip in clips)}
    columns = {
        "video": [found[clip.media] for clip in clips],
        "start": [clip.start for clip in clips],
        "end": [clip.end for clip in clips],
        "name": [clip.name or None for clip in clips],
        "reel": [clip.reel or None for clip in clips],
    }
    table = pd.DataFrame(columns, dtype=object)
    return table.drop(columns=[name for name in ("name", "reel") if table[name].isna().all()])
