"""Rows of the label file, read and written within a transaction: events, actions, and what is computed from them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from va_widgets.labels import schema
from va_widgets.labels.records import next_id, time_now
from va_widgets.labels.schema import DamageError, StoredValue, Total, checked, checksum


class Event(NamedTuple):
    """Those columns of a label event that the present labels follow from."""

    event_id: int
    annotator: str
    clip_id: str
    value: StoredValue
    time: str
    source: str


class Stacks(NamedTuple):
    """The tops of what can be undone (a label's action) and redone (an undo), None where there is nothing."""

    done: int | None
    undone: int | None


SELECT_EVENTS = f"SELECT {', '.join(schema.EVENT_COLUMNS)}, checksum FROM events "
_INSERT_EVENT = f"INSERT INTO events VALUES ({', '.join('?' * (len(schema.EVENT_COLUMNS) + 1))})"
_INSERT_ACTION = f"INSERT INTO actions VALUES ({', '.join('?' * (len(schema.ACTION_COLUMNS) + 1))})"
_INSERT_CURRENT = f"INSERT OR REPLACE INTO current_labels VALUES ({', '.join('?' * (len(schema.CURRENT_COLUMNS) + 1))})"
_INSERT_TOTAL = f"INSERT OR REPLACE INTO totals VALUES ({', '.join('?' * (len(schema.TOTALS_COLUMNS) + 1))})"
_FIELDS = [schema.EVENT_COLUMNS.index(name) for name in Event._fields]


class Written(NamedTuple):
    """What all events of an action have in common."""

    action: int
    annotator: str
    concept: str
    source: str
    model_version: int
    message_id: str | None
    kind: str
    undoes: int | None


class NewAction(NamedTuple):
    """Labels of one annotator for one concept that are stored as one action.

    `times` are the times of labels that were given elsewhere, in ISO 8601, UTC, by clip; the others are given now.
    `sources` are those of labels, by clip, whose source is not `source`.
    """

    annotator: str
    concept: str
    labels: Mapping[str, StoredValue]
    source: str
    model_version: int = 0
    message_id: str | None = None
    times: Mapping[str, str] = {}
    sources: Mapping[str, str] = {}


class Action(NamedTuple):
    """A row of `actions` without its checksum."""

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


def event_of(row: tuple[Any, ...]) -> Event:
    """Return the event of a row of SELECT_EVENTS. Raises DamageError if it is not as it was written."""
    fields = checked(row, "event")
    return Event(*(fields[index] for index in _FIELDS))


def action_of(db: sqlite3.Connection, number: int | None) -> Action:
    """Return an action. Raises DamageError if it is missing."""
    row = db.execute("SELECT * FROM actions WHERE action_id = ?", (number,)).fetchone()
    if row is None:
        raise DamageError(f"action {number} is missing")
    return Action(*checked(row, "action"))


def stacks_of(db: sqlite3.Connection, annotator: str, concept: str) -> Stacks:
    """Return the tops of an annotator's stacks for a concept."""
    total = totals_of(db, concept, annotator).get((concept, annotator))
    if total is None:
        return Stacks(None, None)
    newest = action_of(db, total.action)
    return Stacks(newest.done, newest.undone)


def answered(
    db: sqlite3.Connection, annotator: str, concept: str, message_id: str | None
) -> dict[str, StoredValue] | None:
    """Return what a message stored when it came the first time, None if it is new."""
    if message_id is None:
        return None
    row = db.execute(
        "SELECT action_id FROM actions WHERE concept = ? AND annotator = ? AND message_id = ?",
        (concept, annotator, message_id),
    ).fetchone()
    return None if row is None else labels_of(db, row[0], "value")


def labels_of(db: sqlite3.Connection, number: int | None, column: str) -> dict[str, StoredValue]:
    """Return the values, or the values before them, of an action's events by clip."""
    action = action_of(db, number)
    rows = db.execute(SELECT_EVENTS + "WHERE action_id = ? ORDER BY event_id", (number,)).fetchall()
    if len(rows) != action.events:
        raise DamageError(f"{len(rows):,} of the {action.events:,} events of action {number} are left")
    clip, value = schema.EVENT_COLUMNS.index("clip_id"), schema.EVENT_COLUMNS.index(column)
    return {row[clip]: row[value] for row in rows if checked(row, "event")}


def add_action(db: sqlite3.Connection, written: Written, events: int, previous: int | None, after: Stacks) -> None:
    """Add an action."""
    row = Action(
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


def add_labels(db: sqlite3.Connection, new: NewAction) -> None:
    """Add an action that can be undone, and its events."""
    action = next_id(db, "actions", "action_id")
    written = Written(action, new.annotator, new.concept, new.source, new.model_version, new.message_id, "label", None)
    previous = stacks_of(db, new.annotator, new.concept).done
    add_action(db, written, len(new.labels), previous, Stacks(action, None))
    add_events(db, written, new.labels, new.times, new.sources)


def add_events(
    db: sqlite3.Connection,
    written: Written,
    labels: Mapping[str, StoredValue],
    times: Mapping[str, str] = {},
    sources: Mapping[str, str] = {},
) -> None:
    """Add the events of an action, and take them into account in the current labels and the totals.

    `times` and `sources` are as in `NewAction`.
    """
    _, annotator, concept, *_ = written
    time = time_now()
    first = next_id(db, "events", "event_id")
    former = _current_rows(db, annotator, concept, labels)
    total = totals_of(db, concept, annotator).get((concept, annotator), Total())
    counts = {"yes": total.yes, "no": total.no, "unsure": total.unsure, "none": 0}
    events_sum, labels_sum = total.events_sum, total.labels_sum
    events, current = [], []
    with_source: dict[tuple[str, str], str] = {}  # the lists of sources with one more: few differ in an action
    for number, (clip, value) in enumerate(labels.items(), first):
        before, listed, replaced = former.get(clip, ("none", "[]", 0))
        source = sources.get(clip, written.source)
        whose = (number, written.action, times.get(clip, time), annotator, concept)
        event = (*whose, clip, value, before, source, *written[4:])
        events.append((*event, checksum(*event)))
        if (listed, source) not in with_source:
            known = schema.sources(listed)
            with_source[listed, source] = listed if source in known else json.dumps([*known, source])
        listed = with_source[listed, source]
        row = (concept, annotator, clip, value, number, listed)
        current.append((*row, checksum(*row)))
        events_sum += events[-1][-1]
        labels_sum += current[-1][-1] - replaced
        counts[before] -= 1
        counts[value] += 1
    numbers = (total.events + len(events), events_sum, total.labels + len(labels) - len(former), labels_sum)
    now = (concept, annotator, *numbers, counts["yes"], counts["no"], counts["unsure"], written.action)
    db.executemany(_INSERT_EVENT, events)
    db.executemany(_INSERT_CURRENT, current)
    db.execute(_INSERT_TOTAL, (*now, checksum(*now)))


def _current_rows(
    db: sqlite3.Connection, annotator: str, concept: str, clips: Collection[str]
) -> dict[str, tuple[str, str, int]]:
    """Return the value, sources and checksum of the current labels of some clips, as far as there are any."""
    rows = db.execute(
        """SELECT * FROM current_labels WHERE concept = ? AND annotator = ?
           AND clip_id IN (SELECT value FROM json_each(?))""",
        (concept, annotator, json.dumps(list(clips))),
    )
    return {row[2]: (row[3], row[5], row[6]) for row in rows if checked(row, "the label of")}


def totals_of(
    db: sqlite3.Connection, concept: str | None = None, annotator: str | None = None
) -> dict[tuple[str, str], Total]:
    """Return the totals by concept and annotator: all of them, those of a concept, or the one of an annotator."""
    given = [(name, value) for name, value in (("concept", concept), ("annotator", annotator)) if value is not None]
    where = " AND ".join(f"{name} = ?" for name, _ in given) or "TRUE"
    rows = db.execute(f"SELECT * FROM totals WHERE {where}", tuple(value for _, value in given))
    return {(row[0], row[1]): Total(*checked(row, "the counts of")[2:]) for row in rows}


def all_totals(db: sqlite3.Connection) -> dict[tuple[str, str], Total]:
    """Return the totals of all concepts and annotators. Raises DamageError unless they are those of all events."""
    totals = totals_of(db)
    counted, written = sum(total.events for total in totals.values()), next_id(db, "events", "event_id") - 1
    if counted != written:
        raise DamageError(f"{counted:,} events are counted where {written:,} are written")
    return totals
