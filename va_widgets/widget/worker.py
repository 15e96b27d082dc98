"""Refits in the background: after a pause in the labelling, or as soon as a batch is full."""

from __future__ import annotations

import threading
from collections.abc import Callable


class RefitWorker:
    """One thread that calls `refit` when labels have come in.

    It waits until no label came for `pause` seconds or `batch` of them are waiting, so that a page labelled quickly
    costs one refit. Labels that come in during a refit lead to another one after it: the newest batch wins.
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
        self._thread = threading.Thread(target=self._run, name="va-refit", daemon=True)
        self._thread.start()

    def labelled(self, number: int) -> None:
        """Say that `number` labels have come in."""
        with self._changed:
            self._waiting += number
            self._changed.notify()

    def now(self) -> None:
        """Refit without waiting for a pause."""
        self.labelled(self._batch)

    def forget(self) -> None:
        """Start no refit for the labels that have come in so far. One that is under way goes on."""
        with self._changed:
            self._waiting = 0
            self._changed.notify()

    def stop(self) -> None:
        """End the thread after the refit that is under way."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while self._gathered():
            self._on_start()
            try:
                self._refit()
            except Exception as error:  # a thread's end would stop the learning silently: the widget shows it
                self._on_error(error)

    def _gathered(self) -> bool:
        with self._changed:
            seen = 0
            # Until a batch is full, or some labels wait and no more came during a pause.
            while not (self._stopped or self._waiting >= self._batch or 0 < self._waiting == seen):
                seen = self._waiting
                pause = self._pause if seen else None
                self._changed.wait_for(lambda: self._stopped or self._waiting != seen, pause)  # noqa: B023
            self._waiting = 0
            return not self._stopped
