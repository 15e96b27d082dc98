"""A concept replayed: its labels, classifier and feeds as they were, to the bit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

import va_widgets as va
from va_widgets.display import plots
from va_widgets.learning.feeds import FEEDS


def seen(concept: va.Session | Any) -> dict[str, Any]:
    """What a session or a replay shows, to the bit."""
    return {
        "scores": concept.scores().to_numpy().tobytes(),
        "feeds": {name: concept.feed(name, 12).to_dict("list") for name in FEEDS},
        "labels": concept.labels.to_dict("index"),
        "own": concept.own_labels,
        "counts": concept.counts,
        "pending": concept.pending,
        "review": concept.review().fillna(-1).to_dict("list"),
        "quality": concept.quality,
    }


def test_every_moment_is_replayed_to_the_bit(demo_corpus: va.Corpus) -> None:
    truth = va.demo.truth_of(demo_corpus, "night")
    session = va.Session(demo_corpus, "night", seed=3)
    sam = va.Session(demo_corpus, "night", annotator="sam", seed=3)
    then: dict[int, dict[str, Any]] = {}
    for step in range(6):
        page = session.feed(("suggested", "random", "borderline")[step % 3], 6)["clip_id"]
        session.label({clip: bool(truth[clip]) for clip in page}, source=("search", "random", "borderline")[step % 3])
        if step == 2:
            sam.label(page.iloc[0], "unsure")
            session.undo()
            session.redo()
        then[int(session.history["event_id"].iloc[-1])] = seen(session)  # before the refit, too
        if step != 3:
            session.refit()
            then[-session.version] = seen(session)
    for moment, expected in then.items():
        replay = session.at(-moment) if moment < 0 else session.replay(moment)
        if moment > 0:  # a refit that follows belongs to the same moment: what was there before it is not kept
            expected = {name: expected[name] for name in ("labels", "own", "counts")}
        shown = seen(replay)
        assert {name: shown[name] for name in expected} == expected, moment
    assert session.replay(0).version == session.at(0).version == 0
    assert session.replay(0).labels.empty
    assert repr(session.at(1)).startswith("Replay(event 6: ")


def test_a_refit_is_replayed_by_the_name_that_the_concept_had(demo_corpus: va.Corpus) -> None:
    truth = va.demo.truth_of(demo_corpus, "night")
    session = va.Session(demo_corpus, "night")
    session.label({clip: bool(truth[clip]) for clip in truth.index[:12]})
    session.refit()
    expected = {1: seen(session)}
    renamed = session.rename("city in the dark")
    assert seen(renamed.at(1)) == seen(session.at(1)) == expected[1]
    renamed.label({clip: bool(truth[clip]) for clip in truth.index[12:20]})
    renamed.refit()
    expected[2] = seen(renamed)
    assert seen(session.at(2)) == expected[2], "by the session that has the former name, too"
    again = renamed.rename("night")
    assert {version: seen(again.at(version)) for version in (1, 2)} == expected
    assert list(again.refits["version"]) == [1, 2], "refits of other sessions are known"


def test_a_replay_goes_on_with_the_calibration_that_was_shown(demo_corpus: va.Corpus) -> None:
    truth = va.demo.truth_of(demo_corpus, "night")
    clips = [*truth[truth].index[:8], *truth[~truth].index[:8]]
    session = va.Session(demo_corpus, "night")
    session.label({clip: bool(truth[clip]) for clip in clips[::2]})
    session.refit()
    session.label({clip: bool(truth[clip]) for clip in clips[1::2]})
    late = truth.index.difference(clips)[0]

    def label_one_more(event: str, _: object) -> None:
        if event == "refit":
            session.label(late, False)

    stop = session.subscribe(label_one_more)
    session.refit()  # a label comes in before the quality is measured
    stop()
    expected = seen(session)
    history = session.refits
    replay = session.at(2)
    assert replay.quality == session.quality
    assert replay.scores().to_numpy().tobytes() == expected["scores"]
    assert len(history) == 2


def test_labels_before_a_restart_are_a_refit_of_their_own(demo_corpus: va.Corpus) -> None:
    truth = va.demo.truth_of(demo_corpus, "night")
    session = va.Session(demo_corpus, "night")
    session.label({clip: bool(truth[clip]) for clip in truth.index[:20]})
    session.refit()
    session.label({clip: bool(truth[clip]) for clip in truth.index[20:30]})
    session.close()
    session = va.Session(demo_corpus, "night")
    shown = seen(session)
    assert session.version == 2
    assert seen(session.at(2)) == shown
    session.close()
    again = va.Session(demo_corpus, "night")
    assert again.version == 2, "opening without new labels is no refit"
    assert seen(again) == shown


def test_a_moment_is_an_event_or_a_time(demo_corpus: va.Corpus) -> None:
    session = va.Session(demo_corpus, "night")
    for clip in demo_corpus.clips.index[:3]:
        session.label(clip, True)
    times = session.history["time"].tolist()
    assert session.replay(times[1]).event == 2
    assert session.replay(datetime.fromisoformat(times[1])).event == 2
    assert session.replay(datetime.fromisoformat(times[1]).astimezone(UTC).replace(tzinfo=None)).event == 2
    assert session.replay(session.history["event_id"].iloc[1]).event == 2, "an integer of numpy"
    assert session.replay("2001-01-01").event == 0
    assert session.replay("2999-01-01").event == 3
    for wrong in ("yesterday", 1.5, -1, None, True):
        with pytest.raises(va.LabelError, match="no moment to replay"):
            session.replay(wrong)  # type: ignore[arg-type]
    with pytest.raises(va.LabelError, match="no refit 7 of 'night': there is none yet"):
        session.at(7)
    with pytest.raises(va.LabelError, match="no feed called 'best' to replay"):
        session.replay(1).feed("best")


def test_imported_labels_count_from_when_they_came(demo_corpus: va.Corpus) -> None:
    from va_widgets.labels.label_store import NewAction

    session = va.Session(demo_corpus, "night")
    first, second = demo_corpus.clips.index[:2]
    session.label(first, True)
    old = "2001-01-01T00:00:00.000000+00:00"
    session._labels.store.append_all([NewAction("ada", "night", {second: "yes"}, "import", times={second: old})])
    assert session.replay("2002-01-01").event == 0
    assert session.replay(session.history["time"].iloc[0]).event == 2, "the old time does not come before the first"


def test_the_story_tells_refits_and_other_events(demo_corpus: va.Corpus) -> None:
    truth = va.demo.truth_of(demo_corpus, "night")
    session = va.Session(demo_corpus, "night")
    assert session.story.empty
    for start in range(0, 30, 10):
        session.label({clip: bool(truth[clip]) for clip in truth.index[start : start + 10]})
        session.refit()
    session._labels.store.add_concept_event("me", "night", "guideline", {"text": "dark outside"})
    story = session.story
    assert story["kind"].tolist() == ["refit", "refit", "refit", "guideline"]
    assert story["event"].tolist() == [10, 20, 30, 30]
    assert story["labels"].tolist()[:3] == [10, 20, 30]
    assert np.isfinite(story[["corpus_ap", "diversity", "prevalence", "flipped"]].iloc[2].astype(float)).all()
    assert story["detail"].iloc[3] == "text: dark outside"
    axes = session.plot_story()
    assert [ax.get_ylabel() for ax in axes] == ["AP over the corpus", "diversity", "prevalence", "flipped clips"]
    assert len(plots.story(story.iloc[:0], "night")) == 4
