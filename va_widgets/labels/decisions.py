"""Which labels decide between others, and whose labels are primary, read from the label file within a transaction.

A decision is a label whose source is ADJUDICATION. One that was undone is none; one that was done again, or to which an
undo leads back, is one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from typing import Any

from va_widgets.labels import records, rows, schema
from va_widgets.labels.majority import ADJUDICATION, MAJORITY, CountingRule, Decision
from va_widgets.labels.schema import checked

PRIMARY = ("", "primary annotators")
"""The annotator and the key of a concept's primary annotators: a JSON list of changes, each [newest label event at that
time, names]."""


def counting_rule(
    db: sqlite3.Connection, concept: str, clips: Collection[str] | None, until: int | None, changes: int | None
) -> CountingRule:
    """Return the rule by which a concept's labels count.

    `clips` are those for which there may be decisions, of whose labels some had the source ADJUDICATION; all labels are
    searched for them if not given. `until` is the newest label event that counts, and `changes` how many changes of the
    primary annotators do; without it, those up to that event.
    """
    known = changes_in(_kept(db, concept))
    if changes is None:
        changes = sum(after <= until for after, _ in known) if until is not None else len(known)
    primary = known[changes - 1][1] if 0 < changes <= len(known) else frozenset()
    decisions = _decisions(db, concept, clips, until)
    return CountingRule(primary, decisions, changes) if changes or decisions else MAJORITY


def set_primary(db: sqlite3.Connection, concept: str, annotators: Iterable[str]) -> None:
    """Let the labels of some annotators count over those of the others from now on."""
    newest = records.next_id(db, "events", "event_id") - 1
    changes = [[after, sorted(names)] for after, names in changes_in(_kept(db, concept))]
    records.keep_document(db, PRIMARY[0], concept, PRIMARY[1], [*changes, [newest, sorted(annotators)]])


def changes_in(document: object) -> list[tuple[int, frozenset[str]]]:
    """Return the changes in a document that is kept as PRIMARY, oldest first; those of another form are left out."""
    changes = []
    for change in document if isinstance(document, list) else []:
        match change:
            case [int(after), list(names)]:
                changes.append((after, frozenset(name for name in names if isinstance(name, str))))
    return changes


def _kept(db: sqlite3.Connection, concept: str) -> object:
    sql = "SELECT * FROM state WHERE annotator = ? AND concept = ? AND key = ?"
    row = db.execute(sql, (PRIMARY[0], concept, PRIMARY[1])).fetchone()
    return None if row is None else json.loads(checked(row, "the document of")[-1])


def _decisions(
    db: sqlite3.Connection, concept: str, clips: Collection[str] | None, until: int | None
) -> dict[str, Decision]:
    """Return the newest decision of each clip that has one."""
    of_concept = "SELECT annotator, clip_id, value, event_id FROM current_labels WHERE concept = ? AND "
    if clips is None:
        found = db.execute(of_concept + "instr(sources, ?)", (concept, json.dumps(ADJUDICATION))).fetchall()
    elif clips:
        given = json.dumps(list(clips))
        found = [
            row
            for _, annotator in rows.totals_of(db, concept)
            for row in db.execute(
                of_concept + "annotator = ? AND clip_id IN (SELECT value FROM json_each(?))",
                (concept, annotator, given),
            )
        ]
    else:
        found = []
    if until is not None:
        former = "SELECT annotator, clip_id, value, event_id FROM events WHERE concept = ? AND event_id <= ?"
        newest = " AND annotator = ? AND clip_id = ? ORDER BY event_id DESC LIMIT 1"
        found = [
            row
            for annotator, clip, *_ in found
            for row in db.execute(former + newest, (concept, until, annotator, clip)).fetchall()
        ]
    decisions: dict[str, Decision] = {}
    for annotator, clip, value, event in sorted(found, key=lambda row: int(row[-1])):
        if value != "none" and _decides(db, event):
            decisions[clip] = Decision(annotator, value, event)
    return decisions


def _decides(db: sqlite3.Connection, number: int) -> bool:
    """Whether an event is a decision, or an undo or a redo that leads back to one."""
    before = number + 1
    row = db.execute(rows.SELECT_EVENTS + "WHERE event_id = ?", (number,)).fetchone()
    # Each step leads to an earlier event; in a file made up by somebody it may not.
    while row is not None and (event := _fields(row))["event_id"] < before:
        before = event["event_id"]
        if event["kind"] == "label":
            return bool(event["source"] == ADJUDICATION)
        # An undo and a redo name the action that they revert or do again.
        of_clip = (event["undoes"], event["clip_id"])
        row = db.execute(rows.SELECT_EVENTS + "WHERE action_id = ? AND clip_id = ?", of_clip).fetchone()
        if event["kind"] == "undo" and row is not None:
            row = db.execute(
                rows.SELECT_EVENTS + "WHERE concept = ? AND event_id < ? AND annotator = ? AND clip_id = ?"
                " ORDER BY event_id DESC LIMIT 1",
                (event["concept"], _fields(row)["event_id"], event["annotator"], event["clip_id"]),
            ).fetchone()
    return False


def _fields(row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(schema.EVENT_COLUMNS, checked(row, "event"), strict=True))
