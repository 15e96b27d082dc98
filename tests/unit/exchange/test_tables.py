"""CSV, Parquet, JSON Lines and DataFrames: labels and the whole log go out and come back as they were."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import va_widgets as va
from tests.unit.exchange.conftest import current, histories, label, remarks, store_of
from va_widgets.base.spreadsheet import harmless, original
from va_widgets.exchange.content import Content
from va_widgets.exchange.formats import names, tables
from va_widgets.labels.label_store import NewRemark, check_file

TABLES = ["labels.csv", "labels.parquet", "labels.jsonl"]


@pytest.mark.parametrize("name", TABLES)
def test_labels_come_back_as_they_were(corpus: va.Corpus, other: va.Corpus, tmp_path: Path, name: str) -> None:
    label(corpus)
    written = va.labels.export(corpus, tmp_path / name)
    assert (written.rows, written.notes) == (8, [f"{written.format} holds guidelines only in the log."])
    taken = va.labels.import_(other, tmp_path / name)
    assert (taken.labels, taken.remarks, taken.matched) == (8, 2, {"id": 8})
    assert current(other) == current(corpus)
    assert remarks(other) == remarks(corpus)
    with store_of(corpus) as one, store_of(other) as two:
        kept = [[(e.clip_id, e.time, e.source) for e in store.labels("night, city")] for store in (one, two)]
        assert sorted(kept[0]) == sorted(kept[1])
    assert check_file(other.path / "labels.sqlite").problems == []


@pytest.mark.parametrize("name", TABLES)
def test_the_log_comes_back_with_its_history(corpus: va.Corpus, other: va.Corpus, tmp_path: Path, name: str) -> None:
    label(corpus)
    va.labels.export(corpus, tmp_path / name, log=True)
    taken = va.labels.import_(other, tmp_path / name)
    assert (taken.labels, taken.remarks, taken.events, taken.left_count) == (15, 2, 1, 0)
    assert current(other) == current(corpus)
    assert histories(other) == histories(corpus)
    assert remarks(other) == remarks(corpus)
    with store_of(corpus) as one, store_of(other) as two:
        first, second = one.concept_events("night, city"), two.concept_events("night, city")
        assert [(e.kind, e.details, e.time, e.after) for e in first] == [
            (e.kind, e.details, e.time, e.after) for e in second
        ]
        assert two.guidelines() == {"night, city": "dark; not indoors"}
    again = va.labels.import_(other, tmp_path / name)
    assert (again.labels, again.remarks, again.events, again.older + again.same) == (0, 0, 0, 15)
    assert histories(other) == histories(corpus)
    with store_of(other) as store:
        assert store.undo("kelli", "night, city") == {"c01": "no", "c05": "none", "c11": "none"}


def test_any_log_comes_back(corpus: va.Corpus, other: va.Corpus, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clips = corpus.clips.index.to_numpy()
    with store_of(corpus) as store:
        for number in range(80):
            who, concept = rng.choice(["kelli", "sam"]), rng.choice(["night", "snow"])
            what = rng.integers(6)
            if what == 0:
                store.undo(who, concept)
            elif what == 1:
                store.redo(who, concept, message_id=f"redo {number}")
            elif what == 2:
                store.add_remark(who, concept, rng.choice(clips), f"note {number}", ["a", "b"][: rng.integers(3)])
            else:
                chosen = rng.choice(clips, size=rng.integers(1, 4), replace=False)
                values = rng.choice(["yes", "no", "unsure", "none"], size=len(chosen))
                labels: dict[str, Any] = dict(zip(chosen.tolist(), values.tolist(), strict=True))
                store.append(who, concept, labels, "search", int(number), message_id=f"label {number}")
    va.labels.export(corpus, tmp_path / "log.csv", log=True)
    va.labels.import_(other, tmp_path / "log.csv")
    assert current(other) == current(corpus)
    assert histories(other) == histories(corpus)
    assert remarks(other) == remarks(corpus)
    assert va.labels.table(other, log=True)["time"].tolist() == va.labels.table(corpus, log=True)["time"].tolist()
    assert check_file(other.path / "labels.sqlite").problems == []


def test_a_guideline_from_before_events_of_concepts_comes_along(corpus: va.Corpus, other: va.Corpus) -> None:
    with store_of(corpus) as store:
        store.append("kelli", "night", {"c00": "yes"}, "search")
        store.set_state("", "night", "guideline", "dark")
    table = va.labels.table(corpus, log=True)
    assert va.labels.import_(other, table).events == 1
    assert va.labels.import_(other, table).events == 0
    with store_of(other) as store:
        assert store.guidelines() == {"night": "dark"}
        store.add_concept_event("kelli", "night", "rename", {"from": "dark", "to": "night", "key": "dark"})
    taken = va.labels.import_(corpus, va.labels.table(other, log=True))
    assert taken.events == 1, "the guideline, which has a time there"
    assert taken.notes == ["1 new name of concepts left out: their labels have the names of the file."]


def test_a_table_in_memory_comes_back(corpus: va.Corpus, other: va.Corpus) -> None:
    label(corpus)
    table = va.labels.table(corpus, log=True)
    assert va.labels.import_(other, table).format == "pandas"
    assert histories(other) == histories(corpus)


def test_what_is_imported_twice_is_stored_once(corpus: va.Corpus, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("clip_id,value\nc00,yes\nc01,no\n")
    first = va.labels.import_(corpus, file, concept="night", annotator="kelli")
    assert (first.labels, first.annotators) == (2, ["kelli"])
    with store_of(corpus) as store:
        assert {event.source for event in store.labels("night")} == {"import: a.csv"}
        store.append("kelli", "night", {"c00": "no"}, "review")
    second = va.labels.import_(corpus, file, concept="night", annotator="kelli")
    assert (second.labels, second.same, second.older) == (0, 1, 1), "the correction stays"
    assert current(corpus)["night", "kelli", "c00"] == "no"


def test_an_older_label_never_replaces_a_newer_one(corpus: va.Corpus, tmp_path: Path) -> None:
    table = pd.DataFrame({"clip_id": ["c00", "c01"], "value": [True, True], "time": ["2020-01-01T00:00:00Z"] * 2})
    with store_of(corpus) as store:
        store.append("kelli", "night", {"c00": "no"}, "review")
    taken = va.labels.import_(corpus, table, concept="night", annotator="kelli")
    assert (taken.labels, taken.older) == (1, 1)
    assert current(corpus) == {("night", "kelli", "c00"): "no", ("night", "kelli", "c01"): "yes"}


def test_cells_that_begin_formulas_are_made_harmless(corpus: va.Corpus, other: va.Corpus, tmp_path: Path) -> None:
    label(corpus)
    for log in (False, True):
        va.labels.export(corpus, tmp_path / "labels.csv", log=log)
        with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as opened:
            cells = [cell for row in csv.reader(opened) for cell in row]
        assert "'=sam" in cells
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]


@given(st.text(alphabet="=+-@'\t\r\nx＝ "))
def test_every_text_comes_back_from_a_cell(text: str) -> None:
    assert original(harmless(text)) == text
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))


NOTES = st.text(
    st.one_of(st.sampled_from("=+-@'\"\t\r\n,;\\ \u202e\u05d0😀\x00\x1f\u2028"), st.characters(codec="utf-8")),
    max_size=12,
)


NAMES = st.text(st.one_of(st.sampled_from("=+-@'\", ;\u05d0😀"), st.characters(codec="utf-8")), min_size=1, max_size=8)
ROWS = st.tuples(
    NAMES.filter(lambda name: name.isprintable() and name.strip() != ""), NOTES, st.lists(NOTES, max_size=2)
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(ROWS, min_size=1, max_size=4))
def test_names_notes_and_tags_of_any_kind_come_back(tmp_path: Path, drawn: list[tuple[str, str, list[str]]]) -> None:
    rows = pd.DataFrame(
        {
            "concept": [name for name, _, _ in drawn],
            "annotator": [name for name, _, _ in drawn],
            "clip_id": [f"c{n:02}" for n in range(len(drawn))],
            "value": "yes",
            "video": "a.mp4",
            "start": 0.0,
            "end": 1.5,
            "note": [note for _, note, _ in drawn],
            "tags": pd.Series([tags for _, _, tags in drawn], dtype=object),
        }
    )
    content = Content(rows, False, False, {}, rows)
    for name, write, read in (
        ("a.csv", tables.csv_files, tables.read_tabular),
        ("a.parquet", tables.parquet_files, tables.read_tabular),
        ("a.jsonl", tables.jsonl_files, tables.read_jsonl),
    ):
        (tmp_path / name).write_bytes(write(content)[0][""])
        foreign = read(tmp_path / name)
        kept = foreign.rows.reindex(columns=["concept", "annotator", "note", "tags"])
        kept = kept.astype(object).where(kept.notna(), "")
        assert kept["concept"].tolist() == kept["annotator"].tolist(), name
        tags = [list(names.listed_tags(text) or []) for text in kept["tags"]]
        assert list(zip(kept["concept"], kept["note"], tags, strict=True)) == drawn, name


def test_names_of_annotators_can_be_left_out(corpus: va.Corpus, tmp_path: Path) -> None:
    label(corpus)
    with store_of(corpus) as store:
        store.add_concept_event("kelli", "night, city", "adjudicated", {"by": "=sam", "of": ["kelli, twice"]})
        store.append("kelli", "night, city", {"c08": "yes"}, "second reading of =sam")
        store.append("kelli", "night, city", {"c09": "yes"}, "import: kellis.csv")
        store.append("kelli, twice", "night, city", {"c09": "yes"}, "search")
        store.undo("kelli, twice", "night, city")
        store.append("=sam", "night, city", {"c08": "yes"}, "after kelli, twice")
    for name in TABLES:
        for log in (False, True):
            written = va.labels.export(corpus, tmp_path / name, annotators=False, log=log)
            assert written.annotators == ["annotator 1", "annotator 2", "annotator 3"][: 3 if log else 2]
            assert "look for names" in written.notes[0]
            assert b"kelli" not in (tmp_path / name).read_bytes()
            assert b"=sam" not in (tmp_path / name).read_bytes()


def test_what_annotators_agree_on_is_one_row_a_clip(corpus: va.Corpus, tmp_path: Path) -> None:
    label(corpus)
    with store_of(corpus) as store:
        store.append("=sam", "night, city", {"c00": "no"}, "review")
    va.labels.export(corpus, tmp_path / "a.jsonl", concepts="night, city", agreed=True)
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert {row["clip_id"]: row["value"] for row in rows} == {
        "c00": "tie", "c01": "yes", "c02": "unsure", "c05": "no", "c11": "no",
    }  # fmt: skip
    assert not any("annotator" in row for row in rows)
    va.labels.export(corpus, tmp_path / "a.csv", agreed=True)
    taken = va.labels.import_(corpus, tmp_path / "a.csv", annotator="all")
    assert (taken.labels, taken.notes) == (5, ["1 tie between annotators left out."])


def test_a_note_without_a_label_is_in_the_log_alone(corpus: va.Corpus, tmp_path: Path) -> None:
    label(corpus)
    with store_of(corpus) as store:
        store.add_remark("kelli", "night, city", "c09", "dubious: reflection", ["reflection"])
    written = va.labels.export(corpus, tmp_path / "a.csv")
    assert written.notes[0] == "Notes on clips without a label: 1 left out, which the log has."
    assert "dubious: reflection" in va.labels.table(corpus, log=True)["note"].tolist()


def test_an_open_session_sees_what_was_imported(corpus: va.Corpus) -> None:
    session = va.Session(corpus, "night", annotator="kelli")
    session.label("c00", True)
    table = pd.DataFrame({"clip_id": ["c01", "c02"], "value": ["yes", "no"], "annotator": ["kelli", "sam"]})
    va.labels.import_(corpus, table, concept="night")
    assert session.labels["value"].to_dict() == {"c00": "yes", "c01": "yes", "c02": "no"}
    assert session.own_labels == {"c00": "yes", "c01": "yes"}
    assert session.undo() == {"c01": "none"}


def test_what_cannot_be_exported_is_said(corpus: va.Corpus, tmp_path: Path) -> None:
    with pytest.raises(va.ExchangeError, match="There are no labels in"):
        va.labels.export(corpus, tmp_path / "a.csv")
    label(corpus)
    for call, reason in (
        ({"path": "a.csv", "concepts": ["snow"]}, "no concept 'snow'"),
        ({"path": "a.xlsx"}, "does not say which format"),
        ({"path": "a.tsv"}, "does not say which format"),
        ({"path": "a.csv", "format": "excel"}, "no format 'excel'"),
        ({"path": "a.json", "format": "coco", "log": True}, "not the log"),
        ({"path": "a.csv", "agreed": True, "log": True}, "either"),
        ({"path": "no/such/folder/a.csv"}, "cannot be written"),
    ):
        with pytest.raises(va.ExchangeError, match=reason):
            va.labels.export(corpus, **{**call, "path": tmp_path / call["path"]})  # type: ignore[arg-type, operator]
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_an_import_is_one_action_and_one_undo(corpus: va.Corpus) -> None:
    table = pd.DataFrame(
        {
            "clip_id": ["c00", "c01", "c02"],
            "value": ["yes", "no", "yes"],
            "source": ["search", "random", "search"],
            "time": ["2026-01-03T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"],
        }
    )
    va.labels.import_(corpus, table, concept="night", annotator="kelli")
    session = va.Session(corpus, "night", "kelli", snapshots=False)
    assert session.labels["source"].to_dict() == {"c00": "search", "c01": "random", "c02": "search"}
    assert session.status.sources == {"search": 2, "random": 1}
    log = va.labels.table(corpus, log=True)
    assert set(session.undo()) == {"c00", "c01", "c02"}
    assert session.labels.empty
    session.redo()
    assert va.labels.import_(corpus, table, concept="night", annotator="kelli").labels == 0
    session.close()
    store_path = corpus.path / "labels.sqlite"
    store_path.unlink()
    va.labels.import_(corpus, log)
    assert va.labels.table(corpus, log=True)["source"].tolist() == log["source"].tolist()


def test_names_that_look_the_same_are_the_same(corpus: va.Corpus) -> None:
    composed, apart = "Zo\u00eb", "Zoe\u0308"
    with store_of(corpus) as store:
        store.append(composed, "caf\u00e9", {"c00": "yes"}, "search")
    table = pd.DataFrame(
        {"clip_id": ["c00", "c01", "c02"], "value": "yes", "annotator": [apart, f"{composed} ", "sam"]}
    )
    result = va.labels.import_(corpus, table, concept="cafe\u0301")
    assert (result.labels, result.same) == (2, 1)
    assert va.labels.table(corpus)["annotator"].unique().tolist() == [composed, "sam"]
    again = pd.DataFrame({"clip_id": ["c03", "c03"], "value": ["yes", "no"], "annotator": ["ada", " ada"]})
    with pytest.raises(va.ExchangeError, match="row 1: it says no of the clip c03, of which row 0 says yes"):
        va.labels.import_(corpus, again, concept="night")
    session = va.Session(corpus, " cafe\u0301", apart, snapshots=False)
    assert (session.concept, session.annotator, session.counts["yes"]) == ("caf\u00e9", composed, 3)


def test_videos_match_in_either_form_of_unicode(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"video": ["Zoe\u0308.mp4"], "start": [0.0], "end": [2.0]}, index=pd.Index(["c0"], name="clip_id")
    )
    corpus = va.Corpus.from_embeddings(tmp_path / "c", np.ones((1, 4)), table)
    rows = pd.DataFrame({"video": ["Zo\u00eb.mp4", "x/Zo\u00eb"], "start": 0.0, "end": 2.0})
    assert va.labels.import_(corpus, rows, concept="night", annotator="sam").matched == {"time": 2}


def test_an_export_says_what_stays_here(corpus: va.Corpus, tmp_path: Path) -> None:
    label(corpus)
    assert "Primary" not in str(va.labels.export(corpus, tmp_path / "a.csv", log=True))
    with store_of(corpus) as store:
        store.set_primary("night, city", ["kelli"])
    notes = va.labels.export(corpus, tmp_path / "a.csv", log=True).notes
    assert any(note.startswith("Primary annotators, known answers") for note in notes)


def test_an_export_replaces_no_file_of_the_corpus(corpus: va.Corpus, tmp_path: Path) -> None:
    label(corpus)
    va.labels.export(corpus, corpus.path / "labels.csv")
    va.labels.export(corpus, corpus.path / "labels.csv")
    (tmp_path / "link").symlink_to(corpus.path)
    for target, kind in (
        (corpus.path / "labels.sqlite", "csv"),
        (corpus.path / "manifest.json", "coco"),
        (tmp_path / "link" / next(corpus.path.glob("*.parquet")).name, "parquet"),
    ):
        before = target.read_bytes()
        with pytest.raises(va.ExchangeError, match="is in the folder of the corpus, whose own files stay"):
            va.labels.export(corpus, target, kind)
        assert target.read_bytes() == before


def test_a_dry_run_writes_nothing(corpus: va.Corpus, tmp_path: Path) -> None:
    table = pd.DataFrame({"clip_id": ["c00", "c01"], "value": ["yes", "no"]})
    before = sorted(corpus.path.iterdir())
    assert va.labels.import_(corpus, table, concept="night", annotator="k", dry_run=True).labels == 2
    assert sorted(corpus.path.iterdir()) == before


def test_two_machines_exchange_their_logs(corpus: va.Corpus, other: va.Corpus, tmp_path: Path) -> None:
    label(corpus)
    with store_of(other) as store:
        store.append("jo", "night, city", {"c00": "no", "c08": "yes"}, "search")
        store.append("kelli", "night, city", {"c00": "no", "c09": "yes"}, "search")
        store.undo("jo", "night, city")
        store.redo("jo", "night, city")
        store.append_all([NewRemark("jo", "night, city", "c08", "foggy", ["fog"])])
    for _ in range(2):
        va.labels.export(corpus, tmp_path / "one.jsonl", log=True)
        va.labels.export(other, tmp_path / "two.jsonl", log=True)
        va.labels.import_(corpus, tmp_path / "two.jsonl")
        va.labels.import_(other, tmp_path / "one.jsonl")
    assert current(corpus) == current(other)
    assert current(corpus)["night, city", "kelli", "c00"] == "no", "which is the newer one"
    assert len(current(corpus)) == 11
    assert remarks(corpus) == remarks(other)
    with store_of(corpus) as one, store_of(other) as two:
        assert one.guidelines() == two.guidelines() == {"night, city": "dark; not indoors"}
    assert va.labels.import_(corpus, tmp_path / "two.jsonl").labels == 0
