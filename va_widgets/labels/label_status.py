"""What the labels of a concept are at one moment: as numbers, and as what a classifier learns from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from va_widgets.labels.agreement import Agreement


class LabelStatus(NamedTuple):
    """Numbers of a concept's labels, and what can be undone, at one moment.

    `counts` is how many clips count as yes, no and unsure; `pending` how many label events are newer than the newest
    classifier; the next two whether there is an action to undo, and one to redo; `sources` how many of the labelled
    clips were labelled from each source, such as a feed.
    """

    counts: dict[str, int]
    pending: int
    can_undo: bool
    can_redo: bool
    sources: dict[str, int]


class LabelSnapshot(NamedTuple):
    """The labels that count at one moment.

    `event` is the number of the newest label event; `clips` those that count as yes or no, by clip id, `y` whether each
    is yes, bool (n,); `from_source` whether each was ever labelled from the source in question, bool (n,); `counts` as
    in `LabelStatus`; `changes` how often the primary annotators had been changed.
    """

    event: int
    clips: list[str]
    y: NDArray[np.bool_]
    from_source: NDArray[np.bool_]
    counts: dict[str, int]
    changes: int


def snapshot_of(agreement: Agreement, source: str) -> LabelSnapshot:
    """Return the labels that count, and which of them came from `source`, such as a feed."""
    clips, y = agreement.training_set()
    sourced = agreement.came_from(source)
    from_source = np.array([clip in sourced for clip in clips], dtype=bool)
    return LabelSnapshot(agreement.event, clips, y, from_source, agreement.counts, agreement.rule.changes)
