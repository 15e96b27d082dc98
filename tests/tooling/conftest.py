"""Ways to run the tools of this checkout.

Those that take long run beside the tests of other folders, from the start, and a test waits for its own to end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import ROOT

SCRIPTS = Path(sys.executable).parent
LONG: dict[str, tuple[tuple[str, ...], Path]] = {
    "test_types_hold": (("mypy",), ROOT),
    "test_the_front_end_is_clean_and_typed": (("npm", "run", "check"), ROOT / "js"),
    "test_the_front_end_s_logic": (("npm", "test"), ROOT / "js"),
}
"""The commands that begin at once, and their folders, by the tests that wait for them."""

_ended: dict[str, threading.Event] = {}
_results: dict[str, subprocess.CompletedProcess[str]] = {}


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin the long commands of the tests that will run, one after the other."""
    names = [item.name for item in session.items if item.name in LONG]
    if session.config.option.collectonly or not names:
        return
    _ended.update({name: threading.Event() for name in names})
    threading.Thread(target=_run_all, args=(names,), daemon=True).start()


def _run_all(names: list[str]) -> None:
    for name in names:
        command, folder = LONG[name]
        try:
            _results[name] = run(*command, cwd=folder)
        finally:
            _ended[name].set()


def passed(request: pytest.FixtureRequest) -> None:
    """Wait for the command that was begun for a test, and fail unless it passed."""
    name = request.node.name
    _ended[name].wait()
    _check(_results[name])


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    # The environment's own tools come first: npm may be the one that a requirement brought.
    environment = {**os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def passes(*command: str, cwd: Path = ROOT) -> None:
    _check(run(*command, cwd=cwd))


def _check(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
