"""Estimates for the whole corpus from chosen labels: average precision, the number of positives, and both intervals.

Labels are chosen by the annotator and the feeds, mostly where they improve the classifier most, so that measures of the
labelled clips are not those of the corpus. But how likely a clip is a yes depends on its score, however the clip was
chosen. So each clip that is not labelled counts by its calibrated P(yes), and a labelled one by its label, which may be
wrong. The intervals follow from the uncertainty of the calibration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from va_widgets.learning.calibration import LABEL_WEIGHT, Calibration, right_labels
from va_widgets.learning.quality import Quality
from va_widgets.learning.score_index import ScoreIndex

_DRAWS = 400
_BINS_A_LOGIT = 16
# A slope and an offset do not describe every concept exactly. With that, 95 % of the draws hold the truth in about 90 %
# of concepts (benchmarks/corpus_quality.py), and this is what is called a 90 % interval.
_PERCENTILES = (2.5, 50, 97.5)
_SHARP = 0.2  # the width of an interval from which on more random labels are not worth a page
_LEAST_VARIANCE = 1e-6  # of drawn slopes and offsets, which are all the same once there are very many labels
_PAGES = range(10, 201, 10)  # how many random labels are considered


@dataclass(frozen=True)
class Positives:
    """How many clips of the corpus are a yes, with a 90 % interval, and how that was estimated."""

    estimate: int
    low: int
    high: int
    method: str = ""


@dataclass(frozen=True)
class Threshold:
    """A logit, not calibrated, from which on clips are a yes; the precision to expect, with a 90 % interval; recall."""

    logit: float
    precision: float
    low: float
    high: float
    recall: float

    def exactly(self) -> str:
        """Return what to expect in the terms of statistics."""
        interval = f"({self.low:.2f}–{self.high:.2f})"
        return f"precision {self.precision:.2f} {interval} at recall {self.recall:.2f}, estimated for all clips"

    def plainly(self) -> str:
        """Return the same in words for somebody who knows no statistics."""
        right, missing = round(100 * self.precision), round(100 * (1 - self.recall))
        return f"About {right} % of them should be right, and about {missing} % of all there are may be missing."


@dataclass(frozen=True)
class CorpusEstimate:
    """What is known of a classifier on the whole corpus.

    `random_labels` is how many labels of random clips would make the quality's interval narrow, None where it is narrow
    already or 200 would not.
    """

    quality: Quality
    positives: Positives
    random_labels: int | None


def estimate_corpus(
    index: ScoreIndex,
    rows: NDArray[np.int64],
    y: NDArray[np.bool_],
    calibration: Calibration,
    seed: int = 0,
    inherited: int = 0,
) -> CorpusEstimate:
    """Estimate a classifier's average precision over all clips, and how many of them are a yes.

    Parameters
    ----------
    index : ScoreIndex
        The classifier's logits of all n clips, not calibrated.
    rows : int64 (m,), y : bool (m,)
        The labelled rows and whether each is a yes, which is mostly right; the others are drawn by their P(yes).
    calibration : Calibration
        Learned from those labels, and from so many `inherited` ones of other corpora.
    """
    rng = np.random.default_rng([seed, len(rows)])
    logits, (counts, labelled, yes) = _histograms(index, rows, y)
    slopes, offsets, wrong = calibration.draw(_DRAWS, rng)
    probabilities = expit(slopes[:, None] * logits + offsets[:, None])
    hits = rng.binomial(counts - labelled, probabilities)
    for number, value in ((yes, True), (labelled - yes, False)):
        some = np.flatnonzero(number)
        hits[:, some] += rng.binomial(number[some], right_labels(probabilities[:, some], value, wrong[:, None]))
    aps = _average_precision(hits, counts)
    low, ap, high = np.percentile(aps, _PERCENTILES)
    fewest, estimate, most = (round(float(number)) for number in np.percentile(hits.sum(axis=1), _PERCENTILES))
    number = len(rows) + inherited
    method = f"estimated for all {len(index.logits):,} clips by their scores, which {number:,} labels calibrate"
    return CorpusEstimate(
        Quality(float(ap), float(low), float(high), method),
        Positives(estimate, fewest, most, method),
        _random_labels(aps, np.column_stack([np.log(slopes), offsets]), high - low, logits, counts),
    )


def _histograms(
    index: ScoreIndex, rows: NDArray[np.int64], y: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return logits, float64 (k,), best first, and how many clips, labels and yes have each, int64 (3, k).

    Logits that round to the same 16th are one, so that there are some two hundred of them however large the corpus.
    """
    logits, counts = index.histogram()
    parts = np.stack([counts, index.histogram_of(rows), index.histogram_of(rows[y])])
    starts = np.flatnonzero(np.diff(np.round(logits * _BINS_A_LOGIT), prepend=np.inf))
    merged = np.add.reduceat(parts, starts, axis=1)
    return np.add.reduceat(logits * counts, starts) / merged[0], merged


