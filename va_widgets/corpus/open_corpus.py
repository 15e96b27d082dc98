"""An open corpus: its clips, search over them, and their filmstrips and previews. Reading takes no lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import described, is_one_of, listed
from va_widgets.base.errors import CorpusError, UnknownClipError
from va_widgets.base.paths import GivenPath, absolute_path
from va_widgets.base.texts import counted
from va_widgets.corpus import storage, trust
from va_widgets.corpus.manifest import APPEARANCE, FROM_EMBEDDINGS, MOTION
from va_widgets.corpus.media import ClipMedia
from va_widgets.corpus.search.by_motion import search_by_motion
from va_widgets.corpus.search.by_number import in_order, number_columns
from va_widgets.corpus.search.by_views import resemblance
from va_widgets.corpus.search.clip_search import ClipSearch, cut_note, rows_where
from va_widgets.corpus.search.exact import best
from va_widgets.corpus.search.text_model import TextModel, TextSearch
from va_widgets.encoders.protocol import Encoder, OpenClipEncoder, as_encoder
from va_widgets.video import remote
from va_widgets.video.filmstrip import Filmstrip
from va_widgets.video.motion.words import MotionQuery, motion_query

FOLDER = "A corpus's folder"  # in messages
SearchBy: TypeAlias = Literal["exact", "index"]
ClipFilter: TypeAlias = pd.Series | NDArray[np.bool_]


class OpenCorpus:
    """The clips of a corpus in its folder `path`, to be looked at and searched; nothing of it is changed.

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
        self.path: Path = absolute_path(path, name=FOLDER)
        self._text_model = TextModel(None if encoder is None else as_encoder(encoder))
        self._search_by: SearchBy = search
        # Only the user can allow schemes and grant places; nothing in the corpus's folder can.
        self._allow = remote.checked_schemes(allow)
        self._granted: frozenset[str] = frozenset()
        self._load()

    def _load(self) -> None:
        """Open the current files of the corpus."""
        self._files = storage.open_files(self.path)
        self._manifest = self._files.manifest
        self._clips = self._files.read_clips()
        self._media = ClipMedia(self.path, self._files)
        self._roots = self._manifest.roots
        self._motion: NDArray[np.float32] | None = None
        by_index = self._search_by == "index"
        self._search = ClipSearch(self.path, self._files, self._clips.index, self._text_model, by_index=by_index)

    # --- copies ----------------------------------------------------------------------------------

    def __reduce__(self) -> tuple[Callable[..., OpenCorpus], tuple[Any, ...], dict[str, Any]]:
        """Pickle the corpus's folder and the arguments it was opened with, not its content; unpickling opens it again.

        Its trusted places are pickled, because they are not stored for another machine or user. An encoder of the
        user's own is pickled, one that the manifest names is not.
        """
        encoder: str | Encoder | None = self._text_model.encoder
        if isinstance(encoder, OpenClipEncoder):
            encoder = None if encoder.tag == self._manifest.tag else encoder.tag
        granted = self._granted | trust.trusted(self.path)
        return type(self), (self.path, encoder, self._search_by, self._allow), {"_granted": granted}

    def __copy__(self) -> Self:
        """Return a second object on the same clips and memory, which does not change when this one grows."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the same with a table of clips of its own; the matrix, which is read-only, is shared."""
        other = memo[id(self)] = copy(self)
        other._clips = self._clips.copy()
        return other

    # --- clips -----------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._clips)

    def __repr__(self) -> str:
        videos = self._clips["video"].nunique()
        content = f"{counted(len(self), 'clip')} of {counted(videos, 'video')}"
        return f"Corpus({str(self.path)!r}: {content}, {self._manifest.dim}-d)"

    @property
    def clips(self) -> pd.DataFrame:
        """The clips, a row each, indexed by clip_id: video, start, end (seconds), …, cluster, and your own columns."""
        storage.check_unique(self._clips, self.path)
        return self._clips

    @property
    def embeddings(self) -> NDArray[np.float16]:
        """float16 (n, dim), L2-normalised, memory-mapped; row i is clip i.

        Raises CorpusError if their file was truncated since the corpus was opened.
        """
        self._files.check_embeddings()
        return self._files.embeddings

    @property
    def neighbours(self) -> NDArray[np.int32] | None:
        """The rows of the 10 clips most similar to each clip, int32 (10, n), in no order; None if they are not known.

        Corpora made by versions before 0.2 lack them until they grow. Raises CorpusError as `embeddings` does.
        """
        return self._files.neighbours()

    @property
    def views(self) -> tuple[str, ...]:
        """The names of the views of the clips, `appearance` first: each is a matrix to learn from, see `view`."""
        return (APPEARANCE, *self._manifest.views)

    def view(self, name: str) -> NDArray[np.floating[Any]]:
        """Return a view of the clips, float16 or float32 (n, d), finite, memory-mapped and read-only; row i is clip i.

        `appearance` is `embeddings`; `motion` is how the picture moves, float16 in the columns of
        `va_widgets.video.motion.features.FEATURES`; all others are those of `Corpus.add_view`.

        Raises CorpusError if the corpus has no such view, or its file was truncated since the corpus was opened.
        """
        if is_one_of(name, (APPEARANCE,)):
            return self.embeddings
        if is_one_of(name, self._manifest.views):
            return self._files.view(name)
        raise CorpusError(f"This corpus has no view {described(name)}, only {listed(self.views)}: see corpus.add_view.")

    @property
    def motion(self) -> pd.DataFrame:
        """How the picture of every clip moves: a row a clip, indexed by clip_id.

        The columns are `pan` (positive: the camera moves right), `tilt` (up), `zoom` (in), `roll` (clockwise), `shake`,
        `subject_motion` and `brightness_change`, all in shares of the picture a second; see
        `va_widgets.video.motion.readable.MotionNumbers`. They are NaN for clips whose video could not be read when
        motion was measured. `corpus.motion["zoom"] > 0.1` are the clips in which the camera clearly moves in.

        Raises CorpusError if the corpus has no motion view.
        """
        from va_widgets.video.motion.readable import MotionNumbers

        if MOTION not in self._manifest.views:
            videos = self._manifest.cut != FROM_EMBEDDINGS
            how = "measures it from its videos" if videos else "needs its values, as it was made of embeddings"
            raise CorpusError(f'This corpus has no view of the motion in its clips: corpus.add_view("motion") {how}.')
        return pd.DataFrame(self._motion_numbers, self._clips.index, columns=list(MotionNumbers._fields))

    @property
    def has_motion(self) -> bool:
        """Whether the corpus has a motion view, of this version's features, so that there is `motion`."""
        from va_widgets.video.motion.features import FEATURES

        return MOTION in self._manifest.views and self.view(MOTION).shape[1] == len(FEATURES)

    @property
    def motion_version(self) -> int | None:
        """The least version by which the motion of a clip was measured; None where none was measured from videos."""
        measured = self.has_motion and self._manifest.cut != FROM_EMBEDDINGS
        return self._manifest.motion_version if measured else None

    @property
    def motion_is_old(self) -> bool:
        """Whether the motion of some clips was measured by an earlier version: `add_view("motion")` makes it anew."""
        from va_widgets.video.motion.features import MOTION_VERSION

        return self.motion_version is not None and self.motion_version < MOTION_VERSION

    @property
    def _motion_numbers(self) -> NDArray[np.float32]:
        """The numbers of `motion`, float32 (n, 7), computed once for each version of the corpus."""
        if self._motion is None:
            from va_widgets.video.motion.features import FEATURES, readable

            features = self.view(MOTION)
            if features.shape[1] != len(FEATURES):
                raise CorpusError(
                    f"Motion was measured by another version of va-widgets, as {features.shape[1]} numbers and not"
                    f' {len(FEATURES)}: corpus.add_view("motion") measures it again.'
                )
            self._motion = readable(features)
        return self._motion

    @property
    def report(self) -> pd.DataFrame:
        r"""The status of every source: DataFrame(source, status, reason, clips, seconds).

        `source` is the path relative to the folder that was built; bytes of a name that are not UTF-8 appear as
        `\xe9`. Kinds of files that are left out, such as pictures beside films, have a row like "*.jpg". `status` is
        "done", "partial" (the good part of a damaged file was taken), "skipped" or "gone". `seconds` is the time of
        decoding the file, and its share of embedding by its frames, without the time that it or its clips waited for
        other files. Pictures that were read together share theirs evenly.
        """
        names = ["source", "status", "reason", "clips", "seconds"]
        return pd.DataFrame(
            [[getattr(source, name) for name in names] for source in self._files.sources()], columns=names
        )

    @property
    def phrases(self) -> list[str]:
        """The texts whose vectors came with the embeddings: they can be searched for without a text model."""
        return list(self._search.phrases)

    @property
    def encoder_fingerprint(self) -> str:
        """The text that identifies the encoder of the embeddings."""
        return self._manifest.fingerprint

    @property
    def frames_per_shot(self) -> int:
        """The number of pictures in a filmstrip."""
        return self._manifest.frames_per_shot

    def row(self, clip_id: str) -> int:
        """Return the row of a clip. Raises UnknownClipError."""
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
        """Whether there is a text model, or phrases with vectors, to search texts with."""
        return self.has_text_model or bool(self._search.phrases)

    @property
    def has_text_model(self) -> bool:
        """Whether the corpus names an encoder for texts, or was opened with one; it may still fail to load."""
        return self._search.has_text_model

    @property
    def text_search(self) -> TextSearch:
        """Whether any text can be searched for now, and if not, what is wrong and what to do. Loads nothing."""
        return self._search.text_search

    def search(self, text: str, k: int = 24, *, where: ClipFilter | None = None) -> pd.DataFrame:
        """Return the `k` clips nearest to a text: DataFrame(clip_id, score = cosine), best first.

        A text that names a camera move, such as "pan left" or "a slow zoom in on a face", is ranked by the motion view
        if the corpus has one: by the move alone, or by the move and the other words together. Scores then only order
        the clips; `attrs["motion"]` of the table is the move in words, such as "camera moves left". Otherwise it is
        empty.

        `attrs["note"]` of the table says how a move was ranked. It warns that the model reads only the first words of a
        long text, or that the text resembles nonsense and the scores hardly differ from clip to clip ("These words do
        not tell your clips apart"); it is empty otherwise.

        Parameters
        ----------
        where : Series of booleans by clip_id, or n booleans, optional
            The clips to choose from, such as `corpus.motion["zoom"] > 0.1`.

        Raises SearchUnavailableError if the text cannot be embedded, ArgumentError if it is no text, `k` no whole
        number or `where` no filter.
        """
        k, among = arguments.count(k, "k"), rows_where(where, self._clips.index)
        query = self.motion_query(text)
        if query is not None:
            return search_by_motion(query, self.motion, self._search.similarities, k, among)
        vector = self.text_embedding(text)
        matches = self._search.nearest_to_text(vector, k, among, nonsense=self.resembles_nonsense(text, vector))
        note = " ".join(filter(None, [cut_note(self.cut_text(text)), matches.attrs["note"]]))
        matches.attrs |= {"note": note, "motion": ""}
        return matches

    def search_vector(
        self, vector: NDArray[np.float32], k: int = 24, *, nonsense: bool = False, where: ClipFilter | None = None
    ) -> pd.DataFrame:
        """Return the `k` clips nearest to a text's vector, float32 (dim,), as `search` returns them.

        `nonsense` says that the text resembles nonsense: then the note says so if the scores hardly differ.
        """
        matches = self._search.nearest_to_text(vector, k, rows_where(where, self._clips.index), nonsense=nonsense)
        matches.attrs["motion"] = ""
        return matches

    def similar(
        self, clip_id: str, k: int = 24, *, by: str | Sequence[str] = APPEARANCE, where: ClipFilter | None = None
    ) -> pd.DataFrame:
        """Return the `k` clips most similar to a clip, without itself: DataFrame(clip_id, score = cosine), best first.

        `by` names the view that they are to be similar in, such as "motion", or several views that count alike.
        `where` is that of `search`. Raises UnknownClipError, and CorpusError for a view that the corpus does not have.
        """
        row, k = self.row(clip_id), arguments.count(k, "k")
        among = rows_where(where, self._clips.index)
        names = [by] if isinstance(by, str) else arguments.items(by, "by", "a view's name, or a list of names")
        if not names:
            raise CorpusError(f"Clips are similar in a view or in several: choose of {listed(self.views)}.")
        views = [self.view(name) for name in names]
        if names == [APPEARANCE]:
            matches = self._search.nearest(np.asarray(self.embeddings[row], dtype=np.float32), k + 1, among)
            return matches[matches["clip_id"] != clip_id].head(k).reset_index(drop=True)
        scores = resemblance(views, row, [name == MOTION for name in names])
        others = np.ones(len(scores), dtype=bool) if among is None else among.copy()
        others[row] = False
        rows, scores = best(np.flatnonzero(others), scores[others], k)
        return pd.DataFrame({"clip_id": self._clips.index[rows], "score": scores})

    @property
    def numbers(self) -> tuple[str, ...]:
        """The names of the numbers that `sorted_by` takes: those of `motion`, and your own columns of numbers."""
        from va_widgets.video.motion.readable import MotionNumbers

        motion = MotionNumbers._fields if self.has_motion else ()
        return (*motion, *(name for name in number_columns(self._clips) if name not in motion))

    def sorted_by(
        self, name: str, k: int = 24, *, lowest: bool = False, where: ClipFilter | None = None
    ) -> pd.DataFrame:
        """Return the `k` clips with the highest values of a number: DataFrame(clip_id, score = value), highest first.

        `name` is one of `numbers`, such as "zoom" or a column "rating"; with `lowest` the lowest come first. Clips
        without a value are left out. `where` is that of `search`. Raises CorpusError for another name.
        """
        k, among = arguments.count(k, "k"), rows_where(where, self._clips.index)
        if not is_one_of(name, self.numbers):
            raise CorpusError(
                f"The clips of this corpus have no number {described(name)}, only {listed(self.numbers) or 'none'}."
            )
        in_motion = self.has_motion and name in self.motion
        rows, values = in_order((self.motion if in_motion else self._clips)[name], k, lowest, among)
        return pd.DataFrame({"clip_id": self._clips.index[rows], "score": values})

    def motion_query(self, text: str) -> MotionQuery | None:
        """Return the camera move that a text names, if that is what `search` ranks it by; otherwise None.

        None for phrases that came with the embeddings, and for a corpus without a motion view.
        """
        if not isinstance(text, str) or text in self._search.phrases or not self.has_motion:
            return None
        return motion_query(text)

    def text_embedding(self, text: str) -> NDArray[np.float32]:
        """Return a text's L2-normalised vector, float32 (dim,). Raises SearchUnavailableError if it cannot be made."""
        return self._search.text_vector(text)

    def phrase(self, text: str) -> NDArray[np.float32] | None:
        """Return the vector of a phrase that came with the embeddings, float32 (dim,); None for any other text."""
        return self._search.phrases.get(text)

    def cut_text(self, text: str) -> str | None:
        """Return the part of a too long text that the model reads; None if it reads all of it.

        Also None while the model is not loaded, and for an encoder without a method `cut_text`.
        """
        return self._search.cut_text(text)

    def resembles_nonsense(self, text: str, vector: NDArray[np.float32]) -> bool:
        """Return whether a text's vector (dim,) is like those that the text model gives to strings without meaning.

        False for phrases that came with the embeddings, and while the model is not loaded.
        """
        return self._search.resembles_nonsense(text, vector)

    # --- filmstrips and previews -----------------------------------------------------------------

    def filmstrip(self, clip_id: str) -> Filmstrip:
        """Return the frames of a clip side by side in one JPEG.

        Of clips that were made `from_embeddings` they are decoded from the video at the first call. Raises
        UnknownClipError, or CorpusError if the corpus has no pictures of it.
        """
        row = self.row(clip_id)
        return self._media.filmstrip(row, self._clips.iloc[row], self._access)

    @property
    def decodes_filmstrips(self) -> bool:
        """Whether filmstrips are decoded from videos when they are first looked at, which takes a while."""
        return self._manifest.cut == FROM_EMBEDDINGS and bool(self._manifest.roots)

    def preview(self, clip_id: str, context: float = 0.0) -> bytes:
        """Return a clip as a small H.264 file with its sound; the first call cuts it from its video.

        `context` is the number of seconds before and after the clip that are included, as far as the video has them.

        Raises
        ------
        UnknownClipError, or PreviewUnavailableError if the video is gone, or the corpus is not trusted (see `trust`).
        """
        row, context = self.row(clip_id), arguments.number(context, "context", least=0)
        return self._media.preview(row, self._clips.iloc[row], context, self._access)

    def video_of(self, clip_id: str) -> Path | str:
        """Return the file or URL of a clip's video, where it is now.

        Raises UnknownClipError, or PreviewUnavailableError if the video is gone, or the corpus is not trusted.
        """
        row = self.row(clip_id)
        return self._media.video(row, str(self._clips["video"].iloc[row]), self._access)

    @property
    def _access(self) -> trust.VideoAccess:
        return trust.VideoAccess(self.path, self._roots, self._granted, self._allow)
