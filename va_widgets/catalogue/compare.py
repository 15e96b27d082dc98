"""Two versions of a model side by side on a corpus: which clips changed sides, and which is better on the same labels.

A version that has learned from a label would look good on it: `cross_fit` scores such clips. Both versions are treated
alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import described
from va_widgets.base.errors import ArgumentError, NotEnoughLabelsError
from va_widgets.base.texts import counted
from va_widgets.catalogue.cross_fit import held_out_scores
from va_widgets.catalogue.labelled import labels_in
from va_widgets.catalogue.scores import score_columns
from va_widgets.corpus import Corpus
from va_widgets.models.model import Model
from va_widgets.session.corpus_view import CorpusView

_RESAMPLES = 2000
_LEVEL = 0.95
_FEWEST_VIDEOS = 8  # below so many videos labels are drawn one by one
_FEWEST = 3  # labels of each value that a comparison needs


class Difference(NamedTuple):
    """One measure of both versions on the same labels, and the newer one's less the older one's, with 95 % interval."""

    newer: float
    older: float
    difference: float
    low: float
    high: float

    def __str__(self) -> str:
        return (
            f"{self.newer:.2f} against {self.older:.2f} ({self.difference:+.2f}, {self.low:+.2f} to {self.high:+.2f})"
        )


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `Model.compare` found; a notebook shows the clips that changed sides.

    Attributes
    ----------
    newer, older : Model
    corpus : Corpus
    flipped : DataFrame(clip_id, before, after, becomes, label)
        Clips on different sides of the versions' own thresholds, the largest change first: P(yes) by the older version
        and by the newer one, "yes" or "no" by the newer one, and what annotators said, "" for nothing.
    ap : Difference
        Average precision.
    right : Difference
        The share of labels that a version is right about at its own threshold.
    labels, cross_fitted : int
        How many labels these are measured on, and for how many of them a version had learned from the label.
    left_out : int
        How many labels are not among them, because a version had learned from them and has too few others.
    """

    newer: Model
    older: Model
    corpus: Corpus = field(repr=False)
    flipped: pd.DataFrame = field(repr=False)
    ap: Difference
    right: Difference
    labels: int
    cross_fitted: int
    weighted: bool = field(repr=False)
    left_out: int = field(default=0, repr=False)

    @property
    def better(self) -> bool | None:
        """Whether the newer version is better: True or False where the interval of `ap` is on one side of 0, or None.

        Where the average precision decides nothing, the share of labels that are right does.
        """
        for measure in (self.ap, self.right):
            if measure.low > 0:
                return True
            if measure.high < 0:
                return False
        return None

    @property
    def verdict(self) -> str:
        """Which version is better, in plain words."""
        newer, older = (f"version {model.version}" for model in (self.newer, self.older))
        if self.newer.name != self.older.name:
            newer, older = (f"{model.name} v{model.version}" for model in (self.newer, self.older))
        labels = counted(self.labels, "label")
        figures = f"average precision {self.ap}, right at its threshold {self.right}, on the same {labels}"
        if self.better is None:
            return (
                f"{_capital(newer)} is not better than {older} as far as these labels tell: {figures}. Keep {older},"
                " or label more clips."
            )
        if self.better:
            return f"{_capital(newer)} is better than {older}: {figures}."
        return f"{_capital(newer)} is worse than {older}: {figures}. Keep {older}: newer.withdraw(…) takes it back."

    @property
    def method(self) -> str:
        """How the quality was measured."""
        weighting = ", weighted so that they stand for the whole corpus" if self.weighted else ""
        left_out = (
            f" {self.left_out} more are left out, as a version that has learned from them has too few others."
            if self.left_out
            else ""
        )
        return (
            f"On {counted(self.labels, 'label')} of this corpus{weighting}. {self.cross_fitted} of them had been"
            " learned from: there a version is fitted again without the labels of the same videos."
            f"{left_out} Intervals are 95 %, by a paired bootstrap."
        )

    def __str__(self) -> str:
        return f"{self.verdict} {len(self.flipped):,} of {counted(len(self.corpus), 'clip')} changed sides."

    def _repr_html_(self) -> str:
        from va_widgets.display.comparison import comparison_html

        return comparison_html(self)


