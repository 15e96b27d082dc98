"""CSV, Parquet and JSON Lines hold labels and the log whole. Tables of other programs are read by their columns."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from va_widgets.base.errors import CorpusError, ExchangeError
from va_widgets.base.spreadsheet import harmless, original
from va_widgets.corpus.user_tables.read import read_table
from va_widgets.exchange.content import Content
from va_widgets.exchange.foreign import COLUMNS, MOST_PROBLEMS, RECORDS, Foreign

_SEPARATORS = ",;\t|"
# Names of columns that other programs use, by ours; the first one that a table has counts.
_ALIASES = {
    "clip_id": ("clip_id", "clip", "key"),
    "video": ("video", "youtube_id", "yt_id", "video_id", "filepath", "file_name", "filename", "file", "path", "url"),
    "start": ("start", "time_start", "start_time", "begin", "onset"),
    "end": ("end", "time_end", "end_time", "stop", "offset"),
    "frame_in": ("frame_in", "start_frame", "frame_start", "frame"),
    "frame_out": ("frame_out", "end_frame", "frame_end"),
    "concept": ("concept", "label", "class", "category", "action"),
    "value": ("value", "answer"),
    "annotator": ("annotator", "annotator_id", "completed_by", "rater", "coder", "user"),
    "time": ("time", "created_at", "updated_at"),
    "note": ("note", "notes", "comment"),
}
_NAMES = {*COLUMNS, *itertools.chain.from_iterable(_ALIASES.values())}
_TEXTS = _NAMES - {"fps", "action_id", "model_version"}


def csv_files(content: Content) -> tuple[dict[str, bytes], list[str]]:
    """Return a CSV file, UTF-8. Texts that a spreadsheet would compute begin with an apostrophe."""
    rows = content.rows.copy()
    if content.agreed:
        rows = rows.drop(columns="annotator")
    rows["tags"] = [json.dumps(tags, ensure_ascii=False) if tags else "" for tags in rows["tags"]]
    for name in rows.columns:
        if rows[name].dtype == object or isinstance(rows[name].dtype, (pd.StringDtype, pd.CategoricalDtype)):
            rows[name] = [harmless(value) if isinstance(value, str) else value for value in rows[name]]
    text = rows.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return {"": text.encode()}, []


def parquet_files(content: Content) -> tuple[dict[str, bytes], list[str]]:
    """Return a Parquet file; `tags` are lists of texts."""
    return {"": parquet(content)}, []


def parquet(content: Content) -> bytes:
    """Return rows as Parquet, with the same types whether there are any rows or none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = content.rows.drop(columns="annotator") if content.agreed else content.rows
    kinds = {"tags": pa.list_(pa.string()), "start": pa.float64(), "end": pa.float64(), "fps": pa.float64()}
    whole = ("event_id", "action_id", "model_version", "undoes", "frame_in", "frame_out")
    fields = [(name, pa.int64() if name in whole else kinds.get(name, pa.string())) for name in rows.columns]
    arrays = [pa.array(rows[name], type=kind, from_pandas=True) for name, kind in fields]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), sink, compression="zstd")
    return sink.getvalue()


def jsonl_files(content: Content) -> tuple[dict[str, bytes], list[str]]:
    """Return JSON Lines: an object a row, without what is missing or empty."""
    lines = bytearray()
    names = list(content.rows.columns)
    columns = [content.rows[name].astype(object).tolist() for name in names]
    for values in zip(*columns, strict=True):
        row = {name: value for name, value in zip(names, values, strict=True) if not _is_empty(value)}
        if "details" in row:
            row["details"] = json.loads(row["details"])
        lines += msgspec.json.encode(row) + b"\n"
    return {"": bytes(lines)}, []


def read_tabular(file: Path) -> Foreign:
    """Return the rows of a .csv, .tsv or .parquet file."""
    texts = file.suffix.lower() in (".csv", ".tsv")
    try:
        table = read_table(file, text=_text_columns(file) if texts else sorted(_TEXTS))
    except CorpusError as error:
        raise ExchangeError(str(error)) from error
    foreign = of_frame(table, file.name)
    if not texts:  # nothing else has cells that were made harmless
        return foreign
    for name in foreign.rows:
        foreign.rows[name] = _as_written(foreign.rows[name])
    _number_lines(foreign, file, [str(name) for name in table.columns])
    return foreign


def of_frame(table: pd.DataFrame, name: str = "the table") -> Foreign:
    """Return the rows of a DataFrame, numbered from 0 like its positions, or from 1 for a file."""
    named = [level for level in table.index.names if level is not None and level not in table.columns]
    table = table.reset_index(level=named) if named else table
    names = [plain for plain in map(_plain, table.columns) if plain in _NAMES]
    if twice := sorted({plain for plain in names if names.count(plain) > 1}):
        raise ExchangeError(f"{name} has two columns called {twice[0]!r}: leave one of them out.")
    known = {_plain(column): column for column in reversed(table.columns)}
    rows = pd.DataFrame(index=range(len(table)))
    for column in COLUMNS:
        for alias in _ALIASES.get(column, (column,)):
            if alias in known:
                rows[column] = _objects(table[known[alias]])
                break
    if "value" not in rows and "concept" in rows and "concept" not in known and _answers(rows["concept"]):
        rows = rows.rename(columns={"concept": "value"})
    first = 0 if name == "the table" else 1
    numbers = np.arange(first, first + len(table), dtype=np.int64)
    log = "record" in rows and bool(rows["record"].isin(RECORDS).any())
    if not log:
        rows = rows.drop(columns="record", errors="ignore")
    return Foreign(rows, name, "row", numbers, log=log)


