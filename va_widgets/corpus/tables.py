"""What people bring along: their vectors and tables, read from files or from memory and checked at the door."""

from __future__ import annotations

import csv
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, DTypeLike, NDArray

from va_widgets import arguments
from va_widgets.errors import CorpusError
from va_widgets.names import escaped
from va_widgets.paths import GivenPath, absolute_path, is_file

if TYPE_CHECKING:
    from pyarrow import Array

__all__ = [
    "TEXT_COLUMNS",
    "Vectors",
    "checked_segments",
    "encodable",
    "is_encodable",
    "read_table",
    "read_vectors",
    "write_normalised",
]

Floats: TypeAlias = NDArray[np.floating[Any]]

TEXT_COLUMNS = ("clip_id", "video")
_BLOCK = 1 << 23  # values in a block: 32 MB of float32
_VECTOR_SUFFIXES = (".npy", ".h5", ".hdf5", ".parquet")
_TABLE_SUFFIXES = (".csv", ".tsv", ".parquet")
_VECTOR_COLUMNS = ("embedding", "embeddings", "vector")
_H5_NAME = "embeddings"
_PARQUET_BUFFER = 1 << 20  # without it a whole row group, which may be the whole file, is held
_MISSING = ["", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None"]
_SEPARATORS = ",;\t"
_CLOCK = re.compile(r"(?:([0-9]+):)?([0-9]+):([0-9]+(?:[.,][0-9]+)?)")  # HH:MM:SS.mmm or MM:SS; subtitles use a comma


# --- vectors -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Vectors:
    """A matrix of floats, `shape` (n, dim), that is read a block of rows at a time and never held as a whole."""

    name: str  # what messages call it
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    _read: Callable[[int], Iterator[Floats]]

    def __len__(self) -> int:
        return self.shape[0]

    def blocks(self) -> Iterator[Floats]:
        """All rows in order, in blocks (rows, dim) of about 8 million values.

        Raises CorpusError if the file cannot be read to its end.
        """
        done = 0
        for block in self._read(max(1, _BLOCK // self.shape[1])):
            done += len(block)
            yield block
        if done != len(self):
            raise CorpusError(f"{self.name} was to hold {len(self)} vectors but gave {done}: copy or write it again.")

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """The whole matrix in memory; always a copy."""
        if copy is False:
            raise ValueError(f"{self.name} is read from its source: it cannot become an array without a copy.")
        whole = np.empty(self.shape, dtype=self.dtype if dtype is None else dtype)
        done = 0
        for block in self.blocks():
            whole[done : done + len(block)] = block
            done += len(block)
        return whole


def read_vectors(source: ArrayLike | str | os.PathLike[str] | Vectors) -> Vectors:
    """Vectors (n, dim) in float16, float32 or float64, one a row, of an array or a file.

    Parameters
    ----------
    source : array (n, dim), or path of a file
        .npy, read through a memory map; .h5 or .hdf5 with a dataset "embeddings" or only one matrix of floats;
        .parquet with a column "embedding", "embeddings" or "vector" of lists, or only one column of lists.

    Files are opened when their blocks are read and closed after the last.

    Raises CorpusError if there is no such file, it is of another kind, it is damaged, or it does not hold n vectors of
    dim floats each; lists of different lengths in a .parquet file are found when their block is read.
    """
    if isinstance(source, Vectors):
        return source
    if not isinstance(source, (str, os.PathLike)):
        return _vectors_of_array(source)
    file = _existing(source, _VECTOR_SUFFIXES, "Vectors")
    suffix = file.suffix.lower()
    if suffix == ".npy":
        return _vectors_of_npy(file)
    return _vectors_of_parquet(file) if suffix == ".parquet" else _vectors_of_h5(file)


def write_normalised(
    vectors: Vectors, out: NDArray[np.float16], clip_ids: Sequence[str] | pd.Index | None = None
) -> None:
    """Write all vectors, L2-normalised, into `out`, float16 (n, dim): an array or a memory map opened for writing.

    Only one block is held besides `out`. Lengths are taken in float32 after division by the largest value, so no finite
    vector is too long or too short to be normalised.

    Raises CorpusError, and leaves `out` half written, at the first vector that has a value that is not finite, or that
    is all zeros: such a vector points nowhere, is like no text and no clip, and mostly stands for a clip that could not
    be embedded. The row is named, and the clip if `clip_ids`, one a row, are given.
    """
    assert out.shape == vectors.shape, (out.shape, vectors.shape)
    done = 0
    for block in vectors.blocks():
        largest = np.maximum(block.max(axis=1), -block.min(axis=1))  # NaN if there is one in the row
        bad = ~np.isfinite(largest) | (largest == 0)
        if bad.any():
            row = int(np.argmax(bad))
            clip = "" if clip_ids is None else f" of clip {str(clip_ids[done + row])!r}"
            what = "is all zeros" if largest[row] == 0 else "holds values that are not finite"
            raise CorpusError(f"The embedding in row {done + row}{clip} {what}: leave it out.")
        wide = np.result_type(block, np.float32)
        scaled = np.divide(block, largest[:, np.newaxis], dtype=wide).astype(np.float32, copy=False)
        scaled /= np.linalg.norm(scaled, axis=1, keepdims=True)
        out[done : done + len(block)] = scaled
        done += len(block)


def _vectors_of_array(source: ArrayLike) -> Vectors:
    try:
        array = np.asarray(source)
    except (ValueError, TypeError, RuntimeError) as error:  # lists of different lengths, tensors on a GPU
        raise CorpusError(
            f"The embeddings are no matrix ({_first(error)}): give one array (clips, dimensions)."
        ) from error
    return _in_memory("The array of embeddings", array)


def _vectors_of_npy(file: Path) -> Vectors:
    try:
        with file.open("rb") as opened:
            magic = opened.read(len(np.lib.format.MAGIC_PREFIX))
        if magic != np.lib.format.MAGIC_PREFIX:  # numpy would take it for a pickle or an archive
            raise CorpusError(f"{file} is no .npy file: write one with numpy.save.")
        array: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise CorpusError(f"{file} cannot be read as an array ({_first(error)}): write it with numpy.save.") from error
    return _in_memory(str(file), array)


def _in_memory(name: str, array: NDArray[Any]) -> Vectors:
    _check_matrix(name, array.shape, array.dtype)
    n, dim = array.shape

    def read(rows: int) -> Iterator[Floats]:
        for start in range(0, n, rows):
            yield np.asarray(array[start : start + rows])

    return Vectors(name, (n, dim), array.dtype, read)


def _vectors_of_h5(file: Path) -> Vectors:
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            name = _h5_name(file, opened)
            shape: tuple[int, ...] = opened[name].shape or ()  # an empty dataset's is None
            dtype = opened[name].dtype
    except (OSError, RuntimeError, KeyError) as error:
        raise CorpusError(f"{file} cannot be read as HDF5 ({_first(error)}): copy or write it again.") from error
    label = f"{file} ({name!r})"
    _check_matrix(label, shape, dtype)
    n, dim = shape

    def read(rows: int) -> Iterator[Floats]:
        try:
            with h5py.File(file, "r") as opened:
                for start in range(0, n, rows):
                    yield opened[name][start : start + rows]
        except (OSError, RuntimeError, KeyError) as error:
            raise CorpusError(f"{file} cannot be read to its end ({_first(error)}): copy or write it again.") from error

    return Vectors(label, (n, dim), dtype, read)


def _h5_name(file: Path, opened: Any) -> str:
    """The name of the dataset that holds the vectors."""
    import h5py

    if isinstance(opened.get(_H5_NAME), h5py.Dataset):
        return _H5_NAME
    names: list[str] = []

    def look(name: str, one: object) -> None:
        if isinstance(one, h5py.Dataset):
            names.append(name)

    opened.visititems(look)
    found = [name for name in names if opened[name].ndim == 2 and opened[name].dtype.kind == "f"]
    if len(found) != 1:
        raise CorpusError(
            f"{file} needs a dataset {_H5_NAME!r}, or only one that is a matrix of floats, but holds {_listed(names)}."
        )
    return found[0]


def _vectors_of_parquet(file: Path) -> Vectors:
    import pyarrow as pa
    import pyarrow.parquet as pq

    @contextmanager
    def opened() -> Iterator[Any]:
        with file.open("rb") as binary:  # by Python: Arrow knows no path that is not UTF-8
            yield pq.ParquetFile(binary, buffer_size=_PARQUET_BUFFER, pre_buffer=False)

    try:
        with opened() as kept:
            schema, n = kept.schema_arrow, kept.metadata.num_rows
            name = _vector_column(file, schema)
            kind = schema.field(name).type
            first = next(kept.iter_batches(batch_size=1, columns=[name]), None)
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(f"{file} cannot be read as Parquet ({_first(error)}): copy or write it again.") from error
    label = f"{file} ({name!r})"
    values = kind.value_type
    numeric = pa.types.is_floating(values) or pa.types.is_integer(values)
    dtype = np.dtype(values.to_pandas_dtype() if numeric else object)
    dim = kind.list_size if pa.types.is_fixed_size_list(kind) else _first_length(label, first)
    _check_matrix(label, (n, dim), dtype)

    def read(rows: int) -> Iterator[Floats]:
        done = 0
        try:
            with opened() as kept:
                for batch in kept.iter_batches(batch_size=rows, columns=[name]):
                    yield _matrix(label, batch.column(0), done, dim)
                    done += len(batch)
        except (pa.ArrowException, OSError) as error:
            if pa.types.is_fixed_size_list(kind) and isinstance(error, pa.ArrowInvalid):
                # pyarrow < 26 reads no fixed-size list that is missing, and does not say in which row.
                raise CorpusError(
                    f"{label} has no vector in one of its rows: all vectors must have one length."
                ) from error
            raise CorpusError(f"{file} cannot be read to its end ({_first(error)}): copy or write it again.") from error

    return Vectors(label, (n, dim), dtype, read)


def _vector_column(file: Path, schema: Any) -> str:
    import pyarrow as pa

    def is_list(kind: Any) -> bool:
        return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))

    lists = [str(field.name) for field in schema if is_list(field.type)]
    named = [name for name in _VECTOR_COLUMNS if name in lists]
    if named or len(lists) == 1:
        return (named or lists)[0]
    raise CorpusError(
        f"{file} needs a column {_VECTOR_COLUMNS[0]!r} of lists, or only one column of lists, but has the columns"
        f" {_listed(schema.names)}."
    )


def _first_length(name: str, first: Any) -> int:
    """How long the list in the first row is; 0 if there are no rows."""
    if first is None:
        return 0
    if not first.column(0)[0].is_valid:
        raise CorpusError(f"{name} has no vector in row 0: all vectors must have one length.")
    return len(first.column(0)[0])


def _matrix(name: str, lists: Array, done: int, dim: int) -> Floats:
    """A column of lists as a matrix. Raises CorpusError for the first list that is missing or of another length."""
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.list_value_length(lists), -1).to_numpy(zero_copy_only=False)
    odd = lengths != dim
    if odd.any():
        row = int(np.argmax(odd))
        what = "no vector" if lengths[row] < 0 else f"{lengths[row]} values and not {dim}"
        raise CorpusError(f"{name} has {what} in row {done + row}: all vectors must have one length.")
    values = lists.flatten()
    matrix: Floats = values.to_numpy(zero_copy_only=False).reshape(-1, dim)  # a missing value becomes NaN
    return matrix


