"""The videos of clips that the user's vectors belong to: where they are, so that the clips have pictures and play."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from va_widgets.base.paths import is_file, is_url
from va_widgets.corpus.file_kinds import VIDEO_SUFFIXES
from va_widgets.corpus.ingest.places import VideoPlaces
from va_widgets.corpus.manifest import NO_VIDEO, TYPES, Root, Source
from va_widgets.corpus.sources import SourceFile, SourceGroup, canonical, group_below, groups_of_files

# No filmstrip is stored; the columns say so by the least values that they can have.
_NO_STRIP = {"_strip_at": 0, "_strip_bytes": 0, "_strip_frames": 1, "_strip_width": 1, "_strip_height": 1}


@dataclass(frozen=True)
class ClipVideos:
    """The videos of clips: the `groups` of their files, and for the manifest their `roots` and `sources`."""

    groups: list[SourceGroup]
    roots: list[Root]
    sources: list[Source]


def with_videos(
    table: pd.DataFrame, places: VideoPlaces, folder: Path, corpus: Path
) -> tuple[pd.DataFrame, ClipVideos]:
    """Return a table of clips with the hidden columns that locate their videos, and these; as it is if there are none.

    `folder` is the one that names are relative to, `corpus` that of the corpus. Clips have a video if their name in the
    column `video` is that of a file of a known suffix, and if they have times. Such names become relative to the
    folder, those of files elsewhere to the folder that these have in common. Nothing is read of the files.
    """
    timed = (table["end"] > table["start"]).to_numpy(dtype=np.bool_)
    names = table["video"].astype(str)
    paths = _files(names[timed].unique(), places)
    groups = _groups(set(paths.values()), folder)
    if not groups:
        return table, ClipVideos([], [], [])
    files = {file.place: (number, file) for number, group in enumerate(groups) for file in group.files}
    keys = {place: _key(file) for place, (_, file) in files.items()}
    placed = names.map(paths)  # missing for names without a file
    key = placed.where(timed).map(keys).fillna(NO_VIDEO).astype(str)
    counts = key.value_counts()
    sources = [
        Source(file.name, root, file.size, file.modified, keys[place], "done", "", int(counts[keys[place]]), 0.0)
        for place, (root, file) in files.items()
    ]
    table = table.assign(
        video=placed.map({place: file.name for place, (_, file) in files.items()}).fillna(names).astype("category"),
        _key=key.astype("category"),
        _shard=key.astype("category"),
        _root=placed.map({place: root for place, (root, _) in files.items()}).fillna(0).astype(np.int32),
        **{name: pd.Series(least, table.index, TYPES[name]) for name, least in _NO_STRIP.items()},
    )
    return table, ClipVideos(groups, [Root.of(group.root, corpus) for group in groups], sources)


def _files(names: Iterable[str], places: VideoPlaces) -> dict[str, str]:
    """Return the paths of the names that are those of videos which exist."""
    found = {name: places.place(name) for name in names if Path(name).suffix.lower() in VIDEO_SUFFIXES}
    return {name: place for name, place in found.items() if not is_url(place) and is_file(place)}


def _groups(files: set[str], folder: Path) -> list[SourceGroup]:
    """Return files as those below a folder, which keep their names, and others."""
    root = Path(canonical(folder / "-")).parent
    inside = sorted(file for file in files if Path(file).is_relative_to(root))
    below = [group_below(root, inside)] if inside else []
    return below + groups_of_files(files.difference(inside))


def _key(file: SourceFile) -> str:
    """Return 16 hexadecimal digits that are others once a file has another name, size or time of change."""
    return hashlib.sha256(repr((file.place, file.size, file.modified)).encode("utf-8", "surrogateescape")).hexdigest()[
        :16
    ]
