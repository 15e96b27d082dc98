"""The connections to one label file: transactions, reads that wait for no writer, and what keeps the file whole."""

from __future__ import annotations

import atexit
import logging
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from va_widgets.base import background
from va_widgets.base.errors import LabelError
from va_widgets.base.forks import ForkLock
from va_widgets.base.paths import is_folder
from va_widgets.labels import files, problems, schema

_QUIET_SECONDS = 0.5  # without a write, after which what is in SQLite's log is copied into the file
_UNBROKEN_SECONDS = 0.005  # between two transactions that count as consecutive
_CONTENDED_SECONDS = 1.0  # for how long another process is taken to be writing, too
_log = logging.getLogger(__name__)
_open: weakref.WeakSet[Database] = weakref.WeakSet()


class Database:
    """A label file that is open, for writing where that can be done (`read_only`).

    Reads have a connection of their own, so that they wait neither for another thread nor for another process that
    writes. After a pause in writing, when it is closed and when the interpreter ends, what is in SQLite's log is copied
    into the file, so that the file alone holds everything.

    Attributes
    ----------
    file : Path
        The file itself, where the path is a link.

    Raises LabelError if the file cannot be made or read, or is no label file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.closed = False
        self.file = Path(os.path.realpath(path))  # SQLite keeps its other files beside this one
        # Whoever holds one of these takes no other that was made after it: a fork takes the newest first.
        self._reading = ForkLock(waits=True, before=self._close_reader)
        self._writing = ForkLock(waits=True, before=self._close_writer)
        self._checkpointing = ForkLock(waits=True)
        self._scheduling = ForkLock()  # while the thread that makes checkpoints is started or ends
        self._reader: sqlite3.Connection | None = None
        self._readers = 0  # connections for reading that were opened
        before = files.identity(path)  # another file may get this name in the meantime
        self._writer = files.connect_for_writing(self.file)
        self.read_only = self._writer is None
        if self.read_only:
            self._reader = files.connect_for_reading(self.file)
        self._identity = before or files.identity(path)
        self._schema_cookie: int | None = None
        self._written = 0.0  # when the newest transaction ended
        self._contended = 0.0  # when another process last held the lock
        self._unbroken = 0  # consecutive transactions
        self._checkpointer: threading.Thread | None = None
        self._after_writing: weakref.WeakMethod[Callable[[], None]] | None = None
        _open.add(self)

    @property
    def identity(self) -> files.Identity | None:
        """Which file was opened; None where its file system does not say."""
        return self._identity

    def after_writing(self, call: Callable[[], None]) -> None:
        """Call a bound method, which is referenced weakly, in the background after labels were written."""
        self._after_writing = weakref.WeakMethod(call)

    def close(self) -> None:
        """Close the file, after what is written to it and copied from it just now."""
        with self._checkpointing, self._writing, self._reading:
            self.disconnect()
            self.closed = True

    def disconnect(self) -> None:
        """Close the connections, with everything in the file itself; they are opened again when they are needed."""
        with self._checkpointing, self._writing, self._reading:
            if self._writer is not None and files.identity(self.path) == self._identity:
                with suppress(
                    *problems.SQLITE_ERRORS
                ):  # SQLite does the same when the last connection to the file is closed
                    self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._close_reader()
            self._close_writer()

    # --- reading and writing -------------------------------------------------------------------------

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that reads the file as it is at one moment. Raises LabelError for what cannot be read."""
        with self._reading:
            self._check_open()
            self._check_same_file()
            try:
                db = self._connected_reader()
                db.execute("BEGIN")
                try:
                    yield db
                finally:
                    db.execute("ROLLBACK")  # nothing was written
            except schema.DamageError as error:
                raise problems.DamagedLabelsError(self.path, str(error)) from error
            except problems.SQLITE_ERRORS as error:
                raise problems.not_read(self.path, error) from error

    @property
    def data_version(self) -> tuple[int, int]:
        """Numbers that differ whenever this or another process has changed the file. Raises LabelError as `snapshot`.

        The second one is SQLite's, whose values can be compared within one connection; the first one counts those.
        """
        with self._reading:
            self._check_open()
            self._check_same_file()
            try:
                (version,) = self._connected_reader().execute("PRAGMA data_version").fetchone()
            except problems.SQLITE_ERRORS as error:
                raise problems.not_read(self.path, error) from error
            return self._readers, int(version)

    def read(self, sql: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of one statement."""
        with self.snapshot() as db:
            return db.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self, patience: float | None = None) -> Iterator[sqlite3.Connection]:
        """Give a connection for writing; what is written is on the disk afterwards, or LabelError is raised.

        Other writers are waited for as long as `patience`, in seconds (`files.PATIENCE` if not given).
        """
        self._check_open()
        if self.read_only:
            raise LabelError(f"Labels cannot be saved because {self.path} is read-only: open a copy you may write to.")
        db = self._begun(files.PATIENCE if patience is None else patience)
        try:
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                self._roll_back(db)
                raise
            self._check_same_file()
        except schema.DamageError as error:
            raise problems.DamagedLabelsError(self.path, str(error)) from error
        except problems.SQLITE_ERRORS as error:
            raise problems.not_saved(self.path, error) from error
        finally:
            self._writing.give()
        self._checkpoint_soon()

    def _begun(self, patience: float) -> sqlite3.Connection:
        """Begin a transaction and return its connection. Takes the lock `_writing`, which the caller releases."""
        self._give_way()
        end = time.monotonic() + patience
        while True:
            self._writing.take()
            try:
                self._check_open()
                self._check_same_file()
                if self._writer is None:
                    self._writer = files.connect(self.file)
                self._writer.execute("BEGIN IMMEDIATE")
            except problems.SQLITE_ERRORS as error:
                self._writing.give()
                if not problems.is_busy(error) or time.monotonic() >= end:
                    raise problems.not_saved(self.path, error) from error
            except BaseException:
                self._writing.give()
                raise
            else:
                break
            self._contended = time.monotonic()
            files.pause()  # without the lock: other threads, and forks, need not wait
        try:
            self._check_same_file()  # again: a copy may have taken its place before this connection got the lock
            self._check_schema(self._writer)
        except BaseException:
            self._roll_back(self._writer)
            self._writing.give()
            raise
        return self._writer

    def _give_way(self) -> None:
        """Pause before a transaction so that other processes, which may be waiting, can write.

        They try to get the lock every few milliseconds, and would not get it from a process that takes it again at
        once. Where no other process was noticed there is a pause before every tenth of consecutive transactions.
        """
        now = time.monotonic()
        self._unbroken = self._unbroken + 1 if now - self._written < _UNBROKEN_SECONDS else 0
        if now - self._contended < _CONTENDED_SECONDS or self._unbroken % 10 == 9:
            files.pause()

    def _roll_back(self, db: sqlite3.Connection) -> None:
        if not db.in_transaction:  # SQLite has done it by itself, as on a full disk
            return
        try:
            db.execute("ROLLBACK")
        except problems.SQLITE_ERRORS:
            _log.warning("The connection to %s is opened anew after an error", self.path, exc_info=True)
            self._close_writer()

    # --- checks ---------------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self.closed:
            raise LabelError(f"The labels in {self.path} were closed: make a new va.Session to go on.")

    def _check_same_file(self) -> None:
        """Raise LabelError if the open file was deleted, or another one has its name: labels in it would be lost."""
        if self._identity is None:
            return
        identity = files.identity(self.path)
        if identity == self._identity:
            return
        rescue = 'session.backup("labels-rescued.sqlite") saves the labels that it had'
        if identity is not None:
            raise LabelError(
                f"Another file was put in the place of {self.path} while it was open: make a new va.Session to go on "
                f"with that one; {rescue}."
            )
        gone = self.path if is_folder(self.path.parent) else f"The folder {self.path.parent}"
        raise LabelError(
            f"{gone} was deleted or moved while its labels were in use, and nothing is saved: put it back to go on, or "
            f"make a new va.Session to begin anew; {rescue}."
        )

    def _check_schema(self, db: sqlite3.Connection) -> None:
        """Raise LabelError if the tables are not those that were there when the file was opened."""
        try:
            (cookie,) = db.execute("PRAGMA schema_version").fetchone()
            if cookie != self._schema_cookie:
                schema.version(db)
                self._schema_cookie = cookie
        except schema.FormatError as error:
            raise problems.not_ours(self.path, error) from error
        except problems.SQLITE_ERRORS as error:
            raise problems.not_saved(self.path, error) from error

    # --- checkpoints --------------------------------------------------------------------------------------

    @contextmanager
    def for_copying(self) -> Iterator[sqlite3.Connection]:
        """Give a connection to copy from: to the file that was opened, even if that has no name any more.

        Raises LabelError if the store was closed.
        """
        with self._checkpointing:
            self._check_open()
            if files.identity(self.path) == self._identity and not self.read_only:
                with closing(files.connect(self.file, timeout=files.READ_SECONDS)) as db:
                    yield db
                return
            with self._writing, self._reading:
                held = self._reader or self._writer
                if held is None:
                    self._check_same_file()
                    held = self._connected_reader()
                yield held

    def checkpoint(self) -> None:
        """Copy what is in SQLite's log into the file, as far as nobody is reading it. Never blocks a writer."""
        with self._checkpointing:
            if self.closed or self.read_only or files.identity(self.path) != self._identity:
                return
            try:
                with closing(files.connect(self.file)) as db:
                    db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()  # opens the log
                    db.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except problems.SQLITE_ERRORS as error:
                _log.debug("The log of %s stays as it is for now: %s", self.path, error)

    def _checkpoint_soon(self) -> None:
        """Have a background thread copy the log into the file after a pause in writing."""
        with self._scheduling:
            self._written = time.monotonic()
            if self._checkpointer is None or not self._checkpointer.is_alive():
                with suppress(RuntimeError):  # the interpreter is ending: `disconnect` makes the checkpoint
                    self._checkpointer = background.start(self._checkpoint_after_pause, "va-labels")

    def _checkpoint_after_pause(self) -> None:
        while True:
            rest = self._written + _QUIET_SECONDS - time.monotonic()
            if rest > 0:
                if background.wait(rest) or self.closed:
                    return
                self._call_after_writing()  # also if there is no pause for hours
                continue
            seen = self._written
            self.checkpoint()
            self._call_after_writing()
            with self._scheduling:
                if self._written == seen:
                    self._checkpointer = None
                    return

    def _call_after_writing(self) -> None:
        if self._after_writing is not None and (call := self._after_writing()) is not None:
            call()

    # --- connections ------------------------------------------------------------------------------------

    def _connected_reader(self) -> sqlite3.Connection:
        """Return the connection for reading, which is opened if need be; only with its lock held."""
        if self._reader is None:
            self._reader = self._connected_for_reading()
            self._readers += 1
        return self._reader

    def _connected_for_reading(self) -> sqlite3.Connection:
        if self.read_only:
            return files.connect_for_reading(self.file)
        db = files.connect(self.file, timeout=files.READ_SECONDS)
        db.execute("PRAGMA query_only = ON")
        return db

    def _close_reader(self) -> None:
        """Close the connection, as before a fork: neither SQLite's locks nor its log outlive one in two processes."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _disconnect_all() -> None:
    """Disconnect all at the end of the interpreter, since few people close a session in a notebook."""
    for database in tuple(_open):
        database.disconnect()


atexit.register(_disconnect_all)
