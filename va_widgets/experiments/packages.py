"""Queries of other active-learning packages, each imported at its first call.

The packages are part of the `benchmarks` extra. Queries that need a classifier use scikit-learn's LogisticRegression
with default settings, as the packages' manuals do. The measured AP is that of VA's classifier on the labels that the
query chose.

modAL 0.4.2.1, its last release, does not work with scikit-learn 1.8 and later: `ActiveLearner.teach` raises
"TypeError: check_X_y() got an unexpected keyword argument 'force_all_finite'". Its queries work, so a new
ActiveLearner is made from all labels for each batch.

small-text's strategies need its own wrappers of text classifiers and data sets, except for the coreset, which works on
embeddings. Its `BreakingTies` is not here because, for two classes, it is the margin query.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from va_widgets.experiments.errors import ExperimentError
from va_widgets.experiments.queries import zero_shot_query
from va_widgets.experiments.tasks import Rows, State

CANDIDATES = 8_000  # larger pools are subsampled at random, because most of these queries compare all pairs of clips


def typiclust(state: State, k: int) -> Rows:
    """Choose the most typical clips of unlabelled clusters: scikit-activeml's TypiClust (Hacohen et al., 2022)."""
    return _skactiveml(state, lambda pool, X, y: pool.TypiClust(random_state=_seed(state)).query(X, y, batch_size=k))


def probcover(state: State, k: int) -> Rows:
    """Choose clips with the most uncovered neighbours: scikit-activeml's ProbCover (Yehuda et al., 2022)."""

    def query(pool: Any, X: NDArray[np.float32], y: NDArray[np.float64]) -> Rows:
        chooser = pool.ProbCover(n_classes=2, random_state=state.task.seed)
        # It caches the neighbours of all clips, which take seconds to compute, as long as the clips stay the same.
        cached = state.task.memory.setdefault("probcover", chooser)
        return cached.query(X, y, batch_size=k)

    return _skactiveml(state, query)


def badge(state: State, k: int) -> Rows:
    """Choose by k-means++ on the gradients of the last layer: scikit-activeml's BADGE (Ash et al., 2020)."""
    if _has_one_class(state):
        return zero_shot_query(state, k)
    return _skactiveml(
        state, lambda pool, X, y: pool.Badge(random_state=_seed(state)).query(X, y, _learner(), batch_size=k)
    )


def density(state: State, k: int) -> Rows:
    """Choose by entropy times the mean cosine with all clips, from scikit-activeml (Settles, 2009)."""
    if _has_one_class(state):
        return zero_shot_query(state, k)

    def query(pool: Any, X: NDArray[np.float32], y: NDArray[np.float64]) -> Rows:
        densities = np.clip(X @ X.mean(axis=0), 0, None)
        chooser = pool.UncertaintySampling(method="entropy", random_state=_seed(state))
        return chooser.query(X, y, _learner(), utility_weight=densities, batch_size=k)

    return _skactiveml(state, query)


def coreset(state: State, k: int) -> Rows:
    """Choose again and again the clip farthest from all labelled: small-text's coreset (Sener and Savarese, 2018)."""
    package = _imported("small_text", "small-text")
    free = np.setdiff1d(_candidates(state), state.rows)
    k = min(k, len(free))
    positions = package.greedy_coreset(state.task.X, free, state.rows, k, distance_metric="euclidean")
    return free[np.asarray(positions, dtype=np.int64)]


def modal_uncertainty(state: State, k: int) -> Rows:
    """Choose by modAL's uncertainty sampling."""
    return _modal(state, k, "modAL.uncertainty", "uncertainty_sampling")


def modal_batch(state: State, k: int) -> Rows:
    """Choose uncertain clips far from those labelled or chosen: modAL's ranked batches (Cardoso et al., 2017)."""
    return _modal(state, k, "modAL.batch", "uncertainty_batch_sampling")


def _skactiveml(state: State, query: Callable[[Any, NDArray[np.float32], NDArray[np.float64]], Rows]) -> Rows:
    """Call a query of scikit-activeml with the labelled clips and the candidates; returns the chosen rows."""
    pool = _imported("skactiveml.pool", "scikit-activeml")
    rows = _candidates(state)
    labels = np.full(len(state.task.X), np.nan)
    labels[state.rows] = state.y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rows[np.asarray(query(pool, state.task.X[rows], labels[rows]), dtype=np.int64)]


def _modal(state: State, k: int, module: str, function: str) -> Rows:
    """Call a query of modAL with the labelled clips and the unlabelled candidates; returns the chosen rows."""
    models = _imported("modAL.models", "modAL-python")
    if _has_one_class(state):
        return zero_shot_query(state, k)
    free = np.intersect1d(_candidates(state), np.flatnonzero(state.free))
    X, query = state.task.X, getattr(import_module(module), function)
    learner = models.ActiveLearner(LogisticRegression(max_iter=1000), query, X[state.rows], state.y)
    chosen, _ = learner.query(X[free], n_instances=k)
    return free[np.asarray(chosen, dtype=np.int64)]


def _candidates(state: State) -> Rows:
    """Return the labelled rows and CANDIDATES random rows, ascending; the random ones are the same at every step."""
    n = len(state.task.X)
    drawn = np.random.default_rng([state.task.seed, n]).choice(n, size=min(n, CANDIDATES), replace=False)
    return np.union1d(state.rows, drawn)


def _learner() -> Any:
    classifiers = import_module("skactiveml.classifier")
    return classifiers.SklearnClassifier(LogisticRegression(max_iter=1000), classes=[0, 1])


def _has_one_class(state: State) -> bool:
    return bool(state.y.all() or not state.y.any())


def _seed(state: State) -> int:
    return state.task.seed * 1000 + state.step


def _imported(module: str, package: str) -> Any:
    """Import a module. Raises ExperimentError if its package is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ExperimentError(f"This strategy needs {package}: pip install {package}.") from error
