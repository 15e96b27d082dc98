"""What a saved notebook shows of an annotator."""

from __future__ import annotations

import re
from html import unescape

import pytest

import va_widgets as va
from tests.conftest import labelled
from va_widgets.widget import annotator as module
from va_widgets.widget import cell_widget

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def session(demo_corpus: va.Corpus) -> va.Session:
    session = labelled(demo_corpus, concept="night <script>alert(1)</script>", annotator="kelli")
    session.guideline = "no <b>dusk</b>"
    session.refit()
    return session


@pytest.fixture
def bundle_of(session: va.Session, bundle: object) -> dict[str, object]:
    annotator = va.Annotator(session)
    data, metadata = annotator._repr_mimebundle_() or ({}, {})
    annotator.close()
    assert metadata == {}
    return data


def test_the_live_view_stays_and_a_still_comes_with_it(bundle_of: dict[str, object], session: va.Session) -> None:
    assert {WIDGET, "text/plain", "text/html"} <= bundle_of.keys()
    still = str(bundle_of["text/html"])
    assert session.quality is not None
    assert f"8 yes · 8 no · 0 unsure · quality {session.quality.ap:.2f}" in still
    assert still.count('<img src="data:image/webp;base64,') == 12
    assert "✓ yes" in still
    assert "Run the cell to label. If this stays after it has run, reload the page" in still
    assert len(still.encode()) < 150_000


def test_in_a_cell_it_is_an_output_of_its_own(
    session: va.Session, bundle: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs: list[dict[str, str]] = []
    monkeypatch.setattr(cell_widget, "display", lambda data, **_options: outputs.append(data))
    annotator = va.Annotator(session)
    annotator._ipython_display_()
    annotator.close()
    live, still = outputs
    assert live.keys() == {WIDGET, "text/html"}
    assert re.fullmatch(r"<!-- [^<>]+ -->", live["text/html"])  # a host without widgets shows nothing beside the still
    assert still.keys() == {"text/plain", "text/html"}
    assert still["text/html"].count('<div class="va-still">') == 1
    assert still["text/html"].count('<img src="data:image/webp;base64,') == 12


def test_words_of_users_are_never_html(bundle_of: dict[str, object]) -> None:
    still = str(bundle_of["text/html"])
    assert "night &lt;script&gt;alert(1)&lt;/script&gt;" in still
    assert "no &lt;b&gt;dusk&lt;/b&gt;" in still
    assert "<script" not in still


def test_a_long_concept_is_cut_and_told_in_full_on_hover(demo_corpus: va.Corpus, bundle: object) -> None:
    concept = "city <lights> " * 35 + "at night"
    annotator = va.Annotator(va.Session(demo_corpus, concept))
    data, _ = annotator._repr_mimebundle_() or ({}, {})
    annotator.close()
    title, shown = re.findall(r'<b title="([^"]*)">([^<]*)</b>', data["text/html"])[0]
    assert unescape(title) == concept
    assert unescape(shown) == f"{concept[:119]}…"


def test_before_any_label_the_words_rank_the_clips(demo_corpus: va.Corpus, bundle: object) -> None:
    session = va.Session(demo_corpus, "night")
    session.warm_up()
    annotator = va.Annotator(session)
    data, _ = annotator._repr_mimebundle_() or ({}, {})
    annotator.close()
    assert "The clips that the words of the concept ranked highest on" in data["text/html"]
    assert "too few labels yet" in data["text/html"]


def test_a_still_that_cannot_be_made_does_not_hide_the_annotator(
    session: va.Session, bundle: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_session: va.Session) -> str:
        raise MemoryError("no memory left")

    monkeypatch.setattr(module, "still", broken)
    annotator = va.Annotator(session)
    data, _ = annotator._repr_mimebundle_() or ({}, {})
    annotator.close()
    assert WIDGET in data
    assert "text/html" not in data
