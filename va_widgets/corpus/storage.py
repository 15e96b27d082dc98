"""The corpus on disk: a manifest that names one table of clips and one matrix of embeddings, and a shard a video.

`manifest.json` is replaced last and as a whole, and names the files that belong to it; so a kill at any instant leaves
the former corpus or the new one, never a mixture.

    manifest.json            schema, encoder, the files below with their sizes and digests, roots
    clips-N.parquet          a row a clip
    embeddings-N.npy         float16 (clips, dim), row i is clip i
    sources-N.parquet        a row a source, with its status
    shards/<key>/            what one source gave: clips.parquet, embeddings.npy, strips.bin, shard.json
    previews/                clips cut from their videos, made when they are first played

The folder may hold files of the user's, too, whatever they are called. So N is random, nothing that exists is written
to, and only what a manifest names is removed, or what a killed writer has left (see `leftovers`).

Why not one Lance data set: benchmarks/store.py has the figures.
"""

from __future__ import annotations

import hashlib
import io
import math
import mmap
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any, Self

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from va_widgets.base.errors import CorpusError
from va_widgets.base.names import escaped, is_reserved, unescaped
from va_widgets.base.paths import inside as in_folder
from va_widgets.base.paths import is_folder
from va_widgets.base.system_errors import failure
from va_widgets.corpus.files import leftovers
from va_widgets.corpus.files.data_files import (
    UNSUPPORTED,
    Table,
    as_frame,
    check_whole,
    first_line,
    open_matrix,
    read_small,
    read_texts,
    require,
    reserve,
    size_of,
    sync,
)
from va_widgets.corpus.files.digests import Written, sealed
from va_widgets.corpus.files.shards import SHARDS_FOLDER, clear_unfinished_shards
from va_widgets.corpus.files.validation import (
    PLAIN_NAME,
    fault_of_clips,
    fault_of_columns,
    fault_of_frame,
    fault_of_media,
)

SCHEMA_VERSION = 2
SHOTS, SEGMENTS, GIVEN = "shots", "segments", "given"  # what clips are; "windows of 5 s" is the fourth
STATUSES = ("done", "partial", "skipped", "gone")
MANIFEST_FILE = "manifest.json"
PREVIEWS_FOLDER = "previews"
# Columns of the clip table that users see, in this order, and those that only the store reads.
COLUMNS = ("video", "start", "end", "frame_in", "frame_out", "fps", "width", "height", "cluster")
HIDDEN = ("_key", "_shard", "_root", "_strip_at", "_strip_bytes", "_strip_frames", "_strip_width", "_strip_height")
TYPES = {
    "start": "float64", "end": "float64", "frame_in": "int32", "frame_out": "int32", "fps": "float64",
    "width": "int32", "height": "int32", "_strip_at": "int64", "_strip_bytes": "int32", "_strip_frames": "int16",
    "_strip_width": "int16", "_strip_height": "int16",
}  # fmt: skip
_LARGEST_MANIFEST = 1 << 28  # bytes; schema 1 kept all sources in it
_INDEX_END = b"va-index"  # of a file that `index` wrote

# What the fields of a manifest and of a source can hold; msgspec compares what it reads with them.
_Plain = Annotated[str, msgspec.Meta(pattern=rf"\A({PLAIN_NAME})?\Z")]
_Path = Annotated[str, msgspec.Meta(pattern=r"\A[^\0]*\Z", max_length=1 << 15)]
_Text = Annotated[str, msgspec.Meta(max_length=1 << 16)]
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Positive = Annotated[int, msgspec.Meta(ge=1)]
_Cut = Annotated[
    str, msgspec.Meta(pattern=rf"\A({SHOTS}|{SEGMENTS}|{GIVEN}|windows of [0-9]+(\.[0-9]+)?(e[+-][0-9]+)? s)\Z")
]
# Names that only we give: a file that such a name stands for in a manifest may be removed.
_ClipsFile = Annotated[str, msgspec.Meta(pattern=r"\Aclips-[0-9]{1,20}\.parquet\Z")]
_EmbeddingsFile = Annotated[str, msgspec.Meta(pattern=r"\Aembeddings-[0-9]{1,20}\.npy\Z")]
_TextsFile = Annotated[str, msgspec.Meta(pattern=r"\Atexts-[0-9]{1,20}\.npz\Z")]
_SourcesFile = Annotated[str, msgspec.Meta(pattern=r"\Asources-[0-9]{1,20}\.parquet\Z")]
_OwnFile = Annotated[
    str, msgspec.Meta(pattern=r"\A((clips|sources)-[0-9]{1,20}\.parquet|(embeddings|texts)-[0-9]{1,20}\.np[yz])\Z")
]


