"""The whole log of concepts as one table: label events, remarks and what became of the concepts, in their order."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import pandas as pd

from va_widgets.labels.label_store import ConceptEvent, LabelStore

CLIP_COLUMNS = ("video", "start", "end", "frame_in", "frame_out", "fps")
"""The place of a clip: its video, seconds and frames in it, and its frame rate."""
LOG_COLUMNS = (
    "record",
    "kind",
    "event_id",
    "action_id",
    "time",
    "annotator",
    "concept",
    "clip_id",
    "value",
    "source",
    "model_version",
    "message_id",
    "undoes",
    "note",
    "tags",
    "details",
    *CLIP_COLUMNS,
)
"""`record` is "label", "remark" or "concept"; `kind` is "label", "undo" or "redo", or the kind of a concept's event."""


def log_table(store: LabelStore, concepts: Sequence[str], events: pd.DataFrame) -> pd.DataFrame:
    """Return label events, remarks and events of concepts as one table, in their order."""
    labels = events.assign(record="label")
    remarks = [remark._replace(concept=name) for name in concepts for remark in store.remarks(name)]
    happened = [event._replace(concept=name) for name in concepts for event in store.concept_events(name)]
    happened += _guidelines_without_events(store, concepts, happened, events)
    noted = pd.DataFrame([remark._asdict() for remark in remarks]).assign(record="remark", kind="remark")
    if remarks:
        noted["tags"] = pd.Series([list(remark.tags) for remark in remarks], dtype=object)
        newest = list(accumulate(labels["time"], max))  # clocks of several machines may differ
        places = [0, *labels["event_id"]]
        noted["_place"] = [places[bisect_right(newest, time)] for time in noted["time"]]
    became = pd.DataFrame(
        [
            {
                "record": "concept",
                "kind": event.kind,
                "time": event.time,
                "annotator": event.annotator,
                "concept": event.concept,
                "details": json.dumps(event.details, ensure_ascii=False),
                "_place": event.after,
            }
            for event in happened
        ]
    )
    parts = [part for part in (labels.assign(_place=labels["event_id"]), noted, became) if len(part)]
    if not parts:
        parts = [labels.assign(_place=labels["event_id"])]
    table = pd.concat(parts, ignore_index=True).sort_values(["_place"], kind="stable", ignore_index=True)
    for name in LOG_COLUMNS:
        if name not in table and name not in CLIP_COLUMNS:
            table[name] = None
    for name in ("clip_id", "value", "source", "note"):
        table[name] = table[name].astype(object).where(table[name].notna(), "")
    for name in ("message_id", "details"):
        table[name] = table[name].astype(object).where(table[name].notna(), None)
    for name in ("event_id", "action_id", "model_version", "undoes"):
        table[name] = table[name].astype("Int64")
    table["tags"] = pd.Series([tags if isinstance(tags, list) else [] for tags in table["tags"]], dtype=object)
    return table


def _guidelines_without_events(
    store: LabelStore, concepts: Sequence[str], happened: Sequence[ConceptEvent], events: pd.DataFrame
) -> list[ConceptEvent]:
    """Return events, without times, of guidelines that were written before label files kept events of concepts."""
    texts = store.guidelines()
    known = {event.concept for event in happened if event.kind == "guideline"}
    first = events.drop_duplicates("concept").set_index("concept")["annotator"]
    return [
        ConceptEvent(0, "", str(first[name]), name, "guideline", 0, {"text": texts[name]})
        for name in concepts
        if name in texts and name not in known and name in first.index
    ]
