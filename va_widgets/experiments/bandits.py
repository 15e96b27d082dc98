"""Bandit policies, which choose the source of the next batch of clips; VA's second experiment compares these.

A policy gets all earlier choices with their rewards, oldest first, and returns the next source:
(history, arms, rng) -> arm. The reward is the change in average precision, which lies between -1 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.arguments import described, is_one_of
from va_widgets.experiments.errors import ExperimentError

Choice: TypeAlias = tuple[int, float]  # the arm and its reward
Policy: TypeAlias = Callable[[Sequence[Choice], int, np.random.Generator], int]


def round_robin(history: Sequence[Choice], arms: int, rng: np.random.Generator) -> int:  # noqa: ARG001
    """Return the sources in turn."""
    return len(history) % arms


@dataclass(frozen=True)
class EpsilonGreedy:
    """Choose the source with the highest mean reward, or, with probability `epsilon`, any; first try each once."""

    epsilon: float

    def __call__(self, history: Sequence[Choice], arms: int, rng: np.random.Generator) -> int:
        """Return the next arm, 0 to arms - 1."""
        counts, means = _pull_statistics(history, arms)
        if not counts.all():
            return int(np.argmin(counts))
        if rng.random() < self.epsilon:
            return int(rng.integers(arms))
        return int(np.argmax(means))


@dataclass(frozen=True)
class Ucb:
    """Choose the source with the highest mean reward + c sqrt(ln t / pulls); first try each once.

    UCB1 of Auer, Cesa-Bianchi and Fischer (2002), whose c is sqrt(2).
    """

    c: float

    def __call__(self, history: Sequence[Choice], arms: int, rng: np.random.Generator) -> int:  # noqa: ARG002
        """Return the next arm, 0 to arms - 1."""
        counts, means = _pull_statistics(history, arms)
        if not counts.all():
            return int(np.argmin(counts))
        return int(np.argmax(means + self.c * np.sqrt(np.log(len(history)) / counts)))


@dataclass(frozen=True)
class Exp3:
    """Draw a source by weights that grow with exp(gamma reward / probability / arms), rewards mapped to 0 to 1.

    Auer, Cesa-Bianchi, Freund and Schapire, "The nonstochastic multiarmed bandit problem" (2002).
    """

    gamma: float = 0.1

    def __call__(self, history: Sequence[Choice], arms: int, rng: np.random.Generator) -> int:
        """Return the next arm, 0 to arms - 1."""
        log_weights = np.zeros(arms)
        for arm, reward in history:
            log_weights[arm] += self.gamma * (reward + 1) / 2 / self._probabilities(log_weights)[arm] / arms
        return int(rng.choice(arms, p=self._probabilities(log_weights)))

    def _probabilities(self, log_weights: NDArray[np.float64]) -> NDArray[np.float64]:
        weights = np.exp(log_weights - log_weights.max())
        return (1 - self.gamma) * weights / weights.sum() + self.gamma / len(log_weights)


POLICIES: Mapping[str, Policy] = {
    "round_robin": round_robin,
    "epsilon_greedy_0.1": EpsilonGreedy(0.1),
    "epsilon_greedy_0.25": EpsilonGreedy(0.25),
    "epsilon_greedy_0.5": EpsilonGreedy(0.5),
    "ucb_0.01": Ucb(0.01),
    "ucb_0.1": Ucb(0.1),
    "exp3": Exp3(),
}


def policy(name: str) -> Policy:
    """Return the policy called `name`. Raises ExperimentError if there is none."""
    if not is_one_of(name, POLICIES):
        raise ExperimentError(f"There is no policy called {described(name)}: choose among {', '.join(POLICIES)}.")
    return POLICIES[name]


def _pull_statistics(history: Sequence[Choice], arms: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return how often each arm was chosen, and its mean reward (0 for an arm that was never chosen)."""
    chosen = np.array([arm for arm, _ in history], dtype=np.int64)
    rewards = np.array([reward for _, reward in history], dtype=np.float64)
    counts = np.bincount(chosen, minlength=arms)
    return counts, np.bincount(chosen, weights=rewards, minlength=arms) / np.maximum(counts, 1)
