"""What labels tell about the whole corpus: calibration, average precision, positives, thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import average_precision_score, f1_score

from va_widgets.learning.calibration import PRIOR, Calibration, calibrate, right_labels
from va_widgets.learning.corpus_estimate import best_threshold, estimate_corpus, threshold_for
from va_widgets.learning.score_index import ScoreIndex

N = 20_000
NONE = np.empty(0, dtype=np.int64)


def corpus(seed: int, slope: float = 1.9, offset: float = 0.4) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Timid logits of a rare concept, and the truth."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-4.5, 1.6, N).astype(np.float32)
    return logits, rng.random(N) < expit(slope * logits + offset)


def undecided(logits: NDArray[np.float32], number: int) -> NDArray[np.int64]:
    """The rows that a feed would show: nearest to P(yes) = 0.5."""
    return np.argsort(np.abs(logits))[:number]


# --- calibration -----------------------------------------------------------------------------------


def test_without_labels_the_factor_is_what_other_concepts_needed() -> None:
    assert PRIOR.factor == pytest.approx(1.65, abs=0.02)
    assert PRIOR.weights.sum() == pytest.approx(1)
    factor = calibrate(np.array([True, False]), np.array([0.1, -0.1])).factor
    assert factor == pytest.approx(PRIOR.factor, abs=0.05)


@pytest.mark.parametrize(("slope", "low", "high"), [(0.7, 0.6, 0.95), (1.4, 1.2, 1.6), (2.5, 1.9, 2.7)])
def test_many_labels_outweigh_the_prior(slope: float, low: float, high: float) -> None:
    rng = np.random.default_rng(0)
    held_out = rng.normal(0, 2, 1000)
    calibration = calibrate(rng.random(1000) < expit(slope * held_out), held_out)
    assert low < calibration.factor < high
    assert calibration.weights.sum() == pytest.approx(1)
    slopes, offsets, _ = calibration.draw(500, np.random.default_rng(1))
    assert np.median(slopes) == pytest.approx(slope, rel=0.25)
    assert abs(np.median(offsets)) < 0.3


@pytest.mark.parametrize("share", [0.0, 0.08])
def test_how_many_labels_are_wrong_is_learned_from_them(share: float) -> None:
    rng = np.random.default_rng(0)
    held_out = rng.normal(0, 3, 1500)
    y = (rng.random(1500) < expit(1.5 * held_out)) ^ (rng.random(1500) < share)
    calibration = calibrate(y, held_out)
    slopes, _, wrong = calibration.draw(500, rng)
    assert wrong.mean() == pytest.approx(share, abs=0.03)
    assert np.median(slopes) == pytest.approx(1.5, rel=0.25)


def test_a_label_that_nobody_would_expect_may_be_wrong() -> None:
    probabilities, wrong = np.array([0.001, 0.5, 1.0, 0.0]), np.array([[0.0], [0.05]])
    np.testing.assert_allclose(right_labels(probabilities, True, wrong[0]), [1, 1, 1, 1])
    np.testing.assert_allclose(right_labels(probabilities, False, wrong[0]), [0, 0, 0, 0])
    found = right_labels(probabilities, True, wrong)
    np.testing.assert_allclose(found[1], [0.95 * 0.001 / (0.95 * 0.001 + 0.05 * 0.999), 0.95, 1, 0])


# --- the corpus ------------------------------------------------------------------------------------


def test_the_histogram_has_every_clip_once_best_first() -> None:
    logits, _ = corpus(0)
    index = ScoreIndex(logits)
    values, counts = index.histogram()
    assert counts.sum() == N
    assert counts.min() > 0
    assert (np.diff(values) < 0).all()
    np.testing.assert_allclose(np.repeat(values, counts), np.sort(logits)[::-1], rtol=2**-8)
    rows = np.arange(0, N, 7)
    some = index.histogram_of(rows)
    np.testing.assert_allclose(np.repeat(values, some), np.sort(logits[rows])[::-1], rtol=2**-8)


def test_a_corpus_that_is_labelled_completely_is_known() -> None:
    logits, truth = corpus(1)
    estimate = estimate_corpus(ScoreIndex(logits), np.arange(N), truth, calibrate(truth, logits))
    quality, positives = estimate.quality, estimate.positives
    assert quality.low == quality.ap == quality.high
    assert quality.ap == pytest.approx(average_precision_score(truth, logits), abs=0.01)
    assert positives.low == positives.estimate == positives.high == truth.sum()
    assert estimate.random_labels is None


@pytest.mark.slow
def test_intervals_cover_the_truth_though_the_labels_were_chosen() -> None:
    """Labels are clips that were hard to decide: their own average precision is far from the corpus's."""
    inside, positives_inside, own_inside = 0, 0, 0
    for seed in range(40):
        slope, offset = np.random.default_rng(seed).normal((1.9, 0.4), (0.4, 0.4))
        logits, truth = corpus(seed, slope, offset)
        rows = undecided(logits, 60)
        estimate = estimate_corpus(ScoreIndex(logits), rows, truth[rows], calibrate(truth[rows], logits[rows]), seed)
        ap = average_precision_score(truth, logits)
        inside += estimate.quality.low <= ap <= estimate.quality.high
        positives_inside += estimate.positives.low <= truth.sum() <= estimate.positives.high
        own_inside += (
            estimate.quality.low <= average_precision_score(truth[rows], logits[rows]) <= estimate.quality.high
        )
    assert inside >= 34
    assert positives_inside >= 34
    assert own_inside < 34


