"""How far annotators agree: raw agreement, and measures that allow for agreement by chance, with intervals.

All of them are computed from clips that two or more annotators have labelled. In the formulas r is how many annotators
have labelled a clip, r_q how many gave it the value q, π_q the mean of r_q / r over the clips, and Q how many values
there are. "Agreement" is the share of pairs of labels of a clip that are equal, averaged over the clips:
p = mean of Σ_q r_q (r_q - 1) / (r (r - 1)).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MISSING = -1
RESAMPLES = 1000
_LEVEL = 0.95
_MOST_CELLS = 4_000_000  # of the weights that are held at once


class Estimate(NamedTuple):
    """A measure and its 95 % interval by bootstrap; NaN where it is not defined."""

    value: float
    low: float
    high: float


def estimates(
    codes: NDArray[np.int8], values: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Estimate]:
    """Return how far annotators agree: "unanimous", "raw", "fleiss", "krippendorff", "gwet", of two also "cohen".

    - unanimous: the share of clips whose labels are all equal, which Video Annotator reports (arXiv 2402.06560).
    - raw: p as above.
    - fleiss: Fleiss' kappa (p - e) / (1 - e) with e = Σ π_q² (Fleiss 1971, Psychological Bulletin 76), for any number
      of labels a clip as in Gwet, Handbook of Inter-Rater Reliability (2014).
    - krippendorff: Krippendorff's alpha for nominal values, 1 - D_o / D_e (Krippendorff 2011, Computing Krippendorff's
      Alpha-Reliability), where with N labels in all, N_q of them of the value q,
      D_o = Σ over clips of Σ_q r_q (r - r_q) / (r - 1) / N and D_e = (N² - Σ N_q²) / (N (N - 1)).
    - gwet: Gwet's AC1 (p - e) / (1 - e) with e = Σ π_q (1 - π_q) / (Q - 1) (Gwet 2008, British Journal of Mathematical
      and Statistical Psychology 61).
    - cohen: Cohen's kappa (p - e) / (1 - e) of two annotators with e = Σ π_q of the one × π_q of the other (Cohen 1960,
      Educational and Psychological Measurement 20).

    Parameters
    ----------
    codes : int8 (clips, annotators)
        The value that each annotator gave each clip, 0 to `values` - 1, or MISSING.
    values : int
        How many values there are, at least two.
    resamples : int
        Bootstrap samples of the clips, as many clips each. The interval is that of their percentiles; samples in which
        a measure is not defined, because all labels are equal, are left out of it, and where that are more than half
        there is none.
    seed : int
    """
    codes = codes[np.count_nonzero(codes != MISSING, axis=1) > 1]
    # Clips with the same labels are the same to all measures, so that the bootstrap draws among the few patterns.
    patterns, counts = np.unique(codes, axis=0, return_counts=True)
    if not len(patterns):
        nothing = Estimate(np.nan, np.nan, np.nan)
        return dict.fromkeys(_measures(patterns, np.zeros((1, 0)), values), nothing)
    found = {name: float(value[0]) for name, value in _measures(patterns, counts[None].astype(float), values).items()}
    rng = np.random.default_rng(seed)
    shares = counts / counts.sum()
    rows = max(1, _MOST_CELLS // len(patterns))
    parts = [
        _measures(patterns, rng.multinomial(counts.sum(), shares, size=min(rows, resamples - start)), values)
        for start in range(0, resamples, rows)
    ]
    return {name: _interval(value, np.concatenate([part[name] for part in parts])) for name, value in found.items()}


def _measures(
    patterns: NDArray[np.int8], weights: NDArray[np.float64] | NDArray[np.int64], values: int
) -> dict[str, NDArray[np.float64]]:
    """Return every measure, (samples,), of samples that hold each pattern as often as `weights` (samples, patterns)."""
    votes = (patterns[:, :, None] == np.arange(values)).sum(axis=1).astype(float)  # r_q, (patterns, values)
    labels = votes.sum(axis=1)  # r
    with np.errstate(divide="ignore", invalid="ignore"):
        total = weights.sum(axis=1)
        raw = weights @ ((votes * (votes - 1)).sum(axis=1) / (labels * (labels - 1))) / total
        shares = weights @ (votes / labels[:, None]) / total[:, None]  # π_q
        all_labels = weights @ labels  # N
        observed = weights @ ((votes * (labels[:, None] - votes)).sum(axis=1) / (labels - 1)) / all_labels
        expected = (all_labels**2 - ((weights @ votes) ** 2).sum(axis=1)) / (all_labels * (all_labels - 1))
        measures = {
            "unanimous": weights @ (votes.max(axis=1, initial=0) == labels).astype(float) / total,
            "raw": raw,
            "fleiss": _beyond_chance(raw, (shares**2).sum(axis=1)),
            "krippendorff": 1 - observed / expected,
            "gwet": _beyond_chance(raw, (shares * (1 - shares)).sum(axis=1) / (values - 1)),
        }
        if patterns.shape[1] == 2:
            first, second = ((patterns[:, [who]] == np.arange(values)).astype(float) for who in (0, 1))
            chance = ((weights @ first) * (weights @ second)).sum(axis=1) / total**2
            measures["cohen"] = _beyond_chance(raw, chance)
    return measures


def _beyond_chance(agreement: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return which part of the agreement that chance does not explain there is; NaN where chance explains all."""
    return np.where(chance < 1, (agreement - chance) / (1 - chance), np.nan)


def _interval(value: float, samples: NDArray[np.float64]) -> Estimate:
    defined = samples[np.isfinite(samples)]
    if 2 * len(defined) < len(samples) or not len(defined) or not np.isfinite(value):
        return Estimate(value if np.isfinite(value) else np.nan, np.nan, np.nan)
    low, high = np.quantile(defined, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Estimate(value, float(low), float(high))
