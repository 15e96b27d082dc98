"""The shards of a build made by Ray: each of its workers makes those of some videos, in the corpus's own folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from va_widgets.base.errors import EncoderMismatchError
from va_widgets.base.progress import Progress
from va_widgets.base.ray_engine import RayEngine, running
from va_widgets.base.ray_pool import RayPool
from va_widgets.corpus.building.jobs import ShardJob
from va_widgets.corpus.building.make_shards import ShardMaker
from va_widgets.corpus.building.request import ClipSettings
from va_widgets.corpus.files.shards import clear_unfinished_shards
from va_widgets.corpus.manifest import Source
from va_widgets.encoders.protocol import Encoder

# A worker starts its decoders anew for every batch of videos, which takes as long as decoding some megabytes.
_BATCH_BYTES, _BATCH_JOBS = 64 << 20, 32
_BATCHES_A_WORKER = 4  # at least, where there are so many videos: the last ones end at about the same time


def make_shards_by_ray(
    engine: RayEngine,
    path: Path,
    encoder: Encoder,
    settings: ClipSettings,
    allow: frozenset[str],
    jobs: Sequence[ShardJob],
    shown: bool,
) -> list[Source]:
    """Do what `ShardMaker.make` does, by the workers of Ray; return the sources' new records.

    The folder `path` must be the same on all machines. A worker that dies loses the shards that it has not finished,
    which another makes. Raises what `ShardMaker.make` does, EncoderMismatchError if a machine has another model of that
    name, and EngineError.
    """
    if not jobs:
        return []
    made: list[Source] = []
    sizes = {(source.root, source.source): file.size for job in jobs for file, source in job.files}
    given = (path, encoder, encoder.fingerprint, settings, allow, engine.cpus)
    with (
        Progress(len(sizes), sum(sizes.values()), shown) as progress,
        running(engine) as ray,
        RayPool(ray, engine, len(jobs)) as pool,
    ):
        try:
            with closing(pool.results(_Maker, given, _batches(jobs, pool.number))) as results:
                for _, sources in results:
                    made += sources
                    for source in sources:
                        progress.advance(sizes[source.root, source.source], clips=source.clips)
                        progress.file_done(source.source, source.status, source.reason)
        finally:
            clear_unfinished_shards(path)  # of workers that died
    return made


class _Maker:
    """Makes the shards of batches of jobs, in a process of Ray's."""

    def __init__(
        self,
        path: Path,
        encoder: Encoder,
        fingerprint: str,
        settings: ClipSettings,
        allow: frozenset[str],
        cores: int,
    ) -> None:
        if encoder.fingerprint != fingerprint:
            raise EncoderMismatchError(
                f"A machine of the Ray cluster has the encoder {encoder.fingerprint} where this one has {fingerprint}:"
                " copy the model to all of them."
            )
        self._maker = ShardMaker(path, encoder, settings, allow, cores)

    def __call__(self, jobs: list[ShardJob]) -> list[Source]:
        return self._maker.make(jobs, shown=False)


def _batches(jobs: Sequence[ShardJob], workers: int) -> list[list[ShardJob]]:
    """Return the jobs in batches, in their order: large files alone, small ones together."""
    most = min(_BATCH_JOBS, -(-len(jobs) // (workers * _BATCHES_A_WORKER)))
    batches, size = list[list[ShardJob]](), 0
    for job in jobs:
        if not batches or len(batches[-1]) >= most or size + job.size > _BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(job)
        size += job.size
    return batches
