"""Several annotators of one concept, seen from one session."""

from __future__ import annotations

import numpy as np

import va_widgets as va


def test_who_labelled_and_what_each_of_them_said(demo_corpus: va.Corpus) -> None:
    kelli, jo = (va.Session(demo_corpus, "night", name) for name in ("kelli", "jo"))
    clips = list(demo_corpus.clips.index[:4])
    assert kelli.annotators.empty
    assert list(kelli.annotators.columns) == ["annotator", "yes", "no", "unsure"]
    kelli.label(clips[:3], True)
    kelli.label(clips[0], None)
    jo.label(clips[1:], False)
    assert kelli.annotators.to_numpy().tolist() == [["jo", 0, 3, 0], ["kelli", 2, 0, 0]]
    assert set(kelli.review()["clip_id"]) == set(clips[1:])
    theirs = kelli.review(annotator="jo")
    assert set(theirs["clip_id"]) == set(clips[1:])
    assert set(theirs["value"]) == {"no"}
    assert set(kelli.review("yes", annotator="kelli")["clip_id"]) == set(clips[1:3])
    assert set(kelli.review("disputed", annotator="jo")["clip_id"]) == set(clips[1:3])
    assert kelli.review(annotator="nobody").empty


def test_refits_know_their_labels_and_intervals(demo_corpus: va.Corpus) -> None:
    session = va.Session(demo_corpus, "night")
    assert session.refits.empty
    session.label(demo_corpus.clips.index[:3], True)
    session.label(demo_corpus.clips.index[3:5], False)
    session.refit()
    (row,) = session.refits.to_dict("records")
    assert (row["labels"], row["yes"], row["no"]) == (5, 3, 2)
    assert np.isnan([row["ap"], row["corpus_ap"]]).all()  # too few labels
    assert session.threshold == (0.5, "0.5, because there are too few labels to choose one")
    assert session.expectation == "There are too few labels to say how many of them are right."
