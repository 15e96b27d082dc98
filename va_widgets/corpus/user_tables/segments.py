"""Segments of videos that a table of the user's names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.arguments import described
from va_widgets.base.errors import CorpusError
from va_widgets.corpus.user_tables.encoding import is_encodable, paths_as_text
from va_widgets.corpus.user_tables.read import SEGMENT_COLUMNS, read_table
from va_widgets.corpus.user_tables.times import ADVICE, ClockOf, times_of


def checked_segments(table: pd.DataFrame, clock_of: ClockOf | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the segments of a table that can be used, and those that cannot, with the reasons.

    Parameters
    ----------
    table : DataFrame(video, start, end, …)
        `video` is text or a path. `start` and `end` are seconds as numbers, durations or text, or text such as
        "01:02:03.5", "02:03" or "00:02:03,500". `clip_id`, as a column or the index, is optional, text or whole
        numbers; all other columns are yours.
    clock_of : function of a video's name
        Returns its clock, so that times may be time code, "01:00:02:12" or "01:00:02;12".

    Returns
    -------
    good : DataFrame
        With `start` and `end` in seconds, float64, and 0 <= start < end. Indexed by the row's number in `table`.
    refused : DataFrame
        The other rows as they were, with a column `reason`. Indexed likewise. A segment that repeats an earlier one,
        to the millisecond, and a clip_id that repeats an earlier one are refused.

    Raises CorpusError if one of the three columns is missing, and for what `read_table` refuses.
    """
    table = read_table(table, ("video", "start", "end"))
    others = [name for name in table.index.names if name not in SEGMENT_COLUMNS]
    if table.index.nlevels > 1 and others:
        raise CorpusError(
            f"The index of the table has a level {described(others[0])}, which would be lost: make it a column with"
            " .reset_index()."
        )
    levels = [name for name in SEGMENT_COLUMNS if name in table.index.names and name not in table]
    table = (table.reset_index(level=levels) if levels else table).reset_index(drop=True)
    table["video"] = paths_as_text(table["video"])
    moments, unreadable = dict[str, NDArray[np.float64]](), dict[str, dict[int, str]]()
    for name in ("start", "end"):
        moments[name], unreadable[name] = times_of(table[name], table["video"], clock_of)
    start, end = moments["start"], moments["end"]
    reasons = pd.Series("", index=table.index, dtype=object)

    def refuse(bad: NDArray[np.bool_], reason: str) -> None:
        reasons[bad & reasons.eq("").to_numpy()] = reason

    refuse(~_is_text(table["video"]), "it names no video, which must be text")
    for name, moment in moments.items():
        for row, why in unreadable[name].items():
            reasons.iat[row] = str(reasons.iat[row]) or f"its {name} {why}"
        refuse(np.isnan(moment), f"its {name} is not a time: {ADVICE}")
        refuse(np.isinf(moment), f"its {name} is not finite")
    refuse(start < 0, "it starts before 0")
    refuse(end <= start, "it does not end after its start")
    if "clip_id" in table:
        table["clip_id"] = _digits_as_text(table["clip_id"])
        refuse(~_is_text(table["clip_id"]), "its clip_id is not text")
        if not is_encodable(table["clip_id"]):
            bad = [not is_encodable(pd.Index([id_], dtype=object)) for id_ in table["clip_id"]]
            refuse(np.array(bad, dtype=np.bool_), "its clip_id is not valid Unicode")
        refuse(_repeated(table[["clip_id"]], reasons), "its clip_id is there already")
    # Clip ids are made of milliseconds: segments that are the same in milliseconds would get one id.
    with np.errstate(over="ignore"):
        times = pd.DataFrame({"video": table["video"], "start": np.round(start * 1000), "end": np.round(end * 1000)})
    refuse(_repeated(times, reasons), "the same segment is there already")

    fine = reasons.eq("")
    good = table[fine].assign(start=start[fine], end=end[fine])
    return good, table[~fine].assign(reason=reasons[~fine])


def _digits_as_text(ids: pd.Series[Any]) -> pd.Series[Any]:
    """Return ids with whole numbers as text."""
    if ids.dtype.kind not in "iuO":
        return ids
    texts = [str(id_) if isinstance(id_, (int, np.integer)) and not isinstance(id_, bool) else id_ for id_ in ids]
    return pd.Series(texts, ids.index, dtype=object)


def _is_text(values: pd.Series[Any]) -> NDArray[np.bool_]:
    return np.fromiter(
        (isinstance(value, str) and bool(value.strip()) for value in values), dtype=np.bool_, count=len(values)
    )


def _repeated(rows: pd.DataFrame, reasons: pd.Series[Any]) -> NDArray[np.bool_]:
    """Return bool (n,): which rows repeat an earlier row that has not been refused."""
    fine = reasons.eq("").to_numpy()
    repeated = np.zeros(len(rows), dtype=np.bool_)
    repeated[fine] = rows[fine].duplicated().to_numpy()
    return repeated
