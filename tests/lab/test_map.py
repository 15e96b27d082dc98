"""The map in a real JupyterLab: a lasso drawn on it opens in the annotator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import va_widgets as va
from tests.lab.conftest import Lab
from tests.lab.test_flow import OPEN, SHOW, clips, corpus_of, notebook, opened

__all__ = ["notebook"]  # a fixture


@pytest.fixture(scope="module")
def browser(browser: Browser, chromium: str) -> Iterator[Browser]:
    """A Chromium that draws WebGL in software."""
    flags = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    drawing = browser.browser_type.launch(executable_path=chromium, args=flags)
    page = drawing.new_page()
    able = page.evaluate("document.createElement('canvas').getContext('webgl') !== null")
    page.close()
    if not able:
        drawing.close()
        pytest.skip("this chromium has no WebGL, without which jupyter-scatter cannot draw")
    yield drawing
    drawing.close()


DRAWN = """() => {
  const plot = document.querySelector('.jp-OutputArea canvas');
  const pixels = plot?.getContext('2d')?.getImageData(0, 0, plot.width, plot.height).data;
  return pixels?.some((value, i) => i % 4 === 3 && value > 0);
}"""


def test_a_lasso_on_the_map_opens_in_the_annotator(lab: Lab, page: Page, notebook: str, screenshots: Path) -> None:
    lab.write(notebook, OPEN.format(corpus=corpus_of(notebook)), SHOW, "va.Map(annotator)")
    annotator = opened(lab, page, notebook)
    plot = page.locator(".jp-OutputArea canvas").first
    plot.scroll_into_view_if_needed()
    page.wait_for_function(DRAWN)
    box = plot.bounding_box()
    assert box is not None
    left, middle = box["x"] + 6, box["x"] + box["width"] / 2
    top, bottom = box["y"] + 6, box["y"] + box["height"] - 6
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((middle, top), (middle, bottom), (left, bottom), (left, top)):
        page.mouse.move(x, y, steps=12)
    page.screenshot(path=screenshots / "lasso.png")
    page.mouse.up()

    told = annotator.locator(".va-selection")
    expect(told).to_have_text(re.compile(r"^on the map \(\d+\)$"))
    number = int(re.sub(r"\D", "", told.inner_text()))
    places = va.Corpus.open(lab.root / corpus_of(notebook)).map()
    pixels = 0.02  # of the plane: the lasso's line passes clips that lie on it on either side
    assert (places["x"] < -pixels).sum() <= number <= (places["x"] < pixels).sum()
    expect(annotator.locator(".va-box")).to_have_attribute("aria-busy", "false")
    shown = clips(annotator)
    assert shown
    assert (places.loc[shown, "x"] < pixels).all()
    annotator.scroll_into_view_if_needed()
    page.screenshot(path=screenshots / "selected.png")
