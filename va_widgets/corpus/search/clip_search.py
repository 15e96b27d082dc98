"""Search over the clips of a corpus, by texts, vectors and clips."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.errors import ArgumentError, SearchUnavailableError
from va_widgets.base.matrix import products
from va_widgets.base.paths import exists, inside
from va_widgets.corpus.manifest import MOTION, index_file
from va_widgets.corpus.search.exact import nearest
from va_widgets.corpus.search.index import Index, build_index, open_index
from va_widgets.corpus.search.spread import Spread
from va_widgets.corpus.search.text_model import TextModel, TextSearch
from va_widgets.corpus.storage import Files

FLAT = "These words do not tell your clips apart: try other words."
"""The note on a search whose scores hardly differ from clip to clip."""
_LONGEST_READ = 160  # characters of a long text's part that are shown
_LISTED_PHRASES = 5  # in an error message


class ClipSearch:
    """Search over the open `files` of the corpus in `path`, whose row i is the clip `clip_ids[i]`.

    `by_index` makes it approximate, by an index that is built if the folder has none; otherwise it is exact.
    """

    def __init__(
        self, path: Path, files: Files, clip_ids: pd.Index, text_model: TextModel, *, by_index: bool = False
    ) -> None:
        self._path = path
        self._files = files
        self._manifest = files.manifest
        self._clip_ids = clip_ids
        self._text_model = text_model
        self.phrases = files.texts
        self._index = _open_index(path, files) if by_index else None

    @property
    def has_text_model(self) -> bool:
        """Whether there is an encoder for texts, loaded or named by the manifest; it may still fail to load."""
        return self._text_model.encoder is not None or self._manifest.tag is not None

    @property
    def text_search(self) -> TextSearch:
        """Whether any text can be searched for now, and if not, what is wrong and what to do. Loads nothing."""
        if self.has_text_model:
            return self._text_model.status
        return TextSearch("ready") if self.phrases else TextSearch("unavailable", self._no_text_model())

    def text_vector(self, text: str) -> NDArray[np.float32]:
        """Return a text as an L2-normalised vector, float32 (dim,). Raises SearchUnavailableError if it cannot be."""
        if not arguments.text(text, "The text to search for").strip():
            raise SearchUnavailableError("There is nothing to search for: type what the clips should show.")
        if text in self.phrases:
            return self.phrases[text]
        if not self.has_text_model:
            raise SearchUnavailableError(self._no_text_model())
        return self._text_model.embed(text, self._manifest, self._path)

    def cut_text(self, text: str) -> str | None:
        """Return the part of a too long text that the model reads; None if it reads all, or is not loaded."""
        return None if text in self.phrases else self._text_model.cut_text(text)

    def resembles_nonsense(self, text: str, vector: NDArray[np.float32]) -> bool:
        """Return whether the loaded model gives a text, of this vector (dim,), one like strings without meaning."""
        return text not in self.phrases and self._text_model.resembles_nonsense(vector)

    def nearest(self, vector: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None = None) -> pd.DataFrame:
        """Return the `k` clips nearest to a vector (dim,): DataFrame(clip_id, score), best first.

        Only clips in the rows of `among`, bool (n,), are returned, which takes an exact search.
        """
        self._files.check_embeddings()
        if self._index is None or among is not None:
            rows, scores = nearest(self._files.embeddings, vector, k, among)
        else:
            rows, scores = self._index.nearest(vector, k)
        return pd.DataFrame({"clip_id": self._clip_ids[rows], "score": scores})

    def nearest_to_text(
        self, vector: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None = None, *, nonsense: bool
    ) -> pd.DataFrame:
        """Return the `k` clips nearest to a text's vector (dim,), with FLAT as `attrs["note"]` if they hardly differ.

        Whether they differ is only checked for a text that resembles `nonsense`; otherwise the note is empty.
        """
        matches = self.nearest(vector, k, among)
        flat = nonsense and len(matches) > 0 and self._spread.is_flat(vector, float(matches["score"].iloc[0]))
        matches.attrs["note"] = FLAT if flat else ""
        return matches

    def similarities(self, text: str) -> NDArray[np.float32]:
        """Return the cosine of a text and every clip, float32 (n,), off by less than 0.001.

        Raises SearchUnavailableError if the text cannot be embedded.
        """
        vector = self.text_vector(text)
        self._files.check_embeddings()
        return products(self._files.embeddings, vector)

    @cached_property
    def _spread(self) -> Spread:
        self._files.check_embeddings()
        return Spread.of(self._files.embeddings)

    def _no_text_model(self) -> str:
        known = ", ".join(repr(phrase) for phrase in list(self.phrases)[:_LISTED_PHRASES])
        hint = f"{known} …" if known else "clips that look alike"
        moves = "camera moves such as “pan left”, and for " if MOTION in self._manifest.views else ""
        return (
            f"This corpus has no text encoder, so it can be searched only for {moves}{hint}:"
            " open it with encoder=… for any text."
        )


def cut_note(part: str | None) -> str:
    """Return the sentence about a text of which the model reads only `part`; empty if it reads all of it."""
    if part is None:
        return ""
    shown = part if len(part) <= _LONGEST_READ else f"{part[:_LONGEST_READ].rstrip()} …"
    return f"Only the first words are read: “{shown}”."


def rows_where(where: object, clip_ids: pd.Index) -> NDArray[np.bool_] | None:
    """Return which rows a filter of clips lets pass, bool (n,); None without one.

    A filter is a Series of booleans indexed by clip_id, where clips that it does not name do not pass, or n booleans in
    the order of the clips. Raises ArgumentError for anything else.
    """
    if where is None:
        return None
    if isinstance(where, pd.Series) and where.index.is_unique and pd.api.types.is_bool_dtype(where):
        return where.reindex(clip_ids, fill_value=False).fillna(False).to_numpy(dtype=bool)
    flags = np.asarray(where)
    if isinstance(where, pd.Series) or flags.dtype != np.bool_ or flags.shape != (len(clip_ids),):
        raise ArgumentError(
            f"A filter of clips is a Series of booleans by clip_id, or {len(clip_ids):,} booleans in the order of"
            f" corpus.clips, not {arguments.described(where)}."
        )
    return flags


def _open_index(path: Path, files: Files) -> Index:
    """Return the index of a corpus's matrix, which is built if there is none yet."""
    file = inside(path, index_file(files.manifest))
    return open_index(file, files.embeddings) if exists(file) else build_index(files.embeddings, file)
