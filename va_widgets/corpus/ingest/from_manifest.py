"""A table of (video, start, end) becomes the request for a build."""

from __future__ import annotations

import filecmp
import os
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pandas as pd

from va_widgets.base.errors import CorpusError, NoVideosError
from va_widgets.base.names import escaped, unescaped
from va_widgets.base.paths import GivenPath, absolute_path, expanded, irregular, is_file, is_url, local
from va_widgets.corpus.building.jobs import clip_id
from va_widgets.corpus.building.request import BuildRequest, ClipSettings, Segment
from va_widgets.corpus.manifest import COLUMNS
from va_widgets.corpus.sources import SourceFile, SourceGroup, canonical, groups_of_files, look_up
from va_widgets.corpus.user_tables.columns import check_columns
from va_widgets.corpus.user_tables.read import check_names, origin_of, read_table
from va_widgets.corpus.user_tables.segments import checked_segments

_OWN = ("clip_id", "video", "start", "end")
_LISTED_REASONS = 5  # in an error message


def plan_segments(
    table: pd.DataFrame | GivenPath,
    videos: GivenPath | None,
    settings: ClipSettings,
    allow: frozenset[str] = frozenset(),
) -> tuple[list[SourceGroup], BuildRequest]:
    """Return the sources that a table names, and the request for their clips with the table's other columns.

    Names of videos are relative to the folder `videos`; if it is None, to that of the table's file, or the working
    directory. `allow` are schemes of URLs that are followed beside the usual ones.
    Raises CorpusError for a table that cannot be read or has columns of the corpus's own, NoVideosError if none of its
    rows can be used.
    """
    root = None if videos is None else absolute_path(videos, name="The folder of the videos")
    rows, origin = read_table(table, ("video", "start", "end")), origin_of(table)
    check_names(rows.columns.difference(list(_OWN), sort=False), origin, COLUMNS)
    good, refused = checked_segments(rows)
    check_columns(good[[name for name in good.columns if name not in _OWN]], origin)
    if root is None:
        root = absolute_path(".") if isinstance(table, pd.DataFrame) else absolute_path(table).parent
    reasons = [
        (f"{video} (row {row})", str(reason))
        for row, video, reason in zip(refused.index, refused["video"], refused["reason"], strict=True)
    ]
    places = {str(name): _place(str(name), root) for name in good["video"].unique()}
    urls, missing = _look_up({place for place in places.values() if is_url(place)}, allow)
    missing |= {
        place: irregular(place) or f"there is no such file in {escaped(root)}"
        for place in places.values()
        if not is_url(place) and not is_file(place)
    }
    twins = _twins(place for place in places.values() if not is_url(place) and place not in missing)
    reasons += [(name, missing[place]) for name, place in places.items() if place in missing]
    names = {place: name for name, place in places.items()}
    reasons += [
        (name, f"it has the same content as {names[twins[place]]}, which has its clips")
        for name, place in places.items()
        if place in twins
    ]
    # pandas's own texts hold no path that is not valid Unicode.
    good = good.assign(_place=[escaped(twins.get(places[name], places[name])) for name in good["video"]])
    good = good[~good["_place"].isin([escaped(place) for place in missing])]
    # A video may have two names in the table, and so a segment two rows.
    times = pd.DataFrame({name: (good[name] * 1000).round() for name in ("start", "end")}, good.index)
    repeated = times.assign(of=good["_place"]).duplicated()
    reasons += [
        (f"{good['video'][row]} (row {row})", "the same segment is there already") for row in times.index[repeated]
    ]
    good = good[~repeated]
    if good.empty:
        listed = "; ".join(f"{name}: {reason}" for name, reason in reasons[:_LISTED_REASONS])
        raise NoVideosError(f"None of the {len(rows)} rows can be used ({listed}): check the table.")
    segments = _Segments(good, {escaped(place): place for place in places.values()})
    by_place = segments.by_place()
    groups = groups_of_files([place for place in by_place if not is_url(place)])
    groups += [SourceGroup(None, urls)] if urls else []
    return groups, BuildRequest(settings, by_place, segments.columns, reasons, allow=allow)


class _Segments:
    """The segments of a table that can be used, a row each, with their `_place` as `names.escaped`."""

    def __init__(self, rows: pd.DataFrame, places: Mapping[str, str]) -> None:
        ids = rows["clip_id"].astype(str) if "clip_id" in rows else pd.Series("", index=rows.index)
        self._user_columns = rows[[name for name in rows.columns if name not in (*_OWN, "_place")]]
        self._rows = [
            (places[place], float(start), float(end), str(user_id))
            for place, start, end, user_id in zip(rows["_place"], rows["start"], rows["end"], ids, strict=True)
        ]

    def by_place(self) -> dict[str, list[Segment]]:
        """Return the segments of each video, by its place."""
        segments: dict[str, list[Segment]] = {}
        for place, start, end, user_id in self._rows:
            segments.setdefault(place, []).append(Segment(start, end, user_id))
        return segments

    def columns(self, keys: Mapping[str, str]) -> pd.DataFrame:
        """Return the user's columns indexed by clip_id, for the videos' content keys by place."""
        ids = [user_id or clip_id(keys.get(place, ""), start, end) for place, start, end, user_id in self._rows]
        columns = self._user_columns.set_axis(pd.Index(ids, name="clip_id"))
        return columns[~columns.index.duplicated()]


def _place(name: str, root: Path) -> str:
    """Return the path or URL that a name in the table stands for.

    A path may be written as it is, or as `names.escaped`, as in `Corpus.clips`, or in another Unicode normal form.
    """
    text = local(name)
    if is_url(text):
        return text
    plain = unescaped(text)
    spellings = (plain, text, unicodedata.normalize("NFC", plain), unicodedata.normalize("NFD", plain))
    paths = [os.path.abspath(root / expanded(spelling)) for spelling in dict.fromkeys(spellings)]
    return next((canonical(path) for path in paths if is_file(path)), paths[0])


def _look_up(urls: Iterable[str], allow: Collection[str]) -> tuple[list[SourceFile], dict[str, str]]:
    """Return the files at URLs, and the reasons of those that cannot be read, by URL."""
    files, refused = [], {}
    for url in sorted(urls):
        try:
            files.append(look_up(url, allow))
        except CorpusError as error:
            refused[url] = str(error)
    return files, refused


def _twins(files: Iterable[str]) -> dict[str, str]:
    """Return the files that have the same content as an earlier file, each with that file."""
    twins: dict[str, str] = {}
    firsts: dict[int, list[str]] = {}  # by size
    for file in dict.fromkeys(files):
        same_size = firsts.setdefault(Path(file).stat().st_size, [])
        twin = next((first for first in same_size if filecmp.cmp(first, file, shallow=False)), None)
        if twin is None:
            same_size.append(file)
        else:
            twins[file] = twin
    return twins
