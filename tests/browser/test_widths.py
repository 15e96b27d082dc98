"""Every state of the page, at every width: nothing is cut that cannot be read by hover or focus, nothing sticks out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.conftest import Open, press, set_apart, take_keyboard

ENGLISH = {
    "concept": "establishing shot of a city at night, seen from far above",
    "title": "Rushes 2024-11-03 Harbour and old town, camera B, reel 0007 (graded).mov",
    "guideline": "Count a shot if the whole skyline is seen and it is dark. Do not count dusk, nor streets. " * 2,
    "annotator": "Alexandra Featherstonehaugh-Montgomery",
    "search": "skyline",
}
KOREAN = {
    "concept": "밤하늘 아래 항구 도시를 멀리서 내려다본 설정 장면",
    "title": "2024년11월3일_부산항_야간촬영_B카메라_7번릴_색보정완료본.mov",
    "guideline": "도시 전체의 윤곽이 보이고 어두울 때만 해당한다. 해 질 녘과 거리 장면은 제외한다. " * 2,
    "annotator": "김수한무거북이와두루미삼천갑자동방삭",
    "search": "항구",
}
ADVICE = (
    "The last 3 batches changed less than 5% of what is found: label 20 clips of Random to see whether anything was"
    " missed, then review and publish."
)
UNSAVABLE = (
    "The labels' file /films/harbour/corpus/labels.sqlite is gone, so that nothing can be saved: put it back from a"
    " copy, or make a new va.Session to begin another one."
)
# Widths in CSS pixels, and zooms: 853 px is a window of 1280 at 150 %.
SIZES = ((320, 1.0), (480, 1.0), (800, 1.0), (853, 1.5), (1200, 1.0), (1900, 1.0))
USUAL = (1200, 1.0)
THEMES = ("light", "dark")

# What is cut, or sticks out of the page, although neither a title nor scrolling shows it.
CUT = """() => {
  const app = document.querySelector('.va-app');
  const edge = app.getBoundingClientRect();
  const found = [];
  const tell = (what, e) => found.push(`${what}: <${e.localName} class="${e.className}"> ${e.textContent.trim()}`);
  const plain = (text) => text.replace(/\\s+/g, '');
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls sideways');
  for (const e of app.querySelectorAll('*')) {
    if (e.closest('svg, datalist, option, .va-spoken, .va-badge-unsaved, video') || !e.checkVisibility()) continue;
    const style = getComputedStyle(e);
    if (style.visibility === 'hidden') continue;
    const { left, right, width } = e.getBoundingClientRect();
    if (width && (left < edge.left - 1 || right > edge.right + 1)) tell('sticks out', e);
    if (e.matches('input, textarea, select') || !e.textContent.trim()) continue; // the focus scrolls them
    const hides = (overflow) => ['hidden', 'clip'].includes(overflow);
    const wide = hides(style.overflowX) && e.scrollWidth > e.clientWidth + 1;
    const high = hides(style.overflowY) && e.scrollHeight > e.clientHeight + 2;
    if (!wide && !high) continue;
    const title = e.closest('[title]')?.title ?? '';
    if (!plain(title).includes(plain(e.textContent))) tell('is cut', e);
  }
  return found;
}"""
SETTLED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"


def states(page: Page, words: dict[str, str]) -> Iterator[str]:
    """Bring the page into one state after another; each is named when it is shown."""
    first_card = page.locator(".va-film").first
    expect(first_card).to_be_visible()
    yield "feeds"
    few = {"quality": None, "quality_note": "too few labels yet: 5 more yes and 5 more no needed"}
    page.evaluate("few => { Object.assign(kernel.status, few); kernel.broadcast('status', {}); }", few)
    expect(page.locator(".va-quality")).to_contain_text("too few")
    yield "too few labels"
    take_keyboard(page)
    press(page, "yn?")
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "help"
    page.keyboard.press("Escape")
    page.evaluate("name => { kernel.labels[name] = {}; }", words["concept"][:-1])
    page.locator(".va-concept").click()
    expect(page.get_by_role("button", name="Forget")).to_be_visible()
    yield "concept menu"
    page.keyboard.press("Escape")
    page.get_by_label("Edit the guideline").click()
    expect(page.get_by_role("textbox", name="Guideline")).to_be_focused()
    yield "guideline"
    page.keyboard.press("Escape")
    page.evaluate("kernel.refit()")
    expect(page.locator(".va-fresh")).to_be_enabled()
    yield "new clips"
    take_keyboard(page)
    page.keyboard.press("Space")
    expect(page.locator("video")).to_be_visible()
    yield "player"
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.get_by_label("Search the corpus").fill(words["search"])
    page.keyboard.press("Enter")
    expect(first_card).to_be_visible()
    yield "search"
    page.keyboard.press("a")
    expect(page.locator(".va-seed")).to_be_visible()
    yield "similar clips"
    page.get_by_role("tab", name="Search").click()
    page.get_by_label("Search the corpus").fill("nothing")
    page.keyboard.press("Enter")
    expect(page.locator(".va-nothing")).to_be_visible()
    yield "nothing found"
    page.get_by_role("tab", name="Review").click()
    expect(first_card).to_be_visible()
    yield "review"
    page.get_by_role("button", name="Publish …").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    expect(page.locator(".va-published")).to_be_visible()
    yield "published"
    page.keyboard.press("Escape")
    page.locator("[data-filter=disputed]").click()
    expect(page.locator(".va-nothing")).to_be_visible()
    yield "nothing to review"
    page.locator("[data-filter=all]").click()
    expect(first_card).to_be_visible()
    page.evaluate("text => { kernel.unsavable = text; }", UNSAVABLE)
    take_keyboard(page)
    page.keyboard.press("u")
    expect(page.locator(".va-state")).to_have_attribute("data-state", "error")
    yield "not saved"
    page.evaluate("kernel.gone = true")
    page.keyboard.press("n")
    page.get_by_role("tab", name="Feeds").click()
    expect(page.locator(".va-state")).to_have_attribute("data-state", "lost")
    yield "kernel lost"


def resize(session: CDPSession, size: tuple[int, float]) -> None:
    """Change the window's width and zoom, which Playwright's own call cannot."""
    width, zoom = size
    metrics = {"width": width, "height": 800, "deviceScaleFactor": zoom, "mobile": False}
    session.send("Emulation.setDeviceMetricsOverride", metrics)


@pytest.mark.parametrize(("width", "seen"), [(300, ["head", "tail"]), (95, ["head", "tail"]), (60, ["tail"])])
def test_the_head_of_a_name_goes_where_it_has_no_room(open_page: Open, width: int, seen: list[str]) -> None:
    page = open_page(title="demo-0007.mp4")
    expect(page.locator(".va-video").first).to_be_visible()
    page.evaluate("width => { document.querySelector('.va-video').style.width = `${width}px`; }", width)
    parts = page.evaluate("""() => {
      const name = document.querySelector('.va-video');
      const edge = name.getBoundingClientRect();
      const inside = (e) => e.getBoundingClientRect().top < edge.bottom - 2;
      return ['head', 'tail'].filter((_, place) => inside(name.children[place]));
    }""")
    assert parts == seen


# The theme changes from size to size and from state to state, and is the other one in the other language: so each state
# is seen in all four pairs, and each size of it in both themes.
@pytest.mark.parametrize(("first_theme", "words"), [(0, ENGLISH), (1, KOREAN)], ids=["english", "korean"])
def test_nothing_is_cut_in_any_state_at_any_width(open_page: Open, first_theme: int, words: dict[str, str]) -> None:
    status = {"advice": ADVICE, "annotator": words["annotator"], "guideline": words["guideline"]}
    page = open_page(
        labelled=9,
        clips=24,
        concept=words["concept"],
        title=words["title"],
        place={"tab": "feeds", "size": 264, "page": 12},
        status=status,
    )
    set_apart(page)
    session = page.context.new_cdp_session(page)
    cut: dict[str, list[str]] = {}  # what is cut, and where
    for number, state in enumerate(states(page, words)):
        for column, size in enumerate(SIZES):
            theme = THEMES[(number + column + first_theme) % 2]
            page.evaluate("theme => { document.body.dataset.jpThemeLight = theme === 'light'; }", theme)
            resize(session, size)
            page.evaluate(SETTLED)
            for what in page.evaluate(CUT):
                cut.setdefault(what, []).append(f"{state}, {size[0]} px, {theme}")
        resize(session, USUAL)
        page.evaluate(SETTLED)
    assert cut == {}
