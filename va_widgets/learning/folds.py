"""The folds of a stratified cross-validation: which labels each fit leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDS, REPEATS = 5, 3
_MOST_GROUPS = 100  # more than these are merged at random: more would change little, and each takes time
_ONE_REPEAT = 500  # labels from which on folds are drawn once: other ones would change little
_ALIKE = 1e-5  # relative difference of two deviations below which they count as equal,
_BOTH_ZERO = 1e-8  # and absolute one


def drawn_folds(
    y: NDArray[np.bool_], groups: NDArray[np.integer[Any]] | None, group: str, seed: int
) -> tuple[NDArray[np.bool_], str]:
    """Return which labels (n,) each fit leaves out, bool (fits, n), and how the folds were drawn, in words.

    `groups` (n,) and `group` are as for `quality.cross_validated`.
    """
    n, how = len(y), ""
    together = None
    if groups is not None:
        known, places = np.unique(groups, return_inverse=True)
        if len(known) < n and min(len(np.unique(places[y])), len(np.unique(places[~y]))) < FOLDS:
            how = f", in folds over clips, because yes or no come from fewer than {FOLDS} {group}s"
        elif len(known) < n:
            how = f", those of one {group} in one fold"
            merged = np.random.default_rng(seed).permutation(len(known))[places] % _MOST_GROUPS
            together = np.unique(merged, return_inverse=True)[1]
    repeats = REPEATS if n < _ONE_REPEAT else 1
    tests = (_tests(y, together, seed + repeat) for repeat in range(repeats))
    return np.array([test for of_repeat in tests for test in of_repeat]), how


def _tests(y: NDArray[np.bool_], groups: NDArray[np.int64] | None, seed: int) -> Iterator[NDArray[np.bool_]]:
    """Yield which labels (n,) each of five fits leaves out, bool (n,)."""
    if groups is None:
        from sklearn.model_selection import StratifiedKFold

        for _, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(y, y):
            left_out = np.zeros(len(y), dtype=bool)
            left_out[test] = True
            yield left_out
        return
    order = np.random.RandomState(seed).permutation(int(groups.max()) + 1)
    folds = stratified_group_folds(y, np.argsort(order)[groups])
    yield from (folds == fold for fold in range(FOLDS))


def stratified_group_folds(y: NDArray[np.bool_], groups: NDArray[np.int64], number: int = FOLDS) -> NDArray[np.int64]:
    """Return in which of so many folds each label (n,) is, int64 (n,), those of one group in the same one.

    Each group goes into the fold with which the shares of yes and those of no vary least over the folds, and into the
    smallest where these are alike; groups in which yes and no differ most come first. So do the folds of scikit-learn's
    StratifiedGroupKFold, unshuffled, which takes many times as long.

    Parameters
    ----------
    y : bool (n,)
        At least one yes and one no.
    groups : int64 (n,)
        From 0 on; where groups are alike those with a lower number come first.
    """
    counts = np.stack([np.bincount(groups, ~y), np.bincount(groups, y)], axis=1)
    totals = counts.sum(axis=0).tolist()
    inside = [[0.0] * number, [0.0] * number]  # how many no and yes are in each fold
    deviations = [0.0, 0.0]
    fold_of = np.zeros(len(counts), dtype=np.int64)
    for group in np.argsort(-np.abs(counts[:, 0] - counts[:, 1]), kind="stable"):
        own = counts[group].tolist()
        least, smallest, best = inf, inf, 0
        best_deviations = deviations
        for fold in range(number):
            tried = [
                _deviation(within, fold, count, total) if count else deviation
                for within, count, total, deviation in zip(inside, own, totals, deviations, strict=True)
            ]
            spread, size = (tried[0] + tried[1]) / 2, inside[0][fold] + inside[1][fold]
            alike = abs(spread - least) <= _BOTH_ZERO + _ALIKE * least < inf
            if spread < least or (alike and size < smallest):
                least, smallest, best, best_deviations = spread, size, fold, tried
        deviations = best_deviations
        fold_of[group] = best
        for within, count in zip(inside, own, strict=True):
            within[best] += count
    return fold_of[groups]


def _deviation(within: list[float], fold: int, count: float, total: float) -> float:
    """Return the standard deviation over folds of the shares of `total` in them, once a fold has `count` more.

    Added up one after the other, as numpy does: Python's own sum is rounded otherwise, and ties would be broken so.
    """
    shares = [number / total for number in within]
    shares[fold] = (within[fold] + count) / total
    mean = 0.0
    for share in shares:
        mean += share
    mean /= len(shares)
    squares = 0.0
    for share in shares:
        squares += (share - mean) * (share - mean)
    return sqrt(squares / len(shares))