def best_threshold(index: ScoreIndex, calibration: Calibration, seed: int = 0) -> Threshold:
    """Return the logit from which on clips, taken as a yes, are expected to have the best F1.

    All clips count by their P(yes), as in `threshold_for`.
    """
    logits, counts, expected = _expected_positives(index, calibration, seed)
    mean = expected.mean(axis=0)
    return _threshold(logits, counts, expected, int(np.argmax(2 * mean / (np.cumsum(counts) + mean[-1]))))


def threshold_for(index: ScoreIndex, calibration: Calibration, precision: float, seed: int = 0) -> Threshold:
    """Return the lowest logit from which on clips are expected to be a yes with a given precision, 0 to 1.

    All clips count by their P(yes), also those that are labelled: a threshold is meant for other clips. Where that
    precision is not expected of any threshold it is the one that comes nearest.
    """
    logits, counts, expected = _expected_positives(index, calibration, seed)
    mean = (expected / np.cumsum(counts)).mean(axis=0)
    enough = np.flatnonzero(mean >= precision)
    return _threshold(logits, counts, expected, int(enough[-1] if len(enough) else np.argmax(mean)))


def _expected_positives(
    index: ScoreIndex, calibration: Calibration, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return logits, float64 (k,), best first; how many clips have each, int64 (k,); and positives, float64 (400, k).

    These are the numbers expected of the clips up to each logit, by each of 400 draws of the calibration.
    """
    logits, (counts, *_) = _histograms(index, np.empty(0, dtype=np.int64), np.empty(0, dtype=bool))
    slopes, offsets, _ = calibration.draw(_DRAWS, np.random.default_rng(seed))
    expected = np.cumsum(counts * expit(slopes[:, None] * logits + offsets[:, None]), axis=1)
    return logits, counts, expected


def _threshold(
    logits: NDArray[np.float64], counts: NDArray[np.int64], expected: NDArray[np.float64], last: int
) -> Threshold:
    """Return the threshold that takes the clips up to the logit at position `last` of `_expected_positives`."""
    precisions = expected[:, last] / counts[: last + 1].sum()
    low, high = np.percentile(precisions, (_PERCENTILES[0], _PERCENTILES[-1]))
    recall = float((expected[:, last] / expected[:, -1]).mean())
    below = logits[last + 1] if last + 1 < len(logits) else logits[last] - 1.0
    return Threshold(float((logits[last] + below) / 2), float(precisions.mean()), float(low), float(high), recall)


def _average_precision(hits: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the average precision, float64 (k,), with so many positives (k, m) among so many clips (m,), best first.

    Positives are spread evenly over the clips of a bin.
    """
    positives, clips = np.cumsum(hits, axis=1), np.cumsum(counts)
    precision = (positives - hits + (hits + 1) / 2) / (clips - counts + (counts + 1) / 2)
    averages: NDArray[np.float64] = (hits * precision).sum(axis=1) / np.maximum(positives[:, -1], 1)
    return averages


def _random_labels(
    aps: NDArray[np.float64],
    calibrations: NDArray[np.float64],
    width: float,
    logits: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> int | None:
    """Return how many labels of random clips would make an interval of that width narrow; None as in CorpusEstimate.

    By linear error propagation: average precisions (k,) follow the drawn logarithms of slopes and offsets (k, 2), to
    whose precision each random label adds its Fisher information. `logits` and `counts` (m,) are the histogram of the
    corpus.
    """
    if width <= _SHARP:
        return None
    center = calibrations.mean(axis=0)
    away = calibrations - center
    gradient = np.linalg.lstsq(away, aps - aps.mean(), rcond=None)[0]
    noise = float(np.var(aps - aps.mean() - away @ gradient))
    scaled = np.exp(center[0]) * logits
    probabilities = expit(scaled + center[1])
    slopes = np.column_stack([scaled, np.ones(len(logits))])
    shares = counts * probabilities * (1 - probabilities) / counts.sum()
    information = LABEL_WEIGHT * slopes.T @ (shares[:, None] * slopes)
    precision = np.linalg.inv(np.cov(away.T) + _LEAST_VARIANCE * np.eye(2))
    now = gradient @ np.linalg.solve(precision, gradient) + noise
    for number in _PAGES:
        then = gradient @ np.linalg.solve(precision + number * information, gradient) + noise
        if width * np.sqrt(then / now) <= _SHARP:
            return number
    return None
