"""Compare this process alone with one and two workers of Ray, for a build and for scoring.

Ray runs on this machine and is started before the clocks are. Workers have one core each. A build's time includes the
start of its workers, which import the packages and load the model; a pass's does not, it is measured on its own as the
first pass of a pool. What is compared is measured in turns, so that medians of ratios hold on a busy machine, too.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

import va_widgets as va
from benchmarks.search import write_matrix
from va_widgets.base.ray_engine import RayEngine, running
from va_widgets.base.ray_pool import RayPool
from va_widgets.catalogue import local_score, ray_score
from va_widgets.catalogue.scoring import Weights
from va_widgets.corpus import Corpus

WORKERS = (1, 2)


class Matrix:
    """As much of a corpus as is scored."""

    def __init__(self, embeddings: np.memmap[Any, Any]) -> None:
        self._embeddings = embeddings

    def __len__(self) -> int:
        return len(self._embeddings)

    def view(self, _: str) -> np.memmap[Any, Any]:
        """Return the matrix."""
        return self._embeddings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo-clips", type=int, default=400, help="clips of the videos that are built")
    parser.add_argument("--clips", type=int, default=500_000, help="rows of the matrix that is scored")
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--models", type=int, nargs="+", default=[1, 56])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        started = time.perf_counter()
        ray = stack.enter_context(running(RayEngine()))
        print(f"Ray started in {time.perf_counter() - started:.1f} s")
        tables = [builds(Path(folder), options.demo_clips, options.repeats)]
        file = Path(folder) / "embeddings.npy"
        write_matrix(file, options.clips, options.dim)
        corpus = cast("Corpus", Matrix(np.load(file, mmap_mode="r")))
        tables += [passes(ray, corpus, number, options.repeats) for number in options.models]
    print(pd.concat(tables, ignore_index=True).to_string(index=False))


def builds(folder: Path, clips: int, repeats: int) -> pd.DataFrame:
    """Return the times of builds of the demo's videos by va-tiny."""
    demo = va.demo.corpus(folder / "demo", clips=clips, progress=False)
    videos = demo.path / "videos"
    numbers = iter(range(1000))

    def build(engine: str | RayEngine) -> None:
        va.Corpus.build(folder / f"built-{next(numbers)}", videos, "va-tiny", progress=False, engine=engine)

    runs: dict[str, Callable[[], object]] = {"local": lambda: build("local")}
    for workers in WORKERS:
        runs[f"Ray, {workers} workers"] = lambda workers=workers: build(RayEngine(workers=workers))  # type: ignore[misc]
    return times(f"build, {len(demo)} clips of {demo.clips['video'].nunique()} videos", runs, repeats)


def passes(ray: Any, corpus: Corpus, models: int, repeats: int) -> pd.DataFrame:
    """Return the times of passes over the matrix by so many models."""
    rng = np.random.default_rng(0)
    coefs = rng.normal(size=(corpus.view("appearance").shape[1], models)).astype(np.float32)
    zeros = np.zeros(models, np.float32)
    weights = Weights({"appearance": coefs}, zeros, zeros)
    what = f"{models} models, {len(corpus):,} clips"

    def by_ray(pool: RayPool) -> None:
        for _ in ray_score._score_blocks(pool, corpus, weights, None, None, None):
            pass

    def alone() -> None:
        for _ in local_score.score_blocks(corpus, weights):
            pass

    alone()  # so that torch is loaded
    tables = []
    for workers in WORKERS:
        with RayPool(ray, RayEngine(workers=workers)) as pool:
            started = time.perf_counter()
            by_ray(pool)
            print(
                f"{what}, {workers} workers: {time.perf_counter() - started:.1f} s for the first pass and their start"
            )
            runs: dict[str, Callable[[], object]] = {
                "local": alone,
                f"Ray, {workers} workers": lambda pool=pool: by_ray(pool),  # type: ignore[misc]
            }
            tables.append(times(what, runs, repeats))
    return pd.concat(tables)


def times(what: str, runs: dict[str, Callable[[], object]], repeats: int) -> pd.DataFrame:
    """Return the medians of what some runs take, in seconds, and of their ratios to the first."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            taken[name].append(time.perf_counter() - started)
    first = next(iter(taken.values()))
    return pd.DataFrame(
        {
            "what": what,
            "by": name,
            "seconds": round(statistics.median(seconds), 2),
            "least": round(min(seconds), 2),
            "to local": round(statistics.median(a / b for a, b in zip(seconds, first, strict=True)), 2),
        }
        for name, seconds in taken.items()
    )


if __name__ == "__main__":
    main()
