"""Search: the rows of a matrix that are nearest to a vector, exactly, in one pass over it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK = 65_536


def nearest(
    embeddings: NDArray[np.floating[Any]], vector: NDArray[np.floating[Any]], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The `k` rows of `embeddings` (n, dim) with the highest dot product with `vector` (dim,), best first.

    The matrix may be memory-mapped and half precision; products are taken in float32. Equal scores are ordered by
    row. Returns rows int64 (k,) and scores float32 (k,).
    """
    query = np.asarray(vector, dtype=np.float32)
    scores = np.empty(len(embeddings), dtype=np.float32)
    for start in range(0, len(embeddings), _CHUNK):
        part = np.asarray(embeddings[start : start + _CHUNK], dtype=np.float32)
        np.matmul(part, query, out=scores[start : start + len(part)])
    k = max(0, min(k, len(scores)))
    if k == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    limit = np.partition(scores, len(scores) - k)[len(scores) - k]
    above = np.flatnonzero(scores > limit)
    level = np.flatnonzero(scores == limit)[: k - len(above)]
    rows = np.sort(np.concatenate([above, level]))
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    return rows, scores[rows]
