"""The classifier: with and without a prior, from the first label on, for any encoder."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from tests.unit.learning.clouds import cloud
from va_widgets.base import matrix
from va_widgets.learning.classifier import Classifier
from va_widgets.learning.logistic import decision_scores
from va_widgets.learning.statistics import CorpusStatistics


def test_without_a_prior_it_is_plain_logistic_regression() -> None:
    X, y, _ = cloud()
    ours = Classifier(C=3.0).fit(X, y)
    standard = X - X.mean(axis=0)
    standard /= np.sqrt(np.square(standard).sum(axis=1).mean())
    theirs = LogisticRegression(C=3.0, tol=1e-8, max_iter=2000).fit(standard, y)
    # scikit-learn leaves the intercept free; ours is held by a wide Gaussian, and stops a little earlier.
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(standard), atol=0.05)


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


@pytest.mark.parametrize("large", [0, 1 << 30])
def test_scoring_a_half_precision_matrix(large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y, direction = cloud(3000)
    classifier = Classifier(direction, CorpusStatistics.of(X)).fit(X[:50], y[:50])
    monkeypatch.setattr(matrix, "LARGE", large)
    scores = decision_scores(X.astype(np.float16), classifier.coef_, classifier.intercept_)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, classifier.decision_function(X), atol=0.05)


@given(scale=st.floats(0.01, 100), shift=st.floats(-5, 5), length=st.floats(0.01, 100))
def test_nothing_depends_on_the_encoder_s_scale_or_cone_or_the_text_s_length(
    scale: float, shift: float, length: float
) -> None:
    X, y, direction = cloud()
    plain = Classifier(direction, CorpusStatistics.of(X)).fit(X[:30], y[:30])
    other = X * scale + shift
    bent = Classifier(direction * length, CorpusStatistics.of(other)).fit(other[:30], y[:30])
    np.testing.assert_allclose(bent.decision_function(other), plain.decision_function(X), atol=0.05)


def test_a_misleading_text_is_given_up_within_a_page() -> None:
    X, _, direction = cloud(2000, dim=32)
    nearest = np.argsort(-(X @ direction))[:12]
    statistics = CorpusStatistics.of(X)
    believed = Classifier(direction, statistics).fit(X[nearest[:0]], np.empty(0, dtype=bool))
    refuted = Classifier(direction, statistics).fit(X[nearest], np.zeros(12, dtype=bool))
    assert refuted.coef_[0] @ direction < 0.3 * (believed.coef_[0] @ direction)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.ones((6, 8)), np.array([1, 0, 1, 0, 1, 0], dtype=bool)),  # duplicates, contradicting each other
        (np.eye(8)[:1], np.array([True])),
        (np.eye(8)[:1], np.array([False])),
        (np.zeros((3, 8)), np.array([True, True, False])),
        (np.column_stack([np.ones(6), np.eye(6)[:, :7], np.zeros(6)]), np.arange(6) > 2),  # constant columns
    ],
)
@pytest.mark.parametrize("prior", [None, np.ones(8), np.zeros(8)])
def test_odd_labels_give_finite_scores(X: np.ndarray, y: np.ndarray, prior: np.ndarray | None) -> None:
    for statistics in (None, CorpusStatistics.of(np.eye(8)), CorpusStatistics.of(np.ones((20, 8)))):
        classifier = Classifier(prior, statistics).fit(X, y)
        assert np.isfinite(classifier.decision_function(np.eye(8))).all()
