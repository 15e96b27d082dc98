"""Building: every video becomes a shard of its own, then all shards become one corpus."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from tqdm.auto import tqdm

from va_widgets.corpus import store
from va_widgets.corpus.encoders import Encoder, as_encoder
from va_widgets.corpus.frames import UndecodableError, Video, filmstrip
from va_widgets.corpus.shots import Shot, shots
from va_widgets.corpus.store import Manifest, Root, Shard, ShardCard, Source
from va_widgets.errors import CorpusError, EncoderError, EncoderMismatchError, NoVideosError

VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ts .mts .m2ts .mxf .wmv .flv .ogv .3gp .vob .y4m".split()
)
_LOCK_FILE = ".build.lock"
_SMALL_SIDE, _PICTURE_SIDE = 90, 288
_WORKERS = 2
_SHOTS_A_BATCH = 8
_EDGE = 1 << 16  # bytes of the head and the tail of a file that identify it
_CLUSTERS = 10
_TOLD = 5  # reasons in an error message


@dataclass(frozen=True)
class _Job:
    """A file to be built, or what is known about it already."""

    path: Path
    name: str
    root: int
    size: int
    modified: int
    key: str = ""


def build(
    path: Path,
    videos: Path | str | Iterable[Path | str],
    encoder: str | Encoder,
    frames_per_shot: int,
    progress: bool,
) -> None:
    """Build or extend the corpus in `path`. What is done is skipped; a second call does nothing.

    Raises NoVideosError, EncoderError, EncoderMismatchError or CorpusError, and then leaves the corpus as it was.
    """
    if frames_per_shot < 1:
        raise CorpusError(f"frames_per_shot must be at least 1, not {frames_per_shot}.")
    root, files = find_videos(videos)
    model = as_encoder(encoder)
    fresh = not path.exists()
    path.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path / _LOCK_FILE, timeout=0):
            _build_locked(path, root, files, model, frames_per_shot, progress)
    except Timeout as error:
        raise CorpusError(f"Another build is at work in {path}: wait until it is done, then build again.") from error
    except (CorpusError, EncoderError):
        _remove_empty(path, fresh)
        raise


def find_videos(videos: Path | str | Iterable[Path | str]) -> tuple[Path, list[Path]]:
    """The video files of a folder and the folders in it, or those named; and the folder their names start from.

    Raises NoVideosError if there are none.
    """
    if isinstance(videos, (str, Path)):
        given = Path(videos)
        if given.is_dir():
            found = sorted(
                file for file in given.rglob("*") if file.suffix.lower() in VIDEO_SUFFIXES and file.is_file()
            )
            if not found:
                raise NoVideosError(
                    f"The folder {given} holds no videos: give one with files such as .mp4, .mov, .mkv or .webm."
                )
            return given.resolve(), [given.resolve() / file.relative_to(given) for file in found]
        videos = [given]
    files = [Path(os.path.abspath(file)) for file in videos]
    if not files:
        raise NoVideosError("The list of videos is empty: give at least one file.")
    for file in files:
        if not file.is_file():
            raise NoVideosError(f"There is no video {file}: check the path.")
    return Path(os.path.commonpath([file.parent for file in files])), sorted(set(files))


def _build_locked(
    path: Path, root: Path, files: Sequence[Path], encoder: Encoder, frames_per_shot: int, progress: bool
) -> None:
    store.clear_unfinished(path)
    former = store.read_manifest(path) if (path / store.MANIFEST_FILE).exists() else None
    if former is not None:
        _check_same_make(path, former, encoder, frames_per_shot)
    roots = list(former.roots) if former else []
    here = Root(root.as_posix(), _relative(root, path))
    # A corpus that was moved or copied together with its videos finds them in the same place, seen from itself.
    number = next((i for i, one in enumerate(roots) if one.absolute == here.absolute), None)
    if number is None:
        number = next((i for i, one in enumerate(roots) if here.relative and one.relative == here.relative), None)
    if number is None:
        number = len(roots)
        roots.append(here)
    roots[number] = here

    known = {(source.root, source.source): source for source in (former.sources if former else [])}
    jobs, sources = [], dict(known)
    for file in files:
        stat = file.stat()
        name = file.relative_to(root).as_posix()
        before = known.get((number, name))
        if before is not None and (before.size, before.modified) == (stat.st_size, stat.st_mtime_ns):
            continue
        jobs.append(_Job(file, name, number, stat.st_size, stat.st_mtime_ns, _content_key(file, stat.st_size)))
    if former is not None and not jobs:
        return
    _forget_renamed(sources, roots, {job.key for job in jobs})

    built = _run(path, jobs, sources, encoder, frames_per_shot, progress)
    sources.update({(source.root, source.source): source for source in built})
    kept = [source for source in sources.values() if source.status != "skipped"]
    if not kept:
        reasons = "; ".join(f"{source.source}: {source.reason}" for source in built[:_TOLD])
        raise NoVideosError(f"None of the {len(files)} files could be used ({reasons}): give other videos.")
    _consolidate(path, former, roots, list(sources.values()), encoder, frames_per_shot)


def _forget_renamed(sources: dict[tuple[int, str], Source], roots: Sequence[Root], keys: Collection[str]) -> None:
    """Drop the old names of files that are there under another name now; their shards and clip ids stay."""
    for place, source in list(sources.items()):
        if source.key in keys and not (Path(roots[source.root].absolute) / source.source).is_file():
            del sources[place]


def _run(
    path: Path,
    jobs: Sequence[_Job],
    sources: dict[tuple[int, str], Source],
    encoder: Encoder,
    frames_per_shot: int,
    progress: bool,
) -> list[Source]:
    """Make a shard of every job, a few at a time, and say what became of each."""
    taken = {source.key: place for place, source in sources.items() if source.status != "skipped"}
    waiting: list[_Job] = []
    done: list[Source] = []
    for job in jobs:
        twin = taken.get(job.key)
        if twin is not None and twin != (job.root, job.name):
            done.append(_source(job, "skipped", f"it has the same content as {twin[1]}", 0, 0.0))
            continue
        taken[job.key] = (job.root, job.name)
        waiting.append(job)
    with (
        tqdm(total=len(jobs), initial=len(done), desc="building", unit="video", disable=not progress) as bar,
        ThreadPoolExecutor(max_workers=_WORKERS) as pool,
    ):
        running: set[Future[Source]] = set()
        try:
            while waiting or running:
                while waiting and len(running) < _WORKERS:
                    running.add(pool.submit(_shard, path, waiting.pop(0), encoder, frames_per_shot))
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    done.append(future.result())
                    bar.update()
        except BaseException:
            for future in running:
                future.cancel()
            raise
    return sorted(done, key=lambda source: source.source)


def _shard(path: Path, job: _Job, encoder: Encoder, frames_per_shot: int) -> Source:
    """One video: decode, cut, embed, write. A shard that an interrupted build has left is used as it is."""
    card = store.read_shard_card(path, job.key)
    if card is not None and (card.fingerprint, card.frames_per_shot) == (encoder.fingerprint, frames_per_shot):
        return _source(job, card.status, card.reason, card.clips, card.seconds)
    started = time.perf_counter()
    try:
        video = Video(job.path, _SMALL_SIDE, _PICTURE_SIDE)
    except UndecodableError as error:
        return _source(job, "skipped", str(error), 0, 0.0)
    try:
        rows, vectors, strips = _clips(video, job.key, encoder, frames_per_shot)
    finally:
        video.close()
    if not rows:
        return _source(job, "skipped", "not one of its pictures can be decoded", 0, 0.0)
    status, reason = ("partial", f"{video.damaged} damaged parts were left out") if video.damaged else ("done", "")
    table = pd.DataFrame(rows).set_index("clip_id").assign(width=video.width, height=video.height)
    seconds = round(time.perf_counter() - started, 3)
    card = ShardCard(encoder.fingerprint, frames_per_shot, status, reason, len(rows), seconds)
    store.write_shard(path, job.key, Shard(table, np.concatenate(vectors), b"".join(strips), card))
    return _source(job, status, reason, len(rows), seconds)


def _clips(
    video: Video, key: str, encoder: Encoder, frames_per_shot: int
) -> tuple[list[dict[str, object]], list[NDArray[np.float16]], list[bytes]]:
    rows: list[dict[str, object]] = []
    vectors: list[NDArray[np.float16]] = []
    strips: list[bytes] = []
    at = 0
    for some in _batched(shots(video.frames(), video.fps, frames_per_shot), _SHOTS_A_BATCH):
        vectors.append(embed(encoder, some))
        for shot in some:
            strip = filmstrip(shot.pictures)
            rows.append(
                {
                    "clip_id": f"{key}-{round(shot.start * 1000):08d}-{round(shot.end * 1000):08d}",
                    "start": shot.start,
                    "end": shot.end,
                    "frame_in": shot.frame_in,
                    "frame_out": shot.frame_out,
                    "fps": video.fps,
                    "_strip_at": at,
                    "_strip_bytes": len(strip.data),
                    "_strip_frames": strip.frames,
                    "_strip_width": strip.width,
                    "_strip_height": strip.height,
                }
            )
            strips.append(strip.data)
            at += len(strip.data)
    return rows, vectors, strips


def embed(encoder: Encoder, some: Sequence[Shot]) -> NDArray[np.float16]:
    """Shots to float16 (n, dim): their frames' vectors averaged and L2-normalised.

    Raises EncoderError if the encoder returns another shape, or values that are not finite.
    """
    frames = [picture for shot in some for picture in shot.pictures]
    vectors = np.asarray(encoder.encode_frames(frames), dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != len(frames) or not np.isfinite(vectors).all():
        raise EncoderError(
            f"The encoder {encoder.fingerprint} must give finite vectors ({len(frames)}, dim) for {len(frames)} frames,"
            f" but gave {vectors.shape}."
        )
    ends = np.cumsum([len(shot.pictures) for shot in some])[:-1]
    pooled = np.stack([part.mean(axis=0) for part in np.split(vectors, ends)])
    return normalised(pooled)


def normalised(vectors: NDArray[np.float32]) -> NDArray[np.float16]:
    """L2-normalised float16; a vector of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float16)


