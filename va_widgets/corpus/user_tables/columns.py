"""The user's columns: whether a corpus can keep their values, and how they are joined to its clips."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from va_widgets.base.errors import CorpusError
from va_widgets.corpus import storage
from va_widgets.corpus.user_tables.encoding import holds_texts
from va_widgets.corpus.writing import write_parquet

_WHOLE = 2**53  # a float64 holds every whole number up to this one
_TYPES_NAMED = 3
_ADVICE = "make numbers or texts of them, such as by .astype(str), or leave the column out"
# What pandas and Arrow raise for values that they cannot write or read; UnicodeEncodeError is a ValueError.
_FAILURES = (pa.ArrowException, ArithmeticError, TypeError, ValueError, NotImplementedError, AttributeError)


def check_columns(table: pd.DataFrame, origin: str = "") -> None:
    """Raise CorpusError for the first column whose values would change when a corpus is written and read.

    Texts and numbers do not; every other column is written to Parquet in memory and read again. Types may become
    simpler: categories of numbers come back as numbers. `origin` follows a column's name in messages.
    """
    for name in table.columns:
        if not _is_plain(table[name]):
            _check(str(name), table[name].reset_index(drop=True), origin)


def check_stacked(new: pd.DataFrame, kept: pd.DataFrame) -> None:
    """Raise CorpusError for the first column whose values would change in one table with those of other clips.

    `new` are the values that are added, and `kept` those of the same columns that stay.
    """
    both = pd.concat([new, kept])
    check_columns(both, ", beside those of the corpus's other clips,")
    for name in new.columns.intersection(kept.columns):
        parts = new[name], kept[name]
        if both[name].dtype.kind == "f" and any(part.dtype.kind in "iu" and _exceeds(part) for part in parts):
            raise CorpusError(
                f"The column {name!r} holds whole numbers of more than 53 bits, but fractions or missing values for"
                " the corpus's other clips: make texts of them, or give the column another name."
            )


def joined(clips: pd.DataFrame, columns: pd.DataFrame) -> pd.DataFrame:
    """Return the clips with more columns, joined by their index; clips without a value get a missing one.

    pandas converts whole numbers with missing values to float; those that no float can hold become nullable integers.
    """
    if not clips.index.isin(columns.index).all():
        large = {
            name: "UInt64" if column.dtype.kind == "u" else "Int64"
            for name, column in columns.items()
            if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu" and _exceeds(column)
        }
        columns = columns.astype(large)
    return clips.join(columns)


def _exceeds(column: pd.Series[Any]) -> bool:
    """Return whether a column of whole numbers has some that a float64 may not hold."""
    return len(column) > 0 and (int(column.max()) > _WHOLE or int(column.min()) < -_WHOLE)


def _is_plain(column: pd.Series[Any]) -> bool:
    """Return whether a column holds numbers or texts of a type that is read as it was written."""
    if isinstance(column.dtype, pd.StringDtype):
        return True
    if column.dtype == object:
        return holds_texts(column)
    kind = column.dtype
    return isinstance(kind, np.dtype) and kind.kind in "biuf" and kind.isnative and kind.itemsize <= 8


def _check(name: str, column: pd.Series[Any], origin: str) -> None:
    """Raise CorpusError unless a column has the same values after writing it to Parquet and reading it."""
    parquet = io.BytesIO()
    try:
        write_parquet(column.to_frame("column"), parquet)
        kind, back = storage.read_parquet_column(pa.BufferReader(parquet.getvalue()), "column")
    except _FAILURES as error:
        raise _refused(name, column, origin) from error
    if not _is_simple(kind):
        raise _refused(name, column, origin)
    change = _first_change(column, back)
    if change is not None:
        former, later = (
            repr(values.iloc[change : change + 1].astype(object).tolist()[0])[:80] for values in (column, back)
        )
        raise CorpusError(
            f"The column {name!r}{origin} holds {_contents(column)}, of which {former} would come back as {later}:"
            f" {_ADVICE}."
        )


def _refused(name: str, column: pd.Series[Any], origin: str) -> CorpusError:
    advice = "make it dense by .sparse.to_dense()" if isinstance(column.dtype, pd.SparseDtype) else _ADVICE
    return CorpusError(f"The column {name!r}{origin} holds {_contents(column)}, which a corpus cannot keep: {advice}.")


def _is_simple(kind: pa.DataType) -> bool:
    """Return whether a type of Arrow's is one value a clip, and can be read by every process.

    pandas registers its own types, such as periods, only in processes that have used them.
    """
    if pa.types.is_dictionary(kind):
        return _is_simple(kind.value_type)
    return not pa.types.is_nested(kind) and not isinstance(kind, pa.BaseExtensionType)


def _first_change(column: pd.Series[Any], back: pd.Series[Any]) -> int | None:
    """Return the first row whose value has changed; None if there is none. All kinds of missing values are equal."""
    if column.equals(back):
        return None
    missing, lost = column.isna().to_numpy(dtype=np.bool_), back.isna().to_numpy(dtype=np.bool_)
    values, others = column.astype(object).tolist(), back.astype(object).tolist()
    for row, (value, other) in enumerate(zip(values, others, strict=True)):
        if missing[row] != lost[row] or not (missing[row] or value == other):
            return row
    return None


def _contents(column: pd.Series[Any]) -> str:
    """Return the type of a column, or those of its values, for a message."""
    if column.dtype != object:
        return f"values of the type {str(column.dtype)[:60]}"
    kinds = list(dict.fromkeys(type(value).__name__ for value in column[column.notna()]))
    if kinds == ["int"]:
        return "whole numbers of more than 53 bits beside missing ones, or of more than 64"
    shown = ", ".join(kinds[:_TYPES_NAMED]) + (" …" if len(kinds) > _TYPES_NAMED else "")
    return f"values of the type{'s' if len(kinds) > 1 else ''} {shown}"
