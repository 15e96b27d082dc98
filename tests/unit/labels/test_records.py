"""Remarks on clips, events of a concept, and several actions at once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.labels import label_file_version_2
from va_widgets import LabelError
from va_widgets.labels.label_store import LabelStore, NewAction, check_file


def test_a_file_of_version_2_is_brought_up_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    label_file_version_2.write(path)
    assert check_file(path).problems == []
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,), "a check changes nothing"
    with LabelStore(path) as store:
        assert store.current("night").values == {"kelli": {"a": "yes", "b": "no"}}
        assert store.get_state("", "night", "guideline") == "dark"
        assert store.redo("kelli", "night") == {"c": "yes"}
        store.add_remark("kelli", "night", "a", "a window at dusk")
        assert [remark.note for remark in store.remarks("night")] == ["a window at dusk"]
    assert check_file(path).problems == []


def test_remarks_and_concept_events_are_kept_in_order(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    with LabelStore(path) as store:
        store.append("kelli", "night", {"a": "yes"}, "search")
        store.add_concept_event("kelli", "night", "guideline", {"text": "dark"})
        store.add_remark(
            "kelli", "night", "a", "dubious: reflection", ["reflection", "dusk"], time="2026-01-02T03:04:05"
        )
        store.add_remark("sam", "night", "a", "")
        store.add_remark("sam", "snow", "b", "=cmd()")
    with LabelStore(path) as store:
        first, second = store.remarks("night")
        assert (first.annotator, first.clip_id, first.note) == ("kelli", "a", "dubious: reflection")
        assert (first.tags, first.time) == (("reflection", "dusk"), "2026-01-02T03:04:05")
        assert store.remarks("night", after=first.remark_id) == [second]
        (event,) = store.concept_events("night")
        assert (event.kind, event.after, event.details) == ("guideline", 1, {"text": "dark"})
        assert store.concept_events() == [event]
        assert store.concept_events("snow") == []


@pytest.mark.parametrize("table", ["remarks", "concept_events"])
@pytest.mark.parametrize("sql", ["UPDATE {} SET annotator = 'x'", "DELETE FROM {} WHERE rowid = 1"])
def test_a_changed_or_lost_row_of_these_logs_is_found(tmp_path: Path, table: str, sql: str) -> None:
    path = tmp_path / "labels.sqlite"
    with LabelStore(path) as store:
        for clip in "ab":
            store.add_remark("kelli", "night", clip, "why")
            store.add_concept_event("kelli", "night", "archive", {})
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(sql.format(table))
    assert check_file(path).problems


def test_several_actions_are_stored_together_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    time = "2026-01-02T03:04:05.000000+00:00"
    with LabelStore(path) as store:
        ada = NewAction("ada", "night", {"a": "yes", "b": "no"}, "import", 3, "m1", {"a": time})
        sam = NewAction("sam", "snow", {"a": "unsure"}, "import")
        assert store.append_all([ada, sam, NewAction("sam", "night", {}, "import")]) == 3
        assert store.append_all([ada]) == 0, "the message is known"
        history = store.history("night")
        assert history["time"][0] == time < history["time"][1]
        assert history["model_version"].tolist() == [3, 3]
        with pytest.raises(LabelError, match="'maybe'"):
            store.append_all([NewAction("sam", "night", {"c": "yes"}, "import"), sam._replace(labels={"a": "maybe"})])  # type: ignore[dict-item]
        assert store.current("night").values == {"ada": {"a": "yes", "b": "no"}}
        assert store.undo("ada", "night") == {"a": "none", "b": "none"}
    assert check_file(path).problems == []


def test_what_is_stored_was_planned_by_what_the_file_holds_then(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    with LabelStore(path) as store, LabelStore(path) as other:
        seen: list[int] = []

        def plan() -> list[NewAction]:
            seen.append(len(store.events("night")))
            if len(seen) == 1:
                other.append("ada", "night", {"a": "no"}, "search")
            return [NewAction("sam", "night", {"a": "yes"} if seen[-1] else {"b": "yes"}, "import")]

        assert store.append_planned(plan) == 1
        assert seen == [0, 1]
        assert store.current("night").values == {"ada": {"a": "no"}, "sam": {"a": "yes"}}
        assert store.append_planned(lambda: plan()[:0]) == 0
        assert seen == [0, 1, 2], "once where nothing has changed"
