"""The built bundle on a plain page, without a notebook: themes, widths, focus, and what leaks out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import Page, Position, expect

from tests.browser.conftest import Open, becomes, press, shoot, take_keyboard
from tests.conftest import pictured


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 480])
def test_it_fits_follows_the_theme_and_is_mostly_pictures(open_page: Open, theme: str, width: int) -> None:
    page = open_page(theme, width)
    expect(page.locator(".va-film").first).to_be_visible()
    expect(page.locator(".va-root")).to_have_attribute("data-va-theme", theme)
    take_keyboard(page)
    press(page, "ynu")
    expect(page.locator(".va-badge")).to_have_count(3)
    shoot(page, f"{theme}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is wider than its cell"
    pictures = page.evaluate("""() => {
      const area = (e) => { const b = e.getBoundingClientRect(); return b.width * b.height; };
      const shown = [...document.querySelectorAll(".va-thumb")].reduce((sum, e) => sum + area(e), 0);
      return shown / area(document.querySelector(".va-app"));
    }""")
    assert pictures >= (0.75 if width >= 1200 else 0.6), f"only {pictures:.0%} of the widget is pictures"


# What each part of the header takes, without the text that an ellipsis hides.
PARTS = """() => [...document.querySelectorAll('.va-header > *')].map((part) => {
  const { left, right, top, bottom } = part.getBoundingClientRect();
  return { left, right, top, bottom };
}).filter(({ left, right }) => right > left)"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 480, 800, 1200, 1680])
def test_a_long_concept_takes_the_room_there_is(open_page: Open, theme: str, width: int) -> None:
    concept = "people who cross a wet street at night under an umbrella while the traffic lights are red"
    page = open_page(theme, width, 400, labelled=9, concept=concept)
    page.evaluate("kernel.advice = 'Label ten more of borderline.'; kernel.refit()")
    expect(page.locator(".va-advice")).to_have_text("Label ten more of borderline.")
    shoot(page, f"concept-{theme}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator(".va-concept")).to_have_attribute("title", concept)
    parts = page.evaluate(PARTS)
    first = [part for part in parts if part["top"] < parts[0]["bottom"]]  # the concept's line
    for before, after in pairwise(first):
        assert before["right"] <= after["left"] + 1, "they overlap"
    whole = page.evaluate(
        "(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector('.va-concept-name'))"
    )
    assert whole or first[-1]["right"] > width - 40, "there was more room"
    assert whole or width < 1680
    lines = {320: 5, 480: 4, 800: 3}.get(width, 2)  # the last one is the advice's own
    assert page.locator(".va-header").evaluate("(header) => header.offsetHeight") <= 10 + 20 * lines


ROW = "document.querySelector('.va-row').children.length"


@pytest.mark.parametrize(("size", "page_size", "width", "columns"), [(120, 100, 1200, 9), (264, 5, 300, 1)])
def test_cards_come_in_any_size_and_number(
    open_page: Open, size: int, page_size: int, width: int, columns: int
) -> None:
    page = open_page(width=width, clips=120, place={"tab": "search", "size": size, "page": page_size})
    expect(page.locator(".va-card")).to_have_count(page_size)
    becomes(page, ROW, columns)


def test_the_card_size_is_slid_and_kept(annotator: Page) -> None:
    slider = annotator.get_by_label("Card size")
    slider.focus()
    for _ in range(5):
        annotator.keyboard.press("ArrowLeft")
    annotator.wait_for_function("window.place.size < 264")
    annotator.wait_for_function(f"{ROW} > 4")
    slider.click()  # by the pointer: the cards have the keyboard again
    expect(annotator.locator(".va-box")).to_be_focused()


def test_labels_are_told_by_shape_and_text(annotator: Page) -> None:
    card = annotator.locator(".va-card").nth(2)
    card.hover()
    card.get_by_role("button", name="Yes").click()
    expect(card).to_have_attribute("data-label", "yes")
    expect(card.locator(".va-badge")).to_have_text("yes")
    card.get_by_role("button", name="Yes").click()
    expect(card).to_have_attribute("data-label", "")


def test_hovering_scrubs_through_the_filmstrip(annotator: Page) -> None:
    thumb = annotator.locator(".va-thumb").first
    width = thumb.evaluate("(thumb) => thumb.clientWidth")
    for part, frame in ((0.02, "0"), (0.55, "4"), (0.98, "7")):
        thumb.hover(position={"x": part * width, "y": 20})
        expect(thumb).to_have_attribute("data-frame", frame)


def test_a_pointer_that_waits_for_the_filmstrip_scrubs_it(open_page: Open) -> None:
    page = open_page(hold="filmstrips")
    thumb = page.locator(".va-thumb").first
    thumb.hover(position={"x": 200, "y": 40})  # of some 280
    page.wait_for_function("kernel.held.length > 0")
    expect(thumb).to_have_attribute("data-frame", "0")
    page.evaluate("kernel.release()")
    expect(thumb).to_have_attribute("data-frame", "5")


def test_keys_work_whatever_page_is_opened_and_none_leaks(annotator: Page) -> None:
    take_keyboard(annotator)
    for key in ("3", "y", "Enter", "Enter", "n", "k", "b", "d", "d", "z", "?", "Escape", "5", "u"):
        annotator.keyboard.press(key)
    expect(annotator.locator(".va-card[data-label=unsure]")).to_have_count(1)
    assert annotator.evaluate("window.leaked") == []
    annotator.keyboard.press("Control+s")
    assert "s" in annotator.evaluate("window.leaked")


def test_escape_gives_the_keyboard_back_to_the_notebook(annotator: Page) -> None:
    take_keyboard(annotator)
    annotator.keyboard.press("?")
    expect(annotator.get_by_role("dialog", name="Keys and help")).to_be_visible()
    annotator.keyboard.press("Escape")
    expect(annotator.get_by_role("dialog")).to_have_count(0)
    expect(annotator.locator(".va-box")).to_be_focused()
    annotator.keyboard.press("Escape")
    expect(annotator.locator(".cell")).to_be_focused()
    assert annotator.evaluate("window.leaked") == ["Escape"]


def test_the_question_about_the_rest_moves_no_card(annotator: Page) -> None:
    take_keyboard(annotator)
    annotator.keyboard.press("y")
    expect(annotator.locator(".va-card").first).to_have_attribute("data-label", "yes")
    places = "[...document.querySelectorAll('.va-card')].map((e) => e.getBoundingClientRect().top + scrollY)"
    before = annotator.evaluate(places)
    annotator.keyboard.press("r")
    question = annotator.get_by_role("alertdialog")
    expect(question).to_be_visible()
    expect(question).to_be_in_viewport()
    assert annotator.evaluate(places) == before
    shoot(annotator, "asking")
    annotator.keyboard.press("r")
    expect(question).to_have_count(0)
    expect(annotator.locator(".va-hint")).to_have_text(f"{len(before) - 1} labelled no · Z takes it back")
    assert annotator.evaluate(places) == before
    asked = annotator.evaluate("kernel.asked.filter((m) => m.type === 'label').map((m) => [m.value, m.clips.length])")
    assert asked == [["yes", 1], ["no", len(before) - 1]]
    following = annotator.locator(".va-next")
    expect(following).to_have_text("page done ⏎")
    shoot(annotator, "page-done")
    annotator.keyboard.press("Enter")
    expect(annotator.locator(".va-page")).to_have_text("page 2")
    expect(following).to_have_text("next page ⏎")
    annotator.keyboard.press("r")  # in a search it is asked for each time
    expect(question).to_be_visible()
    annotator.keyboard.press("Escape")
    expect(question).to_have_count(0)
    following.click()
    expect(annotator.locator(".va-page")).to_have_text("page 3")
    assert annotator.evaluate("kernel.asked.filter((m) => m.type === 'label').length") == 2


def test_several_cards_are_chosen_by_pointer_and_labelled_at_once(annotator: Page) -> None:
    cards = annotator.locator(".va-card")
    spot: Position = {"x": 30.0, "y": 30.0}
    cards.nth(1).click(position=spot, modifiers=["ControlOrMeta"])
    cards.nth(3).click(position=spot, modifiers=["ControlOrMeta"])
    expect(annotator.locator(".va-selected")).to_have_count(2)
    expect(annotator.locator(".va-hint")).to_contain_text("2 clips selected")
    cards.nth(5).click(position=spot, modifiers=["Shift"])
    expect(annotator.locator(".va-selected")).to_have_count(4)
    shoot(annotator, "selected")
    take_keyboard(annotator)
    annotator.keyboard.press("n")
    expect(annotator.locator(".va-card[data-label=no]")).to_have_count(4)
    annotator.keyboard.press("z")  # one action, one undo
    expect(annotator.locator(".va-card[data-label=no]")).to_have_count(0)
    annotator.keyboard.press("Shift+Z")
    expect(annotator.locator(".va-card[data-label=no]")).to_have_count(4)


def test_a_double_click_labels_once(annotator: Page) -> None:
    card = annotator.locator(".va-card").first
    card.hover()
    card.get_by_role("button", name="Yes").dblclick()
    expect(card).to_have_attribute("data-label", "yes")
    assert annotator.evaluate("kernel.asked.filter((m) => m.type === 'label').length") == 1


TOPS = "['.va-tabs', '.va-tools'].map((part) => document.querySelector(part).getBoundingClientRect().top)"


def test_help_and_sizes_stay_beside_the_tabs(open_page: Open) -> None:
    page = open_page(width=900, labelled=9, place={"tab": "feeds"})
    for tab in ("Feeds", "Review", "Search"):
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(".va-film").first).to_be_visible()
        tabs, tools = page.evaluate(TOPS)
        assert abs(tools - tabs) < 4, tab


