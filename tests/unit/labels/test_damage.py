"""Files that are damaged, planted, or of another version: no wrong count without a word."""

from __future__ import annotations

import os
import random
import re
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.unit.labels import label_file_version_1
from va_widgets.base.errors import LabelError
from va_widgets.cli import main
from va_widgets.labels import files
from va_widgets.labels.agreement import Agreement
from va_widgets.labels.database import Database
from va_widgets.labels.label_store import LabelStore, StoredValue, check_file

FLIPS = 200
_FRAME = 24 + 4096  # bytes of a page in SQLite's log
CONCEPTS = ("night", "a car in the rain", "дождь")
VALUES: tuple[StoredValue, ...] = ("yes", "no", "unsure")


@pytest.fixture(autouse=True)
def no_room_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are opened by the hundred here: the length that SQLite's log gets from the beginning is left out."""
    monkeypatch.setattr(files, "_LOG_BYTES", 0)


def fill(store: LabelStore) -> None:
    """Pages, single labels, undone and repeated ones, by two annotators for three concepts; two guidelines."""
    for number, concept in enumerate(CONCEPTS):
        for annotator in ("kelli", "thomas"):
            for page in range(3):
                labels = {f"video-{page}{i:03d}": VALUES[(i + page + number) % 3] for i in range(24)}
                store.append(annotator, concept, labels, source=("random", "search")[page % 2])
            for label in range(10):
                clip, value = f"video-0{label:03d}", VALUES[label % 3]
                store.append(annotator, concept, {clip: value}, "review", message_id=f"m {label}")
            store.undo(annotator, concept, message_id="undo")
        store.set_state("", concept, "guideline", f"what counts as {concept}")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "labels.sqlite"
    with LabelStore(path) as store:
        fill(store)
    return path


def in_log(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, bytes]:
    """A label file and its log as a killed process leaves them, with all labels in the log alone."""
    monkeypatch.setattr(Database, "_checkpoint_soon", lambda _: None)
    path = folder / "live.sqlite"
    with LabelStore(path) as store:
        fill(store)
        return path.read_bytes(), path.with_name("live.sqlite-wal").read_bytes()


def everything(path: Path) -> dict[str, Any]:
    """All that a page or a notebook shows of a label file."""
    with LabelStore(path) as store:
        shown: dict[str, Any] = {"concepts": store.concepts().to_dict("list")}
        for concept in CONCEPTS:
            agreement = Agreement(store.current(concept))
            shown[concept] = {
                "counts": agreement.counts,
                "own": agreement.own("kelli"),
                "random": agreement.came_from("random"),
                "labels": store.labels(concept),
                "history": [tuple(map(str, row)) for row in store.history(concept).itertuples(index=False)],
                "steps": store.steps("kelli", concept),
                "guideline": store.get_state("", concept, "guideline"),
            }
        return shown


@pytest.mark.slow
def test_no_flipped_byte_gives_a_wrong_count_without_a_word(sound: Path, tmp_path: Path) -> None:
    truth, data, path = everything(sound), sound.read_bytes(), tmp_path / "labels.sqlite"
    drawn = random.Random(0)
    told = repaired = 0
    for flip in range(FLIPS):
        damaged = bytearray(data)
        damaged[drawn.randrange(len(data))] ^= drawn.randrange(1, 256)
        path.write_bytes(damaged)
        try:
            before = check_file(path)
        except LabelError:
            before = None
        try:
            assert everything(path) == truth, f"flip {flip}"
        except LabelError:
            assert before is None or before.problems, f"flip {flip}: the check has not found what is damaged"
            told += 1
        else:
            repaired += before is None or bool(before.problems)
        for left in tmp_path.iterdir():
            left.unlink()
    assert told > FLIPS / 4
    assert repaired > 0


