"""Open label files: for writing, for reading where nothing can be written, and copies of both.

No function here opens the file but through SQLite: closing it elsewhere in the process would release SQLite's locks.
"""

from __future__ import annotations

import logging
import os
import random
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from va_widgets.base.errors import LabelError, reason_of
from va_widgets.base.paths import exists, is_folder
from va_widgets.labels import problems, schema, write_ahead_log

PATIENCE = 3.0
"""For how many seconds a writer waits for others."""

READ_SECONDS = 10.0
"""For how many seconds SQLite's own locks are waited for, as to make a file or after a crash: a busy disk is slow."""

_LOG_BYTES = 4 << 20  # from about there on SQLite begins its log anew
_CACHE_BYTES = 2 << 20  # of a transaction that SQLite keeps in memory
_ROOM = 10  # times the log that a disk must have free before so much of it is taken
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Identity(NamedTuple):
    """Which file a path leads to: its device and inode."""

    device: int
    inode: int


class _Connection(sqlite3.Connection):
    """A connection that closes itself when nothing references it: from Python 3.13 on sqlite3's own warns if it is left
    open, and few people close a session in a notebook.
    """

    def __del__(self) -> None:
        with suppress(*problems.SQLITE_ERRORS):  # it could not be opened
            self.close()


def connect(database: str | Path, *, timeout: float = 0.0, **options: Any) -> sqlite3.Connection:
    """Return a connection without transactions of its own, for all threads; a missing file is made."""
    db = sqlite3.connect(
        str(database),
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
        factory=_Connection,
        **options,
    )
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")  # finds damaged pages before their content is used
    db.execute("PRAGMA synchronous = FULL")
    return db


def identity(path: Path) -> Identity | None:
    """Return the identity of the file at a path; None if there is none, or the file system has no inode numbers."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return Identity(stat.st_dev, stat.st_ino) if stat.st_ino else None


def retried(work: Callable[[], _T]) -> _T:
    """Return what `work` returns, and call it again while another connection holds the lock that it needs.

    The pauses are short and random: with SQLite's own, which grow, one of several writers may wait for seconds.
    """
    end = time.monotonic() + READ_SECONDS
    while True:
        try:
            return work()
        except sqlite3.OperationalError as error:
            if not problems.is_busy(error) or time.monotonic() >= end:
                raise
        pause()


def pause() -> None:
    """Wait for a moment between two tries to get a lock."""
    time.sleep(random.uniform(0.0003, 0.003))  # noqa: S311  # nothing depends on it being hard to guess


# --- for writing ---------------------------------------------------------------------------------------------------


def connect_for_writing(path: Path) -> sqlite3.Connection | None:
    """Open a label file, which is made or brought to this version if need be; None if it cannot be written.

    Where its tables are there already this does not wait for a process that is writing. The connection itself never
    waits for one: see `retried`.

    Raises LabelError if the file cannot be made or read, or is no label file.
    """
    _refuse_special_files(path)
    _refuse_emptied(path)
    missing = not exists(path)
    db = None
    try:
        db = connect(path, timeout=READ_SECONDS)
        made = _prepare(db, path, missing=missing)
    except schema.FormatError as error:
        raise problems.not_ours(path, error) from error
    except problems.SQLITE_ERRORS as error:
        if db is not None:
            db.close()
        if problems.is_denied(error) and not problems.too_many_files():
            return None
        raise problems.not_read(path, error) from error
    if made and (copy := problems.copy_with_labels(path)) is not None:
        _log.warning(
            "%s was made anew, without labels, but there are copies of it: %s",
            path,
            problems.restore_advice(path, copy),
        )
    return db


def _prepare(db: sqlite3.Connection, path: Path, *, missing: bool) -> bool:
    """Make the tables if there are none, upgrade those of an earlier version, and switch to WAL mode.

    Returns whether they were made. `missing` is whether there was no file before.
    """
    made = False
    if schema.version(db) != schema.SCHEMA_VERSION:
        made = retried(lambda: _create_or_upgrade(db, path, missing=missing))
    if db.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        retried(lambda: db.execute("PRAGMA journal_mode = WAL"))
    db.execute("PRAGMA busy_timeout = 0")
    with suppress(_BusyError):  # then it can be written
        _preallocate_log(db, path)
    return made


class _BusyError(Exception):
    """Another connection is writing."""


def _create_or_upgrade(db: sqlite3.Connection, path: Path, *, missing: bool) -> bool:
    """Make the tables, or upgrade them, in one transaction; returns whether they were made.

    Raises FormatError if the file's log is missing, or if an empty file has lost its labels: there are copies of them.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        number = schema.version(db)  # another process may have been quicker
        if number == 0:
            if db.execute("PRAGMA journal_mode").fetchone() == ("wal",) and not _log_bytes(path):
                # Version 1 switched to WAL before it made its tables, which then were in the log alone.
                raise schema.FormatError(
                    f"is empty, and {path.name}-wal, which held its labels, is missing: copy that file from where this "
                    "one came from, too, or delete this one to begin anew"
                )
            if not missing and problems.copy_with_labels(path) is not None:
                raise _emptied()
            schema.create(db)
        elif number < schema.SCHEMA_VERSION:
            _log.info("Bringing %s from version %d to %d", path, number, schema.SCHEMA_VERSION)
            schema.upgrade(db)
        db.execute("COMMIT")
        return number == 0
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _emptied() -> schema.FormatError:
    return schema.DamagedFormatError("is empty, and labels were in it (delete it if they shall be gone)")


