"""Queries: functions that choose the clips to label next from the labels and scores so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from va_widgets.experiments.bandits import Policy
from va_widgets.experiments.tasks import Rows, Scores, State
from va_widgets.learning.feeds import feed
from va_widgets.learning.score_index import ScoreIndex
from va_widgets.learning.views import Space

FEEDS_IN_TURN = ("top_positive", "top_negative", "borderline", "random")  # VA's four feeds


def random_query(state: State, k: int) -> Rows:
    """Choose clips at random."""
    free = np.flatnonzero(state.free)
    return state.task.rng.choice(free, size=min(k, len(free)), replace=False)


def zero_shot_query(state: State, k: int) -> Rows:
    """Choose the clips nearest to the text."""
    return _highest(state.task.zero_shot_scores, state.free, k)


def half_half_query(state: State, k: int) -> Rows:
    """Choose in turn the clip nearest to the text and a random one: VA's strongest baseline."""
    return _in_turn(state, k, ("zero_shot", "random"))


def four_feeds_query(state: State, k: int) -> Rows:
    """Choose from VA's four feeds in turn, so that each gives a quarter of the clips."""
    return _in_turn(state, k, FEEDS_IN_TURN)


@dataclass(frozen=True)
class Bandit:
    """Choose a batch from the four feeds, from the clips nearest to the text or at random, as a policy decides.

    VA's reward is the change in AP on a validation set. An annotator has no such set, so that the reward here is the
    change in the cross-validated AP of `logistic` on the labels so far.
    """

    policy: Policy

    def __call__(self, state: State, k: int) -> Rows:
        """Return the rows (k,) of the next batch."""
        memory, sources = state.task.memory, (four_feeds_query, zero_shot_query, random_query)
        history, quality = memory.setdefault("history", []), memory.get("quality", 0.0)
        if "chosen" in memory:
            history.append((memory["chosen"], quality - memory["before"]))
        memory["chosen"], memory["before"] = self.policy(history, len(sources), state.task.rng), quality
        return sources[memory["chosen"]](state, k)


def top_query(state: State, k: int) -> Rows:
    """Choose the clips with the highest scores."""
    return _highest(state.scores, state.free, k)


def margin_query(state: State, k: int) -> Rows:
    """Choose the clips whose decision values are nearest to 0."""
    return _highest(-np.abs(state.scores), state.free, k)


def ours_query(state: State, k: int) -> Rows:
    """Choose clips as the suggested feed of `learning.feeds` does."""
    task = state.task
    space = task.memory.get("space", Space(task.statistics))
    return feed(
        "suggested",
        ScoreIndex(state.scores.astype(np.float32)),
        k,
        labelled=~state.free,
        any_yes=bool(state.y.any()),
        embeddings=space.joined(task.parts(task.X)),
        center=space.statistics.center,
        videos=task.videos,
        seed=task.seed,
        version=state.step,
    )


def _in_turn(state: State, k: int, names: tuple[str, ...]) -> Rows:
    """Choose one clip from each source in turn; the turn goes on where the last batch ended."""
    free, chosen = state.free, []
    sources: dict[str, Scores] = {
        "zero_shot": state.task.zero_shot_scores,
        "top_positive": state.scores,
        "top_negative": -state.scores,
        "borderline": -np.abs(state.scores),
    }
    for i in range(len(state.rows), len(state.rows) + min(k, int(free.sum()))):
        scores = sources.get(names[i % len(names)])
        row = int(state.task.rng.choice(np.flatnonzero(free)) if scores is None else _highest(scores, free, 1)[0])
        chosen.append(row)
        free[row] = False
    return np.array(chosen, dtype=np.int64)


def _highest(scores: Scores, free: NDArray[np.bool_], k: int) -> Rows:
    """Return the `k` free rows with the highest scores, best first; equal scores are in the order of rows."""
    rows = np.flatnonzero(free)
    if k < len(rows):
        threshold = np.partition(scores[rows], len(rows) - k)[len(rows) - k]
        rows = rows[scores[rows] >= threshold]
    return rows[np.argsort(-scores[rows], kind="stable")[:k]]
