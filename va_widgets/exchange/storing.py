"""Matched rows become actions, remarks and events of concepts, without what the label file has already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.exchange.foreign import MOST_PROBLEMS, Foreign, Problems
from va_widgets.labels.concept_log import LONGEST_GUIDELINE
from va_widgets.labels.concept_rows import HINTS, LISTS
from va_widgets.labels.label_store import LabelStore, NewAction, NewConceptEvent, NewRemark, StoredValue

RENAME = "rename"
"""The kind of an event of a concept that is not taken: labels are stored under the names that a file has for them."""
Entry: TypeAlias = NewAction | NewRemark | NewConceptEvent


@dataclass
class Plan:
    """What an import stores: `entries` in their order. The numbers count labels."""

    entries: list[Entry] = field(default_factory=list)
    labels: int = 0
    same: int = 0
    older: int = 0


@dataclass(frozen=True)
class Pairs:
    """Rows and the clips that they are of: numbers of rows, int64 (m,), ascending, and as many clip ids."""

    row: NDArray[np.int64]
    clip: NDArray[np.object_]


class Present:
    """Each annotator's newest value of each clip, and its time, in the label file."""

    def __init__(self, store: LabelStore) -> None:
        self._store = store
        self._concepts: dict[str, dict[tuple[str, str], tuple[StoredValue, str]]] = {}

    def of(self, concept: str) -> Mapping[tuple[str, str], tuple[StoredValue, str]]:
        """Return (value, time) by (annotator, clip); "none" where a label was taken back."""
        if concept not in self._concepts:
            events = self._store.events(concept)
            self._concepts[concept] = {(event.annotator, event.clip_id): (event.value, event.time) for event in events}
        return self._concepts[concept]


@dataclass
class Grouped:
    """The row of each label by clip, in `groups` of one concept and annotator; and repeated rows, counted."""

    groups: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    duplicates: int = 0


def grouped_labels(rows: pd.DataFrame, pairs: Pairs, foreign: Foreign, problems: Problems) -> Grouped:
    """Return the labels by what will be one action; rows that contradict an earlier one are added to `problems`."""
    grouped = Grouped()
    first: dict[tuple[str, str, str], int] = {}
    concepts, annotators, values = (rows[name].tolist() for name in ("concept", "annotator", "value"))
    contradicts: NDArray[np.bool_] = np.zeros(len(rows), dtype=np.bool_)
    against: dict[int, tuple[int, str]] = {}
    for row, clip in zip(pairs.row.tolist(), pairs.clip.tolist(), strict=True):
        key = (concepts[row], annotators[row], clip)
        former = first.setdefault(key, row)
        if former == row:
            grouped.groups.setdefault(key[:2], {})[clip] = row
        elif values[former] == values[row]:
            grouped.duplicates += 1
        elif not contradicts[row]:
            contradicts[row] = True
            if len(against) < MOST_PROBLEMS:
                against[row] = (former, clip)
    problems.add(contradicts, lambda row: _contradiction(foreign, values, row, *against[row]))
    return grouped


def planned_labels(rows: pd.DataFrame, grouped: Grouped, present: Present) -> Plan:
    """Return what to store for rows that are labels, an action for each concept and annotator.

    A label that the annotator has given already is left out, and so is one that is older than the annotator's present
    one. The id of an action's message is made of all its labels, so that none is stored a second time, not even when
    the annotator has changed them since.
    """
    plan = Plan()
    values, times, sources = (rows[name].tolist() for name in ("value", "time", "source"))
    for (concept, annotator), clips in grouped.groups.items():
        known = present.of(concept)
        digest = hashlib.sha256(repr([(c, values[r], times[r], sources[r]) for c, r in clips.items()]).encode())
        new: dict[str, StoredValue] = {}
        for clip, row in clips.items():
            value, time = known.get((annotator, clip), ("none", ""))
            if value == values[row]:
                plan.same += 1
            elif times[row] is not None and times[row] <= time:
                plan.older += 1
            else:
                new[clip] = values[row]
        given = {clip: times[clips[clip]] for clip in new if times[clips[clip]] is not None}
        message = f"import:{digest.hexdigest()[:40]}"
        of_clips = {clip: sources[clips[clip]] for clip in new}
        source = next(iter(of_clips.values()), "")
        others = {clip: own for clip, own in of_clips.items() if own != source}
        plan.entries.append(NewAction(annotator, concept, new, source, 0, message, given, others))
        plan.labels += len(new)
    return plan


def _contradiction(foreign: Foreign, values: list[Any], row: int, former: int, clip: str) -> str:
    return f"it says {values[row]} of the clip {clip}, of which {foreign.where(former)} says {values[former]}"


