"""Measure how fast the annotator responds in a real JupyterLab in a headless Chromium, with 500,000 clips.

The page measures times: a MutationObserver reports a change, and the next frame is when the change is on the screen.
The kernel records its working intervals through wrappers around the methods of Annotator and Session; page and kernel
use the same clock. "Over the kernel's own time" is the page's time minus these intervals. The corpus has synthetic
embeddings, and its clips show the demo corpus's filmstrips.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from playwright.sync_api import CDPSession, Page, WebSocket, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import va_widgets as va
from benchmarks.search import CLIPS_A_VIDEO, write_matrix
from tests.lab.conftest import DONE, STARTED, Lab, running

CONCEPT = "city at night"
OPEN = f"""import json, time
import va_widgets as va
corpus, demo = va.Corpus.open("corpus"), va.Corpus.open("demo")
session = va.Session(corpus, "{CONCEPT}", annotator="benchmark")
filmstrips = [demo.filmstrip(clip) for clip in demo.clips.index]
session.filmstrip = lambda clip: filmstrips[corpus.row(clip) % len(filmstrips)]
work = []

def recorded(name, call):
    def wrapped(*arguments, **options):
        kind = arguments[2].get("type") if name == "message" else name
        began = time.time()
        try:
            return call(*arguments, **options)
        finally:
            work.append((kind, 1000 * began, 1000 * time.time()))
    return wrapped

