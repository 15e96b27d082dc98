"""The logits of all clips of a corpus under a classifier: as they come from it, and smoothed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.int8_matrix import int8_copy
from va_widgets.learning.logistic import decision_scores
from va_widgets.learning.score_index import ScoreIndex
from va_widgets.learning.smoothing import SHARE, smoothed

_ROWS = 1 << 16  # of a view, read at a time


def logits_of(matrix: NDArray[np.floating[Any]], coef: NDArray[np.floating[Any]], intercept: float) -> ScoreIndex:
    """Return the logits of all rows of a matrix (n, dim), which never changes and may be memory-mapped.

    Those of a large matrix are approximate where that is faster: see `base.int8_matrix`.
    """
    copy = int8_copy(matrix)
    logits = decision_scores(matrix, coef, intercept, copy)
    if copy is None:
        return ScoreIndex(logits)
    return ScoreIndex(logits, lambda rows: decision_scores(matrix[rows].astype(np.float32), coef, intercept))


def view_logits(
    matrix: NDArray[np.floating[Any]], coef: NDArray[np.floating[Any]], missing: float = 0.0
) -> NDArray[np.float32]:
    """Return what a view (n, d), which may be memory-mapped, adds to the logits of its clips, float32 (n,).

    Rows that are zero throughout add `missing`; see `views.Linear`.
    """
    logits = decision_scores(matrix, coef, 0.0)
    if missing:
        # The product of such a row is 0, which hardly any other is: so only few rows are read again.
        for rows in _blocks(np.flatnonzero(logits == 0)):
            logits[rows[~np.any(matrix[rows], axis=1)]] = missing
    return logits


def _blocks(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield rows (m,) in parts of _ROWS."""
    for start in range(0, len(rows), _ROWS):
        yield rows[start : start + _ROWS]


def smoothed_logits(plain: ScoreIndex, neighbours: NDArray[np.int32]) -> ScoreIndex:
    """Return logits averaged with those of their neighbours, the rows int32 (k, n); see `smoothing`.

    Where logits are approximate, only a clip's own is exact in what `at` returns: the errors of its neighbours nearly
    cancel out, and reading their vectors takes ten times as long.
    """
    logits, exact = smoothed(plain.logits, neighbours), plain.exact
    if exact is None:
        return ScoreIndex(logits)
    return ScoreIndex(logits, lambda rows: logits[rows] + np.float32(1 - SHARE) * (exact(rows) - plain.logits[rows]))
