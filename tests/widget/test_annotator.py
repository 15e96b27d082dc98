"""The annotator in the kernel: requests in, replies and events out."""

from __future__ import annotations

import html
import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.widget.conftest import Page
from tests.widget.test_protocol import cases


def clips(page: Page, k: int = 12) -> list[str]:
    return [card["clip"] for card in page.ask("feed", name="top_positive", k=k, exclude=[])["result"]["cards"]]


def ids(reply: Any) -> list[str]:
    return [card["clip"] for card in reply["result"]["cards"]]


def test_hello_tells_all_that_the_header_shows(page: Page) -> None:
    status = page.hello()["status"]
    golden: Any = next(message for message in cases("replies") if message["type"] == "hello")
    assert status.keys() == golden["result"]["status"].keys()
    assert status["concept"] == "city at night"
    assert [name for name in status["feeds"] if name != "suggested"] == [
        "top_positive",
        "borderline",
        "random",
        "top_negative",
    ]
    assert status["quality_note"].startswith("too few labels yet")


def test_search_and_feeds_bring_cards(page: Page) -> None:
    golden: Any = next(message for message in cases("replies") if message["type"] == "search")
    found = page.ask("search", text="at night", k=5)["result"]
    assert len(found["cards"]) == 5
    assert found["cards"][0].keys() == golden["result"]["cards"][0].keys()
    assert found["status"]["queries"] == ["at night"]
    assert len(page.ask("similar", clip=found["cards"][0]["clip"], k=4)["result"]["cards"]) == 4
    for kind, wanted in (("search", {"text": "at night"}), ("similar", {"clip": found["cards"][0]["clip"]})):
        best = ids(page.ask(kind, **wanted, k=9))
        assert ids(page.ask(kind, **wanted, k=3, exclude=best[:4], labelled=False)) == best[4:7]
        page.ask("label", clips=[best[5]], value="no", source=kind)
        assert ids(page.ask(kind, **wanted, k=3, exclude=best[:4], labelled=False)) == [best[4], *best[6:8]]
        assert ids(page.ask(kind, **wanted, k=3, exclude=best[:4], labelled=True)) == best[4:7]
        page.ask("undo")
    first = clips(page)
    second = page.ask("feed", name="top_positive", k=12, exclude=first)["result"]["cards"]
    assert not set(first) & {card["clip"] for card in second}


def test_clips_without_times_are_on_the_page(tmp_path: Path) -> None:
    number = 200
    table = pd.DataFrame(
        {"clip_id": [f"c{i}" for i in range(number)], "video": "a.mp4", "start": np.arange(number) * 1.0}
    )
    table["end"] = table["start"] + 1
    table.loc[[3, 77, 150], ["start", "end"]] = np.nan
    vectors = np.random.default_rng(0).normal(size=(number, 8))
    corpus = va.Corpus.from_embeddings(tmp_path / "c", vectors, table, text_embeddings={"night": vectors[0]})
    session = va.Session(corpus, "night", annotator="kelli")
    page = Page(va.Annotator(session))
    shown = {}
    for name in ("top_positive", "random"):
        answer = page.ask("feed", name=name, k=number, exclude=[])
        json.dumps(answer, allow_nan=False)  # NaN is no JSON: a page that gets it shows no card at all
        cards = answer["result"]["cards"]
        assert len(cards) == number
        shown = {card["clip"]: (card["start"], card["end"]) for card in cards}
    assert {clip for clip, times in shown.items() if times == (None, None)} == {"c3", "c77", "c150"}
    assert shown["c4"] == (4.0, 5.0)
    session.label(["c3", "c4"], [True, False])
    page_of_all = html.unescape(session.report()._repr_html_())
    assert "<span>a.mp4</span><span></span>" in page_of_all
    assert "<span>a.mp4</span><span>0:04–0:05</span>" in page_of_all
    page.annotator.close()


def test_a_label_is_on_disk_before_it_is_acknowledged(page: Page, session: va.Session) -> None:
    clip = clips(page)[0]
    answer = page.ask("label", clips=[clip], value="yes", source="top_positive")
    assert answer["result"]["labels"] == {clip: "yes"}
    reader = va.Session(va.Corpus.open(session.corpus.path), session.concept, "kelli")
    assert reader.own_labels == {clip: "yes"}
    assert reader.history.iloc[0]["source"] == "top_positive"


