"""The corpus as users have it: made, extended, opened, moved and verified. `OpenCorpus` is what can be read of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import pandas as pd
from numpy.typing import ArrayLike

from va_widgets.base import arguments
from va_widgets.base.errors import CorpusError, ModelError, PreviewUnavailableError
from va_widgets.base.paths import GivenPath, absolute_path
from va_widgets.base.ray_engine import LOCAL, Engine, as_engine
from va_widgets.corpus import trust
from va_widgets.corpus.building.request import BuildRequest, ClipSettings
from va_widgets.corpus.ingest.vectors import VectorSource
from va_widgets.corpus.manifest import MOTION, read_manifest
from va_widgets.corpus.open_corpus import FOLDER, OpenCorpus, SearchBy
from va_widgets.corpus.search.text_model import check_encoder
from va_widgets.encoders.protocol import TINY, ClipEncoder, Encoder, as_encoder
from va_widgets.video import remote

if TYPE_CHECKING:
    from va_widgets.catalogue.monitor import MonitorReport
    from va_widgets.catalogue.scores import Models
    from va_widgets.display.player import Player, Thumbnail
    from va_widgets.models.model import Model

FRAMES_PER_SHOT = 8


class Corpus(OpenCorpus):
    """A folder with the shots of many videos, embedded and searchable. Made by `build`, `open` or `from_embeddings`.

    `path` is absolute: it stays the same folder when the working directory changes.
    """

    _monitored: Mapping[str, MonitorReport] = MappingProxyType({})

    # --- build and open --------------------------------------------------------------------------

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
        engine: Engine = LOCAL,
    ) -> Self:
        """Make a corpus of videos in the folder `path`, or add to it what is new; a second call does nothing.

        A build that was interrupted, even by a kill, is continued by the same call. Files that are no longer in
        their folder leave the corpus, and come back with their labels when they do.

        Parameters
        ----------
        videos : folder, file or URL, or a list of them
            A folder is searched with all its subfolders. URLs such as "s3://bucket/film.mp4" are read through fsspec.
            What cannot be used, or is missing, is listed in `report`, and the rest is built. Their places are trusted
            from now on: see `trust`.
        encoder : str or Encoder
            An OpenCLIP model such as "PE-Core-B-16/meta" or "ViT-B-32/laion2b_s34b_b79k", "hf-hub:owner/name",
            "local-dir:FOLDER", or an object of your own. By default "va-tiny": it knows only the demo's videos, and
            a warning of one line is written if yours are unlike them.
        frames_per_shot : int
            Frames sampled of each shot, for its embedding and its filmstrip.
        window : float, optional
            Cut into pieces of so many seconds instead of shots.
        pictures : bool, optional
            Whether pictures in a folder become clips of one frame. By default only if it holds no films, which GIFs are
            not.
        progress : bool
            Show a bar with the remaining time.
        allow : list of texts, optional
            Schemes of URLs that are followed beside http, https, s3, gs, gcs, az, abfs, abfss and hf, such as "sftp".
            A chain of URLs, such as "zip://a.mp4::https://host/films.zip", needs all of its schemes but the last.
            This holds for the corpus that is returned, and is not written to its folder.
        engine : "local", "ray" or RayEngine
            Ray decodes and embeds in processes of this machine, or of a cluster whose machines share the folders. The
            corpus is the same: to the bit on machines of one kind, otherwise up to the encoder's rounding.

        Raises
        ------
        NoVideosError
            If there are no videos, or none that can be used.
        EncoderError
            If there is no such encoder, or it cannot be loaded.
        EncoderMismatchError
            If the corpus was made with another encoder.
        CorpusError
            If another build is running in the folder, it was made with other numbers, or there is no space left.
        EngineError
            If Ray cannot be started, its cluster does not answer, or its workers die time and again.
        MissingPackageError
            If Ray is asked for, but not installed.
        """
        from va_widgets.corpus.building.run import build
        from va_widgets.corpus.listing import find_sources

        home = absolute_path(path, name=FOLDER)
        settings = ClipSettings.of(frames_per_shot, window)
        schemes, spread = remote.checked_schemes(allow), as_engine(engine)
        sources = find_sources(videos, pictures, schemes)
        model = as_encoder(TINY if encoder is None else encoder)
        build(home, sources, model, BuildRequest(settings, allow=schemes, engine=spread), progress)
        return cls._open_built(home, model, schemes, is_default=encoder is None)

    def add(
        self,
        videos: GivenPath | Iterable[GivenPath],
        *,
        pictures: bool | None = None,
        progress: bool = True,
        allow: Iterable[str] | str = (),
        engine: Engine = LOCAL,
        monitor: Models | None = None,
    ) -> Self:
        """Add videos to this corpus, with the settings that it was built with. Returns the corpus, which has grown.

        An open session continues with the clips that it has. With `monitor`, some models or the names of some that were
        published from this corpus, `monitored` says afterwards whether the new clips differ from those before. Raises
        what `build` does, and ModelError for what is no model.
        """
        from va_widgets.corpus.building.run import build
        from va_widgets.corpus.listing import find_sources

        models: Mapping[str, Model] = {}
        if monitor is not None:
            from va_widgets.catalogue.monitor.added import models_to_monitor

            models = models_to_monitor(monitor, self)
        before = self.clips.index
        settings = ClipSettings.of_corpus(self._manifest)
        schemes, spread = self._allow | remote.checked_schemes(allow), as_engine(engine)
        sources = find_sources(videos, pictures, schemes)
        model = self._text_model.load(self._manifest, self.path)
        build(self.path, sources, model, BuildRequest(settings, retire=False, allow=schemes, engine=spread), progress)
        self._allow = schemes
        self._load()
        self._monitored = {}
        if models:
            from va_widgets.catalogue.monitor.added import monitor_added

            self._monitored = monitor_added(models, self, before, progress)
        return self

    @property
    def monitored(self) -> Mapping[str, MonitorReport]:
        """What `va.monitor` says of the clips of the last `add(…, monitor=…)`, by the names that queries use."""
        return self._monitored

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

        A corpus of somebody else's shows its pictures, but plays videos only once you `trust` it. `allow` are schemes
        of its URLs that are followed, as in `build`.

        `search="index"` searches by an approximate index, which pays from some five million clips on; the first such
        call builds it. Otherwise search is exact, in one pass over the embeddings.

        Raises CorpusError if there is none, EncoderMismatchError if it was made with another encoder.
        """
        home = absolute_path(path, name=FOLDER)
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
        engine: Engine = LOCAL,
    ) -> Self:
        """Make a corpus of the clips that a table names, or add those that are new; may be interrupted.

        Videos of an earlier table that this one does not name stay as they are; the clips of those that it names are
        replaced by the ones in this table.

        Parameters
        ----------
        table : DataFrame, or path of a .csv, .tsv, .xlsx or .parquet file, with columns video, start and end
            Times count from the first picture of the video, also where its sound begins earlier: as seconds,
            durations, texts such as "01:02:03.5" or "12,5", or SMPTE time code, "01:00:02:12" or drop-frame
            "01:00:02;12", from the time code that the video's file says its first picture has, or 0 where it says
            none. `end` is where the next picture would begin. A column `clip_id` names the clips; all others are yours
            and are kept. Names of columns may have capitals and spaces. Rows that cannot be used are listed in
            `report`, counted as spreadsheets do: the header is row 1.

            Or path of an .edl (CMX 3600) or .otio timeline: the clips of its video tracks, by their places in their
            sources. Files that are not where it says are looked for by their names in the folder `videos`.
        videos : folder, optional
            The folder that names of videos are relative to: by default that of the table's file, or the working
            directory. URLs are used as they are.

        The other parameters, and what is raised, are those of `build`; MissingPackageError also for .xlsx without
        openpyxl (`va-widgets[tables]`), and for .otio without OpenTimelineIO (`va-widgets[reel]`).
        """
        from va_widgets.corpus.building.run import build
        from va_widgets.corpus.ingest.from_manifest import plan_segments

        home = absolute_path(path, name=FOLDER)
        settings = ClipSettings.of_segments(frames_per_shot)
        model = as_encoder(TINY if encoder is None else encoder)
        schemes, spread = remote.checked_schemes(allow), as_engine(engine)
        sources, request = plan_segments(table, videos, settings, schemes)
        request.engine = spread
        build(home, sources, model, request, progress)
        return cls._open_built(home, model, schemes, is_default=encoder is None)

    @classmethod
    def _open_built(cls, home: Path, model: Encoder, schemes: Collection[str], *, is_default: bool) -> Self:
        """Open a corpus after a build. Write one line if its encoder is the default and does not fit its videos."""
        from va_widgets.corpus.building.tiny_check import warn_if_unlike_renderings

        built = cls(home, model, allow=schemes)
        if is_default:
            warn_if_unlike_renderings(built.embeddings)
        return built

    @classmethod
    def from_embeddings(
        cls,
        path: GivenPath,
        embeddings: VectorSource,
        clips: pd.DataFrame | GivenPath,
        text_encoder: str | Encoder | None = None,
        text_embeddings: Mapping[str, ArrayLike] | None = None,
        views: Mapping[str, VectorSource] | None = None,
        *,
        videos: GivenPath | None = None,
    ) -> Self:
        """Make a corpus in `path` of vectors that you have already.

        Clips that name a video which is there, and their times in it, have filmstrips and play: both are read from the
        video when they are first looked at.

        Parameters
        ----------
        embeddings : float (n, dim), {clip_id: vector}, DataFrame, or path of a .npy, .h5 or .parquet file
            One vector a clip; they are L2-normalised and kept as float16. Vectors that come with ids of clips (keys,
            the index of a DataFrame, a column or dataset clip_id or id) are brought into the order of `clips`; of
            others the n-th is the n-th clip's.
        clips : DataFrame of n rows, or path of a .csv, .tsv, .xlsx or .parquet file
            Indexed by clip_id, or with a column of that name; numbers become text. Columns such as video, start and
            end are used, with times as `from_manifest` takes them; all others are kept. Clips without start and end
            have no times: they are NaN. Unknown fps, width, height and frames are 0.
        text_encoder : str or Encoder
            The encoder for texts that are searched for.
        text_embeddings : {phrase: vector (dim,)}
            Instead of a text encoder: the phrases that can be searched for.
        views : {name: vectors}
            Further vectors of the clips to learn from, as `add_view` takes them.
        videos : folder, optional
            The folder that names of videos are relative to, as in `from_manifest`; it is trusted from now on if there
            are any of them. Paths of files become relative to it, or to the folder that they have in common.

        Raises CorpusError, before anything is written, if `path` holds a corpus, vectors and clips do not match, ids
        are missing or repeat, times are not finite, a clip ends before its start, or a column cannot be kept as it is;
        also for vectors that are not finite, and then the folder is left as it was.
        """
        from va_widgets.corpus.ingest.from_embeddings import write_from_embeddings

        home = absolute_path(path, name=FOLDER)
        model = None if text_encoder is None else as_encoder(text_encoder)
        write_from_embeddings(home, embeddings, clips, model, text_embeddings, views, videos)
        return cls(home, model)

    # --- change and check ------------------------------------------------------------------------

    def with_columns(self, columns: pd.DataFrame) -> Self:
        """Return the corpus with more columns, which are also written to its folder.

        `columns` is indexed by clip_id, or has a column of that name; clips it does not name get missing values, and
        rows for clips that the corpus does not have are left out, which one line says.

        Raises CorpusError for names of the corpus's own columns, for values that would not come back as they are, and
        for a table that names a clip twice or none of the corpus's; the corpus then stays as it was.
        """
        from va_widgets.corpus.ingest.with_columns import replace_clips, with_columns

        replace_clips(self.path, self._manifest, with_columns(self._clips, columns).join(self._media.table))
        return self._opened_anew()

    def tag(self, models: Models | None = None) -> Self:
        """Return the corpus with the scores of models as columns, P(yes), which are also written to its folder.

        Columns are called as models are in queries, such as "night_city"; those of the same name are replaced. `models`
        are models, their names or folders; by default all that are served from this corpus.

        Raises ModelError and EncoderMismatchError for models that do not exist or do not fit, CorpusError as
        `with_columns`.
        """
        from va_widgets.catalogue.scores import models_and_damaged, score_columns

        chosen, damaged = models_and_damaged(models, self)
        if damaged:
            raise ModelError(next(iter(damaged.values())))
        if not chosen:
            raise ModelError("There is no model to tag clips by: publish one by session.publish, or give one.")
        return self.with_columns(pd.DataFrame(score_columns(self, chosen), index=self.clips.index))

    def add_view(self, name: str, vectors: VectorSource | ClipEncoder | None = None, *, progress: bool = True) -> Self:
        """Return the corpus with one more view of its clips, which is also written to its folder.

        A view is a matrix that classifiers learn from beside the embeddings, such as the vectors of a video network. A
        view of the same name is replaced. Sessions that are open keep the views that they have.

        `add_view("motion")` measures how the picture moves in every clip, which builds do anyway since version 0.2: the
        videos of an older corpus are decoded once more. It may be interrupted, and goes on at the next call. Videos
        that cannot be read are listed with the reason, and the motion of their clips stays unknown until another call.
        So is motion that an earlier version measured otherwise, which a corpus's summary says: it is measured anew.

        Parameters
        ----------
        name : str
            Up to 50 letters, digits, `_` and `-`, but not "appearance", which is the embeddings.
        vectors : float (n, d), DataFrame, {clip_id: vector}, path of a .npy, .h5 or .parquet file, or ClipEncoder
            One row a clip, with up to 16,384 columns; those that come with ids of clips, such as the index of a
            DataFrame, are brought into the order of the clips. Values are kept as they are, in float16 if they come so,
            otherwise in float32. Only "motion" goes without, or takes the values of another corpus's motion view.
            An object with a method `encode_clips(frames, fps)` is given the frames of every clip, see
            `va_widgets.encoders.protocol.ClipEncoder`; all videos must be there, and an interrupted call starts anew.
        progress : bool
            Show a bar while motion is measured, or clips are encoded.

        Raises CorpusError for names and vectors that are refused, such as values that are not finite, and if a build is
        running or the corpus has other clips since it was opened; the corpus then stays as it was.
        """
        from va_widgets.corpus.building.encode_clips import encode_clips
        from va_widgets.corpus.building.measure_motion import measure_motion
        from va_widgets.corpus.ingest.views import add_view, checked_name

        access = self._access
        if vectors is None and arguments.is_one_of(name, (MOTION,)):
            measure_motion(self.path, access, progress)
            return self._opened_anew()
        if isinstance(vectors, ClipEncoder):
            checked_name(name, motion=False)
            clips = self._clips.join(self._media.table)
            vectors = encode_clips(self.path, clips, self._files.sources(), vectors, access, progress)
        add_view(self.path, name, vectors, self._clips.index)
        return self._opened_anew()

    def _opened_anew(self) -> Self:
        """Open this corpus again, with what was written to its folder."""
        other = type(self)(self.path, self._text_model.encoder, self._search_by, self._allow)
        other._granted = self._granted
        return other

    def relocate(
        self,
        old: GivenPath | None = None,
        new: GivenPath | None = None,
        *,
        missing_ok: bool = False,
        save: bool = True,
    ) -> Self:
        """Record where the videos are, after they or the corpus were moved: `relocate(new)` or `relocate(old, new)`.

        Clips keep their ids, and nothing is embedded again. Returns the corpus.

        Parameters
        ----------
        old : folder
            The former folder of the videos, or one above it, by its former path, also of Windows. If it is left out,
            the folder that all videos of the corpus came from.
        new : folder
            Where the same files are now.
        missing_ok : bool
            Whether videos may be absent from `new`.
        save : bool
            False changes only this object, which also works for a corpus that cannot be written to.

        `new` is trusted from now on, without `save` only by this object: see `trust`.

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
        places = trust.places_below(Path(os.path.realpath(absolute_path(new))), self._roots)
        if save:
            trust.remember(self.path, places)
        else:
            self._granted |= places
        return self

    def trust(self) -> Self:
        """Allow this corpus to read its videos from the folders and servers that it names. Returns the corpus.

        A corpus that you have not made here may name any place: a private folder of yours, a server of your network.
        So its clips play only after this call, or after `relocate` for the new folder, unless their videos lie in the
        corpus's own folder. What you build, add or relocate is trusted anyway. Your user's state folder, not the
        corpus, stores it: for this corpus in this folder, and for the places that it names now. The environment
        variable VA_WIDGETS_STATE_DIR names another folder for it; where none can be written to, it holds until Python
        ends.
        """
        videos = self._clips["video"].unique()
        trust.remember(self.path, trust.places_named(self.path, self._roots, map(str, videos)))
        return self

    def verify(self, *, progress: bool = True) -> pd.DataFrame:
        """Check the corpus's files against the digests of what was written to them: DataFrame(file, status, reason).

        `status` is "ok", "damaged", "missing", or "unrecorded" for a file of an older version, which wrote no
        digests. Every file is read, which takes about as long as copying the folder.
        """
        from va_widgets.corpus.verification import verify

        return verify(self.path, progress=arguments.flag(progress, "progress"))

    # --- the models that were published from it --------------------------------------------------

    @property
    def models(self) -> pd.DataFrame:
        """All versions of the models that were published from this corpus, read from its folder at every call.

        DataFrame(name, version, concept, encoder, yes, no, ap, ap_low, ap_high, threshold, created, parent, withdrawn,
        problem), indexed by the name that queries use, the newest version of each first. `yes` and `no` are numbers of
        labels, `ap` is the average precision estimated for the whole corpus with its 90 % interval, `parent` the
        version that was replaced. `problem` says why a version cannot be read; otherwise it is empty.
        """
        from va_widgets.models.published import table

        return table(self)

    @property
    def concepts(self) -> pd.DataFrame:
        """All concepts that were ever opened in this corpus, by name, read from its folder at every call.

        DataFrame(concept, yes, no, unsure, annotators, ap, ap_low, ap_high, version, models, guideline, archived,
        last_activity). A clip that two annotators have labelled counts twice. `ap` is the average precision that the
        newest measured refit estimated for the whole corpus, with its 90 % interval, `version` the newest refit,
        `models` a list of what was published, such as ["night v2"], `last_activity` when anybody last labelled or
        remarked a clip or changed the concept, in ISO 8601, UTC. Raises LabelError if the labels cannot be read.
        """
        from va_widgets.catalogue.concept_overview import concept_overview

        return concept_overview(self)

    def query(self, text: str, k: int = 48, models: Models | None = None) -> pd.DataFrame:
        """Return the `k` best clips for a query over published models, columns and motion, best first.

        DataFrame(score, one column a name of the query), indexed by clip_id; its `attrs` are the `query` and the
        `count` of all clips that match. `corpus.query("night_city > 0.7 and not rain")` are the clips whose P(yes) for
        the model "night city" is above 0.7 and for "rain" below its threshold; docs/catalogue-query.md tells the rest.

        Parameters
        ----------
        models : models, or the folders they were published to, optional
            Those that the query can name; by default the newest version of all that were published from this corpus.

        Raises QueryError for a text that is no query, with the `column` and the nearest name as `suggestion`, and
        ModelError or EncoderMismatchError for a model that cannot be used.
        """
        from va_widgets.catalogue.query import Query

        return Query(text, self, models).table(k)

    # --- shown in a notebook ---------------------------------------------------------------------

    def __str__(self) -> str:
        from va_widgets.display.corpus_summary import summary, summary_text

        return summary_text(summary(self))

    def _repr_html_(self) -> str:
        from va_widgets.display.corpus_summary import samples, summary, summary_html

        return summary_html(summary(self), samples(self))

    def map(self, seed: int = 0) -> pd.DataFrame:
        """Return a position in the plane for every clip, near those of similar clips: DataFrame(x, y)."""
        from va_widgets.display.map_layout import map_2d

        return pd.DataFrame(map_2d(self.embeddings, arguments.seed(seed)), index=self._clips.index, columns=["x", "y"])

    def thumbnail(self, clip_id: str) -> Thumbnail:
        """Return a clip's pictures, to be shown as the last value of a cell. Raises what `filmstrip` does."""
        from va_widgets.display.player import Thumbnail

        return Thumbnail(self.filmstrip(clip_id), self._title(clip_id))

    def play(self, clip_id: str) -> Player:
        """Return a player of a clip, to be shown as the last value of a cell. Raises UnknownClipError.

        If the clip cannot be played, it shows the reason, and the clip's pictures.
        """
        from va_widgets.display.player import Player

        title = self._title(clip_id)
        try:
            return Player(self.preview(clip_id), title)
        except (PreviewUnavailableError, CorpusError) as error:
            reason = str(error)
        try:
            return Player(None, title, self.thumbnail(clip_id), reason)
        except CorpusError:  # it has no pictures either: only the reason is shown
            return Player(None, title, None, reason)

    def _title(self, clip_id: str) -> str:
        from va_widgets.display.player import clip_title

        clip = self._clips.iloc[self.row(clip_id)]
        return clip_title(str(clip["video"]), float(clip["start"]), float(clip["end"]))
