"""Queries of other active-learning packages, imported when they are first asked.

They are part of the `benchmarks` extra. All of them learn with scikit-learn's LogisticRegression as it comes while they
query, as their manuals do; what is measured is VA's classifier on the labels that they asked for.

modAL 0.4.2.1, its last release, cannot be taught with scikit-learn 1.8 and later: `ActiveLearner.teach` ends in
"TypeError: check_X_y() got an unexpected keyword argument 'force_all_finite'". Its queries work, so that a new
ActiveLearner is made of all labels for each batch.

small-text's strategies drive its own wrappers of text classifiers and data sets; what it has for embeddings alone is
the coreset. Its breaking of ties is, for two classes, the margin query.
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

CANDIDATES = 8_000  # drawn at random from larger pools: most of these queries compare all clips with each other


def typiclust(state: State, k: int) -> Rows:
    """scikit-activeml's TypiClust: the most typical clips of clusters that have no label (Hacohen et al., 2022)."""
    return _asked(state, lambda pool, X, y: pool.TypiClust(random_state=_seed(state)).query(X, y, batch_size=k))


def probcover(state: State, k: int) -> Rows:
    """scikit-activeml's ProbCover: clips with the most others near them that nothing covers (Yehuda et al., 2022)."""

    def query(pool: Any, X: NDArray[np.float32], y: NDArray[np.float64]) -> Rows:
        chooser = pool.ProbCover(n_classes=2, random_state=state.task.seed)
        # It keeps what is near to what, which takes seconds to find out, as long as it is asked about the same clips.
        kept = state.task.memory.setdefault("probcover", chooser)
        return kept.query(X, y, batch_size=k)

    return _asked(state, query)


def badge(state: State, k: int) -> Rows:
    """scikit-activeml's BADGE: k-means++ on the gradients of the last layer (Ash et al., 2020)."""
    if _agreed(state):
        return zero_shot_query(state, k)
    return _asked(state, lambda pool, X, y: pool.Badge(random_state=_seed(state)).query(X, y, _learner(), batch_size=k))


def density(state: State, k: int) -> Rows:
    """scikit-activeml's uncertainty sampling (entropy), weighted by the mean cosine with all clips (Settles, 2009)."""
    if _agreed(state):
        return zero_shot_query(state, k)

    def query(pool: Any, X: NDArray[np.float32], y: NDArray[np.float64]) -> Rows:
        crowd = np.clip(X @ X.mean(axis=0), 0, None)
        chooser = pool.UncertaintySampling(method="entropy", random_state=_seed(state))
        return chooser.query(X, y, _learner(), utility_weight=crowd, batch_size=k)

    return _asked(state, query)


def coreset(state: State, k: int) -> Rows:
    """small-text's greedy coreset: each time the clip that is farthest from all labelled (Sener and Savarese, 2018)."""
    package = _imported("small_text", "small-text")
    free = np.setdiff1d(_some(state), state.rows)
    k = min(k, len(free))
    places = package.greedy_coreset(state.task.X, free, state.rows, k, distance_metric="euclidean")
    return free[np.asarray(places, dtype=np.int64)]


def modal_uncertainty(state: State, k: int) -> Rows:
    """Uncertainty sampling of modAL."""
    return _modal(state, k, "modAL.uncertainty", "uncertainty_sampling")


def modal_batch(state: State, k: int) -> Rows:
    """Ranked batches of modAL: uncertain clips that are far from those labelled or chosen (Cardoso et al., 2017)."""
    return _modal(state, k, "modAL.batch", "uncertainty_batch_sampling")


def _asked(state: State, query: Callable[[Any, NDArray[np.float32], NDArray[np.float64]], Rows]) -> Rows:
    """What a strategy of scikit-activeml answers about the labelled clips and others."""
    pool = _imported("skactiveml.pool", "scikit-activeml")
    kept = _some(state)
    labels = np.full(len(state.task.X), np.nan)
    labels[state.rows] = state.y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kept[np.asarray(query(pool, state.task.X[kept], labels[kept]), dtype=np.int64)]


def _modal(state: State, k: int, module: str, function: str) -> Rows:
    models = _imported("modAL.models", "modAL-python")
    if _agreed(state):
        return zero_shot_query(state, k)
    free = np.intersect1d(_some(state), np.flatnonzero(state.free))
    X, query = state.task.X, getattr(import_module(module), function)
    learner = models.ActiveLearner(LogisticRegression(max_iter=1000), query, X[state.rows], state.y)
    chosen, _ = learner.query(X[free], n_instances=k)
    return free[np.asarray(chosen, dtype=np.int64)]


def _some(state: State) -> Rows:
    """The labelled rows and CANDIDATES of all, the same at every step; ascending."""
    n = len(state.task.X)
    some = np.random.default_rng([state.task.seed, n]).choice(n, size=min(n, CANDIDATES), replace=False)
    return np.union1d(state.rows, some)


def _learner() -> Any:
    classifiers = import_module("skactiveml.classifier")
    return classifiers.SklearnClassifier(LogisticRegression(max_iter=1000), classes=[0, 1])


def _agreed(state: State) -> bool:
    return bool(state.y.all() or not state.y.any())


def _seed(state: State) -> int:
    return state.task.seed * 1000 + state.step


def _imported(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ExperimentError(f"This strategy needs {package}: pip install {package}.") from error
