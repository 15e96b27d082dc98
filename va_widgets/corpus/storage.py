"""The corpus on disk: a manifest that names one table of clips and one matrix of embeddings, and a shard a video.

`manifest.json` is replaced last and as a whole, and names the files that belong to it; so a kill at any instant leaves
the former version of the corpus or the new one, never a mixture.

    manifest.json            schema, encoder, the files below with their sizes and digests, roots
    clips-N.parquet          a row a clip
    embeddings-N.npy         float16 (clips, dim), row i is clip i
    neighbours-N.npy         int32 (10, clips), the rows of the clips most similar to each
    view-N-0.npy             float16 or float32 (clips, d), row i is clip i: a view such as motion; then view-N-1.npy …
    sources-N.parquet        a row a source, with its status
    shards/<key>/            the clips of one source: clips.parquet, embeddings.npy, strips.bin, motion.npy, shard.json
    previews/                clips cut from their videos, made when they are first played

The folder may hold files of the user's, too, under any name. So N is random, no existing file is written to, and only
files that a manifest names are removed, or those of a killed writer (see `leftovers`).

Why not one Lance data set: benchmarks/store.py has the figures.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from va_widgets.base.errors import CorpusError
from va_widgets.base.paths import inside as in_folder
from va_widgets.corpus.files.data_files import Table, as_frame, check_whole, open_matrix, read_texts
from va_widgets.corpus.files.digests import Written
from va_widgets.corpus.files.validation import fault_of_clips, fault_of_columns, fault_of_frame, fault_of_media
from va_widgets.corpus.manifest import FROM_EMBEDDINGS, HIDDEN, Manifest, Source, check_sources, read_manifest


@dataclass(frozen=True)
class Files:
    """The open files of one version of a corpus: they can be read although a build has replaced them since."""

    manifest: Manifest
    clips: Table
    embeddings: NDArray[np.float16]
    texts: dict[str, NDArray[np.float32]]
    _file: Path  # of the embeddings
    _sources: Table | None
    _neighbours: tuple[Path, NDArray[np.int32]] | None
    _views: dict[str, tuple[Path, NDArray[np.floating[Any]]]]

    def sources(self) -> list[Source]:
        """Return every source of the corpus. Raises CorpusError if their table is damaged."""
        if self._sources is None:
            return self.manifest.sources
        table = self._sources.read()
        try:
            sources = msgspec.convert(table.to_dict("records"), list[Source])
            check_sources(sources, self.manifest)
        except (ValueError, msgspec.MsgspecError) as error:
            raise self._sources.damaged(error) from error
        return sources

    def read_clips(self) -> pd.DataFrame:
        """Return the table of clips with the columns that users see, indexed by clip_id.

        Raises CorpusError if it holds impossible values. Repeated clip ids are not checked: see `check_unique`.
        """
        return read_clip_table(self.clips, self.manifest, self.clips.damaged)

    def read_media(self) -> pd.DataFrame:
        """Return the HIDDEN columns, which locate filmstrips and videos; none if there are none.

        Raises CorpusError if they hold impossible values.
        """
        if fault := fault_of_columns(self.clips.names, from_embeddings=self.manifest.cut == FROM_EMBEDDINGS):
            raise self.clips.damaged(fault)
        table = self.clips.read_arrow(HIDDEN)
        if "_key" in self.clips.names and (fault := fault_of_media(table, roots=len(self.manifest.roots))):
            raise self.clips.damaged(fault)
        media = as_frame(table, self.clips.damaged)
        if "_key" in media and "_shard" not in media:  # schema 1
            media = media.assign(_shard=media["_key"])
        return media

    def check_embeddings(self) -> None:
        """Raise CorpusError if the file of the embeddings was truncated since: reading them would end the process."""
        _check_mapped(self.embeddings, self._file)

    def neighbours(self) -> NDArray[np.int32] | None:
        """Return the rows of the clips most similar to each, int32 (k, clips); None in a corpus without them.

        Raises CorpusError if their file was truncated since, or holds impossible values.
        """
        if self._neighbours is None:
            return None
        file, rows = self._neighbours
        _check_mapped(rows, file)
        low, high = self._range_of_neighbours
        if low < 0 or high >= self.manifest.clips:
            raise CorpusError(
                f"The neighbours {file} are damaged ({low} to {high} are no rows): copy the corpus again."
            )
        return rows

    def view(self, name: str) -> NDArray[np.floating[Any]]:
        """Return a view in `manifest.views`, float16 or float32 (clips, d).

        Raises CorpusError if its file was truncated since: reading it would end the process.
        """
        file, matrix = self._views[name]
        _check_mapped(matrix, file)
        return matrix

    @cached_property
    def _range_of_neighbours(self) -> tuple[int, int]:
        assert self._neighbours is not None
        return int(self._neighbours[1].min()), int(self._neighbours[1].max())


def open_files(path: Path) -> Files:
    """Open a corpus. Raises CorpusError if there is none that can be read here, or one of its files is damaged."""
    while True:
        manifest = read_manifest(path)
        texts, sources, neighbours = manifest.texts_file, manifest.sources_file, manifest.neighbours_file
        written = manifest.files.get
        try:
            clips = Table(in_folder(path, manifest.clips_file), written(manifest.clips_file))
            file = in_folder(path, manifest.embeddings_file)
            matrix = open_matrix(file, written(manifest.embeddings_file), np.float16)
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
                None if neighbours is None else _open_neighbours(in_folder(path, neighbours), manifest),
                {name: _open_view_of(in_folder(path, view), name, manifest) for name, view in manifest.views.items()},
            )
        except FileNotFoundError:  # a build has just replaced the corpus: there is a newer manifest
            continue


def _open_neighbours(file: Path, manifest: Manifest) -> tuple[Path, NDArray[np.int32]]:
    rows = open_matrix(file, manifest.files.get(file.name), np.int32, name="neighbours")
    if not len(rows) or rows.shape[1] != manifest.clips:
        raise CorpusError(
            f"The neighbours {file} have the shape {rows.shape}, but there are {manifest.clips} clips: copy the corpus"
            " again."
        )
    return file, rows


def _open_view_of(file: Path, name: str, manifest: Manifest) -> tuple[Path, NDArray[np.floating[Any]]]:
    matrix = open_view(file, manifest.files.get(file.name))
    if len(matrix) != manifest.clips or not matrix.shape[1]:
        raise CorpusError(
            f"The view {name!r} in {file} has the shape {matrix.shape}, but there are {manifest.clips} clips: copy the"
            " corpus again."
        )
    return file, matrix


def open_view(file: Path, written: Written | None) -> NDArray[np.floating[Any]]:
    """Return the matrix of a view, as `open_matrix` does."""
    return open_matrix(file, written, np.float16, np.float32, name="values of the view")


def _check_mapped(matrix: NDArray[Any], file: Path) -> None:
    base: Any = matrix.base  # an mmap for a memory map, which numpy's types do not say
    if isinstance(base, mmap.mmap):
        check_whole(base, file)


def read_clip_table(
    clips: Table, manifest: Manifest, damaged: Callable[[Exception | str], CorpusError]
) -> pd.DataFrame:
    """Return a table of clips with the columns that users see. Raises what `damaged` returns for impossible values."""
    from_embeddings = manifest.cut == FROM_EMBEDDINGS
    if fault := fault_of_columns(clips.names, from_embeddings=from_embeddings):
        raise damaged(fault)
    table = clips.read_arrow([name for name in clips.names if name not in HIDDEN])
    if fault := fault_of_clips(table, from_embeddings=from_embeddings):
        raise damaged(fault)
    frame = as_frame(table, damaged)
    if fault := fault_of_frame(frame, manifest.clips):
        raise damaged(fault)
    del table
    pa.default_memory_pool().release_unused()  # that reading used: more than the table itself
    return frame


def check_unique(clips: pd.DataFrame, path: Path) -> None:
    """Raise CorpusError if a clip id comes twice. pandas caches the answer, and needs it for the first look-up."""
    if not clips.index.is_unique:
        repeated = clips.index[clips.index.duplicated()][0]
        raise CorpusError(
            f"The clip id {repeated!r} comes twice in the corpus in {path}: every clip needs one of its own."
        )


def read_parquet_column(source: pa.BufferReader, name: str) -> tuple[pa.DataType, pd.Series]:
    """Read a column as the corpus's own are read, with Arrow's type of it. Raises what pandas and Arrow do."""
    opened = pq.ParquetFile(source)
    table: pd.DataFrame = opened.read([name], use_pandas_metadata=True).to_pandas()
    return opened.schema_arrow.field(name).type, table[name]
