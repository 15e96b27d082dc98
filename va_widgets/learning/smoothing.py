"""Smoothing: a clip's logit is averaged with those of its nearest clips, whose pictures show nearly the same."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.forks import imports
from va_widgets.base.matrix import unlocked

# Of the neighbours' mean in a logit. Chosen on the development halves of the pools of benchmarks/strategies.py.
SHARE = 0.3
_ROWS = 1 << 15  # smoothed at a time, few enough to stay in the processor's cache


def smoothed(logits: NDArray[np.float32], neighbours: NDArray[np.int32], share: float = SHARE) -> NDArray[np.float32]:
    """Return (1 - share) times the logits, float32 (n,), plus `share` times the mean of their neighbours' logits.

    `neighbours` are the rows of the k nearest clips of each, int32 (k, n).
    """
    result = np.empty_like(logits)

    def fill(start: int) -> None:
        part = slice(start, start + _ROWS)
        result[part] = smoothed_rows(logits, part, neighbours[:, part], share)

    # Most of the time is waiting for memory: a thread a core halves it, numpy does not hold the interpreter's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fill, range(0, len(logits), _ROWS)))
    return result


def smoothed_rows(
    logits: NDArray[np.float32],
    rows: slice | NDArray[np.int64],
    neighbours: NDArray[np.integer[Any]],
    share: float | NDArray[np.float32],
    *,
    by_torch: bool = False,
) -> NDArray[np.float32]:
    """Return the smoothed logits of some rows of `logits`, float32 (n,), or (n, m) for m classifiers and shares (m,).

    `neighbours` are those of `rows`, (k, number of rows). With `by_torch`, which is for (n, m), torch adds them up: in
    half the time, as it reads ahead in memory.
    """
    if by_torch:
        with imports:
            import torch

        nearest = torch.from_numpy(np.ascontiguousarray(neighbours.T))
        values = torch.from_numpy(unlocked(logits))
        means: NDArray[np.float32] = torch.nn.functional.embedding_bag(nearest, values, mode="mean").numpy()
    else:
        means = np.zeros_like(logits[rows])
        for nearest_rows in neighbours:  # one after the other: memory is read along the rows
            means += logits.take(nearest_rows, axis=0)
        means /= np.float32(len(neighbours))
    means *= np.asarray(share, dtype=np.float32)
    means += logits[rows] * np.asarray(1 - share, dtype=np.float32)
    return means


def smoothed_embeddings(
    embeddings: NDArray[np.floating[Any]], neighbours: NDArray[np.int32], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the vectors, float32 (m, dim), whose logits by any linear classifier are the smoothed ones of `rows`."""
    result = np.float32(1 - SHARE) * np.asarray(embeddings[rows], dtype=np.float32)
    for nearest in neighbours[:, rows]:
        result += np.float32(SHARE / len(neighbours)) * np.asarray(embeddings[nearest], dtype=np.float32)
    return result
