"""Find the clips whose logits are nearest to a value, among millions, without sorting all of them; count all logits.

A sample of the logits tells how far from the value enough clips are likely to be found, and only the clips within this
distance are sorted. They are counted by the first 16 of a logit's 32 bits: sign, exponent and 7 bits of the mantissa.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# The first 16 bits of all float32 numbers from -inf to inf, ascending.
_ORDER = np.concatenate([np.arange(0xFF80, 0x7FFF, -1), np.arange(0x7F81)])
_GRID = (_ORDER.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
_CUT = 2.0**-7  # relative error of a number cut to 16 bits
_CHUNK = 1 << 18  # logits counted or compared at a time, few enough for the processor's cache
_SAMPLE = 1 << 14  # logits in the sample, at least
_LEAST_PARTS = 8  # that are shared among threads
_SPARE = 4  # standard deviations of the number of clips that a sample promises
_CANDIDATES = 4  # rows ranked again for each that is returned, where logits are approximate,
_MOST_CANDIDATES = 1 << 14  # and at most, unless more are to be returned


@dataclass(frozen=True)
class ScoreIndex:
    """The logits of all clips, float32 (n,), none of them NaN, by the corpus's rows.

    Where they are approximate, `exact` returns the exact ones, float32 (m,), of some rows (m,).
    """

    logits: NDArray[np.float32]
    exact: Callable[[NDArray[np.int64]], NDArray[np.float32]] | None = None

    def at(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the exact logits, float32 (m,), of some rows (m,)."""
        return self.logits[rows] if self.exact is None else self.exact(rows)

    def plus(self, more: ScoreIndex) -> ScoreIndex:
        """Return the logits with those of another index added to them."""
        is_exact = self.exact is None and more.exact is None
        return ScoreIndex(self.logits + more.logits, None if is_exact else lambda rows: self.at(rows) + more.at(rows))

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        """How many logits have each of the numbers of the grid, from highest to lowest, int64 (grid,)."""
        counts = np.zeros(1 << 16, dtype=np.int64)
        for start in range(0, len(self.logits), _CHUNK):
            counts += _counted(self.logits[start : start + _CHUNK])
        return counts[_ORDER][::-1]

    def histogram(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the logits, float64 (k,), from highest to lowest, and how many clips have each, int64 (k,).

        They are those that clips have, but for the bits that are cut off: those are within a 128th of a logit.
        """
        return (_GRID * (1 + _CUT / 2))[::-1][self._taken], self._counts[self._taken]

    def histogram_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many of some rows have each of the logits of `histogram`, int64 (k,)."""
        return _counted(self.logits[rows])[_ORDER][::-1][self._taken]

    @cached_property
    def _taken(self) -> NDArray[np.int64]:
        """The places, from highest to lowest, of the numbers of the grid that any clip has."""
        return np.flatnonzero(self._counts)

    def nearest(self, score: float, k: int, exclude: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the `k` rows whose logits are nearest to `score`, nearest first, ties by row; fewer if n is less.

        Parameters
        ----------
        score : float
            inf returns the highest logits, -inf the lowest.
        exclude : bool (n,)
            Rows to leave out.

        Where logits are approximate, more rows are taken by these, and the nearest of them by the exact ones.
        """
        if self.exact is None:
            return self._nearest(score, k, exclude)
        rows = self._nearest(score, max(k, min(_CANDIDATES * k, _MOST_CANDIDATES)), exclude)
        rows.sort()
        return rows[_order(self.exact(rows), score)][:k]

    @property
    def _step(self) -> int:
        """One logit of how many is in the sample."""
        return max(1, len(self.logits) // _SAMPLE)

    @cached_property
    def _sample(self) -> NDArray[np.float32]:
        return self.logits[:: self._step].copy()

    def _nearest(self, score: float, k: int, exclude: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the same by the logits as they are."""
        needed = k + int(np.count_nonzero(exclude))
        rows = self._within(score, needed)
        rows = rows[~exclude[rows]]
        return rows[_order(self.logits[rows], score)][:k]

    def _within(self, score: float, number: int) -> NDArray[np.int64]:
        """Return `number` or more rows, ascending, such that no other row's logit is nearer to a score; or all rows."""
        promised = number / self._step
        while (place := int(promised + _SPARE * promised**0.5 + _SPARE)) < len(self._sample):
            furthest = np.partition(_distances(self._sample, score), place)[place]
            rows = self._nearer(score, furthest)
            if len(rows) >= number:
                return rows
            promised *= 2  # the sample missed where clips are
        return np.arange(len(self.logits))

    def _nearer(self, score: float, furthest: np.float32) -> NDArray[np.int64]:
        """Return the rows, ascending, whose logits are at most `furthest` from a score."""

        def compared(start: int) -> NDArray[np.int64]:
            return np.flatnonzero(_distances(self.logits[start : start + _CHUNK], score) <= furthest) + start

        starts = range(0, len(self.logits), _CHUNK)
        if len(starts) < _LEAST_PARTS:
            return np.concatenate([compared(start) for start in starts])
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return np.concatenate(list(pool.map(compared, starts)))


def _counted(logits: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return how many logits have each of the possible first 16 bits, int64 (65,536,)."""
    return np.bincount(logits.view(np.uint32) >> 16, minlength=1 << 16)


def _order(logits: NDArray[np.float32], score: float) -> NDArray[np.int64]:
    """Return the places of logits by their distance to a score, equal ones as they are."""
    return np.argsort(_distances(logits, score), kind="stable")


def _distances(logits: NDArray[np.float32], score: float) -> NDArray[np.float32]:
    """Return how far logits are from a score; up to a constant where that is infinite."""
    return np.abs(logits - np.float32(score)) if np.isfinite(score) else -np.sign(np.float32(score)) * logits
