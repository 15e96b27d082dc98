"""The corpus: clips, their embeddings and pictures, and search over them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from va_widgets.corpus import store
from va_widgets.corpus.encoders import Encoder, OpenClipEncoder, as_encoder
from va_widgets.corpus.frames import STRIP_MIME, Filmstrip
from va_widgets.corpus.search import nearest
from va_widgets.corpus.store import Manifest
from va_widgets.errors import (
    CorpusError,
    EncoderError,
    EncoderMismatchError,
    PreviewUnavailableError,
    SearchUnavailableError,
    UnknownClipError,
)

FRAMES_PER_SHOT = 8


class Corpus:
    """A folder with the shots of many videos, embedded and searchable. Made by `build`, `open` or `from_embeddings`."""

    def __init__(self, path: Path, manifest: Manifest, encoder: Encoder | None = None) -> None:
        self.path = path
        self._manifest = manifest
        self._encoder = encoder
        table = pd.read_parquet(path / manifest.clips_file)
        self._media = table[[name for name in store.HIDDEN if name in table.columns]]
        self._clips = table.drop(columns=self._media.columns)
        matrix = np.load(path / manifest.embeddings_file, mmap_mode="r", allow_pickle=False)
        if matrix.shape != (len(table), manifest.dim) or matrix.dtype != np.float16:
            raise CorpusError(
                f"The embeddings in {path} have the shape {matrix.shape}, but there are {len(table)} clips of"
                f" {manifest.dim} dimensions: copy the whole folder again, or build the corpus again."
            )
        self._embeddings: NDArray[np.float16] = matrix
        self._texts = _read_texts(path, manifest)

    # --- making one ------------------------------------------------------------------------------

    @classmethod
    def build(
        cls,
        path: str | Path,
        videos: str | Path | Iterable[str | Path],
        encoder: str | Encoder = "va-tiny",
        *,
        frames_per_shot: int = FRAMES_PER_SHOT,
        progress: bool = True,
    ) -> Self:
        """Make a corpus of videos in the folder `path`, or add to it what is new; a second call does nothing.

        Parameters
        ----------
        videos : folder, file, or files
            A folder is searched with all folders in it. Files that cannot be used are listed in `report`.
        encoder : str or Encoder
            "va-tiny" (knows the demo's videos only), an OpenCLIP model such as "ViT-B-32/laion2b_s34b_b79k",
            "local-dir:FOLDER", or an object of your own.
        frames_per_shot : int
            Frames sampled of each shot, for its embedding and its filmstrip.

        Raises
        ------
        NoVideosError
            If there are no videos, or none that can be used.
        EncoderError
            If there is no such encoder, or it cannot be loaded.
        EncoderMismatchError
            If the corpus was made with another encoder.
        CorpusError
            If another build is at work in the folder, or it was made with another `frames_per_shot`.
        """
        from va_widgets.corpus.build import build

        home = Path(path)
        model = as_encoder(encoder)
        build(home, videos, model, frames_per_shot, progress)
        return cls(home, store.read_manifest(home), model)

    @classmethod
    def open(cls, path: str | Path, encoder: str | Encoder | None = None) -> Self:
        """Open a corpus. `encoder` is only needed for text search if it is one of your own.

        Raises CorpusError if there is none, EncoderMismatchError if it was made with another encoder.
        """
        home = Path(path)
        manifest = store.read_manifest(home)
        model = None if encoder is None else as_encoder(encoder)
        if model is not None:
            _check_encoder(home, manifest, model)
        return cls(home, manifest, model)

    @classmethod
    def from_embeddings(
        cls,
        path: str | Path,
        embeddings: ArrayLike,
        clips: pd.DataFrame,
        text_encoder: str | Encoder | None = None,
        text_embeddings: Mapping[str, ArrayLike] | None = None,
    ) -> Self:
        """Make a corpus in `path` of vectors that you have already. It has no filmstrips and nothing to play.

        Parameters
        ----------
        embeddings : float (n, dim)
            One vector a clip; they are L2-normalised and kept as float16.
        clips : DataFrame of n rows
            Indexed by clip_id, or with a column of that name. Columns such as video, start and end are used; all
            others are kept.
        text_encoder : str or Encoder
            What texts are searched with.
        text_embeddings : {phrase: vector (dim,)}
            Instead of a text encoder: the phrases that can be searched for.

        Raises CorpusError if shapes do not match, values are not finite, clip ids repeat, or `path` holds a corpus.
        """
        from va_widgets.corpus.build import clusters, normalised

        home = Path(path)
        if (home / store.MANIFEST_FILE).exists():
            raise CorpusError(f"{home} already holds a corpus: open it with va.Corpus.open, or choose another folder.")
        vectors = np.asarray(embeddings, dtype=np.float32)
        table = clips.set_index("clip_id") if "clip_id" in clips.columns else clips.copy()
        _check_vectors(vectors, table)
        matrix = normalised(vectors)
        table.index = table.index.astype(str).set_names("clip_id")
        table = _completed(table, matrix, clusters)
        model = None if text_encoder is None else as_encoder(text_encoder)
        texts = _checked_texts(text_embeddings, vectors.shape[1])
        home.mkdir(parents=True, exist_ok=True)
        manifest = Manifest(
            schema=store.SCHEMA_VERSION,
            fingerprint=_digest(matrix) if model is None else model.fingerprint,
            tag=getattr(model, "tag", None),
            dim=matrix.shape[1],
            clips=len(table),
            frames_per_shot=1,
            clips_file="",
            embeddings_file="",
            texts_file=None,
            roots=[],
            sources=[],
        )
        return cls(home, store.write_corpus(home, table, matrix, texts, manifest), model)

    def with_columns(self, columns: pd.DataFrame) -> Self:
        """The corpus with more columns, which are also written to its folder.

        `columns` is indexed by clip_id; clips it does not name get missing values. Raises CorpusError for names of
        the corpus's own columns.
        """
        from va_widgets.corpus.build import renew_columns

        own = [name for name in columns.columns if name in store.COLUMNS or str(name).startswith("_")]
        if own:
            raise CorpusError(f"The column {own[0]!r} is the corpus's own: give yours another name.")
        user = self._clips.drop(columns=[name for name in columns.columns if name in self._clips.columns])
        renew_columns(self.path, self._manifest, user.join(columns).join(self._media))
        return type(self)(self.path, store.read_manifest(self.path), self._encoder)

    # --- what it holds ---------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._clips)

    def __repr__(self) -> str:
        videos = self._clips["video"].nunique()
        skipped = sum(source.status == "skipped" for source in self._manifest.sources)
        also = f", {skipped} skipped" if skipped else ""
        return f"Corpus({str(self.path)!r}: {len(self):,} clips of {videos:,} videos{also}, {self._manifest.dim}-d)"

    @property
    def clips(self) -> pd.DataFrame:
        """One row a clip, indexed by clip_id: video, start, end (seconds), …, cluster, and any columns of yours."""
        return self._clips

    @property
    def embeddings(self) -> NDArray[np.float16]:
        """float16 (n, dim), L2-normalised, memory-mapped; row i is clip i."""
        return self._embeddings

    @property
    def report(self) -> pd.DataFrame:
        """What became of every source: DataFrame(source, status, reason, clips, seconds)."""
        rows = [(one.source, one.status, one.reason, one.clips, one.seconds) for one in self._manifest.sources]
        return pd.DataFrame(rows, columns=["source", "status", "reason", "clips", "seconds"])

    @property
    def encoder_fingerprint(self) -> str:
        """Tells which encoder the embeddings are of."""
        return self._manifest.fingerprint

    @property
    def frames_per_shot(self) -> int:
        """How many pictures a filmstrip has."""
        return self._manifest.frames_per_shot

    def row(self, clip_id: str) -> int:
        """The row of a clip. Raises UnknownClipError."""
        try:
            return int(self._clips.index.get_loc(clip_id))  # type: ignore[arg-type]  # the index is unique
        except (KeyError, TypeError) as error:
            raise UnknownClipError(f"There is no clip {clip_id!r} in this corpus: see corpus.clips.index.") from error

    # --- search ----------------------------------------------------------------------------------

    @property
    def searchable(self) -> bool:
        """Whether there is anything to search texts with."""
        return self._encoder is not None or self._manifest.tag is not None or bool(self._texts)

    def search(self, text: str, k: int = 24) -> pd.DataFrame:
        """The `k` clips nearest to a text: DataFrame(clip_id, score = cosine), best first.

        Raises SearchUnavailableError if the text cannot be embedded.
        """
        return self._found(self.text_embedding(text), k)

    def similar(self, clip_id: str, k: int = 24) -> pd.DataFrame:
        """The `k` clips most like a clip, itself left out: DataFrame(clip_id, score = cosine), best first.

        Raises UnknownClipError.
        """
        row = self.row(clip_id)
        found = self._found(np.asarray(self._embeddings[row], dtype=np.float32), k + 1)
        return found[found["clip_id"] != clip_id].head(k).reset_index(drop=True)

    def text_embedding(self, text: str) -> NDArray[np.float32]:
        """A text as an L2-normalised vector, float32 (dim,). Raises SearchUnavailableError if it cannot be made."""
        if not text.strip():
            raise SearchUnavailableError("There is nothing to search for: type what the clips should show.")
        if text in self._texts:
            return self._texts[text]
        if self._encoder is None and self._manifest.tag is None:
            known = ", ".join(repr(phrase) for phrase in list(self._texts)[:5])
            hint = f"only for {known} …" if known else "only for clips that look alike"
            raise SearchUnavailableError(
                f"This corpus has no text encoder, so it can be searched {hint}: open it with encoder=… for any text."
            )
        vector = self._text_encoder().encode_text([text])[0]
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), dtype=np.float32)

    def _text_encoder(self) -> Encoder:
        if self._encoder is None:
            try:
                model = OpenClipEncoder(str(self._manifest.tag))
                _check_encoder(self.path, self._manifest, model)
            except (EncoderError, EncoderMismatchError) as error:
                raise SearchUnavailableError(f"The corpus cannot be searched by text. {error}") from error
            self._encoder = model
        return self._encoder

    def _found(self, vector: NDArray[np.float32], k: int) -> pd.DataFrame:
        rows, scores = nearest(self._embeddings, vector, k)
        return pd.DataFrame({"clip_id": self._clips.index[rows], "score": scores})

    # --- pictures --------------------------------------------------------------------------------

    def filmstrip(self, clip_id: str) -> Filmstrip:
        """The frames of a clip side by side in one JPEG.

        Raises UnknownClipError, or CorpusError if the corpus has no pictures of it.
        """
        media = self._media_of(clip_id)
        if media is None:
            raise CorpusError(f"There are no pictures of clip {clip_id}: this corpus was made of embeddings alone.")
        try:
            data = store.read_strip(self.path, media["_key"], media["_strip_at"], media["_strip_bytes"])
        except OSError as error:
            raise CorpusError(f"The pictures of clip {clip_id} are gone from {self.path}: copy it again.") from error
        return Filmstrip(media["_strip_frames"], media["_strip_width"], media["_strip_height"], STRIP_MIME, data)

    def preview(self, clip_id: str) -> bytes:
        """A clip as a small H.264 file without sound, cut from its video when it is first asked for.

        Raises UnknownClipError, or PreviewUnavailableError if the video is gone.
        """
        from va_widgets.corpus.preview import cut

        media = self._media_of(clip_id)
        clip = self._clips.iloc[self.row(clip_id)]
        if media is None:
            raise PreviewUnavailableError("There is no video of this clip: the corpus was made of embeddings alone.")
        folder = self.path / store.PREVIEWS_FOLDER
        cached = folder / f"{clip_id}.mp4"
        if cached.is_file():
            return cached.read_bytes()
        source = self._source_of(media["_root"], str(clip["video"]))
        data = cut(source, float(clip["start"]), float(clip["end"]))
        if os.access(self.path, os.W_OK):
            folder.mkdir(exist_ok=True)
            unfinished = cached.with_name(f".{clip_id}.{os.getpid()}.part")
            unfinished.write_bytes(data)
            os.replace(unfinished, cached)
        return data

    def _media_of(self, clip_id: str) -> dict[str, Any] | None:
        row = self.row(clip_id)
        if self._media.empty or pd.isna(self._media["_key"].iloc[row]):
            return None
        media = self._media.iloc[row].to_dict()
        return {str(name): value if name == "_key" else int(value) for name, value in media.items()}

    def _source_of(self, root: int, video: str) -> Path:
        place = self._manifest.roots[root]
        places = [self.path / place.relative] if place.relative else []
        for folder in (*places, Path(place.absolute)):
            file = store.inside(folder, video)
            if file.is_file():
                return file
        raise PreviewUnavailableError(f"The video {video} is no longer in {place.absolute}: put it back to play it.")


def _check_encoder(path: Path, manifest: Manifest, encoder: Encoder) -> None:
    if encoder.fingerprint != manifest.fingerprint:
        raise EncoderMismatchError(
            f"The corpus in {path} was made with the encoder {manifest.fingerprint}, not {encoder.fingerprint}: open it"
            " with that encoder, or build it again in another folder."
        )


def _read_texts(path: Path, manifest: Manifest) -> dict[str, NDArray[np.float32]]:
    if manifest.texts_file is None:
        return {}
    with np.load(path / manifest.texts_file, allow_pickle=False) as kept:
        return dict(zip(kept["phrases"].tolist(), kept["vectors"], strict=True))


def _check_vectors(vectors: NDArray[np.float32], table: pd.DataFrame) -> None:
    if vectors.ndim != 2 or len(vectors) != len(table):
        raise CorpusError(f"One vector a clip is needed, not embeddings {vectors.shape} for {len(table)} clips.")
    if not len(vectors):
        raise CorpusError("A corpus needs at least one clip.")
    if not np.isfinite(vectors).all():
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise CorpusError(f"The embedding of clip {table.index[row]!r} holds values that are not finite: leave it out.")
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][0]
        raise CorpusError(f"The clip id {twice!r} comes twice: every clip needs one of its own.")


def _completed(table: pd.DataFrame, matrix: NDArray[np.float16], clusters: Any) -> pd.DataFrame:
    """The table with all of the corpus's own columns."""
    missing: dict[str, str | float] = {
        "video": "", "start": 0.0, "end": 0.0, "frame_in": 0, "frame_out": 0, "fps": 0.0, "width": 0, "height": 0,
    }  # fmt: skip
    for name, value in missing.items():
        if name not in table.columns:
            table = table.assign(**{name: value})
    if "cluster" not in table.columns:
        table = table.assign(cluster=clusters(matrix))
    return table[[*store.COLUMNS, *(name for name in table.columns if name not in store.COLUMNS)]]


def _checked_texts(texts: Mapping[str, ArrayLike] | None, dim: int) -> dict[str, NDArray[np.float32]] | None:
    if not texts:
        return None
    checked = {}
    for phrase, values in texts.items():
        vector = np.asarray(values, dtype=np.float32)
        if vector.shape != (dim,) or not np.isfinite(vector).all() or not vector.any():
            raise CorpusError(f"The text embedding of {phrase!r} must be a finite vector ({dim},), not {vector.shape}.")
        checked[phrase] = vector / np.linalg.norm(vector)
    return checked


def _digest(matrix: NDArray[np.float16]) -> str:
    import hashlib

    return f"given:{hashlib.sha256(matrix[:1000].tobytes()).hexdigest()[:16]}"
