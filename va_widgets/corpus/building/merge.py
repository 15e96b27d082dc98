"""Merge the shards of a corpus into one table and one matrix, in the order of their sources."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from va_widgets.base.arguments import listed
from va_widgets.base.errors import CorpusError
from va_widgets.base.progress import Progress
from va_widgets.base.threads import one_thread
from va_widgets.corpus.building.merge_views import merge_views, motion_version
from va_widgets.corpus.files import shards
from va_widgets.corpus.manifest import COLUMNS, HIDDEN, TYPES, Manifest, Source
from va_widgets.corpus.storage import Files
from va_widgets.corpus.user_tables.columns import check_stacked, joined
from va_widgets.corpus.writing import Writing

_CLUSTERS = 10
_CLUSTER_SAMPLE = 50_000
_ROWS = 16_384  # of the matrix, copied at a time
_MANY = 500  # shards, which are read in a few seconds


def merge(
    path: Path,
    former: Files | None,
    sources: Sequence[Source],
    columns: pd.DataFrame | None,
    template: Manifest,
    progress: bool,
) -> None:
    """Write the corpus: the clips of the `former` one that stay, and those of the shards of new sources.

    `columns` are the user's, indexed by clip_id, in addition to those that clips had. `template` is the new manifest
    without the fields that depend on the clips.
    """
    kept = [source for source in sources if source.status in ("done", "partial")]
    rank = {source.key: place for place, source in enumerate(kept)}
    old = _former_clips(former, kept)
    known = set(old["_key"])
    folders = list(dict.fromkeys(source.folder for source in kept if source.key not in known))
    new = _new_clips(path, folders, rank, progress)
    clips = pd.concat([part for part in (old, new.clips) if len(part)])
    ranks = clips["_key"].map(rank).to_numpy(dtype=np.int64)
    order = np.argsort(ranks, kind="stable")
    target = np.empty(len(clips), dtype=np.int64)  # the row in the new matrix of each row of `clips`
    target[order] = np.arange(len(clips))
    with Writing(path) as writing:
        dim = shards.read_shard_embeddings(path, folders[0]).shape[1] if former is None else former.manifest.dim
        name, matrix = writing.embeddings(len(clips), dim)
        rows, done = old["_row"].to_numpy(dtype=np.int64), len(old)
        for start in range(0, done, _ROWS):
            assert former is not None  # `old` is empty without one
            block = slice(start, min(start + _ROWS, done))
            matrix[target[block]] = former.embeddings[rows[block]]
        with _joining(folders, progress) as bar:
            for folder, part in new.rows:
                matrix[target[done : done + len(part)]] = shards.read_shard_embeddings(path, folder)[part]
                done += len(part)
                bar.advance(1, clips=len(part))
                bar.file_done(folder, "done")
        views = merge_views(path, writing, former, old, new.rows, target)
        ordered = [kept[place] for place in ranks[order]]
        clips = clips.iloc[order].assign(
            video=pd.Categorical([source.source for source in ordered]),
            cluster=clusters(matrix),
            _key=pd.Categorical([source.key for source in ordered]),
            _shard=pd.Categorical([source.folder for source in ordered]),
            _root=np.array([source.root for source in ordered], dtype=np.int32),
        )
        clips = _with_columns(clips[[*COLUMNS, *HIDDEN]].astype(TYPES), former, columns)
        writing.finish(
            msgspec.structs.replace(
                template,
                dim=dim,
                clips=len(clips),
                clips_file=writing.clips(clips),
                embeddings_file=name,
                neighbours_file=writing.neighbours(matrix, progress=progress),
                sources_file=writing.sources(sources),
                views=views,
                motion_version=motion_version(path, former, old, new.rows),
            )
        )


def has_columns(former: Files, columns: pd.DataFrame | None) -> bool:
    """Return whether a corpus has the user's `columns`, indexed by clip_id, already, with these values."""
    if columns is None:
        return True
    before = former.clips.read([str(name) for name in columns.columns])
    rows = before.index.intersection(columns.index)
    same = before.columns.size == columns.columns.size
    return same and before.loc[rows, columns.columns].astype(object).equals(columns.loc[rows].astype(object))


