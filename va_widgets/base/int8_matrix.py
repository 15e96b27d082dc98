"""A copy of a large matrix with one byte a value, by which all its rows are multiplied with a vector in half the time.

A row is kept as  center + scale * unit * codes, the codes being whole numbers from -127 to 127. Where the processor
multiplies bytes, a vector is rounded the same way, and products of whole numbers are exact; elsewhere it is rounded to
bfloat16, and each row's products are added up in one order. So the same matrix and vector give the same result however
many threads there are. Whether there is a copy depends on the matrix's size and on the machine alone, never on how fast
or how full it is at the moment, so that results can be repeated. docs/learning.md says what it is worth on which
processor.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.forks import ForkLock, imports
from va_widgets.base.matrix import unlocked
from va_widgets.base.threads import torch_pool

if TYPE_CHECKING:
    import torch

LARGE = 100_000_000  # values from which on a copy is kept: 390,000 rows of 256
_SHARE_OF_MEMORY = 0.25  # of the machine's, that a copy may take
_HIGHEST = 127  # code
_LEAST_SCALE = float(np.finfo(np.float32).tiny)
_SAMPLE = 4096  # rows that the centre and the units are computed of
_LEAST_SPREAD = 1e-6  # of a column, below which it has no unit of its own
_ROWS = 1024  # rounded at a time, few enough to stay in the processor's cache
_BLOCK = 1 << 16  # rows multiplied at a time, a multiple of _ROWS
_ALIGNED = 64  # columns, of which torch's product with bfloat16 needs a multiple: it does not check, and reads beyond
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # of a container


class Int8Matrix:
    """The rows of a matrix (n, dim), rounded to 8 bits: row i is about  center + scales[i] * unit * codes[i].

    Parameters
    ----------
    codes : int8 (n, dim)
    scales : float32 (n,)
    center, unit : float32 (dim,)
    """

    def __init__(self, codes: torch.Tensor, scales: torch.Tensor, center: torch.Tensor, unit: torch.Tensor) -> None:
        self._codes = codes
        self._scales = scales
        self._center = center
        self._unit = unit

    @classmethod
    def of(cls, matrix: NDArray[np.floating[Any]], own_units: bool = False) -> Self:
        """Return the copy of a finite matrix (n, dim), which may be memory-mapped.

        With `own_units` each column is measured by its own spread: for columns of different sizes.
        """
        with imports:
            import torch
        rows = torch.from_numpy(unlocked(matrix))
        n, dim = rows.shape
        sample = rows[:: max(1, n // _SAMPLE)].float()
        center, unit = sample.mean(dim=0), torch.ones(dim)
        if own_units:
            spread = sample.std(dim=0, correction=0)
            unit = spread.where(spread > _LEAST_SPREAD, unit)
        codes, scales = _empty((n, dim), np.int8), _empty((n,), np.float32)

        def fill(start: int) -> None:
            # Memory that is taken for every part costs more than what is computed in it.
            buffer, sizes = torch.empty((_ROWS, dim)), torch.empty((_ROWS, dim))
            for first in range(start, min(start + _BLOCK, n), _ROWS):
                part = slice(first, first + _ROWS)
                values = buffer[: len(rows[part])].copy_(rows[part]).sub_(center)
                if own_units:
                    values.div_(unit)
                scale = torch.abs(values, out=sizes[: len(values)]).amax(dim=1).div_(_HIGHEST).clamp_(min=_LEAST_SCALE)
                codes[part] = values.div_(scale[:, None]).round_()
                scales[part] = scale

        with torch_pool() as pool:
            list(pool.map(fill, range(0, n, _BLOCK)))
        return cls(codes, scales, center, unit)

    def products(self, vector: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Return the dot products, float32 (n,), of all rows with a finite vector (dim,).

        With embeddings and the coefficients of classifiers they are off by a hundredth of their own spread.
        """
        with imports:
            import torch
        values = torch.from_numpy(np.array(vector, dtype=np.float32))
        offset = float(values.double() @ self._center.double())
        values *= self._unit
        multiply, scale = self._by_bfloat16(values) if self._takes_bfloat16() else self._by_bytes(values)
        out = _empty((len(self._codes),), np.float32)

        def fill(start: int) -> None:
            part = slice(start, start + _BLOCK)
            torch.mul(multiply(self._codes[part]), self._scales[part], out=out[part]).mul_(scale).add_(offset)

        with torch_pool() as pool:
            list(pool.map(fill, range(0, len(out), _BLOCK)))
        return out.numpy()

    def _takes_bfloat16(self) -> bool:
        return not _multiplies_bytes() and _multiplies(self._codes.shape[1])

    def _by_bytes(self, vector: torch.Tensor) -> tuple[Callable[[torch.Tensor], torch.Tensor], float]:
        """Return a function for the products (k,) of codes (k, dim) with a rounded vector, and what they lack."""
        import torch

        scale = max(float(vector.abs().max()) / _HIGHEST, _LEAST_SCALE)
        code = (vector / scale).round_().to(torch.int8)[:, None]
        return lambda codes: torch._int_mm(codes, code)[:, 0], scale

    def _by_bfloat16(self, vector: torch.Tensor) -> tuple[Callable[[torch.Tensor], torch.Tensor], float]:
        """Return the same, with other rounding."""
        return lambda codes: _bfloat16_products(codes, vector), 1.0


