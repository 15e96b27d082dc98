"""A 4K video: its pictures are small, its preview is cut small, and labels do not wait for that."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import av
import pytest

import va_widgets as va
from tests.unit.video.video_files import write_video
from tests.widget.conftest import Page


@pytest.fixture
def session(tmp_path: Path) -> va.Session:
    write_video(tmp_path / "videos" / "uhd.mp4", [(1, 24), (2, 24)], fps=12, size=(3840, 2160))
    corpus = va.Corpus.build(tmp_path / "corpus", videos=tmp_path / "videos", encoder="va-tiny", progress=False)
    return va.Session(corpus, "city at night", annotator="kelli")


@pytest.mark.slow
def test_a_4k_video_is_shown_and_played_small(page: Page, session: va.Session) -> None:
    shown = list(session.corpus.clips.index)
    assert len(shown) == 2
    answer, buffers = page.send({"v": 1, "id": "f", "type": "filmstrips", "clips": shown})
    assert all(strip["width"] <= 256 for strip in answer["result"]["strips"])
    assert all(len(data) < 33_000 for data in buffers)  # 12 of them are a page of 400 KB
    answer, (data,) = page.send({"v": 1, "id": "p", "type": "preview", "clip": shown[1], "context": 0})
    assert answer["result"]["available"]
    with av.open(io.BytesIO(data), "r") as file:
        frames = [(frame.width, frame.height) for frame in file.decode(video=0)]
    assert set(frames) == {(640, 360)}
    assert len(frames) == 24


@pytest.mark.slow
def test_labels_do_not_wait_for_a_preview(page: Page, session: va.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the cut takes: here until the label is stored."""
    stored = threading.Event()
    cut = session.preview

    def slowly(clip: str, context: float = 0.0) -> bytes:
        assert stored.wait(240)
        return cut(clip, context)

    monkeypatch.setattr(session, "preview", slowly)
    clip = session.corpus.clips.index[0]
    page.annotator._handle_custom_msg({"v": 1, "id": "p", "type": "preview", "clip": clip, "context": 0}, [])
    assert page.ask("label", clips=[clip], value="yes", source="search")["ok"]
    stored.set()
    assert page.wait(lambda message: message.get("id") == "p")["result"]["available"]
