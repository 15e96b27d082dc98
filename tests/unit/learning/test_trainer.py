"""The trainer, on arrays alone: no corpus, no label store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from va_widgets.learning.statistics import CorpusStatistics
from va_widgets.learning.trainer import ClipArrays, Trainer, TrainingLabels
from va_widgets.learning.views import APPEARANCE

N, DIM = 400, 16


@pytest.fixture(scope="module")
def clips() -> ClipArrays:
    """Clips on both sides of a plane: the first half is a yes."""
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(N, DIM)) + np.eye(DIM)[0] * np.where(np.arange(N) < N // 2, 3, -3)[:, None]
    embeddings = (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float16)
    return ClipArrays(
        embeddings=lambda: embeddings,
        clusters=np.arange(N) % 10,
        videos=np.arange(N) // 4,
        statistics=CorpusStatistics.of(embeddings, 0),
        seed=0,
    )


def labels(rows: Sequence[int], event: int) -> TrainingLabels:
    chosen = np.array(rows, dtype=np.int64)
    return TrainingLabels(event, chosen, chosen < N // 2, np.zeros(len(chosen), dtype=bool))


def test_each_fit_has_its_own_scores_and_is_measured_after_it(clips: ClipArrays) -> None:
    trainer = Trainer(clips, None, labels([], 0), 0)
    assert (trainer.version, trainer.event, trainer.newest) == (0, 0, None)
    assert "5 more yes and 5 more no" in trainer.quality_note
    first = trainer.start(lambda: 0)
    assert first is trainer.newest
    assert first.best_threshold[0] == first.threshold_for(0.9)[0] == 0.5
    some = labels([*range(10), *range(N - 10, N)], 20)
    fit = trainer.fit(some, first, 1)
    assert (trainer.version, trainer.event, fit.refit.labels) == (1, 20, 20)
    assert fit.refit.quality is None  # that of the former fit, so far
    assert ((fit.logits > 0) == (np.arange(N) < N // 2)).mean() > 0.9
    measured = trainer.measure(fit, first, lambda: 20)
    assert measured is trainer.newest
    assert measured.refit.quality is not None
    assert measured.refit.quality.ap > 0.9
    assert measured.refit.cross_validated is not None
    assert measured.refit.positives is not None
    assert measured.refit.positives.low <= N // 2 <= measured.refit.positives.high
    assert set(measured.suspicion) == set(some.rows.tolist())
    assert trainer.quality_note == ""


def test_quality_is_left_to_the_next_fit_once_there_are_newer_labels(clips: ClipArrays) -> None:
    trainer = Trainer(clips, None, labels([], 0), 0)
    first = trainer.start(lambda: 0)
    fit = trainer.fit(labels([*range(10), *range(N - 10, N)], 20), first, 1)
    measured = trainer.measure(fit, first, lambda: 21)
    assert measured.refit.quality is None
    assert measured.refit.diversity > 0  # that takes no time


def test_a_classifier_that_was_fitted_before_keeps_its_version(clips: ClipArrays) -> None:
    some = labels([0, N - 1], 2)
    assert Trainer(clips, None, some, 7).start(lambda: 2).refit.version == 7
    assert Trainer(clips, None, some, 0).version == 1  # 0 is the text alone
    trainer = Trainer(clips, None, some, 7)
    trainer.outdate()
    assert trainer.event == 2
    trainer.start(lambda: 2)
    trainer.outdate()
    assert (trainer.event, trainer.version) == (-1, 7)


def test_a_feed_leaves_rows_out_and_says_which_label_is_near(clips: ClipArrays) -> None:
    trainer = Trainer(clips, None, labels([0, N - 1], 2), 1)
    fit = trainer.start(lambda: 2)
    left_out = np.zeros(N, dtype=bool)
    left_out[:100] = True
    page = trainer.feed(fit, "top_positive", 12, left_out)
    assert len(page.rows) == 12
    assert page.rows.min() >= 100
    assert page.rows.max() < N // 2  # all of them are a yes
    assert (np.diff(page.scores) <= 0).all()
    assert page.scores[0] < 0.5
    assert page.reasons[0] == f"highest left: {page.scores[0]:.2f}".replace("0.", ".")
    assert set(trainer.feed(fit, "random", N, left_out).reasons) == {"at random", "near a no · at random"}


def test_an_error_of_the_matrix_leaves_the_newest_classifier(clips: ClipArrays) -> None:
    broken = False

    def embeddings() -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
        if broken:
            raise OSError("the file was cut")
        return clips.embeddings()

    arrays = ClipArrays(embeddings, clips.clusters, clips.videos, clips.statistics, 0)
    trainer = Trainer(arrays, None, labels([], 0), 0)
    first = trainer.start(lambda: 0)
    broken = True
    with pytest.raises(OSError, match="the file was cut"):
        trainer.fit(labels([0], 1), first, 1)
    assert trainer.newest is first


def test_shown_scores_are_calibrated_and_the_feeds_are_not(clips: ClipArrays) -> None:
    trainer = Trainer(clips, None, labels([*range(10), *range(N - 10, N)], 20), 1)
    fit = trainer.start(lambda: 20)
    factor = fit.calibration.factor
    assert factor > 1.1
    np.testing.assert_allclose(fit.probabilities, expit(factor * fit.logits), rtol=1e-5)
    page = trainer.feed(fit, "borderline", 12, np.zeros(N, dtype=bool))
    np.testing.assert_allclose(page.scores, fit.probabilities[page.rows], rtol=1e-6)
    assert np.abs(fit.logits[page.rows]).max() <= np.sort(np.abs(fit.logits))[40]
    linear = fit.calibrated
    published = expit(np.asarray(clips.embeddings(), dtype=np.float32) @ linear.coefs[APPEARANCE] + linear.intercept)
    np.testing.assert_allclose(published, fit.probabilities, atol=1e-3)


def test_a_threshold_for_a_precision_says_how_little_is_known(clips: ClipArrays) -> None:
    few = Trainer(clips, None, labels([0, N - 1], 2), 1).start(lambda: 2)
    assert few.threshold_for(0.9) == (0.5, "0.5, because there are too few labels to choose one")
    some = Trainer(clips, None, labels([*range(10), *range(N - 10, N)], 20), 1).start(lambda: 20)
    threshold, why = some.threshold_for(0.9)
    chosen = some.probabilities >= threshold
    assert 0.75 < (np.arange(N) < N // 2)[chosen].mean() <= 1
    assert why.startswith("precision 0.9")
    assert "only 20 labels: label 50 or more" in why
    many = Trainer(clips, None, labels([*range(30), *range(N - 30, N)], 60), 1).start(lambda: 60)
    assert "only" not in many.threshold_for(0.9)[1]


def test_labels_of_one_group_are_measured_together(clips: ClipArrays) -> None:
    some = labels([*range(20), *range(N - 20, N)], 40)
    grouped = replace(clips, groups=np.arange(N) // 2, group="tape")
    refit = Trainer(grouped, None, some, 1).start(lambda: 40).refit
    assert refit.cross_validated is not None
    assert refit.cross_validated.method.endswith("those of one tape in one fold")
    assert refit.random_labels is None or refit.random_labels > 0
