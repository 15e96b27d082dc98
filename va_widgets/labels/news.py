"""Changes of a concept's labels that its listeners do not know yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from va_widgets.labels.label_store import Event, StoredValue


class Changes(NamedTuple):
    """One annotator's new values by clip, the clips that others have labelled, and whether anything else is new."""

    own: dict[str, StoredValue]
    others: list[str]
    rest: bool


class News:
    """Collects the changes until they are reported.

    Parameters
    ----------
    annotator : str
        Whose values are told from those of others.
    """

    def __init__(self, annotator: str) -> None:
        self._annotator = annotator
        self._own: dict[str, StoredValue] = {}
        self._others: dict[str, None] = {}
        self._rest = False

    def add(self, events: Iterable[Event]) -> None:
        """Add label events, oldest first."""
        for event in events:
            if event.annotator == self._annotator:
                self._own[event.clip_id] = event.value
            else:
                self._others[event.clip_id] = None

    def add_replacement(self, before: Mapping[str, StoredValue], after: Mapping[str, StoredValue]) -> None:
        """Add that all labels were replaced; given are the annotator's own by clip, before and after."""
        self._own |= {
            clip: after.get(clip, "none") for clip in (*before, *after) if before.get(clip) != after.get(clip)
        }
        self._rest = True

    def add_rest(self) -> None:
        """Add that anything but labels is new, such as the guideline."""
        self._rest = True

    def take(self) -> Changes:
        """Return the changes so far, which are taken as reported from now on."""
        changes = Changes(self._own, list(self._others), self._rest)
        self._own, self._others, self._rest = {}, {}, False
        return changes
