"""Measure what `va.monitor` says: are its intervals and alarms as often right as they claim?

- intervals: for each concept of the pools and of the demo corpus, a classifier is labelled on one half by 60 labels
  of our strategy. The other half is the corpus that is monitored. Samples of `--budget` clips are drawn and labelled
  by the truth: how often do the 95 % intervals hold the true precision, recall and prevalence, and how wide are they
  beside those of a simple random sample of the same size?
- alarms: the demo corpus is divided by video at random into a corpus that a model is labelled in and new clips. Without
  a change, how often is there an alarm? Then clips without night (snow, or one of four settings) are taken out of the
  new ones at random until its share has grown: how often is there one now?

POOL is a folder or a file as in corpus_quality.py. The demo corpus is made if it is not there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

import va_widgets as va
from benchmarks.corpus_quality import learned_share, open_any
from va_widgets.base.threads import one_thread
from va_widgets.catalogue.monitor.drift import Drift, measure_drift
from va_widgets.catalogue.monitor.estimate import intervals
from va_widgets.catalogue.monitor.sample import draw
from va_widgets.corpus.neighbours import nearest_neighbours
from va_widgets.demo import CONCEPTS
from va_widgets.experiments import Pool
from va_widgets.experiments.compare import replay
from va_widgets.experiments.pools import from_corpus
from va_widgets.experiments.strategies import STRATEGIES, Fitted, Rows, Strategy, Task
from va_widgets.learning.calibration import calibrate
from va_widgets.learning.corpus_estimate import best_threshold
from va_widgets.learning.logistic import TextLogistic
from va_widgets.learning.quality import cross_validated
from va_widgets.learning.score_index import ScoreIndex
from va_widgets.learning.smoothing import smoothed, smoothed_embeddings
from va_widgets.learning.statistics import CorpusStatistics
from va_widgets.models.reference import Reference, embedded, sampled

LABELS = 60
DRAWS = 1000  # of an interval
SHIFTS = {"night": ("night", 0.6), "snow": ("snow", 0.4), "new scenes": ("interior|desert|meadow|mountains", 0.8)}
FACTOR = 1.6  # of the calibration without labels

Shift: TypeAlias = Callable[[NDArray[np.int64], np.random.Generator], NDArray[np.int64]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pools", type=Path, nargs="*", metavar="POOL")
    parser.add_argument("--demo", type=Path, required=True, help="a folder for a demo corpus of 1,000 clips")
    parser.add_argument("--budget", type=int, nargs="+", default=[20, 60, 200])
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--only", choices=("intervals", "alarms"))
    parser.add_argument("--json", type=Path, help="write the table of intervals to this file")
    options = parser.parse_args()
    corpus = va.demo.corpus(options.demo, clips=1000, videos=False, progress=False)
    with one_thread():
        if options.only != "alarms":
            pools = [open_any(path, "fair", 0) for path in options.pools]
            pools.append(from_corpus(corpus, queries={concept.name: concept.query for concept in CONCEPTS}))
            table = pd.concat([coverage(pool, options.budget, options.simulations) for pool in pools])
            if options.json:
                table.to_json(options.json, orient="records", indent=1)
            print_coverage(table)
        if options.only != "intervals":
            alarms(corpus, options.simulations)


def coverage(pool: Pool, budgets: list[int], simulations: int) -> pd.DataFrame:
    """Return a row of shares and widths for each concept and budget."""
    rows = []
    for concept in pool.concepts:
        if min(pool.truth[concept].iloc[half].sum() for half in (pool.train, pool.test)) < 2:
            continue
        scores, truth, threshold = monitored(pool, concept)
        for budget in budgets:
            rng = np.random.default_rng(budget)
            ours = stratified(scores, truth, threshold, budget, simulations, rng)
            simple = at_random(scores, truth, threshold, budget, simulations, rng)
            facts = {"pool": pool.name, "concept": concept, "prevalence": truth.mean(), "budget": budget}
            rows.append(facts | ours | {f"simple {name}": value for name, value in simple.items()})
    return pd.DataFrame(rows)


def print_coverage(table: pd.DataFrame) -> None:
    names = ("precision", "recall", "prevalence")
    for (pool, budget), part in table.groupby(["pool", "budget"]):
        print(f"{pool}: {budget} labels, {len(part)} concepts, prevalence {part.prevalence.min():.3f} and more")
        for name in names:
            covered, width = part[f"{name} covered"], part[f"{name} width"]
            ratio = (width / part[f"simple {name} width"]).median()
            print(
                f"  {name:10}  covered {covered.min():.3f} to {covered.max():.3f}, mean {covered.mean():.3f}"
                f"   mean width {width.mean():.3f}, {ratio:.2f} of a simple random sample's (median)"
            )


def monitored(pool: Pool, concept: str) -> tuple[NDArray[np.float64], NDArray[np.bool_], float]:
    """Label a concept on one half of a pool; return P(yes) and truth of the other half, and the threshold."""
    ours, newest = STRATEGIES["ours"], {}

    def learner(task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
        newest["all"] = task, rows, y
        return ours.learner(task, rows, y)

    replay(pool, Strategy("ours", learner, ours.query), concept, 0, [LABELS])
    task, rows, y = newest["all"]
    classifier = TextLogistic(task.text, task.statistics).fit(task.X[rows], y)
    near = nearest_neighbours(task.X)
    share = learned_share(classifier, task.X, near, rows, y)
    checked = cross_validated(task.X[rows], y, classifier, scored=smoothed_embeddings(task.X, near, rows, share))
    few = checked is None or checked.logits is None
    calibration = calibrate(y[:0], np.empty(0)) if few else calibrate(y, checked.logits)  # type: ignore[union-attr,arg-type]
    known = smoothed(classifier.decision_function(task.X).astype(np.float32), near, share)
    threshold = float(expit(calibration.factor * best_threshold(ScoreIndex(known), calibration).logit))
    X = np.asarray(pool.embeddings[pool.test])
    near = nearest_neighbours(X.astype(np.float16))
    logits = smoothed(classifier.decision_function(X).astype(np.float32), near, share)
    return (
        expit(calibration.factor * logits.astype(np.float64)),
        pool.truth[concept].to_numpy(bool)[pool.test],
        threshold,
    )


def stratified(
    scores: NDArray[np.float64],
    truth: NDArray[np.bool_],
    threshold: float,
    budget: int,
    simulations: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Return how often the intervals of our sample hold the truth, and their widths."""
    sample = draw(scores, threshold, min(budget, len(scores)))
    parts = np.split(np.argsort(scores, kind="stable"), np.cumsum(sample.sizes)[:-1])
    positives = np.array([int(truth[part].sum()) for part in parts])
    drawn = (simulations, len(parts))
    yes = rng.hypergeometric(positives, sample.sizes - positives, sample.numbers, drawn)
    return measured(sample.sizes, np.broadcast_to(sample.numbers, drawn), yes, sample.above, positives)


