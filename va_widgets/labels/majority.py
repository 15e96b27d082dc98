"""Which of several annotators' labels counts: the primary annotators', the majority's, or the one that was decided on.

Video Annotator's release names one annotator of a concept primary and the others secondary. The primary one's labels
are the data set that the classifier is built from; for its evaluation all of them label a clip, and the majority
counts. Here the majority of all counts unless there are primary annotators; where these have a majority it counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from va_widgets.labels.schema import StoredValue

Agreed: TypeAlias = Literal["yes", "no", "unsure", "tie"]

ADJUDICATION = "adjudication"
"""The source of a label that decides between the labels of others."""
_ORDER: tuple[StoredValue, ...] = ("yes", "no", "unsure")


class Decision(NamedTuple):
    """A label that decides what counts for a clip. `event_id` is its newest event."""

    annotator: str
    value: StoredValue
    event_id: int


class Answers(NamedTuple):
    """What annotators say of a clip.

    `votes` is each one's label, except a label that decides between the others' ones: that is the `decision`.
    """

    votes: dict[str, StoredValue]
    decision: Decision | None

    @property
    def differ(self) -> bool:
        """Whether the votes are not all equal."""
        return len(set(self.votes.values())) > 1

    @property
    def disputed(self) -> bool:
        """Whether the votes are not all equal, and nobody has decided."""
        return self.differ and self.decision is None

    def may_decide(self, annotator: str, annotators: Iterable[str]) -> bool:
        """Whether an annotator may decide, where some `annotators` have labels for the concept.

        It is one who has not given a vote; where all have, there is nobody else, and any of them may.
        """
        if not (self.differ or self.decision):
            return False
        return annotator not in self.votes or not set(annotators).difference(self.votes)

    def text(self) -> str:
        """Return who gave which label: "decided: ada · yes: kelli, sam · no: jo"; empty unless the votes differ."""
        if not (self.differ or self.decision):
            return ""
        by_value = {value: sorted(who for who, own in self.votes.items() if own == value) for value in _ORDER}
        parts = [f"{value}: {', '.join(who)}" for value, who in by_value.items() if who]
        return " · ".join([f"decided: {self.decision.annotator}", *parts] if self.decision else parts)


@dataclass(frozen=True)
class CountingRule:
    """How the label that counts follows from the annotators' labels.

    Attributes
    ----------
    primary : frozenset of str
        Whose majority counts where they have one, over that of all annotators.
    decisions : {clip id: Decision}
        What counts over any majority.
    changes : int
        How often the primary annotators have been changed.
    """

    primary: frozenset[str] = frozenset()
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    changes: int = 0

    def counts(self, clip: str, votes: Mapping[str, StoredValue]) -> Agreed:
        """Return what counts for a clip that annotators have labelled."""
        decision = self.decisions.get(clip)
        if decision is not None and decision.value != "none":
            return decision.value
        if self.primary:
            value = majority(own for who, own in votes.items() if who in self.primary)
            if value in ("yes", "no"):
                return value
        return majority(votes.values())

    def answers(self, clip: str, votes: Mapping[str, StoredValue]) -> Answers:
        """Return what annotators say of a clip."""
        decision = self.decisions.get(clip)
        decider = None if decision is None else decision.annotator
        return Answers({who: value for who, value in votes.items() if who != decider}, decision)


MAJORITY = CountingRule()
"""The rule where there are neither primary annotators nor decisions."""


def majority(values: Iterable[StoredValue]) -> Agreed:
    """Return the majority of yes and no; "tie" for a draw, and "unsure" where there is neither."""
    votes = Counter(values)
    if votes["yes"] == votes["no"]:
        return "tie" if votes["yes"] else "unsure"
    return "yes" if votes["yes"] > votes["no"] else "no"
