"""Timelines of editing programs as tables of segments."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import va_widgets as va
from va_widgets.base.errors import MissingPackageError
from va_widgets.corpus.user_tables.timecode import FrameCount
from va_widgets.corpus.user_tables.timelines import TimelineClip, read_timeline

EDL = """TITLE: Über alles
FCM: DROP FRAME

001  A001C002 V     C        01:00:02;12 01:00:04;00 00:00:00;00 00:00:01;18
* FROM CLIP NAME: A001C002.MOV
* LOC: 00:00:00:10 RED  01:00:00:00 a remark
002  AX       AA/V  C        00:00:10:00 00:00:12:00 00:00:01:18 00:00:03:18
* FROM CLIP NAME:  a film.mp4
* FROM CLIP: file:///Volumes/x/a%20film.mp4
003  A001C002 A2    C        01:00:02:12 01:00:04:00 00:00:00:00 00:00:01:18
004  REEL_1   V     C        01:00:05:00 01:00:05:00 00:00:03:18 00:00:03:18
004  REEL_2   V     D    012 02:00:00:00 02:00:02:00 00:00:03:18 00:00:05:18
M2   REEL_2       050.0                02:00:00:00
* FROM CLIP NAME: one.mov
* TO CLIP NAME: two.mov
005  BL       V     C        00:00:00:00 00:00:02:00 00:00:05:18 00:00:07:18
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_the_events_of_an_edl(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "t.edl").write_bytes(EDL.replace("\n", "\r\n").encode(encoding))
    assert read_timeline(tmp_path / "t.edl") == [
        TimelineClip(
            "event 001", ("A001C002.MOV", "A001C002"), "01:00:02;12", "01:00:04;00", "A001C002.MOV", "A001C002"
        ),
        TimelineClip(
            "event 002", ("file:///Volumes/x/a%20film.mp4", "a film.mp4"), "00:00:10:00", "00:00:12:00", "a film.mp4"
        ),
        TimelineClip("event 004", ("two.mov", "REEL_2"), "02:00:00:00", "02:00:02:00", "two.mov", "REEL_2"),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("TITLE: x\n001  a  V  C  01:00:00:00 01:00:01:00\n", "Line 2 of .* is no event of an EDL"),
        ("TITLE: nothing\n", "holds no clips of videos"),
        ("", "holds no clips of videos"),
    ],
)
def test_an_edl_that_is_none_is_refused(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "t.edl").write_text(content, encoding="utf-8")
    with pytest.raises(va.CorpusError, match=told) as raised:
        read_timeline(tmp_path / "t.edl")
    assert "\n" not in str(raised.value)


def test_the_clips_of_an_otio_timeline(tmp_path: Path) -> None:
    otio = pytest.importorskip("opentimelineio")
    time, span, schema = otio.opentime.RationalTime, otio.opentime.TimeRange, otio.schema

    def part(start: float, length: float, rate: float = 24) -> object:
        return span(time(start, rate), time(length, rate))

    timeline = schema.Timeline("t")
    pictures, sounds = schema.Track("V1", kind="Video"), schema.Track("A1", kind="Audio")
    timeline.tracks.extend([pictures, sounds])
    pictures.extend(
        [
            schema.Clip("one", schema.ExternalReference("file:///x/a%20film.mp4", part(86_400, 240)), part(86_424, 48)),
            schema.Gap(source_range=part(0, 10)),
            schema.Clip("two.mov", schema.MissingReference(), part(30, 15, 25)),
            schema.Clip("three", schema.ExternalReference("sub/b%20c.mov")),
            schema.Clip("bars", schema.GeneratorReference("bars", "SMPTEBars"), part(0, 10)),
        ]
    )
    nested = schema.Stack("nested")
    nested.append(schema.Clip("four", schema.ExternalReference("d.mov", part(0, 100)), part(1, 2)))
    pictures.append(nested)
    sounds.append(schema.Clip("a song", schema.ExternalReference("a.wav", part(0, 240)), part(0, 48)))
    otio.adapters.write_to_file(timeline, str(tmp_path / "t.otio"))
    assert read_timeline(tmp_path / "t.otio") == [
        TimelineClip(
            "clip 1",
            ("file:///x/a%20film.mp4", "file:///x/a film.mp4", "one"),
            FrameCount(24, 24, True),
            FrameCount(72, 24, True),
            "one",
        ),
        TimelineClip("clip 2", ("two.mov",), FrameCount(30, 25), FrameCount(45, 25), "two.mov"),
        TimelineClip("clip 3", ("sub/b%20c.mov", "sub/b c.mov", "three"), None, None, "three"),
        TimelineClip("clip 4", ("d.mov", "four"), FrameCount(1, 24, True), FrameCount(3, 24, True), "four"),
    ]


def test_an_otio_file_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentimelineio")
    for content in (b"{", b"\xff\xfe", b'{"OTIO_SCHEMA": "Timeline.99"}', b"[1, 2]"):
        (tmp_path / "t.otio").write_bytes(content)
        with pytest.raises(va.CorpusError, match=r"cannot be read as a timeline|holds no clips") as raised:
            read_timeline(tmp_path / "t.otio")
        assert "\n" not in str(raised.value)
    monkeypatch.setitem(sys.modules, "opentimelineio", None)
    with pytest.raises(MissingPackageError, match=r'pip install "va-widgets\[reel\]"'):
        read_timeline(tmp_path / "t.otio")
