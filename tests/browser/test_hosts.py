"""What the hosts do differently: buffers, keys, themes, storage, and how many messages a kernel takes at a time."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, fake_clock, press, take_keyboard

APART = pytest.mark.parametrize("host", ["colab", "vscode"])  # output in a frame of its own, a kernel with one queue


@APART
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colab_and_vs_code_show_label_and_play(open_page: Open, host: str, theme: str) -> None:
    page = open_page(theme, host=host)
    expect(page.locator(".va-root")).to_have_attribute("data-va-theme", theme)
    film = page.locator(".va-film").first
    expect(film).to_be_visible()
    url = film.evaluate("(film) => getComputedStyle(film).backgroundImage.slice(5, -2)")
    picture = page.evaluate(
        "(url) => fetch(url).then((r) => r.blob()).then(createImageBitmap).then((p) => p.width)", url
    )
    assert picture == 8 * 240  # the buffer's own bytes, and none of the message around it
    take_keyboard(page)
    press(page, "yn")
    expect(page.locator(".va-state")).to_have_attribute("data-state", "saved")
    expect(page.locator(".va-count[data-value=yes] b")).to_have_text("1")
    page.locator(".va-thumb").first.click()
    page.wait_for_function("document.querySelector('video')?.currentTime > 0.1")


@APART
def test_a_kernel_with_one_queue_delays_everything_and_loses_nothing(open_page: Open, host: str) -> None:
    page = open_page(host=host)
    expect(page.locator(".va-film").first).to_be_visible()
    fake_clock(page)
    page.evaluate("kernel.hold = true")
    take_keyboard(page)
    page.keyboard.press("Space")
    player = page.get_by_role("group", name="Player")
    expect(player).to_be_visible()
    press(page, "yyn")
    expect(page.locator(".va-rows .va-unsaved")).to_have_count(3)
    page.keyboard.press("Escape")
    page.keyboard.press("4")  # another page is wanted meanwhile
    page.clock.run_for(20_000)
    state = page.locator(".va-state")
    expect(state).to_have_attribute("data-state", "busy")
    expect(state).to_contain_text("3 not saved yet")
    page.evaluate("kernel.release()")
    expect(state).to_have_attribute("data-state", "saved")
    expect(page.locator(".va-count[data-value=yes] b")).to_have_text("2")
    expect(page.locator("[data-feed=random]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".va-film").first).to_be_visible()
    assert page.evaluate("kernel.seen.size") == 3  # sent again while it waited, stored once


def test_notebook_7_hears_keys_first_and_gets_none(open_page: Open) -> None:
    page = open_page(host="notebook")
    expect(page.locator(".va-film").first).to_be_visible()
    take_keyboard(page)
    press(page, "yn")
    expect(page.locator(".va-badge")).to_have_count(2)
    page.get_by_label("Card size").focus()
    press(page, "bxx")  # x selects the card, and lets it go
    page.get_by_role("tab", name="Feeds").focus()
    press(page, "dd")
    assert page.evaluate("window.leaked") == []
    page.keyboard.press("Control+s")
    assert "s" in page.evaluate("window.leaked")
    take_keyboard(page)
    page.keyboard.press("Escape")
    expect(page.locator(".cell")).to_be_focused()
    page.keyboard.press("b")
    assert page.evaluate("window.leaked").count("b") == 1
