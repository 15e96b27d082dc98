"""Reading tables of the user's, from memory or from files."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.arguments import described
from va_widgets.base.errors import CorpusError
from va_widgets.base.paths import GivenPath, absolute_path, is_file
from va_widgets.corpus.files.data_files import first_line
from va_widgets.corpus.user_tables import workbooks
from va_widgets.corpus.user_tables.encoding import encodable, is_encodable, paths_as_text
from va_widgets.corpus.user_tables.ids import check_same_ids
from va_widgets.corpus.user_tables.names import plain_names
from va_widgets.corpus.user_tables.text_files import read_text_file, text_file_rows

SEGMENT_COLUMNS = ("clip_id", "video", "start", "end")
TEXT_COLUMNS = ("clip_id", "video")
_TEXT_SUFFIXES = (".csv", ".tsv")
SUFFIXES = (*_TEXT_SUFFIXES, ".xlsx", ".parquet")
_QUOTED_NAMES = 12


def read_table(
    source: pd.DataFrame | str | os.PathLike[str],
    needed: Sequence[str] = (),
    text: Sequence[str] = TEXT_COLUMNS,
    without: Collection[str] = (),
) -> pd.DataFrame:
    """Return the table in a .csv, .tsv, .xlsx or .parquet file, or a copy of a DataFrame.

    Parameters
    ----------
    needed : names
        Columns that the table must have; the index counts as one if it has a name.
    text : names
        Columns of a text file that stay as they are written: "007" is no number and "NA" is not missing.
    without : names
        Columns that are left out, such as vectors that lie in the same table.

    Text files are UTF-8, or UTF-16 with its mark, and separated by what a first line such as "sep=;" says, or by
    commas, semicolons or tabs, whichever gives the header most columns. The columns of segments and those that are
    `needed` may be written in capitals and with spaces, as in "Clip ID".

    Raises CorpusError if the file does not exist, is of another kind or damaged, the table is empty or lacks a column,
    a column has no name of its own that is text, or an index and a column are both called clip_id and differ;
    MissingPackageError for an .xlsx file without openpyxl.
    """
    own = {*SEGMENT_COLUMNS, *needed}
    if isinstance(source, pd.DataFrame):
        kept = source.drop(columns=list(without)) if without else source
        name, table = "The table", encodable(_of_frame(kept, own))
    else:
        arguments.path(source, "A table", expected="a DataFrame, or the path of a file", error=CorpusError)
        file = existing_file(source, SUFFIXES, "A table")
        name, suffix = str(file), file.suffix.lower()
        if suffix in _TEXT_SUFFIXES:
            table = read_text_file(file, text, own)
        elif suffix in workbooks.SUFFIXES:
            table = workbooks.read_workbook(file, needed, text, own)
        else:
            table = _of_frame(_table_of_parquet(file, without), own)
    check_names(table.columns, origin_of(source))
    check_same_ids(table, origin_of(source))
    present = [str(column) for column in (*table.index.names, *table.columns) if column is not None]
    missing = [column for column in needed if column not in present]
    if missing:
        raise CorpusError(f"{name} lacks the column {quoted(missing)}: it has {quoted(present)}.")
    if not len(table):
        raise CorpusError(f"{name} holds no rows: at least one clip is needed.")
    return table


def row_numbers(source: pd.DataFrame | GivenPath, needed: Sequence[str] = ()) -> Callable[[int], int]:
    """Return a function of a row of a table that `read_table` has returned: the number that a spreadsheet shows of it.

    The header is row 1, and blank rows count. Of tables that no spreadsheet shows, the first row is 2, too.
    """
    if isinstance(source, pd.DataFrame):
        return lambda row: row + 2
    file = absolute_path(source)
    if file.suffix.lower() in _TEXT_SUFFIXES:
        return text_file_rows(file).__getitem__
    if file.suffix.lower() in workbooks.SUFFIXES:
        return workbooks.workbook_rows(file, needed, {*SEGMENT_COLUMNS, *needed}).__getitem__
    return lambda row: row + 2


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


def _of_frame(table: pd.DataFrame, own: Collection[str]) -> pd.DataFrame:
    """Return a copy of a table in memory with `plain_names`, and with path objects in its column video as texts."""
    table = table.copy()
    if all(isinstance(name, str) for name in table.columns):
        names = [
            spelled if spelled in own else name
            for name, spelled in zip(table.columns, plain_names(list(table.columns), own), strict=True)
        ]
        if names != list(table.columns):
            table.columns = pd.Index(names, dtype=object)
    levels = [level if isinstance(level, str) else "" for level in table.index.names]
    spelled = [
        new if new in own and new not in table.columns else old
        for old, new in zip(table.index.names, plain_names(levels, own), strict=True)
    ]
    table.index = table.index.set_names(spelled)
    if list(table.columns).count("video") == 1:
        table["video"] = paths_as_text(table["video"])
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
