"""The one place where a corpus, a label store and a classifier meet: what a notebook and the widget drive."""

from __future__ import annotations

import logging
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from va_widgets.base import arguments
from va_widgets.base.arguments import ClipIds, described, is_one_of, listed
from va_widgets.base.errors import (
    ArgumentError,
    LabelError,
    ModelError,
    NotEnoughLabelsError,
    NotSavedError,
    ReportError,
    SearchUnavailableError,
    UnknownClipError,
)
from va_widgets.base.forks import ForkLock
from va_widgets.base.listeners import Listener, Listeners
from va_widgets.base.matrix import needs_torch
from va_widgets.base.paths import GivenPath, absolute_path, inside
from va_widgets.base.texts import without_lone_surrogates
from va_widgets.base.threads import one_blas_thread
from va_widgets.concept_text import ConceptText
from va_widgets.corpus import Corpus, Filmstrip, TextSearch
from va_widgets.corpus.corpus import FLAT, cut_note
from va_widgets.labels.agreement import Agreement, table
from va_widgets.labels.label_store import LONGEST_SOURCE, LabelStore, StoredValue
from va_widgets.labels.refit_history import HISTORY_PATIENCE, RefitHistory
from va_widgets.labels.shared import StoreUser
from va_widgets.labels.values import OMITTED, LabelledClips, LabelValues, read_labels
from va_widgets.labels.values import LabelValue as LabelValue
from va_widgets.learning.feeds import FEEDS, feed, reason
from va_widgets.learning.labelling_progress import Positives, advice, positives, turnover
from va_widgets.learning.logistic import TextLogistic, decision_scores
from va_widgets.learning.quality import Quality, at_random, cross_validated, diversity, suspicion, too_few
from va_widgets.learning.score_index import ScoreIndex
from va_widgets.learning.statistics import CorpusStatistics
from va_widgets.models.bundle import Model, checked_precision, choose_threshold, publish, slug

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from va_widgets.display.report import Report

__all__ = ["FLAT", "LabelStatus", "LabelValue", "Refit", "Session"]

LABELS_FILE = "labels.sqlite"
MODELS_FOLDER = "models"
_SHARED = ""  # the guideline and the refits belong to the concept, not to one annotator
_KEPT_QUERIES = 20
_KEPT_SESSIONS = 4  # of other concepts, which the person may go back to
_RANDOM = "random"  # the feed whose clips stand for the corpus
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refit:
    """What a refit changed.

    `quality` is measured on the clips that were labelled, `unbiased` on those of them that were drawn at random, where
    there are enough; `flipped` is how many clips changed sides of 0.5, `turnover` what share of the clips found is
    new; `seconds` is how long it took until there were new feeds.
    """

    version: int
    labels: int
    quality: Quality | None
    quality_note: str
    diversity: float
    flipped: int
    seconds: float
    unbiased: Quality | None = None
    turnover: float = float("nan")
    positives: Positives | None = None


class LabelStatus(NamedTuple):
    """How far the labelling of a concept has come.

    `counts` is how many clips count as yes, no and unsure; `pending` how many label events the newest classifier does
    not know yet; the others whether there is an action to undo, and one to redo.
    """

    counts: dict[str, int]
    pending: int
    can_undo: bool
    can_redo: bool


@dataclass(frozen=True)
class _Fit:
    """A classifier with all that was computed from it; replaced as a whole, never changed."""

    refit: Refit
    event: int  # the newest label event it knows of
    classifier: TextLogistic
    ranking: ScoreIndex  # of every clip, in the corpus's order
    rows: NDArray[np.int64]  # the labelled clips
    y: NDArray[np.bool_]
    features: NDArray[np.float32]
    suspicion: Mapping[str, float]
    held_out: tuple[NDArray[np.bool_], NDArray[np.float64]] | None  # labels and their cross-validated P(yes)

    @property
    def logits(self) -> NDArray[np.float32]:
        return self.ranking.logits


@dataclass(frozen=True)
class _CorpusView:
    """What the sessions of one corpus and one seed have in common; the corpus's clips stay the same in it."""

    corpus: Corpus
    seed: int
    videos: NDArray[np.integer[Any]]  # a number a video, (n,)
    statistics: CorpusStatistics
    row_of: dict[str, int]  # of those clips that were looked up, -1 for those that are not in the corpus

    @classmethod
    def of(cls, corpus: Corpus, seed: int) -> _CorpusView:
        same = copy(corpus)  # which may grow meanwhile, by `add`
        return cls(same, seed, pd.factorize(same.clips["video"])[0], CorpusStatistics.of(same.embeddings, seed), {})


