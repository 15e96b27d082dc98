"""The segments of videos that foreign rows name: in seconds, milliseconds, frames or time codes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.arguments import described
from va_widgets.corpus.user_tables.times import seconds
from va_widgets.exchange.foreign import Problems

Times: TypeAlias = Literal["seconds", "milliseconds", "frames"]
_TIMECODE = re.compile(r"(\d+):(\d{2}):(\d{2})([:;])(\d{1,3})")  # SMPTE: frames, after a semicolon with drops


def segments(
    rows: pd.DataFrame, rate: NDArray[np.float64], rest: NDArray[np.bool_], problems: Problems, times: Times
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.object_]]:
    """Return the start and end of each row in seconds, float64 (n,), and "time", "frame", or "" where it has none.

    The end of a single moment is its start; a single frame is the moment in its middle.
    """
    count = len(rows)
    kind: NDArray[np.object_] = np.full(count, "", dtype=object)
    begin, end = np.full(count, np.nan), np.full(count, np.nan)
    for name, target in (("start", begin), ("end", end)):
        given = _given(rows, name) & rest
        if given.any():
            target[given] = _in_seconds(rows[name][given], rate[given], times)
            problems.add(given & ~np.isfinite(target), _no_time(rows, name))
            kind[given] = "frame" if times == "frames" else "time"
    by_frame = rest & (kind == "") & _given(rows, "frame_in")
    if by_frame.any():
        problems.add(by_frame & ~(rate > 0), "it names frames, but the corpus has no frame rate for its video")
        first = pd.to_numeric(rows["frame_in"], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        single = ~_given(rows, "frame_out")
        stop = first
        if "frame_out" in rows:
            stop = pd.to_numeric(rows["frame_out"], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        first, stop = np.where(single, first + 0.5, first), np.where(single, first + 0.5, stop)
        problems.add(by_frame & ~np.isfinite(first + stop), _no_time(rows, "frame_in"))
        with np.errstate(divide="ignore", invalid="ignore"):
            begin[by_frame], end[by_frame] = (first / rate)[by_frame], (stop / rate)[by_frame]
        kind[by_frame] = "frame"
    timed = kind != ""
    problems.add(timed & np.isnan(begin), "it has an end but no start")
    end = np.where(timed & np.isnan(end), begin, end)
    problems.add(timed & (begin < 0), "it starts before 0")
    problems.add(timed & (end < begin), lambda row: f"it ends at {end[row]:,.6g} s, before its start")
    return begin, end, kind


def _no_time(rows: pd.DataFrame, name: str) -> Callable[[int], str]:
    return lambda row: f"its {name} {described(rows[name].iloc[row])} is no time: give seconds or HH:MM:SS.mmm"


def _given(rows: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    if name not in rows:
        return np.zeros(len(rows), dtype=np.bool_)
    column = rows[name]
    return (column.notna() & (column != "")).to_numpy(dtype=np.bool_)


def _in_seconds(column: pd.Series[Any], rate: NDArray[np.float64], times: Times) -> NDArray[np.float64]:
    """Return times in seconds, float64, NaN for what is none; `rate` is each row's frames a second, 0 if unknown."""
    moments = seconds(column)
    if times == "milliseconds":
        moments = moments / 1000
    elif times == "frames":
        with np.errstate(divide="ignore", invalid="ignore"):
            moments = np.where(rate > 0, moments / rate, np.nan)
    for place, value in enumerate(column):
        code = _TIMECODE.fullmatch(value.strip()) if isinstance(value, str) and value.count(":") >= 2 else None
        if code is not None and rate[place] > 0:
            moments[place] = _of_timecode(code, float(rate[place]))
    return moments


def _of_timecode(code: re.Match[str], rate: float) -> float:
    """Return the seconds of HH:MM:SS:FF at a rate; after a semicolon, two frames a minute are dropped (SMPTE 12M)."""
    hours, minutes, whole, frame = (int(code[n]) for n in (1, 2, 3, 5))
    nominal = round(rate)
    if minutes >= 60 or whole >= 60 or frame >= nominal:
        return float("nan")
    frames = (hours * 3600 + minutes * 60 + whole) * nominal + frame
    if code[4] == ";":
        gone = hours * 60 + minutes
        frames -= round(nominal / 15) * (gone - gone // 10)
    return frames / rate
