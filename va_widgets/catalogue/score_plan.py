"""What is new in a corpus since it was scored: which models score which clips, and which scores are kept."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.errors import ScoresError
from va_widgets.base.names import escaped
from va_widgets.catalogue.score_files import StoredScores
from va_widgets.catalogue.scoring import weights_digest
from va_widgets.corpus import Corpus
from va_widgets.learning.views import APPEARANCE
from va_widgets.models.model import Model

_NEIGHBOURS = "neighbours"
_SAMPLE = 64  # clips by which a corpus is recognised


@dataclass(frozen=True)
class ScorePlan:
    """What is to be scored of a corpus, and what is kept.

    `columns` are the metadata of all columns of the new file, `whole` the models that score every clip, and `grown`
    those whose scores are kept except for `rows`. `kept` are the former scores, float32 (n,), in the order of the
    corpus's clips: NaN for clips that had none.
    """

    clips: pd.Index
    columns: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, Any]
    whole: Mapping[str, Model]
    grown: Mapping[str, Model]
    rows: NDArray[np.int64]
    kept: Mapping[str, NDArray[np.float32]]
    is_moved: bool
    """Whether clips have left the corpus, or are in another order."""

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.whole) or len(self.rows) > 0 or self.is_moved

    @property
    def scored(self) -> int:
        """How many scores are computed."""
        return len(self.whole) * len(self.clips) + len(self.grown) * len(self.rows)

    @classmethod
    def of(cls, name: str, corpus: Corpus, models: Mapping[str, Model], stored: StoredScores | None) -> ScorePlan:
        """Return the plan for a corpus with former scores. Raises ScoresError if these are those of another corpus."""
        clips, facts = corpus.clips.index, _facts(corpus)
        told = {slug: _told(model) for slug, model in models.items()}
        if stored is None:
            return cls(clips, told, facts, models, {}, np.empty(0, np.int64), {}, is_moved=False)
        places = stored.clips.get_indexer(clips)
        is_new = places < 0
        if is_new.all():
            raise ScoresError(
                f"The scores called {name!r} are those of another corpus, {stored.facts['path']}: give the corpus"
                f" another name, as in va.score({{{name + '_2'!r}: corpus}}, …), or another folder."
            )
        changed = _changed(stored, corpus)
        kept = {}
        for slug, facts_of_model in stored.models.items():
            if slug in models and (facts_of_model != told[slug] or _needs(models[slug]) & changed):
                continue
            scores = stored.column(slug)[places]
            scores[is_new] = np.nan
            if slug not in models or not np.isnan(scores[~is_new]).any():
                kept[slug] = scores
        grown = {slug: model for slug, model in models.items() if slug in kept}
        affected = is_new
        if corpus.neighbours is not None and any(model.smoothing for model in grown.values()):
            affected = is_new | is_new[corpus.neighbours].any(axis=0)
        return cls(
            clips,
            dict(sorted({**{slug: stored.models[slug] for slug in kept}, **told}.items())),
            facts,
            {slug: model for slug, model in models.items() if slug not in kept},
            grown,
            np.flatnonzero(affected) if grown else np.empty(0, np.int64),
            kept,
            is_moved=len(clips) < len(stored.clips) or not np.array_equal(places[~is_new], np.arange((~is_new).sum())),
        )


def _told(model: Model) -> dict[str, Any]:
    """Return what the metadata of a model's column say of it."""
    return {
        "name": model.name,
        "version": model.version,
        "threshold": model.threshold,
        "digest": weights_digest(model),
    }


def _needs(model: Model) -> set[str]:
    """Return the parts of a corpus that a model's scores depend on."""
    return {APPEARANCE, *model.views, *([_NEIGHBOURS] if model.smoothing else [])}


def _facts(corpus: Corpus) -> dict[str, Any]:
    """Return what a file of scores says of its corpus, by which the next call recognises it."""
    step = max(1, len(corpus) // _SAMPLE)
    rows = range(0, len(corpus), step)
    clips = corpus.clips.index
    return {
        "path": escaped(corpus.path),
        "encoder": corpus.encoder_fingerprint,
        _NEIGHBOURS: corpus.neighbours is not None,
        "sample": {view: {clips[row]: _checksum(corpus, view, row) for row in rows} for view in corpus.views},
    }


def _changed(stored: StoredScores, corpus: Corpus) -> set[str]:
    """Return the parts of a corpus that have other content than when it was scored, as a sample of its clips shows."""
    changed = set() if stored.facts[_NEIGHBOURS] == (corpus.neighbours is not None) else {_NEIGHBOURS}
    for view, sample in stored.facts["sample"].items():
        if view not in corpus.views:
            continue
        places = corpus.clips.index.get_indexer(pd.Index(list(sample)))
        pairs = zip(places, sample.values(), strict=True)
        if any(row >= 0 and _checksum(corpus, view, int(row)) != checksum for row, checksum in pairs):
            changed.add(view)
    return changed


def _checksum(corpus: Corpus, view: str, row: int) -> int:
    return zlib.crc32(np.ascontiguousarray(corpus.view(view)[row]).tobytes())
