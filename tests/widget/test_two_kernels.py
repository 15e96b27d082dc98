"""What another kernel labels shows on a page within a second; it is never taken for the page's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import va_widgets as va
from tests.widget.conftest import Page
from va_widgets.labels.label_store import LabelStore


@pytest.fixture
def other(session: va.Session) -> Iterator[LabelStore]:
    """The label file as another process has it open: nothing tells the session of what it stores."""
    with LabelStore(session.corpus.path / "labels.sqlite") as store:
        yield store


def of_others(message: dict[str, Any]) -> bool:
    return message.get("event") == "labels"


def test_labels_of_another_annotator_count_and_lead_to_new_feeds(
    page: Page, session: va.Session, other: LabelStore
) -> None:
    first = page.ask("feed", name="random", k=4, exclude=[])["result"]["cards"][0]["clip"]
    other.append("sam", session.concept, {first: "yes"}, "random")
    event = page.wait(of_others)["data"]
    assert event["labels"] == {}, "the card shows this annotator's labels"
    assert event["status"]["counts"] == {"yes": 1, "no": 0, "unsure": 0}
    assert not event["status"]["can_undo"]
    page.wait(lambda message: message.get("event") == "refit")
    cards = page.ask("feed", name="random", k=12, exclude=[])["result"]["cards"]
    assert first not in [card["clip"] for card in cards]
    review = page.ask("review", value="all", order="newest", annotator="", k=4)["result"]
    assert review["clips"] == [first]
    assert (review["cards"][0]["label"], review["cards"][0]["note"]) == (None, "yes: others")


def test_labels_of_the_same_annotator_in_another_kernel_show_on_the_cards(
    page: Page, session: va.Session, other: LabelStore
) -> None:
    clip = page.ask("feed", name="random", k=4, exclude=[])["result"]["cards"][0]["clip"]
    other.append(session.annotator, session.concept, {clip: "no"}, "random")
    event = page.wait(of_others)["data"]
    assert event["labels"] == {clip: "no"}
    assert event["status"]["can_undo"]
