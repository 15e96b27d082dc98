"""Lay clips out in the plane by a t-SNE of their embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.errors import CorpusError
from va_widgets.base.threads import one_thread

_AXES, _NEIGHBOURS, _FEW = 50, 5, 10  # of the map: principal axes, rows that place another, rows too few for a t-SNE
_CHUNK = 16_384  # rows that are placed at a time


def map_2d(embeddings: NDArray[np.floating[Any]], seed: int = 0, sample: int = 3_000) -> NDArray[np.float32]:
    """Return a position in the plane for every clip, such that similar clips lie together: float32 (n, 2) from -1 to 1.

    A t-SNE of `sample` distinct rows; every other row lies between the rows of the sample that it is most like. Equal
    rows have the same position. The matrix (n, dim) may be memory-mapped and half precision. The same rows and seed
    give the same map. Raises CorpusError if the embeddings are no matrix.
    """
    from sklearn.decomposition import PCA
    from sklearn.neighbors import NearestNeighbors

    if embeddings.ndim != 2:
        raise CorpusError(f"A map needs one vector a clip, a matrix (n, dim), not {embeddings.shape}.")
    nowhere = np.zeros((len(embeddings), 2), dtype=np.float32)
    if not embeddings.size:
        return nowhere
    distinct, place_of = _distinct_rows(embeddings)
    n = len(distinct)
    if n < 2:
        return nowhere
    chosen = np.arange(n)
    if n > sample:
        chosen = np.sort(np.random.default_rng(seed).choice(n, max(2, sample), replace=False))
    rows = np.asarray(embeddings[distinct[chosen]], dtype=np.float32)
    # One thread, so that every machine draws the same map.
    with one_thread(), np.errstate(invalid="ignore"):  # PCA divides by a variance that may round to 0
        axes = PCA(min(_AXES, *rows.shape), svd_solver="covariance_eigh").fit(rows)
        rows = axes.transform(rows)
        places = _places(rows, seed)
    places -= (places.max(axis=0) + places.min(axis=0)) / 2
    places /= max(float(np.abs(places).max()), 1e-12)
    if n == len(chosen):
        return places[place_of]
    whole = np.empty((n, 2), dtype=np.float32)
    nearest = NearestNeighbors(n_neighbors=min(_NEIGHBOURS, len(rows)), algorithm="brute").fit(rows)
    for start in range(0, n, _CHUNK):
        part = axes.transform(np.asarray(embeddings[distinct[start : start + _CHUNK]], dtype=np.float32))
        distances, neighbours = nearest.kneighbors(part)
        weights = 1 / np.maximum(distances, 1e-6) ** 2
        weights /= weights.sum(axis=1, keepdims=True)
        whole[start : start + _CHUNK] = np.einsum("nk,nkd->nd", weights, places[neighbours])
    whole[chosen] = places
    return whole[place_of]


def _distinct_rows(matrix: NDArray[np.floating[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first of each group of equal rows (m,), in order, and for every row the number of its group (n,).

    Rows are compared by 64-bit hashes of their bits: among ten million the chance of a mistake is 3 in a million.
    """
    bits = np.dtype(f"u{matrix.dtype.itemsize}")
    hashes = np.empty(len(matrix), dtype=np.uint64)
    for start in range(0, len(matrix), _CHUNK):
        rows = np.ascontiguousarray(matrix[start : start + _CHUNK] + 0)  # -0.0 becomes 0.0, which equals it
        table = pd.DataFrame(rows.view(bits))
        hashes[start : start + len(rows)] = pd.util.hash_pandas_object(table, index=False)
    groups, values = pd.factorize(hashes)
    first = np.full(len(values), len(matrix), dtype=np.int64)
    np.minimum.at(first, groups, np.arange(len(matrix)))
    return first, groups.astype(np.int64)


def _places(rows: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Return positions (n, 2) of rows (n, axes) by a t-SNE; of few rows, or of equal rows, their first two axes."""
    from sklearn.manifold import TSNE

    flat = np.zeros((len(rows), 2), dtype=np.float32)
    flat[:, : rows.shape[1]] = rows[:, :2]
    spread = float(flat[:, 0].std())
    if len(rows) < _FEW or spread < 1e-6:
        return flat
    perplexity = min(30.0, (len(rows) - 1) / 3)
    tsne = TSNE(2, init=flat / spread * 1e-4, perplexity=perplexity, max_iter=500, random_state=seed)
    return np.asarray(tsne.fit_transform(rows), dtype=np.float32)