def at_random(
    scores: NDArray[np.float64],
    truth: NDArray[np.bool_],
    threshold: float,
    budget: int,
    simulations: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Return the same for simple random samples, whose labels are divided at the threshold afterwards."""
    above = scores >= threshold
    groups = [
        int((~above & ~truth).sum()),
        int((~above & truth).sum()),
        int((above & ~truth).sum()),
        int((above & truth).sum()),
    ]
    drawn = rng.multivariate_hypergeometric(groups, min(budget, len(scores)), size=simulations)
    sizes, positives = np.array([groups[0] + groups[1], groups[2] + groups[3]]), np.array([groups[1], groups[3]])
    numbers, yes = np.stack([drawn[:, 0] + drawn[:, 1], drawn[:, 2] + drawn[:, 3]], axis=1), drawn[:, [1, 3]]
    return measured(sizes, numbers, yes, np.array([False, True]), positives)


def measured(
    sizes: NDArray[np.int64],
    numbers: NDArray[np.int64],
    yes: NDArray[np.int64],
    above: NDArray[np.bool_],
    positives: NDArray[np.int64],
) -> dict[str, float]:
    """Return shares and widths for simulated numbers of labels and of yes (simulations, strata)."""
    cases, which = np.unique(np.concatenate([numbers, yes], axis=1), axis=0, return_inverse=True)
    k = len(sizes)
    ends = np.array([intervals(sizes, case[:k], case[k:], above, draws=DRAWS) for case in cases])[which.ravel()]
    found, total = positives[above].sum(), positives.sum()
    true = np.array([found / max(1, sizes[above].sum()), found / total, total / sizes.sum()])
    hits = (ends[..., 1] <= true + 1e-9) & (true - 1e-9 <= ends[..., 2])
    figures = {}
    for i, name in enumerate(("precision", "recall", "prevalence")):
        figures[f"{name} covered"] = float(hits[:, i].mean())
        figures[f"{name} width"] = float((ends[:, i, 2] - ends[:, i, 1]).mean())
    return figures


def alarms(corpus: va.Corpus, simulations: int) -> None:
    """Print how often there is an alarm, without a change and with each of SHIFTS."""
    shifts: dict[str, Shift | None] = {"no change": None}
    shifts |= {f"{name} to {share:.0%}": more_of(corpus, concept, share) for name, (concept, share) in SHIFTS.items()}
    print(f"{'new clips':18}  by scores  by looks  any alarm  separability")
    for name, shift in shifts.items():
        drifts = [one_drift(corpus, seed, shift) for seed in range(simulations)]
        scores, looks = (
            np.array([getattr(drift, f"{part}_drifted") for drift in drifts]) for part in ("scores", "looks")
        )
        told = np.mean([drift.separability for drift in drifts])
        print(
            f"{name:18}  {scores.mean():9.3f}  {looks.mean():8.3f}  {(scores | looks).mean():9.3f}  {told:12.2f}",
            flush=True,
        )


def more_of(corpus: va.Corpus, concepts: str, share: float) -> Shift:
    """Return what takes clips without some concepts, "a|b", out of some rows, so that theirs is a share of the rest."""
    shown = corpus.clips[[f"truth:{concept}" for concept in concepts.split("|")]].any(axis=1).to_numpy()

    def shift(rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        yes, no = rows[shown[rows]], rows[~shown[rows]]
        return np.sort(np.concatenate([yes, rng.permutation(no)[: int(len(yes) * (1 - share) / share)]]))

    return shift


def one_drift(corpus: va.Corpus, seed: int, shift: Shift | None) -> Drift:
    """Return the drift between two halves of the videos, the second one shifted; the model is labelled in the first."""
    rng = np.random.default_rng(seed)
    videos = pd.factorize(corpus.clips["video"])[0].astype(np.int64)
    first = rng.permutation(videos.max() + 1)[: (videos.max() + 1) // 2]
    before = np.flatnonzero(np.isin(videos, first))
    now = np.flatnonzero(~np.isin(videos, first))
    now = now if shift is None else shift(now, rng)
    truth, X = corpus.clips["truth:night city"].to_numpy(dtype=bool), np.asarray(corpus.embeddings, dtype=np.float32)
    labelled = np.concatenate(
        [rng.permutation(before[truth[before] == value])[: LABELS // 2] for value in (True, False)]
    )
    classifier = TextLogistic(None, CorpusStatistics.of(X[before])).fit(X[labelled], truth[labelled])

    def reference(rows: NDArray[np.int64]) -> Reference:
        numbers = np.unique(videos[rows], return_inverse=True)[1].ravel()
        chosen = sampled(numbers, seed)
        some = X[rows[chosen]]
        scores = expit(FACTOR * classifier.decision_function(some)).astype(np.float32)
        return Reference(scores, numbers[chosen], some[: embedded(numbers[chosen])].astype(np.float16))

    return measure_drift(reference(before), reference(now), seed)


if __name__ == "__main__":
    main()
