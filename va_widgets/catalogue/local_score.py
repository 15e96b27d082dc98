"""Scores of a whole corpus, computed in this process: one pass over each matrix, in blocks, on all cores."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.errors import ModelError
from va_widgets.base.forks import imports
from va_widgets.base.matrix import LARGE
from va_widgets.base.threads import torch_pool
from va_widgets.catalogue.scoring import Weights, block_logits, probabilities
from va_widgets.corpus import Corpus
from va_widgets.corpus.files.data_files import reserve
from va_widgets.learning.smoothing import smoothed_rows
from va_widgets.learning.views import APPEARANCE

BLOCK = 1 << 17  # clips whose scores are yielded at a time
_ROWS = 1 << 12  # clips scored by a thread at a time
_IN_MEMORY = 1 << 31  # bytes of logits to be smoothed, beyond which they are kept in a file


def score_blocks(
    corpus: Corpus,
    weights: Weights,
    rows: NDArray[np.int64] | None = None,
    *,
    scratch: Path | None = None,
    advance: Callable[[int], object] | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Yield P(yes) by m models for consecutive blocks of clips, float32 (m, up to `BLOCK`).

    The models must fit the corpus, see `Model.check_corpus`. Without smoothing the memory that this takes does not
    depend on the number of clips. With smoothing the logits of all clips are kept, 4 bytes a clip and model: in memory
    up to 2 GiB, otherwise in a nameless file in `scratch`, which goes with this process.

    Parameters
    ----------
    rows : int64 (n,), optional
        The clips to score; by default all.
    scratch : folder, optional
        Without one all is kept in memory.
    advance : function of an int
        Called with numbers of clips, by several threads, as the pass over the embeddings goes on.

    Raises ModelError for embeddings that are not finite, OSError if `scratch` has no room.
    """
    matrices: dict[str, NDArray[np.floating[Any]]] = {view: corpus.view(view) for view in weights.coefs}
    count = len(corpus) if rows is None else len(rows)
    by_torch = count * matrices[APPEARANCE].shape[1] >= LARGE
    neighbours = corpus.neighbours if weights.smoothing.any() else None
    if neighbours is None:
        smooth = None
    else:
        smooth = _Smoothing(matrices.pop(APPEARANCE), weights, rows, neighbours, scratch, advance, by_torch)

    def fill(first: int, block: NDArray[np.float32], part: slice) -> None:
        logits = _taken_logits(matrices, rows, part, weights, by_torch)
        if smooth is not None:
            logits += smooth.logits(part)
        if np.isnan(logits).any():
            raise ModelError(
                "This corpus has embeddings that are not finite: leave out these clips, or build it again."
            )
        block[:, part.start - first : part.stop - first] = probabilities(logits, by_torch=by_torch).T
        if smooth is None and advance is not None:
            advance(len(logits))

    for first in range(0, count, BLOCK):
        block = np.empty((len(weights), min(BLOCK, count - first)), dtype=np.float32)
        _each(partial(fill, first, block), _parts(first, first + block.shape[1]), by_torch)
        yield block


class _Smoothing:
    """The smoothed logits of the embeddings, for `rows` or for all clips; those of their neighbours are needed, too."""

    def __init__(
        self,
        embeddings: NDArray[np.floating[Any]],
        weights: Weights,
        rows: NDArray[np.int64] | None,
        neighbours: NDArray[np.int32],
        scratch: Path | None,
        advance: Callable[[int], object] | None,
        by_torch: bool,
    ) -> None:
        self._share = weights.smoothing
        self._own: NDArray[np.int64] | None = None
        self._neighbours: NDArray[np.integer[Any]] = neighbours
        needed: NDArray[np.int64] | None = None
        if rows is not None:
            nearest = neighbours[:, rows]
            needed, places = np.unique(np.concatenate([rows, nearest.ravel()]), return_inverse=True)
            places = places.ravel()  # NumPy 2.0 gives them the shape of what is searched
            self._own, self._neighbours = places[: len(rows)], places[len(rows) :].reshape(nearest.shape)
        count = len(embeddings) if needed is None else len(needed)
        self._logits = _array((count, len(weights)), scratch)

        def fill(part: slice) -> None:
            self._logits[part] = _taken_logits({APPEARANCE: embeddings}, needed, part, weights, by_torch)
            if advance is not None:
                advance(part.stop - part.start)

        _each(fill, _parts(0, count), by_torch)

    def logits(self, part: slice) -> NDArray[np.float32]:
        own = part if self._own is None else self._own[part]
        return smoothed_rows(self._logits, own, self._neighbours[:, part], self._share)


def _taken_logits(
    matrices: Mapping[str, NDArray[np.floating[Any]]],
    rows: NDArray[np.int64] | None,
    part: slice,
    weights: Weights,
    by_torch: bool,
) -> NDArray[np.float32]:
    """Return what matrices add to the logits of the clips of a part, float32 (clips, m); 0 without a matrix."""
    if not matrices:
        return np.zeros((part.stop - part.start, len(weights)), dtype=np.float32)
    taken: slice | NDArray[np.int64] = part if rows is None else rows[part]
    return block_logits({view: matrix[taken] for view, matrix in matrices.items()}, weights, by_torch=by_torch)


def _parts(start: int, stop: int) -> Iterator[slice]:
    for first in range(start, stop, _ROWS):
        yield slice(first, min(first + _ROWS, stop))


def _each(work: Callable[[slice], None], parts: Iterable[slice], by_torch: bool) -> None:
    """Call `work` with each part: by all cores if torch multiplies, otherwise one after the other."""
    if not by_torch:
        for part in parts:
            work(part)
        return
    with imports:
        import torch  # noqa: F401  # for torch_pool
    with torch_pool() as pool:
        for _ in pool.map(work, parts):
            pass


def _array(shape: tuple[int, int], scratch: Path | None) -> NDArray[np.float32]:
    size = shape[0] * shape[1] * np.dtype(np.float32).itemsize
    if scratch is None or size <= _IN_MEMORY:
        return np.empty(shape, dtype=np.float32)
    with tempfile.TemporaryFile(dir=scratch) as opened:
        reserve(opened, size)  # a full disk raises an error here, but ends the process in a memory map
        return np.memmap(opened, np.float32, "r+", shape=shape)
