"""A table of (video, start, end) becomes the request for a build."""

from __future__ import annotations

import filecmp
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pandas as pd

from va_widgets.base.errors import CorpusError, NoVideosError
from va_widgets.base.names import escaped
from va_widgets.base.paths import GivenPath, is_url
from va_widgets.corpus.building.jobs import clip_id
from va_widgets.corpus.building.request import BuildRequest, ClipSettings, Segment
from va_widgets.corpus.ingest.places import VideoPlaces
from va_widgets.corpus.ingest.segment_sources import folder_of, read_segments
from va_widgets.corpus.manifest import COLUMNS
from va_widgets.corpus.sources import SourceFile, SourceGroup, groups_of_files, look_up
from va_widgets.corpus.user_tables.columns import check_columns
from va_widgets.corpus.user_tables.read import SEGMENT_COLUMNS, check_names, origin_of
from va_widgets.corpus.user_tables.segments import checked_segments

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
    rows can be used, MissingPackageError for a file that needs a package which is not installed.
    """
    finder = VideoPlaces(folder_of(table, videos), allow)
    rows, label_of = read_segments(table, finder)
    origin = origin_of(table)
    check_names(rows.columns.difference(list(SEGMENT_COLUMNS), sort=False), origin, COLUMNS)
    good, refused = checked_segments(rows, finder.clock)
    check_columns(good[[name for name in good.columns if name not in SEGMENT_COLUMNS]], origin)
    label = label_of() if len(refused) else str
    reasons = [
        (f"{video} ({label(row)})", str(reason))
        for row, video, reason in zip(refused.index, refused["video"], refused["reason"], strict=True)
    ]
    places = {str(name): finder.place(str(name)) for name in good["video"].unique()}
    urls, missing = _look_up({place for place in places.values() if is_url(place)}, allow)
    missing |= {place: why for place in places.values() if not is_url(place) and (why := finder.missing(place))}
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
    if repeated.any():
        label = label_of()
        reasons += [
            (f"{good['video'][row]} ({label(row)})", "the same segment is there already")
            for row in times.index[repeated]
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
        self._user_columns = rows[[name for name in rows.columns if name not in (*SEGMENT_COLUMNS, "_place")]]
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
