"""Eight annotators label at once, in four processes: nothing is lost, and each one's labels stay in their order."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT
from va_widgets.labels.label_store import LabelStore, check_file

PROCESSES, THREADS = 4, 2

# Two annotators label in two threads, single clips and pages of them.
WRITER = """
import sys, threading
from va_widgets.labels.label_store import LabelStore

store, process, events = LabelStore(sys.argv[1], snapshots=True), int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()

def label(annotator):
    number = 0
    while number < events:
        step = min(3 if number % 5 else 1, events - number)  # single labels and pages
        clips = {f"clip {n}": "yes" for n in range(number, number + step)}
        while True:
            try:
                store.append(annotator, "night", clips, "search", message_id=f"{number}")
                break
            except Exception as error:  # the page sends it again, too
                print(error, file=sys.stderr)
        number += step

threads = [threading.Thread(target=label, args=(f"annotator {process}-{n}",)) for n in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
store.close()
"""


@pytest.mark.parametrize("events", [40, pytest.param(2_500, marks=pytest.mark.slow)])
def test_eight_writers_in_four_processes_lose_nothing(events: int) -> None:
    memory = Path("/dev/shm")  # what is on a disk when a label is acknowledged is tested elsewhere
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        path = Path(folder) / "labels.sqlite"
        command = [sys.executable, "-c", WRITER, str(path)]
        writers = [
            subprocess.Popen(
                [*command, str(process), str(events)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for process in range(PROCESSES)
        ]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n", writer.communicate()[1]
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        for writer in writers:
            _, told = writer.communicate(timeout=500)
            assert writer.returncode == 0, told
        assert check_file(path).problems == []
        with LabelStore(path) as store:
            history = store.history("night")
    assert len(history) == PROCESSES * THREADS * events
    assert list(history["event_id"]) == list(range(1, len(history) + 1))
    assert Counter(history["annotator"]) == {
        f"annotator {process}-{thread}": events for process in range(PROCESSES) for thread in range(THREADS)
    }
    for _, own in history.groupby("annotator"):
        assert list(own["clip_id"]) == [f"clip {number}" for number in range(events)]
        assert own["time"].is_monotonic_increasing