def test_a_repeated_message_is_stored_once(page: Page, session: va.Session) -> None:
    message = {"v": 1, "id": "same", "type": "label", "concept": session.concept, "clips": clips(page)[:1]}
    message |= {"value": "no", "source": "search"}
    assert page.send(message)[0]["result"]["labels"] == page.send(message)[0]["result"]["labels"]
    assert len(session.history) == 1


def test_undo_redo_and_taking_back(page: Page) -> None:
    clip = clips(page)[0]
    page.ask("label", clips=[clip], value="unsure", source="search")
    assert page.ask("undo")["result"]["labels"] == {clip: None}
    assert page.ask("redo")["result"]["labels"] == {clip: "unsure"}
    assert page.ask("label", clips=[clip], value="none", source="search")["result"]["labels"] == {clip: None}
    assert page.ask("undo")["result"]["labels"] == {clip: "unsure"}
    told = [message["data"]["status"] for message, _ in page.sent if message.get("event") == "labels"]
    assert [status["can_redo"] for status in told] == [False, True, False, False, True]


def test_a_batch_of_labels_refits_and_brings_other_feeds(page: Page) -> None:
    first = clips(page)
    page.ask("label", clips=first[:6], value="yes", source="top_positive")
    page.ask("label", clips=first[6:], value="no", source="top_positive")
    news = page.wait(lambda message: message.get("event") == "refit" and message["data"]["status"]["pending"] == 0)
    assert news["data"]["version"] >= 1
    page.wait(lambda message: message.get("event") == "status" and message["data"]["status"]["quality"] is not None)
    assert news["data"]["status"]["state"] == "ready"
    golden: Any = next(message for message in cases("events") if message["event"] == "refit")
    assert news["data"].keys() == golden["data"].keys()
    assert not set(first) & set(clips(page))


def test_review_pages_through_the_labels(page: Page) -> None:
    some = clips(page)
    page.ask("label", clips=some, value="yes", source="top_positive")
    page.ask("label", clips=some[:1], value="unsure", source="review")
    result = page.ask("review", value="all", order="newest", annotator="", k=8)["result"]
    assert result["clips"][0] == some[0]
    assert set(result["clips"]) == set(some)
    assert [card["clip"] for card in result["cards"]] == result["clips"][:8]
    page.ask("label", clips=result["clips"][8:9], value="none", source="review")  # keeps its place on the page
    more = page.ask("reviewed", annotator="", clips=result["clips"][8:])["result"]["cards"]
    assert [card["clip"] for card in more] == result["clips"][8:]
    assert [card["label"] for card in more] == [None, "yes", "yes", "yes"]
    assert more[0]["note"] == ""


def test_review_says_what_a_doubted_label_looks_like(page: Page, session: va.Session) -> None:
    truth = va.demo.truth_of(session.corpus, "night")
    yes, no = truth[truth].index[:8], truth[~truth].index[:8]
    session.label([*yes, no[0]], True)  # the last one is wrong
    session.label(no[1:], False)
    session.refit()
    cards = page.ask("review", value="all", order="suspicion", annotator="", k=20)["result"]["cards"]
    other = {"yes": "no", "no": "yes"}
    for card in cards:
        assert card["reason"] == (f"looks like {other[card['label']]}" if card["suspicion"] > 0.5 else "")
    assert {card["clip"]: card["reason"] for card in cards}[no[0]] == "looks like no"


def test_review_finds_what_annotators_disagree_about(page: Page, session: va.Session) -> None:
    some = clips(page)[:4]
    page.ask("label", clips=some, value="yes", source="top_positive")
    va.Session(session.corpus, session.concept, "jo").label(some[2], False)
    disputed = page.ask("review", value="disputed", order="newest", annotator="", k=8)["result"]
    assert disputed["clips"] == [some[2]]
    assert disputed["cards"][0]["note"] == "yes: kelli · no: jo"
    assert page.ask("review", value="all", order="disagreement", annotator="", k=8)["result"]["clips"][0] == some[2]


