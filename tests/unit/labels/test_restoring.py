"""A copy of the labels takes their place: nothing that was there is lost, and open sessions go on with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.conftest import ROOT
from tests.unit.labels import label_file_version_1
from va_widgets.base.errors import LabelError
from va_widgets.cli import main
from va_widgets.labels import restoring
from va_widgets.labels.label_store import LabelStore, check_file

WHO = ("kelli", "night")
KILLS = 60
RESTORE = """
import sys
from pathlib import Path
from va_widgets.labels import restoring
restoring.restore(Path(sys.argv[1]), "newest")
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.sqlite"


def add(path: Path, *clips: str) -> None:
    with LabelStore(path) as store:
        for clip in clips:
            store.append(*WHO, {clip: "yes"}, "search")


def clips(path: Path) -> list[str]:
    assert check_file(path).problems == []
    with LabelStore(path) as store:
        return [event.clip_id for event in store.events("night")]


def backup(path: Path) -> Path:
    with LabelStore(path) as store:
        return store.backup()


def test_a_copy_takes_the_place_of_the_labels(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labels", "restore", str(path)]) == 0
    assert "There are no copies" in capsys.readouterr().out
    add(path, "a", "b")
    copy = backup(path)
    add(path, "c")
    assert main(["labels", "restore", str(path), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row.pop("time")[:2] == "20"
    numbers = {"events": 2, "yes": 2, "no": 0, "unsure": 0, "annotators": 1, "concepts": 1}
    assert row == {"copy": copy.name, "made": "on request", **numbers}
    assert main(["labels", "restore", str(path.parent), copy.name]) == 0
    told = capsys.readouterr().out
    assert clips(path) == ["a", "b"]
    (replaced,) = (path.parent / "backups").glob("replaced-*.sqlite")
    assert str(replaced) in told
    assert clips(replaced) == ["a", "b", "c"]
    assert main(["labels", "restore", str(path), str(replaced)]) == 0, "which can be taken back"
    assert clips(path) == ["a", "b", "c"]
    assert not list(path.parent.glob("labels.sqlite-*"))


def test_the_newest_sound_copy_is_found(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(path, "a")
    sound = backup(path)
    add(path, "b")
    damaged = backup(path)
    damaged.write_bytes(damaged.read_bytes().replace(b"search", b"sxarch"))
    assert main(["labels", "restore", str(path), str(damaged)]) == 1
    assert "is damaged (event 1 is not as it was written), and nothing was changed" in capsys.readouterr().err
    assert clips(path) == ["a", "b"]
    path.write_bytes(path.read_bytes().replace(b"search", b"sxarch"))
    assert main(["labels", "check", str(path)]) == 1
    assert (
        f"`va-widgets labels restore {path} newest` puts its newest sound copy, {sound.name} of"
        in capsys.readouterr().err
    )
    with LabelStore(path) as store, pytest.raises(LabelError, match=rf"its newest sound copy, {sound.name}"):
        store.events("night")
    assert main(["labels", "restore", str(path), "newest"]) == 0
    assert clips(path) == ["a"]
    assert len(list((path.parent / "backups").glob("replaced-*.sqlite"))) == 1
    assert main(["labels", "restore", str(path), "newest"]) == 0, "what was replaced is not the newest copy"
    assert clips(path) == ["a"]


@pytest.mark.parametrize("content", [b"", bytes(8192), b"no database at all", b"SQLite format 3\0" + bytes(4096)])
def test_what_is_no_database_any_more_is_kept_as_it_is(path: Path, content: bytes) -> None:
    add(path, "a")
    backup(path)
    path.write_bytes(content)
    path.with_name("labels.sqlite-wal").write_bytes(b"its log")
    restored = restoring.restore(path, "newest")
    assert clips(path) == ["a"]
    assert restored.replaced is not None
    assert restored.replaced.read_bytes() == content
    assert restored.replaced.with_name(f"{restored.replaced.name}-wal").read_bytes() == b"its log"


def test_labels_that_are_gone_come_back(path: Path) -> None:
    add(path, "a")
    backup(path)
    path.unlink()
    assert restoring.restore(path, "newest").replaced is None
    assert clips(path) == ["a"]


def test_an_emptied_file_is_no_new_one_where_there_are_copies_of_its_labels(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.touch()
    add(path, "a")
    copy = backup(path)
    for name in ("labels.sqlite-wal", "labels.sqlite-shm"):
        path.with_name(name).unlink(missing_ok=True)
    path.write_bytes(b"")
    with pytest.raises(LabelError, match=f"is empty, and labels were in it .* newest` puts .* {copy.name}"):
        LabelStore(path)
    assert main(["labels", "check", str(path)]) == main(["labels", "backup", str(path)]) == 1
    assert copy.name in capsys.readouterr().err
    assert path.stat().st_size == 0, "nothing hides that it was emptied"
    restoring.restore(path, "newest")
    assert clips(path) == ["a"]


def test_the_log_of_an_emptied_file_is_not_removed(path: Path) -> None:
    path.touch()
    log = path.with_name("labels.sqlite-wal")
    log.write_bytes(b"its log")
    for opening in (LabelStore, check_file):
        with pytest.raises(LabelError, match="is empty, and labels were in it"):
            opening(path)
    assert log.read_bytes() == b"its log"


def test_labels_made_anew_beside_copies_are_told(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    LabelStore(path).close()
    without = backup(path)
    path.unlink()
    LabelStore(path).close()
    assert not caplog.messages, "the copy has no labels either"
    add(path, "a")
    copy = backup(path)
    os.utime(without.rename(copy.with_name("newer.sqlite")))
    path.unlink()
    LabelStore(path).close()
    (message,) = caplog.messages
    assert "made anew, without labels" in message
    assert copy.name in message
    restoring.restore(path, "newest")
    assert clips(path) == ["a"], "a copy without labels is not taken where there is another"


def test_a_copy_of_a_former_version_comes_back(path: Path) -> None:
    old = path.with_name("old.sqlite")
    label_file_version_1.write(old)
    add(path, "new")
    restoring.restore(path, old)
    assert clips(path)[:2] == ["a", "b"]


def test_what_is_no_copy_changes_nothing(path: Path, tmp_path: Path) -> None:
    add(path, "a")
    text = tmp_path / "notes.txt"
    text.write_text("mine")
    for wanted, told in (
        (tmp_path / "nowhere.sqlite", "There is no copy"),
        ("newest", "There is no sound copy"),
        (text, "it is no SQLite database"),
        (path, "is in place already"),
        (tmp_path, "There is no copy"),
    ):
        with pytest.raises(LabelError, match=told):
            restoring.restore(path, wanted)
    assert clips(path) == ["a"]
    assert list((tmp_path / "backups").glob("*.sqlite")) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows replaces no file that is open")
def test_open_sessions_go_on_with_the_copy(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 8))
    table = pd.DataFrame({"clip_id": [f"c{i}" for i in range(40)]})
    corpus = va.Corpus.from_embeddings(tmp_path / "c", vectors, table)
    session = va.Session(corpus, *reversed(WHO), snapshots=False)
    session.label("c1", True)
    session.remark("c1", "before")
    session.backup()
    session.label("c2", True)
    for clip in ("c2", "c3"):
        session.remark(clip, "after")
    assert len(session.remarks) == 3
    done = subprocess.run(
        [sys.executable, "-c", RESTORE, str(corpus.path / "labels.sqlite")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert session.remarks["note"].tolist() == ["before"]
    session.remark("c4", "new")
    assert session.remarks["note"].tolist() == ["before", "new"]
    session.label("c3", False)
    assert session.own_labels == {"c1": "yes", "c3": "no"}
    session.close()
    assert clips(corpus.path / "labels.sqlite") == ["c1", "c3"]
    (replaced,) = (corpus.path / "backups").glob("replaced-*.sqlite")
    assert clips(replaced) == ["c1", "c2"]


def test_a_session_that_saves_right_after_it_saves_into_the_copy(path: Path) -> None:
    add(path, "a")
    copy = backup(path)
    with LabelStore(path) as store:
        store.append(*WHO, {"b": "yes"}, "search")
        before = store.restored
        restoring.restore(path, copy)
        store.append(*WHO, {"c": "yes"}, "search")
        assert store.restored != before
        assert [event.clip_id for event in store.events("night")] == ["a", "c"]
    assert clips(path) == ["a", "c"]


# Forks writers that label for as long as the file is restored again and again, and kills those who restore.
SERVER = """
import json, os, random, select, signal, sys, time
from pathlib import Path
from va_widgets.labels import restoring
from va_widgets.labels.label_store import LabelStore, check_file

path, kills = Path(sys.argv[1]) / "labels.sqlite", int(sys.argv[2])
drawn = random.Random(0)
with LabelStore(path) as store:
    store.append("kelli", "night", {"first": "yes"}, "search")
    copy = store.backup()
receiving, sending = os.pipe()
writer = os.fork()
if not writer:
    store = LabelStore(path)
    for number in range(1_000_000):
        store.append("kelli", "night", {f"{number}": "yes"}, "search")
        os.write(sending, b"%d\\n" % number)
os.close(sending)
received, restored = b"", 0
for kill in range(kills):
    child = os.fork()
    if not child:
        try:
            restoring.restore(path, copy)
            os._exit(0)
        finally:
            os._exit(1)
    end = time.monotonic() + drawn.random() ** 2 * 0.6
    while (rest := end - time.monotonic()) > 0:
        if select.select([receiving], [], [], rest)[0]:
            received += os.read(receiving, 1 << 16)
    os.kill(child, signal.SIGKILL)
    restored += not os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
os.kill(writer, signal.SIGKILL)
assert os.waitstatus_to_exitcode(os.waitpid(writer, 0)[1]) == -signal.SIGKILL, "the writer failed"
while data := os.read(receiving, 1 << 16):
    received += data
restoring.restore(path, copy)  # removes what the killed ones left
acknowledged = {line.decode() for line in received.splitlines()}
stored = set()
for file in (path, *(path.parent / "backups").glob("*.sqlite")):
    assert not check_file(file).problems, check_file(file).problems
    with LabelStore(file) as store:
        stored |= {event.clip_id for event in store.events("night")}
assert not acknowledged - stored, f"lost: {acknowledged - stored}"
left = [file.name for file in path.parent.iterdir() if file.name not in ("labels.sqlite", "backups")]
assert not left, left
print(len(acknowledged), restored)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a light process is forked here")
@pytest.mark.slow
def test_nothing_acknowledged_is_lost_while_restores_are_killed() -> None:
    memory = Path("/dev/shm")  # a killed process loses nothing that the system has: a disk would only be slower
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SERVER, folder, str(KILLS)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    labels, restored = map(int, done.stdout.split())
    assert labels > KILLS
    assert 0 < restored < KILLS
