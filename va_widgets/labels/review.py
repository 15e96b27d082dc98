"""The table of labels to review, filtered and ordered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import described, is_one_of
from va_widgets.base.errors import LabelError
from va_widgets.labels.agreement import table
from va_widgets.labels.label_store import Event
from va_widgets.labels.majority import CountingRule
from va_widgets.labels.schema import StoredValue

VALUES = ("all", "yes", "no", "unsure", "tie", "disputed")
_SORTED_BY = {"suspicion": ["suspicion"], "newest": [], "disagreement": ["disputed", "suspicion"]}


def check_review(value: object, order: object, annotator: object) -> None:
    """Raise LabelError for a value or an order that labels cannot be reviewed by, or an annotator that is no text."""
    if not is_one_of(value, VALUES):
        raise LabelError(
            f"Labels cannot be filtered by {described(value)}: choose all, yes, no, unsure, tie or disputed."
        )
    if not is_one_of(order, tuple(_SORTED_BY)):
        raise LabelError(f"Labels cannot be ordered by {described(order)}: choose suspicion, newest or disagreement.")
    if annotator is not None:
        arguments.text(annotator, "annotator", error=LabelError)


def review_table(
    events: Sequence[Event],
    suspicion: Mapping[str, float],
    in_corpus: Callable[[list[str]], NDArray[np.bool_]],
    value: str,
    order: str,
    annotator: str | None,
    rule: CountingRule,
) -> pd.DataFrame:
    """Return all labelled clips: DataFrame(clip_id, value, suspicion, note, time).

    Parameters
    ----------
    events : of Event
        Each annotator's newest label of each clip, oldest first.
    suspicion : {clip id: 0 to 1}
        NaN stands for a clip that is not in it.
    in_corpus : callable
        Whether the corpus holds each of some clips: other ones are left out.
    value, order, annotator
        As in `Session.review`, checked by `check_review`.
    rule : CountingRule
        By which the labels count.
    """
    labels = table(events, rule)
    answers = {clip: rule.answers(clip, votes) for clip, votes in _votes(events).items()}
    labels["event"] = range(len(labels))  # the newest is the last event: clocks may go backwards
    labels = labels[in_corpus(list(labels.index))]
    if annotator is not None:
        own = pd.DataFrame(
            [
                (event.clip_id, event.value, event.time, event.event_id)
                for event in events
                if event.annotator == annotator
            ],
            columns=["clip_id", "value", "time", "event"],
        ).set_index("clip_id")
        labels = labels.drop(columns=["value", "time", "event"]).join(own, how="inner")
    review = pd.DataFrame(
        {
            "clip_id": labels.index,
            "value": labels["value"].to_numpy(),
            "suspicion": [suspicion.get(str(clip), float("nan")) for clip in labels.index],
            "note": [answers[str(clip)].text() for clip in labels.index],
            "time": labels["time"].to_numpy(),
            "event": labels["event"].to_numpy(),
            "disputed": np.array([answers[str(clip)].disputed for clip in labels.index], dtype=bool),
        }
    )
    if value == "disputed":
        review = review[review["disputed"]]
    elif value != "all":
        review = review[review["value"] == value]
    by = [*_SORTED_BY[order], "event"]
    ordered = review.sort_values(by, ascending=False, na_position="last", kind="stable")
    return ordered.drop(columns=["event", "disputed"]).reset_index(drop=True)


def _votes(events: Sequence[Event]) -> dict[str, dict[str, StoredValue]]:
    """Return the labels of each clip by clip id and annotator."""
    votes: dict[str, dict[str, StoredValue]] = {}
    for event in events:
        votes.setdefault(event.clip_id, {})[event.annotator] = event.value
    return votes