class Source(msgspec.Struct, frozen=True):
    """A file that was given to a build, and what became of it."""

    source: str  # its path seen from the root, as `names.escaped`, or the URL; any text if it has no root
    root: Annotated[int, msgspec.Meta(ge=-1)]
    size: _Count
    modified: int
    key: _Plain
    status: Annotated[str, msgspec.Meta(pattern=rf"\A({'|'.join(STATUSES)})\Z")]
    reason: str
    clips: _Count
    seconds: float  # of decoding and embedding that it took; of pictures that were read together, its share
    shard: _Plain = ""  # the folder in shards/ that holds its clips, if it is not called `key`

    @property
    def folder(self) -> str:
        """The folder in shards/ that holds its clips."""
        return self.shard or self.key


class Root(msgspec.Struct, frozen=True):
    """A folder that videos were taken from, and the way to it from the corpus, in case both have been moved.

    Both are written as `names.escaped` does. URLs come from a root without a name.
    """

    absolute: _Path
    relative: _Path

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

    schema: _Positive
    fingerprint: _Text
    tag: _Text | None
    dim: Annotated[int, msgspec.Meta(ge=1, le=1 << 20)]
    clips: Annotated[int, msgspec.Meta(ge=1, le=1 << 40)]
    frames_per_shot: Annotated[int, msgspec.Meta(ge=1, le=1 << 20)]
    clips_file: _ClipsFile
    embeddings_file: _EmbeddingsFile
    texts_file: _TextsFile | None
    roots: list[Root]
    cut: _Cut = SHOTS  # what clips are
    sources_file: _SourcesFile | None = None
    sources: list[Source] = []  # schema 1 kept them here; then they outgrew a text file
    files: dict[_OwnFile, Written] = {}  # what the files named above held; of those of older versions it is not known
    replaced: dict[_OwnFile, _Count] = {}  # the sizes of files that former manifests named: they are removed
    check: str = ""  # see `digests.sealed`


def read_manifest(path: Path) -> Manifest:
    """The manifest of a corpus. Raises CorpusError if there is none that can be read here."""
    manifest = read_manifest_alone(path)
    while (fault := _fault_of_files(path, manifest)) is not None:
        newer = read_manifest_alone(path)
        if newer == manifest:
            raise CorpusError(f"The corpus in {path} {fault}: copy the whole folder again.")
        manifest = newer  # a build has just replaced it, and removed what the former named
    return manifest


def read_manifest_alone(path: Path) -> Manifest:
    """The manifest of a corpus, whatever became of the files that it names. Raises CorpusError if it cannot be read."""
    file = path / MANIFEST_FILE
    if not os.path.lexists(file):
        raise CorpusError(f"There is no corpus in {path}: build one with va.Corpus.build({str(path)!r}, videos=…).")
    try:
        content = read_small(in_folder(path, MANIFEST_FILE), _LARGEST_MANIFEST)
        schema = msgspec.json.decode(content, type=_Schema).schema
        if schema > SCHEMA_VERSION:
            raise CorpusError(
                f"The corpus in {path} was made by a newer va-widgets (schema {schema}, known here:"
                f" {SCHEMA_VERSION}): upgrade it."
            )
        manifest = msgspec.json.decode(content, type=Manifest)
        _check_sources(manifest.sources, manifest)
        seconds = float(manifest.cut.split()[2]) if manifest.cut.startswith("windows") else 0.0
        require(math.isfinite(seconds), "its clips are windows without an end")
    except (ValueError, msgspec.MsgspecError, OSError, RecursionError) as error:
        raise CorpusError(
            failure(str(file), error)
            or f"{file} is damaged, or no manifest of a corpus ({first_line(error)}): copy the corpus again, or choose"
            " another folder."
        ) from error
    return manifest


