"""A corpus and its videos are moved, together or one without the other; one call says where the videos are now."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import va_widgets as va
from tests.unit.video.video_files import write_video
from va_widgets import cli
from va_widgets.corpus.manifest import MANIFEST_FILE
from va_widgets.encoders.protocol import OpenClipEncoder


class Counting(OpenClipEncoder):
    """An encoder that counts the frames it was given."""

    frames = 0

    def encode_frames(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        self.frames += len(frames)
        return super().encode_frames(frames)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `films/a.mp4`, `films/new/b.mp4`, `shorts/c.mp4` and a corpus of them all in `corpus`."""
    home = tmp_path_factory.mktemp("made")
    for seed, name in enumerate(("films/a.mp4", "films/new/b.mp4", "shorts/c.mp4")):
        write_video(home / name, [(seed, 5)], size=(48, 32))
    va.Corpus.build(home / "corpus", home / "films", progress=False).add(home / "shorts", progress=False)
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """The corpus alone, copied from the machine where it was made; its videos are in `there` now."""
    shutil.copytree(made / "corpus", tmp_path / "home" / "corpus")
    shutil.copytree(made / "films", tmp_path / "there" / "films")
    shutil.copytree(made / "shorts", tmp_path / "there" / "shorts")
    pretend(tmp_path / "home" / "corpus", {str(made): "/mnt/archive"})
    return tmp_path / "home"


def pretend(corpus: Path, places: dict[str, str]) -> None:
    """Let the videos of a corpus have come from other places."""
    file = corpus / MANIFEST_FILE
    found = json.loads(file.read_text())
    for root in found["roots"]:
        for old, new in places.items():
            root["absolute"] = root["absolute"].replace(old, new)
        root["relative"] = ""
    file.write_text(json.dumps(found))


def playable(corpus: va.Corpus) -> list[bool]:
    """Whether each clip can be cut from its video now."""
    shutil.rmtree(corpus.path / "previews", ignore_errors=True)
    can = []
    for clip in corpus.clips.index:
        try:
            can.append(bool(corpus.preview(clip)))
        except va.PreviewUnavailableError:
            can.append(False)
    return can


@pytest.mark.slow
def test_one_call_says_where_all_videos_are_and_a_build_then_does_nothing(home: Path) -> None:
    corpus = va.Corpus.open(home / "corpus")
    assert playable(corpus) == [False] * 3
    with pytest.raises(
        va.PreviewUnavailableError,
        match=r"^The video a\.mp4 is no longer in /mnt/archive/films: put it back .* by corpus\.relocate\(old, new\)",
    ):
        corpus.preview(corpus.clips.index[0])
    assert corpus.relocate("/mnt/archive", home.parent / "there") is corpus
    assert playable(corpus) == [True] * 3
    opened = va.Corpus.open(home / "corpus")
    assert playable(opened) == [True] * 3
    assert opened.clips.equals(corpus.clips)
    manifest = (home / "corpus" / "manifest.json").read_bytes()
    encoder = Counting()
    again = va.Corpus.build(home / "corpus", home.parent / "there" / "films", encoder, progress=False)
    assert again.clips.equals(corpus.clips)
    write_video(home.parent / "there" / "shorts" / "d.mp4", [(9, 5)], size=(48, 32))
    (home.parent / "there" / "films" / "a.mp4").touch()  # a copy that did not keep its time
    grown = va.Corpus.build(home / "corpus", home.parent / "there" / "films", encoder, progress=False)
    assert encoder.frames == 0
    assert grown.clips.equals(corpus.clips)
    grown = grown.add(home.parent / "there" / "shorts", progress=False)
    assert corpus.clips.index.tolist() == grown.clips.index[:3].tolist()
    assert manifest != (home / "corpus" / "manifest.json").read_bytes()
    assert grown.report["source"].tolist() == ["a.mp4", "new/b.mp4", "c.mp4", "d.mp4"]


def test_without_old_all_videos_have_moved(home: Path) -> None:
    corpus = va.Corpus.open(home / "corpus").relocate(home.parent / "there")
    assert playable(corpus) == [True] * 3
    shutil.move(home.parent / "there" / "films", home.parent / "movies")
    with pytest.raises(
        va.CorpusError, match=r"^3 of 3 videos are not in .*movies \(a\.mp4; new/b\.mp4; c\.mp4\): give"
    ):
        corpus.relocate(home.parent / "movies")
    corpus.relocate(old=home.parent / "there" / "films", new=home.parent / "movies")
    assert playable(va.Corpus.open(home / "corpus")) == [True] * 3


@pytest.mark.parametrize(
    ("root", "old"),
    [
        ("C:/Users/me/films", r"C:\Users\me"),
        ("C:/Users/me/films", "c:/users/ME/"),
        ("//server/share/films", r"\\server\share"),
        ("/mnt/archive/films", "/mnt/archive/./"),
    ],
)
def test_paths_of_other_systems_are_understood(root: str, old: str, home: Path) -> None:
    pretend(home / "corpus", {"/mnt/archive/films": root, "/mnt/archive/shorts": "/elsewhere"})
    corpus = va.Corpus.open(home / "corpus").relocate(old, home.parent / "there")
    assert playable(corpus) == [True, True, False]


