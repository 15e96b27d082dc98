"""Concepts that the page renames, archives and takes hints from, and remarks on clips."""

from __future__ import annotations

from pathlib import Path

from tests.widget.conftest import Page


def test_a_concept_is_renamed_on_the_page_and_late_labels_find_it(page: Page) -> None:
    first, second, third = page.annotator.session.corpus.clips.index[:3]
    page.ask("label", clips=[first], value="yes", source="search")
    answer = page.ask("rename_concept", concept="city at night", name=" night ")
    assert answer["result"]["status"]["concept"] == "night" == page.annotator.session.concept
    page.wait(lambda message: message.get("event") == "switch")
    # A page that was not told yet, or kept a label of before the kernel was started again.
    late = page.ask("label", concept="city at night", clips=[second], value="no", source="search")
    assert late["result"]["labels"] == {second: "no"}
    assert page.annotator.session.own_labels == {first: "yes", second: "no"}
    assert page.ask("remark", concept="city at night", clip=third, note="dubious", tags=[])["ok"]
    assert page.ask("rename_concept", concept="city at night", name="night")["ok"], "a message that comes twice"
    refused = page.ask("switch", concept="night city at")
    assert refused["ok"]
    page.ask("label", concept="night city at", clips=[first], value="yes", source="search")
    error = page.ask("rename_concept", concept="night city at", name="night")["error"]
    assert error["code"] == "bad_value"
    assert page.annotator.session.concept == "night city at"


def test_archived_concepts_are_listed_as_such_and_hints_become_a_feed(page: Page) -> None:
    clips = list(page.annotator.session.corpus.clips.index[:3])
    page.ask("label", concept="snow", clips=clips, value="yes", source="search")
    page.ask("label", concept="fog", clips=clips, value="no", source="search")
    listed = {row["concept"]: row for row in page.ask("archive", concept="fog", archived=True)["result"]["concepts"]}
    assert [name for name, row in listed.items() if row["archived"]] == ["fog"]
    status = page.ask("hints", concept="snow", offered=True)["result"]["status"]
    assert status["feeds"][0] == "from snow"
    cards = page.ask("feed", name="from snow", k=5, exclude=[])["result"]["cards"]
    assert [(card["clip"], card["reason"], card["label"]) for card in cards] == [
        (c, "yes for snow", None) for c in clips
    ]
    assert page.ask("hints", concept="nothing", offered=True)["error"]["code"] == "bad_value"
    assert "from snow" not in page.ask("hints", concept="snow", offered=False)["result"]["status"]["feeds"]


def test_remarks_are_on_cards_and_review_filters_by_tag(page: Page) -> None:
    session = page.annotator.session
    first, second, third = session.corpus.clips.index[:3]
    page.ask("label", clips=[first, third], value="no", source="search")
    for _ in range(2):
        answer = page.ask("remark", concept=session.concept, clip=first, note="lamps", tags=["too dark", "dusk"])
    assert answer["result"] == {
        "remark": {"note": "lamps", "tags": ["too dark", "dusk"], "others": ""},
        "tags": ["too dark", "dusk"],
    }
    page.ask("remark", concept=session.concept, clip=second, note="", tags=["dusk"])
    assert page.hello()["tags"] == ["dusk", "too dark"]
    review = page.ask("review", value="all", order="newest", annotator="", k=9, tag="dusk")["result"]
    assert review["clips"] == [first, second]
    assert review["tags"] == ["dusk", "too dark"]
    assert [(card["label"], card["remark"]["tags"]) for card in review["cards"]] == [
        ("no", ["too dark", "dusk"]),
        (None, ["dusk"]),
    ]
    only = page.ask("review", value="no", order="newest", annotator="", k=9, tag="dusk")["result"]
    assert only["clips"] == [first]
    long = page.ask("remark", concept=session.concept, clip=first, note="x" * 1001, tags=[])
    assert long["error"]["code"] == "bad_value"
    assert "1,000 characters" in long["error"]["message"]


def test_what_cannot_be_saved_now_is_told_so_for_other_concepts_and_remarks_too(page: Page) -> None:
    session = page.annotator.session
    clip = session.corpus.clips.index[0]
    page.ask("label", concept="snow", clips=[clip], value="yes", source="search")
    (Path(session.corpus.path) / "labels.sqlite").unlink()
    late = page.ask("label", concept="snow", clips=[clip], value="no", source="search")
    remark = page.ask("remark", concept=session.concept, clip=clip, note="lamps", tags=[])
    assert late["error"]["code"] == remark["error"]["code"] == "not_saved", "the page keeps both and sends them again"
    assert page.ask("feed", name="random", k=2, exclude=[])["ok"]


def test_the_guideline_counts_its_versions_and_takes_a_page_of_text(page: Page) -> None:
    assert page.hello()["status"]["guideline_version"] == 0
    for text in ("dark", "x" * 9_000):
        status = page.ask("guideline", text=text)["result"]["status"]
    assert (status["guideline_version"], len(status["guideline"])) == (2, 9_000)
