"""Scores of a whole corpus, computed in this process: one pass over each matrix, in blocks, on all cores."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

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

LogitsOf: TypeAlias = Callable[[slice], NDArray[np.float32]]
"""Returns the logits of the clips of a part, float32 (clips, m), in a new array."""

BLOCK = 1 << 17  # clips whose scores are yielded at a time
_ROWS = 1 << 13  # clips scored by a thread at a time
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
    by_torch = is_for_torch(count, matrices[APPEARANCE])
    smooth = Smoothing.of(corpus, weights, rows, scratch)
    if smooth is not None:
        embeddings = Products({APPEARANCE: matrices.pop(APPEARANCE)}, weights, smooth.needed, by_torch)
        embeddings.write(smooth.logits, 0, advance)
    logits: LogitsOf = Products(matrices, weights, rows, by_torch).logits
    if smooth is not None:
        logits = smooth.added_to(logits if matrices else None, by_torch)
        advance = None  # all clips have been told
    for first in range(0, count, BLOCK):
        yield scored_block(logits, len(weights), first, min(BLOCK, count - first), by_torch, advance)


def is_for_torch(count: int, embeddings: NDArray[np.floating[Any]]) -> bool:
    """Return whether so many rows of a matrix are multiplied faster by torch, its loading included."""
    return count * embeddings.shape[1] >= LARGE


@dataclass(frozen=True)
class Products:
    """What `matrices`, one or more by the names of their views, add to the logits of clips: of `rows`, or of all."""

    matrices: Mapping[str, NDArray[np.floating[Any]]]
    weights: Weights
    rows: NDArray[np.int64] | None
    by_torch: bool

    def logits(self, part: slice) -> NDArray[np.float32]:
        """Return those of the clips of a part, float32 (clips, m)."""
        taken: slice | NDArray[np.int64] = part if self.rows is None else self.rows[part]
        blocks = {view: matrix[taken] for view, matrix in self.matrices.items()}
        return block_logits(blocks, self.weights, by_torch=self.by_torch)

    def write(self, out: NDArray[np.float32], first: int, advance: Callable[[int], object] | None = None) -> None:
        """Write those of the clips from `first` on to `out`, float32 (clips, m), on all cores."""

        def fill(part: slice) -> None:
            out[part] = self.logits(slice(first + part.start, first + part.stop))
            if advance is not None:
                advance(part.stop - part.start)

        _each(fill, _parts(0, len(out)), self.by_torch)


def scored_block(
    logits_of: LogitsOf,
    models: int,
    first: int,
    size: int,
    by_torch: bool,
    advance: Callable[[int], object] | None = None,
) -> NDArray[np.float32]:
    """Return P(yes) by some models for the clips from `first` on, float32 (models, size), computed on all cores.

    Raises ModelError for embeddings that are not finite.
    """
    block = np.empty((models, size), dtype=np.float32)

    def fill(part: slice) -> None:
        logits = logits_of(part)
        if np.isnan(logits).any():
            raise ModelError(
                "This corpus has embeddings that are not finite: leave out these clips, or build it again."
            )
        block[:, part.start - first : part.stop - first] = probabilities(logits, by_torch=by_torch).T
        if advance is not None:
            advance(len(logits))

    _each(fill, _parts(first, first + size), by_torch)
    return block


class Smoothing:
    """The logits of the embeddings of clips, and those of their neighbours, by which they are smoothed.

    `logits`, float32 (n, m), are to be filled: of the clips `needed`, or of all if that is None.
    """

    def __init__(
        self, weights: Weights, rows: NDArray[np.int64] | None, neighbours: NDArray[np.int32], scratch: Path | None
    ) -> None:
        self._share = weights.smoothing
        self._own: NDArray[np.int64] | None = None
        self._neighbours: NDArray[np.integer[Any]] = neighbours
        self.needed: NDArray[np.int64] | None = None
        if rows is not None:
            nearest = neighbours[:, rows]
            self.needed, places = np.unique(np.concatenate([rows, nearest.ravel()]), return_inverse=True)
            places = places.ravel()  # NumPy 2.0 gives them the shape of what is searched
            self._own, self._neighbours = places[: len(rows)], places[len(rows) :].reshape(nearest.shape)
        count = neighbours.shape[1] if self.needed is None else len(self.needed)
        self.logits = array_in((count, len(weights)), scratch)

    @classmethod
    def of(
        cls, corpus: Corpus, weights: Weights, rows: NDArray[np.int64] | None, scratch: Path | None
    ) -> Smoothing | None:
        """Return what smooths the scores of a corpus's `rows`, or of all its clips; None if nothing does."""
        neighbours = corpus.neighbours if weights.smoothing.any() else None
        return None if neighbours is None else cls(weights, rows, neighbours, scratch)

    def added_to(self, others: LogitsOf | None, by_torch: bool) -> LogitsOf:
        """Return what gives the smoothed logits of the clips of a part, and what `others` adds to them."""

        def logits(part: slice) -> NDArray[np.float32]:
            result = self.smoothed(part, by_torch)
            return result if others is None else np.add(result, others(part), out=result)

        return logits

    def smoothed(self, part: slice, by_torch: bool) -> NDArray[np.float32]:
        """Return the smoothed logits of the clips of a part, float32 (clips, m)."""
        own = part if self._own is None else self._own[part]
        return smoothed_rows(self.logits, own, self._neighbours[:, part], self._share, by_torch=by_torch)


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


def array_in(shape: tuple[int, int], scratch: Path | None) -> NDArray[np.float32]:
    """Return a new array, in memory up to 2 GiB or without `scratch`, otherwise in a nameless file in that folder.

    Raises OSError if the folder has no room.
    """
    size = shape[0] * shape[1] * np.dtype(np.float32).itemsize
    if scratch is None or size <= _IN_MEMORY:
        return np.empty(shape, dtype=np.float32)
    with tempfile.TemporaryFile(dir=scratch) as opened:
        reserve(opened, size)  # a full disk raises an error here, but ends the process in a memory map
        return np.memmap(opened, np.float32, "r+", shape=shape)
