"""Reading tables of the user's, from memory or from files."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.arguments import described
from va_widgets.base.errors import CorpusError
from va_widgets.base.paths import GivenPath, absolute_path, is_file
from va_widgets.corpus.files.data_files import first_line
from va_widgets.corpus.user_tables.encoding import encodable, holds_texts, is_encodable
from va_widgets.corpus.user_tables.ids import check_same_ids

TEXT_COLUMNS = ("clip_id", "video")
_SUFFIXES = (".csv", ".tsv", ".parquet")
_MISSING = ["", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None"]
_SEPARATORS = ",;\t"
_QUOTED_NAMES = 12


def read_table(
    source: pd.DataFrame | str | os.PathLike[str],
    needed: Sequence[str] = (),
    text: Sequence[str] = TEXT_COLUMNS,
    without: Collection[str] = (),
) -> pd.DataFrame:
    """Return the table in a .csv, .tsv or .parquet file, or a copy of a DataFrame.

    Parameters
    ----------
    needed : names
        Columns that the table must have; the index counts as one if it has a name.
    text : names
        Columns of a text file that stay as they are written: "007" is no number and "NA" is not missing.
    without : names
        Columns that are left out, such as vectors that lie in the same table.

    Text files are UTF-8, separated by commas, semicolons or tabs, whichever gives the header most columns.

    Raises CorpusError if the file does not exist, is of another kind or damaged, the table is empty or lacks a column,
    a column has no name of its own that is text, or an index and a column are both called clip_id and differ.
    """
    if isinstance(source, pd.DataFrame):
        kept = source.drop(columns=list(without)) if without else source
        name, table = "The table", encodable(_with_paths_as_text(kept.copy()))
    else:
        arguments.path(source, "A table", expected="a DataFrame, or the path of a file", error=CorpusError)
        file = existing_file(source, _SUFFIXES, "A table")
        name, table = (
            str(file),
            _table_of_parquet(file, without) if file.suffix.lower() == ".parquet" else _table_of_csv(file, text),
        )
    check_names(table.columns, origin_of(source))
    check_same_ids(table, origin_of(source))
    present = [str(column) for column in (*table.index.names, *table.columns) if column is not None]
    missing = [column for column in needed if column not in present]
    if missing:
        raise CorpusError(f"{name} lacks the column {quoted(missing)}: it has {quoted(present)}.")
    if not len(table):
        raise CorpusError(f"{name} holds no rows: at least one clip is needed.")
    return table


def origin_of(source: pd.DataFrame | GivenPath) -> str:
    """Return the origin of a table for messages about it: " of FILE", or "" for a table in memory."""
    return "" if isinstance(source, pd.DataFrame) else f" of {absolute_path(source)}"


def check_names(columns: pd.Index, origin: str = "", own: Collection[str] | None = None) -> None:
    """Raise CorpusError unless the columns have distinct names that are texts in valid Unicode.

    With `own`, the names of the corpus's own columns, these and all that begin with "_" are refused as well.
    """
    seen = set[str]()
    for name in columns:
        if not isinstance(name, str):
            raise CorpusError(f"A column's name{origin} must be a text, not {described(name)}: rename it.")
        if not is_encodable(pd.Index([name], dtype=object)):
            raise CorpusError(f"The name of the column {described(name)}{origin} is not valid Unicode: rename it.")
        if name in seen:
            raise CorpusError(f"The column {name!r}{origin} comes twice: give each a name of its own.")
        if own is not None and (name in own or name.startswith("_")):
            raise CorpusError(f"The column {name!r}{origin} is the corpus's own: give yours another name.")
        seen.add(name)


def existing_file(source: GivenPath, suffixes: Sequence[str], what: str) -> Path:
    """Return the path of a file. Raises CorpusError if it does not exist, or has none of the `suffixes`."""
    file = absolute_path(source)
    if file.suffix.lower() not in suffixes:
        raise CorpusError(f"{what} can be read from {_either(suffixes)}, not from {str(source)!r}.")
    if not is_file(file):
        raise CorpusError(f"There is no file {file}: check the path.")
    return file


def quoted(names: Sequence[str]) -> str:
    """Return up to twelve names for a message."""
    shown = ", ".join(repr(name) for name in names[:_QUOTED_NAMES])
    return (shown or "none") + (" …" if len(names) > _QUOTED_NAMES else "")


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _with_paths_as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with path objects in its column video as texts."""
    if list(table.columns).count("video") == 1 and table["video"].dtype == object and not holds_texts(table["video"]):
        paths = [os.fspath(value) if isinstance(value, os.PathLike) else value for value in table["video"]]
        table["video"] = pd.Series(paths, table.index, dtype=object)
    return table


def _table_of_csv(file: Path, text: Sequence[str]) -> pd.DataFrame:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            header = next((line for line in opened if line.strip()), "")
        columns = {sign: next(csv.reader([header], delimiter=sign), []) for sign in _SEPARATORS}
        separator = max(columns, key=lambda sign: len(columns[sign]))
        names = [name.strip() for name in columns[separator]]
        # pandas would rename the second of two columns of one name.
        check_names(pd.Index([name for name in names if name], dtype=object), f" of {file}")
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows with more fields than the header
            table = pd.read_csv(
                file,
                sep=separator,
                encoding="utf-8-sig",
                index_col=False,
                skipinitialspace=True,
                low_memory=False,
                dtype=dict.fromkeys(text, str),
                keep_default_na=False,
                na_values={name: _MISSING for name in names if name not in text},
            )
    except UnicodeDecodeError as error:
        raise CorpusError(f"{file} is not UTF-8: save it with that encoding.") from error
    except pd.errors.ParserWarning as error:
        raise CorpusError(f"{file} has rows with more fields than its header names: name every column.") from error
    except (ValueError, csv.Error, OSError) as error:  # pandas's own are ValueErrors
        raise CorpusError(f"{file} cannot be read as a table ({first_line(error)}).") from error
    return table


def _table_of_parquet(file: Path, without: Collection[str]) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with file.open("rb") as opened:  # by Python: Arrow accepts no path that is not UTF-8
            parquet = pq.ParquetFile(opened)
            names = [name for name in parquet.schema_arrow.names if name not in without]
            return _frame(parquet.read(names, use_pandas_metadata=True))
    except (pa.ArrowException, ValueError, TypeError, NotImplementedError, OSError) as error:
        raise CorpusError(f"{file} cannot be read as Parquet ({first_line(error)}): copy or write it again.") from error


def _frame(table: Any) -> pd.DataFrame:
    """Return a table of Arrow's as a DataFrame."""
    frame: pd.DataFrame
    try:
        frame = table.to_pandas()
    except (
        ValueError,
        TypeError,
        NotImplementedError,
    ):  # its metadata name types of pandas's that pandas itself cannot read
        frame = table.to_pandas(ignore_metadata=True)
    return frame
