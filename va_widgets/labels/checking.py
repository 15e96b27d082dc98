"""Check every row of a label file against its checksum and the other tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from va_widgets.base.texts import counted
from va_widgets.labels import schema
from va_widgets.labels.problems import SQLITE_ERRORS
from va_widgets.labels.schema import DamageError

_MOST = 20  # problems that are listed
_ROWS = {
    "actions": "action",
    "current_labels": "the label of",
    "totals": "the counts of",
    "state": "the document of",
}
_LOGS = (("remarks", "remark_id", "remark"), ("concept_events", "number", "concept event"))


class Findings(NamedTuple):
    """The result of a check: how much a label file holds, and its `problems`, one sentence each.

    `checksums` is whether the file has any: without them only its structure can be checked.
    """

    events: int
    concepts: int
    annotators: int
    problems: list[str]
    checksums: bool


def check(db: sqlite3.Connection) -> Findings:
    """Return what a label file holds and what is wrong with it. Takes some seconds for a million events."""
    problems: list[str] = []
    number = schema.version(db)
    checksums = number >= 2
    parts = [_structure, _events, _counts, _other_rows] if checksums else [_structure]
    for part in [*parts, _other_logs] if number >= 3 else parts:
        try:
            problems += part(db)
        except (*SQLITE_ERRORS, DamageError) as error:
            problems.append(str(error))
    events = concepts = annotators = 0
    try:
        events, concepts, annotators = db.execute(
            "SELECT COUNT(*), COUNT(DISTINCT concept), COUNT(DISTINCT annotator) FROM events"
        ).fetchone()
    except SQLITE_ERRORS as error:
        problems.append(str(error))
    if len(problems) > _MOST:
        problems[_MOST:] = [f"and {len(problems) - _MOST:,} more"]
    return Findings(events, concepts, annotators, problems, checksums)


def check_events(db: sqlite3.Connection) -> None:
    """Raise DamageError unless all events are there and as they were written."""
    for problem in _events(db):
        raise DamageError(problem)


def damaged_structure(db: sqlite3.Connection) -> bool:
    """Return whether tables or indexes are damaged; single rows are not looked at. Raises sqlite3.Error."""
    return bool(_structure(db))


def _structure(db: sqlite3.Connection) -> list[str]:
    messages = [str(text) for (text,) in db.execute(f"PRAGMA integrity_check({_MOST})")]
    return [] if messages == ["ok"] else messages


def _events(db: sqlite3.Connection) -> Iterator[str]:
    expected = 1
    for row in db.execute("SELECT * FROM events ORDER BY event_id"):
        if row[0] != expected:
            yield f"the events {expected:,} to {row[0] - 1:,} are missing"
        if schema.checksum(*row[:-1]) != row[-1]:
            yield f"event {row[0]:,} is not as it was written"
        expected = row[0] + 1
    if (written := _written(db, "events")) != expected - 1:
        yield f"the newest event is number {expected - 1:,}, and {written} were written"


def _other_logs(db: sqlite3.Connection) -> Iterator[str]:
    for table, number, row_of in (
        ("remarks", "remark_id", "the remark"),
        ("concept_events", "number", "concept event"),
    ):
        expected = 1
        for row in db.execute(f"SELECT * FROM {table} ORDER BY {number}"):
            if row[0] != expected:
                yield f"{row_of} {expected:,} is missing"
            if schema.checksum(*row[:-1]) != row[-1]:
                yield f"{row_of} {row[0]:,} is not as it was written"
            expected = row[0] + 1
        if (written := _written(db, table)) != expected - 1:
            yield f"the newest row of {table} is number {expected - 1:,}, and {written} were written"


def _written(db: sqlite3.Connection, table: str) -> int:
    """Return how many rows were ever added to a log: SQLite counts them in a table of its own."""
    counted = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return 0 if counted is None else int(counted[0])


def _counts(db: sqlite3.Connection) -> Iterator[str]:
    stored = db.execute(f"SELECT {', '.join(schema.TOTALS_COLUMNS)} FROM totals").fetchall()
    if set(stored) != set(db.execute(schema.COUNTED)):
        yield "the counts of labels are not those of the events"
    columns = "concept, annotator, clip_id, value, event_id"
    (wrong,) = db.execute(
        f"SELECT COUNT(*) FROM (SELECT {columns} FROM ({schema.NEWEST}) EXCEPT SELECT {columns} FROM current_labels)"
    ).fetchone()
    if wrong:
        yield f"the newest values of {counted(wrong, 'clip')} are not those of the events"


def _other_rows(db: sqlite3.Connection) -> Iterator[str]:
    for table, row_of in _ROWS.items():
        for row in db.execute(f"SELECT * FROM {table}"):
            try:
                schema.checked(row, row_of)
            except DamageError as error:
                yield f"{error} is not as it was written"
