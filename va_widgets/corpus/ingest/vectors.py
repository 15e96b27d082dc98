"""The user's vectors, with the ids of their clips if they have them, read a block at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, DTypeLike, NDArray

from va_widgets.base.errors import CorpusError
from va_widgets.base.paths import GivenPath
from va_widgets.corpus.files.data_files import first_line
from va_widgets.corpus.user_tables.read import existing_file, quoted

if TYPE_CHECKING:
    from pyarrow import Array

__all__ = ["ID_COLUMNS", "VectorSource", "Vectors", "labels_of", "read_vectors", "write_normalised"]

Floats: TypeAlias = NDArray[np.floating[Any]]

_BLOCK = 1 << 23  # values in a block: 32 MB of float32
_SUFFIXES = (".npy", ".h5", ".hdf5", ".parquet")
_VECTOR_COLUMNS = ("embedding", "embeddings", "vector")
ID_COLUMNS = ("clip_id", "id")
_ID_DATASETS = ("clip_id", "clip_ids", "id", "ids")
_PARQUET_LABELS = "__index_level_0__"  # what pandas calls an index without a name
_H5_NAME = "embeddings"
_PARQUET_BUFFER = 1 << 20  # bytes; without it a row group, possibly the whole file, is held in memory


@dataclass(frozen=True)
class Vectors:
    """A matrix of floats, `shape` (n, dim), that is read a block of rows at a time and never held as a whole."""

    name: str  # for messages
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    _read: Callable[[int], Iterator[Floats]]
    ids: pd.Index | None = None  # of their clips; named one of ID_COLUMNS unless they may be other labels
    column: str | None = None  # of the table that the vectors are in

    def __len__(self) -> int:
        return self.shape[0]

    def blocks(self) -> Iterator[Floats]:
        """Yield all rows in order, in blocks (rows, dim) of about 8 million values.

        Raises CorpusError if the file cannot be read to its end.
        """
        done = 0
        for block in self._read(max(1, _BLOCK // self.shape[1])):
            done += len(block)
            yield block
        if done != len(self):
            raise CorpusError(f"{self.name} was to hold {len(self)} vectors but gave {done}: copy or write it again.")

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the whole matrix in memory; always a copy."""
        if copy is False:
            raise ValueError(f"{self.name} is read from its source: it cannot become an array without a copy.")
        whole = np.empty(self.shape, dtype=self.dtype if dtype is None else dtype)
        done = 0
        for block in self.blocks():
            whole[done : done + len(block)] = block
            done += len(block)
        return whole


VectorSource: TypeAlias = "ArrayLike | pd.DataFrame | pd.Series[Any] | Mapping[str, ArrayLike] | GivenPath | Vectors"
"""Whatever `read_vectors` reads."""


def read_vectors(source: VectorSource, what: str = "embeddings") -> Vectors:
    """Return the vectors (n, dim) in an array, a table, a mapping or a file: float16, float32 or float64, one a row.

    Parameters
    ----------
    source : array (n, dim), DataFrame, Series of arrays, mapping {clip_id: array}, or path of a file
        .npy, read through a memory map; .h5 or .hdf5 with a dataset "embeddings" or only one matrix of floats;
        .parquet with a column "embedding", "embeddings" or "vector" of lists, or only one column of lists.
        A DataFrame has such a column of arrays, or a column a dimension.
    what : str
        What they are, in messages.

    The ids of the clips are the keys of a mapping; a table's column "clip_id" or "id", or its index unless that only
    numbers the rows; in an HDF5 file a dataset "clip_id", "clip_ids", "id" or "ids" of one value a vector.

    Files are opened when their blocks are read and closed after the last.

    Raises CorpusError if there is no such file, it is of another kind, it is damaged, or it does not hold n vectors of
    dim floats each; lists of different lengths in a .parquet file raise it when their block is read.
    """
    if isinstance(source, Vectors):
        return source
    if isinstance(source, pd.DataFrame):
        return _vectors_of_frame(source, f"The table of {what}")
    if isinstance(source, pd.Series):
        return _vectors_of_series(f"The series of {what}", source, labels_of(source.index))
    if isinstance(source, Mapping):
        vectors = pd.Series(list(source.values()), dtype=object)
        return _vectors_of_series(f"The mapping of {what}", vectors, _index_of(list(source)))
    if not isinstance(source, (str, os.PathLike)):
        return _vectors_of_array(source, what)
    file = existing_file(source, _SUFFIXES, "Vectors")
    suffix = file.suffix.lower()
    if suffix == ".npy":
        return _vectors_of_npy(file)
    return _vectors_of_parquet(file) if suffix == ".parquet" else _vectors_of_h5(file)


