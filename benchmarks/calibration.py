"""Measure how well scores are calibrated: Brier score and reliability on unlabelled clips.

POOL is a folder as in strategies.py. Our strategy labels each concept. Then P(yes) on the other half of the pool is
compared with the truth, both plain and after Platt scaling with the cross-validated logits of the labels.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from va_widgets.experiments import Pool, open_pool
from va_widgets.experiments.compare import replay
from va_widgets.experiments.pools import TEXT_QUALITIES
from va_widgets.experiments.strategies import STRATEGIES, Fitted, Rows, Strategy, Task
from va_widgets.learning import Classifier
from va_widgets.learning.quality import cross_validated

_Fit: TypeAlias = tuple[Task, Rows, NDArray[np.bool_]]

EDGES = np.array([0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--labels", type=int, nargs="+", default=[25, 50, 100])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pools = [open_pool(options.pool, text, options.seed) for text in TEXT_QUALITIES]
    results = pd.DataFrame(
        [(n, *row) for n in options.labels for pool in pools for row in scored(pool, n, options.seed)],
        columns=["labels", "text", "plain", "platt", "truth"],
    )
    for n, group in results.groupby("labels"):
        truth = np.concatenate(group["truth"].to_list())
        rows: dict[str, NDArray[np.float64] | NDArray[np.int64]] = {}
        for method in ("plain", "platt"):
            probabilities = np.concatenate(group[method].to_list())
            rows[f"{method}: mean score"], rows[f"{method}: share of yes"], counts = reliability(probabilities, truth)
            rows[f"{method}: clips"] = counts
            print(f"{n} labels, {method}: Brier score {np.mean((probabilities - truth) ** 2):.4f}")
        names = [f"{low:g} to {high:g}" for low, high in pairwise(EDGES)]
        print(pd.DataFrame(rows, index=names).round(3).to_string(), end="\n\n")


def scored(
    pool: Pool, labels: int, seed: int
) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]]:
    """Yield the pool's name, P(yes) on the test half, plain and scaled, and the truth, for every concept."""
    ours = STRATEGIES["ours"]
    X = pool.embeddings[pool.test].astype(np.float32)
    for concept in pool.concepts:
        last: list[_Fit] = []

        def learner(task: Task, rows: Rows, y: NDArray[np.bool_], last: list[_Fit] = last) -> Fitted:
            last[:] = [(task, rows, y)]
            return ours.learner(task, rows, y)

        replay(pool, Strategy("ours", learner, ours.query), concept, seed, [labels])
        task, rows, y = last[0]
        fit = Classifier(task.text, task.statistics).fit(task.X[rows], y)
        logits = fit.decision_function(X)
        plain = scaled = expit(logits)
        checked = cross_validated(task.X[rows], y, fit, seed=seed)
        if checked is not None and checked.probabilities is not None:
            platt = LogisticRegression().fit(logit(checked.probabilities)[:, None], y)
            scaled = platt.predict_proba(logits[:, None])[:, 1]
        yield pool.name, plain, scaled, pool.truth[concept].to_numpy(dtype=bool)[pool.test]


def reliability(
    probabilities: NDArray[np.float64], truth: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return the mean score, the share of positives and the number of clips in each bin of EDGES."""
    bins = np.clip(np.digitize(probabilities, EDGES) - 1, 0, len(EDGES) - 2)
    counts = np.bincount(bins, minlength=len(EDGES) - 1)
    sums = [np.bincount(bins, values, len(EDGES) - 1) for values in (probabilities, truth.astype(float))]
    mean, share = (values / np.maximum(counts, 1) for values in sums)
    return mean, share, counts


if __name__ == "__main__":
    main()
