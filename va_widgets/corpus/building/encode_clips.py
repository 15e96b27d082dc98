"""Encode whole clips by an encoder of the user's, such as a video network: the vectors become a view."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.errors import CorpusError, EncoderError, PreviewUnavailableError, reason_of
from va_widgets.base.progress import Progress
from va_widgets.base.texts import counted
from va_widgets.corpus.building.measure_motion import video_place
from va_widgets.corpus.manifest import NO_VIDEO, Source
from va_widgets.corpus.trust import VideoAccess
from va_widgets.encoders.protocol import ClipEncoder
from va_widgets.video.decoder_messages import Clip, Done, Failed, Moved, PicturesRequest, Refused, Request
from va_widgets.video.decoder_pool import DecoderPool

_FRAMES, _SIDE = 16, 224  # of a clip, and pixels of their shorter side, for encoders that do not say what they need
_LISTED = 5  # videos that a message names


@dataclass(eq=False)
class _EncodingJob:
    """A video or picture whose clips, in `rows` of the corpus with their `spans` (start, end), are encoded."""

    name: str
    place: str
    size: int
    rows: list[int]
    spans: list[tuple[float, float]]
    vectors: list[tuple[int, NDArray[np.float32]]] = field(default_factory=list)  # with the row of each
    reason: str = "it holds fewer clips than when the corpus was built"  # why clips are missing, if any are
    position: int = 0  # bytes of the file that are decoded

    @property
    def is_picture(self) -> bool:
        """Whether this is a picture: a clip of one frame."""
        return all(start >= end for start, end in self.spans)


def encode_clips(
    path: Path,
    clips: pd.DataFrame,
    sources: Sequence[Source],
    encoder: ClipEncoder,
    access: VideoAccess,
    progress: bool,
) -> NDArray[np.float32]:
    """Return the vectors of all `clips` of the corpus in `path`, float32 (n, d), by an encoder of whole clips.

    `clips` has the columns video, start, end and _root. Raises CorpusError, before anything is decoded, if a video is
    not there or may not be read, later if a clip cannot be decoded; EncoderError if the encoder gives no vectors.
    """
    progress = arguments.flag(progress, "progress")
    if isinstance(encoder, type):
        raise EncoderError(f"An encoder of clips is an object, but {encoder.__name__} is a class: make one of it.")
    if "_root" not in clips or (clips["_key"] == NO_VIDEO).any():
        raise CorpusError(
            f"The corpus in {path} was made of embeddings, and clips without a video cannot be encoded: give vectors."
        )
    jobs = _jobs(clips, sources, access)
    frames = arguments.count(getattr(encoder, "frames_per_clip", _FRAMES), "frames_per_clip", least=1, most=1 << 12)
    side = arguments.count(getattr(encoder, "image_size", _SIDE), "image_size", least=1, most=1 << 12)
    allow = sorted(access.allow)

    def request(job: _EncodingJob, threads: int) -> Request | PicturesRequest:
        if job.is_picture:
            return PicturesRequest([job.place], side, allow)
        return Request(job.place, job.size, side, frames, None, job.spans, threads, allow)

    with ExitStack() as stack:
        bar = stack.enter_context(Progress(len(jobs), sum(job.size for job in jobs), progress, title="encoding clips"))
        decoders = DecoderPool(jobs, request)
        stack.callback(decoders.close)
        decoders.start()
        for job, message in decoders:
            if isinstance(message, Clip):
                job.vectors.append((job.rows[message.place], _vector(encoder, message)))
                bar.advance(0, message.end - message.start, clips=1)
            elif isinstance(message, Moved):
                position = max(job.position, min(message.position, job.size))
                bar.advance(position - job.position)
                job.position = position
            elif isinstance(message, (Done, Failed, Refused)):
                job.reason = message.reason or job.reason
            if isinstance(message, (Done, Failed)):
                bar.file_done(job.name, "done", unread=job.size - job.position)
    _check_all(jobs)
    vectors = dict(pair for job in jobs for pair in job.vectors)
    if len({len(vector) for vector in vectors.values()}) > 1:
        raise EncoderError("An encoder of clips must give vectors of one length, but they differ from clip to clip.")
    return np.stack([vectors[row] for row in range(len(clips))])


def _jobs(clips: pd.DataFrame, sources: Sequence[Source], access: VideoAccess) -> list[_EncodingJob]:
    """Return a job for each video. Raises CorpusError if some are not there, or may not be read."""
    sizes = {(source.root, source.source): source.size for source in sources}
    spans = list(zip(clips["start"].astype(float), clips["end"].astype(float), strict=True))
    places: dict[tuple[int, str], list[int]] = {}
    for row, video in enumerate(zip(clips["_root"].astype(int), clips["video"].astype(str), strict=True)):
        places.setdefault(video, []).append(row)
    jobs, refused = list[_EncodingJob](), list[str]()
    for (root, name), rows in places.items():
        size = sizes[root, name]
        try:
            place = video_place(access, root, name, size)
        except (CorpusError, PreviewUnavailableError, OSError) as error:
            refused.append(reason_of(error).rstrip("."))
            continue
        jobs.append(_EncodingJob(name, place, size, rows, [spans[row] for row in rows]))
    if refused:
        raise CorpusError(f"{len(refused):,} of {len(places):,} videos cannot be read ({_shown(refused)}).")
    return jobs


def _vector(encoder: ClipEncoder, clip: Clip) -> NDArray[np.float32]:
    """Return the vector of a clip, float32 (d,). Raises EncoderError if the encoder does not give one."""
    frames = [np.frombuffer(data, dtype=np.uint8).reshape(height, width, 3) for height, width, data in clip.pictures]
    seconds = clip.end - clip.start
    given = encoder.encode_clips(frames, len(frames) / seconds if seconds > 0 else 0.0)
    try:
        vector = np.asarray(given)
    except (TypeError, RuntimeError, ValueError) as error:  # such as tensors on a GPU, or with gradients
        raise EncoderError(
            f"An encoder of clips must give a numpy array, but gave what is none ({error}): of PyTorch, give"
            " vector.detach().float().cpu().numpy()."
        ) from error
    if vector.ndim != 1 or not len(vector) or vector.dtype.kind != "f" or not np.isfinite(vector).all():
        raise EncoderError(
            f"An encoder of clips must give a finite vector (d,) of floats for each, but gave {vector.dtype}"
            f" {vector.shape}."
        )
    return vector.astype(np.float32)


def _check_all(jobs: Sequence[_EncodingJob]) -> None:
    """Raise CorpusError if clips have no vector."""
    lacking = [job for job in jobs if len(job.vectors) < len(job.rows)]
    if lacking:
        missing = sum(len(job.rows) - len(job.vectors) for job in lacking)
        reasons = _shown([f"{job.name}: {job.reason}" for job in lacking])
        raise CorpusError(
            f"{counted(missing, 'clip')} could not be encoded ({reasons}): see to their videos, and try again."
        )


def _shown(reasons: Sequence[str]) -> str:
    return "; ".join(reasons[:_LISTED]) + (" …" if len(reasons) > _LISTED else "")
