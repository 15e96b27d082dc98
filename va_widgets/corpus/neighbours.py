"""The nearest clips of every clip, by which a classifier's scores are smoothed.

Up to some ten thousand clips all are compared with all. Beyond that the clips are divided into cells of similar ones,
and each is compared with those of its own and of the nearest cells, so that the time grows with the number of clips.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from va_widgets.base.progress import can_be_shown

NEIGHBOURS = 10
_CLIPS_A_NEIGHBOUR = 100  # in a small corpus the tenth nearest clip resembles nothing any more
_NEAR_DUPLICATE = 0.98  # cosine from which a clip tells nothing new of another
_EXACT = 10_000  # clips up to which all are compared with all
_CELL = 400  # clips in a cell, about
_NEAREST_CELLS = 5  # that a clip is compared with, its own among them
_TRAINED = 64  # clips a cell, that its centre is computed of
_STEPS = 6  # of k-means
_SCORES = 1 << 22  # computed at a time; what orders them takes 50 MB
_ROWS = 4096  # for which the nearest centre is looked for at a time
_SHOWN_AFTER = 2  # seconds


def nearest_neighbours(embeddings: NDArray[np.floating[Any]], *, progress: bool = False) -> NDArray[np.int32]:
    """Return the rows of the clips most similar to each clip, int32 (NEIGHBOURS, n), in no order.

    Near-duplicates, which would count a clip twice, are left out, and of every hundred clips one at most is taken. The
    clip itself fills the places that are left. The same embeddings give the same rows.

    Parameters
    ----------
    embeddings : float (n, dim)
        L2-normalised, perhaps memory-mapped.
    progress : bool
        Whether a bar is shown once it takes more than two seconds.
    """
    n = len(embeddings)
    number = min(NEIGHBOURS, n // _CLIPS_A_NEIGHBOUR)
    neighbours = np.tile(np.arange(n, dtype=np.int32), (NEIGHBOURS, 1))
    if not number:
        return neighbours
    hidden = not can_be_shown(progress)
    with tqdm(total=n, desc="comparing clips", unit="clip", delay=_SHOWN_AFTER, disable=hidden) as bar:
        for rows, candidates in _compared(embeddings):
            near = np.asarray(embeddings[candidates], dtype=np.float32)
            number_of_rows = max(1, _SCORES // len(candidates))
            for start in range(0, len(rows), number_of_rows):
                part = rows[start : start + number_of_rows]
                found = _nearest(embeddings, part, candidates, near, min(number, len(candidates)))
                neighbours[: len(found), part] = found
                bar.update(len(part))
    return neighbours


def _nearest(
    embeddings: NDArray[np.floating[Any]],
    rows: NDArray[np.int64],
    candidates: NDArray[np.int64],
    near: NDArray[np.float32],
    number: int,
) -> NDArray[np.int64]:
    """Return the nearest of some `candidates`, whose embeddings are `near`, for each of some rows, (number, k)."""
    scores = np.asarray(embeddings[rows], dtype=np.float32) @ near.T
    scores[scores > _NEAR_DUPLICATE] = -np.inf  # a clip is a duplicate of itself, too
    places = np.argpartition(scores, len(candidates) - number, axis=1)[:, -number:]
    missing = np.isinf(np.take_along_axis(scores, places, axis=1))
    return np.where(missing, rows[:, None], candidates[places]).T


def _compared(embeddings: NDArray[np.floating[Any]]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield rows, and those that they are compared with, until all rows were yielded once."""
    n = len(embeddings)
    if n <= _EXACT:
        yield np.arange(n), np.arange(n)
        return
    cell, centers = _cells(embeddings)
    order = np.argsort(cell, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(cell, minlength=len(centers)))[:-1])
    distances = np.square(centers).sum(axis=1) - 2 * centers @ centers.T
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :_NEAREST_CELLS]
    for own, near in zip(members, nearest, strict=True):
        if len(own):
            yield own, np.concatenate([members[number] for number in near])


def _cells(embeddings: NDArray[np.floating[Any]]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the cell of every row, int64 (n,), and the cells' centres, float32 (cells, dim): k-means in two levels."""
    n = len(embeddings)
    number = max(1, round((n / _CELL) ** 0.5))
    rng = np.random.default_rng(n)
    coarse = _assigned(embeddings, np.arange(n), _centers(embeddings, np.arange(n), number, rng))
    cell, centers, first = np.empty(n, dtype=np.int64), [], 0
    for own in (np.flatnonzero(coarse == part) for part in range(number)):
        if not len(own):
            continue
        centers.append(_centers(embeddings, own, max(1, round(len(own) / _CELL)), rng))
        cell[own] = first + _assigned(embeddings, own, centers[-1])
        first += len(centers[-1])
    return cell, np.concatenate(centers)


def _centers(
    embeddings: NDArray[np.floating[Any]], rows: NDArray[np.int64], number: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the centres, float32 (number, dim), that k-means finds for a sample of some rows."""
    sample = np.sort(rng.choice(rows, min(len(rows), number * _TRAINED), replace=False))
    vectors = np.asarray(embeddings[sample], dtype=np.float32)
    centers = vectors[np.sort(rng.choice(len(vectors), number, replace=False))]
    for _ in range(_STEPS):
        own = _closest(vectors, centers)
        order = np.argsort(own, kind="stable")
        taken, starts = np.unique(own[order], return_index=True)
        sums = np.add.reduceat(vectors[order], starts, axis=0)
        centers = centers.copy()
        centers[taken] = sums / np.bincount(own)[taken][:, None]  # a centre without rows stays where it is
    return centers


def _assigned(
    embeddings: NDArray[np.floating[Any]], rows: NDArray[np.int64], centers: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Return the number of the centre nearest to each of some rows, int64 (k,)."""
    parts = [rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS)]
    return np.concatenate([_closest(np.asarray(embeddings[part], dtype=np.float32), centers) for part in parts])


def _closest(vectors: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.int64]:
    return (vectors @ centers.T - np.square(centers).sum(axis=1) / 2).argmax(axis=1)
