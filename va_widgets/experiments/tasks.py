"""The parts of a strategy, a learner and a query, and the data that they get: types and functions on arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from va_widgets.corpus.manifest import MOTION
from va_widgets.learning.statistics import CorpusStatistics, sample_of
from va_widgets.learning.views import APPEARANCE, View

Rows: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = NDArray[np.floating[Any]]
Fitted: TypeAlias = Callable[[NDArray[np.float32]], Scores]


@dataclass(frozen=True)
class Task:
    """The data that a strategy gets before the first label: everything but the truth.

    Attributes
    ----------
    X : float32 (n, dim)
        The embeddings to label from, L2-normalised; for a strategy with `views`, followed by the columns of the pool's
        other views.
    views : {name: slice}
        Which columns of X are those of other views.
    text : float32 (dim,), optional
        The concept's text embedding.
    videos : int (n,), optional
    seed : int
        Of this run. `rng` is seeded with it.
    memory : dict
        Values that learners and queries keep from one step to the next.
    """

    X: NDArray[np.float32]
    text: NDArray[np.float32] | None
    videos: NDArray[np.int64] | None
    seed: int
    rng: np.random.Generator
    memory: dict[str, Any] = field(default_factory=dict)
    views: Mapping[str, slice] = field(default_factory=dict)

    def parts(self, X: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the columns of rows of X, (k, ...), by view, the embeddings' among them."""
        ends = [columns.start for columns in self.views.values()]
        return {APPEARANCE: X[:, : min(ends, default=X.shape[1])]} | {name: X[:, at] for name, at in self.views.items()}

    @property
    def zero_shot_scores(self) -> NDArray[np.float32]:
        """Zero-shot scores float32 (n,): every embedding's dot product with the text, or random without a text."""
        if "zero_shot_scores" not in self.memory:
            embeddings = self.parts(self.X)[APPEARANCE]
            scores = self.rng.random(len(self.X)) if self.text is None else embeddings @ self.text
            self.memory["zero_shot_scores"] = scores.astype(np.float32)
        return self.memory["zero_shot_scores"]

    @property
    def statistics(self) -> CorpusStatistics:
        """Mean, spread and a sample of the embeddings, as a session computes them for its corpus."""
        if "statistics" not in self.memory:
            self.memory["statistics"] = CorpusStatistics.of(self.parts(self.X)[APPEARANCE], self.seed)
        return self.memory["statistics"]

    @property
    def other_views(self) -> list[View]:
        """The other views, as a session has them."""
        if "views" not in self.memory:
            parts = self.parts(self.X)
            self.memory["views"] = [
                View(name, partial(parts.__getitem__, name), sample_of(parts[name], self.seed), name == MOTION)
                for name in self.views
            ]
        return self.memory["views"]


@dataclass(frozen=True)
class State:
    """The data from which a query chooses the next clips.

    Attributes
    ----------
    rows : int (m,)
        The labelled rows of `task.X`, in the order of labelling.
    y : bool (m,)
        Their labels.
    scores : float (n,)
        The learner's decision values for all rows.
    step : int
        The number of batches chosen before.
    budget : int
        The number of labels at the end of the run.
    """

    task: Task
    rows: Rows
    y: NDArray[np.bool_]
    scores: Scores
    step: int
    budget: int

    @property
    def free(self) -> NDArray[np.bool_]:
        """True for each row without a label, bool (n,)."""
        free = np.ones(len(self.task.X), dtype=bool)
        free[self.rows] = False
        return free


Learner: TypeAlias = Callable[[Task, Rows, NDArray[np.bool_]], Fitted]
Query: TypeAlias = Callable[[State, int], Rows]


@dataclass(frozen=True)
class Strategy:
    """A strategy of active learning: how to choose clips to label, and how to learn from the labels.

    Attributes
    ----------
    learner : (task, rows, y) -> fitted, where fitted(X) is the decision values float (n,) of embeddings (n, dim)
        Called with at least one label. All labels may be of one class.
    query : (state, k) -> rows
        Up to `k` distinct rows without a label.
    adaptive : bool
        False if the query does not use the scores: then the learner is fitted at the reported budgets only.
    searches : bool
        True if the clips nearest to the text are labelled first. False if the query chooses the first clips, too.
    views : bool
        True if it learns from a pool's other views, too.
    """

    name: str
    learner: Learner
    query: Query
    adaptive: bool = True
    searches: bool = True
    views: bool = False


@dataclass(frozen=True)
class Linear:
    """A linear scorer: decision values X @ coef + intercept."""

    coef: NDArray[np.floating[Any]]
    intercept: float = 0.0

    def __call__(self, X: NDArray[np.float32]) -> Scores:
        """Decision values float32 (n,) of embeddings (n, dim)."""
        return X @ self.coef.astype(np.float32) + np.float32(self.intercept)
