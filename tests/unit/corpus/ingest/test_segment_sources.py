"""Segments by time code, from timelines and under the names that other systems write, of real files."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pandas as pd
import pytest

import va_widgets as va
from tests.unit.video.video_files import film, scene, with_time_code
from va_widgets.catalogue.reel import export_hits
from va_widgets.corpus.ingest.places import VideoPlaces
from va_widgets.encoders.protocol import Encoder, as_encoder
from va_widgets.video.source_clock import source_count


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return as_encoder("va-tiny")


@pytest.mark.parametrize("name", ["a.mov", "a.mp4", "a.mkv", "a.mxf"])
def test_the_time_code_of_a_file_is_read(tmp_path: Path, name: str) -> None:
    count = source_count(with_time_code(tmp_path / name, "10:00:00:00"))
    assert (int(count.rate), count.time_code) == (25, "10:00:00:00")
    assert source_count(film(tmp_path / "none.mp4", scene(0, 5))).time_code == ""


def test_clips_by_time_code_and_by_timelines(tmp_path: Path, encoder: Encoder) -> None:
    """A table, an EDL and a timeline that name the same part of a film by its time code."""
    film_ = with_time_code(tmp_path / "v" / "a film.mov", "10:00:00:00")
    (tmp_path / "t.csv").write_text(
        "Video;Start;End\na film.mov;10:00:00:12;10:00:01:12\na film.mov;09:00:00:00;10:00:01:12\n", encoding="utf-8"
    )
    (tmp_path / "t.edl").write_text(
        "TITLE: t\n001  AX  V  C  10:00:00:12 10:00:01:12 00:00:00:00 00:00:01:00\n"
        "* FROM CLIP NAME: A FILM\n002  AX  V  C  10:00:00:12 10:00:01:12 00:00:01:00 00:00:02:00\n"
        "* FROM CLIP NAME: gone.mov\n",
        encoding="utf-8",
    )
    expected = {"t.csv": ["a film.mov (row 3)"], "t.edl": ["gone.mov (event 002)"]}
    for name, skipped in expected.items():
        corpus = va.Corpus.from_manifest(
            tmp_path / f"c-{name}", tmp_path / name, encoder, videos=tmp_path / "v", progress=False
        )
        assert corpus.clips[["video", "start", "end"]].to_numpy().tolist() == [["a film.mov", 0.48, 1.48]]
        assert corpus.clips[["frame_in", "frame_out"]].to_numpy().tolist() == [[12, 37]]
        assert corpus.report.query("status == 'skipped'")["source"].tolist() == skipped
    assert "lies before 10:00:00:00" in str(va.Corpus.open(tmp_path / "c-t.csv").report["reason"].to_list())
    assert corpus.clips["name"].tolist() == ["A FILM"]
    assert corpus.video_of(corpus.clips.index[0]) == film_


def test_a_reel_of_ours_is_a_table_of_segments(tmp_path: Path, encoder: Encoder) -> None:
    pytest.importorskip("opentimelineio")
    film(tmp_path / "v" / "a & b.mp4", [one for seed in range(3) for one in scene(seed, 20)])
    cuts = pd.DataFrame({"video": "a & b.mp4", "start": [0.2, 1.0], "end": [0.6, 2.0]})
    corpus = va.Corpus.from_manifest(tmp_path / "c", cuts, encoder, videos=tmp_path / "v", progress=False)
    for suffix in (".otio", ".edl"):
        reel = export_hits(corpus.clips, corpus, tmp_path / f"reel{suffix}")
        again = va.Corpus.from_manifest(tmp_path / suffix[1:], reel, encoder, progress=False)
        assert again.clips.index.tolist() == corpus.clips.index.tolist()


@pytest.mark.parametrize("disk", ["NFC", "NFD", "mixed"])
@pytest.mark.parametrize("table", ["NFC", "NFD"])
def test_names_are_found_in_any_unicode_normal_form(tmp_path: Path, disk: str, table: str) -> None:
    def spelled(name: str, form: str) -> str:
        if form == "mixed":
            folder, file = name.split("/")
            return unicodedata.normalize("NFD", folder) + "/" + unicodedata.normalize("NFC", file)
        return unicodedata.normalize("NFC" if form == "NFC" else "NFD", name)

    file = tmp_path / spelled("Füße/Übung é.mp4", disk)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    places = VideoPlaces(tmp_path)
    for name in ("Füße/Übung é.mp4", " Füße/Übung é.mp4 ", "Füße\\Übung é.mp4"):
        assert places.place(spelled(name, table)) == str(file)
    assert places.place("Füße/none.mp4") == str(tmp_path / "Füße" / "none.mp4")
    assert places.missing(places.place("Füße/none.mp4"))
