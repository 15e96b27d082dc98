"""The label store: an append-only log of label events in SQLite, on disk before an append returns."""

from __future__ import annotations

import json
import logging
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self, TypeVar

import pandas as pd

from va_widgets import background
from va_widgets.arguments import described
from va_widgets.errors import LabelError
from va_widgets.labels import checking, copies, files, schema
from va_widgets.labels.database import Database
from va_widgets.labels.problems import DamagedLabelsError
from va_widgets.labels.schema import VALUES, DamageError, StoredValue, Total, checked, checksum
from va_widgets.paths import GivenPath, absolute_path


class Event(NamedTuple):
    """A label event, as far as it says what counts."""

    event_id: int
    annotator: str
    clip_id: str
    value: StoredValue
    time: str
    source: str


class CurrentLabels(NamedTuple):
    """What the events of a concept have come to.

    `event` is the newest one's number, 0 without any; `values` each annotator's newest values by clip, without "none";
    `sources` the clips that were ever labelled from each source.
    """

    event: int
    values: dict[str, dict[str, StoredValue]]
    sources: dict[str, set[str]]


class _Stacks(NamedTuple):
    """The tops of what can be undone (a label's action) and redone (an undo), None where there is nothing."""

    done: int | None
    undone: int | None


_LONGEST_CONCEPT, _LONGEST_ANNOTATOR = 500, 200
LONGEST_SOURCE = 64
_VALUES: dict[str, StoredValue] = {value: value for value in VALUES}
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class LabelStore:
    """Label events of all concepts and annotators of a corpus, in one SQLite file.

    Several processes and several threads may write at once. Where the file or its folder cannot be written, the
    store opens for reading (`read_only`).

    Parameters
    ----------
    path : path of the file, which is made if it is not there
    keep_copies : bool
        Whether a copy of the file is made in the background, if it has changed since the last one.

    Raises
    ------
    LabelError
        If the file cannot be created or opened, or is not a label store of a version known here.
    """

    def __init__(self, path: GivenPath, *, keep_copies: bool = False) -> None:
        self.path = absolute_path(path, LabelError)
        self._database = Database(self.path)
        if keep_copies and not self.read_only and copies.is_due(self.path):
            background.start(lambda: copies.keep(self._database), "va-labels-copy")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. The store cannot be used afterwards."""
        self._database.close()

    @property
    def closed(self) -> bool:
        """Whether the store was closed."""
        return self._database.closed

    @property
    def read_only(self) -> bool:
        """Whether nothing can be saved."""
        return self._database.read_only

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
        _check_unicode([source, message_id or "", *labels])
        if not labels:
            return {}
        with self._database.transaction() as db:
            if (known := _answered(db, annotator, concept, message_id)) is not None:
                return known
            action = _next_id(db, "actions", "action_id")
            event = _Written(action, annotator, concept, source, model_version, message_id, "label", None)
            _add_action(db, event, len(labels), _stacks(db, annotator, concept).done, _Stacks(action, None))
            _add_events(db, event, labels)
        return dict(labels)

    def undo(self, annotator: str, concept: str, message_id: str | None = None) -> dict[str, StoredValue]:
        """Revert the annotator's newest action that is not undone yet, by new events with the former values.

        Returns the values now by clip, {} if there is nothing to undo. Idempotent by `message_id`, also where there
        was nothing to undo the first time.
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
        _check_unicode([message_id or ""])
        with self._database.transaction() as db:
            if (known := _answered(db, annotator, concept, message_id)) is not None:
                return known
            stacks = _stacks(db, annotator, concept)
            top = stacks.done if kind == "undo" else stacks.undone
            number = _next_id(db, "actions", "action_id")
            written = _Written(number, annotator, concept, kind, 0, message_id, kind, None)
            if top is None:
                if message_id is not None:  # so that the same message does nothing later, either
                    _add_action(db, written, 0, None, stacks)
                return {}
            action = _action(db, top)
            if kind == "undo":
                target, previous, after = top, stacks.undone, _Stacks(action.previous, number)
            else:
                target, previous, after = action.undoes, None, _Stacks(action.undoes, action.previous)
            written = written._replace(undoes=target)
            labels = _labels_of(db, target, "before" if kind == "undo" else "value")
            _add_action(db, written, len(labels), previous, after)
            _add_events(db, written, labels)
        return labels

    def set_state(
        self, annotator: str, concept: str, key: str, value: object, *, patience: float = files.PATIENCE
    ) -> None:
        """Keep a small JSON document, such as a guideline or the queries, under (annotator, concept, key).

        Other writers are waited for as long as `patience`, in seconds.
        """
        row = (annotator, concept, key, json.dumps(value))
        with self._database.transaction(patience) as db:
            db.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?)", (*row, checksum(*row)))

    def settle_state(
        self, annotator: str, concept: str, key: str, value: object, *, patience: float = files.PATIENCE
    ) -> Any:
        """Keep a small JSON document unless there is one under this key; returns the one that is kept from now on.

        Other writers are waited for as long as `patience`, in seconds.
        """
        row = (annotator, concept, key, json.dumps(value))
        with self._database.transaction(patience) as db:
            db.execute("INSERT OR IGNORE INTO state VALUES (?, ?, ?, ?, ?)", (*row, checksum(*row)))
        return self.get_state(annotator, concept, key)

    def next_number(
        self, annotator: str, concept: str, key: str, least: int, *, patience: float = files.PATIENCE
    ) -> int:
        """Return the number after the last one returned for this key, to whatever process, but `least` or more.

        It is kept as the document under the key. Other writers are waited for as long as `patience`, in seconds; raises
        LabelError if it cannot be written.
        """
        with self._database.transaction(patience) as db:
            sql = "SELECT * FROM state WHERE annotator = ? AND concept = ? AND key = ?"
            kept = db.execute(sql, (annotator, concept, key)).fetchone()
            former = 0 if kept is None else json.loads(checked(kept, "the document of")[-1])
            number = max(least, former + 1)
            row = (annotator, concept, key, json.dumps(number))
            db.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?)", (*row, checksum(*row)))
        return number

    # --- reading ---------------------------------------------------------------------------------

    def new_states(self, annotator: str, concept: str, prefix: str, after: int) -> list[tuple[int, Any]]:
        """Return (row, document), oldest first, of documents added after a row whose keys begin with `prefix`.

        `after` is the row of the last one known, 0 for all of them.
        """
        # With a plus an index of all the concept's documents is not used, so that only new rows are looked at.
        plus = "+" if after else ""
        sql = (
            f"SELECT rowid, * FROM state WHERE {plus}annotator = ? AND {plus}concept = ? AND {plus}key >= ?"
            f" AND {plus}key < ? AND rowid > ? ORDER BY rowid"
        )
        with self._database.snapshot() as db:
            rows = db.execute(sql, (annotator, concept, prefix, prefix + "\U0010ffff", after)).fetchall()
            return [(row, json.loads(checked(tuple(kept), "the document of")[-1])) for row, *kept in rows]

    def get_state(self, annotator: str, concept: str, key: str) -> Any:
        """The document kept under (annotator, concept, key), None if there is none."""
        with self._database.snapshot() as db:
            row = db.execute(
                "SELECT * FROM state WHERE annotator = ? AND concept = ? AND key = ?", (annotator, concept, key)
            ).fetchone()
            return None if row is None else json.loads(checked(row, "the document of")[-1])

    def steps(self, annotator: str, concept: str) -> tuple[bool, bool]:
        """Whether the annotator has an action to undo, and one to redo."""
        with self._database.snapshot() as db:
            stacks = _stacks(db, annotator, concept)
        return stacks.done is not None, stacks.undone is not None

    def current(self, concept: str) -> CurrentLabels:
        """What the concept's events have come to; takes no longer for many events than for few of the same clips.

        Raises LabelError if it is damaged and cannot be computed anew from the events.
        """
        return self._computed(lambda db: _current(db, concept))

    def events(self, concept: str, after: int = 0) -> list[Event]:
        """The concept's label events of all annotators that are newer than an event, oldest first."""
        with self._database.snapshot() as db:
            rows = db.execute(_SELECT_EVENTS + "WHERE concept = ? AND event_id > ? ORDER BY event_id", (concept, after))
            return [_event(row) for row in rows]

    def labels(self, concept: str) -> list[Event]:
        """The events that stand: each annotator's newest of each clip, unless it is "none", oldest first."""
        with self._database.snapshot() as db:
            rows = db.execute(
                _SELECT_EVENTS
                + "WHERE event_id IN (SELECT event_id FROM current_labels WHERE concept = ? AND value != 'none')"
                " ORDER BY event_id",
                (concept,),
            )
            return [_event(row) for row in rows]

    def history(self, concept: str, annotator: str | None = None) -> pd.DataFrame:
        """Every event of a concept, oldest first; `kind` is "label", "undo" or "redo"."""
        only, values = ("", ()) if annotator is None else (" AND annotator = ?", (annotator,))
        with self._database.snapshot() as db:
            rows = db.execute(_SELECT_EVENTS + f"WHERE concept = ?{only} ORDER BY event_id", (concept, *values))
            events = [checked(row, "event") for row in rows]
            expected = sum(total.events for total in _totals(db, concept, annotator).values())
        if len(events) != expected:
            raise DamagedLabelsError(self.path, f"{len(events):,} of {expected:,} events are left")
        table = pd.DataFrame(events, columns=list(schema.EVENT_COLUMNS))
        return table.drop(columns="before").astype({"undoes": "Int64"})

    def concepts(self) -> pd.DataFrame:
        """Every concept with labels: DataFrame(concept, annotators, yes, no, unsure), labels counted per annotator."""
        totals = self._computed(_all_totals)
        counted: dict[str, list[int]] = {}
        for (concept, _annotator), total in totals.items():
            if total.yes + total.no + total.unsure:
                counts = counted.setdefault(concept, [0, 0, 0, 0])
                for column, number in enumerate((1, total.yes, total.no, total.unsure)):
                    counts[column] += number
        rows = [(concept, *counted[concept]) for concept in sorted(counted)]
        return pd.DataFrame(rows, columns=["concept", "annotators", "yes", "no", "unsure"])

    # --- care ------------------------------------------------------------------------------------

    def backup(self, path: GivenPath | None = None) -> Path:
        """Write all labels to one new file, while others may be writing. Returns its path.

        Without a path, or with that of a folder, the file gets the time as its name; it is in the folder "backups"
        beside the labels if there is no path. Also saves what this store holds after its file was deleted.

        Raises LabelError if it cannot be written, or there is a file of that name.
        """
        return copies.write(self._database, None if path is None else absolute_path(path, LabelError, "The backup"))

    def checkpoint(self) -> None:
        """Let the file alone hold everything, as far as nobody is reading or writing it just now."""
        self._database.checkpoint()

    def check(self) -> checking.Findings:
        """Read every row, and compare what was computed from the events with them."""
        with self._database.snapshot() as db:
            return checking.check(db)

    def _computed(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        """Read what is computed from the events; where it is damaged and they are not, it is computed anew."""
        try:
            with self._database.snapshot() as db:
                return read(db)
        except DamagedLabelsError:
            if self.read_only:
                raise
            with self._database.transaction() as db:
                checking.check_events(db)
                schema.rebuild(db)
            _log.warning("Counts in %s were damaged; they were computed anew from its label events.", self.path)
        with self._database.snapshot() as db:
            return read(db)


# --- rows --------------------------------------------------------------------------------------------------------------

_SELECT_EVENTS = f"SELECT {', '.join(schema.EVENT_COLUMNS)}, checksum FROM events "
_INSERT_EVENT = f"INSERT INTO events VALUES ({', '.join('?' * (len(schema.EVENT_COLUMNS) + 1))})"
_INSERT_ACTION = f"INSERT INTO actions VALUES ({', '.join('?' * (len(schema.ACTION_COLUMNS) + 1))})"
_INSERT_CURRENT = f"INSERT OR REPLACE INTO current_labels VALUES ({', '.join('?' * (len(schema.CURRENT_COLUMNS) + 1))})"
_INSERT_TOTAL = f"INSERT OR REPLACE INTO totals VALUES ({', '.join('?' * (len(schema.TOTALS_COLUMNS) + 1))})"
_FIELDS = [schema.EVENT_COLUMNS.index(name) for name in Event._fields]


class _Written(NamedTuple):
    """What all events of an action have in common."""

    action: int
    annotator: str
    concept: str
    source: str
    model_version: int
    message_id: str | None
    kind: str
    undoes: int | None


class _Action(NamedTuple):
    action_id: int
    annotator: str
    concept: str
    kind: str
    undoes: int | None
    message_id: str | None
    events: int
    previous: int | None
    done: int | None
    undone: int | None


def _event(row: tuple[Any, ...]) -> Event:
    fields = checked(row, "event")
    return Event(*(fields[index] for index in _FIELDS))


def _next_id(db: sqlite3.Connection, table: str, column: str) -> int:
    (newest,) = db.execute(f"SELECT MAX({column}) FROM {table}").fetchone()
    return int(newest or 0) + 1


def _action(db: sqlite3.Connection, number: int | None) -> _Action:
    row = db.execute("SELECT * FROM actions WHERE action_id = ?", (number,)).fetchone()
    if row is None:
        raise DamageError(f"action {number} is missing")
    return _Action(*checked(row, "action"))


def _stacks(db: sqlite3.Connection, annotator: str, concept: str) -> _Stacks:
    row = db.execute(
        "SELECT * FROM actions WHERE concept = ? AND annotator = ? ORDER BY action_id DESC LIMIT 1",
        (concept, annotator),
    ).fetchone()
    if row is None:
        return _Stacks(None, None)
    newest = _Action(*checked(row, "action"))
    return _Stacks(newest.done, newest.undone)


def _answered(
    db: sqlite3.Connection, annotator: str, concept: str, message_id: str | None
) -> dict[str, StoredValue] | None:
    """What a message stored when it came the first time, None if it is new."""
    if message_id is None:
        return None
    row = db.execute(
        "SELECT action_id FROM actions WHERE concept = ? AND annotator = ? AND message_id = ?",
        (concept, annotator, message_id),
    ).fetchone()
    return None if row is None else _labels_of(db, row[0], "value")


def _labels_of(db: sqlite3.Connection, number: int | None, column: str) -> dict[str, StoredValue]:
    """The values, or the values before them, of an action's events by clip."""
    action = _action(db, number)
    rows = db.execute(_SELECT_EVENTS + "WHERE action_id = ? ORDER BY event_id", (number,)).fetchall()
    if len(rows) != action.events:
        raise DamageError(f"{len(rows):,} of the {action.events:,} events of action {number} are left")
    clip, value = schema.EVENT_COLUMNS.index("clip_id"), schema.EVENT_COLUMNS.index(column)
    return {row[clip]: row[value] for row in rows if checked(row, "event")}


def _add_action(db: sqlite3.Connection, written: _Written, events: int, previous: int | None, after: _Stacks) -> None:
    row = _Action(
        written.action,
        written.annotator,
        written.concept,
        written.kind,
        written.undoes,
        written.message_id,
        events,
        previous,
        *after,
    )
    db.execute(_INSERT_ACTION, (*row, checksum(*row)))


def _add_events(db: sqlite3.Connection, written: _Written, labels: Mapping[str, StoredValue]) -> None:
    """Add the events of an action, and take them into account in the current labels and the totals."""
    _, annotator, concept, source, *_ = written
    time = datetime.now(UTC).isoformat(timespec="microseconds")
    first = _next_id(db, "events", "event_id")
    former = _current_rows(db, annotator, concept, labels)
    total = _totals(db, concept, annotator).get((concept, annotator), Total())
    counts = {"yes": total.yes, "no": total.no, "unsure": total.unsure, "none": 0}
    events_sum, labels_sum = total.events_sum, total.labels_sum
    events, current = [], []
    for number, (clip, value) in enumerate(labels.items(), first):
        before, sources, replaced = former.get(clip, ("none", "[]", 0))
        event = (number, written.action, time, annotator, concept, clip, value, before, *written[3:])
        events.append((*event, checksum(*event)))
        if source not in (known := schema.sources(sources)):
            sources = json.dumps([*known, source])
        row = (concept, annotator, clip, value, number, sources)
        current.append((*row, checksum(*row)))
        events_sum += events[-1][-1]
        labels_sum += current[-1][-1] - replaced
        counts[before] -= 1
        counts[value] += 1
    numbers = (total.events + len(events), events_sum, total.labels + len(labels) - len(former), labels_sum)
    now = (concept, annotator, *numbers, counts["yes"], counts["no"], counts["unsure"])
    db.executemany(_INSERT_EVENT, events)
    db.executemany(_INSERT_CURRENT, current)
    db.execute(_INSERT_TOTAL, (*now, checksum(*now)))


def _current_rows(
    db: sqlite3.Connection, annotator: str, concept: str, clips: Collection[str]
) -> dict[str, tuple[str, str, int]]:
    """The value, sources and checksum of the current labels of some clips, as far as there are any."""
    rows = db.execute(
        """SELECT * FROM current_labels WHERE concept = ? AND annotator = ?
           AND clip_id IN (SELECT value FROM json_each(?))""",
        (concept, annotator, json.dumps(list(clips))),
    )
    return {row[2]: (row[3], row[5], row[6]) for row in rows if checked(row, "the label of")}


def _totals(
    db: sqlite3.Connection, concept: str | None = None, annotator: str | None = None
) -> dict[tuple[str, str], Total]:
    """The totals by concept and annotator: all of them, those of a concept, or the one of an annotator."""
    given = [(name, value) for name, value in (("concept", concept), ("annotator", annotator)) if value is not None]
    where = " AND ".join(f"{name} = ?" for name, _ in given) or "TRUE"
    rows = db.execute(f"SELECT * FROM totals WHERE {where}", tuple(value for _, value in given))
    return {(row[0], row[1]): Total(*checked(row, "the counts of")[2:]) for row in rows}


def _all_totals(db: sqlite3.Connection) -> dict[tuple[str, str], Total]:
    """The totals of all concepts and annotators. Raises DamageError unless they are those of all events."""
    totals = _totals(db)
    counted, written = sum(total.events for total in totals.values()), _next_id(db, "events", "event_id") - 1
    if counted != written:
        raise DamageError(f"{counted:,} events are counted where {written:,} are written")
    return totals


def _current(db: sqlite3.Connection, concept: str) -> CurrentLabels:
    (newest,) = db.execute("SELECT MAX(event_id) FROM events WHERE concept = ?", (concept,)).fetchone()
    values: dict[str, dict[str, StoredValue]] = {}
    clips_of: dict[str, set[str]] = {}
    for (of, annotator), total in _all_totals(db).items():
        if of != concept:
            continue
        own: dict[str, StoredValue] = {}
        sets: dict[str, list[set[str]]] = {}  # by the text that lists the sources
        labels = labels_sum = 0
        start = zlib.crc32(f"{concept}\x1f{annotator}\x1f".encode())  # as `checksum` begins
        for clip, value, event, sources, stored in db.execute(
            "SELECT clip_id, value, event_id, sources, checksum FROM current_labels WHERE concept = ? AND annotator = ?",
            (concept, annotator),
        ):
            if zlib.crc32(f"{clip}\x1f{value}\x1f{event}\x1f{sources}".encode(), start) != stored:
                raise DamageError(f"the label of {clip!r}")
            labels += 1
            labels_sum += stored
            if value != "none":
                own[clip] = _VALUES[value]
            if sources not in sets:
                sets[sources] = [clips_of.setdefault(source, set()) for source in schema.sources(sources)]
            for clips in sets[sources]:
                clips.add(clip)
        if (labels, labels_sum) != (total.labels, total.labels_sum):
            raise DamageError(f"{labels:,} of the {total.labels:,} labels of {annotator!r} are left")
        values[annotator] = own
    return CurrentLabels(int(newest or 0), values, clips_of)


# --- arguments -----------------------------------------------------------------------------------------------------------


def _check_name(what: str, name: str, longest: int) -> None:
    if not isinstance(name, str) or not name.strip():
        raise LabelError(f"The {what} must be a text with at least one character, not {described(name)}.")
    if len(name) > longest:
        raise LabelError(f"The {what} may have {longest} characters, not {len(name)}: {name[:40]!r}… is too long.")
    if not all(char.isprintable() or char in "\u200d\ufe0f" for char in name):
        raise LabelError(f"The {what} {described(name)} holds a line break or another control character: leave it out.")


def _check_unicode(texts: Iterable[str]) -> None:
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise LabelError(f"The text {described(text)} holds half of a character and cannot be stored.") from error