def _bfloat16_products(codes: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    """Return the products of codes, int8 (k, dim), with a vector (dim,), bfloat16 (k,)."""
    import torch

    # Rows are scaled afterwards: the results would be rounded to a few hundred numbers, and ties ranked by row.
    ones = torch.ones(len(codes), dtype=torch.bfloat16)
    return torch._weight_int8pack_mm(vector.bfloat16()[None], codes, ones)[0]


def _empty(shape: tuple[int, ...], dtype: type[np.generic]) -> torch.Tensor:
    """Return a tensor in memory of numpy's, which asks Linux for huge pages: random reads take a third less."""
    import torch

    return torch.from_numpy(np.empty(shape, dtype=dtype))


_copies: dict[int, Int8Matrix] = {}  # by the id of the matrix, as long as that is in use
_lock = ForkLock()


def int8_copy(matrix: NDArray[np.floating[Any]], beside: NDArray[np.floating[Any]] | None = None) -> Int8Matrix | None:
    """Return the copy of a matrix (n, dim) that never changes; None where one does not pay.

    The first call makes it, which takes some seconds for ten million rows, and it is kept as long as the matrix. A view
    that is multiplied `beside` the embeddings has a copy where they have one, its columns in units of their own, and
    their number is one that can be multiplied.
    """
    if not (_pays(matrix) if beside is None else _pays(beside) and _fits(matrix) and _multiplies(matrix.shape[1])):
        return None
    with _lock:
        if id(matrix) not in _copies:
            _copies[id(matrix)] = Int8Matrix.of(matrix, own_units=beside is not None)
            weakref.finalize(matrix, _copies.pop, id(matrix))
        return _copies[id(matrix)]


def _pays(matrix: NDArray[np.floating[Any]]) -> bool:
    """Return whether products with a copy of a matrix are faster on this machine, and it leaves enough memory."""
    if matrix.size < LARGE or matrix.dtype != np.float16 or not matrix.flags.c_contiguous:
        return False
    return _fits(matrix) and _multiplies(matrix.shape[1])


def _multiplies(columns: int) -> bool:
    """Return whether this processor has fast products of bytes in so many columns."""
    return _multiplies_bytes() or (columns % _ALIGNED == 0 and _multiplies_bfloat16())


def _fits(matrix: NDArray[np.floating[Any]]) -> bool:
    """Return whether a copy of a matrix leaves enough memory."""
    memory = _memory()
    return memory is None or matrix.size <= memory * _SHARE_OF_MEMORY


@cache
def _memory() -> int | None:
    """Return how many bytes of memory this machine or container has; None if that is not known."""
    limits = [Path(file).read_text().strip() for file in _LIMITS if Path(file).is_file()]
    known = [int(limit) for limit in limits if limit.isdigit()]
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):  # not on Windows
        known.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(known, default=None)


@cache
def _multiplies_bytes() -> bool:
    """Return whether this processor multiplies bytes fast and exactly.

    With AVX2 such products are not faster than half precision, and processors with AVX-512, but without its extension
    VNNI, add up pairs of products in 16 bits, which are too few.
    """
    with imports:
        import torch
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        return False
    codes = torch.full((32, 64), _HIGHEST, dtype=torch.int8)
    codes[::2].neg_()
    try:
        products = torch._int_mm(codes, codes[1:2].T)
    except (AttributeError, RuntimeError):  # an older torch
        return False
    return bool(torch.equal(products.long(), codes.long() @ codes[1:2].long().T))


@cache
def _multiplies_bfloat16() -> bool:
    """Return whether torch has a fast product of bytes with bfloat16 for this processor: AVX2 is enough."""
    with imports:
        import torch
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        return False
    codes = torch.arange(-_HIGHEST, _HIGHEST + 1, 2, dtype=torch.int8)[: 2 * _ALIGNED].reshape(2, _ALIGNED)
    vector = torch.linspace(-1, 1, _ALIGNED).bfloat16().float()
    try:
        products = _bfloat16_products(codes, vector)
    except (AttributeError, RuntimeError):  # another torch
        return False
    return bool(torch.allclose(products.float(), codes.float() @ vector, rtol=2**-7))
