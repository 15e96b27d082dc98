"""How clips are spread over the values of a column: histograms of numbers, and the most frequent values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.catalogue.query.kept import kept
from va_widgets.corpus import Corpus

BINS = 60
_NOT_COUNTED = ("start", "end", "frame_in", "frame_out", "fps", "width", "height")  # of the corpus's own


@dataclass(frozen=True)
class Histogram:
    """How many clips have values in bins of the same width from `low` to `high`; `matching` of those that match."""

    low: float
    high: float
    all: NDArray[np.int64]
    matching: NDArray[np.int64]


@dataclass(frozen=True)
class Values:
    """The values of a column by clip: `codes` (n,) are indices of `texts`, the values as text; missing ones are ""."""

    codes: NDArray[np.int64]
    texts: list[str]

    def among(self, chosen: list[str]) -> NDArray[np.bool_]:
        """Return the clips that have one of some values, bool (n,)."""
        wanted = np.isin(np.array(self.texts, dtype=object), chosen)
        among: NDArray[np.bool_] = wanted[self.codes]
        return among

    def most_frequent(self, matches: NDArray[np.bool_], number: int) -> tuple[list[tuple[str, int]], int]:
        """Return the most frequent values of matching clips with their numbers, and how many clips have others."""
        counts = np.bincount(self.codes[matches], minlength=len(self.texts))
        best = np.argsort(-counts, kind="stable")[:number]
        shown = [(self.texts[code], int(counts[code])) for code in best if counts[code]]
        return shown, int(counts.sum()) - sum(clips for _, clips in shown)


def histogram(values: NDArray[Any], matches: NDArray[np.bool_], *, is_probability: bool) -> Histogram | None:
    """Return the histogram of numbers (n,), from 0 to 1 for probabilities; None where there is no finite one."""
    finite = np.isfinite(values)
    known, matching = values[finite], matches[finite]
    if not len(known):
        return None
    low, high = (0.0, 1.0) if is_probability else (float(known.min()), float(known.max()))
    if high <= low:
        high = low + 1.0
    bins = np.clip((known - low) * (BINS / (high - low)), 0, BINS - 1).astype(np.intp)
    return Histogram(low, high, np.bincount(bins, minlength=BINS), np.bincount(bins[matching], minlength=BINS))


def countable(corpus: Corpus) -> list[str]:
    """Return the columns of a corpus by whose values clips can be counted: no measured numbers and no times."""
    clips = corpus.clips
    names = [name for name in clips.columns if isinstance(name, str) and name not in _NOT_COUNTED]
    return [name for name in names if not _is_measured(clips[name].dtype)]


def values_of(corpus: Corpus, column: str) -> Values:
    """Return the values of a column as codes. Raises KeyError if there is no such column."""
    values: Values = kept(corpus, ("values", column), lambda: _values(corpus.clips[column]))
    return values


def _values(series: pd.Series) -> Values:
    try:
        codes, values = pd.factorize(series, use_na_sentinel=False)
    except TypeError:  # lists, for example
        codes, values = pd.factorize(series.astype(str))
    texts = ["" if pd.isna(value) else str(value) for value in values]
    return Values(codes.astype(np.int64), texts)


def _is_measured(dtype: Any) -> bool:
    return pd.api.types.is_float_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype)
