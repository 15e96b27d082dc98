"""The story of a concept: how its classifier went from refit to refit, and what else became of it, by event."""

from __future__ import annotations

import pandas as pd

from va_widgets.labels.concept_labels import ConceptLabels

_REFIT = ["version", "labels", "yes", "no", "corpus_ap", "corpus_low", "corpus_high"]
_COLUMNS = ["event", "time", "kind", *_REFIT, "diversity", "prevalence", "flipped", "turnover", "detail"]


def story(labels: ConceptLabels, clips: int) -> pd.DataFrame:
    """Return the refits and the other events of a concept of a corpus of `clips` clips, as `Session.story` does."""
    times = {event.event_id: event.time for event in labels.store.events(labels.concept)}
    rows = [
        {
            **{name: point.get(name) for name in (*_REFIT, "event", "diversity", "flipped", "turnover")},
            "time": times.get(point.get("event", 0), ""),
            "kind": "refit",
            "prevalence": point["positives"] / clips if "positives" in point else None,
            "detail": "",
        }
        for point in labels.refits().points
    ]
    for event in labels.store.concept_log.events(labels.concept):
        detail = ", ".join(f"{name}: {value}" for name, value in event.details.items())
        rows.append({"event": event.after, "time": event.time, "kind": event.kind, "detail": detail})
    table = pd.DataFrame(rows, columns=_COLUMNS)
    numbers = [name for name in _COLUMNS if name not in ("event", "time", "kind", "detail")]
    table = table.astype({**dict.fromkeys(numbers, float), "event": "Int64"})
    return table.sort_values(["event", "time", "version"], kind="stable", na_position="first", ignore_index=True)
