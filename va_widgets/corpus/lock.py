"""The lock of a corpus: one writer at a time; whoever gets it removes what a killed writer left."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from va_widgets.base.errors import CorpusError, reason_of
from va_widgets.base.paths import exists, inside, is_file, is_folder
from va_widgets.corpus.files import shards
from va_widgets.corpus.manifest import check_folder
from va_widgets.corpus.writing import clear_unfinished

_LOCK_FILE, _SOFT_LOCK_FILE = ".build.lock", ".build.soft.lock"
# Error numbers of file systems without locks: some network and user-space ones.
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of the corpus in `path`, whose folder is made if there is none.

    Raises CorpusError if another writer holds it, or the folder cannot be written to.
    """
    try:
        _check_folder(path)
        path.mkdir(parents=True, exist_ok=True)
        with _lock(path):
            clear_unfinished(path)
            yield
    except Timeout as error:
        soft = ""
        if exists(path / _SOFT_LOCK_FILE):  # unlike a real lock, it outlives a build that was killed
            soft = f", or was killed there: then delete {path / _SOFT_LOCK_FILE}"
        raise CorpusError(
            f"Something else is writing to {path}{soft}: wait until it is done, then try again."
        ) from error
    except OSError as error:
        if error.errno in _FULL:
            raise CorpusError(
                f"There is no space left for {path}: free some and try again; what is done is kept."
            ) from error
        raise CorpusError(f"The corpus in {path} cannot be written ({reason_of(error)}): check the folder.") from error


def _check_folder(path: Path) -> None:
    """Raise CorpusError, before anything is written, if another program's file has a name that a corpus needs."""
    check_folder(path)
    lock = inside(path, _LOCK_FILE)
    if os.path.lexists(lock) and not (is_file(lock) and lock.stat().st_size == 0):  # ours is empty
        raise CorpusError(f"{lock} is not the corpus's: move it, or choose another folder for the corpus.")


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold the lock of a corpus; where the file system has no locks, a file that exists as long as it is held."""
    # FileLock's own fallback uses the lock file itself as such a file, but a copied corpus already has that.
    lock: FileLock | SoftFileLock = FileLock(path / _LOCK_FILE, timeout=0, fallback_to_soft=False)
    try:
        lock.acquire()
    except (OSError, NotImplementedError) as error:
        if isinstance(error, Timeout) or (isinstance(error, OSError) and error.errno not in _NO_LOCKS):
            raise
        lock = SoftFileLock(path / _SOFT_LOCK_FILE, timeout=0)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def remove_empty(path: Path, is_new: bool) -> None:
    """Remove a folder that a failed build has made, `is_new`, unless something is in it."""
    if not is_new or exists(path / shards.SHARDS_FOLDER) or not is_folder(path):
        return
    try:
        with _lock(path):
            (path / _LOCK_FILE).unlink(missing_ok=True)
            if not any(path.iterdir()):
                path.rmdir()
    except (Timeout, OSError):  # another build is running there, or it cannot be written to: it stays
        return
