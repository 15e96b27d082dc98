"""What is kept beside labels, read and written within a transaction: remarks on clips, and events of a concept."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from va_widgets.labels import schema
from va_widgets.labels.schema import checked, checksum


class Remark(NamedTuple):
    """An annotator's note and tags on a clip; both are empty where they were taken back.

    The newest one of an annotator on a clip counts. `time` is in ISO 8601, UTC.
    """

    remark_id: int
    time: str
    annotator: str
    concept: str
    clip_id: str
    note: str
    tags: tuple[str, ...]


class ConceptEvent(NamedTuple):
    """Something that became of a concept, such as a new guideline or name.

    `after` is the number of the label file's newest label event at that time, `details` a JSON object that depends on
    the `kind`. `time` is in ISO 8601, UTC.
    """

    number: int
    time: str
    annotator: str
    concept: str
    kind: str
    after: int
    details: dict[str, Any]


class NewRemark(NamedTuple):
    """A note and tags on a clip that are to be stored; `time` is as in `Remark`, now if None."""

    annotator: str
    concept: str
    clip_id: str
    note: str
    tags: Sequence[str] = ()
    time: str | None = None


class NewConceptEvent(NamedTuple):
    """An event of a concept that is to be stored; `time` is as in `ConceptEvent`, now if None."""

    annotator: str
    concept: str
    kind: str
    details: Mapping[str, Any]
    time: str | None = None


_INSERT_REMARK = f"INSERT INTO remarks VALUES ({', '.join('?' * (len(schema.REMARK_COLUMNS) + 1))})"
_INSERT_CONCEPT = f"INSERT INTO concept_events VALUES ({', '.join('?' * (len(schema.CONCEPT_EVENT_COLUMNS) + 1))})"


def add_remarks(db: sqlite3.Connection, new: Iterable[NewRemark]) -> None:
    """Add remarks in their order, with one statement."""
    now, rows = time_now(), []
    listed: dict[tuple[str, ...], str] = {}  # most of an import's remarks have the same few tags
    for number, remark in enumerate(new, next_id(db, "remarks", "remark_id")):
        tags = tuple(remark.tags)
        if tags not in listed:
            listed[tags] = json.dumps(tags, ensure_ascii=False)
        row = (number, remark.time or now, remark.annotator, remark.concept, remark.clip_id, remark.note, listed[tags])
        rows.append((*row, checksum(*row)))
    db.executemany(_INSERT_REMARK, rows)


def remarks(db: sqlite3.Connection, concept: str, after: int) -> list[Remark]:
    """Return a concept's remarks of all annotators that are newer than one of them, oldest first."""
    sql = "SELECT * FROM remarks WHERE concept = ? AND remark_id > ? ORDER BY remark_id"
    rows = [checked(row, "the remark") for row in db.execute(sql, (concept, after))]
    return [Remark(*row)._replace(tags=tuple(json.loads(row[-1]))) for row in rows]


def newest_remark(db: sqlite3.Connection, concept: str) -> int:
    """Return the number of a concept's newest remark, 0 without any."""
    (number,) = db.execute("SELECT MAX(remark_id) FROM remarks WHERE concept = ?", (concept,)).fetchone()
    return int(number or 0)


def tags_of(db: sqlite3.Connection, annotator: str, newest: int) -> list[str]:
    """Return the tags of an annotator's newest remarks on any concept, the most used first."""
    sql = "SELECT * FROM remarks WHERE annotator = ? ORDER BY remark_id DESC LIMIT ?"
    rows = [checked(row, "the remark") for row in db.execute(sql, (annotator, newest))]
    return [tag for tag, _ in Counter(tag for row in rows for tag in json.loads(row[-1])).most_common()]


def add_concept_event(
    db: sqlite3.Connection, annotator: str, concept: str, kind: str, details: Mapping[str, Any], time: str | None = None
) -> None:
    """Add an event of a concept, of now if there is no `time`."""
    (after,) = db.execute("SELECT MAX(event_id) FROM events").fetchone()
    kept = json.dumps(dict(details), ensure_ascii=False)
    row = (next_id(db, "concept_events", "number"), time or time_now(), annotator, concept, kind, after or 0, kept)
    db.execute(_INSERT_CONCEPT, (*row, checksum(*row)))


def keep_document(db: sqlite3.Connection, annotator: str, concept: str, key: str, value: object) -> None:
    """Keep a small JSON document, in place of the one that had this key."""
    row = (annotator, concept, key, json.dumps(value))
    db.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?)", (*row, checksum(*row)))


def concept_events(db: sqlite3.Connection, concept: str | None) -> list[ConceptEvent]:
    """Return the events of a concept, or of all of them, oldest first."""
    where, values = ("", ()) if concept is None else ("WHERE concept = ?", (concept,))
    rows = [
        checked(row, "concept event")
        for row in db.execute(f"SELECT * FROM concept_events {where} ORDER BY number", values)
    ]
    return [ConceptEvent(*row)._replace(details=json.loads(row[-1])) for row in rows]


NUMBERS = {"events": "event_id", "remarks": "remark_id", "concept_events": "number"}
"""The logs of a label file, and the columns that number their rows."""


def newest_time(db: sqlite3.Connection, table: str, concept: str) -> str:
    """Return the time of the newest row of a log that is about a concept, "" if there is none."""
    sql = f"SELECT time FROM {table} WHERE concept = ? ORDER BY {NUMBERS[table]} DESC LIMIT 1"
    row = db.execute(sql, (concept,)).fetchone()
    return "" if row is None else str(row[0])


def time_now() -> str:
    """Return the time as label files hold it: ISO 8601, UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def next_id(db: sqlite3.Connection, table: str, column: str) -> int:
    """Return the number of the next row of a log, whose column `column` numbers its rows."""
    (newest,) = db.execute(f"SELECT MAX({column}) FROM {table}").fetchone()
    return int(newest or 0) + 1
