"""What the page of one annotator gets while others label the same concept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.widget.conftest import Page
from va_widgets.labels.label_store import LabelStore

CLIPS = [f"c{i:02d}" for i in range(24)]


@pytest.fixture
def corpus(tmp_path: Path) -> va.Corpus:
    vectors = np.random.default_rng(0).normal(size=(24, 8)) + np.repeat([[2.0], [-2.0]], 12, axis=0)
    table = pd.DataFrame({"clip_id": CLIPS, "video": [f"v{i % 4}" for i in range(24)]})
    return va.Corpus.from_embeddings(tmp_path / "c", vectors, table)


def test_a_second_reading_never_shows_the_other_answer(corpus: va.Corpus) -> None:
    kelli, sam = va.Session(corpus, "night", "kelli"), va.Session(corpus, "night", "sam")
    page = Page(va.Annotator(sam))
    kelli.label(CLIPS[:6], True)
    kelli.label(CLIPS[12:18], "unsure")
    kelli.remark(CLIPS[0], "clearly dark", ["lamps"])
    sam.refit()
    assert page.hello()["status"]["feeds"][-1] == "second_reading"
    before = len(page.sent)
    cards = page.ask("feed", name="second_reading", k=12, exclude=[])["result"]["cards"]
    assert {card["clip"] for card in cards} == {*CLIPS[:6], *CLIPS[12:18]}
    plain = {"label": None, "score": None, "suspicion": None, "note": "", "dispute": None, "reason": "second reading"}
    assert all({name: card[name] for name in plain} == plain for card in cards)
    similar = page.ask("similar", clip=CLIPS[0], k=24, exclude=[])["result"]["cards"]
    assert {card["label"] for card in similar} == {None}
    assert {card["reason"] for card in similar} == {"looks alike"}
    assert {card["remark"] is None for card in (*cards, *similar)} == {True}, "a note of the other may tell the answer"
    kept = page.ask("remark", concept="night", clip=CLIPS[0], note="mine", tags=[])["result"]["remark"]
    assert kept == {"note": "mine", "tags": [], "others": ""}
    page.ask("label", clips=[CLIPS[0]], value="no", source="second_reading")
    messages = json.dumps([message.get("result", {}).get("cards") for message, _ in page.sent[before:]])
    assert "kelli" not in messages
    (card,) = page.ask("similar", clip=CLIPS[1], k=24, exclude=CLIPS[1:], labelled=True)["result"]["cards"]
    assert card["remark"]["others"] == "kelli: lamps · clearly dark", "once it is labelled, notes may be read"
    rest = page.ask("feed", name="second_reading", k=24, exclude=[])["result"]["cards"]
    assert CLIPS[0] not in {card["clip"] for card in rest}
    assert page.hello()["status"]["from_feeds"]["second_reading"] == 1
    (card,) = page.ask("review", value="disputed", order="newest", annotator="", k=9)["result"]["cards"]
    assert card["dispute"] == {"votes": {"yes": ["kelli"], "no": ["sam"]}, "decided": "", "decides": True}


def test_a_remark_of_another_kernel_is_shown_when_it_comes(corpus: va.Corpus) -> None:
    sam = va.Session(corpus, "night", "sam")
    page = Page(va.Annotator(sam))
    page.hello()
    page.ask("label", clips=CLIPS[:1], value="yes", source="search")
    with LabelStore(corpus.path / "labels.sqlite") as other:
        other.add_remark("kelli", "night", CLIPS[0], "dubious", ["lamps"])
        other.add_remark("kelli", "day", CLIPS[1], "sunny", [])
    told = page.wait(lambda message: message.get("event") == "remarks")["data"]["remarks"]
    assert told == {CLIPS[0]: {"note": "", "tags": [], "others": "kelli: lamps · dubious"}}


def test_a_third_one_decides_in_review(corpus: va.Corpus) -> None:
    kelli, sam, ada = (va.Session(corpus, "night", name) for name in ("kelli", "sam", "ada"))
    for session, value in ((kelli, True), (sam, False)):
        session.label(CLIPS[:2], value)
    ada.label(CLIPS[5], True)
    page = Page(va.Annotator(ada))
    disputed = {"value": "disputed", "order": "newest", "annotator": "", "k": 9}
    cards = page.ask("review", **disputed)["result"]["cards"]
    assert [card["dispute"]["decides"] for card in cards] == [True, True]
    assert page.ask("label", clips=[CLIPS[0]], value="no", source="adjudication")["ok"]
    assert page.ask("review", **disputed)["result"]["clips"] == [CLIPS[1]]
    (card,) = page.ask("reviewed", annotator="", clips=[CLIPS[0]])["result"]["cards"]
    decided = {"votes": {"yes": ["kelli"], "no": ["sam"]}, "decided": "ada", "decides": True}
    assert (card["dispute"], card["label"]) == (decided, "no")
    assert page.hello()["status"]["counts"] == {"yes": 1, "no": 1, "unsure": 0}
    assert page.ask("undo")["result"]["labels"] == {CLIPS[0]: None}
    assert len(page.ask("review", **disputed)["result"]["clips"]) == 2
    other = Page(va.Annotator(sam))
    cards = other.ask("review", **disputed)["result"]["cards"]
    assert [card["dispute"]["decides"] for card in cards] == [False, False]
    refused = other.ask("label", clips=[CLIPS[1]], value="yes", source="adjudication")
    assert refused["error"] == {
        "code": "bad_value",
        "message": f"'sam' has labelled the clip {CLIPS[1]!r} and cannot decide about it: 'ada' can.",
    }


def test_a_share_is_a_feed_of_the_page(corpus: va.Corpus) -> None:
    va.Session(corpus, "night", "kelli").divide(CLIPS[:9], ["kelli", "sam", "ada"])
    page = Page(va.Annotator(va.Session(corpus, "night", "sam")))
    assert page.hello()["status"]["feeds"][0] == "assigned"
    cards = page.ask("feed", name="assigned", k=12, exclude=[])["result"]["cards"]
    assert len(cards) == 3
    assert {card["score"] for card in cards} == {None}
