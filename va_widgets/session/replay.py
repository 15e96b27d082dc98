"""A concept as it was: its labels, classifier and feeds after a label event, computed anew from the log."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import accumulate
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.arguments import ClipIds, described, is_one_of
from va_widgets.base.errors import LabelError
from va_widgets.labels.agreement import Agreement, table
from va_widgets.labels.concept_labels import ConceptLabels
from va_widgets.labels.label_status import snapshot_of
from va_widgets.labels.label_store import Event, StoredValue
from va_widgets.labels.majority import CountingRule
from va_widgets.labels.review import check_review, review_table
from va_widgets.learning.calibration import PRIOR
from va_widgets.learning.feeds import FEEDS
from va_widgets.learning.quality import Quality
from va_widgets.learning.trainer import Fit, Refit, Trainer
from va_widgets.session.concept_classifier import RANDOM, ConceptClassifier, feed_table
from va_widgets.session.corpus_view import CorpusView

Moment: TypeAlias = int | np.integer[Any] | str | datetime
"""The number of a label event, or a time: a datetime or a text in ISO 8601; without a time zone it is UTC."""


class Replay:
    """The labels, the classifier and the feeds of a concept as they were after a label event. Nothing can be changed.

    The classifier is that of the newest refit at that time, fitted again to the labels that it had learned from: on the
    same machine and over the same corpus it is the same to the bit.

    Attributes
    ----------
    event : int
        The newest label event; 0 before the first one.
    time : str
        When it was stored, in ISO 8601, UTC; "" before the first one.
    version : int
        The number of the refit; 0 is the text alone.
    """

    def __init__(
        self,
        view: CorpusView,
        labels: ConceptLabels,
        classifier: ConceptClassifier,
        events: list[Event],
        version: int | None = None,
    ) -> None:
        self._view = view
        self._classifier = classifier
        self._labels = labels
        self._events = events
        points = labels.refits().points
        self._points = {int(point["version"]): point for point in points}
        self._names = labels.store.concept_log.names(labels.concept)
        self.event = events[-1].event_id if events else 0
        self.time = events[-1].time if events else ""
        if version is None:
            if any(point.get("event") is None for point in points):
                raise _unknown_labels("a refit")
            known = [point for point in points if point["event"] <= self.event]
            version = max(((point["event"], point["version"]) for point in known), default=(0, 0))[1]
            self._rule = labels.store.counting_rule(labels.concept, until=self.event)
        else:
            self._rule = self._rule_of(version)
        self.version = version

    def __repr__(self) -> str:
        numbers = ", ".join(f"{number} {value}" for value, number in self.counts.items())
        return f"Replay(event {self.event:,}: {numbers}, v{self.version})"

    # --- labels ----------------------------------------------------------------------------------

    @property
    def labels(self) -> pd.DataFrame:
        """All annotators' labels together, as `Session.labels`."""
        return table(self._newest, self._rule)

    @property
    def own_labels(self) -> dict[str, StoredValue]:
        """The session's annotator's own labels: {clip_id: "yes" | "no" | "unsure"}."""
        return self._agreement.own(self._labels.annotator)

    @property
    def counts(self) -> dict[str, int]:
        """How many clips counted as yes, no and unsure."""
        return self._agreement.counts

    @property
    def pending(self) -> int:
        """How many label events were newer than the classifier."""
        return self._agreement.since(self._learned_from(self.version))

    def review(self, value: str = "all", order: str = "suspicion", annotator: str | None = None) -> pd.DataFrame:
        """Return all clips labelled by then, as `Session.review`."""
        check_review(value, order, annotator)
        by_row = self._fit.suspicion
        suspicion = {str(self._view.corpus.clips.index[row]): doubt for row, doubt in by_row.items()}
        return review_table(self._newest, suspicion, self._view.contains, value, order, annotator, self._rule)

    # --- the classifier and its feeds ------------------------------------------------------------

    @property
    def refit(self) -> Refit:
        """What the refit had measured; `flipped` and `turnover` are those of a first refit."""
        return self._fit.refit

    @property
    def quality(self) -> Quality | None:
        """Average precision over the whole corpus, estimated, and its interval; None with too few labels."""
        return self._fit.refit.quality

    def scores(self) -> pd.Series[float]:
        """Return the calibrated P(yes) of every clip, by clip_id."""
        return pd.Series(self._fit.probabilities, index=self._view.corpus.clips.index)

    def feed(self, name: str, k: int = 24, *, exclude: ClipIds = ()) -> pd.DataFrame:
        """Return the `k` clips that a feed showed next: DataFrame(clip_id, score = P(yes), reason).

        Raises LabelError if there is no feed of that name.
        """
        if not is_one_of(name, FEEDS):
            raise LabelError(f"There is no feed called {described(name)} to replay: choose one of {', '.join(FEEDS)}.")
        k, exclude = arguments.count(k, "k"), arguments.clip_ids(exclude, "exclude")
        return feed_table(self._view, self._trainer, self._fit, name, k, list(self._agreement.values), exclude)

    # --- computed when it is asked for -----------------------------------------------------------

    @cached_property
    def _agreement(self) -> Agreement:
        return _agreement(self._events, self._rule)

    @cached_property
    def _newest(self) -> list[Event]:
        """Each annotator's newest event of each clip, without those of value "none", oldest first."""
        newest: dict[tuple[str, str], Event] = {}
        for event in self._events:
            key = event.annotator, event.clip_id
            newest.pop(key, None)
            newest[key] = event
        return [event for event in newest.values() if event.value != "none"]

    @cached_property
    def _trainer(self) -> Trainer:
        return self._trainer_of(self.version)

    @cached_property
    def _fit(self) -> Fit:
        fit = _fitted(self._trainer)
        measured = int(self._points.get(self.version, {}).get("measured", self.version))
        if measured == self.version:
            return fit
        # Labels had come in before it was measured: it went on with the calibration of a former refit, or with none.
        if measured not in self._points:
            return replace(fit, suspicion={}, held_out=None, calibration=PRIOR)
        former = _fitted(self._trainer_of(measured))
        kept = {"quality", "quality_note", "cross_validated", "unbiased", "positives", "random_labels"}
        refit = replace(fit.refit, **{name: getattr(former.refit, name) for name in kept})
        return replace(
            fit, refit=refit, suspicion=former.suspicion, held_out=former.held_out, calibration=former.calibration
        )

    def _trainer_of(self, version: int) -> Trainer:
        """Return a trainer that begins with what a refit had learned from."""
        event = self._learned_from(version)
        agreement = _agreement([past for past in self._events if past.event_id <= event], self._rule_of(version))
        labels = snapshot_of(agreement, RANDOM)
        training = self._classifier.training_labels(labels, lambda: list(agreement.values))
        text = bool(self._points.get(version, {}).get("text", 1))
        return self._classifier.trainer_of(training, version, text=text, name=self._name_of(version))

    def _name_of(self, version: int) -> str:
        """Return the name of the concept whose text a refit had learned from."""
        known = self._points.get(version, {}).get("name")
        if known is not None:
            return next((name for number, _, name in self._names if number == known), self._names[0][2])
        # Without a refit it is the name at that time; of older ones only the event is known that each had seen.
        until = self._learned_from(version) - 1 if version else self.event
        return [self._names[0][2], *(name for _, after, name in self._names if after <= until)][-1]

    def _rule_of(self, version: int) -> CountingRule:
        """Return the rule by which labels counted for a refit."""
        changes = int(self._points.get(version, {}).get("changes", 0))
        until = self._learned_from(version)
        return self._labels.store.counting_rule(self._labels.concept, until=until, changes=changes)

    def _learned_from(self, version: int) -> int:
        return int(self._points.get(version, {}).get("event", 0))


