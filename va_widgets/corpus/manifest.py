"""The manifest of a corpus: how it was made, and the files that belong to it."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated

import msgspec

from va_widgets.base.errors import CorpusError
from va_widgets.base.names import escaped, is_reserved, unescaped
from va_widgets.base.paths import inside as in_folder
from va_widgets.base.paths import is_folder
from va_widgets.base.system_errors import failure
from va_widgets.corpus.files.data_files import first_line, read_small, require
from va_widgets.corpus.files.digests import Written
from va_widgets.corpus.files.shards import SHARDS_FOLDER
from va_widgets.corpus.files.validation import PLAIN_NAME

SCHEMA_VERSION = 4
SHOTS, SEGMENTS, FROM_EMBEDDINGS = "shots", "segments", "given"  # what a clip is; the fourth is "windows of 5 s"
STATUSES = ("done", "partial", "skipped", "gone")
MANIFEST_FILE = "manifest.json"
PREVIEWS_FOLDER = "previews"
APPEARANCE, MOTION = "appearance", "motion"  # views of the clips: the embeddings, and how the picture moves
VIEW_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}"
# Columns of the clip table that users see, in this order, and those that only this package uses.
COLUMNS = ("video", "start", "end", "frame_in", "frame_out", "fps", "width", "height", "cluster")
HIDDEN = ("_key", "_shard", "_root", "_strip_at", "_strip_bytes", "_strip_frames", "_strip_width", "_strip_height")
# The `_key` of clips whose vectors came without a video. Those with one have no stored filmstrip: 0 `_strip_bytes`.
NO_VIDEO = "none"
TYPES = {
    "start": "float64", "end": "float64", "frame_in": "int32", "frame_out": "int32", "fps": "float64",
    "width": "int32", "height": "int32", "_strip_at": "int64", "_strip_bytes": "int32", "_strip_frames": "int16",
    "_strip_width": "int16", "_strip_height": "int16",
}  # fmt: skip
_LARGEST_MANIFEST = 1 << 28  # bytes; in schema 1 it contains all sources

# What the fields of a manifest and of a source can hold; msgspec checks it when it reads them.
_Plain = Annotated[str, msgspec.Meta(pattern=rf"\A({PLAIN_NAME})?\Z")]
_Path = Annotated[str, msgspec.Meta(pattern=r"\A[^\0]*\Z", max_length=1 << 15)]
_Text = Annotated[str, msgspec.Meta(max_length=1 << 16)]
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Positive = Annotated[int, msgspec.Meta(ge=1)]
_Cut = Annotated[
    str,
    msgspec.Meta(pattern=rf"\A({SHOTS}|{SEGMENTS}|{FROM_EMBEDDINGS}|windows of [0-9]+(\.[0-9]+)?(e[+-][0-9]+)? s)\Z"),
]
# Names of files that only this package writes: such a file may be removed if a manifest names it.
_ClipsFile = Annotated[str, msgspec.Meta(pattern=r"\Aclips-[0-9]{1,20}\.parquet\Z")]
_EmbeddingsFile = Annotated[str, msgspec.Meta(pattern=r"\Aembeddings-[0-9]{1,20}\.npy\Z")]
_NeighboursFile = Annotated[str, msgspec.Meta(pattern=r"\Aneighbours-[0-9]{1,20}\.npy\Z")]
_ViewFile = Annotated[str, msgspec.Meta(pattern=r"\Aview-[0-9]{1,20}-[0-9]{1,4}\.npy\Z")]
_ViewName = Annotated[str, msgspec.Meta(pattern=rf"\A(?!{APPEARANCE}\Z){VIEW_NAME}\Z")]
_TextsFile = Annotated[str, msgspec.Meta(pattern=r"\Atexts-[0-9]{1,20}\.npz\Z")]
_SourcesFile = Annotated[str, msgspec.Meta(pattern=r"\Asources-[0-9]{1,20}\.parquet\Z")]
_OwnFile = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\A((clips|sources)-[0-9]{1,20}\.parquet|(embeddings|neighbours|view-[0-9]{1,20})-[0-9]{1,20}\.npy"
        r"|texts-[0-9]{1,20}\.npz)\Z"
    ),
]


class Source(msgspec.Struct, frozen=True):
    """A file that a build has read or refused, with its status."""

    source: str  # its path relative to the root, as `names.escaped`, or the URL; any text if it has no root
    root: Annotated[int, msgspec.Meta(ge=-1)]
    size: _Count
    modified: int
    key: _Plain
    status: Annotated[str, msgspec.Meta(pattern=rf"\A({'|'.join(STATUSES)})\Z")]
    reason: str
    clips: _Count
    seconds: float  # of decoding and embedding; of pictures that were read together, its share
    shard: _Plain = ""  # the folder in shards/ that holds its clips, if it is not called `key`

    @property
    def folder(self) -> str:
        """The folder in shards/ that holds its clips."""
        return self.shard or self.key


class Root(msgspec.Struct, frozen=True):
    """A folder of videos, by its absolute path and by its path relative to the corpus, in case both have been moved.

    Both are written as `names.escaped` does. The root of URLs has empty paths.
    """

    absolute: _Path
    relative: _Path

    @classmethod
    def of(cls, folder: Path | None, corpus: Path) -> Root:
        """Return the root for a folder of videos of the corpus in the folder `corpus`; None stands for URLs."""
        if folder is None:
            return cls("", "")
        try:
            relative = Path(os.path.relpath(folder, os.path.realpath(corpus))).as_posix()
        except ValueError:  # another drive on Windows
            relative = ""
        return cls(escaped(folder.as_posix()), escaped(relative))

    @property
    def folder(self) -> Path:
        """Where the folder was at the last build or relocation."""
        return Path(unescaped(self.absolute))

    def folders(self, corpus: Path) -> list[Path]:
        """Return the places where the folder may be: a corpus may have been moved together with it."""
        beside = [Path(os.path.realpath(corpus), unescaped(self.relative))] if self.relative else []
        return [*beside, self.folder]


class Manifest(msgspec.Struct, frozen=True):
    """The content of `manifest.json`: how a corpus was made, its size, and the names and digests of its files."""

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
    cut: _Cut = SHOTS  # what a clip is
    sources_file: _SourcesFile | None = None
    neighbours_file: _NeighboursFile | None = None  # of schema 3; earlier ones had none
    views: dict[_ViewName, _ViewFile] = {}  # of schema 4; earlier ones had the embeddings alone
    motion_version: _Positive = 1  # the least by which the motion of a clip was measured; older manifests do not say
    sources: list[Source] = []  # of schema 1; later ones have a file of their own
    files: dict[_OwnFile, Written] = {}  # digests of the files named above; older versions wrote none
    replaced: dict[_OwnFile, _Count] = {}  # sizes of files that former manifests named: they are removed
    check: str = ""  # see `digests.sealed`


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of a corpus. Raises CorpusError if there is none, or it or a file of it is damaged."""
    manifest = read_manifest_alone(path)
    while (fault := _fault_of_files(path, manifest)) is not None:
        newer = read_manifest_alone(path)
        if newer == manifest:
            raise CorpusError(f"The corpus in {path} {fault}: copy the whole folder again.")
        manifest = newer  # a build has just replaced it, and removed what the former named
    return manifest


