"""How much of a logit the neighbours' mean makes up is learned from the labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from va_widgets.learning.logistic import TextLogistic
from va_widgets.learning.smoothing_share import choose_share, labels_used
from va_widgets.learning.statistics import CorpusStatistics
from va_widgets.learning.trainer import ClipArrays, Trainer, TrainingLabels

DIM = 12


def shares(noise_in_own: float, noise_in_means: float, n: int) -> float:
    """Return the mean share of 20 concepts, each with n labels, whose logits and neighbours' means are noisy."""
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        true = rng.normal(scale=1.5, size=n)
        y = rng.random(n) < expit(3 * true)
        own, means = (true + rng.normal(scale=scale, size=n) for scale in (noise_in_own, noise_in_means))
        found.append(choose_share(y, own, means))
    return float(np.mean(found))


def test_neighbours_count_as_far_as_labels_follow_them_rather_than_the_clip_itself() -> None:
    assert shares(0.1, 2.0, 60) < 0.1
    assert shares(2.0, 0.1, 60) > 0.5


def test_without_labels_and_where_neighbours_say_the_same_the_share_is_the_expected_one() -> None:
    none = np.empty(0)
    expected = choose_share(none.astype(bool), none, none)
    assert 0.2 < expected < 0.3
    logits = np.random.default_rng(0).normal(size=50)
    assert choose_share(logits > 0, logits, logits) == expected


def test_few_labels_move_the_share_little() -> None:
    for noise in ((0.1, 2.0), (2.0, 0.1)):
        assert abs(shares(*noise, 6) - 0.24) < abs(shares(*noise, 60) - 0.24)


@pytest.mark.parametrize("far", [1e-9, 30.0, 1e4])
def test_labels_against_all_logits_have_a_share_as_well(far: float) -> None:
    logits = np.linspace(-far, far, 40)
    assert 0 <= choose_share(logits < 0, logits, np.zeros(40)) <= 0.6


def test_labels_used_are_spread_over_all_of_them() -> None:
    assert labels_used(0).tolist() == []
    assert labels_used(7).tolist() == list(range(7))
    some = labels_used(1001)
    assert (len(some), some[0], some[-1]) == (200, 0, 1000)
    assert len(np.unique(some)) == 200


@pytest.fixture
def labelled() -> tuple[NDArray[np.float32], NDArray[np.bool_], TextLogistic]:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, DIM)).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    y = X[:40, 0] + 0.2 * rng.normal(size=40) > 0
    return X, y, TextLogistic(np.eye(DIM)[0] + 0.3, CorpusStatistics(X))


def test_logits_without_each_label_are_nearly_those_of_a_fit_without_it(
    labelled: tuple[NDArray[np.float32], NDArray[np.bool_], TextLogistic],
) -> None:
    X, y, classifier = labelled
    rows, others = np.arange(0, 40, 2), X[100:120]
    own, between = classifier.fit(X[:40], y).without_each(X[:40], y, rows, others)
    inside = classifier.decision_function(X[:40])[rows]
    fits = [classifier.unfitted().fit(np.delete(X[:40], row, axis=0), np.delete(y, row)) for row in rows]
    exact = np.array([fit.decision_function(X[[row]])[0] for fit, row in zip(fits, rows, strict=True)])
    exact_between = np.array([fit.decision_function(X[[100 + i]])[0] for i, fit in enumerate(fits)])
    assert np.abs(own - exact).mean() < 0.25 * np.abs(inside - exact).mean()
    plain = classifier.decision_function(others)
    assert np.abs(between - exact_between).mean() < 0.5 * np.abs(plain - exact_between).mean()


def test_the_trainer_takes_neighbours_that_agree_with_labels_and_leaves_those_that_do_not() -> None:
    rng = np.random.default_rng(0)
    n = 600
    content, chance = rng.normal(size=(n, 3)), rng.normal(size=(n, DIM))
    embeddings = np.concatenate([content, 2 * chance], axis=1)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    by_content = np.argsort(-content @ content.T, axis=1)[:, 1:6].T.astype(np.int32)
    clips = ClipArrays(
        embeddings=lambda: embeddings.astype(np.float32),
        clusters=np.zeros(n, dtype=int),
        videos=np.arange(n),
        statistics=CorpusStatistics.of(embeddings),
        seed=0,
        neighbours=lambda: by_content,
    )
    rows = np.arange(80)
    labels = TrainingLabels(1, rows, content[rows, 0] > 0, np.zeros(80, dtype=bool))
    random = rng.integers(n, size=(5, n)).astype(np.int32)
    good = Trainer(clips, None, labels, 1).start(lambda: 1).share
    bad = Trainer(replace(clips, neighbours=lambda: random), None, labels, 1).start(lambda: 1).share
    assert bad < 0.25 < 0.35 < good
    assert Trainer(clips, None, labels, 1).start(lambda: 1).share == good
