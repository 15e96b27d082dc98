"""What becomes of a concept as a whole, and remarks on its clips, as a notebook sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

import va_widgets as va
from tests.conftest import labelled


def test_a_concept_goes_on_under_another_name(demo_corpus: va.Corpus) -> None:
    clips = list(demo_corpus.clips.index)
    session = va.Session(demo_corpus, "nihgt", "kelli")
    session.guideline = "dark"
    session.label(clips[:3], True)
    session.guideline = "dark outside"
    session.label(clips[3], False)
    assert session.history["guideline_version"].tolist() == [1, 1, 1, 2]
    assert session.guideline_history[["version", "text"]].to_numpy().tolist() == [[1, "dark"], [2, "dark outside"]]
    renamed = session.rename("night")
    assert (renamed.concept, renamed.guideline, renamed.counts["yes"]) == ("night", "dark outside", 3)
    assert renamed.concept_state == ""
    session.label(clips[4], False)  # a cell that still holds the former session
    assert renamed.counts == session.counts == {"yes": 3, "no": 2, "unsure": 0}
    assert "is called 'night' now" in session.concept_state
    assert renamed.undo() == {clips[4]: "none"}
    assert renamed.concepts["concept"].tolist() == ["night"]
    with pytest.raises(va.LabelError, match="'nihgt' was renamed to 'night' by kelli"):
        va.Session(demo_corpus, "nihgt")
    assert "rename" in renamed.concept_history["kind"].tolist()
    # Its first clips are those for the new name.
    renamed.rename("night by the sea").warm_up()
    vector = renamed.for_concept("night by the sea")._classifier.text.vector
    assert vector == pytest.approx(demo_corpus.text_embedding("night by the sea"), abs=1e-6)


def test_a_concept_of_nearly_the_same_name_is_told(demo_corpus: va.Corpus) -> None:
    session = va.Session(demo_corpus, "night", "kelli")
    other = va.Session(demo_corpus, "Night", "jo")
    assert session.concept_state == other.concept_state == "", "nothing is lost yet"
    session.label(demo_corpus.clips.index[0], True)
    assert session.concept_state == ""
    assert "There is also a concept 'night'" in other.concept_state
    renamed = session.rename("city at night")
    assert "There is also a concept 'city at night'" in other.concept_state, "its former name leads there"
    assert renamed.concept_state == ""


def test_a_script_that_opens_a_new_concept_of_nearly_the_same_name_is_warned(demo_corpus: va.Corpus) -> None:
    va.Session(demo_corpus, "night", "kelli").label(demo_corpus.clips.index[0], True)
    with pytest.warns(va.VaWarning, match="'Night' is new, and there is also 'night'") as warned:
        other = va.Session(demo_corpus, "Night", "kelli")
    assert warned[0].filename == __file__
    other.label(demo_corpus.clips.index[0], True)
    va.Session(demo_corpus, "Night", "kelli")  # it has labels now, and is meant
    va.Session(demo_corpus, "snow", "kelli")


def test_yes_clips_of_another_concept_are_hints_and_are_merged_on_request(demo_corpus: va.Corpus) -> None:
    clips = list(demo_corpus.clips.index)
    session = va.Session(demo_corpus, "night", "kelli")
    session.label(clips[0], True)
    snow = session.for_concept("snow")
    snow.label([clips[0], clips[1]], True)
    snow.label(clips[2], False)
    assert session.hints("snow").clips == (clips[0], clips[1])
    assert session.feeds[0] == "from snow"
    page = session.feed("from snow")
    assert page["clip_id"].tolist() == [clips[1]]
    assert page["reason"].tolist() == ["yes for snow"]
    assert session.own_labels == {clips[0]: "yes"}, "hints are never copied"
    session.hints("snow", offered=False)
    assert "from snow" not in session.feeds
    conflicts = session.merge("snow")
    assert conflicts.empty
    assert conflicts.attrs["merged"] == 2
    assert session.counts == {"yes": 2, "no": 1, "unsure": 0}
    assert session.concepts["concept"].tolist() == ["night"]
    assert session.archived_concepts == ["snow"]
    assert "archived" in snow.concept_state
    session.restore_concept("snow")
    assert session.concepts["concept"].tolist() == ["night", "snow"]
    (sea,) = session.split("night at sea")
    assert set(sea.feed("from night")["clip_id"]) == {clips[0], clips[1]}
    assert sea.counts["yes"] == 0
    for refused in (
        lambda: session.hints("fog"),
        lambda: session.hints("night"),
        lambda: session.split("snow"),
        lambda: session.split(),
        lambda: session.remarks_for(3),  # type: ignore[arg-type]
        lambda: session.merge("night"),
        lambda: session.rename("snow"),
        lambda: session.archive_concept("fog"),
    ):
        with pytest.raises(va.ArgumentError):
            refused()
    with pytest.raises(va.LabelError, match="must be a text"):
        session.split(["a", "b"])  # type: ignore[arg-type]


def test_remarks_say_why(demo_corpus: va.Corpus) -> None:
    first, second, third = demo_corpus.clips.index[:3]
    kelli, jo = (va.Session(demo_corpus, "night", name) for name in ("kelli", "jo"))
    kelli.remark(first, " dubious: reflection ", ["reflection", "dusk", "dusk "])
    kelli.remark(first, "dubious: reflection", ["reflection", "dusk"])  # as a message that comes twice
    kelli.remark(second, tags="dusk")
    kelli.remark(third, "<img src=x>")
    kelli.remark(third)  # taken back
    jo.remark(first, "=cmd()")
    table = kelli.remarks
    assert table[["clip_id", "annotator", "note", "tags"]].to_numpy().tolist() == [
        [first, "kelli", "dubious: reflection", ("reflection", "dusk")],
        [second, "kelli", "", ("dusk",)],
        [first, "jo", "=cmd()", ()],
    ]
    assert len(kelli._labels.store.remarks("night")) == 5, "what holds already is not stored again"
    assert kelli.tags == ["dusk", "reflection"] == kelli.for_concept("snow").tags
    assert kelli.labels.empty
    with pytest.raises(va.UnknownClipError):
        kelli.remark("nowhere", "x")
    for note, tags, sentence in (
        ("x" * 1001, [], "A note may have 1,000 characters, not 1,001"),
        ("", ["x" * 41], "A tag is a word or a few"),
        ("", ["two\nlines"], "A tag is a word or a few"),
        ("", [f"{i}" for i in range(11)], "10 tags, not 11"),
        (3, [], "must be a text"),
    ):
        with pytest.raises(va.LabelError, match=sentence):
            kelli.remark(first, note, tags)  # type: ignore[arg-type]
    with pytest.raises(va.LabelError, match="10,000 characters"):
        kelli.guideline = "x" * 10_001


def test_the_corpus_lists_its_concepts(demo_corpus: va.Corpus) -> None:
    assert demo_corpus.concepts.empty
    assert not (Path(demo_corpus.path) / "labels.sqlite").exists()
    session = labelled(demo_corpus, 16, "nihgt")
    session.refit()
    session.publish("night", pictures=False)
    session.guideline = "dark"
    session.rename("night")
    session.for_concept("snow")
    session.archive_concept("snow")
    night, snow = demo_corpus.concepts.to_dict("records")
    assert (night["concept"], night["yes"], night["no"], night["annotators"]) == ("night", 8, 8, 1)
    assert (night["models"], night["guideline"], night["archived"]) == (["night v1"], "dark", False)
    assert va.Session(demo_corpus, "night").publish("night", pictures=False).version == 2  # its concept was renamed
    with pytest.raises(va.ModelError, match="a model 'Night' already, of the concept 'night' and not 'rain'"):
        labelled(demo_corpus, 16, "rain").publish("Night", pictures=False)
    assert night["version"] == 1
    assert 0 <= night["ap_low"] <= night["ap"] <= night["ap_high"] <= 1
    assert night["last_activity"].startswith("20")
    assert (snow["concept"], snow["yes"], snow["archived"]) == ("snow", 0, True)
