"""Compare strategies: an oracle labels one half of a pool, and the classifier's AP is measured on the other half."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from sklearn.utils.parallel import Parallel, delayed

from va_widgets.base import arguments
from va_widgets.base.arguments import described, is_one_of
from va_widgets.base.errors import reason_of
from va_widgets.base.paths import GivenPath, absolute_path, replacing
from va_widgets.base.system_errors import failure
from va_widgets.base.threads import one_thread, one_torch_thread
from va_widgets.experiments.errors import ExperimentError
from va_widgets.experiments.oracle import answers, checked_error
from va_widgets.experiments.pools import Half, Pool, half
from va_widgets.experiments.queries import zero_shot_query
from va_widgets.experiments.strategies import strategy
from va_widgets.experiments.tasks import State, Strategy, Task

_LONGEST_NAME = 40  # characters of a strategy's name in a file's name, which may have 255 bytes
BUDGETS = (10, 25, 50, 100, 250, 500, 1000)
FIRST = 10  # labels before the first fit
_SMALL_BATCH, _LARGE_BATCH, _LARGE_FROM = 5, 25, 100
_COLUMNS = ["strategy", "concept", "seed", "n", "ap"]

Point: TypeAlias = tuple[int, float]


def compare(
    pool: Pool,
    strategies: str | Strategy | Sequence[str | Strategy],
    concepts: Sequence[str] | Half | None = None,
    budgets: int | Sequence[int] = BUDGETS,
    seeds: int | Sequence[int] = 3,
    *,
    error: float = 0.0,
    jobs: int | None = None,
    folder: GivenPath | None = None,
) -> pd.DataFrame:
    """Run every strategy on every concept: label one half of the pool, and measure the AP on the other half.

    The first 10 labels are of the clips nearest to the text, or of random clips without a text. Then come batches of 5
    up to 100 labels and of 25 from there on, with a fit after each. The same arguments give the same table, whatever
    `jobs` is.

    Parameters
    ----------
    strategies : names or Strategy objects
        See `strategies.STRATEGIES`.
    concepts : names, or "development" or "reporting"
        That half of the pool's concepts (`pools.half`). All of them if not given.
    budgets : int
        The numbers of labels to measure at. Those larger than the half to label from are left out.
    seeds : int
        The number of runs of each, with the seeds 0, 1, …; or the seeds themselves.
    error : float
        The share of the oracle's labels that are wrong, 0 to 1. The AP is measured by the correct truth.
    jobs : int
        The number of processes, of one thread each. One process per processor if not given.
    folder : path
        Each finished run is written to a file in it, and runs that have a file there are not repeated. Files are found
        by the strategies' names, so use a new folder after a change to a strategy.

    Returns a DataFrame(strategy, concept, seed, n, ap), ap being scikit-learn's average precision on the test half.
    Raises ExperimentError for arguments of wrong types, unknown names, an empty comparison, a concept without positives
    in the test half, and a folder that cannot be written.
    """
    arguments.instance(pool, Pool, "The pool", "a Pool, such as open_pool returns", error=ExperimentError)
    given = _items([strategies] if isinstance(strategies, (str, Strategy)) else strategies, "strategies")
    chosen = [item if isinstance(item, Strategy) else strategy(item) for item in given]
    names = _concepts(pool, concepts)
    sizes = [
        arguments.count(n, "Each of the budgets", error=ExperimentError) for n in _items(_as_list(budgets), "budgets")
    ]
    measured_at = tuple(sorted({n for n in sizes if 0 < n <= len(pool.train)}))
    if isinstance(seeds, (int, np.integer)):
        seed_list = list(range(arguments.count(seeds, "seeds", error=ExperimentError)))
    else:
        seed_list = [
            arguments.seed(item, "Each of the seeds", error=ExperimentError) for item in _items(seeds, "seeds")
        ]
    error = checked_error(error)
    jobs = checked_jobs(jobs)
    if not (chosen and names and measured_at and seed_list):
        raise ExperimentError(
            f"At least one strategy, concept, seed and budget from 1 to {len(pool.train)} is needed to compare."
        )
    if len({item.name for item in chosen}) < len(chosen):
        raise ExperimentError("Two of the strategies have the same name: give each its own.")
    home = None if folder is None else _create_folder(absolute_path(folder, ExperimentError, "The folder of results"))
    runs = [_Run(item, concept, seed, measured_at, error) for item in chosen for concept in names for seed in seed_list]
    files = [None if home is None else home / run.file_name(pool) for run in runs]
    points = {i: _read(file) for i, file in enumerate(files) if file is not None and file.exists()}
    missing = [i for i in range(len(runs)) if i not in points]
    parallel = Parallel(n_jobs=min(jobs or os.cpu_count() or 1, len(missing) or 1), backend="loky")
    finished = parallel(delayed(_do_run)(pool, runs[i], files[i]) for i in missing)
    points.update(zip(missing, finished, strict=True))
    rows = [(run.strategy.name, run.concept, run.seed, n, ap) for i, run in enumerate(runs) for n, ap in points[i]]
    return pd.DataFrame(rows, columns=_COLUMNS)


def checked_jobs(jobs: int | None) -> int | None:
    """Return a valid number of processes, or None for one per processor. Raises ExperimentError for anything else."""
    return None if jobs is None else arguments.count(jobs, "jobs", least=1, error=ExperimentError)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, (int, np.integer)) else value


def _items(value: object, name: str) -> list[Any]:
    return arguments.items(value, name, "a list", error=ExperimentError)


@dataclass(frozen=True)
class _Run:
    """The arguments of one run of `compare`."""

    strategy: Strategy
    concept: str
    seed: int
    budgets: tuple[int, ...]
    error: float

    def file_name(self, pool: Pool) -> str:
        """Return the name of the run's file: the strategy's name, and a hash of all that the result depends on."""
        identity = repr((pool.digest, self.strategy.name, self.concept, self.seed, self.budgets, self.error))
        digest = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
        name = "".join(char if char.isalnum() or char in "-_" else "_" for char in self.strategy.name[:_LONGEST_NAME])
        return f"{name}-{digest}.json"


def replay(
    pool: Pool, strategy: Strategy, concept: str, seed: int, budgets: Sequence[int], error: float = 0.0
) -> list[Point]:
    """Label one concept by one strategy, as `compare` does; returns (n, ap) for every budget, ascending."""
    truth = pool.truth[concept].to_numpy(dtype=bool)
    oracle_answers = answers(truth, error, seed)[pool.train]
    views = pool.views if strategy.views else {}
    test_truth, test_X = truth[pool.test], _columns(pool, views, pool.test)
    task = _task(pool, views, concept, seed)
    rows, y = np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
    scores: NDArray[np.floating] = task.zero_shot_scores
    points: list[Point] = []
    for step, size in enumerate(_fit_sizes(max(budgets), budgets)):
        state = State(task, rows, y, scores, step, max(budgets))
        query = zero_shot_query if step == 0 and strategy.searches else strategy.query
        batch = size - len(rows)
        rows = np.concatenate([rows, _filled_up(query(state, batch), state, batch, strategy)])
        y = oracle_answers[rows]
        if strategy.adaptive or size in budgets:
            fitted = strategy.learner(task, rows, y)
            scores = fitted(task.X) if strategy.adaptive else scores
            if size in budgets:
                points.append((size, float(average_precision_score(test_truth, fitted(test_X)))))
    return points


def _columns(
    pool: Pool, views: Mapping[str, NDArray[np.floating[Any]]], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return some clips' embeddings, followed by their values in some views, float32 (k, d)."""
    parts = [np.asarray(matrix[rows], dtype=np.float32) for matrix in (pool.embeddings, *views.values())]
    return np.concatenate(parts, axis=1)


