"""A random sample of clips, stratified by score, from whose labels a model's precision and recall are estimated.

After Fogliato and others, arXiv 2406.07320. Clips at or above the threshold and below it are each divided into two
strata, so that the sum of sqrt(p (1 - p)) over the scores p is about the same in both (Dalenius and Hodges). Half of
the labels are allocated by that sum (Neyman), as if the scores were right, and half by the number of clips, which holds
whatever the scores are worth: the error of the recall is that of the huge stratum of low scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STRATA = 2  # on each side of the threshold
_UNIFORM = 0.5  # of the labels, allocated by the number of clips
_LEAST = 2  # labels of a stratum, if it has so many clips
_SURE = 1e-3  # scores nearer to 0 or 1 count as this far from it


@dataclass(frozen=True)
class Sample:
    """Clips drawn at random within strata, without replacement.

    Attributes
    ----------
    rows : int64 (m,)
        In the order in which to label: any first part of it is spread over the strata as the whole is.
    stratum : int64 (m,)
        Which stratum each is of, 0 to k - 1, by ascending scores.
    sizes, numbers : int64 (k,)
        How many clips each stratum has, and how many were drawn.
    above : bool (k,)
        Whether its clips are at the threshold or above.
    edges : float64 (k, 2)
        The lowest and the highest score of its clips.
    """

    rows: NDArray[np.int64]
    stratum: NDArray[np.int64]
    sizes: NDArray[np.int64]
    numbers: NDArray[np.int64]
    above: NDArray[np.bool_]
    edges: NDArray[np.float64]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """How likely each clip was drawn, float64 (m,)."""
        return (self.numbers / self.sizes)[self.stratum]


def draw(scores: NDArray[np.floating[Any]], threshold: float, budget: int, seed: int = 0) -> Sample:
    """Return a sample of `budget` clips by their scores, P(yes) (n,), n >= `budget`: equal arguments, equal ones."""
    scores = np.asarray(scores, dtype=np.float64)
    order = np.argsort(scores, kind="stable")
    below = int(np.count_nonzero(scores < threshold))
    strata = [*_divided(order[:below], scores), *_divided(order[below:], scores)]
    sizes = np.array([len(rows) for rows in strata])
    weights = np.array([_spreads(scores[rows]).sum() for rows in strata])
    numbers = allocated(budget, sizes, weights)
    rng = np.random.default_rng([seed, len(scores)])
    rows, stratum, places = [], [], []
    for number, (some, drawn) in enumerate(zip(strata, numbers, strict=True)):
        rows.append(rng.choice(some, size=drawn, replace=False))
        stratum.append(np.full(drawn, number))
        places.append((np.arange(drawn) + rng.random(drawn)) / max(drawn, 1))
    turn = np.argsort(np.concatenate(places), kind="stable")
    return Sample(
        np.concatenate(rows)[turn].astype(np.int64),
        np.concatenate(stratum)[turn].astype(np.int64),
        sizes,
        numbers,
        np.array([bool(scores[rows[0]] >= threshold) for rows in strata]),
        np.array([(scores[rows].min(), scores[rows].max()) for rows in strata]),
    )


def allocated(budget: int, sizes: NDArray[np.integer[Any]], weights: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return how many of `budget` labels each stratum gets, int64 (k,), by its size and its weight (k,)."""
    shares = budget * (_UNIFORM * sizes / sizes.sum() + (1 - _UNIFORM) * weights / weights.sum())
    numbers = np.zeros(len(sizes), dtype=np.int64)
    for least in range(1, _LEAST + 1):  # one each, then a second one, as far as the budget goes
        for stratum in np.argsort(-shares, kind="stable"):
            if numbers.sum() < budget and numbers[stratum] < min(least, sizes[stratum]):
                numbers[stratum] += 1
    while numbers.sum() < budget:
        numbers[np.argmax(np.where(numbers < sizes, shares - numbers, -np.inf))] += 1
    return numbers


def _divided(rows: NDArray[np.int64], scores: NDArray[np.floating[Any]]) -> list[NDArray[np.int64]]:
    """Return rows, ordered by score, in up to two parts of about the same sum of spreads."""
    if not len(rows):
        return []
    sums = np.cumsum(_spreads(scores[rows]))
    edges = [int(np.searchsorted(sums, sums[-1] * part / _STRATA)) for part in range(1, _STRATA)]
    return [part for part in np.split(rows, edges) if len(part)]


def _spreads(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the standard deviations of labels whose probabilities are these scores (n,)."""
    p = np.clip(scores, _SURE, 1 - _SURE)
    return np.sqrt(p * (1 - p))
