"""A concept that several people label: who agrees with whom, whose labels count, and who labels what."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.arguments import ClipIds, described, is_one_of, listed
from va_widgets.base.errors import LabelError, VaWarning
from va_widgets.labels.annotator_agreement import AnnotatorAgreement, agreement_of, answers_table
from va_widgets.labels.label_store import LabelStore, StoredValue
from va_widgets.labels.majority import ADJUDICATION, Answers
from va_widgets.labels.spelling import Spellings
from va_widgets.labels.values import OMITTED, LabelledClips, LabelValues, read_labels
from va_widgets.learning.feeds import FEEDS
from va_widgets.session.concept_results import ConceptResults
from va_widgets.session.dividing import SHARES, divided
from va_widgets.session.gold import GOLD, accuracy, gold_of
from va_widgets.session.shared_feeds import SharedFeeds


class SeveralAnnotators(ConceptResults):
    """What a session says of all annotators of its concept together, and what it lets them do together."""

    @property
    def _shared(self) -> SharedFeeds:
        return SharedFeeds(self._view, self._labels, self._classifier)

    # --- who says what ---------------------------------------------------------------------------

    @property
    def annotators(self) -> pd.DataFrame:
        """Who has labels for this concept: DataFrame(annotator, yes, no, unsure), by name."""
        return self._labels.annotators()

    @property
    def labels_by_annotator(self) -> pd.DataFrame:
        """Each annotator's labels in a column of its own, by clip_id: "yes", "no", "unsure", or None."""
        return answers_table(self._labels.store.labels(self.concept), self._labels.rule)

    def answers(self, clips: ClipIds) -> dict[str, Answers]:
        """Return what annotators say of some clips, and who has decided between them, by clip."""
        return self._labels.answers(arguments.clip_ids(clips, "clips"))

    def agreement(self, *, unsure: bool = False) -> AnnotatorAgreement:
        """Return how far the annotators agree, on clips with labels of two or more: `print` it.

        It has the share of clips whose labels are all equal, as Video Annotator reports it, raw agreement, Gwet's AC1,
        Fleiss' kappa and Krippendorff's alpha, and Cohen's kappa of every two annotators, with 95 % intervals by
        bootstrap over the clips. Labels that decide between others (`adjudicate`) are left out. "unsure" is no answer,
        or with `unsure` a third value.
        """
        unsure = arguments.flag(unsure, "unsure")
        answers = answers_table(self._labels.store.labels(self.concept), self._labels.rule, decisions=False)
        return agreement_of(answers, unsure=unsure, seed=self._view.arrays.seed)

    # --- whose labels count ----------------------------------------------------------------------

    @property
    def primary_annotators(self) -> tuple[str, ...]:
        """Whose labels count over those of the others, by name; none at first.

        Where they have a majority it counts; elsewhere, also where they draw, that of all annotators does. Without
        primary annotators the majority of all counts, as in the aggregated labels of Video Annotator's release; with
        one, the classifier learns from that annotator's labels, as in its checkpoints. It is kept with the labels, and
        all sessions of the concept follow. Where nobody has labelled yet, any names are taken, with a VaWarning. Raises
        LabelError for what is no list of names, and for one who has labelled nothing where others have.
        """
        return tuple(sorted(self._labels.rule.primary))

    @primary_annotators.setter
    def primary_annotators(self, names: Iterable[str]) -> None:
        given = _names(names, "primary_annotators", self.concept)
        self._labels.check_file()
        known, _ = self._labels.store.concept_log.known_names()
        spelled = list(dict.fromkeys(map(Spellings([*known, self._labels.annotator]).of, given)))
        unknown = [name for name in spelled if name not in (*known, self._labels.annotator)]
        if unknown and known:
            near = get_close_matches(unknown[0].casefold(), {name.casefold(): name for name in known}, n=1)
            meant = next((name for name in known if name.casefold() in near), "")
            hint = f"did you mean {meant!r}?" if meant else f"there are {listed(known)}."
            raise LabelError(f"The annotator {described(unknown[0])} has labelled nothing: {hint}")
        if unknown:
            warnings.warn(
                f"Nobody has labelled yet: check how {listed(unknown)} will be spelled in va.Session(…, annotator=…).",
                VaWarning,
                stacklevel=2,
            )
        self._labels.set_primary(spelled)

    def adjudicate(
        self, clip_id: LabelledClips, value: LabelValues = OMITTED, *, message_id: str | None = None
    ) -> dict[str, StoredValue]:
        """Decide what counts for clips that annotators label differently. Arguments and result are those of `label`.

        The decision is a label with the source "adjudication". It counts over any majority until its annotator changes
        it, takes it back or undoes it, or somebody else decides anew. Raises LabelError, and then stores nothing, if
        annotators do not differ about a clip, or this one has labelled it and there is another one who has not.
        """
        labels = read_labels(clip_id, value)
        self._view.check_known(list(labels))
        self._check_decider(labels)
        return self._labels.append(labels, ADJUDICATION, self.version, message_id)

    def may_decide(self, clips: ClipIds) -> list[bool]:
        """Whether this annotator may decide about each of some clips."""
        names = list(self.annotators["annotator"])
        return [answers.may_decide(self._labels.annotator, names) for answers in self.answers(clips).values()]

    def _check_decider(self, clips: Collection[str]) -> None:
        """Raise LabelError unless this annotator may decide about all of some clips."""
        me, names = self._labels.annotator, list(self.annotators["annotator"])
        for clip, answers in self._labels.answers(clips).items():
            if not (answers.differ or answers.decision):
                raise LabelError(f"Annotators do not differ about the clip {described(clip)}: label it instead.")
            if not answers.may_decide(me, names):
                others = listed(sorted(set(names).difference(answers.votes)))
                raise LabelError(
                    f"{me!r} has labelled the clip {described(clip)} and cannot decide about it: {others} can."
                )

    # --- clips whose answer is known -------------------------------------------------------------

    def set_gold(self, clips: LabelledClips, value: LabelValues = OMITTED, *, rate: float = 0.1) -> None:
        """Mix clips whose answer is known into every annotator's feeds, as about `rate` of them, 0 to 1.

        Clips and answers are given as to `label`; they take the place of those given before, and are kept with the
        labels. Each annotator gets each clip once. Nothing on a card tells them apart: its reason is that of the clips
        beside it, and its score is shown as one between theirs. There are none in "random", whose labels measure how
        frequent a yes is, and in "second_reading". The answers themselves are no labels.
        Raises LabelError for an answer that is neither yes nor no, UnknownClipError for clips that the corpus lacks,
        ArgumentError for a rate that is none.
        """
        labels = read_labels(clips, value)
        self._view.check_known(list(labels))
        gold = gold_of(labels, arguments.number(rate, "rate", least=0, most=1))
        self._labels.keep(GOLD, gold.document())

    @property
    def gold_clips(self) -> pd.Series[str]:
        """The clips whose answer is known: "yes" or "no" by clip_id."""
        answers = self._shared.gold.answers
        return pd.Series(dict(answers), index=pd.Index(list(answers), dtype=str, name="clip_id"), dtype=object)

    def gold_accuracy(self) -> pd.DataFrame:
        """Return how often each annotator is right: DataFrame(annotator, clips, right, unsure, accuracy, low, high).

        `clips` are the gold clips that an annotator has labelled yes or no, the interval is Wilson's, of 95 %.
        """
        events = self._labels.store.labels(self.concept)
        return accuracy(self._shared.gold, answers_table(events, self._labels.rule, decisions=False))

    # --- who labels what -------------------------------------------------------------------------

    def divide(
        self,
        feed: str | Iterable[str] | pd.DataFrame,
        annotators: Iterable[str],
        k: int = 200,
        *,
        overlap: float = 0.0,
        readers: int = 2,
    ) -> pd.DataFrame:
        """Divide clips among annotators, whose sessions then show their share as the feed "assigned".

        The same labels and seed give the same shares. They are kept with the labels, and take the place of those given
        before. "assigned" shows what its annotator has not labelled, whoever else has, without scores.

        Parameters
        ----------
        feed : str, or clip ids
            The feed of which the next `k` clips are divided, or the first `k` of some clips.
        annotators : of str
        overlap : float
            The share of clips, 0 to 1, that several annotators get, independently of each other.
        readers : int
            How many get such a clip. With 1.0 and as many readers as annotators all label all clips, as in Video
            Annotator's study.

        Returns DataFrame(annotator, clip_id) in the order of the feeds. Raises LabelError for a feed or names that
        cannot be used, UnknownClipError for clips that the corpus lacks, ArgumentError for numbers that make no sense.
        """
        names = _names(annotators, "annotators", self.concept)
        if not names:
            raise LabelError("Clips can be divided among one annotator or more: name them.")
        k = arguments.count(k, "k")
        overlap = arguments.number(overlap, "overlap", least=0, most=1)
        readers = arguments.count(readers, "readers", least=1)
        if overlap and readers > len(names):
            raise LabelError(f"{readers} of {len(names)} annotators cannot get a clip: name more, or lower `readers`.")
        if is_one_of(feed, FEEDS):
            clips = self._classifier.feed(str(feed), k, ())["clip_id"].tolist()
        elif isinstance(feed, str):
            raise LabelError(f"The feed {described(feed)} cannot be divided: choose one of {', '.join(FEEDS)}.")
        else:
            clips = list(dict.fromkeys(arguments.clip_ids(feed, "feed")))[:k]
            self._view.check_known(clips)
        shares = divided(clips, names, overlap, readers, self._view.arrays.seed)
        self._labels.keep(SHARES, shares)
        return _table(shares)

    @property
    def shares(self) -> pd.DataFrame:
        """The clips that were divided among annotators: DataFrame(annotator, clip_id) in the order of the feeds."""
        return _table(self._shared.shares)

    def second_reading(self, annotator: str | None = None, k: int = 24) -> pd.DataFrame:
        """Return `k` clips that others have labelled and an annotator has not: DataFrame(clip_id, score, reason).

        Half of them are the most suspicious ones, the others are drawn at random, and their order tells nothing about
        it. The table holds nothing from which the others' answers could be guessed: `score` is NaN. Clips that were
        decided on (`adjudicate`) are left out. Without a name it is for this session's annotator, who has the same
        clips as the feed "second_reading".
        """
        annotator = self._labels.annotator if annotator is None else annotator
        LabelStore.check_names(annotator, self.concept)
        return self._shared.second_reading(annotator, arguments.count(k, "k"))


def _names(names: object, what: str, concept: str) -> list[str]:
    """Return the names of annotators, each once. Raises LabelError for one that cannot be used."""
    given = arguments.items(names, what, "a list of annotators' names", error=LabelError)
    for name in given:
        LabelStore.check_names(name, concept)
    return list(dict.fromkeys(given))


def _table(shares: Mapping[str, list[str]]) -> pd.DataFrame:
    rows = [(name, clip) for name, clips in shares.items() for clip in clips]
    return pd.DataFrame(rows, columns=["annotator", "clip_id"])
