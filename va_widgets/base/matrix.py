"""Products of a large matrix with a vector, in one pass, and in half precision where that is faster."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.forks import imports

if TYPE_CHECKING:
    import torch

LARGE = 1 << 24  # values from which on half precision is faster, the loading of torch included
_CHUNK = 1024  # rows converted to float32 at a time, few enough to stay in the processor's cache
_BLOCK_CHUNK = 512  # the same where they are multiplied with many vectors, whose products take room there, too
_SORTED = 100_000  # float16 numbers from which on torch is several times as fast as numpy at finding the kth


def products(matrix: NDArray[np.floating[Any]], vector: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return the dot products, float32 (n,), of all rows of a matrix (n, dim) with a vector (dim,).

    The matrix may be memory-mapped. If it is large and in half precision it is read once as it is, and the products
    are off by 2^-11 of their value and of the vector's length.
    """
    vector32 = np.asarray(vector, dtype=np.float32)
    length = float(np.linalg.norm(vector32.astype(np.float64)))
    if is_large_half(matrix) and 0 < length < np.inf:
        unit = (vector32 / np.float32(length)).astype(np.float16)
        return np.multiply(half_products(matrix, unit), length, dtype=np.float32)
    out = np.empty(len(matrix), dtype=np.float32)
    for start in range(0, len(matrix), _CHUNK):
        rows = slice(start, start + _CHUNK)
        np.matmul(np.asarray(matrix[rows], dtype=np.float32), vector32, out=out[rows])
    return out


def zero_rows(matrix: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return the rows, int64 (k,), of a matrix (n, dim), which may be memory-mapped, that are zero throughout."""
    candidates = np.flatnonzero(matrix[:, 0] == 0) if matrix.shape[1] else np.arange(len(matrix))
    parts = [candidates[start : start + _CHUNK] for start in range(0, len(candidates), _CHUNK)]
    return np.concatenate([candidates[:0], *(part[~(matrix[part] != 0).any(axis=1)] for part in parts)])


def block_products(
    block: NDArray[np.floating[Any]], columns: NDArray[np.float32], *, by_torch: bool
) -> NDArray[np.float32]:
    """Return the products in float32, (rows, m), of a block (rows, dim) with a matrix float32 (dim, m).

    The block may be memory-mapped and in half precision: a few rows at a time are converted. `by_torch` says who
    multiplies: torch converts half precision several times as fast as numpy, but has to be loaded.
    """
    out = np.empty((len(block), columns.shape[1]), dtype=np.float32)
    if not by_torch:
        for start in range(0, len(block), _BLOCK_CHUNK):
            rows = slice(start, start + _BLOCK_CHUNK)
            np.matmul(np.asarray(block[rows], dtype=np.float32), columns, out=out[rows])
        return out
    with imports:
        import torch

    # With the columns one after the other in memory MKL multiplies by 2 to 10 of them in a half to a sixth of the time.
    given, factors = torch.from_numpy(unlocked(block)), torch.from_numpy(np.array(columns.T, order="C")).T
    results = torch.from_numpy(out)
    buffer = _buffer(min(_BLOCK_CHUNK, len(block)), block.shape[1])
    for start in range(0, len(block), _BLOCK_CHUNK):
        part = given[start : start + _BLOCK_CHUNK]
        torch.mm(buffer[: len(part)].copy_(part), factors, out=results[start : start + _BLOCK_CHUNK])
    return out


_thread = threading.local()


def _buffer(rows: int, dim: int) -> torch.Tensor:
    """Return this thread's memory for a matrix, float32 (rows, dim), which the next call overwrites.

    A thread that takes it anew for every block gets pages that the system has to clear, which costs a quarter of the
    product with one column.
    """
    import torch

    kept: torch.Tensor | None = getattr(_thread, "buffer", None)
    if kept is None or kept.shape[1] != dim or len(kept) < rows:
        kept = _thread.buffer = torch.empty((rows, dim))
    return kept[:rows]


def is_large_half(matrix: NDArray[np.floating[Any]]) -> bool:
    """Return whether multiplying a matrix in half precision is faster."""
    return matrix.dtype == np.float16 and bool(matrix.flags.c_contiguous) and matrix.size >= LARGE


def needs_torch(matrix: NDArray[np.floating[Any]]) -> bool:
    """Return whether scoring and ranking the rows of a matrix takes torch, which is to be loaded first."""
    return is_large_half(matrix) or len(matrix) >= _SORTED


def half_products(matrix: NDArray[np.floating[Any]], half: NDArray[np.float16]) -> NDArray[np.float16]:
    """Return the dot products, float16 (n,), of all rows (n, dim) with `half` (dim,), added up in float32."""
    with imports:
        import torch

    dots: NDArray[np.float16] = torch.mv(torch.from_numpy(unlocked(matrix)), torch.from_numpy(half)).numpy()
    return dots


def kth_largest(values: NDArray[np.floating[Any]], k: int) -> float:
    """Return the `k`th largest (from 1) of numbers (n,)."""
    if len(values) < _SORTED or values.dtype == np.float32:
        return float(np.partition(values, len(values) - k)[len(values) - k])
    with imports:
        import torch

    return float(torch.from_numpy(values).topk(k, sorted=False).values.min())


def unlocked(array: NDArray[Any]) -> NDArray[Any]:
    """Return the same memory without its mark as read-only, which torch warns of; it must not be written to."""
    return np.asarray(_Memory(array))


class _Memory:
    """The memory of an array, in numpy's terms."""

    def __init__(self, owner: NDArray[Any]) -> None:
        self._owner = owner
        interface = owner.__array_interface__
        self.__array_interface__ = {**interface, "data": (interface["data"][0], False)}
