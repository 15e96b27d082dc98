"""A label file as version 2 of the schema had it, made from one of this version by taking away what came later."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from va_widgets.labels.label_store import LabelStore


def write(path: Path) -> None:
    """Write a file in which kelli says yes of a and no of b, and has undone a page, with a guideline."""
    with LabelStore(path) as store:
        store.append("kelli", "night", {"a": "yes", "b": "no"}, "random")
        store.append("kelli", "night", {"c": "yes"}, "search")
        store.undo("kelli", "night")
        store.set_state("", "night", "guideline", "dark")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DROP TABLE remarks")
        db.execute("DROP TABLE concept_events")
        db.execute("PRAGMA user_version = 2")
