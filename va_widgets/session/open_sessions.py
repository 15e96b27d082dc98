"""The open sessions of one annotator in one corpus, at most one for each concept."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from va_widgets.base.forks import ForkLock

_KEPT = 4  # sessions that stay open although nobody references them, because the annotator may return to them


class _Session(Protocol):
    @property
    def closed(self) -> bool: ...


S = TypeVar("S", bound=_Session)


class OpenSessions(Generic[S]):
    """Finds the session of a concept, or opens it. All sessions that were opened by way of another share one of these.

    A session that nobody references any more is freed, except for the four that were used last.

    Attributes
    ----------
    lock : ForkLock
        Held while a session is opened, which takes a moment.
    """

    def __init__(self) -> None:
        self.lock = ForkLock()
        self._by_concept: weakref.WeakValueDictionary[str, S] = weakref.WeakValueDictionary()
        self._used_last: deque[S] = deque(maxlen=_KEPT)
        self._hidden: set[str] = set()

    def __len__(self) -> int:
        return len(self._by_concept)

    @property
    def concepts(self) -> list[str]:
        """The concepts of these sessions, without those that are hidden."""
        return [concept for concept in self._by_concept if concept not in self._hidden]

    def hide(self, concept: str) -> None:
        """Leave a concept out of `concepts` until its session is asked for again."""
        self._hidden.add(concept)

    def add(self, concept: str, session: S) -> None:
        """Register the session of a concept that was opened elsewhere."""
        self._by_concept[concept] = session

    def get(self, concept: str, current: S, open_session: Callable[[], S]) -> S:
        """Return the session of a concept; `open_session` opens it where there is none, or it was closed.

        `current` is the session from which the caller goes to this one. If it is closed, a closed session may be
        returned, too.
        """
        with self.lock:
            self._hidden.discard(concept)
            session = self._by_concept.get(concept)
            if session is None or (session.closed and not current.closed):
                session = self._by_concept[concept] = open_session()
            if session is not current and (not self._used_last or self._used_last[-1] is not session):
                self._used_last.append(session)
        return session
