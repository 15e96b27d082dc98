"""The one place where a corpus, a label store and a classifier meet: what a notebook and the widget drive."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.arguments import ClipIds, described, is_one_of
from va_widgets.base.errors import (
    ArgumentError,
    LabelError,
    ModelError,
    NotEnoughLabelsError,
    ReportError,
)
from va_widgets.base.forks import ForkLock
from va_widgets.base.listeners import Listener, Listeners
from va_widgets.base.paths import GivenPath, absolute_path, inside
from va_widgets.concept_classifier import ConceptClassifier
from va_widgets.corpus import Corpus, Filmstrip, TextSearch
from va_widgets.corpus.corpus import FLAT, cut_note
from va_widgets.corpus_view import CorpusView
from va_widgets.labels.agreement import table
from va_widgets.labels.concept_labels import ConceptLabels, LabelStatus
from va_widgets.labels.label_store import LONGEST_SOURCE, LabelStore, StoredValue
from va_widgets.labels.review import check_review, review_table
from va_widgets.labels.shared import StoreUser
from va_widgets.labels.values import OMITTED, LabelledClips, LabelValues, read_labels
from va_widgets.labels.values import LabelValue as LabelValue
from va_widgets.learning.feeds import FEEDS
from va_widgets.learning.quality import Quality
from va_widgets.learning.trainer import Refit
from va_widgets.models.bundle import Model, checked_precision, choose_threshold, publish, slug

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from va_widgets.display.report import Report

__all__ = ["FLAT", "LabelStatus", "LabelValue", "Refit", "Session"]

LABELS_FILE = "labels.sqlite"
MODELS_FOLDER = "models"
_KEPT_SESSIONS = 4  # of other concepts, which the person may go back to


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
    group_by : str
        The column of `corpus.clips` whose values cross-validation keeps together in one fold: clips of one video, or of
        one programme or camera, resemble each other.

    Raises
    ------
    LabelError
        If the concept's or the annotator's name cannot be used, or the labels cannot be read.
    ArgumentError
        If `corpus` is no corpus, `seed` no seed, or `group_by` no column to group clips by.

    A session that is pickled or copied, deeply or not, is opened again where it arrives, from what is on disk; its
    listeners do not come with it.
    """

    def __init__(
        self, corpus: Corpus, concept: str, annotator: str = "me", *, seed: int = 0, group_by: str = "video"
    ) -> None:
        if isinstance(corpus, (str, PathLike)):
            raise ArgumentError(
                f"A Session needs a corpus, not its path: open it first with va.Corpus.open({described(corpus)})."
            )
        arguments.instance(corpus, Corpus, "The session's corpus", "a va.Corpus, such as va.Corpus.open returns")
        LabelStore.check_names(annotator, concept)
        seed = arguments.seed(seed)
        view = CorpusView.of(corpus, seed, group_by)
        user = StoreUser(inside(corpus.path, LABELS_FILE, error=LabelError))
        self._begin(view, user, concept, annotator)

    def _begin(self, view: CorpusView, user: StoreUser, concept: str, annotator: str) -> None:
        self.corpus = view.corpus
        self.concept = concept
        self.annotator = annotator
        self.seed = view.arrays.seed
        self._view = view
        self._clips = view.corpus.clips.index
        self._opening = ForkLock()  # while another concept is opened, which takes a moment
        self._listeners = Listeners()
        # A session of another concept that nobody references any more is freed, except for those used last.
        self._siblings: weakref.WeakValueDictionary[str, Session] = weakref.WeakValueDictionary({concept: self})
        self._used_last: deque[Session] = deque(maxlen=_KEPT_SESSIONS)
        self._labels = ConceptLabels(user, concept, annotator)
        self._classifier = ConceptClassifier(view, self._labels, self._listeners)

    def __reduce__(self) -> tuple[Callable[..., Session], tuple[Any, ...]]:
        return _reopened, (self.corpus, self.concept, self.annotator, self.seed, self._view.arrays.group)

    def __repr__(self) -> str:
        numbers = ", ".join(f"{number} {value}" for value, number in self.counts.items())
        return f"Session({self.concept!r}, annotator={self.annotator!r}: {numbers}, v{self.version})"

    # --- opening and closing ---------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether the classifier is there, so that feeds and scores do not wait for the text model."""
        return self._classifier.ready

    def warm_up(self) -> None:
        """Load what the first feed and the first search need, so that they answer at once.

        Raises SearchUnavailableError if the text model cannot be loaded; the feeds are there all the same.
        """
        self._classifier.warm_up()

    def close(self) -> None:
        """Close the labels, after the refit that is under way. Nothing can be labelled afterwards.

        Their file is closed with the last session of this process that uses it.
        """
        with self._classifier.fitting:
            self._labels.close()

    @property
    def closed(self) -> bool:
        """Whether the session was closed."""
        return self._labels.closed

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(event, data)` after every "labels", "refit" and "status" event; returns the way to stop it.

        It is called on the thread that caused the event.
        """
        return self._listeners.add(arguments.function(listener, "The listener"))

    # --- the concept, and other concepts of the corpus -------------------------------------------

    @property
    def guideline(self) -> str:
        """What counts as this concept, in the annotators' words; shared by all of them."""
        return self._labels.guideline

    @guideline.setter
    def guideline(self, text: str) -> None:
        self._labels.guideline = arguments.text(text, "The guideline", error=LabelError)
        self._listeners.tell("status", {})

    @property
    def concept_note(self) -> str:
        """Says which part of the concept the model reads, where it is too long for it; empty otherwise."""
        return cut_note(self._classifier.text.read)

    def for_concept(self, concept: str) -> Session:
        """The same annotator at work on another concept of the same corpus, which may be new.

        Sessions that come from one another are one a concept, so that events of its labels reach all their listeners.
        Raises LabelError if the concept's name cannot be used.
        """
        LabelStore.check_names(self.annotator, concept)
        with self._opening:
            session = self._siblings.get(concept)
            if session is None or (session.closed and not self.closed):
                session = Session.__new__(Session)
                session._begin(self._view, self._labels.another_user(), concept, self.annotator)
                session._siblings, session._opening, session._used_last = self._siblings, self._opening, self._used_last
                self._siblings[concept] = session
            if session is not self and (not self._used_last or self._used_last[-1] is not session):
                self._used_last.append(session)
        return session

    @property
    def concepts(self) -> pd.DataFrame:
        """Every concept with labels, and this one: DataFrame(concept, annotators, yes, no, unsure), by name."""
        known = self._labels.store.concepts()
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
        known = text == self.concept and self._classifier.text.vector is not None
        without = self.ready and (known or not self.corpus.has_text_model)
        return without or self.corpus.text_search.state == "ready"

    def search(self, text: str, k: int = 24) -> pd.DataFrame:
        """The `k` clips nearest to a text: DataFrame(clip_id, score = cosine), best first.

        `attrs["note"]` of the table says, as that of `Corpus.search`, what speaks against relying on it. The concept
        itself is searched for without the text model once its vector is stored.

        Raises SearchUnavailableError if the corpus has no text encoder, or it cannot be loaded, ArgumentError if the
        text is none or `k` is no whole number.
        """
        text, k = arguments.text(text, "The text to search for"), arguments.count(k, "k")
        if text == self.concept and self._classifier.text.vector is not None:
            matches = self.corpus.search_vector(
                self._classifier.text.vector, k, nonsense=self._classifier.text.nonsense
            )
            matches.attrs["note"] = " ".join(filter(None, [self.concept_note, matches.attrs["note"]]))
        else:
            matches = self.corpus.search(text, k)
            self._classifier.take_late_text()
        self._labels.add_query(text)
        return matches

    def similar(self, clip_id: str, k: int = 24) -> pd.DataFrame:
        """The `k` clips that look most like a clip: DataFrame(clip_id, score = cosine), best first."""
        return self.corpus.similar(clip_id, k)

    @property
    def queries(self) -> list[str]:
        """This annotator's searches for this concept, newest first."""
        return self._labels.queries

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
        excluded = arguments.clip_ids(exclude, "exclude")
        self._classifier.take_late_text()
        fit = self._classifier.fit
        page = self._classifier.trainer.feed(fit, name, k, self._view.mask(self._labels.labelled(), excluded))
        return pd.DataFrame({"clip_id": self._clips[page.rows], "score": page.scores, "reason": page.reasons})

    def scores(self) -> pd.Series[float]:
        """Calibrated P(yes) of every clip under the newest classifier, by clip_id."""
        return pd.Series(self._classifier.fit.probabilities, index=self._clips, name=self.concept)

    def filmstrip(self, clip_id: str) -> Filmstrip:
        """A clip's frames side by side in one picture."""
        return self.corpus.filmstrip(clip_id)

    def preview(self, clip_id: str, context: float = 0.0) -> bytes:
        """A clip as a short H.264 file, with `context` seconds before and after it if there are any.

        Raises PreviewUnavailableError if its video is gone.
        """
        return self.corpus.preview(clip_id, context)

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
        self._view.check_known(list(given))
        source = arguments.text(source, "source", error=LabelError)
        if len(source) > LONGEST_SOURCE:
            raise LabelError(f"The source of a label may have {LONGEST_SOURCE} characters, not {len(source)}.")
        labels = self._labels.append(given, source, self.version, _message_id(message_id))
        self._listeners.tell("labels", {"labels": labels})
        return labels

    def undo(self, *, message_id: str | None = None) -> dict[str, StoredValue]:
        """Revert this annotator's newest action. Returns the clips' values now, {} if there is nothing to undo."""
        return self._changed(self._labels.undo(_message_id(message_id)))

    def redo(self, *, message_id: str | None = None) -> dict[str, StoredValue]:
        """Do again what `undo` reverted last. Returns the clips' values now, {} if there is nothing to redo."""
        return self._changed(self._labels.redo(_message_id(message_id)))

    def _changed(self, labels: dict[str, StoredValue]) -> dict[str, StoredValue]:
        if labels:
            self._listeners.tell("labels", {"labels": labels})
        return labels

    @property
    def standing(self) -> LabelStatus:
        """How far the labelling has come, all of it at one moment."""
        return self._labels.status(lambda: self._classifier.trainer.event)

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to undo."""
        return self.standing.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is an action to redo."""
        return self.standing.can_redo

    @property
    def counts(self) -> dict[str, int]:
        """How many clips count as yes, no and unsure."""
        return self.standing.counts

    @property
    def pending(self) -> int:
        """How many label events the newest classifier does not know yet."""
        return self.standing.pending

    @property
    def labels(self) -> pd.DataFrame:
        """All annotators' labels together, by clip_id: value ("yes", "no", "unsure", "tie"), annotators, agree, …"""
        return table(self._labels.store.labels(self.concept))

    @property
    def own_labels(self) -> dict[str, StoredValue]:
        """This annotator's own labels: {clip_id: "yes" | "no" | "unsure"}."""
        return self._labels.own()

    @property
    def history(self) -> pd.DataFrame:
        """Every label event of this concept, of all annotators, oldest first; nothing is ever removed from it."""
        return self._labels.store.history(self.concept)

    @property
    def annotators(self) -> pd.DataFrame:
        """Who has labels for this concept: DataFrame(annotator, yes, no, unsure), by name."""
        rows = [{"annotator": name, **counts} for name, counts in self._labels.annotators().items()]
        return pd.DataFrame(rows, columns=["annotator", "yes", "no", "unsure"])

    def review(self, value: str = "all", order: str = "suspicion", annotator: str | None = None) -> pd.DataFrame:
        """All labelled clips: DataFrame(clip_id, value, suspicion, note, time).

        Suspicion is how far the cross-validated classifier disagrees with the label, 0 to 1; NaN while there are
        too few labels. `value` keeps only "yes", "no", "unsure" or "tie", or with "disputed" what annotators
        disagree about. `order` puts the most "suspicion", the "newest" or the annotators' "disagreement" first. With
        an `annotator` it is about the clips that this one has labelled, and `value` and `time` are theirs.
        """
        check_review(value, order, annotator)
        events = self._labels.store.labels(self.concept)
        by_row = self._classifier.fit.suspicion
        clips = self._clips[np.fromiter(by_row, dtype=np.int64, count=len(by_row))]
        suspicion = dict(zip(clips, by_row.values(), strict=True))
        return review_table(events, suspicion, self._view.contains, value, order, annotator)

    @property
    def unsaved(self) -> str:
        """Why nothing can be saved now, or the newest change could not be, in one sentence; empty if all is well."""
        return self._labels.unsaved

    def backup(self, path: GivenPath | None = None) -> Path:
        """Write all labels of the corpus, of every concept and annotator, to one new file; returns its path.

        This can be done while anybody labels. Without a path the file is in the folder "backups" of the corpus; with
        that of a folder it is there, under a name with the time. If the labels were deleted or replaced meanwhile, it
        holds what this session had. Raises LabelError if it cannot be written, or there is a file of that name.
        """
        return self._labels.store.backup(path)

    # --- learning --------------------------------------------------------------------------------

    def refit(self) -> Refit:
        """Fit the classifier to the labels as they are now, score every clip, and say what changed.

        If labels come in meanwhile they are left to the next refit, and the quality, which takes longest, may be left
        to it, too. A refit without new labels returns the last one.
        """
        return self._classifier.refit()

    @property
    def version(self) -> int:
        """The number of the newest classifier; 0 is the text alone."""
        return self._classifier.trainer.version

    @property
    def last_refit(self) -> Refit:
        """What the newest refit changed."""
        return self._classifier.fit.refit

    @property
    def quality(self) -> Quality | None:
        """Average precision over the whole corpus, estimated, and its interval; None while there are too few labels."""
        return self._classifier.fit.refit.quality

    @property
    def cross_validated(self) -> Quality | None:
        """Average precision on the labelled clips alone, cross-validated; None while there are too few labels.

        They were chosen, mostly among what is hard to tell: `quality` speaks of the corpus.
        """
        return self._classifier.fit.refit.cross_validated

    @property
    def quality_note(self) -> str:
        """Why there is no quality yet; empty when there is one. Does not wait for the first classifier."""
        return self._classifier.trainer.quality_note

    @property
    def diversity(self) -> float:
        """Data diversity of the labels by Video Annotator's definition, 0 to 1."""
        return self._classifier.fit.refit.diversity

    @property
    def advice(self) -> str:
        """What had best be done next, in one sentence; empty if there is nothing to say but to go on."""
        fit = self._classifier.fit
        return fit.advice([float(point.get("turnover", "nan")) for point in self._labels.history.points])

    @property
    def refits(self) -> pd.DataFrame:
        """Every refit of this concept, oldest first.

        DataFrame(version, labels, yes, no, ap, low, high, corpus_ap, corpus_low, corpus_high): `ap` is cross-validated
        on the labelled clips, `corpus_ap` is estimated for the whole corpus (up to version 0.1 it was not).
        """
        columns = ["version", "labels", "yes", "no", "ap", "low", "high", "corpus_ap", "corpus_low", "corpus_high"]
        return pd.DataFrame(self.course, columns=columns).astype(dict.fromkeys(columns[2:], float))

    @property
    def course(self) -> list[Mapping[str, Any]]:
        """The same as plain records, with "turnover", and with numbers only where they were measured."""
        return self._labels.history.points

    @property
    def threshold(self) -> tuple[float, str]:
        """The probability from which on a clip would be a yes if it were published now, and why it is this one."""
        return choose_threshold(*self._classifier.fit.measured_labels)

    def threshold_for(self, precision: float) -> tuple[float, str]:
        """The lowest probability from which on clips are a yes with a wanted precision, 0 to 1, and what to expect.

        It is estimated for all clips of the corpus, like `quality`; below 50 labels the words say how little is known.
        Raises ModelError for a precision that is none.
        """
        return self._classifier.fit.threshold_for(checked_precision(precision))

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
        self._labels.check_file()
        self.refit()
        fit = self._classifier.fit
        clips, y = self._labels.training_set()
        if not (y.any() and (~y).any()):
            raise NotEnoughLabelsError(
                "A model needs at least one yes and one no: label a few more clips, then publish."
            )
        threshold, why = choose_threshold(*fit.measured_labels) if precision is None else fit.threshold_for(precision)
        return publish(
            folder,
            name=name,
            concept=self.concept,
            guideline=self.guideline,
            encoder_fingerprint=self.corpus.encoder_fingerprint,
            classifier=fit.calibrated_classifier,
            labels=(clips, y),
            metrics=fit.refit.metrics(y),
            threshold=threshold,
            threshold_why=why,
        )

    # --- drawing ---------------------------------------------------------------------------------

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

        return plots.precision_recall(
            self._classifier.fit.held_out, self.threshold[0], self.quality_note, self.concept, ax
        )

    def report(self, path: GivenPath | None = None) -> Report:
        """A page for colleagues about this concept, which shows itself in a notebook; also written to `path`.

        It is one HTML file without scripts that needs nothing else. Raises ReportError if it cannot be written, and
        LabelError if the file of its labels is gone.
        """
        from va_widgets.display import report

        if path is not None:
            path = absolute_path(path, ReportError, "The report's file")
        self._labels.check_file()
        page = report.of(self)
        if path is not None:
            page.save(path)
        return page


def _reopened(corpus: Corpus, concept: str, annotator: str, seed: int, group_by: str = "video") -> Session:
    return Session(corpus, concept, annotator, seed=seed, group_by=group_by)


def _message_id(value: str | None) -> str | None:
    return None if value is None else arguments.text(value, "message_id", error=LabelError)
