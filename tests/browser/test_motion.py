"""What the page says of how the camera moves, and the filter by it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Open, becomes, shoot


def test_cards_and_player_say_how_the_camera_moves(open_page: Open) -> None:
    page = open_page(place={"tab": "search", "size": 380})
    card = page.locator(".va-card")
    expect(card.nth(0).locator(".va-motion")).to_have_attribute("title", "camera moves left slowly")
    expect(card.nth(0).locator(".va-motion .va-icon")).to_have_attribute("style", "transform: rotate(180deg);")
    expect(card.nth(0)).to_have_attribute(
        "aria-label",
        "no label: reel-0000.mp4, 00:00 to 00:02, near a yes · undecided, camera moves left slowly",
    )
    expect(card.nth(1).locator(".va-motion")).to_have_text("static")
    expect(card.nth(2).locator(".va-motion")).to_have_text("zooms in")
    expect(card.nth(3).locator(".va-motion")).to_have_count(0)  # it was not measured
    shoot(page, "motion")
    card.nth(0).locator(".va-thumb").click()
    expect(page.locator(".va-about")).to_have_text("reel-0000.mp4 · 00:00–00:02camera moves left slowly")


def test_a_search_for_a_move_says_it_once_on_each_card(open_page: Open) -> None:
    note = "Ranked by “beach” and by how the camera moves (left)."
    page = open_page(byMotion=True, note=note)
    expect(page.get_by_role("note")).to_have_text(note)
    expect(page.locator(".va-search-note")).to_have_count(0)  # it is no warning
    card = page.locator(".va-card").first
    expect(card.locator(".va-why")).to_have_text("camera moves left slowly")
    expect(card.locator(".va-motion")).to_have_count(1)
    expect(card).to_have_attribute("aria-label", "no label: reel-0000.mp4, 00:00 to 00:02, camera moves left slowly")


def test_moving_or_static_clips_alone_are_found_and_the_choice_is_kept(open_page: Open) -> None:
    page = open_page()
    page.get_by_label("Moving or static").select_option("static")
    expect(page.locator(".va-motion").first).to_have_text("static")
    page.wait_for_function("""() => {
      const moves = [...document.querySelectorAll(".va-card .va-motion")];
      const cards = document.querySelectorAll(".va-card").length;
      return cards > 5 && cards === moves.filter((move) => move.textContent === "static").length;
    }""")
    becomes(page, "window.place.motion", "static")
    page.keyboard.press("y")  # the cards have the keyboard again
    expect(page.locator(".va-card").first).to_have_attribute("data-label", "yes")
    again = open_page(place=page.evaluate("window.place"))
    expect(again.get_by_label("Moving or static")).to_have_value("static")
    expect(again.locator(".va-motion").first).to_have_text("static")


def test_all_clips_are_sorted_by_a_number(open_page: Open) -> None:
    page = open_page()
    expect(page.get_by_role("button", name="lowest first")).to_have_count(0)
    page.get_by_label("Sort by a number").select_option("zoom")
    expect(page.locator(".va-card").first.locator(".va-why")).to_have_text("zoom 0.31")
    expect(page.get_by_role("note")).to_have_text("All clips by zoom, the highest first. The words do not count.")
    page.get_by_role("button", name="lowest first").click()
    page.wait_for_function("kernel.asked.findLast((m) => m.type === 'sorted').lowest && window.place.lowest")
    shoot(page, "sorted")
    again = open_page(place=page.evaluate("window.place"))
    expect(again.get_by_label("Sort by a number")).to_have_value("zoom")
    again.get_by_label("Search the corpus").fill("rain")
    again.keyboard.press("Enter")
    expect(again.get_by_label("Sort by a number")).to_have_value("")
    without = open_page(status={"numbers": []})
    expect(without.locator(".va-card").first).to_be_visible()
    expect(without.get_by_label("Sort by a number")).to_have_count(0)


def test_more_like_this_may_mean_how_clips_move(open_page: Open) -> None:
    page = open_page()
    page.locator(".va-card").first.click()
    expect(page.get_by_label("In what they are alike")).to_have_count(0)
    page.keyboard.press("a")
    page.get_by_label("In what they are alike").select_option("motion")
    page.wait_for_function("kernel.asked.findLast((m) => m.type === 'similar').by === 'motion'")
    shoot(page, "similar_by_motion")
    page.keyboard.press("y")  # the cards have the keyboard again
    expect(page.locator(".va-card").first).to_have_attribute("data-label", "yes")
    again = open_page(status={"motion": False}, place=page.evaluate("window.place"))
    again.locator(".va-card").first.click()
    again.keyboard.press("a")
    expect(again.locator(".va-seed")).to_be_visible()
    expect(again.get_by_label("In what they are alike")).to_have_count(0)


def test_without_measured_motion_there_is_nothing_of_it(open_page: Open) -> None:
    page = open_page(status={"motion": False}, place={"tab": "search", "size": 264, "motion": "static"})
    expect(page.locator(".va-card").first).to_be_visible()
    expect(page.get_by_label("Moving or static")).to_have_count(0)
    expect(page.locator(".va-motion")).to_have_count(0)
    assert page.evaluate("kernel.asked.find((m) => m.type === 'search').motion") == "all"


def test_moves_are_searched_for_where_words_cannot_be(open_page: Open) -> None:
    words = {"searchable": False, "words": "unavailable", "words_note": "This corpus has no text encoder."}
    page = open_page(status=words, place={"tab": "feeds"})
    page.get_by_role("tab", name="Search").click()
    box = page.get_by_label("Search the corpus")
    expect(box).to_have_attribute("placeholder", "a camera move, such as: pan left")
    box.fill("pan left")
    page.keyboard.press("Enter")
    expect(page.locator(".va-card").first).to_be_visible()
    becomes(page, "kernel.asked.findLast((m) => m.type === 'search').text", "pan left")
