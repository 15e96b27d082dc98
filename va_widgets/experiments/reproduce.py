"""VA's two experiments on its release: its feeds against simpler sources of labels, and policies that choose a source.

Definitions are those of Ziai and Vartakavi (arXiv 2402.06560) and of their release. Our choices where both leave a
point open: a concept's validation set is all clips labelled for it, by annotators or for a baseline, that the hash
selects; the annotators' majority takes precedence over the single label of a baseline; and a source's n labels are its
first n outside the validation set.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from sklearn.utils import murmurhash3_32
from sklearn.utils.parallel import Parallel, delayed

from va_widgets.base import arguments
from va_widgets.base.arguments import described, is_one_of
from va_widgets.base.errors import SearchUnavailableError
from va_widgets.base.threads import one_thread, one_torch_thread
from va_widgets.experiments.bandits import POLICIES, Choice, Policy, policy
from va_widgets.experiments.compare import checked_jobs
from va_widgets.experiments.errors import ExperimentError
from va_widgets.experiments.learners import fit_logistic
from va_widgets.experiments.release import Release
from va_widgets.experiments.tasks import Linear, Rows, Scores
from va_widgets.learning.quality import diversity

BUDGETS = (25, 50, 100, 500, 1000)
GREEDY = "greedy"
_STEP, _MOST = 25, 1000
_EVALUATIONS = 5
_SOURCES = ("va", "zero_shot", "random")


def in_validation(keys: Sequence[str], seed: int = 0) -> NDArray[np.bool_]:
    """True for clips that belong to the validation set, bool (n,): murmur3_32(key, seed) mod 10 < 2.

    The hash is signed and the remainder is never negative. The release reduces the fraction 2/10 to lowest terms, so
    that the condition is mod 5 < 1 in effect.
    """
    return np.array([murmurhash3_32(str(key), seed=seed) % 5 < 1 for key in keys], dtype=bool)


def score(y: NDArray[np.bool_], scores: Scores) -> float:
    """Return the AP of a validation set (n,): the mean over the set and 4 bootstrap resamples of it, seeds 1 to 4.

    A resample without positives has an AP of 0.
    """
    parts = [_ap(y, scores)]
    for seed in range(1, _EVALUATIONS):
        rows = np.random.RandomState(seed).randint(0, len(y), len(y))
        parts.append(_ap(y[rows], scores[rows]))
    return float(np.mean(parts))


def experiment_1(
    release: Release,
    concepts: Sequence[str] | None = None,
    budgets: Sequence[int] = BUDGETS,
    *,
    jobs: int | None = None,
) -> pd.DataFrame:
    """Compare VA's feeds with its baselines: DataFrame(concept, source, n, ap, diversity).

    The sources are "va", the primary annotator's clips in the order of the checkpoints; "random" and "zero_shot", the
    baselines' clips; and "half_half", clips of both in turn. The row with `n` 0 is the text alone, if there is one. A
    source with fewer than `n` labels has no row for `n`.

    Parameters
    ----------
    concepts : names
        All concepts of the release if not given.
    jobs : int
        The number of processes; one per processor if not given.

    Raises CorpusError if a file of the release is missing or damaged, and ExperimentError if the validation set of a
    concept has no positives.
    """
    numbers = [
        arguments.count(n, "Each of the budgets", error=ExperimentError)
        for n in arguments.items(budgets, "budgets", "a list", error=ExperimentError)
    ]
    return _over_concepts(
        partial(_compare_sources, budgets=numbers), release, concepts, jobs, ["source", "n", "ap", "diversity"]
    )


def gains(results: pd.DataFrame, source: str = "va", baseline: str = "half_half") -> pd.DataFrame:
    """Return how much one source's AP exceeds another's in `experiment_1`: DataFrame(median, min, max, concepts)."""
    arguments.instance(results, pd.DataFrame, "Results", "what experiment_1 returns", error=ExperimentError)
    missing = [column for column in ("concept", "source", "n", "ap") if column not in results]
    if missing:
        raise ExperimentError(f"Results of experiment_1 have a column {missing[0]!r}: give them as they are.")
    wide = results.pivot_table(index=["concept", "n"], columns="source", values="ap")
    for name in (source, baseline):
        if not is_one_of(name, [str(column) for column in wide.columns]):
            raise ExperimentError(f"The results hold nothing of the source {described(name)}.")
    gain = (wide[source] - wide[baseline]).dropna().groupby("n")
    return pd.DataFrame({"median": gain.median(), "min": gain.min(), "max": gain.max(), "concepts": gain.size()})


def experiment_2(
    release: Release,
    policies: Sequence[str] | None = None,
    concepts: Sequence[str] | None = None,
    *,
    seed: int = 0,
    jobs: int | None = None,
) -> pd.DataFrame:
    """Let policies choose the source of the next 25 labels, up to 1,000 labels: DataFrame(concept, policy, n, ap).

    The sources are VA's feeds, zero-shot and random. A policy's reward is the change in the validation AP. "greedy"
    tries all sources and keeps the best; "va" always chooses the feeds. A source without clips left is filled up from
    the others.

    Parameters
    ----------
    policies : names
        Names from `bandits.POLICIES`, "greedy" or "va"; all of them if not given.
    seed : int
        Seed of the policies that choose at random.

    The other parameters and the errors are those of `experiment_1`.
    """
    seed = arguments.seed(seed, error=ExperimentError)
    all_names = ["va", *POLICIES, GREEDY]
    names = all_names if policies is None else arguments.items(policies, "policies", "a list", error=ExperimentError)
    for name in names:
        if not is_one_of(name, ("va", GREEDY)):
            policy(name)
    return _over_concepts(
        partial(_compare_policies, names=names, seed=seed), release, concepts, jobs, ["policy", "n", "ap"]
    )


@dataclass(frozen=True)
class _Concept:
    """The labelled clips of one concept.

    `X`, `truth` and `clusters` have one row per clip. `validation` has the rows of the validation set, `sources` each
    source's other rows, in its order of labelling.
    """

    name: str
    X: NDArray[np.float32]
    truth: NDArray[np.bool_]
    clusters: NDArray[np.int64]
    validation: Rows
    sources: Mapping[str, list[int]]
    text: NDArray[np.float32] | None

    def ap(self, rows: Sequence[int]) -> float:
        """Return the validation AP of VA's classifier on these labels, or of the text while they are of one class."""
        labelled = np.asarray(rows, dtype=np.int64)
        y, fitted = self.truth[labelled], Linear(np.zeros(self.X.shape[1]) if self.text is None else self.text)
        if y.any() and not y.all():
            fitted, _ = fit_logistic(self.X[labelled], y)
        return score(self.truth[self.validation], fitted(self.X[self.validation]))


