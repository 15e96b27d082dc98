"""Smoothing: a clip's logit is averaged with those of its nearest clips, whose pictures show nearly the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.forks import imports
from va_widgets.base.matrix import unlocked

ROUNDED = 2_000_000  # clips from which on rounding pays most: their logits do not fit into a core's cache
_ROWS = 1 << 15  # smoothed at a time, few enough to stay in the processor's cache
_HIGHEST = 127  # code of a logit


def smoothed(logits: NDArray[np.float32], neighbours: NDArray[np.int32], share: float) -> NDArray[np.float32]:
    """Return (1 - share) times the logits, float32 (n,), plus `share` times the mean of their neighbours' logits.

    `neighbours` are the rows of the k nearest clips of each, int32 (k, n), from 0 to n - 1.
    """
    return _in_parts(lambda part: smoothed_rows(logits, part, neighbours[:, part], share), len(logits))


def roughly_smoothed(logits: NDArray[np.float32], neighbours: NDArray[np.int32], share: float) -> NDArray[np.float32]:
    """Return the same with the neighbours' logits rounded to 8 bits, for at most 256 neighbours a clip.

    It is off by a 254th of `share` times the largest logit at most. Reading the logits of random clips out of millions
    is most of the work, and takes half the time when they take a quarter of the memory.
    """
    unit = max(float(logits.max(initial=0)), -float(logits.min(initial=0))) / _HIGHEST or 1.0
    codes = _in_parts(lambda part: np.rint(logits[part] * np.float32(1 / unit)), len(logits), np.int8)
    factor = np.float32(share * unit / len(neighbours))

    def smooth(part: slice) -> NDArray[np.float32]:
        total = np.zeros(len(codes[part]), dtype=np.int16)
        for nearest in neighbours[:, part]:
            total += codes.take(nearest, mode="clip")
        return total * factor + logits[part] * np.float32(1 - share)

    return _in_parts(smooth, len(logits))


def _in_parts(compute: Callable[[slice], NDArray[Any]], n: int, dtype: type[np.generic] = np.float32) -> NDArray[Any]:
    """Return what `compute` returns for parts of `n` rows, (n,)."""
    result = np.empty(n, dtype=dtype)

    def fill(start: int) -> None:
        part = slice(start, min(start + _ROWS, n))
        result[part] = compute(part)

    # Most of the time is waiting for memory: a thread a core halves it, numpy does not hold the interpreter's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fill, range(0, n, _ROWS)))
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
        total = torch.nn.functional.embedding_bag(nearest, torch.from_numpy(unlocked(logits)), mode="sum")
        own, shares = torch.from_numpy(unlocked(logits[rows])), torch.as_tensor(share, dtype=torch.float32)
        # The mean, or a new tensor for the result, would take a quarter longer.
        result: NDArray[np.float32] = total.mul_(shares / len(neighbours)).addcmul_(own, 1 - shares).numpy()
        return result
    means = np.zeros_like(logits[rows])
    for nearest_rows in neighbours:  # one after the other: memory is read along the rows
        means += logits.take(nearest_rows, axis=0, mode="clip")  # in half the time: the rows are not checked
    means /= np.float32(len(neighbours))
    means *= np.asarray(share, dtype=np.float32)
    means += logits[rows] * np.asarray(1 - share, dtype=np.float32)
    return means


def smoothed_embeddings(
    embeddings: NDArray[np.floating[Any]], neighbours: NDArray[np.int32], rows: NDArray[np.int64], share: float
) -> NDArray[np.float32]:
    """Return the vectors, float32 (m, dim), whose logits by any linear classifier are the smoothed ones of `rows`."""
    result = np.float32(1 - share) * np.asarray(embeddings[rows], dtype=np.float32)
    for nearest in neighbours[:, rows]:
        result += np.float32(share / len(neighbours)) * np.asarray(embeddings[nearest], dtype=np.float32)
    return result
