"""How much of a clip's logit its nearest clips make up, learned from a concept's labels.

Where embeddings differ between similar clips by chance, the mean of the neighbours is the better guess, and where they
differ by what the concept is about, the clip's own logit is. Labels tell which: those of clips whose logits differ from
their neighbours'.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

_MOST_LABELS = 200  # that the share is learned from
# Chosen on the development halves of the pools of benchmarks/neighbours.py.
_SHARES = np.arange(7) / 10
_EXPECTED_SHARE = (0.1, 0.3)  # mean and standard deviation of a normal distribution, of which _SHARES is a part
_EVIDENCE_WEIGHT = 3.0
# Mean and standard deviation of the slope and of the offset that calibrate logits, as in `calibration`.
_MEAN, _STD = np.array([1.9, 0.4]), np.array([0.7, 1.3])
_STEPS = 12  # of Newton's method, each of one standard deviation at most


def choose_share(y: NDArray[np.bool_], logits: NDArray[np.floating[Any]], means: NDArray[np.floating[Any]]) -> float:
    """Return the share of their neighbours' mean in clips' logits, 0 to 0.6, by the labels of some clips.

    It is the mean of the shares tried, each weighted by its prior probability and by the evidence for it: how probable
    the labels are with P(yes) = expit(slope * logit + offset), by Laplace's approximation over slope and offset.

    Parameters
    ----------
    y : bool (n,)
        Labels, with n = 0 where there are none.
    logits : float (n,)
        Those of the labelled clips, by a classifier that does not know their labels.
    means : float (n,)
        The mean logits of these clips' neighbours, by the same classifier.
    """
    mean, std = _EXPECTED_SHARE
    log_weights = _EVIDENCE_WEIGHT * _evidence(y, logits, means) - np.square((_SHARES - mean) / std) / 2
    weights = np.exp(log_weights - log_weights.max())
    return round(float(weights @ _SHARES / weights.sum()), 2)


def labels_used(number: int) -> NDArray[np.int64]:
    """Return which of so many labels a share is learned from, int64 (k,): 200 at most, spread over all of them."""
    return np.linspace(0, number - 1, min(number, _MOST_LABELS)).round().astype(np.int64)


def _evidence(
    y: NDArray[np.bool_], logits: NDArray[np.floating[Any]], means: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Return the logarithm of the labels' probability with each share, float64 (k,), up to a constant."""
    smoothed = logits + _SHARES[:, None] * (means - logits)
    features = np.stack([smoothed, np.ones_like(smoothed)], axis=2).astype(np.float64)  # (k, n, 2)
    signed = features * np.where(y, 1.0, -1.0)[:, None]
    points = np.tile(_MEAN, (len(_SHARES), 1))
    for _ in range(_STEPS):
        wrong = expit(-np.einsum("knd,kd->kn", signed, points))
        slopes = np.einsum("knd,kn->kd", signed, wrong) - (points - _MEAN) / _STD**2
        steps = np.linalg.solve(_curvature(features, wrong), slopes[:, :, None])[:, :, 0]
        points = points + np.clip(steps, -_STD, _STD)
    margins = np.einsum("knd,kd->kn", signed, points)
    prior = np.square((points - _MEAN) / _STD).sum(axis=1) / 2
    log_volume = np.linalg.slogdet(_curvature(features, expit(-margins)))[1] / 2
    result: NDArray[np.float64] = -np.logaddexp(0, -margins).sum(axis=1) - prior - log_volume
    return result


def _curvature(features: NDArray[np.float64], wrong: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the second derivatives of the loss and the prior, float64 (k, 2, 2)."""
    weighted = features * (wrong * (1 - wrong))[:, :, None]
    return np.matmul(weighted.transpose(0, 2, 1), features) + np.diag(_STD**-2.0)
