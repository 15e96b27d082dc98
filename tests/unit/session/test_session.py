"""The session: search, label, refit, feeds, review, and coming back."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

import va_widgets as va
from tests.conftest import labelled
from va_widgets.experiments import label_by_oracle


def test_the_first_feeds_are_ranked_by_the_text_alone(demo_corpus: va.Corpus) -> None:
    session = va.Session(demo_corpus, "a city at night")
    top = session.feed("top_positive", 10)
    assert list(top.columns) == ["clip_id", "score", "reason"]
    assert va.demo.truth_of(demo_corpus, "night")[top["clip_id"]].mean() > 0.8
    assert session.version == 0
    assert session.quality is None


def test_a_refit_says_what_changed(demo_corpus: va.Corpus) -> None:
    session = labelled(demo_corpus)
    assert session.pending == 16
    before = session.feed("borderline", 10)["clip_id"].tolist()
    refit = session.refit()
    assert refit.version == session.version == 1
    assert refit.labels == 16
    assert refit.quality is not None
    assert 0 < refit.diversity <= 1
    assert session.pending == 0
    assert session.feed("borderline", 10)["clip_id"].tolist() != before
    assert session.refit() == refit  # nothing new: nothing done
    assert session.scores().index.equals(demo_corpus.clips.index)


def test_feeds_never_show_labelled_or_excluded_clips(demo_corpus: va.Corpus) -> None:
    session = labelled(demo_corpus)
    other = va.Session(demo_corpus, "night", annotator="sam")
    other.label(demo_corpus.clips.index[-1], False)
    session.refit()
    gone = set(session.labels.index) | {demo_corpus.clips.index[-1]}
    for name in session.feeds[:-1]:  # the last one is "second_reading"
        first = session.feed(name, 20)["clip_id"].tolist()
        second = session.feed(name, 20, exclude=first)["clip_id"].tolist()
        assert not gone & set(first + second)
        assert not set(first) & set(second)
    with pytest.raises(va.LabelError, match="no feed called 'best'"):
        session.feed("best")


@pytest.mark.slow
def test_the_same_labels_and_seed_give_the_same_feeds(demo_corpus: va.Corpus) -> None:
    def run(annotator: str, seed: int) -> list[list[str]]:
        session = labelled(demo_corpus, annotator=annotator, concept=f"night {annotator}", seed=seed)
        session.scores()  # fits the first classifier, to the concept's own text
        session._classifier.trainer.text = session.corpus.text_embedding("night")
        session.refit()
        return [session.feed(name, 12)["clip_id"].tolist() for name in session.feeds]

    assert run("a", 0) == run("b", 0)
    assert run("c", 1) != run("d", 0)


def test_undo_and_redo_are_events(demo_corpus: va.Corpus) -> None:
    session = labelled(demo_corpus)
    clip = demo_corpus.clips.index[-1]
    session.label(clip, "unsure")
    assert session.counts == {"yes": 8, "no": 8, "unsure": 1}
    assert session.undo() == {clip: "none"}
    assert session.redo() == {clip: "unsure"}
    assert len(session.history) == 19
    assert session.undo()
    assert session.own_labels.get(clip) is None


def test_a_session_resumes_with_labels_version_queries_and_feeds(demo_corpus: va.Corpus) -> None:
    session = labelled(demo_corpus)
    session.search("dark sky")
    session.guideline = "no street lamps"
    session.refit()
    feeds = [session.feed(name, 12)["clip_id"].tolist() for name in session.feeds]
    session.close()
    again = va.Session(va.Corpus.open(demo_corpus.path), "night")
    assert again.counts == {"yes": 8, "no": 8, "unsure": 0}
    assert again.version == 1
    assert again.queries == ["dark sky"]
    assert again.guideline == "no street lamps"
    assert [again.feed(name, 12)["clip_id"].tolist() for name in again.feeds] == feeds


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_kill_loses_nothing_that_was_acknowledged(demo_corpus: va.Corpus) -> None:
    script = """
import sys, va_widgets as va
corpus = va.Corpus.open(sys.argv[1])
session = va.Session(corpus, "night")
for clip in corpus.clips.index:
    session.label(clip, True)
    print(clip, flush=True)
