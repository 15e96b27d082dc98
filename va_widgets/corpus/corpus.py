"""The corpus: clips, their embeddings and pictures, and search over them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from va_widgets import arguments
from va_widgets.arguments import described, is_one_of
from va_widgets.corpus import store
from va_widgets.corpus.display import (
    Player,
    Sample,
    Summary,
    Thumbnail,
    clip_title,
    first_frame,
    map_2d,
    summary_html,
    summary_text,
)
from va_widgets.corpus.encoders import Encoder, OpenClipEncoder, as_encoder
from va_widgets.corpus.frames import STRIP_MIME, Filmstrip
from va_widgets.corpus.index import Index, build_index, open_index
from va_widgets.corpus.search import nearest
from va_widgets.corpus.sources import is_url
from va_widgets.corpus.store import Manifest, Source
from va_widgets.corpus.tables import Vectors
from va_widgets.errors import (
    CorpusError,
    EncoderError,
    EncoderMismatchError,
    PreviewUnavailableError,
    SearchUnavailableError,
    UnknownClipError,
)

FRAMES_PER_SHOT = 8
SearchBy: TypeAlias = Literal["exact", "index"]
_SAMPLES = 8  # pictures in a summary
_PREVIEWS = 2  # the kind of preview that is cut now; those of kind 1 had no sound, and are cut anew


class Corpus:
    """A folder with the shots of many videos, embedded and searchable. Made by `build`, `open` or `from_embeddings`."""

    def __init__(self, path: str | Path, encoder: str | Encoder | None = None, search: SearchBy = "exact") -> None:
        if not is_one_of(search, get_args(SearchBy)):
            raise CorpusError(f"A corpus is searched by {' or '.join(get_args(SearchBy))}, not by {described(search)}.")
        self.path = _home(path)
        if encoder is not None:
            encoder = as_encoder(encoder)
        self._tower = _TextTower(encoder)
        self._search_by: SearchBy = search
        self._load()

    def _load(self) -> None:
        files = store.open_files(self.path)
        manifest, matrix = files.manifest, files.embeddings
        clips = files.clips.read([name for name in files.clips.names if name not in store.HIDDEN])
        if matrix.shape != (len(clips), manifest.dim) or matrix.dtype != np.float16:
            raise CorpusError(
                f"The embeddings in {self.path} have the shape {matrix.shape}, but there are {len(clips)} clips of"
                f" {manifest.dim} dimensions: copy the whole folder again, or build the corpus again."
            )
        self._files = files
        self._manifest = manifest
        self._clips = clips
        self._embeddings: NDArray[np.float16] = matrix
        self._texts = files.texts
        self._media_table: pd.DataFrame | None = None
        self._index = self._indexed() if self._search_by == "index" else None

    def _indexed(self) -> Index:
        """The index of this matrix, made if it is not there yet."""
        file = self.path / store.index_file(self._manifest)
        if file.is_file():
            return open_index(file, self._embeddings)
        return build_index(self._embeddings, file)

    # --- making one ------------------------------------------------------------------------------

    @classmethod
    def build(
        cls,
        path: str | Path,
        videos: str | Path | Iterable[str | Path],
        encoder: str | Encoder = "va-tiny",
        *,
        frames_per_shot: int = FRAMES_PER_SHOT,
        window: float | None = None,
        pictures: bool | None = None,
        progress: bool = True,
    ) -> Self:
        """Make a corpus of videos in the folder `path`, or add to it what is new; a second call does nothing.

        A build that was interrupted, however hard, goes on where it was with the same call. Files that are no longer in
        their folder leave the corpus, and come back with their labels when they do.

        Parameters
        ----------
        videos : folder, or files and URLs
            A folder is searched with all folders in it. URLs such as "s3://bucket/film.mp4" are read through fsspec.
            What cannot be used is listed in `report`.
        encoder : str or Encoder
            "va-tiny" (knows the demo's videos only), an OpenCLIP model such as "ViT-B-32/laion2b_s34b_b79k",
            "local-dir:FOLDER", or an object of your own.
        frames_per_shot : int
            Frames sampled of each shot, for its embedding and its filmstrip.
        window : float, optional
            Cut into pieces of so many seconds instead of shots.
        pictures : bool, optional
            Whether pictures in the folder are taken, each as a clip of one frame. They are where it holds no videos.
        progress : bool
            Show a bar with the time that is left.

        Raises
        ------
        NoVideosError
            If there are no videos, or none that can be used.
        EncoderError
            If there is no such encoder, or it cannot be loaded.
        EncoderMismatchError
            If the corpus was made with another encoder.
        CorpusError
            If another build is at work in the folder, it was made with other numbers, or there is no space left.
        """
        from va_widgets.corpus.build import Recipe, Wanted, build
        from va_widgets.corpus.sources import find

        home = _home(path)
        recipe = Recipe.of(_frames(frames_per_shot), window)
        places = find(_videos(videos), _pictures(pictures))
        progress = arguments.flag(progress, "progress")
        model = as_encoder(encoder)
        build(home, places, model, Wanted(recipe), progress)
        return cls(home, model)

    def add(
        self, videos: str | Path | Iterable[str | Path], *, pictures: bool | None = None, progress: bool = True
    ) -> Self:
        """Add videos to this corpus, made into clips the way its own were. Returns the corpus, which has grown.

        A session that is open goes on with the clips it knows. Raises what `build` does.
        """
        from va_widgets.corpus.build import Recipe, Wanted, build
        from va_widgets.corpus.sources import find

        recipe = Recipe.former(self._manifest)
        if recipe.cut in (store.SEGMENTS, store.GIVEN):
            how = "from_manifest" if recipe.cut == store.SEGMENTS else "from_embeddings"
            raise CorpusError(f"This corpus was made by {how}, which knows no shots: add videos by another call of it.")
        wanted = Wanted(recipe, retire=False)
        progress = arguments.flag(progress, "progress")
        places = find(_videos(videos), _pictures(pictures))
        build(self.path, places, self._tower.encoder(self.path, self._manifest), wanted, progress)
        self._load()
        return self

    @classmethod
    def open(cls, path: str | Path, encoder: str | Encoder | None = None, *, search: SearchBy = "exact") -> Self:
        """Open a corpus. `encoder` is only needed for text search if it is one of your own.

        `search="index"` searches by an approximate index, which pays from some five million clips on; it is made when
        it is first asked for. Otherwise search is exact, in one pass over the embeddings.

        Raises CorpusError if there is none, EncoderMismatchError if it was made with another encoder.
        """
        home = _home(path)
        model = None if encoder is None else as_encoder(encoder)
        if model is not None:
            _check_encoder(home, store.read_manifest(home), model)
        return cls(home, model, search)

    @classmethod
    def from_manifest(
        cls,
        path: str | Path,
        table: pd.DataFrame | str | Path,
        encoder: str | Encoder = "va-tiny",
        *,
        videos: str | Path | None = None,
        frames_per_shot: int = FRAMES_PER_SHOT,
        progress: bool = True,
    ) -> Self:
        """Make a corpus of the clips that a table names, or add to it those that are new; may be interrupted.

        Videos of an earlier table that this one does not name stay as they are; of those that it names, the clips are
        the ones it names now.

        Parameters
        ----------
        table : DataFrame, or path of a .csv or .parquet file, with columns video, start and end
            `start` and `end` are seconds, or texts such as "01:02:03.5". A column `clip_id` names the clips; all others
            are yours and are kept. Rows that cannot be used are listed in `report`.
        videos : folder, optional
            What the names of videos start from: the table file's folder if it is not given, or where you are. URLs
            stand for themselves.

        The other parameters, and what is raised, are those of `build`.
        """
        from va_widgets.corpus.build import Recipe, build
        from va_widgets.corpus.manifest import planned

        home = _home(path)
        recipe = Recipe(Recipe.of(_frames(frames_per_shot), None).frames, store.SEGMENTS)
        progress = arguments.flag(progress, "progress")
        if videos is not None:
            arguments.path(videos, "The folder of the videos", error=CorpusError)
        model = as_encoder(encoder)
        places, wanted = planned(table, videos, recipe)
        build(home, places, model, wanted, progress)
        return cls(home, model)

    @classmethod
    def from_embeddings(
        cls,
        path: str | Path,
        embeddings: ArrayLike | str | Path | Vectors,
        clips: pd.DataFrame | str | Path,
        text_encoder: str | Encoder | None = None,
        text_embeddings: Mapping[str, ArrayLike] | None = None,
    ) -> Self:
        """Make a corpus in `path` of vectors that you have already. It has no filmstrips and nothing to play.

        Parameters
        ----------
        embeddings : float (n, dim), or path of a .npy, .h5 or .parquet file
            One vector a clip; they are L2-normalised and kept as float16.
        clips : DataFrame of n rows, or path of a .csv or .parquet file
            Indexed by clip_id, or with a column of that name. Columns such as video, start and end are used; all
            others are kept.
        text_encoder : str or Encoder
            What texts are searched with.
        text_embeddings : {phrase: vector (dim,)}
            Instead of a text encoder: the phrases that can be searched for.

        Raises CorpusError if shapes do not match, values are not finite, clip ids repeat, or `path` holds a corpus.
        """
        from va_widgets.corpus.given import write_given

        home = _home(path)
        model = None if text_encoder is None else as_encoder(text_encoder)
        write_given(home, embeddings, clips, model, text_embeddings)
        return cls(home, model)

    def with_columns(self, columns: pd.DataFrame) -> Self:
        """The corpus with more columns, which are also written to its folder.

        `columns` is indexed by clip_id, or has a column of that name; clips it does not name get missing values.
        Raises CorpusError for names of the corpus's own columns, and for a table that names a clip twice or none of
        the corpus's; the corpus then stays as it was.
        """
        from va_widgets.corpus.build import renew_columns

        columns = self._checked_columns(columns)
        user = self._clips.drop(columns=[name for name in columns.columns if name in self._clips.columns])
        renew_columns(self.path, self._manifest, user.join(columns).join(self._media))
        return type(self)(self.path, self._tower.given, self._search_by)

    def _checked_columns(self, columns: pd.DataFrame) -> pd.DataFrame:
        """Columns of the user's, indexed by clip_id. Raises CorpusError for those that cannot be joined to clips."""
        wanted = "a DataFrame indexed by clip_id"
        table = arguments.instance(columns, pd.DataFrame, "The columns to add", wanted, error=CorpusError)
        table = table.set_index("clip_id") if list(table.columns).count("clip_id") == 1 else table
        if len(table) and not table.index.isin(self._clips.index).any():
            raise CorpusError("The columns to add name no clip of this corpus: index their table by clip_id.")
        if not table.index.is_unique:
            twice = table.index[table.index.duplicated()][0]
            raise CorpusError(f"The columns to add name the clip {described(twice)} twice: give one row a clip.")
        for number, name in enumerate(table.columns):
            if not isinstance(name, str):
                raise CorpusError(f"A column's name must be a text, not {described(name)}: rename it.")
            if name in store.COLUMNS or name.startswith("_"):
                raise CorpusError(f"The column {name!r} is the corpus's own: give yours another name.")
            if name in table.columns[:number]:
                raise CorpusError(f"The column {name!r} comes twice: give each a name of its own.")
        return table

    # --- copies --------------------------------------------------------------------------------------

    def __reduce__(self) -> tuple[Callable[..., Corpus], tuple[Any, ...]]:
        """Pickled is where the corpus is and how it was opened, not what it holds; unpickling opens it again.

        An encoder of the user's own is pickled with it, one that the corpus's manifest names is not.
        """
        encoder: str | Encoder | None = self._tower.given
        if isinstance(encoder, OpenClipEncoder):
            encoder = None if encoder.tag == self._manifest.tag else encoder.tag
        return type(self), (self.path.absolute(), encoder, self._search_by)

    def __copy__(self) -> Self:
        """A second view of the same clips and the same memory, which stays as it is when this one grows."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The same with a table of clips of its own; the matrix, which nobody can write to, stays one."""
        other = memo[id(self)] = copy(self)
        other._clips = self._clips.copy()
        return other

    # --- what it holds ---------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._clips)

    def __repr__(self) -> str:
        videos = self._clips["video"].nunique()
        return f"Corpus({str(self.path)!r}: {len(self):,} clips of {videos:,} videos, {self._manifest.dim}-d)"

    def __str__(self) -> str:
        return summary_text(self._summary())

    def _repr_html_(self) -> str:
        return summary_html(self._summary(), self._samples())

    def _summary(self) -> Summary:
        statuses = pd.Series([source.status for source in self._sources], dtype=str).value_counts()
        return Summary(
            path=str(self.path),
            clips=len(self),
            videos=int(self._clips["video"].nunique()),
            seconds=float((self._clips["end"] - self._clips["start"]).sum()),
            dim=self._manifest.dim,
            encoder=self._manifest.fingerprint,
            statuses={name: int(statuses.get(name, 0)) for name in store.STATUSES},
            searchable=self._tower.given is not None or self._manifest.tag is not None,
            phrases=len(self._texts),
            columns=[str(name) for name in self._clips.columns if name not in store.COLUMNS],
        )

    def _samples(self) -> list[Sample]:
        """Pictures from all over the corpus."""
        samples = []
        for row in np.unique(np.linspace(0, len(self) - 1, _SAMPLES).round().astype(int)):
            clip = str(self._clips.index[row])
            try:
                picture = first_frame(self.filmstrip(clip))
            except CorpusError:  # this one has none, which does not hinder the others
                continue
            place = self._clips.iloc[row]
            samples.append(Sample(picture, str(place["video"]), float(place["start"])))
        return samples

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
        """What became of every source: DataFrame(source, status, reason, clips, seconds).

        `status` is "done", "partial" (the good part of a damaged file was taken), "skipped" or "gone".
        """
        rows = [(one.source, one.status, one.reason, one.clips, one.seconds) for one in self._sources]
        return pd.DataFrame(rows, columns=["source", "status", "reason", "clips", "seconds"])

    @property
    def _sources(self) -> list[Source]:
        return self._files.sources()

    @property
    def encoder_fingerprint(self) -> str:
        """Tells which encoder the embeddings are of."""
        return self._manifest.fingerprint

    @property
    def frames_per_shot(self) -> int:
        """How many pictures a filmstrip has."""
        return self._manifest.frames_per_shot

    def map(self, seed: int = 0) -> pd.DataFrame:
        """A place in the plane for every clip, such that clips that look alike lie together: DataFrame(x, y)."""
        return pd.DataFrame(map_2d(self._embeddings, arguments.seed(seed)), index=self._clips.index, columns=["x", "y"])

    def row(self, clip_id: str) -> int:
        """The row of a clip. Raises UnknownClipError."""
        if not isinstance(clip_id, str):
            raise UnknownClipError(f"A clip id is a text, not {described(clip_id)}: see corpus.clips.index.")
        try:
            return int(self._clips.index.get_loc(clip_id))  # type: ignore[arg-type]  # the index is unique
        except KeyError as error:
            raise UnknownClipError(
                f"There is no clip {described(clip_id)} in this corpus: see corpus.clips.index."
            ) from error

    # --- search ----------------------------------------------------------------------------------

    @property
    def searchable(self) -> bool:
        """Whether there is anything to search texts with."""
        return self._tower.given is not None or self._manifest.tag is not None or bool(self._texts)

    def search(self, text: str, k: int = 24) -> pd.DataFrame:
        """The `k` clips nearest to a text: DataFrame(clip_id, score = cosine), best first.

        Raises SearchUnavailableError if the text cannot be embedded, ArgumentError if it is none or `k` is no whole
        number.
        """
        k = arguments.count(k, "k")
        return self._found(self.text_embedding(text), k)

    def similar(self, clip_id: str, k: int = 24) -> pd.DataFrame:
        """The `k` clips most like a clip, itself left out: DataFrame(clip_id, score = cosine), best first.

        Raises UnknownClipError.
        """
        row, k = self.row(clip_id), arguments.count(k, "k")
        found = self._found(np.asarray(self._embeddings[row], dtype=np.float32), k + 1)
        return found[found["clip_id"] != clip_id].head(k).reset_index(drop=True)

    def text_embedding(self, text: str) -> NDArray[np.float32]:
        """A text as an L2-normalised vector, float32 (dim,). Raises SearchUnavailableError if it cannot be made."""
        if not arguments.text(text, "The text to search for").strip():
            raise SearchUnavailableError("There is nothing to search for: type what the clips should show.")
        if text in self._texts:
            return self._texts[text]
        if self._tower.given is None and self._manifest.tag is None:
            known = ", ".join(repr(phrase) for phrase in list(self._texts)[:5])
            hint = f"only for {known} …" if known else "only for clips that look alike"
            raise SearchUnavailableError(
                f"This corpus has no text encoder, so it can be searched {hint}: open it with encoder=… for any text."
            )
        try:
            encoder = self._tower.encoder(self.path, self._manifest)
        except (EncoderError, EncoderMismatchError) as error:
            raise SearchUnavailableError(f"The corpus cannot be searched by text. {error}") from error
        vector = encoder.encode_text([text])[0]
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), dtype=np.float32)

    def _found(self, vector: NDArray[np.float32], k: int) -> pd.DataFrame:
        by = self._index
        rows, scores = nearest(self._embeddings, vector, k) if by is None else by.nearest(vector, k)
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
            data = store.read_strip(self.path, media["_shard"], media["_strip_at"], media["_strip_bytes"])
        except OSError as error:
            raise CorpusError(f"The pictures of clip {clip_id} are gone from {self.path}: copy it again.") from error
        return Filmstrip(media["_strip_frames"], media["_strip_width"], media["_strip_height"], STRIP_MIME, data)

    def thumbnail(self, clip_id: str) -> Thumbnail:
        """A clip's pictures, shown as the last thing in a cell. Raises what `filmstrip` does."""
        return Thumbnail(self.filmstrip(clip_id), self._title(clip_id))

    def play(self, clip_id: str) -> Player:
        """A clip that plays as the last thing in a cell, or its pictures and why it cannot. Raises UnknownClipError."""
        title = self._title(clip_id)
        try:
            return Player(self.preview(clip_id), title)
        except PreviewUnavailableError as error:
            reason = str(error)
        try:
            return Player(None, title, self.thumbnail(clip_id), reason)
        except CorpusError:  # it has no pictures either: the reason is what there is to show
            return Player(None, title, None, reason)

    def preview(self, clip_id: str, context: float = 0.0) -> bytes:
        """A clip as a small H.264 file with its sound, cut from its video when it is first asked for.

        `context` is how many seconds before and after it come with it, as far as the video has them. Raises
        UnknownClipError, or PreviewUnavailableError if the video is gone.
        """
        from va_widgets.corpus.preview import cut

        media = self._media_of(clip_id)
        context = arguments.number(context, "context", least=0)
        clip = self._clips.iloc[self.row(clip_id)]
        if media is None:
            raise PreviewUnavailableError("There is no video of this clip: the corpus was made of embeddings alone.")
        if clip["end"] <= clip["start"]:
            raise PreviewUnavailableError("This clip is a picture: there is nothing to play.")
        folder = self.path / store.PREVIEWS_FOLDER
        around = f"+{context:g}" if context else ""
        cached = folder / f"{store.file_name(clip_id)}{around}.{_PREVIEWS}.mp4"
        if cached.is_file():
            return cached.read_bytes()
        source = self._source_of(media["_root"], str(clip["video"]))
        data = cut(source, float(clip["start"]), float(clip["end"]), context)
        if os.access(self.path, os.W_OK):
            unfinished = cached.with_name(f".{cached.stem}.{os.getpid()}.{threading.get_ident()}.part")
            try:
                folder.mkdir(exist_ok=True)
                unfinished.write_bytes(data)
                os.replace(unfinished, cached)
            except OSError:  # no space is left: it plays all the same, and is cut again next time
                unfinished.unlink(missing_ok=True)
        return data

    def _title(self, clip_id: str) -> str:
        clip = self._clips.iloc[self.row(clip_id)]
        return clip_title(str(clip["video"]), float(clip["start"]), float(clip["end"]))

    @property
    def _media(self) -> pd.DataFrame:
        """Where the pictures of clips are; read when the first is asked for."""
        if self._media_table is None:
            table = self._files.clips.read(store.HIDDEN)
            if "_key" in table and "_shard" not in table:  # schema 1
                table = table.assign(_shard=table["_key"])
            self._media_table = table
        return self._media_table

    def _media_of(self, clip_id: str) -> dict[str, Any] | None:
        row = self.row(clip_id)
        media = self._media
        if "_shard" not in media or pd.isna(media["_shard"].iloc[row]):
            return None
        words = ("_key", "_shard")
        return {
            str(name): str(media[name].iloc[row]) if name in words else int(media[name].iloc[row]) for name in media
        }

    def _source_of(self, root: int, video: str) -> Path | str:
        place = self._manifest.roots[root]
        if not place.absolute:
            if not is_url(video) or video.startswith(("file:", "local:")):
                raise CorpusError(f"The source {video!r} is no URL: the corpus was tampered with.")
            return video
        places = [self.path / place.relative] if place.relative else []
        for folder in (*places, Path(place.absolute)):
            file = store.inside(folder, video)
            if file.is_file():
                return file
        raise PreviewUnavailableError(f"The video {video} is no longer in {place.absolute}: put it back to play it.")


