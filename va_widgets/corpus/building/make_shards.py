"""The work of a build: sources are decoded, their clips embedded, and each job's shard written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from va_widgets.base.names import escaped
from va_widgets.base.progress import Progress
from va_widgets.corpus.building.embedding import EmbeddingQueue
from va_widgets.corpus.building.jobs import ShardJob, one_by_one
from va_widgets.corpus.building.request import ClipSettings
from va_widgets.corpus.files import shards
from va_widgets.corpus.files.shards import Shard, ShardCard
from va_widgets.corpus.manifest import Source
from va_widgets.corpus.sources import SourceFile
from va_widgets.encoders.protocol import Encoder
from va_widgets.video.decoder_messages import (
    Clip,
    Done,
    Failed,
    Flawed,
    Message,
    Moved,
    PicturesRequest,
    Refused,
    Request,
    Spent,
)
from va_widgets.video.decoder_pool import DecoderPool
from va_widgets.video.installation import check_decoding
from va_widgets.video.motion.features import MOTION_VERSION

_PICTURE_SIDE = 288  # pixels of the shorter side of frames, for encoders that do not say what they need
# Flushing the five files of a shard to the disk takes longer than decoding a video of a second. Threads wait for the
# disk at the same time, and file systems flush what several ask for at once.
_WRITERS = 4
_UNWRITTEN = 8  # shards that may wait for a writer: their filmstrips are in memory


class ShardMaker:
    """Makes the shards of a corpus in the folder `path`; `allow` are schemes of URLs that the user allows.

    `cores` is how many of the machine's to decode on, by default all.
    """

    def __init__(
        self,
        path: Path,
        encoder: Encoder,
        settings: ClipSettings,
        allow: frozenset[str],
        cores: int | None = None,
    ) -> None:
        self._path = path
        self._encoder = encoder
        self._settings = settings
        self._allow = sorted(allow)
        self._cores = cores
        self._queue = EmbeddingQueue(encoder)

    def make(self, jobs: Sequence[ShardJob], shown: bool) -> list[Source]:
        """Do every job, which makes a shard each, with a progress bar if `shown`; return the sources' new records.

        Raises EncoderError, and CorpusError if this installation cannot decode, or a shard cannot be written.
        """
        finished: list[Source] = []
        waiting: list[ShardJob] = []
        decoded: list[ShardJob] = []  # to their end, but not yet embedded
        can_decode = False  # whether this installation is known to be able to
        with ExitStack() as stack:
            files, size = sum(len(job.files) for job in jobs), sum(job.size for job in jobs)
            progress = stack.enter_context(Progress(files, size, shown))

            def report(sources: list[Source], unread: int) -> None:
                finished.extend(sources)
                for source in sources:
                    progress.file_done(source.source, source.status, source.reason, unread=unread // len(sources))

            for job in jobs:
                former = self._finished_before(job)
                if former is None:
                    waiting.append(job)
                else:
                    report(former, job.size)
            writers = _Writers(self._finish, report)
            stack.callback(writers.close)
            decoders = DecoderPool(waiting, self._decoder_request, self._cores)
            stack.callback(decoders.close)
            decoders.start()
            for job, message in decoders:
                if isinstance(message, (Failed, Refused)) and not can_decode:
                    check_decoding(job.pictures)
                can_decode = can_decode or not isinstance(message, Spent)  # Spent also precedes a failure
                if isinstance(message, Failed) and len(job.files) > 1:
                    # One of these images has ended the decoder: each is tried alone to find out which.
                    self._queue.discard(job)
                    decoders.add(one_by_one(job))
                elif self._take(job, message, progress):
                    decoded.append(job)
                self._queue.embed_batches(last=not decoders.open)
                unembedded = self._queue.jobs
                for job in decoded:
                    if job not in unembedded:
                        writers.add(job)
                decoded = [job for job in decoded if job in unembedded]
            writers.finish()
        return finished

    def _take(self, job: ShardJob, message: Message, progress: Progress) -> bool:
        """Enter a decoder's message into its job. Return whether it is the last one of the job."""
        if isinstance(message, Clip):
            self._queue.add(job, message)
            _advance(progress, job, job.position, message.end, clips=1)
        elif isinstance(message, Moved):
            _advance(progress, job, message.position, message.seconds)
        elif isinstance(message, Refused):
            job.refused[message.place] = message.reason
        elif isinstance(message, Flawed):
            job.flaws[message.place] = message.reason
        elif isinstance(message, Spent):
            job.spent += message.seconds
        elif isinstance(message, (Done, Failed)):
            job.end = message
            return True
        return False

    def _finished_before(self, job: ShardJob) -> list[Source] | None:
        """Return the sources of a job whose shard exists, from an earlier build; None if it has to be made."""
        card = shards.read_shard_card(self._path, job.folder)
        settings = (self._encoder.fingerprint, self._settings.frames, self._settings.cut)
        if card is None or (card.fingerprint, card.frames_per_shot, card.cut) != settings:
            shards.check_shard(self._path, job.folder)  # before the source is decoded
            return None
        if not job.pictures:
            _, source = job.files[0]
            return [_changed(source, card.status, card.reason, card.clips, card.seconds)]
        keys = set(shards.read_shard_clips(self._path, job.folder)["_key"])
        return [
            _used(source, card.flaws.get(source.key, ""), card.seconds)
            if source.key in keys
            else _changed(source, "skipped", "it is not a picture that can be read", seconds=card.seconds)
            for _, source in job.files
        ]

    def _decoder_request(self, job: ShardJob, threads: int) -> Request | PicturesRequest:
        side = int(getattr(self._encoder, "image_size", _PICTURE_SIDE))
        if job.pictures:
            return PicturesRequest([_request_place(file) for file, _ in job.files], side, self._allow)
        file, _ = job.files[0]
        segments = None if job.segments is None else [(segment.start, segment.end) for segment in job.segments]
        frames, window = self._settings.frames, self._settings.window
        return Request(_request_place(file), file.size, side, frames, window, segments, threads, self._allow)

    def _finish(self, job: ShardJob) -> list[Source]:
        """Write the shard of a job. Return its sources with their statuses."""
        reason = job.end.reason if job.end is not None else ""
        if isinstance(job.end, Failed) and job.end.is_temporary:
            job.rows.clear()
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
        # Not by pandas, which takes as long for one clip as for thousands: ten times as long as Arrow.
        table = pa.Table.from_pylist(job.rows, schema=shards.TABLE)
        vectors, motion = np.stack(job.vectors), np.stack(job.motions)
        card = ShardCard(
            self._encoder.fingerprint,
            self._settings.frames,
            status,
            reason,
            len(table),
            seconds,
            self._settings.cut,
            {job.files[i][1].key: flaw for i, flaw in job.flaws.items()},
            motion_version=MOTION_VERSION,
        )
        shards.write_shard(self._path, job.folder, Shard(table, vectors, b"".join(job.strips), card, motion))
        job.release()
        if not job.pictures:
            return [_changed(job.files[0][1], status, reason, len(table), seconds)]
        return [
            _changed(source, "skipped", job.refused[i], seconds=seconds)
            if i in job.refused
            else _used(source, job.flaws.get(i, ""), seconds)
            for i, (_, source) in enumerate(job.files)
        ]


