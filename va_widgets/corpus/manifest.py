"""A table of (video, start, end) becomes what a build is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from va_widgets.corpus import store
from va_widgets.corpus.build import Recipe, Segment, Wanted, clip_id
from va_widgets.corpus.sources import Sources, find, is_url
from va_widgets.corpus.tables import checked_segments, read_table
from va_widgets.errors import CorpusError, NoVideosError

_OWN = ("clip_id", "video", "start", "end")


def planned(
    table: pd.DataFrame | str | Path, videos: str | Path | None, recipe: Recipe
) -> tuple[list[Sources], Wanted]:
    """The sources that a table names, and the clips wanted of them with the table's other columns.

    `videos` is the folder that names start from; the table file's own, or the working directory, if it is None.
    Raises CorpusError for a table that cannot be read or has columns of the corpus's own, NoVideosError if not one row
    can be used.
    """
    rows = read_table(table, ("video", "start", "end"))
    good, refused = checked_segments(rows)
    clash = [str(name) for name in good.columns if name not in _OWN and (name in store.COLUMNS or _hidden(name))]
    if clash:
        raise CorpusError(f"The column {clash[0]!r} is the corpus's own: give yours another name.")
    root = Path(videos) if videos is not None else Path(table).parent if isinstance(table, (str, Path)) else Path()
    names = {str(name): _place(str(name), root) for name in good["video"].unique()}
    missing = {name for name, place in names.items() if not is_url(place) and not Path(place).is_file()}
    reasons = [
        (f"{video} (row {row})", str(reason))
        for row, video, reason in zip(refused.index, refused["video"], refused["reason"], strict=True)
    ]
    reasons += [(name, f"there is no such file in {root}") for name in sorted(missing)]
    good = good[~good["video"].isin(missing)]
    if good.empty:
        told = "; ".join(f"{name}: {reason}" for name, reason in reasons[:5])
        raise NoVideosError(f"None of the {len(rows)} rows can be used ({told}): check the table.")
    good = good.assign(_place=good["video"].map(names))
    ids = good["clip_id"].astype(str) if "clip_id" in good else pd.Series("", index=good.index)
    segments: dict[str, list[Segment]] = {}
    for place, start, end, given in zip(good["_place"], good["start"], good["end"], ids, strict=True):
        segments.setdefault(place, []).append(Segment(float(start), float(end), given))
    own = good[[name for name in good.columns if name not in (*_OWN, "_place")]]

    def columns(keys: dict[str, str]) -> pd.DataFrame:
        named = [
            given or clip_id(keys.get(place, ""), start, end)
            for place, start, end, given in zip(good["_place"], good["start"], good["end"], ids, strict=True)
        ]
        kept = own.set_axis(pd.Index(named, name="clip_id"))
        return kept[~kept.index.duplicated()]

    return find(sorted(segments)), Wanted(recipe, segments, columns, reasons)


def _place(name: str, root: Path) -> str:
    """The path or URL that a name in the table stands for."""
    return name if is_url(name) else os.path.abspath(root / name)


def _hidden(name: object) -> bool:
    return str(name).startswith("_")