session.refit = recorded("refit", session.refit)
va.Annotator._receive = recorded("message", va.Annotator._receive)
if session.labels.empty:
    random_clips = corpus.clips.sample({{labels}} // 2, random_state=0).index
    session.label(corpus.search("{CONCEPT}", {{labels}} // 2)["clip_id"], True)
    session.label(random_clips.difference(session.labels.index), False)
session.refit()"""
SHOW = """if "annotator" in globals():
    annotator.close()
annotator = va.Annotator(session)
annotator"""
WRITE = 'open("work.json", "w").write(json.dumps(work))'

# Runs in every page before the page's own scripts: functions for measuring, and a map of the live blob URLs.
CLOCK = """(() => {
  const alive = new Map();
  const [create, revoke] = [URL.createObjectURL.bind(URL), URL.revokeObjectURL.bind(URL)];
  URL.createObjectURL = (blob) => { const url = create(blob); alive.set(url, blob.size); return url; };
  URL.revokeObjectURL = (url) => { alive.delete(url); revoke(url); };
  const now = () => performance.timeOrigin + performance.now();
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => done(now());
    port2.postMessage(null);
  }));
  const when = (test) => new Promise((done) => {
    const look = () => { if (test()) { watch.disconnect(); done(now()); } };
    const watch = new MutationObserver(look);
    watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    look();
  });
  const cards = () => [...document.querySelectorAll(".va-card")];
  const pictured = () => cards().length > 0 && cards().every((card) => card.querySelector(".va-film"));
  const saved = () => document.querySelector(".va-state[data-state=saved][data-pending='0']") !== null;
  window.va = { alive, now, painted, when, cards, pictured, saved };
})();"""
RUN = """async () => {
  const { when, painted, now, cards, pictured } = window.va;
  for (const old of document.querySelectorAll(".va-app")) old.classList.add("old");
  const began = now();
  void jupyterapp.commands.execute("notebook:run-cell");
  await when(() => document.querySelector(".va-app:not(.old)") && !document.querySelector(".old") && cards().length);
  const first = await painted();
  await when(pictured);
  return [first - began, (await painted()) - began];
}"""
LABEL = """async ([index, value]) => {
  const { when, painted, now, cards } = window.va;
  const card = cards()[index];
  const button = card.querySelector(`.va-label[data-value=${value}]`);
  const began = now();
  button.click();
  await when(() => card.dataset.label === value);
  const shown = await painted();
  const stored = await when(() => !card.classList.contains("va-unsaved"));
  return [began, shown - began, stored - began];
}"""
FRESH = """async (value) => {
  const { when, painted, now, cards, pictured, saved } = window.va;
  const chip = document.querySelector(".va-fresh");
  await when(() => saved() && pictured());
  const before = cards()[0].dataset.clip;
  const version = document.querySelector(".va-state").dataset.version;
  cards()[0].querySelector(".va-line").click();
  cards()[7].querySelector(".va-line").dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
  await when(() => document.querySelectorAll(".va-selected").length === 8);
  const began = now();
  cards()[0].querySelector(`.va-label[data-value=${value}]`).click();
  await when(() => !chip.disabled && document.querySelector(".va-state").dataset.version !== version);
  chip.click();
  await when(() => cards()[0].dataset.clip !== before);
  const ended = await painted();
  await when(pictured);
  return [began, ended, (await painted()) - ended];
}"""
NEXT = """async () => {
  const { when, painted, now, cards, pictured } = window.va;
  await when(pictured);
  const before = cards()[0].dataset.clip;
  const began = now();
  document.querySelector(".va-next").click();
  await when(() => cards()[0].dataset.clip !== before);
  const ended = (await painted()) - began;
  await when(pictured);
  return [ended, cards().length];
}"""
HOVER = """async (count) => {
  const frame = () => new Promise(requestAnimationFrame);
  const spent = [], between = [];
  let last = await frame();
  for (let i = 0; i < count; i++) {
    const thumb = window.va.cards()[Math.floor(i / 30) % 4].querySelector(".va-thumb");
    const box = thumb.getBoundingClientRect();
    const place = { clientX: box.x + ((i % 30) / 30) * box.width, clientY: box.y + 9, bubbles: true };
    const began = performance.now();
    thumb.dispatchEvent(new PointerEvent("pointermove", place));
    spent.push(performance.now() - began);
    const now = await frame();
    between.push(now - last);
    last = now;
  }
  return [between, spent];
}"""

Row = tuple[str, str, float, float, str]  # measure, unit, median, 95th percentile, target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=500_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--labels", type=int, default=500, help="labels given before the first measurement")
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--seen", type=int, default=2000, help="cards shown before memory is measured")
    parser.add_argument("--corpora", type=Path, help="folder in which the two corpora are kept for the next run")
    parser.add_argument("--json", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = options.corpora or folder / "corpora"
        make_corpora(kept, options.clips, options.dim)
        root, home = folder / "lab", folder / "home"
        root.mkdir()
        home.mkdir()
        for corpus in ("corpus", "demo"):
            shutil.copytree(kept / corpus, root / corpus, ignore=shutil.ignore_patterns("labels.sqlite*"))
        with running(root, home) as lab:
            rows = measure(lab, options.labels, options.repeats, options.seen)
    table = pd.DataFrame(rows, columns=["measure", "unit", "median", "p95", "mark"]).round(1)
    print(f"{options.clips:,} x {options.dim} float16, {options.labels} labels")
    print(table.to_string(index=False))
    if options.json:
        options.json.write_text(json.dumps(table.to_dict("records"), indent=1) + "\n", encoding="utf-8")


def make_corpora(folder: Path, clips: int, dim: int) -> None:
    """Write the corpus to label and the demo corpus, if they do not exist yet."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "demo").exists():
        va.demo.corpus(folder / "demo", clips=200, progress=False)
    if not (folder / "corpus").exists():
        matrix = folder / "embeddings.npy"
        _, texts = write_matrix(matrix, clips, dim)
        number = np.arange(clips)
        start = 3.0 * (number % CLIPS_A_VIDEO)
        table = pd.DataFrame(
            {
                "clip_id": [f"clip-{i:07d}" for i in number],
                "video": [f"reel-{i:05d}.mp4" for i in number // CLIPS_A_VIDEO],
                "start": start,
                "end": start + 3.0,
            }
        )
        va.Corpus.from_embeddings(folder / "corpus", matrix, table, text_embeddings={CONCEPT: texts[0]})
        matrix.unlink()


def measure(lab: Lab, labels: int, repeats: int, seen: int) -> list[Row]:
    """Open the annotator in a notebook and return the rows of all measurements."""
    lab.write("speed.ipynb", OPEN.format(labels=labels), SHOW, WRITE)
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("There is no chromium on the PATH.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1680, "height": 1050})
        page.set_default_timeout(60_000)
        page.add_init_script(CLOCK)
        received: list[int] = []

        def opened(socket: WebSocket) -> None:
            socket.on("framereceived", lambda data: received.append(len(data)))

        page.on("websocket", opened)
        lab.open(page, "speed.ipynb")
        select_and_run(page, 0)
        rows: list[Row] = []
        for measurement in (
            lambda: first_paint(page, 8),
            lambda: clicks_and_feeds(lab, page, repeats),
            lambda: bytes_a_page(page, received, 10),
            lambda: hovering(page, 240),
            lambda: memory(page, seen),
        ):
            rows += measurement()
            print(f"{rows[-1][0]}: measured", file=sys.stderr)
        browser.close()
        lab.stop_kernels()
    return rows


def select_and_run(page: Page, index: int) -> None:
    """Run a cell and wait until it has finished."""
    prompt = page.locator(".jp-Notebook .jp-Cell").nth(index).locator(".jp-InputArea-prompt")
    prompt.click()
    for _attempt in range(5):
        page.evaluate("void jupyterapp.commands.execute('notebook:run-cell')")
        try:
            # JupyterLab ignores runs while the notebook is still connecting to its kernel.
            expect(prompt).to_have_text(STARTED, timeout=4_000)
            break
        except AssertionError:
            continue
    expect(prompt).to_have_text(DONE, timeout=120_000)


def first_paint(page: Page, repeats: int) -> list[Row]:
    """Measure the time from running the cell to the first cards and to all images."""
    page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".jp-InputArea-prompt").click()
    times = [page.evaluate(RUN) for _ in range(repeats)]
    return [
        row("cell run -> first cards", "ms", [cards for cards, _ in times]),
        row("cell run -> all pictures", "ms", [images for _, images in times]),
    ]


def clicks_and_feeds(lab: Lab, page: Page, repeats: int) -> list[Row]:
    """Measure single labels while refits run, then batches of eight labels, each followed by a fresh page."""
    page.get_by_label("Cards a page").select_option("12")
    page.get_by_role("tab", name="Feeds").click()
    page.locator("[data-feed=borderline]").click()
    single = []
    for number in range(repeats):
        page.evaluate("window.va.when(window.va.pictured)")
        if number % 12 == 0 and number:
            page.evaluate(NEXT)
        single.append(page.evaluate(LABEL, [number % 12, ("yes", "no")[number % 2]]))
    fresh = [page.evaluate(FRESH, ("yes", "no")[number % 2]) for number in range(repeats)]
    select_and_run(page, 2)
    work = [(kind, began, ended) for kind, began, ended in json.loads((lab.root / "work.json").read_text())]
    refits = [(began, ended) for kind, began, ended in work if kind == "refit"]
    stored = [(began, ended) for kind, began, ended in work if kind == "label"]
    during_refit = [ended - began for began, ended in stored if busy(refits, began, ended) > 0]
    without_kernel = [ended - began - busy([(a, b) for _, a, b in work], began, ended) for began, ended, _ in fresh]
    return [
        row("click -> label shown", "ms", [shown for _, shown, _ in single], "<= 50"),
        row("click -> known as stored, in the page", "ms", [confirmed for _, _, confirmed in single]),
        row("a label in the kernel, all", "ms", [ended - began for began, ended in stored]),
        row(f"a label in the kernel while a refit runs ({len(during_refit)})", "ms", during_refit, "p95 <= 30"),
        row("refit in the kernel", "ms", [ended - began for began, ended in refits]),
        row("8th label -> fresh cards on screen", "ms", [ended - began for began, ended, _ in fresh]),
        row("the same, over the kernel's own time", "ms", without_kernel, "p95 <= 150"),
        row("fresh cards -> their pictures", "ms", [images for _, _, images in fresh]),
    ]


def bytes_a_page(page: Page, received: list[int], pages: int) -> list[Row]:
    """Measure all bytes from the kernel while pages of 12 are labelled: cards, labels, refits and status."""
    sizes = []
    for _ in range(pages):
        page.evaluate("window.va.when(() => window.va.saved() && window.va.pictured())")
        before = sum(received)
        page.evaluate(NEXT)
        page.evaluate("window.va.when(() => window.va.saved() && window.va.pictured())")
        sizes.append((sum(received) - before) / 1000)
    return [row("received for a page of 12 cards", "KB", sizes, "<= 400")]


def hovering(page: Page, frames: int) -> list[Row]:
    """Measure the frame rate while the pointer moves over thumbnails, and the time of our event handler."""
    page.evaluate("window.va.when(() => window.va.saved() && window.va.pictured())")
    between, spent = page.evaluate(HOVER, frames)
    return [
        row("hover: from frame to frame", "ms", between, "16.7"),
        row("hover: our part of it", "ms", spent),
    ]


def memory(page: Page, seen: int) -> list[Row]:
    """Measure the heap before and after `seen` cards, and the images that are still in memory then."""
    page.get_by_label("Cards a page").select_option("24")
    page.locator("[data-feed=random]").click()
    session = page.context.new_cdp_session(page)
    before = heap(session)
    shown, times = 0, []
    while shown < seen:
        milliseconds, number = page.evaluate(NEXT)
        times.append(milliseconds)
        shown += number
    kept = page.evaluate("[...window.va.alive.values()]")
    return [
        row("next page -> its cards on screen", "ms", times),
        row("heap before", "MB", [before]),
        row(f"heap after {shown:,} cards", "MB", [heap(session)]),
        row("blob URLs kept then", "", [len(kept)], "revoked"),
        row("their pictures", "MB", [sum(kept) / 1e6]),
    ]


def heap(session: CDPSession) -> float:
    """Return the page's heap after a garbage collection, in MB."""
    session.send("HeapProfiler.collectGarbage")
    used: dict[str, Any] = session.send("Runtime.getHeapUsage")
    return float(used["usedSize"]) / 1e6


def busy(intervals: Sequence[tuple[float, float]], began: float, ended: float) -> float:
    """Return how much of the time from `began` to `ended` lies within the intervals."""
    total, covered = 0.0, began
    for start, stop in sorted(intervals):
        start, stop = max(start, covered), min(stop, ended)
        if stop > start:
            total += stop - start
            covered = stop
    return total


def row(measure: str, unit: str, values: Sequence[float], mark: str = "") -> Row:
    """Return a row of the table: the measure, its unit, median, 95th percentile, and target."""
    if not values:
        return (measure, unit, float("nan"), float("nan"), mark)
    return (measure, unit, statistics.median(values), float(np.quantile(values, 0.95)), mark)


if __name__ == "__main__":
    main()
