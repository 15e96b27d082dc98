"""Measure the time of a search: one pass over the matrix, the exact search, and, with --index, the approximate one.

The matrix is synthetic, but distributed like OpenCLIP's embeddings of clips: a narrow cone (cosines of 0.4 to 0.75),
topics of very unequal sizes, about 40 similar clips per video, and most of the variance in few directions. Queries are
other clips, and texts, which are in a cone of their own and have cosines of at most 0.3.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from va_widgets.corpus.search import exact
from va_widgets.corpus.search.index import build_index, open_index

TOPICS, CLIPS_A_VIDEO = 2000, 40
BLOCK = 1 << 15
QUERIES = 200
Floats = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=500_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=31)
    parser.add_argument("--index", action="store_true", help="also build and query the approximate index")
    parser.add_argument(
        "--only-index",
        action="store_true",
        help="measure the index only, because the passes need memory for four matrices",
    )
    parser.add_argument("--folder", type=Path, help="folder for the temporary matrix (default: the system's)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        file = Path(folder) / "embeddings.npy"
        clips, texts = write_matrix(file, options.clips, options.dim)
        mapped = np.load(file, mmap_mode="r")
        print(f"{options.clips:,} x {options.dim} float16, k = {options.k}, {torch.get_num_threads()} threads")
        if not options.only_index:
            print(exact_times(mapped, texts, options.k, options.repeats).to_string(index=False))
        if options.index or options.only_index:
            print(index_figures(mapped, clips, texts, options.k, Path(folder) / "index").to_string(index=False))


def exact_times(mapped: NDArray[np.float16], texts: Floats, k: int, repeats: int) -> pd.DataFrame:
    """Return medians of interleaved repetitions, in milliseconds, and the median of ratios to the fastest pass."""
    query = texts[0]
    in_memory = np.array(mapped)
    single = in_memory.astype(np.float32)
    half, half_query = torch.from_numpy(in_memory), torch.from_numpy(query.astype(np.float16))
    candidates: dict[str, Callable[[], Any]] = {
        "one pass, torch float16": lambda: torch.mv(half, half_query),
        "one pass, numpy float32": lambda: single @ query,
        "nearest(), in memory": lambda: exact.nearest(in_memory, query, k),
        "nearest(), memory-mapped": lambda: exact.nearest(mapped, query, k),
        "every row in float32 (nearest() without half precision)": lambda: exact.float32_scores(mapped, query),
    }
    if find_spec("usearch") is None:
        print("usearch is not installed, so its row is missing")
    else:
        from usearch.index import search as usearch_search

        half_precision_query = query.astype(np.float16)
        candidates["usearch, exact"] = lambda: usearch_search(
            in_memory, half_precision_query, k, metric="ip", exact=True, dtype="f16"
        )
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(repeats):
        for name, call in candidates.items():
            call()  # the previous method's threads may still be spinning; this call is not measured
            started = time.perf_counter()
            call()
            times[name].append(1000 * (time.perf_counter() - started))
    fastest_pass = min(
        ("one pass, torch float16", "one pass, numpy float32"), key=lambda name: statistics.median(times[name])
    )
    rows = [
        (
            name,
            statistics.median(milliseconds),
            min(milliseconds),
            statistics.median(own / one_pass for own, one_pass in zip(milliseconds, times[fastest_pass], strict=True)),
            min(milliseconds) / min(times[fastest_pass]),
        )
        for name, milliseconds in times.items()
    ]
    return pd.DataFrame(rows, columns=["what", "median_ms", "least_ms", "ratio_of_medians", "ratio_of_least"]).round(2)


def index_figures(mapped: NDArray[np.float16], clips: Floats, texts: Floats, k: int, file: Path) -> pd.DataFrame:
    """Build the index; returns its recall at k and time for each query, for several shares of searched lists."""
    started, cpu = time.perf_counter(), time.process_time()
    build_index(mapped, file)
    print(
        f"index built in {time.perf_counter() - started:.0f} s ({time.process_time() - cpu:.0f} s of CPU),"
        f" {file.stat().st_size / 1e6:.0f} MB"
    )
    started = time.perf_counter()
    index = open_index(file, mapped)
    print(f"index opened in {1000 * (time.perf_counter() - started):.0f} ms")
    rows = []
    for kind, queries in (("clips", clips), ("texts", texts)):
        truth = [exact.nearest(mapped, query, k)[0] for query in tqdm(queries, desc="exact", leave=False)]
        for probed in (1 / 16, 1 / 8, 1 / 4, 1 / 2):
            hits, wall_times, cpu_times = 0, [], []
            for query, nearest_rows in zip(queries, truth, strict=True):
                started, cpu = time.perf_counter(), time.process_time()
                rows_found, _ = index.nearest(query, k, probed)
                wall_times.append(1000 * (time.perf_counter() - started))
                cpu_times.append(1000 * (time.process_time() - cpu))
                hits += len(np.intersect1d(rows_found, nearest_rows))
            recall = hits / (k * len(queries))
            rows.append((kind, probed, recall, statistics.median(wall_times), statistics.median(cpu_times)))
    return pd.DataFrame(rows, columns=["queries", "lists_probed", "recall", "median_ms", "median_cpu_ms"]).round(4)


def write_matrix(file: Path, clips: int, dim: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Write a matrix float16 (clips, dim) of unit rows; returns clip and text queries, each (QUERIES, dim)."""
    rng = np.random.default_rng(seed)

    def scatter(n: int, rotation: Floats, decay: float) -> Floats:
        variance = np.arange(1, dim + 1) ** -decay
        scale = np.sqrt(variance / variance.sum()).astype(np.float32)
        values: Floats = np.matmul(rng.standard_normal((n, dim), dtype=np.float32) * scale, rotation, dtype=np.float32)
        return values

    def direction() -> Floats:
        return unit(rng.standard_normal(dim, dtype=np.float32))

    topic_axes, clip_axes = (np.linalg.qr(rng.standard_normal((dim, dim)))[0].astype(np.float32) for _ in range(2))
    cone, text_cone = direction(), direction()
    topics = scatter(TOPICS, topic_axes, 0.8)
    sizes = rng.pareto(1.2, TOPICS) + 0.2
    topic_of_video = rng.choice(TOPICS, max(1, clips // CLIPS_A_VIDEO), p=sizes / sizes.sum())
    videos = 0.71 * cone + 0.5 * topics[topic_of_video] + 0.39 * scatter(len(topic_of_video), clip_axes, 0.6)
    matrix = np.lib.format.open_memmap(file, mode="w+", dtype=np.float16, shape=(clips, dim))
    video = np.sort(rng.integers(0, len(videos), clips))
    for start in tqdm(range(0, clips, BLOCK), desc="making clips", leave=False):
        video_rows = video[start : start + BLOCK]
        matrix[start : start + BLOCK] = unit(videos[video_rows] + 0.32 * scatter(len(video_rows), clip_axes, 0.6))
    matrix.flush()
    clip_queries = unit(videos[rng.integers(0, len(videos), QUERIES)] + 0.32 * scatter(QUERIES, clip_axes, 0.6))
    text_topics = 0.4 * topics[rng.integers(0, TOPICS, QUERIES)] + 0.35 * scatter(QUERIES, clip_axes, 0.6)
    text_noise = rng.standard_normal((QUERIES, dim), dtype=np.float32) / np.float32(dim**0.5)
    return clip_queries, unit(0.2 * cone + 0.75 * text_cone + text_topics + 0.15 * text_noise)


def unit(vectors: Floats) -> Floats:
    lengths: Floats = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / lengths


if __name__ == "__main__":
    main()
