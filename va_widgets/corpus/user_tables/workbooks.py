"""Tables in workbooks of spreadsheet programs (.xlsx), read by openpyxl."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from va_widgets.base.errors import CorpusError, MissingPackageError
from va_widgets.corpus.files.data_files import first_line
from va_widgets.corpus.user_tables.names import plain_names
from va_widgets.corpus.user_tables.text_files import MISSING, check_no_twins

SUFFIXES = (".xlsx",)
_TIMES = ("start", "end")


@dataclass(frozen=True)
class _Sheet:
    """The rows of a sheet that hold anything below its header, with the numbers that are shown beside them."""

    names: list[str]
    numbers: list[int]
    rows: list[list[Any]]


def read_workbook(file: Path, needed: Sequence[str], text: Sequence[str], own: Collection[str]) -> pd.DataFrame:
    """Return the table in a workbook: on its first sheet with the columns `needed`, or else on its first sheet.

    The first row that holds anything is the header, whose names are `plain_names`. Formulas count as the values that
    were saved with them. Columns in `text` become texts, and so do those of several types. Raises CorpusError if it
    cannot be read, MissingPackageError without openpyxl.
    """
    sheet = _sheet(file, needed, own)
    names = [name or f"Unnamed: {i}" for i, name in enumerate(sheet.names)]
    check_no_twins(names, file)
    columns = {}
    for i, name in enumerate(names):
        values = [row[i] if i < len(row) else None for row in sheet.rows]
        if not sheet.names[i] and all(value is None for value in values):
            continue
        columns[name] = _column(values, is_text=name in text, is_time=name in _TIMES)
    return pd.DataFrame(columns)


def workbook_rows(file: Path, needed: Sequence[str], own: Collection[str]) -> list[int]:
    """Return the number that a spreadsheet shows of each row of the table in a workbook."""
    return _sheet(file, needed, own).numbers


def _sheet(file: Path, needed: Sequence[str], own: Collection[str]) -> _Sheet:
    """Return the sheet that holds the table."""
    first: _Sheet | None = None
    with _opened(file) as workbook:
        for worksheet in workbook.worksheets:
            worksheet.reset_dimensions()  # what some programs write is wrong
            numbers, rows = list[int](), list[list[Any]]()
            for number, cells in enumerate(worksheet.iter_rows(), 1):
                row = [_value(cell) for cell in cells]
                if any(value is not None for value in row):
                    numbers.append(number)
                    rows.append(row)
            header = ["" if name is None else str(name) for name in rows[0]] if rows else []
            header += [""] * (max(map(len, rows), default=0) - len(header))
            sheet = _Sheet(plain_names(header, own), numbers[1:], rows[1:])
            if header and set(needed) <= set(sheet.names):
                return sheet
            first = sheet if first is None and header else first
    return first or _Sheet([], [], [])


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """Open a workbook. Raises CorpusError for whatever openpyxl raises of it."""
    try:
        openpyxl = import_module("openpyxl")
    except ImportError as error:
        raise MissingPackageError(
            'A table in a workbook needs openpyxl, which is not installed: pip install "va-widgets[tables]", or save'
            " the sheet as .csv."
        ) from error
    try:
        with warnings.catch_warnings(), file.open("rb") as opened:
            warnings.simplefilter("ignore")  # of what it does not keep, such as lists of choices
            workbook = openpyxl.load_workbook(opened, read_only=True, data_only=True)
            try:
                yield workbook
            finally:
                workbook.close()
    except Exception as error:  # a damaged archive, or XML, can make it raise anything
        raise CorpusError(
            f"{file} cannot be read as a workbook ({first_line(error)}): save it again, or as .csv."
        ) from error


def _value(cell: Any) -> Any:
    """Return the value of a cell, None if it is blank.

    A time that is shown without seconds, such as 1:02, was typed as minutes and seconds, like the text of a .csv:
    spreadsheets take it for hours and minutes.
    """
    value = cell.value
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, (dt.time, dt.timedelta)) and "s" not in str(cell.number_format).lower():
        whole = value.total_seconds() if isinstance(value, dt.timedelta) else value.hour * 3600 + value.minute * 60
        return f"{int(whole // 3600)}:{int(whole % 3600 // 60):02d}"
    return value


def _column(values: Sequence[Any], *, is_text: bool, is_time: bool) -> pd.Series[Any]:
    """Return the values of a column as what a corpus can keep."""
    if is_text:
        return pd.Series(["" if value is None else str(value) for value in values], dtype=object)
    values = [None if isinstance(value, str) and value in MISSING else value for value in values]
    present = [value for value in values if value is not None]
    if is_time:
        return pd.Series(values, dtype=object)
    if len({_kind(value) for value in present}) > 1:
        return pd.Series([None if value is None else str(value) for value in values], dtype=object)
    return pd.Series(values, dtype=None if present else object)


def _kind(value: object) -> type:
    """Return the type of a value, where whole numbers and fractions are one."""
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)
