"""Which clips count as found."""

from __future__ import annotations

import numpy as np

import va_widgets as va
from tests.conftest import labelled
from va_widgets.session.found_clips import found


def test_labels_decide_and_where_there_are_none_the_threshold() -> None:
    probabilities = np.array([0.9, 0.9, 0.55, 0.45, 0.05, 0.05], dtype=np.float32)
    rows, y = np.array([1, 4]), np.array([False, True])
    assert found(probabilities, 0.5, rows, y).tolist() == [True, False, True, False, True, False]
    assert found(probabilities, 0.6, rows, y).tolist() == [True, False, False, False, True, False]
    assert found(probabilities, 0.0, rows, y).tolist() == [True, False, True, True, True, True]


def test_a_session_lists_what_is_found(demo_corpus: va.Corpus) -> None:
    session = labelled(demo_corpus)
    session.refit()
    table = session.found()
    assert list(table.columns) == ["clip_id", "video", "start", "end", "score", "label"]
    assert len(table) == session.number_found
    labels = session.labels["value"]
    assert set(table.loc[table["label"] == "yes", "clip_id"]) == set(labels[labels == "yes"].index)
    scores = session.scores()
    expected = set(scores[scores >= session.threshold[0]].index) | set(labels[labels == "yes"].index)
    assert set(table["clip_id"]) == expected - set(labels[labels == "no"].index)
    session.label(table["clip_id"].iloc[0], False)
    assert session.number_found == len(table) - 1  # before any refit