def clusters(embeddings: NDArray[np.floating]) -> NDArray[np.int64]:
    """A cluster, 0 to 9, for every row: what data diversity is counted over."""
    number = min(_CLUSTERS, len(embeddings))
    means = MiniBatchKMeans(number, random_state=0, n_init=3, batch_size=4096)
    labels: NDArray[np.int64] = means.fit_predict(np.asarray(embeddings, dtype=np.float32)).astype(np.int64)
    return labels


def _consolidate(
    path: Path,
    former: Manifest | None,
    roots: list[Root],
    sources: list[Source],
    encoder: Encoder,
    frames_per_shot: int,
) -> None:
    """Join all shards, in the order of their names, into one table and one matrix."""
    sources.sort(key=lambda source: (source.root, source.source))
    tables, matrices = [], []
    for source in sources:
        if source.status == "skipped":
            continue
        table, matrix = store.read_shard(path, source.key)
        tables.append(table.assign(video=source.source, _key=source.key, _root=source.root))
        matrices.append(matrix)
    embeddings = np.concatenate(matrices)
    clips = pd.concat(tables).assign(cluster=clusters(embeddings))
    clips = clips[[*store.COLUMNS, *store.HIDDEN]]
    if former is not None:  # columns that users have added stay with their clips
        old = pd.read_parquet(path / former.clips_file)
        clips = clips.join(old[[name for name in old.columns if name not in clips.columns]])
    manifest = Manifest(
        schema=store.SCHEMA_VERSION,
        fingerprint=encoder.fingerprint,
        tag=getattr(encoder, "tag", None),
        dim=embeddings.shape[1],
        clips=len(clips),
        frames_per_shot=frames_per_shot,
        clips_file="",
        embeddings_file="",
        texts_file=None,
        roots=roots,
        sources=sources,
    )
    store.write_corpus(path, clips, embeddings, None, manifest)


