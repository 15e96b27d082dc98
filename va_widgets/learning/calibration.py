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

# Means and standard deviations of normal distributions, chosen on the development halves of the pools of
# benchmarks/corpus_quality.py. Of the factor and the slope it is the logarithm that is distributed so.
_FACTOR = (0.5, 0.3)  # around 1.6
_SLOPE = (0.65, 0.4)
_OFFSET = (0.4, 1.3)
_STEPS = np.linspace(-3.5, 3.5, 41)  # of a grid, in standard deviations
_GRID = np.stack(np.meshgrid(_STEPS, _STEPS, indexing="ij"), axis=-1).reshape(-1, 2)
# The held-out logits of all labels depend on each other: a label counts less than an independent one would.
LABEL_WEIGHT = 0.4
_ROUNDED = 16  # logits are rounded to a 16th, so that the time hardly grows with the number of labels


@dataclass(frozen=True)
class Calibration:
    """A distribution of P(yes) = expit(slope * logit + offset) for a concept's clips that are not labelled.

    Attributes
    ----------
    factor : float
        What the logits of shown scores are multiplied by. Without an offset, 0 remains P(yes) = 0.5.
    slopes, offsets : float64 (k,)
        The values of a grid.
    weights : float64 (k,)
        The probability of each; their sum is 1.
    """

    factor: float
    slopes: NDArray[np.float64]
    offsets: NDArray[np.float64]
    weights: NDArray[np.float64]

    def draw(self, number: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return slopes and offsets, float64 (number,) each, drawn by their probability."""
        chosen = rng.choice(len(self.weights), size=number, p=self.weights)
        return self.slopes[chosen], self.offsets[chosen]


def calibrate(y: NDArray[np.bool_], held_out: NDArray[np.floating[Any]]) -> Calibration:
    """Return the calibration by labels (n,) and their cross-validated logits (n,); without any, the prior."""
    rounded, places = np.unique(np.round(held_out * _ROUNDED), return_inverse=True)
    counts = [np.bincount(places[kind], minlength=len(rounded)) for kind in (y, ~y)]
    logits = rounded[:, None] / _ROUNDED
    factors = np.exp(_FACTOR[0] + _FACTOR[1] * _STEPS)
    of_factors = _posterior(-np.square(_STEPS) / 2, logits * factors, *counts)
    mean, std = np.array([_SLOPE, _OFFSET]).T
    center, spread = mean, std
    for _ in range(2):  # the second grid is finer: it lies around the mean of the first one
        grid = center + spread * _GRID
        slopes, offsets = np.exp(grid[:, 0]), grid[:, 1]
        prior = -np.square((grid - mean) / std).sum(axis=1) / 2
        weights = _posterior(prior, logits * slopes + offsets, *counts)
        center = weights @ grid
        spread = np.maximum(np.sqrt(weights @ np.square(grid - center)), spread * (_STEPS[1] - _STEPS[0]))
    return Calibration(float(np.exp(of_factors @ np.log(factors))), slopes, offsets, weights)


def _posterior(
    prior: NDArray[np.float64], logits: NDArray[np.float64], yes: NDArray[np.int64], no: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the probabilities (k,) of k calibrations, whose prior's logarithm is given.

    `logits` (m, k) are those that each calibration makes of m values, which so many labels `yes` and `no` (m,) have.
    """
    losses = yes @ np.logaddexp(0, -logits) + no @ np.logaddexp(0, logits)
    evidence = prior - LABEL_WEIGHT * losses
    weights = np.exp(evidence - evidence.max())
    return weights / weights.sum()


PRIOR = calibrate(np.empty(0, dtype=bool), np.empty(0))
"""The calibration of a concept without labels."""
