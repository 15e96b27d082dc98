"""The page is told which clips have sound."""

from __future__ import annotations

from pathlib import Path

import pytest

import va_widgets as va
from tests.unit.video.test_preview import beep, film
from tests.widget.conftest import Page


@pytest.fixture
def session(tmp_path: Path) -> va.Session:
    (tmp_path / "videos").mkdir()
    film(tmp_path / "videos" / "heard.mp4", [beep(48_000)])
    film(tmp_path / "videos" / "silent.mp4", [])
    corpus = va.Corpus.build(
        tmp_path / "corpus", videos=tmp_path / "videos", encoder="va-tiny", window=3.0, progress=False
    )
    return va.Session(corpus, "city at night", annotator="kelli")


def test_a_preview_says_whether_it_has_sound(page: Page, session: va.Session) -> None:
    for clip, video in session.corpus.clips["video"].items():
        for time in ("cut", "from the cache"):
            answer, buffers = page.send({"v": 1, "id": f"{clip} {time}", "type": "preview", "clip": clip, "context": 0})
            assert answer["result"]["available"]
            assert len(buffers) == 1
            assert answer["result"]["sound"] == (video == "heard.mp4")
