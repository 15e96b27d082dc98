"""`va-widgets score` and `va-widgets models`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import va_widgets as va
from tests.unit.catalogue import synthetic
from va_widgets.cli import main


@pytest.fixture
def films(tmp_path: Path) -> va.Corpus:
    corpus = synthetic.corpus(tmp_path / "films", 20)
    for seed in range(2):
        synthetic.model(corpus, "Night city", seed)
    synthetic.model(corpus, "rain", 2)
    return corpus


def run(capsys: pytest.CaptureFixture[str], *arguments: object, status: int = 0) -> str:
    """Run a command; return what it prints, or its error."""
    assert main([str(one) for one in arguments]) == status
    captured = capsys.readouterr()
    return captured.err if status else captured.out


def as_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    return json.loads(run(capsys, *arguments, "--json"))


def test_score(films: va.Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "scores"
    printed = run(capsys, "score", films.path, "--models", "rain", "--out", out)
    assert printed.split()[:5] == ["corpus", "clips", "models", "scored", "seconds"]
    [report] = as_json(capsys, "score", f"a={films.path}", "--out", out)
    assert (report["corpus"], report["clips"], report["models"], report["scored"]) == ("a", 20, 2, 40)
    assert list(pd.read_parquet(report["file"])) == ["clip_id", "night_city", "rain"]
    error = run(capsys, "score", films.path, "--models", "rian", "--out", out, status=1)
    assert error == "va-widgets: No model 'rian' is published from this corpus; did you mean 'rain'?\n"
    error = run(capsys, "score", films.path, films.path, "--out", out, status=1)
    assert error.startswith("va-widgets: Two of the corpora have the same name: give them names, as in first=FOLDER")
    with pytest.raises(SystemExit) as ended:
        main(["score", str(films.path)])
    assert ended.value.code == 2


def test_models_are_listed_and_shown(films: va.Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Night city" in run(capsys, "models", "list", films.path)
    listed = as_json(capsys, "models", "list", films.path)
    assert [(one["model"], one["version"]) for one in listed] == [("night_city", 2), ("night_city", 1), ("rain", 1)]
    shown = run(capsys, "models", "show", films.path, "night_city").splitlines()
    assert [line.split(":", 1)[1].strip() for line in shown if line.startswith(("version", "withdrawn"))] == ["2", "no"]
    assert as_json(capsys, "models", "show", films.path, "Night city", "--version", 1)["version"] == 1


def test_models_are_withdrawn_and_restored(films: va.Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    night = ("models", "withdraw", films.path, "Night city", "--reason", "neon")
    assert run(capsys, *night) == "Night city, version 2, is withdrawn: neon\n"
    assert as_json(capsys, "models", "show", films.path, "Night city")["version"] == 1
    run(capsys, *night, "--version", 1)
    error = run(capsys, "models", "show", films.path, "Night city", status=1)
    assert error == "va-widgets: The model 'Night city' has only versions that were withdrawn: give a --version.\n"
    assert "version 2, is served again" in run(capsys, "models", "restore", films.path, "night_city")
    assert as_json(capsys, "models", "show", films.path, "night_city")["withdrawn"] is None


def test_models_are_exported(films: va.Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "exports" / "rain"
    assert run(capsys, "models", "export", films.path, "rain", copy) == f"rain, version 1: {copy}\n"
    assert va.load_model(copy).name == "rain"
    assert [entry.name for entry in copy.parent.iterdir()] == ["rain"]
    (films.path / "models" / "rain" / "v1" / ".ipynb_checkpoints").mkdir()
    (films.path / "models" / "rain" / "v1" / "notes.pkl").touch()
    second = as_json(capsys, "models", "export", films.path, "rain", tmp_path / "rain")
    assert second == {"name": "rain", "version": 1, "path": str(tmp_path / "rain")}
    assert {file.name for file in (tmp_path / "rain").iterdir()} == {file.name for file in copy.iterdir()}
    assert not (tmp_path / "rain" / "notes.pkl").exists()
    error = run(capsys, "models", "export", films.path, "rain", copy, status=1)
    assert error.startswith(f"va-widgets: There is something at {copy} already")
    onnx = pytest.importorskip("onnx")
    run(capsys, "models", "export", films.path, "rain", tmp_path / "rain.onnx")
    onnx.checker.check_model(onnx.load(tmp_path / "rain.onnx"))


def test_a_damaged_model_is_not_exported(films: va.Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = films.path / "models" / "rain" / "v1" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    error = run(capsys, "models", "export", films.path, "rain", tmp_path / "rain", status=1)
    assert "is damaged" in error
    assert not (tmp_path / "rain").exists()


def test_a_damaged_version_is_not_passed_over_and_can_be_withdrawn(
    films: va.Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    (films.path / "models" / "night_city" / "v2" / "model.safetensors").write_bytes(b"")
    assert "v2 is damaged" in run(capsys, "models", "show", films.path, "Night city", status=1)
    told = run(capsys, "models", "withdraw", films.path, "Night city", "--reason", "x")
    assert told == "Night city, version 2, is withdrawn: x\n"
    assert as_json(capsys, "models", "show", films.path, "Night city")["version"] == 1
    assert "version 2, is served" in run(capsys, "models", "restore", films.path, "night_city")


def test_nothing_is_said_to_be_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = synthetic.corpus(tmp_path / "films", 20)
    assert run(capsys, "models", "list", corpus.path) == "No model was published from this corpus yet.\n"
    assert as_json(capsys, "models", "list", corpus.path) == []
    assert run(capsys, "query", corpus.path, "video == 'x'") == "0 of 0 clips that match\n"


def test_a_model_that_is_not_there_is_told(films: va.Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, told in {
        ("nigth",): "No model 'nigth' was published from",
        ("rain", "--version", 3): "The model 'rain' has no version 3, only 1.",
    }.items():
        assert told in run(capsys, "models", "show", films.path, *arguments, status=1)
    assert "has no version that was withdrawn" in run(capsys, "models", "restore", films.path, "rain", status=1)


def test_an_interruption_is_one_sentence(
    films: va.Corpus, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(va.Corpus, "open", interrupted)
    assert "interrupted" in run(capsys, "models", "list", films.path, status=130)


@pytest.mark.parametrize("command", [["score"], ["models"]])
def test_help_shows_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    printed = capsys.readouterr().out
    assert "examples:" in printed
    assert "exit status:" in printed