def _task(pool: Pool, views: Mapping[str, NDArray[np.floating[Any]]], concept: str, seed: int) -> Task:
    """Return the data of one run: the half to label from, without its truth."""
    text = pool.texts.get(concept)
    ends = np.cumsum([pool.embeddings.shape[1], *(matrix.shape[1] for matrix in views.values())]).tolist()
    return Task(
        X=_columns(pool, views, pool.train),
        views={name: slice(*at) for name, at in zip(views, pairwise(ends), strict=True)},
        text=None if text is None else np.asarray(text, dtype=np.float32),
        videos=None if pool.videos is None else pool.videos[pool.train],
        seed=seed,
        rng=np.random.default_rng([seed, crc32(concept.encode())]),
    )


def _fit_sizes(most: int, budgets: Sequence[int]) -> list[int]:
    """Return the numbers of labels, up to `most`, after which the learner is fitted; every budget is among them."""
    small = range(FIRST, _LARGE_FROM + 1, _SMALL_BATCH)
    large = range(_LARGE_FROM, most + 1, _LARGE_BATCH)
    return sorted(size for size in {*small, *large, *budgets} if size <= most)


def _filled_up(rows: NDArray[np.int64], state: State, k: int, strategy: Strategy) -> NDArray[np.int64]:
    """Return the first `k` rows of a query's answer, with random rows added if it has fewer.

    Raises ExperimentError if the query chose a row twice or one with a label.
    """
    chosen = np.asarray(rows, dtype=np.int64)[:k]
    free = state.free
    if len(np.unique(chosen)) < len(chosen) or not free[chosen].all():
        raise ExperimentError(f"The strategy {strategy.name!r} chose a clip twice.")
    free[chosen] = False
    if len(chosen) == k:
        return chosen
    return np.concatenate([chosen, state.task.rng.choice(np.flatnonzero(free), size=k - len(chosen), replace=False)])


