"""Measure how many wrong labels are found by looking at the most suspicious ones first.

An oracle labels clips of each concept as a session's feeds ask, and gives a share of wrong answers. The table tells the
share of the wrong labels that is among the first tenth shown: by `Session.review`, by cleanlab's CleanLearning over a
logistic regression on the same embeddings, and by chance; means over concepts and seeds, with 90 % intervals of the
paired difference by a bootstrap over concepts.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from cleanlab.classification import CleanLearning
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

import va_widgets as va
from va_widgets.experiments import label_by_oracle, open_pool

FEWEST = 20  # positives that a concept needs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pools", type=Path, nargs="*", metavar="POOL", help="folders as in strategies.py")
    parser.add_argument("--demo", type=Path, help="a demo corpus")
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--errors", type=float, nargs="+", default=[0.05, 0.1], help="shares of wrong labels")
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    print(f"{'':24} {'wrong':>6} {'runs':>5} {'ours':>6} {'cleanlab':>9} {'chance':>7}   ours less cleanlab")
    with tempfile.TemporaryDirectory() as name:
        for title, corpus, truths in corpora(options.demo, options.pools, Path(name)):
            for error in options.errors:
                rows = [
                    (concept, *shares(corpus, truths[concept], options.labels, error, seed))
                    for concept in truths
                    for seed in range(options.seeds)
                ]
                found = pd.DataFrame(rows, columns=["concept", "ours", "cleanlab", "chance"]).dropna()
                low, high = interval((found["ours"] - found["cleanlab"]).groupby(found["concept"]).mean().to_numpy())
                ours, cleanlab, chance = found[["ours", "cleanlab", "chance"]].mean()
                print(
                    f"{title:24} {error:6.0%} {len(found):5} {ours:6.2f} {cleanlab:9.2f} {chance:7.2f}"
                    f"   {ours - cleanlab:+.2f} ({low:+.2f} to {high:+.2f})",
                    flush=True,
                )


def corpora(demo: Path | None, pools: list[Path], folder: Path) -> Iterator[tuple[str, va.Corpus, pd.DataFrame]]:
    """Yield (title, corpus without labels, truth as bool (clips, concepts)) of a demo corpus and of pools."""
    if demo is not None:
        copy = folder / "demo"
        shutil.copytree(demo, copy, ignore=shutil.ignore_patterns("labels.sqlite*", "backups", "models"))
        corpus = va.Corpus.open(copy)
        names = [concept.name for concept in va.demo.CONCEPTS]
        truth = pd.DataFrame({name: va.demo.truth_of(corpus, name) for name in names})
        yield "demo", corpus, often(truth)
    for path in pools:
        pool = open_pool(path)
        clips = pd.DataFrame({"clip_id": [f"c{row:06}" for row in range(len(pool))]})
        corpus = va.Corpus.from_embeddings(folder / path.name, pool.embeddings, clips)
        yield path.name, corpus, often(pool.truth.set_axis(corpus.clips.index))


def often(truth: pd.DataFrame) -> pd.DataFrame:
    """Return the concepts with enough positives."""
    return truth.loc[:, truth.sum() >= FEWEST]


def shares(corpus: va.Corpus, truth: pd.Series[bool], labels: int, error: float, seed: int) -> tuple[float, ...]:
    """Return the shares of wrong labels among the first tenth by our suspicion and by cleanlab's, and by chance."""
    session = va.Session(corpus, str(truth.name), seed=seed)
    label_by_oracle(session, truth, min(labels, len(corpus) // 2), error=error)
    review = session.review(order="suspicion")
    session.close()
    for file in corpus.path.glob("labels.sqlite*"):  # the next run begins without labels
        file.unlink()
    given = (review["value"] == "yes").to_numpy()
    wrong = given != truth[review["clip_id"]].to_numpy()
    first = len(review) // 10
    if not wrong.any() or not given.any() or given.all():
        return (float("nan"),) * 3
    vectors = corpus.embeddings[[corpus.row(clip) for clip in review["clip_id"]]].astype(np.float32)
    order = cleanlabs(vectors, given, seed)
    return wrong[:first].sum() / wrong.sum(), wrong[order[:first]].sum() / wrong.sum(), first / len(review)


def cleanlabs(vectors: NDArray[np.float32], given: NDArray[np.bool_], seed: int) -> NDArray[np.int64]:
    """Return the rows in cleanlab's order, the worst labels first."""
    learner = CleanLearning(LogisticRegression(max_iter=1000), seed=seed, cv_n_folds=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        issues = learner.find_label_issues(vectors, given.astype(int))
    ordered = issues.assign(row=range(len(issues))).sort_values(
        ["is_label_issue", "label_quality"], ascending=[False, True]
    )
    return ordered["row"].to_numpy()


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 90 % interval of a mean by a bootstrap."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (2000, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [5, 95])
    return float(low), float(high)


if __name__ == "__main__":
    main()