def _read(release: Release, concept: str) -> _Concept:
    """Read all labels of a concept. Raises ExperimentError if its validation set has no positives."""
    corpus = release.corpus
    checkpoints, baselines = release.checkpoints(concept), release.comparison(concept)
    labels: dict[str, bool] = {}
    # A clip's first label counts: that of the majority, then of the last checkpoint, then of a baseline.
    for column in (
        release.labels(concept)["agg"],
        *(table["value"] for table in (*reversed(checkpoints), *baselines.values())),
    ):
        for key, value in column.items():
            labels.setdefault(str(key), bool(value))
    keys = list(labels)
    validation = in_validation(keys)
    row_of = {key: i for i, key in enumerate(keys) if not validation[i]}
    orders = {"va": [key for table in checkpoints for key in table.index]}
    orders |= {name: list(table.index) for name, table in baselines.items()}
    truth = np.array(list(labels.values()), dtype=bool)
    if not truth[validation].any():
        raise ExperimentError(f"The validation set of {concept!r} has no positives.")
    try:
        text = corpus.text_embedding(concept)
    except SearchUnavailableError:
        text = None
    rows = corpus.clips.index.get_indexer(pd.Index(np.array(keys, dtype=object)))
    return _Concept(
        concept,
        np.asarray(corpus.embeddings[rows], dtype=np.float32),
        truth,
        corpus.clips["cluster"].to_numpy(dtype=np.int64)[rows],
        np.flatnonzero(validation),
        {name: [row_of[key] for key in dict.fromkeys(order) if key in row_of] for name, order in orders.items()},
        text,
    )


