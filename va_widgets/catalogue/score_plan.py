"""What is new in a corpus since it was scored: which models score which clips, and which scores are kept."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.errors import ScoresError
from va_widgets.base.names import escaped
from va_widgets.catalogue.local_score import array_in
from va_widgets.catalogue.score_files import StoredScores
from va_widgets.catalogue.scoring import weights_digest
from va_widgets.corpus import Corpus
from va_widgets.learning.views import APPEARANCE
from va_widgets.models.model import Model

_NEIGHBOURS = "neighbours"
_SAMPLE = 64  # clips by which a corpus is recognised
_ROWS = 1 << 13  # that are read at a time


@dataclass(frozen=True)
class ScorePlan:
    """What is to be scored of a corpus, and what is kept.

    `columns` are the metadata of all columns of the new file, `whole` the models that score every clip, and `grown`
    those whose scores are kept except for `rows`. `kept` are the models whose former scores are kept, see `former`.
    """

    corpus: Corpus
    columns: Mapping[str, Mapping[str, Any]]
    views: Collection[str]
    """Views beside the embeddings whose content is told from another one as a whole."""
    whole: Mapping[str, Model]
    grown: Mapping[str, Model]
    rows: NDArray[np.int64]
    kept: Sequence[str]
    stored: StoredScores | None
    is_moved: bool
    """Whether clips have left the corpus, or are in another order."""

    @property
    def clips(self) -> pd.Index:
        """The clips of the corpus."""
        return self.corpus.clips.index

    @property
    def facts(self) -> dict[str, Any]:
        """What the new file says of its corpus; reads the `views`."""
        return _facts(self.corpus, self.views)

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.whole) or len(self.rows) > 0 or self.is_moved

    @property
    def scored(self) -> int:
        """How many scores are computed."""
        return len(self.whole) * len(self.clips) + len(self.grown) * len(self.rows)

    def former(self, scratch: Path) -> dict[str, NDArray[np.float32]]:
        """Return the scores that are kept, float32 (n,), in the order of the corpus's clips: NaN for what had none.

        They are in memory up to 2 GiB, otherwise in a nameless file in `scratch`. Raises ScoresError if they are
        damaged, OSError if `scratch` has no room.
        """
        if self.stored is None or not self.kept:
            return {}
        scores = array_in((len(self.kept), len(self.clips)), scratch)
        places = self.stored.clips.get_indexer(self.clips)
        for row, slug in zip(scores, self.kept, strict=True):
            row[:] = self.stored.column(slug)[places]
            row[places < 0] = np.nan
        return dict(zip(self.kept, scores, strict=True))

    @classmethod
    def of(cls, name: str, corpus: Corpus, models: Mapping[str, Model], stored: StoredScores | None) -> ScorePlan:
        """Return the plan for a corpus with former scores.

        Raises ScoresError if these are those of another corpus, or of clips that it has got since it was opened.
        """
        clips = corpus.clips.index
        views = {view for model in models.values() for view in model.views}
        told = {slug: _told(model) for slug, model in models.items()}
        if stored is None:
            return cls(corpus, told, views, models, {}, np.empty(0, np.int64), (), None, is_moved=False)
        places = stored.clips.get_indexer(clips)
        is_new = places < 0
        changed = _changed(stored, corpus)
        if is_new.all() or (APPEARANCE in changed and stored.facts["path"] != escaped(corpus.path)):
            raise ScoresError(
                f"The scores called {name!r} are those of another corpus, {stored.facts['path']}: give the corpus"
                f" another name, as in va.score({{{name + '_2'!r}: corpus}}, …), or another folder."
            )
        _check_present(stored.clips.difference(clips), corpus)
        kept = []
        for slug, facts_of_model in stored.models.items():
            if slug in models and (facts_of_model != told[slug] or _needs(models[slug]) & changed):
                continue
            if slug not in models and changed:
                continue  # what it depends on is not known here, and the new file would say that nothing has changed
            if slug not in models or not np.isnan(stored.column(slug)[places[~is_new]]).any():
                kept.append(slug)
        grown = {slug: model for slug, model in models.items() if slug in kept}
        affected = is_new
        if corpus.neighbours is not None and any(model.smoothing for model in grown.values()):
            affected = is_new | is_new[corpus.neighbours].any(axis=0)
        return cls(
            corpus,
            dict(sorted({**{slug: stored.models[slug] for slug in kept}, **told}.items())),
            views | (stored.facts.get("digests", {}).keys() & set(corpus.views)),
            {slug: model for slug, model in models.items() if slug not in kept},
            grown,
            np.flatnonzero(affected) if grown else np.empty(0, np.int64),
            kept,
            stored,
            is_moved=len(clips) < len(stored.clips) or not np.array_equal(places[~is_new], np.arange((~is_new).sum())),
        )


def _check_present(gone: pd.Index, corpus: Corpus) -> None:
    """Raise ScoresError if clips with scores have not left the corpus, but are newer than this object of it."""
    if len(gone) and gone.isin(Corpus.open(corpus.path).clips.index).any():
        raise ScoresError(
            f"The corpus in {corpus.path} has got clips since it was opened, which have scores already: open it again"
            " to score it."
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


def _facts(corpus: Corpus, views: Collection[str]) -> dict[str, Any]:
    """Return what a file of scores says of its corpus, by which the next call recognises it."""
    step = max(1, len(corpus) // _SAMPLE)
    rows = range(0, len(corpus), step)
    clips = corpus.clips.index
    return {
        "path": escaped(corpus.path),
        "encoder": corpus.encoder_fingerprint,
        _NEIGHBOURS: corpus.neighbours is not None,
        "sample": {view: {clips[row]: _checksum(corpus, view, row) for row in rows} for view in corpus.views},
        "digests": {view: [_file(corpus, view), _digest(corpus, view)] for view in sorted(views)},
    }


def _changed(stored: StoredScores, corpus: Corpus) -> set[str]:
    """Return the parts of a corpus that have other content than when it was scored.

    A sample of its clips shows it, and of views that models have learned from all of them: motion, for example, may
    have been measured of a few videos more.
    """
    changed = set() if stored.facts[_NEIGHBOURS] == (corpus.neighbours is not None) else {_NEIGHBOURS}
    for view, sample in stored.facts["sample"].items():
        if view not in corpus.views:
            continue
        places = corpus.clips.index.get_indexer(pd.Index(list(sample)))
        pairs = zip(places, sample.values(), strict=True)
        if any(row >= 0 and _checksum(corpus, view, int(row)) != checksum for row, checksum in pairs):
            changed.add(view)
    for view, (file, digest) in stored.facts.get("digests", {}).items():
        if view in corpus.views and view not in changed and (not file or file != _file(corpus, view)):
            places = corpus.clips.index.get_indexer(stored.clips)
            if (places >= 0).all() and digest != _digest(corpus, view, places):
                changed.add(view)
    return changed


def _file(corpus: Corpus, view: str) -> str:
    """Return the name of a view's file, which is another one whenever it is written; "" where it is not known."""
    return Path(getattr(corpus.view(view), "filename", None) or "").name


def _digest(corpus: Corpus, view: str, rows: NDArray[np.int64] | None = None) -> int:
    """Return a checksum of a view of all clips, or of some in an order."""
    matrix, checksum = corpus.view(view), 0
    count = len(matrix) if rows is None else len(rows)
    for first in range(0, count, _ROWS):
        part = slice(first, first + _ROWS)
        checksum = zlib.crc32(np.ascontiguousarray(matrix[part if rows is None else rows[part]]).tobytes(), checksum)
    return checksum


def _checksum(corpus: Corpus, view: str, row: int) -> int:
    return zlib.crc32(np.ascontiguousarray(corpus.view(view)[row]).tobytes())
