"""The classifier, the feeds and what is told about them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from va_widgets.learning.classifier import Classifier, decision_scores
from va_widgets.learning.feeds import FEEDS, NEAR_DUPLICATE, feed
from va_widgets.learning.quality import cross_validated, diversity, suspicion


def cloud(n: int = 200, dim: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors, their labels, and the direction that tells them apart."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=dim)
    direction /= np.linalg.norm(direction)
    X = rng.normal(size=(n, dim))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return X, X @ direction > 0.1, direction


def test_without_a_prior_it_is_plain_logistic_regression() -> None:
    X, y, _ = cloud()
    ours = Classifier(C=3.0).fit(X, y)
    theirs = LogisticRegression(C=3.0, tol=1e-8, max_iter=2000).fit(X, y)
    # scikit-learn leaves the intercept free; ours is held by a wide Gaussian.
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=0.02)


def test_with_no_label_the_prior_ranks() -> None:
    X, y, direction = cloud()
    classifier = Classifier(prior=direction).fit(np.empty((0, 12)), np.empty(0, dtype=bool))
    assert average_precision_score(y, classifier.decision_function(X)) > 0.99


@pytest.mark.parametrize("value", [True, False])
def test_one_class_alone_still_ranks(value: bool) -> None:
    X, y, direction = cloud()
    some = X[y == value][:3]
    classifier = Classifier(prior=direction + 0.3).fit(some, np.full(3, value))
    assert np.isfinite(classifier.decision_function(X)).all()
    assert average_precision_score(y, classifier.decision_function(X)) > y.mean() + 0.2


def test_labels_overrule_a_wrong_prior() -> None:
    X, y, direction = cloud(400)
    classifier = Classifier(prior=-direction).fit(X[:200], y[:200])
    assert average_precision_score(y[200:], classifier.decision_function(X[200:])) > 0.9


def test_it_is_a_scikit_learn_estimator() -> None:
    X, y, direction = cloud()
    classifier = clone(Classifier(prior=direction, C=2.0))
    assert classifier.get_params()["C"] == 2.0
    probabilities = classifier.fit(X, y).predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert ((probabilities[:, 1] > 0.5) == classifier.predict(X)).all()
    assert classifier.score(X, y) > 0.9


@pytest.mark.parametrize(
    ("X", "y", "said"),
    [
        (np.zeros((2, 3)), np.zeros(3), "Embeddings"),
        (np.full((2, 3), np.nan), np.zeros(2), "not finite"),
        (np.zeros((3, 3)), np.array(["a", "b", "c"]), "two classes"),
    ],
)
def test_bad_arrays_are_refused(X: np.ndarray, y: np.ndarray, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Classifier().fit(X, y)


def test_scoring_a_half_precision_matrix_in_chunks() -> None:
    X, y, direction = cloud()
    classifier = Classifier(prior=direction, center=X.mean(axis=0)).fit(X[:50], y[:50])
    scores = decision_scores(X.astype(np.float16), classifier.coef_, classifier.intercept_, chunk=7)
    np.testing.assert_allclose(scores, classifier.decision_function(X), atol=0.05)


# --- feeds -----------------------------------------------------------------------------------------


@given(
    n=st.integers(0, 80),
    k=st.integers(0, 30),
    seed=st.integers(0, 50),
    name=st.sampled_from(FEEDS),
    share=st.floats(0, 1),
)
def test_a_feed_is_full_unlabelled_unique_and_repeatable(n: int, k: int, seed: int, name: str, share: float) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.random(n, dtype=np.float32)
    labelled = rng.random(n) < share
    vectors = rng.normal(size=(n, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    videos = rng.integers(0, 5, n)

    def rows() -> np.ndarray:
        return feed(name, scores, k, labelled=labelled, embeddings=vectors, videos=videos, seed=seed)

    found = rows()
    assert len(found) == min(k, int((~labelled).sum()))
    assert len(set(found.tolist())) == len(found)
    assert not labelled[found].any()
    np.testing.assert_array_equal(found, rows())


def test_feeds_are_ordered_by_what_their_name_says() -> None:
    scores = np.array([0.9, 0.1, 0.52, 0.6, 0.99], dtype=np.float32)
    none = np.zeros(5, dtype=bool)
    assert feed("top_positive", scores, 2, labelled=none).tolist() == [4, 0]
    assert feed("top_negative", scores, 2, labelled=none).tolist() == [1, 2]
    assert feed("borderline", scores, 2, labelled=none).tolist() == [2, 3]
    with pytest.raises(ValueError, match="no feed called 'best'"):
        feed("best", scores, 2, labelled=none)


def test_near_duplicates_and_one_video_s_clips_are_thinned_out() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[1] = vectors[0]
    videos = np.repeat(np.arange(10), 4)
    scores = np.linspace(1, 0, 40, dtype=np.float32)
    found = feed("top_positive", scores, 10, labelled=np.zeros(40, bool), embeddings=vectors, videos=videos)
    assert not {0, 1} <= set(found.tolist())
    assert np.bincount(videos[found]).max() <= 2
    assert float(vectors[0] @ vectors[1]) > NEAR_DUPLICATE


# --- quality ---------------------------------------------------------------------------------------


def test_quality_is_said_only_with_enough_labels() -> None:
    X, y, direction = cloud()
    few = np.concatenate([np.flatnonzero(y)[:3], np.flatnonzero(~y)[:9]])
    quality, note, held_out = cross_validated(X[few], y[few], prior=direction)
    assert quality is None
    assert held_out is None
    assert note == "too few labels yet: 2 more yes needed"
    quality, note, held_out = cross_validated(X, y, prior=direction)
    assert quality is not None
    assert note == ""
    assert 0.9 < quality.low <= quality.ap <= quality.high <= 1


def test_a_wrong_label_is_the_most_suspicious() -> None:
    X, y, direction = cloud(300)
    wrong = int(np.argmax(X @ direction))
    given_labels = y.copy()
    given_labels[wrong] = False
    _, _, held_out = cross_validated(X, given_labels, prior=direction)
    assert held_out is not None
    assert int(np.argmax(suspicion(given_labels, held_out))) == wrong


@pytest.mark.parametrize(
    ("yes", "no", "expected"),
    [
        ([], [], 0.0),
        ([0] * 10, [], 1 / 20),  # one cluster of ten fully covered by yes
        (list(range(10)) * 10, list(range(10)) * 10, 1.0),
    ],
)
def test_diversity_by_video_annotator_s_definition(yes: list[int], no: list[int], expected: float) -> None:
    assert diversity(np.array(yes, dtype=int), np.array(no, dtype=int)) == pytest.approx(expected)
