"""A build on systems that lack what Linux has, and in programs without a console."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import va_widgets as va
from va_widgets.video import decoder_process


@pytest.fixture
def video(demo_folder: Path) -> Path:
    return min((demo_folder / "videos").glob("*.mp4"))


def test_a_build_needs_no_signal_and_no_call_that_windows_lacks(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = SimpleNamespace(signal=signal.signal, SIGINT=signal.SIGINT, Signals=signal.Signals)
    monkeypatch.setattr(decoder_process, "signal", lacking)
    for name in ("sched_getaffinity", "posix_fallocate", "geteuid"):
        monkeypatch.delattr(os, name, raising=False)
    made = va.Corpus.build(tmp_path / "corpus", [video], progress=False)
    assert made.report["status"].tolist() == ["done"]


@pytest.mark.parametrize(
    ("status", "how"),
    [
        (-6, "SIGABRT"),
        (-40, "signal 40"),
        (3, "status 3"),
        (0xC0000005, "status 0xC0000005"),  # how Windows says that a wrong address was used
    ],
)
def test_how_a_reader_ended_is_said_on_every_system(status: int, how: str) -> None:
    assert decoder_process._how_ended(status) == how


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the shell's way to close a stream")
def test_a_build_runs_where_all_streams_are_closed(video: Path, tmp_path: Path) -> None:
    build = "import sys, va_widgets as va; va.Corpus.build(sys.argv[1], [sys.argv[2]])"
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", build]
    status = subprocess.run([*command, str(tmp_path / "corpus"), str(video)], timeout=300, check=False).returncode
    assert status == 0
    assert len(va.Corpus.open(tmp_path / "corpus")) > 0
