"""Exact search: the rows of a matrix that are nearest to a vector, in one pass over it.

A large half-precision matrix is multiplied as it is, which reads it from memory once. The errors of such products are
bounded; the few rows that are among the best within the bound are scored again, so that the result is the one that
scoring every row in float32 gives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.matrix import half_products, is_large_half, kth_largest

_CHUNK = 1024  # rows converted to float32 at a time, few enough to stay in the processor's cache
_LONGEST = 2.0  # the length of rows up to which the bound holds; a corpus's rows have the length 1
_HALF, _SINGLE = 2.0**-11, 2.0**-24  # the relative rounding errors of float16 and float32


def nearest(
    embeddings: NDArray[np.floating[Any]],
    vector: NDArray[np.floating[Any]],
    k: int,
    among: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the `k` rows of `embeddings` (n, dim) with the highest dot product with `vector` (dim,), best first.

    The matrix may be memory-mapped and half precision; scores are those of float32. Equal scores are ordered by row.
    Only rows of `among`, bool (n,), are returned, where it is given. Returns rows int64 (k,) and scores float32 (k,),
    or as many as there are.
    """
    query = np.asarray(vector, dtype=np.float32)
    k = max(0, min(k, len(embeddings) if among is None else int(np.count_nonzero(among))))
    if k == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    if is_large_half(embeddings):
        result = _nearest_half(embeddings, query, k, among)
        if result is not None:
            return result
    scores = float32_scores(embeddings, query)
    if among is not None:
        scores[~among] = -np.inf
    rows = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
    return best(rows, scores[rows], k)


def float32_scores(
    embeddings: NDArray[np.floating[Any]], query: NDArray[np.float32], rows: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """Return the dot products of all rows, or of `rows`, with `query` (dim,), float32 (n,); equal rows score equal."""
    scores = np.empty(len(embeddings) if rows is None else len(rows), dtype=np.float32)
    for start in range(0, len(scores), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        part = np.ascontiguousarray(embeddings[chunk if rows is None else rows[chunk]], dtype=np.float32)
        # Not BLAS: its rounding depends on a row's position in the matrix, so that equal rows would not tie.
        np.einsum("ij,j->i", part, query, out=scores[chunk])
    return scores


def best(rows: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the `k` best of `rows`, which ascend, and their scores: best first, equal scores by row."""
    order = np.argsort(-scores, kind="stable")[:k]
    return rows[order], scores[order]


def _nearest_half(
    embeddings: NDArray[np.floating[Any]], query: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
    """Return what `nearest` does, by products in half precision; None if their errors exceed the bound."""
    length = float(np.linalg.norm(query.astype(np.float64)))
    if not 0 < length < np.inf:
        return None
    unit = query.astype(np.float64) / length
    half = unit.astype(np.float16)
    rough = half_products(embeddings, half)
    if among is not None:
        rough[~among] = -np.inf
    limit = kth_largest(rough, k)
    if not abs(limit) < 2 * _LONGEST:
        return None  # rows much longer than those of a corpus
    # A row's rough score r differs from its exact one by at most `off + per * |r|`: `off` is for the query's rounding
    # and for adding up `dim` products in float32, there and in float32_scores, and `per` for rounding r to float16.
    off = _LONGEST * (float(np.linalg.norm(unit - half)) + 3 * (len(query) + 2) * _SINGLE) + _SINGLE
    per = 2 * _HALF
    limit -= 3 * off + 4 * per * abs(limit)  # twice the difference at the limit, and something for its own change
    rows = np.flatnonzero(rough >= np.nextafter(np.float16(limit), np.float16(-np.inf)))
    scores = float32_scores(embeddings, query, rows)
    near = rough[rows].astype(np.float64)
    if len(rows) < k or not (np.abs(near - scores / length) <= off + per * np.minimum(np.abs(near), _LONGEST)).all():
        return None  # rows longer than those of a corpus, or a torch that adds up in half precision
    return best(rows, scores, k)
