"""Which of millions of clips lie nearest to a logit, without sorting them.

The logits are counted once by their value in half precision, of which there are 65,536. From the counts it follows how
far one has to look for so many clips, and only those within that reach are sorted.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# The bits of all half-precision numbers from -inf to inf, least first: the sign is the first bit.
_ORDER = np.concatenate([np.arange(0xFC00, 0x7FFF, -1), np.arange(0x7C01)]).astype(np.uint16)
_GRID = _ORDER.view(np.float16).astype(np.float64)
_REACHES = _GRID[len(_GRID) // 2 :]  # from 0 up


@dataclass(frozen=True)
class Ranking:
    """The logits of all clips, float32 (n,), none of them NaN, by the corpus's rows."""

    logits: NDArray[np.float32]

    @cached_property
    def _below(self) -> NDArray[np.int64]:
        """How many logits lie below each number of the grid, and at last how many there are; int64 (grid + 1,)."""
        with np.errstate(over="ignore"):  # what is too large for half precision counts as infinite
            half = self.logits.astype(np.float16)
        counts = np.bincount(half.view(np.uint16), minlength=1 << 16)[_ORDER]
        return np.concatenate([[0], np.cumsum(counts)])

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
        steps = len(_REACHES) if np.isfinite(to) else len(_GRID) - 1
        step = bisect_left(range(steps - 1), looked_at, key=lambda i: self._number(*_reach(to, i)))
        low, high = _reach(to, step)
        # They were rounded before they were counted, so that one a little further away may be nearer.
        furthest = max((abs(end) for end in (low, high) if np.isfinite(end)), default=0.0)
        slack = float(np.spacing(np.float16(min(furthest, _GRID[-3]))))
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
        return float(_GRID[-2 - step]), np.inf
    if to == -np.inf:
        return -np.inf, float(_GRID[step + 1])
    return to - float(_REACHES[step]), to + float(_REACHES[step])
