"""Shards: the clips of one video, or of some pictures, in a folder of their own."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from va_widgets.base.disk import sync
from va_widgets.base.errors import CorpusError
from va_widgets.base.forks import ForkLock
from va_widgets.base.paths import inside, is_folder, open_regular
from va_widgets.base.system_errors import failure
from va_widgets.corpus.files import leftovers
from va_widgets.corpus.files.data_files import first_line, read_matrix, read_small, size_of
from va_widgets.corpus.files.digests import Written, sealed
from va_widgets.corpus.files.validation import LARGEST_STRIP

SHARDS_FOLDER = "shards"
STRIPS_FILE, SHARD_CARD = "strips.bin", "shard.json"
_CLIPS, _EMBEDDINGS = "clips.parquet", "embeddings.npy"
MOTION_FILE = "motion.npy"  # shards of older versions have none; it only counts if the card has its digest
SHARD_FILES = (_CLIPS, _EMBEDDINGS, MOTION_FILE, STRIPS_FILE, SHARD_CARD)  # in the order in which they are removed
_NEEDED = (_CLIPS, _EMBEDDINGS, STRIPS_FILE, SHARD_CARD)
_LARGEST_CARD = 1 << 20  # bytes
_replacing = ForkLock()  # held while a shard takes its place: those of files with one content may be written at a time
TABLE = pa.schema(
    {
        "clip_id": pa.large_string(),
        **dict.fromkeys(("start", "end", "fps"), pa.float64()),
        **dict.fromkeys(("frame_in", "frame_out", "width", "height"), pa.int64()),
        "_key": pa.large_string(),
        **dict.fromkeys(("_strip_at", "_strip_bytes", "_strip_frames", "_strip_width", "_strip_height"), pa.int64()),
    }
)
"""The columns of a shard's table of clips."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class Shard:
    """The clips of one video, or of some pictures: a `TABLE`, embeddings float16 (n, dim), concatenated filmstrips.

    `motion`, float16 (n, d), has the features of the clips' motion; None if it was not measured.
    """

    clips: pa.Table
    embeddings: NDArray[np.float16]
    strips: bytes
    card: ShardCard
    motion: NDArray[np.float16] | None = None


@dataclass(frozen=True)
class ShardCard:
    """The settings and the outcome of making a shard."""

    fingerprint: str
    frames_per_shot: int
    status: str
    reason: str
    clips: int
    seconds: float = field(default=0.0)  # of decoding and embedding for each file
    cut: str = "shots"
    flaws: dict[str, str] = field(default_factory=dict)  # what is wrong with pictures, by their keys
    files: dict[str, Written] = field(default_factory=dict)  # digests of the other files of the shard
    motion_version: int = 1  # by which version of va_widgets.video.motion it was measured; older cards do not say
    check: str = ""  # see `digests.sealed`


