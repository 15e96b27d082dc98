"""Logits of all clips from a copy with one byte a value: what is shown is exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from va_widgets.base import int8_matrix
from va_widgets.learning.feeds import FEEDS
from va_widgets.learning.score_index import ScoreIndex
from va_widgets.learning.statistics import CorpusStatistics, sample_of
from va_widgets.learning.trainer import ClipArrays, Fit, Trainer, TrainingLabels
from va_widgets.learning.views import View

N, DIM = 4000, 32


@pytest.fixture(scope="module")
def clips() -> ClipArrays:
    rng = np.random.default_rng(0)
    embeddings = rng.standard_normal((N, DIM)) + 0.5
    embeddings = (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float16)
    neighbours = rng.integers(N, size=(10, N)).astype(np.int32)
    statistics = CorpusStatistics.of(embeddings)
    every = np.arange(N)
    return ClipArrays(lambda: embeddings, every % 20, every, statistics, 0, neighbours=lambda: neighbours)


def fitted(clips: ClipArrays) -> tuple[Trainer, Fit]:
    rows = np.arange(60)
    y = np.asarray(clips.embeddings()[rows, 0], dtype=np.float32) > 0.08
    trainer = Trainer(clips, None, TrainingLabels(1, rows, y, np.zeros(60, dtype=bool)), 1)
    return trainer, trainer.start(lambda: 1)


def test_feeds_show_the_nearest_clips_by_exact_logits(clips: ClipArrays, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, exact = fitted(clips)
    monkeypatch.setattr(int8_matrix, "LARGE", 0)
    monkeypatch.setattr(int8_matrix, "_multiplies_bytes", lambda: True)
    rounded_trainer, rounded = fitted(clips)
    np.testing.assert_array_equal(rounded.classifier.coef_, exact.classifier.coef_)
    assert 0 < np.abs(rounded.plain.logits - exact.plain.logits).max() < 0.2
    rows = np.arange(0, N, 7)
    np.testing.assert_allclose(rounded.plain.at(rows), exact.plain.at(rows), atol=1e-5)
    # Of a smoothed logit the neighbours' part is approximate.
    errors = np.abs(rounded.ranking.at(rows) - exact.ranking.at(rows))
    assert errors.mean() < exact.share * np.abs(rounded.plain.logits - exact.plain.logits).mean()
    left_out = np.zeros(N, dtype=bool)
    for name in FEEDS:
        page = rounded_trainer.feed(rounded, name, 12, left_out)
        expected = trainer.feed(exact, name, 12, left_out)
        assert len(set(page.rows) & set(expected.rows)) >= 10, name
        np.testing.assert_allclose(page.scores, expit(rounded.calibration.factor * rounded.ranking.at(page.rows)))
        again = rounded_trainer.feed(fitted(clips)[1], name, 12, left_out)
        np.testing.assert_array_equal(again.rows, page.rows)
    assert (np.diff(rounded_trainer.feed(rounded, "top_positive", 12, left_out).scores) <= 0).all()


def test_logits_by_a_view_are_approximate_where_those_by_the_embeddings_are(
    clips: ClipArrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = (np.random.default_rng(3).standard_normal((N, 6)) * np.logspace(-1, 2, 6) + 3).astype(np.float16)
    moves[::5] = 0  # not known
    view = View("motion", lambda: moves, sample_of(moves), zero_is_missing=True)
    moving, rows = replace(clips, views=(view,)), np.arange(80)
    y = np.asarray(moves[rows, 2], dtype=np.float32) > 3
    labels = TrainingLabels(1, rows, y, np.zeros(80, dtype=bool))
    exact = Trainer(moving, None, labels, 1).start(lambda: 1)
    assert exact.space.views
    monkeypatch.setattr(int8_matrix, "LARGE", 0)
    monkeypatch.setattr(int8_matrix, "_multiplies_bytes", lambda: True)
    rounded = Trainer(moving, None, labels, 1).start(lambda: 1)
    assert 0 < np.abs(rounded.plain.logits - exact.plain.logits).max() < 0.2
    np.testing.assert_allclose(rounded.plain.at(rows), exact.plain.at(rows), atol=1e-4)


def test_a_refit_in_the_same_space_computes_its_statistics_once(clips: ClipArrays) -> None:
    moves = np.random.default_rng(3).standard_normal((N, 6)).astype(np.float16)
    moving, rows = replace(clips, views=(View("motion", lambda: moves, sample_of(moves)),)), np.arange(80)
    labels = TrainingLabels(1, rows, np.asarray(moves[rows, 2]) > 0, np.zeros(80, dtype=bool))
    trainer = Trainer(moving, None, labels, 1)
    first = trainer.start(lambda: 1)
    again = trainer.fit(replace(labels, event=2), first, 2)
    assert first.space.views
    assert again.space.statistics is first.space.statistics
    np.testing.assert_array_equal(again.logits, first.logits)


def test_approximate_logits_are_ranked_again() -> None:
    rng = np.random.default_rng(0)
    exact = rng.standard_normal(500).astype(np.float32)
    approximate = exact + rng.uniform(-0.01, 0.01, 500).astype(np.float32)
    asked = []

    def score(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return exact[rows]

    left_out = np.arange(500) % 5 == 0
    for target in (np.inf, -np.inf, 0.0, -1.0):
        found = ScoreIndex(approximate, score).nearest(target, 10, left_out)
        assert found.tolist() == ScoreIndex(exact).nearest(target, 10, left_out).tolist()
    assert max(asked) == 40  # of 400
