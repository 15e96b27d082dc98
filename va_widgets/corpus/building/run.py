"""Build a corpus: plan what has to be done, make the shards, and merge all shards into one corpus."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from va_widgets.base import arguments
from va_widgets.base.errors import CorpusError, EncoderError, EncoderMismatchError, EngineError, NoVideosError
from va_widgets.base.paths import exists
from va_widgets.corpus import storage, trust
from va_widgets.corpus.building.make_shards import ShardMaker
from va_widgets.corpus.building.merge import check_fit, has_columns, merge
from va_widgets.corpus.building.plan import plan_build
from va_widgets.corpus.building.ray_build import make_shards_by_ray
from va_widgets.corpus.building.request import BuildRequest, ClipSettings
from va_widgets.corpus.lock import locked, remove_empty
from va_widgets.corpus.manifest import (
    FROM_EMBEDDINGS,
    MANIFEST_FILE,
    SCHEMA_VERSION,
    SEGMENTS,
    Manifest,
    Source,
)
from va_widgets.corpus.sources import SourceGroup
from va_widgets.encoders.protocol import Encoder

_LISTED_REASONS = 5  # in an error message


def build(path: Path, groups: Sequence[SourceGroup], encoder: Encoder, request: BuildRequest, progress: bool) -> None:
    """Build or extend the corpus in `path`, and trust the sources' folders and servers. A second call does nothing.

    Raises NoVideosError, EncoderError, EncoderMismatchError, EngineError or CorpusError, and then leaves the corpus as
    it was; what has been built for it is kept for the next call.
    """
    progress = arguments.flag(progress, "progress")
    is_new = not exists(path)
    try:
        with locked(path):
            _build(path, groups, encoder, request, progress)
    except (CorpusError, EncoderError, EngineError):
        remove_empty(path, is_new)
        raise
    trust.remember(path, trust.places_of(groups))


def _build(path: Path, groups: Sequence[SourceGroup], encoder: Encoder, request: BuildRequest, progress: bool) -> None:
    """Build a corpus whose lock is held."""
    former = _open_former(path, encoder, request.settings)
    before = former.sources() if former else []
    plan = plan_build(path, groups, request, former.manifest.roots if former else [], before)
    columns = request.columns(plan.keys) if request.columns else None
    if former is not None and columns is not None:
        check_fit(former, columns, set(plan.keys.values()))
    is_complete = not plan.jobs and plan.sources == {(source.root, source.source): source for source in before}
    if former is not None and former.manifest.neighbours_file and is_complete and has_columns(former, columns):
        return
    if request.engine is None:
        made = ShardMaker(path, encoder, request.settings, request.allow).make(plan.jobs, progress)
    else:
        made = make_shards_by_ray(request.engine, path, encoder, request.settings, request.allow, plan.jobs, progress)
    for source in made:
        plan.sources[source.root, source.source] = source
    _check_any(plan.sources.values())
    template = Manifest(
        schema=SCHEMA_VERSION,
        fingerprint=encoder.fingerprint,
        tag=getattr(encoder, "tag", None),
        dim=0,
        clips=0,
        frames_per_shot=request.settings.frames,
        clips_file="",
        embeddings_file="",
        texts_file=None,
        roots=plan.roots,
        cut=request.settings.cut,
    )
    sources = sorted(plan.sources.values(), key=lambda source: (source.root, source.source))
    merge(path, former, sources, columns, template, progress)


def _open_former(path: Path, encoder: Encoder, settings: ClipSettings) -> storage.Files | None:
    """Return the corpus that the build extends, None if there is none. Raises CorpusError if it cannot be extended."""
    if not (path / MANIFEST_FILE).exists():
        return None
    former = storage.open_files(path)
    storage.check_unique(former.read_clips(), path)
    former.read_media()  # raises CorpusError if it is damaged
    manifest = former.manifest
    if manifest.fingerprint != encoder.fingerprint:
        raise EncoderMismatchError(
            f"The corpus in {path} was made with the encoder {manifest.fingerprint}, not {encoder.fingerprint}: build"
            " with that encoder, or build in another folder."
        )
    if manifest.frames_per_shot != settings.frames:
        raise CorpusError(
            f"The corpus in {path} was made with frames_per_shot={manifest.frames_per_shot}, not {settings.frames}:"
            " build with that number, or build in another folder."
        )
    if manifest.cut != settings.cut:
        raise CorpusError(
            f"The clips of the corpus in {path} are {_cut_name(manifest.cut)}, not {_cut_name(settings.cut)}: build in"
            " another folder."
        )
    return former


def _cut_name(cut: str) -> str:
    return {SEGMENTS: "segments of a table", FROM_EMBEDDINGS: "embeddings that were given"}.get(cut, cut)


def _check_any(sources: Collection[Source]) -> None:
    """Raise NoVideosError unless a source has clips."""
    if any(source.status in ("done", "partial") for source in sources):
        return
    skipped = [source for source in sources if source.status == "skipped"]
    reasons = "; ".join(f"{source.source}: {source.reason}" for source in skipped[:_LISTED_REASONS])
    raise NoVideosError(f"None of the {len(sources)} files could be used ({reasons}): give other videos.")
