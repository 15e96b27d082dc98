"""The user's embeddings become a corpus."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import described
from va_widgets.base.errors import CorpusError
from va_widgets.base.paths import GivenPath, absolute_path, exists
from va_widgets.corpus import trust
from va_widgets.corpus.building.merge import clusters
from va_widgets.corpus.ingest.clip_videos import with_videos
from va_widgets.corpus.ingest.places import VideoPlaces
from va_widgets.corpus.ingest.rows import BY_ROW, rows_of
from va_widgets.corpus.ingest.segment_sources import folder_of
from va_widgets.corpus.ingest.vectors import (
    Vectors,
    VectorSource,
    labels_of,
    read_vectors,
    write_normalised,
)
from va_widgets.corpus.ingest.views import read_views, write_view
from va_widgets.corpus.lock import locked, remove_empty
from va_widgets.corpus.manifest import (
    COLUMNS,
    FROM_EMBEDDINGS,
    HIDDEN,
    MANIFEST_FILE,
    SCHEMA_VERSION,
    TYPES,
    Manifest,
    check_folder,
)
from va_widgets.corpus.user_tables.columns import check_columns
from va_widgets.corpus.user_tables.encoding import holds_texts
from va_widgets.corpus.user_tables.ids import index_by_clip
from va_widgets.corpus.user_tables.read import check_names, origin_of, read_table, row_numbers
from va_widgets.corpus.user_tables.times import ADVICE, ClockOf, seconds, times_of
from va_widgets.corpus.writing import Writing
from va_widgets.encoders.protocol import Encoder

_FRAMES = 8  # of a filmstrip
_ROWS_DIGESTED = 1000
# The corpus's own columns of numbers, beside times and clusters, and whether they hold whole numbers. 0 is unknown.
_NUMBERS = {"frame_in": True, "frame_out": True, "fps": False, "width": True, "height": True}
_LARGEST = 2**31 - 1
_LATEST = 1e12  # seconds: later than any clock's, and precise to a millisecond
_LARGEST_CLUSTER = 2**15 - 1  # the largest int16


def write_from_embeddings(
    path: Path,
    embeddings: VectorSource,
    clips: pd.DataFrame | GivenPath,
    encoder: Encoder | None,
    texts: Mapping[str, ArrayLike] | None,
    views: Mapping[str, VectorSource] | None = None,
    videos: GivenPath | None = None,
) -> None:
    """Write a corpus of vectors (n, dim) and a table of n clips, a block of vectors at a time.

    `videos` is the folder that the names of their videos are relative to: by default that of the file of `clips`, or
    the working directory. It is trusted if there are any.

    `views` are further matrices of the clips, by name: see `ingest.views`. Where vectors and clips carry ids, vectors
    are brought into the order of the clips; otherwise the n-th vector is the n-th clip's.

    Raises CorpusError if `path` holds a corpus, vectors and clips do not belong together, or values are refused; for
    values of the table before anything is written.
    """
    check_folder(path)
    if exists(path / MANIFEST_FILE):
        raise CorpusError(f"{path} already holds a corpus: open it with va.Corpus.open, or choose another folder.")
    vectors = read_vectors(embeddings)
    table = read_table(clips, without=_vector_columns(vectors, embeddings, clips))
    origin = origin_of(clips)
    check_names(table.columns, origin, own=())
    labels = labels_of(table.index)
    has_ids = labels is not None or "clip_id" in table.columns
    table = index_by_clip(table, origin, lambda row: row_numbers(clips)(row))
    folder = folder_of(clips, videos)
    places = VideoPlaces(folder)
    table = _with_own_columns(table, origin, places.clock)
    check_columns(table.drop(columns=[name for name in COLUMNS if name in table.columns]), origin)
    n, dim = vectors.shape
    if vectors.ids is not None and not has_ids:
        raise CorpusError(
            f"{vectors.name} comes with ids of clips, but the table{origin} has none: call its column of ids clip_id,"
            f" or {BY_ROW}."
        )
    if vectors.ids is None and n != len(table):
        raise CorpusError(
            f"One vector a clip is needed, not embeddings {vectors.shape} for the {len(table)} clips{origin}."
        )
    rows = None if vectors.ids is None else rows_of(vectors, vectors.ids, table.index, labels, origin)
    if encoder is not None and encoder.dim != dim:
        raise CorpusError(
            f"The embeddings have {dim} dimensions, but the text encoder {encoder.fingerprint} has {encoder.dim}: give"
            " the one that belongs to them."
        )
    phrases = _checked_texts(texts, dim)
    table, found = with_videos(table, places, folder, path)
    new_views = read_views(views, table.index, labels)
    is_new = not exists(path)
    try:
        with locked(path), Writing(path) as writing:
            name, matrix = writing.embeddings(n, dim)
            write_normalised(vectors, matrix, table.index, rows)
            table = _completed(table, matrix)
            view_files = {view.name: write_view(writing, view, table.index) for view in new_views}
            writing.finish(
                Manifest(
                    schema=SCHEMA_VERSION,
                    fingerprint=_digest(matrix) if encoder is None else encoder.fingerprint,
                    tag=getattr(encoder, "tag", None),
                    dim=dim,
                    clips=n,
                    frames_per_shot=_FRAMES if found.sources else 1,
                    clips_file=writing.clips(table),
                    embeddings_file=name,
                    neighbours_file=writing.neighbours(matrix, progress=True),
                    texts_file=writing.texts(phrases) if phrases else None,
                    roots=found.roots,
                    cut=FROM_EMBEDDINGS,
                    sources_file=writing.sources(found.sources) if found.sources else None,
                    views=view_files,
                )
            )
    except CorpusError:
        remove_empty(path, is_new)
        raise
    if found.groups:
        trust.remember(path, trust.places_of(found.groups))


def _vector_columns(vectors: Vectors, embeddings: VectorSource, clips: pd.DataFrame | GivenPath) -> list[str]:
    """Return the column that holds the vectors, if the table of clips is also the source of the vectors."""
    if vectors.column is None:
        return []
    same = embeddings is clips
    if isinstance(embeddings, (str, os.PathLike)) and isinstance(clips, (str, os.PathLike)):
        same = absolute_path(embeddings) == absolute_path(clips)
    return [vectors.column] if same else []


def _with_own_columns(table: pd.DataFrame, origin: str, clock_of: ClockOf) -> pd.DataFrame:
    """Return the table with all of the corpus's own columns but the clusters; those that it has are checked.

    Raises CorpusError for the first value that is refused.
    """
    videos = _videos(table, origin)
    start, end = _times(table, videos, origin, clock_of)
    own: dict[str, Any] = {"video": videos, "start": start, "end": end}
    for name, whole in _NUMBERS.items():
        values = np.zeros(len(table))
        if name in table.columns:
            values = _numbers(table, name, whole, origin)
        own[name] = values.astype(TYPES[name])
    if "cluster" in table.columns and not table["cluster"].isna().all():
        own["cluster"] = _numbers(table, "cluster", True, origin, _LARGEST_CLUSTER, gaps=False).astype(np.int16)
    elif "cluster" in table.columns:
        table = table.drop(columns="cluster")
    return table.assign(**own)


def _times(
    table: pd.DataFrame, videos: pd.Series[Any], origin: str, clock_of: ClockOf
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the start and the end of each clip in seconds, float64 (n,) each, NaN where it has neither."""
    present = [name for name in ("start", "end") if name in table.columns]
    if len(present) == 1:
        other = "end" if present == ["start"] else "start"
        raise CorpusError(
            f"The table of clips{origin} has a column {present[0]!r} but none called {other!r}: give both."
        )
    if not present:
        return np.full(len(table), np.nan), np.full(len(table), np.nan)
    missing = {name: table[name].isna().to_numpy(dtype=np.bool_) for name in present}
    moments = dict[str, NDArray[np.float64]]()
    for name in present:
        moments[name], unreadable = times_of(table[name], videos, clock_of)
        if unreadable:
            row, why = next(iter(unreadable.items()))
            raise CorpusError(f"The clip {table.index[row]!r}{origin} has a {name} that {why}: correct it.")

    def refuse(bad: NDArray[np.bool_], what: str, name: str = "start") -> None:
        if bad.any():
            row = int(np.argmax(bad))
            value = described(table[name].iloc[row : row + 1].tolist()[0])
            number = np.count_nonzero(bad)
            first = f" (the first of {number} such)" if number > 1 else ""
            raise CorpusError(f"The clip {table.index[row]!r}{origin}{first} {what.format(value)}.")

    for name, values in moments.items():
        refuse(np.isnan(values) & ~missing[name], f"has the {name} {{}}: {ADVICE}", name)
        with np.errstate(invalid="ignore"):
            refuse(np.abs(values) > _LATEST, f"has the {name} {{}}: give a number of seconds", name)
    start, end = moments["start"], moments["end"]
    refuse(missing["start"] != missing["end"], "has only one of start and end: give both, or leave out both")
    refuse(start < 0, "starts before 0, at {}: give seconds from the first picture of its video")
    refuse(end < start, "ends before its start, at {}: exchange them", "end")
    return start, end


