"""Who wants to hear of events: of a session's, and of those that the annotator passes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Listener: TypeAlias = Callable[[str, Mapping[str, Any]], None]
"""Called with an event's name and its data."""


class Listeners:
    """Those who want to hear of something, in the order in which they said so."""

    def __init__(self) -> None:
        self._all: list[Listener] = []

    def add(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener from now on; returns the way to stop it, which may be called again."""
        self._all.append(listener)
        return lambda: self._all.remove(listener) if listener in self._all else None

    def tell(self, event: str, data: Mapping[str, Any]) -> None:
        """Call all of them, on this thread."""
        for listener in tuple(self._all):
            listener(event, data)
