"""Put a copy of a label file in its place, while sessions may be using it, and keep what was there."""

from __future__ import annotations

import glob
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from filelock import FileLock

from va_widgets.base import disk
from va_widgets.base.arguments import described
from va_widgets.base.errors import LabelError, reason_of
from va_widgets.base.paths import GivenPath, absolute_path, exists, is_file
from va_widgets.labels import checking, copies, files, problems, records, schema
from va_widgets.labels.copies import Copy
from va_widgets.labels.label_store import LabelStore, check_file

NEWEST = "newest"
_MADE = {"automatic": "by itself", "labels": "on request", "replaced": "before a restore", "": ""}
_LOCK_FILE = ".restore.lock"
_OTHERS_SECONDS = 60.0  # for how long another process that restores is waited for


class Restored(NamedTuple):
    """The copy that is in place now, and the file that holds what was there before: None if there was nothing."""

    copy: Copy
    replaced: Path | None


def listed(labels: Path) -> pd.DataFrame:
    """Return the copies beside a label file, the newest first, without checking them.

    DataFrame(copy, time, made, events, yes, no, unsure, annotators, concepts); `copy` is the name of its file, `time`
    in UTC, `made` how it came about. Numbers are missing where a copy cannot be read, or is of version 1, which has no
    counts.
    """
    found = [
        (copy.path.name, f"{copy.time:%Y-%m-%d %H:%M:%S}", _MADE[copy.kind], *_counts(copy.path))
        for copy in reversed(copies.copies_of(labels))
    ]
    columns = ["copy", "time", "made", "events", "yes", "no", "unsure", "annotators", "concepts"]
    return pd.DataFrame(found, columns=columns).astype(dict.fromkeys(columns[3:], "Int64"))


def newest_sound(labels: Path) -> Copy | None:
    """Return the newest copy beside a label file that is as it was written; None without any.

    One without labels is returned only where there is no other. Files that a copy has replaced do not count. A copy is
    read completely, once as long as it does not change.
    """
    try:
        found = copies.copies_of(labels)
    except LabelError:  # a link leads out of the folder
        return None
    empty = None
    for copy in reversed(found):
        with suppress(OSError):  # it was removed just now
            events = None if copy.kind == "replaced" else _sound_events(copy)
            if events:
                return copy
            if events == 0 and empty is None:
                empty = copy
    return empty


def has_labels(copy: Copy) -> bool:
    """Return whether a copy is as it was written and holds events of labels."""
    try:
        return bool(_sound_events(copy))
    except OSError:  # it was removed just now
        return False


def restore(labels: Path, wanted: GivenPath) -> Restored:
    """Put a copy in the place of a label file, or where it should be.

    `wanted` is the path of a copy, the name of one in the folder "backups", or "newest". It is read completely before
    anything is changed. What was in place is in the folder "backups" afterwards, under a name with the time. Sessions
    go on with the copy by themselves. A label that they save meanwhile is among what was in place, or comes after the
    labels of the copy, or is refused, so that the page saves it again.

    Raises LabelError, and then leaves the file as it was, if there is no such copy, it is damaged, or it cannot be put
    in place.
    """
    copy = _chosen(labels, wanted)
    if exists(labels) and copy.path.samefile(labels):
        raise LabelError(f"{copy.path} is in place already: name one of its copies.")
    try:
        folder = copies.made_folder(labels)
        with FileLock(folder / _LOCK_FILE, timeout=_OTHERS_SECONDS):
            _remove_unfinished(labels)
            with copies.unfinished(labels) as new:
                _write_checked(copy.path, new)
                replaced = _exchange(labels, new, copies.named(folder, "replaced"))
    except OSError as error:
        raise LabelError(
            f"{copy.path} could not be put in the place of {labels} ({reason_of(error)}): look whether there is room "
            "and whether you may write there, close the sessions that use these labels, and try again."
        ) from error
    except problems.SQLITE_ERRORS as error:
        raise problems.not_saved(labels, error) from error
    return Restored(copy, replaced)


def _exchange(labels: Path, new: Path, replaced: Path) -> Path | None:
    """Put a new file in the place of a label file; returns `replaced`, which holds what was there, None for nothing."""
    if not exists(labels):
        _put(new, labels)
        return None
    shutil.copymode(labels, new)
    if not _replace_content(labels, new, replaced):
        _replace_file(labels, new, replaced)
    return replaced


# --- which copy ----------------------------------------------------------------------------------------------------


def _chosen(labels: Path, wanted: GivenPath) -> Copy:
    """Return the copy that is meant. Raises LabelError if there is none."""
    if os.fspath(wanted) == NEWEST:
        newest = newest_sound(labels)
        if newest is None:
            raise LabelError(f"There is no sound copy of {labels} in {labels.parent / problems.COPIES_FOLDER}.")
        return newest
    beside = [copy for copy in copies.copies_of(labels) if copy.path.name == os.fspath(wanted)]
    path = beside[0].path if beside else absolute_path(wanted, LabelError)
    if not is_file(path):
        raise LabelError(
            f"There is no copy {described(os.fspath(wanted))}: give its path, or what `va-widgets labels restore "
            f"{labels}` lists."
        )
    return beside[0] if beside else copies.copy_at(path)


