"""Build a corpus: every source becomes a shard of its own, then all shards become one corpus."""

from __future__ import annotations

import filecmp
import hashlib
import os
import stat
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.arguments import described, is_within
from va_widgets.base.errors import CorpusError, EncoderError, EncoderMismatchError, NoVideosError, reason_of
from va_widgets.base.names import escaped, printable_text
from va_widgets.base.paths import exists, is_file, open_regular
from va_widgets.base.progress import Progress
from va_widgets.corpus import storage
from va_widgets.corpus.files import shards
from va_widgets.corpus.files.shards import Shard, ShardCard
from va_widgets.corpus.jobs import Segment, ShardJob, in_folder, one_by_one
from va_widgets.corpus.lock import locked, remove_empty
from va_widgets.corpus.manifest import (
    GIVEN,
    MANIFEST_FILE,
    SCHEMA_VERSION,
    SEGMENTS,
    SHOTS,
    Manifest,
    Root,
    Source,
    read_manifest,
    source_file,
)
from va_widgets.corpus.merge import check_fit, has_columns, join
from va_widgets.corpus.sources import Found, Sources, content_key, is_respelled
from va_widgets.corpus.writing import Writing
from va_widgets.encoders.protocol import Encoder, OpenClipEncoder
from va_widgets.video.decoder_messages import Clip, Failed, Moved, PicturesRequest, Refused, Request, Spent
from va_widgets.video.decoder_pool import DecoderPool
from va_widgets.video.decoder_process import KILLED
from va_widgets.video.installation import check_decoding

_PICTURE_SIDE = 288  # pixels of the shorter side of frames, for encoders that do not say what they need
_FRAMES_A_BATCH = 64
_PICTURES_A_SHARD = 256
_LISTED_REASONS = 5  # in an error message


@dataclass(frozen=True)
class ClipSettings:
    """How clips are made: what they are, `cut`, for windows their seconds, and the number of `frames` of each."""

    frames: int
    cut: str = SHOTS
    window: float | None = None

    @classmethod
    def of(cls, frames: int, window: float | None) -> ClipSettings:
        """Shots, or windows of so many seconds. Raises CorpusError for what is no number of frames or seconds."""
        if frames < 1:
            raise CorpusError(f"frames_per_shot must be at least 1, not {frames}.")
        if window is None:
            return cls(frames)
        if not is_within(window, 0.04, sys.float_info.max):
            raise CorpusError(f"A window must be at least 0.04 seconds long, not {described(window)}.")
        return cls(frames, f"windows of {window:g} s", float(window))

    @classmethod
    def former(cls, manifest: Manifest) -> ClipSettings:
        """Return the settings that the clips of a corpus were made with."""
        words = manifest.cut.split()
        return cls(manifest.frames_per_shot, manifest.cut, float(words[2]) if words[0] == "windows" else None)


@dataclass
class BuildRequest:
    """What to build, apart from the sources."""

    settings: ClipSettings
    segments: dict[str, list[Segment]] = field(default_factory=dict)  # by a source's place
    columns: Callable[[dict[str, str]], pd.DataFrame] | None = None  # of the user's, given the keys by place
    refused: list[tuple[str, str]] = field(default_factory=list)  # names and reasons of what cannot be used at all
    retire: bool = True  # sources that are gone from the folder leave the corpus
    allow: frozenset[str] = frozenset()  # schemes of URLs that the user trusts beside the usual ones


@dataclass(frozen=True)
class _Taken:
    """The file that has the clips of some content: its canonical place, its name, and its root's number and name."""

    file: str
    name: str
    at: tuple[int, str]


def build(path: Path, places: Sequence[Sources], encoder: Encoder, request: BuildRequest, progress: bool) -> None:
    """Build or extend the corpus in `path`. What is done is skipped; a second call does nothing.

    Raises NoVideosError, EncoderError, EncoderMismatchError or CorpusError, and then leaves the corpus as it was; what
    has been built for it is kept for the next call.
    """
    fresh = not exists(path)
    try:
        with locked(path):
            _Build(path, encoder, request, progress).run(places)
    except (CorpusError, EncoderError):
        remove_empty(path, fresh)
        raise


