"""The present labels are read in pages of columns: every row is checked, and any text may be a clip id."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from va_widgets.base.errors import LabelError
from va_widgets.labels import current_rows
from va_widgets.labels.agreement import Agreement
from va_widgets.labels.label_store import Event, LabelStore, StoredValue
from va_widgets.labels.schema import DamageError
from va_widgets.labels.sorted_labels import SortedLabels

CLIPS = ["", "a", "a\x1eb", 'ä,["]', "c\nd", "e\x1ff", "𝄞", "z"]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(current_rows, "_PAGE", 3)
    file = tmp_path / "labels.sqlite"
    with LabelStore(file) as store:
        values: list[StoredValue] = ["yes", "no", "unsure"]
        store.append("kelli", "night", {clip: values[n % 3] for n, clip in enumerate(CLIPS)}, source="search")
        store.append("kelli", "night", {"a": "none", "z": "yes"}, source="random")
        store.append("sam", "night", {"a": "no", "z": "no"}, source="search")
    return file


def test_any_text_is_read_from_any_page(path: Path) -> None:
    with LabelStore(path) as store:
        current, agreed = store.current("night"), Agreement(store.current("night"))
        by_events = Agreement()
        by_events.take(store.events("night"))
    assert current.values["kelli"] == {
        label.clip_id: label.value for label in _labels(path) if label.annotator == "kelli"
    }
    assert list(current.values["kelli"]) == sorted(set(CLIPS) - {"a"})
    assert agreed.values == by_events.values
    assert agreed.sources == by_events.sources == {"search": len(CLIPS), "random": 2}
    assert agreed.came_from("random") == {"a", "z"}


def _labels(path: Path) -> list[Event]:
    with LabelStore(path) as store:
        return list(store.labels("night"))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE current_labels SET value = 'no' WHERE clip_id = 'z' AND annotator = 'kelli'",
        "UPDATE current_labels SET value = CAST('yes' AS BLOB) WHERE clip_id = 'z' AND annotator = 'kelli'",
        "UPDATE current_labels SET sources = '[]' WHERE clip_id = 'a'",
        "UPDATE current_labels SET clip_id = 'y' WHERE clip_id = 'z'",
        "UPDATE current_labels SET event_id = event_id + 1 WHERE clip_id = 'a'",
        "UPDATE current_labels SET checksum = checksum + 1 WHERE clip_id = ''",
        "DELETE FROM current_labels WHERE clip_id = '𝄞'",
    ],
)
def test_a_damaged_row_of_any_page_is_told(path: Path, damage: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute(damage).rowcount
        db.commit()
        with pytest.raises(DamageError):
            current_rows.current_labels(db, "night")
    with LabelStore(path) as store:  # and computed anew from the events
        assert store.current("night").values["kelli"]["z"] == "yes"
        with closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE events SET value = 'no' WHERE clip_id = 'z'")
            db.execute(damage)
            db.commit()
        with pytest.raises(LabelError, match="damaged"):
            store.current("night")


VALUES = st.sampled_from(["yes", "no", "unsure"])
CHANGES = st.lists(st.tuples(st.text("abc", max_size=2), st.none() | VALUES), max_size=20)


@given(loaded=st.dictionaries(st.text("abc", max_size=2), VALUES), changes=CHANGES)
def test_sorted_labels_are_a_mapping_as_a_dict_is(
    loaded: dict[str, str], changes: list[tuple[str, str | None]]
) -> None:
    clips = sorted(loaded)
    first = SortedLabels(clips, [loaded[clip] for clip in clips])
    labels, expected = first.copy(), dict(loaded)
    for clip, value in changes:
        if value is None:
            assert labels.pop(clip, None) == expected.pop(clip, None)
        else:
            labels[clip] = expected[clip] = value
    assert labels == expected
    assert dict(labels.pairs()) == expected
    assert len(labels) == len(expected)
    assert (set(labels), "ab" in labels) == (set(expected), "ab" in expected)
    assert first == loaded  # the columns are shared with the copy, its changes are not
