"""Second readings and decisions by key, on a page with the real kernel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Browser, expect

import va_widgets as va
from tests.browser.real_kernel import RealKernel
from tests.conftest import new_context


def test_a_clip_is_read_again_and_a_dispute_decided(browser: Browser, bundle: Path, tmp_path: Path) -> None:
    clips = [f"c{i}" for i in range(8)]
    table = pd.DataFrame({"clip_id": clips, "video": "v"})
    corpus = va.Corpus.from_embeddings(tmp_path / "c", np.eye(8), table)
    kelli, sam, ada = (va.Session(corpus, "night", name) for name in ("kelli", "sam", "ada"))
    kelli.label(clips[:2], True)
    sam.label(clips[0], False)
    ada.label(clips[5], True)
    context = new_context(browser, 900, 700)
    page = context.new_page()
    RealKernel(page, va.Annotator(ada), bundle, "light")
    cards, grid = page.locator(".va-card"), page.locator(".va-box")
    grid.focus()
    page.keyboard.press("s")
    expect(page.locator("[data-feed=second_reading]")).to_have_attribute("aria-pressed", "true")
    expect(cards).to_have_count(2)
    assert "kelli" not in page.locator(".va-app").inner_text()
    page.locator(f"[data-clip={clips[1]}]").click()
    page.keyboard.press("Escape")  # the player
    page.keyboard.press("n")
    expect(page.locator(f"[data-clip={clips[1]}]")).to_have_attribute("data-label", "no")

    page.get_by_role("tab", name="Review").click()
    page.locator("[data-filter=disputed]").click()
    disputed = page.locator(f"[data-clip={clips[0]}]")
    expect(disputed).to_contain_text("you decide")
    expect(disputed.locator(".va-vote")).to_have_text(["kelli", "sam"])
    own = page.locator(f"[data-clip={clips[1]}]")  # ada is one of the two, and sam could decide
    expect(own).to_have_count(1)
    expect(own).not_to_contain_text("decide")
    disputed.click()
    page.keyboard.press("Escape")
    page.keyboard.press("y")
    expect(disputed).to_contain_text("yes · decided")
    expect(page.locator(".va-state")).to_have_attribute("data-state", "saved")
    expect(page.locator(".va-unsaved")).to_have_count(0)
    context.close()
    assert ada.labels.loc[[clips[0]], "decided"].tolist() == ["ada"]
    assert ada.own_labels == {clips[1]: "no", clips[0]: "yes", clips[5]: "yes"}
