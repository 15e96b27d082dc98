"""Bad rows are all reported at once, where the user sees them, and nothing is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.unit.exchange.conftest import current, label, store_of
from va_widgets.cli import exchange, main
from va_widgets.exchange import storing
from va_widgets.exchange.registry import FORMATS


def refused(corpus: va.Corpus, file: Path | pd.DataFrame, **options: object) -> va.ExchangeError:
    given = {"concept": "night", "annotator": "k", **options}
    with pytest.raises(va.ExchangeError) as caught:
        va.labels.import_(corpus, file, **given)  # type: ignore[arg-type]
    assert not (corpus.path / "labels.sqlite").exists(), "nothing is written"
    return caught.value


def test_every_bad_row_is_named_by_its_line(corpus: va.Corpus, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(
        "clip_id;value;time;note\n"
        "c00;yes;2026-01-02T03:04:05Z;fine\n"
        '\nc01;maybe;;"two\nlines"\n'
        "c02;no;yesterday;\n"
        "c99;no;;\n"
        "c00;no;;\n"
        "c03;;;\n"
        "c04;no;\n"
        "c01;yes;;again\n",
        encoding="utf-8-sig",
    )
    error = refused(corpus, file)
    assert error.count == 6
    assert error.problems is not None
    assert [tuple(row) for row in error.problems.itertuples(index=False)] == [
        ("line 4", "its value 'maybe' is no label: use yes, no or unsure, or say what it means by values={…}"),
        ("line 6", "its time 'yesterday' is none in ISO 8601, 2026-01-31T12:30:00Z"),
        ("line 7", "the corpus has no clip 'c99'; unmatched='skip' leaves such rows out"),
        ("line 8", "it says no of the clip c00, of which line 2 says yes"),
        ("line 9", "its value '' is no label: use yes, no or unsure, or say what it means by values={…}"),
        ("line 10", "it has fewer fields than the header: the file may be cut off"),
    ]
    assert str(error).startswith(
        "Nothing was imported, because 6 rows of labels.csv cannot be taken: line 4: its value"
    )
    good = file.read_text("utf-8-sig").splitlines()
    file.write_text("\n".join([*good[:2], good[-1], good[-1]]), encoding="utf-8")
    assert va.labels.import_(corpus, file, concept="night", annotator="k").duplicates == 1


def test_columns_are_known_in_any_case_and_stay_as_written(corpus: va.Corpus, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("Clip ID;Value;Record\n007;yes;1\nNA;no;2\n")
    error = refused(corpus, file)
    assert "the corpus has no clip '007'" in str(error)


def test_lines_of_json_are_counted_as_they_stand(corpus: va.Corpus, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"clip_id": "c00", "value": true}\n\n[1]\n{"clip_id": "c01", "value": "perhaps"}\n{"clip_id": "c0')
    error = refused(corpus, file)
    assert error.problems is not None
    assert error.problems["where"].tolist() == ["line 3", "line 4", "line 5"]
    assert "cut off" in error.problems["reason"].iloc[-1]


def test_values_get_their_meaning_from_the_user(corpus: va.Corpus) -> None:
    table = pd.DataFrame({"clip_id": ["c00", "c01", "c02"], "value": ["Maybe", "ja", "No"]})
    given = {"maybe": "unsure", "ja": True}
    va.labels.import_(corpus, table, concept="night", annotator="k", values=given)  # type: ignore[arg-type]
    assert list(current(corpus).values()) == ["unsure", "yes", "no"]
    with pytest.raises(va.ExchangeError, match="values must give yes, no, unsure or none, not 'perhaps'"):
        va.labels.import_(corpus, table, values={"maybe": "perhaps"})


def test_labels_of_another_corpus_are_refused(corpus: va.Corpus, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("clip_id,value\nx1,yes\nx2,no\n")
    assert "are they labels of another corpus?" in str(refused(corpus, file))
    assert "names neither a clip nor a video" in str(refused(corpus, pd.DataFrame({"x": [1], "value": ["yes"]})))
    skipped = va.labels.import_(corpus, file, concept="night", annotator="k", unmatched="skip")
    assert (skipped.labels, skipped.left_count) == (0, 2)


def test_frames_that_stand_for_seconds_are_noticed(corpus: va.Corpus) -> None:
    table = pd.DataFrame({"video": ["alpha.mp4"], "start": [125], "end": [250], "value": ["yes"]})
    assert "its video ends at 12 s" in str(error := refused(corpus, table))
    assert "times='frames'" in str(error)
    for start, end, reason in (
        (-1, 2, "it starts before 0"),
        (3, 1, "before its start"),
        ("x", 2, "its start 'x' is no time"),
        (np.inf, np.inf, "its start inf is no time"),
        (None, 2, "it has an end but no start"),
        ("00:99:00:01", 2, "is no time"),
    ):
        table = pd.DataFrame({"video": ["alpha.mp4"], "start": [start], "end": [end], "value": ["yes"]}, dtype=object)
        assert reason in str(refused(corpus, table))
    assert "a video of several clips but no time" in str(refused(corpus, table[["video", "value"]]))


def test_times_in_the_future_and_columns_of_one_name_are_refused(corpus: va.Corpus) -> None:
    table = pd.DataFrame({"clip_id": ["c00", "c01"], "value": "yes", "time": ["2026-01-01", "2199-01-01"]})
    assert "row 1: its time '2199-01-01' is in the future" in str(refused(corpus, table))
    twice = pd.DataFrame([["c00", "yes", "no"]], columns=["clip_id", "value", "Value"])
    assert "two columns called 'value'" in str(refused(corpus, twice))


def test_names_are_checked_like_those_of_labels(corpus: va.Corpus) -> None:
    table = pd.DataFrame(
        {"clip_id": ["c00", "c01"], "value": "yes", "annotator": ["a\nb", ""], "concept": ["", "x" * 501]}
    )
    error = refused(corpus, table, concept=None, annotator=None)
    assert error.problems is not None
    assert error.problems["reason"].tolist()[0] == "it has no concept: give one by concept='…'"
    assert "may have 500 characters" in error.problems["reason"].tolist()[1]


def test_events_of_concepts_are_checked(corpus: va.Corpus) -> None:
    events = pd.DataFrame(
        {
            "record": "concept",
            "kind": ["archive", "", "guideline", "a"],
            "details": ["{}", "{}", "[1]", {"text": "\ud83d"}],
        }
    )
    error = refused(corpus, events)
    assert error.problems is not None
    assert error.problems["reason"].tolist() == [
        "it names no kind of event",
        "its details are no JSON object",
        "its kind or its details hold half of a character",
    ]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.csv", "clip_id,value\ncafé,yes\n".encode("latin-1"), "is not UTF-8"),
        ("a.csv", b"", "cannot be read as a table"),
        ("a.csv", b'clip_id,value\nc00,"yes', "cannot be read as a table"),
        ("a.csv", b"clip_id,value\nc00,yes,no\n", "more fields than its header"),
        ("a.parquet", b"PAR1 half a file", "cannot be read as Parquet"),
        ("a.jsonl", '{"value": "é"}'.encode("latin-1"), "UTF-8"),
        ("a.jsonl", b"", "holds no rows"),
        ("a.json", '[{"data": "é"}]'.encode("latin-1"), "UTF-8"),
        ("a.vtt", "WEBVTT\n\né".encode("latin-1"), "UTF-8"),
        ("a.xyz", b"x", "does not say which format"),
        ("labels.sqlite", b"SQLite format 3", "is a file of labels, not an export"),
    ],
)
def test_files_that_cannot_be_read_are_refused(
    corpus: va.Corpus, tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(data)
    assert reason in str(refused(corpus, tmp_path / name))


def test_the_report_of_many_bad_rows_is_short(corpus: va.Corpus, tmp_path: Path) -> None:
    lines = "c00,maybe\n" * 20_000
    (tmp_path / "a.csv").write_text(f"clip_id,value\n{lines}")
    error = refused(corpus, tmp_path / "a.csv")
    assert error.problems is not None
    assert (error.count, len(error.problems)) == (20_000, 1000)
    assert len(str(error)) < 1500
    assert str(error).endswith("and 19,992 more.")


def test_arguments_are_checked(corpus: va.Corpus, tmp_path: Path) -> None:
    table = pd.DataFrame({"clip_id": ["c00"], "value": ["yes"]})
    assert "times must be" in str(refused(corpus, table, times="hours"))
    assert "unmatched must be" in str(refused(corpus, table, unmatched="guess"))
    assert "values must be a dict" in str(refused(corpus, table, values=["maybe"]))
    assert "another control character: leave it out" in str(refused(corpus, table, concept="\ud800"))
    assert "The annotator's name must be a text" in str(refused(corpus, table, annotator=3))
    assert "There is no file" in str(refused(corpus, tmp_path / "none.csv"))
    assert "no rows" in str(refused(corpus, table[:0]))
    with pytest.raises(va.ExchangeError, match=r"a va\.Corpus or the path"):
        va.labels.import_(3, table)  # type: ignore[arg-type]


def test_the_command_line_exports_and_imports(
    corpus: va.Corpus, other: va.Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert all(name in exchange._FORMATS for name in FORMATS)
    label(corpus)
    file = str(tmp_path / "labels.jsonl")
    assert main(["labels", "export", str(corpus.path), file, "--log", "--concept", "night, city"]) == 0
    assert "(jsonl)" in capsys.readouterr().out
    assert main(["labels", "import", str(other.path), file, "--dry-run"]) == 0
    assert "would be stored" in capsys.readouterr().out
    assert main(["labels", "import", str(other.path), file]) == 0
    assert "by id" in capsys.readouterr().out
    (tmp_path / "a.csv").write_text("clip_id,value\nc00,maybe\n")
    given = ["labels", "import", str(other.path), str(tmp_path / "a.csv"), "--concept", "x", "--annotator", "k"]
    assert main(given) == 1
    assert "line 2: its value 'maybe'" in capsys.readouterr().err
    assert main([*given, "--value", "maybe"]) == 1
    assert main([*given, "--value", "maybe=unsure"]) == 0
    assert current(other)["x", "k", "c00"] == "unsure"
    assert (
        main(["labels", "export", str(other.path), str(tmp_path / "k.csv"), "--no-names", "--format", "kinetics"]) == 0
    )
    assert 'Kinetics holds no labels "unsure": 2 left out.' in capsys.readouterr().out


def test_events_of_concepts_are_checked_and_older_ones_change_nothing(corpus: va.Corpus) -> None:
    event = {"record": "concept", "annotator": "sam", "concept": "night", "time": "2020-01-01T00:00:00Z"}
    for kind, details, reason in (
        ("guideline", "{}", "its guideline is no text of at most 10,000 characters"),
        ("guideline", '{"text": 5}', "its guideline is no text"),
        ("hints", "{}", "its details do not say from which concept"),
    ):
        assert reason in str(refused(corpus, pd.DataFrame([{**event, "kind": kind, "details": details}])))
    session = va.Session(corpus, "night", "kelli", snapshots=False)
    session.label("c00", True)
    session.guideline = "dark outside"
    old = pd.DataFrame([{**event, "kind": "guideline", "details": '{"text": "old"}'}])
    assert va.labels.import_(corpus, old).events == 0
    assert session.guideline_history["text"].tolist() == [session.guideline] == ["dark outside"]
    with store_of(corpus) as store:  # a file that somebody else has made
        for kind in ("guideline", "hints"):
            store.add_concept_event("sam", "night", kind, {})
    assert session.guideline_version == 1
    assert session.feeds[0] == "suggested"
    assert session.concept_history["kind"].tolist() == ["guideline", "guideline", "hints"]


def test_notes_and_tags_are_held_to_what_can_be_typed(corpus: va.Corpus) -> None:
    row = {"clip_id": "c00", "value": "no"}
    table = pd.DataFrame(
        [
            {**row, "note": "n" * 1001, "tags": []},
            {**row, "note": "", "tags": ["dusk", "t" * 41]},
            {**row, "note": "", "tags": [f"tag {number}" for number in range(11)]},
            {**row, "note": "", "tags": ["two\nlines"]},
            {**row, "note": {"text": "a note"}, "tags": []},
        ]
    )
    error = refused(corpus, table)
    assert error.count == 5
    assert "row 4: its note is a dict, no text" in str(error)
    assert "row 0: a note may have 1,000 characters, not 1,001" in str(error)
    table = pd.DataFrame([{**row, "note": " a note\n", "tags": [" dusk", "dusk "]}])
    assert va.labels.import_(corpus, table, concept="night", annotator="k").remarks == 1
    with store_of(corpus) as store:
        assert [(remark.note, remark.tags) for remark in store.remarks("night")] == [("a note", ("dusk",))]
    assert va.labels.import_(corpus, table, concept="night", annotator="k").remarks == 0


def test_a_label_given_while_an_import_is_planned_stays(corpus: va.Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = storing.planned_labels

    def meanwhile(*given: Any) -> Any:
        monkeypatch.undo()
        plan = planned(*given)
        with store_of(corpus) as store:
            store.append("k", "night", {"c00": "no"}, "search")
        return plan

    monkeypatch.setattr("va_widgets.exchange.importing.planned_labels", meanwhile)
    table = pd.DataFrame({"clip_id": ["c00", "c01"], "value": "yes", "time": "2026-01-02T03:04:05Z"})
    taken = va.labels.import_(corpus, table, concept="night", annotator="k")
    assert (taken.labels, taken.older) == (1, 1)
    assert current(corpus) == {("night", "k", "c00"): "no", ("night", "k", "c01"): "yes"}
