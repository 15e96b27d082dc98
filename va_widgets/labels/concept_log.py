"""What became of the concepts of a label file: guidelines, new names, merged, split and archived ones, hints.

Each change is one transaction that adds events; none is ever rewritten.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from va_widgets.base.arguments import described
from va_widgets.base.errors import ArgumentError, LabelError
from va_widgets.labels import concept_rows, records, rows
from va_widgets.labels.concept_names import RENAME, key_of, keys_by_name, names_by_key, present_name
from va_widgets.labels.concept_rows import GUIDELINE as GUIDELINE
from va_widgets.labels.current_rows import current_labels
from va_widgets.labels.records import ConceptEvent
from va_widgets.labels.schema import StoredValue
from va_widgets.labels.sorted_labels import SortedLabels
from va_widgets.labels.spelling import Spellings, look_alike

if TYPE_CHECKING:
    from va_widgets.labels.database import Database

LONGEST_GUIDELINE = 10_000
_LONGEST_SOURCE = 64


class GuidelineVersion(NamedTuple):
    """A version of a concept's guideline, from 1 on.

    It holds for label events with numbers above `after`. `annotator` and `time` (ISO 8601, UTC) are empty for one that
    was written by a version of va-widgets that did not keep them.
    """

    version: int
    time: str
    annotator: str
    after: int
    text: str


class MergedLabel(NamedTuple):
    """A label of a concept that was merged into another one.

    `here` is the label that the annotator had given there, "none" without any; `taken` is whether the merged one, `of`,
    counts now.
    """

    clip_id: str
    annotator: str
    here: StoredValue
    of: StoredValue
    taken: bool

    @property
    def conflict(self) -> bool:
        """Whether the annotator has called the clip something else in the two concepts."""
        return not self.taken and self.here != self.of


class ConceptLog:
    """Changes of whole concepts, and what they have been. Made by a `LabelStore`; names are checked by its callers.

    All methods raise LabelError if the file cannot be read or written, and ArgumentError for a change that is refused;
    it then stays as it was.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- reading -------------------------------------------------------------------------------------

    def events(self, concept: str | None = None) -> list[ConceptEvent]:
        """Return what became of a concept, or of all concepts, oldest first, under the names that they have now.

        Kinds and their details: "guideline" {text}, "rename" {from, to, key}, "merge" {from, labels, conflicts},
        "merged" {into}, "split" {into}, "split from" {from}, "archive" and "restore" {}, "hints" and "no hints" {from}.
        """
        with self._database.snapshot() as db:
            keys, names = keys_by_name(db), names_by_key(db)
            if concept is None:
                found = records.concept_events(db, None)
            else:
                key = keys.get(concept, concept)
                others = sorted(name for name, own in keys.items() if own == key and name != key)
                found = [event for name in (key, *others) for event in records.concept_events(db, name)]
        kept = [event for event in found if event.kind != RENAME or event.details.get("to") == event.concept]
        kept.sort(key=lambda event: event.number)
        return [concept_rows.named(event, keys, names) for event in kept]

    def first_name(self, concept: str) -> str:
        """Return the name that a concept had first, under which its rows are stored."""
        with self._database.snapshot() as db:
            return key_of(db, concept)

    def present_name(self, concept: str) -> str:
        """Return what the concept is called now that has or had a name."""
        with self._database.snapshot() as db:
            return present_name(db, concept)

    def names(self, concept: str) -> list[tuple[int, int, str]]:
        """Return the names that a concept has had, oldest first: (number, after, name).

        `number` is that of the event by which it got the name, 0 for its first one, and `after` the file's newest label
        event at that time.
        """
        with self._database.snapshot() as db:
            key = key_of(db, concept)
            former = sorted(name for name, own in keys_by_name(db).items() if own == key)
            found = [event for name in former for event in records.concept_events(db, name)]
        renamed = [event for event in found if event.kind == RENAME and event.details.get("to") == event.concept]
        return [(0, 0, key), *sorted((event.number, event.after, event.concept) for event in renamed)]

    def spelled(self, annotator: str, concept: str) -> tuple[str, str]:
        """Return two names as the file has them, where it has some that look exactly the same.

        Names may be in either form of Unicode, and have spaces around them.
        """
        annotators, concepts = self.known_names()
        return Spellings(annotators).of(annotator), Spellings(concepts).of(concept)

    def known_names(self) -> tuple[list[str], list[str]]:
        """Return the annotators with labels, and all names that concepts have or had."""
        with self._database.snapshot() as db:
            annotators = [name for (name,) in db.execute("SELECT DISTINCT annotator FROM totals")]
            return annotators, concept_rows.known_names(db)

    def check_not_renamed(self, concept: str) -> None:
        """Raise LabelError, which says by whom and when, if a name is one that a concept had before."""
        with self._database.snapshot() as db:
            newest = [event for event in records.concept_events(db, concept) if event.kind == RENAME][-1:]
            name = present_name(db, concept)
        if newest and name != concept:
            (event,) = newest
            raise LabelError(
                f"The concept {described(concept)} was renamed to {described(name)} by {event.annotator} on"
                f" {event.time[:10]}: open it under that name."
            )

    def look_alike(self, concept: str) -> str | None:
        """Return another concept that is more than opened and whose name differs by no more than its case, or None.

        Spaces around a name, and the form of Unicode, make no difference either.
        """
        with self._database.snapshot() as db:
            keys = keys_by_name(db)
            others = {name: keys.get(name, name) for name in concept_rows.known_names(db)}
            others = {name: key for name, key in others.items() if key != keys.get(concept, concept)}
            alike = [name for name in others if look_alike(concept, [name]) and concept_rows.is_used(db, others[name])]
            return present_name(db, alike[0]) if alike else None

    def is_used(self, concept: str) -> bool:
        """Return whether a concept has labels, remarks or a guideline."""
        with self._database.snapshot() as db:
            return concept_rows.is_used(db, key_of(db, concept))

    def archived(self) -> set[str]:
        """Return the concepts that are archived."""
        with self._database.snapshot() as db:
            names = names_by_key(db)
            happened = records.concept_events(db, None)
        listed = {event.concept: event.kind for event in happened if event.kind in concept_rows.LISTS}
        return {names.get(concept, concept) for concept, kind in listed.items() if kind == "archive"}

    def is_archived(self, concept: str) -> bool:
        """Return whether a concept is archived."""
        with self._database.snapshot() as db:
            return concept_rows.is_archived(db, key_of(db, concept))

    def hints(self, concept: str) -> list[str]:
        """Return the concepts whose yes clips are hints for a concept, by their present names."""
        with self._database.snapshot() as db:
            return concept_rows.hints(db, key_of(db, concept), names_by_key(db))

    def guidelines(self, concept: str) -> list[GuidelineVersion]:
        """Return the versions of a concept's guideline, oldest first."""
        with self._database.snapshot() as db:
            key = key_of(db, concept)
            events = [event for event in records.concept_events(db, key) if concept_rows.has_guideline(event)]
            kept = concept_rows.guidelines(db, key).get(key, "")
        former = str(events[0].details.get("former", "")) if events else kept
        versions = [GuidelineVersion(1, "", "", 0, former)] if former else []
        for number, event in enumerate(events, len(versions) + 1):
            text = str(event.details["text"])
            versions.append(GuidelineVersion(number, event.time, event.annotator, event.after, text))
        return versions

    # --- changes -------------------------------------------------------------------------------------

    def set_guideline(self, annotator: str, concept: str, text: str) -> bool:
        """Store a guideline and the event of it; returns False, and stores nothing, if it is the present one."""
        with self._database.transaction() as db:
            key = key_of(db, concept)
            former = concept_rows.guidelines(db, key).get(key, "")
            if text == former:
                return False
            details = {"text": text}
            if former and not any(event.kind == "guideline" for event in records.concept_events(db, key)):
                details["former"] = former  # written by a version that kept no events
            records.add_concept_event(db, annotator, key, "guideline", details)
            records.keep_document(db, GUIDELINE[0], key, GUIDELINE[1], text)
        return True

    def rename(self, annotator: str, concept: str, name: str) -> None:
        """Give a concept another name. Nothing is stored if it has it already.

        Raises ArgumentError if the name is that of a concept with labels, remarks or a guideline, or was another one's.
        """
        with self._database.transaction() as db:
            key, former = key_of(db, concept), present_name(db, concept)
            if former == name:
                return
            taken = keys_by_name(db).get(name)
            if taken is not None and taken != key:
                now = present_name(db, name)
                owner = "another concept" if now == name else described(now)
                raise ArgumentError(f"{described(name)} is or was a name of {owner}: choose another one.")
            own = {key, *(old for old, of in keys_by_name(db).items() if of == key)}
            alike = look_alike(name, (other for other in _in_use(db) if other not in own))
            if taken is None and name != key and alike is not None:
                raise ArgumentError(
                    f"There is a concept {described(alike)} already: choose another name, or merge the two by"
                    " session.merge(…)."
                )
            if taken is None and name != key:
                db.execute("DELETE FROM state WHERE concept = ?", (name,))  # searches for a concept without labels
            details = {"from": former, "to": name, "key": key}
            for called in (former, name):
                records.add_concept_event(db, annotator, called, RENAME, details)

    def archive(self, annotator: str, concept: str, archived: bool) -> None:
        """Archive a concept, or restore it; nothing is stored if it is so already."""
        with self._database.transaction() as db:
            concept_rows.set_archived(db, annotator, key_of(db, concept), archived)

    def offer_hints(self, annotator: str, concept: str, other: str, offered: bool) -> None:
        """Offer the yes clips of another concept as hints for a concept, or no more."""
        with self._database.transaction() as db:
            key, names = key_of(db, concept), names_by_key(db)
            if (present_name(db, other) in concept_rows.hints(db, key, names)) != offered:
                kind = concept_rows.HINTS[not offered]
                records.add_concept_event(db, annotator, key, kind, {"from": key_of(db, other)})

    def split(self, annotator: str, concept: str, names: Iterable[str]) -> None:
        """Begin new concepts, for which the yes clips of a concept are hints.

        Raises ArgumentError if one of them is there already.
        """
        names = list(names)
        with self._database.transaction() as db:
            key, used = key_of(db, concept), [concept, *_in_use(db), *keys_by_name(db)]
            for name in names:
                if (alike := look_alike(name, used)) is not None:
                    raise ArgumentError(f"There is a concept {described(alike)} already: choose another name.")
                used.append(name)
            records.add_concept_event(db, annotator, key, "split", {"into": names})
            for name in names:
                records.add_concept_event(db, annotator, name, "split from", {"from": key})
                records.add_concept_event(db, annotator, name, concept_rows.HINTS[0], {"from": key})
                # So that it is listed before anybody has labelled.
                records.keep_document(db, "", name, "opened", True)

    def merge(self, annotator: str, concept: str, other: str) -> list[MergedLabel]:
        """Store the present labels of another concept for a concept, too, and archive the other one.

        Each annotator's labels are one action of theirs. A clip that an annotator has labelled in both keeps its label.
        Returns all labels of the other concept. Raises ArgumentError if it has none, or the two are one.
        """
        with self._database.transaction() as db:
            into, of = key_of(db, concept), key_of(db, other)
            if into == of:
                raise ArgumentError(f"The concept {described(concept)} cannot be merged into itself: name another one.")
            given, here = current_labels(db, of).values, current_labels(db, into).values
            none: SortedLabels[StoredValue] = SortedLabels()
            merged = [
                MergedLabel(clip, who, own := here.get(who, none).get(clip, "none"), value, own == "none")
                for who, labels in given.items()
                for clip, value in labels.pairs()
            ]
            if not merged:
                raise ArgumentError(f"The concept {described(other)} has no labels to merge: see session.concepts.")
            source = merge_source(present_name(db, other))
            for who in given:
                labels = {label.clip_id: label.of for label in merged if label.annotator == who and label.taken}
                if labels:
                    rows.add_labels(db, rows.NewAction(who, into, labels, source))
            taken = sum(label.taken for label in merged)
            conflicts = sum(label.conflict for label in merged)
            details = {"from": of, "labels": taken, "conflicts": conflicts}
            records.add_concept_event(db, annotator, into, "merge", details)
            records.add_concept_event(db, annotator, of, "merged", {"into": into})
            concept_rows.set_archived(db, annotator, of, archived=True)
        return merged


def _in_use(db: sqlite3.Connection) -> list[str]:
    """Return the names of concepts that are more than opened."""
    return [name for name in concept_rows.known_names(db) if concept_rows.is_used(db, name)]


def merge_source(concept: str) -> str:
    """Return the source of labels that were merged from a concept: "merge: " and its name, up to 64 characters."""
    return shortened(f"merge: {concept}", _LONGEST_SOURCE)


def shortened(text: str, longest: int) -> str:
    """Return a text, cut where it has more characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