def _do_run(pool: Pool, run: _Run, file: Path | None) -> list[Point]:
    """Do a run, write its result to `file`, and return it."""
    with one_torch_thread(), one_thread():  # the same order of sums on every machine, and no more threads than cores
        points = replay(pool, run.strategy, run.concept, run.seed, run.budgets, run.error)
    if file is not None:
        content = {
            "pool": pool.name, "strategy": run.strategy.name, "concept": run.concept, "seed": run.seed,
            "error": run.error, "points": points,
        }  # fmt: skip
        try:
            with replacing(file) as unfinished:
                unfinished.write_text(json.dumps(content), encoding="utf-8")
        except OSError as error:
            raise ExperimentError(f"A result cannot be written to {file} ({reason_of(error)}).") from error
    return points


def _read(file: Path) -> list[Point]:
    """Read a finished run. Raises ExperimentError if the file has other content."""
    try:
        return [(int(n), float(ap)) for n, ap in json.loads(file.read_text(encoding="utf-8"))["points"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExperimentError(
            failure(str(file), error) or f"{file} is no result of a comparison: delete it."
        ) from error


def _create_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExperimentError(f"The results' folder {folder} cannot be made ({reason_of(error)}).") from error
    return folder


def _concepts(pool: Pool, concepts: Sequence[str] | Half | None) -> list[str]:
    """Return the names of the concepts to compare on. Raises ExperimentError for concepts without a usable truth."""
    if concepts is None:
        names = pool.concepts
    elif isinstance(concepts, str):
        if concepts not in ("development", "reporting"):
            raise ExperimentError(f"Concepts are a list of names, 'development' or 'reporting', not {concepts!r}.")
        names = [name for name in pool.concepts if half(name) == concepts]
    else:
        names = _items(concepts, "concepts")
    for name in names:
        if not is_one_of(name, pool.concepts):
            raise ExperimentError(f"The pool {pool.name!r} knows no truth about {described(name)}.")
        if not pool.truth[name].iloc[pool.test].any():
            raise ExperimentError(f"There are no positives of {name!r} in the half to test on.")
    return names
