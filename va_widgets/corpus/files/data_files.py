"""The files of a corpus, each opened by itself and checked for what such a file can hold; and the ways of a disk."""

from __future__ import annotations

import errno
import io
import mmap
import os
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from va_widgets.base.errors import CorpusError, reason_of
from va_widgets.base.paths import open_regular
from va_widgets.base.system_errors import failure
from va_widgets.corpus.files.digests import Written

# What file systems answer that cannot map a file, reserve space or flush: some network and user-space ones.
UNSUPPORTED = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENODEV, errno.EINVAL, errno.ENOTTY)
_ZEROS = 1 << 20  # bytes that are written at a time
_CHECKED_MATRIX = 1 << 25  # bytes up to which a matrix is compared with its digest on opening: 20 ms
# What `numpy.save` writes before a matrix of float16.
_NPY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(..)\{'descr': '<f2', 'fortran_order': False, 'shape': \((\d{1,15}), (\d{1,9})\), \} *\n",
    re.DOTALL,
)
_LONGEST_HEADER = 1024  # bytes
_OTHER = "it does not hold what was written to it"


class _Content:
    """A file as it was when it was opened, mapped into memory: it can be read although it was removed since.

    Raises FileNotFoundError if it is not there, other OSErrors if it cannot be read, ValueError if it is empty.
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
        """Its bytes. Raises CorpusError if it was cut since: to touch what is missing would end the process."""
        if self._map is None:
            return self._read
        check_whole(self._map, self._file)
        return self._map


def check_whole(mapped: mmap.mmap, file: Path) -> None:
    """Raise CorpusError if a file is shorter than what is mapped of it: touching that ends the process (SIGBUS)."""
    if mapped.size() < len(mapped):
        raise CorpusError(f"{file} was cut while it was open: copy the corpus again.")


class Table:
    """A table on disk. Once open it can be read although a build has removed its file since.

    `written` is what the file held when it was written, where that is known: it is compared when it is first read.
    Raises FileNotFoundError if it is not there, CorpusError if it is damaged.
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
        """The table, or some columns of it, as far as it has them. Raises CorpusError if it is damaged."""
        table = as_frame(self.read_arrow(columns), self.damaged)
        pa.default_memory_pool().release_unused()  # what reading took: more than the table itself
        return table

    def read_arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The same as Arrow has it, with the columns that pandas makes its index of."""
        wanted = None if columns is None else [name for name in self.names if name in columns]
        try:
            if self._written is not None:
                require(Written.of(self._content.data) == self._written, _OTHER)
                self._written = None  # once is enough
            return self._opened().read(wanted, use_pandas_metadata=True)
        except CorpusError:
            raise
        except Exception as error:  # Arrow raises whatever the directions for pandas in a damaged file lead to
            raise self.damaged(error) from error

    def _opened(self) -> pq.ParquetFile:
        return pq.ParquetFile(pa.BufferReader(pa.py_buffer(self._content.data)))

    def damaged(self, error: Exception | str) -> CorpusError:
        """The error that says what is wrong with the table."""
        if isinstance(error, Exception) and (failed := failure(f"The table {self._file}", error)):
            return CorpusError(failed)
        reason = first_line(error) if isinstance(error, Exception) else error
        return CorpusError(f"The table {self._file} is damaged ({reason}): copy the corpus again.")


def as_frame(table: pa.Table, damaged: Callable[[Exception], CorpusError]) -> pd.DataFrame:
    """A table as pandas has it. Raises what `damaged` makes of an error if it cannot be."""
    try:
        return table.to_pandas()
    except Exception as error:  # it follows directions in the file: KeyError, TypeError, anything
        raise damaged(error) from error


def open_matrix(file: Path, written: Written | None) -> NDArray[np.float16]:
    """Map a matrix (n, dim) into memory, or read it where the file system maps none.

    What it holds is compared with `written` only up to 32 MB, which takes 20 ms.
    Raises CorpusError if it is damaged, FileNotFoundError if it is not there.
    """
    matrix: NDArray[np.float16]
    try:
        with open_regular(file) as opened:
            rows, dim, at = _matrix_header(opened.read(_LONGEST_HEADER))
            size = opened.seek(0, io.SEEK_END)
            require(size == at + rows * dim * 2, f"it has {size:,} bytes, not {at + rows * dim * 2:,}")
            opened.seek(0)
            try:
                matrix = np.memmap(opened, "<f2", "r", at, (rows, dim))
            except OSError as error:
                if error.errno not in UNSUPPORTED:
                    raise
                opened.seek(at)
                matrix = np.frombuffer(opened.read(), dtype="<f2").reshape(rows, dim)
        if written is not None and size <= _CHECKED_MATRIX:
            require(Written.of_file(file) == written, _OTHER)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise CorpusError(
            failure(str(file), error)
            or f"The embeddings {file} are damaged ({first_line(error)}): copy the corpus again."
        ) from error
    return matrix


def read_matrix(file: Path) -> NDArray[np.float16]:
    """Read a matrix into memory. Raises OSError, or ValueError if it is damaged."""
    with open_regular(file) as opened:
        content = opened.read()
    rows, dim, at = _matrix_header(content[:_LONGEST_HEADER])
    return np.frombuffer(content, dtype="<f2", offset=at).reshape(rows, dim)


def _matrix_header(begin: bytes) -> tuple[int, int, int]:
    """The rows and columns of a matrix of float16 and where it begins. Raises ValueError for any other file."""
    found = _NPY_HEADER.match(begin)
    if found is None or int.from_bytes(found[1], "little") != found.end() - found.end(1):
        raise ValueError("it is no matrix of float16")
    return int(found[2]), int(found[3]), found.end()


def read_texts(file: Path, dim: int, written: Written | None) -> dict[str, NDArray[np.float32]]:
    """Read the vectors (dim,) of phrases. Raises CorpusError if the file is damaged, FileNotFoundError."""
    try:
        require(written is None or Written.of_file(file) == written, _OTHER)
        with zipfile.ZipFile(file) as packed:
            held = sum(entry.file_size for entry in packed.infolist())
            require(held <= file.stat().st_size, f"it claims to hold {held:,} bytes")
        with np.load(file, allow_pickle=False) as kept:
            phrases, vectors = kept["phrases"], kept["vectors"]
        shapes = f"it has vectors of the shape {vectors.shape} for phrases of the shape {phrases.shape}"
        require(phrases.ndim == 1 and phrases.dtype.kind == "U" and vectors.shape == (len(phrases), dim), shapes)
        numbers = vectors.dtype == np.float32 and bool(np.isfinite(vectors).all())
        require(numbers, "its vectors are no finite numbers of float32")
        texts = dict(zip(phrases.tolist(), vectors, strict=True))
        "".join(texts).encode()  # numpy looks at no text whether it is one
    except FileNotFoundError:
        raise
    except Exception as error:  # of a damaged ZIP file or of numpy's header: SyntaxError, struct.error, anything
        raise CorpusError(
            failure(str(file), error) or f"The phrases {file} are damaged ({first_line(error)}): copy the corpus again."
        ) from error
    return texts


def read_small(file: Path, most: int) -> bytes:
    """All of a file. Raises ValueError if it is no file, or larger than it can be, OSError if it cannot be read."""
    with open_regular(file) as opened:
        size = os.fstat(opened.fileno()).st_size
        require(size <= most, f"it has {size:,} bytes")
        return opened.read(most)


def first_line(error: Exception) -> str:
    """The first line of what an error says, short enough for a sentence."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return (reason_of(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")


def size_of(file: Path) -> int | None:
    """The size of a file, None if it is none."""
    try:
        return None if file.is_symlink() or not file.is_file() else file.stat().st_size
    except FileNotFoundError:
        return None


def reserve(opened: IO[bytes], size: int) -> None:
    """Make a file as large as it will be, with its disk space taken."""
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


def sync(file: Path) -> None:
    """Have the system write a file to the disk now, where it can."""
    with file.open("rb+") as opened:
        try:
            os.fsync(opened.fileno())
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise


def require(fine: bool, reason: str) -> None:
    """Raise ValueError with a reason unless all is fine."""
    if not fine:
        raise ValueError(reason)