class _Schema(msgspec.Struct):
    schema: int


def _fault_of_files(path: Path, manifest: Manifest) -> str | None:
    """What is wrong with the first file that a manifest names and that is not as it was written; None if all are."""
    for name in named_files(manifest):
        file = in_folder(path, name)
        if not file.is_file():
            return f"lacks its file {name!r}"
        written = manifest.files.get(name)
        if written is not None and file.stat().st_size != written.size:
            return f"has a file {name!r} of {file.stat().st_size:,} bytes, not {written.size:,}"
    return None


def named_files(manifest: Manifest) -> list[str]:
    """The names of the files that a manifest names."""
    names = (manifest.clips_file, manifest.embeddings_file, manifest.texts_file, manifest.sources_file)
    return [name for name in names if name is not None]


def _check_sources(sources: Sequence[Source], manifest: Manifest) -> None:
    """Raise ValueError for a source that cannot be."""
    for source in sources:
        named = f"the source {source.source[:80]!r}"
        require(source.root < len(manifest.roots), f"{named} is of no known folder")
        require(source.root < 0 or "\0" not in source.source, f"{named} is no name of a file")
        require(math.isfinite(source.seconds), f"{named} took no finite time")


@dataclass(frozen=True)
class Files:
    """The files of a corpus as one build has left them: they can be read although another has replaced them since."""

    manifest: Manifest
    clips: Table
    embeddings: NDArray[np.float16]
    texts: dict[str, NDArray[np.float32]]
    _file: Path  # of the embeddings
    _sources: Table | None

    def sources(self) -> list[Source]:
        """Every source of the corpus. Raises CorpusError if their table is damaged."""
        if self._sources is None:
            return self.manifest.sources
        table = self._sources.read()
        try:
            sources = msgspec.convert(table.to_dict("records"), list[Source])
            _check_sources(sources, self.manifest)
        except (ValueError, msgspec.MsgspecError) as error:
            raise self._sources.damaged(error) from error
        return sources

    def read_clips(self) -> pd.DataFrame:
        """What users see of the table of clips, indexed by clip_id.

        Raises CorpusError if it holds what such a table cannot. That no clip id comes twice is not looked at.
        """
        return _read_clips(self.clips, self.manifest, self.clips.damaged)

    def read_media(self) -> pd.DataFrame:
        """Where the pictures of clips are: the HIDDEN columns, none if there are no pictures.

        Raises CorpusError if they hold what such columns cannot.
        """
        if fault := fault_of_columns(self.clips.names, given=self.manifest.cut == GIVEN):
            raise self.clips.damaged(fault)
        table = self.clips.read_arrow(HIDDEN)
        if "_key" in self.clips.names and (fault := fault_of_media(table, roots=len(self.manifest.roots))):
            raise self.clips.damaged(fault)
        media = as_frame(table, self.clips.damaged)
        if "_key" in media and "_shard" not in media:  # schema 1
            media = media.assign(_shard=media["_key"])
        return media

    def check_embeddings(self) -> None:
        """Raise CorpusError if the file of the embeddings was cut since: to touch them would end the process."""
        base: Any = self.embeddings.base  # of a memory map: numpy's types know it as an array
        if isinstance(base, mmap.mmap):
            check_whole(base, self._file)