def labels_of(index: pd.Index) -> pd.Index | None:
    """Return the index of a table if it names the rows, None if it only numbers them from 0 on."""
    is_numbering = (
        isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1 and index.name not in ID_COLUMNS
    )
    return None if is_numbering else index


def write_normalised(
    vectors: Vectors,
    out: NDArray[np.float16],
    clip_ids: Sequence[str] | pd.Index | None = None,
    rows: NDArray[np.int64] | None = None,
) -> None:
    """Write all vectors, L2-normalised, into `out`, float16 (n, dim): an array or a memory map opened for writing.

    `rows` (n,) is the row of `out` for each vector; without it they keep their order. Only one block is in memory
    besides `out`. Lengths are taken in float32 after division by the largest value, so no finite vector is too long or
    too short to be normalised.

    Raises CorpusError, and leaves `out` half written, at the first vector that has a value that is not finite, or that
    is all zeros: such a vector has no direction, and mostly stands for a clip that could not be embedded. The message
    names the row, and the clip if `clip_ids`, one a row of `out`, are given.
    """
    assert out.shape == vectors.shape, (out.shape, vectors.shape)
    done = 0
    for block in vectors.blocks():
        largest = np.maximum(block.max(axis=1), -block.min(axis=1))  # NaN if there is one in the row
        bad = ~np.isfinite(largest) | (largest == 0)
        if bad.any():
            row = int(np.argmax(bad))
            place = done + row if rows is None else int(rows[done + row])
            clip = "" if clip_ids is None else f" of clip {str(clip_ids[place])!r}"
            what = "is all zeros" if largest[row] == 0 else "holds values that are not finite"
            raise CorpusError(f"The embedding in row {done + row}{clip} {what}: leave it out.")
        wide = np.result_type(block, np.float32)
        scaled = np.divide(block, largest[:, np.newaxis], dtype=wide).astype(np.float32, copy=False)
        scaled /= np.linalg.norm(scaled, axis=1, keepdims=True)
        target = slice(done, done + len(block))
        out[target if rows is None else rows[target]] = scaled
        done += len(block)


def _vectors_of_array(source: ArrayLike, what: str) -> Vectors:
    try:
        array = np.asarray(source)
    except (ValueError, TypeError, RuntimeError) as error:  # lists of different lengths, tensors on a GPU
        raise CorpusError(
            f"The {what} are no matrix ({first_line(error)}): give one array (clips, dimensions)."
        ) from error
    return _in_memory(f"The array of {what}", array)


def _vectors_of_frame(table: pd.DataFrame, origin: str) -> Vectors:
    names = [name for name in ID_COLUMNS if list(table.columns).count(name) == 1]
    ids = pd.Index(table[names[0]]) if names else labels_of(table.index)
    rest = [name for name in table.columns if name not in names[:1]]
    lists = [name for name in rest if rest.count(name) == 1 and _holds_lists(table[name])]
    columns = [name for name in _VECTOR_COLUMNS if name in lists] or lists
    if columns and (columns[0] in _VECTOR_COLUMNS or len(columns) == 1):
        return _vectors_of_series(f"{origin} ({columns[0]!r})", table[columns[0]], ids, str(columns[0]))
    return _in_memory(origin, table[rest].to_numpy(), ids)


