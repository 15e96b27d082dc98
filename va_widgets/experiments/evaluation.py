"""How VA's experiments choose the clips of a validation set, and measure on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from sklearn.utils import murmurhash3_32

from va_widgets.experiments.tasks import Scores

_EVALUATIONS = 5


def in_validation(keys: Sequence[str], seed: int = 0) -> NDArray[np.bool_]:
    """True for clips that belong to the validation set, bool (n,): murmur3_32(key, seed) mod 10 < 2.

    The hash is signed and the remainder is never negative. The release reduces the fraction 2/10 to lowest terms, so
    that the condition is mod 5 < 1 in effect.
    """
    return np.array([murmurhash3_32(str(key), seed=seed) % 5 < 1 for key in keys], dtype=bool)


def score(y: NDArray[np.bool_], scores: Scores) -> float:
    """Return the AP of a validation set (n,): the mean over the set and 4 bootstrap resamples of it, seeds 1 to 4.

    A resample without positives has an AP of 0.
    """
    parts = [_ap(y, scores)]
    for seed in range(1, _EVALUATIONS):
        rows = np.random.RandomState(seed).randint(0, len(y), len(y))
        parts.append(_ap(y[rows], scores[rows]))
    return float(np.mean(parts))


def _ap(y: NDArray[np.bool_], scores: Scores) -> float:
    return float(average_precision_score(y, scores)) if y.any() else 0.0
