"""Times in tables of the user's: seconds, durations, times of the clock, and time code of their videos."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.errors import CorpusError
from va_widgets.corpus.user_tables.timecode import FrameCount, SourceClock, time_code

ADVICE = "give seconds, MM:SS, HH:MM:SS.mmm or time code HH:MM:SS:FF"
ClockOf: TypeAlias = Callable[[str], SourceClock]
"""Returns the clock of the video of some name; raises CorpusError if it cannot be read."""

# HH:MM:SS.mmm or MM:SS, where subtitles use a comma; before it "0 days ", as pandas and Python write durations.
_CLOCK = re.compile(r"(?:([0-9]+) days?,? +)?(?:([0-9]+):)?([0-9]+):([0-9]+(?:[.,][0-9]+)?)")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")


def seconds(moments: pd.Series[Any]) -> NDArray[np.float64]:
    """Return times in seconds, or other numbers, as float64 (n,), with NaN for what is neither.

    A time is a number, a duration or a text such as "12.5", "12,5", "02:03" or "01:02:03.5". A time of the day, which
    is what spreadsheets make of such a text, is the time since midnight. Time code is none: see `times_of`.
    """
    if moments.dtype.kind == "m":
        return moments.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan)
    if moments.dtype.kind in "iuf":
        return moments.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.fromiter(map(_second, moments), dtype=np.float64, count=len(moments))


def times_of(
    moments: pd.Series[Any], videos: pd.Series[Any], clock_of: ClockOf | None
) -> tuple[NDArray[np.float64], dict[int, str]]:
    """Return what `seconds` does, with time code as the seconds from the first picture of the video in its row.

    Also returns why time code is none of its video, by the number of the row: such times are NaN. `clock_of` is only
    called for videos with time code; without it, time code is no time.
    """
    times, reasons = seconds(moments), dict[int, str]()
    if clock_of is None or moments.dtype.kind in "iufmb":
        return times, reasons
    clocks: dict[str, SourceClock | str] = {}
    values, names = moments.tolist(), videos.tolist()
    for row in np.flatnonzero(np.isnan(times)).tolist():
        moment = values[row] if isinstance(values[row], FrameCount) else time_code(values[row])
        if moment is None or not isinstance(names[row], str):
            continue
        if names[row] not in clocks:
            clocks[names[row]] = _clock(names[row], clock_of)
        clock = clocks[names[row]]
        if isinstance(clock, str):
            reasons[row] = clock
            continue
        try:
            times[row] = clock.seconds(moment)
        except ValueError as error:
            reasons[row] = f"{moment} {error}"
    return times, reasons


def _clock(video: str, clock_of: ClockOf) -> SourceClock | str:
    """Return the clock of a video, or why there is none."""
    try:
        return clock_of(video)
    except CorpusError as error:
        return f"is time code, which needs the video: {str(error).rstrip('.')}"


def _second(moment: object) -> float:
    if isinstance(moment, dt.timedelta):  # pandas' Timedelta is one
        return moment.total_seconds()
    if isinstance(moment, np.timedelta64):
        return np.nan if np.isnat(moment) else float(moment / np.timedelta64(1, "ns")) / 1e9
    if isinstance(moment, dt.time):
        return moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
    if isinstance(moment, (bool, np.bool_)) or not isinstance(moment, (str, Real, Decimal)):
        return np.nan
    clock = _CLOCK.fullmatch(moment.strip()) if isinstance(moment, str) and ":" in moment else None
    try:
        if clock is not None:
            days, hours, minutes = (float(part or 0) for part in clock.group(1, 2, 3))
            seconds = float(clock[4].replace(",", "."))
            whole = seconds < 60 and (clock[2] is None or minutes < 60)
            return days * 86_400 + hours * 3600 + minutes * 60 + seconds if whole else np.nan
        if isinstance(moment, str) and _DECIMAL_COMMA.fullmatch(moment.strip()):
            return float(moment.replace(",", "."))
        return float(moment)
    except (ValueError, OverflowError):
        return np.nan
