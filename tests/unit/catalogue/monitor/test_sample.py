"""The stratified sample, and what its labels say of precision, recall and prevalence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from va_widgets.catalogue.monitor.estimate import intervals
from va_widgets.catalogue.monitor.sample import draw


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=200),
    st.floats(0, 1),
    st.integers(1, 200),
    st.integers(0, 9),
)
def test_a_sample_has_its_budget_of_different_clips_of_the_right_strata(
    scores: list[float], threshold: float, budget: int, seed: int
) -> None:
    budget = min(budget, len(scores))
    sample = draw(np.array(scores), threshold, budget, seed)
    assert len(set(sample.rows.tolist())) == len(sample.rows) == sample.numbers.sum() == budget
    assert sample.sizes.sum() == len(scores)
    assert (sample.numbers <= sample.sizes).all()
    drawn = np.array(scores)[sample.rows]
    assert ((drawn >= threshold) == sample.above[sample.stratum]).all()
    low, high = sample.edges[sample.stratum].T
    assert ((low <= drawn) & (drawn <= high)).all()
    assert (sample.probabilities > 0).all()


def test_a_sample_is_that_of_its_seed_and_any_part_of_it_is_spread_over_the_strata() -> None:
    scores = np.random.default_rng(0).beta(0.3, 3, 2000)
    sample, again, other = (draw(scores, 0.5, 60, seed) for seed in (1, 1, 2))
    assert sample.rows.tolist() == again.rows.tolist() != other.rows.tolist()
    for part in (20, 40):
        np.testing.assert_allclose(
            np.bincount(sample.stratum[:part], minlength=len(sample.sizes)), sample.numbers * part / 60, atol=1.5
        )


def test_everything_that_is_labelled_is_known() -> None:
    sizes, yes, above = np.array([50, 10, 8]), np.array([2, 3, 6]), np.array([False, False, True])
    precision, recall, prevalence = intervals(sizes, sizes, yes, above)
    assert precision == pytest.approx((6 / 8,) * 3)
    assert recall == pytest.approx((6 / 11,) * 3)
    assert prevalence == pytest.approx((11 / 68,) * 3)


def test_nothing_is_known_of_what_is_not_labelled() -> None:
    sizes, none, above = np.array([50, 10]), np.array([0, 0]), np.array([False, True])
    for share in intervals(sizes, none, none, above):
        assert np.isnan(share.value)
        assert (share.low, share.high) == (0, 1)


def test_without_a_clip_above_the_threshold_there_is_no_precision() -> None:
    precision, recall, _ = intervals(np.array([50]), np.array([50]), np.array([5]), np.array([False]))
    assert np.isnan(precision.value)
    assert recall == (0, 0, 0)


@pytest.mark.parametrize("positives", [(0, 1, 4, 9), (1, 5, 6, 20), (40, 60, 10, 25)])
def test_intervals_hold_the_truth_as_often_as_they_say(positives: tuple[int, ...]) -> None:
    sizes, labels, above = np.array([600, 300, 15, 30]), np.array([30, 15, 6, 9]), np.array([0, 0, 1, 1], dtype=bool)
    true = np.array([sum(positives[2:]) / 45, sum(positives[2:]) / sum(positives), sum(positives) / 945])
    drawn = np.random.default_rng(0).hypergeometric(np.array(positives), sizes - np.array(positives), labels, (300, 4))
    cases, which = np.unique(drawn, axis=0, return_inverse=True)
    ends = np.array([intervals(sizes, labels, case, above, draws=500) for case in cases])[which.ravel()]
    covered = ((ends[..., 1] <= true + 1e-9) & (true - 1e-9 <= ends[..., 2])).mean(axis=0)
    assert (covered >= 0.93).all()
