"""Reading and checking each kind of file of a corpus; reserving disk space."""

from __future__ import annotations

import io
import mmap
import os
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from va_widgets.base.disk import UNSUPPORTED
from va_widgets.base.errors import CorpusError, reason_of
from va_widgets.base.paths import open_regular
from va_widgets.base.system_errors import failure
from va_widgets.corpus.files.digests import Written

_ZEROS = 1 << 20  # bytes, written at a time
_CHECKED_MATRIX = 1 << 25  # bytes up to which a matrix is compared with its digest on opening: 20 ms
# What `numpy.save` writes before a matrix of float16, float32 or int32.
_NPY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(..)\{'descr': '(<f2|<f4|<i4)', 'fortran_order': False,"
    rb" 'shape': \((\d{1,15}), (\d{1,15})\), \} *\n",
    re.DOTALL,
)
_LONGEST_HEADER = 1024  # bytes
_CHANGED = "it does not hold what was written to it"
Number = TypeVar("Number", bound=np.generic)


class _Content:
    """The content of a file, mapped into memory when it was opened: it can be read although the file was removed since.

    Raises FileNotFoundError if it does not exist, other OSErrors if it cannot be read, ValueError if it is empty.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._map: mmap.mmap | None = None
        with open_regular(file) as opened:
            try:
                self._map = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
            except OSError as error:
                if error.errno not in UNSUPPORTED:
                    raise
                self._read = opened.read()

    @property
    def data(self) -> mmap.mmap | bytes:
        """The bytes. Raises CorpusError if the file was truncated since, because reading them would end the process."""
        if self._map is None:
            return self._read
        check_whole(self._map, self._file)
        return self._map


def check_whole(mapped: mmap.mmap, file: Path) -> None:
    """Raise CorpusError if a file is shorter than its memory map: reading beyond its end ends the process (SIGBUS)."""
    if mapped.size() < len(mapped):
        raise CorpusError(f"{file} was cut while it was open: copy the corpus again.")


class Table:
    """A Parquet file. Once open it can be read although a build has removed it since.

    `written` is its recorded digest, if there is one: it is compared at the first reading.
    Raises FileNotFoundError if it does not exist, CorpusError if it is damaged.
    """

    def __init__(self, file: Path, written: Written | None = None) -> None:
        self._file = file
        self._written = written
        try:
            self._content = _Content(file)  # opened by Python: Arrow knows no path that is not UTF-8
            opened = self._opened()
            self.names: list[str] = list(opened.schema_arrow.names)
            self.rows = int(opened.metadata.num_rows)
        except FileNotFoundError:
            raise
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self.damaged(error) from error

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the table, or those of `columns` that it has. Raises CorpusError if it is damaged."""
        table = as_frame(self.read_arrow(columns), self.damaged)
        pa.default_memory_pool().release_unused()  # that reading used: more than the table itself
        return table

    def read_arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the same as a table of Arrow's, with the columns that pandas makes its index of."""
        names = None if columns is None else [name for name in self.names if name in columns]
        try:
            if self._written is not None:
                require(Written.of(self._content.data) == self._written, _CHANGED)
                self._written = None  # it is compared once
            return self._opened().read(names, use_pandas_metadata=True)
        except CorpusError:
            raise
        except Exception as error:  # a damaged file can make Arrow raise anything
            raise self.damaged(error) from error

    def _opened(self) -> pq.ParquetFile:
        return pq.ParquetFile(pa.BufferReader(pa.py_buffer(self._content.data)))

    def damaged(self, error: Exception | str) -> CorpusError:
        """Return the error to raise for a fault of the table."""
        if isinstance(error, Exception) and (failed := failure(f"The table {self._file}", error)):
            return CorpusError(failed)
        reason = first_line(error) if isinstance(error, Exception) else error
        return CorpusError(f"The table {self._file} is damaged ({reason}): copy the corpus again.")


def as_frame(table: pa.Table, damaged: Callable[[Exception], CorpusError]) -> pd.DataFrame:
    """Return a table of Arrow's as a DataFrame. Raises what `damaged` returns if it cannot be converted."""
    try:
        return table.to_pandas()
    except Exception as error:  # pandas follows metadata of the file: KeyError, TypeError, anything
        raise damaged(error) from error


