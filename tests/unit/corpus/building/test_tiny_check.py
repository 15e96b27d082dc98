"""va-tiny knows the demo's renderings only: who builds a corpus of other pictures without an encoder is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import open_clip
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

import va_widgets as va
from va_widgets.cli import main
from va_widgets.corpus.building.tiny_check import UNLIKE, distance_to_renderings
from va_widgets.demo.render import render
from va_widgets.demo.scenes import sample_scenes
from va_widgets.encoders.protocol import OpenClipEncoder


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Two real ones, which come with scikit-learn."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number, picture in enumerate(load_sample_images().images):
        Image.fromarray(picture).save(folder / f"{number}.png")
    return folder


def test_photographs_without_an_encoder_are_told_once(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    va.Corpus.build(tmp_path / "corpus", videos=photographs, progress=False)
    assert capsys.readouterr().err == f"{UNLIKE}\n"
    assert main(["build", str(tmp_path / "corpus"), str(photographs)]) == 0
    assert capsys.readouterr().err.count(UNLIKE) == 1


def test_who_asks_for_va_tiny_is_told_nothing(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    va.Corpus.build(tmp_path / "corpus", videos=photographs, encoder="va-tiny", progress=False)
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_the_demo_s_own_videos_are_told_nothing(
    demo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    for file in sorted((demo_folder / "videos").glob("*.mp4"))[:2]:
        shutil.copy(file, videos)
    capsys.readouterr()
    va.Corpus.build(tmp_path / "corpus", videos=videos, progress=False)
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_a_table_of_real_clips_is_told_too(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.DataFrame({"video": ["bikes.mp4", "carphone_pristine.mp4"], "start": 0.0, "end": 2.0})
    va.Corpus.from_manifest(tmp_path / "corpus", table, videos=shared_data / "videos" / "real", progress=False)
    assert capsys.readouterr().err == f"{UNLIKE}\n"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_renderings_and_photographs_are_told_apart_with_room_between(precision: str) -> None:
    encoder = OpenClipEncoder(device="cpu", precision=precision)  # type: ignore[arg-type]
    rendered = encoder.encode_frames([render(scene, 0.4, 384, 216) for scene in sample_scenes(40, 11)])
    photographs = encoder.encode_frames([*load_sample_images().images])
    assert distance_to_renderings(rendered) < 0.038
    assert distance_to_renderings(photographs) > 0.045


def test_a_demo_corpus_is_near(demo_corpus: va.Corpus) -> None:
    assert distance_to_renderings(demo_corpus.embeddings) < 0.038


def test_the_model_that_is_named_is_one_of_openclip_s() -> None:
    named = UNLIKE.split('encoder="')[1].split('"')[0]
    assert tuple(named.split("/")) in open_clip.list_pretrained()
    assert OpenClipEncoder(named).dim == 1024
