"""A process that labels is killed at any instant: nothing that it acknowledged is lost."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

KILLS = 200

# Forks writers one after another and kills each at a random instant: while it makes or opens the file, brings it up
# from version 1, labels, undoes, copies its log, makes a copy of the file, or closes it. What a writer acknowledges
# comes through a pipe. Only the label store is imported, so that a fork takes milliseconds.
SERVER = """
import itertools, json, os, random, select, signal, sys, time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from tests.unit.labels import label_file_version_1
from va_widgets.labels import copies, files, snapshots
from va_widgets.labels.label_store import LabelStore, check_file

folder, kills = Path(sys.argv[1]), int(sys.argv[2])
drawn = random.Random(0)
snapshots._INTERVAL = timedelta(0)  # a copy whenever anything has changed

def write(path, number, pipe):
    store = LabelStore(path, snapshots=number % 2 == 0)
    for label in itertools.count():
        clips = {f"{number}-{label}-{clip}": "yes" for clip in range(1 + label % 3)}
        store.append("kelli", "night", clips, "search", message_id=f"{number}-{label}")
        said = {clip: "yes" for clip in clips}
        os.write(pipe, (json.dumps(said) + "\\n").encode())
        if label % 7 == 3:
            os.write(pipe, (json.dumps(store.undo("kelli", "night")) + "\\n").encode())
        if label % 11 == 5:
            store.checkpoint()
        if label % 13 == 7:
            store.close()
            store = LabelStore(path, snapshots=number % 2 == 0)

total = copied = 0
for kill in range(kills):
    if kill % 10 == 0:
        (folder / f"{kill}").mkdir()
        path, acknowledged, unanswered = folder / f"{kill}" / "labels.sqlite", Counter(), 0
        if kill % 20:
            label_file_version_1.write(path)
            acknowledged.update(zip("abaaaaa", ["yes", "no", "unsure", "yes", "unsure", "yes", "no"]))
    receiving, sending = os.pipe()
    child = os.fork()
    if not child:
        try:
            write(path, kill, sending)
        finally:
            os._exit(1)
    os.close(sending)
    received = b""
    if kill % 3:
        received = os.read(receiving, 1 << 16)  # a file that is open: every third is killed while it opens it
    end = time.monotonic() + drawn.random() * 0.02
    while (rest := end - time.monotonic()) > 0:
        if select.select([receiving], [], [], rest)[0]:
            received += os.read(receiving, 1 << 16)
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, "the writer failed"
    while data := os.read(receiving, 1 << 16):
        received += data
    os.close(receiving)
    for line in received.decode().splitlines():
        acknowledged.update(json.loads(line).items())
        total += 1
    files._LOG_BYTES = 4 << 20 if kill % 30 < 10 else 0  # which takes longer to open
    unanswered += 3  # the newest action may be stored without having been acknowledged
    if kill % 5 != 4:
        continue
    if not path.exists():
        assert not acknowledged
        continue
    assert not files.log_damage(path), files.log_damage(path)
    with LabelStore(path) as store:
        history = store.history("night")
        store.current("night")
    stored = Counter(zip(history["clip_id"], history["value"]))
    assert not acknowledged - stored, f"lost: {acknowledged - stored}"
    assert (stored - acknowledged).total() <= unanswered, f"not acknowledged: {stored - acknowledged}"
    if kill % 10 == 9:
        for file in (path, *(copy.path for copy in copies.copies_of(path))):
            assert not check_file(file).problems, check_file(file).problems
            copied += file != path
print(total, copied)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a light process is forked here")
@pytest.mark.slow
def test_nothing_acknowledged_is_lost_in_200_kills() -> None:
    memory = Path("/dev/shm")  # a killed process loses nothing that the system has: a disk would only be slower
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SERVER, folder, str(KILLS)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    acknowledgements, copies = map(int, done.stdout.split())
    assert acknowledgements > KILLS
    assert copies > 0
