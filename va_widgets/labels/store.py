"""The label store: an append-only log of label events in SQLite, on disk before an append returns."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self, TypeAlias

import pandas as pd

from va_widgets.arguments import described
from va_widgets.errors import LabelError
from va_widgets.forks import ForkLock
from va_widgets.paths import GivenPath, absolute_path, exists, is_folder

StoredValue: TypeAlias = Literal["yes", "no", "unsure", "none"]
"""What a label event says; "none" takes a label back."""


class Event(NamedTuple):
    """A label event, as far as it says what counts."""

    event_id: int
    annotator: str
    clip_id: str
    value: StoredValue
    time: str
    source: str


VALUES: tuple[StoredValue, ...] = ("yes", "no", "unsure", "none")
SCHEMA_VERSION = 1
_APPLICATION_ID = 0x76615F31  # "va_1": tells our file from any other SQLite database
_LONGEST_CONCEPT, _LONGEST_ANNOTATOR = 500, 200
LONGEST_SOURCE = 64
_BUSY_SECONDS = 10.0
_LOG_BYTES = 4 << 20  # from about there on SQLite begins its log anew
_CACHE_BYTES = 2 << 20  # of a transaction that SQLite keeps in memory
_ROOM = 10  # times the log that a disk must have free before so much of it is taken

# An action is what one undo reverts: all events that share an action_id. An undo or a redo is an action of its own
# that names the one it reverts or applies again in `undoes`. `before` is the value an event replaced.
_SCHEMA = f"""
BEGIN EXCLUSIVE;
CREATE TABLE IF NOT EXISTS events (
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
    undoes INTEGER
);
CREATE INDEX IF NOT EXISTS events_by_clip ON events (concept, annotator, clip_id, event_id);
CREATE INDEX IF NOT EXISTS events_by_action ON events (action_id);
CREATE INDEX IF NOT EXISTS events_by_message ON events (concept, annotator, message_id) WHERE message_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS actions (
    action_id INTEGER PRIMARY KEY AUTOINCREMENT,
    annotator TEXT NOT NULL,
    concept TEXT NOT NULL,
    kind TEXT NOT NULL,
    undoes INTEGER
);
CREATE INDEX IF NOT EXISTS actions_by_annotator ON actions (concept, annotator, action_id);
CREATE TABLE IF NOT EXISTS state (
    annotator TEXT NOT NULL,
    concept TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (annotator, concept, key)
);
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""

_EVENT_COLUMNS = (
    "event_id",
    "action_id",
    "time",
    "annotator",
    "concept",
    "clip_id",
    "value",
    "source",
    "model_version",
    "message_id",
    "kind",
    "undoes",
)