def _holds_lists(column: pd.Series[Any]) -> bool:
    return len(column) > 0 and isinstance(column.iloc[0], (list, tuple, np.ndarray))


def _vectors_of_series(name: str, vectors: pd.Series[Any], ids: pd.Index | None, column: str | None = None) -> Vectors:
    try:
        array = np.stack([np.asarray(vector) for vector in vectors])
    except (ValueError, TypeError, RuntimeError) as error:  # of different lengths, none at all, tensors on a GPU
        raise CorpusError(f"{name} holds no vectors of one length ({first_line(error)}): give one a clip.") from error
    return _in_memory(name, array, ids, column)


def _vectors_of_npy(file: Path) -> Vectors:
    try:
        with file.open("rb") as opened:
            magic = opened.read(len(np.lib.format.MAGIC_PREFIX))
        if magic != np.lib.format.MAGIC_PREFIX:  # numpy would take it for a pickle or an archive
            raise CorpusError(f"{file} is no .npy file: write one with numpy.save.")
        array: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise CorpusError(
            f"{file} cannot be read as an array ({first_line(error)}): write it with numpy.save."
        ) from error
    return _in_memory(str(file), array)


def _in_memory(name: str, array: NDArray[Any], ids: pd.Index | None = None, column: str | None = None) -> Vectors:
    _check_matrix(name, array.shape, array.dtype)
    n, dim = array.shape

    def read(rows: int) -> Iterator[Floats]:
        for start in range(0, n, rows):
            yield np.asarray(array[start : start + rows])

    return Vectors(name, (n, dim), array.dtype, read, ids, column)


def _vectors_of_h5(file: Path) -> Vectors:
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            name = _h5_name(file, opened)
            shape: tuple[int, ...] = opened[name].shape or ()  # an empty dataset's is None
            dtype = opened[name].dtype
            ids = _h5_ids(opened, name, shape[0] if shape else 0)
    except (OSError, RuntimeError, KeyError) as error:
        raise CorpusError(f"{file} cannot be read as HDF5 ({first_line(error)}): copy or write it again.") from error
    label = f"{file} ({name!r})"
    _check_matrix(label, shape, dtype)
    n, dim = shape

    def read(rows: int) -> Iterator[Floats]:
        try:
            with h5py.File(file, "r") as opened:
                for start in range(0, n, rows):
                    yield opened[name][start : start + rows]
        except (OSError, RuntimeError, KeyError) as error:
            raise CorpusError(
                f"{file} cannot be read to its end ({first_line(error)}): copy or write it again."
            ) from error

    return Vectors(label, (n, dim), dtype, read, ids)


def _h5_ids(opened: Any, name: str, n: int) -> pd.Index | None:
    """Return the ids in the group of the dataset `name`, or at the top of the file, one a vector; None without any."""
    import h5py

    for group in dict.fromkeys((opened[name].parent.name, "/")):
        for dataset in _ID_DATASETS:
            ids = opened[group].get(dataset)
            if isinstance(ids, h5py.Dataset) and ids.shape == (n,) and ids.dtype.kind in "OSUiu":
                return _index_of(
                    [
                        value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
                        for value in ids[()]
                    ]
                )
    return None


