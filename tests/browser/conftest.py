"""The built bundle on a plain page with an imitated kernel (`host.js`), whatever host it stands for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any
from weakref import WeakSet

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.conftest import new_context, pictured
from tests.widget.test_protocol import cases
from va_widgets.video.preview import cut

SCREENSHOTS = Path(__file__).parent / "screenshots"
ADDRESS = "http://annotator.test/"
HOST = Path(__file__).with_name("host.js")
Open = Callable[..., Page]
_SET_APART: WeakSet[Page] = WeakSet()
# What JupyterLab's style sheet makes of lists in outputs.
JUPYTERLAB = """.jp-OutputArea-output :is(dl, dt, dd) { display: block; margin: 0 }
.jp-OutputArea-output dl { width: 100%; overflow: hidden }
.jp-OutputArea-output dt { float: left; width: 20% } .jp-OutputArea-output dd { float: left; width: 80% }"""


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A preview of two seconds at 25 frames a second, each frame of another grey, with a tone."""
    path = tmp_path_factory.mktemp("clip") / "clip.mov"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 320, 180, "yuv420p", Fraction(1, 25)
        sound = file.add_stream("pcm_s16le", rate=48_000, layout="mono")
        tone = 8000 * np.sin(np.arange(96_000) / 48_000 * 2 * np.pi * 440)
        heard = av.AudioFrame.from_ndarray(tone.astype(np.int16)[None], format="s16", layout="mono")
        heard.sample_rate = 48_000
        file.mux(sound.encode(heard))
        for index in range(50):
            grey = np.full((180, 320, 3), 4 * index + 20, dtype=np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        file.mux(stream.encode())
    return cut(path, 0.0, 2.0)


class Tab:
    """A page that shows one test's annotator after another's: a new one costs half a second of the processor.

    Parameters
    ----------
    context : BrowserContext
    common : dict
        The files of every test by their path: media type and content.
    """

    def __init__(self, context: BrowserContext, common: dict[str, tuple[str, str | bytes]]) -> None:
        self._common = common
        self._files: dict[str, tuple[str, str | bytes]] = {}
        self.errors: list[Any] = []
        self.page = context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(error))
        self.page.route("**/*", self._serve)

    def show(self, html: str) -> Page:
        """Show a test's page; returns it once the annotator is drawn."""
        self._files = {**self._common, "/": ("text/html; charset=utf-8", html)}
        self.page.goto(ADDRESS)
        expect(self.page.locator(".va-app").first).to_be_visible()
        return self.page

    def clear(self) -> None:
        """Leave the test's page, and forget what it has stored and how the browser was set."""
        self._files = {"/": ("text/html", "")}
        self.page.goto(ADDRESS)
        self.page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        self.page.emulate_media(reduced_motion="null")
        self.page.mouse.move(0, 0)

    def close(self) -> None:
        self.page.context.close()

    def _serve(self, route: Route) -> None:
        path = "/" + route.request.url.removeprefix(ADDRESS)
        if path in self._files:
            kind, body = self._files[path]
            route.fulfill(content_type=kind, body=body)
        else:
            route.fulfill(status=404)


@pytest.fixture(scope="session")
def common_files(bundle: Path, clip: bytes) -> dict[str, tuple[str, str | bytes]]:
    """What the pages of all tests load, by path: media type and content."""
    return {
        "/host.js": ("text/javascript", HOST.read_text(encoding="utf-8")),
        "/annotator.js": ("text/javascript", (bundle / "annotator.js").read_text(encoding="utf-8")),
        "/annotator.css": ("text/css", (bundle / "annotator.css").read_text(encoding="utf-8")),
        "/clip.mp4": ("video/mp4", clip),
    }


@pytest.fixture(scope="session")
def free_tabs() -> Iterator[list[Tab]]:
    """Pages that no test shows just now."""
    tabs: list[Tab] = []
    yield tabs
    for tab in tabs:
        tab.close()


@pytest.fixture
def open_page(
    browser: Browser, common_files: dict[str, tuple[str, str | bytes]], free_tabs: list[Tab]
) -> Iterator[Open]:
    """A way to open the page: theme, width, pixels a CSS pixel, and what the imitated kernel shall be like."""
    tabs: list[Tab] = []

    def open_it(theme: str = "light", width: int = 1200, height: int = 800, **options: object) -> Page:
        tab = free_tabs.pop() if free_tabs else Tab(new_context(browser, width, height), common_files)
        tabs.append(tab)
        tab.page.set_viewport_size({"width": width, "height": height})
        return tab.show(_html(theme, options))

    yield open_it
    for tab in tabs:
        if tab.page in _SET_APART:
            tab.close()
        else:
            tab.clear()
            free_tabs.append(tab)
    errors = [error for tab in tabs for error in tab.errors]
    for tab in tabs:
        tab.errors.clear()
    assert errors == []


def _html(theme: str, options: dict[str, object]) -> str:
    """The page of a notebook of this theme with annotators that are as the options say."""
    usual: dict[str, object] = {
        "clips": 60,
        "labelled": 0,
        "concept": "city at night",
        "widgets": 1,
        "views": 1,
        "place": {"tab": "search", "size": 264},
        "host": "jupyterlab",
        "video": True,
        "sound": True,
        "title": "",
    }
    chosen = {**usual, **options}
    setup = json.dumps({"golden": cases("replies"), "options": chosen}).replace("<", "\\u003c")
    views = '<div class="view"></div>' * int(str(chosen["views"]))
    widgets = f'<div class="widget">{views}</div>' * int(str(chosen["widgets"]))
    colours = "background:#111;color:#eee" if theme == "dark" else "background:#fff;color:#222"
    html, body = {
        "colab": (f'theme="{theme}"', ""),
        "vscode": ("", f'data-vscode-theme-kind="vscode-{theme}"'),
    }.get(str(chosen["host"]), ("", f'data-jp-theme-light="{str(theme == "light").lower()}"'))
    return f"""<!doctype html><html lang="en" {html}><head><title>notebook</title>
<link rel="icon" href="data:,"><style>{JUPYTERLAB}</style><link rel="stylesheet" href="/annotator.css"></head>
<body {body} style="margin:8px;{colours};font-family:sans-serif">
<main tabindex="0" class="cell jp-OutputArea-output">{widgets}</main>
<script type="application/json" id="setup">{setup}</script>
<script type="module" src="/host.js"></script></body></html>"""


@pytest.fixture
def annotator(open_page: Open) -> Page:
    """The page as it usually is, with its first cards."""
    page = open_page()
    pictured(page)
    return page


def set_apart(page: Page) -> None:
    """Let no later test show this page, because the browser is set in a way that cannot be taken back."""
    _SET_APART.add(page)


def fake_clock(page: Page) -> None:
    """Let the test make time pass. Nothing may wait for an answer yet: its timers are of the real clock."""
    pictured(page)
    page.wait_for_function("kernel.open === 0")
    set_apart(page)
    page.clock.install()


def becomes(page: Page, expression: str, value: object) -> None:
    """Wait until a JavaScript expression has this value."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        page.wait_for_function(f"(text) => JSON.stringify({expression}) === text", arg=text)
    except PlaywrightTimeout:
        assert page.evaluate(expression) == value


def take_keyboard(page: Page) -> None:
    page.locator(".va-box").first.focus()


def press(page: Page, keys: Iterable[str]) -> None:
    for key in keys:
        page.keyboard.press(key)


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