def test_links_and_the_home_folder_are_followed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home.parent))
    monkeypatch.setenv("USERPROFILE", str(home.parent))
    corpus = va.Corpus.open("~/home/corpus").relocate("/mnt/archive/films", "~/there/films")
    (home.parent / "link").symlink_to(home.parent / "there")
    shutil.copytree(home.parent / "there", home.parent / "other")
    corpus.relocate("~/link", "~/other")  # the root is where the link leads
    shutil.rmtree(home.parent / "there")
    assert playable(corpus) == [True, True, False]


def test_videos_that_are_not_there_are_named_and_nothing_is_written(home: Path) -> None:
    there = home.parent / "there"
    (there / "films" / "new" / "b.mp4").unlink()
    with (there / "films" / "a.mp4").open("ab") as opened:
        opened.write(b"more")
    corpus = va.Corpus.open(home / "corpus")
    before = (home / "corpus" / "manifest.json").read_bytes()
    with pytest.raises(
        va.CorpusError,
        match=r"^2 of 3 videos are not in .*there \(a\.mp4, which has another size there; new/b\.mp4\): give the folder"
        r" that holds all, or missing_ok=True to go on without these\.$",
    ):
        corpus.relocate("/mnt/archive", there)
    assert (home / "corpus" / "manifest.json").read_bytes() == before
    corpus.relocate("/mnt/archive", there, missing_ok=True)
    assert playable(corpus) == [True, False, True]


def test_what_makes_no_sense_is_refused_in_one_sentence(home: Path, tmp_path: Path) -> None:
    corpus = va.Corpus.open(home / "corpus")
    there = home.parent / "there"
    for places, message in (
        (
            ("/mnt/else", there),
            r"^This corpus has no videos of /mnt/else: they come from /mnt/archive/films, /mnt/arch",
        ),
        (("/mnt/archive/films/new", there), r"is only a part of /mnt/archive/films, .*: corpus\.add of the new folder"),
        (("/mnt/archive", "nowhere"), r"^There is no folder .*nowhere: give the folder where the videos are now\.$"),
        ((), r"^Say where the videos are now: corpus\.relocate\(new\), or corpus\.relocate\(old, new\)\.$"),
        ((5, there), r"must be a path, a text or a pathlib\.Path, not 5"),
    ):
        with pytest.raises(va.CorpusError, match=message):
            corpus.relocate(*places)
    pretend(home / "corpus", {"/mnt/archive/shorts": "D:/shorts"})
    with pytest.raises(va.CorpusError, match=r"videos of 2 folders \(/mnt/archive/films, D:\\shorts\): say which has"):
        corpus.relocate(there)
    given = va.Corpus.from_embeddings(
        tmp_path / "g", np.eye(2, dtype=np.float32), pd.DataFrame({"clip_id": ["a", "b"]})
    )
    with pytest.raises(va.CorpusError, match=r"has no videos that could be moved: it was made of embeddings alone"):
        given.relocate(there)


def test_a_corpus_that_cannot_be_written_is_relocated_for_the_session(home: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("a file system cannot be mounted here: that takes root")
    try:
        shutil.copytree(home / "corpus", disk / "corpus")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        corpus = va.Corpus.open(disk / "corpus")
        with pytest.raises(
            va.CorpusError, match=r"^The corpus in .* cannot be written \(Read-only file system\): give save=False to"
        ):
            corpus.relocate("/mnt/archive", home.parent / "there")
        corpus.relocate("/mnt/archive", home.parent / "there", save=False)
        assert all(corpus.preview(clip) for clip in corpus.clips.index)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_the_command_line_relocates(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["relocate", str(home / "corpus"), "/mnt/nowhere", str(home.parent / "there")]) == 1
    assert "This corpus has no videos of /mnt/nowhere" in capsys.readouterr().err
    assert cli.main(["relocate", str(home / "corpus"), str(home.parent / "there")]) == 0
    assert playable(va.Corpus.open(home / "corpus")) == [True] * 3


@pytest.mark.slow
def test_files_that_came_decomposed_from_another_system_are_found(home: Path) -> None:
    there = home.parent / "there" / "films"
    for name in ("é.mp4", "e\u0301.mp4"):
        write_video(there / name, [(5, 5)], size=(48, 32))
        corpus = va.Corpus.build(home.parent / f"c{len(name)}", there, progress=False)
        (there / name).rename(there / ("e\u0301.mp4" if name == "é.mp4" else "é.mp4"))
        assert corpus.preview(corpus.clips.index[corpus.clips["video"] == name][0])
        corpus.relocate(there)
        (there / "e\u0301.mp4").unlink(missing_ok=True)
        (there / "é.mp4").unlink(missing_ok=True)
