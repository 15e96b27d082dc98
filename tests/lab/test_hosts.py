"""Notebook 7 and Voilà show the same notebook as JupyterLab; both are extensions of the same server."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.lab.conftest import Lab
from tests.lab.test_flow import clips, counts, label_page, notebook, ready, saved

__all__ = ["notebook"]  # a fixture


def needs(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(find_spec(package) is None, reason=f"pip install {package}")


@needs("notebook")
def test_notebook_7_shows_the_annotator_and_keeps_its_keys_to_itself(lab: Lab, page: Page, notebook: str) -> None:
    page.goto(f"{lab.url}/notebooks/{notebook}?token={lab.token}")
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(2)
    lab.run_all(page)
    annotator = ready(page)
    label_page(page, annotator, "yn")
    counts(annotator, 1, 1, 0)
    saved(annotator)
    expect(annotator.locator(".va-state")).to_have_attribute("data-version", re.compile("[1-9]"))
    shown = clips(annotator)[:2]
    page.keyboard.press("3")
    expect(annotator.locator("[data-feed=borderline]")).to_have_attribute("aria-pressed", "true")
    expect(annotator.locator(".va-card .va-film").first).to_be_visible()
    assert not set(shown) & set(clips(annotator))
    for key in "bdda":  # in Notebook's command mode: a cell below, delete it, a cell above
        page.keyboard.press(key)
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(2)


@needs("voila")
def test_voila_shows_the_annotator_without_code(lab: Lab, page: Page, notebook: str) -> None:
    page.goto(f"{lab.url}/voila/render/{notebook}?token={lab.token}")
    annotator = ready(page)
    expect(page.locator(".va-still")).to_be_hidden()
    expect(page.get_by_text("import va_widgets")).to_have_count(0)
    expect(page.locator(".jp-InputArea:visible, .jp-CodeMirrorEditor:visible, .cm-editor:visible")).to_have_count(0)
    label_page(page, annotator, "y")
    counts(annotator, 1, 0, 0)
    saved(annotator)


CONTAINERS = """import ipywidgets as w
annotator = va.Annotator(session)
text = w.Label("beside it")
tab = w.Tab([text, annotator], titles=["other", "annotator"], selected_index=1)
fold = w.Accordion([annotator], titles=["annotator"], selected_index=0)
columns = w.Layout(grid_template_columns="200px 1fr")
for container in (
    w.HBox([w.Button(description="next"), annotator]),
    w.VBox([text, annotator]),
    w.AppLayout(left_sidebar=w.Label("left"), center=va.Annotator(session)),  # it sets its children's grid areas
    w.GridBox([text, annotator], layout=columns),
    tab,
    fold,
):
    display(container)"""


def test_containers_of_ipywidgets_give_the_annotator_room(
    lab: Lab, page: Page, notebook: str, screenshots: Path
) -> None:
    lab.write("containers.ipynb", lab.cells(notebook)[0], CONTAINERS)
    lab.open(page, "containers.ipynb")
    lab.run_all(page)
    views = page.locator(".va-app")
    expect(views).to_have_count(6)
    for number in range(6):
        expect(views.nth(number).locator(".va-card .va-film").first).to_be_visible()
    for view in views.all():
        page.wait_for_function("(view) => view.getBoundingClientRect().width > 500", arg=view.element_handle())
    for number in range(6):
        views.nth(number).scroll_into_view_if_needed()
        page.screenshot(path=screenshots / f"container-{number}.png")
