"""The names of a concept: what it is called now, and under which name its rows are stored.

Events are never rewritten. A concept that is renamed keeps the name that it had first as the *key* under which all its
rows are stored, so that undo, message ids, remarks and refits go on as before; and whoever has it open under a former
name goes on writing to the same concept. Each renaming is two rows of `concept_events`, under the former and under the
new name, with the same details {"from", "to", "key"}.
"""

from __future__ import annotations

import json
import sqlite3

from va_widgets.labels.schema import checked

RENAME = "rename"
_NEWEST = "SELECT * FROM concept_events WHERE concept = ? AND kind = 'rename' ORDER BY number DESC LIMIT 1"
_ALL = "SELECT * FROM concept_events WHERE kind = 'rename' ORDER BY number"


def key_of(db: sqlite3.Connection, name: str) -> str:
    """Return the name under which the rows of a concept are stored, by any name that it has or had."""
    row = db.execute(_NEWEST, (name,)).fetchone()
    return name if row is None else str(_details(row).get("key", name))


def present_name(db: sqlite3.Connection, name: str) -> str:
    """Return what the concept is called now that has or had a name."""
    return names_by_key(db).get(key_of(db, name), name)


def names_by_key(db: sqlite3.Connection) -> dict[str, str]:
    """Return what the concepts that were renamed are called now, by their keys."""
    return {details["key"]: details["to"] for details in map(_details, db.execute(_ALL)) if details}


def keys_by_name(db: sqlite3.Connection) -> dict[str, str]:
    """Return the keys of the concepts that were renamed, by all names that they have or had."""
    keys = {}
    for details in filter(None, map(_details, db.execute(_ALL))):
        keys[details["from"]] = keys[details["to"]] = details["key"]
    return keys


def _details(row: tuple[object, ...]) -> dict[str, str]:
    """Return the details of a renaming; {} for an event of that kind that somebody else has written otherwise."""
    details = json.loads(checked(row, "concept event")[-1])
    return details if all(isinstance(details.get(name), str) for name in ("from", "to", "key")) else {}
