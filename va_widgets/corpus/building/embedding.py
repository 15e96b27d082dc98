"""Embedding of the clips that a build has decoded, a batch at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.errors import EncoderError
from va_widgets.corpus.building.jobs import ShardJob
from va_widgets.encoders.protocol import Encoder, OpenClipEncoder
from va_widgets.video.decoder_messages import Clip

_FRAMES_A_BATCH = 64


class EmbeddingQueue:
    """Clips that wait to be embedded, of any number of jobs, in the order in which they were decoded."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        frames_per_call = max(1, int(getattr(encoder, "frames_per_call", 1)))
        self._batch = -(-_FRAMES_A_BATCH // frames_per_call) * frames_per_call  # frames
        self._called = False  # whether the encoder has been called
        self._clips: list[tuple[ShardJob, Clip]] = []

    @property
    def jobs(self) -> set[ShardJob]:
        """The jobs that have clips in the queue."""
        return {job for job, _ in self._clips}

    def add(self, job: ShardJob, clip: Clip) -> None:
        """Append a clip of a job."""
        self._clips.append((job, clip))

    def discard(self, job: ShardJob) -> None:
        """Drop the clips of a job."""
        self._clips = [(other, clip) for other, clip in self._clips if other is not job]

    def embed_batches(self, last: bool) -> None:
        """Embed clips, whichever jobs they are of, in whole batches, and add them to their jobs.

        The rest stays in the queue, unless these are the `last` clips: half a batch takes as long as a whole one.
        """
        ends = np.cumsum([len(clip.pictures) for _, clip in self._clips])
        if not len(ends) or (ends[-1] < self._batch and not last):
            return
        number = (
            len(ends) if last else max(1, int(np.searchsorted(ends, ends[-1] // self._batch * self._batch, "right")))
        )
        batch, self._clips = self._clips[:number], self._clips[number:]
        frames = [
            np.frombuffer(data, dtype=np.uint8).reshape(height, width, 3)
            for _, clip in batch
            for height, width, data in clip.pictures
        ]
        if not self._called and isinstance(self._encoder, OpenClipEncoder):
            self._encoder.encode_frames(frames[:1])  # so that the time of loading the model counts for no file
        self._called = True
        started = time.perf_counter()
        vectors = _clip_vectors(self._encoder, frames, [len(clip.pictures) for _, clip in batch])
        seconds_a_frame = (time.perf_counter() - started) / max(1, len(frames))
        for (job, clip), vector in zip(batch, vectors, strict=True):
            job.add_clip(clip, vector)
            job.spent += seconds_a_frame * len(clip.pictures)


def _clip_vectors(encoder: Encoder, frames: Sequence[NDArray[np.uint8]], counts: Sequence[int]) -> NDArray[np.float16]:
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