def write_shard(path: Path, key: str, shard: Shard) -> None:
    """Write a shard; the folder `key` appears whole or not at all.

    Raises CorpusError if there is a folder of that name with files that are not a shard's.
    """
    folder = inside(path, SHARDS_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = leftovers.unfinished(folder, leftovers.new_number())
    table, matrix = io.BytesIO(), io.BytesIO()  # neither Arrow nor numpy itself reports a full disk
    pq.write_table(shard.clips.replace_schema_metadata(_pandas_metadata()), table)
    np.save(matrix, shard.embeddings)
    contents: dict[str, memoryview] = {
        _CLIPS: table.getbuffer(),
        _EMBEDDINGS: matrix.getbuffer(),
        STRIPS_FILE: memoryview(shard.strips),
    }
    if shard.motion is not None:
        contents[MOTION_FILE] = memoryview(_saved(shard.motion))
    card = replace(shard.card, files={name: Written.of(content) for name, content in contents.items()}, check="")
    try:
        unfinished.mkdir()
        # The card first: it identifies the folder as ours if this process is killed before the rest is written.
        for name, content in {SHARD_CARD: memoryview(_card_json(card)), **contents}.items():
            with (unfinished / name).open("xb") as opened:
                opened.write(content)
        for file in unfinished.iterdir():
            sync(file)
        with _replacing:
            check_shard(path, key)
            if is_folder(folder / key):  # damaged, or left by a build with another encoder that never finished
                former = leftovers.unfinished(folder, leftovers.new_number())
                os.rename(folder / key, former)
                _remove_shard(former)
            os.rename(unfinished, folder / key)
    finally:
        if is_folder(unfinished):
            _remove_shard(unfinished)


@cache
def _pandas_metadata() -> dict[bytes, bytes]:
    """Return the metadata of a `TABLE` by which pandas makes its ids the index."""
    empty = TABLE.empty_table().to_pandas().set_index("clip_id")
    return dict(pa.Schema.from_pandas(empty).metadata)


def write_shard_motion(path: Path, key: str, motion: NDArray[np.float16], version: int) -> None:
    """Add the motion of its clips, float16 (n, d), to a shard; it counts once the shard's card is replaced.

    `version` is the one by which it was measured.

    Raises CorpusError if the shard cannot be read.
    """
    folder = inside(path, SHARDS_FOLDER, key)
    former = read_card(folder)
    if former is None:
        raise CorpusError(f"{folder / SHARD_CARD} is damaged or gone: copy the corpus again.")
    content = _saved(motion)
    files = {**former.files, MOTION_FILE: Written.of(content)}
    card = replace(former, files=files, motion_version=version, check="")
    unfinished = leftovers.unfinished(folder.parent, leftovers.new_number())
    try:
        unfinished.mkdir()
        # The card first, as above. A kill between the two replacements leaves a file that the card does not know.
        for name, data in {SHARD_CARD: _card_json(card), MOTION_FILE: content}.items():
            with (unfinished / name).open("xb") as opened:
                opened.write(data)
            sync(unfinished / name)
        for name in (MOTION_FILE, SHARD_CARD):
            os.replace(unfinished / name, folder / name)
    finally:
        if is_folder(unfinished):
            _remove_shard(unfinished)


def check_shard(path: Path, key: str) -> None:
    """Raise CorpusError if the folder of a shard exists and holds what is not a shard's."""
    folder = inside(path, SHARDS_FOLDER, key)
    if not os.path.lexists(folder):
        return
    if not is_folder(folder):
        raise CorpusError(f"{folder} is no folder: move it, then build again.")
    odd = next((entry.name for entry in sorted(folder.iterdir()) if entry.name not in SHARD_FILES), None)
    if odd is not None:
        raise CorpusError(f"{folder} holds {odd}, which is not the corpus's: move it, then build again.")


def clear_unfinished_shards(path: Path) -> None:
    """Remove the unfinished shards of a killed writer."""
    for folder in (path / SHARDS_FOLDER).glob(".unfinished-*"):
        if leftovers.number_of(folder) is not None and _is_unfinished_shard(folder):
            _remove_shard(folder)


def _is_unfinished_shard(folder: Path) -> bool:
    """Return whether a folder holds nothing, or a shard that is partly written or partly removed."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    names = {entry.name for entry in folder.iterdir()}
    if not names <= set(SHARD_FILES):
        return False
    if names <= {SHARD_CARD} and all((folder / name).stat().st_size == 0 for name in names):
        return True
    return read_card(folder) is not None


def _remove_shard(folder: Path) -> None:
    """Remove the folder of a shard, its card last; a folder that holds other files stays, with these."""
    if leftovers.remove_all(folder / name for name in SHARD_FILES) and not any(folder.iterdir()):
        folder.rmdir()


def read_card(folder: Path) -> ShardCard | None:
    """Return the card of the shard in a folder, None if it cannot be read."""
    try:
        return msgspec.json.decode(read_small(folder / SHARD_CARD, _LARGEST_CARD), type=ShardCard)
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError):
        return None


def read_shard_card(path: Path, key: str) -> ShardCard | None:
    """Return the card of the shard `key`; None if there is no such shard, or it is incomplete or damaged."""
    folder = inside(path, SHARDS_FOLDER, key)
    card = read_card(folder)
    if card is None or any(size_of(folder / name) is None for name in _NEEDED):
        return None
    sizes = {name: size_of(folder / name) for name in SHARD_FILES}
    if any(name in card.files and card.files[name].size != sizes[name] for name in sizes):
        return None
    # The filmstrips are most of a shard, and not needed to merge it: only their size is compared.
    digested = (name for name in (_CLIPS, _EMBEDDINGS, MOTION_FILE) if name in card.files)
    return card if all(Written.of_file(folder / name) == card.files[name] for name in digested) else None


def read_shard_clips(path: Path, key: str) -> pd.DataFrame:
    """Return a shard's table of clips, indexed by clip_id. Raises CorpusError if it cannot be read."""
    return read_shard_table(path, key).to_pandas().set_index("clip_id")


def read_shard_table(path: Path, key: str) -> pa.Table:
    """Return a shard's table of clips as a `TABLE`. Raises CorpusError if it cannot be read."""

    def read(file: Path) -> pa.Table:
        with open_regular(file) as opened:
            table = pq.ParquetFile(pa.BufferReader(opened.read())).read(TABLE.names)
        return table.select(TABLE.names).replace_schema_metadata().cast(TABLE)

    return _read_of_shard(path, key, _CLIPS, read)


def read_shard_embeddings(path: Path, key: str) -> NDArray[np.float16]:
    """Return a shard's embeddings, float16 (n, dim), row i of clip i. Raises CorpusError if they cannot be read."""
    return _read_of_shard(path, key, _EMBEDDINGS, read_matrix)


def read_shard_motion(path: Path, key: str, columns: int, version: int = 1) -> NDArray[np.float16] | None:
    """Return the motion of a shard's clips, float16 (n, columns), row i of clip i.

    None if it was not measured, or by a version before `version`, or one with other features, or the file is damaged:
    it can be measured again.
    """
    card = read_card(inside(path, SHARDS_FOLDER, key))
    if card is None or MOTION_FILE not in card.files or card.motion_version < version:
        return None
    file = inside(path, SHARDS_FOLDER, key, MOTION_FILE)
    try:
        if Written.of_file(file) != card.files[MOTION_FILE]:
            return None
        motion = read_matrix(file)
    except (OSError, ValueError):
        return None
    return motion if motion.shape == (card.clips, columns) else None


def _saved(matrix: NDArray[np.float16]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, matrix.astype("<f2", copy=False))
    return buffer.getvalue()


def _card_json(card: ShardCard) -> bytes:
    return json.dumps(sealed({**asdict(card), "files": msgspec.to_builtins(card.files)})).encode()


def _read_of_shard(path: Path, key: str, name: str, read: Callable[[Path], _T]) -> _T:
    file = inside(path, SHARDS_FOLDER, key, name)
    try:
        return read(file)
    except Exception as error:  # a damaged file can make Arrow and pandas raise anything
        raise CorpusError(
            failure(str(file), error)
            or f"{file} is damaged ({first_line(error)}): remove its folder, then build again to read its video anew."
        ) from error


def read_strip(path: Path, key: str, start: int, size: int) -> bytes:
    """Return the bytes of one filmstrip. Raises OSError if the shard is gone, CorpusError if its file is too short."""
    file = inside(path, SHARDS_FOLDER, key, STRIPS_FILE)
    length = size_of(file)
    if length is None:  # gone, or no regular file: a pipe would never end
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file))
    if not 0 <= size <= LARGEST_STRIP or not 0 <= start <= length - size:
        raise CorpusError(f"{file} is damaged (it ends before {start + size:,} bytes): copy the corpus again.")
    with open_regular(file) as opened:
        opened.seek(start)
        return opened.read(size)
