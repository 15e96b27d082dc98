"""The player over the grid."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, press, shoot, take_keyboard


def opened(page: Page) -> None:
    take_keyboard(page)
    page.keyboard.press("Space")
    expect(page.locator(".va-loupe video")).to_be_visible()
    page.wait_for_function("document.querySelector('video')?.readyState >= 2")


def test_space_plays_pauses_and_escape_closes(annotator: Page) -> None:
    opened(annotator)
    annotator.wait_for_function("document.querySelector('video').currentTime > 0.2")
    annotator.keyboard.press("Space")
    assert annotator.evaluate("document.querySelector('video').paused")
    annotator.keyboard.press("Space")
    annotator.wait_for_function("!document.querySelector('video').paused")
    shoot(annotator, "player")
    annotator.keyboard.press("Escape")
    expect(annotator.locator("video")).to_have_count(0)
    expect(annotator.locator(".va-box")).to_be_focused()


def test_a_click_opens_it_and_it_follows_the_keyboard(annotator: Page) -> None:
    annotator.locator(".va-thumb").nth(2).click()
    expect(annotator.locator(".va-loupe video")).to_be_visible()
    press(annotator, "yn")
    expect(annotator.locator(".va-loupe video")).to_be_visible()
    expect(annotator.locator(".va-current")).to_have_attribute("data-index", "4")
    annotator.keyboard.press("ArrowLeft")
    expect(annotator.locator(".va-loupe .va-badge")).to_have_text("no")
    annotator.get_by_label("Player").get_by_role("button", name="Yes").click()
    expect(annotator.locator(".va-loupe .va-badge")).to_have_text("yes")
    # Only what is looked at and the one after it are cut, each once.
    asked = annotator.evaluate("kernel.asked.filter((m) => m.type === 'preview').map((m) => m.clip)")
    assert sorted(asked) == ["clip-2", "clip-3", "clip-4", "clip-5"]


def test_speed_loop_and_frames(annotator: Page) -> None:
    opened(annotator)
    press(annotator, ">>")
    annotator.wait_for_function("document.querySelector('video').playbackRate === 2")
    press(annotator, "<<<")
    annotator.wait_for_function("document.querySelector('video').playbackRate === 0.5")
    annotator.keyboard.press("l")
    expect(annotator.get_by_role("button", name="Loop")).to_have_attribute("aria-pressed", "false")
    annotator.wait_for_function("!document.querySelector('video').loop")
    annotator.keyboard.press("Space")
    annotator.evaluate("document.querySelector('video').currentTime = 1.02")
    times = []
    for key in (".", ".", ","):
        annotator.keyboard.press(key)
        annotator.wait_for_function("!document.querySelector('video').seeking")
        times.append(annotator.evaluate("document.querySelector('video').currentTime"))
    assert [round(time * 25 - 0.5) for time in times] == [26, 27, 26]


def test_what_is_around_the_clip_comes_on_request(annotator: Page) -> None:
    opened(annotator)
    annotator.keyboard.press("c")
    expect(annotator.get_by_role("button", name="2 s before and after")).to_have_attribute("aria-pressed", "true")
    annotator.wait_for_function("kernel.asked.some((m) => m.type === 'preview' && m.context === 2)")
    expect(annotator.locator(".va-own")).to_be_visible()
    annotator.keyboard.press("c")  # cached: nothing is cut again
    expect(annotator.locator(".va-own")).to_have_count(0)
    asked = annotator.evaluate("kernel.asked.filter((m) => m.type === 'preview' && m.clip === 'clip-0').length")
    assert asked == 2


def test_a_missing_video_is_its_filmstrip_and_the_reason(open_page: Open) -> None:
    page = open_page(video=False)
    expect(page.locator(".va-film").first).to_be_visible()
    take_keyboard(page)
    page.keyboard.press("Space")
    expect(page.locator(".va-loupe .va-reason")).to_have_text("The video is gone.")
    expect(page.locator(".va-loupe .va-film")).to_be_visible()
    page.keyboard.press("y")
    expect(page.locator(".va-card").first).to_have_attribute("data-label", "yes")
    shoot(page, "player-missing")


def test_the_player_stays_within_a_narrow_cell(open_page: Open) -> None:
    page = open_page("dark", 480)
    expect(page.locator(".va-film").first).to_be_visible()
    opened(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shoot(page, "player-narrow")
