"""Notice, in one thread for the process, what other processes store in the label files that are listened to."""

from __future__ import annotations

import logging
import threading
import weakref

from va_widgets.base import background
from va_widgets.base.errors import VaError
from va_widgets.base.forks import ForkLock
from va_widgets.labels.concept_labels import ConceptLabels

_SECONDS = 0.25  # between two looks at a file
_lock = ForkLock()
_watched: weakref.WeakSet[ConceptLabels] = weakref.WeakSet()
_thread: threading.Thread | None = None
_log = logging.getLogger(__name__)


def watch(labels: ConceptLabels) -> None:
    """Call the listeners of labels within a second of a change by another process, for as long as there are any.

    The thread ends with the last listener. There is none in a child of a fork, until it watches labels itself.
    """
    global _thread
    with _lock:
        _watched.add(labels)
        if _thread is None or not _thread.is_alive():
            try:
                _thread = background.start(_watch, "va-labels-watch")
            except RuntimeError as error:  # the system starts no more threads now, or the interpreter is ending
                _log.warning("Labels of other processes are noticed at the next request only: %s", error)


def _watch() -> None:
    global _thread
    while not background.wait(_SECONDS):
        with _lock:
            listened_to = [labels for labels in _watched if labels.listened_to]
            if not listened_to:
                _watched.clear()
                _thread = None
                return
        for labels in listened_to:
            try:
                labels.watched()
            except VaError as error:  # the next request says so, too
                _log.debug("The labels of %r cannot be read just now: %s", labels.concept, error)
            except Exception:  # of a listener; the others must go on
                _log.exception("A listener to the labels of %r failed", labels.concept)
        del listened_to, labels
