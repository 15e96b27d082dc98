"""Functions that are called with events: those of a session, and those that the annotator passes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Listener: TypeAlias = Callable[[str, Mapping[str, Any]], None]
"""Called with an event's name and its data."""


class Listeners:
    """The listeners of one source of events, in the order in which they were added."""

    def __init__(self) -> None:
        self._all: list[Listener] = []

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event from now on; returns a function that ends this, and may be called again."""
        self._all.append(listener)
        return lambda: self._all.remove(listener) if listener in self._all else None

    def notify(self, event: str, data: Mapping[str, Any]) -> None:
        """Call all listeners with an event, on this thread."""
        for listener in tuple(self._all):
            listener(event, data)