def open_files(path: Path) -> Files:
    """Open a corpus. Raises CorpusError if there is none that can be read here, or one of its files is damaged."""
    while True:
        manifest = read_manifest(path)
        texts, sources = manifest.texts_file, manifest.sources_file
        written = manifest.files.get
        try:
            clips = Table(in_folder(path, manifest.clips_file), written(manifest.clips_file))
            file = in_folder(path, manifest.embeddings_file)
            matrix = open_matrix(file, written(manifest.embeddings_file))
            if matrix.shape != (clips.rows, manifest.dim) or clips.rows != manifest.clips:
                raise CorpusError(
                    f"The embeddings in {path} have the shape {matrix.shape}, but there are {clips.rows} clips of"
                    f" {manifest.dim} dimensions: copy the whole folder again, or build the corpus again."
                )
            return Files(
                manifest,
                clips,
                matrix,
                {} if texts is None else read_texts(in_folder(path, texts), manifest.dim, written(texts)),
                file,
                None if sources is None else Table(in_folder(path, sources), written(sources)),
            )
        except FileNotFoundError:  # a build has replaced the corpus meanwhile: there is a newer manifest
            continue


def _read_clips(clips: Table, manifest: Manifest, damaged: Callable[[Exception | str], CorpusError]) -> pd.DataFrame:
    """What users see of a table of clips. Raises what `damaged` returns if it holds what it cannot."""
    given = manifest.cut == GIVEN
    if fault := fault_of_columns(clips.names, given=given):
        raise damaged(fault)
    table = clips.read_arrow([name for name in clips.names if name not in HIDDEN])
    if fault := fault_of_clips(table, given=given):
        raise damaged(fault)
    frame = as_frame(table, damaged)
    if fault := fault_of_frame(frame, manifest.clips):
        raise damaged(fault)
    del table
    pa.default_memory_pool().release_unused()  # what reading took: more than the table itself
    return frame


def check_unique(clips: pd.DataFrame, path: Path) -> None:
    """Raise CorpusError if a clip id comes twice. pandas keeps what it finds, and needs it for the first look-up."""
    if not clips.index.is_unique:
        twice = clips.index[clips.index.duplicated()][0]
        raise CorpusError(
            f"The clip id {twice!r} comes twice in the corpus in {path}: every clip needs one of its own."
        )


class Writing:
    """A corpus that is being written: new files beside the old, which the manifest names in the end, all at once.

    A context manager; what was begun is taken away if it does not come to `finish`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = leftovers.new_number()
        self._begun: list[Path] = []
        self._marked = False
        self._unmapped: list[tuple[Path, NDArray[np.float16]]] = []  # where the file system maps no files for writing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        gone = True
        if kind is not None:
            # The manifest may have been replaced before something, such as Ctrl-C, went wrong: what it names stays.
            named = _named_in(self._path)
            gone = leftovers.remove_all(file for file in self._begun if file.name not in named)
        if self._marked and gone:
            leftovers.remove_marker(self._path, self._number)

    def clips(self, table: pd.DataFrame) -> str:
        """Write the table of clips. Returns its name.

        Raises CorpusError if a column cannot be written, or an id is there twice.
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
        """Write the table of sources. Returns its name."""
        table = pd.DataFrame([msgspec.structs.asdict(one) for one in sources], columns=list(Source.__struct_fields__))
        return self._write("sources", "parquet", lambda file: _write_table(file, table))

    def texts(self, texts: Mapping[str, NDArray[np.float32]]) -> str:
        """Write the vectors of phrases. Returns the file's name."""
        phrases = np.array(list(texts), dtype=np.str_)

        def save(file: Path) -> None:
            with file.open("xb") as opened:
                np.savez(opened, phrases=phrases, vectors=np.stack(list(texts.values())))

        return self._write("texts", "npz", save)

    def embeddings(self, n: int, dim: int) -> tuple[str, NDArray[np.float16]]:
        """Begin a matrix float16 (n, dim). Returns its name and the array to fill, a memory map if possible."""
        file = self._begin(f"embeddings-{self._number}.npy")
        # Its disk space is taken now: a full disk is an error here, but the end of the process in a memory map.
        with file.open("xb") as opened:
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(header, {"descr": "<f2", "fortran_order": False, "shape": (n, dim)})
            opened.write(header.getvalue())
            reserve(opened, header.tell() + n * dim * 2)
        matrix: NDArray[np.float16]
        try:
            matrix = np.load(file, mmap_mode="r+", allow_pickle=False)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            matrix = np.empty((n, dim), dtype="<f2")
            self._unmapped.append((file, matrix))
        return file.name, matrix

    def finish(self, manifest: Manifest) -> Manifest:
        """Make `manifest`, with the files that it names, the corpus, and remove those of the former manifest.

        Returns the manifest as it was written, with what its files hold. Raises CorpusError if it would not open.
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
        """Raise CorpusError if a manifest, or what was written for it, could not be opened again."""
        try:
            manifest = msgspec.json.decode(msgspec.json.encode(content), type=Manifest)
        except (ValueError, msgspec.MsgspecError) as error:  # a text that is not Unicode, too
            raise CorpusError(f"The corpus in {self._path} cannot be written ({error}): give another value.") from error
        file = self._path / manifest.clips_file
        clips = Table(file)
        if file in self._begun:
            _read_clips(clips, manifest, _not_kept)
        shape = open_matrix(self._path / manifest.embeddings_file, None).shape
        if shape != (clips.rows, manifest.dim):
            raise CorpusError(
                f"The corpus that was to be written to {self._path} has {clips.rows} clips, but embeddings {shape}:"
                " build it again, with a table that names each clip once."
            )

    def _write(self, stem: str, suffix: str, write: Callable[[Path], object]) -> str:
        file = self._begin(f"{stem}-{self._number}.{suffix}")
        write(file)
        return file.name

    def _begin(self, name: str) -> Path:
        """The path of a file that is about to be written."""
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


def _named_in(path: Path) -> list[str]:
    """The names of the files of the corpus in a folder, as far as there is one."""
    return named_files(read_manifest_alone(path)) if os.path.lexists(path / MANIFEST_FILE) else []


def _write_table(file: Path, table: pd.DataFrame) -> None:
    with file.open("xb") as opened:  # by Python: Arrow knows no path that is not UTF-8, and older pandas gives it that
        write_parquet(table, opened)


def write_parquet(table: pd.DataFrame, sink: IO[bytes]) -> None:
    """Write a table as the corpus's own are written. Raises what pandas and Arrow do."""
    pq.write_table(pa.Table.from_pandas(table), sink)