def test_a_key_is_changed_in_the_help_and_kept(annotator: Page) -> None:
    take_keyboard(annotator)
    annotator.keyboard.press("?")
    help_ = annotator.get_by_role("dialog", name="Keys and help")
    expect(help_).to_be_visible()
    shoot(annotator, "help")
    floats = "[...document.querySelectorAll('.va-help :is(dt, dd)')].map((part) => getComputedStyle(part).float)"
    assert set(annotator.evaluate(floats)) == {"none"}  # whatever JupyterLab says of such lists
    help_.get_by_role("button", name="Key for yes, and on: Y").click()
    annotator.keyboard.press("j")
    expect(help_.get_by_role("button", name="Key for yes, and on: J")).to_be_visible()
    help_.get_by_role("button", name="Close").click()
    annotator.keyboard.press("j")
    expect(annotator.locator(".va-card").first).to_have_attribute("data-label", "yes")
    becomes(annotator, "window.place.keys", {"yes": "j"})
    assert annotator.evaluate("window.leaked") == []


def test_typing_a_search_does_not_label(annotator: Page) -> None:
    box = annotator.get_by_label("Search the corpus")
    box.fill("")
    box.press_sequentially("nun y u z")
    expect(annotator.locator(".va-badge")).to_have_count(0)
    box.press("Enter")
    becomes(annotator, "kernel.asked.filter((m) => m.type === 'search').at(-1).text", "nun y u z")
    expect(annotator.locator(".va-card").first).to_be_visible()
    annotator.keyboard.press("y")  # the results have the keyboard
    expect(annotator.locator(".va-card").first).to_have_attribute("data-label", "yes")


