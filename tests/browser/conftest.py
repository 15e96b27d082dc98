"""The built bundle on a plain page with an imitated kernel (`host.js`), whatever host it stands for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.widget.test_protocol import cases
from va_widgets.video.preview import cut

SCREENSHOTS = Path(__file__).parent / "screenshots"
ADDRESS = "http://annotator.test/"
HOST = Path(__file__).with_name("host.js")
Open = Callable[..., Page]
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


@pytest.fixture
def open_page(browser: Browser, bundle: Path, clip: bytes) -> Iterator[Open]:
    """A way to open the page: theme, width, pixels a CSS pixel, and what the imitated kernel shall be like."""
    contexts = []
    errors: list[Any] = []

    def open_it(
        theme: str = "light", width: int = 1200, height: int = 800, scale: float = 1.0, **options: object
    ) -> Page:
        usual: dict[str, object] = {"clips": 60, "labelled": 0, "concept": "city at night", "widgets": 1, "views": 1}
        usual |= {
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
        page_html = f"""<!doctype html><html lang="en" {html}><head><title>notebook</title>
<link rel="icon" href="data:,"><style>{JUPYTERLAB}</style><link rel="stylesheet" href="/annotator.css"></head>
<body {body} style="margin:8px;{colours};font-family:sans-serif">
<main tabindex="0" class="cell jp-OutputArea-output">{widgets}</main>
<script type="application/json" id="setup">{setup}</script>
<script type="module" src="/host.js"></script></body></html>"""
        files: dict[str, tuple[str, str | bytes]] = {
            "/": ("text/html; charset=utf-8", page_html),
            "/host.js": ("text/javascript", HOST.read_text(encoding="utf-8")),
            "/annotator.js": ("text/javascript", (bundle / "annotator.js").read_text(encoding="utf-8")),
            "/annotator.css": ("text/css", (bundle / "annotator.css").read_text(encoding="utf-8")),
            "/clip.mp4": ("video/mp4", clip),
        }

        def serve(route: Route) -> None:
            path = "/" + route.request.url.removeprefix(ADDRESS)
            if path in files:
                kind, body = files[path]
                route.fulfill(content_type=kind, body=body)
            else:
                route.fulfill(status=404)

        context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=scale)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(error))
        page.route("**/*", serve)
        page.goto(ADDRESS)
        expect(page.locator(".va-app").first).to_be_visible()
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def annotator(open_page: Open) -> Page:
    """The page as it usually is, with its first cards."""
    page = open_page()
    expect(page.locator(".va-film").first).to_be_visible()
    return page


def fake_clock(page: Page) -> None:
    """From now on the test makes time pass. Nothing may wait for an answer yet: its timers are of the real clock."""
    page.wait_for_function("kernel.open === 0")
    page.clock.install()


def take_keyboard(page: Page) -> None:
    page.locator(".va-box").first.focus()


def press(page: Page, keys: Iterable[str]) -> None:
    for key in keys:
        page.keyboard.press(key)


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
