"""Tables that users bring along: read from files or from memory, and checked before anything is decoded or written."""

from __future__ import annotations

import csv
import os
import re
import warnings
from collections.abc import Collection, Sequence
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import described
from va_widgets.base.errors import CorpusError
from va_widgets.base.names import escaped
from va_widgets.base.paths import GivenPath, absolute_path, is_file

__all__ = [
    "TEXT_COLUMNS",
    "check_names",
    "checked_segments",
    "encodable",
    "existing_file",
    "first_line",
    "holds_texts",
    "id_texts",
    "index_by_clip",
    "is_encodable",
    "origin_of",
    "quoted",
    "read_table",
    "seconds",
]

TEXT_COLUMNS = ("clip_id", "video")
_SUFFIXES = (".csv", ".tsv", ".parquet")
_MISSING = ["", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None"]
_SEPARATORS = ",;\t"
_CLOCK = re.compile(r"(?:([0-9]+):)?([0-9]+):([0-9]+(?:[.,][0-9]+)?)")  # HH:MM:SS.mmm or MM:SS; subtitles use a comma


def read_table(
    source: pd.DataFrame | str | os.PathLike[str],
    needed: Sequence[str] = (),
    text: Sequence[str] = TEXT_COLUMNS,
    without: Collection[str] = (),
) -> pd.DataFrame:
    """A table of a DataFrame, which is copied, or of a .csv, .tsv or .parquet file.

    Parameters
    ----------
    needed : names
        Columns that must be there; the index counts as one if it has a name.
    text : names
        Columns of a text file that stay as they are written: "007" is no number and "NA" is not missing.
    without : names
        Columns that are left out, such as vectors that lie in the same table.

    Text files are UTF-8, separated by commas, semicolons or tabs, whichever gives the header most columns.

    Raises CorpusError if the file is not there, is of another kind or damaged, the table is empty or lacks a column, a
    column has no name of its own that is text, or an index and a column are both called clip_id and differ.
    """
    if isinstance(source, pd.DataFrame):
        given = source.drop(columns=list(without)) if without else source
        name, table = "The table", encodable(_with_paths_as_text(given.copy()))
    else:
        arguments.path(source, "A table", wanted="a DataFrame, or the path of a file", error=CorpusError)
        file = existing_file(source, _SUFFIXES, "A table")
        name, table = (
            str(file),
            _table_of_parquet(file, without) if file.suffix.lower() == ".parquet" else _table_of_csv(file, text),
        )
    check_names(table.columns, origin_of(source))
    _check_same_ids(table, origin_of(source))
    there = [str(column) for column in (*table.index.names, *table.columns) if column is not None]
    missing = [column for column in needed if column not in there]
    if missing:
        raise CorpusError(f"{name} lacks the column {quoted(missing)}: it has {quoted(there)}.")
    if not len(table):
        raise CorpusError(f"{name} holds no rows: at least one clip is needed.")
    return table


def origin_of(source: pd.DataFrame | GivenPath) -> str:
    """Return what messages about a table say of where it is from: " of FILE", or nothing for one in memory."""
    return "" if isinstance(source, pd.DataFrame) else f" of {absolute_path(source)}"


def check_names(columns: pd.Index, origin: str = "", own: Collection[str] | None = None) -> None:
    """Raise CorpusError unless each column has a name of its own that is text in valid Unicode.

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


def index_by_clip(table: pd.DataFrame, origin: str = "") -> pd.DataFrame:
    """Return a table indexed by the ids of its clips as text: those in its column clip_id, or else its index.

    Raises CorpusError for an index of several levels, for an index and a column that are both called clip_id and
    differ, and for what `id_texts` refuses.
    """
    _check_one_level(table.index, origin)
    if "clip_id" in table.columns:
        _check_same_ids(table, origin)
        table = table.set_index("clip_id")
    table = table.copy(deep=False)
    table.index = id_texts(table.index, origin)
    return table


def _check_one_level(index: pd.Index, origin: str) -> None:
    if index.nlevels > 1:
        raise CorpusError(f"The index{origin} has {index.nlevels} levels: index the table by clip_id alone.")


def _check_same_ids(table: pd.DataFrame, origin: str) -> None:
    """Raise CorpusError if an index and a column are both called clip_id and differ."""
    if "clip_id" not in table.index.names or "clip_id" not in table.columns:
        return
    index = pd.Series(table.index.get_level_values("clip_id"), dtype=object)
    column = table["clip_id"].astype(object).reset_index(drop=True)
    other = ~((index == column) | (index.isna() & column.isna())).to_numpy(dtype=np.bool_)
    if other.any():
        row = int(np.argmax(other))
        raise CorpusError(
            f"The index and the column clip_id{origin} differ, as in row {row} ({described(index[row])} and"
            f" {described(column[row])}): keep one of them."
        )


def id_texts(ids: pd.Index, origin: str = "") -> pd.Index:
    """Return ids of clips as text; numbers become their digits.

    Raises CorpusError for an index of several levels, and for an id that is missing, blank, neither text nor a number,
    not valid Unicode, or there twice.
    """
    _check_one_level(ids, origin)
    ids = ids.astype(object) if isinstance(ids.dtype, pd.CategoricalDtype) else ids
    bad: NDArray[np.bool_] = np.asarray(ids.isna(), dtype=np.bool_)
    if not bad.any() and ids.dtype == object and not holds_texts(ids):
        odd = next((one for one in ids if isinstance(one, bool) or not isinstance(one, (str, Real))), None)
        if odd is not None:
            raise CorpusError(f"A clip id{origin} must be a text, not {described(odd)}: give the clip another.")
    if not bad.any() and not is_encodable(ids):
        broken = next(one for one in ids if not is_encodable(pd.Index([one], dtype=object)))
        raise CorpusError(f"The clip id {described(broken)}{origin} is not valid Unicode: give the clip another.")
    texts = (ids if bad.any() else ids.astype(str)).set_names("clip_id")
    bad = bad if bad.any() else np.asarray(texts.str.strip() == "", dtype=np.bool_)
    if bad.any():
        raise CorpusError(f"The clip in row {int(np.argmax(bad))}{origin} has no id: every clip needs one of its own.")
    if not texts.is_unique:
        twice = texts[texts.duplicated()].unique().tolist()
        word = "The clip id" if len(twice) == 1 else "The clip ids"
        comes = "comes twice" if len(twice) == 1 else "come twice"
        raise CorpusError(f"{word} {arguments.listed(twice)}{origin} {comes}: every clip needs one of its own.")
    return texts


def holds_texts(values: pd.Series[Any] | pd.Index) -> bool:
    """Return whether all values but missing ones are texts; quickly, whatever their number."""
    return pd.api.types.infer_dtype(values, skipna=True) == "string"


def encodable(table: pd.DataFrame) -> pd.DataFrame:
    """The table in a form that can be written.

    Names of files that are not valid Unicode become `names.escaped`, and numbers get this machine's order of bytes. The
    ids of clips stay as they are: they would be others.
    """
    places = [place for place, name in enumerate(table.columns) if name != "clip_id"]
    bad = [place for place in places if not is_encodable(table.iloc[:, place])]
    for place in bad:
        texts = [escaped(one) if isinstance(one, str) else one for one in table.iloc[:, place]]
        table.isetitem(place, np.array(texts, dtype=object))
    for place in range(table.shape[1]):
        kind = table.iloc[:, place].dtype
        if isinstance(kind, np.dtype) and not kind.isnative:
            table.isetitem(place, table.iloc[:, place].to_numpy().astype(kind.newbyteorder("=")))
    return table


def is_encodable(values: pd.Series[Any] | pd.Index) -> bool:
    """Whether all texts among some values are valid Unicode."""
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
        return all(one == one.encode("utf-8", "replace").decode() for one in values if isinstance(one, str))
    return True


def checked_segments(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Segments of videos, those that can be used and those that cannot.

    Parameters
    ----------
    table : DataFrame(video, start, end, …)
        `video` is text or a path. `start` and `end` are seconds as numbers or text, or text such as "01:02:03.5",
        "02:03" or "00:02:03,500". `clip_id`, as a column or the index, may be there, as text or whole numbers; all
        other columns are yours.

    Returns
    -------
    good : DataFrame
        With `start` and `end` in seconds, float64, and 0 <= start < end. Indexed by the row's number in `table`.
    refused : DataFrame
        The other rows as they were, and why: `reason`. Indexed likewise. A segment that is there already, to the
        millisecond, and a clip_id that is there already are refused the second time.

    Raises CorpusError if one of the three columns is missing, and for what `read_table` refuses.
    """
    table = read_table(table, ("video", "start", "end"))
    others = [name for name in table.index.names if name not in ("clip_id", "video", "start", "end")]
    if table.index.nlevels > 1 and others:
        raise CorpusError(
            f"The index of the table has a level {described(others[0])}, which would be lost: make it a column with"
            " .reset_index()."
        )
    own = [name for name in ("clip_id", "video", "start", "end") if name in table.index.names and name not in table]
    table = (table.reset_index(level=own) if own else table).reset_index(drop=True)
    start, end = seconds(table["start"]), seconds(table["end"])
    known = "give seconds, MM:SS or HH:MM:SS.mmm"
    reasons = pd.Series("", index=table.index, dtype=object)

    def refuse(bad: NDArray[np.bool_], reason: str) -> None:
        reasons[bad & reasons.eq("").to_numpy()] = reason

    refuse(~_is_text(table["video"]), "it names no video, which must be text")
    for name, moment in (("start", start), ("end", end)):
        refuse(np.isnan(moment), f"its {name} is not a time: {known}")
        refuse(np.isinf(moment), f"its {name} is not finite")
    refuse(start < 0, "it starts before 0")
    refuse(end <= start, "it does not end after its start")
    if "clip_id" in table:
        table["clip_id"] = _digits_as_text(table["clip_id"])
        refuse(~_is_text(table["clip_id"]), "its clip_id is not text")
        if not is_encodable(table["clip_id"]):
            bad = [not is_encodable(pd.Index([one], dtype=object)) for one in table["clip_id"]]
            refuse(np.array(bad, dtype=np.bool_), "its clip_id is not valid Unicode")
        refuse(_again(table[["clip_id"]], reasons), "its clip_id is there already")
    # Clip ids are made of milliseconds, so what falls on the same ones would be the same clip.
    with np.errstate(over="ignore"):
        places = pd.DataFrame({"video": table["video"], "start": np.round(start * 1000), "end": np.round(end * 1000)})
    refuse(_again(places, reasons), "the same segment is there already")

    fine = reasons.eq("")
    good = table[fine].assign(start=start[fine], end=end[fine])
    return good, table[~fine].assign(reason=reasons[~fine])


def _table_of_csv(file: Path, text: Sequence[str]) -> pd.DataFrame:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            header = next((line for line in opened if line.strip()), "")
        columns = {sign: next(csv.reader([header], delimiter=sign), []) for sign in _SEPARATORS}
        separator = max(columns, key=lambda sign: len(columns[sign]))
        names = [name.strip() for name in columns[separator]]
        # pandas would give the second of two columns of one name another one.
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
        with file.open("rb") as opened:  # by Python: Arrow knows no path that is not UTF-8
            parquet = pq.ParquetFile(opened)
            wanted = [name for name in parquet.schema_arrow.names if name not in without]
            return _frame(parquet.read(wanted, use_pandas_metadata=True))
    except (pa.ArrowException, ValueError, TypeError, NotImplementedError, OSError) as error:
        raise CorpusError(f"{file} cannot be read as Parquet ({first_line(error)}): copy or write it again.") from error


def _frame(table: Any) -> pd.DataFrame:
    """A table of Arrow's as one of pandas."""
    frame: pd.DataFrame
    try:
        frame = table.to_pandas()
    except (ValueError, TypeError, NotImplementedError):  # it notes types of pandas's that pandas itself cannot read
        frame = table.to_pandas(ignore_metadata=True)
    return frame


def seconds(moments: pd.Series[Any]) -> NDArray[np.float64]:
    """Times, or other numbers, as float64 (n,): times in seconds, NaN for what is neither."""
    if moments.dtype.kind == "m":
        return moments.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan)
    if moments.dtype.kind in "iuf":
        return moments.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.fromiter(map(_second, moments), dtype=np.float64, count=len(moments))


