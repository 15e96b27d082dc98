"""The label of each clip by the majority of annotators."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.labels.label_store import CurrentLabels, Event, StoredValue

Agreed: TypeAlias = Literal["yes", "no", "unsure", "tie"]


class Agreement:
    """The present labels of one concept: each annotator's, and the majority's, updated with new events.

    The majority of yes and no counts; a draw is "tie". "unsure" counts only where nobody labelled yes or no.

    Parameters
    ----------
    current : CurrentLabels, optional
        The labels after the events so far, which then need not be read again.
    """

    def __init__(self, current: CurrentLabels | None = None) -> None:
        # Each annotator's labels by clip, and the clips that were ever labelled from each source.
        self._own, self._sources = ({}, {}) if current is None else (current.values, current.sources)
        self._loaded_event = 0 if current is None else current.event  # the newest event among them
        self._events = array("q")  # the numbers of the events taken since, in ascending order
        self.values: dict[str, Agreed]
        """What counts, by clip; a clip whose labels were all taken back is not there."""
        if len(self._own) == 1:
            (own,) = self._own.values()
            self.values = cast("dict[str, Agreed]", dict(own))  # StoredValue, but `current` has no "none"
        else:
            self.values = {clip: self._agreed(clip) for own in self._own.values() for clip in own}
        self._counts = Counter(self.values.values())
        self._source_counts: Counter[str] | None = None  # of `sources`, from when they are first asked for

    @property
    def event(self) -> int:
        """The number of the newest event that is taken into account; 0 without any."""
        return self._events[-1] if self._events else self._loaded_event

    def since(self, event: int) -> int:
        """Return how many of the events taken so far are newer than an event."""
        return len(self._events) - bisect_right(self._events, event)

    def take(self, events: Iterable[Event]) -> None:
        """Take newer events into account, oldest first."""
        for event in events:
            clip = event.clip_id
            self._events.append(event.event_id)
            if clip in self.values:
                self._counts[self.values.pop(clip)] -= 1
                self._count_sources(clip, -1)
            self._sources.setdefault(event.source, set()).add(clip)
            own = self._own.setdefault(event.annotator, {})
            if event.value == "none":
                own.pop(clip, None)
            else:
                own[clip] = event.value
            if any(clip in own for own in self._own.values()):
                self.values[clip] = self._agreed(clip)
                self._counts[self.values[clip]] += 1
                self._count_sources(clip, 1)

    def came_from(self, source: str) -> frozenset[str]:
        """Return the clips that were ever labelled from a source, such as a feed, also if labelled again since."""
        return frozenset(self._sources.get(source, ()))

    @property
    def sources(self) -> dict[str, int]:
        """How many clips with a label were ever labelled from each source."""
        if self._source_counts is None:
            has_label = self.values.__contains__
            self._source_counts = Counter({name: sum(map(has_label, clips)) for name, clips in self._sources.items()})
        return {source: self._source_counts[source] for source in self._sources}

    @property
    def counts(self) -> dict[str, int]:
        """How many clips count as yes, no and unsure."""
        return {value: self._counts[value] for value in ("yes", "no", "unsure")}

    def own(self, annotator: str) -> dict[str, StoredValue]:
        """Return one annotator's labels by clip."""
        return dict(self._own.get(annotator, {}))

    def annotators(self) -> dict[str, dict[str, int]]:
        """Return how many clips each annotator with labels has labelled yes, no and unsure."""
        counted = {annotator: Counter(own.values()) for annotator, own in self._own.items() if own}
        return {who: {value: counted[who][value] for value in ("yes", "no", "unsure")} for who in sorted(counted)}

    def training_set(self) -> tuple[list[str], NDArray[np.bool_]]:
        """Return the clips that count as yes or no, ordered by clip id, and whether each is yes, bool (n,)."""
        clips = sorted(clip for clip, value in self.values.items() if value in ("yes", "no"))
        return clips, np.array([self.values[clip] == "yes" for clip in clips], dtype=bool)

    def _count_sources(self, clip: str, number: int) -> None:
        if self._source_counts is not None:
            for source, clips in self._sources.items():
                if clip in clips:
                    self._source_counts[source] += number

    def _agreed(self, clip: str) -> Agreed:
        return _agreed(own[clip] for own in self._own.values() if clip in own)


def table(labels: Sequence[Event]) -> pd.DataFrame:
    """Return all annotators' labels: DataFrame(value, annotators, agree, time, source) by clip_id, by the newest label.

    `labels` are each annotator's newest events, oldest first. `annotators` is how many have labelled the clip, `agree`
    whether all their labels are equal; `time` and `source` are those of its newest label.
    """
    by_clip: dict[str, list[Event]] = {}
    for event in labels:
        # Taken out and put back, a clip moves to the end.
        by_clip[event.clip_id] = [*by_clip.pop(event.clip_id, []), event]
    clips = list(by_clip.values())
    return pd.DataFrame(
        {
            "value": np.array([_agreed(event.value for event in events) for events in clips], dtype=object),
            "annotators": np.array([len(events) for events in clips], dtype=int),
            "agree": np.array([len({event.value for event in events}) == 1 for events in clips], dtype=bool),
            "time": [events[-1].time for events in clips],
            "source": [events[-1].source for events in clips],
        },
        index=pd.Index(list(by_clip), dtype=str, name="clip_id"),
    )


def _agreed(values: Iterable[StoredValue]) -> Agreed:
    votes = Counter(values)
    if votes["yes"] == votes["no"]:
        return "tie" if votes["yes"] else "unsure"
    return "yes" if votes["yes"] > votes["no"] else "no"