def check_fit(former: Files, columns: pd.DataFrame, keys: Collection[str]) -> None:
    """Raise CorpusError if clips of a table cannot join a corpus: before their videos are decoded.

    `columns` are the user's, indexed by the ids of the table's clips, and `keys` those of its videos, whose former
    clips the table's replace. The ids of the clips that stay must differ, and their values be of the same kind.
    """
    names = [str(name) for name in columns.columns]
    before = former.clips.read([*names, "_key"])
    kept = before[~before["_key"].isin(keys).to_numpy()]
    taken = kept.index[kept.index.isin(columns.index)].tolist()
    if taken:
        raise CorpusError(
            f"{len(taken)} clip ids of the table belong to clips of other videos in the corpus ({listed(taken)}): give"
            " the table's clips others."
        )
    shared = [name for name in names if name in kept]
    kept_values = kept[shared].dropna(axis=1, how="all")
    if kept_values.size:
        new_values = columns[list(kept_values.columns)].dropna(axis=1, how="all")
        check_stacked(new_values, kept_values)


def clusters(embeddings: NDArray[np.floating[Any]]) -> NDArray[np.int8]:
    """Return the cluster, 0 to 9, of every row, int8 (n,), by k-means of a sample of them.

    Data diversity is counted over clusters.
    """
    # Not imported with this module: it takes 90 MB, and a build that finds nothing new does not need it.
    from sklearn.cluster import MiniBatchKMeans

    n = len(embeddings)
    rows = np.linspace(0, n - 1, min(n, _CLUSTER_SAMPLE)).round().astype(np.int64)
    means = MiniBatchKMeans(min(_CLUSTERS, n), random_state=0, n_init=3, batch_size=4096)
    with one_thread():  # so that the same corpus has the same clusters
        means.fit(np.asarray(embeddings[rows], dtype=np.float32))
        parts = [
            means.predict(np.asarray(embeddings[start : start + _ROWS], dtype=np.float32))
            for start in range(0, n, _ROWS)
        ]
    return np.concatenate(parts).astype(np.int8)


def _former_clips(former: Files | None, kept: Sequence[Source]) -> pd.DataFrame:
    """Return the clips of the former corpus that stay, each with its `_row` in the former matrix."""
    if former is None:
        return pd.DataFrame({"_key": pd.Series(dtype=str), "_row": pd.Series(dtype=np.int64)})
    table = former.clips.read([*COLUMNS, *HIDDEN])
    keys = table["_key"].astype(str)
    shard_names = table["_shard"].astype(str) if "_shard" in table else keys
    folders = {source.key: source.folder for source in kept}
    table = table.assign(_key=keys, _shard=shard_names, _row=np.arange(len(table)))
    return table[(shard_names == keys.map(folders)).to_numpy()]


def _joining(folders: Sequence[str], progress: bool) -> Progress:
    """Return a progress bar over shards, which is shown if there are so many that they take a while."""
    return Progress(len(folders), len(folders), progress and len(folders) >= _MANY, title="joining")


@dataclass(frozen=True)
class _NewClips:
    """The clips of some shards, indexed by clip_id, and the `rows` that they have in the matrix of each shard."""

    clips: pd.DataFrame
    rows: list[tuple[str, NDArray[np.int64]]]


def _new_clips(path: Path, folders: Sequence[str], keys: Collection[str], progress: bool) -> _NewClips:
    """Return the clips of shards whose sources are in `keys`.

    They stay Arrow's until all are read: a DataFrame a shard takes ten times as long, and 15 kB of memory.
    """
    tables, batch, rows = [shards.TABLE.empty_table()], list[pa.Table](), list[tuple[str, NDArray[np.int64]]]()
    with _joining(folders, progress) as bar:
        for folder in folders:
            table = shards.read_shard_table(path, folder)
            # Not by isin or is_in, which would take all keys of the corpus anew for each of its shards.
            part = np.flatnonzero([key in keys for key in table["_key"].to_pylist()])
            rows.append((folder, part))
            batch.append(table if len(part) == len(table) else table.take(part))
            if len(batch) == _MANY:
                tables.append(pa.concat_tables(batch).combine_chunks())
                batch.clear()
            bar.advance(1, clips=len(part))
            bar.file_done(folder, "done")
    return _NewClips(pa.concat_tables([*tables, *batch]).to_pandas().set_index("clip_id"), rows)


def _with_columns(clips: pd.DataFrame, former: Files | None, columns: pd.DataFrame | None) -> pd.DataFrame:
    """Return the clips with the user's columns, those that they had and those that come with this build."""
    new = pd.DataFrame(index=clips.index) if columns is None else columns
    if former is not None:
        table = former.clips
        before = table.read([name for name in table.names if name not in clips.columns and name != "clip_id"])
        replaced = [name for name in new.columns if name in before]
        # Clips that this build has no values for keep those that they had.
        kept = before.loc[before.index.difference(new.index), replaced].dropna(axis=1, how="all")
        clips = joined(clips, before.drop(columns=replaced))
        new = pd.concat([new, kept]) if kept.size else new
    return joined(clips, new)
