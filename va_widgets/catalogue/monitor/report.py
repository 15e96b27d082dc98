"""Monitor a published model on a corpus: what has changed, and which clips to label in order to know how good it is."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import ClipIds, described
from va_widgets.base.errors import ArgumentError, ModelError, NotEnoughLabelsError
from va_widgets.base.texts import counted
from va_widgets.catalogue.labelled import labels_in, present_name
from va_widgets.catalogue.monitor.compared import Compared, compared_with, reference_for
from va_widgets.catalogue.monitor.drift import Drift, measure_drift
from va_widgets.catalogue.monitor.estimate import LEVEL, Estimate, intervals
from va_widgets.catalogue.monitor.sample import Sample, draw
from va_widgets.catalogue.scores import score_columns
from va_widgets.corpus import Corpus
from va_widgets.labels.values import OMITTED, LabelledClips, read_labels
from va_widgets.models.model import Model
from va_widgets.models.reference import labels_of
from va_widgets.session import Session
from va_widgets.session.assigned import AssignedFeed, SessionStart

SAMPLE_FEED = "sample"
"""The name of the feed of a sample, and the source of the labels that are given in it."""

_FEWEST = 10  # labels that an estimate needs
_REASON = "drawn to measure"


def monitor(
    model: Model,
    corpus: Corpus,
    budget: int = 60,
    *,
    since: ClipIds | None = None,
    reference: Corpus | None = None,
    seed: int = 0,
) -> MonitorReport:
    """Say how a model's new clips differ from those it was published from, and draw a sample of them to label.

    Parameters
    ----------
    model : Model
    corpus : Corpus
        The corpus whose clips are monitored.
    budget : int
        How many clips the sample has; at most as many as are monitored.
    since : clip ids, optional
        The clips that the corpus had before, such as `corpus.clips.index` before `corpus.add`: only the others are
        monitored.
    reference : Corpus, optional
        What to compare with, for models that keep no sample of the corpus that they were published from, or in place
        of it. Without either, and with `since`, it is the clips that the corpus had before.
    seed : int
        The same model, clips, budget and seed give the same report and the same sample.

    Raises ArgumentError for a budget below 1 or above the number of clips, a corpus without clips to monitor or other
    wrong arguments; EncoderMismatchError if a corpus has embeddings of another encoder than the model's; ModelError if
    there is nothing to compare with, or a corpus lacks a view that the model has learned from.
    """
    arguments.instance(model, Model, "The model to monitor", "a va.Model, such as va.load_model returns")
    expected = "a va.Corpus, such as va.Corpus.open returns"
    arguments.instance(corpus, Corpus, "The corpus to monitor", expected)
    if reference is not None:
        arguments.instance(reference, Corpus, "The reference", expected)
    model.check_corpus(corpus)
    corpus = copy(corpus)  # which does not change when clips are added
    seed = arguments.seed(seed)
    budget = arguments.count(budget, "budget", least=1)
    known = set() if since is None else set(arguments.clip_ids(since, "since"))
    monitored = np.flatnonzero(~corpus.clips.index.isin(list(known)))
    if not len(monitored):
        why = "has no clips" if not len(corpus) else "has no clips that it had not before"
        raise ArgumentError(f"The corpus in {corpus.path} {why}: there is nothing to monitor.")
    if budget > len(monitored):
        raise ArgumentError(
            f"A sample of {budget:,} clips cannot be drawn from {len(monitored):,}: give a budget up to that."
        )
    before = reference_for(model, corpus, monitored, reference, seed)
    compared = compared_with(model, corpus, monitored, seed)
    drift = measure_drift(before, compared.as_reference, seed)
    scores = score_columns(corpus, {model.slug: model})[model.slug][monitored]
    sample = draw(scores, model.threshold, budget, seed)
    reference_yes = float((before.scores >= model.threshold).mean())
    return MonitorReport(model, corpus, monitored, compared, drift, sample, scores, (before.scores, reference_yes))


@dataclass(frozen=True, eq=False)
class MonitorReport:
    """What `va.monitor` found; a notebook shows it with the clips that look newest.

    Attributes
    ----------
    model : Model
    corpus : Corpus
    monitored : int64 (n,)
        The rows of the clips that were monitored.
    """

    model: Model
    corpus: Corpus = field(repr=False)
    monitored: NDArray[np.int64] = field(repr=False)
    compared: Compared = field(repr=False)
    measured: Drift = field(repr=False)
    drawn: Sample = field(repr=False)
    scores: NDArray[np.floating] = field(repr=False)
    reference: tuple[NDArray[np.float32], float] = field(repr=False)

    def __repr__(self) -> str:
        state = " ".join(self.alarms) or "no alarm."
        return (
            f"MonitorReport({self.model.name!r} v{self.model.version}, {counted(len(self.monitored), 'clip')}): {state}"
        )

    def _repr_html_(self) -> str:
        from va_widgets.display.monitor_report import report_html

        return report_html(self)

    @property
    def drift(self) -> pd.DataFrame:
        """The tests: DataFrame(test, distance, p, threshold, drifted), as `monitor.drift.Drift` describes them."""
        return self.measured.table

    @property
    def alarms(self) -> tuple[str, ...]:
        """What has changed, in plain words; empty if nothing has, as far as can be told."""
        alarms = []
        if self.measured.scores_drifted:
            now = float((self.compared.as_reference.scores >= self.model.threshold).mean())
            alarms.append(
                f"The scores of {described(self.model.name)} have changed: {now:.0%} of these clips are at its"
                f" threshold or above, {self.reference[1]:.0%} were before."
            )
        if self.measured.looks_drifted:
            told = self.measured.separability
            how = (
                "" if np.isnan(told) else f": of a new clip and one from before, {told:.0%} of the pairs are told apart"
            )
            alarms.append(f"The clips look otherwise than those that the model was published from{how}.")
        return tuple(alarms)

    @property
    def note(self) -> str:
        """Why nothing could be told, in one sentence; empty if it could."""
        if self.measured.decidable:
            return ""
        before, now = self.measured.videos
        return (
            f"There are too few videos to tell a change from chance ({before:,} before, {now:,} now), as the clips of"
            " a video resemble each other: label the sample, which does not need more."
        )

    @property
    def sample(self) -> pd.DataFrame:
        """The clips to label, in this order: DataFrame(clip_id, score = P(yes), stratum, probability).

        `stratum` is a number by ascending score, see `strata`, and `probability` how likely the clip was drawn.
        """
        rows = self.drawn.rows
        return pd.DataFrame(
            {
                "clip_id": self.corpus.clips.index[self.monitored[rows]],
                "score": self.scores[rows],
                "stratum": self.drawn.stratum,
                "probability": self.drawn.probabilities,
            }
        )

    @property
    def strata(self) -> pd.DataFrame:
        """The strata: DataFrame(low, high, above, clips, sampled); `low` and `high` are the scores of their clips."""
        low, high = self.drawn.edges.T
        return pd.DataFrame(
            {
                "low": low,
                "high": high,
                "above": self.drawn.above,
                "clips": self.drawn.sizes,
                "sampled": self.drawn.numbers,
            }
        )

    def newest(self, k: int = 12) -> pd.DataFrame:
        """Return the `k` clips that look newest, at most one of each video: DataFrame(clip_id, newness), first."""
        k = arguments.count(k, "k")
        rows, newness = self.compared.newest(self.measured.direction, k)
        return pd.DataFrame({"clip_id": self.corpus.clips.index[rows], "newness": newness})

    def session(self, annotator: str = "me", *, seed: int = 0, group_by: str = "video") -> Session:
        """Return a session of the model's concept in this corpus, which goes on from the model.

        Its first feed is the sample, and its classifier learns from the labels that the model was fitted to, beside
        those of this corpus. What it publishes is the model's next version. Calling it again resumes the session.

        Raises ModelError if the model keeps no labels, and what `va.Session` raises.
        """
        inherited = labels_of(self.model)
        if inherited is None:
            raise ModelError(
                f"The model {described(self.model.name)} keeps no labels to go on from, as it was published by an older"
                " version: publish it again where it was labelled, and monitor that version."
            )
        feed = AssignedFeed(SAMPLE_FEED, tuple(self.sample["clip_id"]), _REASON)
        start = SessionStart((feed,), self.model, inherited)
        concept = present_name(self.corpus, self.model.concept)
        return Session(self.corpus, concept, annotator, seed=seed, group_by=group_by, start=start)

    def estimate(self, labels: LabelledClips | None = None) -> Estimate:
        """Return precision, recall and prevalence in the monitored clips from the sample's labels, with intervals.

        Only labels of the sample count, in its order up to the first clip without one: clips that were labelled because
        a feed found them interesting would bias it.

        Parameters
        ----------
        labels : {clip_id: True, False or "unsure"}, optional
            Those to use, also as a Series or table as for `Session.label`; the labels in the corpus about the model's
            concept if not given.

        Raises NotEnoughLabelsError below 10 labels, or if a stratum has none.
        """
        if labels is None:
            votes = labels_in(self.corpus, self.model.concept)
        else:
            votes = pd.Series(read_labels(labels, OMITTED), dtype=object)
        values = votes.reindex(self.sample["clip_id"]).to_numpy(dtype=object)
        open_ones = np.flatnonzero(pd.isna(values))
        first = int(open_ones[0]) if len(open_ones) else len(values)
        values, stratum = values[:first], self.drawn.stratum[:first]
        clear, yes = np.isin(values, ["yes", "no"]), values == "yes"
        k = len(self.drawn.sizes)
        numbers, hits = np.bincount(stratum[clear], minlength=k), np.bincount(stratum[yes], minlength=k)
        total = int(numbers.sum())
        if total < min(_FEWEST, len(self.drawn.rows)) or (numbers == 0).any():
            if not len(open_ones):
                raise NotEnoughLabelsError(
                    f"All {len(values)} clips of the sample are labelled, {total} of them yes or no: too few, or none"
                    " in some range of scores. Draw a larger sample by va.monitor(…, budget=…); the labels stay."
                )
            more = f" The next one to label is {described(self.sample['clip_id'].iloc[first])}."
            raise NotEnoughLabelsError(
                f"The sample has {counted(total, 'label')} in its order: label at least {_FEWEST} of its clips, and"
                f" some of every range of scores, in the feed {SAMPLE_FEED!r} of report.session().{more}"
            )
        skipped = len(values) - total
        method = (
            f"{LEVEL:.0%} intervals, from {counted(total, 'label')} of a random sample of"
            f" {counted(len(self.monitored), 'clip')}, in {k} ranges of scores"
            f"{f'; {skipped} without a clear answer are left out' if skipped else ''}"
        )
        shares = intervals(self.drawn.sizes, numbers, hits, self.drawn.above)
        return Estimate(*shares, labels=total, yes=int(hits.sum()), method=method)
