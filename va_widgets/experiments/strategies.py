"""The strategies of the comparison, by name.

A strategy is a learner and a query (`tasks.Strategy`). The learner fits a scorer of embeddings to the labelled ones;
the query chooses the rows to label next.
"""

from __future__ import annotations

from collections.abc import Mapping

from va_widgets.base.arguments import described, is_one_of
from va_widgets.experiments.bandits import EpsilonGreedy, Exp3, Ucb, round_robin
from va_widgets.experiments.errors import ExperimentError
from va_widgets.experiments.learners import (
    logistic,
    our_learner,
    perch_learner,
    rocchio_learner,
    text_probe_learner,
    zero_shot_learner,
)
from va_widgets.experiments.packages import (
    badge,
    coreset,
    density,
    modal_batch,
    modal_uncertainty,
    probcover,
    typiclust,
)
from va_widgets.experiments.queries import (
    Bandit,
    four_feeds_query,
    half_half_query,
    margin_query,
    ours_query,
    random_query,
    top_query,
    zero_shot_query,
)
from va_widgets.experiments.tasks import Fitted, Learner, Linear, Query, Rows, Scores, State, Strategy, Task

__all__ = [
    "STRATEGIES", "Fitted", "Learner", "Linear", "Query", "Rows", "Scores", "State", "Strategy", "Task", "strategy",
]  # fmt: skip

_ALL = (
    Strategy("ours", our_learner, ours_query, views=True),
    Strategy("va", logistic, four_feeds_query),
    Strategy("random", logistic, random_query, adaptive=False, searches=False),
    Strategy("zero_shot", zero_shot_learner, zero_shot_query, adaptive=False),
    Strategy("zero_shot_top", logistic, zero_shot_query, adaptive=False),
    Strategy("half_half", logistic, half_half_query, adaptive=False),
    Strategy("round_robin", logistic, Bandit(round_robin)),
    Strategy("epsilon_greedy", logistic, Bandit(EpsilonGreedy(0.1))),
    Strategy("ucb_0.01", logistic, Bandit(Ucb(0.01))),
    Strategy("ucb_0.1", logistic, Bandit(Ucb(0.1))),
    Strategy("exp3", logistic, Bandit(Exp3())),
    Strategy("rocchio", rocchio_learner, top_query),
    Strategy("perch", perch_learner, margin_query),
    Strategy("text_probe", text_probe_learner, margin_query),
    Strategy("margin", logistic, margin_query),
    # Not adaptive: these use only the positions of the labelled clips, not the scores of a classifier.
    Strategy("typiclust", logistic, typiclust, adaptive=False),
    Strategy("probcover", logistic, probcover, adaptive=False),
    Strategy("coreset", logistic, coreset, adaptive=False),
    Strategy("badge", logistic, badge),
    Strategy("density", logistic, density),
    Strategy("modal_uncertainty", logistic, modal_uncertainty),
    Strategy("modal_batch", logistic, modal_batch),
)

STRATEGIES: Mapping[str, Strategy] = {strategy.name: strategy for strategy in _ALL}


def strategy(name: str) -> Strategy:
    """Return the strategy called `name`. Raises ExperimentError if there is none."""
    if not is_one_of(name, STRATEGIES):
        raise ExperimentError(f"There is no strategy called {described(name)}: choose among {', '.join(STRATEGIES)}.")
    return STRATEGIES[name]
