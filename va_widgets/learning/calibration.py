"""Calibration of a classifier's logits, learned from labels that it was not fitted to.

A classifier with strong priors is underconfident: its logits are too near 0. By how much differs from concept to
concept, and a few dozen labels measure it only roughly. So the calibration of other concepts is the prior, and labels
correct it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

# Means and standard deviations of normal distributions, chosen on the development halves of the pools of
# benchmarks/corpus_quality.py. Of the factor and the slope it is the logarithm that is distributed so.
_FACTOR = (0.5, 0.3)  # around 1.6
_SLOPE = (0.65, 0.4)
_OFFSET = (0.4, 1.3)
_STEPS = np.linspace(-3.5, 3.5, 41)  # of a grid, in standard deviations
_GRID = np.stack(np.meshgrid(_STEPS, _STEPS, indexing="ij"), axis=-1).reshape(-1, 2)
# The held-out logits of all labels depend on each other: a label counts less than an independent one would.
LABEL_WEIGHT = 0.4
# Shares of labels that may be wrong, whichever they are, with the prior probability of each. Without them a single yes
# among the lowest logits, or a no among the highest, makes the curve flat.
_WRONG = ((0.0, 0.6), (0.03, 0.2), (0.06, 0.12), (0.1, 0.08))
_ROUNDED = 16  # logits are rounded to a 16th, so that the time hardly grows with the number of labels


@dataclass(frozen=True)
class Calibration:
    """A distribution of P(yes) = expit(slope * logit + offset) for a concept's clips that are not labelled.

    Attributes
    ----------
    factor : float
        What the logits of shown scores are multiplied by. Without an offset, 0 remains P(yes) = 0.5.
    slopes, offsets, wrong : float64 (k,)
        The values of a grid; `wrong` is the share of labels that say the opposite of what is so.
    weights : float64 (k,)
        The probability of each; their sum is 1.
    """

    factor: float
    slopes: NDArray[np.float64]
    offsets: NDArray[np.float64]
    wrong: NDArray[np.float64]
    weights: NDArray[np.float64]

    def draw(self, number: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], ...]:
        """Return slopes, offsets and shares of wrong labels, float64 (number,) each, drawn by their probability."""
        chosen = rng.choice(len(self.weights), size=number, p=self.weights)
        return self.slopes[chosen], self.offsets[chosen], self.wrong[chosen]


def right_labels(probabilities: NDArray[np.float64], y: bool, wrong: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities that clips are a yes, by those before they were labelled and by their label `y`.

    By Bayes' rule; `wrong` are the shares of labels that say the opposite of what is so.
    """
    agrees = 1 - wrong if y else wrong
    said_and_yes = agrees * probabilities
    said = said_and_yes + (1 - agrees) * (1 - probabilities)
    return np.divide(said_and_yes, said, out=np.full_like(said, float(y)), where=said > 0)


def calibrate(y: NDArray[np.bool_], held_out: NDArray[np.floating[Any]]) -> Calibration:
    """Return the calibration by labels (n,) and their cross-validated logits (n,); without any, the prior."""
    rounded, places = np.unique(np.round(held_out * _ROUNDED), return_inverse=True)
    yes, no = (np.bincount(places[kind], minlength=len(rounded)) for kind in (y, ~y))
    logits = rounded[:, None] / _ROUNDED
    factors, of_factors = np.exp(_FACTOR[0] + _FACTOR[1] * _STEPS), []
    mean, std = np.array([_SLOPE, _OFFSET]).T
    grids, wrongs, evidences = [], [], []
    for wrong, share in _WRONG:
        of_factors.append(_evidence(np.log(share) - np.square(_STEPS) / 2, logits * factors, yes, no, wrong))
        center, spread = mean, std
        for _ in range(2):  # the second grid is finer: it lies around the mean of the first one
            grid, cell = center + spread * _GRID, float(np.prod(spread))
            prior = np.log(share * cell) - np.square((grid - mean) / std).sum(axis=1) / 2
            evidence = _evidence(prior, logits * np.exp(grid[:, 0]) + grid[:, 1], yes, no, wrong)
            weights = _normalised(evidence)
            center = weights @ grid
            spread = np.maximum(np.sqrt(weights @ np.square(grid - center)), spread * (_STEPS[1] - _STEPS[0]))
        grids.append(grid)
        wrongs.append(np.full(len(grid), wrong))
        evidences.append(evidence)
    log_slopes, offsets = np.concatenate(grids).T
    factor = np.exp(_normalised(np.concatenate(of_factors)) @ np.tile(np.log(factors), len(_WRONG)))
    weights = _normalised(np.concatenate(evidences))
    return Calibration(float(factor), np.exp(log_slopes), offsets, np.concatenate(wrongs), weights)


def _evidence(
    prior: NDArray[np.float64],
    logits: NDArray[np.float64],
    yes: NDArray[np.int64],
    no: NDArray[np.int64],
    wrong: float,
) -> NDArray[np.float64]:
    """Return the logarithms of the probabilities (k,) of k calibrations up to a constant, by those of their prior.

    `logits` (m, k) are those that each calibration makes of m values, which so many labels `yes` and `no` (m,) have.
    A share `wrong` of the labels says the opposite.
    """
    if wrong:
        says_yes = wrong + (1 - 2 * wrong) * expit(logits)
        losses = -(yes @ np.log(says_yes)) - no @ np.log1p(-says_yes)
    else:
        losses = yes @ np.logaddexp(0, -logits) + no @ np.logaddexp(0, logits)
    return prior - LABEL_WEIGHT * losses


def _normalised(evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities, whose sum is 1, by their logarithms up to a constant."""
    weights = np.exp(evidence - evidence.max())
    return weights / weights.sum()


PRIOR = calibrate(np.empty(0, dtype=bool), np.empty(0))
"""The calibration of a concept without labels."""
