"""The classifier of a concept: fitted to its labels and to its text, and fitted again when either is new."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.errors import SearchUnavailableError
from va_widgets.base.forks import ForkLock
from va_widgets.base.listeners import Listeners
from va_widgets.base.matrix import needs_torch
from va_widgets.labels.concept_labels import ConceptLabels
from va_widgets.labels.label_status import LabelSnapshot
from va_widgets.learning.inherited import InheritedLabels
from va_widgets.learning.trainer import Fit, Refit, Trainer, TrainingLabels
from va_widgets.models.reference import hashed
from va_widgets.session.assigned import AssignedFeed
from va_widgets.session.concept_move import ConceptMove
from va_widgets.session.concept_text import ConceptText
from va_widgets.session.corpus_view import CorpusView

RANDOM = "random"
"""The feed whose clips are a random sample of the corpus."""

_log = logging.getLogger(__name__)


class ConceptClassifier:
    """Fits the classifier of a concept, on request, to its present labels and text, and keeps a history of the refits.

    Where the text vector is stored the first classifier is fitted at once; otherwise the first call that needs it waits
    until the text model is loaded. A model that cannot be loaded leaves the classifier without the text until a later
    refit finds it loaded.

    Parameters
    ----------
    view : CorpusView
    labels : ConceptLabels
    listeners : Listeners
        Called with "refit" when there are new scores, and with "status" when the rest is measured.
    inherited : InheritedLabels, optional
        Labels of clips of other corpora, from which the classifier learns, too.

    Attributes
    ----------
    text : ConceptText
    trainer : Trainer
    fitting : ForkLock
        Held while a classifier is fitted, and re-entrant: a listener of a refit may call for another one. The labels'
        lock may be taken while it is held, and never the reverse.
    """

    def __init__(
        self,
        view: CorpusView,
        labels: ConceptLabels,
        listeners: Listeners,
        inherited: InheritedLabels | None = None,
    ) -> None:
        self._view = view
        self._labels = labels
        self._listeners = listeners
        self._inherited = inherited
        self.fitting = ForkLock()
        self.text = ConceptText(view.corpus, labels.store, labels.concept)
        first, self._first_labels = self._training_labels()
        history = labels.history
        known = history.newest_event
        is_new = known is not None and (first.event > known or self._first_labels.changes != history.newest_changes)
        self._unrecorded = bool(len(first.all_y)) and is_new
        self._move = self._move_of(labels.concept)
        self.trainer = self.trainer_of(first, labels.history.newest_version)
        labels.when_recounted(self._labels_recounted)
        if self._starts_fast():
            self._start()

    @property
    def ready(self) -> bool:
        """Whether the first classifier is there, so that nothing waits for the text model."""
        return self.trainer.newest is not None

    @property
    def fit(self) -> Fit:
        """The newest classifier; waits for the first one, so the labels' lock must not be held."""
        return self.trainer.newest or self._start()

    def refit(self) -> Refit:
        """Fit the classifier to the present labels and text; return the last refit if neither has changed.

        If labels come in meanwhile they are left to the next refit, and perhaps so is the quality.
        """
        with self.fitting:
            former = self.fit
            labels, counted = self._training_labels()
            has_new_labels = labels.event != former.event
            if not has_new_labels and not self._has_late_text():
                return former.refit
            version = self._labels.history.next_version(former.refit.version)
            fit = self.trainer.fit(labels, former, version)
            # New feeds are there; what takes longer comes after them.
            self._listeners.notify("refit", {"refit": fit.refit})
            fit = self.trainer.measure(fit, former, lambda: self._labels.event)
            if has_new_labels:
                self._record(fit, counted)
        self._listeners.notify("status", {})
        return fit.refit

    def scores(self) -> pd.Series[float]:
        """Return P(yes) of every clip under the newest classifier, by clip_id."""
        clips = self._view.corpus.clips.index
        return pd.Series(self.fit.probabilities, index=clips, name=self._labels.concept)

    def feed(self, name: str, k: int, exclude: Collection[str]) -> pd.DataFrame:
        """Return the next `k` clips of the feed `name`, one of FEEDS, as `Session.feed` returns them."""
        self.take_late_text()
        return feed_table(self._view, self.trainer, self.fit, name, k, self._labels.labelled(), exclude)

    def assigned_feed(self, feed: AssignedFeed, k: int, exclude: Collection[str]) -> pd.DataFrame:
        """Return the next `k` clips of a feed of given clips, as `Session.feed` returns them."""
        rows = self._view.rows(feed.clips)
        rows = rows[rows >= 0]
        labelled = self._labels.own() if feed.blind else self._labels.labelled()
        rows = rows[~self._view.mask(labelled, exclude)[rows]][:k]
        clips = self._view.corpus.clips.index[rows]
        scores = np.full(len(rows), np.nan) if feed.blind else self.fit.probabilities[rows]
        return pd.DataFrame({"clip_id": clips, "score": scores, "reason": feed.reason})

    def suspicion(self) -> dict[str, float]:
        """Return how far cross-validation disagrees with each label, 0 to 1, by clip_id; empty with too few labels."""
        by_row = self.fit.suspicion
        clips = self._view.corpus.clips.index[np.fromiter(by_row, dtype=np.int64, count=len(by_row))]
        return dict(zip(clips, by_row.values(), strict=True))

    def advice(self) -> str:
        """Return what the annotator should do next, in one sentence; empty where that is to go on labelling."""
        return self.fit.advice([float(point.get("turnover", "nan")) for point in self._labels.history.points])

    def take_late_text(self) -> None:
        """Refit with the concept's text if its model could not be loaded before and is there now."""
        if self.text.missing and self._view.corpus.text_search.state == "ready":
            self.refit()

    def warm_up(self) -> None:
        """Load what the first feed and the first search need.

        Raises SearchUnavailableError if the text model cannot be loaded; the classifier is there all the same.
        """
        corpus = self._view.corpus
        before = self.ready, corpus.text_search
        try:
            self.fit  # noqa: B018  # fits the first classifier
            search = corpus.text_search
            if not before[0] and search.state == "unavailable" and before[1].state != "unavailable":
                raise SearchUnavailableError(search.reason)  # that was tried just now
            if corpus.has_text_model and search.state != "ready":
                corpus.text_embedding(self._labels.concept)
            self.take_late_text()
        finally:
            if (self.ready, corpus.text_search) != before:
                self._listeners.notify("status", {})

    @property
    def _text_vector(self) -> NDArray[np.float32] | None:
        """The vector of the concept's text; None while it is not known, and where the text says nothing but a move."""
        return None if self._move.alone else self.text.vector

    def _training_labels(self) -> tuple[TrainingLabels, LabelSnapshot]:
        """Return the present labels, as a classifier learns from them, and all of them."""
        labels = self._labels.snapshot(RANDOM)
        return self.training_labels(labels, self._labels.labelled), labels

    def training_labels(self, labels: LabelSnapshot, labelled: Callable[[], Sequence[str]]) -> TrainingLabels:
        """Return labels as a classifier learns from them; `labelled` returns the clips that anybody has labelled."""
        rows = self._view.rows(labels.clips)
        here = rows >= 0
        inherited = self._inherited
        if inherited is not None:  # what was labelled here since counts instead
            inherited = inherited.without(hashed(labelled()))
        return TrainingLabels(labels.event, rows[here], labels.y[here], labels.from_source[here], inherited)

    def trainer_of(
        self, labels: TrainingLabels, version: int, *, text: bool = True, name: str | None = None
    ) -> Trainer:
        """Return a trainer of this concept that begins with some labels, with its text, if it is known, or without.

        The text is that of a former `name`, if one is given. Raises SearchUnavailableError if its vector is not kept
        and cannot be made.
        """
        if name is None or name == self._labels.concept:
            vector, move = self._text_vector, self._move
        else:
            former, move = ConceptText(self._view.corpus, self._labels.store, name), self._move_of(name)
            if text and not move.alone:
                former.load()
            vector = None if move.alone else former.vector
        return Trainer(self._view.arrays, vector if text else None, labels, version, move.fits)

    def _move_of(self, name: str) -> ConceptMove:
        return ConceptMove.of(self._view.corpus, name, self._view.arrays.views)

    def _record(self, fit: Fit, labels: LabelSnapshot) -> None:
        """Add a refit to the history, so that it can be replayed."""
        origin = {"event": fit.event, "text": int(self.trainer.text is not None), "measured": fit.measured}
        origin |= {"name": self._number_of_name(), "changes": labels.changes}
        self._labels.history.add(fit.refit.record(labels.counts) | origin)

    def _number_of_name(self) -> int:
        """Return the number of the event by which the concept got the name that it has here, 0 for its first one."""
        concept = self._labels.concept
        known = self._labels.read(lambda store: store.concept_log.names(concept), [(0, 0, concept)])
        return max((number for number, _, name in known if name == concept), default=0)

    def _labels_recounted(self) -> None:
        """Count all labels as new, and read the text vector again: the label file may have been replaced."""
        self.text = ConceptText(self._view.corpus, self._labels.store, self._labels.concept)
        self.trainer.outdate()

    def _starts_fast(self) -> bool:
        """Whether the first classifier can be fitted without loading a text model or torch."""
        if needs_torch(self._view.corpus.embeddings) and "torch" not in sys.modules:
            return False
        return not self.text.missing or self._view.corpus.text_search.state != "unloaded"

    def _start(self) -> Fit:
        """Fit the first classifier, once; takes as long as loading the text model where the vector is not stored."""
        with self.fitting:
            if self.trainer.newest is not None:
                return self.trainer.newest
            # Without a network a model takes half a minute to fail: it is not tried again for the next concept.
            if self._view.corpus.text_search.state != "unavailable":
                self._load_text("The first feeds are not ranked by the concept's text: %s")
            self.trainer.text = self._text_vector
            if not self._unrecorded:
                fit = self.trainer.start(lambda: self._labels.event)
            else:  # labels that the refits before this session did not know
                version = self._labels.history.next_version(self._labels.history.newest_version)
                fit = self.trainer.start(lambda: self._labels.event, version)
                self._record(fit, self._first_labels)
        self._listeners.notify("status", {})
        return fit

    def _has_late_text(self) -> bool:
        """Load the concept's text if the classifier lacks it and the model is loaded; returns whether it did."""
        if not self.text.missing or self._view.corpus.text_search.state != "ready":
            return False
        if not self._load_text("The feeds go on without the concept's text: %s"):
            return False
        self.trainer.text = self._text_vector
        return True

    def _load_text(self, failure: str) -> bool:
        """Load the text's vector; returns whether that was possible, and logs the failure if not."""
        try:
            self.text.load()
        except SearchUnavailableError as error:
            _log.info(failure, error)
            return False
        return True


def feed_table(
    view: CorpusView,
    trainer: Trainer,
    fit: Fit,
    name: str,
    k: int,
    labelled: Collection[str],
    exclude: Collection[str],
) -> pd.DataFrame:
    """Return the next `k` clips of the feed `name`, one of FEEDS, as `Session.feed` returns them."""
    page = trainer.feed(fit, name, k, view.mask(labelled, exclude))
    clips = view.corpus.clips.index[page.rows]
    return pd.DataFrame({"clip_id": clips, "score": page.scores, "reason": page.reasons})
