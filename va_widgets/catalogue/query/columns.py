"""A corpus's columns as typed values that queries compare: numbers, flags, texts and dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Kind: TypeAlias = Literal["number", "flag", "text", "date"]
_OF_OBJECTS: dict[str, Kind] = {  # what pandas infers of a column of Python objects
    "boolean": "flag",
    "date": "date",
    "datetime": "date",
    "datetime64": "date",
    "decimal": "number",
    "empty": "text",
    "floating": "number",
    "integer": "number",
    "mixed-integer-float": "number",
    "string": "text",
}
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d([ T]\d\d:\d\d(:\d\d)?)?)?)?")
_MOMENT = "datetime64[us]"


@dataclass(frozen=True)
class Column:
    """The values of a column, one a clip, and which of them are missing: bool (n,), or None if none is.

    `values` are numbers or bool (n,), datetime64 (n,) in UTC, or the places int32 (n,) of texts among `texts`, an Arrow
    array of those that there are, where -1 is a missing one.
    """

    kind: Kind
    values: NDArray[Any]
    missing: NDArray[np.bool_] | None
    texts: Any = None

    def is_in(self, texts: list[str]) -> NDArray[np.bool_]:
        """Return where the text is one of some, bool (n,)."""
        wanted = np.asarray(pc.is_in(self.texts, value_set=pa.array(texts, type=pa.string())), dtype=bool)
        found: NDArray[np.bool_] = np.append(wanted, False)[self.values]
        return found

    def within(self, begin: np.datetime64, end: np.datetime64) -> NDArray[np.bool_]:
        """Return where the date is from `begin` on and before `end`, bool (n,)."""
        return (self.values >= begin) & (self.values < end)


def column_of(series: pd.Series[Any]) -> Column:
    """Return a column as typed values. Raises ValueError, with what it holds, if queries cannot compare it."""
    missing = series.isna().to_numpy(dtype=bool)
    absent = missing if missing.any() else None
    kind = kind_of(series)
    if kind == "number":
        return Column(kind, _numbers(series), absent)
    if kind == "flag":
        flags = np.where(missing, False, series.to_numpy(dtype=object)).astype(bool)
        return Column(kind, flags, absent)
    if kind == "date":
        moments = pd.to_datetime(series, utc=True).dt.tz_localize(None)
        return Column(kind, moments.to_numpy().astype(_MOMENT), absent)
    texts = pa.array(series.astype(object), type=pa.string(), from_pandas=True).dictionary_encode()
    codes = np.asarray(texts.indices.fill_null(-1))
    return Column(kind, codes, absent, texts.dictionary)


def kind_of(series: pd.Series[Any]) -> Kind:
    """Return the kind of a column's values. Raises ValueError as `column_of`, in a fraction of its time."""
    kind = series.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return kind_of(pd.Series(kind.categories))
    if pd.api.types.is_bool_dtype(kind):
        return "flag"
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind):
        return "number"
    if pd.api.types.is_timedelta64_dtype(kind):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(kind):
        return "date"
    if isinstance(kind, pd.StringDtype):
        return "text"
    inferred = pd.api.types.infer_dtype(series, skipna=True)
    if inferred not in _OF_OBJECTS:
        own = isinstance(kind, pd.api.extensions.ExtensionDtype)
        raise ValueError(f"values of the type {kind if own else inferred}")
    return _OF_OBJECTS[inferred]


def _numbers(series: pd.Series[Any]) -> NDArray[Any]:
    """Return numbers as they are, or as float64 with NaN for missing ones; times as seconds."""
    if pd.api.types.is_timedelta64_dtype(series.dtype):
        return series.dt.total_seconds().to_numpy()
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iuf":
        return series.to_numpy()
    return pd.to_numeric(series.astype(object), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def period(text: str) -> tuple[np.datetime64, np.datetime64]:
    """Return where a year, month, day, minute or second begins, and where the next one does.

    Raises ValueError for a text that is no date such as "1999", "1999-12", "1999-12-31" or "1999-12-31 23:59".
    """
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    begin = np.datetime64(text.replace(" ", "T"))
    unit: Any = np.datetime_data(begin.dtype)[0]
    following = begin + np.timedelta64(1, unit)
    return begin.astype(_MOMENT), following.astype(_MOMENT)
