"""Measure how far what a session says of a corpus is true: quality, positives, scores, and thresholds.

An oracle labels half of each pool as our strategy asks, and with --random-pages a random batch in every four. That half
is the corpus. At each number of labels this is compared with the truth about all of its clips:

- covered, width, error: the 90 % interval of the average precision over the corpus, and its estimate less the truth;
  `old` is the cross-validated figure on the labelled clips.
- positives: the share of 90 % intervals that hold their true number, and the median of estimate / truth.
- calibration error: the mean of |mean P(yes) - share of yes| over seven bins of P(yes), weighted by clips, without the
  labelled ones; `plain` is that of the classifier's own logits.
- precision, recall: of the unlabelled clips above `threshold_for(0.9)`.

POOL is a folder as in strategies.py, or an .npz file of X (n, dim), names, Y (packed bits) and t:<concept>/<quality>.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import average_precision_score
from sklearn.utils.parallel import Parallel, delayed

from va_widgets.base.threads import one_thread
from va_widgets.corpus.neighbours import nearest_neighbours
from va_widgets.experiments import Pool, open_pool
from va_widgets.experiments.compare import replay
from va_widgets.experiments.pools import TEXT_QUALITIES, half
from va_widgets.experiments.queries import random_query
from va_widgets.experiments.strategies import STRATEGIES, Fitted, Rows, State, Strategy, Task
from va_widgets.learning.calibration import calibrate
from va_widgets.learning.corpus_estimate import estimate_corpus, threshold_for
from va_widgets.learning.logistic import TextLogistic
from va_widgets.learning.quality import cross_validated
from va_widgets.learning.score_index import ScoreIndex
from va_widgets.learning.smoothing import smoothed, smoothed_embeddings
from va_widgets.learning.smoothing_share import choose_share, labels_used

BUDGETS = (25, 50, 100, 250)
EDGES = np.array([0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95])
RANDOM_EVERY = 4  # batches
FEWEST = 5  # positives that a concept needs in the half that is labelled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pools", type=Path, nargs="+", metavar="POOL")
    parser.add_argument("--concepts", choices=("development", "reporting"), help="use only this half of the concepts")
    parser.add_argument("--texts", nargs="+", choices=TEXT_QUALITIES, default=TEXT_QUALITIES)
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS)
    parser.add_argument("--seeds", type=int, default=1, help="each splits the pool into halves in another way")
    parser.add_argument("--error", type=float, default=0.0, help="share of wrong labels")
    parser.add_argument("--random-pages", action="store_true", help="every fourth batch is drawn at random")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write all results to this file, one record for each run")
    options = parser.parse_args()
    runs = [
        (pool, concept, seed)
        for path in options.pools
        for text in options.texts
        for seed in range(options.seeds)
        for pool in [open_any(path, text, seed)]
        for concept in pool.concepts
        if options.concepts in (None, half(concept)) and pool.truth[concept].iloc[pool.train].sum() >= FEWEST
    ]
    measured = Parallel(n_jobs=options.jobs)(
        delayed(measure)(pool, concept, seed, options.budgets, options.error, options.random_pages)
        for pool, concept, seed in runs
    )
    results = pd.DataFrame([row for rows in measured for row in rows])
    if options.json:
        results.to_json(options.json, orient="records", indent=1)
    for by in (["n"], ["n", "text"], ["n", "pool"]):
        print(summary(results, by).to_string(), end="\n\n")


def summary(results: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return the table of one grouping: means, but the median of the ratio of positives."""
    groups = results.groupby(by)
    means = groups.mean(numeric_only=True).drop(columns=["seed", "positives ratio"])
    means.insert(0, "runs", groups.size())
    means.insert(1, "with a figure", groups["covered"].count())
    means["positives ratio"] = groups["positives ratio"].median()
    return means.round(3)


