"""Experiments: labelling by an oracle from known truth, comparisons of strategies, and VA's published release."""

from va_widgets.experiments.compare import compare
from va_widgets.experiments.errors import ExperimentError
from va_widgets.experiments.oracle import Run, label_by_oracle
from va_widgets.experiments.pools import Pool, bent, from_corpus, half, open_pool, with_pairs
from va_widgets.experiments.release import Release, open_release
from va_widgets.experiments.report import curves, markdown, plot, table, wins
from va_widgets.experiments.reproduce import best_step_gains, experiment_1, experiment_2, gains
from va_widgets.experiments.strategies import STRATEGIES, Strategy

__all__ = [
    "STRATEGIES",
    "ExperimentError",
    "Pool",
    "Release",
    "Run",
    "Strategy",
    "bent",
    "best_step_gains",
    "compare",
    "curves",
    "experiment_1",
    "experiment_2",
    "from_corpus",
    "gains",
    "half",
    "label_by_oracle",
    "markdown",
    "open_pool",
    "open_release",
    "plot",
    "table",
    "wins",
    "with_pairs",
]
