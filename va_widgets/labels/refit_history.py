"""The history of a concept's refits, stored with its labels and shared by all processes that refit it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, TypeAlias

import pandas as pd

from va_widgets.base.errors import LabelError
from va_widgets.labels.label_store import LabelStore

Point: TypeAlias = Mapping[str, Any]
"""A refit as a record: version, labels, yes, no, and what was measured, such as ap, low, high and turnover.

`event` is the newest label event that its classifier learned from, `text` whether it knew the concept's text (1 or 0),
`measured` the version whose calibration it went on with, `name` the number of the event by which the concept got the
name whose text it was, 0 for the first one. Refits of version 0.1 lack them.
"""

HISTORY_PATIENCE = 0.2
"""Seconds that a search or a refit waits for another writer: they go on without their history."""

_EVERYBODY = ""  # refits belong to the concept, not to one annotator
_WHOLE = "refits"  # up to version 0.1 all points were one document
_EACH = "refit:"  # followed by the version
_VERSION = "refit_version"  # the newest number that was given to a refit
_log = logging.getLogger(__name__)


class RefitHistory:
    """The refits of a concept, oldest first.

    Each is stored once, under the number that `next_version` gave it. Where nothing can be written the history goes on
    in memory, and what is missing is written as soon as it can be.
    """

    def __init__(self, store: LabelStore, concept: str) -> None:
        self._store = store
        self._concept = concept
        self._points: dict[int, Point] = {}
        self._unwritten: dict[int, Point] = {}
        self._newest_row = 0
        whole = store.get_state(_EVERYBODY, concept, _WHOLE)
        for point in filter(_is_point, whole if isinstance(whole, list) else []):
            self._points[point["version"]] = point
        self.take_new()

    @property
    def points(self) -> list[Point]:
        """All refits known so far, by version."""
        return [self._points[version] for version in sorted(self._points)]

    def table(self) -> pd.DataFrame:
        """Return all refits known so far, as `Session.refits` returns them."""
        columns = ["version", "labels", "yes", "no", "ap", "low", "high", "corpus_ap", "corpus_low", "corpus_high"]
        return pd.DataFrame(self.points, columns=columns).astype(dict.fromkeys(columns[2:], float))

    @property
    def newest_version(self) -> int:
        """The version of the newest refit known so far; 0 without any."""
        return max(self._points, default=0)

    @property
    def newest_event(self) -> int | None:
        """The newest label event that a refit known so far has learned from; 0 without refits, None if not known."""
        events = [point.get("event") for point in self._points.values()]
        known = [event for event in events if event is not None]
        return max(known) if known else (None if events else 0)

    @property
    def newest_changes(self) -> int:
        """How often the primary annotators had been changed when the newest refit known so far was made."""
        return int(self._points[self.newest_version].get("changes", 0)) if self._points else 0

    def next_version(self, former: int) -> int:
        """Return the next number of a refit, above `former`, that no other process has been or will be given.

        Where nothing can be written it is the next one that is not known to be taken.
        """
        least = max([former, *self._points]) + 1
        if not self._store.read_only:
            try:
                return self._store.next_number(_EVERYBODY, self._concept, _VERSION, least, patience=HISTORY_PATIENCE)
            except LabelError as error:
                _log.warning("The refit goes on without a number of its own: %s", error)
        return least

    def add(self, point: Point) -> None:
        """Store a refit, and take over what other processes have stored meanwhile."""
        version = int(point["version"])
        self._points[version] = point
        if self._store.read_only:
            return
        self._unwritten[version] = point
        try:
            for missing, document in list(self._unwritten.items()):
                key = f"{_EACH}{missing:09d}"
                self._store.set_state_if_absent(_EVERYBODY, self._concept, key, document, patience=HISTORY_PATIENCE)
                del self._unwritten[missing]
            self.take_new()
        except LabelError as error:
            _log.warning("The refit %d of %r is not kept yet: %s", version, self._concept, error)

    def take_new(self) -> None:
        """Take over the refits that other processes have stored. Raises LabelError if they cannot be read."""
        rows = self._store.new_states(_EVERYBODY, self._concept, _EACH, self._newest_row)
        for self._newest_row, point in rows:
            if _is_point(point):
                self._points[point["version"]] = point


def _is_point(document: object) -> bool:
    """Whether a stored document is a refit's: a file that somebody else made may hold anything."""
    if not isinstance(document, dict) or not isinstance(document.get("version"), int):
        return False
    return all(isinstance(value, (int, float)) for value in document.values())
