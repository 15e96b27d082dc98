"""VA's two experiments on its release: do the feeds beat simpler sources of labels, and does a choice among them?

Definitions are those of Ziai and Vartakavi (arXiv 2402.06560) and of its release. Where they leave something open it is
read so: a concept's validation set is every clip labelled for it, by its annotators or a baseline's, that the hash puts
there; the majority of the annotators counts before the single label of a baseline; and a source's n labels are its
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

from va_widgets import arguments
from va_widgets.arguments import described, is_one_of
from va_widgets.errors import SearchUnavailableError
from va_widgets.experiments.bandits import POLICIES, Choice, Policy, policy
from va_widgets.experiments.compare import checked_jobs, one_thread
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
    """Which clips are kept for validation, bool (n,): murmur3_32(key, seed) mod 10 < 2.

    The hash is signed and the remainder never negative. The release computes with the fraction 2/10 in lowest terms,
    so that it is mod 5 < 1 in effect.
    """
    return np.array([murmurhash3_32(str(key), seed=seed) % 5 < 1 for key in keys], dtype=bool)


def score(y: NDArray[np.bool_], scores: Scores) -> float:
    """The AP of a validation set (n,): the mean of the set's and of 4 bootstrap resamples', with the seeds 1 to 4.

    A resample without positives counts 0.
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
    """VA's feeds beside its baselines: DataFrame(concept, source, n, ap, diversity).

    The sources are "va", the primary annotator's clips in the order of the checkpoints; "random" and "zero_shot", the
    baselines' clips; and "half_half", of both in turn. `n` 0 is the text alone, where there is one. Where a source has
    fewer than `n` labels there is no row.

    Parameters
    ----------
    concepts : names
        All of the release if they are not given.
    jobs : int
        How many processes; one a processor if not given.

    Raises CorpusError if the release lacks or damages what is needed, and ExperimentError if the validation set of a
    concept has no positives.
    """
    numbers = [
        arguments.count(n, "Each of the budgets", error=ExperimentError)
        for n in arguments.items(budgets, "budgets", "a list", error=ExperimentError)
    ]
    return _over_concepts(partial(_first, budgets=numbers), release, concepts, jobs, ["source", "n", "ap", "diversity"])


def gains(results: pd.DataFrame, source: str = "va", baseline: str = "half_half") -> pd.DataFrame:
    """By how much one source's AP exceeds another's in `experiment_1`: DataFrame(median, min, max, concepts) by n."""
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
    """A decision, every 25 labels up to 1,000, on the source of the next: DataFrame(concept, policy, n, ap).

    The sources are VA's feeds, zero-shot and random. A policy is rewarded with the change in the validation AP;
    "greedy" tries all sources and keeps the best, "va" never leaves the feeds. What a source lacks another one gives.

    Parameters
    ----------
    policies : names
        Of `bandits.POLICIES`, "greedy" or "va"; all of them if not given.
    seed : int
        Of the policies that draw lots.

    The other parameters and what is raised are those of `experiment_1`.
    """
    seed = arguments.seed(seed, error=ExperimentError)
    every = ["va", *POLICIES, GREEDY]
    names = every if policies is None else arguments.items(policies, "policies", "a list", error=ExperimentError)
    for name in names:
        if not is_one_of(name, ("va", GREEDY)):
            policy(name)
    return _over_concepts(partial(_second, names=names, seed=seed), release, concepts, jobs, ["policy", "n", "ap"])


@dataclass(frozen=True)
class _Concept:
    """The clips labelled for a concept: their truth, which are for validation, and each source's others in order."""

    name: str
    X: NDArray[np.float32]
    truth: NDArray[np.bool_]
    clusters: NDArray[np.int64]
    validation: Rows
    sources: Mapping[str, list[int]]
    text: NDArray[np.float32] | None

    def ap(self, rows: Sequence[int]) -> float:
        """The validation AP of VA's classifier on these labels; as long as they agree the text ranks."""
        some = np.asarray(rows, dtype=np.int64)
        y, fitted = self.truth[some], Linear(np.zeros(self.X.shape[1]) if self.text is None else self.text)
        if y.any() and not y.all():
            fitted, _ = fit_logistic(self.X[some], y)
        return score(self.truth[self.validation], fitted(self.X[self.validation]))