def test_review_shows_the_labels_of_one_annotator(page: Page, session: va.Session) -> None:
    some = clips(page)[:4]
    page.ask("label", clips=some[:2], value="yes", source="top_positive")
    va.Session(session.corpus, session.concept, "jo").label(some[1:], False)
    everybody = page.ask("review", value="all", order="newest", annotator="", k=8)["result"]
    assert (set(everybody["clips"]), everybody["annotators"]) == (set(some), ["jo", "kelli"])
    theirs = page.ask("review", value="no", order="disagreement", annotator="jo", k=2)["result"]
    assert set(theirs["clips"]) == set(some[1:])
    assert [card["note"] for card in theirs["cards"]] == ["yes: kelli · no: jo", "no: jo"]
    assert theirs["cards"][0]["label"] == "yes"  # the buttons stay one's own
    more = page.ask("reviewed", annotator="jo", clips=theirs["clips"][2:])["result"]["cards"]
    assert [card["note"] for card in more] == ["no: jo"]
    own = page.ask("review", value="all", order="newest", annotator="kelli", k=8)["result"]
    assert [card["note"] for card in own["cards"] if card["clip"] == some[0]] == [""]
    notes = {card["clip"]: card["note"] for card in everybody["cards"]}
    assert [notes[clip] for clip in some] == ["", "yes: kelli · no: jo", "no: others", "no: others"]


def test_clips_of_ones_choice_are_shown_until_something_else_is_looked_for(page: Page, session: va.Session) -> None:
    some = list(session.corpus.clips.index[[7, 2, 5]])
    assert page.hello()["selection"] is None
    page.annotator.show([*some, some[0]], "on  the\nmap")
    golden: Any = next(message for message in cases("events") if message["event"] == "show")
    news = page.wait(lambda message: message.get("event") == "show")
    assert news["data"].keys() == golden["data"].keys()
    assert news["data"]["selection"] == {"title": "on the map", "clips": some}
    assert page.hello()["selection"] == news["data"]["selection"]  # a page that is opened later
    cards = page.ask("reviewed", annotator="", clips=some)["result"]["cards"]
    assert [card["clip"] for card in cards] == some
    with pytest.raises(va.UnknownClipError, match="'nowhere'"):
        page.annotator.show(["nowhere"])
    page.ask("search", text="rain", k=3)
    assert page.hello()["selection"] is None


def test_another_concept_is_another_session_of_the_same_annotator(page: Page, session: va.Session) -> None:
    some = clips(page)
    page.ask("label", clips=some[:2], value="yes", source="search")
    status = page.ask("switch", concept="  rain ")["result"]["status"]
    assert (status["concept"], status["annotator"], status["counts"]["yes"]) == ("rain", "kelli", 0)
    assert page.wait(lambda message: message.get("event") == "switch")["data"]["status"]["concept"] == "rain"
    page.ask("label", clips=some[:1], value="no", source="search")
    late = page.ask("label", concept="city at night", clips=some[2:3], value="yes", source="search")
    assert late["result"]["labels"] == {some[2]: "yes"}
    assert session.counts["yes"] == 3
    known = page.ask("concepts")["result"]["concepts"]
    others = {"unsure": 0, "annotators": 1, "empty": False, "archived": False}
    assert known == [
        {"concept": "city at night", "yes": 3, "no": 0, **others},
        {"concept": "rain", "yes": 0, "no": 1, **others},
    ]
    assert page.ask("switch", concept="city at night")["result"]["status"]["counts"]["yes"] == 3
    assert page.annotator.session is session


@pytest.mark.parametrize("concept", [("seen from a slow helicopter, " * 18)[:300].strip(), "🌙" * 500])
def test_a_long_concept_is_worked_on_like_any_other(page: Page, session: va.Session, concept: str) -> None:
    some = clips(page)
    assert page.ask("switch", concept=concept)["result"]["status"]["concept"] == concept
    assert len(page.ask("search", text=concept, k=5)["result"]["cards"]) == 5
    page.ask("label", clips=some[:6], value="yes", source="search")
    page.ask("label", clips=some[6:], value="no", source="search")
    assert page.ask("undo")["result"]["labels"] == dict.fromkeys(some[6:])
    page.ask("redo")
    published = page.ask("publish", name=concept)["result"]
    assert (published["name"], published["version"]) == (concept, 1)
    assert len(page.ask("feed", name="suggested", k=5, exclude=[])["result"]["cards"]) == 5
    shown = {"concept": concept, "yes": 6, "no": 6, "unsure": 0, "annotators": 1, "empty": False, "archived": False}
    assert shown in page.ask("concepts")["result"]["concepts"]
    again = va.Session(va.Corpus.open(session.corpus.path), concept, "kelli")
    assert again.counts == {"yes": 6, "no": 6, "unsure": 0}


