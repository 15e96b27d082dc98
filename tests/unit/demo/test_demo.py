"""The demo's videos, truth and tiny model, and the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

import va_widgets as va
from va_widgets.cli import main
from va_widgets.demo.concepts import CONCEPTS, truth
from va_widgets.demo.render import render
from va_widgets.demo.scenes import HELD_OUT, sample_scenes

TINY = Path(va.__file__).parent / "demo" / "tiny"


def test_there_are_thirty_concepts_from_common_to_rare() -> None:
    shares = {name: values.mean() for name, values in truth(sample_scenes(20_000, 3)).items()}
    assert len(CONCEPTS) >= 30
    assert max(shares.values()) >= 0.3
    assert min(shares.values()) <= 0.015
    assert min(shares.values()) > 0


def test_every_shot_is_detected_and_every_clip_has_its_truth(demo_corpus: va.Corpus) -> None:
    filmed = json.loads((demo_corpus.path / "truth.json").read_text())
    assert len(demo_corpus) == 120
    assert (demo_corpus.report["status"] == "done").all()
    for concept in CONCEPTS:
        assert va.demo.truth_of(demo_corpus, concept.name).dtype == bool
    assert filmed


@pytest.mark.slow
def test_two_processes_write_videos_to_one_folder(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from va_widgets.demo import scenes, videos\n"
        "videos.film(Path(sys.argv[1]), videos.plan(scenes.sample_scenes(6, 0), 0))"
    )
    processes = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert {file.suffix for file in tmp_path.iterdir()} == {".mp4"}


def test_rendering_is_repeatable_and_shows_motion() -> None:
    scene = next(scene for scene in sample_scenes(50, 0) if scene.camera == "pan")
    image = render(scene, 0.2, 256, 144)
    np.testing.assert_array_equal(image, render(scene, 0.2, 256, 144))
    assert np.abs(image.astype(int) - render(scene, 0.8, 256, 144)).mean() > 1


def test_the_tiny_model_is_small_and_loads_through_open_clip() -> None:
    assert (TINY / "open_clip_model.safetensors").stat().st_size <= 8 * 2**20
    import open_clip

    model, _ = open_clip.create_model_from_pretrained(f"local-dir:{TINY}", return_transform=True)
    assert model.visual is not None


@pytest.mark.slow
def test_searches_find_held_out_scenes(tmp_path: Path) -> None:
    corpus = va.demo.corpus(tmp_path / "c", clips=250, seed=77, videos=False, progress=False)
    ap = {}
    for concept in CONCEPTS:
        answers = va.demo.truth_of(corpus, concept.name)
        scores = corpus.search(concept.query, len(corpus)).set_index("clip_id")["score"]
        ap[concept.name] = average_precision_score(answers, scores[answers.index])
    assert np.mean(list(ap.values())) > 0.7, ap
    assert ap["red circle at night"] > 0.3, ap
    assert HELD_OUT  # pairs of words that are in no training caption


def test_a_corpus_without_videos_is_opened_by_a_second_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = va.demo.corpus(tmp_path / "c", clips=60, videos=False)
    assert "no video files" in capsys.readouterr().out
    again = va.demo.corpus(tmp_path / "c", videos=False)
    assert again.clips.equals(first.clips)
    with pytest.raises(va.CorpusError, match="clips=60, not 61"):
        va.demo.corpus(tmp_path / "c", clips=61, videos=False)


@pytest.mark.slow
def test_the_demo_without_a_browser(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["demo", "--headless", "--path", str(tmp_path), "--clips", "48"]
    assert main([*arguments, "--labels", "24"]) == 0
    output = capsys.readouterr().out
    assert "4. Reached AP" in output
    assert "6. Published 'night city' version 1" in output
    assert "night city" in (tmp_path / "report.html").read_text()
    assert main([*arguments, "--concept", "a dragon"]) == 1
    assert "knows no concept 'a dragon'" in capsys.readouterr().err
