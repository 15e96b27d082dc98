"""Compare methods of scoring ten million clips after a label: half precision, bfloat16 and int8.

Each method computes the logits of all clips and then the feeds' pages. `bfloat16` and `int8` are less precise: with
them, a page's candidates are found by approximate logits and then ranked by exact ones. `page off by` is the mean
difference in logits between a page's clips and the best ones, for the feed with the largest difference. int8 has one
scale per clip; the product is torch's private `_int_mm`, which needs at least 16 vectors.

The matrix is synthetic, but distributed like OpenCLIP's embeddings of clips (see search.py). It needs its size once on
the disk, and up to one and a half times in memory.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from benchmarks.search import write_matrix
from va_widgets.base.matrix import half_products
from va_widgets.learning.classifier import Classifier
from va_widgets.learning.logistic import decision_scores
from va_widgets.learning.score_index import ScoreIndex
from va_widgets.learning.statistics import CorpusStatistics

PAGE = 12
CANDIDATES = 8 * PAGE  # as many as the feeds consider, to choose diverse ones
TARGETS = (np.inf, -np.inf, 0.0, -1.0)  # the feeds show the clips with logits nearest to these
BLOCK = 1 << 17
VECTORS = 16  # the smallest number that torch's int8 product accepts

Logits = NDArray[np.float32]
Method = tuple[str, float, Callable[[], Logits], bool]  # name, GB, function for all logits, are they approximate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=10_000_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--labels", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="folder for the temporary matrix (default: the system's)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        file = Path(folder) / "matrix.npy"
        _, texts = write_matrix(file, options.clips, options.dim)
        matrix: NDArray[np.float16] = np.load(file, mmap_mode="r")
        classifier, fitting = fitted(matrix, texts[0], options.labels)
        exact = exact_logits(matrix, np.arange(len(matrix)), classifier)
        best = feeds(exact)
        rows = []
        for name, gigabytes, logits, approximate in methods(matrix, classifier):
            pass_times, feed_times = [], []
            for _ in range(options.repeats):
                started = time.perf_counter()
                scored = logits()
                pass_times.append(1000 * (time.perf_counter() - started))
                started = time.perf_counter()
                pages = feeds(scored)
                if approximate:
                    pages = [
                        ranked(page, target, matrix, classifier) for page, target in zip(pages, TARGETS, strict=True)
                    ]
                feed_times.append(1000 * (time.perf_counter() - started))
            rows.append(
                {
                    "way": name,
                    "GB": round(gigabytes, 1),
                    "all logits, ms": round(statistics.median(pass_times)),
                    "feeds, ms": round(statistics.median(feed_times)),
                    "with the fit, ms": round(fitting + statistics.median(pass_times) + statistics.median(feed_times)),
                    "a logit off by": round(float(np.abs(scored - exact).max()), 4),
                    "page off by": max(
                        round(
                            float(distance(exact[page[:PAGE]], target).mean())
                            - float(distance(exact[best_page[:PAGE]], target).mean()),
                            4,
                        )
                        for page, best_page, target in zip(pages, best, TARGETS, strict=True)
                    ),
                }
            )
            print(f"{name}: measured", file=sys.stderr)
    print(f"{options.clips:,} x {options.dim}, {options.labels} labels, {torch.get_num_threads()} threads; medians")
    print(pd.DataFrame(rows).to_string(index=False))


def fitted(matrix: NDArray[np.float16], text: NDArray[np.float32], labels: int) -> tuple[Classifier, float]:
    """Return a classifier, fitted to clips near the text and random ones, and the fit's milliseconds."""
    rng = np.random.default_rng(0)
    corpus_statistics = CorpusStatistics.of(matrix)
    near = np.argsort(-(corpus_statistics.sample @ text))[: labels // 2]
    far = np.asarray(matrix[np.sort(rng.choice(len(matrix), labels - len(near), replace=False))], dtype=np.float32)
    X = np.concatenate([corpus_statistics.sample[near], far])
    values = X @ rng.standard_normal(X.shape[1], dtype=np.float32)
    y = values > np.quantile(values, 0.6)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        classifier = Classifier(text, corpus_statistics).fit(X, y)
        times.append(1000 * (time.perf_counter() - started))
    return classifier, statistics.median(times)


def methods(matrix: NDArray[np.float16], classifier: Classifier) -> Iterator[Method]:
    """Yield the methods one after the other, as their data do not fit into memory together."""
    n, dim = matrix.shape
    length = np.float32(np.linalg.norm(classifier.coef_[0]))
    unit = torch.from_numpy((classifier.coef_[0] / length).astype(np.float32))
    half = unit.half().numpy()
    gigabytes = 1e-9 * n * dim

    def logits(products: NDArray[np.floating[Any]]) -> Logits:
        return np.multiply(products, length, dtype=np.float32) + np.float32(classifier.intercept_[0])

    yield "float16, from the file", 2 * gigabytes, lambda: logits(half_products(matrix, half)), False
    in_memory = np.array(matrix)
    yield "float16, in memory", 2 * gigabytes, lambda: logits(half_products(in_memory, half)), False
    threads = torch.get_num_threads()
    parts = np.array_split(in_memory, 4 * threads)
    torch.set_num_threads(1)
    with ThreadPoolExecutor(threads) as pool:

        def in_parts() -> Logits:
            return logits(np.concatenate(list(pool.map(lambda part: half_products(part, half), parts))))

        yield "float16, in memory, in parts", 2 * gigabytes, in_parts, False
    torch.set_num_threads(threads)
    bfloat = torch.from_numpy(in_memory).view(torch.bfloat16)  # reuses the memory of the float16 copy
    for block in blocks(n):
        bfloat[block] = torch.from_numpy(np.array(matrix[block])).bfloat16()
    yield "bfloat16", 2 * gigabytes, lambda: logits(torch.mv(bfloat, unit.bfloat16()).float().numpy()), True

    integers = torch.empty(n, dim, dtype=torch.int8)
    scales = torch.empty(n)
    for block in blocks(n):
        integers[block], scales[block] = rounded(torch.from_numpy(np.asarray(matrix[block], dtype=np.float32)))
    vector, scale = rounded(unit[None])
    vectors = vector.T.repeat(1, VECTORS)

    def by_int8() -> Logits:
        products = torch.cat([torch._int_mm(integers[block], vectors)[:, 0] for block in blocks(n)])
        return logits((products * scales * scale).numpy())

    yield "int8", gigabytes, by_int8, True


def blocks(n: int) -> list[slice]:
    """Return slices of BLOCK rows that cover `n` rows."""
    return [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]


def rounded(vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return vectors (n, dim) as int8 (n, dim), and the scale of each, float32 (n,)."""
    scales = vectors.abs().amax(dim=1).clamp(min=1e-12) / 127
    return (vectors / scales[:, None]).round().to(torch.int8), scales


def feeds(logits: Logits) -> list[NDArray[np.int64]]:
    """Return the candidates of each feed, best first."""
    ranking, excluded = ScoreIndex(logits), np.zeros(len(logits), dtype=bool)
    return [ranking.nearest(target, CANDIDATES, excluded) for target in TARGETS]


def distance(logits: Logits, target: float) -> Logits:
    """Return the distance of logits to a feed's target; up to a constant if the target is infinite."""
    return np.abs(logits - target) if np.isfinite(target) else -np.float32(np.sign(target)) * logits


def exact_logits(matrix: NDArray[np.float16], rows: NDArray[np.int64], classifier: Classifier) -> Logits:
    """Return the logits (m,) of rows (m,), computed in float32."""
    return np.concatenate(
        [
            decision_scores(np.asarray(matrix[rows[block]], dtype=np.float32), classifier.coef_, classifier.intercept_)
            for block in blocks(len(rows))
        ]
    )


def ranked(
    rows: NDArray[np.int64], target: float, matrix: NDArray[np.float16], classifier: Classifier
) -> NDArray[np.int64]:
    """Return the rows ordered by their exact logits, best first."""
    return rows[np.argsort(distance(exact_logits(matrix, rows, classifier), target), kind="stable")]


if __name__ == "__main__":
    main()
