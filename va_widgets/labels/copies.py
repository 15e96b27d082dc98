"""Copies of a label file in the folder beside it: how they are named, written, checked and listed."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from va_widgets.base.errors import LabelError, reason_of
from va_widgets.base.paths import exists, inside, is_folder
from va_widgets.labels import checking, files, problems
from va_widgets.labels.database import Database

Kind: TypeAlias = Literal["automatic", "labels", "replaced"]
"""Made by itself, on request, or of a file before another copy took its place."""

LOCK_FILE = ".lock"
"""In the folder of copies; held by the process that makes an automatic one."""
_TIME = "%Y%m%dT%H%M%S-%f"
CLOCKS = timedelta(minutes=10)
"""By how much the clocks of several machines may differ."""


class Copy(NamedTuple):
    """A copy of a label file; `kind` is "" where its name is none of ours, and `time`, in UTC, is then the file's."""

    path: Path
    kind: Kind | Literal[""]
    time: datetime


def write(database: Database, path: Path | None) -> Path:
    """Write all labels to one new file; see LabelStore.backup."""
    try:
        if path is None:
            path = named(made_folder(database.path), "labels")
        elif is_folder(path):
            path = named(path, "labels")
        elif exists(path):
            raise LabelError(f"{path} is there already and is not overwritten: give another name, or a folder.")
        elif not is_folder(path.parent):
            raise LabelError(f"The folder {path.parent} does not exist: make it, or give another one.")
        with unfinished(path) as copy:
            with database.for_copying() as db:
                files.write_copy(db, copy)
            check(copy)
            os.replace(copy, path)
    except OSError as error:
        raise LabelError(
            f"The labels could not be copied ({reason_of(error)}): give another place for the copy."
        ) from error
    except problems.SQLITE_ERRORS as error:
        raise problems.not_saved(path or database.path, error) from error
    return path


def copies_of(labels: Path) -> list[Copy]:
    """Return the copies in the folder beside a label file, the newest last. Raises LabelError if a link leads there.

    Copies of a time that is still to come were made while the clock was wrong, and count as the oldest: otherwise the
    newest one would be among them for as long as it was ahead.
    """
    folder = inside(labels.parent, problems.COPIES_FOLDER, error=LabelError)
    copies = []
    for path in folder.glob("*.sqlite"):
        with suppress(OSError):  # it was removed just now
            if not path.name.startswith("."):
                copies.append(copy_at(path))
    latest = datetime.now(UTC) + CLOCKS
    return sorted(copies, key=lambda copy: (copy.time <= latest, copy.time, copy.path.name))


def named(folder: Path, kind: Kind) -> Path:
    """Return a name for a new copy, which holds the time."""
    return folder / f"{kind}-{datetime.now(UTC):{_TIME}}.sqlite"


def made_folder(labels: Path) -> Path:
    """Return the folder of the copies beside a label file, which is made if need be. Raises OSError or LabelError."""
    folder = inside(labels.parent, problems.COPIES_FOLDER, error=LabelError)
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """A name beside a file to write it under until it is whole; what is left there is removed."""
    name = f".{path.name}.{os.getpid()}-{random.randrange(1 << 32):08x}"  # noqa: S311
    beside = path.with_name(name)
    try:
        yield beside
    finally:
        for side in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                beside.with_name(name + side).unlink(missing_ok=True)


def check(copy: Path, rest: Callable[[], bool] | None = None) -> None:
    """Raise LabelError unless a copy is sound: it must not take the place of one that is.

    `rest` is called now and then meanwhile; where it returns True, the check ends with sqlite3's OperationalError.
    """
    with closing(files.connect(copy)) as db:
        if rest is not None:
            db.set_progress_handler(rest, 1_000)
        if found := checking.check(db).problems:
            raise LabelError(
                f"The labels are damaged ({found[0]}), and no copy of them was made: see `va-widgets labels check`."
            )


def copy_at(path: Path) -> Copy:
    """Return what the name of a copy says of it. Raises OSError if there is none."""
    for kind in ("automatic", "labels", "replaced"):
        with suppress(ValueError):
            time = datetime.strptime(path.name, f"{kind}-{_TIME}.sqlite").replace(tzinfo=UTC)
            return Copy(path, kind, time)
    return Copy(path, "", datetime.fromtimestamp(path.stat().st_mtime, UTC))
