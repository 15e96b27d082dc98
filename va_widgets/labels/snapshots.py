"""Copies of a label file that are made by themselves: one an hour while labels change, by one process.

They are kept for a day, and of each of the six days before it the last one is. The three newest stay in any case.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from va_widgets.base import background
from va_widgets.base.errors import LabelError
from va_widgets.base.forks import ForkLock
from va_widgets.labels import copies, files, problems
from va_widgets.labels.copies import Copy
from va_widgets.labels.database import Database

SWITCH = "VA_WIDGETS_SNAPSHOTS"
"""The environment variable that switches the copies off for all sessions: "off", "0", "no" or "false"."""

_INTERVAL = timedelta(hours=1)
_HOURLY, _DAILY = timedelta(hours=24), timedelta(days=7)
_LEAST = 3  # copies that stay whatever their age
_ROOM = 3  # times the file that the disk must have free: labels need it more than copies do
_STEP_PAGES = 64  # that are copied at once, 4 KB each
_WORK_SECONDS, _REST_SECONDS = 0.001, 0.001  # in turn: a label waits for Python's lock no longer than that
_log = logging.getLogger(__name__)


def switched_on() -> bool:
    """Return whether the environment leaves the copies on."""
    return os.environ.get(SWITCH, "").strip().lower() not in ("off", "0", "no", "false")


class Snapshots:
    """Makes the copies of one open label file, on a thread that exists only meanwhile.

    No label waits for it: it reads one state of the file by a connection of its own, in small steps with pauses.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = ForkLock()
        self._wanted = self._stopped = False
        self._next = 0.0  # until this time of the monotonic clock none is due
        self._rested = 0.0  # when the last rest ended
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Make copies from now on, the first one at once if it is due."""
        self._wanted = not self._database.read_only and switched_on()
        self.make_due()

    def make_due(self) -> None:
        """Make a copy in the background if the last one is an hour old and labels have changed since."""
        if not self._wanted or time.monotonic() < self._next:
            return
        with self._lock:
            if not self._stopped and (self._thread is None or not self._thread.is_alive()):
                with suppress(RuntimeError):  # the interpreter is ending
                    self._thread = background.start(self._make_due, "va-labels-copy")

    def stop(self) -> None:
        """Make none any more; one that is half made is given up."""
        with self._lock:
            self._stopped = True
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _make_due(self) -> None:
        """Make a copy if one is due, and remove those that need not be kept. Failures are only logged."""
        self._next = time.monotonic() + _INTERVAL.total_seconds()
        labels = self._database.path
        try:
            rest = _time_to_next(labels)
            if rest is None or not self._database.read("SELECT 1 FROM events LIMIT 1"):
                self._next = 0.0  # there is nothing to copy before the next change
                return
            if rest > 0:
                self._next = time.monotonic() + rest
                return
            folder = copies.made_folder(labels)
            with FileLock(folder / copies.LOCK_FILE, timeout=0):
                if _time_to_next(labels) == 0:  # no other process has just made it
                    _remove_unfinished(folder)
                    self._copy(copies.named(folder, "automatic"))
                    for copy in surplus(copies.copies_of(labels), datetime.now(UTC)):
                        copy.path.unlink(missing_ok=True)
        except Timeout:
            pass  # another process makes it
        except (OSError, LabelError, *problems.SQLITE_ERRORS) as error:
            if not self._ends():
                _log.warning("No copy of %s was made: %s", labels, error)

    def _copy(self, path: Path) -> None:
        labels = self._database.path
        before = labels.stat()
        if shutil.disk_usage(path.parent).free < _ROOM * before.st_size:
            raise LabelError("there is hardly any room on the disk")
        with copies.unfinished(path) as copy:
            with closing(files.connect(self._database.file, timeout=files.READ_SECONDS)) as db:
                files.write_copy(db, copy, step=_STEP_PAGES, after_step=self._rest_or_end)
            copies.check(copy, self._rest)
            shutil.copymode(labels, copy)
            os.utime(copy, ns=(before.st_mtime_ns, before.st_mtime_ns))  # which says what state of the file this is
            os.replace(copy, path)

    def _ends(self) -> bool:
        return self._stopped or background.stop_requested()

    def _rest(self) -> bool:
        """Let other threads, and the disk, do something else after a while of work. Returns whether to give up."""
        if time.monotonic() - self._rested > _WORK_SECONDS:
            background.wait(_REST_SECONDS)
            self._rested = time.monotonic()
        return self._ends()

    def _rest_or_end(self) -> None:
        if self._rest():
            raise LabelError("the labels are being closed")


def surplus(kept: Iterable[Copy], now: datetime) -> list[Copy]:
    """Return the automatic copies that need not be kept any more; none of a time that is still to come."""
    known = (copy for copy in kept if copy.kind == "automatic" and copy.time <= now + copies.CLOCKS)
    automatic = sorted(known, key=lambda copy: copy.time, reverse=True)
    periods = set()
    removed = []
    for number, copy in enumerate(automatic):
        age = now - copy.time
        if age < _HOURLY:
            period = f"{copy.time:%Y-%m-%d %H}"
        elif age < _DAILY:
            period = f"{copy.time:%Y-%m-%d}"
        else:
            period = ""
        if number >= _LEAST and (not period or period in periods):
            removed.append(copy)
        periods.add(period)
    return removed


def _time_to_next(labels: Path) -> float | None:
    """Return in how many seconds a label file needs a copy, 0 for now; None if it has not changed since the last."""
    automatic = [copy for copy in copies.copies_of(labels) if copy.kind == "automatic"]
    if not automatic:
        return 0.0
    newest = automatic[-1]
    if newest.path.stat().st_mtime_ns == labels.stat().st_mtime_ns:
        return None
    age = datetime.now(UTC) - newest.time
    if age < timedelta(0):  # the clock was put back
        return 0.0
    return max(0.0, (_INTERVAL - age).total_seconds())


def _remove_unfinished(folder: Path) -> None:
    """Remove what processes that were killed have left; only while the folder's lock is held."""
    for left in folder.glob(".automatic-*.sqlite.*"):
        left.unlink(missing_ok=True)
