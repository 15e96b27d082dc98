"""What the annotator's header shows of a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from va_widgets.session import Session
from va_widgets.widget.cards import finite
from va_widgets.widget.protocol import LONGEST_NUMBER, FoundShown, Point, QualityShown, Status

_LONGEST_HISTORY = 100  # refits
_MOST_NUMBERS = 60  # that the page offers to sort by
_LOADING = "Loading the text model; the first time its weights are downloaded, which may take minutes."
_THEN = "The first clips come then."


def status_of(session: Session, state: str, message: str) -> Status:
    """Return the status of a session. Waits for no classifier.

    `state` and `message` are those of the background refits; that labels could not be saved goes before them. Raises
    LabelError if the labels cannot be read.
    """
    ready = session.ready
    labels, quality = session.status, session.quality if ready else None
    unsaved = session.unsaved
    words, words_note = _words(session)
    points = [
        Point(int(refit["version"]), int(refit["labels"]), finite(refit.get("corpus_ap")))
        for refit in session.refit_history[-_LONGEST_HISTORY:]
    ]
    return Status(
        concept=session.concept,
        guideline=session.guideline,
        annotator=session.annotator,
        clips=len(session.corpus),
        feeds=list(session.feeds),
        counts=labels.counts,
        found=_found(session, labels.counts) if ready else None,
        from_feeds={feed: labels.sources.get(feed, 0) for feed in session.feeds},
        quality=None if quality is None else QualityShown(quality.ap, quality.low, quality.high),
        quality_note=session.quality_note,
        diversity=session.diversity if ready else 0.0,
        version=session.version,
        points=points,
        advice=session.advice if ready else "",
        state="error" if unsaved else state,  # type: ignore[arg-type]
        message=unsaved or message,
        pending=labels.pending,
        can_undo=labels.can_undo,
        can_redo=labels.can_redo,
        searchable=session.searchable,
        ready=ready,
        words=words,
        words_note=words_note,
        motion=session.corpus.has_motion,
        numbers=[name for name in session.corpus.numbers if len(name) <= LONGEST_NUMBER][:_MOST_NUMBERS],
        concept_note=" ".join(filter(None, (session.concept_state, session.concept_note))),
        queries=session.queries,
        guideline_version=session.guideline_version,
    )


def _found(session: Session, counts: Mapping[str, int]) -> FoundShown | None:
    """Return how many clips are found, and of how many; None until a classifier has learnt both a yes and a no."""
    estimate = session.last_refit.positives
    if not session.version or estimate is None or not (counts["yes"] and counts["no"]):
        return None
    threshold, why = session.threshold
    return FoundShown(
        clips=session.number_found,
        threshold=threshold,
        why=why,
        expect=session.expectation,
        estimate=estimate.estimate,
        low=estimate.low,
        high=estimate.high,
        method=estimate.method,
    )


def _words(session: Session) -> tuple[Literal["ready", "loading", "unavailable"], str]:
    """Return whether any text can be searched for now, and if not, why."""
    search = session.text_search
    if not session.searchable:
        return "unavailable", search.reason
    if search.state == "unloaded":
        return "loading", _LOADING if session.ready else f"{_LOADING} {_THEN}"
    return (search.state, search.reason) if session.ready else ("loading", f"The clips are being ranked. {_THEN}")
