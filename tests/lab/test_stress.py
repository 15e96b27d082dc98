"""What only a real JupyterLab can show: its own keys, a busy kernel, a new one, several widgets."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocket, expect

import va_widgets as va
from tests.lab.conftest import Lab
from tests.lab.test_flow import OPEN, SHOW, corpus_of, counts, label_page, notebook, opened, ready, saved, shoot
from tests.unit.video.video_files import write_video

__all__ = ["notebook", "shoot"]  # fixtures
# Code that keeps the kernel until a file is there.
BUSY = """import pathlib, time
while not pathlib.Path("{file}").exists():
    time.sleep(0.05)"""

# A message from a widget to the kernel, as JupyterLab writes it.
QUESTION = re.compile(rb'"comm_id":"(\w+)","data":\{"method":"custom","content":\{.*?"type":"(\w+)"')


# What the kernel tells a widget that has not asked.
EVENT = re.compile(rb'"event": ?"(labels|refit|status)"')


def test_the_notebook_keeps_its_keys_and_a_busy_kernel_loses_no_label(
    lab: Lab, page: Page, notebook: str, shoot: Callable[[str], None]
) -> None:
    annotator = opened(lab, page, notebook)
    label_page(page, annotator, "yn")
    saved(annotator)
    page.evaluate("""() => {
      const context = jupyterapp.shell.currentWidget.context;
      context.saveState.connect((_, state) => { window.saveState = state; });
    }""")
    page.keyboard.press("Control+s")
    page.wait_for_function("window.saveState === 'completed'")
    counts(annotator, 1, 1, 0)
    page.keyboard.press("Escape")
    cells = page.locator(".jp-Notebook .jp-Cell")
    expect(cells).to_have_count(2)
    expect(page.locator(".va-box")).not_to_be_focused()
    page.keyboard.press("b")  # command mode: a new cell below
    expect(cells).to_have_count(3)
    counts(annotator, 1, 1, 0)

    done = f"{notebook}.done"
    page.evaluate(
        "code => void jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code })",
        BUSY.format(file=done),
    )
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status='busy']")).to_be_visible()
    annotator.locator(".va-line").nth(2).click()
    for key in "yyn":
        page.keyboard.press(key)
    expect(annotator.locator(".va-badge")).to_have_count(5)
    shoot("busy")
    (lab.root / done).touch()
    counts(annotator, 3, 2, 0)
    saved(annotator)
    expect(annotator.locator(".va-unsaved")).to_have_count(0)


def test_a_label_given_to_a_dead_kernel_is_shown_as_unsaved_and_saved_by_the_next_one(
    lab: Lab, page: Page, notebook: str, shoot: Callable[[str], None]
) -> None:
    annotator = opened(lab, page, notebook)
    label_page(page, annotator, "yy")
    saved(annotator)
    page.evaluate("""void jupyterapp.shell.currentWidget.sessionContext.session.kernel
      .requestExecute({ code: "import os; os._exit(1)" })""")
    expect(annotator.locator(".va-state")).to_have_text("kernel lost")  # before anybody does anything
    told = page.locator(".jp-Dialog", has_text="appears to have died")  # the server has seen it, and starts another one
    told.locator("button.jp-mod-accept").click()
    expect(told).to_have_count(0)
    card = annotator.locator(".va-card").nth(2)
    card.hover()
    card.get_by_role("button", name="No", exact=True).click()
    expect(card).to_have_attribute("data-label", "no")
    expect(annotator.locator(".va-state")).to_have_text("kernel lost · 1 not saved yet")
    expect(annotator.locator(".va-hint")).to_contain_text("Run this cell again")
    expect(annotator.locator(".va-unsaved")).to_have_count(1)
    shoot("lost")

    lab.run_all(page)
    annotator = ready(page)
    counts(annotator, 2, 1, 0)
    saved(annotator)
    stored = va.Session(va.Corpus.open(lab.root / corpus_of(notebook)), "city at night", "kelli")
    assert sorted(stored.own_labels.values()) == ["no", "yes", "yes"]


def test_only_the_visible_widget_asks_after_its_cell_was_run_again(lab: Lab, page: Page, notebook: str) -> None:
    asked: list[tuple[bytes, bytes]] = []  # which widget, and what

    def hear(data: bytes | str) -> None:
        asked.extend(QUESTION.findall(data.encode() if isinstance(data, str) else data))

    told: list[bytes] = []  # which widget, of the kernel's own accord

    def listen(data: bytes | str) -> None:
        if EVENT.search(message := data.encode() if isinstance(data, str) else data):
            told.extend(re.findall(rb'"comm_id": ?"(\w+)"', message))

    def connect(socket: WebSocket) -> None:
        socket.on("framesent", hear)
        socket.on("framereceived", listen)

    page.on("websocket", connect)
    annotator = opened(lab, page, notebook)
    label_page(page, annotator, "yyynnn")
    saved(annotator)
    page.keyboard.press("3")
    expect(annotator.locator("[data-feed=borderline]")).to_have_attribute("aria-pressed", "true")
    expect(annotator.locator(".va-film").first).to_be_visible()
    annotator.evaluate("view => view.classList.add('old-view')")
    page.evaluate("""async () => {
      jupyterapp.shell.currentWidget.content.activeCellIndex = 1;
      await jupyterapp.commands.execute('notebook:run-cell');
    }""")
    expect(page.locator(".old-view")).to_have_count(0)
    annotator = ready(page)
    saved(annotator)
    asked.clear()
    told.clear()
    label_page(page, annotator, "yn")
    expect(annotator.get_by_role("button", name=re.compile(r"^\d+ new"))).to_be_visible()
    saved(annotator)
    assert len({widget for widget, _ in asked}) == 1
    assert {b"label", b"feed"} <= {what for _, what in asked}
    assert set(told) == {widget for widget, _ in asked}


def test_two_views_and_two_widgets_of_one_session_and_their_concepts(
    lab: Lab, page: Page, notebook: str, shoot: Callable[[str], None]
) -> None:
    lab.write(notebook, OPEN.format(corpus=corpus_of(notebook)), SHOW, "annotator", "va.Annotator(session)")
    opened(lab, page, notebook)
    first, view, second = (page.locator(".va-app").nth(number) for number in range(3))
    expect(second.locator(".va-film").first).to_be_visible()
    label_page(page, first, "yn")
    counts(second, 1, 1, 0)
    counts(view, 1, 1, 0)
    expect(view.locator(".va-badge")).to_have_count(2)
    for annotator in (first, second):
        annotator.locator(".va-concept").click()
        annotator.get_by_label("A new concept").fill("heavy rain")
        page.keyboard.press("Enter")
        expect(annotator.locator(".va-concept")).to_have_text("heavy rain")
    label_page(page, second, "yyn")
    counts(first, 2, 1, 0)
    counts(view, 2, 1, 0)
    first.locator(".va-concept").click()
    shoot("concepts")
    first.locator(".va-entry", has_text="city at night").click()
    counts(first, 1, 1, 0)
    counts(second, 2, 1, 0)


def test_both_themes_are_followed_and_axe_finds_nothing_serious(
    lab: Lab, page: Page, notebook: str, shoot: Callable[[str], None]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    annotator = opened(lab, page, notebook)
    label_page(page, annotator, "yyynnnu")
    saved(annotator)
    for theme in ("Dark", "Light"):
        page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{theme: 'JupyterLab {theme}'}})")
        expect(page.locator(".va-root")).to_have_attribute("data-va-theme", theme.lower())
        for tab in ("Search", "Feeds", "Review"):
            annotator.get_by_role("tab", name=tab).click()
            expect(annotator.locator(".va-film").first).to_be_visible()
            found = axe.Axe().run(page, context=".va-app").response["violations"]
            assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
        shoot(theme)


def test_a_4k_video_is_scrubbed_played_and_labelled(lab: Lab, page: Page, screenshots: Path) -> None:
    write_video(lab.root / "uhd" / "uhd.mp4", [(1, 24), (2, 24)], fps=12, size=(3840, 2160))
    built = 'import va_widgets as va\ncorpus = va.Corpus.build("uhd-corpus", videos="uhd", encoder="va-tiny")'
    lab.write("uhd.ipynb", built, f'session = va.Session(corpus, concept="city at night")\n{SHOW}')
    annotator = opened(lab, page, "uhd.ipynb")
    thumb = annotator.locator(".va-thumb").first
    thumb.hover(position={"x": thumb.evaluate("(thumb) => thumb.clientWidth") - 3, "y": 20})
    expect(thumb).to_have_attribute("data-frame", "7")
    thumb.click(position={"x": 20, "y": 20})
    page.keyboard.press("y")  # while it is cut
    expect(annotator.locator(".va-card[data-label=yes]")).to_have_count(1)
    counts(annotator, 1, 0, 0)
    page.wait_for_function("document.querySelector('video')?.currentTime > 0.2")
    assert page.evaluate("document.querySelector('video').videoHeight") == 360
    length = page.evaluate("document.querySelector('video').duration")
    page.keyboard.press("c")
    page.wait_for_function(f"document.querySelector('video')?.duration > {length + 0.5}")
    expect(annotator.locator(".va-own")).to_be_visible()
    page.screenshot(path=screenshots / "player.png")
    page.keyboard.press("Escape")
    expect(annotator.locator("video")).to_have_count(0)