def _videos(table: pd.DataFrame, origin: str) -> pd.Series[Any]:
    """Return the name of each clip's video as text, empty where it has none."""
    if "video" not in table.columns:
        return pd.Series("", table.index, dtype="category")
    videos = table["video"]
    if videos.dtype == object and not holds_texts(videos):
        odd = next((video for video in videos[videos.notna()] if not isinstance(video, (str, Real))), None)
        if odd is not None:
            raise CorpusError(f"The name of a video{origin} must be a text, not {described(odd)}: give its path or id.")
    texts = videos.astype(object).where(videos.notna(), "") if videos.isna().any() else videos
    return texts.astype(str).astype("category")


def _numbers(
    table: pd.DataFrame, name: str, whole: bool, origin: str, largest: float = _LARGEST, gaps: bool = True
) -> NDArray[np.float64]:
    """Return a column of numbers from 0 to `largest`, float64 (n,); if `gaps` are allowed, missing ones become 0."""
    values, missing = seconds(table[name]), table[name].isna().to_numpy(dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        bad = ~((values >= 0) & (values <= largest)) | ((np.floor(values) != values) if whole else False)
    bad &= ~(missing & gaps)
    if bad.any():
        row = int(np.argmax(bad))
        value = described(table[name].iloc[row : row + 1].tolist()[0])
        kind = f"a whole number from 0 to {largest}" if whole else "a number from 0 on"
        rest = ", or leave it out" if gaps else f", or rename the column {name}"
        raise CorpusError(f"The clip {table.index[row]!r}{origin} has the {name} {value}: give {kind}{rest}.")
    return np.where(missing, 0, values)


def _completed(table: pd.DataFrame, matrix: NDArray[np.float16]) -> pd.DataFrame:
    """Return the table with clusters, and the corpus's own columns first."""
    if "cluster" not in table.columns:
        table = table.assign(cluster=clusters(matrix))
    own = [*COLUMNS, *(name for name in HIDDEN if name in table.columns)]
    return table[[*own, *(name for name in table.columns if name not in own)]]


def _checked_texts(texts: Mapping[str, ArrayLike] | None, dim: int) -> dict[str, NDArray[np.float32]]:
    """Return the vectors of phrases, float32 (dim,), L2-normalised. Raises CorpusError for any that is refused."""
    if texts is None:
        return {}
    checked = {}
    expected = "a mapping {phrase: vector}"
    texts = arguments.instance(texts, Mapping, "text_embeddings", expected, error=CorpusError)
    for phrase, values in texts.items():
        arguments.text(phrase, "A phrase of text_embeddings", error=CorpusError)
        try:
            vector = np.asarray(values, dtype=np.float32)
        except (ValueError, TypeError) as error:
            raise CorpusError(
                f"The text embedding of {phrase!r} must be a vector ({dim},) of numbers, not {described(values)}."
            ) from error
        if vector.shape != (dim,) or not np.isfinite(vector).all() or not vector.any():
            raise CorpusError(f"The text embedding of {phrase!r} must be a finite vector ({dim},), not {vector.shape}.")
        checked[phrase] = vector / np.linalg.norm(vector)
    return checked


def _digest(matrix: NDArray[Any]) -> str:
    return f"given:{hashlib.sha256(matrix[:_ROWS_DIGESTED].tobytes()).hexdigest()[:16]}"