def _compare_sources(concept: _Concept, budgets: Sequence[int]) -> list[tuple[Any, ...]]:
    """Return the rows of `experiment_1` for one concept."""
    both = [row for pair in zip(concept.sources["zero_shot"], concept.sources["random"], strict=False) for row in pair]
    sources = {**concept.sources, "half_half": list(dict.fromkeys(both))}
    results: list[tuple[Any, ...]] = [] if concept.text is None else [(concept.name, "text", 0, concept.ap([]), 0.0)]
    for name in ("va", "random", "zero_shot", "half_half"):
        for n in budgets:
            rows = sources[name][:n]
            if len(rows) == n:
                y, clusters = concept.truth[rows], concept.clusters[rows]
                results.append((concept.name, name, n, concept.ap(rows), diversity(clusters[y], clusters[~y])))
    return results


def _compare_policies(concept: _Concept, names: Sequence[str], seed: int) -> list[tuple[Any, ...]]:
    """Return the rows of `experiment_2` for one concept."""
    return [
        (concept.name, name, n, ap)
        for name in names
        for n, ap in _run_policy(concept, None if name == GREEDY else _policy(name), np.random.default_rng(seed))
    ]


def _run_policy(concept: _Concept, choose: Policy | None, rng: np.random.Generator) -> list[tuple[int, float]]:
    """Return (n, ap) after every step. Without a policy, each step tries all sources and keeps the best."""
    rows: list[int] = []
    history: list[Choice] = []
    points: list[tuple[int, float]] = []
    before = concept.ap([])
    for _ in range(_MOST // _STEP):
        if choose is None:
            tried = [(concept.ap([*rows, *_next_rows(concept, rows, arm)]), arm) for arm in range(len(_SOURCES))]
            after, arm = max(tried, key=lambda ap_and_arm: (ap_and_arm[0], -ap_and_arm[1]))
        else:
            arm = choose(history, len(_SOURCES), rng)
        batch = _next_rows(concept, rows, arm)
        if not batch:
            break
        rows += batch
        if choose is not None:
            after = concept.ap(rows)
        history.append((arm, after - before))
        points.append((len(rows), after))
        before = after
    return points


def _next_rows(concept: _Concept, rows: Sequence[int], arm: int) -> list[int]:
    """Return the source's next rows without a label; if it has too few, the next rows of the other sources in order."""
    used, chosen = set(rows), list[int]()
    for name in dict.fromkeys((_SOURCES[arm], *_SOURCES)):
        for row in concept.sources[name]:
            if len(chosen) == _STEP:
                return chosen
            if row not in used:
                chosen.append(row)
                used.add(row)
    return chosen


def _policy(name: str) -> Policy:
    return _always_va if name == "va" else policy(name)


def _always_va(history: Sequence[Choice], arms: int, rng: np.random.Generator) -> int:  # noqa: ARG001
    return 0


def _over_concepts(
    experiment: Callable[[_Concept], list[tuple[Any, ...]]],
    release: Release,
    concepts: Sequence[str] | None,
    jobs: int | None,
    columns: Sequence[str],
) -> pd.DataFrame:
    """Run an experiment on each concept, in parallel, and return its rows as a table."""
    arguments.instance(release, Release, "The release", "what open_release returns", error=ExperimentError)
    jobs = checked_jobs(jobs)
    if concepts is None:
        names = release.concepts
    else:
        names = arguments.items(concepts, "concepts", "a list of names", error=ExperimentError)
    data = [_read(release, name) for name in names]
    number = min(jobs or os.cpu_count() or 1, len(data) or 1)
    parallel = Parallel(n_jobs=number, backend="loky")
    results = parallel(delayed(_with_one_thread)(experiment, concept) for concept in data)
    return pd.DataFrame([row for rows in results for row in rows], columns=["concept", *columns])


def _with_one_thread(
    experiment: Callable[[_Concept], list[tuple[Any, ...]]], concept: _Concept
) -> list[tuple[Any, ...]]:
    with one_torch_thread(), one_thread():
        return experiment(concept)


def _ap(y: NDArray[np.bool_], scores: Scores) -> float:
    return float(average_precision_score(y, scores)) if y.any() else 0.0
