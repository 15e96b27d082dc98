"""What is shown beside a classifier: quality with its interval, data diversity, and which labels look wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold

from va_widgets.learning.classifier import Classifier

FOLDS = 5
_RESAMPLES = 200
_INTERVAL = (5, 95)  # per cent
_FULL_CLUSTER = 10  # labels of a kind in a cluster from which it counts as covered


@dataclass(frozen=True)
class Quality:
    """Cross-validated average precision, 0 to 1, with a 90 % bootstrap interval."""

    ap: float
    low: float
    high: float


def cross_validated(
    X: NDArray[np.floating[Any]],
    y: NDArray[np.bool_],
    *,
    prior: NDArray[np.floating[Any]] | None = None,
    center: NDArray[np.floating[Any]] | None = None,
    background: NDArray[np.floating[Any]] | None = None,
    seed: int = 0,
) -> tuple[Quality | None, str, NDArray[np.float64] | None]:
    """Quality of the classifier on labels it was not fitted to, by stratified 5-fold cross-validation.

    Returns (quality, why there is none, P(yes) (n,) of each label by the fold that did not see it). With fewer than
    5 labels of either kind there is no quality, and the second says so.
    """
    missing = [
        f"{FOLDS - number} more {kind}"
        for number, kind in ((int(y.sum()), "yes"), (int((~y).sum()), "no"))
        if number < FOLDS
    ]
    if missing:
        return None, f"too few labels yet: {' and '.join(missing)} needed", None
    held_out = np.empty(len(y), dtype=np.float64)
    logits = np.empty(len(y), dtype=np.float64)
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(X, y):
        fold = Classifier(prior=prior, center=center, background=background).fit(X[train], y[train])
        logits[test] = fold.decision_function(X[test])
        held_out[test] = fold.predict_proba(X[test])[:, 1]
    rng = np.random.default_rng([seed, len(y)])
    yes, no = np.flatnonzero(y), np.flatnonzero(~y)
    resampled = []
    for _ in range(_RESAMPLES):  # stratified, so that every resample has both kinds
        rows = np.concatenate([rng.choice(yes, len(yes)), rng.choice(no, len(no))])
        resampled.append(_ap(y[rows], logits[rows]))
    low, high = np.percentile(resampled, _INTERVAL)
    ap = float(average_precision_score(y, logits))
    return Quality(ap, min(float(low), ap), max(float(high), ap)), "", held_out


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


def _ap(y: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Average precision as scikit-learn's, a hundred times faster on the few labels of a resample (ties are rare)."""
    hits = y[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())