def _second(moment: object) -> float:
    if isinstance(moment, (bool, np.bool_)) or not isinstance(moment, (str, Real, Decimal)):
        return np.nan
    clock = _CLOCK.fullmatch(moment.strip()) if isinstance(moment, str) and ":" in moment else None
    try:
        if clock is not None:
            hours, minutes, seconds = float(clock[1] or 0), float(clock[2]), float(clock[3].replace(",", "."))
            whole = seconds < 60 and (clock[1] is None or minutes < 60)
            return hours * 3600 + minutes * 60 + seconds if whole else np.nan
        return float(moment)
    except (ValueError, OverflowError):
        return np.nan


def _with_paths_as_text(table: pd.DataFrame) -> pd.DataFrame:
    """The table with pathlib's paths in its column video as texts."""
    if list(table.columns).count("video") == 1 and table["video"].dtype == object and not holds_texts(table["video"]):
        paths = [os.fspath(one) if isinstance(one, os.PathLike) else one for one in table["video"]]
        table["video"] = pd.Series(paths, table.index, dtype=object)
    return table


def _digits_as_text(ids: pd.Series[Any]) -> pd.Series[Any]:
    """Ids in which whole numbers became text."""
    if ids.dtype.kind not in "iuO":
        return ids
    whole = [str(one) if isinstance(one, (int, np.integer)) and not isinstance(one, bool) else one for one in ids]
    return pd.Series(whole, ids.index, dtype=object)


