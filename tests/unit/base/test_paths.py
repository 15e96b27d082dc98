"""A path that somebody gives means one place, whatever the working directory is later."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.unit.experiments.synthetic_release import write_release
from tests.unit.video.video_files import write_video
from va_widgets import cli
from va_widgets.base.names import is_reserved
from va_widgets.base.paths import absolute_path, inside
from va_widgets.display.report import Report
from va_widgets.labels.label_store import LabelStore
from va_widgets.models.names import slug


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory and the home folder, with a film in `films`; `elsewhere` is a folder to change to."""
    home = tmp_path / "home"
    write_video(home / "films" / "a.mp4", [(1, 15), (2, 15)], size=(48, 32))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    yield home
    assert list((tmp_path / "elsewhere").iterdir()) == []  # nothing was made where nobody asked for it


def test_a_path_is_absolute_as_of_now(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = absolute_path("films/../x")
    monkeypatch.chdir("/")
    assert taken == here / "x"
    assert absolute_path("~/x") == absolute_path(Path("~/x")) == here / "x"
    assert absolute_path(os.fsencode(here)) == here  # type: ignore[arg-type]  # it is taken all the same
    assert absolute_path((here / "ü x.mp4").as_uri()) == here / "ü x.mp4"
    assert absolute_path("~no such user/x") == Path("/~no such user/x").absolute()


@pytest.mark.slow
def test_a_session_goes_on_after_the_working_directory_changed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = va.Corpus.build("corpus", "films", progress=False)
    opened, session = va.Corpus.open("~/corpus"), va.Session(corpus, "a thing")
    assert corpus.path == opened.path == here / "corpus"
    write_video(here / "more" / "b.mp4", [(3, 5)], size=(48, 32))
    monkeypatch.chdir(here.parent / "elsewhere")
    clips = corpus.clips.index
    assert opened.preview(clips[0])
    assert opened.filmstrip(clips[0]).data
    assert opened.search("night", 1).size
    corpus.add("~/more", progress=False)
    assert len(corpus) == len(clips) + 1
    assert corpus.path == here / "corpus"
    assert corpus.report["source"].tolist() == ["a.mp4", "b.mp4"]
    assert corpus.with_columns(pd.DataFrame({"mine": 1}, index=clips)).path == here / "corpus"
    session.label(clips[0], True)
    session.label(clips[1], False)
    model = session.publish("a thing")
    assert session.report().save("~/report.html") == here / "report.html"
    session.close()
    assert va.load_model(f"~/corpus/models/{model.slug}").version == 1
    with LabelStore("~/corpus/labels.sqlite") as store:
        assert store.path == here / "corpus" / "labels.sqlite"
    assert sorted(entry.name for entry in here.iterdir()) == ["corpus", "films", "more", "report.html"]


@pytest.mark.slow
def test_tables_and_vectors_are_found_from_the_home_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pd.DataFrame({"video": ["films/a.mp4", "~/films/a.mp4"], "start": [0.0, 0.1], "end": [0.1, 0.2]}).to_csv("t.csv")
    np.save("v.npy", np.eye(3, dtype=np.float32))
    pd.DataFrame({"clip_id": ["a", "b", "c"]}).to_csv("c.csv", index=False)
    vectors = va.corpus.ingest.vectors.read_vectors("v.npy")
    monkeypatch.chdir(here.parent / "elsewhere")
    made = va.Corpus.from_manifest("~/m", "~/t.csv", progress=False)
    assert made.clips["video"].tolist() == ["a.mp4", "a.mp4"]
    assert va.Corpus.from_manifest("~/n", "~/t.csv", videos="~", progress=False).path == here / "n"
    assert len(va.Corpus.from_embeddings("~/g", "~/v.npy", "~/c.csv")) == 3
    assert len(va.Corpus.from_embeddings("~/h", vectors, "~/c.csv")) == 3  # its file is read only now


@pytest.mark.slow
def test_experiments_and_the_command_line_know_the_home_folder(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_release(here / "release")
    monkeypatch.chdir(here.parent / "elsewhere")
    release = va.experiments.open_release("~/release", "~/r")
    assert (release.folder, release.corpus.path) == (here / "release", here / "r")
    assert cli.main(["build", "~/c", "~/films"]) == 0
    assert cli.main(["info", "~/c"]) == 0
    assert f"Corpus in {here / 'c'}" in capsys.readouterr().out
    assert va.demo.corpus("~/d", clips=4, videos=False, progress=False).path == here / "d"


@pytest.mark.slow
def test_a_corpus_behind_a_link_is_called_by_it_and_knows_its_videos(here: Path) -> None:
    Path("corpora").mkdir()
    Path("link").symlink_to("corpora")
    Path("videos").symlink_to("films")
    corpus = va.Corpus.build("link/corpus", "videos", progress=False)
    assert corpus.path == here / "link" / "corpus"
    manifest = Path("corpora/corpus/manifest.json").read_bytes()
    for path, videos in (
        ("corpora/corpus", "films"),
        ("link/corpus", ["videos/a.mp4"]),
        ("link/corpus", "films/a.mp4"),
    ):
        assert va.Corpus.build(path, videos, progress=False).clips.equals(corpus.clips)
    assert Path("corpora/corpus/manifest.json").read_bytes() == manifest
    # Moved together, seen through the link, the videos are still beside the corpus.
    shutil.rmtree("corpora/corpus/previews", ignore_errors=True)
    Path("moved").mkdir()
    Path("corpora").rename("moved/corpora")
    Path("films").rename("moved/films")
    Path("link").unlink()
    Path("link").symlink_to("moved/corpora")
    assert va.Corpus.open("link/corpus").trust().preview(corpus.clips.index[0])


def test_a_report_may_have_the_longest_name(here: Path) -> None:
    page = Report("<!doctype html>", "a page")
    name = "r" * 250 + ".html"
    assert page.save(name) == here / name
    assert sorted(entry.name for entry in here.iterdir()) == ["films", name]
    with pytest.raises(va.ReportError, match=r"File name too long"):
        page.save("r" * 300)
    assert sorted(entry.name for entry in here.iterdir()) == ["films", name]


def test_no_model_has_a_name_that_windows_reserves() -> None:
    names = ["con", "NUL", "aux", "lpt1", "Com9", "console"]
    assert not any(is_reserved(slug(name)) for name in names)
    assert len({slug(name) for name in names}) == len(names)
    assert slug("console") == "console"


def test_a_path_inside_a_folder_may_not_lead_out_by_a_link(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "corpus", tmp_path / "elsewhere"
    (folder / "previews").mkdir(parents=True)
    elsewhere.mkdir()
    (folder / "kept").symlink_to("previews")
    (folder / "models").symlink_to(elsewhere)
    (folder / "labels.sqlite").symlink_to(elsewhere / "not-there-yet")
    (tmp_path / "link").symlink_to(folder)
    assert inside(folder, "previews", "a.mp4") == folder / "previews" / "a.mp4"
    assert inside(folder, "kept", "a.mp4") == folder / "kept" / "a.mp4"
    assert inside(tmp_path / "link", "previews") == tmp_path / "link" / "previews"
    for names in [("models",), ("models", "new", "v1"), ("labels.sqlite",), ("..", "elsewhere"), ("/etc/passwd",)]:
        with pytest.raises(va.ModelError, match="leads out of"):
            inside(folder, *names, error=va.ModelError)
