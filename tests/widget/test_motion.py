"""The page is told how the camera moves: on cards, in searches for moves, and by a filter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.motion_views import motion_view
from tests.widget.conftest import Page
from va_widgets.video.motion.readable import MotionNumbers
from va_widgets.video.motion.words import is_static, motion_in_words

CLIPS: dict[str, dict[str, float] | None] = {
    "left": {"pan": -0.3},
    "up and in": {"tilt": 0.2, "zoom": 0.3},
    "static": {},
    "unknown": None,
}


def open_page(path: Path, *, motion: bool) -> Page:
    """A page of a corpus without a text model."""
    views = {"motion": motion_view(list(CLIPS.values()))} if motion else None
    clips = pd.DataFrame(index=pd.Index(CLIPS, name="clip_id"))
    return Page(va.Annotator(va.Session(va.Corpus.from_embeddings(path, np.eye(4), clips, views=views), "night")))


@pytest.fixture
def mute(tmp_path: Path, bundle: object) -> Iterator[Page]:
    page = open_page(tmp_path / "mute", motion=True)
    yield page
    page.annotator.close()


def cards(page: Page, type: str, **payload: object) -> dict[str, dict[str, Any]]:
    result = page.ask(type, k=24, **payload)["result"]
    return {card["clip"]: card for card in result["cards"]}


def test_cards_of_a_built_corpus_say_how_the_camera_moves(page: Page, session: va.Session) -> None:
    assert page.hello()["status"]["motion"] is True
    motion = session.corpus.motion
    for clip, card in cards(page, "feed", name="random", exclude=[]).items():
        assert card["motion"]["words"] == motion_in_words(MotionNumbers(*motion.loc[clip])._asdict())


def test_a_search_for_a_move_is_ranked_by_it(page: Page, session: va.Session) -> None:
    found = page.ask("search", text="panning shot", k=8)["result"]
    pans = va.demo.truth_of(session.corpus, "pan")
    assert sum(pans[card["clip"]] for card in found["cards"]) >= 7
    assert found["motion"] == "camera moves sideways"
    assert found["note"] == "Ranked by how the camera moves (sideways)."
    for card in found["cards"]:
        assert card["score"] is None
        assert card["reason"] == card["motion"]["words"]
    plain = page.ask("search", text="a frying pan", k=8)["result"]
    assert plain["motion"] == ""
    assert {card["reason"] for card in plain["cards"]} <= {"matches the words", "hardly matches"}


@pytest.mark.parametrize("type", ["search", "similar"])
def test_only_moving_or_only_static_clips_are_found(page: Page, session: va.Session, type: str) -> None:
    motion = session.corpus.motion
    static = set(motion.index[is_static(motion)])
    asked: dict[str, object] = {"text": "at night"} if type == "search" else {"clip": motion.index[0]}
    first = cards(page, type, **asked, motion="static")
    assert len(first) == 24
    assert set(first) <= static
    more = cards(page, type, **asked, motion="static", exclude=list(first))
    assert set(more) <= static - set(first)
    assert set(cards(page, type, **asked, motion="moving")).isdisjoint(static)


def test_moves_can_be_searched_for_without_a_text_model(mute: Page) -> None:
    status = mute.hello()["status"]
    assert (status["searchable"], status["words"], status["motion"]) == (False, "unavailable", True)
    found = cards(mute, "search", text="zoom in")
    assert next(iter(found)) == "up and in"
    assert found["up and in"]["motion"] == {
        "words": "zooms in, camera moves up",
        "direction": 270,
        "word": "zooms in",
    }
    assert found["static"]["motion"] == {"words": "static", "direction": None, "word": "static"}
    refused = mute.ask("search", text="a beach", k=4)["error"]
    assert refused["code"] == "no_text_search"
    assert "only for camera moves" in refused["message"]


def test_clips_whose_motion_is_not_known_are_neither_moving_nor_static(mute: Page) -> None:
    assert cards(mute, "similar", clip="left")["unknown"]["motion"] is None
    assert set(cards(mute, "similar", clip="left", motion="moving")) == {"up and in"}
    assert set(cards(mute, "similar", clip="left", motion="static")) == {"static"}


@pytest.mark.parametrize(("by", "reason"), [("motion", "moves alike"), ("both", "looks and moves alike")])
def test_clips_that_move_alike_are_found(page: Page, session: va.Session, by: str, reason: str) -> None:
    corpus = session.corpus
    clip = str(corpus.motion["pan"].idxmax())
    found = cards(page, "similar", clip=clip, by=by)
    views = ["motion"] if by == "motion" else ["appearance", "motion"]
    assert list(found) == list(corpus.similar(clip, 24, by=views)["clip_id"])
    assert {card["reason"] for card in found.values()} == {reason}
    pans = va.demo.truth_of(corpus, "pan")
    if by == "motion":
        assert pans[clip]
        assert pans[list(found)[:6]].mean() > 0.6


def test_a_corpus_without_a_motion_view_says_nothing_of_motion(tmp_path: Path, bundle: object) -> None:
    page = open_page(tmp_path / "plain", motion=False)
    assert page.hello()["status"]["motion"] is False
    found = cards(page, "similar", clip="left", motion="static", by="motion")
    assert set(found) == {"up and in", "static", "unknown"}
    assert {card["reason"] for card in found.values()} == {"looks alike"}
    assert {card["motion"] for card in found.values()} == {None}
    assert page.ask("search", text="pan left", k=4)["error"]["code"] == "no_text_search"
    page.annotator.close()


def test_all_clips_are_sorted_by_a_number(page: Page, session: va.Session) -> None:
    numbers = page.hello()["status"]["numbers"]
    assert numbers[:2] == ["pan", "tilt"]
    zoom = session.corpus.motion["zoom"].sort_values(kind="stable", ascending=False)
    highest = cards(page, "sorted", number="zoom", lowest=False)
    assert list(highest) == zoom.index[:24].tolist()
    first = next(iter(highest.values()))
    assert first["reason"] == f"zoom {zoom.iloc[0]:.3g}"
    assert first["score"] is None
    more = cards(page, "sorted", number="zoom", lowest=False, exclude=list(highest))
    assert list(more) == zoom.index[24:48].tolist()
    static = cards(page, "sorted", number="shake", lowest=True, motion="static")
    assert set(static) <= set(session.corpus.motion.index[is_static(session.corpus.motion)])
    refused = page.ask("sorted", number="price", lowest=False, k=4)["error"]
    assert "no number 'price'" in refused["message"]


def test_clips_of_unknown_motion_are_not_among_the_sorted(mute: Page) -> None:
    assert list(cards(mute, "sorted", number="tilt", lowest=False)) == ["up and in", "left", "static"]
