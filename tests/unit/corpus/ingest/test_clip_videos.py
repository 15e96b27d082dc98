"""Vectors that come with videos: their clips have pictures and play, from trusted places alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.unit.video.video_files import film, scene
from va_widgets.base.user_state import STATE_VARIABLE
from va_widgets.video.filmstrip import frame_of


def table(**columns: object) -> pd.DataFrame:
    rows = {
        "video": ["a.mp4", "sub/b.mkv", "a.mp4", "gone.mp4", None],
        "start": [0.0, "00:00:01:00", np.nan, 0.0, np.nan],
        "end": [1.0, "00:00:09:00", np.nan, 1.0, np.nan],
    }
    return pd.DataFrame({**rows, **columns}, index=pd.Index(list("abcde"), name="clip_id"))


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    film(folder / "a.mp4", [one for seed in range(2) for one in scene(seed, 25)])
    film(folder / "sub" / "b.mkv", [one for seed in range(10) for one in scene(seed, 25)])
    return folder


def made(path: Path, videos: Path, clips: pd.DataFrame | None = None) -> va.Corpus:
    return va.Corpus.from_embeddings(path, np.eye(5, 8, dtype="f4"), table() if clips is None else clips, videos=videos)


def test_clips_of_videos_that_are_there_have_pictures_and_play(videos: Path, tmp_path: Path) -> None:
    made(tmp_path / "c", videos)
    corpus = va.Corpus.open(tmp_path / "c")
    assert corpus.clips["video"].tolist() == ["a.mp4", "sub/b.mkv", "a.mp4", "gone.mp4", ""]
    assert corpus.clips["start"].tolist()[:2] == [0.0, 1.0]
    strip = corpus.filmstrip("b")
    assert (strip.frames, strip.width, strip.height) == (8, 96, 64) == (corpus.frames_per_shot, 96, 64)
    for place in range(8):  # the frame in the middle of each second, which is that of scene 1, 2, …
        expected = cv2.cvtColor(scene(place + 1, 1)[0], cv2.COLOR_RGB2BGR)
        assert np.abs(frame_of(strip, place).astype(int) - expected).mean() < 12
    assert corpus.filmstrip("b") == strip  # as it was kept
    assert corpus.preview("a")[4:8] == b"ftyp"
    assert corpus.video_of("b") == videos / "sub" / "b.mkv"
    for clip in "cde":
        with pytest.raises(va.CorpusError, match="There are no pictures"):
            corpus.filmstrip(clip)
        with pytest.raises(va.PreviewUnavailableError):
            corpus.preview(clip)
    assert corpus.report[["source", "status", "clips"]].to_numpy().tolist() == [
        ["a.mp4", "done", 1],
        ["sub/b.mkv", "done", 1],
    ]
    assert set(corpus.verify(progress=False)["status"]) == {"ok"}
    assert corpus.with_columns(pd.DataFrame({"mood": ["calm"]}, index=["a"])).filmstrip("a").data


def test_names_elsewhere_become_relative_and_the_time_code_of_the_file_counts(videos: Path, tmp_path: Path) -> None:
    corpus = made(tmp_path / "c", tmp_path, table(video=[videos / "a.mp4", videos / "sub" / "b.mkv", None, None, None]))
    assert corpus.clips["video"].tolist() == ["a.mp4", "sub/b.mkv", "", "", ""]
    assert corpus.filmstrip("b").frames == 8
    with pytest.raises(
        va.CorpusError, match=r"The clip 'a' has a start that is time code, which needs the video: there"
    ):
        made(tmp_path / "d", tmp_path, table(start=["00:00:01:00", 1, None, 0, None]))
    assert not (tmp_path / "d").exists()


def test_without_a_video_nothing_is_trusted_or_stored(tmp_path: Path) -> None:
    corpus = made(tmp_path / "c", tmp_path, table(start=[0.0, 1.0, None, 0, None], end=[1.0, 2.0, None, 1, None]))
    assert corpus.report.empty
    assert corpus.frames_per_shot == 1
    with pytest.raises(va.CorpusError, match="made of embeddings"):
        corpus.filmstrip("a")


def test_videos_are_only_read_where_the_user_trusts(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = made(tmp_path / "c", videos)
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "another user"))
    with pytest.raises(va.CorpusError, match=r"There are no pictures of clip a: .* call corpus\.trust\(\) once"):
        corpus.filmstrip("a")
    assert corpus.trust().filmstrip("a").frames == 8


def test_what_is_kept_may_be_damaged_and_videos_may_go(videos: Path, tmp_path: Path) -> None:
    shutil.copytree(videos, tmp_path / "v")
    corpus = made(tmp_path / "c", tmp_path / "v")
    before = corpus.filmstrip("a")
    (kept,) = (tmp_path / "c" / "previews").iterdir()
    kept.write_bytes(b"no picture")
    assert corpus.filmstrip("a") == before
    shutil.move(tmp_path / "v", tmp_path / "w")
    assert corpus.filmstrip("a") == before
    with pytest.raises(va.CorpusError, match=r"There are no pictures of clip b: .* is no longer in"):
        corpus.filmstrip("b")
    assert corpus.relocate(tmp_path / "w").filmstrip("b").frames == 8
    (tmp_path / "w" / "sub" / "b.mkv").write_bytes(b"no video")
    kept.unlink()
    for file in (tmp_path / "c" / "previews").iterdir():
        file.unlink()
    with pytest.raises(va.CorpusError, match=r"b\.mkv has no pictures"):
        corpus.filmstrip("b")