def read_parquet_column(source: pa.BufferReader, name: str) -> tuple[pa.DataType, pd.Series]:
    """Read a column as the corpus's own are read, with Arrow's type of it. Raises what pandas and Arrow do."""
    opened = pq.ParquetFile(source)
    table: pd.DataFrame = opened.read([name], use_pandas_metadata=True).to_pandas()
    return opened.schema_arrow.field(name).type, table[name]


def _replaced(path: Path, former: Manifest, named: Sequence[str]) -> dict[str, int]:
    """The files of former manifests that the next one does not name and that are there, with their sizes."""
    known: dict[str, int | None] = {**former.replaced}
    known |= {name: written.size if (written := former.files.get(name)) else None for name in named_files(former)}
    return {
        name: there
        for name, size in known.items()
        if name not in named and (there := size_of(path / name)) is not None and size in (None, there)
    }


def _remove_replaced(path: Path, manifest: Manifest) -> None:
    """Remove what former manifests named, where it still has its size, and an index of it."""
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


def index_file(manifest: Manifest) -> str:
    """The name of the index of a corpus's matrix, which goes when the matrix does."""
    return f"{Path(manifest.embeddings_file).stem}.index"


def check_folder(path: Path) -> None:
    """Raise CorpusError if something in a folder is called like a part of a corpus and is none."""
    if os.path.lexists(path / MANIFEST_FILE):
        read_manifest_alone(path)
    if os.path.lexists(path / SHARDS_FOLDER) and not is_folder(in_folder(path, SHARDS_FOLDER)):
        raise CorpusError(f"{path / SHARDS_FOLDER} is no folder: move it, or choose another folder for the corpus.")


def clear_unfinished(path: Path) -> None:
    """Remove what a killed writer left behind. Raises CorpusError if the manifest cannot be read."""
    if os.path.lexists(path / MANIFEST_FILE):
        _remove_replaced(path, read_manifest_alone(path))
    leftovers.clear(path, _named_in(path))
    clear_unfinished_shards(path)


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
