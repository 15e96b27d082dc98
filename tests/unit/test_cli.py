"""The command `va-widgets`; what it does with labels, trust and damaged files is tested where those are."""

from __future__ import annotations

from pathlib import Path

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
