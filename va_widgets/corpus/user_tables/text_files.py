"""Tables in text files: separated by commas, semicolons or tabs, as spreadsheets of any country write them."""

from __future__ import annotations

import codecs
import csv
import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pandas as pd

from va_widgets.base.errors import CorpusError
from va_widgets.corpus.files.data_files import first_line
from va_widgets.corpus.user_tables.encoding import holds_texts
from va_widgets.corpus.user_tables.names import plain_names

MISSING = ["", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None"]
_SEPARATORS = ",;\t"
_SAYS_SEPARATOR = re.compile(r'"?sep=(.)"?,*;*\s*', re.IGNORECASE)  # Excel's first line, which it does not show


@dataclass(frozen=True)
class _Layout:
    """How a text file is written: `names` is its header, and `blank` are the records that are no part of the table."""

    encoding: str
    separator: str
    names: list[str]
    says_separator: bool
    blank: list[int]
    rows: list[int]  # the records that are the table's rows
    too_wide: int | None  # the first of them with more fields than the header

    def number(self, record: int) -> int:
        """Return the number that a spreadsheet shows of a record: it does not show a line that says the separator."""
        return record + (0 if self.says_separator else 1)


def read_text_file(file: Path, text: Sequence[str], own: Collection[str]) -> pd.DataFrame:
    """Return the table in a text file, UTF-8 or UTF-16, whose names are `plain_names`.

    Columns in `text` stay as they are written. In a file that is separated by semicolons numbers may have decimal
    commas. Rows and columns without any text are left out. Raises CorpusError if the file is no such table.
    """
    try:
        layout = _layout(file)
        if layout.too_wide is not None:
            row = layout.number(layout.too_wide)
            raise CorpusError(f"Row {row} of {file} has more fields than its header names: name every column.")
        names = plain_names(layout.names, own)
        unnamed = [f"Unnamed: {i}" for i, name in enumerate(names) if not name]
        names = [name or f"Unnamed: {i}" for i, name in enumerate(names)]
        check_no_twins(names, file)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows with more fields than the header
            table = pd.read_csv(
                file,
                sep=layout.separator,
                decimal="," if layout.separator == ";" else ".",
                encoding=layout.encoding,
                header=0,
                names=names,
                skiprows=layout.blank,
                index_col=False,
                skipinitialspace=True,
                low_memory=False,
                dtype=dict.fromkeys(text, str),
                keep_default_na=False,
                na_values={name: MISSING for name in names if name not in text},
            )
    except UnicodeError as error:
        raise CorpusError(f"{file} is not UTF-8: save it with that encoding.") from error
    except pd.errors.ParserWarning as error:
        raise CorpusError(f"{file} has rows with more fields than its header names: name every column.") from error
    except (ValueError, csv.Error, OSError) as error:  # pandas's own are ValueErrors
        raise CorpusError(f"{file} cannot be read as a table ({first_line(error)}).") from error
    table = table.drop(columns=[name for name in unnamed if table[name].isna().all()])
    if layout.separator == ";":
        for name in table.columns.difference(list(text)):
            table[name] = _with_points(table[name])
    return table


def text_file_rows(file: Path) -> list[int]:
    """Return the number that a spreadsheet shows of each row of the table in a text file: its first line is row 1."""
    layout = _layout(file)
    return [layout.number(record) for record in layout.rows]


def _layout(file: Path) -> _Layout:
    """Return how a text file is written. Raises UnicodeError, csv.Error or OSError."""
    with _opened(file) as (opened, encoding):
        header = next((line for line in opened if line.strip()), "")
        if "\0" in header:
            raise UnicodeError("it is UTF-16 or UTF-32 without its mark")
        said = _SAYS_SEPARATOR.fullmatch(header)
        if said is None:
            columns = {sign: len(next(csv.reader([header], delimiter=sign), [])) for sign in _SEPARATORS}
        separator = said[1] if said else max(columns, key=lambda sign: columns[sign])
        opened.seek(0)
        blank, rows, names = list[int](), list[int](), list[str]()
        is_shown, too_wide = said is None, None
        for number, fields in enumerate(csv.reader(opened, delimiter=separator, skipinitialspace=True)):
            if not "".join(fields).strip():
                blank.append(number)
            elif not is_shown:
                blank.append(number)
                is_shown = True
            elif not names:
                names = fields
            else:
                rows.append(number)
                if len(fields) > len(names) and too_wide is None and "".join(fields[len(names) :]).strip():
                    too_wide = number
    return _Layout(encoding, separator, names, said is not None, blank, rows, too_wide)


@contextmanager
def _opened(file: Path) -> Iterator[tuple[IO[str], str]]:
    """Open a text file, and give its encoding by the bytes that it begins with."""
    with file.open("rb") as binary:
        start = binary.read(2)
    encoding = "utf-16" if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    with file.open(encoding=encoding, newline="") as opened:
        yield opened, encoding


def check_no_twins(names: Sequence[str], file: Path) -> None:
    """Raise CorpusError if a column's name comes twice: pandas would rename the second."""
    twin = next((name for name, number in Counter(names).items() if number > 1), None)
    if twin is not None:
        raise CorpusError(f"The column {twin!r} of {file} comes twice: give each a name of its own.")


def _with_points(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of texts such as "1.5", where commas were expected, as numbers; any other as it is."""
    if column.dtype.kind in "iufb" or not holds_texts(column):
        return column
    try:
        return pd.to_numeric(column)
    except (ValueError, TypeError):
        return column
