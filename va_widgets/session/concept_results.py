"""What comes out of labelling a concept: labels, scores, quality, a threshold, the clips found, models and plots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from va_widgets.base.renaming import FormerName
from va_widgets.labels.agreement import table
from va_widgets.labels.concept_labels import ConceptLabels
from va_widgets.learning.quality import Quality
from va_widgets.learning.trainer import Refit
from va_widgets.models.model import Model
from va_widgets.session import publishing
from va_widgets.session.assigned import NOTHING, SessionStart
from va_widgets.session.concept_classifier import ConceptClassifier
from va_widgets.session.corpus_view import CorpusView
from va_widgets.session.found_clips import FoundClips
from va_widgets.session.replay import Moment, Replay, replay, replay_version
from va_widgets.session.story import story

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class ConceptResults:
    """The labels of a concept and the results of its newest classifier; `Session`, which extends it, adds labels.

    Whatever needs the classifier waits for the first one. Plots raise MissingPackageError without matplotlib.

    Parameters
    ----------
    view : CorpusView
    labels : ConceptLabels
    classifier : ConceptClassifier
    start : SessionStart
    """

    def __init__(
        self, view: CorpusView, labels: ConceptLabels, classifier: ConceptClassifier, start: SessionStart = NOTHING
    ) -> None:
        self.corpus = view.corpus
        self.concept = labels.concept
        self._view = view
        self._labels = labels
        self._classifier = classifier
        self._start = start

    # --- labels and the newest classifier --------------------------------------------------------

    @property
    def labels(self) -> pd.DataFrame:
        """All annotators' labels together, by clip_id: value ("yes", "no", "unsure", "tie"), annotators, agree, …

        `value` is what counts: the majority, unless there are `primary_annotators` or a decision (`adjudicate`), whose
        annotator is named in `decided`.
        """
        return table(self._labels.store.labels(self.concept), self._labels.rule)

    @property
    def version(self) -> int:
        """The number of the newest classifier; 0 is the text alone."""
        return self._classifier.trainer.version

    def scores(self) -> pd.Series[float]:
        """Return the calibrated P(yes) of every clip under the newest classifier, by clip_id."""
        return self._classifier.scores()

    @property
    def last_refit(self) -> Refit:
        """What the newest refit changed."""
        return self._classifier.fit.refit

    @property
    def advice(self) -> str:
        """What to do next, in one sentence; empty where that is to go on labelling."""
        return self._classifier.advice()

    # --- how good it is --------------------------------------------------------------------------

    @property
    def quality(self) -> Quality | None:
        """Average precision over the whole corpus, estimated, and its interval; None while there are too few labels."""
        return self.last_refit.quality

    @property
    def cross_validated(self) -> Quality | None:
        """Average precision on the labelled clips alone, cross-validated; None while there are too few labels.

        They were chosen, mostly because the classifier was unsure of them: `quality` is the figure for the corpus.
        """
        return self.last_refit.cross_validated

    @property
    def quality_note(self) -> str:
        """Why there is no quality yet; empty when there is one. Does not wait for the first classifier."""
        return self._classifier.trainer.quality_note

    @property
    def diversity(self) -> float:
        """Data diversity of the labels by Video Annotator's definition, 0 to 1."""
        return self.last_refit.diversity

    @property
    def refits(self) -> pd.DataFrame:
        """Every refit of this concept, oldest first.

        DataFrame(version, labels, yes, no, ap, low, high, corpus_ap, corpus_low, corpus_high): `ap` is cross-validated
        on the labelled clips, `corpus_ap` is estimated for the whole corpus (up to version 0.1 it was not).
        """
        return self._labels.refits().table()

    @property
    def refit_history(self) -> list[Mapping[str, Any]]:
        """The same as plain records, with "turnover", and with numbers only where they were measured."""
        return self._labels.refits().points

    course = FormerName("refit_history")

    # --- what it was like ------------------------------------------------------------------------

    def replay(self, until: Moment) -> Replay:
        """Return the labels, the classifier and the feeds as they were, to the bit over the same corpus and machine.

        `until` is the number of a label event, as in `history`, or a time: a datetime or a text in ISO 8601, which
        without a time zone is UTC. The classifier is that of the newest refit at that time.
        Raises LabelError for anything else, and where refits were stored without what they had learned from.
        """
        return replay(self._view, self._labels, self._classifier, until)

    def at(self, version: int) -> Replay:
        """Return the labels, the classifier and the feeds as they were after a refit, by its version in `refits`.

        Raises LabelError if there is none of that number, or it was stored without what it had learned from.
        """
        return replay_version(self._view, self._labels, self._classifier, version)

    @property
    def story(self) -> pd.DataFrame:
        """What became of the concept, oldest first: every refit, and every other event, such as a new guideline.

        DataFrame(event, time, kind, version, labels, yes, no, corpus_ap, corpus_low, corpus_high, diversity,
        prevalence, flipped, turnover, detail). `event` is the newest label event by then, `kind` "refit" or that of the
        event, `prevalence` the estimated share of yes in the corpus, `flipped` how many clips changed sides of 0.5.
        """
        return story(self._labels, len(self.corpus))

    # --- the clips found, and the published model ------------------------------------------------

    @property
    def threshold(self) -> tuple[float, str]:
        """The probability from which on a clip would be a yes if it were published now, and why it is this one."""
        return publishing.threshold(self._classifier.fit)

    @property
    def expectation(self) -> str:
        """What to expect of the clips found: how many are right, how many missing, in words without terms."""
        return self._classifier.fit.expectation

    def threshold_for(self, precision: float) -> tuple[float, str]:
        """Return the lowest probability from which on clips are a yes with a precision, 0 to 1, and what to expect.

        It is estimated for all clips of the corpus, like `quality`; below 50 labels the words say how little is known.
        Raises ModelError for a precision that is none.
        """
        return publishing.threshold(self._classifier.fit, precision)

    def found(self) -> pd.DataFrame:
        """Return the clips found so far, best first: DataFrame(clip_id, video, start, end, score = P(yes), label).

        They are those labelled yes, and those without a yes or no that score at `threshold` or above.
        """
        return self._found_clips.table()

    @property
    def number_found(self) -> int:
        """How many clips `found` has; cheaper than the table."""
        return len(self._found_clips)

    @property
    def _found_clips(self) -> FoundClips:
        return FoundClips(self._view, self._labels, self._classifier.fit.probabilities, self.threshold[0])

    def publish(self, name: str, precision: float | None = None, *, pictures: bool = True) -> Model:
        """Write the classifier as a new, immutable version of a model called `name`, beside the corpus.

        Its threshold is the one with the best F1, or with a `precision`, 0 to 1, that of `threshold_for`. Its README.md
        shows small pictures of labelled clips and of clips at the threshold, unless `pictures` is False.
        Raises NotEnoughLabelsError without at least one yes and one no, ModelError for a name or a precision that is
        none and where nothing can be written, LabelError if the file of its labels is gone.
        """
        parts = self._view, self._labels, self._classifier
        return publishing.publish_classifier(*parts, name, precision, pictures, self._start.model)

    # --- plots -----------------------------------------------------------------------------------

    def plot_history(self, ax: Axes | None = None) -> Axes:
        """Draw quality with its interval, and the number of labels, over the refits; returns the axes drawn on."""
        from va_widgets.display import plots

        return plots.history(self.refits, self.concept, ax)

    def plot_story(self) -> list[Axes]:
        """Draw quality, diversity, prevalence and flips over the label events, one below the other; returns the axes.

        Events of the concept, such as a new guideline, are marked.
        """
        from va_widgets.display import plots

        return plots.story(self.story, self.concept)

    def plot_scores(self, ax: Axes | None = None) -> Axes:
        """Draw a histogram of all scores, the labelled clips and the proposed threshold; returns the axes drawn on."""
        from va_widgets.display import plots

        return plots.scores(self.scores(), self.labels["value"], self.threshold[0], self.concept, ax)

    def plot_precision_recall(self, ax: Axes | None = None) -> Axes:
        """Draw cross-validated precision against recall and the proposed threshold; returns the axes drawn on.

        With too few labels the axes say so.
        """
        from va_widgets.display import plots

        held_out = self._classifier.fit.held_out
        return plots.precision_recall(held_out, self.threshold[0], self.quality_note, self.concept, ax)
