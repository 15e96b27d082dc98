"""The corpus on disk: a manifest that names one table of clips and one matrix of embeddings, and a shard a video.

`manifest.json` is replaced last and as a whole, and names the files that belong to it; so a kill at any instant leaves
the former corpus or the new one, never a mixture.

    manifest.json            schema, encoder, the files below, roots
    clips-N.parquet          a row a clip
    embeddings-N.npy         float16 (clips, dim), row i is clip i
    sources-N.parquet        a row a source, with its status
    shards/<key>/            what one source gave: clips.parquet, embeddings.npy, strips.bin, shard.json
    previews/                clips cut from their videos, made when they are first played

Why not one Lance data set: benchmarks/store.py has the figures.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import mmap
import os
import re
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Self

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from va_widgets.errors import CorpusError, said
from va_widgets.names import escaped, is_reserved, unescaped
from va_widgets.paths import exists

SCHEMA_VERSION = 2
SHOTS, SEGMENTS, GIVEN = "shots", "segments", "given"  # what clips are; "windows of 5 s" is the fourth
STATUSES = ("done", "partial", "skipped", "gone")
MANIFEST_FILE = "manifest.json"
SHARDS_FOLDER = "shards"
PREVIEWS_FOLDER = "previews"
STRIPS_FILE = "strips.bin"
# Columns of the clip table that users see, in this order, and those that only the store reads.
COLUMNS = ("video", "start", "end", "frame_in", "frame_out", "fps", "width", "height", "cluster")
HIDDEN = ("_key", "_shard", "_root", "_strip_at", "_strip_bytes", "_strip_frames", "_strip_width", "_strip_height")
TYPES = {
    "start": "float64", "end": "float64", "frame_in": "int32", "frame_out": "int32", "fps": "float64",
    "width": "int32", "height": "int32", "_strip_at": "int64", "_strip_bytes": "int32", "_strip_frames": "int16",
    "_strip_width": "int16", "_strip_height": "int16",
}  # fmt: skip
# What file systems answer that cannot map a file, reserve space or flush: some network and user-space ones.
_UNSUPPORTED = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENODEV, errno.EINVAL, errno.ENOTTY)
_ZEROS = 1 << 20  # bytes that are written at a time
_SHARD_CLIPS, _SHARD_EMBEDDINGS, _SHARD_CARD = "clips.parquet", "embeddings.npy", "shard.json"


class Source(msgspec.Struct, frozen=True):
    """A file that was given to a build, and what became of it."""

    source: str  # its path seen from the root, as `names.escaped`, or the URL
    root: int
    size: int
    modified: int
    key: str
    status: str  # one of STATUSES
    reason: str
    clips: int
    seconds: float  # of decoding and embedding that it took; of pictures that were read together, its share
    shard: str = ""  # the folder in shards/ that holds its clips, if it is not called `key`

    @property
    def folder(self) -> str:
        """The folder in shards/ that holds its clips."""
        return self.shard or self.key


class Root(msgspec.Struct, frozen=True):
    """A folder that videos were taken from, and the way to it from the corpus, in case both have been moved.

    Both are written as `names.escaped` does. URLs come from a root without a name.
    """

    absolute: str
    relative: str

    @classmethod
    def of(cls, folder: Path | None, corpus: Path) -> Root:
        """The root that a folder is for a corpus; None stands for URLs."""
        if folder is None:
            return cls("", "")
        try:
            relative = Path(os.path.relpath(folder, os.path.realpath(corpus))).as_posix()
        except ValueError:  # another drive on Windows
            relative = ""
        return cls(escaped(folder.as_posix()), escaped(relative))

    @property
    def folder(self) -> Path:
        """Where the folder was when it was last given."""
        return Path(unescaped(self.absolute))

    def folders(self, corpus: Path) -> list[Path]:
        """Where the folder may be, as seen from a corpus that may have been moved together with it."""
        beside = [Path(os.path.realpath(corpus), unescaped(self.relative))] if self.relative else []
        return [*beside, self.folder]


class Manifest(msgspec.Struct, frozen=True):
    """What a corpus is made of."""

    schema: int
    fingerprint: str
    tag: str | None
    dim: int
    clips: int
    frames_per_shot: int
    clips_file: str
    embeddings_file: str
    texts_file: str | None
    roots: list[Root]
    cut: str = SHOTS  # what clips are
    sources_file: str | None = None
    sources: list[Source] = []  # schema 1 kept them here; then they outgrew a text file


@dataclass(frozen=True)
class Shard:
    """What one video, or some pictures, gave: clips, float16 embeddings, and their filmstrips one after the other."""

    clips: pd.DataFrame
    embeddings: NDArray[np.float16]
    strips: bytes
    card: ShardCard


@dataclass(frozen=True)
class ShardCard:
    """How a shard was made."""

    fingerprint: str
    frames_per_shot: int
    status: str
    reason: str
    clips: int
    seconds: float = field(default=0.0)  # a file
    cut: str = SHOTS


def read_manifest(path: Path) -> Manifest:
    """The manifest of a corpus. Raises CorpusError if there is none that can be read here."""
    manifest = _read_manifest(path)
    while (missing := _missing(path, manifest)) is not None:
        newer = _read_manifest(path)
        if newer == manifest:
            raise CorpusError(f"The corpus in {path} lacks its file {missing!r}: copy the whole folder again.")
        manifest = newer  # a build has just replaced it, and removed what the former named
    return manifest


def _read_manifest(path: Path) -> Manifest:
    file = path / MANIFEST_FILE
    if not exists(file):
        raise CorpusError(f"There is no corpus in {path}: build one with va.Corpus.build({str(path)!r}, videos=…).")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(found, dict) and isinstance(found.get("schema"), int) and found["schema"] > SCHEMA_VERSION:
            raise CorpusError(
                f"The corpus in {path} was made by a newer va-widgets (schema {found['schema']}, known here:"
                f" {SCHEMA_VERSION}): upgrade it."
            )
        return msgspec.convert(found, Manifest)
    except (ValueError, OSError, msgspec.ValidationError) as error:
        raise CorpusError(f"The manifest {file} is damaged ({error}): build the corpus again.") from error


def _missing(path: Path, manifest: Manifest) -> str | None:
    """The first file that a manifest names and that is not there, or not in this folder."""
    for name in _named(manifest):
        if name != Path(name).name or not (path / name).is_file():
            return name
    return None


def _named(manifest: Manifest) -> list[str]:
    names = (manifest.clips_file, manifest.embeddings_file, manifest.texts_file, manifest.sources_file)
    return [name for name in names if name is not None]


class Table:
    """A table on disk. Once open it can be read although a build has removed its file since.

    Raises FileNotFoundError if it is not there, CorpusError if it is damaged.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            # Opened by Python: Arrow knows no path that is not UTF-8.
            self._buffer = _mapped(file)
            opened = pq.ParquetFile(pa.BufferReader(self._buffer))
            self.names: list[str] = list(opened.schema_arrow.names)
            self.rows: int = opened.metadata.num_rows
        except FileNotFoundError:
            raise
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._damaged(error) from error

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The table, or some columns of it, as far as it has them. Raises CorpusError if it is damaged."""
        wanted = None if columns is None else [name for name in self.names if name in columns]
        try:
            table = _read_parquet(pq.ParquetFile(pa.BufferReader(self._buffer)), wanted)
        except (OSError, pa.ArrowException) as error:
            raise self._damaged(error) from error
        pa.default_memory_pool().release_unused()  # what reading took: more than the table itself
        return table

    def check_types(self) -> None:
        """Raise CorpusError if pandas cannot read one of the columns, whatever its values are."""
        try:
            pq.ParquetFile(pa.BufferReader(self._buffer)).schema_arrow.empty_table().to_pandas()
        except (OSError, ValueError, TypeError, NotImplementedError, pa.ArrowException) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> CorpusError:
        return CorpusError(f"The table {self._file} is damaged ({said(error)}): copy the corpus again.")


@dataclass(frozen=True)
class Files:
    """The files of a corpus as one build has left them: they can be read although another has replaced them since."""

    manifest: Manifest
    clips: Table
    embeddings: NDArray[np.float16]
    texts: dict[str, NDArray[np.float32]]
    _sources: Table | None

    def sources(self) -> list[Source]:
        """Every source of the corpus. Raises CorpusError if their table is damaged."""
        if self._sources is None:
            return self.manifest.sources
        return msgspec.convert(self._sources.read().to_dict("records"), list[Source])


def open_files(path: Path) -> Files:
    """Open a corpus. Raises CorpusError if there is none that can be read here, or one of its files is damaged."""
    while True:
        manifest = read_manifest(path)
        texts, sources = manifest.texts_file, manifest.sources_file
        try:
            return Files(
                manifest,
                Table(path / manifest.clips_file),
                _open_matrix(path / manifest.embeddings_file),
                {} if texts is None else _read_texts(path / texts),
                None if sources is None else Table(path / sources),
            )
        except FileNotFoundError:  # a build has replaced the corpus meanwhile: there is a newer manifest
            continue


def _mapped(file: Path) -> pa.Buffer:
    with file.open("rb") as opened:
        try:
            return pa.py_buffer(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            return pa.py_buffer(opened.read())


def _open_matrix(file: Path) -> NDArray[np.float16]:
    matrix: NDArray[np.float16]
    try:
        try:
            matrix = np.load(file, mmap_mode="r", allow_pickle=False)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            matrix = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, EOFError) as error:
        raise CorpusError(f"The embeddings {file} are damaged ({said(error)}): copy the corpus again.") from error
    return matrix


def _read_texts(file: Path) -> dict[str, NDArray[np.float32]]:
    with np.load(file, allow_pickle=False) as kept:
        return dict(zip(kept["phrases"].tolist(), kept["vectors"], strict=True))


class Writing:
    """A corpus that is being written: new files beside the old, which the manifest names in the end, all at once.

    A context manager; what was begun is taken away if it does not come to `finish`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = _next_number(path)
        self._begun: list[Path] = []
        self._unmapped: list[tuple[Path, NDArray[np.float16]]] = []  # where the file system maps no files for writing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            # The manifest may have been replaced before something, such as Ctrl-C, went wrong: what it names stays.
            named = _named(_read_manifest(self._path)) if (self._path / MANIFEST_FILE).exists() else []
            for file in self._begun:
                if file.name not in named:
                    _remove(file)

    def clips(self, table: pd.DataFrame) -> str:
        """Write the table of clips. Returns its name.

        Raises CorpusError if a column cannot be written, or an id is there twice.
        """
        if not table.index.is_unique:
            twice = table.index[table.index.duplicated()][0]
            raise CorpusError(f"The clip id {twice!r} comes twice: every clip needs one of its own.")
        try:
            return self._write("clips", "parquet", lambda file: _write_table(file, table))
        except (pa.ArrowException, UnicodeEncodeError) as error:
            raise CorpusError(
                f"The table of clips cannot be written ({' '.join(map(str, error.args[-1:]))}): give each column values"
                " of one type, such as numbers or texts."
            ) from error

    def sources(self, sources: Sequence[Source]) -> str:
        """Write the table of sources. Returns its name."""
        table = pd.DataFrame([msgspec.structs.asdict(one) for one in sources], columns=list(Source.__struct_fields__))
        return self._write("sources", "parquet", lambda file: _write_table(file, table))

    def texts(self, texts: Mapping[str, NDArray[np.float32]]) -> str:
        """Write the vectors of phrases. Returns the file's name."""
        phrases = np.array(list(texts), dtype=np.str_)

        def save(file: Path) -> None:
            with file.open("wb") as opened:
                np.savez(opened, phrases=phrases, vectors=np.stack(list(texts.values())))

        return self._write("texts", "npz", save)

    def embeddings(self, n: int, dim: int) -> tuple[str, NDArray[np.float16]]:
        """Begin a matrix float16 (n, dim). Returns its name and the array to fill, a memory map if possible."""
        name = f"embeddings-{self._number}.npy"
        file = self._path / name
        self._begun.append(file)
        # Its disk space is taken now: a full disk is an error here, but the end of the process in a memory map.
        with file.open("wb") as opened:
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(header, {"descr": "<f2", "fortran_order": False, "shape": (n, dim)})
            opened.write(header.getvalue())
            _reserve(opened, header.tell() + n * dim * 2)
        matrix: NDArray[np.float16]
        try:
            matrix = np.load(file, mmap_mode="r+", allow_pickle=False)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            matrix = np.empty((n, dim), dtype="<f2")
            self._unmapped.append((file, matrix))
        return name, matrix

    def finish(self, manifest: Manifest) -> Manifest:
        """Make `manifest`, with the files that it names, the corpus, and remove all others.

        Raises CorpusError, and leaves the former corpus in place, if what was written could not be opened.
        """
        for file, matrix in self._unmapped:
            with file.open("rb+") as opened:
                opened.seek(-matrix.nbytes, io.SEEK_END)
                opened.write(matrix.data)
        self._check(manifest)
        for file in self._begun:
            _sync(file)
        unfinished = self._path / f".unfinished-{os.getpid()}-{MANIFEST_FILE}"
        try:
            unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
            _sync(unfinished)
            os.replace(unfinished, self._path / MANIFEST_FILE)
        finally:
            unfinished.unlink(missing_ok=True)
        _remove_unnamed(self._path, manifest)
        return manifest

    def _check(self, manifest: Manifest) -> None:
        """Raise CorpusError unless the table and the matrix that a manifest names can be opened and belong together."""
        clips = Table(self._path / manifest.clips_file)
        clips.check_types()
        shape = _open_matrix(self._path / manifest.embeddings_file).shape
        if shape != (clips.rows, manifest.dim):
            raise CorpusError(
                f"The corpus that was to be written to {self._path} has {clips.rows} clips, but embeddings {shape}:"
                " build it again, with a table that names each clip once."
            )

    def _write(self, stem: str, suffix: str, write: Callable[[Path], object]) -> str:
        file = self._path / f"{stem}-{self._number}.{suffix}"
        self._begun.append(file)
        write(file)
        return file.name


