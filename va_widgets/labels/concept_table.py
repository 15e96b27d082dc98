"""What became of concepts, with every version of their guidelines, as one table: for exports and for `Session`."""

from __future__ import annotations

import pandas as pd

from va_widgets.labels.concept_rows import has_guideline
from va_widgets.labels.label_store import LabelStore

COLUMNS = [
    "number",
    "time",
    "annotator",
    "concept",
    "kind",
    "after",
    "details",
    "guideline",
    "guideline_version",
]


def concept_table(store: LabelStore, concept: str | None = None) -> pd.DataFrame:
    """Return what became of a concept, or of all concepts: a row an event, oldest first.

    DataFrame(number, time, annotator, concept, kind, after, details, guideline, guideline_version): `concept` is the
    present name, `after` the file's newest label event at that time, `details` a dict that depends on the `kind` (see
    `ConceptLog.events`). Rows of the kind "guideline" have the text and its version, others "" and 0. A guideline that
    was written before events of it were kept has the number 0, and neither a time nor an annotator. Raises LabelError
    if the file cannot be read.
    """
    rows: list[tuple[object, ...]] = []
    versions: dict[str, int] = {}
    events = store.concept_events(concept)
    guided = {*store.guidelines(), *(event.concept for event in events)} if concept is None else {concept}
    for name in sorted(guided):
        first = next(iter(store.concept_log.guidelines(name)), None)
        if first is not None and not first.time:
            rows.append((0, "", "", name, "guideline", 0, {"text": first.text}, first.text, 1))
            versions[name] = 1
    for event in events:
        text, version = "", 0
        if has_guideline(event):
            text = str(event.details["text"])
            version = versions[event.concept] = versions.get(event.concept, 0) + 1
        rows.append((*event, text, version))
    return pd.DataFrame(rows, columns=COLUMNS)