def _h5_name(file: Path, opened: Any) -> str:
    """Return the name of the dataset that holds the vectors."""
    import h5py

    if isinstance(opened.get(_H5_NAME), h5py.Dataset):
        return _H5_NAME
    names: list[str] = []

    def add_dataset(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            names.append(name)

    opened.visititems(add_dataset)
    matrices = [name for name in names if opened[name].ndim == 2 and opened[name].dtype.kind == "f"]
    if len(matrices) != 1:
        raise CorpusError(
            f"{file} needs a dataset {_H5_NAME!r}, or only one that is a matrix of floats, but holds {quoted(names)}."
        )
    return matrices[0]


def _vectors_of_parquet(file: Path) -> Vectors:
    """Return the vectors in a Parquet file's column of lists, which are read a batch at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    @contextmanager
    def opened() -> Iterator[Any]:
        with file.open("rb") as binary:  # by Python: Arrow accepts no path that is not UTF-8
            yield pq.ParquetFile(binary, buffer_size=_PARQUET_BUFFER, pre_buffer=False)

    try:
        with opened() as parquet:
            schema, n = parquet.schema_arrow, parquet.metadata.num_rows
            name = _vector_column(file, schema)
            lists = schema.field(name).type
            first = next(parquet.iter_batches(batch_size=1, columns=[name]), None)
            ids = _parquet_ids(parquet)
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(f"{file} cannot be read as Parquet ({first_line(error)}): copy or write it again.") from error
    label = f"{file} ({name!r})"
    values = lists.value_type
    numeric = pa.types.is_floating(values) or pa.types.is_integer(values)
    dtype = np.dtype(values.to_pandas_dtype() if numeric else object)
    dim = lists.list_size if pa.types.is_fixed_size_list(lists) else _first_length(label, first)
    _check_matrix(label, (n, dim), dtype)

    def read(rows: int) -> Iterator[Floats]:
        done = 0
        try:
            with opened() as parquet:
                for batch in parquet.iter_batches(batch_size=rows, columns=[name]):
                    yield _matrix(label, batch.column(0), done, dim)
                    done += len(batch)
        except (pa.ArrowException, OSError) as error:
            if pa.types.is_fixed_size_list(lists) and isinstance(error, pa.ArrowInvalid):
                # pyarrow < 26 cannot read a missing fixed-size list, and does not report its row.
                raise CorpusError(
                    f"{label} has no vector in one of its rows: all vectors must have one length."
                ) from error
            raise CorpusError(
                f"{file} cannot be read to its end ({first_line(error)}): copy or write it again."
            ) from error

    return Vectors(label, (n, dim), dtype, read, ids, name)


def _parquet_ids(parquet: Any) -> pd.Index | None:
    """Return the ids in a column beside the vectors; None without any."""
    import pyarrow as pa

    schema = parquet.schema_arrow
    for name in (*ID_COLUMNS, _PARQUET_LABELS):
        if schema.names.count(name) == 1 and not pa.types.is_nested(schema.field(name).type):
            ids = parquet.read([name], use_pandas_metadata=False).column(0).to_pylist()
            return _index_of(ids, None if name == _PARQUET_LABELS else "clip_id")
    return None


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
        f" {quoted(schema.names)}."
    )


def _first_length(name: str, first: Any) -> int:
    """Return the length of the list in the first row; 0 if there are no rows."""
    if first is None:
        return 0
    if not first.column(0)[0].is_valid:
        raise CorpusError(f"{name} has no vector in row 0: all vectors must have one length.")
    return len(first.column(0)[0])


def _matrix(name: str, lists: Array, done: int, dim: int) -> Floats:
    """Return a column of lists as a matrix (n, dim). Raises CorpusError if a list is missing or not `dim` long."""
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


def _index_of(ids: Sequence[object], name: str | None = "clip_id") -> pd.Index:
    """Return ids as an index of one level, even if they are tuples."""
    return pd.Index(pd.Series(list(ids), dtype=object), tupleize_cols=False, name=name)


def _check_matrix(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if dtype.kind == "O":
        raise CorpusError(f"{name} holds objects, not numbers: make it one matrix with numpy.stack.")
    if dtype.kind != "f" or dtype.itemsize > 8:
        raise CorpusError(f"{name} holds {dtype}, not float16, float32 or float64: convert it with .astype('float32').")
    if len(shape) != 2:
        raise CorpusError(f"{name} has the shape {shape}, but must be (clips, dimensions).")
    if 0 in shape:
        raise CorpusError(f"{name} holds no vectors ({shape[0]} of {shape[1]} values): at least one clip is needed.")
