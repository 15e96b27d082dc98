"""The tables of a label file, their checksums, and how a file of an earlier version becomes one of this version.

`events` is the log: rows are added and never changed. `current_labels` (each annotator's newest value of a clip) and
`totals` are computed from it in the same transaction, so that counts need not be read out of a million events.

`remarks` (notes and tags on clips) and `concept_events` (what became of a concept and its guideline) are logs as well.

Every row carries a CRC-32 of its other columns, and `totals` the number and the sum of the checksums of an annotator's
rows. A damaged byte, or a row that a damaged page has lost, is noticed when the rows are read.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias

StoredValue: TypeAlias = Literal["yes", "no", "unsure", "none"]
"""The value of a label event; "none" takes a label back."""

VALUES: tuple[StoredValue, ...] = ("yes", "no", "unsure", "none")
SCHEMA_VERSION = 3
APPLICATION_ID = 0x76615F31  # "va_1": marks label files among SQLite databases

EVENT_COLUMNS = (
    "event_id",
    "action_id",
    "time",
    "annotator",
    "concept",
    "clip_id",
    "value",
    "before",
    "source",
    "model_version",
    "message_id",
    "kind",
    "undoes",
)
"""All columns of an event but its checksum, in the order in which they are checksummed."""
ACTION_COLUMNS = (
    "action_id",
    "annotator",
    "concept",
    "kind",
    "undoes",
    "message_id",
    "events",
    "previous",
    "done",
    "undone",
)
STATE_COLUMNS = ("annotator", "concept", "key", "value")
REMARK_COLUMNS = ("remark_id", "time", "annotator", "concept", "clip_id", "note", "tags")
CONCEPT_EVENT_COLUMNS = ("number", "time", "annotator", "concept", "kind", "after", "details")
CURRENT_COLUMNS = ("concept", "annotator", "clip_id", "value", "event_id", "sources")
TOTALS_COLUMNS = (
    "concept",
    "annotator",
    "events",
    "events_sum",
    "labels",
    "labels_sum",
    "yes",
    "no",
    "unsure",
    "action_id",
)

# An action is what one undo reverts: all events that share an action_id. An undo or a redo is an action of its own
# that names the one it reverts or applies again in `undoes`, NULL if there was none. `events` is how many events the
# action has. `before` is the value an event replaced. `sources` is a JSON list of all sources of a clip's labels.
# What can be undone and redone are two stacks for each annotator and concept, kept as linked lists: `done` and `undone`
# are their tops after an action, NULL if a stack is empty. `done` is a label's action and `undone` an undo; below it
# lies its `previous`.
_TABLES_2 = """
CREATE TABLE events (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT,
    action_id INTEGER NOT NULL,
    time TEXT NOT NULL,
    annotator TEXT NOT NULL,
    concept TEXT NOT NULL,
    clip_id TEXT NOT NULL,
    value TEXT NOT NULL CHECK (value IN ('yes', 'no', 'unsure', 'none')),
    before TEXT NOT NULL CHECK (before IN ('yes', 'no', 'unsure', 'none')),
    source TEXT NOT NULL,
    model_version INTEGER NOT NULL,
    message_id TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('label', 'undo', 'redo')),
    undoes INTEGER,
    checksum INTEGER NOT NULL
);
CREATE INDEX events_by_concept ON events (concept, event_id);
CREATE INDEX events_by_action ON events (action_id);
CREATE TABLE actions (
    action_id INTEGER PRIMARY KEY AUTOINCREMENT,
    annotator TEXT NOT NULL,
    concept TEXT NOT NULL,
    kind TEXT NOT NULL,
    undoes INTEGER,
    message_id TEXT,
    events INTEGER NOT NULL,
    previous INTEGER,
    done INTEGER,
    undone INTEGER,
    checksum INTEGER NOT NULL
);
CREATE INDEX actions_by_message ON actions (concept, annotator, message_id) WHERE message_id IS NOT NULL;
CREATE TABLE current_labels (
    concept TEXT NOT NULL,
    annotator TEXT NOT NULL,
    clip_id TEXT NOT NULL,
    value TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    sources TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (concept, annotator, clip_id)
) WITHOUT ROWID;
CREATE TABLE totals (
    concept TEXT NOT NULL,
    annotator TEXT NOT NULL,
    events INTEGER NOT NULL,
    events_sum INTEGER NOT NULL,
    labels INTEGER NOT NULL,
    labels_sum INTEGER NOT NULL,
    yes INTEGER NOT NULL,
    no INTEGER NOT NULL,
    unsure INTEGER NOT NULL,
    action_id INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (concept, annotator)
) WITHOUT ROWID;
CREATE TABLE state (
    annotator TEXT NOT NULL,
    concept TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (annotator, concept, key)
);
"""
# What version 3 added. `tags` and `details` are JSON, a list and an object. `after` is the newest label event of all
# concepts when something became of a concept.
_TABLES_3 = """
CREATE TABLE remarks (
    remark_id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    annotator TEXT NOT NULL,
    concept TEXT NOT NULL,
    clip_id TEXT NOT NULL,
    note TEXT NOT NULL,
    tags TEXT NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE INDEX remarks_by_concept ON remarks (concept, remark_id);
CREATE TABLE concept_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    annotator TEXT NOT NULL,
    concept TEXT NOT NULL,
    kind TEXT NOT NULL,
    after INTEGER NOT NULL,
    details TEXT NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE INDEX concept_events_by_concept ON concept_events (concept, number);
"""
TABLES = ("events", "actions", "current_labels", "totals", "state", "remarks", "concept_events")
RESTORED = ("", "", "restored")
"""The key in `state` of a text that changes whenever a copy takes the place of the whole content."""

_TABLES = {2: _TABLES_2, 3: _TABLES_2 + _TABLES_3}
"""The tables of each version but the first."""

# What `current_labels` and `totals` hold, computed from the events. SQLite takes `value` from the row that has the
# MAX(event_id).
NEWEST = """
SELECT concept, annotator, clip_id, value, MAX(event_id) AS event_id, json_group_array(DISTINCT source) AS sources
FROM events GROUP BY concept, annotator, clip_id
"""
COUNTED = """
SELECT concept, annotator, events, events_sum, labels, labels_sum, yes, no, unsure, action_id
FROM (SELECT concept, annotator, COUNT(*) AS events, SUM(checksum) AS events_sum, MAX(action_id) AS action_id
      FROM events GROUP BY concept, annotator)
JOIN (SELECT concept, annotator, COUNT(*) AS labels, SUM(checksum) AS labels_sum,
             SUM(value = 'yes') AS yes, SUM(value = 'no') AS no, SUM(value = 'unsure') AS unsure
      FROM current_labels GROUP BY concept, annotator) USING (concept, annotator)
"""
# What version 1 made. Its tables are moved aside under new names while those of version 2 are filled.
_NAMES_1 = {
    "table": {"events", "actions", "state"},
    "index": {"events_by_clip", "events_by_action", "events_by_message", "actions_by_annotator"},
}
_SQLITES_OWN = ("sqlite_sequence", "sqlite_stat1", "sqlite_stat4")


class FormatError(Exception):
    """A file is not a sound label file of a version known here; the text says what is wrong with it."""


class DamagedFormatError(FormatError):
    """The tables of a label file are not those that va-widgets makes."""


class DamageError(Exception):
    """A row is not as it was written, or there are more or fewer than were written; the text says which."""


class Total(NamedTuple):
    """What an annotator has made for a concept.

    `events` is how many events, `labels` how many rows of `current_labels`, and how many of these have which value; the
    sums are of their checksums; `action` is the newest action that has events.
    """

    events: int = 0
    events_sum: int = 0
    labels: int = 0
    labels_sum: int = 0
    yes: int = 0
    no: int = 0
    unsure: int = 0
    action: int = 0


def checksum(*fields: object) -> int:
    """Return the CRC-32 of a row's fields, written as text one after another."""
    return zlib.crc32("\x1f".join(map(str, fields)).encode("utf-8", "surrogatepass"))


def checked(row: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    """Return the fields of a row, whose last one is its checksum. Raises DamageError if it is not as it was written."""
    if checksum(*row[:-1]) != row[-1]:
        raise DamageError(f"{what} {' '.join(map(repr, row[:2]))}")
    return row[:-1]


def version(db: sqlite3.Connection) -> int:
    """Return the schema version of a file, 0 for an empty database.

    Raises FormatError if it is anything else than a label file of a version known here, or holds anything that
    va-widgets did not make, such as a trigger, which could change or drop what is written.
    """
    application, number, made = _contents(db)
    if not made and application in (0, APPLICATION_ID):
        return 0
    if application != APPLICATION_ID:
        raise FormatError("is a database of some other program: move it away, or give another path")
    if number > SCHEMA_VERSION:
        raise FormatError(
            f"was written by a newer va-widgets (schema {number}, known here: {SCHEMA_VERSION}): upgrade it"
        )
    _refuse_strange_parts(made, number)
    return number


def _contents(db: sqlite3.Connection) -> tuple[int, int, list[tuple[str, str, str | None]]]:
    """Return the application's id, the version and what was made, all at one moment: others may be making it."""
    own = not db.in_transaction
    if own:
        db.execute("BEGIN")
    try:
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (number,) = db.execute("PRAGMA user_version").fetchone()
        return int(application), int(number), db.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    finally:
        if own:
            db.execute("ROLLBACK")


def _refuse_strange_parts(made: list[tuple[str, str, str | None]], number: int) -> None:
    """Raise FormatError unless the tables and indexes of a file are those that va-widgets made, to the letter."""
    parts = {
        (kind, name): sql
        for kind, name, sql in made
        if name not in _SQLITES_OWN and not (kind == "index" and sql is None)  # SQLite's own index of a PRIMARY KEY
    }
    if number == 1:
        expected: dict[tuple[str, str], str | None] = {
            (kind, name): parts.get((kind, name)) for kind, names in _NAMES_1.items() for name in names
        }
    else:
        expected = _parts(number)
    for kind, name in parts:
        if (kind, name) not in expected:
            what = f"an index called {name!r}" if kind == "index" else f"a {kind} called {name!r}"
            raise DamagedFormatError(
                f"holds {what}, which va-widgets did not make and which may change or drop labels: remove that if you "
                "know what it does, or restore a copy"
            )
    for (kind, name), sql in expected.items():
        if number == 0 or (kind, name) not in parts or parts[kind, name] != sql:
            raise DamagedFormatError(f"is damaged (its {kind} {name!r} is not as va-widgets makes it)")


@cache
def _parts(number: int) -> dict[tuple[str, str], str | None]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.executescript(_TABLES.get(number, ""))
        made = db.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return {(kind, name): sql for kind, name, sql in made if name not in _SQLITES_OWN and sql is not None}


def create(db: sqlite3.Connection) -> None:
    """Make the tables in an empty database, within the caller's transaction."""
    _run(db, _TABLES[SCHEMA_VERSION])
    _mark(db)


def upgrade(db: sqlite3.Connection) -> None:
    """Turn a file of an earlier version into one of this version, within the caller's transaction."""
    if version(db) == 1:
        _upgrade_1(db)
    _run(db, _TABLES_3)
    _mark(db)


def _upgrade_1(db: sqlite3.Connection) -> None:
    """Turn the tables of version 1 into those of version 2."""
    db.create_function("checksum", -1, checksum, deterministic=True)
    for name in _NAMES_1["index"]:
        db.execute(f"DROP INDEX {name}")
    for name in _NAMES_1["table"]:
        db.execute(f"ALTER TABLE {name} RENAME TO {name}_1")
    _run(db, _TABLES_2)
    # Events are numbered without gaps, so that a missing one is noticed.
    columns = ", ".join(EVENT_COLUMNS)
    rest = ", ".join(EVENT_COLUMNS[1:])
    db.execute(
        f"""INSERT INTO events ({columns}, checksum) SELECT *, checksum({columns}) FROM (
                SELECT ROW_NUMBER() OVER (ORDER BY event_id) AS event_id, {rest} FROM events_1 ORDER BY event_id)"""
    )
    db.executemany(
        f"INSERT INTO actions ({', '.join(ACTION_COLUMNS)}, checksum) VALUES ({', '.join('?' * 11)})",
        _actions_of_1(db),
    )
    columns = ", ".join(STATE_COLUMNS)
    db.execute(f"INSERT INTO state ({columns}, checksum) SELECT {columns}, checksum({columns}) FROM state_1")
    for name in _NAMES_1["table"]:
        db.execute(f"DROP TABLE {name}_1")
    rebuild(db)


def _actions_of_1(db: sqlite3.Connection) -> Iterator[tuple[object, ...]]:
    """Yield the actions of a file of version 1 with their stacks and checksums."""
    tops: dict[tuple[str, str], tuple[int | None, int | None]] = {}
    below: dict[int, int | None] = {}
    undone_by: dict[int, int] = {}
    rows = db.execute(
        """SELECT a.action_id, a.annotator, a.concept, a.kind, a.undoes, MIN(e.message_id), COUNT(e.event_id)
           FROM actions_1 a LEFT JOIN events e ON e.action_id = a.action_id
           GROUP BY a.action_id ORDER BY a.action_id"""
    )
    for action, annotator, concept, kind, undoes, message, events in rows:
        done, undone = tops.get((annotator, concept), (None, None))
        if kind == "label":
            below[action], done, undone = done, action, None
        elif kind == "undo":
            below[action], undone_by[undoes] = undone, action
            done, undone = below[undoes], action
        else:
            below[action], done, undone = None, undoes, below[undone_by[undoes]]
        tops[annotator, concept] = done, undone
        row = (action, annotator, concept, kind, undoes, message, events, below[action], done, undone)
        yield (*row, checksum(*row))


def rebuild(db: sqlite3.Connection) -> None:
    """Compute `current_labels` and `totals` anew from the events, within the caller's transaction."""
    db.create_function("checksum", -1, checksum, deterministic=True)
    db.execute("DELETE FROM current_labels")
    db.execute("DELETE FROM totals")
    columns = ", ".join(CURRENT_COLUMNS)
    db.execute(f"INSERT INTO current_labels ({columns}, checksum) SELECT *, checksum({columns}) FROM ({NEWEST})")
    columns = ", ".join(TOTALS_COLUMNS)
    db.execute(f"INSERT INTO totals ({columns}, checksum) SELECT *, checksum({columns}) FROM ({COUNTED})")


def sources(text: str) -> list[str]:
    """Return the sources that a row of `current_labels` names."""
    names: list[str] = json.loads(text)
    return names


def _mark(db: sqlite3.Connection) -> None:
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _run(db: sqlite3.Connection, script: str) -> None:
    """Execute statements one by one: `executescript` would end the transaction."""
    for statement in script.split(";\n"):
        if statement.strip():
            db.execute(statement)
