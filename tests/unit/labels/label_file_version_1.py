"""A label file as version 1 of the schema had it, written without va_widgets."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_SCHEMA = """
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
    undoes INTEGER
);
CREATE INDEX events_by_clip ON events (concept, annotator, clip_id, event_id);
CREATE INDEX events_by_action ON events (action_id);
CREATE INDEX events_by_message ON events (concept, annotator, message_id) WHERE message_id IS NOT NULL;
CREATE TABLE actions (
    action_id INTEGER PRIMARY KEY AUTOINCREMENT,
    annotator TEXT NOT NULL,
    concept TEXT NOT NULL,
    kind TEXT NOT NULL,
    undoes INTEGER
);
CREATE INDEX actions_by_annotator ON actions (concept, annotator, action_id);
CREATE TABLE state (
    annotator TEXT NOT NULL,
    concept TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (annotator, concept, key)
);
PRAGMA application_id = 0x76615F31;
PRAGMA user_version = 1;
"""
# Two pages of labels, the second undone, done again and undone again; one label in between; one of another annotator.
_ACTIONS = [
    (1, "kelli", "night", "label", None),
    (2, "kelli", "night", "label", None),
    (3, "kelli", "night", "undo", 2),
    (4, "kelli", "night", "redo", 2),
    (5, "kelli", "night", "undo", 2),
    (6, "thomas", "night", "label", None),
]
_EVENTS = [
    (1, "kelli", "a", "yes", "none", "random", "m1", "label", None),
    (1, "kelli", "b", "no", "none", "random", "m1", "label", None),
    (2, "kelli", "a", "unsure", "yes", "review", None, "label", None),
    (3, "kelli", "a", "yes", "unsure", "undo", None, "undo", 2),
    (4, "kelli", "a", "unsure", "yes", "redo", None, "redo", 2),
    (5, "kelli", "a", "yes", "unsure", "undo", "m5", "undo", 2),
    (6, "thomas", "a", "no", "none", "search", None, "label", None),
]


def write(path: Path) -> None:
    """Write a file in which kelli says yes of a and no of b, with one action to undo and one to redo, and thomas no."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(_SCHEMA)
        db.executemany("INSERT INTO actions VALUES (?, ?, ?, ?, ?)", _ACTIONS)
        db.executemany(
            """INSERT INTO events (action_id, time, annotator, concept, clip_id, value, before, source, model_version,
                   message_id, kind, undoes) VALUES (?, '2025-01-01', ?, 'night', ?, ?, ?, ?, 0, ?, ?, ?)""",
            _EVENTS,
        )
        db.execute("INSERT INTO state VALUES ('', 'night', 'guideline', '\"dark\"')")