def _refuse_emptied(path: Path) -> None:
    """Raise LabelError for an empty file with a log: SQLite would remove the log, which may hold the newest labels."""
    if exists(path) and not path.stat().st_size and _log_bytes(path):
        raise problems.not_ours(path, _emptied())


def _preallocate_log(db: sqlite3.Connection, path: Path) -> None:
    """Make SQLite's log 4 MB long at once, so that no label waits until the file system finds room for it.

    By a large transaction that is rolled back: the log keeps its length, and its content is overwritten.
    Raises _BusyError if another connection is writing, and SQLite's error if nothing can be written.
    """
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if problems.is_busy(error):
            raise _BusyError from error
        raise
    try:
        if _log_bytes(path) < _LOG_BYTES and shutil.disk_usage(path.parent).free >= _ROOM * _LOG_BYTES:
            db.execute(
                "INSERT INTO state (annotator, concept, key, value, checksum) VALUES ('', '', '', zeroblob(?), 0)",
                (_LOG_BYTES + _CACHE_BYTES,),
            )
    except sqlite3.OperationalError as error:
        # A quota, or a limit on the size of files: the log grows with the labels.
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise
    finally:
        if db.in_transaction:  # SQLite has rolled it back by itself where the disk is full
            db.execute("ROLLBACK")


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _log_bytes(path: Path) -> int:
    log = _log_of(path)
    return log.stat().st_size if exists(log) else 0


def _refuse_special_files(path: Path) -> None:
    """Raise LabelError for what SQLite would wait for without end, or would write to through a link."""
    if exists(path) and not stat.S_ISREG(path.stat().st_mode):
        what = "a folder" if is_folder(path) else "a device or a pipe"
        raise LabelError(f"{path} is no file, but {what}: move it away, or give another path.")
    for side in ("-wal", "-shm", "-journal"):
        beside = path.with_name(path.name + side)
        if os.path.lexists(beside) and (beside.is_symlink() or not stat.S_ISREG(beside.stat().st_mode)):
            raise LabelError(f"{beside} is a link or a device, which labels must not be written through: move it away.")


# --- for reading ---------------------------------------------------------------------------------------------------


def connect_for_reading(path: Path) -> sqlite3.Connection:
    """Open a label file where nothing can be written, the files that SQLite keeps beside it included.

    Labels that are still in SQLite's log are read from there, if need be in a temporary copy; a file of an earlier
    version is brought up in memory. Raises LabelError if it cannot be read or is no label file.
    """
    if not exists(path):
        if not is_folder(path.parent):
            raise LabelError(f"Labels cannot be kept in {path}: the folder {path.parent} does not exist.")
        if (copy := problems.copy_with_labels(path)) is not None:
            _log.warning("%s is missing, but there are copies of it: %s", path, problems.restore_advice(path, copy))
        db = connect(":memory:")
        schema.create(db)  # an empty store: a read-only corpus that nobody has labelled
        return db
    db = connect_for_checking(path, leave_nothing=False)
    return db if schema.version(db) == schema.SCHEMA_VERSION else _in_memory(db)


def connect_for_checking(path: Path, *, leave_nothing: bool = True) -> sqlite3.Connection:
    """Open a label file of any known version for reading, as it is.

    A connection that may not write leaves SQLite's file -shm behind when it is closed. With `leave_nothing` the
    connection may write, where the file's permissions allow it, and does not. Raises LabelError if the file cannot
    be read or is no label file.
    """
    if leave_nothing and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return _opened(path, _opened_query_only)
    return _opened(path, _opened_read_only)


