"""The annotator in the kernel: requests in, replies and events out."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import va_widgets as va
from tests.widget.conftest import Page
from tests.widget.test_protocol import cases


def clips(page: Page, k: int = 12) -> list[str]:
    return [card["clip"] for card in page.ask("feed", name="top_positive", k=k, exclude=[])["result"]["cards"]]


def test_hello_tells_all_that_the_header_shows(page: Page) -> None:
    status = page.ask("hello")["result"]["status"]
    golden: Any = next(message for message in cases("replies") if message["type"] == "hello")
    assert status.keys() == golden["result"]["status"].keys()
    assert status["concept"] == "city at night"
    assert status["feeds"] == ["top_positive", "borderline", "random", "top_negative"]
    assert status["quality_note"].startswith("too few labels yet")


def test_search_and_feeds_bring_cards(page: Page) -> None:
    golden: Any = next(message for message in cases("replies") if message["type"] == "search")
    found = page.ask("search", text="at night", k=5)["result"]
    assert len(found["cards"]) == 5
    assert found["cards"][0].keys() == golden["result"]["cards"][0].keys()
    assert found["status"]["queries"] == ["at night"]
    assert len(page.ask("similar", clip=found["cards"][0]["clip"], k=4)["result"]["cards"]) == 4
    first = clips(page)
    second = page.ask("feed", name="top_positive", k=12, exclude=first)["result"]["cards"]
    assert not set(first) & {card["clip"] for card in second}


def test_a_label_is_on_disk_before_it_is_acknowledged(page: Page, session: va.Session) -> None:
    clip = clips(page)[0]
    answer = page.ask("label", clips=[clip], value="yes", source="top_positive")
    assert answer["result"]["labels"] == {clip: "yes"}
    reader = va.Session(va.Corpus.open(session.corpus.path), session.concept, "kelli")
    assert reader.own_labels == {clip: "yes"}
    assert reader.history.iloc[0]["source"] == "top_positive"


def test_a_repeated_message_is_stored_once(page: Page, session: va.Session) -> None:
    message = {"v": 1, "id": "same", "type": "label", "clips": clips(page)[:1], "value": "no", "source": "search"}
    assert page.send(message)[0]["result"]["labels"] == page.send(message)[0]["result"]["labels"]
    assert len(session.history) == 1


def test_undo_redo_and_taking_back(page: Page) -> None:
    clip = clips(page)[0]
    page.ask("label", clips=[clip], value="unsure", source="search")
    assert page.ask("undo")["result"]["labels"] == {clip: None}
    assert page.ask("redo")["result"]["labels"] == {clip: "unsure"}
    assert page.ask("label", clips=[clip], value="none", source="search")["result"]["labels"] == {clip: None}
    assert page.ask("undo")["result"]["status"]["can_redo"]


def test_a_batch_of_labels_refits_and_brings_other_feeds(page: Page) -> None:
    first = clips(page)
    page.ask("label", clips=first[:6], value="yes", source="top_positive")
    page.ask("label", clips=first[6:], value="no", source="top_positive")
    news = page.wait(lambda message: message.get("event") == "refit" and message["data"]["status"]["pending"] == 0)
    assert news["data"]["version"] >= 1
    assert news["data"]["status"]["quality"] is not None
    assert news["data"]["status"]["state"] == "ready"
    golden: Any = next(message for message in cases("events") if message["event"] == "refit")
    assert news["data"].keys() == golden["data"].keys()
    assert not set(first) & set(clips(page))


def test_review_pages_through_the_labels(page: Page) -> None:
    some = clips(page)
    page.ask("label", clips=some, value="yes", source="top_positive")
    result = page.ask("review", value="all", order="newest", offset=8, k=8)["result"]
    assert result["total"] == 12
    assert len(result["cards"]) == 4
    assert {card["label"] for card in result["cards"]} == {"yes"}


def test_pictures_travel_as_buffers(page: Page) -> None:
    some = clips(page)[:3]
    answer, buffers = page.send({"v": 1, "id": "f", "type": "filmstrips", "clips": some})
    assert [strip["buffer"] for strip in answer["result"]["strips"]] == [0, 1, 2]
    assert all(data[:2] == b"\xff\xd8" for data in buffers)
    answer, buffers = page.send({"v": 1, "id": "p", "type": "preview", "clip": some[0]})
    assert answer["result"]["available"]
    assert buffers[0][4:8] == b"ftyp"


def test_a_gone_video_is_told_with_its_reason(page: Page, session: va.Session) -> None:
    clip = clips(page)[0]
    video = session.corpus.clips.loc[clip, "video"]
    for file in session.corpus.path.parent.rglob(str(video)):
        file.unlink()
    session.corpus._manifest.roots.clear()
    session.corpus._manifest.roots.append(type("Root", (), {"relative": "videos", "absolute": "/nowhere"})())
    answer, buffers = page.send({"v": 1, "id": "p", "type": "preview", "clip": clip})
    assert answer["result"]["available"] is False
    assert str(video) in answer["result"]["reason"]
    assert buffers == []


@pytest.mark.parametrize("case", cases("refused"), ids=lambda case: case["name"])
def test_a_malformed_message_gets_one_sentence_and_changes_nothing(
    page: Page, session: va.Session, case: dict[str, Any]
) -> None:
    answer, _ = page.send(case["message"])
    assert answer["ok"] is False
    assert answer["error"]["code"] == case["code"]
    assert case["says"] in answer["error"]["message"]
    assert session.history.empty
    assert page.ask("hello")["ok"]


@pytest.mark.parametrize(
    ("type", "payload", "code", "says"),
    [
        ("label", {"clips": ["nowhere"], "value": "yes", "source": "search"}, "unknown_clip", "'nowhere'"),
        ("similar", {"clip": "nowhere", "k": 3}, "unknown_clip", "'nowhere'"),
        ("preview", {"clip": "nowhere"}, "unknown_clip", "'nowhere'"),
        ("feed", {"name": "best", "k": 3, "exclude": []}, "bad_value", "no feed called 'best'"),
        ("search", {"text": "   ", "k": 3}, "no_text_search", "nothing to search for"),
    ],
)
def test_what_cannot_be_done_is_said(page: Page, type: str, payload: dict[str, Any], code: str, says: str) -> None:
    answer = page.ask(type, **payload)
    assert answer["ok"] is False
    assert answer["error"]["code"] == code
    assert says in answer["error"]["message"]


def test_a_bug_is_answered_too(page: Page, session: va.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
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
    real = session._fitted
    failing = threading.Event()
    failing.set()

    def sometimes(*arguments: Any) -> Any:
        if failing.is_set():
            raise MemoryError("no memory left")
        return real(*arguments)

    monkeypatch.setattr(session, "_fitted", sometimes)
    some = clips(page)
    page.ask("label", clips=some[:8], value="yes", source="search")
    told = page.wait(lambda m: m.get("event") == "status" and m["data"]["status"]["state"] == "error")
    assert "Your labels are safe" in told["data"]["status"]["message"]
    failing.clear()
    page.ask("label", clips=some[8:], value="no", source="search")
    assert page.wait(lambda m: m.get("event") == "refit")["data"]["status"]["state"] == "ready"
    assert session.counts == {"yes": 8, "no": 4, "unsure": 0}


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
