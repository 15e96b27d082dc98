"""Measures of a classifier and its labels: quality with its interval, data diversity, and suspicious labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from va_widgets.base.threads import one_blas_thread
from va_widgets.learning.folds import FOLDS, drawn_folds
from va_widgets.learning.logistic import TextLogistic

_RESAMPLES = 200
_AT_ONCE = 20  # resamples computed at a time, so that tens of thousands of labels fit into memory
_INTERVAL = (5, 95)  # per cent
_FULL_CLUSTER = 10  # labels of one value in a cluster from which on it counts as covered
_LEAST = 5  # labels of each value that a quality needs


@dataclass(frozen=True)
class Quality:
    """Average precision, 0 to 1, with a 90 % interval, and how it was measured."""

    ap: float
    low: float
    high: float
    method: str = ""


@dataclass(frozen=True)
class CrossValidation:
    """Logits of labels by classifiers that were not fitted to them, and the quality that follows.

    `quality` is None while there are too few labels, and `note` says so; `logits`, float64 (n,), are the mean over the
    repeats, None where there is no quality.
    """

    quality: Quality | None
    note: str
    logits: NDArray[np.float64] | None


def cross_validated(
    X: NDArray[np.floating[Any]],
    y: NDArray[np.bool_],
    classifier: TextLogistic,
    *,
    scored: NDArray[np.floating[Any]] | None = None,
    groups: NDArray[np.integer[Any]] | None = None,
    group: str = "video",
    seed: int = 0,
    stopped: Callable[[], bool] = lambda: False,
) -> CrossValidation | None:
    """Return the result of a stratified 5-fold cross-validation of a classifier's settings; None if it was stopped.

    Below 500 labels it is repeated three times with other folds, and a label's logit is the mean of the three. With
    fewer than 5 labels of either value there is no quality. The quality is that of ranking these labels. They were
    chosen by the annotator and the feeds, mostly among the clips that are hard to classify, and do not represent the
    corpus.

    Parameters
    ----------
    X : float (n, dim), y : bool (n,)
        Embeddings and labels.
    classifier : TextLogistic
        Only its settings are used; it is not changed.
    scored : float (n, dim), optional
        The vectors whose logits are a label's, if these are not `X`: the `smoothing.smoothed_embeddings`.
    groups : int (n,), optional
        Labels of one group, such as the clips of a video, are in one fold, since they resemble each other. Where labels
        of either kind come from fewer than 5 groups, folds are drawn over clips, and the quality's method says so.
    group : str
        What a group is, in the words of that method.
    stopped : callable
        Called before every step of the fits; None is returned once it is true.
    """
    if note := too_few(y):
        return CrossValidation(None, note, None)
    left_out, how = drawn_folds(y, groups, group, seed)
    with one_blas_thread():  # the other cores are left to the annotator's requests
        held_out = classifier.held_out(X, y, left_out, scored, stopped)
    if held_out is None:
        return None
    repeats = len(left_out) // FOLDS
    logits = held_out.sum(axis=0) / repeats
    times = f", {repeats} times," if repeats > 1 else ""
    method = f"{FOLDS}-fold cross-validation{times} on the {len(y)} clips that were chosen to be labelled{how}"
    return CrossValidation(_measured(y, logits, method, seed), "", logits)


def too_few(y: NDArray[np.bool_]) -> str:
    """Return how many more labels than these (n,) a quality needs, as a text; empty if there are enough."""
    missing = [
        f"{_LEAST - number} more {kind}"
        for number, kind in ((int(y.sum()), "yes"), (int((~y).sum()), "no"))
        if number < _LEAST
    ]
    return f"too few labels yet: {' and '.join(missing)} needed" if missing else ""


def at_random(y: NDArray[np.bool_], held_out: NDArray[np.float64], drawn: NDArray[np.bool_]) -> Quality | None:
    """Return the quality on those labels (n,) whose clips were drawn at random; None if there are too few.

    They represent the corpus. `held_out` are cross-validated logits or P(yes), float64 (n,), and `drawn` is whether
    each label came from the random feed. The interval is that of a share AP among k positives (Jeffreys'). A
    bootstrap's is too narrow: if a few labels are all ranked correctly, so are all resamples of them.
    """
    y, held_out = y[drawn], held_out[drawn]
    k = int(y.sum())
    if min(k, len(y) - k) < _LEAST:
        return None
    ap = float(_ap(y[np.argsort(-held_out, kind="stable")], np.ones((1, len(y))))[0])
    low, high = (float(betaincinv(k * ap + 0.5, k * (1 - ap) + 0.5, edge / 100)) for edge in _INTERVAL)
    method = f"cross-validated, on the {len(y)} labelled clips that were drawn at random"
    return Quality(ap, min(low, ap), max(high, ap), method)


def diversity(
    clusters_yes: NDArray[np.integer[Any]], clusters_no: NDArray[np.integer[Any]], n_clusters: int = 10
) -> float:
    """Return the data diversity, 0 to 1, as Video Annotator defines it: how evenly labels cover the corpus's clusters.

    For the positives the sum over clusters of min(count, 10) / 10, the same for the negatives, over 2 * n_clusters
    (Ziai and Vartakavi, arXiv 2402.06560).
    """
    total = 0.0
    for clusters in (clusters_yes, clusters_no):
        counts = np.bincount(np.asarray(clusters, dtype=np.int64), minlength=n_clusters)
        total += float(np.minimum(counts, _FULL_CLUSTER).sum()) / _FULL_CLUSTER
    return total / (2 * n_clusters)


def suspicion(y: NDArray[np.bool_], held_out: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far the cross-validated classifier disagrees with each label: |y - P(yes)|, float64 (n,), 0 to 1."""
    return np.abs(y.astype(np.float64) - held_out)


def _measured(y: NDArray[np.bool_], scores: NDArray[np.float64], method: str, seed: int) -> Quality:
    """Return the average precision of scores (n,) for labels (n,), with a bootstrap's interval."""
    rng = np.random.default_rng([seed, len(y)])
    hits = y[np.argsort(-scores, kind="stable")]
    drawn = [_ap(hits, _resampled(hits, rng)) for _ in range(0, _RESAMPLES, _AT_ONCE)]
    low, high = np.percentile(np.concatenate(drawn), _INTERVAL)
    (ap,) = _ap(hits, np.ones((1, len(y))))
    return Quality(float(ap), min(float(low), float(ap)), max(float(high), float(ap)), method)


def _resampled(hits: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return how often each label is in each resample, (_AT_ONCE, n); stratified, so that each has both values."""
    times = np.zeros((_AT_ONCE, len(hits)))
    for kind in (hits, ~hits):
        number = np.count_nonzero(kind)
        times[:, kind] = rng.multinomial(number, np.full(number, 1 / number), size=_AT_ONCE)
    return times


def _ap(hits: NDArray[np.bool_], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the average precision (m,), as scikit-learn's, of m resamples of labels.

    `hits` (n,) says whether each label is a yes, best score first, and `times` (m, n) how often it is in each resample.
    Copies of a label have the same score; that two labels have is neglected.
    """
    positives = times * hits
    precision = np.cumsum(positives, axis=1) / np.maximum(np.cumsum(times, axis=1), 1)
    averages: NDArray[np.float64] = (positives * precision).sum(axis=1) / positives.sum(axis=1)
    return averages