class LabelStore:
    """Label events of all concepts and annotators of a corpus, in one SQLite file.

    Several processes and several threads may write at once. Where the file or its folder cannot be written, the
    store opens for reading (`read_only`).

    Raises
    ------
    LabelError
        If the file cannot be created or opened, or is not a label store of a version known here.
    """

    def __init__(self, path: GivenPath) -> None:
        self.path = absolute_path(path, LabelError)
        self._lock = ForkLock(waits=True, before=self._disconnect)
        self._connection: sqlite3.Connection | None
        self._connection, self.read_only = _connect(self.path)
        self.closed = False
        self._steps: dict[tuple[str, str], _Steps] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. The store cannot be used afterwards."""
        with self._lock:
            self.closed = True
            self._disconnect()

    @property
    def _db(self) -> sqlite3.Connection:
        """The connection, opened again after a fork; only while the lock is held."""
        if self.closed:
            raise LabelError(f"The labels in {self.path} were closed: make a new va.Session to go on.")
        if self._connection is None:
            self._connection, self.read_only = _connect(self.path)
        return self._connection

    def _disconnect(self) -> None:
        """Close the connection before a fork: neither SQLite's locks nor its log outlive one in two processes."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def check_names(annotator: str, concept: str) -> None:
        """Raise LabelError unless both can be stored: texts without control characters, the annotator's of 1 to 200
        characters and the concept's of 1 to 500.
        """
        _check_name("annotator's name", annotator, _LONGEST_ANNOTATOR)
        _check_name("concept", concept, _LONGEST_CONCEPT)

    # --- writing ---------------------------------------------------------------------------------

    def append(
        self,
        annotator: str,
        concept: str,
        labels: Mapping[str, StoredValue],
        source: str,
        model_version: int = 0,
        message_id: str | None = None,
    ) -> dict[str, StoredValue]:
        """Store labels as one action; they are on disk when this returns.

        A second call with the same `message_id` by the same annotator for the same concept stores nothing. Returns
        the stored values by clip. Raises LabelError, and then stores nothing.
        """
        self.check_names(annotator, concept)
        for clip, value in labels.items():
            if value not in VALUES:
                raise LabelError(f"The label {value!r} of clip {clip!r} cannot be stored: use {', '.join(VALUES)}.")
        if len(source) > LONGEST_SOURCE:
            raise LabelError(f"The source of a label may have {LONGEST_SOURCE} characters, not {len(source)}.")
        if not labels:
            return {}
        with self._transaction() as db:
            if (known := self._answered(annotator, concept, message_id)) is not None:
                return known
            self._write(db, annotator, concept, labels, source, model_version, message_id, "label", None)
        return dict(labels)

    def undo(self, annotator: str, concept: str, message_id: str | None = None) -> dict[str, StoredValue]:
        """Revert the annotator's newest action that is not undone yet, by new events with the former values.

        Returns the values now by clip, {} if there is nothing to undo. Idempotent by `message_id`.
        """
        return self._step("undo", annotator, concept, message_id)

    def redo(self, annotator: str, concept: str, message_id: str | None = None) -> dict[str, StoredValue]:
        """Apply again what was undone last; a new label in between leaves nothing to redo.

        Returns the values now by clip, {} if there is nothing to redo. Idempotent by `message_id`.
        """
        return self._step("redo", annotator, concept, message_id)

    def _step(
        self, kind: Literal["undo", "redo"], annotator: str, concept: str, message_id: str | None
    ) -> dict[str, StoredValue]:
        self.check_names(annotator, concept)
        with self._transaction() as db:
            if (known := self._answered(annotator, concept, message_id)) is not None:
                return known
            steps = self._stepped(annotator, concept)
            stack = steps.done if kind == "undo" else steps.undone
            if not stack:
                return {}
            target = stack[-1]
            column = "before" if kind == "undo" else "value"
            wanted: dict[str, StoredValue] = dict(
                db.execute(f"SELECT clip_id, {column} FROM events WHERE action_id = ? ORDER BY event_id", (target,))
            )
            self._write(db, annotator, concept, wanted, kind, 0, message_id, kind, target)
        return wanted

    def set_state(self, annotator: str, concept: str, key: str, value: object) -> None:
        """Keep a small JSON document, such as a guideline or the queries, under (annotator, concept, key)."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO state VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                (annotator, concept, key, json.dumps(value)),
            )

    def settle_state(self, annotator: str, concept: str, key: str, value: object) -> Any:
        """Keep a small JSON document unless there is one under this key; returns the one that is kept from now on."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO state VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (annotator, concept, key, json.dumps(value)),
            )
        return self.get_state(annotator, concept, key)

    def next_number(self, annotator: str, concept: str, key: str, least: int) -> int:
        """Return the number after the last one returned for this key, to whatever process, but `least` or more.

        It is kept as the document under the key. Raises LabelError if it cannot be written.
        """
        with self._transaction() as db:
            sql = "SELECT value FROM state WHERE annotator = ? AND concept = ? AND key = ?"
            row = db.execute(sql, (annotator, concept, key)).fetchone()
            number = max(least, (json.loads(row[0]) if row else 0) + 1)
            db.execute(
                "INSERT INTO state VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                (annotator, concept, key, json.dumps(number)),
            )
        return number

    # --- reading ---------------------------------------------------------------------------------

    def new_states(self, annotator: str, concept: str, prefix: str, after: int) -> list[tuple[int, Any]]:
        """Return (row, document), oldest first, of documents added after a row whose keys begin with `prefix`.

        `after` is the row of the last one known, 0 for all of them.
        """
        # With a plus an index of all the concept's documents is not used, so that only new rows are looked at.
        plus = "+" if after else ""
        rows = self._read(
            f"SELECT rowid, value FROM state WHERE {plus}annotator = ? AND {plus}concept = ? AND {plus}key >= ?"
            f" AND {plus}key < ? AND rowid > ? ORDER BY rowid",
            (annotator, concept, prefix, prefix + "\U0010ffff", after),
        )
        return [(row, json.loads(value)) for row, value in rows]

    def get_state(self, annotator: str, concept: str, key: str) -> Any:
        """The document kept under (annotator, concept, key), None if there is none."""
        rows = self._read(
            "SELECT value FROM state WHERE annotator = ? AND concept = ? AND key = ?", (annotator, concept, key)
        )
        return json.loads(rows[0][0]) if rows else None

    def steps(self, annotator: str, concept: str) -> tuple[bool, bool]:
        """Whether the annotator has an action to undo, and one to redo."""
        with self._lock:
            steps = self._stepped(annotator, concept)
            return bool(steps.done), bool(steps.undone)

    def events(self, concept: str, after: int = 0) -> list[Event]:
        """The concept's label events of all annotators that are newer than an event, oldest first."""
        # With a plus an index of all the concept's events is not used, so that only new events are looked at.
        rows = self._read(
            f"SELECT {', '.join(Event._fields)} FROM events WHERE +concept = ? AND event_id > ? ORDER BY event_id",
            (concept, after),
        )
        return [Event(*row) for row in rows]

    def history(self, concept: str, annotator: str | None = None) -> pd.DataFrame:
        """Every event of a concept, oldest first; `kind` is "label", "undo" or "redo"."""
        only, values = _only(concept, annotator)
        rows = self._read(f"SELECT {', '.join(_EVENT_COLUMNS)} FROM events WHERE {only} ORDER BY event_id", values)
        return pd.DataFrame(rows, columns=list(_EVENT_COLUMNS)).astype({"undoes": "Int64"})

    def concepts(self) -> pd.DataFrame:
        """Every concept with labels: DataFrame(concept, annotators, yes, no, unsure), labels counted per annotator."""
        rows = self._read(
            """SELECT concept, COUNT(DISTINCT annotator), SUM(value = 'yes'), SUM(value = 'no'), SUM(value = 'unsure')
               FROM events WHERE event_id IN (SELECT MAX(event_id) FROM events GROUP BY concept, annotator, clip_id)
               AND value != 'none' GROUP BY concept ORDER BY concept""",
            (),
        )
        return pd.DataFrame(rows, columns=["concept", "annotators", "yes", "no", "unsure"])

    # --- inside ----------------------------------------------------------------------------------

    def _read(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise _unreadable(self.path, error) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self.read_only:
            raise LabelError(f"Labels cannot be saved because {self.path} is read-only: open a copy you may write to.")
        with self._lock:
            db = self._db
            try:
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                except BaseException:
                    db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
            except sqlite3.Error as error:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise LabelError(
                    f"The label was not saved to {self.path} ({error}): make sure the disk has room and try again."
                ) from error

    def _write(
        self,
        db: sqlite3.Connection,
        annotator: str,
        concept: str,
        labels: Mapping[str, StoredValue],
        source: str,
        model_version: int,
        message_id: str | None,
        kind: str,
        undoes: int | None,
    ) -> None:
        action = db.execute(
            "INSERT INTO actions (annotator, concept, kind, undoes) VALUES (?, ?, ?, ?)",
            (annotator, concept, kind, undoes),
        ).lastrowid
        event: dict[str, object] = {
            "action": action,
            "time": datetime.now(UTC).isoformat(timespec="microseconds"),
            "annotator": annotator,
            "concept": concept,
            "source": source,
            "version": model_version,
            "message": message_id,
            "kind": kind,
            "undoes": undoes,
        }
        db.executemany(
            """INSERT INTO events (action_id, time, annotator, concept, clip_id, value, before, source, model_version,
               message_id, kind, undoes) VALUES (:action, :time, :annotator, :concept, :clip, :value, COALESCE((
                   SELECT value FROM events WHERE annotator = :annotator AND concept = :concept AND clip_id = :clip
                   ORDER BY event_id DESC LIMIT 1
               ), 'none'), :source, :version, :message, :kind, :undoes)""",
            [{**event, "clip": clip, "value": value} for clip, value in labels.items()],
        )

    def _answered(self, annotator: str, concept: str, message_id: str | None) -> dict[str, StoredValue] | None:
        """What a message stored when it came the first time, None if it is new."""
        if message_id is None:
            return None
        rows = self._read(
            "SELECT clip_id, value FROM events"
            " WHERE concept = ? AND annotator = ? AND message_id = ? ORDER BY event_id",
            (concept, annotator, message_id),
        )
        return dict(rows) if rows else None

    def _stepped(self, annotator: str, concept: str) -> _Steps:
        """The annotator's steps, kept up with the log of actions."""
        steps = self._steps.setdefault((annotator, concept), _Steps([], [], 0))
        rows = self._read(
            "SELECT action_id, kind, undoes FROM actions WHERE concept = ? AND annotator = ? AND action_id > ?"
            " ORDER BY action_id",
            (concept, annotator, steps.newest),
        )
        for action, kind, undoes in rows:
            if kind == "label":
                steps.done.append(action)
                steps.undone.clear()
            elif kind == "undo":
                steps.done.remove(undoes)
                steps.undone.append(undoes)
            else:
                steps.undone.remove(undoes)
                steps.done.append(undoes)
            steps.newest = action
        return steps


@dataclass
class _Steps:
    """The actions that can be undone and those that can be redone, the next one last, up to the newest action."""

    done: list[int]
    undone: list[int]
    newest: int


class _Connection(sqlite3.Connection):
    """A connection that is closed with its last user: from Python 3.13 on SQLite's own warns of having been left open,
    and few people close a session in a notebook.
    """

    def __del__(self) -> None:
        with suppress(sqlite3.Error):  # it could not be opened
            self.close()


def _opened(database: str, **options: Any) -> sqlite3.Connection:
    """A connection without transactions of its own, for all threads."""
    return sqlite3.connect(database, isolation_level=None, check_same_thread=False, factory=_Connection, **options)


def _connect(path: Path) -> tuple[sqlite3.Connection, bool]:
    try:
        db = _opened(str(path), timeout=_BUSY_SECONDS)
        if not _is_ours(db, path):
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_SCHEMA)
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")  # fails at once where nothing can be written
        db.execute("ROLLBACK")
        _make_room(db, path)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
            return _read_only(path), True
        raise _unreadable(path, error) from error
    except sqlite3.Error as error:
        raise _unreadable(path, error) from error
    return db, False


