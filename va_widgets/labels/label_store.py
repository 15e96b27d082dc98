"""The label store: an append-only log of label events in SQLite, on disk before an append returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from va_widgets.base.arguments import described
from va_widgets.base.errors import LabelError
from va_widgets.base.paths import GivenPath, absolute_path
from va_widgets.labels import checking, copies, decisions, files, records, rows, schema
from va_widgets.labels.concept_log import GUIDELINE as GUIDELINE
from va_widgets.labels.concept_log import ConceptLog
from va_widgets.labels.concept_names import key_of
from va_widgets.labels.concept_rows import guidelines
from va_widgets.labels.current_rows import CurrentLabels as CurrentLabels
from va_widgets.labels.database import Database
from va_widgets.labels.entry_checks import LONGEST_SOURCE as LONGEST_SOURCE
from va_widgets.labels.entry_checks import check_entry, check_names, check_unicode
from va_widgets.labels.kept_documents import KeptDocuments
from va_widgets.labels.records import ConceptEvent as ConceptEvent
from va_widgets.labels.records import NewConceptEvent as NewConceptEvent
from va_widgets.labels.records import NewRemark as NewRemark
from va_widgets.labels.records import Remark as Remark
from va_widgets.labels.rows import Event as Event
from va_widgets.labels.rows import NewAction as NewAction
from va_widgets.labels.schema import StoredValue as StoredValue
from va_widgets.labels.snapshots import Snapshots
from va_widgets.labels.stored_labels import StoredLabels

LABELS_FILE = "labels.sqlite"
"""The name of the label file in the folder of a corpus."""


class LabelStore(StoredLabels, KeptDocuments):
    """Label events of all concepts and annotators of a corpus, in one SQLite file.

    A concept may be given by any name that it has or had (`concept_names.py`). Several processes and several threads
    may write at once. Where the file or its folder cannot be written, the store opens for reading (`read_only`).

    Parameters
    ----------
    path : path of the file, which is made if it is not there
    snapshots : bool
        Whether copies of the file are made in the background, as `keep_snapshots` does.

    Raises
    ------
    LabelError
        If the file cannot be created or opened, or is not a label store of a version known here.
    """

    def __init__(self, path: GivenPath, *, snapshots: bool = False) -> None:
        self.path = absolute_path(path, LabelError)
        self._database = Database(self.path)
        self.read_only = self._database.read_only
        self.concept_log = ConceptLog(self._database)
        self._snapshots = Snapshots(self._database)
        self._database.after_writing(self._snapshots.make_due)
        if snapshots:
            self.keep_snapshots()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. The store cannot be used afterwards."""
        self._snapshots.stop()
        self._database.close()

    @property
    def closed(self) -> bool:
        """Whether the store was closed."""
        return self._database.closed

    @property
    def identity(self) -> files.Identity | None:
        """Which file was opened; None where its file system does not say."""
        return self._database.identity

    @property
    def data_version(self) -> tuple[int, int]:
        """Numbers that differ whenever this or another process has changed the file."""
        return self._database.data_version

    @property
    def restored(self) -> str:
        """A text that changes whenever a copy takes the place of the whole content; "" before the first time."""
        return str(self.get_state(*schema.RESTORED) or "")

    @staticmethod
    def check_names(annotator: str, concept: str) -> None:
        """Raise LabelError unless both can be stored, as `entry_checks.check_names` says."""
        check_names(annotator, concept)

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
        action = NewAction(annotator, concept, labels, source, model_version, message_id)
        check_entry(action)
        if not labels:
            return {}
        with self._database.transaction() as db:
            action = action._replace(concept=key_of(db, concept))
            if (known := rows.answered(db, annotator, action.concept, message_id)) is not None:
                return known
            rows.add_labels(db, action)
        return dict(labels)

    def append_all(self, actions: Iterable[NewAction | NewRemark | NewConceptEvent]) -> int:
        """Store several actions, remarks and events of concepts, all of them or none; returns their number of labels.

        They may be of any annotators and concepts, and are stored in their order; they are on disk when this returns.
        An event "guideline" makes its `text` the guideline of its concept.
        Of an action whose `message_id` is known nothing is stored. Raises LabelError, and then stores nothing.
        """
        given = list(actions)
        return self.append_planned(lambda: given)

    def append_planned(self, plan: Callable[[], Iterable[NewAction | NewRemark | NewConceptEvent]]) -> int:
        """Store what `plan` returns as `append_all` does, planned by what the file holds when it is stored.

        `plan` may read this store. It is called a second time, while other writers wait, if anything has changed since
        the first.
        """
        planned_at = self.data_version
        entries = _checked(plan())
        stored = 0
        with self._database.transaction() as db:
            if self.data_version != planned_at:
                entries = _checked(plan())
            for kind, some in groupby(entries, type):
                if kind is NewRemark:
                    remarks = [entry for entry in some if isinstance(entry, NewRemark)]
                    keys = {concept: key_of(db, concept) for concept in {remark.concept for remark in remarks}}
                    records.add_remarks(db, (remark._replace(concept=keys[remark.concept]) for remark in remarks))
                    continue
                for given in some:
                    entry = given._replace(concept=key_of(db, given.concept))
                    if isinstance(entry, NewConceptEvent):
                        records.add_concept_event(db, *entry)
                        if entry.kind == GUIDELINE[1]:
                            text = entry.details.get("text", "")
                            records.keep_document(db, GUIDELINE[0], entry.concept, GUIDELINE[1], text)
                    elif (
                        isinstance(entry, NewAction)
                        and rows.answered(db, entry.annotator, entry.concept, entry.message_id) is None
                    ):
                        rows.add_labels(db, entry)
                        stored += len(entry.labels)
        return stored

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
        check_names(annotator, concept)
        check_unicode([message_id or ""])
        with self._database.transaction() as db:
            concept = key_of(db, concept)
            if (known := rows.answered(db, annotator, concept, message_id)) is not None:
                return known
            stacks = rows.stacks_of(db, annotator, concept)
            top = stacks.done if kind == "undo" else stacks.undone
            number = records.next_id(db, "actions", "action_id")
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

    def add_remark(
        self,
        annotator: str,
        concept: str,
        clip_id: str,
        note: str,
        tags: Sequence[str] = (),
        *,
        time: str | None = None,
    ) -> None:
        """Keep a note and tags on a clip, which take the place of this annotator's former ones; both may be empty.

        `time` is when they were given, in ISO 8601, UTC; now if not given. Raises LabelError, and then stores nothing.
        """
        check_names(annotator, concept)
        check_unicode([clip_id, note, *tags])
        with self._database.transaction() as db:
            key = key_of(db, concept)
            records.add_remarks(db, [NewRemark(annotator, key, clip_id, note, tags, time)])

    def add_concept_event(self, annotator: str, concept: str, kind: str, details: Mapping[str, Any]) -> None:
        """Keep that something became of a concept, such as a new guideline; `details` is a JSON object."""
        check_names(annotator, concept)
        with self._database.transaction() as db:
            records.add_concept_event(db, annotator, key_of(db, concept), kind, details)

    def forget(self, concept: str) -> None:
        """Remove what is kept for a concept that has neither labels nor a guideline, such as its searches.

        Events of labels that were all taken back stay. Raises LabelError, and then removes nothing, if anybody has
        labelled a clip, or there is a guideline.
        """
        with self._database.transaction() as db:
            concept = key_of(db, concept)
            if any(total.yes + total.no + total.unsure for total in rows.totals_of(db, concept).values()):
                raise LabelError(f"The concept {described(concept)} has labels: only one without any can be removed.")
            if concept in guidelines(db):
                raise LabelError(f"The concept {described(concept)} has a guideline: empty it first.")
            db.execute("DELETE FROM state WHERE concept = ?", (concept,))

    # --- reading ---------------------------------------------------------------------------------

    def set_primary(self, concept: str, annotators: Iterable[str]) -> None:
        """Keep whose labels count over those of the others for a concept; nobody's if there are none."""
        with self._database.transaction() as db:
            decisions.set_primary(db, key_of(db, concept), annotators)

    def concept_events(self, concept: str | None = None) -> list[ConceptEvent]:
        """Return what became of a concept, or of all concepts, oldest first, under the names that they have now."""
        return self.concept_log.events(concept)

    # --- care ------------------------------------------------------------------------------------

    def backup(self, path: GivenPath | None = None) -> Path:
        """Write all labels to one new file, while others may be writing. Returns its path.

        Without a path, or with that of a folder, the file gets the time as its name; it is in the folder "backups"
        beside the labels if there is no path. Also saves what this store holds after its file was deleted.

        Raises LabelError if it cannot be written, or there is a file of that name.
        """
        return copies.write(self._database, None if path is None else absolute_path(path, LabelError, "The backup"))

    def keep_snapshots(self) -> None:
        """From now on keep copies in the folder "backups" beside the labels: one an hour while labels change.

        They are kept for 24 hours, and the last one of each day for 7 days. One process makes them, where several have
        the file open, and no label waits for it. The environment variable VA_WIDGETS_SNAPSHOTS=off switches them off.
        """
        self._snapshots.start()

    def checkpoint(self) -> None:
        """Copy SQLite's log into the file, as far as nobody is reading or writing it just now."""
        self._database.checkpoint()


def _checked(
    actions: Iterable[NewAction | NewRemark | NewConceptEvent],
) -> list[NewAction | NewRemark | NewConceptEvent]:
    """Return what there is to store of actions. Raises LabelError for what cannot be stored."""
    entries = [entry for entry in actions if not isinstance(entry, NewAction) or entry.labels]
    for entry in entries:
        check_entry(entry)
    return entries


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