def _sound_events(copy: Copy) -> int | None:
    """Return how many events of labels a copy holds, None if it is not as it was written. Raises OSError."""
    stat = copy.path.stat()
    return _events_at(copy.path, (stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=256)
def _events_at(path: Path, state: tuple[int, int]) -> int | None:  # noqa: ARG001  # a key of the cache
    """Return as `_sound_events`, reading the file once for each `state` of it."""
    try:
        result = check_file(path)
    except LabelError:
        return None
    return None if result.problems else result.events


def _counts(path: Path) -> tuple[int | None, ...]:
    """Return the events, labels of each value, annotators and concepts of a label file, None where they are unknown."""
    try:
        with closing(files.connect_for_checking(path)) as db:
            events, annotators, concepts = db.execute(
                "SELECT COUNT(*), COUNT(DISTINCT annotator), COUNT(DISTINCT concept) FROM events"
            ).fetchone()
            values: tuple[int | None, ...] = (None, None, None)
            if schema.version(db) >= 2:
                values = db.execute("SELECT TOTAL(yes), TOTAL(no), TOTAL(unsure) FROM totals").fetchone()
            return (events, *values, annotators, concepts)
    except (LabelError, *problems.SQLITE_ERRORS):
        return (None,) * 6


# --- the exchange --------------------------------------------------------------------------------------------------


def _write_checked(copy: Path, new: Path) -> None:
    """Write a copy to a new file of this version, and flush it. Raises LabelError for damage."""
    damage = files.log_damage(copy)
    with closing(files.connect_to_copies(copy) if damage else files.connect_for_checking(copy)) as db:
        files.write_copy(db, new)
    with closing(files.connect(new)) as db:
        if found := [damage] if damage else checking.check(db).problems:
            raise LabelError(f"The copy {copy} is damaged ({found[0]}), and nothing was changed: choose another one.")
    LabelStore(new).close()  # brings a former version up
    disk.sync(new)


def _replace_content(labels: Path, new: Path, replaced: Path) -> bool:
    """Replace all rows of a label file by those of another one, in one transaction; False if its tables are damaged.

    A process that is killed leaves all or nothing, and sessions that have the file open go on: another file of the same
    name would get the log, and the locks, that they use. The former content is written to the file `replaced` while
    SQLite's lock is held, so that no label falls in between.
    """
    try:
        if files.log_damage(labels):
            return False
        db = files.connect_for_writing(labels)
        if db is None:
            raise LabelError(f"Labels cannot be restored because {labels} is read-only: give yourself the right.")
        with closing(db):
            if checking.damaged_structure(db):
                return False
            db.execute("ATTACH ? AS restored", (str(new),))
            files.retried(lambda: db.execute("BEGIN IMMEDIATE"))
            with _kept(labels, replaced) as kept, closing(files.connect(labels)) as reader:
                files.write_copy(reader, kept)
            for table in (*schema.TABLES, "sqlite_sequence"):
                db.execute(f"DELETE FROM main.{table}")
                db.execute(f"INSERT INTO main.{table} SELECT * FROM restored.{table}")
            records.keep_document(db, *schema.RESTORED, uuid.uuid4().hex)  # in the main file: its names come first
            db.execute("COMMIT")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except problems.DamagedFileError:
        return False
    except problems.SQLITE_ERRORS as error:
        if not problems.is_damage(error):
            raise
        return False
    return True


def _replace_file(labels: Path, new: Path, replaced: Path) -> None:
    """Rename a new file to the name of a damaged one, which is copied with its log, byte by byte."""
    with ExitStack() as held:
        if labels.stat().st_size:  # SQLite would remove the log of an empty file
            with suppress(*problems.SQLITE_ERRORS):  # sessions may still save labels in what is sound
                db = held.enter_context(closing(files.connect(labels)))
                db.execute("BEGIN IMMEDIATE")
        with _kept(labels, replaced) as kept:
            shutil.copyfile(labels, kept)
            if exists(log := labels.with_name(f"{labels.name}-wal")):
                shutil.copyfile(log, replaced.with_name(f"{replaced.name}-wal"))
        _put(new, labels)


def _put(new: Path, labels: Path) -> None:
    """Rename a new file to the name of a label file."""
    for side in ("-wal", "-shm", "-journal"):  # SQLite would take them for those of the new one
        labels.with_name(labels.name + side).unlink(missing_ok=True)
    os.replace(new, labels)
    disk.sync_folder(labels.parent)


@contextmanager
def _kept(labels: Path, replaced: Path) -> Iterator[Path]:
    """Give a name to write what is replaced to; it is on the disk as `replaced` once the block has ended."""
    with copies.unfinished(replaced) as kept:
        yield kept
        shutil.copymode(labels, kept)
        disk.sync(kept)
        os.replace(kept, replaced)
        disk.sync_folder(replaced.parent)


def _remove_unfinished(labels: Path) -> None:
    """Remove what processes that were killed have left; only while the lock for restoring is held."""
    folder = labels.parent / problems.COPIES_FOLDER
    for left in (*labels.parent.glob(f".{glob.escape(labels.name)}.*"), *folder.glob(".replaced-*.sqlite.*")):
        left.unlink(missing_ok=True)
