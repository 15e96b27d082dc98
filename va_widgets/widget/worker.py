"""Refits in the background: after a pause in the labelling, or as soon as a batch is full."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from va_widgets.base import background

_log = logging.getLogger(__name__)


class RefitWorker:
    """Calls `refit` on a thread of its own when labels have come in.

    It waits until no label came for `pause` seconds or `batch` of them are waiting, so that a page labelled quickly
    costs one refit. Labels that come in during a refit lead to another one after it: the newest batch wins. The thread
    ends when no labels are waiting, so that an annotator nobody uses has none.
    """

    def __init__(
        self,
        refit: Callable[[], object],
        on_start: Callable[[], None],
        on_error: Callable[[Exception], None],
        *,
        pause: float = 0.6,
        batch: int = 8,
    ) -> None:
        self._refit = refit
        self._on_start = on_start
        self._on_error = on_error
        self._pause = pause
        self._batch = batch
        self._changed = threading.Condition()
        self._waiting = 0
        self._stopped = False
        self._thread: threading.Thread | None = None

    def labelled(self, number: int) -> None:
        """Count `number` new labels, which wait for a refit."""
        with self._changed:
            if self._stopped:
                return
            self._waiting += number
            if self._thread is None:
                try:
                    self._thread = background.start(self._run, "va-refit")
                except RuntimeError as error:  # the system starts no more threads now: the next label tries again
                    _log.warning("The refit waits for the next label: %s", error)
            self._changed.notify()

    def now(self) -> None:
        """Refit without waiting for a pause."""
        self.labelled(self._batch)

    def drop_waiting(self) -> None:
        """Start no refit for the labels that have come in so far. A running refit goes on."""
        with self._changed:
            self._waiting = 0
            self._changed.notify()

    def stop(self) -> None:
        """Start no more refits, and return when the one that is under way has ended."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while self._batch_is_due():
            try:
                self._on_start()
                self._refit()
            except Exception as error:  # the widget shows it; if the thread ended there would be no more refits
                if background.is_of_ending(error):
                    raise
                try:
                    self._on_error(error)
                except Exception:  # nor may an error of showing it end the thread
                    _log.exception("A failed refit could not be shown")

    def _batch_is_due(self) -> bool:
        """Wait until a batch is full, or labels wait and no more came during a pause; False if none are waiting."""
        with self._changed:
            seen = 0
            while self._waiting < self._batch and self._waiting != seen:
                seen = self._waiting
                self._changed.wait_for(lambda: self._stopped or self._waiting != seen, self._pause)  # noqa: B023
            if self._stopped or background.stop_requested() or not self._waiting:
                self._thread = None
                return False
            self._waiting = 0
            return True