def read_jsonl(file: Path) -> Foreign:
    """Return the rows of JSON Lines. Lines that are no JSON object are bad rows."""
    columns: dict[str, list[Any]] = {}
    numbers: list[int] = []
    bad: list[tuple[int, str, str]] = []
    count = 0
    decode = msgspec.json.Decoder().decode
    with file.open("rb") as opened:
        for number, line in enumerate(opened, 1):
            line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if not line.strip():
                continue
            try:
                row = decode(line)
                why = "" if isinstance(row, dict) else "it is no JSON object"
            except UnicodeDecodeError:
                why = "it is not UTF-8"
            except msgspec.MsgspecError as error:
                why = f"it is no JSON ({error}): the file may be cut off"
            if why:
                count += 1
                if len(bad) < MOST_PROBLEMS:
                    bad.append((number, "", why))
                continue
            for name, value in row.items():
                if _plain(name) in _NAMES:
                    column = columns.setdefault(name, [])
                    column.extend([None] * (len(numbers) - len(column)))
                    column.append(value)
            numbers.append(number)
    if not numbers and not count:
        raise ExchangeError(f"{file} holds no rows.")
    filled = {name: pd.Series(values, dtype=object).reindex(range(len(numbers))) for name, values in columns.items()}
    foreign = of_frame(pd.DataFrame(filled, index=range(len(numbers))), file.name)
    foreign.unit, foreign.numbers = "line", np.array(numbers, dtype=np.int64)
    foreign.bad, foreign.bad_count = bad, count
    return foreign


def _text_columns(file: Path) -> list[str]:
    """Return the columns of a text file that stay as they are written, in its spelling and ours."""
    header = _header(file)
    names = {name.strip() for sign in _SEPARATORS for name in next(csv.reader([header], delimiter=sign), [])}
    return sorted(_TEXTS | {name for name in names if _plain(name) in _TEXTS})


def _header(file: Path) -> str:
    """Return the first line of a text file that is not empty; an empty text if it cannot be read."""
    try:
        with file.open(encoding=_encoding(file), errors="replace", newline="") as opened:
            return next((line for line in opened if line.strip()), "")
    except (OSError, UnicodeError):  # reading the table will say why
        return ""


def _encoding(file: Path) -> str:
    with file.open("rb") as opened:
        return "utf-16" if opened.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _number_lines(foreign: Foreign, file: Path, names: list[str]) -> None:
    """Number the rows of a text file by the line that each begins in, and say which of them have too few fields."""
    header = _header(file)
    for separator in _SEPARATORS:
        fields = next(csv.reader([header], delimiter=separator), [])
        if [_plain(name) for name in fields] == [_plain(name) for name in names]:
            break
    else:
        return  # it was read in a way of which nothing is known here: its rows keep their numbers
    lines: list[tuple[int, int, bool]] = []  # where a record begins, its fields, and whether it has any text
    with file.open(encoding=_encoding(file), errors="replace", newline="") as opened:
        reader = csv.reader(opened, delimiter=separator, skipinitialspace=True)
        before = 0
        for fields in reader:
            if len(fields) > 1 or (fields and fields[0].strip()):
                lines.append((before + 1, len(fields), bool("".join(fields).strip())))
            before = reader.line_num
    for counted in (lines[1:], [line for line in lines[1:] if line[2]]):  # rows without any text may be left out
        if len(counted) == len(foreign.rows):
            foreign.unit, foreign.numbers = "line", np.array([line[0] for line in counted], dtype=np.int64)
            foreign.cut = np.array([line[1] < len(names) for line in counted], dtype=np.bool_)
            return


def _objects(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return the values of a column as objects, None for what is missing."""
    values = column.to_numpy(dtype=object)
    missing = [value is None or value is pd.NA or value is pd.NaT or value != value for value in map(_scalar, values)]
    return pd.Series(values, dtype=object).mask(pd.Series(missing, dtype=bool), None)


def _scalar(value: object) -> object:
    return value if np.isscalar(value) or value is None else ""  # lists are not missing


def _answers(column: pd.Series[Any]) -> bool:
    """Whether a column called label, class, … answers yes or no; else it names what the clip shows."""
    return {_plain(value) for value in column.dropna()} <= {"yes", "no", "unsure", "true", "false", "1", "0"}


def _as_written(column: pd.Series[Any]) -> pd.Series[Any]:
    return pd.Series([original(value) if isinstance(value, str) else value for value in column], dtype=object)


def _plain(name: object) -> str:
    return "_".join(str(name).strip().casefold().replace("-", " ").split())


def _is_empty(value: object) -> bool:
    if isinstance(value, (list, str)):
        return not value
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))