def test_who_subscribes_hears_of_the_session_that_is_shown(page: Page, session: va.Session) -> None:
    heard: list[tuple[str, str]] = []
    stop = page.annotator.subscribe(lambda event, _data: heard.append((event, page.annotator.session.concept)))
    session.guideline = "no dusk"
    page.ask("switch", concept="rain")
    page.ask("switch", concept="rain")  # it is shown already
    session.guideline = "no dawn"
    page.annotator.session.guideline = "any drop"
    stop()
    page.ask("switch", concept="city at night")
    assert heard == [("status", "city at night"), ("switch", "rain"), ("status", "rain")]


def test_a_concept_that_was_left_with_new_labels_is_refitted_when_it_is_opened_again(page: Page) -> None:
    some = clips(page)
    page.ask("switch", concept="rain")
    page.ask("label", concept="city at night", clips=some[:2], value="yes", source="search")
    page.ask("switch", concept="city at night")
    news = page.wait(lambda message: message.get("event") == "refit")
    assert news["data"]["status"]["concept"] == "city at night"


def test_two_annotators_of_one_session_hear_of_each_other_on_any_concept(page: Page, session: va.Session) -> None:
    second = Page(va.Annotator(session))
    for annotator in (page, second):
        annotator.ask("switch", concept="rain")
    clip = clips(page)[0]
    page.ask("label", clips=[clip], value="yes", source="search")
    assert second.wait(lambda message: message.get("event") == "labels")["data"]["labels"] == {clip: "yes"}
    second.annotator.close()


def test_a_model_is_published_from_the_page(page: Page, session: va.Session) -> None:
    some = clips(page)
    refused = page.ask("publish", name="night")
    assert "at least one yes and one no" in refused["error"]["message"]
    page.ask("label", clips=some[:6], value="yes", source="search")
    page.ask("label", clips=some[6:], value="no", source="search")
    published = page.ask("publish", name="night")["result"]
    assert (published["name"], published["version"]) == ("night", 1)
    assert published["folder"] == str(session.corpus.path / "models" / "night" / "v1")
    scope: dict[str, Any] = {"va": va}
    exec(published["line"], scope)  # what the page says loads it does so
    assert scope["model"].version == 1
    assert scope["model"].threshold == published["status"]["found"]["threshold"]


def test_the_clips_that_are_found_are_exported_as_a_table(page: Page, session: va.Session) -> None:
    some = clips(page)
    assert page.hello()["status"]["found"] is None
    page.ask("label", clips=some[:6], value="yes", source="top_positive")
    page.ask("label", clips=some[6:], value="no", source="random")
    session.refit()
    status = page.hello()["status"]
    assert status["from_feeds"] == {
        "suggested": 0, "top_positive": 6, "borderline": 0, "random": len(some) - 6, "top_negative": 0
    }  # fmt: skip
    answer, (data,) = page.send({"v": 1, "id": "e", "type": "export"})
    assert answer["result"] == {"file": "city_at_night.csv", "mime": "text/csv", "clips": status["found"]["clips"]}
    assert data.startswith(b"\xef\xbb\xbf")  # by which Excel tells UTF-8
    table = pd.read_csv(io.BytesIO(data), encoding="utf-8-sig", keep_default_na=False)
    assert list(table.columns) == ["clip_id", "video", "start", "end", "score", "label"]
    assert len(table) == status["found"]["clips"] == session.number_found
    assert set(some[:6]) == set(table.loc[table["label"] == "yes", "clip_id"])
    assert not set(some[6:]) & set(table["clip_id"])
    assert table["score"].is_monotonic_decreasing
    others = table.loc[table["label"] == "", "score"]
    assert (others >= round(status["found"]["threshold"], 4)).all()


