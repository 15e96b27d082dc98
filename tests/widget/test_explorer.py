"""The explorer and the timeline in Python, with a page that sends the browser's messages."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

import va_widgets as va
from tests.widget.conftest import Page

QUESTION: dict[str, Any] = {"column": "", "values": []}
SORTING: dict[str, Any] = {"order": "best", "by": ""}


class ExplorerPage(Page):
    """Stands where the browser is."""

    def __init__(self, explorer: Any) -> None:
        self.explorer = explorer
        super().__init__(explorer)

    def hello(self, *_clips: str) -> dict[str, Any]:
        return {}

    def result(self, type: str, **payload: object) -> dict[str, Any]:
        answer = self.ask(type, **payload)
        assert answer["ok"], answer
        result: dict[str, Any] = answer["result"]
        return result

    def hits(self, text: str = "", k: int = 12, offset: int = 0, **asked: object) -> dict[str, Any]:
        return self.result("hits", text=text, k=k, offset=offset, **{**QUESTION, **SORTING, **asked})


@pytest.fixture
def corpus(published_corpus: va.Corpus) -> va.Corpus:
    return published_corpus


@pytest.fixture
def page(corpus: va.Corpus, bundle: object) -> Iterator[ExplorerPage]:
    explorer = va.Explorer(corpus, annotator="kelli")
    yield ExplorerPage(explorer)
    explorer.close()


def test_the_catalogue_tells_what_can_be_asked(page: ExplorerPage, corpus: va.Corpus) -> None:
    shown = page.result("catalogue")
    names = {name["name"]: name for name in shown["names"]}
    assert names["night"]["kind"] == "model"
    assert names["a_city"]["insert"] == "a_city"
    assert names["video"]["kind"] == "column"
    assert shown["clips"] == len(corpus)
    assert shown["columns"][0] == "video"
    assert "start" not in shown["columns"]
    assert (shown["annotator"], shown["labelling"], shown["note"]) == ("kelli", "", "")
    assert str(corpus.path) not in str(shown)


def test_hits_come_page_by_page_ranked_with_the_scores_of_the_names(page: ExplorerPage, corpus: va.Corpus) -> None:
    first, second = page.hits("night or a_city", k=5), page.hits("night or a_city", k=5, offset=5)
    assert first["names"] == ["night", "a_city"]
    expected = corpus.query("night or a_city", k=10)
    assert [hit["clip"] for hit in first["hits"] + second["hits"]] == expected.index.tolist()
    assert [hit["scores"][0] for hit in first["hits"]] == pytest.approx(expected["night"][:5].tolist())
    assert first["count"] == second["count"] > 10
    assert len(page.hits("night", k=200)["hits"]) == page.hits("night")["count"]
    assert page.hits("night", offset=10_000)["hits"] == []


def test_an_empty_query_shows_every_clip_in_the_order_of_the_corpus(page: ExplorerPage, corpus: va.Corpus) -> None:
    shown = page.hits("  ", k=3)
    assert [hit["clip"] for hit in shown["hits"]] == corpus.clips.index[:3].tolist()
    assert shown["count"] == len(corpus)
    assert shown["hits"][0]["score"] is None
    assert page.result("summary", text="", **QUESTION)["histograms"] == []


def test_hits_are_sorted_by_a_name_or_by_time(page: ExplorerPage) -> None:
    least = [hit["scores"][0] for hit in page.hits("night or a_city", k=50, order="worst", by="night")["hits"]]
    most = [hit["scores"][0] for hit in page.hits("night or a_city", k=50, order="best", by="night")["hits"]]
    assert least == sorted(least)
    assert most == sorted(most, reverse=True)
    places = [(hit["video"], hit["start"]) for hit in page.hits("night", k=50, order="time")["hits"]]
    assert places == sorted(places)
    videos = [hit["scores"][0] for hit in page.hits("video != 'x'", k=50, order="worst", by="video")["hits"]]
    assert videos == sorted(videos)


def test_a_draft_counts_completes_and_says_what_is_wrong_and_where(page: ExplorerPage) -> None:
    fine = page.result("draft", text="night", cursor=5, **QUESTION)
    assert fine["count"] == page.hits("night")["count"]
    assert fine["fault"] is None
    assert fine["completions"][0]["name"] == "night"
    wrong = page.result("draft", text="a_city and nihgt", cursor=9, **QUESTION)
    assert wrong["fault"]["column"] == 11
    assert wrong["fault"]["suggestion"] == "night"
    assert page.hits("a_city and nihgt")["fault"] == wrong["fault"]
    open_end = page.result("draft", text="night and a_c", cursor=13, **QUESTION)
    assert [name["insert"] for name in open_end["completions"]] == ["a_city"]
    assert (open_end["start"], open_end["end"]) == (10, 13)


def test_values_of_a_column_are_counted_and_chosen(page: ExplorerPage, corpus: va.Corpus) -> None:
    question = {"text": "night", "column": "video", "values": []}
    facet = page.result("summary", **question)["facet"]
    counts = corpus.clips.loc[corpus.query("night", k=1000).index, "video"].astype(str).value_counts()
    assert {item["value"]: item["clips"] for item in facet["values"]} == counts.to_dict()
    chosen = facet["values"][0]["value"]
    hits = page.hits("night", k=50, column="video", values=[chosen])
    assert {hit["video"] for hit in hits["hits"]} == {chosen}
    assert hits["count"] == counts[chosen]
    # The other values stay in sight, so that another one can be chosen, too.
    assert page.result("summary", **{**question, "values": [chosen]})["facet"] == facet
    flags = page.result("summary", text="", column="truth:night", values=[])["facet"]
    assert {item["value"] for item in flags["values"]} == {"True", "False"}
    refused = page.ask("summary", text="", column="start", values=[])
    assert "cannot be counted by 'start'" in refused["error"]["message"]


def test_histograms_show_thresholds_and_dragging_one_changes_the_query(page: ExplorerPage, corpus: va.Corpus) -> None:
    text = "night > 0.25 and not a_city"
    night, city = page.result("summary", text=text, **QUESTION)["histograms"]
    assert (night["threshold"], night["above"]) == (0.25, True)
    assert city["above"] is False
    assert sum(night["bins"]) == len(corpus)
    assert sum(night["hits"]) == page.hits(text)["count"]
    changed = page.result("threshold", text=text, name="night", value=0.5)["text"]
    assert changed == "night > 0.5 and not a_city"
    assert page.result("threshold", text=text, name="a_city", value=0.4)["text"] == "night > 0.25 and not a_city >= 0.4"
    added = page.result("threshold", text="0.5*night + 0.5*a_city > 0.3 or night", name="a_city", value=0.1)["text"]
    assert added == "(0.5*night + 0.5*a_city > 0.3 or night) and a_city >= 0.1"
    assert page.hits(added)["fault"] is None


def test_queries_are_saved_beside_the_corpus(page: ExplorerPage, corpus: va.Corpus) -> None:
    asked = {"text": "night and not a_city", "column": "video", "values": ["demo-0001.mp4"]}
    saved = page.result("save", name="dry <b>nights</b>", replace=False, **asked)["saved"]
    assert saved == [{"name": "dry <b>nights</b>", **asked}]
    again = page.ask("save", name="dry <b>nights</b>", replace=False, **asked)
    assert "already" in again["error"]["message"]
    other = va.Explorer(va.Corpus.open(corpus.path))
    renamed = ExplorerPage(other).result("rename", name="dry <b>nights</b>", to="nächte / ../x")["saved"]
    other.close()
    assert [query["name"] for query in renamed] == ["nächte / ../x"]
    assert {file.parent.name for file in corpus.path.glob("queries/*")} == {"queries"}
    assert page.result("catalogue")["saved"] == renamed
    assert page.result("remove", name="nächte / ../x")["saved"] == []
    gone = page.ask("remove", name="nächte / ../x")
    assert "no saved query called" in gone["error"]["message"]


def test_files_that_are_no_queries_are_left_out(page: ExplorerPage, corpus: va.Corpus, tmp_path: Any) -> None:
    folder = corpus.path / "queries"
    folder.mkdir(exist_ok=True)
    (folder / "broken.json").write_bytes(b"\xff{")
    (folder / "other.json").write_text('{"name": "elsewhere", "text": "night"}', encoding="utf-8")
    outside = tmp_path / "out.json"
    outside.write_text('{"name": "out", "text": "night"}', encoding="utf-8")
    (folder / "out.json").symlink_to(outside)
    assert page.result("catalogue")["saved"] == []
    for file in folder.iterdir():
        file.unlink()


def test_the_hits_are_exported_as_a_table(page: ExplorerPage, corpus: va.Corpus) -> None:
    answer, (data,) = page.send(
        {"v": 1, "id": "x", "type": "hits_file", "text": "night", "format": "csv", **QUESTION, **SORTING}
    )
    count = page.hits("night")["count"]
    assert answer["result"]["clips"] == count
    assert answer["result"]["file"] == "night.csv"
    lines = data.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("clip_id,")
    assert len(lines) == count + 1
    assert lines[1].split(",")[0] == corpus.query("night", k=1).index[0]


@pytest.mark.parametrize(("format", "begins"), [("otio", b"{"), ("edl", b"TITLE: night"), ("fcpxml", b"<?xml")])
def test_the_hits_are_exported_as_a_reel(page: ExplorerPage, format: str, begins: bytes) -> None:
    pytest.importorskip("opentimelineio")
    asked = {"text": "night", "format": format, **QUESTION, **SORTING, "order": "time"}
    answer, (data,) = page.send({"v": 1, "id": "x", "type": "hits_file", **asked})
    assert answer["result"]["file"] == f"night.{format}"
    assert data.startswith(begins)


def test_a_timeline_has_the_scores_and_labels_of_a_video(page: ExplorerPage, corpus: va.Corpus) -> None:
    clip = corpus.clips.index[0]
    video = corpus.clips.loc[clip, "video"]
    shown = page.result("timeline", clip=clip, text="night and width > 3")
    own = corpus.clips[corpus.clips["video"] == video].sort_values("start")
    assert shown["clips"] == own.index.tolist()
    assert shown["starts"] == own["start"].round(3).tolist()
    night, width = shown["tracks"]
    scores = va.load_model(corpus.path / "models" / "night").score_corpus(corpus)
    assert night["scores"] == pytest.approx(scores[own.index].tolist(), abs=1e-4)
    labels = va.Session(corpus, "night").labels["value"]
    assert night["labels"] == labels[labels.index.isin(own.index)].to_dict()
    assert night["concept"] == "night"
    assert (width["concept"], width["labels"], width["threshold"]) == ("", {}, 3.0)
    assert "error" in page.ask("timeline", clip="nothing", text="")


def test_hits_are_labelled_in_the_explorers_place(page: ExplorerPage, corpus: va.Corpus) -> None:
    refused = page.ask("feed", name="random", k=3, exclude=[])
    assert "No concept is labelled here" in refused["error"]["message"]
    opened = page.result("label_hits", text="night", concept="dusk", clips=[], **QUESTION, **SORTING)
    assert opened == {"concept": "dusk", "clips": page.hits("night")["count"]}
    assert page.result("catalogue")["labelling"] == "dusk"
    # From now on the annotator's part of the page gets its answers, too.
    hello = page.result("hello", page="a", clips=[])
    assert hello["status"]["concept"] == "dusk"
    assert hello["selection"]["title"] == "night"
    clip = hello["selection"]["clips"][0]
    page.result("label", concept="dusk", clips=[clip], value="yes", source="selection")
    assert page.explorer.session.own_labels == {clip: "yes"}
    assert page.explorer.session.annotator == "kelli"
    # Another concept, with clips that were selected.
    page.result("label_hits", text="night", concept="dawn", clips=[clip], **QUESTION, **SORTING)
    assert page.result("hello", page="a", clips=[])["selection"]["clips"] == [clip]
    assert page.explorer.session.concept == "dawn"
    assert "dusk" in [item["concept"] for item in page.result("label_concepts")["concepts"]]
    page.result("bye", page="a")


@pytest.mark.parametrize(
    ("text", "concept", "clips", "says"),
    [
        ("night", " ", [], "concept"),
        ("night", "dusk", ["nothing"], "no clip 'nothing'"),
        ("night > 2", "dusk", [], "no clips to label"),
    ],
)
def test_what_cannot_be_labelled_opens_nothing(
    page: ExplorerPage, text: str, concept: str, clips: list[str], says: str
) -> None:
    answer = page.ask("label_hits", text=text, concept=concept, clips=clips, **QUESTION, **SORTING)
    assert says in answer["error"]["message"]
    assert page.explorer.session is None


def test_a_model_that_is_published_later_can_be_asked_for(page: ExplorerPage, corpus: va.Corpus) -> None:
    before = page.result("catalogue")["models"]
    va.Session(corpus, "night").publish("later night")
    after = page.result("catalogue")
    assert after["models"] != before
    assert page.hits("later_night")["fault"] is None


def test_filmstrips_and_previews_come_without_an_annotator(page: ExplorerPage, corpus: va.Corpus) -> None:
    clip = corpus.clips.index[0]
    assert page.result("filmstrips", clips=[clip], width=240)["strips"][0]["frames"] == 8
    assert page.result("preview", clip=clip, context=0)["available"]


def test_a_notebook_reads_and_sets_the_query(page: ExplorerPage, corpus: va.Corpus) -> None:
    explorer = page.explorer
    assert explorer.query == ""
    explorer.query = "night"
    assert explorer.hits.index.tolist() == corpus.query("night", k=1000).index.tolist()
    with pytest.raises(va.QueryError, match="nihgt"):
        explorer.query = "nihgt"
    assert explorer.query == "night"
    explorer.explored = {**explorer.explored, "column": "video", "values": ["demo-0001.mp4"], "order": "time"}
    assert set(corpus.clips.loc[explorer.hits.index, "video"]) <= {"demo-0001.mp4"}


def test_what_is_no_corpus_query_or_request_is_refused_in_one_sentence(page: ExplorerPage, corpus: va.Corpus) -> None:
    with pytest.raises(va.QueryError, match=r"must be a va\.Corpus"):
        va.Explorer("corpus/")
    with pytest.raises(va.QueryError, match="did you mean night"):
        va.Explorer(corpus, query="nihgt")
    with pytest.raises(va.QueryError, match=r"no video 'x\.mp4'"):
        va.Timeline(corpus, "x.mp4")
    answer, _ = page.send({"v": 1, "id": "a", "type": "hits", "text": 3})
    assert answer["error"]["code"] == "malformed"
    for use in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(va.VaError, match=r"va\.Explorer\(corpus\)"):
            use(page.explorer)


def test_a_corpus_without_models_says_how_to_publish_one(demo_corpus: va.Corpus, bundle: object) -> None:
    explorer = va.Explorer(demo_corpus)
    assert "publish" in ExplorerPage(explorer).result("catalogue")["note"]
    explorer.close()
    with pytest.raises(va.QueryError, match="none are published"):
        va.Timeline(demo_corpus, "demo-0000.mp4")


def test_a_timeline_shows_a_video_with_all_models(corpus: va.Corpus, bundle: object) -> None:
    clip = corpus.clips.index[4]
    timeline = va.Timeline(corpus, clip)
    page = ExplorerPage(timeline)
    assert timeline.clip == clip
    shown = page.result("timeline", clip="", text="")
    assert shown["video"] == corpus.clips.loc[clip, "video"]
    assert {"night", "a_city"} <= {track["name"] for track in shown["tracks"]}
    assert all(track["threshold"] for track in shown["tracks"])
    refused = page.ask("label_hits", text="night", concept="dusk", clips=[], **QUESTION, **SORTING)
    assert "in an explorer" in refused["error"]["message"]
    timeline.close()
