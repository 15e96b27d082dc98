"""The present labels of a concept, read from `current_labels` in pages of columns rather than row by row.

SQLite puts a page's columns together as JSON, from which Python makes lists: for a million rows that takes half as long
as a tuple a row. The checksum of every row is computed and compared all the same. Where one differs the page is read
row by row, which says which row is damaged.
"""

from __future__ import annotations

import operator
import sqlite3
import zlib
from collections.abc import Iterator
from itertools import compress, groupby, islice
from typing import Any, NamedTuple

import msgspec

from va_widgets.labels import schema
from va_widgets.labels.rows import all_totals
from va_widgets.labels.schema import VALUES, DamageError, StoredValue, checked
from va_widgets.labels.sorted_labels import SortedLabels

_PAGE = 65_536  # rows; SQLite's texts may have a billion bytes
_VALUES: dict[str, StoredValue] = {value: value for value in VALUES}
_OF_ANNOTATOR = "FROM current_labels WHERE concept = ? AND annotator = ?"
_COLUMNS = ", ".join(
    f"json_group_array({column})" for column in ("clip_id", "value", "sources", "event_id", "checksum")
)


class CurrentLabels(NamedTuple):
    """The present labels of a concept.

    `event` is the newest one's number, 0 without any; `values` each annotator's newest values by clip, without "none";
    `sources` the clips that were ever labelled from each source, by one annotator after another.
    """

    event: int
    values: dict[str, SortedLabels[StoredValue]]
    sources: dict[str, list[str]]


class _Page(NamedTuple):
    """Columns of an annotator's rows, sound and by clip id. `sources` are texts that list them."""

    clips: list[str]
    values: list[StoredValue]
    sources: list[str]
    checksums: list[int]


def current_labels(db: sqlite3.Connection, concept: str) -> CurrentLabels:
    """Return a concept's present labels. Raises DamageError unless all of it is as it was written."""
    (newest,) = db.execute("SELECT MAX(event_id) FROM events WHERE concept = ?", (concept,)).fetchone()
    values: dict[str, SortedLabels[StoredValue]] = {}
    clips_of: dict[str, list[str]] = {}
    for (of, annotator), total in all_totals(db).items():
        if of != concept:
            continue
        clips: list[str] = []
        own: list[StoredValue] = []
        checksums = 0
        for page in _pages(db, concept, annotator):
            clips += page.clips
            own += page.values
            checksums += sum(page.checksums)
            _add_sources(clips_of, page)
        if (len(clips), checksums) != (total.labels, total.labels_sum):
            raise DamageError(f"{len(clips):,} of the {total.labels:,} labels of {annotator!r} are left")
        if not all(map(operator.lt, clips, islice(clips, 1, None))):
            raise DamageError(f"the labels of {annotator!r} are out of order")
        if "none" in own:
            there = [value != "none" for value in own]
            clips, own = list(compress(clips, there)), list(compress(own, there))
        values[annotator] = SortedLabels(clips, own)
    return CurrentLabels(int(newest or 0), values, clips_of)


def _add_sources(clips_of: dict[str, list[str]], page: _Page) -> None:
    begin = 0
    for text, some in groupby(page.sources):  # most clips in a row were labelled from the same ones
        end = begin + sum(1 for _ in some)
        for source in schema.sources(text):
            clips_of.setdefault(source, []).extend(page.clips[begin:end])
        begin = end


def _pages(db: sqlite3.Connection, concept: str, annotator: str) -> Iterator[_Page]:
    """Yield all rows of an annotator, by clip id."""
    first_of_next = f"SELECT clip_id {_OF_ANNOTATOR} AND clip_id >= ? ORDER BY clip_id LIMIT 1 OFFSET {_PAGE}"
    begin: Any = ""
    while begin is not None:
        # A row whose type is damaged may have a clip_id that is no text; it sorts after all texts.
        end = db.execute(first_of_next, (concept, annotator, begin)).fetchone()
        where, bounds = (
            ("AND clip_id >= ?", (begin,)) if end is None else ("AND clip_id >= ? AND clip_id < ?", (begin, *end))
        )
        rows = f"{_OF_ANNOTATOR} {where}", (concept, annotator, *bounds)
        yield _as_columns(db, concept, annotator, *rows) or _row_by_row(db, *rows)
        begin = None if end is None else end[0]


def _as_columns(
    db: sqlite3.Connection, concept: str, annotator: str, rows: str, values: tuple[object, ...]
) -> _Page | None:
    """Return rows, None if any is not as it was written."""
    try:
        *texts, events, stored = db.execute(f"SELECT {_COLUMNS} {rows}", values).fetchone()
        clips, labels, sources = (msgspec.json.decode(text, type=list[str]) for text in texts)
        numbers, checksums = (msgspec.json.decode(text, type=list[int]) for text in (events, stored))
    except (sqlite3.Error, msgspec.MsgspecError):  # damaged, such as a blob in place of a text
        return None
    start = zlib.crc32(f"{concept}\x1f{annotator}\x1f".encode())  # as `checksum` begins
    fields = zip(clips, labels, numbers, sources, strict=True)
    written = [
        zlib.crc32(f"{clip}\x1f{label}\x1f{number}\x1f{names}".encode(), start) for clip, label, number, names in fields
    ]
    if written != checksums or not set(labels) <= _VALUES.keys():
        return None
    return _Page(clips, list(map(_VALUES.__getitem__, labels)), sources, checksums)


def _row_by_row(db: sqlite3.Connection, rows: str, values: tuple[object, ...]) -> _Page:
    """Return rows. Raises DamageError for one that is not as it was written."""
    page = _Page([], [], [], [])
    for row in db.execute(f"SELECT {', '.join(schema.CURRENT_COLUMNS)}, checksum {rows} ORDER BY clip_id", values):
        _, _, clip, value, _, sources = checked(row, "the label of")
        if value not in VALUES:
            raise DamageError(f"the label of {clip!r} is {value!r}")
        page.clips.append(clip)
        page.values.append(value)
        page.sources.append(sources)
        page.checksums.append(row[-1])
    return page
