"""The oracle and its wrong labels."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import va_widgets as va
from tests.unit.experiments.synthetic_pool import make_pool
from va_widgets.experiments import ExperimentError, label_by_oracle
from va_widgets.experiments.oracle import answers


@given(error=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
def test_the_share_of_wrong_answers_and_that_they_are_repeatable(error: float, seed: int) -> None:
    truth = np.arange(5000) % 7 == 0
    votes = answers(truth, error, seed)
    np.testing.assert_array_equal(votes, answers(truth, error, seed))
    assert (votes != truth).mean() == pytest.approx(error, abs=0.04)
    # With a higher error, the same clips and more are wrong.
    assert not ((votes != truth) & (answers(truth, min(1.0, error + 0.1), seed) == truth)).any()
    # Whether an answer is wrong does not depend on the clip's label.
    np.testing.assert_array_equal(answers(~truth, error, seed), ~votes)


def test_without_errors_the_answers_are_the_truth() -> None:
    truth = np.arange(50) % 3 == 0
    np.testing.assert_array_equal(answers(truth), truth)
    np.testing.assert_array_equal(answers(truth, 1.0), ~truth)
    assert not np.array_equal(answers(truth, 0.5, 0), answers(truth, 0.5, 1))


@pytest.mark.parametrize("error", [-0.1, 1.1, float("nan")])
def test_an_error_is_a_probability(error: float) -> None:
    with pytest.raises(ExperimentError, match="between 0 and 1"):
        answers(np.ones(3, dtype=bool), error)


def test_a_session_gets_wrong_labels_but_its_ap_is_measured_by_the_truth(tmp_path: Path) -> None:
    pool = make_pool()
    clips = pd.DataFrame({"video": [f"v{i}" for i in range(len(pool))], "start": 0.0, "end": 1.0})
    texts = {"truck": pool.texts["truck"]}
    corpus = va.Corpus.from_embeddings(tmp_path / "corpus", pool.embeddings, clips, text_embeddings=texts)
    truth = pd.Series(pool.truth["truck"].to_numpy(), index=corpus.clips.index)
    session = va.Session(corpus, "truck", annotator="oracle", seed=3)
    run = label_by_oracle(session, truth, 48, error=0.2)
    votes = pd.Series(answers(truth.to_numpy(), 0.2, 3), index=truth.index)
    labels = session.labels["value"] == "yes"
    np.testing.assert_array_equal(labels, votes[labels.index])
    assert (labels != truth[labels.index]).any()
    assert run.labels == 48
    assert run.ap > truth.mean()
    session.close()


def test_an_oracle_ends_where_no_clips_are_left(tmp_path: Path) -> None:
    pool = make_pool()
    clips = pd.DataFrame({"video": [f"v{i}" for i in range(30)], "start": 0.0, "end": 1.0})
    corpus = va.Corpus.from_embeddings(tmp_path / "corpus", pool.embeddings[:30], clips)
    truth = pd.Series(np.arange(30) % 2 == 0, index=corpus.clips.index)
    with closing(va.Session(corpus, "even")) as session:
        session.label(list(truth.index[:20]), True)
        assert label_by_oracle(session, truth, 24).labels == 10
        with pytest.raises(va.LabelError, match="All clips of the corpus are labelled for 'even' already"):
            label_by_oracle(session, truth, 24)
