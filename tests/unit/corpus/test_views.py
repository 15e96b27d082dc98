"""Views of the clips: motion, which builds measure, and the user's own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

import va_widgets as va
from tests.unit.corpus import damaging
from tests.unit.video.video_files import write_video
from va_widgets.corpus import storage
from va_widgets.corpus.building import measure_motion
from va_widgets.corpus.building.merge import merge
from va_widgets.corpus.files.digests import sealed
from va_widgets.corpus.manifest import MANIFEST_FILE, SCHEMA_VERSION, read_manifest
from va_widgets.display.corpus_summary import summary, summary_text
from va_widgets.video.decoder_pool import DecoderPool
from va_widgets.video.motion.features import FEATURES

N = 6
IDS = [f"c{i}" for i in range(N)]


def vectors(dim: int = 4, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((N, dim)).astype(np.float32)


def table() -> pd.DataFrame:
    return pd.DataFrame({"clip_id": IDS, "video": "a.mp4"})


@pytest.fixture
def corpus(tmp_path: Path) -> va.Corpus:
    return va.Corpus.from_embeddings(tmp_path / "c", vectors(8), table())


# --- the user's ------------------------------------------------------------------------------------


def test_a_view_is_kept_and_comes_back(corpus: va.Corpus) -> None:
    assert corpus.views == ("appearance",)
    assert np.array_equal(corpus.view("appearance"), corpus.embeddings)
    added = corpus.add_view("videomae", vectors())
    for opened in (added, va.Corpus.open(corpus.path)):
        assert opened.views == ("appearance", "videomae")
        assert np.array_equal(opened.view("videomae"), vectors())
        assert isinstance(opened.view("videomae"), np.memmap)
        assert not opened.view("videomae").flags.writeable
    assert set(added.verify(progress=False)["status"]) == {"ok"}
    assert read_manifest(corpus.path).schema == SCHEMA_VERSION


@pytest.mark.parametrize(("given", "kept"), [("float16", "float16"), ("float32", "float32"), ("float64", "float32")])
def test_values_are_kept_as_they_are_and_not_normalised(corpus: va.Corpus, given: str, kept: str) -> None:
    values = (vectors() * 100).astype(given)
    view = corpus.add_view("mine", values).view("mine")
    assert view.dtype == np.dtype(kept)
    assert np.array_equal(view, values.astype(kept))


def test_vectors_with_ids_are_brought_into_the_order_of_the_clips(corpus: va.Corpus, tmp_path: Path) -> None:
    turned = pd.DataFrame(vectors(), index=pd.Index(IDS, name="clip_id")).iloc[::-1]
    np.save(tmp_path / "rows.npy", vectors())
    forms: list[Any] = [
        turned,
        dict(zip(IDS, vectors(), strict=True)),
        tmp_path / "rows.npy",
        str(tmp_path / "rows.npy"),
    ]
    for form in forms:
        corpus = corpus.add_view("mine", form)
        assert np.array_equal(corpus.view("mine"), vectors())


def test_a_second_view_of_a_name_replaces_the_first_and_an_open_corpus_keeps_what_it_has(corpus: va.Corpus) -> None:
    first = corpus.add_view("mine", vectors()).add_view("other", vectors(2))
    second = first.add_view("mine", vectors(3, seed=1))
    assert second.views == ("appearance", "mine", "other")
    assert np.array_equal(second.view("mine"), vectors(3, seed=1))
    assert np.array_equal(first.view("mine"), vectors()), "its file is gone, but it was open"
    assert corpus.views == ("appearance",)
    assert len([*corpus.path.glob("view-*")]) == 2


def test_a_corpus_of_embeddings_may_come_with_views(tmp_path: Path) -> None:
    np.save(tmp_path / "flow.npy", vectors(3))
    views: dict[str, Any] = {"mine": vectors(), "flow": tmp_path / "flow.npy"}
    made = va.Corpus.from_embeddings(tmp_path / "c", vectors(8), table(), views=views)
    assert made.views == ("appearance", "mine", "flow")
    assert np.array_equal(made.view("flow"), vectors(3))
    for bad in ({"mine": np.full((N, 2), np.nan)}, {"mine": vectors()[1:]}, [vectors()]):
        with pytest.raises(va.CorpusError):
            va.Corpus.from_embeddings(tmp_path / "bad", vectors(8), table(), views=bad)  # type: ignore[arg-type]
        assert not (tmp_path / "bad").exists()


def test_views_stay_with_new_columns_a_copy_and_a_relocation(tmp_path: Path) -> None:
    damaging.write_filmed(tmp_path / "c")
    made = va.Corpus.open(tmp_path / "c").add_view("mine", np.ones((damaging.CLIPS, 2)))
    (tmp_path / "moved").mkdir()
    made.relocate(tmp_path / "moved", missing_ok=True)
    made = va.Corpus.open(made.path).with_columns(pd.DataFrame({"more": 1}, index=made.clips.index))
    for path in (made.path, Path(shutil.copytree(made.path, tmp_path / "copy"))):
        opened = va.Corpus.open(path)
        assert opened.views == ("appearance", "motion", "mine")
        assert opened.view("mine").shape == (damaging.CLIPS, 2)
        assert opened.motion.index.equals(opened.clips.index)


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [
        ("mine", np.full((N, 2), np.nan), "not finite, or too large for float32, in row 0, of clip 'c0': replace it"),
        ("mine", np.full((N, 2), 1e300), "not finite, or too large for float32"),
        ("mine", np.full((N, 2), np.inf, np.float16), "not finite, or too large for float16"),
        ("mine", np.ones((N - 1, 2)), r"has 5 rows for 6 clips: give one row a clip\.$"),
        ("mine", np.ones(N), r"has the shape \(6,\), but must be \(clips, dimensions\)"),
        ("mine", np.ones((N, 0)), "holds no vectors"),
        ("mine", np.ones((N, 1 << 14 | 1), np.float16), r"has 16,385 columns: reduce them to 16,384 at most\.$"),
        ("mine", np.array([[object()]] * N), "holds objects, not numbers"),
        ("mine", np.ones((N, 2), dtype=int), "holds int64, not float16, float32 or float64"),
        ("mine", [["a"]] * N, "not float16, float32 or float64"),
        ("mine", None, r"needs vectors, one a clip: only 'motion' is measured without any\.$"),
        ("mine", "nothing.npy", "There is no file"),
        ("mine", pd.DataFrame(np.ones((N, 2)), index=list("abcdef")), "are not in the table of clips"),
        ("mine", {clip: np.ones(2) for clip in IDS[1:]}, "have no vector of the mapping of values of the view 'mine'"),
        ("appearance", np.ones((N, 2)), r"is the corpus's embeddings: give yours another name\.$"),
        ("motion", np.ones((N, 2)), "columns, which va-widgets measures, not 2"),
        ("a/b", np.ones((N, 2)), "A view cannot be called 'a/b'"),
        ("", np.ones((N, 2)), "A view cannot be called ''"),
        ("x" * 51, np.ones((N, 2)), "A view cannot be called"),
        (7, np.ones((N, 2)), "The name of a view must be a text, not 7"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_view_is_refused_and_nothing_is_changed(
    corpus: va.Corpus, name: Any, source: Any, told: str
) -> None:
    before = sorted(file.name for file in corpus.path.iterdir())
    with pytest.raises(va.CorpusError, match=told):
        corpus.add_view(name, source)
    assert sorted(file.name for file in corpus.path.iterdir()) == before
    assert va.Corpus.open(corpus.path).views == ("appearance",)


def test_a_pickle_is_not_read(corpus: va.Corpus, tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([[print]] * N, dtype=object), allow_pickle=True)
    with pytest.raises(va.CorpusError, match=r"objects\.npy cannot be read as an array"):
        corpus.add_view("mine", tmp_path / "objects.npy")


def test_views_that_are_not_there_are_told(corpus: va.Corpus) -> None:
    with pytest.raises(va.CorpusError, match=r"^This corpus has no view 'flow', only 'appearance', 'mine': see corpus"):
        corpus.add_view("mine", vectors()).view("flow")
    with pytest.raises(va.CorpusError, match=r'corpus\.add_view\("motion"\) needs its values, as it was made of emb'):
        _ = corpus.motion
    with pytest.raises(va.CorpusError, match="was made of embeddings, so the motion in its clips is not measured"):
        corpus.add_view("motion")


def test_the_motion_of_another_corpus_may_be_given(corpus: va.Corpus) -> None:
    features = np.ones((N, len(FEATURES)))
    features[2] = 0  # as of a video that could not be read
    corpus = corpus.add_view("motion", features)
    assert corpus.view("motion").dtype == np.float16
    assert corpus.motion["pan"].isna().tolist() == [False, False, True, False, False, False]


def test_a_corpus_that_has_other_clips_by_now_gets_no_view(tmp_path: Path) -> None:
    write_parts(tmp_path / "c", 1)
    opened = va.Corpus.open(tmp_path / "c")
    write_parts(tmp_path / "c", 2)
    with pytest.raises(va.CorpusError, match="has other clips since it was opened: open it again for new views"):
        opened.add_view("mine", np.ones((len(opened), 2)))


def test_a_view_of_a_wrong_length_is_found_out(corpus: va.Corpus) -> None:
    made = corpus.add_view("mine", vectors())
    (file,) = made.path.glob("view-*.npy")
    manifest = json.loads((made.path / MANIFEST_FILE).read_text())
    del manifest["files"][file.name]
    (made.path / MANIFEST_FILE).write_text(json.dumps(manifest))
    np.save(file, vectors()[1:])
    with pytest.raises(va.CorpusError, match=r"The view 'mine' in .* has the shape \(5, 4\), but there are 6 clips"):
        va.Corpus.open(made.path)
    np.save(file, np.where(np.arange(N)[:, None] == 2, np.nan, vectors()).astype(np.float32))
    found = va.Corpus.open(made.path).verify(progress=False).set_index("reason")
    assert "The value of the view 'mine' of the clip in row 2 is not finite." in found.index


# --- builds ----------------------------------------------------------------------------------------


def write_parts(path: Path, number: int) -> va.Corpus:
    """Merge the first shards of a corpus, as a build does that finds so many videos."""
    whole = path.with_name("whole")
    if not whole.exists():
        damaging.write_filmed(whole)
        shutil.copytree(whole / "shards", path / "shards")
    files = storage.open_files(whole)
    former = storage.open_files(path) if (path / MANIFEST_FILE).exists() else None
    merge(path, former, files.sources()[:number], None, files.manifest, progress=False)
    return va.Corpus.open(path)


def test_motion_grows_with_a_corpus_and_a_view_of_the_user_s_only_shrinks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = write_parts(tmp_path / "c", 1)
    first = first.add_view("mine", np.arange(len(first), dtype=np.float16)[:, None])
    assert first.views == ("appearance", "motion", "mine")
    capsys.readouterr()
    both = write_parts(tmp_path / "c", 2)
    told = "The view 'mine' is left out, because it has no values for the 6 new clips: add it again by corpus.add_view."
    assert capsys.readouterr().err.splitlines() == [told]
    assert both.views == ("appearance", "motion")
    whole = va.Corpus.open(tmp_path / "whole")
    assert np.array_equal(both.view("motion"), whole.view("motion"))
    assert np.array_equal(both.view("motion")[: len(first)], first.view("motion"))

    both.add_view("mine", np.arange(len(both), dtype=np.float16)[:, None])
    fewer = write_parts(tmp_path / "c", 1)
    assert capsys.readouterr().err == ""
    assert fewer.view("mine")[:, 0].tolist() == list(range(len(first)))
    assert np.array_equal(fewer.view("motion"), first.view("motion"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus of three videos and a picture, and these."""
    folder = tmp_path_factory.mktemp("built")
    for number in range(3):
        write_video(folder / "videos" / f"{number}.mp4", [(2 * number, 14), (2 * number + 1, 16)], size=(96, 54))
    picture = np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    assert cv2.imwrite(str(folder / "videos" / "still.png"), picture)
    va.Corpus.build(folder / "corpus", folder / "videos", pictures=True, progress=False)
    return folder


