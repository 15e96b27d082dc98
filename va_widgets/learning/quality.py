"""What is shown beside a classifier: quality with its interval, data diversity, and which labels look wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from va_widgets.base.threads import one_blas_thread
from va_widgets.learning.logistic import TextLogistic

FOLDS, REPEATS = 5, 3
_RESAMPLES = 200
_AT_ONCE = 20  # resamples, so that tens of thousands of labels fit into memory
_INTERVAL = (5, 95)  # per cent
_MOST_GROUPS = 100  # above this some go together, as StratifiedGroupKFold takes 0.4 ms for each
_ONE_REPEAT = 500  # labels from which on other folds change little
_FULL_CLUSTER = 10  # labels of a kind in a cluster from which it counts as covered
_LEAST = 5  # labels of each kind from which a quality is said


@dataclass(frozen=True)
class Quality:
    """Average precision, 0 to 1, with a 90 % interval, and how it was measured."""

    ap: float
    low: float
    high: float
    method: str = ""


@dataclass(frozen=True)
class CrossValidation:
    """What classifiers say of labels that they were not fitted to.

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
    """Quality of a classifier's kind on labels that it was not fitted to, by stratified 5-fold cross-validation.

    It is repeated three times with other folds, below 500 labels, and a label's logit is the mean of the three. With
    fewer than 5 labels of either kind there is no quality. It is a figure about those labels: they were chosen by the
    annotator and the feeds, mostly among what is hard to tell.

    Parameters
    ----------
    X : float (n, dim), y : bool (n,)
        Embeddings and labels.
    classifier : TextLogistic
        Its settings are what counts; it is not changed.
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
    left_out, how = _folds(y, groups, group, seed)
    with one_blas_thread():  # whoever waits for the next label needs the other ones
        found = classifier.held_out(X, y, left_out, scored, wanted=lambda: not stopped())
    if found is None:
        return None
    repeats = len(left_out) // FOLDS
    logits = found.sum(axis=0) / repeats
    times = f", {repeats} times," if repeats > 1 else ""
    method = f"{FOLDS}-fold cross-validation{times} on the {len(y)} clips that were chosen to be labelled{how}"
    return CrossValidation(_measured(y, logits, method, seed), "", logits)


def _folds(
    y: NDArray[np.bool_], groups: NDArray[np.integer[Any]] | None, group: str, seed: int
) -> tuple[NDArray[np.bool_], str]:
    """Return which labels each fit leaves out, bool (fits, n), and words about what is kept together."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    n, how = len(y), ""
    splitter: type[StratifiedKFold] | type[StratifiedGroupKFold] = StratifiedKFold
    known, groups = (None, None) if groups is None else np.unique(groups, return_inverse=True)
    if known is not None and groups is not None and len(known) < n:
        if min(len(np.unique(groups[y])), len(np.unique(groups[~y]))) < FOLDS:
            how = f", in folds over clips, because yes or no come from fewer than {FOLDS} {group}s"
        else:
            splitter, how = StratifiedGroupKFold, f", those of one {group} in one fold"
            groups = np.random.default_rng(seed).permutation(len(known))[groups] % _MOST_GROUPS
    repeats = REPEATS if n < _ONE_REPEAT else 1
    left_out = np.zeros((FOLDS * repeats, n), dtype=bool)
    for repeat in range(repeats):
        folds = splitter(FOLDS, shuffle=True, random_state=seed + repeat)
        together = groups if splitter is StratifiedGroupKFold else None
        for fold, (_, test) in enumerate(folds.split(np.zeros(n), y, together)):
            left_out[repeat * FOLDS + fold, test] = True
    return left_out, how


def too_few(y: NDArray[np.bool_]) -> str:
    """How many labels (n,) are missing until there is a quality; empty if there are enough."""
    missing = [
        f"{_LEAST - number} more {kind}"
        for number, kind in ((int(y.sum()), "yes"), (int((~y).sum()), "no"))
        if number < _LEAST
    ]
    return f"too few labels yet: {' and '.join(missing)} needed" if missing else ""


def at_random(y: NDArray[np.bool_], held_out: NDArray[np.float64], drawn: NDArray[np.bool_]) -> Quality | None:
    """Quality on those labels (n,) whose clips were drawn at random, which stand for the corpus; None if too few.

    `held_out` are cross-validated logits or P(yes), float64 (n,), and `drawn` tells the labels that came from the
    random feed. The interval is that of a share AP among k positives (Jeffreys'): a bootstrap's is too narrow, since
    resamples of a few labels that are all ranked rightly are, too.
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
    """Data diversity, 0 to 1: how evenly the labels cover the corpus's clusters, as Video Annotator defines it.

    For the positives the sum over clusters of min(count, 10) / 10, the same for the negatives, over 2 * n_clusters
    (Ziai and Vartakavi, arXiv 2402.06560).
    """
    total = 0.0
    for clusters in (clusters_yes, clusters_no):
        counts = np.bincount(np.asarray(clusters, dtype=np.int64), minlength=n_clusters)
        total += float(np.minimum(counts, _FULL_CLUSTER).sum()) / _FULL_CLUSTER
    return total / (2 * n_clusters)


def suspicion(y: NDArray[np.bool_], held_out: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the cross-validated classifier disagrees with each label: |y - P(yes)|, float64 (n,), 0 to 1."""
    return np.abs(y.astype(np.float64) - held_out)


def _measured(y: NDArray[np.bool_], scores: NDArray[np.float64], method: str, seed: int) -> Quality:
    rng = np.random.default_rng([seed, len(y)])
    hits = y[np.argsort(-scores, kind="stable")]
    drawn = [_ap(hits, _resampled(hits, rng)) for _ in range(0, _RESAMPLES, _AT_ONCE)]
    low, high = np.percentile(np.concatenate(drawn), _INTERVAL)
    (ap,) = _ap(hits, np.ones((1, len(y))))
    return Quality(float(ap), min(float(low), float(ap)), max(float(high), float(ap)), method)


def _resampled(hits: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64]:
    """How many times each label is in some resamples, (_AT_ONCE, n): stratified, so that each has both kinds."""
    times = np.zeros((_AT_ONCE, len(hits)))
    for kind in (hits, ~hits):
        number = np.count_nonzero(kind)
        times[:, kind] = rng.multinomial(number, np.full(number, 1 / number), size=_AT_ONCE)
    return times


def _ap(hits: NDArray[np.bool_], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average precision (m,) as scikit-learn's, of labels (n,) best first that are there so many times each (m, n).

    Labels with the same score are hardly ever there; the same label several times has one score.
    """
    found = times * hits
    precision = np.cumsum(found, axis=1) / np.maximum(np.cumsum(times, axis=1), 1)
    averages: NDArray[np.float64] = (found * precision).sum(axis=1) / found.sum(axis=1)
    return averages
