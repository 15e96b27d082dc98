"""Which of millions of clips lie nearest to a logit, without sorting them.

The logits are counted once by the first 16 of their 32 bits, which are their sign, their size and 7 binary digits. From
the counts it follows how far one has to look for so many clips, and only those within that reach are sorted.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# The first bits of all numbers from -inf to inf, least first.
_ORDER = np.concatenate([np.arange(0xFF80, 0x7FFF, -1), np.arange(0x7F81)])
_GRID = (_ORDER.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
_REACHES = _GRID[len(_GRID) // 2 :]  # from 0 up
_CUT = 2.0**-7  # what the other bits may add to a number, at most, as a share of it


@dataclass(frozen=True)
class ScoreIndex:
    """The logits of all clips, float32 (n,), none of them NaN, by the corpus's rows."""

    logits: NDArray[np.float32]

    @cached_property
    def _below(self) -> NDArray[np.int64]:
        """How many logits lie below each number of the grid, and at last how many there are; int64 (grid + 1,)."""
        counts = np.bincount(self.logits.view(np.uint32) >> 16, minlength=1 << 16)[_ORDER]
        return np.concatenate([[0], np.cumsum(counts)])

    def histogram(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the logits, float64 (k,), from highest to lowest, and how many clips have each, int64 (k,).

        They are those that clips have, but for the bits that are cut off: those are within a 128th of a logit.
        """
        counts = np.diff(self._below)[::-1]
        return (_GRID * (1 + _CUT / 2))[::-1][self._taken], counts[self._taken]

    def histogram_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many of some rows have each of the logits of `histogram`, int64 (k,)."""
        counts = np.bincount(self.logits[rows].view(np.uint32) >> 16, minlength=1 << 16)[_ORDER]
        return counts[::-1][self._taken]

    @cached_property
    def _taken(self) -> NDArray[np.int64]:
        """The places, from highest to lowest, of the numbers of the grid that any clip has."""
        return np.flatnonzero(np.diff(self._below)[::-1])

    def nearest(self, to: float, number: int, without: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The `number` rows whose logits are nearest to a value, nearest first, ties by place; fewer if there are none.

        Parameters
        ----------
        to : float
            inf asks for the highest logits, -inf for the lowest.
        without : bool (n,)
            Rows to leave out.
        """
        looked_at = min(number + int(np.count_nonzero(without)), len(self.logits))
        steps = len(_REACHES) if np.isfinite(to) else len(_GRID)
        step = bisect_left(range(steps - 1), looked_at, key=lambda i: self._number(*_reach(to, i)))
        low, high = _reach(to, step)
        # They were cut off before they were counted, so that one a little further away may be nearer.
        furthest = max((abs(end) for end in (low, high) if np.isfinite(end)), default=0.0)
        slack = furthest * _CUT + float(np.finfo(np.float32).tiny)
        rows = np.flatnonzero((self.logits >= low - slack) & (self.logits <= high + slack))
        rows = rows[~without[rows]]
        values = self.logits[rows]
        distances = np.abs(values - np.float32(to)) if np.isfinite(to) else -np.sign(np.float32(to)) * values
        return rows[np.argsort(distances, kind="stable")][:number]

    def _number(self, low: float, high: float) -> int:
        """How many logits lie between two numbers, both included."""
        first, last = np.searchsorted(_GRID, low, "left"), np.searchsorted(_GRID, high, "right")
        return int(self._below[last] - self._below[first])


def _reach(to: float, step: int) -> tuple[float, float]:
    """From where to where the `step`th reach goes around a value, or up to one that is infinite."""
    if to == np.inf:
        return float(_GRID[-1 - step]), np.inf
    if to == -np.inf:
        return -np.inf, float(_GRID[step])
    return to - float(_REACHES[step]), to + float(_REACHES[step])