HOSTILE = "<img src=x onerror=window.hacked=1>"


def test_user_text_is_never_html(open_page: Open) -> None:
    page = open_page(title=HOSTILE, concept=HOSTILE)
    expect(page.locator(".va-video").first).to_have_text(HOSTILE)
    expect(page.locator(".va-concept")).to_have_text(HOSTILE)
    box = page.get_by_label("Search the corpus")
    box.fill(HOSTILE)
    box.press("Enter")
    page.evaluate("kernel.advice = kernel.guideline = document.querySelector('.va-video').textContent; kernel.refit()")
    expect(page.locator(".va-advice")).to_have_text(HOSTILE)
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0


WORDS = ("an establishing shot of a very large city at night, seen from a slow helicopter; " * 4)[:300].strip()
OVERFLOWING = """() => {
  const [page, app] = [document.documentElement, document.querySelector('.va-app')];
  return page.scrollWidth > innerWidth || app.scrollWidth > app.clientWidth;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 480])
@pytest.mark.parametrize("concept", [WORDS, "x" * 500], ids=["300", "500"])
def test_a_very_long_concept_stays_in_its_place(open_page: Open, theme: str, width: int, concept: str) -> None:
    page = open_page(theme, width, labelled=9, concept=concept, place={"tab": "search", "size": 264, "query": concept})
    name = page.locator(".va-concept")
    expect(name).to_have_text(concept)
    expect(name).to_have_attribute("title", concept)
    for tab in ("Feeds", "Review", "Search"):
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(".va-film").first).to_be_visible()
        assert not page.evaluate(OVERFLOWING), tab
        header = page.locator(".va-header").bounding_box()
        assert header is not None
        assert header["height"] < (40 if width == 1200 else 110)
    page.get_by_role("tab", name="Review").click()
    page.get_by_role("button", name="Publish …").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    hint = page.locator(".va-hint")
    expect(hint).to_have_text(f"published {concept}, version 2")
    expect(hint).to_have_attribute("title", f"published {concept}, version 2")
    assert hint.evaluate("(hint) => hint.offsetHeight") < 40  # two lines
    page.keyboard.press("Escape")
    name.click()
    entry = page.locator(".va-entry")
    expect(entry).to_have_attribute("title", concept)
    assert entry.evaluate("(entry) => entry.offsetHeight") < 40
    assert not page.evaluate(OVERFLOWING)
    page.evaluate("scrollTo(0, 0)")
    shoot(page, f"long-concept-{theme}-{width}-{len(concept)}")


def test_a_concept_that_is_too_long_is_refused_where_it_is_written(annotator: Page) -> None:
    annotator.locator(".va-concept").click()
    box = annotator.get_by_label("A new concept")
    box.fill("🌙" * 501)
    said = annotator.get_by_role("alert")
    expect(said).to_have_text("A concept may have 500 characters, not 501: put the rest into its guideline.")
    shoot(annotator, "too-long")
    annotator.keyboard.press("Enter")
    expect(said).to_be_visible()
    assert "switch" not in annotator.evaluate("kernel.asked.map((message) => message.type)")
    box.fill("🌙" * 500)
    expect(said).to_have_count(0)
    annotator.keyboard.press("Enter")
    expect(annotator.locator(".va-concept")).to_have_text("🌙" * 500)


def test_sizes_act_at_once(open_page: Open) -> None:
    page = open_page(width=1024, clips=120, place={"tab": "feeds", "feed": "random", "size": 264})
    cards = page.locator(".va-card")
    expect(cards).to_have_count(9)
    page.locator(".va-card").nth(5).locator(".va-line").click()
    page.get_by_label("Cards a page").select_option("100")
    expect(cards).to_have_count(100)
    expect(page.locator(".va-current")).to_have_attribute("data-clip", "clip-5")
    page.get_by_label("Cards a page").select_option("5")
    expect(cards).to_have_count(5)
    expect(page.locator(".va-current")).to_have_attribute("data-clip", "clip-5")
    page.get_by_label("Cards a page").select_option("0")
    assert not page.evaluate("kernel.asked.some((m) => m.type === 'filmstrips' && m.width > 240)")
    page.get_by_label("Card size").fill("520")
    expect(cards).to_have_count(6)  # full rows of two
    becomes(page, ROW, 2)
    page.wait_for_function("kernel.asked.filter((m) => m.type === 'filmstrips' && m.width === 640).length === 6")
    page.wait_for_function("getComputedStyle(document.querySelector('.va-film')).backgroundImage.includes(',')")


@pytest.mark.parametrize(("size", "share"), [(120, 0.25), (160, 0.2), (264, 0.2)])
def test_buttons_hide_little_of_a_picture(open_page: Open, size: int, share: float) -> None:
    page = open_page(place={"tab": "feeds", "feed": "random", "size": size})
    card = page.locator(".va-card").nth(1)
    expect(card.locator(".va-film")).to_be_visible()
    expect(card.locator(".va-buttons")).to_have_css("opacity", "0")
    card.hover()
    expect(card.locator(".va-buttons")).to_have_css("opacity", "1")
    hidden = card.evaluate("""(card) => {
      const [a, b] = ['.va-buttons', '.va-thumb'].map((e) => card.querySelector(e).getBoundingClientRect());
      const height = Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
      return (height * a.width) / (b.width * b.height);
    }""")
    assert hidden <= share
    card.get_by_role("button", name="Yes").click()
    expect(card).to_have_attribute("data-label", "yes")


def test_the_foot_stays_where_it_is_over_an_empty_list(open_page: Open) -> None:
    page = open_page(labelled=9, place={"tab": "feeds", "feed": "random", "size": 264})
    pictured(page)
    before = page.locator(".va-foot").bounding_box()
    page.get_by_role("tab", name="Review").click()
    page.locator("[data-filter=unsure]").click()
    expect(page.locator(".va-nothing")).to_be_visible()
    after = page.locator(".va-foot").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 200
