"""A corpus of the clips that a table names."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import va_widgets as va
from tests.unit.video.video_files import film, scene
from va_widgets.encoders.protocol import Encoder, as_encoder
from va_widgets.video.scaling import Picture


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return as_encoder("va-tiny")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    film(folder / "a.mp4", [one for seed in range(8) for one in scene(seed, 25)], options={"g": "25"})
    film(folder / "deeper" / "b.mkv", scene(20, 50) + scene(21, 50), options={"g": "25"})
    return folder


def table(**columns: object) -> pd.DataFrame:
    rows = {"video": ["a.mp4", "a.mp4", "deeper/b.mkv"], "start": [5.0, 1.0, 0.5], "end": [6.0, 2.5, 1.5]}
    return pd.DataFrame({**rows, **columns})


def test_clips_of_a_table_keep_its_columns(videos: Path, encoder: Encoder, tmp_path: Path) -> None:
    rows = table(mood=["calm", "wild", "calm"], takes=[3, 1, 2])
    corpus = va.Corpus.from_manifest(tmp_path / "c", rows, encoder, videos=videos, progress=False)
    clips = corpus.clips.sort_values(["video", "start"])
    assert clips["video"].tolist() == ["a.mp4", "a.mp4", "deeper/b.mkv"]
    assert clips["start"].tolist() == [1.0, 5.0, 0.5]
    assert clips["end"].tolist() == [2.5, 6.0, 1.5]
    assert clips["mood"].tolist() == ["wild", "calm", "calm"]
    assert clips["takes"].tolist() == [1, 3, 2]
    assert corpus.report[["source", "status"]].to_numpy().tolist() == [["a.mp4", "done"], ["deeper/b.mkv", "done"]]
    opened = va.Corpus.open(tmp_path / "c")
    assert opened.clips.equals(corpus.clips)
    assert all(opened.filmstrip(clip).data and opened.preview(clip) for clip in opened.clips.index)


def test_names_in_a_file_start_from_where_it_lies_and_ids_are_its_own(
    videos: Path, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    shutil.copytree(videos, home)
    rows = table(clip_id=["007", "odd / id", "ü"])
    rows["start"] = ["00:00:05", "0:01", "0.5"]
    rows.to_csv(home / "clips.csv", index=False)
    monkeypatch.chdir(tmp_path)
    corpus = va.Corpus.from_manifest("c", "home/clips.csv", encoder, progress=False)
    assert sorted(corpus.clips.index) == ["007", "odd / id", "ü"]
    assert corpus.clips.loc["007", "start"] == 5.0
    assert all(corpus.preview(clip) for clip in corpus.clips.index)


def test_the_vector_of_a_segment_is_the_mean_of_its_frames(videos: Path, encoder: Encoder, tmp_path: Path) -> None:
    rows = table().iloc[:1].assign(end=7.0)
    corpus = va.Corpus.from_manifest(tmp_path / "c", rows, encoder, videos=videos, progress=False)
    with av.open(str(videos / "a.mp4")) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)][125:175]
    mean = encoder.encode_frames([np.asarray(frame, dtype=np.uint8) for frame in frames]).mean(axis=0)
    assert float(mean / np.linalg.norm(mean) @ corpus.embeddings[0].astype(np.float32)) > 0.97


def test_what_cannot_be_used_is_listed_and_the_rest_is_taken(videos: Path, encoder: Encoder, tmp_path: Path) -> None:
    home = tmp_path / "v"
    shutil.copytree(videos, home)
    (home / "bad.mp4").write_text("text")
    rows = pd.DataFrame(
        [
            ("a.mp4", 7.5, 9.0), ("a.mp4", 8.5, 9.0), ("gone.mp4", 0, 1), ("a.mp4", 3, 2), ("a.mp4", "soon", 2),
            ("bad.mp4", 0, 1), ("./a.mp4", 7.5, 9.0), ("foo://host/x.mp4", 0, 1),
        ],
        columns=["video", "start", "end"],
    )  # fmt: skip
    corpus = va.Corpus.from_manifest(tmp_path / "c", rows, encoder, videos=home, progress=False)
    assert corpus.clips[["video", "start", "end"]].to_numpy().tolist() == [["a.mp4", 7.5, 8.0]]
    report = corpus.report.set_index("source")
    assert report.loc["a.mp4", "status"] == "partial"
    assert "1 of 2 segments hold no picture" in str(report.loc["a.mp4", "reason"])
    told = {
        "gone.mp4": "there is no such file",
        "a.mp4 (row 5)": "it does not end after its start",
        "a.mp4 (row 6)": "its start is not a time",
        "bad.mp4": "it is not a video",
        "./a.mp4 (row 8)": "the same segment is there already",
        "foo://host/x.mp4": "foo://host/x.mp4 is not followed, because only http, ",
    }
    for name, reason in told.items():
        assert report.loc[name, "status"] == "skipped"
        assert reason in str(report.loc[name, "reason"])
    assert len(report) == len(told) + 1


def test_a_table_of_nothing_usable_is_refused_with_the_reasons(encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(va.NoVideosError, match=r"None of the 3 rows can be used \(a\.mp4: there is no such file"):
        va.Corpus.from_manifest(tmp_path / "c", table(), encoder, videos=tmp_path, progress=False)
    assert not (tmp_path / "c").exists()


@pytest.mark.slow
def test_two_hundred_segments_out_of_order_of_one_video(videos: Path, encoder: Encoder, tmp_path: Path) -> None:
    starts = np.random.default_rng(0).permutation(200) * 0.035
    rows = pd.DataFrame({"video": "a.mp4", "start": starts, "end": starts + 0.9, "number": range(200)})
    corpus = va.Corpus.from_manifest(tmp_path / "c", rows, encoder, videos=videos, frames_per_shot=1, progress=False)
    assert len(corpus) == 200
    assert corpus.report["status"].tolist() == ["done"]
    by_number = corpus.clips.sort_values("number")
    np.testing.assert_allclose(by_number["start"], starts)
    np.testing.assert_allclose(by_number["frame_in"], np.floor(starts * 25 + 1e-6))


@pytest.mark.slow
def test_rows_may_be_added_and_columns_changed(videos: Path, encoder: Encoder, tmp_path: Path) -> None:
    def made(rows: pd.DataFrame) -> va.Corpus:
        return va.Corpus.from_manifest(tmp_path / "c", rows, encoder, videos=videos, progress=False)

    rows = table(mood=["calm", "wild", "calm"])
    first = made(rows)
    session = va.Session(first, "a thing")
    session.label(first.clips.index[:2], True)
    session.close()
    more = pd.DataFrame({"video": ["a.mp4", "gone.mp4"], "start": [3.0, 0.0], "end": [4.0, 1.0], "mood": ["new", "x"]})
    second = made(pd.concat([rows, more]))
    assert set(first.clips.index) < set(second.clips.index)
    assert len(second) == 4
    for clip in first.clips.index:
        one, other = first.embeddings[first.row(clip)], second.embeddings[second.row(clip)]
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    session = va.Session(second, "a thing")
    assert session.counts["yes"] == 2
    session.close()
    assert "gone.mp4" in set(second.report["source"])

    # Nothing new but a column: it is taken, and what is said no more is said no more.
    third = made(pd.concat([rows.assign(mood="sad"), more.iloc[:1]]))
    assert third.clips["mood"].value_counts().to_dict() == {"sad": 3, "new": 1}
    assert "gone.mp4" not in set(third.report["source"])
    manifest = (tmp_path / "c" / "manifest.json").read_bytes()
    assert made(pd.concat([rows.assign(mood="sad"), more.iloc[:1]])).clips.equals(third.clips)
    assert (tmp_path / "c" / "manifest.json").read_bytes() == manifest

    # A table of another video adds to it; the columns of the clips that it does not name stay.
    film(videos / "c.mp4", scene(30, 30))
    fourth = made(pd.DataFrame({"video": ["c.mp4"], "start": [0.0], "end": [1.0], "mood": ["glad"]}))
    assert fourth.clips["mood"].value_counts().to_dict() == {"sad": 3, "new": 1, "glad": 1}


@pytest.mark.slow
def test_an_interrupted_build_goes_on(encoder: Encoder, tmp_path: Path) -> None:
    class Interrupted:
        """An encoder whose user loses patience during the second batch."""

        dim, fingerprint, batches = encoder.dim, encoder.fingerprint, 0

        def encode_frames(self, frames: Sequence[Picture]) -> NDArray[np.float32]:
            self.batches += 1
            if self.batches == 2:
                raise KeyboardInterrupt
            return encoder.encode_frames(frames)

        def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return encoder.encode_text(texts)

    for number in range(5):
        film(tmp_path / "v" / f"{number}.mp4", scene(number, 50))
    rows = pd.DataFrame({"video": [f"{i % 5}.mp4" for i in range(20)], "start": np.arange(20) // 5 * 0.5})
    rows.assign(end=rows["start"] + 0.5).to_csv(tmp_path / "v" / "t.csv", index=False)
    with pytest.raises(KeyboardInterrupt):
        va.Corpus.from_manifest(tmp_path / "c", tmp_path / "v" / "t.csv", Interrupted(), progress=False)
    before = {shard.name: shard.stat().st_mtime_ns for shard in (tmp_path / "c" / "shards").iterdir()}
    assert before
    resumed = va.Corpus.from_manifest(tmp_path / "c", tmp_path / "v" / "t.csv", encoder, progress=False)
    after = {shard.name: shard.stat().st_mtime_ns for shard in (tmp_path / "c" / "shards").iterdir()}
    assert before.items() < after.items()  # what was done has not been done again
    whole = va.Corpus.from_manifest(tmp_path / "whole", tmp_path / "v" / "t.csv", encoder, progress=False)
    assert len(resumed) == 20
    assert resumed.clips.index.tolist() == whole.clips.index.tolist()
    np.testing.assert_allclose(np.asarray(resumed.embeddings), np.asarray(whole.embeddings), atol=2e-3)


def test_segments_of_two_videos_of_the_same_content_are_all_there(
    videos: Path, encoder: Encoder, tmp_path: Path
) -> None:
    home = tmp_path / "v"
    shutil.copytree(videos, home)
    shutil.copy(home / "a.mp4", home / "0-copy.mp4")
    rows = pd.DataFrame(
        {
            "video": ["a.mp4", "0-copy.mp4", "0-copy.mp4"],
            "start": [1.0, 2.0, 1.0],
            "end": [2.0, 3.0, 2.0],
            "n": [0, 1, 2],
        }
    )
    corpus = va.Corpus.from_manifest(tmp_path / "c", rows, encoder, videos=home, progress=False)
    assert corpus.clips[["video", "start", "n"]].to_numpy().tolist() == [["a.mp4", 1.0, 0], ["a.mp4", 2.0, 1]]
    reasons = corpus.report.set_index("source")["reason"].to_dict()
    assert reasons == {
        "0-copy.mp4": "it has the same content as a.mp4, which has its clips",
        "0-copy.mp4 (row 4)": "the same segment is there already",
        "a.mp4": "",
    }


def test_rows_may_be_urls(videos: Path, encoder: Encoder, tmp_path: Path) -> None:
    archive = tmp_path / "films.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.write(videos / "a.mp4", "in/a.mp4")
    urls = [(videos / "deeper" / "b.mkv").as_uri(), f"zip://in/a.mp4::{archive}", f"zip://in/no.mp4::{archive}"]
    rows = pd.DataFrame({"video": urls, "start": [0.5, 5.0, 0.0], "end": [1.0, 6.0, 1.0]})
    corpus = va.Corpus.from_manifest(tmp_path / "c", rows, encoder, progress=False, allow=("zip",))
    assert corpus.clips[["start", "end"]].to_numpy().tolist() == [[0.5, 1.0], [5.0, 6.0]]
    assert all(corpus.preview(clip) for clip in corpus.clips.index)
    report = corpus.report.set_index("source")
    assert report.loc[urls[2], "reason"] == f"There is nothing at {urls[2]}: check the address."