@pytest.fixture
def older(built: Path, tmp_path: Path) -> Path:
    """A copy of it, as a version left it that did not measure motion."""
    shutil.copytree(built, tmp_path / "older")
    without_motion(tmp_path / "older" / "corpus")
    return tmp_path / "older"


def without_motion(path: Path) -> None:
    """Turn a corpus into one of schema 3."""
    content = json.loads((path / MANIFEST_FILE).read_text())
    for name in content.pop("views").values():
        (path / name).unlink()
        del content["files"][name]
    del content["check"]
    (path / MANIFEST_FILE).write_text(json.dumps(sealed({**content, "schema": 3})))
    for file in path.glob("shards/*/shard.json"):
        card = json.loads(file.read_text())
        del card["files"]["motion.npy"], card["check"]
        file.write_text(json.dumps(sealed(card)))
        (file.parent / "motion.npy").unlink()


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the videos that are decoded for their motion."""
    names = list[str]()

    class Recorded(DecoderPool[measure_motion._MotionJob]):
        def __init__(self, jobs: list[measure_motion._MotionJob], request: Callable[..., Any]) -> None:
            names.extend(job.name for job in jobs)
            super().__init__(jobs, request)

    monkeypatch.setattr(measure_motion, "DecoderPool", Recorded)
    return names


def test_a_build_measures_motion(built: Path) -> None:
    made = va.Corpus.open(built / "corpus")
    motion = made.motion
    assert made.view("motion").shape == (7, len(FEATURES))
    assert list(motion.columns) == ["pan", "tilt", "zoom", "roll", "shake", "subject_motion", "brightness_change"]
    assert motion.index.equals(made.clips.index)
    still = (made.clips["video"] == "still.png").to_numpy()
    assert (motion[still] == 0).all(axis=None)
    # The films are pictures that are rolled by a pixel to the right every fourth frame, so the camera seems to go left.
    assert motion["pan"][~still].between(-0.1, -0.04).all()
    assert set(made.verify(progress=False)["status"]) == {"ok"}


def test_a_corpus_of_schema_3_has_no_motion_until_it_is_measured(built: Path, older: Path, decoded: list[str]) -> None:
    opened = va.Corpus.build(older / "corpus", older / "videos", pictures=True, progress=False)
    assert opened.views == ("appearance",)
    with pytest.raises(va.CorpusError, match=r'corpus\.add_view\("motion"\) measures it from its videos'):
        _ = opened.motion
    assert set(opened.verify(progress=False)["status"]) == {"ok"}
    measured = opened.add_view("mine", np.ones((7, 2))).add_view("motion", progress=False)
    assert sorted(decoded) == ["0.mp4", "1.mp4", "2.mp4"]
    assert measured.views == ("appearance", "mine", "motion")
    assert np.array_equal(measured.view("motion"), va.Corpus.open(built / "corpus").view("motion"))
    assert set(measured.verify(progress=False)["status"]) == {"ok"}
    assert read_manifest(measured.path).schema == SCHEMA_VERSION
    decoded.clear()
    measured.add_view("motion")
    assert not decoded


def measured_by_version_1(path: Path, motion: NDArray[np.float16] | None = None) -> None:
    """Turn the motion of a corpus into that of the first version, which wrote none; `motion` is what it measured."""
    for file in (path / MANIFEST_FILE, *path.glob("shards/*/shard.json")):
        content = json.loads(file.read_text())
        del content["motion_version"], content["check"]
        if motion is not None and "views" in content:
            name = content["views"]["motion"]
            np.save(path / name, motion)
            content["files"].pop(name)
        file.write_text(json.dumps(sealed(content)))


def test_motion_of_an_earlier_version_is_told_and_measured_anew(
    built: Path, tmp_path: Path, decoded: list[str]
) -> None:
    shutil.copytree(built, tmp_path / "older")
    path = tmp_path / "older" / "corpus"
    measured_by_version_1(path, va.Corpus.open(path).view("motion") + np.float16(1))
    opened = va.Corpus.open(path).relocate(tmp_path / "older" / "videos")
    assert opened.motion_is_old
    assert 'corpus.add_view("motion") makes it anew' in summary_text(summary(opened))
    measured = opened.add_view("motion", progress=False)
    assert sorted(decoded) == ["0.mp4", "1.mp4", "2.mp4"]
    assert not measured.motion_is_old
    assert np.array_equal(measured.view("motion"), va.Corpus.open(built / "corpus").view("motion"))
    assert set(measured.verify(progress=False)["status"]) == {"ok"}
    decoded.clear()
    measured.add_view("motion", progress=False)
    assert not decoded


def test_a_corpus_that_grows_says_that_its_former_motion_is_of_an_earlier_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = write_parts(tmp_path / "c", 1)
    measured_by_version_1(first.path)
    capsys.readouterr()
    both = write_parts(tmp_path / "c", 2)
    [told] = capsys.readouterr().err.splitlines()
    assert told.startswith(f"The motion of the {len(first)} former clips was measured by an earlier version")
    assert both.motion_is_old
    assert write_parts(tmp_path / "c", 2).motion_is_old
    assert capsys.readouterr().err == ""  # it is said once


@pytest.mark.slow
def test_videos_that_cannot_be_read_are_told_and_measured_once_they_can(
    older: Path, decoded: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    videos = older / "videos"
    opened = va.Corpus.open(older / "corpus")
    opened.relocate(videos)
    (videos / "1.mp4").rename(older / "1.mp4")
    (videos / "2.mp4").write_bytes(bytes((videos / "2.mp4").stat().st_size))
    measured = opened.add_view("motion")
    told = capsys.readouterr().err
    assert "Skipped 1.mp4: The video 1.mp4 is no longer in" in told
    assert "Skipped 2.mp4: " in told
    unknown = measured.motion["pan"].isna()
    assert set(measured.clips["video"][unknown]) == {"1.mp4", "2.mp4"}
    assert np.isfinite(measured.view("motion")).all()
    decoded.clear()
    (older / "1.mp4").rename(videos / "1.mp4")
    measured = measured.add_view("motion", progress=False)
    assert sorted(decoded) == ["1.mp4", "2.mp4"]
    assert set(measured.clips["video"][measured.motion["pan"].isna()]) == {"2.mp4"}


@pytest.mark.slow
def test_measuring_that_was_interrupted_goes_on(
    built: Path, older: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = va.Corpus.open(older / "corpus")
    opened.relocate(older / "videos")
    finish = measure_motion._finish

    def interrupted(*arguments: Any) -> tuple[str, str]:
        finish(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(measure_motion, "_finish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            opened.add_view("motion", progress=False)
    assert va.Corpus.open(older / "corpus").views == ("appearance",)
    decoded.clear()
    measured = opened.add_view("motion", progress=False)
    assert len(decoded) == 2
    assert np.array_equal(measured.view("motion"), va.Corpus.open(built / "corpus").view("motion"))


def test_no_motion_at_all_is_an_error(older: Path) -> None:
    for video in (older / "videos").iterdir():
        video.unlink()
    for folder in (older / "corpus" / "shards").glob("pictures-*"):
        shutil.rmtree(folder)
    with pytest.raises(va.CorpusError, match=r"^The motion of no clip could be measured \(.*: see to the videos, and"):
        va.Corpus.open(older / "corpus").add_view("motion", progress=False)


class _Colour:
    """An encoder of whole clips that gives the mean colour of the first and the last frame, and what it was told."""

    frames_per_clip, image_size = 4, 32

    def __init__(self) -> None:
        self.told: list[tuple[int, int, float]] = []

    def encode_clips(self, frames: Sequence[NDArray[np.uint8]], fps: float) -> NDArray[np.float64]:
        self.told.append((len(frames), min(frames[0].shape[:2]), fps))
        return np.concatenate([frames[0].mean(axis=(0, 1)), frames[-1].mean(axis=(0, 1))])


class _Broken(_Colour):
    def encode_clips(self, frames: Sequence[NDArray[np.uint8]], fps: float) -> NDArray[np.float64]:
        return super().encode_clips(frames, fps) * np.nan


class _Trained:
    def encode_clips(self, frames: Sequence[NDArray[np.uint8]], fps: float) -> Any:
        return torch.full((len(frames),), fps, requires_grad=True)


def test_an_encoder_of_whole_clips_makes_a_view(built: Path, tmp_path: Path) -> None:
    made = va.Corpus.open(Path(shutil.copytree(built / "corpus", tmp_path / "corpus")))
    made.relocate(built / "videos")
    encoder = _Colour()
    view = made.add_view("colour", encoder, progress=False).view("colour")
    assert view.shape == (7, 6)
    assert view.dtype == np.float32
    assert sorted(told[:2] for told in encoder.told) == [(1, 32), *[(4, 32)] * 6]
    assert sorted(told[2] for told in encoder.told) == pytest.approx([0.0, *[4 / 0.64] * 3, *[4 / 0.56] * 3])
    strip = made.filmstrip(made.clips.index[0])
    picture = cv2.imdecode(np.frombuffer(strip.data, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert view[0, :3] == pytest.approx(picture[:, : strip.width].mean(axis=(0, 1))[::-1], abs=6)
    with pytest.raises(
        va.EncoderError, match=r"must give a finite vector \(d,\) of floats for each, but gave float64 \(6,\)"
    ):
        made.add_view("other", _Broken(), progress=False)
    with pytest.raises(va.EncoderError, match="is an object, but _Colour is a class: make one of it"):
        made.add_view("other", _Colour, progress=False)  # type: ignore[arg-type]
    with pytest.raises(va.EncoderError, match=r"Can't call numpy\(\) on .*: of PyTorch, give vector\.detach\(\)"):
        made.add_view("other", _Trained(), progress=False)
    with pytest.raises(va.CorpusError, match="The view 'motion' is measured here: give yours another name"):
        made.add_view("motion", encoder, progress=False)
    with pytest.raises(va.CorpusError, match="made of embeddings, and clips without a video"):
        va.Corpus.from_embeddings(tmp_path / "given", vectors(8), table()).add_view("colour", encoder)


def test_an_encoder_of_whole_clips_is_not_asked_if_a_video_is_gone(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built, tmp_path / "copy")
    made = va.Corpus.open(tmp_path / "copy" / "corpus")
    made.relocate(tmp_path / "copy" / "videos")
    (tmp_path / "copy" / "videos" / "1.mp4").unlink()
    encoder = _Colour()
    with pytest.raises(va.CorpusError, match=r"^1 of 4 videos cannot be read \(The video 1\.mp4 is no longer in"):
        made.add_view("colour", encoder, progress=False)
    assert not encoder.told
