"""Cards of clips and labels in the form in which the page shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.session import Session
from va_widgets.video.motion.features import readable
from va_widgets.video.motion.readable import MotionNumbers
from va_widgets.video.motion.words import motion_in_words, motion_sign
from va_widgets.widget.protocol import Card, MotionShown

_OPPOSITE = {"yes": "no", "no": "yes"}


def clip_cards(session: Session, clips: pd.DataFrame, reason: str) -> list[Card]:
    """Return the cards of a table with clip_id and, where it has them, score, reason, suspicion and note.

    `reason` is shown where the table has no reasons.
    """
    corpus = session.corpus
    rows = [corpus.row(clip) for clip in clips["clip_id"]]  # `loc` would go through all clips
    places = corpus.clips.iloc[rows][["video", "start", "end"]]
    moves = motion_of(corpus, rows)
    own = session.own_labels
    cards = []
    for row, place, motion in zip(clips.to_dict("records"), places.to_dict("records"), moves, strict=True):
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
                motion=motion,
            )
        )
    return cards


class MotionViews(Protocol):
    """What the motion of clips is read from: a corpus."""

    @property
    def has_motion(self) -> bool:
        """Whether the motion of the clips is known."""

    def view(self, name: str) -> NDArray[np.floating[Any]]:
        """Return a view of the clips, a row each."""


def motion_of(corpus: MotionViews, rows: Sequence[int]) -> list[MotionShown | None]:
    """Return how the camera moves in the clips of some rows; None where that is not known."""
    if not corpus.has_motion:
        return [None] * len(rows)
    shown: list[MotionShown | None] = []
    for values in readable(corpus.view("motion")[list(rows)]):  # `corpus.motion` reads those of all clips
        numbers = MotionNumbers(*map(float, values))._asdict()
        known = math.isfinite(numbers["pan"])
        shown.append(MotionShown(motion_in_words(numbers), *motion_sign(numbers)) if known else None)
    return shown


def review_cards(session: Session, review: pd.DataFrame, annotator: str) -> list[Card]:
    """Cards of rows of `Session.review`, with their scores. Their notes tell labels that the buttons do not show: those
    of another `annotator`, or where none is named, of others alone. Their reasons say what speaks against the label.
    """
    own = session.own_labels
    notes, reasons = [], []
    for clip, value, suspicion, note in review[["clip_id", "value", "suspicion", "note"]].itertuples(index=False):
        shown = annotator == session.annotator or (not annotator and clip in own)
        # The note of a disputed clip says what everybody calls it.
        notes.append(note or ("" if shown or not isinstance(value, str) else f"{value}: {annotator or 'others'}"))
        reasons.append(f"looks like {_OPPOSITE[value]}" if value in _OPPOSITE and suspicion > 0.5 else "")
    rows = [session.corpus.row(clip) for clip in review["clip_id"]]  # `reindex` would go through all clips
    scores = session.scores().iloc[rows].to_numpy()
    return clip_cards(session, review.assign(note=notes, reason=reasons, score=scores), "")


def shown_labels(labels: Mapping[str, str]) -> dict[str, str | None]:
    """Return stored labels as the page gets them: None for a label that was taken back."""
    return {clip: None if value == "none" else value for clip, value in labels.items()}


def finite(value: object) -> float | None:
    """Return a number as a float that JSON can hold; None for None, NaN and infinity."""
    if value is None:
        return None
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None
