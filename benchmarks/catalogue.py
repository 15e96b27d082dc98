"""Measure what it costs to score a catalogue: by one model and by many, beside one pass over the same matrix.

The matrix is that of search.py, float16 and memory-mapped, with as many models of random weights. What is compared, in
turns in one run. Ratios are those of processor time, which hold on a busy machine, too; seconds are by the clock:

- one pass in half precision, torch.mv, whose results have 11 bits; and one in float32, which converts blocks that stay
  in the processor's cache and multiplies them by torch.mm: the least that scores in float32 can cost. Both read the
  same memory-mapped bytes as score_blocks, on as many threads, each of which has its own stripe of the matrix;
- score_blocks, which va.score and queries use: without smoothing, smoothed by 10 nearest clips, and written to Parquet.
  The nearest clips are random ones, which is the worst case for the memory, or among the 1,000 clips around each;
- predict_proba of scikit-learn's LogisticRegression, one model after the other, on blocks that are converted to
  float32. Of many models only some are measured, and the time is scaled to all.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from benchmarks.search import write_matrix
from va_widgets.base.matrix import unlocked
from va_widgets.base.threads import torch_pool
from va_widgets.catalogue.local_score import score_blocks
from va_widgets.catalogue.score_files import ScoresFolder
from va_widgets.catalogue.scoring import Weights
from va_widgets.corpus import Corpus

NEAREST = 10
NEAR = 500  # clips before and after, among which the nearest ones are where they are not random
SHARE = 0.3  # of a clip's nearest clips in its logit
SKLEARN_MODELS = 4  # measured of many
BLOCK = 512  # rows that the pass in float32 converts at a time: a megabyte
SKLEARN_BLOCK = 1 << 14  # rows that scikit-learn is given
Floats = NDArray[np.float32]


class Matrix:
    """As much of a corpus as is scored: a matrix, and the nearest clips of each clip."""

    def __init__(self, embeddings: NDArray[np.float16], neighbours: NDArray[np.int32]) -> None:
        self._embeddings, self.neighbours = embeddings, neighbours

    def __len__(self) -> int:
        return len(self._embeddings)

    def view(self, _: str) -> NDArray[np.float16]:
        """Return the matrix."""
        return self._embeddings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--models", type=int, nargs="+", default=[1, 56])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="folder for the temporary matrix (default: the system's)")
    parser.add_argument("--json", type=Path, help="write the table to this file, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        file = Path(folder) / "embeddings.npy"
        write_matrix(file, options.clips, options.dim)
        mapped = np.load(file, mmap_mode="r")
        print(f"{options.clips:,} x {options.dim} float16, memory-mapped, {torch.get_num_threads()} threads")
        tables = [
            times(mapped, number, options.repeats, Path(folder) / f"scores-{number}") for number in options.models
        ]
    table = pd.concat(tables, ignore_index=True)
    print(table.to_string(index=False))
    if options.json:
        table.to_json(options.json, orient="records", indent=1)


def times(mapped: NDArray[np.float16], number: int, repeats: int, folder: Path) -> pd.DataFrame:
    """Return medians in seconds, and medians of the ratios to the pass in float32 and to that in half precision."""
    rng = np.random.default_rng(0)
    coefs = rng.normal(size=(mapped.shape[1], number)).astype(np.float32)
    plain = Weights({"appearance": coefs}, np.zeros(number, np.float32), np.zeros(number, np.float32))
    smoothed = Weights({"appearance": coefs}, np.zeros(number, np.float32), np.full(number, SHARE, np.float32))
    clips = len(mapped)
    spread = rng.integers(-NEAR, NEAR, (NEAREST, clips), dtype=np.int32)
    near = (np.arange(clips, dtype=np.int32) + spread) % np.int32(clips)
    anywhere = rng.integers(0, clips, (NEAREST, clips), dtype=np.int32)
    far_corpus, near_corpus = (cast("Corpus", Matrix(mapped, neighbours)) for neighbours in (anywhere, near))
    half, factors = torch.from_numpy(unlocked(mapped)), torch.from_numpy(coefs)
    candidates: dict[str, Callable[[], Any]] = {
        "one pass, float16": lambda: float16_pass(half, factors[:, 0].half()),
        "one pass, float32": lambda: float32_pass(half, factors),
        "scores": lambda: used(score_blocks(far_corpus, plain)),
        "scores, smoothed by clips around": lambda: used(score_blocks(near_corpus, smoothed)),
        "scores, smoothed by clips anywhere": lambda: used(score_blocks(far_corpus, smoothed)),
        "the same, written": lambda: written(far_corpus, smoothed, folder),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
    for repeat in range(repeats + 1):
        for name, run in candidates.items():
            seconds = measured(run)
            if repeat:  # the first loads what is needed
                taken[name].append(seconds)
    some = min(number, SKLEARN_MODELS)
    clock, processor = measured(lambda: sklearn_pass(mapped, coefs[:, :some]))
    taken[f"scikit-learn, {some} of them measured"] = [(clock * number / some, processor * number / some)] * repeats
    single, low = taken["one pass, float32"], taken["one pass, float16"]
    return pd.DataFrame(
        {
            "models": number,
            "what": name,
            "seconds": round(statistics.median(clock for clock, _ in seconds), 3),
            "processor": round(statistics.median(processor for _, processor in seconds), 3),
            "to float32 pass": ratio(seconds, single),
            "to float16 pass": ratio(seconds, low),
        }
        for name, seconds in taken.items()
    )


def measured(run: Callable[[], Any]) -> tuple[float, float]:
    """Return how long something takes in seconds: by the clock, and of all processors together."""
    clock, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - clock, time.process_time() - processor


def ratio(seconds: list[tuple[float, float]], others: list[tuple[float, float]]) -> float:
    """Return the median of the ratios of processor time, each within one turn."""
    return round(statistics.median(one / other for (_, one), (_, other) in zip(seconds, others, strict=True)), 2)


def float16_pass(half: torch.Tensor, factors: torch.Tensor) -> None:
    in_stripes(len(half), lambda first, stop: torch.mv(half[first:stop], factors))


def float32_pass(half: torch.Tensor, factors: torch.Tensor) -> None:
    out = torch.empty((len(half), factors.shape[1]))

    def fill(first: int, stop: int) -> None:
        buffer = torch.empty((BLOCK, half.shape[1]))
        for start in range(first, stop, BLOCK):
            part = half[start : min(start + BLOCK, stop)]
            torch.mm(buffer[: len(part)].copy_(part), factors, out=out[start : start + len(part)])

    in_stripes(len(half), fill)


def in_stripes(rows: int, work: Callable[[int, int], Any]) -> None:
    """Call a function with the first row and the end of a stripe of a matrix for each core, all at a time."""
    bounds = np.linspace(0, rows, torch.get_num_threads() + 1).astype(int).tolist()
    with torch_pool() as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))


def used(blocks: Iterator[Floats]) -> int:
    return sum(block.shape[1] for block in blocks)


def written(corpus: Corpus, weights: Weights, folder: Path) -> None:
    """Write scores as va.score does, without its checks of the corpus."""
    clips = pd.Index([f"video-{row // 40:06}-{row % 40:02}" for row in range(len(corpus))])
    columns = {f"model_{number}": {"version": 1} for number in range(len(weights))}

    def blocks() -> Iterator[tuple[pd.Index, dict[str, Floats]]]:
        first = 0
        for block in score_blocks(corpus, weights):
            yield clips[first : first + block.shape[1]], dict(zip(columns, block, strict=True))
            first += block.shape[1]

    scores = ScoresFolder(folder)
    with scores.opened():
        scores.write("films", columns, {"path": "films", "encoder": "none"}, blocks())


def sklearn_pass(mapped: NDArray[np.float16], coefs: Floats) -> None:
    for coef in coefs.T:
        classifier = LogisticRegression()
        classifier.classes_ = np.array([False, True])
        classifier.coef_, classifier.intercept_ = coef[None], np.zeros(1, np.float32)
        for start in range(0, len(mapped), SKLEARN_BLOCK):
            classifier.predict_proba(mapped[start : start + SKLEARN_BLOCK].astype(np.float32))


if __name__ == "__main__":
    main()
