"""Find the clips whose logits are nearest to a value, among millions, without sorting all of them.

The index is a histogram of the logits by the first 16 of their 32 bits: sign, exponent and 7 bits of the mantissa. From
the counts follows an interval around the value that holds enough clips, and only the clips in it are sorted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# The first 16 bits of all float32 numbers from -inf to inf, ascending.
_ORDER = np.concatenate([np.arange(0xFF80, 0x7FFF, -1), np.arange(0x7F81)])
_GRID = (_ORDER.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
_DISTANCES = _GRID[len(_GRID) // 2 :]  # candidates for half the interval's width, from 0 up
_CUT = 2.0**-7  # relative error of a number cut to 16 bits
_CHUNK = 1 << 18  # logits counted at a time, few enough for the processor's cache
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
    def _below(self) -> NDArray[np.int64]:
        """How many logits lie below each number of the grid, and at last how many there are; int64 (grid + 1,)."""
        counts = np.zeros(1 << 16, dtype=np.int64)
        for start in range(0, len(self.logits), _CHUNK):
            counts += _counted(self.logits[start : start + _CHUNK])
        return np.concatenate([[0], np.cumsum(counts[_ORDER])])

    def histogram(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the logits, float64 (k,), from highest to lowest, and how many clips have each, int64 (k,).

        They are those that clips have, but for the bits that are cut off: those are within a 128th of a logit.
        """
        counts = np.diff(self._below)[::-1]
        return (_GRID * (1 + _CUT / 2))[::-1][self._taken], counts[self._taken]

    def histogram_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many of some rows have each of the logits of `histogram`, int64 (k,)."""
        return _counted(self.logits[rows])[_ORDER][::-1][self._taken]

    @cached_property
    def _taken(self) -> NDArray[np.int64]:
        """The places, from highest to lowest, of the numbers of the grid that any clip has."""
        return np.flatnonzero(np.diff(self._below)[::-1])

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

    def _nearest(self, score: float, k: int, exclude: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the same by the logits as they are."""
        needed = min(k + int(np.count_nonzero(exclude)), len(self.logits))
        steps = len(_DISTANCES) if np.isfinite(score) else len(_GRID)
        step = bisect_left(range(steps - 1), needed, key=lambda i: self._count(*_interval(score, i)))
        low, high = _interval(score, step)
        # The counts are of numbers cut to 16 bits: a logit a little outside the interval may be nearer.
        furthest = max((abs(end) for end in (low, high) if np.isfinite(end)), default=0.0)
        slack = furthest * _CUT + float(np.finfo(np.float32).tiny)
        rows = np.flatnonzero((self.logits >= low - slack) & (self.logits <= high + slack))
        rows = rows[~exclude[rows]]
        return rows[_order(self.logits[rows], score)][:k]

    def _count(self, low: float, high: float) -> int:
        """Return how many logits lie between two numbers, both included."""
        first, last = np.searchsorted(_GRID, low, "left"), np.searchsorted(_GRID, high, "right")
        return int(self._below[last] - self._below[first])


def _counted(logits: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return how many logits have each of the possible first 16 bits, int64 (65,536,)."""
    return np.bincount(logits.view(np.uint32) >> 16, minlength=1 << 16)


def _order(logits: NDArray[np.float32], score: float) -> NDArray[np.int64]:
    """Return the places of logits by their distance to a score, equal ones as they are."""
    distances = np.abs(logits - np.float32(score)) if np.isfinite(score) else -np.sign(np.float32(score)) * logits
    return np.argsort(distances, kind="stable")


def _interval(score: float, step: int) -> tuple[float, float]:
    """Return the ends of the `step`th interval around a score; an infinite score is itself one of the ends."""
    if score == np.inf:
        return float(_GRID[-1 - step]), np.inf
    if score == -np.inf:
        return -np.inf, float(_GRID[step])
    return score - float(_DISTANCES[step]), score + float(_DISTANCES[step])
