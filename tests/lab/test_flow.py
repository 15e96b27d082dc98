"""The whole job in a real JupyterLab and a real Chromium, as a person does it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import copy_unlabelled
from tests.lab.conftest import Lab, choose, save

OPEN = """import va_widgets as va
corpus = va.Corpus.open("{corpus}")
session = va.Session(corpus, concept="city at night", annotator="kelli")"""
SHOW = "annotator = va.Annotator(session)\nannotator"


@pytest.fixture
def notebook(lab: Lab, demo_folder: Path, request: pytest.FixtureRequest, bundle: Path) -> str:
    """A notebook with a demo corpus of its own, without labels."""
    name = re.sub(r"\W", "-", request.node.name)
    corpus = lab.root / f"{name}-corpus"
    copy_unlabelled(demo_folder, corpus)
    lab.write(f"{name}.ipynb", OPEN.format(corpus=corpus.name), SHOW)
    return f"{name}.ipynb"


@pytest.fixture
def shoot(page: Page, screenshots: Path, request: pytest.FixtureRequest) -> Callable[[str], None]:
    def shoot(name: str) -> None:
        page.screenshot(path=screenshots / f"{request.node.name}-{name}.png")

    return shoot


def opened(lab: Lab, page: Page, notebook: str) -> Locator:
    lab.open(page, notebook)
    lab.run_all(page)
    return ready(page)


def ready(page: Page) -> Locator:
    annotator = page.locator(".va-app").first
    expect(annotator.locator(".va-film").first).to_be_visible()
    return annotator


def restarted(lab: Lab, page: Page) -> Locator:
    """Restart the kernel and run all cells: the old view goes with its kernel, the new one resumes."""
    page.locator(".va-app").evaluate_all("views => views.forEach((view) => view.classList.add('old-view'))")
    choose(page, "Kernel", "Restart Kernel and Run All Cells…")
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    expect(page.locator(".old-view")).to_have_count(0)
    if not lab.all_started(page):
        lab.run_all(page)
    return ready(page)


def clips(annotator: Locator) -> list[str]:
    found: list[str] = annotator.locator(".va-card").evaluate_all("cards => cards.map(card => card.dataset.clip)")
    return found


def counts(annotator: Locator, yes: int, no: int, unsure: int) -> None:
    for value, number in (("yes", yes), ("no", no), ("unsure", unsure)):
        expect(annotator.locator(f".va-count[data-value={value}] b")).to_have_text(str(number))


def saved(annotator: Locator) -> None:
    """Wait until every label is stored and the classifier knows all of them."""
    expect(annotator.locator(".va-state[data-state=saved][data-pending='0']")).to_be_visible()


def label_page(page: Page, annotator: Locator, keys: str) -> None:
    annotator.locator(".va-line").first.click()
    for key in keys:
        page.keyboard.press(key)


def test_search_label_feeds_review(lab: Lab, page: Page, notebook: str, shoot: Callable[[str], None]) -> None:
    annotator = opened(lab, page, notebook)
    box = annotator.get_by_label("Search the corpus")
    expect(box).to_have_value("city at night")  # the concept's own words are searched for at first
    box.fill("night")
    box.press("Enter")
    expect(annotator.locator(".va-box")).to_have_attribute("aria-busy", "false")
    shoot("1-search")

    label_page(page, annotator, "yyyyyynnnnnu")
    counts(annotator, 6, 5, 1)
    saved(annotator)
    expect(annotator.locator(".va-state")).to_have_attribute("data-version", re.compile("[1-9]"))
    expect(annotator.locator(".va-found")).to_have_text(re.compile(r"found \d+ of about \d+"))
    expect(annotator.locator(".va-header")).to_contain_text("quality")
    shoot("2-labelled")

    page.keyboard.press("3")
    expect(annotator.get_by_role("tab", name="Feeds")).to_have_attribute("aria-selected", "true")
    expect(annotator.locator("[data-feed=borderline]")).to_have_attribute("aria-pressed", "true")
    expect(annotator.locator(".va-card").first).to_be_visible()
    expect(annotator.locator(".va-card[data-label='']").first).to_be_visible()
    before = clips(annotator)
    label_page(page, annotator, "ynynynynyn")
    saved(annotator)
    assert clips(annotator) == before  # the page under the eyes never reshuffles
    annotator.get_by_role("button", name=re.compile(r"^\d+ new")).click()
    expect(annotator.locator(f".va-card[data-clip='{before[0]}']")).to_have_count(0)
    assert not set(before[:10]) & set(clips(annotator))
    shoot("3-feed")

    annotator.get_by_role("tab", name="Review").click()
    first = annotator.locator(".va-card").first
    expect(first).to_have_attribute("data-label", re.compile("yes|no|unsure"))
    page.keyboard.press("u")
    expect(first).to_have_attribute("data-label", "unsure")
    page.keyboard.press("z")
    expect(first).not_to_have_attribute("data-label", "unsure")
    saved(annotator)
    shoot("4-review")

    # What the kernel has is what the page shows, and no key has changed the notebook.
    save(page)
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(2)
    assert [cell.split("\n")[0] for cell in lab.cells(notebook)] == ["import va_widgets as va", SHOW.split("\n")[0]]


def test_a_clip_plays_and_a_thumbnail_scrubs(lab: Lab, page: Page, notebook: str, screenshots: Path) -> None:
    annotator = opened(lab, page, notebook)
    thumb = annotator.locator(".va-thumb").first
    box = thumb.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 3, box["y"] + 20)
    expect(thumb).to_have_attribute("data-frame", "0")
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 20)
    expect(thumb).to_have_attribute("data-frame", "7")
    thumb.click(position={"x": 20, "y": 20})
    video = annotator.locator("video")
    expect(video).to_be_visible()
    page.wait_for_function("document.querySelector('video').currentTime > 0.2")
    length = page.evaluate("document.querySelector('video').duration")
    page.keyboard.press("c")
    page.wait_for_function(f"document.querySelector('video')?.duration > {length + 0.5}")
    expect(annotator.locator(".va-own")).to_be_visible()
    page.screenshot(path=screenshots / "player.png")
    page.keyboard.press("Escape")
    expect(video).to_have_count(0)


def test_a_reload_and_a_new_kernel_come_back_to_the_same_place(
    lab: Lab, page: Page, notebook: str, shoot: Callable[[str], None]
) -> None:
    annotator = opened(lab, page, notebook)
    label_page(page, annotator, "yyyyyynnnnnn")
    counts(annotator, 6, 6, 0)
    saved(annotator)
    page.keyboard.press("4")
    expect(annotator.locator("[data-feed=random]")).to_have_attribute("aria-pressed", "true")
    expect(annotator.locator(".va-film").first).to_be_visible()

    save(page)
    page.reload()
    annotator = ready(page)
    counts(annotator, 6, 6, 0)
    expect(annotator.locator("[data-feed=random]")).to_have_attribute("aria-pressed", "true")
    label_page(page, annotator, "y")
    counts(annotator, 7, 6, 0)
    saved(annotator)

    annotator = restarted(lab, page)
    counts(annotator, 7, 6, 0)
    annotator.get_by_role("tab", name="Review").click()
    expect(annotator.locator(".va-badge").first).to_be_visible()
    shoot("resumed")


def test_two_views_of_one_annotator_share_labels(lab: Lab, page: Page, notebook: str) -> None:
    corpus = notebook.removesuffix(".ipynb") + "-corpus"
    lab.write(notebook, OPEN.format(corpus=corpus), SHOW, "annotator")
    annotator = opened(lab, page, notebook)
    expect(page.locator(".va-app")).to_have_count(2)
    label_page(page, annotator, "yn")
    second = page.locator(".va-app").nth(1)
    counts(second, 1, 1, 0)
    expect(second.locator(".va-badge")).to_have_count(2)


def test_the_dark_theme_is_followed(lab: Lab, page: Page, notebook: str, shoot: Callable[[str], None]) -> None:
    annotator = opened(lab, page, notebook)
    label_page(page, annotator, "ynu")
    expect(page.locator(".va-root")).to_have_attribute("data-va-theme", "light")
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    expect(page.locator(".va-root")).to_have_attribute("data-va-theme", "dark")
    shoot("dark")
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
    expect(page.locator(".va-root")).to_have_attribute("data-va-theme", "light")


def test_a_dead_kernel_is_said_and_a_saved_notebook_shows_the_still(
    lab: Lab, page: Page, notebook: str, shoot: Callable[[str], None]
) -> None:
    annotator = opened(lab, page, notebook)
    expect(page.locator(".va-still")).to_be_hidden()
    save(page)
    choose(page, "Kernel", "Shut Down Kernel")
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")).to_have_count(0)
    label_page(page, annotator, "y")
    expect(annotator.locator(".va-state")).not_to_have_attribute("data-state", "saved")
    page.reload()
    still = page.locator(".va-still")
    expect(still).to_contain_text("Run the cell to label.")
    expect(still).to_be_visible()
    expect(page.get_by_text("model not found")).to_be_hidden()
    shoot("still")
    lab.run_all(page)
    ready(page)
    expect(still).to_be_hidden()
