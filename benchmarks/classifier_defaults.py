"""Measure the average precision of our classifier with several settings, on the development half of the concepts.

POOL is a folder as in strategies.py. Each setting is a run of its own, with labels from the suggested feed. The table
has the mean over concepts and seeds at 10, 25, 50 and 100 labels, for texts of each quality.
"""

from __future__ import annotations

import argparse
import os
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.experiments import compare, open_pool
from va_widgets.experiments.pools import TEXT_QUALITIES
from va_widgets.experiments.strategies import STRATEGIES, Fitted, Linear, Rows, Strategy, Task
from va_widgets.learning import Classifier
from va_widgets.learning.logistic import BACKGROUND_WEIGHT, PRIOR_STRENGTH, C

BUDGETS = (10, 25, 50, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--priors", type=float, nargs="+", default=[PRIOR_STRENGTH / 2, PRIOR_STRENGTH])
    parser.add_argument("--cs", type=float, nargs="+", default=[C / 2, C, C * 2])
    parser.add_argument("--backgrounds", type=float, nargs="+", default=[BACKGROUND_WEIGHT])
    parser.add_argument("--seeds", type=int, default=2, help="each splits the pool into halves in another way")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    settings = [setting(*values) for values in product(options.priors, options.cs, options.backgrounds)]
    parts = []
    for text, seed in product(TEXT_QUALITIES, range(options.seeds)):
        pool = open_pool(options.pool, text, seed)
        results = compare(pool, settings, "development", BUDGETS, [seed], jobs=options.jobs)
        parts.append(results.assign(text=text))
    table = pd.concat(parts).pivot_table(index="strategy", columns=["text", "n"], values="ap", sort=False)
    print(table.round(3).to_string())


def setting(prior: float, c: float, background: float) -> Strategy:
    """Return our strategy with the given settings of its classifier."""

    def learner(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
        fit = Classifier(task.text, task.statistics, prior, c, background).fit(task.X[rows], y)
        return Linear(fit.coef_[0], float(fit.intercept_[0]))

    return Strategy(f"prior {prior:g}, C {c:g}, background {background:g}", learner, STRATEGIES["ours"].query)


if __name__ == "__main__":
    main()
