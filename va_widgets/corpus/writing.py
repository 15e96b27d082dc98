"""Write a corpus: new files beside the old ones, until a new manifest names them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from va_widgets.base.disk import UNSUPPORTED, sync
from va_widgets.base.errors import CorpusError
from va_widgets.corpus.files import leftovers
from va_widgets.corpus.files.data_files import Table, first_line, open_matrix, reserve, size_of
from va_widgets.corpus.files.digests import Written, sealed
from va_widgets.corpus.files.shards import clear_unfinished_shards
from va_widgets.corpus.manifest import MANIFEST_FILE, Manifest, Source, named_files, read_manifest_alone
from va_widgets.corpus.neighbours import nearest_neighbours
from va_widgets.corpus.storage import check_unique, open_view, read_clip_table

_INDEX_END = b"va-index"  # the last bytes of a file that `search.index` wrote


class Writing:
    """Writes a corpus: new files beside the old ones, until `finish` replaces the manifest, which names them.

    A context manager; the new files are removed if an exception ends it before `finish`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = leftovers.new_number()
        self._begun: list[Path] = []
        self._marked = False
        self._views = 0  # begun so far
        self._unmapped: list[tuple[Path, NDArray[Any]]] = []  # where the file system maps no files for writing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        is_clean = True
        if kind is not None:
            # The exception, such as Ctrl-C, may follow the replacement of the manifest: files that it names stay.
            named = _named_in(self._path)
            is_clean = leftovers.remove_all(file for file in self._begun if file.name not in named)
        if self._marked and is_clean:
            leftovers.remove_marker(self._path, self._number)

    def clips(self, table: pd.DataFrame) -> str:
        """Write the table of clips. Return the file's name.

        Raises CorpusError if a column cannot be written, or an id comes twice.
        """
        check_unique(table, self._path)
        try:
            return self._write("clips", "parquet", lambda file: _write_table(file, table))
        except (pa.ArrowException, UnicodeEncodeError) as error:
            raise CorpusError(
                f"The table of clips cannot be written ({' '.join(map(str, error.args[-1:]))}): give each column values"
                " of one type, such as numbers or texts."
            ) from error

    def sources(self, sources: Sequence[Source]) -> str:
        """Write the table of sources. Return the file's name."""
        table = pd.DataFrame(
            [msgspec.structs.asdict(source) for source in sources], columns=list(Source.__struct_fields__)
        )
        return self._write("sources", "parquet", lambda file: _write_table(file, table))

    def texts(self, texts: Mapping[str, NDArray[np.float32]]) -> str:
        """Write the vectors of phrases, float32 (dim,) each. Return the file's name."""
        phrases = np.array(list(texts), dtype=np.str_)

        def save(file: Path) -> None:
            with file.open("xb") as opened:
                np.savez(opened, phrases=phrases, vectors=np.stack(list(texts.values())))

        return self._write("texts", "npz", save)

    def embeddings(self, n: int, dim: int) -> tuple[str, NDArray[np.float16]]:
        """Create the file of a matrix float16 (n, dim). Return its name and the array to fill, a memory map if any."""
        return self._matrix(f"embeddings-{self._number}.npy", n, dim, np.float16)

    def view(self, n: int, dim: int, dtype: type[np.floating[Any]]) -> tuple[str, NDArray[Any]]:
        """Create the file of a view (n, dim), of float16 or float32. Return its name and the array to fill, as above.

        May be called once for each view of the corpus.
        """
        name = f"view-{self._number}-{self._views}.npy"
        self._views += 1
        return self._matrix(name, n, dim, dtype)

    def _matrix(self, name: str, n: int, dim: int, dtype: type[np.floating[Any]]) -> tuple[str, NDArray[Any]]:
        file, stored = self._begin(name), np.dtype(dtype).newbyteorder("<")
        # Its disk space is allocated now: a full disk raises an error here, but ends the process in a memory map.
        with file.open("xb") as opened:
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                header, {"descr": stored.str, "fortran_order": False, "shape": (n, dim)}
            )
            opened.write(header.getvalue())
            reserve(opened, header.tell() + n * dim * stored.itemsize)
        matrix: NDArray[Any]
        try:
            matrix = np.load(file, mmap_mode="r+", allow_pickle=False)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            matrix = np.empty((n, dim), dtype=stored)
            self._unmapped.append((file, matrix))
        return file.name, matrix

    def neighbours(self, embeddings: NDArray[np.floating[Any]], *, progress: bool = False) -> str:
        """Find the nearest clips of each clip by their embeddings (n, dim), and write them. Return the file's name."""

        def save(file: Path) -> None:
            with file.open("xb") as opened:
                np.save(opened, nearest_neighbours(embeddings, progress=progress).astype("<i4", copy=False))

        return self._write("neighbours", "npy", save)

    def finish(self, manifest: Manifest) -> Manifest:
        """Replace the manifest of the corpus by `manifest`, and remove the files of the former one.

        Returns the manifest as it was written, with the digests of its files. Raises CorpusError if it would not open.
        """
        for file, matrix in self._unmapped:
            with file.open("rb+") as opened:
                opened.seek(-matrix.nbytes, io.SEEK_END)
                opened.write(matrix.data)
        former = read_manifest_alone(self._path) if (self._path / MANIFEST_FILE).exists() else None
        files = {} if former is None else dict(former.files)
        for file in self._begun:
            files[file.name] = Written.of_file(file)
            sync(file)
        named = named_files(manifest)
        manifest = msgspec.structs.replace(
            manifest,
            files={name: files[name] for name in named if name in files},
            replaced={} if former is None else _replaced(self._path, former, named),
            check="",
        )
        content = sealed(msgspec.to_builtins(manifest))
        self._check_opens(content)
        unfinished = self._begin(leftovers.unfinished(self._path, self._number, MANIFEST_FILE).name)
        try:
            with unfinished.open("xb") as opened:
                opened.write(msgspec.json.format(msgspec.json.encode(content), indent=1))
            sync(unfinished)
            os.replace(unfinished, self._path / MANIFEST_FILE)
        finally:
            unfinished.unlink(missing_ok=True)
        _remove_replaced(self._path, manifest)
        return msgspec.structs.replace(manifest, check=content["check"])

    def _check_opens(self, content: dict[str, Any]) -> None:
        """Raise CorpusError if a manifest, or a file that was written for it, could not be opened again."""
        try:
            manifest = msgspec.json.decode(msgspec.json.encode(content), type=Manifest)
        except (ValueError, msgspec.MsgspecError) as error:  # a text that is not Unicode, too
            raise CorpusError(f"The corpus in {self._path} cannot be written ({error}): give another value.") from error
        file = self._path / manifest.clips_file
        clips = Table(file)
        if file in self._begun:
            read_clip_table(clips, manifest, _not_kept)
        shape = open_matrix(self._path / manifest.embeddings_file, None, np.float16).shape
        if shape != (clips.rows, manifest.dim):
            raise CorpusError(
                f"The corpus that was to be written to {self._path} has {clips.rows} clips, but embeddings {shape}:"
                " build it again, with a table that names each clip once."
            )
        for name, view_file in manifest.views.items():
            rows = len(open_view(self._path / view_file, None))
            if rows != clips.rows:
                raise CorpusError(
                    f"The view {name!r} that was to be written to {self._path} has {rows} rows for {clips.rows} clips:"
                    " add it again."
                )

    def _write(self, stem: str, suffix: str, write: Callable[[Path], object]) -> str:
        file = self._begin(f"{stem}-{self._number}.{suffix}")
        write(file)
        return file.name

    def _begin(self, name: str) -> Path:
        """Return the path of a new file, after the marker of this writer is written."""
        if not self._marked:
            self._marked = True
            leftovers.write_marker(self._path, self._number)
        file = self._path / name
        self._begun.append(file)
        return file