def open_matrix(file: Path, written: Written | None, *of: type[Number], name: str = "embeddings") -> NDArray[Number]:
    """Map a matrix into memory, or read it where the file system cannot map files.

    Returns an array (n, k) of one of the types `of`, which are float16, float32 and int32, read-only. Its digest is
    compared with `written` only up to 32 MB, which takes 20 ms. Raises CorpusError, which calls the matrix `name`, if
    it is damaged, FileNotFoundError if it does not exist.
    """
    matrix: NDArray[Number]
    try:
        with open_regular(file) as opened:
            rows, columns, at, dtype = _matrix_header(opened.read(_LONGEST_HEADER), of)
            size, expected = opened.seek(0, io.SEEK_END), at + rows * columns * dtype.itemsize
            require(size == expected, f"it has {size:,} bytes, not {expected:,}")
            opened.seek(0)
            stored = dtype.newbyteorder("<")
            try:
                matrix = np.memmap(opened, stored, "r", at, (rows, columns))
            except OSError as error:
                if error.errno not in UNSUPPORTED:
                    raise
                opened.seek(at)
                matrix = np.frombuffer(opened.read(), dtype=stored).reshape(rows, columns)
        if written is not None and size <= _CHECKED_MATRIX:
            require(Written.of_file(file) == written, _CHANGED)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise CorpusError(
            failure(str(file), error) or f"The {name} {file} are damaged ({first_line(error)}): copy the corpus again."
        ) from error
    return matrix


def read_matrix(file: Path) -> NDArray[np.float16]:
    """Return a matrix, float16 (n, dim), read into memory. Raises OSError, or ValueError if it is damaged."""
    with open_regular(file) as opened:
        content = opened.read()
    rows, dim, at, _ = _matrix_header(content[:_LONGEST_HEADER], [np.float16])
    return np.frombuffer(content, dtype="<f2", offset=at).reshape(rows, dim)


def _matrix_header(begin: bytes, of: Sequence[type[np.generic]]) -> tuple[int, int, int, np.dtype[Any]]:
    """Return the rows, columns, offset and type of a matrix. Raises ValueError for any other file."""
    header = _NPY_HEADER.match(begin)
    if (
        header is None
        or int.from_bytes(header[1], "little") != header.end() - header.end(1)
        or np.dtype(header[2].decode()) not in of
    ):
        raise ValueError(f"it is no matrix of {' or '.join(np.dtype(kind).name for kind in of)}")
    return int(header[3]), int(header[4]), header.end(), np.dtype(header[2].decode())


def read_texts(file: Path, dim: int, written: Written | None) -> dict[str, NDArray[np.float32]]:
    """Return the vectors of phrases, float32 (dim,) each. Raises CorpusError if damaged, FileNotFoundError."""
    try:
        require(written is None or Written.of_file(file) == written, _CHANGED)
        with zipfile.ZipFile(file) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
            require(unpacked <= file.stat().st_size, f"it claims to hold {unpacked:,} bytes")
        with np.load(file, allow_pickle=False) as arrays:
            phrases, vectors = arrays["phrases"], arrays["vectors"]
        shapes = f"it has vectors of the shape {vectors.shape} for phrases of the shape {phrases.shape}"
        require(phrases.ndim == 1 and phrases.dtype.kind == "U" and vectors.shape == (len(phrases), dim), shapes)
        numbers = vectors.dtype == np.float32 and bool(np.isfinite(vectors).all())
        require(numbers, "its vectors are no finite numbers of float32")
        texts = dict(zip(phrases.tolist(), vectors, strict=True))
        "".join(texts).encode()  # numpy does not check that its texts are valid Unicode
    except FileNotFoundError:
        raise
    except Exception as error:  # of a damaged ZIP file or of numpy's header: SyntaxError, struct.error, anything
        raise CorpusError(
            failure(str(file), error) or f"The phrases {file} are damaged ({first_line(error)}): copy the corpus again."
        ) from error
    return texts


def read_small(file: Path, most: int) -> bytes:
    """Return the content of a file. Raises ValueError if it is larger than `most` bytes, OSError if unreadable."""
    with open_regular(file) as opened:
        size = os.fstat(opened.fileno()).st_size
        require(size <= most, f"it has {size:,} bytes")
        return opened.read(most)


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, short enough for a sentence."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return (reason_of(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")


def size_of(file: Path) -> int | None:
    """Return the size of a file in bytes, None if there is no regular file."""
    try:
        return None if file.is_symlink() or not file.is_file() else file.stat().st_size
    except FileNotFoundError:
        return None


def reserve(opened: IO[bytes], size: int) -> None:
    """Extend a file to its final size in bytes, with disk space allocated. Raises OSError if there is too little."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(opened.fileno(), 0, size)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
        else:
            return
    zeros = bytes(min(size, _ZEROS))
    left = size - opened.tell()
    while left > 0:
        left -= opened.write(zeros[:left])


def require(fine: bool, reason: str) -> None:
    """Raise ValueError with a reason unless `fine`."""
    if not fine:
        raise ValueError(reason)