def planned_log(rows: pd.DataFrame, pairs: Pairs, present: Present) -> Plan:
    """Return what to store for rows that are a log, in their order.

    Rows of one action stay one action. Events that are not newer than the annotator's present label of the clip are
    left out: they are known, or would take the place of a newer label. So are those without times where the log ends
    with the present value.
    """
    plan = Plan()
    columns = {name: rows[name].tolist() for name in rows.columns if name != "_clips"}
    missing: list[Any] = [None] * len(rows)
    actions, messages = columns.get("action_id", missing), columns.get("message_id", missing)
    versions = columns.get("model_version", missing)
    clips_of: dict[int, list[str]] = {}
    for row, clip in zip(pairs.row.tolist(), pairs.clip.tolist(), strict=True):
        clips_of.setdefault(row, []).append(clip)
    last_values = {
        (columns["concept"][row], columns["annotator"][row], clip): columns["value"][row]
        for row, clips in clips_of.items()
        for clip in clips
        if columns["record"][row] == "label"
    }
    former: tuple[object, ...] | None = None
    for row, record in enumerate(columns["record"]):
        annotator, concept = columns["annotator"][row], columns["concept"][row]
        if record == "concept":
            kind, details = str(columns["kind"][row]), columns["details"][row]
            if kind != RENAME:
                plan.entries.append(NewConceptEvent(annotator, concept, kind, details, columns["time"][row]))
        elif record == "remark":
            for clip in clips_of.get(row, ()):
                note, tags = columns["note"][row], columns["tags"][row]
                plan.entries.append(NewRemark(annotator, concept, clip, note, tags, columns["time"][row]))
        else:
            known = present.of(concept)
            action = actions[row]
            number = None if action is None or action != action else action
            key = None if number is None else (annotator, concept, number)
            for clip in clips_of.get(row, ()):
                value, time = known.get((annotator, clip), ("none", ""))
                moment = columns["time"][row]
                if moment is None and last_values[concept, annotator, clip] == value:
                    plan.same += 1
                    continue
                if moment is not None and moment <= time:
                    if moment == time and value == columns["value"][row]:
                        plan.same += 1
                    else:
                        plan.older += 1
                    continue
                last = plan.entries[-1] if plan.entries else None
                if key is None or key != former or not isinstance(last, NewAction) or clip in last.labels:
                    version = versions[row]
                    last = NewAction(
                        annotator,
                        concept,
                        {},
                        columns["source"][row],
                        0 if version is None or version != version else int(version),
                        messages[row] or None,
                        {},
                        {},
                    )
                    plan.entries.append(last)
                    former = key
                cast("dict[str, StoredValue]", last.labels)[clip] = columns["value"][row]
                if moment is not None:
                    cast("dict[str, str]", last.times)[clip] = moment
                if columns["source"][row] != last.source:
                    cast("dict[str, str]", last.sources)[clip] = columns["source"][row]
                plan.labels += 1
    return plan


def new_remarks(rows: pd.DataFrame, pairs: Pairs) -> Iterator[NewRemark]:
    """Yield the notes and tags of rows that are labels."""
    notes, tags = rows["note"].tolist(), rows["tags"].tolist()
    annotators, concepts, times = (rows[name].tolist() for name in ("annotator", "concept", "time"))
    for row, clip in zip(pairs.row.tolist(), pairs.clip.tolist(), strict=True):
        if notes[row] or tags[row]:
            yield NewRemark(annotators[row], concepts[row], clip, notes[row], tags[row], times[row])


def without_known(store: LabelStore, entries: list[Entry]) -> list[Entry]:
    """Return entries without remarks and events of concepts that the label file has, or has newer ones of."""
    concepts = {entry.concept for entry in entries if not isinstance(entry, NewAction)}
    newest: dict[tuple[str, str], str] = {}  # when what an event of a kind says was last said here
    remarks: dict[tuple[str, str, str], tuple[str, str, tuple[str, ...]]] = {}
    happened: set[tuple[str, str, str, str, str]] = set()
    guidelines = store.guidelines()
    for concept in concepts:
        for remark in store.remarks(concept):
            remarks[remark.annotator, concept, remark.clip_id] = (remark.time, remark.note, remark.tags)
        for event in store.concept_events(concept):
            happened.add((event.annotator, concept, event.kind, event.time, _canonical(event.details)))
            newest[concept, _subject(event.kind, event.details)] = event.time
    kept: list[Entry] = []
    for entry in entries:
        if isinstance(entry, NewRemark):
            time, note, tags = remarks.get((entry.annotator, entry.concept, entry.clip_id), ("", "", ()))
            same = (note, tags) == (entry.note, tuple(entry.tags))
            if same or (entry.time is not None and entry.time < time):
                continue
        elif isinstance(entry, NewConceptEvent):
            key = (entry.annotator, entry.concept, entry.kind, entry.time or "", _canonical(entry.details))
            present = entry.kind == "guideline" and entry.details.get("text") == guidelines.get(entry.concept)
            if key in happened or (entry.time is None and present):
                continue
            if entry.time is not None and entry.time < newest.get((entry.concept, _subject(*entry[2:4])), ""):
                continue  # the guideline, say, is newer here
        kept.append(entry)
    return kept


def details_of(value: object) -> dict[str, Any] | None:
    """Return the details of a concept's event, a JSON object or its text; None if it is neither."""
    if isinstance(value, dict):
        return value
    try:
        return msgspec.json.decode(value, type=dict[str, Any]) if isinstance(value, str) else None
    except (msgspec.MsgspecError, UnicodeError):
        return None


def wrong_details(kind: object, details: Mapping[str, Any]) -> str:
    """Return what is wrong with the details of a concept's event of a kind that is known here; "" if nothing is."""
    if kind == "guideline":
        text = details.get("text")
        if not isinstance(text, str) or len(text) > LONGEST_GUIDELINE:
            return f"its guideline is no text of at most {LONGEST_GUIDELINE:,} characters"
    elif kind in (*HINTS, "merge", "split from") and not isinstance(details.get("from"), str):
        return "its details do not say from which concept"
    return ""


def _subject(kind: str, details: Mapping[str, Any]) -> str:
    """Return what an event is about: a newer one about the same takes its place."""
    if kind in HINTS:
        return f"hints from {details.get('from')}"
    if kind in LISTS:
        return "listed"
    return kind if kind == "guideline" else f"{kind} {_canonical(details)}"


def _canonical(details: Mapping[str, Any]) -> str:
    return json.dumps(details, sort_keys=True, ensure_ascii=False)
