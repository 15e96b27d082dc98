"""Sessions of concepts that are about how the picture moves."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score

import va_widgets as va


def test_the_first_feeds_of_a_concept_that_names_a_move_follow_it(demo_corpus: va.Corpus) -> None:
    session = va.Session(demo_corpus, "pan")
    session.warm_up()
    pans = va.demo.truth_of(demo_corpus, "pan")
    assert average_precision_score(pans, session.scores()[pans.index]) > 0.8
    first = session.feed("top_positive", 12)["clip_id"]
    assert pans[first].mean() > 0.8
    unnamed = va.Session(demo_corpus, "one of Kelli's moves")
    unnamed.warm_up()
    assert average_precision_score(pans, unnamed.scores()[pans.index]) < 0.6


def test_a_move_without_a_name_is_learned_from_labels(demo_corpus: va.Corpus) -> None:
    session = va.Session(demo_corpus, "one of Kelli's moves")
    pans = va.demo.truth_of(demo_corpus, "pan")
    for value in (True, False):
        session.label(pans.index[pans == value][:20].tolist(), value)
    session.refit()
    rest = pans.index.difference(list(session.own_labels))
    assert average_precision_score(pans[rest], session.scores()[rest]) > 0.8


def test_a_view_that_is_added_changes_no_open_session(demo_corpus: va.Corpus) -> None:
    session = va.Session(demo_corpus, "night")
    session.warm_up()
    before = session.scores()
    noise = np.random.default_rng(0).normal(size=(len(demo_corpus), 4))
    added = demo_corpus.add_view("mine", noise)
    session.label(demo_corpus.clips.index[0], True)
    session.refit()
    assert session.corpus.views == demo_corpus.views
    assert before.index.equals(session.scores().index)
    assert va.Session(added, "night").corpus.views == (*demo_corpus.views, "mine")
