"""A fixed view of a corpus, shared by sessions: its clips as arrays, and the rows of clip ids."""

from __future__ import annotations

from collections.abc import Collection
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from os import PathLike

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import described, listed
from va_widgets.base.errors import ArgumentError, UnknownClipError
from va_widgets.corpus import Corpus
from va_widgets.corpus.manifest import MOTION
from va_widgets.learning.statistics import CorpusStatistics, sample_of
from va_widgets.learning.trainer import ClipArrays
from va_widgets.learning.views import APPEARANCE, View

_MANY = 0.01  # of a corpus: as many clips are found at once as quickly as one by one


def check_corpus(corpus: object) -> None:
    """Raise ArgumentError unless `corpus` is a corpus that a session can be opened with."""
    if isinstance(corpus, (str, PathLike)):
        raise ArgumentError(
            f"A Session needs a corpus, not its path: open it first with va.Corpus.open({described(corpus)})."
        )
    arguments.instance(corpus, Corpus, "The session's corpus", "a va.Corpus, such as va.Corpus.open returns")


@dataclass(frozen=True)
class CorpusView:
    """A corpus at one moment, whose clips stay the same; shared by the sessions that come from one another."""

    corpus: Corpus
    arrays: ClipArrays
    row_of: dict[str, int] = field(default_factory=dict)
    """The rows of those clips that were looked up, -1 for clips that are not in the corpus."""

    @classmethod
    def of(cls, corpus: Corpus, seed: int, group_by: str = "video") -> CorpusView:
        """A view of a corpus as it is now: `Corpus.add`, which changes `corpus`, does not change the view.

        `group_by` is the column whose values cross-validation keeps together. Raises ArgumentError if it is none.
        """
        corpus = copy(corpus)
        group_by = arguments.text(group_by, "group_by")
        if group_by not in corpus.clips:
            raise ArgumentError(
                f"The corpus has no column {described(group_by)} to group clips by:"
                f" it has {listed([str(name) for name in corpus.clips.columns])}."
            )
        videos = pd.factorize(corpus.clips["video"])[0]
        try:
            groups = videos if group_by == "video" else pd.factorize(corpus.clips[group_by], use_na_sentinel=False)[0]
        except TypeError as error:  # lists, for example
            raise ArgumentError(f"The column {described(group_by)} holds no values to group clips by.") from error
        arrays = ClipArrays(
            embeddings=lambda: corpus.embeddings,
            clusters=corpus.clips["cluster"].to_numpy(),
            videos=videos,
            statistics=CorpusStatistics.of(corpus.embeddings, seed),
            seed=seed,
            groups=groups,
            group=group_by,
            neighbours=lambda: corpus.neighbours,
            views=tuple(
                View(name, partial(corpus.view, name), sample_of(corpus.view(name), seed), name == MOTION)
                for name in corpus.views
                if name != APPEARANCE
            ),
        )
        return cls(corpus, arrays)

    def rows(self, clips: Collection[str]) -> NDArray[np.int64]:
        """The rows of some clips, -1 for those that the corpus does not hold.

        They are kept. Few are looked up one by one: pandas' look-up of many at once goes through all clips of the
        corpus.
        """
        new = set(clips).difference(self.row_of)
        if len(new) > _MANY * len(self.corpus):
            many = list(new)
            asked = pd.Index(many, dtype=object)  # pandas's own strings take no half characters
            self.row_of.update(zip(many, self.corpus.clips.index.get_indexer(asked).tolist(), strict=True))
            new.clear()
        for clip in new:
            try:
                self.row_of[clip] = self.corpus.row(clip)
            except UnknownClipError:
                self.row_of[clip] = -1
        return np.fromiter(map(self.row_of.__getitem__, clips), dtype=np.int64, count=len(clips))

    def contains(self, clips: Collection[str]) -> NDArray[np.bool_]:
        """Whether the corpus holds each of some clips, bool (n,)."""
        return self.rows(clips) >= 0

    def mask(self, *clips: Collection[str]) -> NDArray[np.bool_]:
        """Which rows are any of some clips, bool (number of clips of the corpus,); unknown clips are ignored."""
        chosen = np.zeros(len(self.corpus), dtype=bool)
        for some in clips:
            rows = self.rows(some)
            chosen[rows[rows >= 0]] = True
        return chosen

    def check_known(self, clips: list[str]) -> None:
        """Raise UnknownClipError unless the corpus holds all of these clips."""
        unknown = [clip for clip, known in zip(clips, self.contains(clips), strict=True) if not known]
        if unknown:
            many = f"{len(unknown):,} of the {len(clips):,} clips are" if len(clips) > 1 else "The clip is"
            raise UnknownClipError(f"{many} not in this corpus ({listed(unknown)}): see corpus.clips.index.")
