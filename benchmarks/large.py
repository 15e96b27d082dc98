"""Measure what a session over up to ten million clips costs, and compare methods of scoring all of them.

The first table compares one pass over the matrix in half precision, in bfloat16, and with the copy of one byte a value
that a session keeps of a large corpus. `page off by` is the mean difference in logits between the clips of a page and
the best ones, for the feed with the largest difference; with approximate logits candidates are ranked again by exact
ones. The second table has the steps of a session:

    open corpus
    open session       the text vector is stored, so that the first classifier is fitted and all clips are scored
    first feed
    label              one label is stored
    refit              the classifier is fitted and all clips are scored and smoothed
    feeds              a page of each of the five feeds
    the rest           quality, calibration, number of positives: after the feeds
    status             what the header shows
    all scores         P(yes) of all clips as a table
    private GB         memory of this process that is not the mapped matrix

The matrix is synthetic, but distributed like OpenCLIP's embeddings of clips (see search.py). The neighbours are random
clips: the real ones of ten million take many minutes to find, and random ones are the slowest to read. The corpus needs
twice the size of its matrix on the disk.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import psutil
import torch
from numpy.typing import NDArray

import va_widgets as va
from benchmarks.refit import CONCEPT, compute_feeds, make_corpus
from va_widgets.base.int8_matrix import Int8Matrix
from va_widgets.base.matrix import half_products
from va_widgets.corpus.neighbours import NEIGHBOURS
from va_widgets.learning.classifier import Classifier
from va_widgets.learning.logistic import decision_scores
from va_widgets.learning.score_index import ScoreIndex
from va_widgets.learning.statistics import CorpusStatistics

PAGE = 12
CANDIDATES = 8 * PAGE  # as many as the feeds consider, to choose diverse ones
TARGETS = (np.inf, -np.inf, 0.0, -1.0)  # the feeds show the clips with logits nearest to these
BLOCK = 1 << 17

Logits = NDArray[np.float32]
Method = tuple[str, float, Callable[[], Logits]]  # name, GB, function for all logits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[500_000, 2_000_000, 10_000_000])
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--labels", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="folder for the temporary corpora (default: the system's)")
    options = parser.parse_args()
    passes, steps = [], []
    for clips in options.clips:
        with (
            tempfile.TemporaryDirectory(dir=options.folder) as folder,
            patch("va_widgets.corpus.writing.nearest_neighbours", random_neighbours),
        ):
            path = make_corpus(Path(folder), clips, options.dim).path
            steps += session_steps(path, options.labels, options.repeats)
            print(f"{clips:,}: session measured", file=sys.stderr)
            passes += compared(va.Corpus.open(path).embeddings, options.labels, options.repeats)
    print(f"dim {options.dim}, {options.labels} labels, {torch.get_num_threads()} threads; medians and least, in ms")
    for rows in (passes, steps):
        print(pd.DataFrame(rows).to_string(index=False))


def random_neighbours(embeddings: NDArray[np.float16], **_: object) -> NDArray[np.int32]:
    n = len(embeddings)
    return np.random.default_rng(0).integers(n, size=(NEIGHBOURS, n), dtype=np.int32)


def session_steps(path: Path, labels: int, repeats: int) -> list[dict[str, Any]]:
    """Return a row for each step of a session, with the median and the least of some repetitions."""
    times: dict[str, list[float]] = {}

    def timed(step: str, call: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = call()
        times.setdefault(step, []).append(1000 * (time.perf_counter() - started))
        return result

    corpus = timed("open corpus", lambda: va.Corpus.open(path))
    session = timed("open session", lambda: va.Session(corpus, CONCEPT, "annotator"))
    timed("first feed", lambda: session.feed("suggested", PAGE))
    rng = np.random.default_rng(0)
    chosen = corpus.clips.index[np.sort(rng.choice(len(corpus), labels + repeats, replace=False))]
    rows = corpus.clips.index.get_indexer(chosen)
    values = np.asarray(corpus.embeddings[rows], dtype=np.float32) @ rng.standard_normal(corpus.embeddings.shape[1])
    y = values > np.quantile(values, 0.6)
    for value in (True, False):
        session.label(list(chosen[:labels][y[:labels] == value]), value)
    session.refit()
    done: list[float] = []

    def when_refitted(name: str, _: object) -> None:
        if name == "refit":
            done.append(time.perf_counter())
            done.append(compute_feeds(session))

    session.subscribe(when_refitted)
    for clip, value in zip(chosen[labels:], y[labels:], strict=True):
        timed("label", partial(session.label, clip, bool(value)))
        started = time.perf_counter()
        session.refit()
        ends = [started, *done[-2:], time.perf_counter()]
        for step, duration in zip(("refit", "feeds", "the rest"), np.diff(ends), strict=True):
            times.setdefault(step, []).append(1000 * float(duration))
        timed("status", lambda: (session.status, session.advice, session.quality, session.number_found))
        timed("all scores", session.scores)
    memory = psutil.Process().memory_info()
    private = memory.rss - memory.shared
    session.close()
    figures = [
        {"clips": len(corpus), "step": step, "median": round(statistics.median(some), 1), "least": round(min(some), 1)}
        for step, some in times.items()
    ]
    return [*figures, {"clips": len(corpus), "step": "private GB", "median": round(private / 1e9, 2)}]


def compared(matrix: NDArray[np.float16], labels: int, repeats: int) -> list[dict[str, Any]]:
    """Return a row for each method of scoring all clips."""
    classifier = fitted(matrix, labels)
    exact = exact_logits(matrix, np.arange(len(matrix)), classifier)
    best = [ScoreIndex(exact).nearest(target, PAGE, np.zeros(len(exact), dtype=bool)) for target in TARGETS]
    rows = []
    for name, gigabytes, logits in methods(matrix, classifier):
        pass_times, feed_times = [], []
        for _ in range(repeats):
            started = time.perf_counter()
            scored = logits()
            pass_times.append(1000 * (time.perf_counter() - started))
            started = time.perf_counter()
            pages = feeds(scored, lambda some: exact_logits(matrix, some, classifier))
            feed_times.append(1000 * (time.perf_counter() - started))
        off = [
            float(distance(exact[page[:PAGE]], target).mean()) - float(distance(exact[best_page], target).mean())
            for page, best_page, target in zip(pages, best, TARGETS, strict=True)
        ]
        rows.append(
            {
                "clips": len(matrix),
                "way": name,
                "GB": round(gigabytes, 2),
                "pass": round(statistics.median(pass_times), 1),
                "least": round(min(pass_times), 1),
                "feeds": round(statistics.median(feed_times), 1),
                "logits' deviation": round(float(exact.std()), 3),
                "off by, deviation": round(float((scored - exact).std()), 4),
                "at most": round(float(np.abs(scored - exact).max()), 4),
                "page off by": round(max(off), 4),
            }
        )
        print(f"{len(matrix):,}, {name}: measured", file=sys.stderr)
    return rows


def fitted(matrix: NDArray[np.float16], labels: int) -> Classifier:
    """Return a classifier, fitted to clips of which two in five are a yes."""
    rng = np.random.default_rng(0)
    corpus_statistics = CorpusStatistics.of(matrix)
    X = corpus_statistics.sample[:labels]
    values = X @ rng.standard_normal(X.shape[1], dtype=np.float32)
    return Classifier(X[0], corpus_statistics).fit(X, values > np.quantile(values, 0.6))


def methods(matrix: NDArray[np.float16], classifier: Classifier) -> Iterator[Method]:
    """Yield the methods one after the other, as their data do not fit into memory together."""
    n, dim = matrix.shape
    coef, intercept = classifier.coef_[0], np.float32(classifier.intercept_[0])
    length = np.float32(np.linalg.norm(coef))
    unit = torch.from_numpy((coef / length).astype(np.float32))
    gigabytes = 1e-9 * n * dim

    def logits(products: NDArray[np.floating[Any]]) -> Logits:
        return np.multiply(products, length, dtype=np.float32) + intercept

    half = unit.half().numpy()
    yield "float16, from the file", 2 * gigabytes, lambda: logits(half_products(matrix, half))
    bfloat = torch.empty((n, dim), dtype=torch.bfloat16)
    for block in blocks(n):
        bfloat[block] = torch.from_numpy(np.array(matrix[block])).bfloat16()
    yield "bfloat16", 2 * gigabytes, lambda: logits(torch.mv(bfloat, unit.bfloat16()).float().numpy())
    bfloat = torch.empty(0)
    started = time.perf_counter()
    copy = Int8Matrix.of(matrix)
    seconds = time.perf_counter() - started
    yield f"int8, made in {seconds:.1f} s", gigabytes, lambda: decision_scores(matrix, coef, float(intercept), copy)


def blocks(n: int) -> list[slice]:
    """Return slices of BLOCK rows that cover `n` rows."""
    return [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]


def feeds(logits: Logits, exact: Callable[[NDArray[np.int64]], Logits]) -> list[NDArray[np.int64]]:
    """Return the candidates of each feed, best first."""
    ranking, excluded = ScoreIndex(logits, exact), np.zeros(len(logits), dtype=bool)
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


if __name__ == "__main__":
    main()