def _is_text(values: pd.Series[Any]) -> NDArray[np.bool_]:
    return np.fromiter(
        (isinstance(one, str) and bool(one.strip()) for one in values), dtype=np.bool_, count=len(values)
    )


def _again(rows: pd.DataFrame, reasons: pd.Series[Any]) -> NDArray[np.bool_]:
    """Which rows repeat an earlier one that has not been refused."""
    fine = reasons.eq("").to_numpy()
    again = np.zeros(len(rows), dtype=np.bool_)
    again[fine] = rows[fine].duplicated().to_numpy()
    return again


def existing_file(source: GivenPath, suffixes: Sequence[str], what: str) -> Path:
    """Return the path of a file that is there and has one of some suffixes. Raises CorpusError otherwise."""
    file = absolute_path(source)
    if file.suffix.lower() not in suffixes:
        raise CorpusError(f"{what} can be read from {_either(suffixes)}, not from {str(source)!r}.")
    if not is_file(file):
        raise CorpusError(f"There is no file {file}: check the path.")
    return file


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def quoted(names: Sequence[str]) -> str:
    """Return up to twelve names for a message."""
    shown = ", ".join(repr(name) for name in names[:12])
    return (shown or "none") + (" …" if len(names) > 12 else "")


def first_line(error: Exception) -> str:
    """Return the first line of a library's message, short enough for a sentence of ours."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".")[:160] if lines else type(error).__name__
