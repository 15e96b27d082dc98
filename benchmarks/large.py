"""Ten million clips on one machine: how all of them are best scored after a label, and what that costs.

Each way computes the logits of all clips and then the feeds' pages. `bfloat16` and `int8` are coarser: with them a
page's candidates are found by coarse logits and then ranked by exact ones. `page off by` is how far, in logits, a
page's clips are from the best ones, in the mean, for the feed for which that is most. int8 has a scale a clip; it is
multiplied by torch's private `_int_mm`, which takes 16 vectors at least.

The matrix is made up, but shaped like OpenCLIP's embeddings of clips (see search.py). It is on the disk once, and in
memory once and, by then, half once more.
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
from va_widgets.learning.backdrop import Backdrop
from va_widgets.learning.classifier import Classifier
from va_widgets.learning.logistic import decision_scores
from va_widgets.learning.ranking import Ranking
from va_widgets.matrix import half_products

PAGE = 12
CANDIDATES = 8 * PAGE  # as many as the feeds look at, for thinning out
AT = (np.inf, -np.inf, 0.0, -1.0)  # the logits that the feeds look near
BLOCK = 1 << 17
VECTORS = 16  # the fewest that torch multiplies in int8

Logits = NDArray[np.float32]
Way = tuple[str, float, Callable[[], Logits], bool]  # its name, its GB, all logits, and whether they are coarse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=10_000_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--labels", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where the matrix is put meanwhile (default: the system's)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        file = Path(folder) / "matrix.npy"
        _, texts = write_matrix(file, options.clips, options.dim)
        matrix: NDArray[np.float16] = np.load(file, mmap_mode="r")
        classifier, fitting = fitted(matrix, texts[0], options.labels)
        exact = exact_logits(matrix, np.arange(len(matrix)), classifier)
        best = feeds(exact)
        rows = []
        for name, gigabytes, logits, coarse in ways(matrix, classifier):
            passes, feeding = [], []
            for _ in range(options.repeats):
                started = time.perf_counter()
                scored = logits()
                passes.append(1000 * (time.perf_counter() - started))
                started = time.perf_counter()
                pages = feeds(scored)
                if coarse:
                    pages = [ranked(page, at, matrix, classifier) for page, at in zip(pages, AT, strict=True)]
                feeding.append(1000 * (time.perf_counter() - started))
            rows.append(
                {
                    "way": name,
                    "GB": round(gigabytes, 1),
                    "all logits, ms": round(statistics.median(passes)),
                    "feeds, ms": round(statistics.median(feeding)),
                    "with the fit, ms": round(fitting + statistics.median(passes) + statistics.median(feeding)),
                    "a logit off by": round(float(np.abs(scored - exact).max()), 4),
                    "page off by": max(
                        round(float(away(exact[page[:PAGE]], at).mean() - away(exact[other[:PAGE]], at).mean()), 4)
                        for page, other, at in zip(pages, best, AT, strict=True)
                    ),
                }
            )
            print(f"{name}: measured", file=sys.stderr)
    print(f"{options.clips:,} x {options.dim}, {options.labels} labels, {torch.get_num_threads()} threads; medians")
    print(pd.DataFrame(rows).to_string(index=False))


def fitted(matrix: NDArray[np.float16], text: NDArray[np.float32], labels: int) -> tuple[Classifier, float]:
    """A classifier of labels around the text's nearest clips and at random, and the fit's milliseconds."""
    rng = np.random.default_rng(0)
    backdrop = Backdrop.of(matrix)
    near = np.argsort(-(backdrop.sample @ text))[: labels // 2]
    far = np.asarray(matrix[np.sort(rng.choice(len(matrix), labels - len(near), replace=False))], dtype=np.float32)
    X = np.concatenate([backdrop.sample[near], far])
    values = X @ rng.standard_normal(X.shape[1], dtype=np.float32)
    y = values > np.quantile(values, 0.6)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        classifier = Classifier(text, backdrop).fit(X, y)
        times.append(1000 * (time.perf_counter() - started))
    return classifier, statistics.median(times)


def ways(matrix: NDArray[np.float16], classifier: Classifier) -> Iterator[Way]:
    """One after the other, as they do not fit into memory together."""
    n, dim = matrix.shape
    length = np.float32(np.linalg.norm(classifier.coef_[0]))
    unit = torch.from_numpy((classifier.coef_[0] / length).astype(np.float32))
    half = unit.half().numpy()
    gigabytes = 1e-9 * n * dim

    def logits(products: NDArray[np.floating[Any]]) -> Logits:
        return np.multiply(products, length, dtype=np.float32) + np.float32(classifier.intercept_[0])

    yield "float16, from the file", 2 * gigabytes, lambda: logits(half_products(matrix, half)), False
    held = np.array(matrix)
    yield "float16, in memory", 2 * gigabytes, lambda: logits(half_products(held, half)), False
    threads = torch.get_num_threads()
    parts = np.array_split(held, 4 * threads)
    torch.set_num_threads(1)
    with ThreadPoolExecutor(threads) as pool:

        def in_parts() -> Logits:
            return logits(np.concatenate(list(pool.map(lambda part: half_products(part, half), parts))))

        yield "float16, in memory, in parts", 2 * gigabytes, in_parts, False
    torch.set_num_threads(threads)
    brain = torch.from_numpy(held).view(torch.bfloat16)  # in the same place
    for some in blocks(n):
        brain[some] = torch.from_numpy(np.array(matrix[some])).bfloat16()
    yield "bfloat16", 2 * gigabytes, lambda: logits(torch.mv(brain, unit.bfloat16()).float().numpy()), True

    small = torch.empty(n, dim, dtype=torch.int8)
    scales = torch.empty(n)
    for some in blocks(n):
        small[some], scales[some] = rounded(torch.from_numpy(np.asarray(matrix[some], dtype=np.float32)))
    vector, scale = rounded(unit[None])
    vectors = vector.T.repeat(1, VECTORS)

    def by_int8() -> Logits:
        products = torch.cat([torch._int_mm(small[some], vectors)[:, 0] for some in blocks(n)])
        return logits((products * scales * scale).numpy())

    yield "int8", gigabytes, by_int8, True


def blocks(n: int) -> list[slice]:
    return [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]


def rounded(vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Vectors (n, dim) as int8 (n, dim), and what 1 means in each, float32 (n,)."""
    scales = vectors.abs().amax(dim=1).clamp(min=1e-12) / 127
    return (vectors / scales[:, None]).round().to(torch.int8), scales


def feeds(logits: Logits) -> list[NDArray[np.int64]]:
    """The candidates of each feed, best first."""
    ranking, nothing = Ranking(logits), np.zeros(len(logits), dtype=bool)
    return [ranking.nearest(at, CANDIDATES, nothing) for at in AT]


def away(logits: Logits, at: float) -> Logits:
    """How far clips are from what a feed looks for; only differences count where that is infinite."""
    return np.abs(logits - at) if np.isfinite(at) else -np.float32(np.sign(at)) * logits


def exact_logits(matrix: NDArray[np.float16], rows: NDArray[np.int64], classifier: Classifier) -> Logits:
    """Logits (m,) of some rows (m,), in float32."""
    return np.concatenate(
        [
            decision_scores(np.asarray(matrix[rows[some]], dtype=np.float32), classifier.coef_, classifier.intercept_)
            for some in blocks(len(rows))
        ]
    )


def ranked(
    rows: NDArray[np.int64], at: float, matrix: NDArray[np.float16], classifier: Classifier
) -> NDArray[np.int64]:
    """The same rows by their exact logits, best first."""
    return rows[np.argsort(away(exact_logits(matrix, rows, classifier), at), kind="stable")]


if __name__ == "__main__":
    main()