def _not_kept(error: Exception | str) -> CorpusError:
    reason = first_line(error) if isinstance(error, Exception) else error
    return CorpusError(
        f"The table of clips cannot be kept ({reason}): give one row a clip, with values that it can have."
    )


def clear_unfinished(path: Path) -> None:
    """Remove the files of a killed writer. Raises CorpusError if the manifest cannot be read."""
    if os.path.lexists(path / MANIFEST_FILE):
        _remove_replaced(path, read_manifest_alone(path))
    leftovers.clear(path, _named_in(path))
    clear_unfinished_shards(path)


def _named_in(path: Path) -> list[str]:
    """Return the names of the files of the corpus in a folder; none if there is no corpus."""
    return named_files(read_manifest_alone(path)) if os.path.lexists(path / MANIFEST_FILE) else []


def _write_table(file: Path, table: pd.DataFrame) -> None:
    with file.open("xb") as opened:  # by Python: Arrow accepts no path that is not UTF-8, and older pandas passes it on
        write_parquet(table, opened)


def write_parquet(table: pd.DataFrame, sink: IO[bytes]) -> None:
    """Write a table to a binary file, as a corpus's tables are written. Raises what pandas and Arrow do."""
    pq.write_table(pa.Table.from_pandas(table), sink)


def _replaced(path: Path, former: Manifest, named: Sequence[str]) -> dict[str, int]:
    """Return the existing files of former manifests that the next one does not name, with their sizes."""
    known: dict[str, int | None] = {**former.replaced}
    known |= {name: written.size if (written := former.files.get(name)) else None for name in named_files(former)}
    return {
        name: current
        for name, size in known.items()
        if name not in named and (current := size_of(path / name)) is not None and size in (None, current)
    }


def _remove_replaced(path: Path, manifest: Manifest) -> None:
    """Remove files of former manifests that still have their sizes, and their indexes."""
    for name, size in manifest.replaced.items():
        file = path / name
        if size_of(file) != size:
            continue
        index = file.with_suffix(".index")
        if file.suffix == ".npy" and size_of(index) and _ends_with(index, _INDEX_END):
            leftovers.remove(index)
        leftovers.remove(file)


def _ends_with(file: Path, end: bytes) -> bool:
    with file.open("rb") as opened:
        opened.seek(max(0, opened.seek(0, io.SEEK_END) - len(end)))
        return opened.read() == end
