"""The built bundle on a plain page, without a notebook: themes, widths, focus, and what leaks out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.widget.test_protocol import cases

SCREENSHOTS = Path(__file__).parent / "screenshots"
ADDRESS = "http://annotator.test/"
# Stands where anywidget is: a model whose kernel knows thirty clips and draws their filmstrips.
HOST = """
import annotator from "/annotator.js";
const golden = GOLDEN;
const by = (type) => golden.find((reply) => reply.type === type).result;
const card = by("similar").cards[0];
const clips = Array.from({length: 30}, (_, i) => `clip-${i}`);
const labels = {};
const listeners = new Set();
const place = {};
window.asked = [];
window.leaked = [];
document.addEventListener("keydown", (event) => window.leaked.push(event.key));
const status = () => ({...by("hello").status, counts: {
  yes: Object.values(labels).filter((v) => v === "yes").length,
  no: Object.values(labels).filter((v) => v === "no").length,
  unsure: Object.values(labels).filter((v) => v === "unsure").length,
}});
const strip = async (index) => {
  const canvas = new OffscreenCanvas(8 * 160, 90);
  const pen = canvas.getContext("2d");
  for (let i = 0; i < 8; i++) {
    pen.fillStyle = `hsl(${index * 36} 45% ${30 + 4 * i}%)`;
    pen.fillRect(160 * i, 0, 160, 90);
    pen.fillStyle = "white";
    pen.fillRect(160 * i + 15 * i, 35, 20, 20);
  }
  const blob = await canvas.convertToBlob({type: "image/jpeg"});
  return new DataView(await blob.arrayBuffer());
};
const cards = (some) => some.map((clip, i) => ({...card, clip, label: labels[clip] ?? null, score: 0.9 - i / 40}));
const answer = async (message) => {
  const result = structuredClone(by(message.type));
  const rest = clips.filter((clip) => !message.exclude?.includes(clip));
  if (message.type === "feed") result.cards = cards(rest.slice(0, message.k));
  if (message.type === "search") result.cards = cards(clips.slice(0, message.k));
  if (message.type === "label") {
    for (const clip of message.clips) labels[clip] = message.value === "none" ? null : message.value;
    result.labels = Object.fromEntries(message.clips.map((clip) => [clip, labels[clip]]));
  }
  if (message.type === "review") result.cards = cards(clips.filter((clip) => labels[clip]));
  let buffers = [];
  if (message.type === "filmstrips") {
    buffers = await Promise.all(message.clips.map((clip) => strip(clips.indexOf(clip))));
    result.strips = message.clips.map((clip, i) =>
      ({clip, mime: "image/jpeg", frames: 8, width: 160, height: 90, buffer: i, reason: ""}));
  }
  if (result.status) result.status = status();
  const reply = {v: 1, id: message.id, type: message.type, ok: true, result};
  for (const listener of [...listeners]) listener(reply, buffers);
};
const model = {
  get: () => place, set: () => {}, save_changes: () => {},
  on: (_, listener) => listeners.add(listener), off: (_, listener) => listeners.delete(listener),
  send: (message) => { window.asked.push(message); void answer(message); },
};
const widget = annotator();
const stop = widget.initialize({model});
for (const el of document.querySelectorAll(".view")) widget.render({model, el});
window.stop = stop;
""".replace("GOLDEN", json.dumps(cases("replies")))


@pytest.fixture
def annotator(browser: Browser, bundle: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    theme, width = getattr(request, "param", ("light", 1200))
    colours = "background:#111;color:#eee" if theme == "dark" else "background:#fff;color:#222"
    page_html = f"""<!doctype html><html><head><link rel="stylesheet" href="/annotator.css"></head>
