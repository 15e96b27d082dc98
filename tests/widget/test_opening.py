"""A page that opens before the text model is loaded, or where it cannot be."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import va_widgets as va
from tests.widget.conftest import Page
from va_widgets.corpus import OpenClipEncoder


class Gate:
    """Holds the text model back until it is opened, and then loads it or fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened, self.problem = threading.Event(), ""
        real = OpenClipEncoder.encode_text

        def encode_text(encoder: OpenClipEncoder, texts: Any) -> Any:
            assert self.opened.wait(240)
            if self.problem:
                raise va.EncoderError(self.problem)
            return real(encoder, texts)

        monkeypatch.setattr(OpenClipEncoder, "encode_text", encode_text)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


def status(**wanted: object) -> Any:
    """Matches an event whose status says this."""
    return lambda message: "event" in message and wanted.items() <= message["data"]["status"].items()


def send(page: Page, id: str, type: str, **payload: object) -> None:
    """Send a request without waiting for its answer."""
    page.annotator._handle_custom_msg({"v": 1, "id": id, "type": type, **payload}, [])


def test_the_page_opens_and_labels_while_the_model_is_loaded(
    demo_corpus: va.Corpus, gate: Gate, bundle: object
) -> None:
    page = Page(va.Annotator(va.Session(demo_corpus, "city at night")))
    told = page.hello()["status"]
    assert (told["ready"], told["words"], told["version"]) == (False, "loading", 0)
    assert told["words_note"].startswith("Loading the text model;")
    assert told["quality_note"].startswith("too few labels yet")
    send(page, "f", "feed", name="top_positive", k=5, exclude=[])
    send(page, "s", "search", text="rain", k=4)
    clip = demo_corpus.clips.index[0]
    assert page.ask("label", clips=[clip], value="yes", source="search")["ok"]  # waits for nothing
    assert not {"f", "s"} & {message.get("id") for message, _ in page.sent}
    gate.opened.set()
    page.wait(status(ready=True, words="ready", words_note=""))
    cards = page.wait(lambda message: message.get("id") == "f")["result"]["cards"]
    truth = va.demo.truth_of(demo_corpus, "night")
    assert truth[[card["clip"] for card in cards]].mean() > 0.7
    assert len(page.wait(lambda message: message.get("id") == "s")["result"]["cards"]) == 4
    page.annotator.close()


def test_with_a_stored_vector_cards_come_before_the_model(demo_corpus: va.Corpus, gate: Gate, bundle: object) -> None:
    gate.opened.set()
    va.Session(demo_corpus, "city at night").warm_up()
    gate.opened.clear()
    page = Page(va.Annotator(va.Session(va.Corpus.open(demo_corpus.path), "city at night")))
    told = page.hello()["status"]
    assert (told["ready"], told["words"]) == (True, "loading")
    assert len(page.ask("feed", name="suggested", k=6, exclude=[])["result"]["cards"]) == 6
    assert len(page.ask("search", text="city at night", k=6)["result"]["cards"]) == 6
    gate.opened.set()
    page.wait(status(words="ready"))
    page.annotator.close()


def test_words_that_cannot_be_searched_are_said_until_they_can(
    demo_corpus: va.Corpus, gate: Gate, bundle: object
) -> None:
    gate.problem = "The weights of X could not be loaded: connect to the network once."
    gate.opened.set()
    page = Page(va.Annotator(va.Session(demo_corpus, "city at night")))
    page.wait(status(ready=True, words="unavailable", words_note=gate.problem))
    assert page.ask("search", text="rain", k=4)["error"] == {"code": "no_text_search", "message": gate.problem}
    first = page.ask("feed", name="top_positive", k=5, exclude=[])["result"]
    assert len(first["cards"]) == 5
    gate.problem = ""
    found = page.ask("search", text="rain", k=4)["result"]
    assert (len(found["cards"]), found["status"]["words"]) == (4, "ready")
    news = page.wait(lambda message: message.get("event") == "refit")  # the page learns of fresh clips
    assert news["data"]["version"] > first["version"]
    later = page.ask("feed", name="top_positive", k=5, exclude=[])["result"]
    assert later["version"] == news["data"]["version"]
    assert later["cards"] != first["cards"]
    page.annotator.close()


def test_words_that_tell_nothing_apart_are_said_so(page: Page) -> None:
    flat = page.ask("search", text="ночной город", k=3)["result"]
    assert flat["note"] == "These words do not tell your clips apart: try other words."
    assert {card["reason"] for card in flat["cards"]} == {"hardly matches"}
    found = page.ask("search", text="a red circle", k=3)["result"]
    assert found["note"] == ""
    assert {card["reason"] for card in found["cards"]} == {"matches the words"}


def test_a_concept_that_tells_nothing_apart_is_said_so_without_the_model(
    demo_corpus: va.Corpus, gate: Gate, bundle: object
) -> None:
    gate.opened.set()
    va.Session(demo_corpus, "밤의 도시").warm_up()
    gate.opened.clear()
    page = Page(va.Annotator(va.Session(va.Corpus.open(demo_corpus.path), "밤의 도시")))
    assert page.ask("search", text="밤의 도시", k=3)["result"]["note"].startswith("These words do not tell")
    gate.opened.set()
    page.wait(status(words="ready"))
    page.annotator.close()