def _read(release: Release, concept: str) -> _Concept:
    corpus = release.corpus
    checkpoints, baselines = release.checkpoints(concept), release.comparison(concept)
    said: dict[str, bool] = {}
    # The first to say something of a clip counts.
    for column in (
        release.labels(concept)["agg"],
        *(table["value"] for table in (*reversed(checkpoints), *baselines.values())),
    ):
        for key, value in column.items():
            said.setdefault(str(key), bool(value))
    keys = list(said)
    kept = in_validation(keys)
    place = {key: i for i, key in enumerate(keys) if not kept[i]}
    orders = {"va": [key for table in checkpoints for key in table.index]}
    orders |= {name: list(table.index) for name, table in baselines.items()}
    truth = np.array(list(said.values()), dtype=bool)
    if not truth[kept].any():
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
        np.flatnonzero(kept),
        {name: [place[key] for key in dict.fromkeys(order) if key in place] for name, order in orders.items()},
        text,
    )


def _first(known: _Concept, budgets: Sequence[int]) -> list[tuple[Any, ...]]:
    both = [row for pair in zip(known.sources["zero_shot"], known.sources["random"], strict=False) for row in pair]
    sources = {**known.sources, "half_half": list(dict.fromkeys(both))}
    found: list[tuple[Any, ...]] = [] if known.text is None else [(known.name, "text", 0, known.ap([]), 0.0)]
    for name in ("va", "random", "zero_shot", "half_half"):
        for n in budgets:
            rows = sources[name][:n]
            if len(rows) == n:
                y, clusters = known.truth[rows], known.clusters[rows]
                found.append((known.name, name, n, known.ap(rows), diversity(clusters[y], clusters[~y])))
    return found


def _second(known: _Concept, names: Sequence[str], seed: int) -> list[tuple[Any, ...]]:
    return [
        (known.name, name, n, ap)
        for name in names
        for n, ap in _decided(known, None if name == GREEDY else _policy(name), np.random.default_rng(seed))
    ]


def _decided(known: _Concept, choose: Policy | None, rng: np.random.Generator) -> list[tuple[int, float]]:
    """(n, ap) after every step; without a policy the best source is found by trying all."""
    rows: list[int] = []
    history: list[Choice] = []
    points: list[tuple[int, float]] = []
    before = known.ap([])
    for _ in range(_MOST // _STEP):
        if choose is None:
            tried = [(known.ap([*rows, *_next(known, rows, arm)]), arm) for arm in range(len(_SOURCES))]
            after, arm = max(tried, key=lambda one: (one[0], -one[1]))
        else:
            arm = choose(history, len(_SOURCES), rng)
        more = _next(known, rows, arm)
        if not more:
            break
        rows += more
        if choose is not None:
            after = known.ap(rows)
        history.append((arm, after - before))
        points.append((len(rows), after))
        before = after
    return points


def _next(known: _Concept, rows: Sequence[int], arm: int) -> list[int]:
    """The next clips of a source that have no label; once it has no more, those of the others in their order."""
    done, chosen = set(rows), list[int]()
    for name in dict.fromkeys((_SOURCES[arm], *_SOURCES)):
        for row in known.sources[name]:
            if len(chosen) == _STEP:
                return chosen
            if row not in done:
                chosen.append(row)
                done.add(row)
    return chosen


def _policy(name: str) -> Policy:
    return _always_va if name == "va" else policy(name)


def _always_va(history: Sequence[Choice], arms: int, rng: np.random.Generator) -> int:  # noqa: ARG001
    return 0


def _over_concepts(
    one: Callable[[_Concept], list[tuple[Any, ...]]],
    release: Release,
    concepts: Sequence[str] | None,
    jobs: int | None,
    columns: Sequence[str],
) -> pd.DataFrame:
    arguments.instance(release, Release, "The release", "what open_release returns", error=ExperimentError)
    jobs = checked_jobs(jobs)
    if concepts is None:
        names = release.concepts
    else:
        names = arguments.items(concepts, "concepts", "a list of names", error=ExperimentError)
    known = [_read(release, name) for name in names]
    number = min(jobs or os.cpu_count() or 1, len(known) or 1)
    parallel = Parallel(n_jobs=number, backend="loky")
    found = parallel(delayed(_alone)(one, concept) for concept in known)
    return pd.DataFrame([row for rows in found for row in rows], columns=["concept", *columns])


def _alone(one: Callable[[_Concept], list[tuple[Any, ...]]], concept: _Concept) -> list[tuple[Any, ...]]:
    with one_thread():
        return one(concept)


def _ap(y: NDArray[np.bool_], scores: Scores) -> float:
    return float(average_precision_score(y, scores)) if y.any() else 0.0
