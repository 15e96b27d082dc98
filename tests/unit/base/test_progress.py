"""What a build says while it runs."""

from __future__ import annotations

import io
import os
import threading
from itertools import pairwise
from typing import NoReturn

import nbformat
import pytest
from nbclient import NotebookClient

from va_widgets.base.progress import Progress, can_be_shown, clock_time, printable

MB = 1_000_000


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def updates(self) -> list[str]:
        return [one.strip() for one in self.getvalue().split("\r") if one.strip()]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


def test_the_time_left_follows_the_bytes(clock: Clock) -> None:
    with Progress(4, 400 * MB, False, clock=clock) as progress:
        assert progress.seconds_left is None
        for _ in range(10):
            clock.now += 1
            progress.advance(10 * MB)
        assert progress.percent == 25
        assert progress.seconds_left == pytest.approx(30)


def test_a_change_of_speed_is_followed_smoothly(clock: Clock) -> None:
    with Progress(1, 10_000 * MB, False, clock=clock) as progress:
        lefts = []
        for second in range(160):
            clock.now += 1
            progress.advance((10 if second < 80 else 5) * MB)
            lefts.append(progress.seconds_left or 0.0)
    # Right before the change, and right again a while after; never a jump of more than a few percent.
    assert lefts[79] == pytest.approx(9_200 / 10, rel=0.01)
    assert lefts[159] == pytest.approx(8_800 / 5, rel=0.05)
    assert max(abs(b - a) / a for a, b in pairwise(lefts[5:])) < 0.06


def test_the_time_left_is_never_negative_and_a_hundred_percent_means_done(clock: Clock) -> None:
    with Progress(2, 10, False, clock=clock) as progress:
        clock.now += 5
        progress.advance(25)  # a file that has grown
        assert progress.seconds_left == 0
        assert progress.percent == 99
        progress.file_done("a", "done")
        assert progress.percent == 99
        progress.file_done("b", "done")
        assert progress.percent == 100
        assert progress.seconds_left == 0


def test_bytes_that_nobody_reads_count_as_done_but_not_as_fast(clock: Clock) -> None:
    with Progress(3, 300, False, clock=clock) as progress:
        clock.now += 10
        progress.advance(50)
        progress.file_done("broken.mp4", "skipped", "it is empty", unread=100)
        assert progress.percent == 50
        assert progress.seconds_left == pytest.approx(150 / 5)


def test_empty_files_are_counted_by_number(clock: Clock) -> None:
    with Progress(4, 0, False, clock=clock) as progress:
        assert progress.percent == 0
        progress.file_done("a", "skipped", "it is empty (0 bytes)")
        assert progress.percent == 25


def test_a_terminal_sees_a_bar(clock: Clock) -> None:
    terminal = Terminal()
    with Progress(40, 400 * MB, True, stream=terminal, clock=clock) as progress:
        for _ in range(12):
            clock.now += 1
            progress.advance(10 * MB, seconds_of_video=30, clips=7)
            progress.file_done("a.mp4", "done")
    line = "building  30%|"
    assert any(one.startswith(line) for one in terminal.updates)
    told = next(one for one in terminal.updates if one.startswith(line))
    assert told.endswith("| 11/40 files, 0:28 left, 84 clips, 0:12 elapsed, 30x realtime")
    assert all(len(one) <= 120 for one in terminal.updates)
    assert "?" not in terminal.getvalue()


def test_a_bar_is_drawn_a_few_times_a_second_only(clock: Clock) -> None:
    terminal = Terminal()
    with Progress(1, 10_000, True, stream=terminal, clock=clock) as progress:
        for _ in range(10_000):
            clock.now += 0.001
            progress.advance(1)
        progress.file_done("a.mp4", "done")
    assert 50 <= len(terminal.updates) <= 105


