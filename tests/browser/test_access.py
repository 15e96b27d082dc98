"""What axe-core finds in every state, light and dark; reduced motion; the order of the focus."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, press, take_keyboard
from tests.conftest import pictured

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")


def serious(page: Page) -> list[str]:
    found = axe.Axe().run(page, context=".va-app").response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary'][:300]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 480])
def test_axe_finds_nothing_serious(open_page: Open, theme: str, width: int) -> None:
    page = open_page(theme, width, labelled=9)
    expect(page.locator(".va-film").first).to_be_visible()
    assert serious(page) == []
    take_keyboard(page)
    press(page, "ynu?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.evaluate("kernel.advice = 'Label ten more of borderline.'; kernel.guideline = 'no dusk'")
    page.keyboard.press("1")
    page.evaluate("kernel.refit()")
    expect(page.locator(".va-fresh")).to_be_enabled()
    assert serious(page) == []
    page.keyboard.press("2")
    expect(page.locator(".va-film").first).to_be_visible()
    page.keyboard.press("r")
    expect(page.get_by_role("alertdialog")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("r")
    expect(page.locator(".va-done")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Space")
    expect(page.locator("video")).to_be_visible()
    page.keyboard.press("t")
    expect(page.get_by_label("Note", exact=True)).to_be_focused()
    assert serious(page) == []
    press(page, ["Escape", "Escape"])
    page.get_by_role("tab", name="Review").click()
    expect(page.locator(".va-card").first).to_be_visible()
    page.get_by_role("button", name="Publish …").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    expect(page.locator(".va-published")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.locator(".va-concept").click()
    page.get_by_label("Rename, archive or use city at night").click()
    expect(page.get_by_role("button", name="Rename", exact=True)).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.locator("[data-filter=disputed]").click()
    expect(page.locator(".va-nothing")).to_be_visible()
    assert serious(page) == []


def test_every_control_has_a_name(annotator: Page) -> None:
    nameless = annotator.evaluate("""() => [...document.querySelectorAll('.va-app :is(button, input, select)')]
      .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim())).map((e) => e.outerHTML)""")
    assert nameless == []


def test_the_focus_goes_in_the_order_of_sight(annotator: Page) -> None:
    annotator.locator(".va-concept").focus()
    places = []
    for _ in range(20):
        spot = annotator.evaluate("""() => {
          const e = document.activeElement.closest('.va-app') ? document.activeElement : null;
          const part = e && ['header', 'toolbar', 'stage', 'foot'].find((name) => e.closest('.va-' + name));
          return part ?? '';
        }""")
        if spot == "":
            break
        places.append(spot)
        annotator.keyboard.press("Tab")
    assert list(dict.fromkeys(places)) == ["header", "toolbar", "stage", "foot"]
    assert places == sorted(places, key=["header", "toolbar", "stage", "foot"].index)


def test_labels_and_errors_are_spoken(annotator: Page) -> None:
    take_keyboard(annotator)
    press(annotator, "y")
    expect(annotator.locator(".va-spoken")).to_have_text("yes")
    press(annotator, "z")
    expect(annotator.locator(".va-spoken")).to_have_text("1 label undone")
    expect(annotator.locator(".va-spoken")).to_have_attribute("aria-live", "polite")


def test_nothing_moves_for_who_asked_for_no_motion(open_page: Open) -> None:
    page = open_page(video=False)
    pictured(page)
    page.emulate_media(reduced_motion="reduce")
    moving = page.evaluate("""() => [...document.querySelectorAll('.va-root *')]
      .filter((e) => parseFloat(getComputedStyle(e).transitionDuration) > 0).length""")
    assert moving == 0
