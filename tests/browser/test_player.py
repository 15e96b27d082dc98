"""The player over the grid."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, becomes, fake_clock, press, shoot, take_keyboard
from tests.conftest import pictured


def opened(page: Page) -> None:
    take_keyboard(page)
    page.keyboard.press("Space")
    expect(page.locator(".va-loupe video")).to_be_visible()
    page.wait_for_function("document.querySelector('video')?.readyState >= 2")


def test_space_plays_pauses_and_escape_closes(annotator: Page) -> None:
    opened(annotator)
    annotator.wait_for_function("document.querySelector('video').currentTime > 0.2")
    annotator.keyboard.press("Space")
    annotator.wait_for_function("document.querySelector('video').paused")
    annotator.keyboard.press("Space")
    annotator.wait_for_function("!document.querySelector('video').paused")
    shoot(annotator, "player")
    annotator.keyboard.press("Escape")
    expect(annotator.locator("video")).to_have_count(0)
    expect(annotator.locator(".va-box")).to_be_focused()


@pytest.mark.parametrize("width", [400, 800, 1200])
def test_its_controls_have_the_room_that_it_gives_them(open_page: Open, width: int) -> None:
    page = open_page(width=width)
    expect(page.locator(".va-film").first).to_be_visible()
    opened(page)
    top = "selector => document.querySelector(`.va-loupe ${selector}`).getBoundingClientRect().top"
    close = page.evaluate(top, ".va-close")
    assert abs(close - page.evaluate(top, ".va-loupe-labels")) < 8  # in one row
    assert page.evaluate("(e => e.scrollWidth <= e.clientWidth)(document.querySelector('.va-loupe .va-clip-name'))")


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
    asked = "kernel.asked.filter((m) => m.type === 'preview').map((m) => m.clip).sort()"
    becomes(annotator, asked, ["clip-2", "clip-3", "clip-4", "clip-5"])


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
    annotator.wait_for_function("document.querySelector('video').paused")
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
    becomes(annotator, "kernel.asked.filter((m) => m.type === 'preview' && m.clip === 'clip-0').length", 2)


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


# --- sound -----------------------------------------------------------------------------------------

MUTED = "document.querySelector('video').muted"


def test_a_clip_is_heard_until_it_is_muted_and_so_are_the_next(annotator: Page) -> None:
    opened(annotator)
    button = annotator.get_by_role("button", name="Mute")
    expect(button).to_have_attribute("aria-pressed", "false")
    becomes(annotator, MUTED, False)
    annotator.wait_for_function("document.querySelector('video').webkitAudioDecodedByteCount > 0")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    becomes(annotator, MUTED, True)
    first = annotator.locator("video").get_attribute("src")
    annotator.keyboard.press("y")  # on to the next, which stays muted
    expect(annotator.locator("video")).not_to_have_attribute("src", first or "")
    expect(button).to_have_attribute("aria-pressed", "true")
    annotator.wait_for_function("document.querySelector('video').currentTime > 0.1")
    becomes(annotator, MUTED, True)
    annotator.keyboard.press("m")
    expect(button).to_have_attribute("aria-pressed", "false")
    becomes(annotator, MUTED, False)
    annotator.keyboard.press("Escape")
    annotator.keyboard.press("m")  # for the clip that will be opened
    annotator.keyboard.press("Space")
    expect(button).to_have_attribute("aria-pressed", "true")
    becomes(annotator, MUTED, True)


def test_its_key_may_be_another(open_page: Open) -> None:
    page = open_page(place={"tab": "search", "size": 264, "keys": {"mute": "s"}})
    expect(page.locator(".va-film").first).to_be_visible()
    opened(page)
    expect(page.get_by_role("button", name="Mute")).to_have_attribute("title", "Mute (S)")
    press(page, "ms")
    expect(page.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "true")


def test_where_the_browser_refuses_sound_it_plays_muted_and_says_so(annotator: Page) -> None:
    annotator.evaluate("""() => {
        const play = HTMLMediaElement.prototype.play;
        HTMLMediaElement.prototype.play = function () {
            if (this.muted) return play.call(this);
            return Promise.reject(new DOMException("The person has pressed nothing.", "NotAllowedError"));
        };
    }""")
    opened(annotator)
    button = annotator.get_by_role("button", name="Mute")
    expect(button).to_have_attribute("aria-pressed", "true")
    annotator.wait_for_function("document.querySelector('video').currentTime > 0.1")
    becomes(annotator, MUTED, True)
    annotator.keyboard.press("m")  # now something was pressed
    expect(button).to_have_attribute("aria-pressed", "false")
    becomes(annotator, MUTED, False)


def test_a_clip_without_sound_says_so(open_page: Open) -> None:
    page = open_page(sound=False)
    expect(page.locator(".va-film").first).to_be_visible()
    opened(page)
    button = page.get_by_role("button", name="No sound")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "No sound")
    button.click(force=True)
    expect(page.get_by_role("button", name="Mute")).to_have_count(0)
    page.wait_for_function("document.querySelector('video').currentTime > 0.1")
    shoot(page, "player-no-sound")


def test_what_nobody_sees_is_not_heard(annotator: Page) -> None:
    hide = """(hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    paused = "document.querySelector('video').paused"
    opened(annotator)
    annotator.wait_for_function(f"!{paused}")
    annotator.evaluate(hide, True)
    becomes(annotator, paused, True)
    annotator.evaluate(hide, False)
    becomes(annotator, paused, False)
    annotator.keyboard.press("Space")  # what the person has paused stays so
    becomes(annotator, paused, True)
    annotator.evaluate(hide, True)
    annotator.evaluate(hide, False)
    assert annotator.evaluate(paused)


def test_only_one_of_two_players_is_heard(open_page: Open) -> None:
    page = open_page(widgets=2)
    playing = "[...document.querySelectorAll('video')].map((video) => !video.paused)"
    for number in (0, 1):
        app = page.locator(".va-app").nth(number)
        expect(app.locator(".va-film").first).to_be_visible()
        app.locator(".va-box").focus()
        page.keyboard.press("Space")
        page.wait_for_function(f"document.querySelectorAll('video')[{number}]?.currentTime > 0.1")
    becomes(page, playing, [False, True])
    page.locator(".va-app").first.locator(".va-box").focus()
    page.keyboard.press("Space")
    becomes(page, playing, [True, False])


def test_the_filmstrip_is_silent(annotator: Page) -> None:
    """Scrubbed by the pointer, and in place of a clip that is still being cut."""
    thumb = annotator.locator(".va-thumb").nth(1)
    expect(thumb).to_have_attribute("data-frame", "4")  # the middle
    thumb.hover(position={"x": 4, "y": 40})
    expect(thumb).to_have_attribute("data-frame", "0")
    expect(annotator.locator("video, audio")).to_have_count(0)
    opened(annotator)
    sounding = annotator.evaluate_handle("document.querySelector('video')")
    annotator.evaluate("kernel.hold = true")
    annotator.keyboard.press("ArrowDown")  # a clip that has not been cut yet
    expect(annotator.locator(".va-loupe .va-film")).to_be_visible()
    expect(annotator.locator("video, audio")).to_have_count(0)
    annotator.wait_for_function("(video) => video.paused", arg=sounding)


# --- its place, and the pages ----------------------------------------------------------------------

OVERLAP = """() => {
  const [a, b] = ['.va-loupe', '.va-current .va-thumb'].map((e) => document.querySelector(e).getBoundingClientRect());
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}"""


@pytest.mark.parametrize("width", [1200, 800, 400])
def test_it_is_beside_its_card_and_stays_open_from_page_to_page(open_page: Open, width: int) -> None:
    page = open_page(width=width, place={"tab": "feeds", "feed": "random", "size": 264, "page": 12})
    expect(page.locator(".va-film").first).to_be_visible()
    opened(page)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    for index in range(11):
        page.wait_for_function(f"!({OVERLAP})()")
        expect(page.locator(".va-current")).to_have_attribute("data-index", str(index))
        page.keyboard.press("y")
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    expect(page.locator(".va-page")).to_have_text("page 2")
    expect(page.locator(".va-loupe video")).to_be_visible()
    expect(page.locator(".va-current")).to_have_attribute("data-clip", "clip-12")
    page.wait_for_function(f"!({OVERLAP})()")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.keyboard.press("4")  # another list
    expect(page.locator(".va-current")).to_be_visible()
    expect(page.locator(".va-loupe")).to_have_count(0)


FRAMES = "[...document.querySelectorAll('.va-thumb')].map((thumb) => thumb.dataset.frame)"


def test_the_card_under_the_keyboard_plays(annotator: Page) -> None:
    still = ["4"] * annotator.locator(".va-thumb").count()  # the middle of every filmstrip
    becomes(annotator, FRAMES, still)
    take_keyboard(annotator)
    for index in (0, 1):
        becomes(annotator, FRAMES, [*still[:index], "7", *still[index + 1 :]])
        annotator.keyboard.press("ArrowRight")
    annotator.keyboard.press("Escape")  # the notebook has the keyboard
    becomes(annotator, FRAMES, still)


def test_nothing_plays_for_who_asked_for_no_motion(annotator: Page) -> None:
    annotator.emulate_media(reduced_motion="reduce")
    annotator.evaluate("""() => {
      window.moved = 0;
      const count = () => { window.moved += 1; };
      new MutationObserver(count).observe(document.body, { subtree: true, attributeFilter: ["data-frame"] });
    }""")
    fake_clock(annotator)
    take_keyboard(annotator)
    annotator.clock.run_for(5_000)
    assert annotator.evaluate("window.moved") == 0
    annotator.emulate_media(reduced_motion="no-preference")
    annotator.keyboard.press("ArrowRight")
    annotator.clock.run_for(5_000)
    assert annotator.evaluate("window.moved") > 0


def test_what_opens_over_a_single_row_of_cards_is_not_cut_by_the_notebook(open_page: Open) -> None:
    page = open_page(clips=2, labelled=0)
    pictured(page)
    bottom = "document.querySelector({}).getBoundingClientRect().bottom".format
    whole = bottom("'.va-app'")
    low = page.evaluate(whole)
    for key, selector in ((" ", ".va-loupe"), ("?", ".va-help")):
        take_keyboard(page)
        page.keyboard.press(key)
        expect(page.locator(selector)).to_be_visible()
        page.wait_for_function(f"{bottom(repr(selector))} <= {whole}")
        page.keyboard.press("Escape")
        expect(page.locator(selector)).to_have_count(0)
        becomes(page, whole, low)  # all is as low as before
