"""Queries: which clips to label next, from what is known so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from va_widgets.experiments.bandits import Policy
from va_widgets.experiments.tasks import Rows, Scores, State
from va_widgets.learning.feeds import feed
from va_widgets.learning.ranking import Ranking

FEEDS_IN_TURN = ("top_positive", "top_negative", "borderline", "random")  # VA's


def random_query(state: State, k: int) -> Rows:
    """Clips drawn at random."""
    free = np.flatnonzero(state.free)
    return state.task.rng.choice(free, size=min(k, len(free)), replace=False)


def zero_shot_query(state: State, k: int) -> Rows:
    """The clips nearest to the text."""
    return _best(state.task.nearness, state.free, k)


def half_half_query(state: State, k: int) -> Rows:
    """In turn the clip nearest to the text and one at random: VA's strongest baseline."""
    return _in_turn(state, k, ("zero_shot", "random"))


def four_feeds_query(state: State, k: int) -> Rows:
    """VA's four feeds in turn, so that in the end each has given a quarter."""
    return _in_turn(state, k, FEEDS_IN_TURN)


@dataclass(frozen=True)
class Bandit:
    """A batch from the four feeds, from the clips nearest to the text or at random, as a policy decides.

    VA rewards with the change in AP on a validation set. Here nobody has one while labelling, so that the reward is the
    change in the cross-validated AP of `logistic` on the labels so far.
    """

    policy: Policy

    def __call__(self, state: State, k: int) -> Rows:
        """The rows (k,) of the next batch."""
        memory, sources = state.task.memory, (four_feeds_query, zero_shot_query, random_query)
        history, quality = memory.setdefault("history", []), memory.get("quality", 0.0)
        if "chosen" in memory:
            history.append((memory["chosen"], quality - memory["before"]))
        memory["chosen"], memory["before"] = self.policy(history, len(sources), state.task.rng), quality
        return sources[memory["chosen"]](state, k)


def top_query(state: State, k: int) -> Rows:
    """The clips that score highest."""
    return _best(state.scores, state.free, k)


def margin_query(state: State, k: int) -> Rows:
    """The clips whose decision values are nearest to 0."""
    return _best(-np.abs(state.scores), state.free, k)


def ours_query(state: State, k: int) -> Rows:
    """The suggested feed of `learning.feeds`."""
    task = state.task
    return feed(
        "suggested",
        Ranking(state.scores.astype(np.float32)),
        k,
        labelled=~state.free,
        found=bool(state.y.any()),
        embeddings=task.X,
        center=task.backdrop.center,
        videos=task.videos,
        seed=task.seed,
        version=state.step,
    )


def _in_turn(state: State, k: int, names: tuple[str, ...]) -> Rows:
    """One clip of each source in turn, going on where the last batch ended."""
    free, chosen = state.free, []
    sources: dict[str, Scores] = {
        "zero_shot": state.task.nearness,
        "top_positive": state.scores,
        "top_negative": -state.scores,
        "borderline": -np.abs(state.scores),
    }
    for i in range(len(state.rows), len(state.rows) + min(k, int(free.sum()))):
        scores = sources.get(names[i % len(names)])
        row = int(state.task.rng.choice(np.flatnonzero(free)) if scores is None else _best(scores, free, 1)[0])
        chosen.append(row)
        free[row] = False
    return np.array(chosen, dtype=np.int64)


def _best(scores: Scores, free: NDArray[np.bool_], k: int) -> Rows:
    """The `k` free rows that score highest, best first, equal ones by row."""
    rows = np.flatnonzero(free)
    if k < len(rows):
        limit = np.partition(scores[rows], len(rows) - k)[len(rows) - k]
        rows = rows[scores[rows] >= limit]
    return rows[np.argsort(-scores[rows], kind="stable")[:k]]
