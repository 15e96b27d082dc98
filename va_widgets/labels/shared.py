"""One label store for each file, shared by all sessions of a process: a connection costs two open files and 2 MB."""

from __future__ import annotations

import os
import shlex
import weakref
from pathlib import Path
from typing import TypeAlias

from va_widgets.base.errors import LabelError
from va_widgets.base.forks import ForkLock
from va_widgets.labels.label_store import LabelStore

_Identity: TypeAlias = tuple[int, int]  # of a file: its device and inode


class StoreUser:
    """A user of the label store in a file, which it shares with the other users of that file in this process.

    The store is closed when its last user is closed or is not referenced any more. A file that was deleted and made
    anew is another one: its users do not share the former file's store.

    Parameters
    ----------
    path : Path
    snapshots : bool
        Whether copies are made of the file from now on, for as long as anybody in this process uses it.

    Raises
    ------
    LabelError
        If the file cannot be created or opened, or is not a label store of a version known here.
    """

    def __init__(self, path: Path, *, snapshots: bool = False) -> None:
        self.path = path
        self.snapshots = snapshots
        self._store: LabelStore | None = None
        with _lock:
            self._store = _shared(path)
            if self._store is not None:
                _users[self._store].add(self)
        if self._store is None:
            opened = LabelStore(path)  # not under the lock: a busy file takes its time
            with _lock:
                self._store = _shared(path) or opened
                _users.setdefault(self._store, weakref.WeakSet()).add(self)
                identity = self._store.identity or _identity(path)
                # What is read-only now may be writable for the next one who opens it.
                if identity is not None and not self._store.read_only:
                    _stores[os.path.realpath(path), identity] = self._store
            if opened is not self._store:
                opened.close()
        self._identity = self._store.identity or _identity(path)
        self._restored = self._store.restored
        if snapshots:
            self._store.keep_snapshots()

    @property
    def store(self) -> LabelStore:
        """The store. Raises LabelError once this user is closed."""
        if self._store is None:
            raise LabelError(f"The labels in {self.path} were closed: make a new va.Session to go on.")
        return self._store

    @property
    def closed(self) -> bool:
        """Whether this user is closed."""
        return self._store is None

    def another(self) -> StoreUser:
        """Return one more user of the same store. Raises LabelError once this one is closed."""
        user = StoreUser.__new__(StoreUser)
        user.path, user.snapshots, user._store = self.path, self.snapshots, self.store
        user._identity, user._restored = self._identity, self._restored
        with _lock:
            _users[user._store].add(user)
        return user

    @property
    def gone(self) -> str:
        """Why nothing can be saved, in one sentence, where the file is not there any more; else an empty text.

        On POSIX a file that was deleted can be written to as long as it is open, and is lost afterwards.
        """
        if self._identity is None:
            return ""
        try:
            if self.path.stat().st_size:
                return ""
        except FileNotFoundError:
            pass
        except OSError as error:
            return f"The labels' file {self.path} cannot be reached ({error.strerror}), so that nothing can be saved."
        return (
            f"The labels' file {self.path} is gone, so that nothing can be saved: put it back, or its newest copy by "
            f"`va-widgets labels restore {shlex.quote(str(self.path))} newest`, or make a new va.Session to begin "
            "another one."
        )

    @property
    def replaced(self) -> bool:
        """Whether there is another file now, or other content, such as a copy that was put back.

        Raises LabelError if the file cannot be read.
        """
        if self.closed:
            return False
        now = _identity(self.path)
        if self._identity is not None and now is not None and now != self._identity:
            return not self.gone  # empty as long as a copy has just begun
        return now is not None and self.store.restored != self._restored

    def state_of_file(self) -> object:
        """Return a value that differs whenever anybody has changed the file, or another one has its name.

        Cheap: what SQLite keeps in memory that it shares with other processes. Raises LabelError if it cannot be read.
        """
        now = _identity(self.path)
        if self._identity is not None and now is not None and now != self._identity:
            return now
        return now, self.store.data_version

    def close(self) -> None:
        """Stop using the store, which is closed with its last user."""
        store, self._store = self._store, None
        if store is None:
            return
        with _lock:
            _users[store].discard(self)
            unused = not _users[store]
            if unused:
                del _users[store]
        if unused:
            store.close()


_lock = ForkLock()
_stores: weakref.WeakValueDictionary[tuple[str, _Identity], LabelStore] = weakref.WeakValueDictionary()
_users: weakref.WeakKeyDictionary[LabelStore, weakref.WeakSet[StoreUser]] = weakref.WeakKeyDictionary()


def _shared(path: Path) -> LabelStore | None:
    """Return the store that somebody uses for a file, None if nobody does; only while the lock is held."""
    identity = _identity(path)
    store = None if identity is None else _stores.get((os.path.realpath(path), identity))
    return store if store in _users else None


def _identity(path: Path) -> _Identity | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
