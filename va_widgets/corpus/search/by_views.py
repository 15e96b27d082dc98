"""Clips that resemble a clip in one of a corpus's views, or in several of them at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROWS = 16_384  # compared at a time
_SAMPLE = 4096  # rows that the columns' means and deviations are computed of


def resemblance(
    matrices: Sequence[NDArray[np.floating[Any]]], row: int, zero_is_missing: Sequence[bool] = ()
) -> NDArray[np.float32]:
    """Return how much every clip resembles the clip in `row`, float32 (n,), from -1 to 1.

    It is the cosine of two clips by what sets them apart from the mean clip, each column of a matrix (n, d) counting
    alike, and the mean of these cosines over the matrices. A clip like the mean one resembles none. Neither does a clip
    whose row is zero throughout, in matrices of which `zero_is_missing` says that such rows are not known.
    """
    total = np.zeros(len(matrices[0]), dtype=np.float32)
    for matrix, has_missing in zip(matrices, zero_is_missing or [False] * len(matrices), strict=True):
        unit_rows = _unit_rows(matrix, has_missing)
        (own,) = unit_rows(slice(row, row + 1))
        for start in range(0, len(matrix), _ROWS):
            part = slice(start, start + _ROWS)
            total[part] += (unit_rows(part) @ own / len(matrices)).astype(np.float32)
    return total


def _unit_rows(matrix: NDArray[np.floating[Any]], has_missing: bool) -> Callable[[slice], NDArray[np.float64]]:
    """Return a function of some rows of a matrix (n, d): centred, scaled and of length 1, or 0 where they are missing.

    `has_missing` says whether rows that are zero throughout are missing.
    """
    sample = np.asarray(matrix[:: max(1, len(matrix) // _SAMPLE)], dtype=np.float64)
    if has_missing and (known := sample.any(axis=1)).any():
        sample = sample[known]
    center, deviation = sample.mean(axis=0), sample.std(axis=0)
    unit = np.where(deviation > 1e-6 * np.maximum(np.abs(center), 1e-6), deviation, np.inf)

    def unit_rows(part: slice) -> NDArray[np.float64]:
        values = np.asarray(matrix[part], dtype=np.float64)
        rows: NDArray[np.float64] = (values - center) / unit
        if has_missing:
            rows[~values.any(axis=1)] = 0.0
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)

    return unit_rows