def test_yes_labels_that_may_all_be_wrong_promise_nothing() -> None:
    """A misleading text: one label in eight is a yes by mistake, whatever the score, and what is meant lies anywhere.

    A page of yes among the best clips says that they are right.
    """
    logits, _ = corpus(4)
    truth = np.random.default_rng(4).random(N) < 0.005
    rows = np.argsort(-logits)[:60]
    scattered = np.random.default_rng(5).random(60) < 0.12
    quality = estimate_corpus(ScoreIndex(logits), rows, scattered, calibrate(scattered, logits[rows])).quality
    assert quality.low <= average_precision_score(truth, logits) <= quality.high
    best = np.arange(60) < 12
    assert estimate_corpus(ScoreIndex(logits), rows, best, calibrate(best, logits[rows])).quality.low > 0.1


def test_the_same_labels_and_seed_give_the_same_figures() -> None:
    logits, truth = corpus(2)
    rows = undecided(logits, 40)
    calibration = calibrate(truth[rows], logits[rows])
    assert estimate_corpus(ScoreIndex(logits), rows, truth[rows], calibration, 3) == estimate_corpus(
        ScoreIndex(logits), rows, truth[rows], calibration, 3
    )


def test_so_many_random_labels_do_narrow_the_interval() -> None:
    """One clip in five is a yes, so that random ones tell much."""
    rng = np.random.default_rng(0)
    logits = rng.normal(-2.0, 2.0, N).astype(np.float32)
    truth = rng.random(N) < expit(1.9 * logits + 0.4)

    def width(rows: NDArray[np.int64]) -> tuple[float, int | None]:
        estimate = estimate_corpus(ScoreIndex(logits), rows, truth[rows], calibrate(truth[rows], logits[rows]))
        return estimate.quality.high - estimate.quality.low, estimate.random_labels

    few = undecided(logits, 30)
    wide, number = width(few)
    assert wide > 0.2
    assert number is not None
    widths = []
    for seed in range(10):
        drawn = np.random.default_rng(seed).choice(np.setdiff1d(np.arange(N), few), number, replace=False)
        widths.append(width(np.concatenate([few, drawn]))[0])
    assert np.mean(widths) == pytest.approx(0.2, abs=0.04)


def test_random_labels_are_not_advised_where_they_tell_nothing() -> None:
    """About one clip in a thousand is a yes: a hundred random ones show none."""
    logits = np.full(N, -12.0, dtype=np.float32)
    logits[:60] = np.linspace(1, -4, 60)
    rows = np.arange(0, 60, 6)
    estimate = estimate_corpus(ScoreIndex(logits), rows, rows < 12, PRIOR)
    assert estimate.quality.high - estimate.quality.low > 0.2
    assert estimate.random_labels is None


# --- thresholds ------------------------------------------------------------------------------------


def certain(slope: float, offset: float) -> Calibration:
    return Calibration(slope, np.array([slope]), np.array([offset]), np.zeros(1), np.ones(1))


@pytest.mark.parametrize("precision", [0.5, 0.8, 0.9])
def test_a_threshold_reaches_the_wanted_precision_and_no_more(precision: float) -> None:
    logits, truth = corpus(3)
    found = threshold_for(ScoreIndex(logits), certain(1.9, 0.4), precision)
    chosen = logits >= found.logit
    assert found.precision == pytest.approx(precision, abs=0.02)
    assert found.precision >= precision
    assert truth[chosen].mean() == pytest.approx(precision, abs=0.08)
    assert truth[chosen].sum() / truth.sum() == pytest.approx(found.recall, abs=0.1)
    assert found.low == pytest.approx(found.precision) == pytest.approx(found.high)


def test_the_best_threshold_has_the_best_f1_over_the_corpus() -> None:
    logits, truth = corpus(3)
    found = best_threshold(ScoreIndex(logits), certain(1.9, 0.4))

    def f1(threshold: float) -> float:
        return float(f1_score(truth, logits >= threshold))

    best = max(f1(threshold) for threshold in np.arange(-3, 3, 0.05))
    assert f1(found.logit) == pytest.approx(best, abs=0.01)
    assert truth[logits >= found.logit].mean() == pytest.approx(found.precision, abs=0.05)


def test_a_precision_that_no_threshold_reaches_gets_the_nearest() -> None:
    logits = np.linspace(-6, -2, 1000, dtype=np.float32)
    found = threshold_for(ScoreIndex(logits), PRIOR, 0.9)
    assert found.precision < 0.9
    assert (logits >= found.logit).sum() >= 1
    assert found.logit < -2


def test_a_corpus_of_one_score_has_a_threshold() -> None:
    found = threshold_for(ScoreIndex(np.ones(5, dtype=np.float32)), PRIOR, 0.5)
    assert found.logit < 1
    assert found.recall == 1.0
