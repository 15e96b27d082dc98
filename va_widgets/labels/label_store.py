"""The label store: an append-only log of label events in SQLite, on disk before an append returns."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import pandas as pd

from va_widgets.base import background
from va_widgets.base.arguments import described
from va_widgets.base.errors import LabelError
from va_widgets.base.paths import GivenPath, absolute_path
from va_widgets.labels import checking, copies, files, rows, schema
from va_widgets.labels.database import Database
from va_widgets.labels.problems import DamagedLabelsError
from va_widgets.labels.rows import CurrentLabels as CurrentLabels
from va_widgets.labels.rows import Event as Event
from va_widgets.labels.schema import VALUES, DamageError, checked, checksum
from va_widgets.labels.schema import StoredValue as StoredValue

_LONGEST_CONCEPT, _LONGEST_ANNOTATOR = 500, 200
LONGEST_SOURCE = 64
GUIDELINE = ("", "guideline")
"""The annotator and the key of a concept's guideline, which belongs to all its annotators."""
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
        Whether a copy of the file is made in the background when the store is opened, if the file has changed since the
        last one.

    Raises
    ------
    LabelError
        If the file cannot be created or opened, or is not a label store of a version known here.
    """

    def __init__(self, path: GivenPath, *, keep_copies: bool = False) -> None:
        self.path = absolute_path(path, LabelError)
        self._database = Database(self.path)
        self.read_only = self._database.read_only
        self._copier: threading.Thread | None = None
        if keep_copies and not self.read_only and copies.is_due(self.path):
            with suppress(RuntimeError):  # the interpreter is ending
                self._copier = background.start(partial(copies.keep, self._database), "va-labels-copy")

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
            if (known := rows.answered(db, annotator, concept, message_id)) is not None:
                return known
            action = rows.next_id(db, "actions", "action_id")
            event = rows.Written(action, annotator, concept, source, model_version, message_id, "label", None)
            previous = rows.stacks_of(db, annotator, concept).done
            rows.add_action(db, event, len(labels), previous, rows.Stacks(action, None))
            rows.add_events(db, event, labels)
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
        """Store the events of an undo or a redo, and the stacks of both afterwards; returns as `undo` and `redo`."""
        self.check_names(annotator, concept)
        _check_unicode([message_id or ""])
        with self._database.transaction() as db:
            if (known := rows.answered(db, annotator, concept, message_id)) is not None:
                return known
            stacks = rows.stacks_of(db, annotator, concept)
            top = stacks.done if kind == "undo" else stacks.undone
            number = rows.next_id(db, "actions", "action_id")
            written = rows.Written(number, annotator, concept, kind, 0, message_id, kind, None)
            if top is None:
                if message_id is not None:  # so that the same message does nothing later, either
                    rows.add_action(db, written, 0, None, stacks)
                return {}
            action = rows.action_of(db, top)
            target = top if kind == "undo" else action.undoes
            if kind == "undo":
                previous, after = stacks.undone, rows.Stacks(action.previous, number)
            else:
                previous, after = None, rows.Stacks(target, action.previous)
            written = written._replace(undoes=target)
            labels = rows.labels_of(db, target, "before" if kind == "undo" else "value")
            rows.add_action(db, written, len(labels), previous, after)
            rows.add_events(db, written, labels)
        return labels

    def set_state(
        self, annotator: str, concept: str, key: str, value: object, *, patience: float | None = None
    ) -> None:
        """Keep a small JSON document, such as a guideline or the queries, under (annotator, concept, key).

        Other writers are waited for as long as `patience`, in seconds (3 if not given).
        """
        row = (annotator, concept, key, json.dumps(value))
        with self._database.transaction(patience) as db:
            db.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?)", (*row, checksum(*row)))

    def set_state_if_absent(
        self, annotator: str, concept: str, key: str, value: object, *, patience: float = files.PATIENCE
    ) -> Any:
        """Keep a small JSON document unless there is one under this key; returns the one that is kept.

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

    def forget(self, concept: str) -> None:
        """Remove what is kept for a concept that has neither labels nor a guideline, such as its searches.

        Events of labels that were all taken back stay. Raises LabelError, and then removes nothing, if anybody has
        labelled a clip, or there is a guideline.
        """
        with self._database.transaction() as db:
            if any(total.yes + total.no + total.unsure for total in rows.totals_of(db, concept).values()):
                raise LabelError(f"The concept {described(concept)} has labels: only one without any can be removed.")
            if concept in _guidelines(db):
                raise LabelError(f"The concept {described(concept)} has a guideline: empty it first.")
            db.execute("DELETE FROM state WHERE concept = ?", (concept,))

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
        """Return the document kept under (annotator, concept, key), None if there is none."""
        with self._database.snapshot() as db:
            row = db.execute(
                "SELECT * FROM state WHERE annotator = ? AND concept = ? AND key = ?", (annotator, concept, key)
            ).fetchone()
            return None if row is None else json.loads(checked(row, "the document of")[-1])

    def steps(self, annotator: str, concept: str) -> tuple[bool, bool]:
        """Whether the annotator has an action to undo, and one to redo."""
        with self._database.snapshot() as db:
            stacks = rows.stacks_of(db, annotator, concept)
        return stacks.done is not None, stacks.undone is not None

    def current(self, concept: str) -> CurrentLabels:
        """Return the concept's present labels, in a time that depends on the number of labels, not of events.

        Raises LabelError if it is damaged and cannot be computed anew from the events.
        """
        return self._computed(lambda db: rows.current_labels(db, concept))

    def events(self, concept: str, after: int = 0) -> list[Event]:
        """Return the concept's label events of all annotators that are newer than an event, oldest first."""
        with self._database.snapshot() as db:
            result = db.execute(
                rows.SELECT_EVENTS + "WHERE concept = ? AND event_id > ? ORDER BY event_id", (concept, after)
            )
            return [rows.event_of(row) for row in result]

    def labels(self, concept: str) -> list[Event]:
        """Return each annotator's newest event of each clip, without those of value "none", oldest first.

        Raises LabelError if some are missing in the file or damaged.
        """
        with self._database.snapshot() as db:
            result = db.execute(
                rows.SELECT_EVENTS
                + "WHERE event_id IN (SELECT event_id FROM current_labels WHERE concept = ? AND value != 'none')"
                " ORDER BY event_id",
                (concept,),
            )
            events = [rows.event_of(row) for row in result]
            totals = rows.totals_of(db, concept).values()
            expected = sum(total.yes + total.no + total.unsure for total in totals)
            if len(events) != expected:
                raise DamageError(f"{len(events):,} of {expected:,} labels are left")
            return events

    def history(self, concept: str, annotator: str | None = None) -> pd.DataFrame:
        """Return every event of a concept, or one annotator's, oldest first, as a DataFrame.

        Its columns are those of the table `events`; `kind` is "label", "undo" or "redo". Raises LabelError if events
        are missing in the file or damaged.
        """
        only, values = ("", ()) if annotator is None else (" AND annotator = ?", (annotator,))
        with self._database.snapshot() as db:
            result = db.execute(rows.SELECT_EVENTS + f"WHERE concept = ?{only} ORDER BY event_id", (concept, *values))
            events, events_sum = [], 0
            for row in result:
                events.append(checked(row, "event"))
                events_sum += row[-1]
            totals = rows.totals_of(db, concept, annotator).values()
            expected = sum(total.events for total in totals)
            if (len(events), events_sum) != (expected, sum(total.events_sum for total in totals)):
                raise DamageError(f"{len(events):,} of {expected:,} events are left")
        table = pd.DataFrame(events, columns=list(schema.EVENT_COLUMNS))
        return table.drop(columns="before").astype({"undoes": "Int64"})

    def concepts(self) -> pd.DataFrame:
        """Return every concept with labels: DataFrame(concept, annotators, yes, no, unsure), by name.

        A clip that two annotators have labelled counts twice.
        """
        totals = self._computed(rows.all_totals)
        counted: dict[str, list[int]] = {}
        for (concept, _annotator), total in totals.items():
            if total.yes + total.no + total.unsure:
                counts = counted.setdefault(concept, [0, 0, 0, 0])
                for column, number in enumerate((1, total.yes, total.no, total.unsure)):
                    counts[column] += number
        table = [(concept, *counted[concept]) for concept in sorted(counted)]
        return pd.DataFrame(table, columns=["concept", "annotators", "yes", "no", "unsure"])

    def opened_concepts(self) -> list[str]:
        """Return every concept for which something is kept besides labels, such as its guideline or its text vector."""
        with self._database.snapshot() as db:
            return [concept for (concept,) in db.execute("SELECT DISTINCT concept FROM state WHERE concept != ''")]

    def guidelines(self) -> dict[str, str]:
        """Every concept's guideline, of those that have one."""
        with self._database.snapshot() as db:
            return _guidelines(db)

    # --- care ------------------------------------------------------------------------------------

    def backup(self, path: GivenPath | None = None) -> Path:
        """Write all labels to one new file, while others may be writing. Returns its path.

        Without a path, or with that of a folder, the file gets the time as its name; it is in the folder "backups"
        beside the labels if there is no path. Also saves what this store holds after its file was deleted.

        Raises LabelError if it cannot be written, or there is a file of that name.
        """
        return copies.write(self._database, None if path is None else absolute_path(path, LabelError, "The backup"))

    def checkpoint(self) -> None:
        """Copy SQLite's log into the file, as far as nobody is reading or writing it just now."""
        self._database.checkpoint()

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


def check_file(path: GivenPath) -> checking.Findings:
    """Read every row of a label file, and compare what is computed from the events with what is stored.

    SQLite's log beside the file is read as well. Nothing is changed or repaired. A file of an earlier version has no
    checksums: only its structure is checked. Raises LabelError if it cannot be read at all.
    """
    file = absolute_path(path, LabelError)
    damage = files.log_damage(file)
    # Closing a file whose log is damaged would remove what is left of the log.
    with closing(files.connect_to_copies(file) if damage else files.connect_for_checking(file)) as db:
        findings = checking.check(db)
    return findings._replace(problems=[damage, *findings.problems]) if damage else findings


def _guidelines(db: sqlite3.Connection) -> dict[str, str]:
    """Return the guidelines that are not empty, by concept."""
    kept = db.execute("SELECT * FROM state WHERE annotator = ? AND key = ?", GUIDELINE).fetchall()
    documents = {row[1]: str(json.loads(checked(row, "the document of")[-1])) for row in kept}
    return {concept: text for concept, text in documents.items() if text}


# --- arguments ---------------------------------------------------------------------------------


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
