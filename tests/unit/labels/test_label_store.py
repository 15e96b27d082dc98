"""The label store: what is said is kept, in order, by many writers, through crashes."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from va_widgets.base.errors import LabelError
from va_widgets.labels import schema
from va_widgets.labels.agreement import Agreement
from va_widgets.labels.label_store import LabelStore, StoredValue

WHO = ("kelli", "night city")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LabelStore]:
    with LabelStore(tmp_path / "labels.sqlite") as opened:
        yield opened


def values(store: LabelStore, annotator: str = "kelli", concept: str = "night city") -> dict[str, str]:
    agreement = Agreement()
    agreement.take(store.events(concept))
    return dict(agreement.own(annotator))


def test_the_newest_value_of_a_clip_stands(store: LabelStore) -> None:
    store.append(*WHO, {"a": "yes", "b": "no"}, source="search")
    store.append(*WHO, {"a": "unsure"}, source="review", model_version=3)
    assert values(store) == {"b": "no", "a": "unsure"}
    history = store.history("night city")
    assert list(history["value"]) == ["yes", "no", "unsure"]
    assert list(history["source"]) == ["search", "search", "review"]
    assert list(history["model_version"]) == [0, 0, 3]
    assert list(history["kind"]) == ["label"] * 3


def test_none_takes_a_label_back_but_not_its_history(store: LabelStore) -> None:
    store.append(*WHO, {"a": "yes"}, source="search")
    store.append(*WHO, {"a": "none"}, source="search")
    assert values(store) == {}
    assert len(store.history("night city")) == 2


def test_a_repeated_message_is_stored_once(store: LabelStore) -> None:
    first = store.append(*WHO, {"a": "yes"}, source="search", message_id="m1")
    again = store.append(*WHO, {"a": "yes"}, source="search", message_id="m1")
    assert first == again == {"a": "yes"}
    assert len(store.history("night city")) == 1
    store.append("thomas", "night city", {"a": "no"}, source="search", message_id="m1")
    assert values(store, "thomas") == {"a": "no"}, "another annotator's message ids are their own"


def test_undo_reverts_a_whole_action_and_redo_applies_it_again(store: LabelStore) -> None:
    store.append(*WHO, {"a": "yes"}, source="search")
    store.append(*WHO, {"a": "no", "b": "no"}, source="borderline")
    assert store.undo(*WHO) == {"a": "yes", "b": "none"}
    assert values(store) == {"a": "yes"}
    assert store.redo(*WHO) == {"a": "no", "b": "no"}
    assert values(store) == {"a": "no", "b": "no"}
    assert store.redo(*WHO) == {}


def test_a_new_label_leaves_nothing_to_redo(store: LabelStore) -> None:
    store.append(*WHO, {"a": "yes"}, source="search")
    store.undo(*WHO)
    assert store.steps(*WHO) == (False, True)
    store.append(*WHO, {"b": "yes"}, source="search")
    assert store.steps(*WHO) == (True, False)


def test_an_undo_message_that_comes_twice_undoes_once(store: LabelStore) -> None:
    store.append(*WHO, {"a": "yes"}, source="search")
    store.append(*WHO, {"b": "yes"}, source="search")
    assert store.undo(*WHO, message_id="u") == store.undo(*WHO, message_id="u") == {"b": "none"}
    assert values(store) == {"a": "yes"}


def test_an_undo_that_found_nothing_and_comes_again_does_not_revert_a_newer_label(store: LabelStore) -> None:
    assert store.undo(*WHO, message_id="u") == {}
    assert store.redo(*WHO, message_id="r") == {}
    store.append(*WHO, {"a": "yes"}, source="search")
    assert store.undo(*WHO, message_id="u") == {}
    assert values(store) == {"a": "yes"}
    assert store.undo(*WHO, message_id="v") == {"a": "none"}
    assert store.redo(*WHO, message_id="r") == {}
    assert values(store) == {}


def test_what_counts_is_read_alike_from_events_and_from_what_is_kept_of_them(store: LabelStore) -> None:
    store.append(*WHO, {"a": "yes", "b": "no"}, source="random")
    store.append("thomas", WHO[1], {"a": "no", "c": "unsure"}, source="search")
    store.append(*WHO, {"a": "unsure", "b": "none"}, source="review")
    store.undo("thomas", WHO[1])
    by_events = Agreement()
    by_events.take(store.events(WHO[1]))
    kept = Agreement(store.current(WHO[1]))
    for agreement in (by_events, kept):
        assert (dict(agreement.values), agreement.event) == ({"a": "unsure"}, 8)
        assert agreement.came_from("random") == {"a", "b"}
    assert [(label.clip_id, label.annotator, label.value) for label in store.labels(WHO[1])] == [
        ("a", "kelli", "unsure")
    ]


def test_half_a_character_is_refused(store: LabelStore) -> None:
    for labels, source, message in [
        ({"\ud83d": "yes"}, "s", "m"),
        ({"a": "yes"}, "\ud83d", "m"),
        ({"a": "yes"}, "s", "\ud83d"),
    ]:
        with pytest.raises(LabelError, match="half of a character"):
            store.append(*WHO, labels, source, message_id=message)  # type: ignore[arg-type]
    with pytest.raises(LabelError, match="half of a character"):
        store.undo(*WHO, message_id="\ud83d")


def test_annotators_undo_only_their_own(store: LabelStore) -> None:
    store.append(*WHO, {"a": "yes"}, source="search")
    store.append("thomas", "night city", {"a": "no"}, source="search")
    store.undo(*WHO)
    assert values(store) == {}
    assert values(store, "thomas") == {"a": "no"}


ACTIONS = st.lists(
    st.one_of(
        st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["yes", "no", "unsure", "none"]), min_size=1),
        st.sampled_from(["undo", "redo", "reopen"]),
    ),
    max_size=14,
)


@pytest.mark.slow
@settings(max_examples=40)
@given(actions=ACTIONS)
def test_it_behaves_as_a_plain_stack_of_states(
    tmp_path_factory: pytest.TempPathFactory, actions: list[str | dict[str, StoredValue]]
) -> None:
    path = tmp_path_factory.mktemp("labels") / "labels.sqlite"
    store = LabelStore(path)
    states: list[dict[str, str]] = [{}]
    undone: list[dict[str, str]] = []
    for action in actions:
        if isinstance(action, dict):
            store.append(*WHO, action, source="search")
            after = {clip: value for clip, value in {**states[-1], **action}.items() if value != "none"}
            states.append(after)
            undone.clear()
        elif action == "undo":
            store.undo(*WHO)
            if len(states) > 1:
                undone.append(states.pop())
        elif action == "redo":
            store.redo(*WHO)
            if undone:
                states.append(undone.pop())
        else:
            store.close()
            store = LabelStore(path)
        assert values(store) == states[-1]
        assert store.steps(*WHO) == (len(states) > 1, bool(undone))
    store.close()


@pytest.mark.parametrize("name", ['it\'s a "night" 🌃', "ночь", "'; DROP TABLE events; --", "👩‍👧 family"])
def test_any_printable_name_is_fine(store: LabelStore, name: str) -> None:
    store.append(name, name, {"a": "yes"}, source="search")
    assert values(store, name, name) == {"a": "yes"}
    assert list(store.concepts()["concept"]) == [name]


@pytest.mark.parametrize("name", ["", "   ", "two\nlines", "x" * 501, "nul\0"])
def test_unusable_names_are_refused_in_one_sentence(store: LabelStore, name: str) -> None:
    with pytest.raises(LabelError, match="concept"):
        store.append("kelli", name, {"a": "yes"}, source="search")
    with pytest.raises(LabelError, match="annotator"):
        store.check_names(name, "night")


def test_a_concept_may_be_long_and_an_annotators_name_less_so(store: LabelStore) -> None:
    store.append("k" * 200, "c" * 500, {"a": "yes"}, source="search")
    assert values(store, "k" * 200, "c" * 500) == {"a": "yes"}
    with pytest.raises(LabelError, match=r"^The concept may have 500 characters, not 501: 'c{40}'… is too long\.$"):
        store.check_names("kelli", "c" * 501)
    with pytest.raises(LabelError, match=r"^The annotator's name may have 200 characters, not 201: 'k{40}'… is too"):
        store.check_names("k" * 201, "night")


def test_a_bad_value_stores_nothing_of_its_batch(store: LabelStore) -> None:
    with pytest.raises(LabelError, match="maybe"):
        store.append(*WHO, {"a": "yes", "b": "maybe"}, source="search")  # type: ignore[dict-item]
    assert store.history("night city").empty


def test_state_is_kept_per_annotator_and_concept(store: LabelStore) -> None:
    store.set_state("kelli", "night", "queries", ["a", "b"])
    store.set_state("kelli", "night", "queries", ["c"])
    store.set_state("", "night", "guideline", "the sky must be dark")
    assert store.get_state("kelli", "night", "queries") == ["c"]
    assert store.get_state("", "night", "guideline") == "the sky must be dark"
    assert store.get_state("thomas", "night", "queries") is None


def test_events_tell_what_is_new(store: LabelStore) -> None:
    assert store.events("night city") == []
    store.append(*WHO, {"a": "yes"}, source="search")
    (event,) = store.events("night city")
    assert (event.annotator, event.clip_id, event.value, event.source) == (WHO[0], "a", "yes", "search")
    store.append("kelli", "rain", {"a": "yes"}, source="search")
    seen = event.event_id
    assert store.events("night city", seen) == []
    store.append("thomas", "night city", {"a": "yes", "b": "no"}, source="search")
    assert [event.clip_id for event in store.events("night city", seen)] == ["a", "b"]


def test_the_log_does_not_grow_with_the_labels(tmp_path: Path) -> None:
    path, log = tmp_path / "labels.sqlite", tmp_path / "labels.sqlite-wal"
    with LabelStore(path) as store:
        length = log.stat().st_size
        for number in range(100):
            store.append(*WHO, {f"clip {number}": "yes"}, source="search")
        assert log.stat().st_size == length
        with LabelStore(path) as another:  # which does not add its own
            assert log.stat().st_size == length
            assert len(values(another)) == 100
    assert path.stat().st_size < length, "nothing of it is left when the store is closed"
    with LabelStore(path) as store:
        assert len(values(store)) == 100


def test_a_disk_that_is_nearly_full_is_left_to_the_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**9, 10**9 - 10**6, 10**6))
    with LabelStore(tmp_path / "labels.sqlite") as store:
        assert (tmp_path / "labels.sqlite-wal").stat().st_size < 10**6
        store.append(*WHO, {"a": "yes"}, source="search")
        assert values(store) == {"a": "yes"}


def test_files_that_are_not_ours_are_refused_and_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "text.sqlite"
    text.write_text("this is no database, but a text of more than a few characters" * 20)
    with pytest.raises(LabelError, match="cannot be read"):
        LabelStore(text)
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as db, db:
        db.execute("CREATE TABLE mine (x)")
    with pytest.raises(LabelError, match="some other program"):
        LabelStore(other)
    with closing(sqlite3.connect(other)) as db, db:
        assert [row[0] for row in db.execute("SELECT name FROM sqlite_master")] == ["mine"]


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    LabelStore(path).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(LabelError, match="newer va-widgets"):
        LabelStore(path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="does not exist"):
        LabelStore(tmp_path / "nowhere" / "labels.sqlite")


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    with LabelStore(path) as store:
        store.append(*WHO, {"a": "yes"}, source="search")
    tmp_path.chmod(0o555)
    path.chmod(0o444)
    try:
        with LabelStore(path) as store:
            assert store.read_only
            assert values(store) == {"a": "yes"}
            with pytest.raises(LabelError, match="read-only"):
                store.append(*WHO, {"b": "yes"}, source="search")
    finally:
        tmp_path.chmod(0o755)


WRITER = """
import sys
from va_widgets.labels.label_store import LabelStore
store = LabelStore(sys.argv[1])
for i in range(int(sys.argv[3])):
    store.append(sys.argv[2], "night", {f"{sys.argv[2]}-{i}": "yes"}, source="search")
    print(i, flush=True)
"""


@pytest.mark.slow
def test_two_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), who, "60"], stdout=subprocess.DEVNULL)
        for who in ("kelli", "thomas")
    ]
    assert [writer.wait(timeout=240) for writer in writers] == [0, 0]
    with LabelStore(path) as store:
        assert len(store.events("night")) == 120


def test_a_file_is_not_taken_for_a_stranger_while_another_process_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as maker:
        maker.execute("PRAGMA journal_mode = WAL")

        class Opening(sqlite3.Connection):
            """Between two of its looks at the file the tables are made."""

            def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
                if sql == "PRAGMA user_version":
                    maker.execute("BEGIN IMMEDIATE")
                    schema.create(maker)
                    maker.execute("COMMIT")
                return super().execute(sql, *values)

        with closing(sqlite3.connect(path, isolation_level=None, factory=Opening)) as opening:
            assert schema.version(opening) == 0
    with closing(sqlite3.connect(path)) as db:
        assert schema.version(db) == schema.SCHEMA_VERSION
