"""Let a scripted person label 500 clips by key in a real JupyterLab, one decision every 0.6 s, and count what it costs.

The person looks at each card of *borderline* in turn and decides by the clip's number, two of five yes. While a yes is
still ahead on the page they press Y or N for each card; when only no is left they press R once, after looking at
these cards. Enter opens the next page; with `--turns` they have ticked that it opens by itself. On every third page
their finger bounces: the last key comes twice, which must label nothing. The table tells the keys for a label, without
the bounces; how many stored labels are not what the person decided; and how long they waited from a key to its result
on the screen, in the page's own clock.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.annotator import CLOCK, OPEN, SHOW, make_corpora, select_and_run
from tests.lab.conftest import Lab, running

BEFORE = "given = set(session.own_labels)"  # those that the session begins with
WRITE = """given = {clip: value for clip, value in session.own_labels.items() if clip not in given}
open("labels.json", "w").write(json.dumps(given))"""
# Arms a clock that the next key starts; `window.waited` is then the time, in ms, until its result is on the screen.
ARM = """([result, index, value]) => {
  const { when, painted, now, cards, pictured } = window.va;
  const first = cards()[0]?.dataset.clip;
  const results = {
    label: () => cards()[index].dataset.label === value,
    rest: () => document.querySelector(".va-done") !== null,
    page: () => cards()[0]?.dataset.clip !== first && pictured(),
  };
  const pressed = new Promise((done) => {
    window.addEventListener("keydown", () => done(now()), { capture: true, once: true });
  });
  window.waited = pressed.then(async (began) => {
    await when(results[result]);
    return (await painted()) - began;
  });
}"""
SHOWN = "() => window.va.cards().map((card) => card.dataset.clip)"


@dataclass
class Record:
    """What the person has decided and pressed, and for how long they waited after each key, in ms."""

    decided: dict[str, str] = field(default_factory=dict)
    keys: int = 0
    bounces: int = 0
    label: list[float] = field(default_factory=list)
    page: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--labels", type=int, default=500)
    parser.add_argument("--pace", type=float, default=0.6, help="seconds for a decision")
    parser.add_argument("--turns", action="store_true", help="pages turn by themselves, a setting in the help")
    parser.add_argument("--width", type=int, default=1440, help="of the window, in pixels")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root, home = folder / "lab", folder / "home"
        root.mkdir()
        home.mkdir()
        make_corpora(root, options.clips, 512)
        with running(root, home) as lab:
            record, stored = session_of(lab, options.labels, options.pace, options.turns, options.width)
    wrong = {clip for clip in {*record.decided, *stored} if record.decided.get(clip) != stored.get(clip)}
    number = len(record.decided)
    print(f"{number} labels on {len(record.page)} pages, {record.bounces} bounces")
    print(f"keys a label                      {record.keys / number:6.3f}  <= 1.05")
    print(f"labels that were not decided      {len(wrong):6}  0")
    for title, waits in (("key -> label shown", record.label), ("key -> next page, pictures", record.page)):
        waits.sort()
        print(f"{title:32}  median {waits[len(waits) // 2]:.0f} ms, longest {waits[-1]:.0f} ms  <= 150")


def session_of(lab: Lab, labels: int, pace: float, turns: bool, width: int) -> tuple[Record, dict[str, str]]:
    """Label in a notebook; returns the person's record and what the kernel has stored."""
    lab.write("person.ipynb", OPEN.format(labels=20), SHOW, BEFORE, WRITE)
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("There is no chromium on the PATH.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": 1050})
        page.set_default_timeout(60_000)
        page.add_init_script(CLOCK)
        lab.open(page, "person.ipynb")
        for cell in (0, 1, 2):
            select_and_run(page, cell)
        page.locator("[role=tab]", has_text="Feeds").click()
        page.locator("[data-feed=borderline]").click()
        expect(page.locator("[data-feed=borderline]")).to_have_attribute("aria-pressed", "true")
        page.evaluate("window.va.when(window.va.pictured)")
        if turns:
            page.keyboard.press("?")
            page.get_by_label("The next page opens by itself").check()
            page.keyboard.press("Escape")
        record = Record()
        while len(record.decided) < labels:
            label_page(page, record, pace, turns)
        page.evaluate("window.va.when(window.va.saved)")
        select_and_run(page, 3)
        browser.close()
        lab.stop_kernels()
    stored: dict[str, str] = json.loads((lab.root / "labels.json").read_text())
    return record, stored


def label_page(page: Page, record: Record, pace: float, turns: bool) -> None:
    """Label every card of the open page and open the next one."""
    clips = page.evaluate(SHOWN)
    values = ["yes" if int(clip.removeprefix("clip-")) % 5 < 2 else "no" for clip in clips]
    rest = next((i for i in range(len(clips)) if "yes" not in values[i:]), len(clips))
    rest = rest if len(clips) - rest > 1 else len(clips)  # for one card, N is as quick
    decisions = [(values[index][0], index) for index in range(rest)]
    if rest < len(clips):
        decisions.append(("r", rest))
    record.decided.update(zip(clips, values, strict=True))
    for key, index in decisions:
        time.sleep(pace if key != "r" else pace * (len(clips) - rest))  # the person looks and decides
        if turns and (key, index) == decisions[-1]:
            record.page.append(press(page, record, key, "page"))
        elif key == "r":
            record.label.append(press(page, record, key, "rest"))
        else:
            record.label.append(press(page, record, key, "label", index, values[index]))
    if len(record.page) % 3 == 0:
        page.keyboard.press(decisions[-1][0])
        record.bounces += 1
    if not turns:
        record.page.append(press(page, record, "Enter", "page"))


def press(page: Page, record: Record, key: str, result: str, index: int = 0, value: str = "") -> float:
    """Press a key; returns how long it took until its result was on the screen, in ms."""
    page.evaluate(ARM, [result, index, value])
    page.keyboard.press(key)
    record.keys += 1
    return float(page.evaluate("window.waited"))


if __name__ == "__main__":
    main()
