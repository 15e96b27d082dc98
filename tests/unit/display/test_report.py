"""The report for colleagues: one page that needs nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import va_widgets as va
from tests.conftest import labelled

CONCEPT = 'night <script>alert("concept")</script> & “rain”'
GUIDELINE = "no dusk\n<img src=x onerror=alert('guideline')>"


class Page(HTMLParser):
    """Reads a page and keeps its elements, with their attributes, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def session(demo_corpus: va.Corpus) -> va.Session:
    session = labelled(demo_corpus, 24, CONCEPT, annotator="kelli")
    session.guideline = GUIDELINE
    truth = va.demo.truth_of(demo_corpus, "night")
    other = va.Session(demo_corpus, CONCEPT, "jo <b>")
    other.label(truth[~truth].index[-1], True)  # a mistake
    session.publish("night & rain")
    va.Session(demo_corpus, "night", "kelli").label(truth.index[0], True)
    return session


def test_it_tells_all_there_is_to_say(session: va.Session) -> None:
    page = Page(session.report().html)
    assert session.quality is not None
    for said in (
        CONCEPT,
        "no dusk",
        "13 yes · 12 no · 0 unsure",
        f"{session.quality.ap:.2f} ({session.quality.low:.2f}–{session.quality.high:.2f})",
        session.quality.method,
        f"{session.diversity:.2f}",
        "kelli",
        "jo <b>",
        "Surest finds",
        "Borderline",
        "Labelled yes",
        "Labelled no",
        "night & rain",
    ):
        assert said in page.words
    assert len(page.all("figure")) >= 12 + 12 + 12 + 12
    assert page.all("svg")


def test_a_long_concept_stays_within_two_lines_on_a_screen(demo_corpus: va.Corpus) -> None:
    concept = "city <lights> " * 35 + "at night"
    report = labelled(demo_corpus, concept=concept).report()
    page = Page(report.html)
    assert page.all("h1") == [{"title": concept}]
    assert concept in page.words  # the whole of it, for paper
    assert re.search(r"h1 {[^}]*-webkit-line-clamp: 2 }", report.html)
    assert report.summary.startswith("city <lights> city")
    assert len(report.summary) < 250


def test_it_needs_nothing_else_and_runs_nothing(session: va.Session) -> None:
    report = session.report()
    page = Page(report.html)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "embed", "form", "video", "base"}
    assert all((image["src"] or "").startswith("data:image/webp;base64,") for image in page.all("img"))
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert not re.search(r"https?:|url\(|@import", report.html)
    assert "default-src 'none'" in report.html
    assert "prefers-color-scheme: dark" in report.html
    assert "@media print" in report.html
    assert str(session.corpus.path) not in report.html
    assert len(report.html.encode()) < 400_000


def test_a_mistake_is_among_the_labels_to_look_at_again(session: va.Session) -> None:
    worst = session.review().iloc[0]
    assert worst["suspicion"] > 0.5
    _, doubtful = session.report().html.split("Labels to look at again")
    place = session.corpus.clips.loc[worst["clip_id"]]
    assert str(place["video"]) in doubtful


def test_it_can_be_saved(session: va.Session, tmp_path: Path) -> None:
    report = session.report(tmp_path / "night.html")
    assert (tmp_path / "night.html").read_text(encoding="utf-8") == report.html
    assert report.save(str(tmp_path / "again.html")) == tmp_path / "again.html"
    assert sorted(file.name for file in tmp_path.glob("*.html*")) == ["again.html", "night.html"]
    with pytest.raises(va.ReportError, match=r"cannot be written to .*: give the path of a file") as refused:
        report.save(tmp_path / "nowhere" / "night.html")
    assert str(refused.value).count(". ") == 0


def test_it_shows_itself_in_a_frame_that_runs_nothing(session: va.Session) -> None:
    report = session.report()
    page = Page(report._repr_html_())
    (frame,) = page.all("iframe")
    assert frame["sandbox"] is None or frame["sandbox"] == ""
    assert frame["srcdoc"] == report.html
    assert {tag for tag, _ in page.elements} == {"iframe", "p"}
    assert page.words == report.summary
    assert repr(report).endswith("kB)")


def test_without_labels_it_says_what_is_known(demo_corpus: va.Corpus) -> None:
    page = Page(va.Session(demo_corpus, "night").report().html)
    assert "not yet" in page.words
    assert "too few labels yet" in page.words
    assert "First finds" in page.words
    assert "Borderline" not in page.words
    assert "Who labelled" not in page.words
    assert not page.all("svg")


def test_a_clip_without_pictures_is_named(session: va.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_clip: str) -> None:
        raise va.CorpusError("The filmstrips are gone.")

    monkeypatch.setattr(session.corpus, "filmstrip", gone)
    page = Page(session.report().html)
    assert not page.all("img")
    assert "no picture" in page.words
    assert "demo-0000.mp4" in page.words