def _make_room(db: sqlite3.Connection, path: Path) -> None:
    """Let SQLite's log have its length from the beginning, so that no label waits until the disk finds room for it.

    In a transaction that is rolled back: what has spilled over into the log then stays there, to be written over.
    """
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size >= _LOG_BYTES:
        return
    if shutil.disk_usage(path.parent).free < _ROOM * _LOG_BYTES:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute("INSERT INTO state VALUES ('', '', '', zeroblob(?))", (_LOG_BYTES + _CACHE_BYTES,))
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_FULL:  # somebody's quota: labels take what there is
            raise
    finally:
        if db.in_transaction:  # SQLite has rolled it back by itself where the disk is full
            db.execute("ROLLBACK")


def _read_only(path: Path) -> sqlite3.Connection:
    """Open for reading where nothing can be written, the WAL's side files included."""
    if not exists(path):
        if not is_folder(path.parent):
            raise LabelError(f"Labels cannot be kept in {path}: the folder {path.parent} does not exist.")
        db = _opened(":memory:")
        db.executescript(_SCHEMA)  # an empty store: a read-only corpus that nobody has labelled
        return db
    uri = path.resolve().as_uri()
    db = _opened(f"{uri}?mode=ro", uri=True)
    try:
        ours = _is_ours(db, path)
    except sqlite3.OperationalError:  # a WAL database in a folder where its side files cannot be made
        db.close()
        db = _opened(f"{uri}?immutable=1", uri=True)
        ours = _is_ours(db, path)
    if not ours:
        raise LabelError(f"{path} holds no labels yet and cannot be written: open a copy you may write to.")
    return db