def compare(
    newer: Model, older: Model, corpus: Corpus, *, sample: pd.DataFrame | None = None, seed: int = 0
) -> Comparison:
    """Compare two versions of a model, or two models of one concept, on the labels of a corpus.

    Parameters
    ----------
    newer, older : Model
    corpus : Corpus
        With labels about the newer version's concept.
    sample : DataFrame(clip_id, probability), optional
        The `sample` of a monitor's report: only its labels count then, each for as many clips as it stands for.
    seed : int
        Of the resamples.

    Raises NotEnoughLabelsError below 3 labels of either value, EncoderMismatchError or ModelError if a version cannot
    score the corpus, ArgumentError for other wrong arguments.
    """
    for model, name in ((newer, "The newer version"), (older, "The older version")):
        arguments.instance(model, Model, name, "a va.Model, such as va.load_model returns")
        model.check_corpus(corpus)
    seed = arguments.seed(seed)
    view = CorpusView.of(corpus, seed)
    votes = labels_in(corpus, newer.concept)
    votes = votes[view.contains(votes.index.tolist())]
    answers = votes[votes.isin(["yes", "no"])]
    weights = np.ones(len(answers))
    if sample is not None:
        probabilities = _probabilities(sample)
        answers = answers[answers.index.isin(probabilities.index)]
        weights = 1 / probabilities.loc[answers.index].to_numpy(dtype=float)
    y = (answers == "yes").to_numpy()
    if min(int(y.sum()), int((~y).sum())) < _FEWEST:
        raise NotEnoughLabelsError(
            f"A comparison needs {_FEWEST} clips labelled yes and {_FEWEST} labelled no for"
            f" {described(newer.concept)}, and there are {int(y.sum())} and {int((~y).sum())}: label more of them."
        )
    rows = view.rows(answers.index.tolist())
    scored = [held_out_scores(model, view, rows) for model in (newer, older)]
    known = ~np.isnan(scored[0][0] + scored[1][0])
    if min(int(y[known].sum()), int((~y[known]).sum())) < _FEWEST:
        raise NotEnoughLabelsError(
            f"One of the versions has learned from these labels, and has too few others to be judged on them: label"
            f" {_FEWEST} other clips yes and {_FEWEST} no for {described(newer.concept)}."
        )
    y, rows, weights = y[known], rows[known], weights[known]
    scores, learned = [one[known] for one, _ in scored], (scored[0][1] | scored[1][1])[known]
    right = [(one >= model.threshold) == y for one, model in zip(scores, (newer, older), strict=True)]
    videos = view.arrays.videos[rows]
    groups = videos if len(np.unique(videos)) >= _FEWEST_VIDEOS else np.arange(len(rows))
    pair = scores[0], scores[1]

    def precision(times: NDArray[np.float64]) -> tuple[float, float]:
        return _average_precision(y, pair[0], times), _average_precision(y, pair[1], times)

    def share(times: NDArray[np.float64]) -> tuple[float, float]:
        return float(times @ right[0] / times.sum()), float(times @ right[1] / times.sum())

    return Comparison(
        newer,
        older,
        view.corpus,
        _flipped(newer, older, view.corpus, votes),
        _paired(precision, y, weights, groups, seed),
        _paired(share, y, weights, groups, seed),
        len(y),
        int(learned.sum()),
        sample is not None,
        int((~known).sum()),
    )


def _probabilities(sample: object) -> pd.Series[float]:
    """Return how likely each clip of a sample was drawn, by clip_id. Raises ArgumentError if it is no sample."""
    expected = "sample must be the `sample` of a monitor's report, with clip_id and a probability above 0 and up to 1."
    if not isinstance(sample, pd.DataFrame) or not {"clip_id", "probability"} <= set(sample.columns):
        raise ArgumentError(expected)
    probabilities = sample.drop_duplicates("clip_id").set_index("clip_id")["probability"]
    if not all(arguments.is_within(value, 0, 1, above=True) for value in probabilities):
        raise ArgumentError(expected)
    return probabilities


def _flipped(newer: Model, older: Model, corpus: Corpus, votes: pd.Series[str]) -> pd.DataFrame:
    """Return the clips on different sides of the thresholds, as `Comparison.flipped` describes them."""
    # One by one: two versions have the same name.
    after, before = (score_columns(corpus, {"": model})[""] for model in (newer, older))
    rows = np.flatnonzero((after >= newer.threshold) != (before >= older.threshold))
    rows = rows[np.argsort(-np.abs(after[rows] - before[rows]), kind="stable")]
    clips = corpus.clips.index[rows]
    return pd.DataFrame(
        {
            "clip_id": clips,
            "before": before[rows],
            "after": after[rows],
            "becomes": np.where(after[rows] >= newer.threshold, "yes", "no"),
            "label": votes.reindex(clips).fillna("").to_numpy(dtype=object),
        }
    )


def _paired(
    measure: Callable[[NDArray[np.float64]], tuple[float, float]],
    y: NDArray[np.bool_],
    weights: NDArray[np.float64],
    groups: NDArray[np.integer[Any]],
    seed: int,
) -> Difference:
    """Return a measure of both versions and the interval of its difference, by resamples of whole groups.

    `measure` returns it for both by how often each label (n,) counts.
    """
    newer, older = measure(weights)
    numbers = np.unique(groups, return_inverse=True)[1].ravel()
    rng = np.random.default_rng(seed)
    k = int(numbers.max()) + 1
    differences = []
    for _ in range(_RESAMPLES):
        times = weights * np.bincount(rng.integers(k, size=k), minlength=k)[numbers]
        if times[y].sum() and times[~y].sum():
            after, before = measure(times)
            differences.append(after - before)
    tail = 100 * (1 - _LEVEL) / 2
    low, high = np.percentile(differences, (tail, 100 - tail)) if differences else (-1.0, 1.0)
    difference = newer - older
    return Difference(newer, older, difference, min(float(low), difference), max(float(high), difference))


def _average_precision(y: NDArray[np.bool_], scores: NDArray[np.float64], times: NDArray[np.float64]) -> float:
    """Return the average precision of scores (n,), each label counting `times` (n,)."""
    order = np.argsort(-scores, kind="stable")
    hits = times[order] * y[order]
    precision = np.cumsum(hits) / np.maximum(np.cumsum(times[order]), 1e-12)
    return float((hits * precision).sum() / hits.sum())


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