def test_a_narrow_terminal_keeps_the_bar_and_what_matters(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    terminal = Terminal()
    with Progress(40, 400, True, stream=terminal, clock=clock) as progress:
        clock.now += 4
        progress.advance(100, seconds_of_video=100, clips=70)
    assert any("25%" in one and one.endswith("| 0/40 files, 0:12 left, 70 clips") for one in terminal.updates)


def test_a_log_file_gets_plain_lines_now_and_then(clock: Clock) -> None:
    log = io.StringIO()
    with Progress(2, 1000, True, stream=log, clock=clock) as progress:
        for _ in range(80):  # 10 % in 5 seconds
            clock.now += 0.5
            progress.advance(10)
        for _ in range(70):  # hardly anything in 70 seconds
            clock.now += 1
            progress.advance(1)
        progress.file_done("a.mp4", "done")
        progress.file_done("b.mp4", "done")
    lines = log.getvalue().splitlines()
    assert "\r" not in log.getvalue()
    assert lines[0] == "building: 10%, 0/2 files, 0:45 left, 0 clips, 0:05 elapsed"
    assert [one.split()[1] for one in lines[:8]] == [f"{tens}0%," for tens in range(1, 9)]
    assert [one.split(", ")[-1] for one in lines[8:]] == ["1:10 elapsed", "1:40 elapsed", "1:50 elapsed"]
    assert lines[-1] == "building: 2/2 files, 0 clips, 1:50 elapsed"


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_what_is_skipped_is_one_line_with_its_reason(clock: Clock, kind: type[io.StringIO]) -> None:
    stream = kind()
    with Progress(3, 30, True, stream=stream, clock=clock) as progress:
        progress.file_done("a\n\x1b[2Jb.mp4", "skipped", "it is empty (0 bytes)", unread=10)
        progress.file_done("c.mp4", "partial", "3 damaged parts were left out")
        progress.file_done("d.mp4", "done")
        progress.note("Copying.")
    lines = [one.split("\r")[-1] for one in stream.getvalue().splitlines()]
    assert r"Skipped a\n\x1b[2Jb.mp4: it is empty (0 bytes)." in lines
    assert "Partly used: c.mp4: 3 damaged parts were left out." in lines
    assert "Copying." in lines
    assert "d.mp4" not in stream.getvalue()
    assert "1 skipped" in lines[-1]


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_an_interruption_says_what_is_kept(clock: Clock, kind: type[io.StringIO]) -> None:
    stream = kind()
    with pytest.raises(KeyboardInterrupt):
        _interrupted(Progress(5, 50, True, stream=stream, clock=clock), clock)
    assert stream.getvalue().endswith(
        "Interrupted: 1 of 5 files are done; all that is done is kept, and the same call goes on from here.\n"
    )
    assert "100%" not in stream.getvalue()


def test_another_error_is_left_to_speak_for_itself(clock: Clock) -> None:
    told: list[str] = []
    with pytest.raises(ZeroDivisionError), Progress(5, 50, True, told.append, stream=io.StringIO(), clock=clock):
        _ = 1 / 0
    assert not told


def test_nothing_is_said_when_not_shown(clock: Clock, capfd: pytest.CaptureFixture[str]) -> None:
    terminal, told = Terminal(), list[str]()
    for stream in (terminal, None):
        with pytest.raises(KeyboardInterrupt):
            _interrupted(Progress(5, 50, False, told.append, stream=stream, clock=clock), clock)
    assert terminal.getvalue() == ""
    assert not told
    assert capfd.readouterr() == ("", "")


def test_many_threads_may_tell(clock: Clock) -> None:
    with Progress(8, 8000, True, stream=Terminal(), clock=clock) as progress:

        def tell() -> None:
            for _ in range(1000):
                progress.advance(1, 0.5, 1)
            progress.file_done("a.mp4", "done")

        threads = [threading.Thread(target=tell) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert progress.percent == 100
        assert progress.seconds_left == 0


def test_a_notebook_shows_a_bar_and_the_lines() -> None:
    code = """
from va_widgets.base.progress import Progress
with Progress(2, 20, True) as progress:
    progress.advance(10, 5.0, 3)
    progress.file_done("a.mp4", "done")
    progress.file_done("b\\n.mp4", "skipped", "it is empty (0 bytes)", unread=10)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    assert [one.data["text/plain"] for one in outputs if one.output_type == "display_data"]
    assert any("application/vnd.jupyter.widget-view+json" in one.get("data", {}) for one in outputs)
    assert "".join(one.text for one in outputs if one.output_type == "stream") == (
        "Skipped b\\n.mp4: it is empty (0 bytes).\n"
    )


@pytest.mark.parametrize(
    ("seconds", "face"), [(-1, "0:00"), (0.9, "0:00"), (59.99, "0:59"), (61, "1:01"), (3600, "1:00:00")]
)
def test_times_are_short(seconds: float, face: str) -> None:
    assert clock_time(seconds) == face


def test_names_are_printable_in_one_line() -> None:
    assert printable("Strandläufer 海 a\u202fb.mp4") == "Strandläufer 海 a\u202fb.mp4"
    assert printable("a\r\nb\u2028c\u202ed\udc80e\0") == r"a\r\nb\u2028c\u202ed\udc80e\x00"


def _interrupted(building: Progress, clock: Clock) -> NoReturn:
    with building as progress:
        clock.now += 60
        progress.advance(10, 5.0)
        progress.file_done("a.mp4", "skipped", "it is empty")
        progress.note("something")
        raise KeyboardInterrupt


def test_a_program_without_a_console_is_told_nothing(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)
    lines: list[str] = []
    for tell in (None, lines.append):
        with Progress(1, 10, True, tell, clock=clock) as progress:
            progress.file_done("a.mp4", "skipped", "it is empty", unread=10)
    assert lines == ["Skipped a.mp4: it is empty.", "building: 1/1 files, 0 clips, 0:00 elapsed, 1 skipped"]
    assert not can_be_shown(True)


def test_what_nobody_reads_any_more_does_not_end_the_work(clock: Clock) -> None:
    log = io.StringIO()
    log.close()
    with Progress(1, 10, True, stream=log, clock=clock) as progress:
        progress.file_done("a.mp4", "skipped", "it is empty", unread=10)
    assert progress.percent == 100


def test_a_terminal_of_no_size_shows_a_bar(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    monkeypatch.setenv("COLUMNS", "0")
    monkeypatch.setenv("TERM", "dumb")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        assert os.get_terminal_size(terminal.fileno()).columns == 0
        with Progress(1, 10, True, stream=terminal, clock=clock) as progress:
            progress.file_done("a.mp4", "done", unread=10)
        shown = b""
        while not shown.endswith(b"\n"):  # a terminal gives what was written piece by piece
            shown += os.read(ours, 4096)
    os.close(ours)
    last = shown.decode().split("\r")[-2].strip()
    assert last.startswith("building 100%|█")
    assert last.endswith("| 1/1 files, 0 clips, 0:00 elapsed")
