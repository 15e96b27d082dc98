"""`va-widgets demo --no-browser` prints the address of its notebook."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import nbformat

from va_widgets.demo.launcher import NOTEBOOK, _lab_command

ADDRESS = re.compile(rf"http://\S+/lab/tree/{re.escape(NOTEBOOK)}\?token=\w+")


def test_the_address_that_is_printed_is_that_of_the_notebook(tmp_path: Path) -> None:
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / NOTEBOOK)
    command = [*_lab_command(browser=False), "--ServerApp.port_retries=50"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as lab:
        try:
            assert lab.stdout is not None
            printed = []
            for line in lab.stdout:  # ends with the process, if it cannot start
                printed.append(line)
                if ADDRESS.search(line):
                    break
            assert ADDRESS.search(printed[-1]), "".join(printed)
        finally:
            lab.terminate()
