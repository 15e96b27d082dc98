"""Keys act on the cards whatever was pressed before, whatever the keyboard types, and not while a word is composed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect

from tests.browser.conftest import Open, becomes, press, take_keyboard

LABELS = "kernel.asked.filter((m) => ['label', 'undo'].includes(m.type)).map((m) => m.value ?? m.type)"
PROCESSED = 229  # the key code of a key that an input method has taken


# --- the focus -------------------------------------------------------------------------------------


def test_a_button_that_was_clicked_is_not_pressed_again_by_a_key(annotator: Page) -> None:
    card = annotator.locator(".va-card").nth(2)
    card.hover()
    card.get_by_role("button", name="Yes").click()
    expect(card).to_have_attribute("data-label", "yes")
    expect(annotator.locator(".va-box")).to_be_focused()
    annotator.keyboard.press("Space")  # opens the player
    expect(annotator.locator(".va-loupe")).to_be_visible()
    annotator.get_by_label("Player").get_by_role("button", name="No", exact=True).click()
    expect(card).to_have_attribute("data-label", "no")
    annotator.keyboard.press("Enter")
    annotator.wait_for_function("kernel.open === 0")
    expect(card).to_have_attribute("data-label", "no")
    becomes(annotator, LABELS, ["yes", "no"])


def like_this(page: Page) -> None:
    card = page.locator(".va-card").nth(1)
    card.hover()
    card.get_by_role("button", name="More like this").click()


def ticked_then_key(page: Page) -> None:
    card = page.locator(".va-card").nth(1)
    card.hover()
    card.get_by_role("button", name="Yes").click()
    page.keyboard.press("a")


def closed_player(page: Page) -> None:
    page.locator(".va-thumb").nth(1).click()
    page.get_by_role("button", name="Close the player").focus()
    page.keyboard.press("Enter")


def clicked_video(page: Page) -> None:
    page.locator(".va-thumb").nth(1).click()
    page.locator("video").click()


def clicked_text(page: Page) -> None:
    page.locator(".va-hint").click()


@pytest.mark.parametrize("act", [like_this, ticked_then_key, closed_player, clicked_video, clicked_text])
def test_keys_act_on_the_cards_after_anything_that_was_pressed(annotator: Page, act: Callable[[Page], None]) -> None:
    act(annotator)
    annotator.wait_for_function("kernel.open === 0")
    before = annotator.evaluate(LABELS)
    expect(annotator.locator(".va-box")).to_be_focused()
    annotator.keyboard.press("u")
    becomes(annotator, LABELS, [*before, "unsure"])
    assert annotator.evaluate("window.leaked") == []


def test_overshoot_and_paging_label_nothing(open_page: Open) -> None:
    page = open_page(clips=60, place={"tab": "feeds", "feed": "random", "size": 264, "page": 12})
    expect(page.locator(".va-film").first).to_be_visible()
    take_keyboard(page)
    press(page, "yyyyyyyyyyynnnn")
    expect(page.locator(".va-next")).to_have_text("page done ⏎")
    becomes(page, LABELS, ["yes"] * 11 + ["no"])
    for _ in range(3):
        page.keyboard.down("Enter")  # held: it pages once
    page.keyboard.up("Enter")
    expect(page.locator(".va-page")).to_have_text("page 2")
    page.keyboard.press("Backspace")  # there is no label to take back
    page.locator(".va-next").click()
    expect(page.locator(".va-page")).to_have_text("page 3")
    page.keyboard.press("Enter")
    expect(page.locator(".va-hint")).to_contain_text("12 without a label")
    page.wait_for_function("kernel.open === 0")
    assert page.evaluate(LABELS) == ["yes"] * 11 + ["no"]
    page.keyboard.press("z")
    expect(page.locator(".va-hint")).to_have_text("1 label undone: reel-0011.mp4 00:33–00:35, on page 1")


# --- what keyboards type ---------------------------------------------------------------------------


def send(session: CDPSession, key: str, code: str, number: int = 0, shift: bool = False) -> None:
    """A key as the browser gets it from the system: what the layout makes of it, its position, its key code."""
    event = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": 8 if shift else 0}
    text = key if len(key) == 1 and number != PROCESSED else ""
    session.send("Input.dispatchKeyEvent", {"type": "keyDown" if text else "rawKeyDown", "text": text, **event})
    session.send("Input.dispatchKeyEvent", {"type": "keyUp", **event})


@pytest.mark.parametrize(
    "typed",
    [
        [("ㅛ", "KeyY"), ("ㅜ", "KeyN"), ("ㅕ", "KeyU"), ("ㅋ", "KeyZ")],
        [("Process", "KeyY"), ("Process", "KeyN"), ("Process", "KeyU"), ("Process", "KeyZ")],
        [("ん", "KeyY"), ("み", "KeyN"), ("な", "KeyU"), ("つ", "KeyZ")],
        [("ｙ", "KeyY"), ("ｎ", "KeyN"), ("ｕ", "KeyU"), ("ｚ", "KeyZ")],
        [("н", "KeyY"), ("т", "KeyN"), ("г", "KeyU"), ("я", "KeyZ")],
        [("y", "KeyY"), ("n", "KeyN"), ("u", "KeyU"), ("z", "KeyW")],
    ],
    ids=["korean", "input method", "kana", "full width", "russian", "azerty"],
)
def test_keys_label_in_every_script(annotator: Page, typed: list[tuple[str, str]]) -> None:
    session = annotator.context.new_cdp_session(annotator)
    take_keyboard(annotator)
    for key, code in typed:
        send(session, key, code, PROCESSED if key == "Process" else 0)
    expect(annotator.locator(".va-spoken")).to_have_text("1 label undone")
    assert annotator.evaluate(LABELS) == ["yes", "no", "unsure", "undo"]
    for index, label in enumerate(("yes", "no", "")):
        expect(annotator.locator(f"[data-index='{index}']")).to_have_attribute("data-label", label)
    assert annotator.evaluate("window.leaked") == []


def test_on_azerty_the_printed_letter_counts_and_digits_need_no_shift(open_page: Open) -> None:
    page = open_page(labelled=9, place={"tab": "feeds", "feed": "random"})
    expect(page.locator(".va-film").first).to_be_visible()
    session = page.context.new_cdp_session(page)
    take_keyboard(page)
    for key, code in (("q", "KeyA"), ("w", "KeyZ"), ("!", "Slash")):  # A, Z and / on other keyboards
        send(session, key, code)
    send(session, "é", "Digit2")
    expect(page.locator("[data-feed=top_positive]")).to_have_attribute("aria-pressed", "true")
    send(session, "3", "Digit3", shift=True)
    expect(page.locator("[data-feed=borderline]")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(LABELS) == []


# --- words that are composed -----------------------------------------------------------------------


def compose(session: CDPSession, text: str) -> None:
    session.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})


def search_box(page: Page) -> Locator:
    return page.get_by_label("Search the corpus")


def concept_box(page: Page) -> Locator:
    page.locator(".va-concept").click()
    return page.get_by_label("A new concept")


def guideline_box(page: Page) -> Locator:
    page.get_by_role("button", name="Edit the guideline").click()
    return page.get_by_role("textbox", name="Guideline")


@pytest.mark.parametrize("host", ["jupyterlab", "notebook"])
@pytest.mark.parametrize(
    ("box_of", "message", "field"),
    [(search_box, "search", "text"), (concept_box, "switch", "concept"), (guideline_box, "guideline", "text")],
)
def test_a_word_is_composed_undisturbed(
    open_page: Open, host: str, box_of: Callable[[Page], Locator], message: str, field: str
) -> None:
    page = open_page(host=host)
    expect(page.locator(".va-film").first).to_be_visible()
    page.wait_for_function("kernel.open === 0")
    before = page.evaluate(f"kernel.asked.filter((m) => m.type === {message!r}).length")
    box = box_of(page)
    box.fill("")
    box.focus()
    session = page.context.new_cdp_session(page)
    compose(session, "바")
    send(session, "Escape", "Escape", PROCESSED)  # drops or changes the word, and nothing else
    expect(box).to_be_focused()
    compose(session, "바다")
    send(session, "Enter", "Enter", PROCESSED)  # takes the word over, and nothing else
    expect(box).to_be_focused()
    session.send("Input.insertText", {"text": "바다"})
    expect(box).to_have_value("바다")
    assert page.evaluate(f"kernel.asked.filter((m) => m.type === {message!r}).length") == before
    box.press("Enter")
    page.wait_for_function(f"kernel.asked.filter((m) => m.type === {message!r}).length > {before}")
    becomes(page, f"kernel.asked.filter((m) => m.type === {message!r}).at(-1).{field}", "바다")
    assert page.evaluate(LABELS) == []
    assert page.evaluate("window.leaked") == []
