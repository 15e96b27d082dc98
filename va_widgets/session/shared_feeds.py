"""The feeds that exist because several people label a concept: shares of clips, second readings, gold clips."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.labels.concept_labels import ConceptLabels
from va_widgets.session.assigned import AssignedFeed
from va_widgets.session.concept_classifier import ConceptClassifier
from va_widgets.session.corpus_view import CorpusView
from va_widgets.session.dividing import ASSIGNED, SHARES, shares_in
from va_widgets.session.gold import GOLD, Gold, gold_in, mixed
from va_widgets.session.second_reading import SECOND_READING, chosen_rows

# Labels of the random feed measure how frequent a yes is, which gold clips would change.
_WITHOUT_GOLD = ("random", SECOND_READING)
_READ_AGAIN = "second reading"
_ASSIGNED = "assigned to you"


@dataclass(frozen=True)
class SharedFeeds:
    """The feeds of one annotator that depend on the others."""

    view: CorpusView
    labels: ConceptLabels
    classifier: ConceptClassifier

    def names(self, usual: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of an annotator's feeds: the share, the usual ones, and second readings, if there are any.

        Reads neither classifier nor clips.
        """
        share = (ASSIGNED,) if self.labels.annotator in self.shares else ()
        return (*share, *usual, *((SECOND_READING,) if self.labels.has_others() else ()))

    @property
    def shares(self) -> dict[str, list[str]]:
        """The clips that were divided among annotators, by annotator."""
        return shares_in(self.labels.kept(SHARES))

    @property
    def gold(self) -> Gold:
        """The gold clips of the concept."""
        return gold_in(self.labels.kept(GOLD))

    def share(self) -> AssignedFeed:
        """Return the feed of this annotator's share; empty without one."""
        clips = self.shares.get(self.labels.annotator, [])
        return AssignedFeed(ASSIGNED, tuple(clips), _ASSIGNED, blind=True)

    def second_reading(self, annotator: str, k: int, exclude: Collection[str] = ()) -> pd.DataFrame:
        """Return clips that others have labelled and an annotator has not, as `Session.second_reading` does."""
        unread = set(self.labels.unread(annotator)).difference(exclude)
        rows = np.sort(self.view.rows(unread))
        rows = rows[rows >= 0]
        suspicion = self.classifier.fit.suspicion
        doubts = np.array([suspicion.get(int(row), np.nan) for row in rows], dtype=float)
        chosen = chosen_rows(rows, doubts, _drawn(rows, [self.view.arrays.seed, _number(annotator)]), k)
        clips = self.view.corpus.clips.index[chosen]
        return pd.DataFrame({"clip_id": clips, "score": np.full(len(clips), np.nan), "reason": _READ_AGAIN})

    def with_gold(self, page: pd.DataFrame, name: str, k: int, exclude: Collection[str]) -> pd.DataFrame:
        """Return a page of a feed with gold clips that this annotator has not labelled among its own."""
        gold = self.gold
        if not gold.answers or not gold.rate or name in _WITHOUT_GOLD:
            return page
        own = self.labels.own()
        shown = {*own, *exclude, *page["clip_id"]}
        clips = [clip for clip in gold.answers if clip not in shown]
        rows = self.view.rows(clips)
        here = rows >= 0
        left = pd.Series(
            self.classifier.fit.probabilities[rows[here]].astype(float),
            index=pd.Index(np.array(clips, dtype=object)[here], dtype=object),
        )
        numbers = [self.view.arrays.seed, _number(self.labels.annotator), _number(name), len(own), len(exclude)]
        return mixed(page, left, k, gold.rate, np.random.default_rng(numbers))


def _drawn(rows: NDArray[np.int64], seed: list[int]) -> NDArray[np.float64]:
    """Return two random numbers of each of some rows, float64 (k, 2), which do not depend on the other rows."""
    keys = np.random.SeedSequence(seed).generate_state(2, np.uint64)
    hashed = [pd.util.hash_array(rows.astype(np.uint64) + key) for key in keys]
    return np.stack(hashed, axis=1) / 2.0**64


def _number(text: str) -> int:
    """Return a number that is the same for a text in every process."""
    return zlib.crc32(text.encode())