def test_a_new_concept_stays_in_the_menu_without_labels(page: Page, session: va.Session) -> None:
    page.ask("switch", concept="heavy rain")
    page.ask("switch", concept=session.concept)
    shown = {"concept": "heavy rain", "yes": 0, "no": 0, "unsure": 0, "annotators": 0, "empty": True, "archived": False}
    assert shown in page.ask("concepts")["result"]["concepts"]
    session.for_concept("heavy rain").guideline = "no drizzle"
    assert shown | {"empty": False} in page.ask("concepts")["result"]["concepts"]
    again = va.Session(va.Corpus.open(session.corpus.path), session.concept, "kelli")
    assert "heavy rain" in set(again.concepts["concept"])


def test_a_mistyped_concept_is_forgotten_unless_it_holds_anything(page: Page, session: va.Session) -> None:
    some = clips(page)[:1]
    page.ask("switch", concept="heavi rain")
    page.ask("search", text="rain", k=3)
    refused = page.ask("forget", concept="heavi rain")["error"]
    assert refused == {"code": "bad_value", "message": "The concept 'heavi rain' is open: open another one first."}
    page.ask("switch", concept=session.concept)
    page.ask("label", concept="heavi rain", clips=some, value="yes", source="search")
    assert "has labels" in page.ask("forget", concept="heavi rain")["error"]["message"]
    page.ask("undo", concept="heavi rain")
    session.for_concept("heavi rain").guideline = "drizzle, too"
    assert "has a guideline" in page.ask("forget", concept="heavi rain")["error"]["message"]
    session.for_concept("heavi rain").guideline = ""
    shown = page.ask("forget", concept="heavi rain")["result"]["concepts"]
    assert [concept["concept"] for concept in shown] == [session.concept]
    again = va.Session(va.Corpus.open(session.corpus.path), session.concept, "kelli")
    assert list(again.concepts["concept"]) == [session.concept]
    page.ask("switch", concept="heavi rain")  # it may be opened again
    assert "heavi rain" in [concept["concept"] for concept in page.ask("concepts")["result"]["concepts"]]


def test_pictures_travel_as_buffers(page: Page) -> None:
    some = clips(page)[:3]
    answer, buffers = page.send({"v": 1, "id": "f", "type": "filmstrips", "clips": some})
    assert [strip["buffer"] for strip in answer["result"]["strips"]] == [0, 1, 2]
    assert all(data[:2] == b"\xff\xd8" for data in buffers)
    (stored, *_), wide = answer["result"]["strips"], page.ask("filmstrips", clips=some[:1], width=300)
    (strip,) = wide["result"]["strips"]
    assert stored["width"] < 300
    assert (strip["width"], strip["height"]) == (300, round(300 * 9 / 16))
    assert strip["frames"] == stored["frames"]
    answer, buffers = page.send({"v": 1, "id": "p", "type": "preview", "clip": some[0], "context": 0})
    assert answer["result"]["available"]
    assert buffers[0][4:8] == b"ftyp"


def test_clips_of_vectors_are_shown_and_played_from_their_videos(
    demo_corpus: va.Corpus, bundle: object, tmp_path: Path
) -> None:
    made = demo_corpus.clips[["video", "start", "end"]].iloc[:4]
    corpus = va.Corpus.from_embeddings(
        tmp_path / "own", demo_corpus.embeddings[:4], made, videos=demo_corpus.path / "videos"
    )
    annotator = va.Annotator(va.Session(corpus, "night"))
    page = Page(annotator)
    answer, buffers = page.send({"v": 1, "id": "f", "type": "filmstrips", "clips": made.index.tolist()})
    assert [strip["frames"] for strip in answer["result"]["strips"]] == [8] * 4
    assert all(data[:2] == b"\xff\xd8" for data in buffers)
    assert page.ask("preview", clip=made.index[0], context=0)["result"]["available"]
    annotator.close()


