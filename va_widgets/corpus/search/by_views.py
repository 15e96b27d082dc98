"""Clips that resemble a clip in one of a corpus's views, or in several of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROWS = 16_384  # compared at a time
_SAMPLE = 4096  # rows that the columns' means and deviations are computed of


def resemblance(matrices: Sequence[NDArray[np.floating[Any]]], row: int) -> NDArray[np.float32]:
    """Return how much every clip resembles the clip in `row`, float32 (n,), from -1 to 1.

    It is the cosine of two clips by what sets them apart from the mean clip, each column of a matrix (n, d) counting
    alike, and the mean of these cosines over the matrices. A clip like the mean one resembles none.
    """
    total = np.zeros(len(matrices[0]), dtype=np.float32)
    for matrix in matrices:
        sample = np.asarray(matrix[:: max(1, len(matrix) // _SAMPLE)], dtype=np.float64)
        center, deviation = sample.mean(axis=0), sample.std(axis=0)
        unit = np.where(deviation > 1e-6 * np.maximum(np.abs(center), 1e-6), deviation, np.inf)

        def scaled(part: slice, matrix: Any = matrix, center: Any = center, unit: Any = unit) -> NDArray[np.float64]:
            rows: NDArray[np.float64] = (np.asarray(matrix[part], dtype=np.float64) - center) / unit
            return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)

        (own,) = scaled(slice(row, row + 1))
        for start in range(0, len(matrix), _ROWS):
            part = slice(start, start + _ROWS)
            total[part] += (scaled(part) @ own / len(matrices)).astype(np.float32)
    return total