def _is_ours(db: sqlite3.Connection, path: Path) -> bool:
    """Whether the database holds our tables; False if it is empty. Raises LabelError if it is anything else."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if application == _APPLICATION_ID and version > SCHEMA_VERSION:
        raise LabelError(
            f"{path} was written by a newer va-widgets (schema {version}, known here: {SCHEMA_VERSION}): upgrade it."
        )
    if application == _APPLICATION_ID and version == SCHEMA_VERSION:
        return True
    if tables:
        raise LabelError(f"{path} is a database of some other program: move it away, or give another path.")
    return False


def _unreadable(path: Path, error: sqlite3.Error) -> LabelError:
    return LabelError(f"The labels in {path} cannot be read ({error}): restore the file from a copy, or move it away.")


def _check_name(what: str, name: str, longest: int) -> None:
    if not isinstance(name, str) or not name.strip():
        raise LabelError(f"The {what} must be a text with at least one character, not {described(name)}.")
    if len(name) > longest:
        raise LabelError(f"The {what} may have {longest} characters, not {len(name)}: {name[:40]!r}… is too long.")
    if not all(char.isprintable() or char in "\u200d\ufe0f" for char in name):
        raise LabelError(f"The {what} {described(name)} holds a line break or another control character: leave it out.")


def _only(concept: str, annotator: str | None) -> tuple[str, tuple[object, ...]]:
    if annotator is None:
        return "concept = ?", (concept,)
    return "concept = ? AND annotator = ?", (concept, annotator)