class _Build:
    """One build, under the lock."""

    def __init__(self, path: Path, encoder: Encoder, request: BuildRequest, progress: bool) -> None:
        self._path = path
        self._encoder = encoder
        self._request = request
        self._settings = request.settings
        self._shown = progress
        self._former: storage.Files | None = None
        self._keys: dict[str, str] = {}  # by place
        self._waiting: list[tuple[ShardJob, Clip]] = []  # to be embedded
        a_call = max(1, int(getattr(encoder, "frames_per_call", 1)))
        self._loaded = False  # whether the encoder has been called
        self._batch = -(-_FRAMES_A_BATCH // a_call) * a_call  # frames
        self._roots: list[Root] = []
        self._known: dict[tuple[int, str], Source] = {}
        self._folders: dict[str, str] = {}
        self._respelled: set[tuple[int, str]] = set()  # sources whose files are spelled in another way now

    def run(self, places: Sequence[Sources]) -> None:
        if (self._path / MANIFEST_FILE).exists():
            self._former = storage.open_files(self._path)
            storage.check_unique(self._former.read_clips(), self._path)
            self._former.read_media()  # raises for what cannot be extended
            self._check_same_make(self._former.manifest)
        before = self._former.sources() if self._former else []
        known = self._known = {(source.root, source.source): source for source in before}
        roots = list(self._former.manifest.roots) if self._former else []
        numbers = [_root_number(roots, place.root, self._path) for place in places]
        self._roots = roots
        # Rows of a former table that could not be used are not reported again: this table may be another.
        sources, jobs = {place: one for place, one in known.items() if one.root >= 0}, list[ShardJob]()
        unread = list[tuple[str, str]]()
        for place, number in zip(places, numbers, strict=True):
            jobs += self._planned(place, number, sources)
            unread += place.unread
            if self._request.retire and place.root is not None:
                _retire(sources, roots, number, place)
        for name, reason in [*self._request.refused, *unread]:
            sources[-1, name] = Source(name, -1, 0, 0, "", "skipped", reason, 0, 0.0)
        _remove_renamed(sources, roots, {source.key for job in jobs for _, source in job.files})
        for at in self._respelled:
            sources.pop(at, None)
        columns = self._request.columns(self._keys) if self._request.columns else None
        if self._former is not None and columns is not None:
            check_fit(self._former, columns, set(self._keys.values()))
        if self._former is not None and not jobs and sources == known and has_columns(self._former, columns):
            return
        for source in self._made(jobs):
            sources[source.root, source.source] = source
        self._check_any(list(sources.values()))
        join(
            self._path,
            self._former,
            sorted(sources.values(), key=lambda source: (source.root, source.source)),
            columns,
            Manifest(
                schema=SCHEMA_VERSION,
                fingerprint=self._encoder.fingerprint,
                tag=getattr(self._encoder, "tag", None),
                dim=0,
                clips=0,
                frames_per_shot=self._settings.frames,
                clips_file="",
                embeddings_file="",
                texts_file=None,
                roots=roots,
                cut=self._settings.cut,
            ),
        )

    # --- what there is to do -----------------------------------------------------------------------

    def _check_same_make(self, former: Manifest) -> None:
        if former.fingerprint != self._encoder.fingerprint:
            raise EncoderMismatchError(
                f"The corpus in {self._path} was made with the encoder {former.fingerprint}, not"
                f" {self._encoder.fingerprint}: build with that encoder, or build in another folder."
            )
        if former.frames_per_shot != self._settings.frames:
            raise CorpusError(
                f"The corpus in {self._path} was made with frames_per_shot={former.frames_per_shot}, not"
                f" {self._settings.frames}: build with that number, or build in another folder."
            )
        if former.cut != self._settings.cut:
            raise CorpusError(
                f"The clips of the corpus in {self._path} are {_cut_name(former.cut)}, not"
                f" {_cut_name(self._settings.cut)}: build in another folder."
            )

    def _planned(
        self,
        place: Sources,
        number: int,
        sources: dict[tuple[int, str], Source],
    ) -> list[ShardJob]:
        """Return the jobs for the files of a place; files that need none are entered into `sources`."""
        jobs, pictures = [], list[tuple[Found, Source]]()
        for seen in place.files:
            root, found = self._as_known(seen, number)
            former = self._known.get((root, found.name))
            same = former is not None and (former.size, former.modified) == (found.size, found.modified)
            if former is not None and same and former.status != "gone":
                self._keys[found.place] = former.key
                if former.status == "skipped" and former.reason != KILLED:
                    taken = self._taken.get(former.key)
                    if taken is None or taken.at == (root, found.name) or is_file(taken.file):
                        continue
                elif former.status != "skipped" and (found.picture or former.folder == self._folder(found, former.key)):
                    continue
            try:
                key, twin = self._identified(found, root)
            except OSError as error:
                reason = f"it cannot be read ({printable_text(reason_of(error))})"
                sources[root, found.name] = _source(found, root, "", "skipped", reason)
                continue
            if twin:
                reason = f"it has the same content as {twin}"
                sources[root, found.name] = _source(found, root, key, "skipped", reason)
                continue
            self._keys[found.place] = key
            source = _source(found, root, key, "", "", shard=self._folder(found, key))
            if found.picture and found.place not in self._request.segments:
                pictures.append((found, source))
            else:
                jobs.append(ShardJob(source.folder, [(found, source)], self._request.segments.get(found.place)))
        for start in range(0, len(pictures), _PICTURES_A_SHARD):
            some = pictures[start : start + _PICTURES_A_SHARD]
            folder = "pictures-" + _digest("".join(source.key for _, source in some))
            jobs.append(ShardJob(folder, [in_folder(one, folder) for one in some], None))
        return jobs

    def _as_known(self, found: Found, root: int) -> tuple[int, Found]:
        """The root and name by which a file is known already, if it was found by way of another folder."""
        if found.remote or (root, found.name) in self._known:
            return root, found
        at = self._known_places.get(self._canonical(found.place))
        return (root, found) if at is None else (at[0], replace(found, name=at[1]))

    @cached_property
    def _known_files(self) -> dict[tuple[int, str], str]:
        """The canonical place of every known source that is a file, by its root and name."""
        folders = [one.folder if one.absolute else None for one in self._roots]
        return {
            at: self._canonical(str(source_file(folder, source.source)))
            for at, source in self._known.items()
            if source.root >= 0 and (folder := folders[source.root]) is not None
        }

    @cached_property
    def _known_places(self) -> dict[str, tuple[int, str]]:
        """The root and name of every known source that is a file, by its canonical place."""
        return {file: at for at, file in self._known_files.items()}

    @cached_property
    def _taken(self) -> dict[str, _Taken]:
        """The files that have clips, by the key of their content; grows with those that get some."""
        return {
            source.key: _Taken(self._known_files[at], source.source, at)
            for at, source in self._known.items()
            if source.status in ("done", "partial") and at in self._known_files
        }

    def _canonical(self, place: str) -> str:
        """What `sources.canonical` gives, looked up once a folder."""
        folder, name = os.path.split(place)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return str(Path(self._folders[folder], name))

    def _identified(self, found: Found, root: int) -> tuple[str, str]:
        """The key of a file, and the name of another one of the same content if there is one."""
        key, at = content_key(found), (root, found.name)
        here = _Taken(found.place if found.remote else self._canonical(found.place), found.name, at)
        taken = self._taken.setdefault(key, here)
        if taken.at == at or taken.file == here.file or found.remote:
            return key, ""
        if not is_file(taken.file):  # it has a new name
            self._taken[key] = here
            return key, ""
        if is_respelled(taken.file, here.file):
            self._respelled.add(taken.at)
            self._taken[key] = here
            return key, ""
        if filecmp.cmp(taken.file, here.file, shallow=False):
            return key, taken.name
        with open_regular(Path(found.place)) as opened:  # alike in size and many blocks, and yet another file
            return hashlib.file_digest(opened, "sha256").hexdigest()[:16], ""

    def _folder(self, found: Found, key: str) -> str:
        """The name of a video's shard: the segments asked for are part of what it is."""
        segments = self._request.segments.get(found.place)
        if segments is None:
            return key
        return f"{key}-{_digest(repr([(one.start, one.end, one.clip_id) for one in segments]))}"

    def _check_any(self, sources: Sequence[Source]) -> None:
        if any(source.status in ("done", "partial") for source in sources):
            return
        skipped = [source for source in sources if source.status == "skipped"]
        reasons = "; ".join(f"{source.source}: {source.reason}" for source in skipped[:_LISTED_REASONS])
        raise NoVideosError(f"None of the {len(sources)} files could be used ({reasons}): give other videos.")

    # --- reading and embedding ---------------------------------------------------------------------

    def _made(self, jobs: Sequence[ShardJob]) -> list[Source]:
        """Do every job, which makes a shard each; returns the sources with their statuses."""
        done: list[Source] = []
        waiting: list[ShardJob] = []
        read: list[ShardJob] = []  # to the end, but not yet embedded
        decodes = False  # whether it is known that this installation can decode
        with ExitStack() as opened:
            files, size = sum(len(job.files) for job in jobs), sum(job.size for job in jobs)
            shown = opened.enter_context(Progress(files, size, self._shown))

            def report(finished: list[Source], unread: int) -> None:
                done.extend(finished)
                for source in finished:
                    shown.file_done(source.source, source.status, source.reason, unread=unread // len(finished))

            for job in jobs:
                former = self._finished_before(job)
                if former is None:
                    waiting.append(job)
                else:
                    report(former, job.size)
            decoders = DecoderPool(waiting, self._decoder_request)
            opened.callback(decoders.close)
            decoders.start()
            for job, message in decoders:
                if isinstance(message, (Failed, Refused)) and not decodes:
                    check_decoding(job.pictures)
                decodes = decodes or not isinstance(message, Spent)  # which comes before a failure, too
                if isinstance(message, Clip):
                    self._waiting.append((job, message))
                    _advance(shown, job, job.position, message.end, clips=1)
                elif isinstance(message, Moved):
                    _advance(shown, job, message.position, message.seconds)
                elif isinstance(message, Refused):
                    job.refused[message.place] = message.reason
                elif isinstance(message, Spent):
                    job.spent += message.seconds
                elif isinstance(message, Failed) and len(job.files) > 1:
                    # One of these images has ended the decoder: each is tried alone to find out which.
                    self._waiting = [(one, clip) for one, clip in self._waiting if one is not job]
                    decoders.add(one_by_one(job))
                else:
                    job.end = message
                    read.append(job)
                self._embed(last=not decoders.open)
                waited_for = {one for one, _ in self._waiting}
                for one in read:
                    if one not in waited_for:
                        report(self._finish(one), one.size - one.position)
                read = [one for one in read if one in waited_for]
        return done

    def _finished_before(self, job: ShardJob) -> list[Source] | None:
        """Return the sources of a job whose shard is there, from an earlier build; None if it has to be made."""
        card = shards.read_shard_card(self._path, job.folder)
        made = (self._encoder.fingerprint, self._settings.frames, self._settings.cut)
        if card is None or (card.fingerprint, card.frames_per_shot, card.cut) != made:
            shards.check_shard(self._path, job.folder)  # before the source is decoded
            return None
        if not job.pictures:
            _, source = job.files[0]
            return [_changed(source, card.status, card.reason, card.clips, card.seconds)]
        keys = set(shards.read_shard_clips(self._path, job.folder)["_key"])
        return [
            _changed(source, "done", "", 1, card.seconds)
            if source.key in keys
            else _changed(source, "skipped", "it is not a picture that can be read", seconds=card.seconds)
            for _, source in job.files
        ]

    def _decoder_request(self, job: ShardJob, threads: int) -> Request | PicturesRequest:
        side = int(getattr(self._encoder, "image_size", _PICTURE_SIDE))
        allow = sorted(self._request.allow)
        if job.pictures:
            return PicturesRequest([_sent(found) for found, _ in job.files], side, allow)
        found, _ = job.files[0]
        segments = None if job.segments is None else [(one.start, one.end) for one in job.segments]
        settings = self._settings
        return Request(_sent(found), found.size, side, settings.frames, settings.window, segments, threads, allow)

    def _embed(self, last: bool) -> None:
        """Embed waiting clips, whichever videos they are of, a batch at a time, and add them to their jobs.

        What does not fill a batch waits, unless these are the `last`: half a batch takes as long as a whole one.
        """
        ends = np.cumsum([len(clip.pictures) for _, clip in self._waiting])
        if not len(ends) or (ends[-1] < self._batch and not last):
            return
        number = (
            len(ends) if last else max(1, int(np.searchsorted(ends, ends[-1] // self._batch * self._batch, "right")))
        )
        waiting, self._waiting = self._waiting[:number], self._waiting[number:]
        frames = [
            np.frombuffer(data, dtype=np.uint8).reshape(height, width, 3)
            for _, clip in waiting
            for height, width, data in clip.pictures
        ]
        if not self._loaded and isinstance(self._encoder, OpenClipEncoder):
            self._encoder.encode_frames(frames[:1])  # the time of loading the model is no cost of these files
        self._loaded = True
        started = time.perf_counter()
        vectors = embed(self._encoder, frames, [len(clip.pictures) for _, clip in waiting])
        a_frame = (time.perf_counter() - started) / max(1, len(frames))
        for (job, clip), vector in zip(waiting, vectors, strict=True):
            job.enter(clip, vector)
            job.spent += a_frame * len(clip.pictures)

    def _finish(self, job: ShardJob) -> list[Source]:
        """Write the shard of a job; returns its sources with their statuses."""
        reason = job.end.reason if job.end is not None else ""
        if job.segments is not None and len(job.rows) < len(job.segments) and (job.rows or not reason):
            missing = f"{len(job.segments) - len(job.rows)} of {len(job.segments)} segments hold no picture"
            reason = f"{reason}; {missing}" if reason else missing
        seconds = round(job.spent / len(job.files), 3)
        if not job.rows:
            reason = reason or "not one of its pictures can be decoded"
            return [
                _changed(source, "skipped", job.refused.get(i, reason), seconds=seconds)
                for i, (_, source) in enumerate(job.files)
            ]
        status = "partial" if reason else "done"
        table, vectors = pd.DataFrame(job.rows).set_index("clip_id"), np.stack(job.vectors)
        card = ShardCard(
            self._encoder.fingerprint, self._settings.frames, status, reason, len(table), seconds, self._settings.cut
        )
        shards.write_shard(self._path, job.folder, Shard(table, vectors, b"".join(job.strips), card))
        if not job.pictures:
            return [_changed(job.files[0][1], status, reason, len(table), seconds)]
        return [
            _changed(source, "skipped", job.refused[i], seconds=seconds)
            if i in job.refused
            else _changed(source, "done", "", 1, seconds)
            for i, (_, source) in enumerate(job.files)
        ]


def embed(encoder: Encoder, frames: Sequence[NDArray[np.uint8]], counts: Sequence[int]) -> NDArray[np.float16]:
    """Return one vector a clip, float16 (n, dim): the mean of its frames' vectors, L2-normalised.

    `counts` are the clips' numbers of frames.

    Raises EncoderError if the encoder returns another shape, or values that are not finite.
    """
    vectors = np.asarray(encoder.encode_frames(frames), dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != len(frames) or not np.isfinite(vectors).all():
        raise EncoderError(
            f"The encoder {encoder.fingerprint} must give finite vectors ({len(frames)}, dim) for {len(frames)} frames,"
            f" but gave {vectors.shape}."
        )
    pooled = np.add.reduceat(vectors, np.cumsum([0, *counts[:-1]]), axis=0)
    lengths = np.linalg.norm(pooled, axis=1, keepdims=True)
    return (pooled / np.maximum(lengths, 1e-12)).astype(np.float16)


def renew_columns(path: Path, manifest: Manifest, clips: pd.DataFrame) -> Manifest:
    """Write the table of clips again, with other columns.

    Raises CorpusError if somebody is building, or has built since `manifest` was read.
    """
    with locked(path), Writing(path) as writing:
        if read_manifest(path) != manifest:
            raise CorpusError(f"The corpus in {path} has changed since it was opened: open it again for new columns.")
        return writing.finish(msgspec.structs.replace(manifest, clips_file=writing.clips(clips)))


def _root_number(roots: list[Root], root: Path | None, path: Path) -> int:
    """Return the index of a folder in `roots`: it is added if it is new, and updated if it was moved."""
    here = Root.of(root, path)
    # A corpus that was moved or copied together with its videos finds them in the same place, seen from itself.
    for name in ("absolute", "relative"):
        for number, one in enumerate(roots):
            if getattr(one, name) == getattr(here, name) and (root is None) == (not one.absolute):
                roots[number] = here
                return number
    roots.append(here)
    return len(roots) - 1


def _retire(sources: dict[tuple[int, str], Source], roots: Sequence[Root], root: int, place: Sources) -> None:
    """Mark sources as gone whose files are no longer in their folder; their shards stay, in case they come back."""
    assert place.root is not None
    present = {found.name for found in place.files}
    below = {
        number
        for number, one in enumerate(roots)
        if number != root and one.absolute and one.folder.is_relative_to(place.root)
    }
    for (number, name), source in list(sources.items()):
        if source.status == "gone" or not (number in below or (number == root and name not in present)):
            continue
        if _is_gone(source_file(roots[number].folder, name)):
            reason = "the file is no longer there; its clips come back with it"
            sources[number, name] = msgspec.structs.replace(source, status="gone", reason=reason, clips=0)


def _is_gone(file: Path) -> bool:
    """Return whether a file does not exist; False if its folder cannot be entered now."""
    try:
        return not stat.S_ISREG(file.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def _remove_renamed(sources: dict[tuple[int, str], Source], roots: Sequence[Root], keys: Collection[str]) -> None:
    """Drop the old names of files that are there under another name now; their shards and clip ids stay."""
    for place, source in list(sources.items()):
        if (
            source.key in keys
            and source.root >= 0
            and not is_file(source_file(roots[source.root].folder, source.source))
        ):
            del sources[place]


def _advance(shown: Progress, job: ShardJob, position: int, seconds: float, clips: int = 0) -> None:
    position, seconds = max(job.position, min(position, job.size)), max(job.seconds, seconds)
    shown.advance(position - job.position, seconds - job.seconds, clips)
    job.position, job.seconds = position, seconds


def _source(found: Found, root: int, key: str, status: str, reason: str, shard: str = "") -> Source:
    return Source(found.name, root, found.size, found.modified, key, status, reason, 0, 0.0, shard)


def _changed(source: Source, status: str, reason: str, clips: int = 0, seconds: float = 0.0) -> Source:
    return msgspec.structs.replace(source, status=status, reason=reason, clips=clips, seconds=seconds)


def _sent(found: Found) -> str:
    """Return the place of a file as a request to a decoder process holds it."""
    return found.place if found.remote else escaped(found.place)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _cut_name(cut: str) -> str:
    return {SEGMENTS: "segments of a table", GIVEN: "embeddings that were given"}.get(cut, cut)
