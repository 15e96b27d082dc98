"""A model as a notebook shows it."""

from __future__ import annotations

from pathlib import Path

from tests.unit.models.conftest import publish_model


def test_texts_of_a_model_are_no_html_and_are_cut(tmp_path: Path) -> None:
    files = {"yes.jpg": b"\xff\xd8", "no.jpg": bytes(60_001), "borderline.jpg": b"\xff\xd8"}
    model = publish_model(tmp_path, "<b>", concept="<i>" * 1000, threshold_why="<u>", files=files)
    (model.folder / "borderline.jpg").write_bytes(b"changed")
    model.withdraw("<s>")
    page = model._repr_html_()
    assert not any(tag in page for tag in ("<b>", "<i>", "<u>", "<s>"))
    assert "&lt;b&gt;, version 1" in page
    assert "&lt;s&gt;" in page
    assert page.count("<img") == 1  # one picture is too large to be shown, one was changed
    assert len(page) < 5000
