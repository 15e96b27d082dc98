"""Measure what smoothing by the nearest clips is worth: the gain in average precision, strategy by strategy.

An oracle labels half of each pool as a strategy asks. The classifier then scores the other half, once as it is and once
smoothed by each clip's nearest clips in that half. Labels are the same both times, so that differences are paired. Our
strategy learns the neighbours' share in a logit from its labels, others have the same one throughout. With --cells the
nearest clips are looked for in cells, as in a large corpus, however small the pool.

POOL is a folder as in strategies.py, an .npz file as in corpus_quality.py, or the folder of a demo corpus.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from sklearn.utils.parallel import Parallel, delayed

import va_widgets as va
from benchmarks.corpus_quality import FEWEST, learned_share, open_any
from va_widgets import demo
from va_widgets.base.threads import one_thread
from va_widgets.corpus import neighbours
from va_widgets.experiments import Pool, from_corpus
from va_widgets.experiments.compare import replay
from va_widgets.experiments.pools import TEXT_QUALITIES, half
from va_widgets.experiments.strategies import Fitted, Rows, Strategy, Task, strategy
from va_widgets.learning.logistic import TextLogistic
from va_widgets.learning.smoothing import smoothed
from va_widgets.learning.views import APPEARANCE

BUDGETS = (10, 25, 50, 100)
RESAMPLES = 2000
CELL, NEAREST_CELLS = 200, 4
SHARE = 0.3
_nearest: dict[tuple[str, int, bool], tuple[NDArray[np.int32], NDArray[np.int32]]] = {}  # of both halves of a pool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pools", type=Path, nargs="+", metavar="POOL")
    parser.add_argument("--strategies", nargs="+", default=["ours", "va", "text_probe"], metavar="NAME")
    parser.add_argument("--concepts", choices=("development", "reporting"), help="use only this half of the concepts")
    parser.add_argument("--texts", nargs="+", choices=TEXT_QUALITIES, default=TEXT_QUALITIES)
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS)
    parser.add_argument("--seeds", type=int, default=1, help="each splits the pool into halves in another way")
    parser.add_argument("--share", type=float, help=f"of the neighbours in a logit; by default learned, or {SHARE}")
    parser.add_argument("--cells", action="store_true", help="look for the nearest clips in cells")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write all results to this file, one record for each run")
    options = parser.parse_args()
    runs = [
        (pool, name, concept, seed)
        for path in options.pools
        for seed in range(options.seeds)
        for pool in opened(path, options.texts, seed)
        for concept in pool.concepts
        if options.concepts in (None, half(concept))
        and min(pool.truth[concept].iloc[rows].sum() for rows in (pool.train, pool.test)) >= FEWEST
        for name in options.strategies
    ]
    measured = Parallel(n_jobs=options.jobs)(
        delayed(measure)(*run, tuple(options.budgets), options.share, options.cells) for run in runs
    )
    results = pd.DataFrame([row for rows in measured for row in rows])
    if options.json:
        results.to_json(options.json, orient="records", indent=1)
    for by in (["n"], ["text", "n"], ["pool", "n"]):
        print(summary(results, by).to_string(), end="\n\n")


def opened(path: Path, texts: list[str], seed: int) -> list[Pool]:
    """Return the pools of a path: one for each quality of texts, or that of a demo corpus with its own texts."""
    if (path / "manifest.json").exists():
        queries = {concept.name: concept.query for concept in demo.CONCEPTS}
        return [from_corpus(va.Corpus.open(path), queries=queries, seed=seed)]
    return [open_any(path, text, seed) for text in texts]


def measure(
    pool: Pool, name: str, concept: str, seed: int, budgets: tuple[int, ...], share: float | None, cells: bool
) -> list[dict[str, Any]]:
    """Label one concept; return the average precision without and with smoothing at each number of labels."""
    chosen, rows = strategy(name), list[dict[str, Any]]()
    X, truth = np.asarray(pool.embeddings[pool.test], dtype=np.float32), pool.truth[concept].to_numpy(bool)[pool.test]
    kind, _, text = pool.name.partition("/")

    def learner(task: Task, labelled: Rows, y: NDArray[np.bool_]) -> Fitted:
        fitted = chosen.learner(task, labelled, y)
        if len(labelled) in budgets:
            logits = np.asarray(fitted(X), dtype=np.float32)
            used = SHARE if share is None else share
            if share is None and name == "ours":
                known = task.parts(task.X)[APPEARANCE]
                classifier = TextLogistic(task.text, task.statistics).fit(known[labelled], y)
                used = learned_share(classifier, known, nearest_to_label, labelled, y)
            plain, after = (
                float(average_precision_score(truth, values)) for values in (logits, smoothed(logits, nearest, used))
            )
            rows.append(
                {"pool": kind, "text": text or "own", "strategy": name, "concept": concept, "seed": seed}
                | {"n": len(labelled), "share": used, "plain": plain, "smoothed": after, "gain": after - plain}
            )
        return fitted

    with one_thread():
        key = kind, seed, cells  # the texts are all that differs between pools of one kind and seed
        if key not in _nearest:
            _nearest.clear()
            both = X, np.asarray(pool.embeddings[pool.train], dtype=np.float32)
            _nearest[key] = nearest_clips(both[0], cells), nearest_clips(both[1], cells)
        nearest, nearest_to_label = _nearest[key]
        followed = Strategy(name, learner, chosen.query, chosen.adaptive, chosen.searches)
        replay(pool, followed, concept, seed, budgets)
    return rows


def nearest_clips(X: NDArray[np.float32], cells: bool) -> NDArray[np.int32]:
    """Return the nearest clips of each, int32 (k, n), as a corpus stores them."""
    half_precision = X.astype(np.float16)
    if not cells:
        with mock.patch.object(neighbours, "_EXACT", len(X)):
            return neighbours.nearest_neighbours(half_precision)
    with mock.patch.multiple(neighbours, _EXACT=0, _CELL=CELL, _NEAREST_CELLS=NEAREST_CELLS):
        return neighbours.nearest_neighbours(half_precision)


def summary(results: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return mean and median gains, and a 90 % interval of the mean by a bootstrap over pools and concepts."""
    rng = np.random.default_rng(0)
    lines = []
    for key, group in results.groupby(["strategy", *by]):
        gains = group.groupby(["pool", "concept"])["gain"].mean().to_numpy()
        low, high = np.percentile([rng.choice(gains, len(gains)).mean() for _ in range(RESAMPLES)], (5, 95))
        means = group[["share", "plain", "smoothed", "gain"]].mean()
        lines.append(
            dict(zip(["strategy", *by], key, strict=True))
            | {"runs": len(group), **means, "median": group["gain"].median(), "low": low, "high": high}
        )
    return pd.DataFrame(lines).set_index(["strategy", *by]).round(4)


if __name__ == "__main__":
    main()
