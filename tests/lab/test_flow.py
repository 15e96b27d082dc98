"""The whole job in a real JupyterLab and a real Chromium, as a person does it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

import va_widgets as va
from tests.conftest import copy_unlabelled, pictured
from tests.lab.conftest import Lab, choose, save

OPEN = """import va_widgets as va
corpus = va.Corpus.open("{corpus}")
session = va.Session(corpus, concept="city at night", annotator="kelli")"""
SHOW = "annotator = va.Annotator(session)\nannotator"


def corpus_of(notebook: str) -> str:
    """The folder of a notebook's corpus, beside it."""
    return notebook.removesuffix(".ipynb") + "-corpus"


@pytest.fixture
def notebook(lab: Lab, demo_folder: Path, request: pytest.FixtureRequest, bundle: Path) -> str:
    """A notebook with a demo corpus of its own, without labels."""
    name = re.sub(r"\W", "-", request.node.name)
    name = f"{name}.ipynb"
    copy_unlabelled(demo_folder, lab.root / corpus_of(name))
    lab.write(name, OPEN.format(corpus=corpus_of(name)), SHOW)
    return name


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
    pictured(annotator)
    return annotator


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
    expect(annotator.locator(".va-found")).to_have_text(re.compile(r"found \d+ · in all about \d+"))
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

    annotator.get_by_role("button", name="Publish …").click()
    panel = annotator.get_by_role("dialog", name="Publish")
    panel.get_by_role("button", name="Publish").click()
    expect(annotator.locator(".va-hint")).to_have_text("published city at night, version 1")
    folder = panel.locator("code").first.inner_text()
    models = lab.root / corpus_of(notebook) / "models"
    assert va.load_model(models / Path(folder).parent.name).name == "city at night"

    # What the kernel has is what the page shows, and no key has changed the notebook.
    save(page)
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(2)
    assert [cell.split("\n")[0] for cell in lab.cells(notebook)] == ["import va_widgets as va", SHOW.split("\n")[0]]


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
    label_page(page, annotator, "yyn")
    page.reload()  # in the middle of a batch
    lab.with_widgets(page)
    annotator = ready(page)
    counts(annotator, 8, 7, 0)
    expect(annotator.locator("[data-feed=random]")).to_have_attribute("aria-pressed", "true")
    saved(annotator)

    page.evaluate("void jupyterapp.commands.execute('notebook:restart-kernel')")
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    expect(annotator.locator(".va-state")).to_have_text("kernel lost")
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")).to_be_visible()
    expect(annotator.locator(".va-state")).to_have_text("kernel lost")  # the new kernel does not know the widget
    annotator.evaluate("view => view.classList.add('old-view')")
    lab.run_all(page)
    expect(page.locator(".old-view")).to_have_count(0)
    annotator = ready(page)
    counts(annotator, 8, 7, 0)
    annotator.get_by_role("tab", name="Review").click()
    expect(annotator.locator(".va-badge").first).to_be_visible()
    shoot("resumed")


def test_where_the_user_went_while_the_kernel_was_held_survives_a_reload_and_a_new_kernel(
    lab: Lab, page: Page, notebook: str
) -> None:
    opened(lab, page, notebook)
    page.evaluate("jupyterapp.commands.execute('notebook:insert-cell-below')")
    # Holds the interpreter's lock, so that no thread of the kernel takes messages.
    page.evaluate(
        "jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel"
        ".setSource('import ctypes; ctypes.PyDLL(None).sleep(8)')"
    )
    save(page)
    page.evaluate("void jupyterapp.commands.execute('notebook:run-cell')")
    page.wait_for_timeout(1000)
    page.locator(".va-box").first.focus()
    for key in "2314":  # JupyterLab sends the first change of a trait, and holds those after it back
        page.keyboard.press(key)
    page.reload()
    lab.with_widgets(page)
    chosen = ready(page).locator("[data-feed=random]")
    expect(chosen).to_have_attribute("aria-pressed", "true")
    page.evaluate("void jupyterapp.commands.execute('notebook:restart-kernel')")
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")).to_be_visible()
    lab.run_all(page)
    ready(page)
    expect(chosen).to_have_attribute("aria-pressed", "true")


def test_a_dead_kernel_is_said_and_a_saved_notebook_shows_the_still(
    lab: Lab, page: Page, notebook: str, shoot: Callable[[str], None]
) -> None:
    annotator = opened(lab, page, notebook)
    expect(page.locator(".va-still")).to_be_hidden()
    save(page)
    choose(page, "Kernel", "Shut Down Kernel")
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")).to_have_count(0)
    expect(annotator.locator(".va-state")).to_have_text("kernel lost")  # JupyterLab says nothing: the page asks
    label_page(page, annotator, "y")
    expect(annotator.locator(".va-state")).to_have_text("kernel lost · 1 not saved yet")
    page.reload()
    still = page.locator(".va-still")
    expect(still).to_contain_text("Run the cell to label.")
    expect(still).to_be_visible()
    expect(page.get_by_text("model not found")).to_be_hidden()
    shoot("still")
    lab.run_all(page)
    ready(page)
    expect(still).to_be_hidden()
