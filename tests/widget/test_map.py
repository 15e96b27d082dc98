"""The map beside the annotator."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib.colors import to_hex

import va_widgets as va
from tests.conftest import labelled
from tests.widget.conftest import Page
from va_widgets.widget.map import _COLOURS

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what jupyter-scatter is made of


@pytest.fixture
def map_of(page: Page) -> Iterator[va.Map]:
    shown = va.Map(page.annotator)
    yield shown
    shown.close()


def choose(shown: va.Map, rows: list[int]) -> None:
    """Draw a lasso around some clips, as the page tells it."""
    shown.scatter.widget.selection = np.array(rows, dtype=np.uint32)


def kinds(shown: va.Map) -> dict[str, int]:
    """How many clips the page is told to draw in each kind's colour."""
    page = shown.scatter.widget
    with shown._drawing:  # a refit in the background may draw, too
        drawn = [to_hex(page.color[int(code)]) for code in np.asarray(page.points)[:, 2]]
    return {kind: drawn.count(colour) for kind, colour in _COLOURS.items()}


def test_what_the_lasso_holds_opens_in_the_annotator(page: Page, map_of: va.Map, session: va.Session) -> None:
    assert map_of.selected == []
    choose(map_of, [5, 3, 9])
    rows = session.scores().iloc[[5, 3, 9]].sort_values(ascending=False)
    assert map_of.selected == rows.index.tolist()
    news = page.wait(lambda message: message.get("event") == "show")
    assert news["data"]["selection"] == {"title": "on the map", "clips": map_of.selected}
    assert repr(map_of) == "Map('city at night': 120 clips, 3 selected)"


def test_its_colours_follow_the_labels(page: Page, map_of: va.Map, session: va.Session) -> None:
    assert sum(number for kind, number in kinds(map_of).items() if "–" in kind) == 120
    clips = list(session.corpus.clips.index)
    session.label(clips[:3], True)
    session.label(clips[3], False)
    session.label(clips[4], "unsure")
    session.refit()
    assert sum(kinds(map_of).values()) == 120
    assert {kind: kinds(map_of)[kind] for kind in ("yes", "no", "unsure")} == {"yes": 3, "no": 1, "unsure": 1}


def test_it_follows_the_annotator_to_another_concept_and_back(page: Page, map_of: va.Map, session: va.Session) -> None:
    clips = list(session.corpus.clips.index)
    session.label(clips[:3], True)
    session.refit()
    page.ask("switch", concept="rain")
    assert repr(map_of).startswith("Map('rain'")
    assert kinds(map_of)["yes"] == 0
    rain = page.annotator.session
    rain.label(clips[:7], False)
    rain.refit()
    assert kinds(map_of)["no"] == 7
    session.label(clips[3:5], True)
    session.refit()  # of a concept that is not shown
    assert (kinds(map_of)["yes"], kinds(map_of)["no"]) == (0, 7)
    page.ask("switch", concept="city at night")
    assert (kinds(map_of)["yes"], kinds(map_of)["no"]) == (5, 0)


def test_a_closed_map_is_drawn_no_more(page: Page, session: va.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = va.Map(page.annotator)
    drawn: list[None] = []
    monkeypatch.setattr(shown, "refresh", lambda: drawn.append(None))
    page.ask("switch", concept="rain")
    assert len(drawn) == 1
    shown.close()
    page.ask("switch", concept="city at night")
    session.label(session.corpus.clips.index[0], True)
    session.refit()
    assert len(drawn) == 1


def test_a_map_that_cannot_be_drawn_stops_no_refit_and_no_switch(
    page: Page, map_of: va.Map, session: va.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(map_of, "_table", broken)
    session.label(session.corpus.clips.index[0], True)
    assert session.refit().labels == 1
    assert page.ask("switch", concept="rain")["result"]["status"]["concept"] == "rain"


def test_a_session_alone_has_a_map_too(demo_corpus: va.Corpus) -> None:
    shown = va.Map(labelled(demo_corpus))
    choose(shown, [1])
    assert shown.selected == [demo_corpus.clips.index[1]]
    data, _ = shown._repr_mimebundle_()
    assert data["text/plain"] == repr(shown)
    assert "application/vnd.jupyter.widget-view+json" in data
    shown.close()


def test_what_cannot_be_shown_is_refused_in_one_sentence(
    demo_corpus: va.Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(va.VaError, match=r"not Corpus: write va\.Map\(va\.Session"):
        va.Map(demo_corpus)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "jscatter", None)
    with pytest.raises(va.MissingPackageError, match=r'pip install "va-widgets\[map\]"'):
        va.Map(va.Session(demo_corpus, "night"))