def read_manifest_alone(path: Path) -> Manifest:
    """Return the manifest of a corpus without checking the files that it names. Raises CorpusError if it is damaged."""
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
        check_sources(manifest.sources, manifest)
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
    """Return what is wrong with the first file that is missing or has another size than was written, or None."""
    for name in named_files(manifest):
        file = in_folder(path, name)
        if not file.is_file():
            return f"lacks its file {name!r}"
        written = manifest.files.get(name)
        if written is not None and file.stat().st_size != written.size:
            return f"has a file {name!r} of {file.stat().st_size:,} bytes, not {written.size:,}"
    return None


def named_files(manifest: Manifest) -> list[str]:
    """Return the names of the files that a manifest names."""
    names = (
        manifest.clips_file, manifest.embeddings_file, manifest.neighbours_file, manifest.texts_file,
        manifest.sources_file, *manifest.views.values(),
    )  # fmt: skip
    return [name for name in names if name is not None]


def check_sources(sources: Sequence[Source], manifest: Manifest) -> None:
    """Raise ValueError if a source has impossible values."""
    for source in sources:
        named = f"the source {source.source[:80]!r}"
        require(source.root < len(manifest.roots), f"{named} is of no known folder")
        require(source.root < 0 or "\0" not in source.source, f"{named} is no name of a file")
        require(math.isfinite(source.seconds), f"{named} took no finite time")


def index_file(manifest: Manifest) -> str:
    """Return the name of the index of a corpus's matrix, which is removed together with the matrix."""
    return f"{Path(manifest.embeddings_file).stem}.index"


def check_folder(path: Path) -> None:
    """Raise CorpusError if a file or folder has the name of a part of a corpus and is none."""
    if os.path.lexists(path / MANIFEST_FILE):
        read_manifest_alone(path)
    if os.path.lexists(path / SHARDS_FOLDER) and not is_folder(in_folder(path, SHARDS_FOLDER)):
        raise CorpusError(f"{path / SHARDS_FOLDER} is no folder: move it, or choose another folder for the corpus.")


def source_file(root: Path, relative: str) -> Path:
    """Return the file `relative`, as `names.escaped`, under `root`. Raises CorpusError if the path leads out of it."""
    name = unescaped(relative)
    parts, here = PurePosixPath(name), Path(name)
    if parts.is_absolute() or here.is_absolute() or here.drive or ".." in (*parts.parts, *here.parts):
        raise CorpusError(f"The path {relative!r} leads out of {root}: the corpus was tampered with.")
    return root / Path(*parts.parts)


def file_name(clip_id: str) -> str:
    """Return a file name for a clip id, any text; different ids have different names on every file system.

    It is the id itself if that is plain: without capitals, because some file systems ignore case, and no name that
    Windows reserves.
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,99}", clip_id) and not is_reserved(clip_id):
        return clip_id
    return "id-" + hashlib.sha256(clip_id.encode()).hexdigest()[:32]
