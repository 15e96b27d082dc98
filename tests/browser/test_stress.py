"""What a bad day brings: a busy kernel, a lost connection, two views, a hurried person."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, becomes, fake_clock, press, shoot, take_keyboard

STORED = "Object.entries(kernel.labels[kernel.concept]).map(([clip, value]) => clip + value).sort()"


def yes(page: Page, number: int, view: int = 0) -> None:
    app = page.locator(".va-app").nth(view)
    expect(app.locator(".va-count[data-value=yes] b")).to_have_text(str(number))


def test_a_busy_kernel_is_said_and_labelling_goes_on(annotator: Page) -> None:
    fake_clock(annotator)
    annotator.evaluate("kernel.hold = true")
    take_keyboard(annotator)
    press(annotator, "yyn")
    expect(annotator.locator(".va-badge")).to_have_count(3)
    annotator.clock.run_for(20_000)
    state = annotator.locator(".va-state")
    expect(state).to_have_attribute("data-state", "busy")
    expect(state).to_contain_text("3 not saved yet")
    expect(annotator.locator(".va-unsaved")).to_have_count(3)
    shoot(annotator, "busy")
    annotator.evaluate("kernel.release()")
    yes(annotator, 2)
    expect(state).to_have_attribute("data-state", "saved")
    expect(annotator.locator(".va-unsaved")).to_have_count(0)
    # What was sent again meanwhile was stored once: one undo takes one label back.
    annotator.keyboard.press("z")
    expect(annotator.locator(".va-count[data-value=no] b")).to_have_text("0")
    yes(annotator, 2)


@pytest.mark.parametrize("width", [1200, 420])
def test_labels_that_cannot_be_saved_wait_and_the_page_says_why(open_page: Open, width: int) -> None:
    why = "The labels' file /films/labels.sqlite is gone, so that nothing can be saved: put it back from a copy."
    page = open_page(width=width)
    expect(page.locator(".va-film").first).to_be_visible()
    fake_clock(page)
    page.evaluate("why => { kernel.unsavable = why; }", why)
    take_keyboard(page)
    press(page, "yyn")
    state, reason = page.locator(".va-state"), page.locator(".va-words")
    expect(state).to_have_text("3 not saved yet")
    expect(state).to_have_attribute("data-state", "error")
    expect(reason).to_have_text(f"What you label waits on this page until it can be saved. {why}")
    expect(page.locator(".va-error")).to_have_count(0)
    expect(page.locator(".va-badge")).to_have_count(3)  # they are still what the person sees
    shoot(page, f"unsaved-{width}")
    page.evaluate("() => { kernel.unsavable = ''; kernel.status = {}; }")
    page.clock.run_for(60_000)
    expect(state).to_have_text("saved")
    expect(reason).to_have_count(0)
    yes(page, 2)
    becomes(page, "Object.keys(kernel.labels[kernel.concept]).length", 3)


@pytest.mark.parametrize("width", [1200, 480])
def test_a_kernel_that_knows_the_widget_no_more_is_said_and_labels_stay(open_page: Open, width: int) -> None:
    page = open_page(width=width)
    expect(page.locator(".va-film").first).to_be_visible()
    page.evaluate("kernel.gone = true")
    take_keyboard(page)
    press(page, "yn")
    state = page.locator(".va-state")
    expect(state).to_have_attribute("data-state", "lost")
    expect(state).to_have_text("kernel lost · 2 not saved yet")
    expect(page.locator(".va-hint")).to_contain_text("Run this cell again")
    expect(page.locator(".va-unsaved")).to_have_count(2)
    page.evaluate("scrollTo(0, 0)")
    shoot(page, f"lost-{width}")
    page.evaluate("kernel.gone = false")
    press(page, "y")  # whatever gets through shows that there is a kernel
    expect(state).not_to_have_attribute("data-state", "lost")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(state).to_have_attribute("data-state", "saved")
    yes(page, 2)


def test_clips_that_a_busy_kernel_does_not_send_yet_are_waited_for_in_words(annotator: Page) -> None:
    fake_clock(annotator)
    take_keyboard(annotator)
    annotator.evaluate("kernel.hold = true")
    annotator.keyboard.press("3")
    nothing = annotator.locator(".va-nothing")
    expect(nothing).to_have_text("Looking …")
    expect(annotator.locator(".va-hint")).to_be_empty()  # there is nothing to label
    annotator.clock.run_for(2_000)
    expect(nothing).to_have_text("The kernel is busy …The clips come when it answers.")
    annotator.evaluate("kernel.release()")
    expect(nothing).to_have_count(0)


def test_a_page_that_no_kernel_knows_from_the_start_says_what_to_do(open_page: Open) -> None:
    page = open_page(gone=True)
    expect(page.locator(".va-header")).to_have_text("kernel lost: run this cell again")
    page.evaluate("kernel.gone = false; window.dispatchEvent(new Event('online'))")
    expect(page.locator(".va-film").first).to_be_visible()


def test_a_kernel_that_goes_while_nothing_is_done_is_said(annotator: Page) -> None:
    state = annotator.locator(".va-state")
    annotator.wait_for_function("kernel.open === 0")
    annotator.evaluate("kernel.gone = true; models[0].emit('comm_live_update')")
    expect(state).to_have_text("kernel lost")
    expect(annotator.locator(".va-hint")).to_contain_text("Run this cell again")
    take_keyboard(annotator)
    annotator.keyboard.press("3")  # whose clips do not come
    nothing = annotator.locator(".va-nothing")
    expect(nothing).to_have_text("The kernel is lost.Run this cell again: what you did is kept.")
    annotator.evaluate("kernel.gone = false; models[0].emit('comm_live_update')")
    expect(state).to_have_attribute("data-state", "saved")


def test_a_kernel_that_went_unnoticed_is_said_to_who_turns_to_the_widget(annotator: Page) -> None:
    annotator.mouse.move(0, 0)
    fake_clock(annotator)
    annotator.clock.run_for(15_000)
    annotator.evaluate("kernel.gone = true")
    annotator.locator(".va-thumb").nth(1).hover()
    expect(annotator.locator(".va-state")).to_have_text("kernel lost")


def test_an_offline_minute_loses_no_label(annotator: Page) -> None:
    fake_clock(annotator)
    annotator.evaluate("kernel.lose = true")
    take_keyboard(annotator)
    press(annotator, "yynu")
    annotator.clock.run_for(60_000)
    expect(annotator.locator(".va-unsaved")).to_have_count(4)
    expect(annotator.locator(".va-badge").first).to_have_text("yes · unsaved")
    annotator.wait_for_function("document.querySelector('.va-badge-unsaved').offsetWidth > 40")
    assert annotator.evaluate(STORED) == []
    shoot(annotator, "offline")
    annotator.evaluate("kernel.lose = false; window.dispatchEvent(new Event('online'))")
    expect(annotator.locator(".va-unsaved")).to_have_count(0)
    becomes(annotator, STORED, ["clip-0yes", "clip-1yes", "clip-2no", "clip-3unsure"])


def test_a_reload_in_the_middle_of_a_batch_loses_no_label(annotator: Page) -> None:
    take_keyboard(annotator)
    annotator.evaluate("kernel.lose = true")
    press(annotator, "yyn")
    expect(annotator.locator(".va-badge")).to_have_count(3)
    annotator.reload()  # the imitated kernel is new, too: what it gets comes from the page
    yes(annotator, 2)
    becomes(annotator, STORED, ["clip-0yes", "clip-1yes", "clip-2no"])


def test_five_hundred_labels_by_key_repeat(open_page: Open) -> None:
    page = open_page(clips=600, place={"tab": "feeds", "feed": "random", "size": 120, "page": 100})
    expect(page.locator(".va-card")).to_have_count(100)
    take_keyboard(page)
    for number in range(1, 6):
        for _ in range(100):
            page.keyboard.down("y")  # held: it repeats
        page.keyboard.up("y")
        yes(page, 100 * number)
        if number < 5:
            page.keyboard.press("Enter")
            expect(page.locator(".va-page")).to_have_text(f"page {number + 1}")
    becomes(page, "kernel.seen.size", 500)
    assert page.evaluate("window.leaked") == []


def test_two_views_of_one_widget_agree(open_page: Open) -> None:
    page = open_page(views=2)
    expect(page.locator(".va-app")).to_have_count(2)
    take_keyboard(page)
    press(page, "yn")
    yes(page, 1, view=1)
    expect(page.locator(".va-badge")).to_have_count(4)
    page.locator(".va-concept").nth(1).click()
    page.get_by_label("A new concept").fill("rain")
    page.keyboard.press("Enter")
    for view in (0, 1):
        expect(page.locator(".va-concept").nth(view)).to_have_text("rain")
        yes(page, 0, view)


def test_two_widgets_of_one_session_agree(open_page: Open) -> None:
    page = open_page(widgets=2)
    expect(page.locator(".va-app")).to_have_count(2)
    expect(page.locator(".va-film").first).to_be_visible()
    take_keyboard(page)
    press(page, "yyn")
    yes(page, 2, view=1)
    second = page.locator(".va-app").nth(1)
    expect(second.locator(".va-card[data-label=yes]")).to_have_count(2)
    second.locator(".va-box").focus()
    page.keyboard.press("z")
    expect(page.locator(".va-app").first.locator(".va-badge")).to_have_count(2)


def test_only_the_visible_widget_asks_after_its_cell_was_run_again(open_page: Open) -> None:
    page = open_page(labelled=9, place={"tab": "feeds"})
    expect(page.locator(".va-film").first).to_be_visible()
    page.evaluate("rerun()")
    becomes(page, "models[0].asked.at(-1)", "bye")
    expect(page.locator(".va-app")).to_have_count(1)
    expect(page.locator(".va-film").first).to_be_visible()
    page.evaluate("models.forEach((model) => { model.asked.length = 0; })")
    take_keyboard(page)
    press(page, "yn")
    page.evaluate("kernel.refit(); kernel.refit()")
    expect(page.get_by_role("button", name=re.compile(r"^\d+ new"))).to_be_visible()
    becomes(page, "models.map((model) => model.seen)", [False, True])
    becomes(page, "['label', 'feed'].map((kind) => models[1].asked.filter((type) => type === kind).length)", [2, 2])
    assert page.evaluate("models[0].asked") == []


def test_a_feed_asked_for_while_refitting_comes_and_the_newer_one_is_offered(open_page: Open) -> None:
    page = open_page(labelled=9, place={"tab": "feeds"})
    expect(page.locator(".va-film").first).to_be_visible()
    page.evaluate("kernel.hold = true")
    take_keyboard(page)
    page.keyboard.press("4")
    expect(page.locator(".va-box")).to_have_attribute("aria-busy", "true")
    page.evaluate("kernel.release()")
    expect(page.locator(".va-box")).to_have_attribute("aria-busy", "false")
    page.evaluate("kernel.refit(); kernel.refit()")
    expect(page.get_by_role("button", name=re.compile(r"^\d+ new"))).to_be_visible()


def test_memory_is_given_back(open_page: Open) -> None:
    page = open_page(clips=2400, labelled=2400, place={"tab": "review", "size": 120})
    expect(page.locator(".va-film").first).to_be_visible()
    page.evaluate("""() => {
      window.made = 0;
      const revoke = URL.revokeObjectURL.bind(URL);
      URL.revokeObjectURL = (url) => { window.made += 1; revoke(url); };
    }""")
    take_keyboard(page)
    for _ in range(70):
        page.keyboard.press("ArrowDown")
        page.evaluate("() => new Promise(requestAnimationFrame)")
    page.keyboard.press("End")
    expect(page.locator("[data-clip=clip-2399] .va-film")).to_be_visible()
    page.wait_for_function("window.made > 100")
