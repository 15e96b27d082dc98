"""Formats of other programs: what they hold comes back, and what they do not hold is said."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest

import va_widgets as va
from tests.unit.exchange.conftest import current, label, remarks, store_of
from va_widgets.experiments.release import _Split, _Votes

AGREED = {
    ("night, city", "c00"): "yes", ("night, city", "c02"): "unsure", ("night, city", "c05"): "no",
    ("night, city", "c11"): "no", ("Ø 雪 ⛄", "c07"): "no", ("night, city", "c01"): "yes",
}  # fmt: skip


def by_clip(corpus: va.Corpus) -> dict[tuple[str, str], str]:
    """The labels of a corpus with one annotator: {(concept, clip): value}."""
    return {(concept, clip): value for (concept, _, clip), value in current(corpus).items()}


@pytest.mark.parametrize(("kind", "name"), [("coco", "a.json"), ("label-studio", "a.json"), ("datasets", "a")])
def test_formats_that_hold_all_of_labels(
    corpus: va.Corpus, other: va.Corpus, tmp_path: Path, kind: str, name: str
) -> None:
    label(corpus)
    va.labels.export(corpus, tmp_path / name, kind)
    taken = va.labels.import_(other, tmp_path / name)
    assert (taken.format, taken.labels, taken.matched) == (kind, 8, {"id": 8})
    assert current(other) == current(corpus)
    assert remarks(other) == remarks(corpus)
    again = va.labels.import_(other, tmp_path / name)
    assert (again.labels, again.same, again.remarks) == (0, 8, 0)


def test_elan_holds_values_and_annotators(corpus: va.Corpus, other: va.Corpus, tmp_path: Path) -> None:
    label(corpus)
    written = va.labels.export(corpus, tmp_path / "a", "elan")
    assert sorted(file.name for file in written.files) == ["-beta, two.eaf", "alpha.eaf", "gamma.eaf"]
    assert any("notes" in note for note in written.notes)
    taken = va.labels.import_(other, tmp_path / "a")
    assert (taken.format, taken.matched) == ("elan", {"time": 8})
    assert current(other) == current(corpus)


def test_clips_that_overlap_are_in_tiers_of_their_own(tmp_path: Path) -> None:
    times = pd.DataFrame({"video": "a.mp4", "start": [0.0, 1.0, 2.0], "end": [2.0, 3.0, 4.0]})
    times.index = pd.Index(["x", "y", "z"], name="clip_id")
    for name in ("one", "two"):
        va.Corpus.from_embeddings(tmp_path / name, [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], times)
    one, two = va.Corpus.open(tmp_path / "one"), va.Corpus.open(tmp_path / "two")
    with store_of(one) as store:
        store.append("kelli", "night", {"x": "yes", "y": "no", "z": "yes"}, "search")
    va.labels.export(one, tmp_path / "e", "elan")
    va.labels.import_(two, tmp_path / "e")
    assert current(two) == current(one)


@pytest.mark.parametrize("kind", ["kinetics", "webvtt", "fiftyone"])
def test_formats_that_hold_what_counts(corpus: va.Corpus, other: va.Corpus, tmp_path: Path, kind: str) -> None:
    label(corpus)
    with store_of(corpus) as store:
        store.append("=sam", "night, city", {"c01": "yes", "c06": "yes"}, "search")
        store.append("kelli", "night, city", {"c01": "yes", "c06": "no"}, "search")
    target = tmp_path / ("a.csv" if kind == "kinetics" else "a")
    written = va.labels.export(corpus, target, kind)
    assert any("most annotators agree" in note for note in written.notes)
    assert any("tie" in note for note in written.notes)
    va.labels.import_(other, target, annotator="import")
    expected = AGREED if kind == "fiftyone" else {key: value for key, value in AGREED.items() if value == "yes"}
    assert by_clip(other) == expected


def test_tables_of_kinetics_are_as_its_readers_expect_them(corpus: va.Corpus, tmp_path: Path) -> None:
    label(corpus)
    va.labels.export(corpus, tmp_path / "a.csv", "kinetics")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[:2] == ["label,youtube_id,time_start,time_end,split", '"night, city",alpha,0,2,train']


def test_fiftyones_own_files_are_read(corpus: va.Corpus, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "data.json").write_text(json.dumps({"v1": "/elsewhere/alpha.mp4", "v2": "gamma.mov"}))
    document = {
        "classes": ["run", "jump"],
        "labels": {
            "v1": [{"label": 1, "support": [1, 50]}, {"label": "run", "timestamps": [2.0, 10.0]}],
            "v2": None,
        },
    }
    (tmp_path / "f" / "labels.json").write_text(json.dumps(document))
    taken = va.labels.import_(corpus, tmp_path / "f", annotator="kelli")
    assert taken.matched == {"frame": 1, "time": 1}
    assert by_clip(corpus) == {("jump", "c00"): "yes", ("run", "c01"): "yes", ("run", "c02"): "yes"}


def test_labels_become_objects_of_fiftyone(corpus: va.Corpus) -> None:
    label(corpus)
    if find_spec("fiftyone") is None:
        with pytest.raises(va.MissingPackageError, match="FiftyOne is not installed"):
            va.labels.to_fiftyone(corpus)
        return
    detections, classifications = va.labels.to_fiftyone(corpus)
    assert list(detections) == ["films/alpha.mp4"]
    marks = detections["films/alpha.mp4"].detections
    assert [(mark.label, mark.support) for mark in marks] == [("night, city", [1, 50]), ("night, city", [51, 125])]
    found = {(concept, clip): mark.label for clip, marks in classifications.items() for concept, mark in marks.items()}
    assert found == AGREED


def test_the_release_holds_the_annotators_and_how_labels_grew(
    corpus: va.Corpus, other: va.Corpus, tmp_path: Path
) -> None:
    label(corpus)
    written = va.labels.export(corpus, tmp_path / "a", "va")
    names = sorted(path.relative_to(tmp_path / "a").as_posix() for path in written.files)
    assert names == [f"{part}/{name}.json" for part in ("agg", "checkpoints") for name in ("night, city", "Ø 雪 ⛄")]
    votes = msgspec.json.decode((tmp_path / "a/agg/night, city.json").read_bytes(), type=_Votes)
    assert (votes.primary, votes.secondaries) == ("kelli", ["=sam"])
    assert [(vote.key, vote.primary, vote.agg, vote.pos_cnt) for vote in votes.data] == [
        ("c00", True, True, 2),
        ("c01", True, True, 2),
    ]
    steps = msgspec.json.decode((tmp_path / "a/checkpoints/night, city.json").read_bytes(), type=list[_Split])
    assert [(step.pos, step.neg) for step in steps] == [
        (["c00"], ["c01"]),
        (["c00"], ["c01"]),
        (["c00", "c01"], ["c05", "c11"]),
    ]
    assert len(written.notes) == 4, "others than both have labelled, unsure, guidelines, times and notes"
    taken = va.labels.import_(other, tmp_path / "a")
    assert (taken.format, taken.annotators) == ("va", ["=sam", "kelli"])
    assert current(other) == {key: value for key, value in current(corpus).items() if value != "unsure"}
    with store_of(other) as store:
        history = store.history("night, city", "kelli")
    assert history["clip_id"].tolist() == ["c00", "c01", "c01", "c05", "c11"]
    assert va.labels.import_(other, tmp_path / "a").labels == 0


def test_label_studios_own_export_is_read(corpus: va.Corpus, tmp_path: Path) -> None:
    def result(kind: str, name: str, **value: Any) -> dict[str, Any]:
        return {"id": "x", "from_name": name, "to_name": "video", "type": kind, "value": value}

    tasks = [
        {
            "id": 7,
            "data": {"video": "/data/local-files/?d=films/alpha.mp4", "clip_id": "c00"},
            "annotations": [
                {
                    "completed_by": {"email": "kelli@example.org"},
                    "created_at": "2026-01-02T03:04:05.678Z",
                    "result": [result("choices", "night", choices=["yes"]), result("videorectangle", "box", x=1)],
                },
                {"completed_by": 4, "was_cancelled": True, "result": [result("choices", "night", choices=["no"])]},
            ],
        },
        {
            "id": 8,
            "data": {"video": "s3://bucket/gamma.mov"},
            "annotations": [
                {
                    "completed_by": 4,
                    "result": [
                        result("timelinelabels", "t", ranges=[{"start": 1, "end": 50}], timelinelabels=["run"]),
                        {**result("choices", "kind", choices=["drama"], start=2.0, end=5.0)},
                    ],
                }
            ],
        },
    ]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    taken = va.labels.import_(corpus, tmp_path / "tasks.json")
    assert current(corpus) == {
        ("night", "kelli@example.org", "c00"): "yes",
        ("run", "user 4", "c08"): "yes",
        ("drama", "user 4", "c09"): "yes",
    }
    with store_of(corpus) as store:
        assert [event.time for event in store.labels("night")] == ["2026-01-02T03:04:05.678000+00:00"]
    assert taken.notes == [
        "Results of other kinds, such as boxes: 1 left out.",
        "Cancelled annotations: 1 left out.",
    ]


def test_other_programs_chapters_and_tiers_are_read(corpus: va.Corpus, tmp_path: Path) -> None:
    (tmp_path / "alpha.vtt").write_text(
        "WEBVTT - chapters\n\nNOTE by hand\n\n1\n00:00.000 --> 00:02.000 align:start\n<b>Night &amp; day</b>\n\n"
        "00:02.000 --> 00:10.000\nsnow\n"
    )
    with pytest.raises(va.ExchangeError, match="say themselves in what their times are: leave times= away"):
        va.labels.import_(corpus, tmp_path / "alpha.vtt", annotator="a", times="milliseconds")
    va.labels.import_(corpus, tmp_path / "alpha.vtt", annotator="a")
    (tmp_path / "beta.eaf").write_text(
        '<?xml version="1.0" encoding="UTF-8"?><ANNOTATION_DOCUMENT><HEADER>'
        '<MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/films/gamma.mov"/></HEADER><TIME_ORDER>'
        '<TIME_SLOT TIME_SLOT_ID="1" TIME_VALUE="100"/><TIME_SLOT TIME_SLOT_ID="2" TIME_VALUE="2100"/></TIME_ORDER>'
        '<TIER TIER_ID="scene" LINGUISTIC_TYPE_REF="x"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a"'
        ' TIME_SLOT_REF1="1" TIME_SLOT_REF2="2"><ANNOTATION_VALUE>rain</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>'
        "</ANNOTATION></TIER></ANNOTATION_DOCUMENT>"
    )
    va.labels.import_(corpus, tmp_path / "beta.eaf", annotator="b")
    assert current(corpus) == {
        ("Night & day", "a", "c00"): "yes",
        ("snow", "a", "c01"): "yes",
        ("snow", "a", "c02"): "yes",
        ("rain", "b", "c08"): "yes",
    }


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "{}"><!ENTITY b "&a;&a;">]><ANNOTATION_DOCUMENT>&b;'


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.eaf", BOMB, "declares a document type"),
        ("a.eaf", BOMB.replace('"{}"', 'SYSTEM "file:///etc/hostname"'), "declares a document type"),
        ("a.eaf", "<ANNOTATION_DOCUMENT><HEADER>", "no whole XML"),
        ("a.eaf", "<html/>", "no file of ELAN"),
        ("a.vtt", "1\n00:01.000 --> 00:02.000\nx\n", "does not begin with WEBVTT"),
        ("a.vtt", "WEBVTT\n\n00:01.000 -> 00:02.000\nx\n", "line 3: it is no cue"),
        ("a.json", '[{"data": {"video": "a.mp4"}, "annotations": [', "may be cut off"),
        ("a.json", '[{"id": 1, "video": "a.mp4", "choice": "yes"}]', "not as JSON-MIN"),
        ("a.json", '{"videos": [], "annotations": {}}', "no list of objects called"),
        ("a.json", '{"classes": []}', "no object called labels"),
        ("a.json", "[" * 100_000, "no JSON"),
    ],
)
def test_damaged_and_hostile_files_are_refused(
    corpus: va.Corpus, tmp_path: Path, name: str, text: str, reason: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(va.ExchangeError, match=reason):
        va.labels.import_(corpus, tmp_path / name, annotator="kelli")
    assert not (corpus.path / "labels.sqlite").exists()


def test_names_that_lead_elsewhere_stay_in_the_folder(corpus: va.Corpus, tmp_path: Path) -> None:
    names = ["../../up", "/etc/x", "CON", "a:b|c?*", ".hidden", "100 %", "<b>& \"'</b>", "---", " -->", "NOTE", "=x()"]
    with store_of(corpus) as store:
        for concept in names:
            store.append("k", concept, {"c00": "yes"}, "search")
    before = {path.name for path in tmp_path.iterdir()}
    for kind in ("va", "datasets", "webvtt", "elan", "fiftyone"):
        written = va.labels.export(corpus, tmp_path / kind, kind)
        assert all(file.resolve().is_relative_to(tmp_path / kind) for file in written.files)
        other = va.Corpus.open(corpus.path)
        taken = va.labels.import_(other, tmp_path / kind, annotator=f"by {kind}")
        assert taken.concepts == ([] if kind in ("va", "datasets", "elan") else sorted(names))
    assert {path.name for path in tmp_path.iterdir()} == before | {"va", "datasets", "webvtt", "elan", "fiftyone"}
    assert "<b>" not in (tmp_path / "datasets" / "README.md").read_text()


def test_a_folder_with_something_in_it_is_not_written_to(corpus: va.Corpus, tmp_path: Path) -> None:
    label(corpus)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine.txt").write_text("mine")
    with pytest.raises(va.ExchangeError, match="something in"):
        va.labels.export(corpus, tmp_path / "a", "elan")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["mine.txt"]
