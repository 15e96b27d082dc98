"""Small JSON documents that are kept beside labels, each under an annotator, a concept and a key."""

from __future__ import annotations

import json
from typing import Any

from va_widgets.labels import files, records
from va_widgets.labels.concept_names import key_of, names_by_key
from va_widgets.labels.concept_rows import guidelines
from va_widgets.labels.database import Database
from va_widgets.labels.schema import checked, checksum


class KeptDocuments:
    """The documents of a label file, such as guidelines, searches and refits: a part of `LabelStore`."""

    _database: Database

    def set_state(
        self, annotator: str, concept: str, key: str, value: object, *, patience: float | None = None
    ) -> None:
        """Keep a small JSON document, such as a guideline or the queries, under (annotator, concept, key).

        Other writers are waited for as long as `patience`, in seconds (3 if not given).
        """
        with self._database.transaction(patience) as db:
            records.keep_document(db, annotator, key_of(db, concept), key, value)

    def set_state_if_absent(
        self, annotator: str, concept: str, key: str, value: object, *, patience: float = files.PATIENCE
    ) -> Any:
        """Keep a small JSON document unless there is one under this key; returns the one that is kept.

        Other writers are waited for as long as `patience`, in seconds.
        """
        with self._database.transaction(patience) as db:
            row = (annotator, key_of(db, concept), key, json.dumps(value))
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
            concept = key_of(db, concept)
            sql = "SELECT * FROM state WHERE annotator = ? AND concept = ? AND key = ?"
            kept = db.execute(sql, (annotator, concept, key)).fetchone()
            former = 0 if kept is None else json.loads(checked(kept, "the document of")[-1])
            number = max(least, former + 1)
            records.keep_document(db, annotator, concept, key, number)
        return number

    def get_state(self, annotator: str, concept: str, key: str) -> Any:
        """Return the document kept under (annotator, concept, key), None if there is none."""
        with self._database.snapshot() as db:
            row = db.execute(
                "SELECT * FROM state WHERE annotator = ? AND concept = ? AND key = ?",
                (annotator, key_of(db, concept), key),
            ).fetchone()
            return None if row is None else json.loads(checked(row, "the document of")[-1])

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
            found = db.execute(sql, (annotator, key_of(db, concept), prefix, prefix + "\U0010ffff", after)).fetchall()
            return [(row, json.loads(checked(tuple(kept), "the document of")[-1])) for row, *kept in found]

    def opened_concepts(self) -> list[str]:
        """Return every concept for which something is kept besides labels, such as its guideline or its text vector."""
        with self._database.snapshot() as db:
            names = names_by_key(db)
            kept = db.execute("SELECT DISTINCT concept FROM state WHERE concept != ''").fetchall()
            return [names.get(concept, concept) for (concept,) in kept]

    def guidelines(self) -> dict[str, str]:
        """Every concept's guideline, of those that have one."""
        with self._database.snapshot() as db:
            names = names_by_key(db)
            return {names.get(concept, concept): text for concept, text in guidelines(db).items()}