def _home(path: str | Path) -> Path:
    return Path(arguments.path(path, "A corpus's folder", error=CorpusError))


def _frames(number: int) -> int:
    return arguments.count(number, "frames_per_shot", least=1, error=CorpusError)


def _pictures(taken: bool | None) -> bool | None:
    return None if taken is None else arguments.flag(taken, "pictures")


def _videos(videos: str | Path | Iterable[str | Path]) -> str | Path | list[str | Path]:
    """A folder, or files and URLs as a list. Raises CorpusError for anything else."""

    def checked(file: object, name: str) -> str | Path:
        place = arguments.path(file, name, error=CorpusError)
        return place if isinstance(place, str) else Path(place)

    if isinstance(videos, (str, os.PathLike)):
        return checked(videos, "videos")
    files = arguments.items(videos, "videos", "a folder, or a list of files and URLs", error=CorpusError)
    return [checked(file, "Each of the videos") for file in files]


class _TextTower:
    """The encoder that texts are embedded with: the one that was given, or the corpus's own once it is needed."""

    def __init__(self, given: Encoder | None) -> None:
        self.given = given

    def encoder(self, path: Path, manifest: Manifest) -> Encoder:
        """The encoder. Raises EncoderError or EncoderMismatchError if the corpus's own cannot be had."""
        if self.given is None:
            if manifest.tag is None:
                raise EncoderError(f"The corpus in {path} does not say which encoder it needs: open it with encoder=….")
            model = OpenClipEncoder(manifest.tag)
            _check_encoder(path, manifest, model)
            self.given = model
        return self.given


def _check_encoder(path: Path, manifest: Manifest, encoder: Encoder) -> None:
    if encoder.fingerprint != manifest.fingerprint:
        raise EncoderMismatchError(
            f"The corpus in {path} was made with the encoder {manifest.fingerprint}, not {encoder.fingerprint}: open it"
            " with that encoder, or build it again in another folder."
        )
