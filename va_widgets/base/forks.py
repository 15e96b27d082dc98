"""Locks and thread pools that work in a child of `os.fork`, which has its parent's memory, but only one thread.

A lock that another thread held would never be released in the child, a pool would have no threads, and SQLite forbids
to use, and even to close, a connection that was opened before the fork. So locks that guard data which must be whole
are taken before a fork, all others are made anew in the child, and numeric libraries use one thread there.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import weakref
from collections.abc import Callable
from types import TracebackType

from threadpoolctl import ThreadpoolController

_locks: weakref.WeakSet[ForkLock] = weakref.WeakSet()
_numbers = itertools.count()
_forking = threading.Lock()  # from before a fork until after it: threads fork one after another
_taken: list[ForkLock] = []  # by the thread that forks, during a fork
_held: list[ForkLock] = []  # by others, during a fork


class ForkLock:
    """A re-entrant lock that is free in a child of a fork.

    Parameters
    ----------
    waits : bool
        Whether a fork waits until the lock is free, so that the child finds what it guards whole. Only for a lock that
        is held shortly, and whose holder takes no such lock that was made later.
    before : bound method, optional
        Called before a fork while the lock is held.
    first : bool
        Whether a fork takes it before all others, so that its holder may take such locks that were made later.
    """

    def __init__(self, *, waits: bool = False, before: Callable[[], None] | None = None, first: bool = False) -> None:
        self._lock = threading.RLock()
        self._waits = waits
        self._before = None if before is None else weakref.WeakMethod(before)
        self.order = (not first, -next(_numbers))
        _locks.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def take(self) -> bool:
        """Take the lock before a fork. Returns False if another thread holds it and the fork does not wait for it."""
        return self._lock.acquire(blocking=self._waits)

    def prepare(self) -> None:
        """Call `before`."""
        if self._before is not None and (before := self._before()) is not None:
            before()

    def give(self) -> None:
        """Release the lock after a fork."""
        self._lock.release()

    def renew(self) -> None:
        """Make the lock free although a thread of the parent holds it."""
        self._lock = threading.RLock()


imports = ForkLock(waits=True)
"""Held while a package that takes seconds to import is imported: a child cannot use one that is half imported."""


def _before() -> None:
    _forking.acquire()
    # The newest first, after those that are to be first: a session's, under which its label store's is taken.
    for lock in sorted(_locks, key=lambda lock: lock.order):
        (_taken if lock.take() else _held).append(lock)
    for lock in _taken:
        lock.prepare()


def _in_parent() -> None:
    _give_all()
    _forking.release()


def _in_child() -> None:
    global _forking
    _forking = threading.Lock()
    for lock in _held:
        lock.renew()
    _give_all()
    # The threads of pools are gone. With one thread OpenMP and torch do the work themselves.
    set_threads = getattr(sys.modules.get("torch"), "set_num_threads", None)
    if set_threads is not None:  # neither before torch is imported nor meanwhile
        set_threads(1)
    ThreadpoolController().limit(limits=1, user_api="openmp")


def _give_all() -> None:
    _held.clear()
    while _taken:
        _taken.pop().give()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
