"""Progress: what a person sees of a long build, in a notebook, in a terminal and in a log file."""

from __future__ import annotations

import math
import os
import shutil
import sys
import threading
import time
import unicodedata
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TextIO

from tqdm.auto import tqdm

from va_widgets.base.texts import counted

# By name: the class itself would load a widget library where there is no notebook.
_IN_NOTEBOOK = any(base.__module__ == "tqdm.notebook" for base in tqdm.__mro__)
_EVERY = 0.15  # seconds between two updates of a bar
_LINE_EVERY = 30.0  # seconds, or
_LINE_STEP = 10  # percent between two lines in a log file,
_LINE_SHORTEST = 2.0  # but never closer than this many seconds
_BAR = 10  # columns that the bar itself keeps in a terminal
_MEMORY = 20.0  # seconds: the time constant of the moving averages of speed
_FALLBACK = os.terminal_size((80, 24))
_SETTLED = 1.0  # seconds of work before a speed is shown


class Progress:
    """The progress of a build over `files` files with `size` bytes in all; a context manager.

    A bar in a notebook and in a terminal; where there is neither, as in a log file, a plain line every 10 % or 30
    seconds. Its methods may be called by several threads at once.

    Parameters
    ----------
    files, size : int
        How many files are to be built, and their bytes together.
    shown : bool
        False shows nothing.
    write_line : function of a text
        Called with each line, which is then not written beside the bar or to `stream`.
    title : str
        What is being done, in a word.
    unit : str
        What is counted as done, instead of files.
    stream : text file
        Where bars and lines are written; sys.stderr.
    clock : function
        Gives seconds that never go back.
    """

    def __init__(
        self,
        files: int,
        size: int,
        shown: bool,
        write_line: Callable[[str], None] | None = None,
        *,
        title: str = "building",
        unit: str = "files",
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files, self._size, self._title, self._unit = files, size, title, unit
        self._stream: TextIO | None = sys.stderr if stream is None else stream
        self._notebook = _IN_NOTEBOOK and stream is None
        self._shown = shown and (write_line is not None or self._notebook or self._stream is not None)
        self._write_line = write_line or self._write
        self._clock = clock
        self._lock = threading.RLock()
        self._bar: Any = None
        self._files_done = self._skipped = self._clips = 0
        self._passed = 0  # bytes that need no more work
        self._speed = _Speed()
        self._seconds_of_video = 0.0
        self._started = self._counted = self._shown_at = self._line_at = 0.0
        self._line_percent = 0

    # --- what the build reports --------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._started = self._counted = self._shown_at = self._line_at = self._clock()
        if self._shown and (self._notebook or self._is_terminal()):
            known = self._notebook or self._has_size()
            self._bar = tqdm(
                total=max(1, self._size),
                file=self._stream,
                dynamic_ncols=not self._notebook and known,  # a notebook's bar would grow over the whole cell
                ncols=None if known else _FALLBACK.columns,
                nrows=None if known else _FALLBACK.lines,
                bar_format=self._format(),
            )
        return self

    def advance(self, bytes_done: int, seconds_of_video: float = 0.0, clips: int = 0) -> None:
        """Count bytes that were processed, the seconds of video in them, and the clips that they became."""
        with self._lock:
            now = self._clock()
            self._speed.add(now - self._counted, bytes_done, seconds_of_video)
            self._counted = now
            self._passed += bytes_done
            self._seconds_of_video += seconds_of_video
            self._clips += clips
            self._update(now)

    def file_done(self, name: str, status: str, reason: str = "", unread: int = 0) -> None:
        """Count a file as done: `status` is "done", "partial" or "skipped"; the reasons of the latter two are written.

        `unread` are those of its bytes that were not passed to `advance`, and will not be read.
        """
        with self._lock:
            self._files_done += 1
            self._passed += unread
            self._skipped += status == "skipped"
            if status != "done":
                self.note(f"{'Skipped' if status == 'skipped' else 'Partly used:'} {name}: {reason}.")
            self._update(self._clock())

    def note(self, text: str) -> None:
        """Write one line beside the bar; line breaks and control characters in it are escaped."""
        if self._shown:
            self._write_line(printable(text))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._shown:
            return
        with self._lock:
            if self._bar is not None:
                if kind is None:
                    self._bar.n = self._bar.total
                self._bar.bar_format = self._format(ended=True)
                self._bar.close()
            elif kind is None:
                self._write_line(f"{self._title}: {', '.join(self._parts(ended=True))}")
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self._bar = None
            self.note(
                f"Interrupted: {self._files_done:,} of {self._files:,} {self._unit} are done; all that is done is kept,"
                " and the same call goes on from here."
            )

    # --- what is shown -----------------------------------------------------------------------------

    @property
    def percent(self) -> int:
        """Whole percents of the bytes that are done: 100 when all files are, not before."""
        if self._files_done >= self._files:
            return 100
        share = self._passed / self._size if self._size else self._files_done / self._files
        return min(99, math.floor(100 * share))

    @property
    def seconds_left(self) -> float | None:
        """The time that the rest will take at the present speed; None while there is no speed yet."""
        rate = self._speed.bytes_a_second
        if self._files_done >= self._files:
            return 0.0
        if self._clock() - self._started < _SETTLED or rate <= 0:
            return None
        return max(0, self._size - self._passed) / rate

    def _update(self, now: float) -> None:
        if not self._shown:
            return
        if self._bar is not None:
            if now - self._shown_at >= _EVERY:
                self._shown_at = now
                self._bar.n = min(self._passed, self._bar.total)
                self._bar.bar_format = self._format()
                self._bar.refresh()
            return
        if self._files_done >= self._files:  # the last line comes at the end
            return
        gone = now - self._line_at
        if gone >= _LINE_EVERY or (gone >= _LINE_SHORTEST and self.percent - self._line_percent >= _LINE_STEP):
            self._line_at, self._line_percent = now, self.percent
            self._write_line(f"{self._title}: {self.percent}%, {', '.join(self._parts())}")

    def _format(self, ended: bool = False) -> str:
        title = f"{self._title} {self.percent:3d}%"
        parts = self._parts(ended)
        if not self._notebook:  # a narrow terminal goes without the last ones, not without the bar
            room = shutil.get_terminal_size(_FALLBACK).columns - len(title) - _BAR
            while len(parts) > 1 and len(", ".join(parts)) > room:
                parts.pop()
        return f"{title}|{{bar}}| {', '.join(parts)}"

    def _parts(self, ended: bool = False) -> list[str]:
        """Return the figures to show, as texts, the most important first."""
        elapsed = self._clock() - self._started
        parts = [f"{self._files_done:,}/{self._files:,} {self._unit}"]
        if not ended and (left := self.seconds_left) is not None:
            parts.append(f"{clock_time(left)} left")
        parts += [f"{counted(self._clips, 'clip')}", f"{clock_time(elapsed)} elapsed"]
        speed = self._seconds_of_video / elapsed if ended and elapsed > 0 else self._speed.realtime
        if elapsed >= _SETTLED and speed > 0:
            parts.append(f"{speed:,.0f}x realtime" if speed >= 10 else f"{speed:.2g}x realtime")
        if self._skipped:
            parts.append(f"{self._skipped:,} skipped")
        return parts

    def _is_terminal(self) -> bool:
        try:
            return self._stream is not None and self._stream.isatty()
        except (AttributeError, ValueError):  # a host's own object, or one that is closed
            return False

    def _has_size(self) -> bool:
        """Return whether a terminal has columns: serial lines and some containers state that theirs have none."""
        try:
            return self._stream is None or os.get_terminal_size(self._stream.fileno()).columns > 0
        except (AttributeError, OSError, ValueError):  # no terminal of this system's: tqdm finds its size out
            return True

    def _write(self, line: str) -> None:
        """Write a line so that a bar that is being shown stays whole."""
        try:
            if self._notebook:
                print(line)  # standard error would be on red ground there
            elif self._bar is not None:
                tqdm.write(line, file=self._stream)
            else:
                print(line, file=self._stream, flush=True)
        except (OSError, ValueError):  # the reader of a pipe has ended, which must not end a build
            self._shown = False


def can_be_shown(progress: bool) -> bool:
    """Whether tqdm can show a bar, if `progress` is true: programs without a console have no standard error."""
    return progress and (_IN_NOTEBOOK or sys.stderr is not None)


class _Speed:
    """Moving averages of speed: exponentially weighted, with a time constant of 20 seconds."""

    def __init__(self) -> None:
        self._seconds = self._bytes = self._video = 0.0

    def add(self, seconds: float, some_bytes: int, seconds_of_video: float) -> None:
        fading = math.exp(-max(0.0, seconds) / _MEMORY)
        self._seconds = self._seconds * fading + max(0.0, seconds)
        self._bytes = self._bytes * fading + some_bytes
        self._video = self._video * fading + seconds_of_video

    @property
    def bytes_a_second(self) -> float:
        return self._bytes / self._seconds if self._seconds > 0 else 0.0

    @property
    def realtime(self) -> float:
        return self._video / self._seconds if self._seconds > 0 else 0.0


def printable(text: str) -> str:
    """Return a text in one line, with line breaks, control characters and undecodable bytes escaped."""
    return "".join(sign.encode("unicode_escape").decode() if _breaks_a_line(sign) else sign for sign in text)


def _breaks_a_line(sign: str) -> bool:
    kind = unicodedata.category(sign)
    return kind.startswith("C") or kind in ("Zl", "Zp")


def clock_time(seconds: float) -> str:
    """Return seconds, rounded, as m:ss or h:mm:ss."""
    whole = int(max(0.0, seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