def test_a_clip_is_played_with_what_is_around_it(page: Page, session: va.Session) -> None:
    places = session.corpus.clips
    clip, row = next((clip, row) for clip, row in places.to_dict("index").items() if row["start"] > 2.5)
    length = float(row["end"]) - float(row["start"])
    answers = [
        page.send({"v": 1, "id": f"p{context}", "type": "preview", "clip": clip, "context": context})
        for context in (0, 2)
    ]
    (alone, plain), (around, longer) = [(answer["result"], data) for answer, (data,) in answers]
    assert (alone["start"], alone["end"]) == pytest.approx((0, length))
    assert (around["start"], around["end"]) == pytest.approx((2, 2 + length))
    assert _seconds(longer) == pytest.approx(_seconds(plain) + 4, abs=2.1)  # the video may end before
    assert _seconds(longer) > _seconds(plain) + 1.9


def _seconds(data: bytes) -> float:
    with av.open(io.BytesIO(data), "r") as file:
        times = [float(frame.time or 0) for frame in file.decode(video=0)]
    return times[-1] - times[0]


def test_a_gone_video_is_told_with_its_reason(page: Page, session: va.Session, tmp_path: Path) -> None:
    clip = clips(page)[0]
    video = session.corpus.clips.loc[clip, "video"]
    (tmp_path / "empty").mkdir()
    session.corpus.relocate(tmp_path / "empty", missing_ok=True)
    answer, buffers = page.send({"v": 1, "id": "p", "type": "preview", "clip": clip, "context": 0})
    assert answer["result"]["available"] is False
    assert str(video) in answer["result"]["reason"]
    assert "corpus.relocate(old, new)" in answer["result"]["reason"]
    assert buffers == []
    narrow, wide = (page.ask("filmstrips", clips=[clip], width=width)["result"] for width in (240, 640))
    assert wide == narrow  # what there is


@pytest.mark.parametrize("case", cases("refused"), ids=lambda case: case["name"])
def test_a_malformed_message_gets_one_sentence_and_changes_nothing(
    page: Page, session: va.Session, case: dict[str, Any]
) -> None:
    answer, _ = page.send(case["message"])
    assert answer["ok"] is False
    assert answer["error"]["code"] == case["code"]
    assert case["says"] in answer["error"]["message"]
    assert session.history.empty
    assert page.hello()["status"]["concept"] == session.concept


@pytest.mark.parametrize(
    ("type", "payload", "code", "says"),
    [
        ("label", {"clips": ["nowhere"], "value": "yes", "source": "search"}, "unknown_clip", "'nowhere'"),
        ("similar", {"clip": "nowhere", "k": 3}, "unknown_clip", "'nowhere'"),
        ("preview", {"clip": "nowhere", "context": 0}, "unknown_clip", "'nowhere'"),
        ("feed", {"name": "best", "k": 3, "exclude": []}, "bad_value", "no feed called 'best'"),
        ("switch", {"concept": " "}, "bad_value", "at least one character"),
        ("switch", {"concept": "x" * 501}, "bad_value", "500 characters, not 501"),
        ("reviewed", {"annotator": "", "clips": ["nowhere"]}, "unknown_clip", "'nowhere'"),
        ("search", {"text": "   ", "k": 3}, "no_text_search", "nothing to search for"),
    ],
)
def test_what_cannot_be_done_is_said(page: Page, type: str, payload: dict[str, Any], code: str, says: str) -> None:
    answer = page.ask(type, **payload)
    assert answer["ok"] is False
    assert answer["error"]["code"] == code
    assert says in answer["error"]["message"]