def _check_matrix(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if dtype.kind == "O":
        raise CorpusError(f"{name} holds objects, not numbers: make it one matrix with numpy.stack.")
    if dtype.kind != "f" or dtype.itemsize > 8:
        raise CorpusError(f"{name} holds {dtype}, not float16, float32 or float64: convert it with .astype('float32').")
    if len(shape) != 2:
        raise CorpusError(f"{name} has the shape {shape}, but must be (clips, dimensions).")
    if 0 in shape:
        raise CorpusError(f"{name} holds no vectors ({shape[0]} of {shape[1]} values): at least one clip is needed.")


# --- tables --------------------------------------------------------------------------------------


def read_table(
    source: pd.DataFrame | str | os.PathLike[str], needed: Sequence[str] = (), text: Sequence[str] = TEXT_COLUMNS
) -> pd.DataFrame:
    """A table of a DataFrame, which is copied, or of a .csv, .tsv or .parquet file.

    Parameters
    ----------
    needed : names
        Columns that must be there; the index counts as one if it has a name.
    text : names
        Columns of a text file that stay as they are written: "007" is no number and "NA" is not missing.

    Text files are UTF-8, separated by commas, semicolons or tabs, whichever gives the header most columns.

    Raises CorpusError if the file is not there, is of another kind or damaged, or the table is empty or lacks a column.
    """
    if isinstance(source, pd.DataFrame):
        name, table = "The table", encodable(source.copy())
    else:
        arguments.path(source, "A table", wanted="a DataFrame, or the path of a file", error=CorpusError)
        file = _existing(source, _TABLE_SUFFIXES, "A table")
        name, table = (
            str(file),
            _table_of_parquet(file) if file.suffix.lower() == ".parquet" else _table_of_csv(file, text),
        )
    there = [str(column) for column in (*table.index.names, *table.columns) if column is not None]
    missing = [column for column in needed if column not in there]
    if missing:
        raise CorpusError(f"{name} lacks the column {_listed(missing)}: it has {_listed(there)}.")
    if table.empty:
        raise CorpusError(f"{name} holds no rows: at least one clip is needed.")
    return table


def encodable(table: pd.DataFrame) -> pd.DataFrame:
    """The table with names of files that are not valid Unicode as `names.escaped`, so that it can be written.

    The ids of clips stay as they are: they would be others.
    """
    places = [place for place, name in enumerate(table.columns) if name != "clip_id"]
    bad = [place for place in places if not is_encodable(table.iloc[:, place])]
    for place in bad:
        texts = [escaped(one) if isinstance(one, str) else one for one in table.iloc[:, place]]
        table.isetitem(place, np.array(texts, dtype=object))
    return table


def is_encodable(values: pd.Series[Any] | pd.Index) -> bool:
    """Whether all texts among some values are valid Unicode."""
    import pyarrow as pa

    if values.dtype != object:
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
        `video` is text. `start` and `end` are seconds as numbers or text, or text such as "01:02:03.5", "02:03" or
        "00:02:03,500". `clip_id`, as a column or the index, may be there; all other columns are yours.

    Returns
    -------
    good : DataFrame
        With `start` and `end` in seconds, float64, and 0 <= start < end. Indexed by the row's number in `table`.
    refused : DataFrame
        The other rows as they were, and why: `reason`. Indexed likewise. A segment that is there already, to the
        millisecond, and a clip_id that is there already are refused the second time.

    Raises CorpusError if one of the three columns is missing.
    """
    table = read_table(table, ("video", "start", "end"))
    own = [name for name in ("clip_id", "video", "start", "end") if name in table.index.names and name not in table]
    table = (table.reset_index(level=own) if own else table).reset_index(drop=True)
    start, end = _seconds(table["start"]), _seconds(table["end"])
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
        raise CorpusError(f"{file} cannot be read as a table ({_first(error)}).") from error
    return table


def _table_of_parquet(file: Path) -> pd.DataFrame:
    import pyarrow as pa

    try:
        with file.open("rb") as opened:  # by Python: Arrow knows no path that is not UTF-8
            return pd.read_parquet(opened)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise CorpusError(f"{file} cannot be read as Parquet ({_first(error)}): copy or write it again.") from error


def _seconds(moments: pd.Series[Any]) -> NDArray[np.float64]:
    """Times in seconds; NaN for what is not a time."""
    if moments.dtype.kind in "iuf":
        return moments.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.fromiter(map(_second, moments), dtype=np.float64, count=len(moments))


def _second(moment: object) -> float:
    if isinstance(moment, (bool, np.bool_)):
        return np.nan
    clock = _CLOCK.fullmatch(moment.strip()) if isinstance(moment, str) and ":" in moment else None
    try:
        if clock is not None:
            hours, minutes, seconds = float(clock[1] or 0), float(clock[2]), float(clock[3].replace(",", "."))
            whole = seconds < 60 and (clock[1] is None or minutes < 60)
            return hours * 3600 + minutes * 60 + seconds if whole else np.nan
        return float(moment)  # type: ignore[arg-type]  # what it is not made for raises a TypeError
    except (TypeError, ValueError, OverflowError):
        return np.nan


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


# --- both ----------------------------------------------------------------------------------------


def _existing(source: GivenPath, suffixes: Sequence[str], what: str) -> Path:
    file = absolute_path(source)
    if file.suffix.lower() not in suffixes:
        raise CorpusError(f"{what} can be read from {_either(suffixes)}, not from {str(source)!r}.")
    if not is_file(file):
        raise CorpusError(f"There is no file {file}: check the path.")
    return file


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:12])
    return (shown or "none") + (" …" if len(names) > 12 else "")


def _first(error: Exception) -> str:
    """The first line of a library's message, short enough for a sentence of ours."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".")[:160] if lines else type(error).__name__
