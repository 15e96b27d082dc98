"""What several annotators together say about each clip."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.labels.store import Event, StoredValue

Agreed: TypeAlias = Literal["yes", "no", "unsure", "tie"]


class Agreement:
    """The labels of one concept as they stand, kept up with its events, however many there have been before.

    The majority of yes and no counts; a draw is "tie". "unsure" counts only where nobody said yes or no.
    """

    def __init__(self) -> None:
        self.values: dict[str, Agreed] = {}
        """What counts, by clip; a clip whose labels were all taken back is not there."""
        self._events: list[int] = []  # the numbers of all events, least first
        self._said: dict[str, dict[str, Event]] = {}  # each annotator's newest event of a clip, oldest first
        self._sources: dict[str, set[str]] = {}  # the clips that were ever labelled from there

    @property
    def event(self) -> int:
        """The number of the newest event that is taken into account; 0 without any."""
        return self._events[-1] if self._events else 0

    def since(self, event: int) -> int:
        """How many events that are taken into account are newer than an event."""
        return len(self._events) - bisect_right(self._events, event)

    def take(self, events: Iterable[Event]) -> None:
        """Take newer events into account, oldest first."""
        for event in events:
            self._events.append(event.event_id)
            self._sources.setdefault(event.source, set()).add(event.clip_id)
            said = self._said.setdefault(event.clip_id, {})
            said.pop(event.annotator, None)
            if event.value != "none":
                said[event.annotator] = event
            if said:
                self.values[event.clip_id] = _agreed(said.values())
            else:
                del self._said[event.clip_id]
                self.values.pop(event.clip_id, None)

    def came_from(self, source: str) -> frozenset[str]:
        """The clips that were ever labelled from a source, such as a feed, even if they were labelled again since."""
        return frozenset(self._sources.get(source, ()))

    @property
    def counts(self) -> dict[str, int]:
        """How many clips count as yes, no and unsure."""
        counted = Counter(self.values.values())
        return {"yes": counted["yes"], "no": counted["no"], "unsure": counted["unsure"]}

    def own(self, annotator: str) -> dict[str, StoredValue]:
        """One annotator's labels by clip."""
        return {clip: said[annotator].value for clip, said in self._said.items() if annotator in said}

    def said(self) -> pd.DataFrame:
        """What each annotator says of each clip: DataFrame of the events that stand, oldest first."""
        events = [event for said in self._said.values() for event in said.values()]
        return pd.DataFrame(sorted(events), columns=list(Event._fields))

    def training_set(self) -> tuple[list[str], NDArray[np.bool_]]:
        """The clips that count as yes or no, ordered by clip id, and whether each is yes, bool (n,)."""
        clips = sorted(clip for clip, value in self.values.items() if value in ("yes", "no"))
        return clips, np.array([self.values[clip] == "yes" for clip in clips], dtype=bool)

    def table(self) -> pd.DataFrame:
        """All of it: DataFrame(value, annotators, agree, time, source) by clip_id, in the order of the newest labels.

        `annotators` is how many have labelled the clip, `agree` whether all of them said the same; `time` and `source`
        are those of its newest label.
        """
        newest = {clip: list(said.values())[-1] for clip, said in self._said.items()}
        clips = sorted(newest, key=lambda clip: newest[clip].event_id)
        said = [self._said[clip].values() for clip in clips]
        return pd.DataFrame(
            {
                "value": np.array([self.values[clip] for clip in clips], dtype=object),
                "annotators": np.array([len(events) for events in said], dtype=int),
                "agree": np.array([len({event.value for event in events}) == 1 for events in said], dtype=bool),
                "time": [newest[clip].time for clip in clips],
                "source": [newest[clip].source for clip in clips],
            },
            index=pd.Index(clips, dtype=str, name="clip_id"),
        )


def _agreed(events: Iterable[Event]) -> Agreed:
    said = Counter(event.value for event in events)
    if said["yes"] == said["no"]:
        return "tie" if said["yes"] else "unsure"
    return "yes" if said["yes"] > said["no"] else "no"
