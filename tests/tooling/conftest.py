"""Ways to run the tools of this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

SCRIPTS = Path(sys.executable).parent


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    # The environment's own tools come first: npm may be the one that a requirement brought.
    environment = {**os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def passes(*command: str, cwd: Path = ROOT) -> None:
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
