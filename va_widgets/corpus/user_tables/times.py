"""Times in tables of the user's: seconds, durations and times of the clock."""

from __future__ import annotations

import re
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_CLOCK = re.compile(r"(?:([0-9]+):)?([0-9]+):([0-9]+(?:[.,][0-9]+)?)")  # HH:MM:SS.mmm or MM:SS; subtitles use a comma


def seconds(moments: pd.Series[Any]) -> NDArray[np.float64]:
    """Return times in seconds, or other numbers, as float64 (n,), with NaN for what is neither.

    A time is a number, a duration or a text such as "12.5", "02:03" or "01:02:03.5".
    """
    if moments.dtype.kind == "m":
        return moments.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan)
    if moments.dtype.kind in "iuf":
        return moments.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.fromiter(map(_second, moments), dtype=np.float64, count=len(moments))


def _second(moment: object) -> float:
    if isinstance(moment, (bool, np.bool_)) or not isinstance(moment, (str, Real, Decimal)):
        return np.nan
    clock = _CLOCK.fullmatch(moment.strip()) if isinstance(moment, str) and ":" in moment else None
    try:
        if clock is not None:
            hours, minutes, seconds = float(clock[1] or 0), float(clock[2]), float(clock[3].replace(",", "."))
            whole = seconds < 60 and (clock[1] is None or minutes < 60)
            return hours * 3600 + minutes * 60 + seconds if whole else np.nan
        return float(moment)
    except (ValueError, OverflowError):
        return np.nan