def connect_to_copies(path: Path) -> sqlite3.Connection:
    """Open a label file of any known version, with its log, in memory. Raises LabelError as `connect_for_checking`."""
    return _opened(path, _from_copies)


def log_damage(path: Path) -> str:
    """Return what is wrong with SQLite's log beside a label file, in one sentence; "" for a sound one or none.

    Raises LabelError if it cannot be read.
    """
    _refuse_special_files(path)
    log = _log_of(path)
    try:
        return write_ahead_log.damage(log)
    except OSError as error:
        raise LabelError(f"{log} cannot be read ({reason_of(error)}): give yourself the right to read it.") from error


def _opened(path: Path, how: Callable[[Path], sqlite3.Connection]) -> sqlite3.Connection:
    _refuse_special_files(path)
    _refuse_emptied(path)
    try:
        return how(path)
    except schema.FormatError as error:
        raise problems.not_ours(path, error) from error
    except problems.SQLITE_ERRORS as error:
        raise problems.not_read(path, error) from error


def _opened_query_only(path: Path) -> sqlite3.Connection:
    db = connect(path, timeout=READ_SECONDS)
    db.execute("PRAGMA query_only = ON")
    if schema.version(db) == 0:
        db.close()
        raise _without_labels(path, "give another file")
    return db


def _without_labels(path: Path, remedy: str) -> schema.FormatError:
    """Return the error to raise for a file without tables, which may have had labels that its copies have."""
    lost = problems.copy_with_labels(path) is not None
    return _emptied() if lost else schema.FormatError(f"holds no labels: {remedy}")


def _opened_read_only(path: Path) -> sqlite3.Connection:
    uri = path.as_uri()
    try:
        db = connect(f"{uri}?mode=ro", uri=True, timeout=READ_SECONDS)
        number = schema.version(db)
    except sqlite3.OperationalError as error:
        if not problems.is_denied(error) or problems.too_many_files():
            raise
        # A database in WAL mode, in a folder where the index of its log cannot be made.
        if _log_bytes(path):
            return _from_copies(path)
        db = connect(f"{uri}?immutable=1", uri=True)
        number = schema.version(db)
    if number == 0:
        db.close()
        raise _without_labels(path, "it cannot be written, so open a copy you may write to")
    return db


def _from_copies(path: Path) -> sqlite3.Connection:
    """Return a file with what is in its log, from temporary copies of both."""
    with tempfile.TemporaryDirectory(prefix="va-labels-") as folder:
        for name in (path.name, f"{path.name}-wal"):
            try:
                shutil.copyfile(path.with_name(name), Path(folder) / name)
            except OSError as error:
                raise LabelError(
                    f"{path.with_name(name)}, which holds the newest labels, cannot be copied to be read "
                    f"({reason_of(error)}): give yourself the right to read it, and make room in {folder}."
                ) from error
        db = connect(Path(folder) / path.name)
        if schema.version(db) == 0:
            db.close()
            raise schema.FormatError(f"holds no labels, and {path.name}-wal beside it is damaged: copy both again")
        return _in_memory(db)


def _in_memory(db: sqlite3.Connection) -> sqlite3.Connection:
    """Return a copy in memory, brought to this version; the file is closed."""
    with closing(db):
        memory = connect(":memory:")
        db.backup(memory)
    if schema.version(memory) < schema.SCHEMA_VERSION:
        schema.upgrade(memory)
    return memory


# --- copies --------------------------------------------------------------------------------------------------------


def write_copy(
    db: sqlite3.Connection, copy: Path, *, step: int = -1, after_step: Callable[[], object] | None = None
) -> None:
    """Write a database, as it is at one moment, to a new file that needs no log beside it. Raises sqlite3.Error.

    `step` pages are copied at a time (4 KB each; all of them if negative), and then `after_step` is called; what it
    raises ends the copying.
    """
    with closing(connect(copy)) as target:
        if after_step is None:
            db.backup(target)
        else:
            db.execute("BEGIN")  # all steps read one state: otherwise each change begins the copy anew
            db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            try:
                db.backup(target, pages=step, progress=lambda *_: after_step())
            finally:
                db.execute("ROLLBACK")  # nothing was written
        target.execute("PRAGMA journal_mode = DELETE")
