"""Embeddings that somebody has already become a corpus."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from va_widgets import arguments
from va_widgets.arguments import described
from va_widgets.corpus import store
from va_widgets.corpus.build import locked, remove_empty
from va_widgets.corpus.encoders import Encoder
from va_widgets.corpus.join import clusters
from va_widgets.corpus.store import Manifest
from va_widgets.corpus.tables import Vectors, is_encodable, read_table, read_vectors, write_normalised
from va_widgets.errors import CorpusError
from va_widgets.paths import GivenPath, exists

_ROWS_DIGESTED = 1000
_MISSING: dict[str, str | float] = {
    "video": "", "start": 0.0, "end": 0.0, "frame_in": 0, "frame_out": 0, "fps": 0.0, "width": 0, "height": 0,
}  # fmt: skip


def write_given(
    path: Path,
    embeddings: ArrayLike | GivenPath | Vectors,
    clips: pd.DataFrame | GivenPath,
    encoder: Encoder | None,
    texts: Mapping[str, ArrayLike] | None,
) -> None:
    """Write a corpus of vectors (n, dim) and a table of n clips, a block of vectors at a time.

    Raises CorpusError if shapes do not match, values are not finite, clip ids repeat, or `path` holds a corpus.
    """
    store.check_folder(path)
    if exists(path / store.MANIFEST_FILE):
        raise CorpusError(f"{path} already holds a corpus: open it with va.Corpus.open, or choose another folder.")
    vectors = read_vectors(embeddings)
    table = read_table(clips)
    table = table.set_index("clip_id") if "clip_id" in table.columns else table
    _check_names(table)
    if not is_encodable(table.index):
        bad = next(one for one in table.index if not is_encodable(pd.Index([one], dtype=object)))
        raise CorpusError(f"The clip id {described(bad)} is not valid Unicode: give the clip another.")
    table.index = table.index.astype(str).set_names("clip_id")
    n, dim = vectors.shape
    if n != len(table):
        raise CorpusError(f"One vector a clip is needed, not embeddings {vectors.shape} for {len(table)} clips.")
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][0]
        raise CorpusError(f"The clip id {twice!r} comes twice: every clip needs one of its own.")
    if encoder is not None and encoder.dim != dim:
        raise CorpusError(
            f"The embeddings have {dim} dimensions, but the text encoder {encoder.fingerprint} has {encoder.dim}: give"
            " the one that belongs to them."
        )
    phrases = _checked_texts(texts, dim)
    fresh = not exists(path)
    try:
        with locked(path), store.Writing(path) as writing:
            name, matrix = writing.embeddings(n, dim)
            write_normalised(vectors, matrix, table.index)
            table = _completed(table, matrix)
            writing.finish(
                Manifest(
                    schema=store.SCHEMA_VERSION,
                    fingerprint=_digest(matrix) if encoder is None else encoder.fingerprint,
                    tag=getattr(encoder, "tag", None),
                    dim=dim,
                    clips=n,
                    frames_per_shot=1,
                    clips_file=writing.clips(table),
                    embeddings_file=name,
                    texts_file=writing.texts(phrases) if phrases else None,
                    roots=[],
                    cut=store.GIVEN,
                )
            )
    except CorpusError:
        remove_empty(path, fresh)
        raise


def _completed(table: pd.DataFrame, matrix: NDArray[np.float16]) -> pd.DataFrame:
    """The table with all of the corpus's own columns."""
    table = table.assign(**{name: value for name, value in _MISSING.items() if name not in table.columns})
    if "cluster" not in table.columns:
        table = table.assign(cluster=clusters(matrix))
    for name in table.columns:
        if name in store.TYPES and pd.api.types.is_complex_dtype(table[name]):
            raise CorpusError(f"The column {name} holds complex numbers: give real ones.")
    table["video"] = table["video"].astype(str).astype("category")
    try:
        table = table.astype({name: kind for name, kind in store.TYPES.items() if name in store.COLUMNS})
    except (ValueError, TypeError) as error:
        raise CorpusError(
            f"The columns start, end, fps and the like must be numbers without gaps ({error})."
        ) from error
    return table[[*store.COLUMNS, *(name for name in table.columns if name not in store.COLUMNS)]]


def _check_names(table: pd.DataFrame) -> None:
    """Raise CorpusError if a clip has no id, or a column no name of its own that is a text."""
    if table.index.nlevels > 1:
        raise CorpusError(
            f"The table of clips has an index of {table.index.nlevels} levels: index it by clip_id alone."
        )
    if table.index.isna().any():
        row = int(np.argmax(table.index.isna()))
        raise CorpusError(f"The clip in row {row} has no id: every clip needs one of its own.")
    odd = [name for name in table.columns if not isinstance(name, str)]
    if odd:
        raise CorpusError(f"A column's name must be a text, not {described(odd[0])}: rename it.")
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise CorpusError(f"The column {twice!r} comes twice: give each a name of its own.")


def _checked_texts(texts: Mapping[str, ArrayLike] | None, dim: int) -> dict[str, NDArray[np.float32]]:
    checked = {}
    wanted = "a mapping {phrase: vector}"
    given = {} if texts is None else arguments.instance(texts, Mapping, "text_embeddings", wanted, error=CorpusError)
    for phrase, values in given.items():
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
