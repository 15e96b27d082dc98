"""VA's two experiments on its release: its feeds against simpler sources of labels, and policies that choose a source.

Definitions are those of Ziai and Vartakavi (arXiv 2402.06560) and of their release. Our choices where both leave a
point open: a concept's validation set is all clips labelled for it, by annotators or for a baseline, that the hash
selects; the annotators' majority takes precedence over the single label of a baseline; and a source's n labels are its
first n outside the validation set. With `strict=True` these choices, and all that follows, are those of the release's
code (`va_widgets.experiments.strict`); docs/va_experiments.md names each difference.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.parallel import Parallel, delayed

from va_widgets.base import arguments
from va_widgets.base.arguments import described, is_one_of
from va_widgets.base.errors import SearchUnavailableError
from va_widgets.base.threads import one_thread, one_torch_thread
from va_widgets.experiments.bandits import POLICIES, Choice, Policy, policy
from va_widgets.experiments.compare import checked_jobs
from va_widgets.experiments.errors import ExperimentError
from va_widgets.experiments.evaluation import in_validation, score
from va_widgets.experiments.learners import fit_logistic
from va_widgets.experiments.release import Release
from va_widgets.experiments.strict import policies as strict_policies
from va_widgets.experiments.strict import sources as strict_sources
from va_widgets.experiments.strict.concept import read_concepts
from va_widgets.experiments.tasks import Linear, Rows
from va_widgets.learning.quality import diversity

BUDGETS = (25, 50, 100, 500, 1000)
GREEDY = "greedy"
_STEP, _MOST = 25, 1000
_SOURCES = ("va", "zero_shot", "random")
_Data = TypeVar("_Data")


def experiment_1(
    release: Release,
    concepts: Sequence[str] | None = None,
    budgets: Sequence[int] = BUDGETS,
    *,
    strict: bool = False,
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
    strict : bool
        Do exactly what the release's code does. Then the row of "va" for `n` is the best of the checkpoints with at
        most n + 10 labels, baselines with fewer than `n` labels have rows, too, and there is one more column, `labels`:
        how many labels the classifier was fitted to.
    jobs : int
        The number of processes; one per processor if not given.

    Raises CorpusError if a file of the release is missing or damaged, and ExperimentError if the validation set of a
    concept has no positives; with `strict` also if no other clip is positive.
    """
    numbers = [
        arguments.count(n, "Each of the budgets", error=ExperimentError)
        for n in arguments.items(budgets, "budgets", "a list", error=ExperimentError)
    ]
    columns = ["source", "n", "ap", "diversity"]
    if arguments.flag(strict, "strict", error=ExperimentError):
        strictly = partial(strict_sources.compare_sources, budgets=numbers)
        return _over_concepts(strictly, read_concepts, release, concepts, jobs, [*columns, "labels"])
    return _over_concepts(partial(_compare_sources, budgets=numbers), _read_all, release, concepts, jobs, columns)


def gains(
    results: pd.DataFrame, source: str = "va", baseline: str = "half_half", *, strict: bool = False
) -> pd.DataFrame:
    """Return how much one source's AP exceeds another's in `experiment_1`: DataFrame(median, min, max, concepts).

    With `strict`, concepts where both are exactly equal are left out, as in VA's notebook.
    """
    wide = _by_column(results, "experiment_1", "source", ["concept", "n"], (source, baseline), "mean")
    gain = (wide[source] - wide[baseline]).dropna()
    if arguments.flag(strict, "strict", error=ExperimentError):
        gain = gain[gain != 0]
    return _summary(gain.groupby("n"))


def best_step_gains(results: pd.DataFrame, baseline: str = "va") -> pd.DataFrame:
    """Return how much the best step of each policy exceeds that of another in `experiment_2`, as `gains` returns it.

    The index is the policy. The best step is the one with the highest validation AP.
    """
    wide = _by_column(results, "experiment_2", "policy", ["concept"], (baseline,), "max")
    gain = wide.drop(columns=baseline).sub(wide[baseline], axis="index").stack().dropna()
    return _summary(gain.groupby("policy"))


def experiment_2(
    release: Release,
    policies: Sequence[str] | None = None,
    concepts: Sequence[str] | None = None,
    *,
    seed: int | None = None,
    strict: bool = False,
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
        Seed of the policies that choose at random, 0 if not given; with `strict` also of the validation set, and 1 if
        not given.
    strict : bool
        Do exactly what the release's code does. Then the rows of "va" are the annotator's checkpoints, as in the strict
        `experiment_1`, and a policy ends when it chooses no more sources.

    The other parameters and the errors are those of `experiment_1`.
    """
    number = None if seed is None else arguments.seed(seed, error=ExperimentError)
    all_names = ["va", *POLICIES, GREEDY]
    names = all_names if policies is None else arguments.items(policies, "policies", "a list", error=ExperimentError)
    for name in names:
        if not is_one_of(name, ("va", GREEDY)):
            policy(name)
    columns = ["policy", "n", "ap"]
    if arguments.flag(strict, "strict", error=ExperimentError):
        strictly = partial(
            strict_policies.compare_policies, names=names, seed=strict_policies.SEED if number is None else number
        )
        return _over_concepts(strictly, read_concepts, release, concepts, jobs, columns)
    ours = partial(_compare_policies, names=names, seed=number or 0)
    return _over_concepts(ours, _read_all, release, concepts, jobs, columns)


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


def _read_all(release: Release, names: Sequence[str]) -> list[_Concept]:
    return [_read(release, name) for name in names]


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


def _by_column(
    results: pd.DataFrame,
    function: str,
    column: str,
    index: list[str],
    names: Sequence[str],
    how: Literal["mean", "max"],
) -> pd.DataFrame:
    """Return the AP of each source or policy, one a column. Raises ExperimentError without those in `names`.

    `how` is what is taken of several rows with the same `index`.
    """
    arguments.instance(results, pd.DataFrame, "Results", f"what {function} returns", error=ExperimentError)
    missing = [needed for needed in ("concept", column, "n", "ap") if needed not in results]
    if missing:
        raise ExperimentError(f"Results of {function} have a column {missing[0]!r}: give them as they are.")
    wide = results.pivot_table(index=index, columns=column, values="ap", aggfunc=how)
    for name in names:
        if not is_one_of(name, [str(given) for given in wide.columns]):
            raise ExperimentError(f"The results hold nothing of the {column} {described(name)}.")
    return wide


def _summary(gain: Any) -> pd.DataFrame:
    """Return a table of grouped gains."""
    return pd.DataFrame({"median": gain.median(), "min": gain.min(), "max": gain.max(), "concepts": gain.size()})


def _over_concepts(
    experiment: Callable[[_Data], list[Any]],
    read: Callable[[Release, Sequence[str]], list[_Data]],
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
    data = read(release, names)
    number = min(jobs or os.cpu_count() or 1, len(data) or 1)
    parallel = Parallel(n_jobs=number, backend="loky")
    results = parallel(delayed(_with_one_thread)(experiment, concept) for concept in data)
    return pd.DataFrame([row for rows in results for row in rows], columns=["concept", *columns])


def _with_one_thread(experiment: Callable[[_Data], list[Any]], concept: _Data) -> list[Any]:
    with one_torch_thread(), one_thread():
        return experiment(concept)
