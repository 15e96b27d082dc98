"""The explorer and the timeline in Chromium, with the real kernel and the demo's pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

import va_widgets as va
from tests.browser.conftest import becomes, shoot
from tests.browser.real_kernel import RealKernel
from tests.browser.test_access import serious
from tests.browser.test_widths import CUT
from tests.conftest import new_context

Open = Callable[..., Page]


@pytest.fixture
def open_widget(browser: Browser, bundle: Path) -> Iterator[Open]:
    """A way to open a widget's page: theme, width."""
    opened: list[Any] = []
    errors: list[Any] = []

    def open_it(widget: Any, theme: str = "light", width: int = 1200) -> Page:
        context = new_context(browser, width, 800)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(error))
        RealKernel(page, widget, bundle, theme)
        opened.extend((context, widget))
        return page

    yield open_it
    for one in opened:
        one.close()
    assert errors == []


CARDS = "[...document.querySelectorAll('.va-card')].map((card) => card.dataset.clip)"


def submit(page: Page, query: str) -> None:
    page.get_by_label("Query", exact=True).fill(query)
    page.keyboard.press("Enter")


def test_a_query_is_typed_with_completion_corrected_and_refined_by_keyboard(
    open_widget: Open, published_corpus: va.Corpus
) -> None:
    page = open_widget(va.Explorer(published_corpus))
    expect(page.locator(".va-film").first).to_be_visible()
    expect(page.locator(".va-hit-count")).to_have_text("120 of 120")
    page.locator(".va-box").focus()
    page.keyboard.press("/")
    box = page.get_by_label("Query", exact=True)
    expect(box).to_be_focused()
    # A completion is reached by the arrow keys; Enter takes it over and asks for nothing yet.
    page.keyboard.type("a_c")
    expect(page.locator(".va-completion")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box).to_have_value("a_city")
    page.keyboard.type(" and nihgt > 0.2")
    fault = page.locator(".va-fault")
    expect(fault.locator("mark")).to_have_text("nihgt")
    expect(page.locator(".va-card")).to_have_count(12)
    fault.get_by_role("button", name="write night").click()
    expect(box).to_have_value("a_city and night > 0.2")
    expect(box).to_be_focused()
    count = len(published_corpus.query("a_city and night > 0.2", k=200))
    expect(page.locator(".va-hit-count b")).to_have_text(str(count))
    page.keyboard.press("Enter")
    expect(page.locator(".va-box")).to_be_focused()
    assert count > 0
    becomes(page, CARDS, published_corpus.query("a_city and night > 0.2", k=12).index.tolist())
    # The threshold is moved by the arrow keys, too: the query changes at once, its clips with the key that is let go.
    threshold = page.get_by_label("Threshold of night")
    threshold.focus()
    page.keyboard.press("ArrowRight")
    expect(box).to_have_value("a_city and night > 0.21")
    expect(threshold).to_be_focused()
    page.wait_for_function("window.traits.explored.query === 'a_city and night > 0.21'")
    # Values of a column, and the order.
    page.get_by_label("Count by").select_option("video")
    first = page.locator(".va-facets .va-chip").first
    first.click()
    expect(page.locator(".va-facets .va-chip[aria-pressed=true]")).to_have_count(1)
    page.get_by_label("Order").select_option(label="in order of time")
    page.wait_for_function("window.traits.explored.order === 'time'")
    becomes(page, "window.traits.explored.values", [first.get_attribute("title")])


def test_few_clips_leave_no_gap_below_them(open_widget: Open, published_corpus: va.Corpus) -> None:
    clip = published_corpus.query("night", k=1).index[0]
    video = published_corpus.clips.loc[clip, "video"]
    page = open_widget(va.Explorer(published_corpus, query=f'night and video == "{video}"'))
    expect(page.locator(".va-film").first).to_be_visible()
    expect(page.locator(".va-histogram")).to_be_visible()
    bottom = "selector => document.querySelector(selector).getBoundingClientRect().bottom"
    assert page.evaluate(bottom, ".va-app") - page.evaluate(bottom, ".va-foot") < 8


def test_the_player_shows_where_in_the_video_the_names_hold(open_widget: Open, published_corpus: va.Corpus) -> None:
    page = open_widget(va.Explorer(published_corpus, query="night"))
    expect(page.locator(".va-film").first).to_be_visible()
    page.locator(".va-box").focus()
    page.keyboard.press("Space")
    strips = page.locator(".va-strips")
    expect(strips.locator(".va-strip")).to_have_count(1)
    seek = page.get_by_label("Clip of the video")
    first = published_corpus.query("night", k=1).index[0]
    video = published_corpus.clips.loc[first, "video"]
    clips = published_corpus.clips[published_corpus.clips["video"] == video].index.tolist()
    seek.focus()
    page.keyboard.press("Home")
    expect(seek).to_have_attribute("aria-valuetext", re.compile("^00:00–"))
    page.keyboard.press("ArrowRight")
    start = published_corpus.clips.loc[clips[1], "start"]
    expect(page.locator(".va-about")).to_contain_text(f"00:{int(start):02d}–")
    page.keyboard.press("Escape")
    expect(page.locator(".va-loupe")).to_have_count(0)


