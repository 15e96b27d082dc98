"""What is read of a label file: present labels, by which rule they count, every event, and remarks."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

import pandas as pd

from va_widgets.labels import checking, decisions, records, rows, schema
from va_widgets.labels.concept_names import key_of, names_by_key
from va_widgets.labels.current_rows import CurrentLabels, current_labels
from va_widgets.labels.database import Database
from va_widgets.labels.majority import CountingRule
from va_widgets.labels.problems import DamagedLabelsError
from va_widgets.labels.records import Remark
from va_widgets.labels.rows import Event
from va_widgets.labels.schema import DamageError, checked

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class StoredLabels:
    """The labels and remarks of a label file, as they are read: a part of `LabelStore`."""

    path: Path
    read_only: bool
    _database: Database

    def steps(self, annotator: str, concept: str) -> tuple[bool, bool]:
        """Whether the annotator has an action to undo, and one to redo."""
        with self._database.snapshot() as db:
            stacks = rows.stacks_of(db, annotator, key_of(db, concept))
        return stacks.done is not None, stacks.undone is not None

    def current(self, concept: str) -> CurrentLabels:
        """Return the concept's present labels, in a time that depends on the number of labels, not of events.

        Raises LabelError if it is damaged and cannot be computed anew from the events.
        """
        return self._computed(lambda db: current_labels(db, key_of(db, concept)))

    def counting_rule(
        self,
        concept: str,
        clips: Collection[str] | None = None,
        *,
        until: int | None = None,
        changes: int | None = None,
    ) -> CountingRule:
        """Return the rule by which the concept's labels count: its primary annotators, and the decisions.

        `clips` are those for which there may be decisions; all labels are searched for them if not given. With `until`
        it is the rule after that label event, with `changes` that after so many changes of the primary annotators.
        """
        with self._database.snapshot() as db:
            return decisions.counting_rule(db, key_of(db, concept), clips, until, changes)

    def events(self, concept: str, after: int = 0) -> list[Event]:
        """Return the concept's label events of all annotators that are newer than an event, oldest first."""
        with self._database.snapshot() as db:
            result = db.execute(
                rows.SELECT_EVENTS + "WHERE concept = ? AND event_id > ? ORDER BY event_id",
                (key_of(db, concept), after),
            )
            return [rows.event_of(row) for row in result]

    def labels(self, concept: str) -> list[Event]:
        """Return each annotator's newest event of each clip, without those of value "none", oldest first.

        Raises LabelError if some are missing in the file or damaged.
        """
        with self._database.snapshot() as db:
            concept = key_of(db, concept)
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

    def remarks(self, concept: str, after: int = 0) -> list[Remark]:
        """Return the concept's remarks of all annotators that are newer than one of them, oldest first."""
        with self._database.snapshot() as db:
            found = records.remarks(db, key_of(db, concept), after)
        return [remark._replace(concept=concept) for remark in found]

    def newest_remark(self, concept: str) -> int:
        """Return the number of the concept's newest remark, 0 without any."""
        with self._database.snapshot() as db:
            return records.newest_remark(db, key_of(db, concept))

    def tags(self, annotator: str) -> list[str]:
        """Return the tags of an annotator's newest 2,000 remarks on clips, for any concept, the most used first."""
        with self._database.snapshot() as db:
            return records.tags_of(db, annotator, 2_000)

    def history(self, concept: str, annotator: str | None = None) -> pd.DataFrame:
        """Return every event of a concept, or one annotator's, oldest first, as a DataFrame.

        Its columns are those of the table `events`; `kind` is "label", "undo" or "redo". Raises LabelError if events
        are missing in the file or damaged.
        """
        only, values = ("", ()) if annotator is None else (" AND annotator = ?", (annotator,))
        with self._database.snapshot() as db:
            key = key_of(db, concept)
            result = db.execute(rows.SELECT_EVENTS + f"WHERE concept = ?{only} ORDER BY event_id", (key, *values))
            events, events_sum = [], 0
            for row in result:
                events.append(checked(row, "event"))
                events_sum += row[-1]
            totals = rows.totals_of(db, key, annotator).values()
            expected = sum(total.events for total in totals)
            if (len(events), events_sum) != (expected, sum(total.events_sum for total in totals)):
                raise DamageError(f"{len(events):,} of {expected:,} events are left")
        table = pd.DataFrame(events, columns=list(schema.EVENT_COLUMNS))
        return table.drop(columns="before").assign(concept=concept).astype({"undoes": "Int64"})

    def concepts(self) -> pd.DataFrame:
        """Return every concept with labels: DataFrame(concept, annotators, yes, no, unsure), by name.

        A clip that two annotators have labelled counts twice.
        """
        totals, names = self._computed(lambda db: (rows.all_totals(db), names_by_key(db)))
        counted: dict[str, list[int]] = {}
        for (concept, _annotator), total in totals.items():
            if total.yes + total.no + total.unsure:
                counts = counted.setdefault(names.get(concept, concept), [0, 0, 0, 0])
                for column, number in enumerate((1, total.yes, total.no, total.unsure)):
                    counts[column] += number
        table = [(concept, *counted[concept]) for concept in sorted(counted)]
        return pd.DataFrame(table, columns=["concept", "annotators", "yes", "no", "unsure"])

    def last_activity(self, concept: str) -> str:
        """Return when anybody last labelled or remarked a clip or changed the concept, in ISO 8601, UTC; or ""."""
        with self._database.snapshot() as db:
            key = key_of(db, concept)
            return max((records.newest_time(db, table, key) for table in records.NUMBERS), default="")

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
