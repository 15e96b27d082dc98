"""What a strategy is made of: a learner and a query, and what they are told. Functions on arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from va_widgets.learning.backdrop import Backdrop

Rows: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = NDArray[np.floating[Any]]
Fitted: TypeAlias = Callable[[NDArray[np.float32]], Scores]


@dataclass(frozen=True)
class Task:
    """What a strategy may know before the first label: everything but the truth.

    Attributes
    ----------
    X : float32 (n, dim)
        The embeddings to label from, L2-normalised.
    text : float32 (dim,), optional
        The concept's text embedding.
    videos : int (n,), optional
    seed : int
        Of this run; `rng` is seeded with it.
    memory : dict
        What a learner or a query keeps for itself from one step to the next.
    """

    X: NDArray[np.float32]
    text: NDArray[np.float32] | None
    videos: NDArray[np.int64] | None
    seed: int
    rng: np.random.Generator
    memory: dict[str, Any] = field(default_factory=dict)

    @property
    def nearness(self) -> NDArray[np.float32]:
        """The dot product of every embedding with the text, float32 (n,): zero-shot scores. Random without a text."""
        if "nearness" not in self.memory:
            scores = self.rng.random(len(self.X)) if self.text is None else self.X @ self.text
            self.memory["nearness"] = scores.astype(np.float32)
        return self.memory["nearness"]

    @property
    def backdrop(self) -> Backdrop:
        """What these clips look like in general, as a session knows it of its corpus."""
        if "backdrop" not in self.memory:
            self.memory["backdrop"] = Backdrop.of(self.X, self.seed)
        return self.memory["backdrop"]


@dataclass(frozen=True)
class State:
    """What is known when the next clips are to be chosen.

    Attributes
    ----------
    rows : int (m,)
        The rows of `task.X` that are labelled, in the order in which they were.
    y : bool (m,)
        Their labels.
    scores : float (n,)
        The learner's decision values of all rows.
    step : int
        How many batches were chosen before.
    budget : int
        How many labels there will be in the end.
    """

    task: Task
    rows: Rows
    y: NDArray[np.bool_]
    scores: Scores
    step: int
    budget: int

    @property
    def free(self) -> NDArray[np.bool_]:
        """Which rows have no label, bool (n,)."""
        free = np.ones(len(self.task.X), dtype=bool)
        free[self.rows] = False
        return free


Learner: TypeAlias = Callable[[Task, Rows, NDArray[np.bool_]], Fitted]
Query: TypeAlias = Callable[[State, int], Rows]


@dataclass(frozen=True)
class Strategy:
    """A way to label.

    Attributes
    ----------
    learner : (task, rows, y) -> fitted, where fitted(X) is the decision values float (n,) of embeddings (n, dim)
        Called with at least one label; all may be of one class.
    query : (state, k) -> rows
        Up to `k` different rows without a label.
    adaptive : bool
        False where the query does not look at the scores: then the learner is needed at the reported budgets only.
    searches : bool
        Whether the first labels are of the clips nearest to the text; False leaves them to the query too.
    """

    name: str
    learner: Learner
    query: Query
    adaptive: bool = True
    searches: bool = True


@dataclass(frozen=True)
class Linear:
    """A linear scorer: decision values X @ coef + intercept."""

    coef: NDArray[np.floating[Any]]
    intercept: float = 0.0

    def __call__(self, X: NDArray[np.float32]) -> Scores:
        """Decision values float32 (n,) of embeddings (n, dim)."""
        return X @ self.coef.astype(np.float32) + np.float32(self.intercept)
