"""Copies of a label file are made by themselves, once an hour, and thinned out as they grow old."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import ROOT
from va_widgets.base.errors import LabelError
from va_widgets.cli import main
from va_widgets.labels import copies, files, restoring, snapshots
from va_widgets.labels.copies import Copy
from va_widgets.labels.label_store import LabelStore, check_file
from va_widgets.labels.shared import StoreUser

WHO = ("kelli", "night")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 29, 12, 30, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "corpus").mkdir()
    return tmp_path / "corpus" / "labels.sqlite"


def kept(path: Path) -> list[Path]:
    return sorted((path.parent / "backups").glob("*"))


def made(store: LabelStore) -> None:
    """Wait for the copy that is being made, if any."""
    thread = store._snapshots._thread
    if thread is not None:
        thread.join(240)


def tidied(store: LabelStore) -> None:
    """Wait until the file holds everything, after a pause; on a slow machine it may do so already."""
    thread = store._database._checkpointer
    if thread is not None:
        thread.join(240)


def opened(path: Path, label: str | None = None) -> None:
    """Open a store as a session does, let its copy be made, label, and close it before another one is due."""
    with LabelStore(path, snapshots=True) as store:
        made(store)
        store._snapshots._wanted = False  # on a slow machine, half a second may pass before it is closed
        if label:
            store.append(*WHO, {label: "yes"}, "search")


def aged(path: Path, by: timedelta) -> None:
    """Make all copies older."""
    for copy in copies.copies_of(path):
        name = f"{copy.kind}-{copy.time - by:%Y%m%dT%H%M%S-%f}.sqlite"
        copy.path.rename(copy.path.with_name(name))


def labels_in(copy: Path) -> int:
    assert check_file(copy).problems == []
    assert not copy.with_name(f"{copy.name}-wal").exists()
    return check_file(copy).events


def test_a_copy_is_made_once_an_hour_while_labels_change(path: Path) -> None:
    opened(path)
    opened(path, "a")
    assert kept(path) == [], "there was nothing to keep"
    opened(path, "b")
    assert [labels_in(copy.path) for copy in copies.copies_of(path)] == [1]
    opened(path, "c")
    assert len(copies.copies_of(path)) == 1, "the last one is not an hour old"
    aged(path, HOUR)
    opened(path)
    assert [labels_in(copy.path) for copy in copies.copies_of(path)] == [1, 3]
    aged(path, HOUR)
    opened(path)
    assert len(copies.copies_of(path)) == 2, "nothing has changed since"


def test_copies_of_a_clock_that_was_ahead_count_as_the_oldest(path: Path) -> None:
    opened(path, "a")
    with LabelStore(path) as store:
        ahead = store.backup()
    ahead = ahead.rename(ahead.with_name(f"automatic-{datetime.now(UTC) + 30 * DAY:%Y%m%dT%H%M%S-%f}.sqlite"))
    with LabelStore(path) as store:
        store.append(*WHO, {"b": "yes"}, "search")
    opened(path)
    opened(path)
    assert [labels_in(copy.path) for copy in copies.copies_of(path)] == [1, 2], "one an hour, and the newest last"
    newest = restoring.newest_sound(path)
    assert newest is not None
    assert labels_in(newest.path) == 2
    assert ahead.exists()


def test_a_copy_is_made_after_a_label_too(path: Path) -> None:
    with LabelStore(path, snapshots=True) as store:
        made(store)
        store.append(*WHO, {"a": "yes"}, "search")
        tidied(store)
        made(store)
        assert [labels_in(copy.path) for copy in copies.copies_of(path)] == [1]


def test_copies_are_kept_by_the_hour_for_a_day_and_by_the_day_for_a_week() -> None:
    hours = [0.1, 0.2, 1, 2, 2.1, 23, 25, 26, 49, 50, 6 * 24, 7 * 24 + 1, 30 * 24]
    all_copies = [Copy(Path(f"{age}"), "automatic", NOW - age * HOUR) for age in hours]
    by_hand = Copy(Path("by hand"), "labels", NOW - 90 * DAY)
    removed = {float(copy.path.name) for copy in snapshots.surplus([*all_copies, by_hand], NOW)}
    assert removed == {2.1, 26, 50, 7 * 24 + 1, 30 * 24}
    old = [copy for copy in all_copies if NOW - copy.time > 7 * DAY]
    assert snapshots.surplus([*old, by_hand], NOW) == [], "the newest three stay whatever their age"
    ahead = [Copy(Path(f"{hours} ahead"), "automatic", NOW + hours * HOUR) for hours in (1, 1.1, 2, 99)]
    assert snapshots.surplus([*old, *ahead], NOW) == [], "also if a clock was wrong, and so do those of that time"


def test_copies_of_former_versions_are_thinned_out_with_the_others(path: Path) -> None:
    opened(path, "a")
    folder = path.parent / "backups"
    folder.mkdir()
    noon = (datetime.now(UTC) - 3 * DAY).replace(hour=12)
    with LabelStore(path) as store:
        by_hand = store.backup()
        for minutes in range(2, 7):  # of one day
            store.backup(folder / f"automatic-{noon - minutes * HOUR / 60:%Y%m%dT%H%M%S-%f}.sqlite")
    (folder / ".automatic-20260101T000000-000000.sqlite.1-2").write_text("of a process that was killed")
    opened(path)
    names = [file.name for file in kept(path)]
    assert len([name for name in names if name.startswith("automatic-")]) == 3
    assert by_hand.name in names
    assert not [name for name in names if name.startswith(".automatic-")]


def test_one_of_several_processes_makes_it(path: Path) -> None:
    opened(path, "a")
    folder = copies.made_folder(path)
    with FileLock(folder / copies.LOCK_FILE):
        opened(path, "b")
        assert copies.copies_of(path) == [], "another process was making it"
    opened(path)
    assert len(copies.copies_of(path)) == 1


def test_a_word_switches_them_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(path, "a")
    user = StoreUser(path, snapshots=False)
    user.store.append(*WHO, {"b": "yes"}, "search")
    made(user.store)
    monkeypatch.setenv(snapshots.SWITCH, "off")
    opened(path, "c")
    assert kept(path) == []
    monkeypatch.delenv(snapshots.SWITCH)
    another = StoreUser(path, snapshots=True)
    assert another.store is user.store
    made(user.store)
    assert len(copies.copies_of(path)) == 1, "one of those who share a file wants them"
    user.close()
    another.close()


def test_no_copy_is_no_error(path: Path, tmp_path: Path) -> None:
    opened(path, "a")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (path.parent / "backups").symlink_to(elsewhere, target_is_directory=True)
    opened(path, "b")
    assert list(elsewhere.iterdir()) == [], "nothing is written through a link"
    with LabelStore(path) as store, pytest.raises(LabelError, match="leads out of"):
        store.backup()
    (path.parent / "backups").unlink()
    (path.parent / "backups").write_text("mine")
    opened(path, "c")
    assert (path.parent / "backups").read_text() == "mine"
    with LabelStore(path) as store:
        assert len(store.events("night")) == 3


def test_a_full_disk_is_left_to_the_labels(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened(path, "a")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    opened(path, "b")
    assert copies.copies_of(path) == []
    assert "hardly any room" in caplog.text


def test_a_damaged_file_does_not_take_the_place_of_its_copies(
    path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    for label in ("a", "b"):
        opened(path, label)
    aged(path, HOUR)
    before = kept(path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"search", b"sxarch"))
    opened(path, "c")
    assert kept(path) == before
    assert "No copy of" in caplog.text
    assert main(["labels", "check", str(path)]) == 1
    assert f"labels restore {path} newest" in capsys.readouterr().err


def test_a_copy_that_is_half_made_is_given_up_when_the_file_is_closed(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened(path, "a")
    begun, close = threading.Event(), threading.Event()
    write_copy = files.write_copy

    def slow(*args: object, after_step: object, **options: object) -> None:
        begun.set()
        assert close.wait(240)
        write_copy(*args, after_step=after_step, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "write_copy", slow)
    store = LabelStore(path, snapshots=True)
    assert begun.wait(240)
    store.append(*WHO, {"b": "yes"}, "search")  # it does not wait
    closing = threading.Thread(target=store.close)
    closing.start()
    while not store._snapshots._stopped:
        closing.join(0.01)
    close.set()
    closing.join(240)
    assert not closing.is_alive()
    assert [file.name for file in kept(path)] == [".lock"]
    assert "No copy" not in caplog.text
    with LabelStore(path) as again:
        assert len(again.events("night")) == 2


ENDS = """
import sys, time
from va_widgets.labels import files, snapshots
from va_widgets.labels.label_store import LabelStore
snapshots._REST_SECONDS = 60.0  # it would take for ever
store = LabelStore(sys.argv[1], snapshots=True)
sys.modules["kept"] = store
"""


def test_the_end_of_the_interpreter_does_not_wait_for_one(path: Path) -> None:
    opened(path, "a")
    command = [sys.executable, "-c", ENDS, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert copies.copies_of(path) == []
    assert not path.with_name("labels.sqlite-wal").exists()
