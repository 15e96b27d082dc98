"""Half a character, which no file and no connection can hold, is refused at every door or replaced."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import va_widgets as va
from va_widgets.base.texts import has_lone_surrogate, without_lone_surrogates

HALF = "\ud83d"
ODD = [HALF, "night \udc00", "\ud83d city", "a\udce9b", "🌙\ud83c", "\udf19\ud83c", "\ud83d" * 3]
surrogates = st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF, categories=["Cs"])
texts = st.text(st.one_of(st.characters(), surrogates), max_size=12)
documents = st.recursive(
    st.one_of(texts, st.none(), st.integers(), st.booleans()),
    lambda parts: st.one_of(st.lists(parts, max_size=3), st.dictionaries(texts, parts, max_size=3)),
    max_leaves=8,
)


@given(document=documents)
def test_a_document_can_be_sent_afterwards_and_is_left_alone_if_it_could_be_before(document: Any) -> None:
    whole = without_lone_surrogates(document)
    json.dumps(whole, ensure_ascii=False).encode()
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        assert has_lone_surrogate(document)
        assert not has_lone_surrogate(whole)
    else:
        assert whole is document


def test_two_halves_that_belong_together_become_their_character() -> None:
    assert without_lone_surrogates("a\ud83d\ude00 \ud83d") == "a😀 \ufffd"
    assert without_lone_surrogates({"a\udc00": ["\ud83d", 3]}) == {"a\ufffd": ["\ufffd", 3]}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> va.Session:
    path = tmp_path_factory.mktemp("halves") / "corpus"
    vectors = np.random.default_rng(0).normal(size=(30, 8))
    clips = pd.DataFrame({"clip_id": [f"c{number}" for number in range(30)]})
    session = va.Session(va.Corpus.from_embeddings(path, vectors, clips), "night")
    session.label(["c1", "c2"], True)
    session.label(["c3", "c4"], False)
    return session


DOORS: dict[str, Callable[[va.Session, str], object]] = {
    "a concept": lambda session, text: va.Session(session.corpus, text),
    "an annotator": lambda session, text: va.Session(session.corpus, "night", text),
    "another concept": lambda session, text: session.for_concept(text),
    "a search": lambda session, text: session.search(text),
    "a guideline": lambda session, text: setattr(session, "guideline", text),
    "a clip to label": lambda session, text: session.label(text, True),
    "clips to label": lambda session, text: session.label({"c1": True, text: False}),
    "a label": lambda session, text: session.label("c1", text),  # type: ignore[arg-type]
    "a source": lambda session, text: session.label("c1", True, source=text),
    "a message id": lambda session, text: session.label("c1", True, message_id=text),
    "an undo's id": lambda session, text: session.undo(message_id=text),
    "a redo's id": lambda session, text: session.redo(message_id=text),
    "a feed": lambda session, text: session.feed(text),
    "a filter": lambda session, text: session.review(text),
    "an order": lambda session, text: session.review(order=text),
    "a clip to look up": lambda session, text: session.similar(text),
    "a filmstrip": lambda session, text: session.filmstrip(text),
    "a preview": lambda session, text: session.preview(text),
    "a model's name": lambda session, text: session.publish(text),
}


def refused_or_harmless(session: va.Session, door: str, text: str) -> None:
    """What is refused is refused in one sentence that can be shown, and nothing is stored of it."""
    before, refused = len(session.history), None
    try:
        DOORS[door](session, text)
    except va.VaError as error:
        refused = str(error)
    if refused is None:
        assert not has_lone_surrogate(text), "it was taken"
    else:
        refused.encode()
        assert "\n" not in refused
        assert len(session.history) == before


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("text", ODD)
def test_no_door_takes_half_a_character(session: va.Session, door: str, text: str) -> None:
    with pytest.raises(va.VaError) as refused:
        DOORS[door](session, text)
    str(refused.value).encode()


@given(
    door=st.sampled_from(sorted(set(DOORS) - {"a model's name", "another concept", "a concept", "an annotator"})),
    text=texts,
)
def test_whatever_comes_through_a_door_can_be_stored_and_shown(session: va.Session, door: str, text: str) -> None:
    refused_or_harmless(session, door, text)


def test_a_name_of_an_annotator_to_review_is_only_compared(session: va.Session) -> None:
    with pytest.raises(va.LabelError, match="lone surrogate"):
        session.review(annotator=HALF)


def test_what_an_older_version_stored_is_repaired_when_it_is_opened(session: va.Session, tmp_path: Path) -> None:
    corpus = session.corpus
    store = session._labels.store
    store.set_state("", "dusk", "guideline", "no lamps \ud83c")
    store.set_state("me", "dusk", "queries", ["a \ud83d", "b", 3])
    again = va.Session(corpus, "dusk")
    assert again.queries == ["a \ufffd", "b"]
    assert again.guideline == "no lamps \ufffd"
    assert store.get_state("", "dusk", "guideline") == "no lamps \ufffd"
    again.label("c1", True)
    again.label("c2", False)
    assert again.publish("dusk").guideline == "no lamps \ufffd"
    again.report(tmp_path / "report.html")
    assert "no lamps \ufffd" in (tmp_path / "report.html").read_text(encoding="utf-8")
