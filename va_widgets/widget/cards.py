"""Cards of clips and labels in the form in which the page shows them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from msgspec.structs import replace
from numpy.typing import NDArray

from va_widgets.session import Remark, Session
from va_widgets.video.motion.features import readable
from va_widgets.video.motion.readable import MotionNumbers
from va_widgets.video.motion.words import motion_in_words, motion_sign
from va_widgets.widget.protocol import Card, Dispute, MotionShown, RemarkShown, Value

_OPPOSITE = {"yes": "no", "no": "yes"}
_VALUES: tuple[Value, ...] = ("yes", "no", "unsure")


def clip_cards(session: Session, clips: pd.DataFrame, reason: str, *, blind: bool = True) -> list[Card]:
    """Return the cards of a table with clip_id and, where it has them, score, reason, suspicion and note.

    `reason` is shown where the table has no reasons. With `blind` others' remarks on clips that only others have
    labelled are left out: they may tell the answer.
    """
    corpus = session.corpus
    rows = [corpus.row(clip) for clip in clips["clip_id"]]  # `loc` would go through all clips
    places = corpus.clips.iloc[rows][["video", "start", "end"]]
    moves = motion_of(corpus, rows)
    own, remarks = session.own_labels, session.remarks_for(clips["clip_id"].tolist(), blind=blind)
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
                remark=_shown(remarks[clip], session.annotator) if clip in remarks else None,
            )
        )
    return cards


def remarks_shown(session: Session, clips: Collection[str]) -> dict[str, RemarkShown]:
    """Return what is remarked on clips, as cards outside of Review show it."""
    remarks = session.remarks_for(clips, blind=True)
    return {clip: _shown(remarks.get(clip, []), session.annotator) for clip in clips}


def _shown(remarks: Sequence[Remark], annotator: str) -> RemarkShown:
    own = next((remark for remark in remarks if remark.annotator == annotator), None)
    others = (
        f"{remark.annotator}: {' · '.join(filter(None, (', '.join(remark.tags), remark.note)))}"
        for remark in remarks
        if remark is not own
    )
    return RemarkShown(own.note if own else "", list(own.tags) if own else [], "; ".join(others))


def tagged(session: Session, review: pd.DataFrame, tag: str, *, with_others: bool) -> pd.DataFrame:
    """Return the rows of a review whose clips somebody has given a tag; `with_others` also those without a label."""
    remarks = session.remarks_by_clip
    clips = {clip for clip, some in remarks.items() if any(tag in remark.tags for remark in some)}
    known = review[review["clip_id"].isin(clips)]
    rest = sorted(clips.difference(review["clip_id"])) if with_others else []
    table = known.set_index("clip_id").reindex([*known["clip_id"], *rest]).rename_axis("clip_id").reset_index()
    return table.assign(note=table["note"].fillna(""))


class MotionViews(Protocol):
    """What the motion of clips is read from: a corpus."""

    @property
    def has_motion(self) -> bool:
        """Whether the motion of the clips is known."""

    @property
    def clips(self) -> pd.DataFrame:
        """The clips, with their `start` and `end`."""

    def view(self, name: str) -> NDArray[np.floating[Any]]:
        """Return a view of the clips, a row each."""


def motion_of(corpus: MotionViews, rows: Sequence[int]) -> list[MotionShown | None]:
    """Return how the camera moves in the clips of some rows; None where that is not known."""
    if not corpus.has_motion:
        return [None] * len(rows)
    shown: list[MotionShown | None] = []
    places = corpus.clips.iloc[list(rows)]
    values = readable(corpus.view("motion")[list(rows)])  # `corpus.motion` reads those of all clips
    for row, seconds in zip(values, (places["end"] - places["start"]).tolist(), strict=True):
        numbers = MotionNumbers(*map(float, row))._asdict()
        known = math.isfinite(numbers["pan"])
        words, sign = motion_in_words(numbers, seconds), motion_sign(numbers, seconds)
        shown.append(MotionShown(words, *sign) if known else None)
    return shown


def review_cards(session: Session, review: pd.DataFrame, annotator: str) -> list[Card]:
    """Cards of rows of `Session.review`, with their scores. Their notes tell labels that the buttons do not show: those
    of another `annotator`, or where none is named, of others alone. Their reasons say what speaks against the label.
    Cards of clips that annotators label differently say who gave which label.
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
    cards = clip_cards(session, review.assign(note=notes, reason=reasons, score=scores), "", blind=False)
    disputes = _disputes(session, list(review["clip_id"]))
    return [replace(card, dispute=dispute) for card, dispute in zip(cards, disputes, strict=True)]


def _disputes(session: Session, clips: list[str]) -> list[Dispute | None]:
    """Return who gives each of some clips which label, where they differ; None where they do not."""
    disputes: list[Dispute | None] = []
    for answers, decides in zip(session.answers(clips).values(), session.may_decide(clips), strict=True):
        if not answers.text():
            disputes.append(None)
            continue
        votes = {value: sorted(who for who, own in answers.votes.items() if own == value) for value in _VALUES}
        decided = answers.decision.annotator if answers.decision else ""
        disputes.append(Dispute({value: who for value, who in votes.items() if who}, decided, decides))
    return disputes


def shown_labels(labels: Mapping[str, str]) -> dict[str, str | None]:
    """Return stored labels as the page gets them: None for a label that was taken back."""
    return {clip: None if value == "none" else value for clip, value in labels.items()}


def finite(value: object) -> float | None:
    """Return a number as a float that JSON can hold; None for None, NaN and infinity."""
    if value is None:
        return None
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None
