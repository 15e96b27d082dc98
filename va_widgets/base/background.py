"""Background threads that the interpreter stops and waits for before it ends.

A daemon thread that is inside a native library when the interpreter is finalised aborts the process ("terminate called
without an active exception"). A thread that is no daemon keeps a script alive for as long as its work takes. The
threads started here are daemons, and one more thread, the keeper, is none: it waits for the end of the main thread,
asks the others to stop and joins them. The interpreter joins the keeper before it runs `atexit` callbacks, so that a
package which is being imported can still register its own.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable

# The import of torch cannot be interrupted, and takes this long from a slow disk. A thread that waits for a network for
# longer is left behind: it is in a system call, where the end of the interpreter does no harm.
_JOIN_SECONDS = 30.0
# At the end of the interpreter executors refuse work before the main thread counts as ended.
_NOTICED_SECONDS = 2.0
_log = logging.getLogger(__name__)
_threads: set[threading.Thread] = set()
_ending = threading.Event()
_keeper: threading.Thread | None = None
_starting = threading.Lock()


def start(work: Callable[[], object], name: str) -> threading.Thread:
    """Run `work` once on a new thread, and return the thread. An exception that `work` raises is logged.

    Long work must call `stop_requested` now and then, and return if it is true.
    """

    def run() -> None:
        try:
            _logged(work, name)
        finally:
            _threads.discard(thread)

    global _keeper
    with _starting:
        if _keeper is None:
            keeper = threading.Thread(target=_keep, name="va-keeper", daemon=False)
            keeper.start()
            _keeper = keeper
    thread = threading.Thread(target=run, name=name, daemon=True)
    _threads.add(thread)
    try:
        thread.start()
    except RuntimeError:  # no thread can be started, or the interpreter is ending
        _threads.discard(thread)
        raise
    return thread


def stop_requested() -> bool:
    """Whether the calling thread was made by `start` and the interpreter waits for its end."""
    return _ending.is_set() and threading.current_thread() in _threads


def wait(seconds: float) -> bool:
    """Wait for a time, or until the interpreter waits for its threads to end. Returns whether it waits."""
    return _ending.wait(seconds)


def is_of_ending(error: Exception) -> bool:
    """Whether an error came because the interpreter is ending: executors take no more work then, and imports fail.

    Waits up to two seconds for the end after a RuntimeError, which is what executors and threads raise.
    """
    return _ending.wait(_NOTICED_SECONDS if isinstance(error, RuntimeError) else 0)


class TaskQueue:
    """Runs tasks one after another on a thread that exists only while there are tasks.

    Parameters
    ----------
    name : str
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._tasks: deque[Callable[[], object]] = deque()
        self._running = False

    def submit(self, task: Callable[[], object]) -> None:
        """Run `task` after those submitted before it. An exception that it raises is logged."""
        with self._lock:
            if not self._running:
                start(self._run, self._name)
                self._running = True
            self._tasks.append(task)

    def cancel(self) -> None:
        """Drop the tasks that have not begun."""
        with self._lock:
            self._tasks.clear()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._tasks or stop_requested():
                    self._running = False
                    return
                task = self._tasks.popleft()
            _logged(task, self._name)


def _logged(work: Callable[[], object], name: str) -> None:
    try:
        work()
    except Exception as error:
        # While the interpreter ends some imports fail, and connections may be closed: that is not logged.
        level = logging.DEBUG if is_of_ending(error) else logging.ERROR
        _log.log(level, "The thread %s failed", name, exc_info=True)


def _keep() -> None:
    threading.main_thread().join()
    _ending.set()
    for thread in tuple(_threads):
        thread.join(_JOIN_SECONDS)


def _forked() -> None:
    """A child of a fork has none of its parent's threads."""
    global _keeper, _starting, _ending
    _threads.clear()
    _keeper, _starting, _ending = None, threading.Lock(), threading.Event()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
