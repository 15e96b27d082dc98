"""The session: one annotator's labels, classifier and feeds for one concept of a corpus."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.arguments import ClipIds, described, is_one_of
from va_widgets.base.errors import LabelError, VaWarning
from va_widgets.base.listeners import Listener, Listeners
from va_widgets.base.paths import GivenPath, inside
from va_widgets.base.renaming import FormerName
from va_widgets.corpus import Corpus, Filmstrip, TextSearch
from va_widgets.corpus.manifest import APPEARANCE
from va_widgets.corpus.open_corpus import ClipFilter
from va_widgets.labels.concept_labels import ConceptLabels
from va_widgets.labels.concept_log import ConceptLog
from va_widgets.labels.label_status import LabelStatus
from va_widgets.labels.label_store import LABELS_FILE as LABELS_FILE
from va_widgets.labels.label_store import LabelStore, StoredValue
from va_widgets.labels.majority import ADJUDICATION
from va_widgets.labels.review import check_review, review_table
from va_widgets.labels.shared import StoreUser
from va_widgets.labels.values import OMITTED, LabelledClips, LabelValues, read_labels
from va_widgets.labels.watching import watch
from va_widgets.learning.feeds import FEEDS
from va_widgets.learning.trainer import Refit
from va_widgets.session.assigned import NOTHING, SessionStart
from va_widgets.session.concept_changes import ConceptChanges
from va_widgets.session.concept_classifier import ConceptClassifier
from va_widgets.session.corpus_view import CorpusView, check_corpus
from va_widgets.session.dividing import ASSIGNED
from va_widgets.session.open_sessions import OpenSessions
from va_widgets.session.searching import ConceptSearch
from va_widgets.session.second_reading import SECOND_READING
from va_widgets.session.several_annotators import SeveralAnnotators

if TYPE_CHECKING:
    from va_widgets.display.report import Report


class Session(SeveralAnnotators, ConceptChanges):
    """An annotator at work on one concept of a corpus: the labelling, by `SeveralAnnotators` what the annotators of the
    concept do together, and by `ConceptResults` what comes out of it.

    `ConceptChanges` is what is done to the concept as a whole: guideline, name, merging, hints, remarks on clips.

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
        What the classifier finds, in words; it is also the text that the first feeds are ranked by.
    annotator : str
        Whose labels these are. A name, or a concept, that looks exactly as one in the label file is that one.
    seed : int
        The same labels in the same order and the same seed give the same classifier and the same feeds.
    group_by : str
        The column of `corpus.clips` whose values cross-validation keeps together in one fold: clips of one video, or of
        one programme or camera, resemble each other.
    start : SessionStart
        What the session of this concept begins with; `va.monitor(…).session` makes one.
    snapshots : bool
        Whether the labels are copied to the corpus's folder "backups" once an hour while they change. The copies are
        kept for a day, and the last one of each day for a week. False has an effect where no other session of this
        process makes them.

    A concept that is new, where there is another one whose name differs by no more than its case, is opened with a
    VaWarning.

    Raises LabelError if the concept's or the annotator's name cannot be used, the concept was renamed, or the labels
    cannot be read; ArgumentError if `corpus` is no corpus, `seed` no seed, or `group_by` no column to group clips by.
    Plots raise MissingPackageError without matplotlib.

    A session that is pickled or copied, deeply or not, is opened again where it arrives, from what is on disk; its
    listeners do not come with it.
    """

    def __init__(
        self,
        corpus: Corpus,
        concept: str,
        annotator: str = "me",
        *,
        seed: int = 0,
        group_by: str = "video",
        start: SessionStart = NOTHING,
        snapshots: bool = True,
    ) -> None:
        check_corpus(corpus)
        LabelStore.check_names(annotator, concept)
        seed = arguments.seed(seed)
        view = CorpusView.of(corpus, seed, group_by)
        user = StoreUser(inside(corpus.path, LABELS_FILE, error=LabelError), snapshots=snapshots)
        annotator, concept = user.store.concept_log.spelled(annotator, concept)
        _warn_of_another(user.store.concept_log, concept)
        self._begin(view, user, concept, annotator, OpenSessions(), {concept: start})
        self._siblings.add(concept, self)

    def _begin(
        self,
        view: CorpusView,
        user: StoreUser,
        concept: str,
        annotator: str,
        siblings: OpenSessions[Session],
        starts: dict[str, SessionStart],
    ) -> None:
        user.store.concept_log.check_not_renamed(concept)
        self._listeners = Listeners()
        labels = ConceptLabels(user, concept, annotator, self._listeners)
        start = starts.get(concept, NOTHING)
        classifier = ConceptClassifier(view, labels, self._listeners, start.inherited)
        super().__init__(view, labels, classifier, start)
        self._starts = starts
        self.annotator = annotator
        self.seed = view.arrays.seed
        self._search = ConceptSearch(view.corpus, labels, classifier)
        self._siblings = siblings

    def __reduce__(self) -> tuple[Callable[..., Session], tuple[Any, ...]]:
        snapshots = self._labels.snapshots
        group = self._view.arrays.group
        opened = partial(Session, seed=self.seed, group_by=group, start=self._start, snapshots=snapshots)
        return opened, (self.corpus, self.concept, self.annotator)

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
        """Call `listener(event, data)` on the thread of each "labels", "refit" and "status"; returns what stops it.

        What other processes store is noticed within a second, as long as there is a listener. The data of "labels" are
        `labels`, this annotator's by clip, and `others`, the clips that others have labelled.
        """
        stop = self._listeners.add(arguments.function(listener, "The listener"))
        watch(self._labels)
        return stop

    # --- the concept, and other concepts of the corpus -------------------------------------------

    @property
    def concept_note(self) -> str:
        """A sentence with the part of the concept that the model reads, if it is too long for it; otherwise empty."""
        return self._search.concept_note

    def for_concept(self, concept: str) -> Session:
        """Return the same annotator's session of another concept of the corpus, which may be new.

        There is one session a concept among those that were opened from one another, so that all listeners of a
        concept get its events.
        Raises LabelError if the concept's name cannot be used, or it was renamed.
        """
        LabelStore.check_names(self.annotator, concept)
        given = self.annotator, concept
        _, concept = self._labels.read(lambda store: store.concept_log.spelled(*given), given)

        def open_session() -> Session:
            session = Session.__new__(Session)
            user = self._labels.another_user()
            session._begin(self._view, user, concept, self.annotator, self._siblings, self._starts)
            return session

        return self._siblings.get(concept, self, open_session)

    def _under(self, name: str) -> Session:
        self._starts[name] = self._start  # the clips that the annotator was given to label
        return self.for_concept(name)

    @property
    def concepts(self) -> pd.DataFrame:
        """Every concept opened so far: DataFrame(concept, annotators, yes, no, unsure, guideline), by name.

        Those that are archived are left out: see `archived_concepts`, and `corpus.concepts` for all of them.
        """
        table = self.all_concepts
        return table[~table["concept"].isin(self._labels.archived())].reset_index(drop=True)

    @property
    def all_concepts(self) -> pd.DataFrame:
        """The same as `concepts` with those that are archived."""
        return self._labels.concepts(self._siblings.concepts)

    def forget_concept(self, concept: str) -> None:
        """Take another concept that has neither labels nor a guideline, such as a mistyped one, out of `concepts`.

        Its searches are removed. Raises LabelError if it is this session's own, or has labels or a guideline.
        """
        LabelStore.check_names(self.annotator, concept)
        if concept == self.concept:
            raise LabelError(f"The concept {described(concept)} is open: open another one first.")
        self._labels.forget(concept)
        self._siblings.hide(concept)

    # --- searching, and looking at clips ---------------------------------------------------------

    @property
    def searchable(self) -> bool:
        """Whether the corpus can be searched by text."""
        return self.corpus.searchable

    @property
    def text_search(self) -> TextSearch:
        """Whether texts can be searched for now, and if not, why, and what to do. Loads nothing."""
        return self.corpus.text_search

    def answers_at_once(self, text: str) -> bool:
        """Whether a search for this text needs no model that is not loaded yet."""
        return self._search.answers_at_once(text)

    def search(self, text: str, k: int = 24, *, where: ClipFilter | None = None) -> pd.DataFrame:
        """Return the `k` clips nearest to a text: DataFrame(clip_id, score = cosine), best first.

        Camera moves that the text names are ranked by, `attrs` of the table say so, `attrs["note"]` also reasons not to
        rely on it, and `where` chooses the clips, all as with `Corpus.search`. The concept itself is searched for
        without the text model once its vector is stored.

        Raises SearchUnavailableError if the corpus has no text encoder, or it cannot be loaded, ArgumentError if the
        text is none, `k` is no whole number or `where` no filter.
        """
        return self._search.search(arguments.text(text, "The text to search for"), arguments.count(k, "k"), where)

    def similar(
        self, clip_id: str, k: int = 24, *, by: str | Sequence[str] = APPEARANCE, where: ClipFilter | None = None
    ) -> pd.DataFrame:
        """Return the `k` clips most like a clip: DataFrame(clip_id, score = cosine), best first.

        They look like it, or, `by` other views of the corpus than "appearance", move like it. `where` is that of
        `search`.
        """
        return self.corpus.similar(clip_id, k, by=by, where=where)

    @property
    def queries(self) -> list[str]:
        """This annotator's searches for this concept, newest first."""
        return self._labels.queries

    def filmstrip(self, clip_id: str) -> Filmstrip:
        """Return a clip's frames side by side in one picture."""
        return self.corpus.filmstrip(clip_id)

    def preview(self, clip_id: str, context: float = 0.0) -> bytes:
        """Return a clip as a short H.264 file, as `Corpus.preview` returns it."""
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
            Where the clips come from, such as the name of a feed; at most 64 characters. A label from "adjudication"
            is a decision, as `adjudicate` makes it.

        Returns the stored value of each clip. Raises UnknownClipError if clips are not in the corpus, LabelError for
        anything else that cannot be stored or is not clear, and of that NotSavedError where the label store cannot be
        written now; it then stores nothing.
        """
        if is_one_of(source, (ADJUDICATION,)):
            return self.adjudicate(clip_id, value, message_id=message_id)
        labels = read_labels(clip_id, value)
        self._view.check_known(list(labels))
        return self._labels.append(labels, source, self.version, message_id)

    def undo(self, *, message_id: str | None = None) -> dict[str, StoredValue]:
        """Revert this annotator's newest action. Returns the clips' values now, {} if there is nothing to undo."""
        return self._labels.undo(message_id)

    def redo(self, *, message_id: str | None = None) -> dict[str, StoredValue]:
        """Do again what `undo` reverted last. Returns the clips' values now, {} if there is nothing to redo."""
        return self._labels.redo(message_id)

    @property
    def status(self) -> LabelStatus:
        """Counts, pending label events, and whether there is something to undo or redo, all of it at one moment."""
        return self._labels.status(lambda: self._classifier.trainer.event)

    standing = FormerName("status")

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to undo."""
        return self.status.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is an action to redo."""
        return self.status.can_redo

    @property
    def counts(self) -> dict[str, int]:
        """How many clips count as yes, no and unsure."""
        return self.status.counts

    @property
    def pending(self) -> int:
        """How many label events are newer than the newest classifier."""
        return self.status.pending

    @property
    def own_labels(self) -> dict[str, StoredValue]:
        """This annotator's own labels: {clip_id: "yes" | "no" | "unsure"}."""
        return self._labels.own()

    def review(self, value: str = "all", order: str = "suspicion", annotator: str | None = None) -> pd.DataFrame:
        """Return all labelled clips: DataFrame(clip_id, value, suspicion, note, time).

        Suspicion is how far the cross-validated classifier disagrees with the label, 0 to 1; NaN while there are
        too few labels. `value` keeps only "yes", "no", "unsure" or "tie", or with "disputed" what annotators
        disagree about. `order` puts the most "suspicion", the "newest" or the annotators' "disagreement" first. With
        an `annotator` it is about the clips that this one has labelled, and `value` and `time` are theirs.
        """
        check_review(value, order, annotator)
        events = self._labels.store.labels(self.concept)
        suspicion, rule = self._classifier.suspicion(), self._labels.rule
        return review_table(events, suspicion, self._view.contains, value, order, annotator, rule)

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

    # --- refits and feeds ------------------------------------------------------------------------

    def refit(self) -> Refit:
        """Fit the classifier to the present labels, score every clip, and return what changed.

        If labels come in meanwhile they are left to the next refit, and the quality, which takes longest, may be left
        to it, too. A refit without new labels returns the last one.
        """
        return self._classifier.refit()

    @property
    def feeds(self) -> tuple[str, ...]:
        """The names of the feeds; those of clips that the annotator was given to label, and of hints, come first.

        "assigned" is there after `divide`, and "second_reading" where others have labels.
        """
        return self._shared.names((*(feed.name for feed in self._start.feeds), *self._hint_sources, *FEEDS))

    def feed(self, name: str, k: int = 24, *, exclude: ClipIds = ()) -> pd.DataFrame:
        """Return the next `k` clips of a feed: DataFrame(clip_id, score = P(yes), reason).

        Clips that anybody has labelled for this concept never appear, but gold clips, and those of "assigned" and
        "second_reading", appear until this annotator has labelled them. Those of `exclude`, which are the clips already
        shown on earlier pages, do not. The same labels and seed give the same feed.

        Raises LabelError if there is no feed of that name, ArgumentError if `k` is no whole number, or `exclude` does
        not hold clip ids.
        """
        if not is_one_of(name, (*self.feeds, ASSIGNED, SECOND_READING)):
            raise LabelError(f"There is no feed called {described(name)}: choose one of {', '.join(self.feeds)}.")
        k, exclude = arguments.count(k, "k"), arguments.clip_ids(exclude, "exclude")
        given = self._start.feed(name)
        if given is None and (other := self._hint_sources.get(name)) is not None:
            given = self._hint_feed(name, other)
        if given is not None:
            return self._classifier.assigned_feed(given, k, exclude)
        if name == SECOND_READING:
            return self._shared.second_reading(self.annotator, k, exclude)
        if name == ASSIGNED:
            page = self._classifier.assigned_feed(self._shared.share(), k, exclude)
        else:
            page = self._classifier.feed(name, k, exclude)
        return self._shared.with_gold(page, name, k, exclude)

    def report(self, path: GivenPath | None = None) -> Report:
        """Return a page for colleagues about this concept, which a notebook shows; also write it to `path`.

        It is one HTML file without scripts that needs nothing else. Raises ReportError if it cannot be written, and
        LabelError if the file of its labels is gone.
        """
        from va_widgets.display import report

        self._labels.check_file()
        return report.of(self, path)


def _warn_of_another(log: ConceptLog, concept: str) -> None:
    """Warn whoever opens a new concept whose name is nearly that of another one, as "Night" is of "night"."""
    if not log.is_used(concept) and (alike := log.look_alike(concept)) is not None:
        warnings.warn(
            f"The concept {described(concept)} is new, and there is also {described(alike)}: open that one if you mean"
            " it, and take this one out of the list of concepts by session.forget_concept(…).",
            VaWarning,
            stacklevel=3,
        )