def test_a_bug_is_answered_too(page: Page, session: va.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(session, "similar", broken)
    answer = page.ask("similar", clip="x", k=3)
    assert answer["error"] == {
        "code": "failed",
        "message": "Similar failed in the kernel (RuntimeError: boom); try it again.",
    }


def test_a_failed_refit_is_told_and_the_next_label_tries_again(
    page: Page, session: va.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = session._classifier.trainer.fit
    failing = threading.Event()
    failing.set()

    def sometimes(*arguments: Any) -> Any:
        if failing.is_set():
            raise MemoryError("no memory left")
        return real(*arguments)

    monkeypatch.setattr(session._classifier.trainer, "fit", sometimes)
    some = clips(page)
    page.ask("label", clips=some[:8], value="yes", source="search")
    told = page.wait(lambda m: m.get("event") == "status" and m["data"]["status"]["state"] == "error")
    assert "Your labels are safe" in told["data"]["status"]["message"]
    failing.clear()
    page.ask("label", clips=some[8:], value="no", source="search")
    assert page.wait(lambda m: m.get("event") == "refit")["data"]["status"]["state"] == "ready"
    assert session.counts == {"yes": 8, "no": 4, "unsure": 0}


def test_a_refit_that_somebody_else_was_faster_with_ends_too(page: Page, session: va.Session) -> None:
    def state(wanted: str) -> Callable[[dict[str, Any]], bool]:
        return lambda message: message.get("event") == "status" and message["data"]["status"]["state"] == wanted

    session.label(clips(page)[:2], True)
    session.refit()
    page.ask("refit")
    page.wait(state("ready"), since=page.wait(state("refitting")))


# --- who looks --------------------------------------------------------------------------------------


def refits_of(session: va.Session, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set as soon as the session is refitted."""
    refitted, real = threading.Event(), session.refit

    def refit() -> object:
        refitted.set()
        return real()

    monkeypatch.setattr(session, "refit", refit)
    return refitted


def test_an_annotator_that_no_page_shows_is_quiet_until_a_page_says_hello(
    page: Page, session: va.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    page.annotator.subscribe(lambda event, _data: heard.append(event))
    some = clips(page)
    page.bye()
    sent, computed = len(page.sent), page.annotator._controller.pages.status
    refitted = refits_of(session, monkeypatch)
    monkeypatch.setattr(page.annotator._controller.pages, "status", lambda: pytest.fail("nobody wanted to know"))
    session.label(some[:8], True)
    session.label(some[8:], False)
    session.guideline = "no dusk"
    page.annotator.show(some[:2])
    assert not refitted.wait(1.0)
    assert len(page.sent) == sent
    assert heard == ["labels", "labels", "status"]  # of those the map is one
    monkeypatch.setattr(page.annotator._controller.pages, "status", computed)
    state = page.hello(some[0], some[9], session.corpus.clips.index[-1])
    assert (state["status"]["guideline"], state["status"]["counts"]["yes"]) == ("no dusk", 8)
    assert list(state["labels"].values()) == ["yes", "no", None]
    assert state["selection"]["clips"] == some[:2]
    assert page.wait(lambda message: message.get("event") == "refit")["data"]["status"]["pending"] == 0


def test_labels_that_are_left_behind_wait_for_the_next_page(
    page: Page, session: va.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    refitted = refits_of(session, monkeypatch)
    monkeypatch.setattr(page.annotator._controller.worker, "_pause", 3600.0)  # not over before the page is gone
    page.ask("label", clips=clips(page)[:2], value="yes", source="search")
    page.bye()
    assert not refitted.wait(1.0)
    page.hello()
    assert refitted.wait(240)


def test_a_window_that_closes_leaves_the_other_one_as_it_was(page: Page, session: va.Session) -> None:
    page.ask("hello", page="another window", clips=[])
    page.bye()
    page.bye()  # sent twice
    session.label(clips(page)[:8], True)
    news = page.wait(lambda message: message.get("event") == "labels")
    assert news["data"]["status"]["counts"]["yes"] == 8
    page.wait(lambda message: message.get("event") == "refit")


def test_an_annotator_that_was_never_displayed_works_too(session: va.Session, bundle: object) -> None:
    annotator = va.Annotator(session)
    some = list(session.corpus.clips.index[:3])
    annotator.show(some, "three")
    session.label(some, True)
    page = Page(annotator)  # now it is
    assert page.hello()["selection"] == {"title": "three", "clips": some}
    page.bye()
    annotator.close()
    session.label(some, False)


def test_two_annotators_share_one_session(page: Page, session: va.Session) -> None:
    second = Page(va.Annotator(session))
    clip = clips(page)[0]
    page.ask("label", clips=[clip], value="yes", source="search")
    news = second.wait(lambda message: message.get("event") == "labels")
    assert news["data"]["labels"] == {clip: "yes"}
    second.annotator.close()
    sent = len(second.sent)
    page.ask("label", clips=[clip], value="no", source="search")
    assert len(second.sent) == sent


def test_what_is_not_a_session_is_refused(demo_corpus: va.Corpus) -> None:
    with pytest.raises(va.VaError, match=r"not Corpus: write va\.Annotator\(va\.Session"):
        va.Annotator(demo_corpus)  # type: ignore[arg-type]
