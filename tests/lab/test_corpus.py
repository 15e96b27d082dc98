"""A corpus in a real JupyterLab: its progress while it is built, its summary, a clip that plays."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.lab.conftest import Lab

BUILD = """import va_widgets as va
corpus = va.Corpus.build("built-corpus", videos="films")"""


def test_a_corpus_is_built_shown_and_played_in_cells(
    lab: Lab, page: Page, demo_folder: Path, screenshots: Path
) -> None:
    (lab.root / "films").mkdir()
    for video in sorted((demo_folder / "videos").glob("*.mp4"))[:3]:
        (lab.root / "films" / video.name).write_bytes(video.read_bytes())
    (lab.root / "films" / "broken.mp4").write_text("no video")
    lab.write("corpus.ipynb", BUILD, "corpus", "corpus.play(corpus.clips.index[2])", "corpus.report")
    lab.open(page, "corpus.ipynb")
    lab.run_all(page)
    expect(page.locator(".jp-OutputArea video")).to_be_visible()
    page.wait_for_function("() => document.querySelector('.jp-OutputArea video').readyState >= 2")
    pictures = page.locator(".jp-OutputArea img[src^='data:image/jpeg']")
    expect(pictures).to_have_count(8)
    for picture in pictures.all():
        page.wait_for_function("(picture) => picture.naturalWidth > 0", arg=picture.element_handle())
    outputs = page.locator(".jp-OutputArea")
    expect(outputs.first).to_contain_text("100%")
    expect(outputs.first).to_contain_text("Skipped broken.mp4: it is not a video")
    page.screenshot(path=screenshots / "corpus.png")
