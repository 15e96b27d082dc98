"""The label of each clip that counts, by default by the majority of annotators."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Container, Iterable, Sequence
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.labels.label_store import CurrentLabels, Event, StoredValue
from va_widgets.labels.majority import MAJORITY, Agreed, Answers, CountingRule, majority
from va_widgets.labels.sorted_labels import SortedLabels


class Agreement:
    """The present labels of one concept: each annotator's, and those that count, updated with new events.

    The majority of yes and no counts; a draw is "tie". "unsure" counts only where nobody labelled yes or no. Another
    `rule` lets some annotators' labels count over those of others.

    Parameters
    ----------
    current : CurrentLabels, optional
        The labels after the events so far, which then need not be read again.
    rule : CountingRule
    """

    def __init__(self, current: CurrentLabels | None = None, rule: CountingRule = MAJORITY) -> None:
        self.rule = rule
        # Each annotator's labels by clip, and the clips that were ever labelled from each source: lists as they were
        # loaded, and sets from when they are first asked for.
        self._own: dict[str, SortedLabels[StoredValue]] = {} if current is None else dict(current.values)
        self._sources: dict[str, Collection[str]] = {} if current is None else dict(current.sources)
        self._loaded_event = 0 if current is None else current.event  # the newest event among them
        self._events = array("q")  # the numbers of the events taken since, in ascending order
        self.values: SortedLabels[Agreed]
        """What counts, by clip; a clip whose labels were all taken back is not there."""
        self.values = self._all_agreed()
        self._counts = self._counted()
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
            self._clips_of(event.source).add(clip)
            own = self._own.setdefault(event.annotator, SortedLabels())
            if event.value == "none":
                own.pop(clip, None)
            else:
                own[clip] = event.value
            if any(clip in own for own in self._own.values()):
                self.values[clip] = self._agreed(clip)
                self._counts[self.values[clip]] += 1
                self._count_sources(clip, 1)

    def follow(self, rule: CountingRule) -> None:
        """Let the labels count by another rule from now on."""
        former, self.rule = self.rule, rule
        if former.primary != rule.primary:
            self.values = self._all_agreed()
            self._counts = self._counted()
            return
        for clip, _ in former.decisions.items() ^ rule.decisions.items():  # a decision of some clips is new or gone
            if clip in self.values:
                self._counts[self.values[clip]] -= 1
                self.values[clip] = self._agreed(clip)
                self._counts[self.values[clip]] += 1

    def answers(self, clip: str) -> Answers:
        """Return what annotators say of a clip."""
        return self.rule.answers(clip, self._votes(clip))

    def has_others(self, annotator: str) -> bool:
        """Whether anybody else than an annotator has labels."""
        return any(own for who, own in self._own.items() if who != annotator)

    def unread(self, annotator: str) -> list[str]:
        """Return the clips that others have labelled and an annotator has not, but those that were decided on."""
        others = {clip for who, own in self._own.items() if who != annotator for clip in own}
        return list(others.difference(self._own.get(annotator, ()), self.rule.decisions))

    def others_alone(self, annotator: str, clips: Iterable[str]) -> set[str]:
        """Return those of some clips that others have labelled, and an annotator has not."""
        mine: Container[str] = self._own.get(annotator, ())
        others = [own for who, own in self._own.items() if who != annotator]
        return {clip for clip in clips if clip not in mine and any(clip in own for own in others)}

    def came_from(self, source: str) -> frozenset[str]:
        """Return the clips that were ever labelled from a source, such as a feed, also if labelled again since."""
        return frozenset(self._clips_of(source)) if source in self._sources else frozenset()

    @property
    def sources(self) -> dict[str, int]:
        """How many clips with a label were ever labelled from each source."""
        if self._source_counts is None:
            labelled = set(self.values)
            counts = {source: len(labelled & self._clips_of(source)) for source in self._sources}
            self._source_counts = Counter(counts)
        return {source: self._source_counts[source] for source in self._sources}

    @property
    def counts(self) -> dict[str, int]:
        """How many clips count as yes, no and unsure."""
        return {value: self._counts[value] for value in ("yes", "no", "unsure")}

    def own(self, annotator: str) -> dict[str, StoredValue]:
        """Return one annotator's labels by clip."""
        own = self._own.get(annotator)
        return {} if own is None else dict(own.pairs())

    def annotators(self) -> dict[str, dict[str, int]]:
        """Return how many clips each annotator with labels has labelled yes, no and unsure."""
        counted = {who: Counter(value for _, value in own.pairs()) for who, own in self._own.items() if own}
        return {who: {value: counted[who][value] for value in ("yes", "no", "unsure")} for who in sorted(counted)}

    def training_set(self) -> tuple[list[str], NDArray[np.bool_]]:
        """Return the clips that count as yes or no, ordered by clip id, and whether each is yes, bool (n,)."""
        labels = sorted(label for label in self.values.pairs() if label[1] in ("yes", "no"))
        return [clip for clip, _ in labels], np.array([value == "yes" for _, value in labels], dtype=bool)

    def _clips_of(self, source: str) -> set[str]:
        """Return the clips that were ever labelled from a source, which is noted if it is new."""
        clips = self._sources.get(source, ())
        if not isinstance(clips, set):
            self._sources[source] = clips = set(clips)
        return clips

    def _counted(self) -> Counter[Agreed]:
        return Counter(value for _, value in self.values.pairs())

    def _count_sources(self, clip: str, number: int) -> None:
        if self._source_counts is not None:
            for source in self._sources:
                if clip in self._clips_of(source):
                    self._source_counts[source] += number

    def _all_agreed(self) -> SortedLabels[Agreed]:
        """Return what counts for all clips; where all annotators say the same it is that, by any rule."""
        owns = [own for own in self._own.values() if own]
        if len(owns) == 1:
            return cast("SortedLabels[Agreed]", owns[0].copy())  # StoredValue, but there is no "none"
        agreed: dict[str, Agreed] = {}
        differ: set[str] = set()
        for own in owns:
            labels = cast("dict[str, Agreed]", dict(own.pairs()))
            differ.update(clip for clip in labels.keys() & agreed.keys() if labels[clip] != agreed[clip])
            agreed |= labels
        for clip in differ:
            agreed[clip] = self._agreed(clip)
        clips = sorted(agreed)
        return SortedLabels(clips, [agreed[clip] for clip in clips])

    def _agreed(self, clip: str) -> Agreed:
        if not (self.rule.primary or self.rule.decisions):  # the usual case, which a million labels go through
            return majority(own[clip] for own in self._own.values() if clip in own)
        return self.rule.counts(clip, self._votes(clip))

    def _votes(self, clip: str) -> dict[str, StoredValue]:
        return {who: own[clip] for who, own in self._own.items() if clip in own}