def _write_table(file: Path, table: pd.DataFrame) -> None:
    with file.open("wb") as opened:  # by Python: Arrow knows no path that is not UTF-8, and older pandas gives it that
        write_parquet(table, opened)


def write_parquet(table: pd.DataFrame, sink: IO[bytes]) -> None:
    """Write a table as the corpus's own are written. Raises what pandas and Arrow do."""
    pq.write_table(pa.Table.from_pandas(table), sink)


def read_parquet_column(source: pa.BufferReader, name: str) -> tuple[pa.DataType, pd.Series]:
    """Read a column as the corpus's own are read, with Arrow's type of it. Raises what pandas and Arrow do."""
    opened = pq.ParquetFile(source)
    return opened.schema_arrow.field(name).type, _read_parquet(opened, [name])[name]


def _read_parquet(opened: pq.ParquetFile, columns: Sequence[str] | None) -> pd.DataFrame:
    table: pd.DataFrame = opened.read(columns, use_pandas_metadata=True).to_pandas()
    return table


def _reserve(opened: IO[bytes], size: int) -> None:
    """Make a file as large as it will be, with its disk space taken."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(opened.fileno(), 0, size)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
        else:
            return
    zeros = bytes(min(size, _ZEROS))
    left = size - opened.tell()
    while left > 0:
        left -= opened.write(zeros[:left])


def _sync(file: Path) -> None:
    with file.open("rb+") as opened:
        try:
            os.fsync(opened.fileno())
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise


def _remove(file: Path) -> None:
    """Remove a file, or leave it to the next build: Windows removes no file that some process has mapped."""
    try:
        file.unlink(missing_ok=True)
    except PermissionError:
        return


def _remove_unnamed(path: Path, manifest: Manifest) -> None:
    """Remove what a former manifest named, or what a killed build has begun."""
    named = _named(manifest)
    for pattern in ("clips-*.parquet", "embeddings-*.npy", "texts-*.npz", "sources-*.parquet"):
        for old in path.glob(pattern):
            if old.name not in named:
                _remove(old)


def index_file(manifest: Manifest) -> str:
    """The name of the index of a corpus's matrix, which goes when the matrix does."""
    return f"{Path(manifest.embeddings_file).stem}.index"