class _Writers:
    """Threads that write the shards of jobs by `write`, which returns the sources that are given to `report`.

    `report` is called in the thread, and in the order, in which jobs are added, with the bytes of each job that were
    not read.
    """

    def __init__(self, write: Callable[[ShardJob], list[Source]], report: Callable[[list[Source], int], None]) -> None:
        self._write, self._report = write, report
        self._pool = ThreadPoolExecutor(_WRITERS, thread_name_prefix="va-shards")
        self._pending = deque[tuple[ShardJob, Future[list[Source]]]]()

    def add(self, job: ShardJob) -> None:
        """Begin to write a shard, once there are few enough to wait for. Raises what writing an earlier one did."""
        self._pending.append((job, self._pool.submit(self._write, job)))
        while self._pending and (len(self._pending) > _UNWRITTEN or self._pending[0][1].done()):
            self._report_oldest()

    def finish(self) -> None:
        """Wait until all shards are written. Raises what writing one did."""
        while self._pending:
            self._report_oldest()

    def _report_oldest(self) -> None:
        job, written = self._pending.popleft()
        self._report(written.result(), job.size - job.position)

    def close(self) -> None:
        """Wait for the shards that are being written; no other is begun."""
        self._pool.shutdown(cancel_futures=True)


def _advance(progress: Progress, job: ShardJob, position: int, seconds: float, clips: int = 0) -> None:
    position, seconds = max(job.position, min(position, job.size)), max(job.seconds, seconds)
    progress.advance(position - job.position, seconds - job.seconds, clips)
    job.position, job.seconds = position, seconds


def _changed(source: Source, status: str, reason: str, clips: int = 0, seconds: float = 0.0) -> Source:
    return msgspec.structs.replace(source, status=status, reason=reason, clips=clips, seconds=seconds)


def _used(picture: Source, flaw: str, seconds: float) -> Source:
    """Return the record of a picture that has a clip."""
    return _changed(picture, "partial" if flaw else "done", flaw, 1, seconds)


def _request_place(file: SourceFile) -> str:
    """Return the path or URL of a file as a request to a decoder process holds it."""
    return file.place if file.remote else escaped(file.place)
