"""Measure the motion in a corpus that was built before motion was measured: its videos are decoded once more."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.errors import CorpusError, PreviewUnavailableError, reason_of
from va_widgets.base.names import escaped
from va_widgets.base.progress import Progress
from va_widgets.corpus import storage
from va_widgets.corpus.building.merge_views import known_motion, shard_motion
from va_widgets.corpus.files import shards
from va_widgets.corpus.lock import locked
from va_widgets.corpus.manifest import FROM_EMBEDDINGS, MOTION, SCHEMA_VERSION
from va_widgets.corpus.trust import VideoAccess
from va_widgets.corpus.writing import Writing
from va_widgets.video.decoder_messages import Done, Failed, Measured, MotionRequest, Moved
from va_widgets.video.decoder_pool import DecoderPool
from va_widgets.video.installation import check_decoding
from va_widgets.video.motion.features import FEATURES, MOTION_VERSION
from va_widgets.video.motion.meter import MotionMeter

_LISTED_REASONS = 5  # in an error message


@dataclass(eq=False)
class _MotionJob:
    """A shard whose motion is measured: `spans` are its clips, `motion` float16 (n, len(FEATURES)) is filled."""

    folder: str
    name: str  # of its video
    place: str
    size: int
    spans: list[tuple[float, float]]
    motion: NDArray[np.float16]
    position: int = 0  # bytes of the file that are decoded
    seconds: float = 0.0  # of video that are decoded


def measure_motion(path: Path, access: VideoAccess, progress: bool) -> None:
    """Write the motion view of the corpus in `path`, if it has none, lacks the motion of some clips, or has an old one.

    Only videos whose shards have no motion of this version are decoded, and what is measured is kept there, so that a
    call that was interrupted goes on. The rows of clips whose video cannot be read stay as they were, zero if it was
    never measured, and the reasons are written as those of a build are.

    Raises CorpusError if there are no videos or none can be read, if a build is running, or nothing can be written.
    """
    progress = arguments.flag(progress, "progress")
    with locked(path):
        files = storage.open_files(path)
        clips = files.read_media()
        if files.manifest.cut == FROM_EMBEDDINGS:
            raise CorpusError(
                f"The corpus in {path} was made of embeddings, so the motion in its clips is not measured: give its"
                f" values to corpus.add_view({MOTION!r}, …)."
            )
        known = known_motion(files)
        motion = np.zeros((len(clips), len(FEATURES)), np.float16) if known is None else known.astype(np.float16)
        is_old = known is not None and files.manifest.motion_version < MOTION_VERSION
        unknown = np.flatnonzero(is_old | ~motion.any(axis=1))
        if known is not None and not len(unknown):
            return
        clips = clips.assign(video=files.read_clips()["video"].astype(str)).iloc[unknown]
        parts = clips.groupby(clips["_shard"].astype(str), sort=False).indices
        planned = _plan(path, {str(folder): clips.iloc[rows[0]] for folder, rows in parts.items()}, files, access)
        refused = _decode(path, *planned, access, progress)
        version = MOTION_VERSION
        for folder, rows in parts.items():
            measured = shard_motion(path, str(folder), clips.index[rows], MOTION_VERSION)
            if measured is not None:
                motion[unknown[rows]] = measured
            elif motion[unknown[rows]].any():
                version = files.manifest.motion_version
        if not motion.any():
            reasons = "; ".join(f"{name}: {reason}" for name, reason in refused[:_LISTED_REASONS])
            raise CorpusError(f"The motion of no clip could be measured ({reasons}): see to the videos, and try again.")
        with Writing(path) as writing:
            name, matrix = writing.view(len(motion), len(FEATURES), np.float16)
            matrix[:] = motion
            views = {**files.manifest.views, MOTION: name}
            finished = msgspec.structs.replace(
                files.manifest, schema=SCHEMA_VERSION, views=views, motion_version=version
            )
            writing.finish(finished)


def _plan(
    path: Path, folders: Mapping[str, pd.Series[Any]], files: storage.Files, access: VideoAccess
) -> tuple[list[_MotionJob], list[tuple[str, str]]]:
    """Return a job for each shard that has no motion, and the names of videos that cannot be read, with the reasons.

    `folders` are those of the shards, each with the row of one of its clips. Nothing is decoded for pictures.
    """
    sources = {(source.root, source.source): source for source in files.sources()}
    jobs, refused = list[_MotionJob](), list[tuple[str, str]]()
    for folder, clip in folders.items():
        if shards.read_shard_motion(path, folder, len(FEATURES), MOTION_VERSION) is not None:
            continue
        name, root = str(clip["video"]), int(clip["_root"])
        try:
            table = shards.read_shard_clips(path, folder)
            spans = list(zip(table["start"].astype(float), table["end"].astype(float), strict=True))
            if all(start >= end for start, end in spans):  # pictures
                still = MotionMeter().result(0.0, 0.0).features.astype(np.float16)
                shards.write_shard_motion(path, folder, np.tile(still, (len(table), 1)), MOTION_VERSION)
                continue
            size = sources[root, name].size
            place = video_place(access, root, name, size)
        except (CorpusError, PreviewUnavailableError, OSError) as error:
            refused.append((name, reason_of(error).rstrip(".")))
            continue
        jobs.append(_MotionJob(folder, name, place, size, spans, np.zeros((len(table), len(FEATURES)), np.float16)))
    return jobs, refused


def video_place(access: VideoAccess, root: int, name: str, size: int) -> str:
    """Return the place of a video that had so many bytes when it was built, as requests to decoders hold it.

    Raises PreviewUnavailableError, CorpusError or OSError if it is not there, is another file, or may not be read.
    """
    video = access.locate(root, name)
    if not isinstance(video, Path):
        return video
    if video.stat().st_size != size:
        raise CorpusError(f"The file {name} is another one than when the corpus was built.")
    return escaped(str(video))


def _decode(
    path: Path, jobs: list[_MotionJob], refused: list[tuple[str, str]], access: VideoAccess, progress: bool
) -> list[tuple[str, str]]:
    """Measure the motion of shards, and add it to them; return `refused` with the videos that could not be decoded."""

    def request(job: _MotionJob, threads: int) -> MotionRequest:
        return MotionRequest(job.place, job.size, job.spans, threads, sorted(access.allow))

    refused, can_decode = list(refused), False
    with ExitStack() as stack:
        files, size = len(jobs) + len(refused), sum(job.size for job in jobs)
        bar = stack.enter_context(Progress(files, size, progress, title="measuring motion"))
        for name, reason in refused:
            bar.file_done(name, "skipped", reason)
        decoders = DecoderPool(jobs, request)
        stack.callback(decoders.close)
        decoders.start()
        for job, message in decoders:
            if isinstance(message, Measured):
                can_decode = True
                job.motion[message.place] = np.frombuffer(message.motion, dtype="<f2")
                _advance(bar, job, job.position, job.spans[message.place][1], clips=1)
            elif isinstance(message, Moved):
                _advance(bar, job, message.position, message.seconds)
            elif isinstance(message, (Done, Failed)):
                if isinstance(message, Failed) and not can_decode:
                    check_decoding(pictures=False)
                status, reason = _finish(path, job, message.reason)
                if status == "skipped":
                    refused.append((job.name, reason))
                bar.file_done(job.name, status, reason, unread=job.size - job.position)
    return refused


def _finish(path: Path, job: _MotionJob, reason: str) -> tuple[str, str]:
    """Add what was measured to the shard of a job; return its status and the reason, as a build has them."""
    measured: NDArray[np.bool_] = np.any(job.motion, axis=1)
    if not measured.any():
        return "skipped", reason or "it has no pictures any more"
    shards.write_shard_motion(path, job.folder, job.motion, MOTION_VERSION)
    if measured.all():
        return "done", ""
    missing = f"{np.count_nonzero(~measured)} of its {len(measured)} clips hold no picture any more"
    return "partial", f"{reason}; {missing}" if reason else missing


def _advance(bar: Progress, job: _MotionJob, position: int, seconds: float, clips: int = 0) -> None:
    position, seconds = max(job.position, min(position, job.size)), max(job.seconds, seconds)
    bar.advance(position - job.position, seconds - job.seconds, clips)
    job.position, job.seconds = position, seconds
