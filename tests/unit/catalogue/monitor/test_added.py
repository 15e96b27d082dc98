"""The clips that are added to a corpus are monitored at once."""

from __future__ import annotations

from pathlib import Path

import pytest

import va_widgets as va
from tests.conftest import labelled
from va_widgets.demo.scenes import sample_scenes
from va_widgets.demo.videos import film, plan


def test_added_clips_are_monitored(demo_corpus: va.Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labelled(demo_corpus).publish("night", pictures=False)
    before = demo_corpus.clips.index
    film(tmp_path / "new", plan(sample_scenes(8, 99), 99))
    with pytest.raises(va.ModelError, match="nigth"):
        demo_corpus.add(tmp_path / "new", monitor="nigth")
    assert len(demo_corpus) == len(before)
    demo_corpus.add(tmp_path / "new", monitor="night")
    report = demo_corpus.monitored["night"]
    assert not report.sample["clip_id"].isin(before).any()
    assert len(report.monitored) == len(demo_corpus) - len(before)
    assert "MonitorReport('night' v1" in capsys.readouterr().out
    assert report._repr_html_().count("<img") == 1  # one clip of each new video
    demo_corpus.add(tmp_path / "new", progress=False)
    assert demo_corpus.monitored == {}