def open_any(path: Path, text: str, seed: int) -> Pool:
    """Open a pool from a folder or from one .npz file, as described above."""
    if path.suffix != ".npz":
        return open_pool(path, text, seed)
    with np.load(path) as arrays:
        X, names = arrays["X"], [str(name) for name in arrays["names"]]
        truth = np.unpackbits(arrays["Y"], axis=0, count=len(X)).astype(bool)
        texts = {name: arrays[f"t:{name}/{text}"] for name in names}
    order = np.random.default_rng(seed).permutation(len(X))
    train, test = np.sort(order[: len(X) // 2]), np.sort(order[len(X) // 2 :])
    return Pool(f"{path.stem}/{text}", X, pd.DataFrame(truth, columns=names), texts, train, test)


def measure(
    pool: Pool, concept: str, seed: int, budgets: list[int], error: float, random_pages: bool
) -> list[dict[str, Any]]:
    """Label one concept; return a row of figures for each number of labels."""
    with one_thread():
        truth = pool.truth[concept].to_numpy(dtype=bool)[pool.train]
        return [
            {"pool": pool.name.split("/")[0], "text": pool.name.split("/")[1], "concept": concept, "seed": seed}
            | figures(task, rows, y, truth)
            for task, rows, y in labelled(pool, concept, seed, budgets, error, random_pages)
        ]


def labelled(
    pool: Pool, concept: str, seed: int, budgets: list[int], error: float, random_pages: bool
) -> Iterator[tuple[Task, Rows, NDArray[np.bool_]]]:
    """Yield the labels of each budget."""
    ours, found = STRATEGIES["ours"], {}

    def learner(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
        found[len(rows)] = task, rows, y
        return ours.learner(task, rows, y)

    def query(state: State, k: int) -> Rows:
        return (random_query if random_pages and state.step % RANDOM_EVERY == 0 else ours.query)(state, k)

    replay(pool, Strategy("ours", learner, query), concept, seed, budgets, error)
    yield from (found[n] for n in sorted(found) if n in budgets)


def figures(task: Task, rows: Rows, y: NDArray[np.bool_], truth: NDArray[np.bool_]) -> dict[str, float]:
    """Return what a session would say of the labels, beside the truth."""
    classifier = TextLogistic(task.text, task.statistics).fit(task.X[rows], y)
    if "neighbours" not in task.memory:
        task.memory["neighbours"] = nearest_neighbours(task.X)
    neighbours = task.memory["neighbours"]
    share = learned_share(classifier, task.X, neighbours, rows, y)
    logits = smoothed(classifier.decision_function(task.X).astype(np.float32), neighbours, share)
    checked = cross_validated(
        task.X[rows], y, classifier, scored=smoothed_embeddings(task.X, neighbours, rows, share), seed=task.seed
    )
    assert checked is not None
    free = np.ones(len(truth), dtype=bool)
    free[rows] = False
    calibration = calibrate(y, checked.logits) if checked.logits is not None else calibrate(y[:0], np.empty(0))
    index, ap = ScoreIndex(logits), float(average_precision_score(truth, logits))
    found: dict[str, float] = {"n": len(rows)}
    estimate = estimate_corpus(index, rows, y, calibration, task.seed)
    if checked.quality is not None:
        quality, old = estimate.quality, checked.quality
        found |= {
            "true AP": ap, "estimate": quality.ap, "covered": quality.low <= ap <= quality.high,
            "width": quality.high - quality.low, "error": quality.ap - ap, "absolute error": abs(quality.ap - ap),
            "old covered": old.low <= ap <= old.high, "old error": old.ap - ap,
        }  # fmt: skip
        chosen = free & (logits >= threshold_for(index, calibration, 0.9).logit)
        found |= {
            "precision": truth[chosen].mean() if chosen.any() else np.nan,
            "recall": truth[chosen].sum() / max(1, truth[free].sum()),
        }
        positives, number = estimate.positives, int(truth.sum())
        found |= {
            "positives covered": positives.low <= number <= positives.high,
            "positives ratio": positives.estimate / number,
        }
    for name, factor in (("", calibration.factor), ("plain ", 1.0)):
        shown = expit(factor * logits[free])
        found |= {
            f"{name}calibration error": calibration_error(shown, truth[free]),
            f"{name}Brier score": float(np.square(shown - truth[free]).mean()),
        }
    return {name: float(value) for name, value in found.items()}


def learned_share(
    classifier: TextLogistic, X: NDArray[np.float32], neighbours: NDArray[np.int32], rows: Rows, y: NDArray[np.bool_]
) -> float:
    """Return how much of a logit is the mean of its neighbours, as a session learns it from the labels of `rows`."""
    some = labels_used(len(rows))
    others = smoothed_embeddings(X, neighbours, rows[some], 1.0)
    return choose_share(y[some], *classifier.without_each(X[rows], y, some, others))


def calibration_error(probabilities: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> float:
    """Return the mean over the bins of EDGES, weighted by clips, of |mean P(yes) - share of yes|."""
    bins = np.digitize(probabilities, EDGES) - 1
    said, true = (np.bincount(bins, values, len(EDGES)) for values in (probabilities, truth))
    return float(np.abs(said - true).sum() / len(truth))


if __name__ == "__main__":
    main()