class Session:
    """An annotator at work on one concept of a corpus.

    Labels are kept beside the corpus and are on disk when `label` returns. Opening the same concept again resumes
    where it was left. All methods may be called from several threads, and in a child of `os.fork`.

    The concept's text vector is kept with the labels, so that a session opens without loading the text model. Where
    there is no vector yet, or the corpus is so large that torch scores it, opening returns at once, and the first call
    that needs the classifier (`feed`, `scores`, `refit`, `quality`, …) waits until both are loaded, unless `ready` is
    true. A model that cannot be loaded leaves the feeds without their text; they get it as soon as it can be.

    Parameters
    ----------
    corpus : Corpus
    concept : str
        What the classifier shall find, in words; it is also the text that the first feeds are ranked by.
    annotator : str
        Whose labels these are.
    seed : int
        The same labels in the same order and the same seed give the same classifier and the same feeds.

    Raises
    ------
    LabelError
        If the concept's or the annotator's name cannot be used, or the labels cannot be read.
    ArgumentError
        If `corpus` is no corpus, or `seed` no seed.

    A session that is pickled or copied, deeply or not, is opened again where it arrives, from what is on disk; its
    listeners do not come with it.
    """

    def __init__(self, corpus: Corpus, concept: str, annotator: str = "me", *, seed: int = 0) -> None:
        if isinstance(corpus, (str, PathLike)):
            raise ArgumentError(
                f"A Session needs a corpus, not its path: open it first with va.Corpus.open({described(corpus)})."
            )
        arguments.instance(corpus, Corpus, "The session's corpus", "a va.Corpus, such as va.Corpus.open returns")
        LabelStore.check_names(annotator, concept)
        seed = arguments.seed(seed)
        labels = StoreUser(inside(corpus.path, LABELS_FILE, error=LabelError))
        self._begin(_CorpusView.of(corpus, seed), labels, concept, annotator)

    def _begin(self, view: _CorpusView, labels: StoreUser, concept: str, annotator: str) -> None:
        self.corpus = view.corpus
        self.concept = concept
        self.annotator = annotator
        self.seed = view.seed
        self._view = view
        self._labels_file = labels
        self._unsaved = ""  # why the newest change could not be saved
        self._lock = ForkLock(waits=True, first=True)
        self._fitting = ForkLock()  # who hears of a refit may ask for it again
        self._listeners = Listeners()
        # A session of another concept that nobody uses any more is forgotten, except for those used last.
        self._siblings: weakref.WeakValueDictionary[str, Session] = weakref.WeakValueDictionary({concept: self})
        self._used_last: deque[Session] = deque(maxlen=_KEPT_SESSIONS)
        self._opening = ForkLock()  # not the labels' lock: opening another concept takes a moment
        self._row_of = view.row_of
        kept = self._state(self.annotator, "queries", [])
        self._queries = [query for query in kept if isinstance(query, str)] if isinstance(kept, list) else []
        self._clips = self.corpus.clips.index
        self._videos = view.videos
        self._read_labels_file()
        self._prior = self._text.vector
        self._statistics = view.statistics
        self._notice_others()
        # The first classifier knows these, however late it is fitted: the same labels then give the same versions.
        self._found_labels = self._agreement.training_set(), self._agreement.event
        number = max((int(point["version"]) for point in self._history.points), default=0)
        self._found_version = max(number, 1) if (self._rows(self._found_labels[0][0]) >= 0).any() else number
        self._newest: _Fit | None = None
        if self._opens_fast():
            self._start()

    def _read_labels_file(self) -> None:
        """Read what is kept with the labels from the beginning."""
        self._agreement = Agreement(self._store.current(self.concept))
        self._history = RefitHistory(self._store, self.concept)
        self._text = ConceptText(self.corpus, self._store, self.concept)

    def __reduce__(self) -> tuple[Callable[..., Session], tuple[Any, ...]]:
        return _reopened, (self.corpus, self.concept, self.annotator, self.seed)

    def __repr__(self) -> str:
        counts = self.counts
        said = ", ".join(f"{number} {value}" for value, number in counts.items())
        return f"Session({self.concept!r}, annotator={self.annotator!r}: {said}, v{self.version})"

    # --- opening -----------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether the classifier is there, so that feeds and scores do not wait for the text model."""
        return self._newest is not None

    def _opens_fast(self) -> bool:
        """Whether the first classifier can be fitted without loading a text model or torch."""
        if needs_torch(self.corpus.embeddings) and "torch" not in sys.modules:
            return False
        return not self._text.missing or self.corpus.text_search.state != "unloaded"

    def _start(self) -> None:
        """Fit the first classifier, once; takes as long as loading the text model where the vector is not stored."""
        with self._fitting:
            if self._newest is not None:
                return
            # Without a network a model takes half a minute to fail: one concept's try holds for those opened later.
            if self.corpus.text_search.state != "unavailable":
                try:
                    self._text.load()
                except SearchUnavailableError as error:
                    _log.info("The first feeds are not ranked by the concept's text: %s", error)
            self._prior = self._text.vector
            self._newest = self._resumed()
        self._listeners.tell("status", {})

    @property
    def _fit(self) -> _Fit:
        """The newest classifier; waits for the first one. Must not be asked for while `_lock` is held."""
        if self._newest is None:
            self._start()
        assert self._newest is not None
        return self._newest

    def _take_late_text(self) -> None:
        """Refit with the concept's text if its model could not be loaded before and is there now."""
        if self._text.missing and self.corpus.text_search.state == "ready":
            self.refit()

    # --- other concepts of the corpus -------------------------------------------------------------

    def for_concept(self, concept: str) -> Session:
        """The same annotator at work on another concept of the same corpus, which may be new.

        Sessions that come from one another are one a concept, so that all who show it hear of its labels. Raises
        LabelError if the concept's name cannot be used.
        """
        LabelStore.check_names(self.annotator, concept)
        with self._opening:
            found = self._siblings.get(concept)
            if found is None or (found.closed and not self.closed):
                found = Session.__new__(Session)
                found._begin(self._view, self._labels_file.another(), concept, self.annotator)
                found._siblings, found._opening, found._used_last = self._siblings, self._opening, self._used_last
                self._siblings[concept] = found
            if found is not self and (not self._used_last or self._used_last[-1] is not found):
                self._used_last.append(found)
        return found

    @property
    def concepts(self) -> pd.DataFrame:
        """Every concept with labels, and this one: DataFrame(concept, annotators, yes, no, unsure), by name."""
        known = self._store.concepts()
        if self.concept not in set(known["concept"]):
            own = pd.DataFrame([[self.concept, 0, 0, 0, 0]], columns=known.columns)
            known = pd.concat([known, own]) if len(known) else own
        return known.sort_values("concept", ignore_index=True)

    # --- finding clips ---------------------------------------------------------------------------

    @property
    def searchable(self) -> bool:
        """Whether the corpus can be searched by text."""
        return self.corpus.searchable

    @property
    def text_search(self) -> TextSearch:
        """Whether any text can be searched for now, and if not, what is wrong and what to do. Loads nothing."""
        return self.corpus.text_search

    def answers_at_once(self, text: str) -> bool:
        """Whether a search for this text needs no model that is not loaded yet."""
        known = text == self.concept and self._text.vector is not None
        without = self.ready and (known or not self.corpus.has_text_model)
        return without or self.corpus.text_search.state == "ready"

    @property
    def concept_note(self) -> str:
        """Says which part of the concept the model reads, where it is too long for it; empty otherwise."""
        return cut_note(self._text.read)

    def search(self, text: str, k: int = 24) -> pd.DataFrame:
        """The `k` clips nearest to a text: DataFrame(clip_id, score = cosine), best first.

        `attrs["note"]` of the table says, as that of `Corpus.search`, what speaks against relying on it. The concept
        itself is searched for without the text model once its vector is stored.

        Raises SearchUnavailableError if the corpus has no text encoder, or it cannot be loaded, ArgumentError if the
        text is none or `k` is no whole number.
        """
        text, k = arguments.text(text, "The text to search for"), arguments.count(k, "k")
        if text == self.concept and self._text.vector is not None:
            found = self.corpus.search_vector(self._text.vector, k, nonsense=self._text.nonsense)
            found.attrs["note"] = " ".join(filter(None, [self.concept_note, found.attrs["note"]]))
        else:
            found = self.corpus.search(text, k)
            self._take_late_text()
        with self._lock:
            self._queries = [text, *(query for query in self._queries if query != text)][:_KEPT_QUERIES]
        self._remember_queries()
        return found

    def similar(self, clip_id: str, k: int = 24) -> pd.DataFrame:
        """The `k` clips that look most like a clip: DataFrame(clip_id, score = cosine), best first."""
        return self.corpus.similar(clip_id, k)

    @property
    def queries(self) -> list[str]:
        """This annotator's searches for this concept, newest first."""
        return list(self._queries)

    @property
    def feeds(self) -> tuple[str, ...]:
        """The names of the feeds."""
        return FEEDS

    def feed(self, name: str, k: int = 24, *, exclude: ClipIds = ()) -> pd.DataFrame:
        """The next `k` clips of a feed: DataFrame(clip_id, score = P(yes), reason).

        Clips that anybody has labelled for this concept never appear, nor do those of `exclude`, which are the
        clips already shown on earlier pages. The same labels and seed give the same feed.

        Raises
        ------
        LabelError
            If there is no feed of that name.
        ArgumentError
            If `k` is no whole number, or `exclude` does not hold clip ids.
        """
        if not is_one_of(name, FEEDS):
            raise LabelError(f"There is no feed called {described(name)}: choose one of {', '.join(FEEDS)}.")
        k = arguments.count(k, "k")
        left_aside = arguments.clip_ids(exclude, "exclude")
        self._take_late_text()
        fit = self._fit
        with self._lock:
            self._notice_others()
            left_out = np.zeros(len(self.corpus), dtype=bool)
            for rows in (self._rows(self._agreement.values), self._rows(left_aside)):
                left_out[rows[rows >= 0]] = True
        rows = feed(
            name,
            fit.ranking,
            k,
            labelled=left_out,
            found=bool(fit.y.any()),
            embeddings=self.corpus.embeddings,
            center=self._statistics.center,
            videos=self._videos,
            seed=self.seed,
            version=fit.refit.version,
        )
        scores = expit(fit.logits[rows])
        nearest = self._nearest_labels(rows, fit)
        return pd.DataFrame(
            {
                "clip_id": self._clips[rows],
                "score": scores,
                "reason": [reason(name, near) for near in nearest],
            }
        )

    def _rows(self, clips: Collection[str]) -> NDArray[np.int64]:
        """The rows of some clips, -1 for those that the corpus does not hold.

        One by one and kept: what pandas does for many at once goes through all clips of the corpus.
        """
        known = self._row_of
        for clip in set(clips).difference(known):
            try:
                known[clip] = self.corpus.row(clip)
            except UnknownClipError:
                known[clip] = -1
        return np.fromiter(map(known.__getitem__, clips), dtype=np.int64, count=len(clips))

    def _nearest_labels(self, rows: NDArray[np.int64], fit: _Fit) -> list[str]:
        """What the labelled clip says that looks most like each of some clips; empty texts without labels."""
        if not len(fit.y):
            return [""] * len(rows)
        with one_blas_thread():
            likeness = np.asarray(self.corpus.embeddings[rows], dtype=np.float32) @ fit.features.T
        return ["yes" if yes else "no" for yes in fit.y[likeness.argmax(axis=1)]]

    def scores(self) -> pd.Series[float]:
        """P(yes) of every clip under the newest classifier, by clip_id."""
        return pd.Series(expit(self._fit.logits), index=self._clips, name=self.concept)

    # --- labels ----------------------------------------------------------------------------------

    def label(
        self,
        clip_id: LabelledClips,
        value: LabelValues = OMITTED,
        source: str = "notebook",
        *,
        message_id: str | None = None,
    ) -> dict[str, StoredValue]:
        """Label one clip or several: True, False, "unsure", or None to take a label back.

        The labels are on disk when this returns. Several clips are one action, which one `undo` reverts. A second
        call with the same `message_id` stores nothing.

        Parameters
        ----------
        clip_id : clip ids, or clips with their labels
            One id; several in a list, tuple, set, array, Index or Series; or a table with a column or index `clip_id`,
            such as a page of a feed. Without `value`: a mapping {clip id: label}, a Series of labels indexed by clip
            id, or a table with a column `value`.
        value : one label for all, or one a clip
            True, False or "unsure"; "yes", "no", 1 and 0 are taken, too. None, NaN and pandas.NA take a label back.
            A Series indexed by clip id is matched by its index, any other sequence by position.
        source : str
            Where the clips come from, such as the name of a feed; at most 64 characters.

        Returns the stored value of each clip. Raises UnknownClipError if clips are not in the corpus, LabelError for
        anything else that cannot be stored or is not clear, and of that NotSavedError where the label store cannot be
        written now; it then stores nothing.
        """
        given = read_labels(clip_id, value)
        self._check_known(list(given))
        source = arguments.text(source, "source", error=LabelError)
        if len(source) > LONGEST_SOURCE:
            raise LabelError(f"The source of a label may have {LONGEST_SOURCE} characters, not {len(source)}.")
        message_id = _message_id(message_id)
        # Not while the lock is held: what only reads does not wait for another process that is writing.
        with self._saving():
            labels = self._store.append(
                self.annotator,
                self.concept,
                given,
                source=source,
                model_version=self.version,
                message_id=message_id,
            )
        with self._lock:
            self._notice_others()
        self._listeners.tell("labels", {"labels": labels})
        return labels

    def _check_known(self, clips: Sequence[str]) -> None:
        """Raise UnknownClipError unless the corpus holds all of these clips."""
        unknown = [clip for clip, row in zip(clips, self._rows(clips), strict=True) if row < 0]
        if unknown:
            many = f"{len(unknown):,} of the {len(clips):,} clips are" if len(clips) > 1 else "The clip is"
            raise UnknownClipError(f"{many} not in this corpus ({listed(unknown)}): see corpus.clips.index.")

    def undo(self, *, message_id: str | None = None) -> dict[str, StoredValue]:
        """Revert this annotator's newest action. Returns the clips' values now, {} if there is nothing to undo."""
        return self._step(lambda store: store.undo, _message_id(message_id))

    def redo(self, *, message_id: str | None = None) -> dict[str, StoredValue]:
        """Do again what `undo` reverted last. Returns the clips' values now, {} if there is nothing to redo."""
        return self._step(lambda store: store.redo, _message_id(message_id))

    def _step(
        self, step: Callable[[LabelStore], Callable[..., dict[str, StoredValue]]], message_id: str | None
    ) -> dict[str, StoredValue]:
        with self._saving():
            labels = step(self._store)(self.annotator, self.concept, message_id=message_id)
        with self._lock:
            self._notice_others()
        if labels:
            self._listeners.tell("labels", {"labels": labels})
        return labels

    @property
    def standing(self) -> LabelStatus:
        """How far the labelling has come, all of it at one moment."""
        with self._lock:
            self._notice_others()
            can_undo, can_redo = self._steps()
            known = self._found_labels[1] if self._newest is None else self._newest.event
            return LabelStatus(self._agreement.counts, self._agreement.since(known), can_undo, can_redo)

    def _steps(self) -> tuple[bool, bool]:
        """Whether there is an action to undo, and one to redo; neither can be done where the labels' file is gone."""
        if self._labels_file.gone:
            return False, False
        return self._store.steps(self.annotator, self.concept)

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to undo."""
        return self.standing.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is an action to redo."""
        return self.standing.can_redo

    @property
    def labels(self) -> pd.DataFrame:
        """What all annotators together say, by clip_id: value ("yes", "no", "unsure", "tie"), annotators, agree, …"""
        return table(self._store.labels(self.concept))

    @property
    def own_labels(self) -> dict[str, StoredValue]:
        """This annotator's own labels: {clip_id: "yes" | "no" | "unsure"}."""
        with self._lock:
            self._notice_others()
            return self._agreement.own(self.annotator)

    @property
    def counts(self) -> dict[str, int]:
        """How many clips count as yes, no and unsure."""
        return self.standing.counts

    @property
    def history(self) -> pd.DataFrame:
        """Every label event of this concept, of all annotators, oldest first; nothing is ever removed from it."""
        return self._store.history(self.concept)

    @property
    def annotators(self) -> pd.DataFrame:
        """Who has labels for this concept: DataFrame(annotator, yes, no, unsure), by name."""
        with self._lock:
            self._notice_others()
            rows = [{"annotator": who, **counts} for who, counts in self._agreement.annotators().items()]
        return pd.DataFrame(rows, columns=["annotator", "yes", "no", "unsure"])

    def review(self, value: str = "all", order: str = "suspicion", annotator: str | None = None) -> pd.DataFrame:
        """All labelled clips: DataFrame(clip_id, value, suspicion, note, time).

        Suspicion is how far the cross-validated classifier disagrees with the label, 0 to 1; NaN while there are
        too few labels. `value` keeps only "yes", "no", "unsure" or "tie", or with "disputed" what annotators
        disagree about. `order` puts the most "suspicion", the "newest" or the annotators' "disagreement" first. With
        an `annotator` it is about the clips that this one has labelled, and `value` and `time` are theirs.
        """
        if not is_one_of(value, ("all", "yes", "no", "unsure", "tie", "disputed")):
            raise LabelError(
                f"Labels cannot be filtered by {described(value)}: choose all, yes, no, unsure, tie or disputed."
            )
        if not is_one_of(order, ("suspicion", "newest", "disagreement")):
            raise LabelError(
                f"Labels cannot be ordered by {described(order)}: choose suspicion, newest or disagreement."
            )
        if annotator is not None:
            annotator = arguments.text(annotator, "annotator", error=LabelError)
        events = self._store.labels(self.concept)
        labels = table(events)
        labels["event"] = range(len(labels))  # what is newest is told by the order of events, not by the clock
        labels = labels[self._rows(list(labels.index)) >= 0]
        if annotator is not None:
            own = pd.DataFrame(
                [(one.clip_id, one.value, one.time, one.event_id) for one in events if one.annotator == annotator],
                columns=["clip_id", "value", "time", "event"],
            ).set_index("clip_id")
            labels = labels.drop(columns=["value", "time", "event"]).join(own, how="inner")
        suspicious = self._fit.suspicion
        found = pd.DataFrame(
            {
                "clip_id": labels.index,
                "value": labels["value"].to_numpy(),
                "suspicion": [suspicious.get(str(clip), float("nan")) for clip in labels.index],
                "note": ["" if agree else "annotators disagree" for agree in labels["agree"]],
                "time": labels["time"].to_numpy(),
                "event": labels["event"].to_numpy(),
            }
        )
        if value == "disputed":
            found = found[found["note"] != ""]
        elif value != "all":
            found = found[found["value"] == value]
        first = {"suspicion": ["suspicion"], "newest": [], "disagreement": ["note", "suspicion"]}[order]
        ordered = found.sort_values([*first, "event"], ascending=False, na_position="last", kind="stable")
        return ordered.drop(columns="event").reset_index(drop=True)

    # --- learning --------------------------------------------------------------------------------

    def refit(self) -> Refit:
        """Fit the classifier to the labels as they are now, score every clip, and say what changed.

        If labels come in meanwhile they are left to the next refit, and the quality, which takes longest, may be left
        to it, too. A refit without new labels returns the last one.
        """
        with self._fitting:
            former = self._fit
            with self._lock:
                self._notice_others()
                agreement = self._agreement
                event, counts, labels = agreement.event, agreement.counts, agreement.training_set()
            if event == former.event and not self._has_late_text():
                return former.refit
            fit = self._fitted(labels, event, former, self._history.next_version(former.refit.version))
            with self._lock:
                self._newest = fit
            # New feeds are there; what takes longer comes after them.
            self._listeners.tell("refit", {"refit": fit.refit})
            fit = self._measured(fit, former)
            with self._lock:
                self._newest = fit
            if event != former.event:
                self._history.add(_point(fit.refit, counts))
        self._listeners.tell("status", {})
        return fit.refit

    @property
    def version(self) -> int:
        """The number of the newest classifier; 0 is the text alone."""
        return self._found_version if self._newest is None else self._newest.refit.version

    @property
    def last_refit(self) -> Refit:
        """What the newest refit said."""
        return self._fit.refit

    @property
    def pending(self) -> int:
        """How many label events the newest classifier does not know yet."""
        return self.standing.pending

    @property
    def quality(self) -> Quality | None:
        """Cross-validated average precision with its interval, None while there are too few labels."""
        return self._fit.refit.quality

    @property
    def quality_note(self) -> str:
        """Why there is no quality yet; empty when there is one. Does not wait for the first classifier."""
        if self._newest is None:
            return too_few(self._found_labels[0][1]) or "not measured yet"
        return self._newest.refit.quality_note

    @property
    def diversity(self) -> float:
        """Data diversity of the labels by Video Annotator's definition, 0 to 1."""
        return self._fit.refit.diversity

    @property
    def advice(self) -> str:
        """What had best be done next, in one sentence; empty if there is nothing to say but to go on."""
        fit = self._fit
        yes = int(fit.y.sum())
        turnovers = [float(point.get("turnover", "nan")) for point in self._history.points]
        drawn = fit.refit.positives.drawn if fit.refit.positives else 0
        return advice(yes, len(fit.y) - yes, fit.refit.quality is not None, turnovers, drawn)

    @property
    def refits(self) -> pd.DataFrame:
        """Every refit of this concept: DataFrame(version, labels, yes, no, ap, low, high), oldest first."""
        columns = ["version", "labels", "yes", "no", "ap", "low", "high"]
        return pd.DataFrame(self._history.points, columns=columns).astype(dict.fromkeys(columns[2:], float))

    @property
    def course(self) -> list[Mapping[str, Any]]:
        """The same as plain records, with "ap", "low", "high" and "turnover" only where they were measured."""
        return self._history.points

    @property
    def threshold(self) -> tuple[float, str]:
        """The probability from which on a clip would be a yes if it were published now, and why it is this one."""
        return _threshold(self._fit)

    def plot_history(self, ax: Axes | None = None) -> Axes:
        """Draw quality with its interval, and the number of labels, over the refits; returns the axes drawn on.

        Raises MissingPackageError without matplotlib.
        """
        from va_widgets.display import plots

        return plots.history(self.refits, self.concept, ax)

    def plot_scores(self, ax: Axes | None = None) -> Axes:
        """Draw a histogram of all scores, the labelled clips and the proposed threshold; returns the axes drawn on.

        Raises MissingPackageError without matplotlib.
        """
        from va_widgets.display import plots

        return plots.scores(self.scores(), self.labels["value"], self.threshold[0], self.concept, ax)

    def plot_precision_recall(self, ax: Axes | None = None) -> Axes:
        """Draw cross-validated precision against recall and the proposed threshold; returns the axes drawn on.

        With too few labels the axes say so. Raises MissingPackageError without matplotlib.
        """
        from va_widgets.display import plots

        return plots.precision_recall(self._fit.held_out, self.threshold[0], self.quality_note, self.concept, ax)

    def report(self, path: GivenPath | None = None) -> Report:
        """A page for colleagues about this concept, which shows itself in a notebook; also written to `path`.

        It is one HTML file without scripts that needs nothing else. Raises ReportError if it cannot be written, and
        LabelError if the file of the labels that it would tell of is gone.
        """
        from va_widgets.display import report

        if path is not None:
            path = absolute_path(path, ReportError, "The report's file")
        self._check_labels()
        page = report.of(self)
        if path is not None:
            page.save(path)
        return page

    def threshold_for(self, precision: float) -> tuple[float, str]:
        """The lowest probability from which on clips are a yes with a wanted precision, 0 to 1, and what it reaches.

        Measured by cross-validation on the clips that were labelled, most of which are harder to tell than others.
        Raises ModelError for a precision that is none.
        """
        return _threshold(self._fit, precision)

    def publish(self, name: str, precision: float | None = None) -> Model:
        """Write the classifier as a new, immutable version of a model called `name`, beside the corpus.

        Its threshold is the one with the best F1, or the one for a wanted `precision`, 0 to 1.
        Raises NotEnoughLabelsError without at least one yes and one no, ModelError for a name or a precision that is
        none and where nothing can be written, LabelError if the file of its labels is gone.
        """
        slug(name)  # raises what is wrong with the name before anything is done
        if precision is not None:
            precision = checked_precision(precision)
        folder = inside(self.corpus.path, MODELS_FOLDER, slug(name), error=ModelError).parent
        self._check_labels()
        self.refit()
        fit = self._fit
        with self._lock:
            clips, y = self._agreement.training_set()
        if not (y.any() and (~y).any()):
            raise NotEnoughLabelsError(
                "A model needs at least one yes and one no: label a few more clips, then publish."
            )
        threshold, why = _threshold(fit, precision)
        quality = fit.refit.quality
        metrics = {
            "average_precision": None if quality is None else quality.ap,
            "average_precision_low": None if quality is None else quality.low,
            "average_precision_high": None if quality is None else quality.high,
            "diversity": fit.refit.diversity,
            "yes": int(y.sum()),
            "no": int((~y).sum()),
        }
        return publish(
            folder,
            name=name,
            concept=self.concept,
            guideline=self.guideline,
            encoder_fingerprint=self.corpus.encoder_fingerprint,
            classifier=fit.classifier,
            labels=(clips, y),
            metrics=metrics,
            threshold=threshold,
            threshold_why=why,
        )

    # --- the concept's guideline, media, events --------------------------------------------------

    @property
    def guideline(self) -> str:
        """What counts as this concept, in the annotators' words; shared by all of them."""
        return str(self._state(_SHARED, "guideline", ""))

    @guideline.setter
    def guideline(self, text: str) -> None:
        text = arguments.text(text, "The guideline", error=LabelError)
        with self._saving():
            self._store.set_state(_SHARED, self.concept, "guideline", text)
        self._listeners.tell("status", {})

    def filmstrip(self, clip_id: str) -> Filmstrip:
        """A clip's frames side by side in one picture."""
        return self.corpus.filmstrip(clip_id)

    def preview(self, clip_id: str, context: float = 0.0) -> bytes:
        """A clip as a short H.264 file, with `context` seconds before and after it if there are any.

        Raises PreviewUnavailableError if its video is gone.
        """
        return self.corpus.preview(clip_id, context)

    def warm_up(self) -> None:
        """Load what the first feed and the first search need, so that they answer at once.

        Raises SearchUnavailableError if the text model cannot be loaded; the feeds are there all the same.
        """
        before = self.ready, self.text_search
        try:
            self._start()
            search = self.corpus.text_search
            if not before[0] and search.state == "unavailable" and before[1].state != "unavailable":
                raise SearchUnavailableError(search.reason)  # that was tried just now
            if self.corpus.has_text_model and search.state != "ready":
                self.corpus.text_embedding(self.concept)
            self._take_late_text()
        finally:
            if (self.ready, self.text_search) != before:
                self._listeners.tell("status", {})

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(event, data)` after every "labels", "refit" and "status" event; returns the way to stop it.

        It is called on the thread that caused the event.
        """
        return self._listeners.add(arguments.function(listener, "The listener"))

    def close(self) -> None:
        """Close the labels, after the refit that is under way. Nothing can be labelled afterwards.

        Their file is closed with the last session of this process that uses it.
        """
        with self._fitting:
            self._labels_file.close()

    def backup(self, path: GivenPath | None = None) -> Path:
        """Write all labels of the corpus, of every concept and annotator, to one new file; returns its path.

        This can be done while anybody labels. Without a path the file is in the folder "backups" of the corpus; with
        that of a folder it is there, under a name with the time. If the labels were deleted or replaced meanwhile, it
        holds what this session had. Raises LabelError if it cannot be written, or there is a file of that name.
        """
        return self._store.backup(path)

    @property
    def closed(self) -> bool:
        """Whether the session was closed."""
        return self._labels_file.closed

    @property
    def unsaved(self) -> str:
        """Why nothing can be saved now, or the newest change could not be, in one sentence; empty if all is well."""
        return self._labels_file.gone or self._unsaved

    @property
    def _store(self) -> LabelStore:
        return self._labels_file.store

    def _check_labels(self) -> None:
        """Raise NotSavedError if the labels' file is gone: what is made of the labels should be as safe as they are."""
        if gone := self._labels_file.gone:
            raise NotSavedError(gone)

    @contextmanager
    def _saving(self) -> Iterator[None]:
        """Save something meanwhile. Raises NotSavedError if the store cannot take it, or its file is gone afterwards.

        What the store refuses whatever happens, because it is read-only, stays a LabelError.
        """
        try:
            self._check_labels()
            with self._lock:
                self._follow_labels_file()
            yield
            self._check_labels()
        except LabelError as error:
            if not self.closed and self._store.read_only:
                raise
            self._unsaved = str(error)
            raise NotSavedError(str(error)) from error
        self._unsaved = ""

    def _follow_labels_file(self) -> None:
        """Go on with another file in the place of the labels' own, as after a copy was put back. Only under the lock.

        Raises LabelError if it cannot be opened, and then goes on with the one that was open.
        """
        if not self._labels_file.replaced:
            return
        former, self._labels_file = self._labels_file, StoreUser(self._labels_file.path)
        former.close()
        _log.warning("The labels' file %s was replaced by another one, whose labels count now", self._labels_file.path)
        self._read_labels_file()
        if self._newest is not None:
            self._newest = replace(self._newest, event=-1)  # it was fitted to labels that may not be there any more

    def _state(self, annotator: str, key: str, default: Any) -> Any:
        kept = self._store.get_state(annotator, self.concept, key)
        whole = without_lone_surrogates(kept)
        if whole is not kept and not self._store.read_only:  # an older version stored half a character
            try:
                self._store.set_state(annotator, self.concept, key, whole)
            except LabelError as error:
                _log.warning("The stored %s of %r could not be repaired: %s", key, self.concept, error)
        return default if whole is None else whole

    def _remember_queries(self) -> None:
        """Keep the searches; a search goes on where that is not possible."""
        try:
            if self._store.read_only:
                return
            self._store.set_state(self.annotator, self.concept, "queries", self._queries, patience=HISTORY_PATIENCE)
        except LabelError as error:
            _log.warning("The search is found, but not kept among the searches: %s", error)

    # --- inside ----------------------------------------------------------------------------------

    def _has_late_text(self) -> bool:
        """Take over the concept's text where the first classifier had to do without it; whether that is the case."""
        if not self._text.missing or self.corpus.text_search.state != "ready":
            return False
        try:
            self._text.load()
        except SearchUnavailableError as error:
            _log.info("The feeds go on without the concept's text: %s", error)
            return False
        self._prior = self._text.vector
        return True

    def _notice_others(self) -> None:
        """Take labels into account that anybody, perhaps another process, has written. Only under the lock.

        Where their file is gone those that are known count; `unsaved` tells that it is.
        """
        try:
            self._follow_labels_file()
        except LabelError as error:
            self._unsaved = str(error)
        store = self._store
        try:
            self._agreement.take(store.events(self.concept, after=self._agreement.event))
        except LabelError:
            if not self._labels_file.gone:
                raise

    def _resumed(self) -> _Fit:
        labels, event = self._found_labels
        nothing = Refit(0, 0, None, "", 0.0, 0, 0.0)
        nobody, none = np.zeros(len(self.corpus), dtype=np.float32), np.empty(0, dtype=np.int64)
        features = np.empty((0, self.corpus.embeddings.shape[1]), dtype=np.float32)
        blank = _Fit(nothing, -1, TextLogistic(), ScoreIndex(nobody), none, none.astype(bool), features, {}, None)
        fit = self._fitted(labels, event, blank, self._found_version)
        fit = self._measured(fit, fit)
        return replace(fit, refit=replace(fit.refit, flipped=0))

    def _fitted(self, labels: tuple[list[str], NDArray[np.bool_]], event: int, former: _Fit, version: int) -> _Fit:
        """The classifier of some labels and its scores, with what the former one said of quality."""
        started = time.perf_counter()
        clips, y = labels
        rows = self._rows(clips)
        here = rows >= 0  # labels of clips that have left the corpus are kept, but teach nothing
        rows, y = rows[here], y[here]
        features = np.asarray(self.corpus.embeddings[rows], dtype=np.float32)
        classifier = TextLogistic(self._prior, self._statistics).fit(features, y)
        logits = decision_scores(self.corpus.embeddings, classifier.coef_, classifier.intercept_)
        refit = replace(
            former.refit,
            version=version,
            labels=len(y),
            flipped=int(np.count_nonzero((logits > 0) != (former.logits > 0))),
            seconds=time.perf_counter() - started,
        )
        ranking = ScoreIndex(logits)
        return _Fit(refit, event, classifier, ranking, rows, y, features, former.suspicion, former.held_out)

    def _measured(self, fit: _Fit, former: _Fit) -> _Fit:
        """The same with what takes longer: quality, diversity, turnover and the number of positives."""
        clusters = self.corpus.clips["cluster"].to_numpy()[fit.rows]
        with self._lock:
            random = self._agreement.came_from(_RANDOM)
        drawn = np.array([clip in random for clip in self._clips[fit.rows]], dtype=bool)
        refit = replace(
            fit.refit,
            diversity=diversity(clusters[fit.y], clusters[~fit.y]),
            turnover=turnover(fit.logits, former.logits),
            positives=positives(fit.logits, int(fit.y.sum()), len(fit.y), fit.y[drawn]),
        )
        checked = cross_validated(
            fit.features, fit.y, fit.classifier, seed=self.seed, stopped=lambda: self._agreement.event != fit.event
        )
        if checked is None:  # there are newer labels: the next refit will say
            return replace(fit, refit=refit)
        said, doubts, held_out = checked.probabilities, dict[str, float](), None
        if said is not None:
            held_out = (fit.y, said)
            doubts = dict(zip(self._clips[fit.rows], suspicion(fit.y, said).tolist(), strict=True))
            refit = replace(refit, unbiased=at_random(fit.y, said, drawn, self.seed))
        refit = replace(refit, quality=checked.quality, quality_note=checked.note)
        return replace(fit, refit=refit, suspicion=doubts, held_out=held_out)


def _reopened(corpus: Corpus, concept: str, annotator: str, seed: int) -> Session:
    return Session(corpus, concept, annotator, seed=seed)


def _threshold(fit: _Fit, precision: float | None = None) -> tuple[float, str]:
    y, held_out = fit.held_out or (fit.y, None)
    return choose_threshold(y, held_out, precision)


def _message_id(value: str | None) -> str | None:
    return None if value is None else arguments.text(value, "message_id", error=LabelError)


def _point(refit: Refit, counts: Mapping[str, int]) -> dict[str, Any]:
    quality = refit.quality
    known = {} if quality is None else {"ap": quality.ap, "low": quality.low, "high": quality.high}
    said = {value: counts[value] for value in ("yes", "no")}
    changed = {} if np.isnan(refit.turnover) else {"turnover": refit.turnover}
    return {"version": refit.version, "labels": refit.labels, **said, **known, **changed}