"""
    command = [sys.executable, "-c", script, str(demo_corpus.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        told = [run.stdout.readline().strip() for _ in range(25)]
        run.send_signal(signal.SIGKILL)
        told += run.stdout.read().split()
    session = va.Session(demo_corpus, "night")
    assert set(told) <= set(session.own_labels)


def test_labels_of_several_clips_are_stored_together_or_not_at_all(demo_corpus: va.Corpus) -> None:
    session = va.Session(demo_corpus, "night")
    with pytest.raises(va.UnknownClipError, match="'nowhere'"):
        session.label([demo_corpus.clips.index[0], "nowhere"], True)
    with pytest.raises(va.LabelError, match="'maybe'"):
        session.label(demo_corpus.clips.index[0], "maybe")  # type: ignore[arg-type]
    assert session.history.empty


@pytest.mark.parametrize("concept", ["", "   ", "a\0b", "x" * 5000])
def test_a_concept_that_cannot_be_stored_is_refused(demo_corpus: va.Corpus, concept: str) -> None:
    with pytest.raises(va.LabelError):
        va.Session(demo_corpus, concept)


def test_a_concept_may_have_quotes_and_emoji(demo_corpus: va.Corpus) -> None:
    name = "“it's” a 'night'; DROP TABLE events -- 🌙 <b>"
    session = labelled(demo_corpus, concept=name)
    session.refit()
    assert session.publish(name).concept == name
    assert va.Session(demo_corpus, name).counts["yes"] == 8


def test_review_puts_the_wrong_label_first(demo_corpus: va.Corpus) -> None:
    session = labelled(demo_corpus, 24)
    truth = va.demo.truth_of(demo_corpus, "night")
    wrong = str(truth[truth].index[10])
    session.label(wrong, False)
    session.refit()
    review = session.review()
    assert wrong in review["clip_id"].head(2).tolist()
    assert len(session.review("yes")) == 11  # of the twelve one has just become a no
    assert session.review(order="newest")["clip_id"].iloc[0] == wrong
    with pytest.raises(va.LabelError, match="cannot be filtered"):
        session.review("good")


def test_two_annotators_who_disagree_teach_nothing_and_are_shown(demo_corpus: va.Corpus) -> None:
    clip = demo_corpus.clips.index[0]
    one, two = va.Session(demo_corpus, "night", "one"), va.Session(demo_corpus, "night", "two")
    one.label(clip, True)
    two.label(clip, False)
    assert one.labels.loc[clip, "value"] == "tie"
    assert one.refit().labels == 0
    assert one.review().iloc[0]["note"] == "yes: one · no: two"


def test_labelling_goes_on_from_several_threads_while_refits_run(demo_corpus: va.Corpus) -> None:
    session = va.Session(demo_corpus, "night")
    clips = demo_corpus.clips.index.tolist()

    def work(part: list[str]) -> None:
        for clip in part:
            session.label(clip, len(clip) % 2 == 0)
            if hash(clip) % 7 == 0:
                session.refit()

    threads = [threading.Thread(target=work, args=(clips[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session.refit()
    assert len(session.own_labels) == len(clips)
    assert session.last_refit.labels == len(clips)
    assert np.isfinite(session.scores()).all()


def test_a_corpus_without_text_still_learns(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 8))
    clips = pd.DataFrame({"clip_id": [f"c{i}" for i in range(60)]})
    corpus = va.Corpus.from_embeddings(tmp_path / "c", vectors, clips)
    session = va.Session(corpus, "left of the line")
    assert not session.searchable
    with pytest.raises(va.SearchUnavailableError):
        session.search("anything")
    truth = pd.Series(corpus.embeddings[:, 0] > 0, index=corpus.clips.index)
    assert label_by_oracle(session, truth, 36).ap > 0.85


@pytest.mark.slow
def test_an_oracle_reaches_a_working_classifier(demo_corpus: va.Corpus) -> None:
    session = va.Session(demo_corpus, "night city", seed=1)
    run = label_by_oracle(session, va.demo.truth_of(demo_corpus, "night city"), 60)
    assert run.labels == 60
    assert run.ap >= 0.95
    with pytest.raises(va.LabelError, match="says nothing about"):
        label_by_oracle(session, va.demo.truth_of(demo_corpus, "night city").iloc[:5])


@pytest.mark.slow
def test_cross_validation_keeps_clips_of_a_column_together(demo_corpus: va.Corpus) -> None:
    clips = demo_corpus.clips.index
    corpus = demo_corpus.with_columns(pd.DataFrame({"camera": np.arange(len(clips)) % 9}, index=clips))
    session = va.Session(corpus, "night", group_by="camera")
    truth = va.demo.truth_of(corpus, "night")
    for value in (True, False):
        session.label(list(truth[truth == value].index[:24]), value)
    copy = pickle.loads(pickle.dumps(session))
    for opened in (session, copy, session.for_concept("night")):
        opened.refit()
        assert opened.cross_validated is not None
        assert opened.cross_validated.method.endswith("those of one camera in one fold")
    for column in ("tape", 3):
        with pytest.raises(va.ArgumentError, match="group"):
            va.Session(corpus, "night", group_by=column)  # type: ignore[arg-type]


def test_quality_speaks_of_the_corpus_and_the_labels_have_their_own_figure(demo_corpus: va.Corpus) -> None:
    session = labelled(demo_corpus)
    refit = session.refit()
    assert (session.quality, session.cross_validated) == (refit.quality, refit.cross_validated)
    assert session.quality is not None
    assert session.cross_validated is not None
    assert f"all {len(demo_corpus)} clips" in session.quality.method
    assert "on the 16 clips that were chosen to be labelled" in session.cross_validated.method
    (row,) = session.refits.to_dict("records")
    assert (row["corpus_ap"], row["corpus_low"]) == (session.quality.ap, session.quality.low)
    assert (row["ap"], row["high"]) == (session.cross_validated.ap, session.cross_validated.high)
    truth = va.demo.truth_of(demo_corpus, "night")
    assert session.quality.low <= average_precision_score(truth, session.scores()) <= session.quality.high
