"""Folds of cross-validation that keep groups together."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from va_widgets.learning.folds import FOLDS, drawn_folds, stratified_group_folds


@pytest.mark.parametrize(("n", "groups", "share"), [(40, 30, 0.5), (60, 400, 0.3), (90, 12, 0.1), (300, 40, 0.4)])
def test_groups_are_in_the_folds_that_scikit_learn_puts_them_in(n: int, groups: int, share: float) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        y = rng.permutation(np.arange(n) < share * n)
        of_label = np.unique(rng.integers(0, groups, n), return_inverse=True)[1]
        folds = stratified_group_folds(y, of_label)
        for fold, (_, test) in enumerate(StratifiedGroupKFold(FOLDS).split(y, y, of_label)):
            np.testing.assert_array_equal(np.flatnonzero(folds == fold), test)


def test_folds_of_groups_are_drawn_by_the_seed_and_hold_every_label_once() -> None:
    rng = np.random.default_rng(0)
    y, groups = rng.random(120) < 0.3, rng.integers(0, 60, 120)
    left_out, how = drawn_folds(y, groups, "video", seed=1)
    assert how == ", those of one video in one fold"
    for repeat in np.split(left_out, 3):
        np.testing.assert_array_equal(repeat.sum(axis=0), 1)
        assert {tuple(repeat[:, groups == 7].T[0])} == {tuple(column) for column in repeat[:, groups == 7].T}
        assert np.ptp(repeat[:, y].sum(axis=1)) <= 2
    np.testing.assert_array_equal(left_out, drawn_folds(y, groups, "video", seed=1)[0])
    assert (left_out != drawn_folds(y, groups, "video", seed=5)[0]).any()
