"""Precision, recall and prevalence of a model in a corpus from the labels of a stratified sample, with intervals.

Within a stratum the labels are a simple random sample, so that a Beta distribution describes what they say of the share
of yes in it. As in the exact interval of Clopper and Pearson, the lower and the upper end have distributions of their
own, which are combined over the strata by Monte Carlo ("melding": Fay, Proschan and Brittain, "Combining one-sample
confidence procedures for inference in the two-sample case", Biometrics 2015): precision and recall rise with every
share above the threshold, and recall falls with every share below it. The end that lies away from the nearer of 0 and 1
is taken a little less strictly, since the exact interval is too wide where several strata hold no yes at all.
`benchmarks/monitor.py` measures the coverage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LEVEL = 0.95
_DRAWS = 4000
# Of an observation, by which the far end is less strict than Clopper and Pearson's, above and below the threshold:
# chosen by benchmarks/monitor.py, so that each concept's coverage holds.
_RELAXED = (0.25, 0.5)


class Interval(NamedTuple):
    """A share, 0 to 1, with its 95 % interval; the value is NaN where there is nothing to divide by."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f}–{self.high:.2f})"


@dataclass(frozen=True)
class Estimate:
    """How good a model is in a corpus.

    Attributes
    ----------
    precision : Interval
        Of the clips at or above the threshold, the share that shows the concept.
    recall : Interval
        Of the clips that show the concept, the share at or above the threshold.
    prevalence : Interval
        The share of all clips that shows the concept.
    labels, yes : int
        How many labels of the sample that is known from, and how many of them are yes.
    method : str
        How it was estimated.
    """

    precision: Interval
    recall: Interval
    prevalence: Interval
    labels: int
    yes: int
    method: str

    def __str__(self) -> str:
        figures = ", ".join(f"{name} {getattr(self, name)}" for name in ("precision", "recall", "prevalence"))
        return f"{figures}: {self.method}"

    def __repr__(self) -> str:
        return f"Estimate({self})"

    def table(self) -> pd.DataFrame:
        """Return DataFrame(value, low, high), indexed by "precision", "recall" and "prevalence"."""
        names = ["precision", "recall", "prevalence"]
        return pd.DataFrame([getattr(self, name) for name in names], index=names, columns=["value", "low", "high"])


def intervals(
    sizes: NDArray[np.integer[Any]],
    labels: NDArray[np.integer[Any]],
    yes: NDArray[np.integer[Any]],
    above: NDArray[np.bool_],
    seed: int = 0,
    draws: int = _DRAWS,
) -> tuple[Interval, Interval, Interval]:
    """Return precision, recall and prevalence.

    Parameters
    ----------
    sizes, labels, yes : int (k,)
        How many clips each stratum has, how many of them are labelled, and how many of these yes.
    above : bool (k,)
        Whether a stratum's clips are at the threshold or above.
    """
    rng = np.random.default_rng(seed)
    low, high = _totals(sizes, labels, yes, np.where(above, *_RELAXED), rng, draws)
    found_low, found_high = low[:, above].sum(axis=1), high[:, above].sum(axis=1)
    missed_low, missed_high = low[:, ~above].sum(axis=1), high[:, ~above].sum(axis=1)
    expected = sizes * yes / np.maximum(labels, 1)
    found, missed, predicted = expected[above].sum(), expected[~above].sum(), max(int(sizes[above].sum()), 1)
    known = bool((labels > 0).all())
    tail = (1 - LEVEL) / 2

    def interval(value: float, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> Interval:
        ends = float(np.quantile(lower, tail)), float(np.quantile(upper, 1 - tail))
        value = float(np.clip(value, *ends)) if known else float("nan")
        return Interval(value, *ends)

    nothing = Interval(float("nan"), 0.0, 1.0)
    precision = interval(found / predicted, found_low / predicted, found_high / predicted) if above.any() else nothing
    recall = interval(
        found / (found + missed) if found + missed else float("nan"),
        found_low / np.maximum(found_low + missed_high, 1),
        np.where(found_high + missed_low > 0, found_high / np.maximum(found_high + missed_low, 1), 1.0),
    )
    total = int(sizes.sum())
    prevalence = interval(
        (found + missed) / total, (found_low + missed_low) / total, (found_high + missed_high) / total
    )
    return precision, recall, prevalence


def _totals(
    sizes: NDArray[np.integer[Any]],
    labels: NDArray[np.integer[Any]],
    yes: NDArray[np.integer[Any]],
    relaxed: NDArray[np.float64],
    rng: np.random.Generator,
    draws: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the numbers of yes in the strata, float64 (draws, k): for lower ends, and for upper ends."""
    no = labels - yes
    rare = yes <= no
    strict_low, strict_high = np.where(rare, 0.0, relaxed), np.where(rare, relaxed, 0.0)
    low = (yes + strict_low, no + 1 - strict_low), (yes == 0) & rare, 0.0
    high = (yes + 1 - strict_high, no + strict_high), (no == 0) & (~rare | (labels == 0)), 1.0

    def drawn(
        parameters: tuple[NDArray[Any], NDArray[Any]], certain: NDArray[np.bool_], share: float
    ) -> NDArray[np.float64]:
        a, b = (np.maximum(parameter, 1e-9) for parameter in parameters)
        shares = np.where(certain, share, rng.beta(a, b, (draws, len(sizes))))
        totals: NDArray[np.float64] = (yes + rng.binomial(sizes - labels, shares)).astype(np.float64)
        return totals

    return drawn(*low), drawn(*high)