def _check_same_make(path: Path, former: Manifest, encoder: Encoder, frames_per_shot: int) -> None:
    if former.fingerprint != encoder.fingerprint:
        raise EncoderMismatchError(
            f"The corpus in {path} was made with the encoder {former.fingerprint}, not {encoder.fingerprint}:"
            " build with that encoder, or build in another folder."
        )
    if former.frames_per_shot != frames_per_shot:
        raise CorpusError(
            f"The corpus in {path} was made with frames_per_shot={former.frames_per_shot}, not {frames_per_shot}: build"
            " with that number, or build in another folder."
        )


def _content_key(file: Path, size: int) -> str:
    """Identifies a file by its size, head and tail, so that renaming it or its folder keeps its clips' ids."""
    digest = hashlib.sha256(str(size).encode())
    with file.open("rb") as opened:
        digest.update(opened.read(_EDGE))
        opened.seek(max(0, size - _EDGE))
        digest.update(opened.read(_EDGE))
    return digest.hexdigest()[:16]


def _source(job: _Job, status: str, reason: str, clips: int, seconds: float) -> Source:
    return Source(job.name, job.root, job.size, job.modified, job.key, status, reason, clips, seconds)


def _relative(root: Path, path: Path) -> str:
    try:
        return Path(os.path.relpath(root, path.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return ""


def _batched(stream: Iterable[Shot], size: int) -> Iterable[list[Shot]]:
    some: list[Shot] = []
    for shot in stream:
        some.append(shot)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def _remove_empty(path: Path, fresh: bool) -> None:
    """Take away a folder that was made for a build that came to nothing, unless something is in it."""
    if not fresh or (path / store.SHARDS_FOLDER).exists():
        return
    (path / _LOCK_FILE).unlink(missing_ok=True)
    if not any(path.iterdir()):
        path.rmdir()


def renew_columns(path: Path, manifest: Manifest, clips: pd.DataFrame) -> None:
    """Write the table of clips again, with other columns. Raises CorpusError if somebody is building."""
    try:
        with FileLock(path / _LOCK_FILE, timeout=0):
            store.write_corpus(path, clips, None, None, msgspec.structs.replace(manifest))
    except Timeout as error:
        raise CorpusError(f"Another build is at work in {path}: wait until it is done.") from error