def test_queries_are_saved_and_clips_exported_and_labelled_in_place(
    open_widget: Open, published_corpus: va.Corpus
) -> None:
    explorer = va.Explorer(published_corpus, query="night", annotator="kelli")
    page = open_widget(explorer)
    expect(page.locator(".va-film").first).to_be_visible()
    page.get_by_role("button", name="Saved").click()
    page.get_by_label("Name of the query").fill("<img src=x onerror=alert(1)>")
    page.keyboard.press("Enter")
    entry = page.locator(".va-saved .va-entry")
    expect(entry).to_contain_text("<img src=x onerror=alert(1)>")
    page.get_by_role("button", name="Rename").click()
    page.keyboard.type("dark")
    page.keyboard.press("Enter")
    expect(page.locator(".va-saved .va-entry-name")).to_have_text("dark")
    page.get_by_role("button", name="Remove dark").click()
    page.get_by_role("button", name="Undo").click()
    expect(entry).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".va-box")).to_be_focused()
    submit(page, "")
    page.wait_for_function("window.traits.explored.query === ''")
    page.get_by_role("button", name="Saved").click()
    entry.click()
    expect(page.get_by_label("Query", exact=True)).to_have_value("night")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "night.csv"
    # Two selected clips are labelled for a new concept, and the way leads back.
    page.locator(".va-box").focus()
    page.keyboard.press("x")
    page.keyboard.press("Shift+ArrowRight")
    chosen = published_corpus.query("night", k=2).index.tolist()
    page.get_by_role("button", name="Label these …").click()
    expect(page.get_by_role("dialog")).to_contain_text("2 clips")
    page.get_by_label("Concept").fill("dusk")
    page.keyboard.press("Enter")
    expect(page.locator(".va-card")).to_have_count(2)
    expect(page.locator(".va-box")).to_be_focused()
    page.keyboard.press("y")
    expect(page.locator(".va-count.va-is-yes").first).to_contain_text("1")
    page.wait_for_function("document.querySelector('.va-state')?.dataset.state === 'saved'")
    assert explorer.session is not None
    assert explorer.session.own_labels == {chosen[0]: "yes"}
    page.get_by_role("button", name="back to the query").click()
    expect(page.locator(".va-box")).to_be_focused()
    becomes(page, f"{CARDS}.slice(0, 2)", chosen)
    becomes(page, "window.traits.explored.labelling", False)


# Contrast depends on the theme, and what is cut on the width: two pages see all of it.
@pytest.mark.parametrize(("theme", "width"), [("light", 1200), ("dark", 480)])
def test_nothing_serious_is_found_and_nothing_is_cut(
    open_widget: Open, published_corpus: va.Corpus, theme: str, width: int
) -> None:
    page = open_widget(va.Explorer(published_corpus, query="night > 0.3 and not a_city"), theme, width)
    name = f"{theme}-{width}"

    def check(state: str) -> None:
        assert serious(page) == [], state
        assert page.evaluate(CUT) == [], state
        shoot(page, f"explorer-{state}-{name}")

    expect(page.locator(".va-film").first).to_be_visible()
    page.get_by_label("Count by").select_option("video")
    expect(page.locator(".va-facets .va-chip").first).to_be_visible()
    check("hits")
    page.locator(".va-thumb").nth(1).click()
    expect(page.locator(".va-strips")).to_be_visible()
    expect(page.locator("video")).to_be_visible()
    check("player")
    page.keyboard.press("Escape")
    page.get_by_label("Query", exact=True).fill("nihgt and ")
    expect(page.locator(".va-completion").first).to_be_visible()
    check("completion")
    page.get_by_label("Query", exact=True).fill("night > 2")
    page.keyboard.press("Enter")
    expect(page.locator(".va-nothing")).to_be_visible()
    for menu in ("Saved", "Label these …", "Export"):
        page.get_by_role("button", name=menu).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        check(menu.split()[0].lower())
        page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    check("help")
    page = open_widget(va.Timeline(published_corpus, "demo-0004.mp4"), theme, width)
    expect(page.locator("video")).to_be_visible()
    check("timeline")


def test_a_timeline_is_walked_through_and_a_notebook_chooses_the_clip(
    open_widget: Open, published_corpus: va.Corpus
) -> None:
    timeline = va.Timeline(published_corpus, "demo-0004.mp4")
    page = open_widget(timeline)
    clips = published_corpus.clips[published_corpus.clips["video"] == "demo-0004.mp4"].index.tolist()
    seek = page.get_by_label("Clip of the video")
    seek.focus()
    page.keyboard.press("End")
    page.wait_for_function(f"window.traits.clip === {json.dumps(clips[-1])}")
    night = va.load_model(published_corpus.path / "models" / "night")
    scores = night.score_corpus(published_corpus)[clips]
    page.get_by_role("button", name="night").click()
    page.wait_for_function(f"window.traits.clip !== {json.dumps(clips[-1])}")
    assert scores[page.evaluate("window.traits.clip")] >= night.threshold
    timeline.clip = clips[2]
    start = published_corpus.clips.loc[clips[2], "start"]
    expect(page.locator(".va-about")).to_contain_text(f"00:{int(start):02d}–")