def replay(view: CorpusView, labels: ConceptLabels, classifier: ConceptClassifier, until: Moment) -> Replay:
    """Return a concept as it was after a label event, or at a time.

    Raises LabelError for what is neither, and where refits were stored without what they had learned from.
    """
    events = labels.store.events(labels.concept)
    return Replay(view, labels, classifier, events[: _number_until(events, until)])


def replay_version(view: CorpusView, labels: ConceptLabels, classifier: ConceptClassifier, version: int) -> Replay:
    """Return a concept as it was when a refit had been made; version 0 is the text alone.

    Raises LabelError if there is no such refit, or it was stored without what it had learned from.
    """
    version = arguments.count(version, "The version", error=LabelError)
    point = next((point for point in labels.refits().points if point["version"] == version), None)
    if point is None and version:
        newest = labels.history.newest_version
        known = f"there are 1 to {newest}" if newest else "there is none yet"
        raise LabelError(
            f"There is no refit {version} of {described(labels.concept)}: {known}, and 0 is the text alone."
        )
    event = 0 if point is None else point.get("event")
    if event is None:
        raise _unknown_labels(f"the refit {version}")
    events = labels.store.events(labels.concept)
    return Replay(view, labels, classifier, [past for past in events if past.event_id <= event], version)


def _fitted(trainer: Trainer) -> Fit:
    if trainer.newest is not None:
        return trainer.newest
    event = trainer.event
    return trainer.start(lambda: event)


def _agreement(events: list[Event], rule: CountingRule) -> Agreement:
    agreement = Agreement(rule=rule)
    agreement.take(events)
    return agreement


def _number_until(events: list[Event], until: Moment) -> int:
    """Return how many of some events, oldest first, had been stored by a moment."""
    if isinstance(until, (int, np.integer)) and not isinstance(until, bool) and until >= 0:
        return sum(event.event_id <= int(until) for event in events)
    moment = until if isinstance(until, datetime) else None
    if isinstance(until, str):
        with suppress(ValueError):
            moment = datetime.fromisoformat(until)
    if moment is None:
        raise LabelError(
            f"{described(until)} is no moment to replay: give the number of a label event, or a time such as"
            ' "2026-01-31 17:05".'
        )
    # Imported labels bring times from before: they were stored after the events before them.
    times = accumulate((_utc(datetime.fromisoformat(event.time)) for event in events), max)
    return sum(time <= _utc(moment) for time in times)


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _unknown_labels(what: str) -> LabelError:
    return LabelError(
        f"This cannot be replayed: an older va-widgets stored {what} without the labels that it had learned from."
        " Give the version of a newer refit, as in session.at(version)."
    )
