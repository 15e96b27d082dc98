"""Hits as a reel for people who edit video."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.unit.video.video_files import with_time_code


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> va.Corpus:
    """Videos of several rates, one with a name that would be a formula, and a clip without times."""
    clips = pd.DataFrame(
        {
            "clip_id": ["a0", "a1", "b0", "c0", "d0", "p"],
            "video": ["a film.mp4", "a film.mp4", "=b'\n.mp4", "/private/c.mp4", "\\\\server\\東京.mp4", "p.jpg"],
            "start": [0.0, 2.0, 60.0, 1001 / 24, 1.0, np.nan],
            "end": [2.0, 4.5, 61.0, 1001 / 24 + 1001 / 1000, 2.0, np.nan],
            "fps": [25.0, 25.0, 25.0, 24000 / 1001, 12.0, 0.0],
        }
    )
    vectors = np.eye(6, 4, dtype=np.float32) + 0.1
    return va.Corpus.from_embeddings(tmp_path_factory.mktemp("reel") / "corpus", vectors, clips)


def hits(*clips: str) -> pd.DataFrame:
    table = pd.DataFrame({"score": np.linspace(0.9, 0.5, len(clips), dtype=np.float32)}, index=pd.Index(clips))
    table["note"] = "-1+2"
    return table.rename_axis("clip_id")


def test_a_table_has_frames_and_times_and_no_formulas(corpus: va.Corpus, tmp_path: Path) -> None:
    table = hits("b0", "a1", "p").rename(columns={"note": "@note"})
    file = va.export_hits(table, corpus, tmp_path / "hits.csv", handles=1.0)
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert list(rows[0]) == ["clip_id", "video", "in", "out", "fps", "start", "end", "score", "'@note"]
    assert [row["clip_id"] for row in rows] == ["b0", "a1", "p"]
    assert (rows[0]["video"], rows[0]["'@note"]) == ("'=b’ .mp4", "'-1+2")
    assert (rows[1]["in"], rows[1]["out"], rows[1]["start"], rows[1]["end"]) == ("25", "112", "1.0", "4.48")
    assert rows[2]["start"] == rows[2]["end"] == ""


def test_a_timeline_has_each_clip_at_its_own_rate_in_the_order_of_the_hits(corpus: va.Corpus, tmp_path: Path) -> None:
    otio = pytest.importorskip("opentimelineio")
    file = va.export_hits(hits("c0", "a1", "d0"), corpus, tmp_path / "hits.otio", handles=0.5)
    timeline = otio.adapters.read_from_file(str(file))
    clips = list(timeline.find_clips())
    assert [clip.metadata["va_widgets"]["clip_id"] for clip in clips] == ["c0", "a1", "d0"]
    assert clips[0].metadata["va_widgets"]["score"] == pytest.approx(0.9)
    assert clips[1].name == "002 a film.mp4 00:02.000"
    # Places that only the corpus names are not looked for.
    assert [clip.media_reference.target_url for clip in clips] == ["c.mp4", "a film.mp4", "東京.mp4"]
    ranges = [clip.source_range for clip in clips]
    assert [span.start_time.rate for span in ranges] == [24000 / 1001, 25.0, 12.0]
    assert (ranges[1].start_time.value, ranges[1].duration.value) == (38, 112 - 38)  # the handle ends with the video
    assert (ranges[0].start_time.value, ranges[0].duration.value) == (988, 36)
    assert (ranges[2].start_time.value, ranges[2].duration.value) == (6, 18)


def test_an_edl_has_the_timecode_of_every_clip(corpus: va.Corpus, tmp_path: Path) -> None:
    otio = pytest.importorskip("opentimelineio")
    pytest.importorskip("otio_cmx3600_adapter")
    file = va.export_hits(hits("a0", "b0", "d0"), corpus, tmp_path / "my hits.edl")
    clips = list(otio.adapters.read_from_file(str(file), rate=25).find_clips())
    times = [(clip.source_range.start_time.to_timecode(), clip.source_range.duration.value) for clip in clips]
    assert times == [("00:00:00:00", 50), ("00:01:00:00", 25), ("00:00:01:00", 25)]
    assert [clip.name for clip in clips] == [
        "001 a film.mp4 00:00.000",
        "002 =b’ .mp4 01:00.000",
        "003 東京.mp4 00:01.000",
    ]
    assert [clip.metadata["cmx_3600"]["reel"] for clip in clips] == ["afilm", "b", "00000003"]
    assert "TITLE: my hits" in file.read_text(encoding="utf-8")


def test_timelines_count_by_the_time_code_that_a_file_begins_with(tmp_path: Path) -> None:
    otio = pytest.importorskip("opentimelineio")
    pytest.importorskip("otio_cmx3600_adapter")
    names: dict[str, int | Fraction] = {
        "pal.mov": 25,
        "drop.mov": Fraction(30000, 1001),
        "none.mp4": 25,
        "nondrop.mp4": Fraction(30000, 1001),
    }
    codes = {"pal.mov": "10:00:00:00", "drop.mov": "01:00:00;00", "none.mp4": "", "nondrop.mp4": "01:00:00:00"}
    for name, rate in names.items():
        with_time_code(tmp_path / "v" / name, codes[name], rate, frames=1)
    clips = pd.DataFrame(
        {"video": list(names), "start": 1.0, "end": 2.0, "fps": [float(rate) for rate in names.values()]}
    )
    corpus = va.Corpus.from_embeddings(tmp_path / "c", np.eye(4), clips, videos=tmp_path / "v")

    def clip_of(name: str, suffix: str) -> Any:
        ids = corpus.clips.index[corpus.clips["video"] == name]
        return va.export_hits(list(ids), corpus, tmp_path / f"{name}{suffix}")

    def codes_in_edl(name: str) -> list[str]:
        line = next(line for line in clip_of(name, ".edl").read_text(encoding="utf-8").splitlines() if "001 " in line)
        return str(line).split()[4:6]

    assert codes_in_edl("pal.mov") == ["10:00:01:00", "10:00:02:00"]
    assert codes_in_edl("drop.mov") == ["01:00:01;00", "01:00:02;00"]
    assert codes_in_edl("nondrop.mp4") == ["01:00:01:00", "01:00:02:00"]
    assert codes_in_edl("none.mp4") == ["00:00:01:00", "00:00:02:00"]
    (clip,) = otio.adapters.read_from_file(str(clip_of("drop.mov", ".otio"))).find_clips()
    assert clip.source_range.start_time.value == 107892 + 30
    assert clip.media_reference.available_range.start_time.value == 107892


def test_final_cut_gets_exact_times_at_a_rate_that_it_has(corpus: va.Corpus, tmp_path: Path) -> None:
    otio = pytest.importorskip("opentimelineio")
    pytest.importorskip("otio_fcpx_xml_adapter")
    file = va.export_hits(hits("a1", "b0"), corpus, tmp_path / "hits.fcpxml")
    clips = list(otio.adapters.read_from_file(str(file)).find_clips())
    assert [clip.source_range.start_time.to_seconds() for clip in clips] == [2.0, 60.0]
    file = va.export_hits(hits("c0", "d0"), corpus, tmp_path / "hits.fcpxml")
    root = ElementTree.fromstring(file.read_text(encoding="utf-8"))
    assert {part.get("frameDuration") for part in root.iter("format")} == {"1001/24000s", "25/600s"}
    spine = next(root.iter("spine"))
    assert [clip.get("start") for clip in spine] == ["1001/24s", "1s"]
    assert [clip.get("duration") for clip in spine] == ["1001/1000s", "1/1s"]


def test_a_reel_of_real_videos_names_their_files(demo_corpus: va.Corpus, tmp_path: Path) -> None:
    otio = pytest.importorskip("opentimelineio")
    clip = demo_corpus.clips.iloc[3]
    demo_corpus.trust()
    with va.export_hits([str(clip.name)], demo_corpus, tmp_path / "one.csv").open(encoding="utf-8") as opened:
        assert Path(next(csv.DictReader(opened))["video"]).is_file()
    file = va.export_hits([str(clip.name)], demo_corpus, tmp_path / "one.otio")
    (only,) = otio.adapters.read_from_file(str(file)).find_clips()
    assert only.media_reference.target_url.startswith("file:///")
    assert only.media_reference.target_url.endswith(str(clip["video"]))
    assert (only.source_range.start_time.value, only.source_range.duration.value) == (
        clip["frame_in"],
        clip["frame_out"] - clip["frame_in"],
    )


def test_what_cannot_be_written_is_refused_and_a_former_file_stays(corpus: va.Corpus, tmp_path: Path) -> None:
    pytest.importorskip("opentimelineio")
    former = tmp_path / "hits.otio"
    former.write_text("former")
    with pytest.raises(va.ReelError, match="The clip p has no times"):
        va.export_hits(hits("a0", "p"), corpus, former)
    with pytest.raises(va.UnknownClipError):
        va.export_hits(["a0", "z"], corpus, former)
    with pytest.raises(va.ReelError, match="no hits"):
        va.export_hits(hits(), corpus, former)
    assert former.read_text() == "former"
    with pytest.raises(va.ReelError, match=r"suffix \.csv, \.otio, \.edl, \.fcpxml, not '\.mov'"):
        va.export_hits(hits("a0"), corpus, tmp_path / "hits.mov")
    with pytest.raises(va.ReelError, match="cannot be written"):
        va.export_hits(hits("a0"), corpus, tmp_path / "missing" / "hits.csv")
    with pytest.raises(va.ReelError, match="handles must be"):
        va.export_hits(hits("a0"), corpus, tmp_path / "hits.csv", handles=-1)
    with pytest.raises(va.ReelError, match="must be clip ids"):
        va.export_hits(pd.DataFrame({"x": [1]}), corpus, tmp_path / "hits.csv")
