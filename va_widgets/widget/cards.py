"""Cards of clips and labels in the form in which the page shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from va_widgets.session import Session
from va_widgets.widget.protocol import Card


def clip_cards(session: Session, clips: pd.DataFrame, reason: str) -> list[Card]:
    """Return the cards of a table with clip_id and, where it has them, score, reason, suspicion and note.

    `reason` is shown where the table has no reasons.
    """
    corpus = session.corpus
    rows = [corpus.row(clip) for clip in clips["clip_id"]]  # `loc` would go through all clips
    places = corpus.clips.iloc[rows][["video", "start", "end"]]
    own = session.own_labels
    cards = []
    for row, place in zip(clips.to_dict("records"), places.to_dict("records"), strict=True):
        clip = str(row["clip_id"])
        label = own.get(clip)
        cards.append(
            Card(
                clip=clip,
                video=str(place["video"]),
                start=finite(place["start"]),
                end=finite(place["end"]),
                score=finite(row.get("score")),
                reason=str(row.get("reason", reason)),
                label=None if label == "none" else label,
                frames=corpus.frames_per_shot,
                suspicion=finite(row.get("suspicion")),
                note=str(row.get("note", "")),
            )
        )
    return cards


def review_cards(session: Session, review: pd.DataFrame, annotator: str) -> list[Card]:
    """Cards of rows of `Session.review`, with their scores. Another `annotator`'s labels are in the notes."""
    if annotator and annotator != session.annotator:  # the buttons show this annotator's labels only
        labels = [f"{value}: {annotator}" if isinstance(value, str) else "" for value in review["value"]]
        # The note of a disputed clip says what everybody calls it.
        notes = [note or label for label, note in zip(labels, review["note"], strict=True)]
        review = review.assign(note=notes)
    rows = [session.corpus.row(clip) for clip in review["clip_id"]]  # `reindex` would go through all clips
    return clip_cards(session, review.assign(score=session.scores().iloc[rows].to_numpy()), "")


def shown_labels(labels: Mapping[str, str]) -> dict[str, str | None]:
    """Return stored labels as the page gets them: None for a label that was taken back."""
    return {clip: None if value == "none" else value for clip, value in labels.items()}


def finite(value: object) -> float | None:
    """Return a number as a float that JSON can hold; None for None, NaN and infinity."""
    if value is None:
        return None
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None
