"""Videos become a corpus."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import va_widgets as va
from tests.unit.video.video_files import write_video
from va_widgets.corpus.building import merge
from va_widgets.encoders.protocol import OpenClipEncoder


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    write_video(folder / "one.mp4", [(1, 30), (2, 40), (3, 30)])
    write_video(folder / "deeper" / "two.mp4", [(4, 30), (5, 30)], fps=30)
    return folder


@pytest.fixture(scope="module")
def whole(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return va.Corpus.build(tmp_path_factory.mktemp("whole") / "corpus", videos=videos, progress=False).path


@pytest.fixture
def built(whole: Path, tmp_path: Path) -> va.Corpus:
    """The corpus of `videos`, for one test alone."""
    return va.Corpus.open(shutil.copytree(whole, tmp_path / "corpus")).trust()


def test_every_shot_is_a_clip_at_its_place(built: va.Corpus) -> None:
    one = built.clips[built.clips["video"] == "one.mp4"].sort_values("start")
    assert one["start"].tolist() == pytest.approx([0.0, 1.2, 2.8])
    assert one["end"].tolist() == pytest.approx([1.2, 2.8, 4.0])
    assert one["frame_in"].tolist() == [0, 30, 70]
    assert one["fps"].tolist() == pytest.approx([25.0] * 3)
    assert set(built.clips["video"]) == {"one.mp4", "deeper/two.mp4"}
    assert (built.clips[["width", "height"]] == [160, 90]).all(axis=None)


def test_embeddings_are_the_mean_of_the_frames(built: va.Corpus, videos: Path) -> None:
    matrix = built.embeddings
    assert matrix.dtype == np.float16
    assert isinstance(matrix, np.memmap)
    np.testing.assert_allclose(np.linalg.norm(matrix.astype(np.float32), axis=1), 1.0, atol=2e-3)
    # The same shot's frames embedded one by one point the same way.
    clip = built.clips[built.clips["video"] == "one.mp4"].sort_values("start").index[1]
    with av.open(str(videos / "one.mp4")) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)][30:70]
    vectors = OpenClipEncoder().encode_frames([np.asarray(frame, dtype=np.uint8) for frame in frames])
    mean = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    assert float(mean @ matrix[built.row(clip)].astype(np.float32)) > 0.97


def test_a_filmstrip_holds_the_frames_side_by_side(built: va.Corpus) -> None:
    strip = built.filmstrip(built.clips.index[0])
    picture = cv2.imdecode(np.frombuffer(strip.data, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (strip.height, strip.width * strip.frames, 3)
    assert strip.frames == built.frames_per_shot


def test_a_preview_is_playable_h264_of_the_shot_s_length(built: va.Corpus, tmp_path: Path) -> None:
    clip = built.clips[built.clips["video"] == "one.mp4"].sort_values("start").index[1]
    file = tmp_path / "preview.mp4"
    file.write_bytes(built.preview(clip))
    with av.open(str(file)) as opened:
        stream = opened.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert not opened.streams.audio
        assert sum(1 for _ in opened.decode(stream)) == pytest.approx(40, abs=1)
    assert built.preview(clip) == file.read_bytes()  # from the cache


def test_a_preview_of_before_there_was_sound_is_cut_anew(built: va.Corpus) -> None:
    clip = built.clips.index[0]
    folder = built.path / "previews"
    folder.mkdir(exist_ok=True)
    (folder / f"{clip}.mp4").write_bytes(b"silent")
    fresh = built.preview(clip)
    assert fresh[4:8] == b"ftyp"
    (cached,) = (file for file in folder.glob(f"{clip}*") if file.read_bytes() == fresh)
    cached.write_bytes(b"kept")
    assert built.preview(clip) == b"kept"


def test_a_second_build_decodes_nothing(built: va.Corpus, videos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = built.path.joinpath("manifest.json").read_bytes()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a video was opened")

    monkeypatch.setattr("va_widgets.video.container.av.open", refuse)
    again = va.Corpus.build(built.path, videos=videos, progress=False)
    assert again.clips.equals(built.clips)
    assert built.path.joinpath("manifest.json").read_bytes() == before


@pytest.mark.slow
def test_a_new_video_is_appended_and_the_old_clips_keep_their_ids(videos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    shutil.copytree(videos, folder)
    first = va.Corpus.build(tmp_path / "corpus", videos=folder, progress=False)
    session = va.Session(first, "a thing")
    session.label(first.clips.index[0], True)
    session.close()
    write_video(folder / "aaa.mp4", [(8, 30), (9, 30)])
    second = va.Corpus.build(tmp_path / "corpus", videos=folder, progress=False)
    assert len(second) == len(first) + 2
    for clip in first.clips.index:
        np.testing.assert_array_equal(
            second.embeddings[second.row(clip)], np.asarray(first.embeddings[first.row(clip)])
        )
    assert va.Session(second, "a thing").counts["yes"] == 1


def test_what_cannot_be_used_is_listed_with_its_reason(videos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    shutil.copytree(videos, folder)
    (folder / "text.mp4").write_text("not a video at all\n" * 100)
    (folder / "empty.mov").touch()
    (folder / "notes.txt").write_text("ignored")
    whole = (folder / "one.mp4").read_bytes()
    (folder / "cut-off.mp4").write_bytes(whole[: len(whole) // 3])
    with av.open(str(folder / "sound.mp4"), "w") as file:
        stream = file.add_stream("aac", rate=44100)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        sound.sample_rate = 44100
        file.mux(stream.encode(sound))
        file.mux(stream.encode())
    corpus = va.Corpus.build(tmp_path / "corpus", videos=folder, progress=False)
    report = corpus.report.set_index("source")
    skipped = report[report["status"] == "skipped"]
    assert set(skipped.index) == {"text.mp4", "empty.mov", "cut-off.mp4", "sound.mp4"}
    assert skipped["reason"].str.len().gt(8).all()
    assert "sound" in str(skipped.loc["sound.mp4", "reason"])
    assert "empty" in str(skipped.loc["empty.mov", "reason"])
    assert set(corpus.clips["video"]) == {"one.mp4", "deeper/two.mp4"}


@pytest.mark.slow
def test_odd_shapes_and_a_single_frame_work(tmp_path: Path) -> None:
    write_video(tmp_path / "v" / "one-frame.mp4", [(1, 1)])
    write_video(tmp_path / "v" / "tall.mp4", [(2, 20)], size=(90, 160))
    corpus = va.Corpus.build(tmp_path / "corpus", videos=tmp_path / "v", progress=False)
    assert len(corpus) == 2
    assert corpus.report["status"].tolist() == ["done", "done"]
    for clip in corpus.clips.index:
        assert corpus.filmstrip(clip).data
        assert corpus.preview(clip)


@pytest.mark.slow
def test_a_gone_video_is_said_and_a_moved_corpus_still_plays(videos: Path, tmp_path: Path) -> None:
    home = tmp_path / "project"
    shutil.copytree(videos, home / "videos")
    va.Corpus.build(home / "corpus", videos=home / "videos", progress=False)
    home.rename(tmp_path / "moved")
    moved = va.Corpus.open(tmp_path / "moved" / "corpus")
    clip = moved.clips[moved.clips["video"] == "one.mp4"].index[0]
    with pytest.raises(va.PreviewUnavailableError, match=r"moved/videos, .* call corpus\.trust\(\) once\.$"):
        moved.preview(clip)
    assert moved.trust().preview(clip)
    again = va.Corpus.build(moved.path, videos=tmp_path / "moved" / "videos", progress=False)
    assert again.clips.index.equals(moved.clips.index)
    (tmp_path / "moved" / "videos" / "deeper" / "two.mp4").unlink()
    other = moved.clips[moved.clips["video"] == "deeper/two.mp4"].index[0]
    with pytest.raises(va.PreviewUnavailableError, match=r"two\.mp4 is no longer"):
        moved.preview(other)
    assert moved.filmstrip(other).data
    page = moved.play(other)._repr_html_()
    assert "<video" not in page
    assert "no longer" in page


@pytest.mark.slow
def test_a_renamed_video_keeps_its_clips_and_a_copy_is_not_taken_twice(videos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    shutil.copytree(videos, folder)
    first = va.Corpus.build(tmp_path / "corpus", videos=folder, progress=False)
    (folder / "one.mp4").rename(folder / "uno.mp4")
    shutil.copy(folder / "uno.mp4", folder / "z-copy.mp4")
    second = va.Corpus.build(tmp_path / "corpus", videos=folder, progress=False)
    assert sorted(second.clips.index) == sorted(first.clips.index)
    assert set(second.clips["video"]) == {"uno.mp4", "deeper/two.mp4"}
    report = second.report.set_index("source")
    assert report.loc["z-copy.mp4", "reason"] == "it has the same content as uno.mp4"
    assert second.preview(second.clips[second.clips["video"] == "uno.mp4"].index[0])


# --- bad input -------------------------------------------------------------------------------------


def test_a_folder_without_videos_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(va.NoVideosError, match="empty"):
        va.Corpus.build(tmp_path / "corpus", videos=tmp_path / "empty", progress=False)
    assert not (tmp_path / "corpus").exists()


def test_a_folder_of_nothing_usable_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "fake.mp4").write_text("text")
    with pytest.raises(va.NoVideosError, match=r"fake\.mp4"):
        va.Corpus.build(tmp_path / "corpus", videos=tmp_path / "v", progress=False)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(va.NoVideosError, match="nowhere"):
        va.Corpus.build(tmp_path / "corpus", videos=tmp_path / "nowhere", progress=False)


def test_an_unknown_encoder_is_refused_before_anything_is_decoded(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(va.EncoderError, match="ViT-B-33"):
        va.Corpus.build(tmp_path / "corpus", videos=videos, encoder="ViT-B-33/laion", progress=False)
    assert not (tmp_path / "corpus").exists()


def test_another_encoder_is_refused_and_nothing_changes(built: va.Corpus, videos: Path) -> None:
    class Other(OpenClipEncoder):
        @property
        def fingerprint(self) -> str:
            return "another"

        @fingerprint.setter
        def fingerprint(self, _value: str) -> None: ...

    before = json.loads((built.path / "manifest.json").read_text())
    with pytest.raises(va.EncoderMismatchError, match="another"):
        va.Corpus.build(built.path, videos=videos, encoder=Other(), progress=False)
    with pytest.raises(va.EncoderMismatchError, match="another"):
        va.Corpus.open(built.path, encoder=Other())
    assert json.loads((built.path / "manifest.json").read_text()) == before


def test_another_model_is_refused_before_its_weights_are_loaded(
    built: va.Corpus, videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenClipEncoder, "_create_model", lambda _: pytest.fail("the weights were loaded"))
    with pytest.raises(va.EncoderMismatchError, match="not open_clip:ViT-B-32/laion2b_s34b_b79k"):
        va.Corpus.build(built.path, videos=videos, encoder="ViT-B-32/laion2b_s34b_b79k", progress=False)
    with pytest.raises(va.EncoderMismatchError, match="not open_clip:ViT-B-32/laion2b_s34b_b79k"):
        va.Corpus.open(built.path, encoder="ViT-B-32/laion2b_s34b_b79k")


def test_opening_what_is_no_corpus_says_so(tmp_path: Path) -> None:
    with pytest.raises(va.CorpusError, match="There is no corpus in"):
        va.Corpus.open(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(va.CorpusError, match="damaged"):
        va.Corpus.open(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_tampered_corpus_cannot_read_outside_its_videos(built: va.Corpus) -> None:
    table = built.clips.copy()
    table = table.astype({"video": object})
    table.loc[table.index[0], "video"] = "../../../etc/passwd"
    built._clips = table
    with pytest.raises(va.CorpusError, match="leads out"):
        built.preview(table.index[0])


# --- real files ------------------------------------------------------------------------------------


def test_real_videos_of_every_codec_are_read(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "videos" / "codecs"
    corpus = va.Corpus.build(tmp_path / "corpus", videos=folder, progress=False)
    bad = corpus.report[corpus.report["status"] != "done"]
    assert bad.empty, bad.to_string()
    rotated = corpus.clips[corpus.clips["video"] == "nasa_13013_rotated.mp4"].iloc[0]
    assert rotated["height"] > rotated["width"]  # stored lying, shown upright


def test_the_cuts_of_a_real_video_are_found(shared_data: Path, tmp_path: Path) -> None:
    video = shared_data / "videos" / "real" / "bikes.mp4"
    corpus = va.Corpus.build(tmp_path / "corpus", videos=video, progress=False)
    starts = sorted(corpus.clips["start"])
    assert starts == pytest.approx([0.0, 1.20, 3.04, 5.48, 7.48, 9.68], abs=0.05)


@pytest.mark.slow
def test_seconds_are_what_a_file_itself_cost(tmp_path: Path) -> None:
    # The short film is read first, and then its clip waits for a batch of frames until the long one has been read.
    write_video(tmp_path / "v" / "a.mp4", [(1, 5)], size=(48, 32))
    write_video(tmp_path / "v" / "b.mp4", [(2, 2000)], size=(640, 360))
    (tmp_path / "v" / "c.mp4").write_text("no video")
    started = time.perf_counter()
    corpus = va.Corpus.build(tmp_path / "corpus", tmp_path / "v", progress=False)
    took = time.perf_counter() - started
    seconds = corpus.report.set_index("source")["seconds"]
    assert 0 < seconds["a.mp4"] < seconds["b.mp4"] / 2
    assert seconds["b.mp4"] < took
    assert 0 <= seconds["c.mp4"] < seconds["b.mp4"] / 2


def test_pictures_that_were_read_together_share_their_seconds(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    for seed in range(4):
        picture = np.random.default_rng(seed).integers(0, 255, (40, 60, 3), dtype=np.uint8)
        assert cv2.imwrite(str(tmp_path / "p" / f"{seed}.png"), picture)
    report = va.Corpus.build(tmp_path / "corpus", tmp_path / "p", progress=False).report
    assert report["seconds"].gt(0).all()
    assert report["seconds"].nunique() == 1


def test_joining_many_shards_shows_progress_and_asks_for_the_keys_of_each_alone(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Keys(dict[str, int]):
        def __iter__(self) -> Iterator[str]:
            raise AssertionError("all keys of the corpus were walked through for one shard")

    read, joined = merge._new_clips, list[Sequence[str]]()

    def new_clips(path: Path, folders: Sequence[str], keys: dict[str, int], progress: bool) -> merge._NewClips:
        joined.append(folders)
        return read(path, folders, Keys(keys), progress)

    monkeypatch.setattr(merge, "_MANY", 2)
    monkeypatch.setattr(merge, "_new_clips", new_clips)
    assert len(va.Corpus.build(tmp_path / "corpus", videos=videos)) == 5
    assert [len(folders) for folders in joined] == [2]
    assert "joining: 2/2 files, 5 clips" in capsys.readouterr().err
