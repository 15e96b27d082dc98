"""Search: the rows of a matrix that are nearest to a vector, exactly, in one pass over it.

A large half-precision matrix is multiplied as it is, which costs one reading of it from memory. Such products are off
by a little, but by no more than a bound; the few rows that are among the best within the bound are scored again, so
that the result is the one that scoring every row in float32 gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.matrix import half_products, is_large_half, kth_largest

_CHUNK = 1024  # rows converted to float32 at a time, few enough to stay in the processor's cache
_LONGEST = 2.0  # the length of rows up to which the bound holds; a corpus's rows have the length 1
_SAMPLE = 4096  # clips that tell how far clips differ
_FEWEST = 10  # clips from which it can be said that a text tells none of them apart
_FLAT = 0.5  # of benchmarks/flat_search.py: nonsense stays below it, texts that tell clips apart are above 1
_HALF, _SINGLE = 2.0**-11, 2.0**-24  # the relative rounding errors of float16 and float32


def nearest(
    embeddings: NDArray[np.floating[Any]], vector: NDArray[np.floating[Any]], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The `k` rows of `embeddings` (n, dim) with the highest dot product with `vector` (dim,), best first.

    The matrix may be memory-mapped and half precision; scores are those of float32. Equal scores are ordered by row.
    Returns rows int64 (k,) and scores float32 (k,), or all n where there are fewer.
    """
    query = np.asarray(vector, dtype=np.float32)
    k = max(0, min(k, len(embeddings)))
    if k == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    if is_large_half(embeddings):
        found = _nearest_half(embeddings, query, k)
        if found is not None:
            return found
    scores = float32_scores(embeddings, query)
    rows = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
    return best(rows, scores[rows], k)


def float32_scores(
    embeddings: NDArray[np.floating[Any]], query: NDArray[np.float32], rows: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """The dot products of all rows, or of those named, with `query` (dim,), in float32; equal rows score equal."""
    scores = np.empty(len(embeddings) if rows is None else len(rows), dtype=np.float32)
    for start in range(0, len(scores), _CHUNK):
        some = slice(start, start + _CHUNK)
        part = np.ascontiguousarray(embeddings[some if rows is None else rows[some]], dtype=np.float32)
        # Not BLAS: it rounds a row by its place among the others, so that equal rows would not tie.
        np.einsum("ij,j->i", part, query, out=scores[some])
    return scores


def best(rows: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The `k` best of some rows, which ascend, and their scores: best first, equal scores by row."""
    order = np.argsort(-scores, kind="stable")[:k]
    return rows[order], scores[order]


def _nearest_half(
    embeddings: NDArray[np.floating[Any]], query: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
    """`nearest` by way of products in half precision; None if they are further off than the bound."""
    length = float(np.linalg.norm(query.astype(np.float64)))
    if not 0 < length < np.inf:
        return None
    unit = query.astype(np.float64) / length
    half = unit.astype(np.float16)
    rough = half_products(embeddings, half)
    limit = kth_largest(rough, k)
    if not abs(limit) < 2 * _LONGEST:
        return None  # rows much longer than any corpus's
    # A row's rough score r differs from its exact one by at most `off + per * |r|`: `off` is for the query's rounding
    # and for adding up `dim` products in float32, there and in float32_scores, and `per` for rounding r to float16.
    off = _LONGEST * (float(np.linalg.norm(unit - half)) + 3 * (len(query) + 2) * _SINGLE) + _SINGLE
    per = 2 * _HALF
    limit -= 3 * off + 4 * per * abs(limit)  # twice the difference at the limit, and something for its own change
    rows = np.flatnonzero(rough >= np.nextafter(np.float16(limit), np.float16(-np.inf)))
    scores = float32_scores(embeddings, query, rows)
    near = rough[rows].astype(np.float64)
    if len(rows) < k or not (np.abs(near - scores / length) <= off + per * np.minimum(np.abs(near), _LONGEST)).all():
        return None  # rows longer than any corpus's, or a torch that adds up in half precision
    return best(rows, scores, k)


@dataclass(frozen=True)
class Spread:
    """How far the clips of a corpus differ from their mean.

    `center` is the mean embedding, float32 (dim,); `scale` the root of the mean square of the distance to it; `clips`
    how many clips were looked at.
    """

    center: NDArray[np.float32]
    scale: float
    clips: int

    @classmethod
    def of(cls, embeddings: NDArray[np.floating[Any]]) -> Self:
        """The spread of embeddings (n, dim), which may be memory-mapped, by a sample of evenly spaced rows."""
        rows = np.unique(np.linspace(0, max(0, len(embeddings) - 1), _SAMPLE).astype(np.int64))[: len(embeddings)]
        sample = np.asarray(embeddings[rows], dtype=np.float32)
        if not len(sample):
            return cls(np.zeros(embeddings.shape[1], dtype=np.float32), 0.0, 0)
        center = sample.mean(axis=0, dtype=np.float64)
        scale = float(np.square(sample - center).sum(axis=1).mean()) ** 0.5
        return cls(center.astype(np.float32), scale, len(sample))

    def is_flat(self, vector: NDArray[np.float32], highest: float) -> bool:
        """Whether a text with this vector (dim,) and highest score ranks the clips by next to nothing.

        The highest score is compared with the mean clip's. In units of what one direction in the space of embeddings
        contributes to the clips' spread, scale / sqrt(dim), a random direction reaches 3 to 4 and words that the model
        knows reach 1 to 12; nonsense that the model puts in one place stays below 0.5.
        """
        if self.clips < _FEWEST or self.scale <= np.finfo(np.float32).eps:
            return False  # nothing could be told apart by any words
        lift = highest - float(self.center @ vector)
        return lift < _FLAT * self.scale / len(vector) ** 0.5
