"""Clips in the order of a number that is known of them: how they move, or a column of the user's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.corpus.manifest import COLUMNS


def number_columns(clips: pd.DataFrame) -> list[str]:
    """Return the names of the user's columns of a table of clips that hold numbers."""
    return [
        name
        for name, dtype in clips.dtypes.items()
        if isinstance(name, str)
        and name not in COLUMNS
        and pd.api.types.is_numeric_dtype(dtype)
        and not pd.api.types.is_bool_dtype(dtype)
        and not pd.api.types.is_complex_dtype(dtype)
    ]


def in_order(
    values: pd.Series[Any], k: int, lowest: bool, among: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the `k` rows with the highest numbers, or the lowest, and these: equal ones by row, without NaN.

    Only rows of `among`, bool (n,), are returned, where it is given. Fewer than `k` rows where there are no more.
    """
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    keys = numbers if lowest else -numbers
    known = ~np.isnan(keys)
    rows = np.flatnonzero(known if among is None else known & among)
    if 0 < k < len(rows):  # so that few are sorted
        rows = rows[keys[rows] <= np.partition(keys[rows], k - 1)[k - 1]]
    rows = rows[np.argsort(keys[rows], kind="stable")[:k]]
    return rows, numbers[rows]
