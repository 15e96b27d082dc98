"""A widget's page in Chromium with the widget itself as its kernel: messages and traits go to Python and back."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, expect

ADDRESS = "http://widget.test/"
_HOST = """
import annotator from "/annotator.js";
const traits = JSON.parse(document.getElementById("traits").textContent);
const changed = new Set();
let listeners = [];
const emit = (event, ...values) => {
  for (const { name, listener } of [...listeners]) if (name === event) listener(...values);
};
const model = {
  get: (name) => traits[name],
  set: (name, value) => { traits[name] = value; changed.add(name); },
  save_changes() {
    for (const name of changed) void window.toKernel({ trait: name, value: traits[name] });
    changed.clear();
  },
  send: (content) => void window.toKernel({ content }),
  on: (name, listener) => listeners.push({ name, listener }),
  off: (name, listener) => {
    listeners = listeners.filter((entry) => entry.name !== name || entry.listener !== listener);
  },
};
window.traits = traits;
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)).buffer);
const poll = async () => {
  for (const news of await window.fromKernel()) {
    if (news.trait) {
      traits[news.trait] = news.value;
      emit(`change:${news.trait}`);
    } else emit("msg:custom", news.content, news.buffers.map(bytes));
  }
  setTimeout(poll, 10);
};
void poll();
const widget = annotator();
widget.initialize({ model });
widget.render({ model, el: document.querySelector(".view") });
"""


class RealKernel:
    """Connects a page and a widget.

    Parameters
    ----------
    page : Page
        An empty one.
    widget : anywidget.AnyWidget
    bundle : Path
        The folder of the built front end.
    theme : str
        "light" or "dark".
    """

    def __init__(self, page: Page, widget: Any, bundle: Path, theme: str) -> None:
        self._widget = widget
        self._news: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        widget.send = self._keep
        names = [name for name in ("app", "explored", "place", "clip") if widget.has_trait(name)]
        widget.observe(lambda change: self._add({"trait": change["name"], "value": change["new"]}), names)
        page.expose_function("toKernel", self._take)
        page.expose_function("fromKernel", self._drain)
        traits = json.dumps({name: getattr(widget, name) for name in names}).replace("<", "\\u003c")
        colours = "background:#111;color:#eee" if theme == "dark" else "background:#fff;color:#222"
        html = f"""<!doctype html><html lang="en"><head><title>notebook</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/annotator.css"></head>
<body data-jp-theme-light="{str(theme == "light").lower()}" style="margin:8px;{colours};font-family:sans-serif">
<main tabindex="0" class="cell"><div class="view"></div></main>
<script type="application/json" id="traits">{traits}</script>
<script type="module" src="/host.js"></script></body></html>"""
        files = {"/": ("text/html; charset=utf-8", html), "/host.js": ("text/javascript", _HOST)}
        for name, kind in (("annotator.js", "text/javascript"), ("annotator.css", "text/css")):
            files[f"/{name}"] = (kind, (bundle / name).read_text(encoding="utf-8"))

        def serve(route: Route) -> None:
            path = "/" + route.request.url.removeprefix(ADDRESS)
            if path in files:
                kind, body = files[path]
                route.fulfill(content_type=kind, body=body)
            else:
                route.fulfill(status=404)

        page.route("**/*", serve)
        page.goto(ADDRESS)
        expect(page.locator(".va-app").first).to_be_visible()

    def _keep(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        data = [base64.b64encode(buffer).decode() for buffer in buffers or []]
        self._add({"content": content, "buffers": data})

    def _add(self, news: dict[str, Any]) -> None:
        with self._lock:
            self._news.append(news)

    def _drain(self) -> list[dict[str, Any]]:
        with self._lock:
            news, self._news = self._news, []
        return news

    def _take(self, message: dict[str, Any]) -> None:
        if "trait" in message:
            self._widget.set_trait(message["trait"], message["value"])
        else:
            self._widget._handle_custom_msg(message["content"], [])
