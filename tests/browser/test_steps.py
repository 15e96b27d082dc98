"""From the first search to the published model, with an imitated kernel."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, becomes, press, shoot, take_keyboard

CLIPS = "[...document.querySelectorAll('.va-card')].map((e) => e.dataset.clip)"


def test_who_has_read_nothing_is_led(annotator: Page) -> None:
    hint = annotator.locator(".va-hint")
    expect(hint).to_contain_text("Say yes to what you look for")
    take_keyboard(annotator)
    annotator.keyboard.press("y")
    annotator.keyboard.press("ArrowRight")
    annotator.get_by_role("tab", name="Review").click()
    annotator.get_by_role("tab", name="Search").click()
    expect(annotator.locator(".va-card").first).to_have_attribute("data-label", "yes")
    expect(annotator.locator(".va-quality")).to_contain_text("too few labels yet")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_empty_places_say_what_to_do_next(open_page: Open, theme: str) -> None:
    page = open_page(theme)
    nothing = page.locator(".va-nothing")
    page.get_by_role("tab", name="Review").click()
    expect(nothing).to_contain_text("Search for what you look for, and label what you see")
    shoot(page, f"empty-review-{theme}")
    page.get_by_role("tab", name="Search").click()
    page.get_by_label("Search the corpus").fill("nothing like it")
    page.keyboard.press("Enter")
    expect(nothing).to_contain_text("Type what the clips should show")
    page = open_page(theme, clips=4, labelled=4, place={"tab": "feeds"})
    expect(page.locator(".va-nothing")).to_contain_text("Look your labels over in Review")


def test_feeds_are_chosen_by_key_and_say_what_they_are_for(open_page: Open) -> None:
    page = open_page(labelled=9, place={})
    suggested = page.locator("[data-feed=suggested]")
    expect(suggested).to_have_attribute("aria-pressed", "true")  # both classes are there
    expect(page.locator(".va-purpose")).to_contain_text("teach the classifier most")
    expect(page.locator(".va-why").first).to_be_empty()  # the same for each card of the page
    expect(page.locator(".va-line").first).to_have_attribute("title", re.compile("undecided"))
    take_keyboard(page)
    for key, name in enumerate(("suggested", "top_positive", "borderline", "random", "top_negative"), start=1):
        page.keyboard.press(str(key))
        expect(page.locator(f"[data-feed={name}]")).to_have_attribute("aria-pressed", "true")
    shoot(page, "feeds")


def test_a_session_without_suggested_has_no_such_feed(open_page: Open) -> None:
    page = open_page(labelled=9, place={"tab": "feeds"})
    page.evaluate("kernel.suggested = false; kernel.refit()")
    expect(page.locator("[data-feed=suggested]")).to_have_count(0)
    take_keyboard(page)
    page.keyboard.press("1")
    expect(page.locator("[data-feed=top_positive]")).to_have_attribute("aria-pressed", "true")


def test_new_clips_wait_and_nothing_moves_under_the_pointer(open_page: Open) -> None:
    page = open_page(labelled=9, place={"tab": "feeds"})
    expect(page.locator(".va-film").first).to_be_visible()
    places = "[...document.querySelectorAll('.va-card, .va-chip, .va-tab')].map((e) => e.getBoundingClientRect().x)"
    before, where = page.evaluate(CLIPS), page.evaluate(places)
    take_keyboard(page)
    press(page, "yn")
    page.evaluate("kernel.refit()")
    chip = page.get_by_role("button", name=re.compile(r"^\d+ new"))
    expect(chip).to_have_text(re.compile(rf"^{len(before)} new"))
    assert page.evaluate(CLIPS) == before
    assert page.evaluate(places) == where
    shoot(page, "fresh")
    chip.click()
    expect(chip).to_have_count(0)
    page.wait_for_function(f"(before) => {CLIPS}.every((clip) => !before.includes(clip))", arg=before)
    page.keyboard.press("y")  # the keyboard is still there
    expect(page.locator(".va-card").first).to_have_attribute("data-label", "yes")


def test_advice_and_guideline_are_in_the_header(annotator: Page) -> None:
    annotator.evaluate("kernel.advice = 'Label ten more of borderline.'; kernel.refit()")
    expect(annotator.locator(".va-advice")).to_have_text("Label ten more of borderline.")
    annotator.get_by_role("button", name="Edit the guideline").click()
    annotator.get_by_role("textbox", name="Guideline").fill("Any skyline, no dusk")
    annotator.keyboard.press("Enter")
    expect(annotator.locator(".va-guideline-text")).to_have_text("Any skyline, no dusk")
    expect(annotator.locator(".va-box")).to_be_focused()
    shoot(annotator, "guideline")


def test_who_has_no_guideline_is_asked_for_one_where_there_is_room(open_page: Open) -> None:
    page = open_page()
    line = page.locator(".va-guideline-text")
    expect(line).to_have_text("Write down what counts …")
    below = page.locator(".va-below").bounding_box()
    page.evaluate("kernel.advice = 'Label ten more of borderline.'; kernel.refit()")
    expect(page.locator(".va-advice")).to_be_visible()
    assert page.locator(".va-below").bounding_box() == below  # advice moves no card
    line.click()
    page.get_by_role("textbox", name="Guideline").fill("Any skyline")
    page.keyboard.press("Enter")
    expect(line).to_have_text("Any skyline")
    expect(page.locator(".va-box")).to_be_focused()
    assert page.locator(".va-below").bounding_box() == below
    page = open_page(width=480)
    expect(page.locator(".va-card").first).to_be_visible()
    expect(page.locator(".va-guideline-text")).to_be_hidden()


def test_a_new_concept_is_started_and_the_old_one_found_again(annotator: Page) -> None:
    take_keyboard(annotator)
    press(annotator, "yyy")
    expect(annotator.locator(".va-count[data-value=yes] b")).to_have_text("3")
    annotator.locator(".va-concept").click()
    name = annotator.get_by_label("A new concept")
    expect(name).to_be_focused()
    shoot(annotator, "menu")
    name.fill("heavy rain")
    annotator.keyboard.press("Enter")
    expect(annotator.locator(".va-concept")).to_have_text("heavy rain")
    expect(annotator.locator(".va-badge")).to_have_count(0)
    expect(annotator.locator(".va-count[data-value=yes] b")).to_have_text("0")
    press(annotator, "n")
    expect(annotator.locator(".va-count[data-value=no] b")).to_have_text("1")
    annotator.locator(".va-concept").click()
    annotator.locator(".va-entry", has_text="city at night").click()
    expect(annotator.locator(".va-count[data-value=yes] b")).to_have_text("3")
    expect(annotator.locator(".va-card").first).to_have_attribute("data-clip", "clip-3")
    annotator.get_by_role("button", name="show labelled").click()
    expect(annotator.locator(".va-card[data-label=yes]")).to_have_count(3)
    assert annotator.evaluate("window.leaked") == []


def begin_concept(annotator: Page, concept: str) -> None:
    annotator.locator(".va-concept").click()
    annotator.get_by_label("A new concept").fill(concept)
    annotator.keyboard.press("Enter")
    expect(annotator.locator(".va-concept")).to_have_text(concept)


def test_a_note_and_tags_are_written_on_the_focused_card(annotator: Page) -> None:
    take_keyboard(annotator)
    annotator.keyboard.press("t")
    note = annotator.get_by_label("Note", exact=True)
    expect(note).to_be_focused()
    annotator.keyboard.type("dubious: yes or no?")  # none of these keys labels anything
    annotator.get_by_label("Another tag").fill("lamp <b>posts</b>")
    annotator.keyboard.press("Enter")
    annotator.get_by_role("button", name="too dark").click()
    expect(note).to_have_value("dubious: yes or no?")
    annotator.get_by_role("button", name="Keep").click()
    remark = annotator.locator(".va-card").first.locator(".va-remark")
    sent = "kernel.asked.filter(({ type }) => type === 'remark').map(({ note, tags }) => [note, tags])"
    becomes(annotator, f"{sent}.at(-1)", ["dubious: yes or no?", ["lamp <b>posts</b>", "too dark"]])
    expect(remark).to_have_text("lamp <b>posts</b>, too dark · dubious: yes or no?")
    expect(annotator.locator(".va-badge")).to_have_count(0)
    annotator.keyboard.press("ArrowRight")
    annotator.keyboard.press("6")
    expect(annotator.locator(".va-card").nth(1).locator(".va-remark")).to_have_text("reflection")


def test_what_is_typed_is_kept_by_escape_and_whatever_the_kernel_tells_meanwhile(annotator: Page) -> None:
    take_keyboard(annotator)
    annotator.keyboard.press("t")
    annotator.keyboard.type("dubious")
    annotator.get_by_label("Another tag").fill("rain")
    annotator.keyboard.press("Escape")
    remark = annotator.locator(".va-card").first.locator(".va-remark")
    expect(remark).to_have_text("rain · dubious")
    expect(annotator.locator(".va-remark-box")).to_have_count(0)
    expect(annotator.locator(".va-box")).to_be_focused()
    annotator.get_by_role("button", name="Edit the guideline").click()
    box = annotator.get_by_role("textbox", name="Guideline")
    box.fill("Any skyline")
    annotator.evaluate("kernel.advice = 'Label ten more.'; kernel.refit()")
    expect(annotator.locator(".va-advice")).to_have_text("Label ten more.")
    expect(box).to_have_value("Any skyline")
    annotator.keyboard.press("Escape")
    expect(annotator.locator(".va-guideline-text")).to_have_text("Any skyline")
    expect(annotator.locator(".va-box")).to_be_focused()


def test_a_guideline_is_not_given_to_the_concept_that_another_window_opens(annotator: Page) -> None:
    annotator.get_by_role("button", name="Edit the guideline").click()
    annotator.get_by_role("textbox", name="Guideline").fill("Any skyline")
    annotator.evaluate("kernel.concept = 'fog'; kernel.broadcast('switch', {})")
    expect(annotator.locator(".va-concept")).to_have_text("fog")
    expect(annotator.locator(".va-guideline")).to_have_count(0)
    annotator.evaluate("kernel.concept = 'city at night'; kernel.broadcast('switch', {})")
    expect(annotator.locator(".va-concept")).to_have_text("city at night")
    annotator.get_by_role("button", name="Edit the guideline").click()
    expect(annotator.get_by_role("textbox", name="Guideline")).to_have_value("Any skyline")
    assert not annotator.evaluate("kernel.asked.some(({ type }) => type === 'guideline')")


def test_the_concept_menu_goes_by_arrows_and_closes_on_a_press_outside(annotator: Page) -> None:
    for concept in ("heavy rain", "fog"):
        begin_concept(annotator, concept)
    annotator.locator(".va-concept").click()
    entries = annotator.locator(".va-entry")
    expect(entries).to_have_count(3)
    press(annotator, ["ArrowDown"] * 4)  # the box, Start, the first entry, its button to forget it, the second
    expect(entries.nth(1)).to_be_focused()
    press(annotator, "ArrowUp End y".split())  # y labels nothing behind the menu
    expect(annotator.get_by_label("Rename, archive or use fog")).to_be_focused()
    press(annotator, "Home ArrowDown ArrowDown Enter".split())
    expect(annotator.locator(".va-concept")).to_have_text("city at night")
    expect(annotator.locator(".va-count[data-value=yes] b")).to_have_text("0")
    annotator.locator(".va-concept").click()
    expect(entries.first).to_be_visible()
    annotator.locator(".va-counts").click()
    expect(entries).to_have_count(0)
    annotator.locator(".va-concept").click()
    expect(entries.first).to_be_visible()
    annotator.mouse.click(2, 2)  # on the notebook
    expect(entries).to_have_count(0)
    assert annotator.evaluate("window.leaked") == []


def test_a_mistyped_concept_is_forgotten_in_the_menu(annotator: Page) -> None:
    take_keyboard(annotator)
    annotator.keyboard.press("y")
    for concept in ("heavi rain", "heavy rain"):
        begin_concept(annotator, concept)
    annotator.locator(".va-concept").click()
    expect(annotator.locator(".va-entry")).to_have_count(3)
    expect(annotator.get_by_role("button", name="Forget")).to_have_count(1)  # neither what has labels nor what is open
    shoot(annotator, "forget")
    annotator.get_by_role("button", name="Forget heavi rain").click()
    expect(annotator.locator(".va-entry-name")).to_have_text(["city at night", "heavy rain"])
    expect(annotator.get_by_label("A new concept")).to_be_focused()


def test_review_scrolls_through_ten_thousand_labels(open_page: Open) -> None:
    page = open_page(clips=10_000, labelled=10_000, place={"tab": "review", "size": 264})
    expect(page.locator(".va-film").first).to_be_visible()
    expect(page.locator(".va-page")).to_have_text("10000 clips")
    assert page.locator(".va-card").count() < 60
    take_keyboard(page)
    page.keyboard.press("End")
    last = page.locator("[data-clip=clip-9999]")
    expect(last).to_be_in_viewport()
    expect(last.locator(".va-film")).to_be_visible()
    assert page.locator(".va-card").count() < 60
    page.keyboard.press("u")  # in place
    expect(last).to_have_attribute("data-label", "unsure")
    expect(last).to_be_in_viewport()
    # A smooth scroll: the page holds what is near, however far the list has moved on.
    counts = page.evaluate("""() => new Promise((done) => {
      const box = document.querySelector('.va-box');
      const counts = [];
      const step = () => {
        counts.push(box.querySelectorAll('.va-card').length);
        box.scrollTop -= 150;
        if (counts.length < 60) requestAnimationFrame(step);
        else done(counts);
      };
      requestAnimationFrame(step);
    })""")
    assert all(0 < count < 60 for count in counts), counts
    shoot(page, "review")


def test_review_filters_orders_and_publishes(open_page: Open) -> None:
    page = open_page(labelled=9, place={"tab": "review"})
    expect(page.locator(".va-card")).to_have_count(9)
    page.locator("[data-filter=yes]").click()
    expect(page.locator(".va-card")).to_have_count(3)
    page.get_by_label("Order").select_option("newest")
    becomes(page, "kernel.asked.filter((m) => m.type === 'review').at(-1).order", "newest")
    for annotator, name in (("jo", "jo"), ("everybody", "")):
        page.get_by_label("Whose labels").select_option(annotator)
        becomes(page, "kernel.asked.filter((m) => m.type === 'review').at(-1).annotator", name)
    first = page.locator(".va-card").first
    expect(first.locator(".va-why")).to_have_text("looks like no")
    expect(first.locator(".va-score")).to_have_text(".80")
    first.hover()
    first.get_by_role("button", name="No").click()
    expect(first).to_have_attribute("data-label", "no")
    expect(page.locator(".va-card")).to_have_count(3)  # it keeps its place
    expect(first.locator(".va-why")).to_be_empty()  # what was said about the former label
    expect(first.locator(".va-score")).to_have_count(0)
    page.get_by_role("button", name="Publish …").click()
    dialog = page.get_by_role("dialog", name="Publish")
    expect(dialog).to_contain_text("32 clips are found: you called them yes, or they score .41 or more")
    expect(page.get_by_label("The model's name")).to_be_focused()
    page.keyboard.type("night, first cut")  # no label by its letters
    page.keyboard.press("Enter")
    expect(page.locator(".va-hint")).to_have_text("published night, first cut, version 2")
    expect(dialog).to_contain_text("Published as night, first cut, version 2, in")
    folder = "/films/corpus/models/night/v2"
    expect(dialog.locator("code")).to_have_text([folder, f"model = va.load_model('{folder}')"])
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Export the found clips").click()
    assert download.value.suggested_filename == "night.csv"
    assert Path(download.value.path()).read_text() == "clip_id,score\nclip-0,0.96\n"
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator(".va-box")).to_be_focused()
    assert page.evaluate("window.leaked") == []
    page.locator(".va-card").nth(1).hover()
    page.locator(".va-card").nth(1).get_by_role("button", name="More like this").click()
    expect(page.get_by_role("tab", name="Search")).to_have_attribute("aria-selected", "true")
    seed = page.locator(".va-seed")
    expect(seed.locator(".va-film")).to_be_visible()
    expect(seed.locator(".va-seed-picture")).to_have_attribute("title", "reel-0003.mp4 00:09–00:11")
    expect(page.locator(".va-score")).to_have_count(0)  # a cosine is no probability
    page.keyboard.press("Shift+A")
    expect(page.get_by_role("tab", name="Review")).to_have_attribute("aria-selected", "true")


def test_the_last_page_and_labels_of_several_annotators_are_said(open_page: Open) -> None:
    page = open_page(clips=1, annotators=2)
    expect(page.locator(".va-film").first).to_be_visible()
    expect(page.locator(".va-next")).to_contain_text("last page")
    take_keyboard(page)
    page.keyboard.press("y")
    expect(page.locator(".va-hint")).to_contain_text("That was the last page. Go on with other words")
    page.locator(".va-concept").click()
    expect(page.locator(".va-of-all")).to_contain_text("Labels of all annotators")
