"""What the page says of words: the text model is being loaded, cannot be loaded, or they tell nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, shoot

GONE = "The weights of ViT-B-32/laion2b_s34b_b79k could not be loaded: connect to the network once, to download them."
FLAT = "These words do not tell your clips apart: try other words."
CUT = "Only the first words are read: “seen from a slow helicopter over the roofs of a town”."


def in_view(page: Page, selector: str) -> bool:
    """Whether an element lies within the page from left to right."""
    box = page.locator(selector).bounding_box()
    size = page.viewport_size
    assert box is not None
    assert size is not None
    return box["x"] >= 0 and box["x"] + box["width"] <= size["width"]


@pytest.mark.parametrize(("theme", "width"), [("light", 1200), ("dark", 420)])
def test_words_that_cannot_be_searched_are_said_with_the_reason(open_page: Open, theme: str, width: int) -> None:
    status = {"words": "unavailable", "words_note": GONE}
    page = open_page(theme, width, place={}, status=status)
    expect(page.get_by_role("tab", name="Feeds")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".va-card").first).to_be_visible()
    expect(page.locator(".va-words")).to_have_text(f"Words cannot be searched now. {GONE}")
    assert in_view(page, ".va-words")
    shoot(page, f"no-words-{theme}")
    page.get_by_role("tab", name="Search").click()
    page.get_by_label("Search the corpus").fill("rain")  # to try again
    page.evaluate("kernel.status = {}")
    page.keyboard.press("Enter")
    expect(page.locator(".va-card").first).to_be_visible()
    expect(page.locator(".va-words")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_text_model_that_is_loaded_is_waited_for_in_words(open_page: Open, theme: str) -> None:
    waiting = "Loading the text model; the first time its weights are downloaded, which may take minutes."
    status = {"words": "loading", "words_note": waiting, "ready": False}
    page = open_page(theme, loading=True, status=status)
    expect(page.locator(".va-nothing")).to_contain_text(waiting)
    expect(page.locator(".va-state")).to_have_text("loading")
    shoot(page, f"loading-{theme}")
    page.evaluate("kernel.status = {}; kernel.load(); kernel.broadcast('status', {})")
    expect(page.locator(".va-card").first).to_be_visible()
    expect(page.locator(".va-state")).to_have_text("saved")


@pytest.mark.parametrize(("theme", "width"), [("light", 1200), ("dark", 420)])
def test_flat_and_cut_searches_are_said(open_page: Open, theme: str, width: int) -> None:
    page = open_page(theme, width, note=f"{CUT} {FLAT}", status={"concept_note": CUT})
    note = page.locator(".va-search-note")
    expect(note).to_have_text(f"{CUT} {FLAT}")
    expect(page.locator(".va-concept-note")).to_have_text(CUT)
    assert in_view(page, ".va-search-note")
    shoot(page, f"flat-{theme}")
    page.get_by_role("tab", name="Feeds").click()
    expect(page.locator(".va-card").first).to_be_visible()
    expect(note).to_have_count(0)
