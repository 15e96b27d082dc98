"""Errors of SQLite and of the operating system as sentences: what is wrong with a label file, and what to do."""

from __future__ import annotations

import errno
import os
import shlex
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from va_widgets.base.errors import LabelError, reason_of
from va_widgets.base.paths import exists
from va_widgets.labels import schema

if TYPE_CHECKING:
    from va_widgets.labels.copies import Copy

COPIES_FOLDER = "backups"
"""The folder beside a label file where copies of it are kept."""

SQLiteError: TypeAlias = sqlite3.Error | UnicodeDecodeError
SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What reading a label file may raise; the second where damaged names are part of SQLite's own error."""

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_DENIED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_WRITING = {
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMMAP,
}


class DamagedFileError(LabelError):
    """A label file, or rows of it, are not as they were written."""


class DamagedLabelsError(DamagedFileError):
    """Rows of a label file are not as they were written."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"The labels in {path} are damaged ({what}): {advice(path)}.")


def code(error: SQLiteError) -> int:
    """Return SQLite's extended code of an error; SQLITE_CORRUPT for those that Python raises for what it read."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT))


def is_busy(error: SQLiteError) -> bool:
    """Return whether another connection holds the lock that is needed."""
    return code(error) & 0xFF in _BUSY


def is_denied(error: SQLiteError) -> bool:
    """Return whether the file, or a file beside it, may not be written or made."""
    return code(error) & 0xFF in _DENIED or code(error) & 0xFF == sqlite3.SQLITE_CANTOPEN


def is_damage(error: SQLiteError) -> bool:
    """Return whether an error comes from the content of the file."""
    return code(error) & 0xFF in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_ERROR,  # of a statement that does not fit the tables: they are not those of `schema`
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_TOOBIG,
    )


def not_saved(path: Path, error: SQLiteError) -> LabelError:
    """Return the error to raise where something could not be written."""
    cause, remedy = _cause(path, error)
    return LabelError(f"This was not saved in {path}, because {cause}: {remedy}.")


def not_read(path: Path, error: SQLiteError) -> LabelError:
    """Return the error to raise where something could not be read."""
    cause, remedy = _cause(path, error)
    kind = DamagedFileError if is_damage(error) else LabelError
    return kind(f"The labels in {path} cannot be read, because {cause}: {remedy}.")


def not_ours(path: Path, error: schema.FormatError) -> LabelError:
    """Return the error to raise for a file that is no sound label file of a version known here."""
    if isinstance(error, schema.DamagedFormatError):
        return DamagedFileError(f"{path} {error}: {advice(path)}.")
    return LabelError(f"{path} {error}.")


def too_many_files() -> bool:
    """Return whether this process, or the system, can open no more files."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return False


def _cause(path: Path, error: SQLiteError) -> tuple[str, str]:
    extended, primary = code(error), code(error) & 0xFF
    if primary in _BUSY:
        return (
            "another process is writing to it and does not finish, or its drive, as some network folders, has no locks",
            "try again, end that process if it hangs, or keep the labels on a local disk",
        )
    if primary == sqlite3.SQLITE_FULL:
        return "the disk is full", "make room on it and try again"
    if primary == sqlite3.SQLITE_NOMEM or extended == sqlite3.SQLITE_IOERR_NOMEM:
        return "there is not enough memory", "close something else and try again"
    if primary == sqlite3.SQLITE_IOERR:
        if extended in _WRITING:
            return (
                f"the system refused a write ({error})",
                "look whether the disk, a quota or a limit on the size of files is used up and whether the drive is "
                "still there, and try again",
            )
        return f"the system failed to read or lock it ({error})", "look whether its drive is still there, and try again"
    if extended == sqlite3.SQLITE_READONLY_DBMOVED:
        return "it was moved or deleted while it was open", "put it back, or make a new va.Session"
    if primary in _DENIED:
        return "it or its folder may not be written", "give yourself the right to write there, or open a copy"
    if primary == sqlite3.SQLITE_CANTOPEN:
        return _not_opened(path)
    if primary == sqlite3.SQLITE_NOTADB:
        return "it is no SQLite database, or its first bytes are damaged", advice(path)
    if is_damage(error):
        return f"its content is damaged ({error})", advice(path)
    return f"SQLite failed ({error})", "try again"


def _not_opened(path: Path) -> tuple[str, str]:
    """Find out why SQLite could not open a file. The file itself is not opened: closing it would release its locks."""
    if too_many_files():
        return "this process has too many files open", "close some, or raise the limit (ulimit -n)"
    if not exists(path.parent):
        return f"the folder {path.parent} does not exist", "make it, or give another path"
    if not exists(path) and not os.access(path.parent, os.W_OK):
        return f"the folder {path.parent} may not be written", "give yourself the right to write there, or another path"
    for file in (path, path.with_name(f"{path.name}-wal")):
        if exists(file) and not os.access(file, os.R_OK):
            return f"{file.name} may not be read", "give yourself the right to read it"
    try:
        path.stat()
    except OSError as error:
        return f"it cannot be opened ({reason_of(error)})", "check its folder, and try again"
    return "it, or a file beside it, cannot be opened", "look whether you may write to its folder"


def advice(path: Path) -> str:
    """Return what to do about a damaged label file, with the name of its newest sound copy."""
    from va_widgets.labels import restoring  # it uses this module

    labels = shlex.quote(str(path))
    newest = restoring.newest_sound(path)
    if newest is None:
        return (
            f"there is no sound copy in {path.parent / COPIES_FOLDER}, so put one of your own in its place by "
            f"`va-widgets labels restore {labels} COPY`, or move the file away to begin anew"
        )
    return f"{restore_advice(path, newest)}, and `va-widgets labels check {labels}` says what is damaged"


def restore_advice(path: Path, copy: Copy) -> str:
    """Return by which command the newest sound copy of a label file is put in its place."""
    return (
        f"`va-widgets labels restore {shlex.quote(str(path))} newest` puts its newest sound copy, {copy.path.name} of "
        f"{copy.time:%Y-%m-%d %H:%M} UTC, in its place"
    )


def copy_with_labels(path: Path) -> Copy | None:
    """Return the newest sound copy of a label file; None if there is none with labels."""
    from va_widgets.labels import restoring

    newest = restoring.newest_sound(path)
    return newest if newest is not None and restoring.has_labels(newest) else None
