"""Rows of the label file that are about concepts as wholes, read and written within a transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from va_widgets.labels import records
from va_widgets.labels.concept_names import RENAME
from va_widgets.labels.records import ConceptEvent
from va_widgets.labels.schema import checked

GUIDELINE = ("", "guideline")
"""The annotator and the key of a concept's guideline, which belongs to all its annotators."""
LISTS = ("archive", "restore")
HINTS = ("hints", "no hints")


def guidelines(db: sqlite3.Connection, concept: str | None = None) -> dict[str, str]:
    """Return the guidelines that are not empty, by the key of their concept: all of them, or that of one."""
    where, values = ("", ()) if concept is None else (" AND concept = ?", (concept,))
    kept = db.execute(f"SELECT * FROM state WHERE annotator = ? AND key = ?{where}", (*GUIDELINE, *values)).fetchall()
    documents: Mapping[str, str] = {row[1]: str(json.loads(checked(row, "the document of")[-1])) for row in kept}
    return {concept: text for concept, text in documents.items() if text}


def has_guideline(event: ConceptEvent) -> bool:
    """Whether an event is a version of the guideline; one that somebody else has stored may lack its text."""
    return event.kind == "guideline" and isinstance(event.details.get("text"), str)


def named(event: ConceptEvent, keys: Mapping[str, str], names: Mapping[str, str]) -> ConceptEvent:
    """Return an event with the present names of the concepts that it is about."""
    key = keys.get(event.concept, event.concept)
    details = dict(event.details)
    if event.kind != RENAME:
        for field in ("from", "into"):
            if isinstance(other := details.get(field), str):
                details[field] = names.get(other, other)
            elif isinstance(other, list):
                details[field] = [names.get(name, name) for name in other]
    return event._replace(concept=names.get(key, event.concept), details=details)


def hints(db: sqlite3.Connection, key: str, names: Mapping[str, str]) -> list[str]:
    """Return the concepts whose yes clips are hints for a concept; `names` are the present ones by key."""
    offered: dict[str, bool] = {}
    for event in of_kinds(db, key, HINTS):
        if isinstance(other := event.details.get("from"), str):
            offered[other] = event.kind == HINTS[0]
    return [names.get(other, other) for other, is_offered in offered.items() if is_offered]


def set_archived(db: sqlite3.Connection, annotator: str, key: str, archived: bool) -> None:
    """Add the event by which a concept is archived or restored, unless it is so already."""
    if is_archived(db, key) != archived:
        records.add_concept_event(db, annotator, key, LISTS[not archived], {})


def of_kinds(db: sqlite3.Connection, key: str, kinds: tuple[str, str]) -> list[ConceptEvent]:
    """Return the events of two kinds of a concept; the others, such as long guidelines, are not read."""
    sql = "SELECT * FROM concept_events WHERE concept = ? AND kind IN (?, ?) ORDER BY number"
    found = [ConceptEvent(*checked(row, "concept event")) for row in db.execute(sql, (key, *kinds))]
    return [event._replace(details=json.loads(str(event.details))) for event in found]


def is_archived(db: sqlite3.Connection, key: str) -> bool:
    """Return whether a concept is archived."""
    return [event.kind for event in of_kinds(db, key, LISTS)][-1:] == ["archive"]


def known_names(db: sqlite3.Connection) -> list[str]:
    """Return all names that concepts with labels, events or documents have or had."""
    tables = ("totals", "state", "concept_events")
    sql = " UNION ".join(f"SELECT concept FROM {name}" for name in tables)
    return [name for (name,) in db.execute(f"SELECT DISTINCT concept FROM ({sql}) WHERE concept != ''")]


def is_used(db: sqlite3.Connection, key: str) -> bool:
    """Whether a concept has label events, remarks, events of its own or a guideline."""
    tables = ("events", "remarks", "concept_events")
    used = any(db.execute(f"SELECT 1 FROM {name} WHERE concept = ? LIMIT 1", (key,)).fetchone() for name in tables)
    return used or bool(guidelines(db, key))
