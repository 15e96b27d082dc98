"""Copies of a label file: backups on request, and a few that are made automatically."""

from __future__ import annotations

import logging
import os
import random
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from va_widgets.base import background
from va_widgets.base.errors import LabelError, reason_of
from va_widgets.base.paths import exists, inside, is_folder
from va_widgets.labels import checking, files, problems
from va_widgets.labels.database import Database

_KEPT = 3
_AUTOMATIC, _BY_HAND = "automatic", "labels"
_log = logging.getLogger(__name__)


def write(database: Database, path: Path | None) -> Path:
    """Write all labels to one new file; see LabelStore.backup."""
    try:
        if path is None:
            path = _named(_folder(database.path), _BY_HAND)
        elif is_folder(path):
            path = _named(path, _BY_HAND)
        elif exists(path):
            raise LabelError(f"{path} is there already and is not overwritten: give another name, or a folder.")
        elif not is_folder(path.parent):
            raise LabelError(f"The folder {path.parent} does not exist: make it, or give another one.")
        with _unfinished(path) as copy:
            with database.for_copying() as db:
                files.write_copy(db, copy)
            _check(copy)
            os.replace(copy, path)
    except OSError as error:
        raise LabelError(
            f"The labels could not be copied ({reason_of(error)}): give another place for the copy."
        ) from error
    except problems.SQLITE_ERRORS as error:
        raise problems.not_saved(path or database.path, error) from error
    return path


def is_due(path: Path) -> bool:
    """Return whether a label file has changed since the newest copy of it that was made automatically."""
    try:
        kept = _kept(path)
        return not kept or kept[-1].stat().st_mtime_ns != path.stat().st_mtime_ns
    except (OSError, LabelError):
        return False


def keep(database: Database) -> None:
    """Make a copy of a label file that holds labels, and remove the oldest. Failures are only logged."""
    try:
        before = database.path.stat()
        if not database.read("SELECT 1 FROM events LIMIT 1"):
            return
        path = _named(_folder(database.path), _AUTOMATIC)
        with _unfinished(path) as copy:
            with database.for_copying() as db:
                files.write_copy(db, copy)
            _check(copy)
            if background.stop_requested() or database.closed:
                return
            shutil.copymode(database.path, copy)
            os.utime(copy, ns=(before.st_mtime_ns, before.st_mtime_ns))  # `is_due` compares it
            os.replace(copy, path)
        for old in _kept(database.path)[:-_KEPT]:
            old.unlink()
    except (OSError, LabelError, *problems.SQLITE_ERRORS) as error:
        if not database.closed and not background.stop_requested():
            _log.warning("No copy of %s was made: %s", database.path, error)


def _folder(labels: Path) -> Path:
    """Return the folder of the copies, made if it is not there. Raises LabelError if a link leads elsewhere."""
    folder = inside(labels.parent, problems.COPIES_FOLDER, error=LabelError)
    folder.mkdir(exist_ok=True)
    return folder


def _kept(labels: Path) -> list[Path]:
    """Return the copies that were made automatically, the newest last."""
    folder = inside(labels.parent, problems.COPIES_FOLDER, error=LabelError)
    return sorted(folder.glob(f"{_AUTOMATIC}-*.sqlite"))


def _named(folder: Path, kind: str) -> Path:
    """Return a name for a new copy; in the order of their names the newest is the last."""
    return folder / f"{kind}-{datetime.now(UTC):%Y%m%dT%H%M%S-%f}.sqlite"


@contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    """A name beside a file to write it under until it is whole; what is left there is removed."""
    name = f".{path.name}.{os.getpid()}-{random.randrange(1 << 32):08x}"  # noqa: S311
    unfinished = path.with_name(name)
    try:
        yield unfinished
    finally:
        for side in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                unfinished.with_name(name + side).unlink(missing_ok=True)


def _check(copy: Path) -> None:
    """Raise LabelError unless a copy is sound: it must not take the place of one that is."""
    with closing(files.connect(copy)) as db:
        db.set_progress_handler(background.stop_requested, 10_000)  # the end of the interpreter does not wait for it
        if problems := checking.check(db).problems:
            raise LabelError(
                f"The labels are damaged ({problems[0]}), and no copy of them was made: see `va-widgets labels check`."
            )
