"""The scores of whole corpora by Ray: its actors hold the weights and read the corpora's own files.

Actors rather than Ray Data: that would read whole matrices into Ray's object store in order to cut them into blocks,
where an actor maps the file into memory and reads the rows of its block alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.errors import CorpusError
from va_widgets.base.ray_engine import RayEngine, running
from va_widgets.base.ray_pool import RayPool
from va_widgets.catalogue.local_score import BLOCK, Products, Smoothing, is_for_torch, scored_block
from va_widgets.catalogue.scoring import Weights
from va_widgets.corpus import Corpus
from va_widgets.corpus.files.data_files import open_matrix
from va_widgets.learning.views import APPEARANCE

_AHEAD = 2  # blocks a worker that may be done before the first that is missing: these wait in memory
_Files = Mapping[str, tuple[Path, tuple[int, ...]]]  # of views, with the shapes of the matrices in them


@contextmanager
def scoring(engine: RayEngine) -> Iterator[Callable[..., Iterator[NDArray[np.float32]]]]:
    """Yield a function like `local_score.score_blocks`, which begins to use Ray when it is first called."""
    with ExitStack() as stack:
        pools: list[RayPool] = []

        def score_blocks(
            corpus: Corpus,
            weights: Weights,
            rows: NDArray[np.int64] | None = None,
            *,
            scratch: Path | None = None,
            advance: Callable[[int], object] | None = None,
        ) -> Iterator[NDArray[np.float32]]:
            if not pools:
                pools.append(stack.enter_context(RayPool(stack.enter_context(running(engine)), engine)))
            return _score_blocks(pools[0], corpus, weights, rows, scratch, advance)

        yield score_blocks


def _score_blocks(
    pool: RayPool,
    corpus: Corpus,
    weights: Weights,
    rows: NDArray[np.int64] | None,
    scratch: Path | None,
    advance: Callable[[int], object] | None,
) -> Iterator[NDArray[np.float32]]:
    """Do what `local_score.score_blocks` does. The actors multiply; smoothing and what it needs stay in this process.

    Raises also EngineError, and CorpusError if an actor's machine does not see the corpus as this one does.
    """
    files = {view: _file_of(corpus, view) for view in weights.coefs}
    count = len(corpus) if rows is None else len(rows)
    by_torch = is_for_torch(count, corpus.view(APPEARANCE))
    smooth = Smoothing.of(corpus, weights, rows, scratch)
    if smooth is not None:
        embeddings = {APPEARANCE: files.pop(APPEARANCE)}
        given = (embeddings, weights, smooth.needed, by_torch, False)
        with closing(_blocks(pool, given, len(smooth.logits))) as parts:
            for part, logits in parts:
                smooth.logits[part] = logits
                if advance is not None:
                    advance(len(logits))
    if smooth is not None and not files:  # there are no other views
        for part in _parts(count):
            yield scored_block(
                smooth.added_to(None, by_torch), len(weights), part.start, part.stop - part.start, by_torch
            )
        return
    with closing(_blocks(pool, (files, weights, rows, by_torch, smooth is None), count)) as blocks:
        for part, block in blocks:
            if smooth is not None:
                smoothed = smooth.added_to(partial(_taken, block, part.start), by_torch)
                yield scored_block(smoothed, len(weights), part.start, part.stop - part.start, by_torch)
                continue
            if advance is not None:
                advance(block.shape[1])
            yield block


def _taken(logits: NDArray[np.float32], first: int, part: slice) -> NDArray[np.float32]:
    """Return the logits of the clips of a part, from those of a block that begins with the clip `first`."""
    return logits[part.start - first : part.stop - first]


def _parts(count: int) -> list[slice]:
    return [slice(first, min(first + BLOCK, count)) for first in range(0, count, BLOCK)]


def _blocks(pool: RayPool, given: tuple[Any, ...], count: int) -> Generator[tuple[slice, NDArray[np.float32]]]:
    """Yield what the actors compute, see `_Scorer`, for the blocks of so many clips, in their order."""
    parts = _parts(count)
    with closing(pool.results(_Scorer, given, parts, window=_AHEAD * pool.number)) as results:
        for index, block in results:
            yield parts[index], block


class _Scorer:
    """Computes blocks, in a process of Ray's: P(yes) if they are `whole`, float32 (m, clips), or logits (clips, m)."""

    def __init__(
        self, files: _Files, weights: Weights, rows: NDArray[np.int64] | None, by_torch: bool, whole: bool
    ) -> None:
        matrices = {view: _opened(file, shape) for view, (file, shape) in files.items()}
        self._products = Products(matrices, weights, rows, by_torch)
        self._whole = whole

    def __call__(self, part: slice) -> NDArray[np.float32]:
        models, size = len(self._products.weights), part.stop - part.start
        if self._whole:
            return scored_block(self._products.logits, models, part.start, size, self._products.by_torch)
        logits = np.empty((size, models), dtype=np.float32)
        self._products.write(logits, part.start)
        return logits


def _file_of(corpus: Corpus, view: str) -> tuple[Path, tuple[int, ...]]:
    """Return the file of a view. Raises CorpusError if it could not be mapped into memory."""
    matrix = corpus.view(view)
    file = getattr(matrix, "filename", None)
    if file is None:
        raise CorpusError(
            f"The file system of {corpus.path} cannot map files into memory, which Ray's workers need: copy the corpus"
            ' to another, or use engine="local".'
        )
    return Path(file), matrix.shape


def _opened(file: Path, shape: tuple[int, ...]) -> NDArray[np.floating[Any]]:
    """Return a matrix. Raises CorpusError if the file is not there, or another one is."""
    try:
        matrix: NDArray[np.floating[Any]] = open_matrix(file, None, np.float16, np.float32)
    except OSError as error:
        raise CorpusError(
            f"A Ray worker cannot read {file} ({error.strerror or error}): all machines of the cluster must see the"
            " corpus at this path; open it again if it was built anew."
        ) from error
    if matrix.shape != shape:
        raise CorpusError(f"A Ray worker finds another matrix in {file}: all machines must see the same corpus.")
    return matrix
