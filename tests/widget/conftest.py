"""An annotator whose messages to the page are kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import va_widgets as va
from va_widgets.corpus import OpenClipEncoder


class Page:
    """Stands where the browser is: sends requests and keeps what comes back."""

    def __init__(self, annotator: va.Annotator, name: str = "t") -> None:
        self.annotator = annotator
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        self._news = threading.Condition()
        self._name = name
        self._count = 0
        annotator.send = self._keep
        self.hello()

    def _keep(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        with self._news:
            self.sent.append((content, buffers or []))
            self._news.notify_all()

    def send(self, content: object) -> tuple[dict[str, Any], list[bytes]]:
        """Send a message as it is; returns the answer to it."""
        before = len(self.sent)
        self.annotator._handle_custom_msg(content, [])
        return self._first(lambda message: "event" not in message, before)

    def ask(self, type: str, **payload: object) -> dict[str, Any]:
        self._count += 1
        if type in ("label", "undo", "redo"):
            payload.setdefault("concept", self.annotator.session.concept)
        answer, _ = self.send({"v": 1, "id": f"{self._name}-{self._count}", "type": type, **payload})
        assert answer["id"] == f"{self._name}-{self._count}"
        assert answer["type"] == type
        return answer

    def hello(self, *clips: str) -> dict[str, Any]:
        """Say that this page shows the annotator; returns the state, with the labels of some clips."""
        result: dict[str, Any] = self.ask("hello", page=self._name, clips=list(clips))["result"]
        return result

    def bye(self) -> None:
        """Say that this page does not show the annotator any more."""
        self.ask("bye", page=self._name)

    def wait(self, wanted: Callable[[dict[str, Any]], bool], since: dict[str, Any] | None = None) -> dict[str, Any]:
        """The first message, sent already or to come, that is wanted; of those after `since`."""
        messages = [message for message, _ in self.sent]
        return self._first(wanted, messages.index(since) + 1 if since else 0)[0]

    def _first(
        self, wanted: Callable[[dict[str, Any]], bool], since: int = 0, seconds: float = 240.0
    ) -> tuple[dict[str, Any], list[bytes]]:
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                for message, data in self.sent[since:]:
                    if wanted(message):
                        return message, data
                left = deadline - time.monotonic()
                assert left > 0, f"it never came; there came {[m.get('event') or m.get('type') for m, _ in self.sent]}"
                self._news.wait(left)


@pytest.fixture(scope="session")
def tiny_encoder() -> OpenClipEncoder:
    return OpenClipEncoder("va-tiny")


@pytest.fixture
def demo_corpus(demo_corpus: va.Corpus, tiny_encoder: OpenClipEncoder) -> va.Corpus:
    """The demo corpus without any labels, for one test alone, with an encoder that is loaded once for all tests."""
    return va.Corpus.open(demo_corpus.path, encoder=tiny_encoder)


@pytest.fixture
def session(demo_corpus: va.Corpus) -> va.Session:
    return va.Session(demo_corpus, "city at night", annotator="kelli")


@pytest.fixture
def page(session: va.Session, bundle: object) -> Iterator[Page]:
    session.warm_up()  # tests of a page that opens before its model are in test_opening.py
    annotator = va.Annotator(session)
    yield Page(annotator)
    annotator.close()
