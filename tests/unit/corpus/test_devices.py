"""Only regular files are read: pipes, devices, sockets and folders are listed with a reason, and nothing hangs."""

from __future__ import annotations

import os
import re
import socket
import threading
from pathlib import Path

import pandas as pd
import pytest

import va_widgets as va
from tests.unit.video.video_files import write_video
from va_widgets.base.paths import irregular, open_regular, replacing
from va_widgets.corpus.listing import find_sources
from va_widgets.corpus.sources import SourceFile, content_key
from va_widgets.display.player import Thumbnail
from va_widgets.video.decode import Video
from va_widgets.video.decoder_messages import Failed, PicturesRequest, Refused, Request
from va_widgets.video.decoder_process import DecoderProcess
from va_widgets.video.errors import UndecodableError
from va_widgets.video.filmstrip import Filmstrip
from va_widgets.video.preview import cut

ODD = {"folder.mp4": "a folder", "pipe.mp4": "a pipe", "link.mkv": "a pipe", "zero.mov": "a device"}

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder with what is no file; nobody writes to the pipe, and /dev/zero has no end."""
    folder = tmp_path / "v"
    folder.mkdir()
    (folder / "folder.mp4").mkdir()
    os.mkfifo(folder / "pipe.mp4")
    (folder / "link.mkv").symlink_to("pipe.mp4")
    (folder / "zero.mov").symlink_to("/dev/zero")
    os.mkfifo(folder / "poster.jpg")
    return folder


def test_what_is_no_file_is_listed_with_its_reason(odd: Path, tmp_path: Path) -> None:
    with pytest.raises(va.NoVideosError, match=r"; 5 others cannot be read \(.*: it is a .*, not a file\)\.$"):
        va.Corpus.build(tmp_path / "c", odd, "va-tiny", progress=False)
    write_video(odd / "a.mp4", [(1, 10)], size=(48, 32))
    (odd / "films.mp4").mkdir()
    write_video(odd / "films.mp4" / "b.mp4", [(2, 10)], size=(48, 32))
    corpus = va.Corpus.build(tmp_path / "c", odd, "va-tiny", progress=False)
    report = corpus.report.set_index("source")
    assert set(report.index) == {"a.mp4", "films.mp4/b.mp4", *ODD}  # the poster is no video, and not asked for
    for name, what in ODD.items():
        assert report.loc[name, "status"] == "skipped"
        assert report.loc[name, "reason"] == f"it is {what}, not a file"
    manifest = (tmp_path / "c" / "manifest.json").read_bytes()
    va.Corpus.build(tmp_path / "c", odd, "va-tiny", progress=False)
    assert (tmp_path / "c" / "manifest.json").read_bytes() == manifest


def test_named_one_by_one_they_are_refused(odd: Path, tmp_path: Path) -> None:
    write_video(odd / "a.mp4", [(1, 10)], size=(48, 32))
    for name in ("pipe.mp4", "zero.mov"):
        refused = rf"{name} cannot be read (it is {ODD[name]}, not a file)"
        with pytest.raises(va.NoVideosError, match=re.escape(refused)):
            find_sources([odd / name])
        (group,) = find_sources([odd / "a.mp4", odd / name])
        assert [file.name for file in group.files] == ["a.mp4"]
        assert [refused in reason for _, reason in group.unread] == [True]
    rows = pd.DataFrame({"video": ["a.mp4", *ODD], "start": 0.0, "end": 0.2})
    corpus = va.Corpus.from_manifest(tmp_path / "c", rows, "va-tiny", videos=odd, progress=False)
    reasons = corpus.report.set_index("source")["reason"].to_dict()
    assert reasons == {"a.mp4": "", **{name: f"it is {what}, not a file" for name, what in ODD.items()}}
    for name in ("pipe.csv", "zero.csv"):
        (odd / name).symlink_to(odd / "pipe.mp4" if name == "pipe.csv" else "/dev/zero")
        with pytest.raises(va.CorpusError, match="There is no file"):
            va.Corpus.from_manifest(tmp_path / "d", odd / name, "va-tiny", progress=False)


@pytest.mark.parametrize("name", list(ODD))
def test_what_takes_a_file_s_place_later_is_not_read(odd: Path, name: str) -> None:
    """As where it was exchanged after it was found."""
    with pytest.raises(OSError, match="not a file"):
        content_key(SourceFile(name, str(odd / name), 10, 0))
    with pytest.raises(UndecodableError, match="not a file"):
        Video(odd / name, 10, 8, 8)
    with pytest.raises(va.PreviewUnavailableError, match="not a file"):
        cut(odd / name, 0.0, 1.0)


def test_the_process_that_reads_neither_waits_nor_fills_memory(odd: Path) -> None:
    reader = DecoderProcess()
    try:
        for name in ("pipe.mp4", "zero.mov"):
            (*_, last) = reader.read(Request(str(odd / name), 10, 8, 1))
            assert isinstance(last, Failed)
            assert "not a file" in last.reason
        pictures = PicturesRequest([str(odd / "poster.jpg"), "/dev/zero"], 8)
        refused = [one.reason for one in reader.read(pictures) if isinstance(one, Refused)]
        assert refused == ["it is a pipe, not a file", "it is a device, not a file"]
    finally:
        reader.close()


def test_a_file_that_says_0_bytes_and_has_no_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    endless = Path("/proc/self/pagemap")  # terabytes, as a regular file of 0 bytes
    if not endless.exists():
        pytest.skip("this system has no such file")
    (tmp_path / "empty").touch()
    keys = {content_key(SourceFile("a.mp4", str(file), 0, 0)) for file in (endless, tmp_path / "empty")}
    assert len(keys) == 1


def test_a_file_is_opened_only_if_it_is_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"data")
    (tmp_path / "link").symlink_to("file")
    with open_regular(tmp_path / "link") as opened:
        assert opened.read() == b"data"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s"))
        assert irregular(tmp_path / "s") == "it is a socket, not a file"
    assert irregular(tmp_path) == "it is a folder, not a file"
    assert irregular(tmp_path / "link") == irregular(tmp_path / "nothing") == irregular("nul\0") == ""
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "nothing")


def test_a_pipe_that_comes_between_looking_and_opening_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    looked = Path.stat

    def exchanged(self: Path, **options: bool) -> os.stat_result:
        found = looked(self, **options)
        os.replace(tmp_path / "pipe", tmp_path / "file")
        return found

    monkeypatch.setattr(Path, "stat", exchanged)
    with pytest.raises(OSError, match="it is a pipe, not a file"):
        open_regular(tmp_path / "file")


# --- files that are written ------------------------------------------------------------------------


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before")

    def half() -> None:
        with replacing(file) as unfinished:
            unfinished.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert file.read_text() == "before"
    with replacing(file) as unfinished:
        unfinished.write_text("after")
        assert file.read_text() == "before"
    assert file.read_text() == "after"
    plain = tmp_path / "plain"
    plain.touch()
    assert file.stat().st_mode == plain.stat().st_mode
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "plain"]


def test_links_that_lie_beside_or_in_place_of_a_report_are_not_followed(tmp_path: Path) -> None:
    from va_widgets.display.report import Report

    (tmp_path / "out").mkdir()
    (tmp_path / "mine").write_text("mine")
    report = tmp_path / "out" / "report.html"
    for name in (f".unfinished-{os.getpid()}-{threading.get_ident()}", "report.html"):
        (tmp_path / "out" / name).symlink_to(tmp_path / "mine")
    assert Report("<!doctype html>", "a page").save(report) == report
    assert (tmp_path / "mine").read_text() == "mine"
    assert not report.is_symlink()
    assert report.read_text() == "<!doctype html>"


def test_the_demo_writes_through_no_link(tmp_path: Path) -> None:
    from va_widgets.demo.videos import write_truth

    (tmp_path / "mine").write_text("mine")
    for name in ("truth.json", "demo.json"):
        (tmp_path / name).symlink_to(tmp_path / "mine" if name == "truth.json" else tmp_path / "not there")
    write_truth(tmp_path / "truth.json", [])
    assert (tmp_path / "mine").read_text() == "mine"
    (tmp_path / "truth.json").unlink()
    va.demo.corpus(tmp_path, clips=2, videos=False, progress=False)
    assert not (tmp_path / "not there").exists()


def test_a_picture_that_is_a_program_for_ghostscript_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    ghostscript = tmp_path / "bin" / "gs"
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path}/marker\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(program)
    with pytest.raises(va.NoVideosError, match="it is not a picture of a kind that is known here"):
        va.Corpus.build(tmp_path / "c", tmp_path, "va-tiny", progress=False)
    with pytest.raises(va.CorpusError, match="is damaged"):
        _ = Thumbnail(Filmstrip(1, 9, 9, "image/jpeg", program)).image
    assert not (tmp_path / "marker").exists()
