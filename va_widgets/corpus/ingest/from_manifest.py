"""A table of (video, start, end) becomes the request for a build."""

from __future__ import annotations

import filecmp
import os
import unicodedata
from collections.abc import Collection, Iterable
from pathlib import Path

import pandas as pd

from va_widgets.base.errors import CorpusError, NoVideosError
from va_widgets.base.names import escaped, unescaped
from va_widgets.base.paths import GivenPath, absolute_path, expanded, irregular, is_file, is_url, local
from va_widgets.corpus.build import BuildRequest, ClipSettings
from va_widgets.corpus.ingest.columns import check_columns
from va_widgets.corpus.ingest.user_tables import check_names, checked_segments, origin_of, read_table
from va_widgets.corpus.jobs import Segment, clip_id
from va_widgets.corpus.manifest import COLUMNS
from va_widgets.corpus.sources import Found, Sources, canonical, looked_up, of_files

_OWN = ("clip_id", "video", "start", "end")


def planned(
    table: pd.DataFrame | GivenPath,
    videos: GivenPath | None,
    settings: ClipSettings,
    allow: frozenset[str] = frozenset(),
) -> tuple[list[Sources], BuildRequest]:
    """The sources that a table names, and the clips of them that it requests, with the table's other columns.

    `videos` is the folder that names start from; the table file's own, or the working directory, if it is None. `allow`
    are schemes of URLs that are followed beside the usual ones.
    Raises CorpusError for a table that cannot be read or has columns of the corpus's own, NoVideosError if not one row
    can be used.
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
    names = {str(name): _place(str(name), root) for name in good["video"].unique()}
    urls, gone = _looked_up({place for place in names.values() if is_url(place)}, allow)
    files = {place for place in names.values() if not is_url(place) and is_file(place)}
    gone |= {
        place: irregular(place) or f"there is no such file in {escaped(root)}"
        for place in {*names.values()} - files
        if not is_url(place)
    }
    twins = _twins(place for place in names.values() if place in files)
    reasons += [(name, gone[place]) for name, place in names.items() if place in gone]
    called = {place: name for name, place in names.items()}
    reasons += [
        (name, f"it has the same content as {called[twins[place]]}, which has its clips")
        for name, place in names.items()
        if place in twins
    ]
    # pandas's own texts hold no path that is not valid Unicode.
    places = {escaped(place): place for place in names.values()}
    good = good.assign(_place=[escaped(twins.get(names[name], names[name])) for name in good["video"]])
    good = good[~good["_place"].isin([escaped(place) for place in gone])]
    # Under another name of the same video a segment may come twice.
    again = pd.DataFrame({name: (good[name] * 1000).round() for name in ("start", "end")}, good.index)
    twice = again.assign(of=good["_place"]).duplicated()
    reasons += [
        (f"{good['video'][row]} (row {row})", "the same segment is there already") for row in again.index[twice]
    ]
    good = good[~twice]
    if good.empty:
        listed = "; ".join(f"{name}: {reason}" for name, reason in reasons[:5])
        raise NoVideosError(f"None of the {len(rows)} rows can be used ({listed}): check the table.")
    ids = good["clip_id"].astype(str) if "clip_id" in good else pd.Series("", index=good.index)
    segments: dict[str, list[Segment]] = {}
    for place, start, end, given in zip(good["_place"], good["start"], good["end"], ids, strict=True):
        segments.setdefault(places[place], []).append(Segment(float(start), float(end), given))
    own = good[[name for name in good.columns if name not in (*_OWN, "_place")]]

    def columns(keys: dict[str, str]) -> pd.DataFrame:
        named = [
            given or clip_id(keys.get(places[place], ""), start, end)
            for place, start, end, given in zip(good["_place"], good["start"], good["end"], ids, strict=True)
        ]
        kept = own.set_axis(pd.Index(named, name="clip_id"))
        return kept[~kept.index.duplicated()]

    local = [place for place in segments if not is_url(place)]
    sources = [*of_files(local), *([Sources(None, urls)] if urls else [])]
    return sources, BuildRequest(settings, segments, columns, reasons, allow=allow)


def _place(name: str, root: Path) -> str:
    """The path or URL that a name in the table stands for.

    A path may be written as `names.escaped` does, as in `Corpus.clips`, or as it is, or in another normal form.
    """
    written = local(name)
    if is_url(written):
        return written
    plain = unescaped(written)
    spellings = (plain, written, unicodedata.normalize("NFC", plain), unicodedata.normalize("NFD", plain))
    paths = [os.path.abspath(root / expanded(spelling)) for spelling in dict.fromkeys(spellings)]
    return next((canonical(path) for path in paths if is_file(path)), paths[0])


def _looked_up(urls: Iterable[str], allow: Collection[str]) -> tuple[list[Found], dict[str, str]]:
    """What is at URLs, and the reasons of those that cannot be read."""
    found, gone = [], {}
    for url in sorted(urls):
        try:
            found.append(looked_up(url, allow))
        except CorpusError as error:
            gone[url] = str(error)
    return found, gone


def _twins(files: Iterable[str]) -> dict[str, str]:
    """Files of the same content as one before them, each with that one."""
    twins: dict[str, str] = {}
    firsts: dict[int, list[str]] = {}  # by size
    for file in dict.fromkeys(files):
        alike = firsts.setdefault(Path(file).stat().st_size, [])
        twin = next((first for first in alike if filecmp.cmp(first, file, shallow=False)), None)
        if twin is None:
            alike.append(file)
        else:
            twins[file] = twin
    return twins
