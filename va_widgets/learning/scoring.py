"""The logits of all clips of a corpus under a classifier: as they come from it, and smoothed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.int8_matrix import int8_copy
from va_widgets.learning.logistic import decision_scores
from va_widgets.learning.score_index import ScoreIndex
from va_widgets.learning.smoothing import ROUNDED, roughly_smoothed, smoothed, smoothed_rows
from va_widgets.learning.views import View


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
    view: View, coef: NDArray[np.floating[Any]], missing: float, embeddings: NDArray[np.floating[Any]]
) -> ScoreIndex:
    """Return what a view adds to the logits of all clips by its coefficients (d,); see `views.Linear`.

    They are approximate where those of the `embeddings` are.
    """
    matrix, rows_missing = view.matrix(), view.missing_rows
    copy = int8_copy(matrix, beside=embeddings)
    logits = decision_scores(matrix, coef, 0.0, copy)
    logits[rows_missing] = missing
    if copy is None:
        return ScoreIndex(logits)

    def exact(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        values = decision_scores(matrix[rows].astype(np.float32), coef, 0.0)
        values[np.isin(rows, rows_missing)] = missing
        return values

    return ScoreIndex(logits, exact)


def smoothed_logits(plain: ScoreIndex, neighbours: NDArray[np.int32], share: float) -> ScoreIndex:
    """Return logits of which `share` is the mean of their neighbours, the rows int32 (k, n); see `smoothing`.

    Those of very many clips are approximate, too: their neighbours' logits are rounded. Where logits were approximate
    before, only a clip's own is exact in what `at` returns: the errors of its neighbours nearly cancel out, and reading
    their vectors takes ten times as long.
    """
    values, exact = plain.logits, plain.exact
    rounded = exact is not None or len(values) >= ROUNDED
    logits = (roughly_smoothed if rounded else smoothed)(values, neighbours, share)
    if exact is None and not rounded:
        return ScoreIndex(logits)

    def smooth(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        found = smoothed_rows(values, rows, neighbours[:, rows], share)
        return found if exact is None else found + np.float32(1 - share) * (exact(rows) - values[rows])

    return ScoreIndex(logits, smooth)
