"""Logits that are averaged with those of the nearest clips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from va_widgets.learning import scoring, smoothing
from va_widgets.learning.score_index import ScoreIndex
from va_widgets.learning.scoring import smoothed_logits
from va_widgets.learning.smoothing import roughly_smoothed, smoothed, smoothed_embeddings, smoothed_rows
from va_widgets.learning.statistics import CorpusStatistics
from va_widgets.learning.trainer import ClipArrays, Trainer, TrainingLabels

N, DIM, K = 200, 8, 5
SHARE = 0.3
RNG = np.random.default_rng(0)
EMBEDDINGS = RNG.standard_normal((N, DIM)).astype(np.float16)
NEIGHBOURS = RNG.integers(N, size=(K, N)).astype(np.int32)


def test_a_logit_is_averaged_with_those_of_its_neighbours() -> None:
    logits = RNG.standard_normal(N).astype(np.float32)
    expected = [(1 - SHARE) * logits[row] + SHARE * logits[NEIGHBOURS[:, row]].mean() for row in range(N)]
    np.testing.assert_allclose(smoothed(logits, NEIGHBOURS, SHARE), expected, rtol=1e-5, atol=1e-6)


def test_smoothed_embeddings_have_the_smoothed_logits() -> None:
    weights, rows = RNG.standard_normal(DIM).astype(np.float32), np.array([3, 150, 7])
    logits = EMBEDDINGS.astype(np.float32) @ weights + np.float32(0.5)
    found = smoothed_embeddings(EMBEDDINGS, NEIGHBOURS, rows, SHARE) @ weights + np.float32(0.5)
    np.testing.assert_allclose(found, smoothed(logits, NEIGHBOURS, SHARE)[rows], rtol=1e-4, atol=1e-5)


def test_the_trainer_smooths_what_it_shows_and_what_it_measures() -> None:
    plain = ClipArrays(
        embeddings=lambda: EMBEDDINGS,
        clusters=np.zeros(N, dtype=int),
        videos=np.arange(N),
        statistics=CorpusStatistics.of(EMBEDDINGS),
        seed=0,
    )
    rows = np.arange(40)
    labels = TrainingLabels(1, rows, EMBEDDINGS[rows, 0] > 0, np.zeros(40, dtype=bool))
    with_graph = Trainer(replace(plain, neighbours=lambda: NEIGHBOURS), None, labels, 1).start(lambda: 1)
    without = Trainer(plain, None, labels, 1).start(lambda: 1)
    assert without.share == 0 < with_graph.share
    np.testing.assert_array_equal(with_graph.classifier.coef_, without.classifier.coef_)
    expected = smoothed(without.logits, NEIGHBOURS, with_graph.share)
    np.testing.assert_allclose(with_graph.logits, expected, rtol=1e-4, atol=1e-5)
    assert with_graph.held_out is not None
    assert without.held_out is not None
    # The neighbours are random clips here: logits of labels, too, are nearer to 0.
    certain = [np.abs(fit.held_out[1] - 0.5).mean() for fit in (with_graph, without) if fit.held_out is not None]
    assert certain[0] < certain[1]


@pytest.mark.parametrize("by_torch", [False, True])
def test_many_classifiers_are_smoothed_together_each_by_its_own_share(by_torch: bool) -> None:
    neighbours = RNG.integers(0, 50, (4, 50), dtype=np.int32)
    logits = RNG.normal(size=(50, 3)).astype(np.float32)
    shares = np.array([0, 0.3, 1], np.float32)
    rows = np.array([7, 3, 49])
    found = smoothed_rows(logits, rows, neighbours[:, rows], shares, by_torch=by_torch)
    for column, share in enumerate(shares):
        expected = smoothed(logits[:, column].copy(), neighbours, float(share))[rows]
        np.testing.assert_allclose(found[:, column], expected, atol=1e-6)


def test_rounded_neighbours_are_off_by_a_small_part_of_the_largest_logit(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = (5 * RNG.standard_normal(N)).astype(np.float32)
    found = roughly_smoothed(logits, NEIGHBOURS, SHARE)
    exact = smoothed(logits, NEIGHBOURS, SHARE)
    assert 0 < np.abs(found - exact).max() <= SHARE * np.abs(logits).max() / 254 + 1e-5
    monkeypatch.setattr(smoothing, "_ROWS", 30)
    np.testing.assert_array_equal(roughly_smoothed(logits, NEIGHBOURS, SHARE), found)
    zeros = np.zeros(N, dtype=np.float32)
    np.testing.assert_array_equal(roughly_smoothed(zeros, NEIGHBOURS, SHARE), zeros)


def test_of_very_many_clips_those_shown_have_exact_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, none = (5 * RNG.standard_normal(N)).astype(np.float32), np.zeros(N, dtype=bool)
    exact = smoothed_logits(ScoreIndex(logits), NEIGHBOURS, SHARE)
    assert exact.exact is None
    monkeypatch.setattr(scoring, "ROUNDED", 0)
    rounded = smoothed_logits(ScoreIndex(logits), NEIGHBOURS, SHARE)
    assert (rounded.logits != exact.logits).any()
    rows = np.array([150, 3, 7])
    np.testing.assert_allclose(rounded.at(rows), exact.logits[rows], rtol=1e-5, atol=1e-5)
    for score in (np.inf, 0.0):
        assert rounded.nearest(score, 10, none).tolist() == exact.nearest(score, 10, none).tolist()
