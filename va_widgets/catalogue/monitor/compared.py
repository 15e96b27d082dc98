"""The clips that a reference is compared with: a sample of some rows of a corpus, by score and embedding."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.errors import ModelError
from va_widgets.base.matrix import products
from va_widgets.corpus import Corpus
from va_widgets.models.model import Model
from va_widgets.models.reference import Reference, embedded, reference_of, sampled


@dataclass(frozen=True)
class Compared:
    """Some clips of a corpus, and a sample of them.

    `rows` int64 (n,) are all of them, `videos` (n,) a number a video, `as_reference` the sample.
    """

    corpus: Corpus = field(repr=False)
    rows: NDArray[np.int64]
    videos: NDArray[np.int64]
    as_reference: Reference

    def newest(self, direction: NDArray[np.float64], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the rows of the `k` clips farthest along a direction (dim,), one a video, and how far they are."""
        newness = products(self.corpus.embeddings, direction.astype(np.float32))[self.rows]
        order = np.argsort(-newness, kind="stable")
        first = np.sort(np.unique(self.videos[order], return_index=True)[1])[:k]
        return self.rows[order[first]], newness[order[first]]


def compared_with(model: Model, corpus: Corpus, rows: NDArray[np.int64], seed: int) -> Compared:
    """Return some rows of a corpus, int64 (n,), with a sample scored by a model, each clip by itself.

    Raises EncoderMismatchError or ModelError as `Model.score_corpus`.
    """
    model.check_corpus(corpus)
    videos = _videos(corpus, rows)
    chosen = sampled(videos, seed)
    some = np.sort(rows[chosen])  # in the order in which they lie on the disk
    back = np.searchsorted(some, rows[chosen])
    embeddings = np.asarray(corpus.embeddings[some])
    scores = model.score(embeddings, {name: np.asarray(corpus.view(name)[some]) for name in model.views})
    shown = embedded(videos[chosen])
    sample = Reference(scores[back], videos[chosen], embeddings[back][:shown])
    return Compared(corpus, rows, videos, sample)


def reference_for(
    model: Model, corpus: Corpus, monitored: NDArray[np.int64], given: Corpus | None, seed: int
) -> Reference:
    """Return what the monitored rows of a corpus are compared with, as `va.monitor` describes it.

    Raises ModelError if there is nothing, and what `compared_with` raises.
    """
    if given is not None:
        return _whole(model, given, seed)
    kept = reference_of(model)
    if kept is not None:
        return kept
    before = np.setdiff1d(np.arange(len(corpus)), monitored)
    if not len(before):
        raise ModelError(
            f"The model {model.name!r} keeps no sample of the corpus it was published from: give that corpus as"
            " reference=…"
        )
    return compared_with(model, corpus, before, seed).as_reference


def _whole(model: Model, corpus: Corpus, seed: int) -> Reference:
    if not len(corpus):
        raise ModelError(f"The corpus in {corpus.path} has no clips to compare with: give another reference.")
    return compared_with(model, corpus, np.arange(len(corpus)), seed).as_reference


def _videos(corpus: Corpus, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a number a video of some rows, int64 (n,); clips whose video is not known are videos of their own."""
    names = corpus.clips["video"].iloc[rows]
    numbers = pd.factorize(names)[0].astype(np.int64)
    unknown = (numbers < 0) | (names.astype(str) == "").to_numpy()
    numbers[unknown] = numbers.max(initial=-1) + 1 + np.arange(int(unknown.sum()))
    return np.unique(numbers, return_inverse=True)[1].ravel().astype(np.int64)