def table(labels: Sequence[Event], rule: CountingRule = MAJORITY) -> pd.DataFrame:
    """Return all labelled clips: DataFrame(value, annotators, agree, time, source, decided) by clip_id.

    `labels` are each annotator's newest events, oldest first, and so is the table, by each clip's newest label. `value`
    is what counts; `annotators` is how many have labelled the clip, `agree` whether all their labels are equal; `time`
    and `source` are those of its newest label; `decided` is who has decided between labels that differ, if anybody.
    """
    by_clip: dict[str, list[Event]] = {}
    for event in labels:
        # Taken out and put back, a clip moves to the end.
        by_clip[event.clip_id] = [*by_clip.pop(event.clip_id, []), event]
    clips = list(by_clip.values())
    votes = [{event.annotator: event.value for event in events} for events in clips]
    decisions = [rule.decisions.get(clip) for clip in by_clip]
    newest = [max(reversed(events), key=lambda event: event.time) for events in clips]  # imports may come in any order
    return pd.DataFrame(
        {
            "value": np.array([rule.counts(clip, own) for clip, own in zip(by_clip, votes, strict=True)], dtype=object),
            "annotators": np.array([len(events) for events in clips], dtype=int),
            "agree": np.array([len(set(own.values())) == 1 for own in votes], dtype=bool),
            "time": [event.time for event in newest],
            "source": [event.source for event in newest],
            "decided": ["" if decision is None else decision.annotator for decision in decisions],
        },
        index=pd.Index(list(by_clip), dtype=str, name="clip_id"),
    )
