"""Encoding of the texts and numbers in tables of the user's, so that they can be written."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd

from va_widgets.base.names import escaped


def encodable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table, changed in place, in a form that can be written.

    Texts that are not valid Unicode, such as names of files, become `names.escaped`, and numbers get this machine's
    order of bytes. The ids of clips are not escaped: they would be the ids of other clips.
    """
    for i, name in enumerate(table.columns):
        if name != "clip_id" and not is_encodable(table.iloc[:, i]):
            texts = [escaped(value) if isinstance(value, str) else value for value in table.iloc[:, i]]
            table.isetitem(i, np.array(texts, dtype=object))
    for i in range(table.shape[1]):
        dtype = table.iloc[:, i].dtype
        if isinstance(dtype, np.dtype) and not dtype.isnative:
            table.isetitem(i, table.iloc[:, i].to_numpy().astype(dtype.newbyteorder("=")))
    return table


def is_encodable(values: pd.Series[Any] | pd.Index) -> bool:
    """Return whether all texts among `values` are valid Unicode."""
    import pyarrow as pa

    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.dtype.categories
    if values.dtype != object and not isinstance(values.dtype, pd.StringDtype):
        return True
    try:
        pa.array(values, from_pandas=True)
    except UnicodeEncodeError:
        return False
    except (pa.ArrowException, OverflowError):  # of several types, or numbers too large
        return all(text == text.encode("utf-8", "replace").decode() for text in values if isinstance(text, str))
    return True


def paths_as_text(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column with its path objects as texts."""
    if not isinstance(values.dtype, pd.CategoricalDtype) and (values.dtype != object or holds_texts(values)):
        return values
    texts = [os.fspath(value) if isinstance(value, os.PathLike) else value for value in values]
    return pd.Series(texts, values.index, dtype=object)


def holds_texts(values: pd.Series[Any] | pd.Index) -> bool:
    """Return whether all `values` but missing ones are texts."""
    return pd.api.types.infer_dtype(values, skipna=True) == "string"
