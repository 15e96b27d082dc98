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

from va_widgets.base.threads import one_blas_thread

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
_WRONG = ((0.0, 0.5), (0.05, 0.25), (0.1, 0.15), (0.2, 0.1))
# If labels are wrong, every yes may be, as where a text misleads. The classifier then has learned nothing, and any clip
# is a yes with the same small probability: the prior probability of this, the logarithm of that slope, and the mean and
# standard deviation of the offset.
_NOTHING_LEARNED = 0.2
_FLAT = -3.0
_FLAT_OFFSET = (-4.0, 1.5)
_MOST_LOG_ODDS = 700.0  # e to the power of which is a number
_IN_CACHE = 1 << 14  # numbers computed at a time, few enough to stay in the processor's cache
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
    alike = [np.unique(np.round(held_out[y == value] * _ROUNDED), return_counts=True) for value in (True, False)]
    rounded, numbers = (np.concatenate(parts) for parts in zip(*alike, strict=True))
    signs = np.repeat((1.0, -1.0), [len(values) for values, _ in alike])
    with one_blas_thread():
        return _calibration(np.column_stack([signs * rounded / _ROUNDED, signs]), numbers.astype(np.float64))


def _calibration(signed: NDArray[np.float64], numbers: NDArray[np.float64]) -> Calibration:
    """Return the calibration by labels, so many of which, `numbers` (m,), are alike.

    `signed` (m, 2) has a label's logit and 1, both negative where the label is a no.
    """
    log_factors = _FACTOR[0] + _FACTOR[1] * _STEPS
    mean, std = np.array([_SLOPE, _OFFSET]).T
    rough = mean + std * _GRID
    shares, priors = np.array(_WRONG).T
    scales = np.column_stack([log_factors, np.zeros(len(_STEPS))])  # slopes without an offset
    of_factors = np.log(priors)[:, None] - np.square(_STEPS) / 2 - _losses(signed, numbers, scales, shares)
    of_rough = -np.square(_GRID).sum(axis=1) / 2 - _losses(signed, numbers, rough, shares)
    doubtful = shares > 0
    grids, evidences = [], []
    for share, prior, evidence in zip(shares, priors * (1 - _NOTHING_LEARNED * doubtful), of_rough, strict=True):
        # The second grid is finer: it lies around the mean of the first one.
        weights = _normalised(evidence)
        center = weights @ rough
        spread = np.maximum(np.sqrt(weights @ np.square(rough - center)), std * (_STEPS[1] - _STEPS[0]))
        grid = center + spread * _GRID
        expected = np.log(prior * np.prod(spread / std)) - np.square((grid - mean) / std).sum(axis=1) / 2
        evidences.append(expected - _losses(signed, numbers, grid, np.array([share]))[0])
        grids.append(grid)
    flat, of_flat = _nothing_learned(signed, numbers, shares[doubtful], priors[doubtful])
    log_slopes, offsets = np.concatenate([*grids, *[flat] * len(of_flat)]).T
    wrong = np.concatenate([np.repeat(shares, len(_GRID)), np.repeat(shares[doubtful], len(flat))])
    factor = np.exp(_normalised(of_factors).sum(axis=0) @ log_factors)
    weights = _normalised(np.concatenate([*evidences, *of_flat]))
    return Calibration(float(factor), np.exp(log_slopes), offsets, wrong, weights)


def _nothing_learned(
    signed: NDArray[np.float64], numbers: NDArray[np.float64], wrong: NDArray[np.float64], priors: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return calibrations, (k, 2), by which scores say next to nothing, and the evidence for each, float64 (w, k).

    `signed` and `numbers` are as in `_calibration`, `wrong` (w,) and `priors` (w,) as in `_WRONG`.
    """
    flat = np.column_stack([np.full(len(_STEPS), _FLAT), _FLAT_OFFSET[0] + _FLAT_OFFSET[1] * _STEPS])
    likely = np.exp(-np.square(_STEPS) / 2)
    # Times its sum, so that this line counts as the grid of _STEPS in two directions does.
    expected = np.log(_NOTHING_LEARNED * priors[:, None] * likely * likely.sum())
    return flat, expected - _losses(signed, numbers, flat, wrong)


def _losses(
    signed: NDArray[np.float64],
    numbers: NDArray[np.float64],
    calibrations: NDArray[np.float64],
    wrong: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the negative logarithms of the probabilities of labels, as far as labels count, float64 (w, k).

    They are those under k calibrations, (k, 2), the logarithm of the slope, and the offset, if one of w shares of the
    labels, `wrong` (w,), says the opposite of what is so. `signed` and `numbers` are as in `_calibration`.
    """
    at_once = max(1, _IN_CACHE // max(1, len(signed)))
    losses = np.empty((len(wrong), len(calibrations)))
    for start in range(0, len(calibrations), at_once):
        some = slice(start, start + at_once)
        log_slopes, offsets = calibrations[some].T
        against = signed @ -np.stack([np.exp(log_slopes), offsets])
        odds = np.exp(np.minimum(against, _MOST_LOG_ODDS))
        for row, share in zip(losses, wrong, strict=True):
            row[some] = numbers @ (-np.log(share + (1 - 2 * share) / (1 + odds)) if share else np.log1p(odds))
    return LABEL_WEIGHT * losses


def _normalised(evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities, whose sum is 1, by their logarithms up to a constant."""
    weights = np.exp(evidence - evidence.max())
    return weights / weights.sum()


PRIOR = _calibration(np.empty((0, 2)), np.empty(0))
"""The calibration of a concept without labels."""
