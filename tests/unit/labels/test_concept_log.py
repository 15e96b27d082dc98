"""Concepts that are renamed, merged, split and archived, and the versions of their guidelines."""

from __future__ import annotations

from pathlib import Path

import pytest

from va_widgets import ArgumentError, LabelError
from va_widgets.labels.concept_table import concept_table
from va_widgets.labels.label_store import LabelStore, NewAction, check_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.sqlite"


def test_a_renamed_concept_is_the_same_under_every_name(path: Path) -> None:
    with LabelStore(path) as store, LabelStore(path) as other:
        log = store.concept_log
        store.append("kelli", "nihgt", {"a": "yes"}, "search", message_id="m1")
        store.set_state("kelli", "nihgt", "queries", ["moon"])
        store.set_state("sam", "night", "queries", ["typed once"])  # opened, and never labelled
        log.rename("kelli", "nihgt", "night")
        log.rename("kelli", "nihgt", "night")  # as a message that comes twice
        # A session of another kernel that knows the former name writes into the same concept.
        assert other.append("sam", "nihgt", {"b": "no"}, "search") == {"b": "no"}
        assert other.append("kelli", "night", {"a": "no"}, "search", message_id="m1") == {"a": "yes"}, "known"
        other.add_remark("sam", "nihgt", "b", "lamps")
        for name in ("nihgt", "night"):
            assert store.current(name).values == {"kelli": {"a": "yes"}, "sam": {"b": "no"}}
            assert store.history(name)["concept"].tolist() == [name, name]
            assert [(remark.concept, remark.note) for remark in store.remarks(name)] == [(name, "lamps")]
            assert store.get_state("kelli", name, "queries") == ["moon"]
            assert len(store.events(name)) == len(store.labels(name)) == 2
        assert store.concepts()["concept"].tolist() == ["night"] == store.opened_concepts()
        assert store.undo("kelli", "night") == {"a": "none"}
        assert store.append_all([NewAction("ada", "nihgt", {"c": "yes"}, "import")]) == 1
        assert set(store.current("night").values) == {"ada", "kelli", "sam"}
        log.check_not_renamed("night")
        with pytest.raises(LabelError, match="'nihgt' was renamed to 'night' by kelli on 20"):
            log.check_not_renamed("nihgt")
    assert check_file(path).problems == []


def test_a_name_comes_back_and_is_nobody_elses(path: Path) -> None:
    with LabelStore(path) as store:
        log = store.concept_log
        store.append("kelli", "a", {"x": "yes"}, "search")
        store.append("kelli", "other", {"x": "no"}, "search")
        for name in ("b", "c", "a", "c"):
            log.rename("kelli", "a", name)
        assert {log.present_name(name) for name in "abc"} == {"c"}
        assert [event.details["to"] for event in store.concept_events("b")] == ["b", "c", "a", "c"]
        assert {event.concept for event in store.concept_events()} == {"c"}
        for taken in ("a", "b", "c"):
            with pytest.raises(ArgumentError, match="is or was a name of"):
                log.rename("kelli", "other", taken)
        with pytest.raises(ArgumentError, match="There is a concept 'other' already"):
            log.rename("kelli", "c", "other")
        for alike in ("Other", " other"):
            with pytest.raises(ArgumentError, match="There is a concept 'other' already"):
                log.rename("kelli", "c", alike)
            with pytest.raises(ArgumentError, match="There is a concept 'other' already"):
                log.split("kelli", "c", [alike])
        with pytest.raises(ArgumentError, match="There is a concept 'new' already"):
            log.split("kelli", "c", ["new", "New "])
        log.rename("kelli", "c", "C")  # its own name in another case
        log.rename("kelli", "c", "c")
        assert store.concepts()["concept"].tolist() == ["c", "other"]


def test_a_merge_takes_each_annotators_labels_and_says_where_they_differ(path: Path) -> None:
    long = "n" * 100
    with LabelStore(path) as store:
        store.append("kelli", "night", {"a": "yes", "b": "yes"}, "search")
        store.append("kelli", long, {"a": "no", "b": "yes", "c": "unsure", "d": "yes"}, "random")
        store.append("kelli", long, {"d": "none"}, "random")  # taken back
        store.append("sam", long, {"a": "no"}, "random")
        merged = store.concept_log.merge("kelli", "night", long)
        assert [label[:2] for label in merged if label.conflict] == [("a", "kelli")]
        assert [label[:2] for label in merged if label.taken] == [("c", "kelli"), ("a", "sam")]
        expected = {"kelli": {"a": "yes", "b": "yes", "c": "unsure"}, "sam": {"a": "no"}}
        assert store.current("night").values == expected
        source = store.history("night")["source"].iloc[-1]
        assert source.startswith("merge: nnn")
        assert len(source) == 64
        assert store.concept_log.archived() == {long}
        assert store.undo("kelli", "night") == {"c": "none"}
        assert store.current(long).values["kelli"] == {"a": "no", "b": "yes", "c": "unsure"}
        kinds = [(event.kind, event.details) for event in store.concept_events()]
        assert kinds == [
            ("merge", {"from": long, "labels": 2, "conflicts": 1}),
            ("merged", {"into": "night"}),
            ("archive", {}),
        ]
        for wrong, sentence in (("night", "into itself"), ("nothing", "has no labels to merge")):
            with pytest.raises(ArgumentError, match=sentence):
                store.concept_log.merge("kelli", "night", wrong)


def test_hints_follow_their_concept_and_archives_are_restored(path: Path) -> None:
    with LabelStore(path) as store:
        log = store.concept_log
        store.append("kelli", "night", {"a": "yes"}, "search")
        log.split("kelli", "night", ["city night", "lake night"])
        log.rename("kelli", "night", "all nights")
        assert log.hints("city night") == ["all nights"] == log.hints("lake night")
        log.offer_hints("kelli", "lake night", "night", False)
        assert log.hints("lake night") == []
        with pytest.raises(ArgumentError, match="'lake night' already"):
            log.split("kelli", "all nights", ["new", "lake night"])
        assert log.hints("new") == []
        assert set(store.opened_concepts()) == {"city night", "lake night"}
        for archived in (True, True, False, False, True):
            log.archive("kelli", "night", archived)
        assert log.archived() == {"all nights"}
        assert log.is_archived("night")
        assert [event.kind for event in store.concept_events("night")][-3:] == ["archive", "restore", "archive"]


def test_guidelines_have_versions_that_labels_were_given_under(path: Path) -> None:
    with LabelStore(path) as store:
        log = store.concept_log
        store.set_state("", "night", "guideline", "dark")  # by a version that kept no events
        assert [(version.version, version.text) for version in log.guidelines("night")] == [(1, "dark")]
        store.append("kelli", "night", {"a": "yes", "b": "no"}, "search")
        assert log.set_guideline("sam", "night", "=very dark")
        assert not log.set_guideline("sam", "night", "=very dark")
        versions = log.guidelines("night")
        assert [(version.annotator, version.after, version.text) for version in versions] == [
            ("", 0, "dark"),
            ("sam", 2, "=very dark"),
        ]
        assert store.guidelines() == {"night": "=very dark"}
        table = concept_table(store)
        assert table["guideline"].tolist() == ["dark", "=very dark"]
        assert table["guideline_version"].tolist() == [1, 2]
        assert table["number"].tolist() == [0, 1]