<body data-jp-theme-light="{str(theme == "light").lower()}" style="margin:8px;{colours};font-family:sans-serif">
<div class="view"></div><script type="module">{HOST}</script></body></html>"""
    files = {"/": ("text/html; charset=utf-8", page_html)}
    for name, kind in (("annotator.js", "text/javascript"), ("annotator.css", "text/css")):
        files[f"/{name}"] = (kind, (bundle / name).read_text(encoding="utf-8"))

    def serve(route: Route) -> None:
        path = "/" + route.request.url.removeprefix(ADDRESS)
        if path in files:
            kind, body = files[path]
            route.fulfill(content_type=kind, body=body)
        else:
            route.fulfill(status=404)

    context = browser.new_context(viewport={"width": width, "height": 800})
    context.set_default_timeout(30_000)
    page = context.new_page()
    errors: list[Any] = []
    page.on("pageerror", lambda error: errors.append(error))
    page.route("**/*", serve)
    page.goto(ADDRESS)
    expect(page.locator(".va-film").first).to_be_visible()
    yield page
    context.close()
    assert errors == []


@pytest.mark.parametrize(
    "annotator", [("light", 1200), ("dark", 1200), ("light", 480), ("dark", 480)], indirect=True, ids=str
)
def test_it_fits_follows_the_theme_and_is_mostly_pictures(annotator: Page, request: pytest.FixtureRequest) -> None:
    theme, width = request.node.callspec.params["annotator"]
    expect(annotator.locator(".va-root")).to_have_attribute("data-va-theme", theme)
    annotator.locator(".va-card").first.click(position={"x": 4, "y": 4})
    annotator.keyboard.press("y")
    annotator.keyboard.press("n")
    annotator.keyboard.press("u")
    expect(annotator.locator(".va-badge")).to_have_count(3)
    SCREENSHOTS.mkdir(exist_ok=True)
    annotator.screenshot(path=SCREENSHOTS / f"{theme}-{width}.png")
    assert annotator.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is wider than its cell"
    pictures = annotator.evaluate("""() => {
      const area = (e) => { const b = e.getBoundingClientRect(); return b.width * b.height; };
      const shown = [...document.querySelectorAll(".va-thumb")].reduce((sum, e) => sum + area(e), 0);
      return shown / area(document.querySelector(".va-app"));
    }""")
    assert pictures >= (0.75 if width >= 1200 else 0.6), f"only {pictures:.0%} of the widget is pictures"


def test_labels_are_told_by_shape_and_text(annotator: Page) -> None:
    card = annotator.locator(".va-card").nth(2)
    card.hover()
    card.get_by_role("button", name="Yes (Y)").click()
    expect(card).to_have_attribute("data-label", "yes")
    expect(card.locator(".va-badge")).to_have_text("yes")
    card.get_by_role("button", name="Yes (Y)").click()
    expect(card).to_have_attribute("data-label", "")


def test_hovering_scrubs_through_the_filmstrip(annotator: Page) -> None:
    thumb = annotator.locator(".va-thumb").first
    box = thumb.bounding_box()
    assert box is not None
    for part, frame in ((0.02, "0"), (0.55, "4"), (0.98, "7")):
        annotator.mouse.move(box["x"] + part * box["width"], box["y"] + 20)
        expect(thumb).to_have_attribute("data-frame", frame)


def test_keys_work_whatever_page_is_opened_and_none_leaks(annotator: Page) -> None:
    annotator.locator(".va-card").first.click(position={"x": 4, "y": 4})
    for key in ("2", "y", "Enter", "Enter", "n", "x", "b", "d", "d", "z", "?", "Escape", "4", "u"):
        annotator.keyboard.press(key)
    expect(annotator.locator(".va-card[data-label=unsure]")).to_have_count(1)
    assert annotator.evaluate("window.leaked") == []
    annotator.keyboard.press("Control+s")
    assert "s" in annotator.evaluate("window.leaked")


def test_typing_a_search_does_not_label(annotator: Page) -> None:
    box = annotator.get_by_label("Search the corpus")
    box.fill("")
    box.press_sequentially("nun y u z")
    expect(annotator.locator(".va-badge")).to_have_count(0)
    box.press("Enter")
    assert annotator.evaluate("window.asked.filter((m) => m.type === 'search').at(-1).text") == "nun y u z"
    annotator.keyboard.press("y")  # the results have the keyboard
    expect(annotator.locator(".va-card").first).to_have_attribute("data-label", "yes")


def test_user_text_is_never_html(annotator: Page) -> None:
    annotator.evaluate("window.stop()")
    box = annotator.get_by_label("Search the corpus")
    box.fill("<img src=x onerror=window.hacked=1>")
    box.press("Enter")
    assert annotator.evaluate("window.hacked") is None
    assert annotator.locator("img").count() == 0