@pytest.mark.slow
def test_no_flipped_byte_of_the_log_gives_a_wrong_count_without_a_word(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, (data, log), path = everything(sound), in_log(tmp_path, monkeypatch), tmp_path / "copy" / "labels.sqlite"
    path.parent.mkdir()
    drawn = random.Random(0)
    told = 0
    for flip in range(FLIPS // 4):
        damaged = bytearray(log)
        damaged[drawn.randrange(len(log) - _FRAME)] ^= drawn.randrange(1, 256)
        path.write_bytes(data)
        path.with_name("labels.sqlite-wal").write_bytes(damaged)
        try:
            problems = check_file(path).problems
        except LabelError:
            problems = ["it cannot be read"]
        told += bool(problems)
        with suppress(LabelError):
            assert problems or everything(path)["concepts"] == truth["concepts"], f"flip {flip}"
        for left in path.parent.iterdir():
            left.unlink()
    assert told > FLIPS / 10


def test_a_damaged_log_is_told_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, log = in_log(tmp_path, monkeypatch)
    path = tmp_path / "copy" / "labels.sqlite"
    path.parent.mkdir()
    path.write_bytes(data)
    beside = path.with_name("labels.sqlite-wal")
    for damaged_at, message in (
        (12, "the header of labels.sqlite-wal, .* is damaged: none of them can be read"),
        (32 + 10 * _FRAME + 500, "labels.sqlite-wal is damaged in frame 11: changes from there on cannot be read"),
        (32 + 10 * _FRAME + 8, "is damaged in frame 11"),  # a salt
    ):
        damaged = bytearray(log)
        damaged[damaged_at] ^= 1
        beside.write_bytes(damaged)
        assert main(["labels", "check", str(path)]) == 1
        assert re.search(message, capsys.readouterr().out)
        assert sorted(file.name for file in path.parent.iterdir()) == ["labels.sqlite", "labels.sqlite-wal"]
        assert (path.read_bytes(), beside.read_bytes()) == (data, bytes(damaged))
    # What a process that is killed while it writes leaves behind is no damage: half a frame, or one of an older page.
    for unfinished in (log[:-500], log[:-500] + bytes(500)):
        beside.write_bytes(unfinished)
        assert check_file(path).problems == []


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql)


def test_counts_that_are_damaged_are_computed_anew_from_the_events(
    sound: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "labels.sqlite"
    for sql in ("UPDATE current_labels SET value = 'yes'", "DELETE FROM current_labels", "DELETE FROM totals"):
        path.write_bytes(sound.read_bytes())
        change(path, sql)
        assert check_file(path).problems
        caplog.clear()
        assert everything(path) == everything(sound)
        assert "computed anew" in caplog.text
        assert check_file(path).problems == []


@pytest.mark.parametrize(
    "sql", ["UPDATE events SET value = 'yes' WHERE event_id = 5", "DELETE FROM events WHERE event_id = 5"]
)
def test_damaged_events_are_told_by_the_check_and_by_the_history(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], sql: str
) -> None:
    path = tmp_path / "labels.sqlite"
    path.write_bytes(sound.read_bytes())
    assert main(["labels", "check", str(path)]) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["labels.sqlite"], "a check leaves nothing behind"
    assert capsys.readouterr().out.endswith("Every label is as it was written.\n")
    change(path, sql)
    assert main(["labels", "check", str(path)]) == 1
    told = capsys.readouterr()
    assert "5" in told.out
    assert f"are damaged: there is no sound copy in {tmp_path / 'backups'}, so put one of your own" in told.err
    with LabelStore(path) as store, pytest.raises(LabelError, match="damaged"):
        store.history("night")
    (tmp_path / "backups").mkdir(exist_ok=True)
    (tmp_path / "backups" / "labels-1.sqlite").write_bytes(sound.read_bytes())
    assert main(["labels", "check", str(tmp_path)]) == 1
    assert f"labels restore {path} newest` puts its newest sound copy, labels-1.sqlite of" in capsys.readouterr().err


TRIGGER = "CREATE TRIGGER planted AFTER INSERT ON events BEGIN DELETE FROM events WHERE event_id = NEW.event_id; END"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (TRIGGER, "holds a trigger called 'planted', which va-widgets did not make"),
        ("CREATE VIEW planted AS SELECT * FROM events", "holds a view called 'planted'"),
        ("CREATE TABLE planted (x)", "holds a table called 'planted'"),
        ("CREATE INDEX planted ON events (value)", "holds an index called 'planted'"),
        ("ALTER TABLE state ADD COLUMN planted", "its table 'state' is not as va-widgets makes it"),
    ],
)
def test_what_va_widgets_did_not_make_is_refused(tmp_path: Path, sql: str, told: str) -> None:
    path = tmp_path / "labels.sqlite"
    with LabelStore(path) as store:
        store.append("kelli", "night", {"a": "yes"}, "search")
        change(path, sql)
        with pytest.raises(LabelError, match=told):  # planted while the file is open
            store.append("kelli", "night", {"b": "yes"}, "search")
    with pytest.raises(LabelError, match=told):
        LabelStore(path)


def test_a_file_of_version_1_is_brought_up_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    label_file_version_1.write(path)
    assert main(["labels", "check", str(path)]) == 0
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,), "a check changes nothing"
    with LabelStore(path) as store:
        assert store.current("night").values == {"kelli": {"a": "yes", "b": "no"}, "thomas": {"a": "no"}}
        assert Agreement(store.current("night")).came_from("random") == {"a", "b"}
        assert store.history("night")["value"].tolist() == ["yes", "no", "unsure", "yes", "unsure", "yes", "no"]
        assert store.get_state("", "night", "guideline") == "dark"
        assert store.append("kelli", "night", {"x": "yes"}, "search", message_id="m1") == {"a": "yes", "b": "no"}
        assert store.undo("kelli", "night", message_id="m5") == {"a": "yes"}
        assert store.steps("kelli", "night") == (True, True)
        assert store.redo("kelli", "night") == {"a": "unsure"}
        assert store.undo("kelli", "night") == {"a": "yes"}
        assert store.undo("kelli", "night") == {"a": "none", "b": "none"}
        assert store.steps("kelli", "night") == (False, True)
    assert check_file(path).problems == []


def test_a_file_of_version_1_with_a_trigger_or_a_wrong_value_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    label_file_version_1.write(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute("UPDATE events SET value = 'yxs' WHERE event_id = 1")
    before = path.read_bytes()
    with pytest.raises(LabelError, match="damaged"):
        LabelStore(path)
    assert path.read_bytes() == before
    change(path, TRIGGER)
    with pytest.raises(LabelError, match="trigger called 'planted'"):
        LabelStore(path)


def test_a_database_whose_log_was_left_behind_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    elsewhere, path = tmp_path / "elsewhere.sqlite", tmp_path / "labels.sqlite"
    with closing(sqlite3.connect(elsewhere)) as db:  # as version 1 left it when it was not closed
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE events (x)")
        path.write_bytes(elsewhere.read_bytes())
    with pytest.raises(LabelError, match=r"labels\.sqlite-wal, which held its labels, is missing"):
        LabelStore(path)


@pytest.mark.parametrize("side", ["-wal", "-shm", "-journal"])
def test_labels_are_not_written_through_links(tmp_path: Path, side: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / f"labels.sqlite{side}").symlink_to(precious)
    with pytest.raises(LabelError, match="is a link"):
        LabelStore(tmp_path / "labels.sqlite")
    assert precious.read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders on this system")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "labels.sqlite")
    with pytest.raises(LabelError, match="a device or a pipe"):
        LabelStore(tmp_path / "labels.sqlite")
