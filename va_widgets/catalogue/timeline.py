"""The scores of names over the clips of one video, in the order of time, and the labels of their concepts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.arguments import described
from va_widgets.base.errors import LabelError, QueryError
from va_widgets.base.paths import exists, inside
from va_widgets.catalogue.counting import values_of
from va_widgets.corpus import Corpus
from va_widgets.labels.agreement import table
from va_widgets.labels.label_store import LabelStore
from va_widgets.labels.shared import StoreUser
from va_widgets.session import LABELS_FILE

MOST_PLACES = 1500  # in a timeline: more than a page has pixels


@dataclass(frozen=True)
class Places:
    """The places of a video's timeline, in the order of time: `rows` of the corpus by place, and when each is.

    Where a video has more than 1,500 clips each place is that of a few, which follow one another.
    """

    video: str
    rows: list[NDArray[np.int64]]
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]

    def highest(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return the highest value at each place, float32 (number of places,), NaN where there is none."""
        numbers = np.asarray(values, dtype=np.float32)
        return np.array([_highest(numbers[rows]) for rows in self.rows], dtype=np.float32)

    def best_rows(self, values: NDArray[Any] | None) -> NDArray[np.int64]:
        """Return the row at each place that stands for it: the one with the highest value, or the first one."""
        if values is None:
            return np.array([rows[0] for rows in self.rows], dtype=np.int64)
        numbers = np.nan_to_num(np.asarray(values, dtype=np.float32), nan=-np.inf)
        return np.array([rows[int(np.argmax(numbers[rows]))] for rows in self.rows], dtype=np.int64)


def places(corpus: Corpus, video: str) -> Places:
    """Return the places of a video; those without times are left out. Raises QueryError if the corpus has no such."""
    videos = values_of(corpus, "video")
    if video not in videos.texts:
        raise QueryError(f"The corpus has no video {described(video)}: see corpus.clips['video'].")
    rows = np.flatnonzero(videos.codes == videos.texts.index(video))
    times = corpus.clips[["start", "end"]].iloc[rows].to_numpy(dtype=np.float64)
    known = np.isfinite(times).all(axis=1)
    rows, times = rows[known], times[known]
    order = np.argsort(times[:, 0], kind="stable")
    rows, times = rows[order], times[order]
    parts = np.array_split(np.arange(len(rows)), max(1, min(MOST_PLACES, len(rows))))
    parts = [part for part in parts if len(part)]
    return Places(
        video,
        [rows[part] for part in parts],
        np.array([times[part, 0].min() for part in parts]),
        np.array([times[part, 1].max() for part in parts]),
    )


def labels_of(corpus: Corpus, concepts: list[str]) -> dict[str, Mapping[str, str]]:
    """Return the label that counts for each labelled clip, "yes", "no" or "unsure", by concept; {} without labels.

    Raises LabelError if the labels cannot be read.
    """
    with _label_store(corpus) as store:
        if store is None:
            return {}
        return {concept: _counting(table(store.labels(concept), store.counting_rule(concept))) for concept in concepts}


def known_concepts(corpus: Corpus) -> list[dict[Any, Any]]:
    """Return every concept with labels that is not archived: concept, annotators, yes, no and unsure, by name.

    Raises LabelError if the labels cannot be read.
    """
    with _label_store(corpus) as store:
        if store is None:
            return []
        archived = store.concept_log.archived()
        return [row for row in store.concepts().to_dict("records") if row["concept"] not in archived]


@contextmanager
def _label_store(corpus: Corpus) -> Iterator[LabelStore | None]:
    """Give the store of a corpus's labels; None where nothing was ever labelled, so that reading makes no file."""
    file = inside(corpus.path, LABELS_FILE, error=LabelError)
    if not exists(file):
        yield None
        return
    user = StoreUser(file)
    try:
        yield user.store
    finally:
        user.close()


def _counting(labels: pd.DataFrame) -> dict[str, str]:
    values = labels["value"]
    return {str(clip): str(value) for clip, value in values.items() if value in ("yes", "no", "unsure")}


def _highest(numbers: NDArray[np.float32]) -> float:
    finite = numbers[np.isfinite(numbers)]
    return float(finite.max()) if len(finite) else float("nan")
