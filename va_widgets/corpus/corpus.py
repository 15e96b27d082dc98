"""The corpus: clips, their embeddings and pictures, and search over them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import described, is_one_of
from va_widgets.base.errors import (
    CorpusError,
    PreviewUnavailableError,
    SearchUnavailableError,
    UnknownClipError,
)
from va_widgets.base.paths import GivenPath, absolute_path, exists, inside, is_url
from va_widgets.corpus import storage, trust
from va_widgets.corpus.index import Index, build_index, open_index
from va_widgets.corpus.ingest.user_tables import check_names, encodable, index_by_clip
from va_widgets.corpus.ingest.vectors import GivenVectors
from va_widgets.corpus.manifest import (
    COLUMNS,
    GIVEN,
    SEGMENTS,
    Root,
    Source,
    index_file,
    read_manifest,
)
from va_widgets.corpus.media import ClipMedia, kept_preview, preview_name
from va_widgets.corpus.search import Spread, nearest
from va_widgets.corpus.text_model import TextModel, TextSearch, check_encoder
from va_widgets.corpus.tiny_check import warn_if_unlike_renderings
from va_widgets.encoders.protocol import TINY, Encoder, OpenClipEncoder, as_encoder
from va_widgets.video import remote
from va_widgets.video.filmstrip import Filmstrip

if TYPE_CHECKING:
    from va_widgets.display.player import Player, Thumbnail

FRAMES_PER_SHOT = 8
FLAT = "These words do not tell your clips apart: try other words."
"""The note on a search whose scores hardly differ from clip to clip."""
SearchBy: TypeAlias = Literal["exact", "index"]
_LONGEST_READ = 160  # characters of a long text's part that are shown


class Corpus:
    """A folder with the shots of many videos, embedded and searchable. Made by `build`, `open` or `from_embeddings`.

    `path` is absolute: it stays the same folder when the working directory changes.
    """

    def __init__(
        self,
        path: GivenPath,
        encoder: str | Encoder | None = None,
        search: SearchBy = "exact",
        allow: Iterable[str] | str = (),
    ) -> None:
        if not is_one_of(search, get_args(SearchBy)):
            raise CorpusError(f"A corpus is searched by {' or '.join(get_args(SearchBy))}, not by {described(search)}.")
        self.path: Path = absolute_path(path, name="A corpus's folder")
        if encoder is not None:
            encoder = as_encoder(encoder)
        self._tower = TextModel(encoder)
        self._search_by: SearchBy = search
        # Only the user can allow schemes; nothing in the corpus's folder can.
        self._allow = remote.checked_schemes(allow)
        self._granted: frozenset[str] = frozenset()  # places that this object may read videos from
        self._load()

    def _load(self) -> None:
        files = storage.open_files(self.path)
        manifest = files.manifest
        self._files = files
        self._manifest = manifest
        self._clips = files.read_clips()
        self._media = ClipMedia(self.path, files)
        self._embeddings: NDArray[np.float16] = files.embeddings
        self._texts = files.texts
        self._roots: list[Root] = manifest.roots
        self._spread: Spread | None = None
        self._index = self._indexed() if self._search_by == "index" else None

    def _indexed(self) -> Index:
        """The index of this matrix, made if it is not there yet."""
        file = inside(self.path, index_file(self._manifest))
        if exists(file):
            return open_index(file, self._embeddings)
        return build_index(self._embeddings, file)

    # --- making one ------------------------------------------------------------------------------

    @classmethod
    def build(
        cls,
        path: GivenPath,
        videos: GivenPath | Iterable[GivenPath],
        encoder: str | Encoder | None = None,
        *,
        frames_per_shot: int = FRAMES_PER_SHOT,
        window: float | None = None,
        pictures: bool | None = None,
        progress: bool = True,
        allow: Iterable[str] | str = (),
    ) -> Self:
        """Make a corpus of videos in the folder `path`, or add to it what is new; a second call does nothing.

        A build that was interrupted, however hard, goes on where it was with the same call. Files that are no longer in
        their folder leave the corpus, and come back with their labels when they do.

        Parameters
        ----------
        videos : folder, or files and URLs
            A folder is searched with all folders in it. URLs such as "s3://bucket/film.mp4" are read through fsspec.
            What cannot be used is listed in `report`. Their places are trusted from now on: see `trust`.
        encoder : str or Encoder
            An OpenCLIP model such as "PE-Core-B-16/meta" or "ViT-B-32/laion2b_s34b_b79k", "hf-hub:owner/name",
            "local-dir:FOLDER", or an object of your own. "va-tiny" if it is not given: it knows only the demo's
            videos, and one line says so where yours are unlike them.
        frames_per_shot : int
            Frames sampled of each shot, for its embedding and its filmstrip.
        window : float, optional
            Cut into pieces of so many seconds instead of shots.
        pictures : bool, optional
            Whether pictures in the folder are taken, each as a clip of one frame. They are where it holds no videos.
        progress : bool
            Show a bar with the time that is left.
        allow : list of texts, optional
            Schemes of URLs that are followed beside http, https, s3, gs, gcs, az, abfs, abfss and hf, such as "sftp".
            A chain of URLs, such as "zip://a.mp4::https://host/films.zip", needs all of its schemes but the last.
            This holds for the corpus that is returned, and is not written to its folder.

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
        from va_widgets.corpus.build import BuildRequest, ClipSettings, build
        from va_widgets.corpus.sources import find

        home = absolute_path(path, name="A corpus's folder")
        settings = ClipSettings.of(_frames(frames_per_shot), window)
        schemes = remote.checked_schemes(allow)
        places = find(_videos(videos), _pictures(pictures), schemes)
        progress = arguments.flag(progress, "progress")
        model = as_encoder(TINY if encoder is None else encoder)
        build(home, places, model, BuildRequest(settings, allow=schemes), progress)
        trust.remember(home, trust.places_of(places))
        return cls._opened(home, model, schemes, is_default=encoder is None)

    def add(
        self,
        videos: GivenPath | Iterable[GivenPath],
        *,
        pictures: bool | None = None,
        progress: bool = True,
        allow: Iterable[str] | str = (),
    ) -> Self:
        """Add videos to this corpus, made into clips the way its own were. Returns the corpus, which has grown.

        A session that is open goes on with the clips it knows. Raises what `build` does.
        """
        from va_widgets.corpus.build import BuildRequest, ClipSettings, build
        from va_widgets.corpus.sources import find

        settings = ClipSettings.former(self._manifest)
        if settings.cut in (SEGMENTS, GIVEN):
            how = "from_manifest" if settings.cut == SEGMENTS else "from_embeddings"
            raise CorpusError(f"This corpus was made by {how}, which knows no shots: add videos by another call of it.")
        schemes = self._allow | remote.checked_schemes(allow)
        request = BuildRequest(settings, retire=False, allow=schemes)
        progress = arguments.flag(progress, "progress")
        places = find(_videos(videos), _pictures(pictures), schemes)
        build(self.path, places, self._tower.encoder(self._manifest, self.path), request, progress)
        trust.remember(self.path, trust.places_of(places))
        self._allow = schemes
        self._load()
        return self

    @classmethod
    def open(
        cls,
        path: GivenPath,
        encoder: str | Encoder | None = None,
        *,
        search: SearchBy = "exact",
        allow: Iterable[str] | str = (),
    ) -> Self:
        """Open a corpus. `encoder` is only needed for text search if it is one of your own.

        Somebody else's corpus may be opened: it shows its pictures, and plays videos only once you `trust` it. `allow`
        are schemes of its URLs that are followed, as in `build`.

        `search="index"` searches by an approximate index, which pays from some five million clips on; it is made when
        it is first asked for. Otherwise search is exact, in one pass over the embeddings.

        Raises CorpusError if there is none, EncoderMismatchError if it was made with another encoder.
        """
        home = absolute_path(path, name="A corpus's folder")
        model = None if encoder is None else as_encoder(encoder)
        if model is not None:
            check_encoder(home, read_manifest(home), model)
        return cls(home, model, search, allow)

    @classmethod
    def from_manifest(
        cls,
        path: GivenPath,
        table: pd.DataFrame | GivenPath,
        encoder: str | Encoder | None = None,
        *,
        videos: GivenPath | None = None,
        frames_per_shot: int = FRAMES_PER_SHOT,
        progress: bool = True,
        allow: Iterable[str] | str = (),
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
        from va_widgets.corpus.build import ClipSettings, build
        from va_widgets.corpus.ingest.from_manifest import planned

        home = absolute_path(path, name="A corpus's folder")
        settings = ClipSettings(ClipSettings.of(_frames(frames_per_shot), None).frames, SEGMENTS)
        progress = arguments.flag(progress, "progress")
        model = as_encoder(TINY if encoder is None else encoder)
        schemes = remote.checked_schemes(allow)
        places, request = planned(table, videos, settings, schemes)
        build(home, places, model, request, progress)
        trust.remember(home, trust.places_of(places))
        return cls._opened(home, model, schemes, is_default=encoder is None)

    @classmethod
    def _opened(cls, home: Path, model: Encoder, schemes: Collection[str], *, is_default: bool) -> Self:
        """Open a corpus that was just built. Say in one line if the default encoder does not know such videos."""
        built = cls(home, model, allow=schemes)
        if is_default:
            warn_if_unlike_renderings(built.embeddings)
        return built

    @classmethod
    def from_embeddings(
        cls,
        path: GivenPath,
        embeddings: GivenVectors,
        clips: pd.DataFrame | GivenPath,
        text_encoder: str | Encoder | None = None,
        text_embeddings: Mapping[str, ArrayLike] | None = None,
    ) -> Self:
        """Make a corpus in `path` of vectors that you have already. It has no filmstrips and nothing to play.

        Parameters
        ----------
        embeddings : float (n, dim), {clip_id: vector}, DataFrame, or path of a .npy, .h5 or .parquet file
            One vector a clip; they are L2-normalised and kept as float16. Vectors that come with ids of clips (keys,
            the index of a DataFrame, a column or dataset clip_id or id) are brought into the order of `clips`; of
            others the n-th is the n-th clip's.
        clips : DataFrame of n rows, or path of a .csv or .parquet file
            Indexed by clip_id, or with a column of that name; numbers become text. Columns such as video, start and
            end are used; all others are kept. Clips without start and end have no times: they are NaN. Unknown fps,
            width, height and frames are 0.
        text_encoder : str or Encoder
            What texts are searched with.
        text_embeddings : {phrase: vector (dim,)}
            Instead of a text encoder: the phrases that can be searched for.

        Raises CorpusError, before anything is written, if `path` holds a corpus, vectors and clips do not match, ids
        are missing or repeat, times are not finite, a clip ends before its start, or a column cannot be kept as it is;
        also for vectors that are not finite, and then the folder is left as it was.
        """
        from va_widgets.corpus.ingest.from_embeddings import write_given

        home = absolute_path(path, name="A corpus's folder")
        model = None if text_encoder is None else as_encoder(text_encoder)
        write_given(home, embeddings, clips, model, text_embeddings)
        return cls(home, model)

    def with_columns(self, columns: pd.DataFrame) -> Self:
        """The corpus with more columns, which are also written to its folder.

        `columns` is indexed by clip_id, or has a column of that name; clips it does not name get missing values, and
        rows for clips that the corpus does not have are left out, which one line says.

        Raises CorpusError for names of the corpus's own columns, for values that would not come back as they are, and
        for a table that names a clip twice or none of the corpus's; the corpus then stays as it was.
        """
        from va_widgets.corpus.build import renew_columns
        from va_widgets.corpus.ingest.columns import joined

        columns = self._checked_columns(columns)
        user = self._clips.drop(columns=[name for name in columns.columns if name in self._clips.columns])
        renew_columns(self.path, self._manifest, joined(user, columns).join(self._media.table))
        grown = type(self)(self.path, self._tower.given, self._search_by, self._allow)
        grown._granted = self._granted
        return grown

    def relocate(
        self,
        old: GivenPath | None = None,
        new: GivenPath | None = None,
        *,
        missing_ok: bool = False,
        save: bool = True,
    ) -> Self:
        """Say where the videos are now, after they or the corpus were moved: `relocate(new)` or `relocate(old, new)`.

        Clips keep their ids, and nothing is embedded again. Returns the corpus.

        Parameters
        ----------
        old : folder
            Where the videos were, or a folder above it, as it was called there; a path of Windows, too. Without it,
            the folder that all videos of the corpus came from.
        new : folder
            Where the same files are now.
        missing_ok : bool
            Whether videos may be absent from `new`.
        save : bool
            False keeps it to this session, as a corpus that cannot be written needs it.

        `new` is trusted from now on, or for this session: see `trust`.

        Raises CorpusError if no video came from `old`, videos are not in `new`, or the corpus cannot be written.
        """
        from va_widgets.corpus.relocate import relocate

        if new is None:
            old, new = None, old
        if new is None:
            raise CorpusError("Say where the videos are now: corpus.relocate(new), or corpus.relocate(old, new).")
        former, manifest = read_manifest(self.path), relocate(self.path, old, new, missing_ok, save)
        if save and former == self._manifest:
            self._manifest = manifest
        self._roots = manifest.roots
        target = Path(os.path.realpath(absolute_path(new)))
        places = {trust.place_of(root.folder) for root in self._roots if root.folder.is_relative_to(target)}
        if save:
            trust.remember(self.path, places)
        else:
            self._granted |= places
        return self

    def trust(self) -> Self:
        """Let this corpus read its videos from the folders and servers that it names. Returns the corpus.

        A corpus that you have not made here may name any place: a private folder of yours, a server of your network.
        So its clips play only after this call, or after `relocate` for the folder that you say, unless their videos
        lie in the corpus's own folder. What you build, add or relocate is trusted anyway. It is remembered with your
        user's state, not in the corpus: for this corpus in this folder, and for the places that it names now. The
        environment variable VA_WIDGETS_STATE_DIR names another folder to remember it in; where none can be written to,
        it holds until Python ends.
        """
        videos = self._clips["video"].unique()
        trust.remember(self.path, trust.places_named(self.path, self._roots, map(str, videos)))
        return self

    def _checked_columns(self, columns: pd.DataFrame) -> pd.DataFrame:
        """Columns of the user's, indexed by clip_id. Raises CorpusError for those that cannot be joined to clips."""
        from va_widgets.base.progress import Progress
        from va_widgets.corpus.ingest.columns import check_columns

        expected = "a DataFrame indexed by clip_id"
        given = arguments.instance(columns, pd.DataFrame, "The columns to add", expected, error=CorpusError)
        check_names(given.columns, own=COLUMNS)
        table = index_by_clip(encodable(given.copy()))
        known = table.index.isin(self._clips.index)
        if len(table) and not known.any():
            raise CorpusError("The columns to add name no clip of this corpus: index their table by clip_id.")
        check_columns(table[known])
        if not known.all():
            names = arguments.listed(table.index[~known].tolist())
            message = f"{np.count_nonzero(~known)} of the {len(table)} rows are of no clip of this corpus ({names})"
            Progress(0, 0, shown=True).note(f"{message}: they are left out.")
        return table[known]

    # --- copies --------------------------------------------------------------------------------------

    def __reduce__(self) -> tuple[Callable[..., Corpus], tuple[Any, ...], dict[str, Any]]:
        """Pickled is where the corpus is and how it was opened, not what it holds; unpickling opens it again.

        What the user trusts of it comes along, as another machine or user does not know it.

        An encoder of the user's own is pickled with it, one that the corpus's manifest names is not.
        """
        encoder: str | Encoder | None = self._tower.given
        if isinstance(encoder, OpenClipEncoder):
            encoder = None if encoder.tag == self._manifest.tag else encoder.tag
        granted = self._granted | trust.trusted(self.path)
        return type(self), (self.path, encoder, self._search_by, self._allow), {"_granted": granted}

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
        from va_widgets.display.corpus_summary import summary, summary_text

        return summary_text(summary(self))

    def _repr_html_(self) -> str:
        from va_widgets.display.corpus_summary import samples, summary, summary_html

        return summary_html(summary(self), samples(self))

    @property
    def clips(self) -> pd.DataFrame:
        """One row a clip, indexed by clip_id: video, start, end (seconds), …, cluster, and any columns of yours."""
        storage.check_unique(self._clips, self.path)
        return self._clips

    @property
    def embeddings(self) -> NDArray[np.float16]:
        """float16 (n, dim), L2-normalised, memory-mapped; row i is clip i.

        Raises CorpusError if their file was cut since the corpus was opened.
        """
        self._files.check_embeddings()
        return self._embeddings

    @property
    def report(self) -> pd.DataFrame:
        r"""What became of every source: DataFrame(source, status, reason, clips, seconds).

        `source` is the path seen from the folder that was given; bytes of a name that are not UTF-8 stand there as
        `\xe9`. `status` is "done", "partial" (the good part of a damaged file was taken), "skipped" or "gone".
        `seconds` is what the file itself cost: the time that decoding it took, and its share of embedding by its
        frames, without the time that it or its clips waited for other files. Pictures that were read together share
        theirs evenly.
        """
        rows = [(one.source, one.status, one.reason, one.clips, one.seconds) for one in self._sources]
        return pd.DataFrame(rows, columns=["source", "status", "reason", "clips", "seconds"])

    def verify(self, *, progress: bool = True) -> pd.DataFrame:
        """Whether the corpus's files still hold what was written to them: DataFrame(file, status, reason).

        `status` is "ok", "damaged", "missing", or "unrecorded" for a file of an older version, of which there is no
        digest. Every file is read, which takes about as long as copying the folder.
        """
        from va_widgets.corpus.verification import verify

        return verify(self.path, progress=arguments.flag(progress, "progress"))

    @property
    def _sources(self) -> list[Source]:
        return self._files.sources()

    @property
    def phrases(self) -> list[str]:
        """The texts whose vectors came with the embeddings: they can be searched for without a text model."""
        return list(self._texts)

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
        from va_widgets.display.map_layout import map_2d

        return pd.DataFrame(map_2d(self.embeddings, arguments.seed(seed)), index=self._clips.index, columns=["x", "y"])

    def row(self, clip_id: str) -> int:
        """The row of a clip. Raises UnknownClipError."""
        if not isinstance(clip_id, str):
            raise UnknownClipError(f"A clip id is a text, not {described(clip_id)}: see corpus.clips.index.")
        try:
            return int(self.clips.index.get_loc(clip_id))  # type: ignore[arg-type]  # the index is unique
        except KeyError as error:
            raise UnknownClipError(
                f"There is no clip {described(clip_id)} in this corpus: see corpus.clips.index."
            ) from error

    # --- search ----------------------------------------------------------------------------------

    @property
    def searchable(self) -> bool:
        """Whether there is anything to search texts with."""
        return self.has_text_model or bool(self._texts)

    @property
    def has_text_model(self) -> bool:
        """Whether the corpus names an encoder for texts, or was given one; it may still fail to load."""
        return self._tower.given is not None or self._manifest.tag is not None

    @property
    def text_search(self) -> TextSearch:
        """Whether any text can be searched for now, and if not, what is wrong and what to do. Loads nothing."""
        if self.has_text_model:
            return self._tower.status
        return TextSearch("ready") if self._texts else TextSearch("unavailable", self._no_text_model())

    def search(self, text: str, k: int = 24) -> pd.DataFrame:
        """The `k` clips nearest to a text: DataFrame(clip_id, score = cosine), best first.

        `attrs["note"]` of the table says what speaks against relying on it: that only the first words of a long text
        are read by the model, or that the model takes it for nonsense and the scores hardly differ from clip to clip
        ("These words do not tell your clips apart"); it is empty otherwise.

        Raises SearchUnavailableError if the text cannot be embedded, ArgumentError if it is none or `k` is no whole
        number.
        """
        k = arguments.count(k, "k")
        vector = self.text_embedding(text)
        found = self.search_vector(vector, k, nonsense=self.resembles_nonsense(text, vector))
        found.attrs["note"] = " ".join(filter(None, [cut_note(self.cut_text(text)), found.attrs["note"]]))
        return found

    def search_vector(self, vector: NDArray[np.float32], k: int = 24, *, nonsense: bool = False) -> pd.DataFrame:
        """The `k` clips nearest to a text's vector, float32 (dim,), as `search` returns them.

        `nonsense` says that the text resembles nonsense: then it is looked at whether the scores differ.
        """
        found = self._found(vector, k)
        flat = nonsense and len(found) > 0 and self._spread_of_clips.is_flat(vector, float(found["score"].iloc[0]))
        found.attrs["note"] = FLAT if flat else ""
        return found

    def similar(self, clip_id: str, k: int = 24) -> pd.DataFrame:
        """The `k` clips most like a clip, itself left out: DataFrame(clip_id, score = cosine), best first.

        Raises UnknownClipError.
        """
        row, k = self.row(clip_id), arguments.count(k, "k")
        found = self._found(np.asarray(self.embeddings[row], dtype=np.float32), k + 1)
        return found[found["clip_id"] != clip_id].head(k).reset_index(drop=True)

    def text_embedding(self, text: str) -> NDArray[np.float32]:
        """A text as an L2-normalised vector, float32 (dim,). Raises SearchUnavailableError if it cannot be made."""
        if not arguments.text(text, "The text to search for").strip():
            raise SearchUnavailableError("There is nothing to search for: type what the clips should show.")
        if text in self._texts:
            return self._texts[text]
        if not self.has_text_model:
            raise SearchUnavailableError(self._no_text_model())
        return self._tower.embed(text, self._manifest, self.path)

    def phrase(self, text: str) -> NDArray[np.float32] | None:
        """The vector of a phrase that came with the embeddings, float32 (dim,); None for any other text."""
        return self._texts.get(text)

    def cut_text(self, text: str) -> str | None:
        """The part of a text that the model reads where the text is too long for it; None if it reads all of it.

        Also None while the model is not loaded, and for an encoder without a method `cut_text`.
        """
        return None if text in self._texts else self._tower.cut_text(text)

    def resembles_nonsense(self, text: str, vector: NDArray[np.float32]) -> bool:
        """Whether the loaded text model puts a text, of this vector (dim,), where it puts strings without meaning.

        False for phrases that came with the embeddings, and while the model is not loaded.
        """
        return text not in self._texts and self._tower.resembles_nonsense(vector)

    def _no_text_model(self) -> str:
        known = ", ".join(repr(phrase) for phrase in list(self._texts)[:5])
        hint = f"only for {known} …" if known else "only for clips that look alike"
        return f"This corpus has no text encoder, so it can be searched {hint}: open it with encoder=… for any text."

    @property
    def _spread_of_clips(self) -> Spread:
        if self._spread is None:
            self._spread = Spread.of(self.embeddings)
        return self._spread

    def _found(self, vector: NDArray[np.float32], k: int) -> pd.DataFrame:
        by = self._index
        rows, scores = nearest(self.embeddings, vector, k) if by is None else by.nearest(vector, k)
        return pd.DataFrame({"clip_id": self._clips.index[rows], "score": scores})

    # --- pictures --------------------------------------------------------------------------------

    def filmstrip(self, clip_id: str) -> Filmstrip:
        """The frames of a clip side by side in one JPEG.

        Raises UnknownClipError, or CorpusError if the corpus has no pictures of it.
        """
        return self._media.filmstrip(clip_id, self.row(clip_id))

    def thumbnail(self, clip_id: str) -> Thumbnail:
        """A clip's pictures, shown as the last thing in a cell. Raises what `filmstrip` does."""
        from va_widgets.display.player import Thumbnail

        return Thumbnail(self.filmstrip(clip_id), self._title(clip_id))

    def play(self, clip_id: str) -> Player:
        """A clip that plays as the last thing in a cell, or its pictures and why it cannot. Raises UnknownClipError."""
        from va_widgets.display.player import Player

        title = self._title(clip_id)
        try:
            return Player(self.preview(clip_id), title)
        except (PreviewUnavailableError, CorpusError) as error:
            reason = str(error)
        try:
            return Player(None, title, self.thumbnail(clip_id), reason)
        except CorpusError:  # it has no pictures either: the reason is what there is to show
            return Player(None, title, None, reason)

    def preview(self, clip_id: str, context: float = 0.0) -> bytes:
        """A clip as a small H.264 file with its sound, cut from its video when it is first asked for.

        `context` is how many seconds before and after it come with it, as far as the video has them. Raises
        UnknownClipError, or PreviewUnavailableError if the video is gone, or the corpus is not trusted (see `trust`).
        """
        from va_widgets.video.preview import cut

        row = self.row(clip_id)
        media = self._media.row(row)
        context = arguments.number(context, "context", least=0)
        clip = self._clips.iloc[row]
        if media is None:
            raise PreviewUnavailableError("There is no video of this clip: the corpus was made of embeddings alone.")
        if clip["end"] <= clip["start"]:
            raise PreviewUnavailableError("This clip is a picture: there is nothing to play.")
        start, end, root = float(clip["start"]), float(clip["end"]), media["_root"]
        name = preview_name(clip_id, media["_key"], start, end, context)

        def fresh() -> bytes:
            return cut(self._source_of(root, str(clip["video"])), start, end, context, self._allow)

        return kept_preview(self.path, name, fresh)

    def _title(self, clip_id: str) -> str:
        clip = self._clips.iloc[self.row(clip_id)]
        from va_widgets.display.player import clip_title

        return clip_title(str(clip["video"]), float(clip["start"]), float(clip["end"]))

    def _source_of(self, root: int, video: str) -> Path | str:
        place = self._roots[root]
        places = self._granted | trust.trusted(self.path)
        if not place.absolute:
            if not is_url(video):
                raise CorpusError(f"The source {video!r} is no URL: the corpus was tampered with.")
            return trust.video_url(video, places, self._allow)
        return trust.video_file(self.path, place, video, places)


def _frames(number: int) -> int:
    return arguments.count(number, "frames_per_shot", least=1, error=CorpusError)


def _pictures(taken: bool | None) -> bool | None:
    return None if taken is None else arguments.flag(taken, "pictures")


def _videos(videos: GivenPath | Iterable[GivenPath]) -> GivenPath | list[GivenPath]:
    """A folder, or files and URLs as a list. Raises CorpusError for anything else."""
    if isinstance(videos, (str, os.PathLike)):
        return arguments.path(videos, "videos", error=CorpusError)
    files = arguments.items(videos, "videos", "a folder, or a list of files and URLs", error=CorpusError)
    return [arguments.path(file, "Each of the videos", error=CorpusError) for file in files]


def cut_note(read: str | None) -> str:
    """The sentence about a text of which only a part is read; empty if all of it is."""
    if read is None:
        return ""
    shown = read if len(read) <= _LONGEST_READ else f"{read[:_LONGEST_READ].rstrip()} …"
    return f"Only the first words are read: “{shown}”."