def write_shard(path: Path, key: str, shard: Shard) -> None:
    """Write what one video gave; the folder appears whole or not at all."""
    folder = path / SHARDS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".unfinished-{uuid.uuid4().hex}"
    try:
        unfinished.mkdir()
        _write_table(unfinished / _SHARD_CLIPS, shard.clips)
        matrix = io.BytesIO()  # numpy itself does not say that a disk is full
        np.save(matrix, shard.embeddings)
        (unfinished / _SHARD_EMBEDDINGS).write_bytes(matrix.getbuffer())
        (unfinished / STRIPS_FILE).write_bytes(shard.strips)
        (unfinished / _SHARD_CARD).write_text(json.dumps(asdict(shard.card)), encoding="utf-8")
        for file in unfinished.iterdir():
            _sync(file)
        if (folder / key).exists():  # left by a build with another encoder that never finished
            shutil.rmtree(folder / key)
        os.rename(unfinished, folder / key)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def read_shard_card(path: Path, key: str) -> ShardCard | None:
    """How a video's shard was made, None if there is none."""
    try:
        return ShardCard(**json.loads((path / SHARDS_FOLDER / key / _SHARD_CARD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # not there, or not whole: the video is decoded again
        return None


def read_shard_clips(path: Path, key: str) -> pd.DataFrame:
    """A shard's clips."""
    with (path / SHARDS_FOLDER / key / _SHARD_CLIPS).open("rb") as opened:
        return pd.read_parquet(opened)


def read_shard_embeddings(path: Path, key: str) -> NDArray[np.float16]:
    """A shard's embeddings, row by row those of its clips."""
    matrix: NDArray[np.float16] = np.load(path / SHARDS_FOLDER / key / _SHARD_EMBEDDINGS, allow_pickle=False)
    return matrix


def read_strip(path: Path, key: str, start: int, size: int) -> bytes:
    """The bytes of one filmstrip. Raises OSError if the shard is gone."""
    with (path / SHARDS_FOLDER / key / STRIPS_FILE).open("rb") as opened:
        opened.seek(start)
        return opened.read(size)


def clear_unfinished(path: Path) -> None:
    """Remove what a killed build left behind."""
    if (path / MANIFEST_FILE).exists():
        _remove_unnamed(path, read_manifest(path))
    for left in [*path.glob(".unfinished-*"), *(path / SHARDS_FOLDER).glob(".unfinished-*")]:
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            _remove(left)


def inside(root: Path, relative: str) -> Path:
    """The file `relative`, as `names.escaped`, under `root`. Raises CorpusError if the path leads out of it."""
    name = unescaped(relative)
    parts, here = PurePosixPath(name), Path(name)
    if parts.is_absolute() or here.is_absolute() or here.drive or ".." in (*parts.parts, *here.parts):
        raise CorpusError(f"The path {relative!r} leads out of {root}: the corpus was tampered with.")
    return root / Path(*parts.parts)


def file_name(clip_id: str) -> str:
    """A clip id as the name of a file, on every file system another one for another id, whatever text it is.

    It is the id itself if that is plain: without capitals, which some file systems do not tell from small letters, and
    no name that Windows reserves.
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,99}", clip_id) and not is_reserved(clip_id):
        return clip_id
    return "id-" + hashlib.sha256(clip_id.encode()).hexdigest()[:32]


def _next_number(path: Path) -> int:
    taken = [*path.glob("*-*.parquet"), *path.glob("*-*.np[yz]")]
    return max((int(digits) for file in taken if (digits := file.stem.rpartition("-")[2]).isdigit()), default=0) + 1
