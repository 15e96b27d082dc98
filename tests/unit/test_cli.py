"""The command `va-widgets`; what it does with labels, trust and damaged files is tested where those are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from va_widgets.cli import main


@pytest.mark.slow
def test_build_and_info(demo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = next((demo_folder / "videos").glob("*.mp4"))
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "a.mp4").write_bytes(video.read_bytes())
    (tmp_path / "v" / "b.mp4").write_text("text")
    assert main(["build", str(tmp_path / "c"), str(tmp_path / "v")]) == 0
    assert "skipped: b.mp4: it is not a video" in capsys.readouterr().out
    va.Session(va.Corpus.open(tmp_path / "c"), "night")
    assert main(["info", str(tmp_path / "c")]) == 0
    assert "Corpus in" in capsys.readouterr().out
    assert main(["build", str(tmp_path / "d"), str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("va-widgets: There is no")


def test_views_are_listed_and_added(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clips = pd.DataFrame({"video": ["a.mp4"] * 4})
    va.Corpus.from_embeddings(tmp_path / "c", np.eye(4), clips)
    np.save(tmp_path / "net.npy", np.arange(12.0).reshape(4, 3))
    assert main(["views", "add", str(tmp_path / "c"), "net", str(tmp_path / "net.npy")]) == 0
    assert "are appearance, net." in capsys.readouterr().out
    assert main(["views", "list", str(tmp_path / "c")]) == 0
    assert capsys.readouterr().out == "appearance: 4 clips, 4 columns\nnet: 4 clips, 3 columns\n"
    assert main(["views", "add", str(tmp_path / "c"), "motion"]) == 1  # there are no videos to measure
    assert capsys.readouterr().err.startswith("va-widgets: The corpus in ")
    assert main(["views", "add", str(tmp_path / "c"), "mine"]) == 1
    assert "needs vectors" in capsys.readouterr().err
