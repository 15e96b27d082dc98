"""The corpus on disk: a manifest that names one table of clips and one matrix of embeddings, and a shard a video.

`manifest.json` is replaced last and as a whole, and names the files that belong to it; so a kill at any instant leaves
the former corpus or the new one, never a mixture.

    manifest.json            schema, encoder, files, roots, every source with its status
    clips-N.parquet          a row a clip
    embeddings-N.npy         float16 (clips, dim), row i is clip i
    shards/<key>/            what one video gave: clips.parquet, embeddings.npy, strips.bin, shard.json
    previews/                clips cut from their videos, made when they are first played
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.errors import CorpusError

SCHEMA_VERSION = 1
MANIFEST_FILE = "manifest.json"
SHARDS_FOLDER = "shards"
PREVIEWS_FOLDER = "previews"
STRIPS_FILE = "strips.bin"
# Columns of the clip table that users see, in this order, and those that only the store reads.
COLUMNS = ("video", "start", "end", "frame_in", "frame_out", "fps", "width", "height", "cluster")
HIDDEN = ("_key", "_root", "_strip_at", "_strip_bytes", "_strip_frames", "_strip_width", "_strip_height")
_SHARD_CLIPS, _SHARD_EMBEDDINGS, _SHARD_CARD = "clips.parquet", "embeddings.npy", "shard.json"


class Source(msgspec.Struct, frozen=True):
    """A file that was given to `Corpus.build`, and what became of it."""

    source: str
    root: int
    size: int
    modified: int
    key: str
    status: str  # "done", "partial" or "skipped"
    reason: str
    clips: int
    seconds: float


class Root(msgspec.Struct, frozen=True):
    """A folder that videos were taken from, and the way to it from the corpus, in case both have been moved."""

    absolute: str
    relative: str


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
    sources: list[Source]


@dataclass(frozen=True)
class Shard:
    """What one video gave: clips in time order, float16 embeddings, and their filmstrips one after the other."""

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
    seconds: float = field(default=0.0)


def read_manifest(path: Path) -> Manifest:
    """The manifest of a corpus. Raises CorpusError if there is none that can be read here."""
    file = path / MANIFEST_FILE
    if not file.exists():
        raise CorpusError(f"There is no corpus in {path}: build one with va.Corpus.build({str(path)!r}, videos=…).")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(found, dict) and isinstance(found.get("schema"), int) and found["schema"] > SCHEMA_VERSION:
            raise CorpusError(
                f"The corpus in {path} was made by a newer va-widgets (schema {found['schema']}, known here:"
                f" {SCHEMA_VERSION}): upgrade it."
            )
        manifest = msgspec.convert(found, Manifest)
    except (ValueError, OSError, msgspec.ValidationError) as error:
        raise CorpusError(f"The manifest {file} is damaged ({error}): build the corpus again.") from error
    for name in (manifest.clips_file, manifest.embeddings_file, manifest.texts_file):
        if name is not None and (name != Path(name).name or not (path / name).is_file()):
            raise CorpusError(f"The corpus in {path} lacks its file {name!r}: copy the whole folder again.")
    return manifest


def write_corpus(
    path: Path,
    clips: pd.DataFrame,
    embeddings: NDArray[np.float16] | None,
    texts: dict[str, NDArray[np.float32]] | None,
    manifest: Manifest,
) -> Manifest:
    """Write clips and embeddings under new names, then the manifest, then remove what it no longer names.

    `embeddings` None keeps the matrix, and `texts` None the phrases, that the manifest names already.
    """
    generation = _next_generation(path)
    clips_file = f"clips-{generation}.parquet"
    with _Atomic(path / clips_file) as unfinished:
        clips.to_parquet(unfinished)
    embeddings_file = manifest.embeddings_file
    if embeddings is not None:
        embeddings_file = f"embeddings-{generation}.npy"
        with _Atomic(path / embeddings_file) as unfinished, unfinished.open("wb") as opened:
            np.save(opened, embeddings)
    texts_file = manifest.texts_file
    if texts is not None:
        texts_file = f"texts-{generation}.npz"
        phrases = np.array(list(texts), dtype=np.str_)
        with _Atomic(path / texts_file) as unfinished, unfinished.open("wb") as opened:
            np.savez(opened, phrases=phrases, vectors=np.stack(list(texts.values())))
    written = msgspec.structs.replace(
        manifest,
        clips=len(clips),
        clips_file=clips_file,
        embeddings_file=embeddings_file,
        texts_file=texts_file,
    )
    with _Atomic(path / MANIFEST_FILE) as unfinished:
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(written), indent=1))
    named = {clips_file, embeddings_file, texts_file}
    for pattern in ("clips-*.parquet", "embeddings-*.npy", "texts-*.npz"):
        for old in path.glob(pattern):
            if old.name not in named:
                old.unlink(missing_ok=True)
    return written


def write_shard(path: Path, key: str, shard: Shard) -> None:
    """Write what one video gave; the folder appears whole or not at all."""
    folder = path / SHARDS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
    try:
        shard.clips.to_parquet(unfinished / _SHARD_CLIPS)
        np.save(unfinished / _SHARD_EMBEDDINGS, shard.embeddings)
        (unfinished / STRIPS_FILE).write_bytes(shard.strips)
        (unfinished / _SHARD_CARD).write_text(json.dumps(asdict(shard.card)), encoding="utf-8")
        unfinished.chmod(0o755)
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


def read_shard(path: Path, key: str) -> tuple[pd.DataFrame, NDArray[np.float16]]:
    """A shard's clips and embeddings."""
    folder = path / SHARDS_FOLDER / key
    return pd.read_parquet(folder / _SHARD_CLIPS), np.load(folder / _SHARD_EMBEDDINGS, allow_pickle=False)


def read_strip(path: Path, key: str, start: int, size: int) -> bytes:
    """The bytes of one filmstrip. Raises OSError if the shard is gone."""
    with (path / SHARDS_FOLDER / key / STRIPS_FILE).open("rb") as opened:
        opened.seek(start)
        return opened.read(size)


def clear_unfinished(path: Path) -> None:
    """Remove what a killed build left behind."""
    for left in [*path.glob(".unfinished-*"), *(path / SHARDS_FOLDER).glob(".unfinished-*")]:
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def inside(root: Path, relative: str) -> Path:
    """The file `relative` under `root`. Raises CorpusError if the path leads out of it."""
    parts = PurePosixPath(relative)
    if parts.is_absolute() or ".." in parts.parts or Path(relative).is_absolute():
        raise CorpusError(f"The path {relative!r} leads out of {root}: the corpus was tampered with.")
    return root / Path(*parts.parts)


def _next_generation(path: Path) -> int:
    numbers = [int(digits) for file in path.glob("clips-*.parquet") if (digits := file.stem[6:]).isdigit()]
    return max(numbers, default=0) + 1


class _Atomic:
    """A path to write to that takes the place of `target` when the block ends well."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._unfinished = target.with_name(f".unfinished-{os.getpid()}-{target.name}")

    def __enter__(self) -> Path:
        return self._unfinished

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        if kind is not None:
            self._unfinished.unlink(missing_ok=True)
            return
        with self._unfinished.open("rb+") as opened:
            os.fsync(opened.fileno())
        os.replace(self._unfinished, self._target)
