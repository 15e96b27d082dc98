"""The annotator in a marimo app, which keeps every widget in a shadow root of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

import va_widgets as va
from tests.conftest import new_context
from tests.lab.conftest import free_port

pytestmark = pytest.mark.skipif(find_spec("marimo") is None, reason="pip install marimo")

APP = """import marimo

app = marimo.App(width="full")


@app.cell
def _():
    import marimo as mo
    import va_widgets as va

    corpus = va.Corpus.open({corpus!r})
    mo.ui.anywidget(va.Annotator(va.Session(corpus, "city at night", annotator="kelli")))
    return


if __name__ == "__main__":
    app.run()
"""
_START_SECONDS = 240.0


def test_marimo_shows_cards_and_stores_a_label(
    browser: Browser, demo_corpus: va.Corpus, tmp_path: Path, bundle: Path, screenshots: Path
) -> None:
    (tmp_path / "app.py").write_text(APP.format(corpus=str(demo_corpus.path)), encoding="utf-8")
    port, log = free_port(), tmp_path / "marimo.log"
    command = [sys.executable, "-m", "marimo", "run", "app.py", "--headless", "--no-token", f"--port={port}"]
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    with log.open("wb") as written:
        server = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **home}, stdout=written, stderr=written)
    context = new_context(browser, 1400, 900)
    try:
        _wait_until_ready(port, server, log)
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}")
        cards = page.locator(".va-card")  # Playwright looks into shadow roots
        expect(cards.locator(".va-film").first).to_be_visible()
        assert page.locator(".va-root").evaluate("root => root.getRootNode() instanceof ShadowRoot")
        card = cards.first.element_handle()
        page.wait_for_function("(card) => card.getBoundingClientRect().width > 200", arg=card)
        expect(page.locator(".va-root")).to_have_attribute("data-va-theme", "light")
        page.evaluate("document.body.dataset.theme = 'dark'")  # as marimo's own switch does
        expect(page.locator(".va-root")).to_have_attribute("data-va-theme", "dark")
        first = cards.first.get_attribute("data-clip")
        page.locator(".va-line").first.click()
        page.keyboard.press("y")
        expect(page.locator(".va-count[data-value=yes] b")).to_have_text("1")
        expect(page.locator(".va-state")).to_have_attribute("data-state", "saved")
        page.screenshot(path=screenshots / "marimo.png")
    finally:
        context.close()
        server.terminate()
        server.wait(timeout=60)
    assert va.Session(demo_corpus, "city at night", annotator="kelli").own_labels == {first: "yes"}


def _wait_until_ready(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, f"marimo ended: {log.read_text()[-2000:]}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            server_is_coming_up = deadline - time.monotonic()
            time.sleep(min(0.2, max(0.0, server_is_coming_up)))
    raise AssertionError(f"marimo did not start in {_START_SECONDS:.0f} s: {log.read_text()[-2000:]}")
