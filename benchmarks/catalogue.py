"""Measure what it costs to score a catalogue: by one model and by many, beside one pass over the same matrix.

The matrix is that of search.py, float16 and memory-mapped, with as many models of random weights. What is compared, in
turns in one run, so that medians of ratios hold on a busy machine, too:

- one pass: torch.mv in half precision, whose results have 11 bits; and float32, torch.mm on blocks that are converted,
  which is the least that scores in float32 can cost;
- score_blocks, which va.score and queries use: without smoothing, smoothed by 10 nearest clips, and written to Parquet.
  Here these are random clips, which is the worst case for the memory: those of a real corpus are mostly near;
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
from va_widgets.catalogue.local_score import score_blocks
from va_widgets.catalogue.score_files import ScoresFolder
from va_widgets.catalogue.scoring import Weights
from va_widgets.corpus import Corpus

NEAREST = 10
SHARE = 0.3  # of a clip's nearest clips in its logit
SKLEARN_MODELS = 4  # measured of many
BLOCK = 1 << 14  # rows of the passes that are compared with
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
    neighbours = rng.integers(0, len(mapped), (NEAREST, len(mapped)), dtype=np.int32)
    corpus = cast("Corpus", Matrix(mapped, neighbours))
    half = torch.from_numpy(np.array(mapped))
    half_coef, factors = torch.from_numpy(coefs[:, 0].astype(np.float16)), torch.from_numpy(coefs)
    candidates: dict[str, Callable[[], Any]] = {
        "one pass, torch float16": lambda: torch.mv(half, half_coef),
        "one pass, torch float32 in blocks": lambda: float32_pass(half, factors),
        "scores": lambda: used(score_blocks(corpus, plain)),
        "scores, smoothed": lambda: used(score_blocks(corpus, smoothed)),
        "scores, smoothed, written": lambda: written(corpus, smoothed, folder),
    }
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    for repeat in range(repeats + 1):
        for name, run in candidates.items():
            started = time.perf_counter()
            run()
            if repeat:  # the first loads what is needed
                taken[name].append(time.perf_counter() - started)
    some = min(number, SKLEARN_MODELS)
    started = time.perf_counter()
    sklearn_pass(mapped, coefs[:, :some])
    taken[f"scikit-learn, {some} of them measured"] = [(time.perf_counter() - started) * number / some] * repeats
    single, low = taken["one pass, torch float32 in blocks"], taken["one pass, torch float16"]
    return pd.DataFrame(
        {
            "models": number,
            "what": name,
            "seconds": round(statistics.median(seconds), 3),
            "to float32 pass": round(statistics.median(a / b for a, b in zip(seconds, single, strict=True)), 2),
            "to float16 pass": round(statistics.median(a / b for a, b in zip(seconds, low, strict=True)), 2),
        }
        for name, seconds in taken.items()
    )


def float32_pass(half: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    out = torch.empty((len(half), factors.shape[1]))
    buffer = torch.empty((BLOCK, half.shape[1]))
    for start in range(0, len(half), BLOCK):
        part = half[start : start + BLOCK]
        torch.mm(buffer[: len(part)].copy_(part), factors, out=out[start : start + BLOCK])
    return out


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
        for start in range(0, len(mapped), BLOCK):
            classifier.predict_proba(mapped[start : start + BLOCK].astype(np.float32))


if __name__ == "__main__":
    main()
