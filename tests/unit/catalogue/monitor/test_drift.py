"""Drift between a reference and new clips, when the clips of a video resemble each other."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from va_widgets.catalogue.monitor.drift import measure_drift
from va_widgets.models.reference import Reference, embedded, layers, sampled

DIM = 12


def clips(seed: int, videos: int = 40, each: int = 6, shift: float = 0.0) -> Reference:
    """A sample of clips of which those of a video are nearly alike."""
    rng = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(videos), each)
    X = np.repeat(rng.normal(size=(videos, DIM)), each, axis=0) + 0.2 * rng.normal(size=(len(numbers), DIM))
    X[:, 0] += shift
    rows = sampled(numbers, seed)
    scores = 1 / (1 + np.exp(-X[rows, 0]))
    return Reference(scores.astype(np.float32), numbers[rows], X[rows][: embedded(numbers[rows])].astype(np.float16))


def test_a_change_is_found_and_shown() -> None:
    drift = measure_drift(clips(0), clips(1, shift=2.0))
    assert drift.scores_drifted
    assert drift.looks_drifted
    assert drift.separability > 0.8
    assert np.argmax(np.abs(drift.direction)) == 0
    assert drift.table["test"].tolist() == ["score", *(f"look {i}" for i in range(1, 9))]


def test_the_same_clips_have_not_changed() -> None:
    drift = measure_drift(clips(0), clips(0))
    assert not drift.table["drifted"].any()
    assert drift.table["distance"].max() == 0


def test_the_distance_is_that_of_kolmogorov_and_smirnov() -> None:
    before, now = clips(0, each=1), clips(1, each=1, shift=0.5)
    before, now = (Reference(np.round(one.scores, 1), one.videos, one.embeddings) for one in (before, now))  # with ties
    distance = measure_drift(before, now).table["distance"].iloc[0]
    assert distance == pytest.approx(ks_2samp(before.scores, now.scores).statistic, abs=1e-6)


def test_there_are_few_false_alarms_although_clips_of_a_video_are_alike() -> None:
    drifts = [measure_drift(clips(2 * seed, 12, 4), clips(2 * seed + 1, 12, 4)) for seed in range(30)]
    assert sum(drift.scores_drifted or drift.looks_drifted for drift in drifts) <= 4


def test_a_few_videos_decide_nothing() -> None:
    drift = measure_drift(clips(0, videos=2, each=50), clips(1, videos=2, each=50, shift=9.0))
    assert not drift.decidable
    assert not drift.table["drifted"].any()
    assert np.isnan(drift.separability)


def test_many_videos_are_compared_with_few_by_as_many_clips_of_each() -> None:
    many, few = clips(0, videos=300, each=1), clips(1, videos=20, each=8)
    drift = measure_drift(many, few)
    assert drift.videos == (300, 20)
    assert not drift.table["drifted"].any()


@pytest.mark.parametrize(
    ("videos", "most", "expected"),
    [
        ([0] * 30, 100, 8),  # no more than 8 of a video
        ([0, 0, 0, 1, 2], 100, 5),
        ([0, 0, 1, 1, 2, 2], 5, 3),  # a second clip of all videos, or of none
        (list(range(50)), 20, 20),
        ([], 20, 0),
    ],
)
def test_a_sample_takes_clips_of_each_video_in_turn(videos: list[int], most: int, expected: int) -> None:
    numbers: NDArray[np.int64] = np.array(videos, dtype=np.int64)
    rows = sampled(numbers, 3, most)
    assert len(set(rows.tolist())) == len(rows) == expected
    assert (np.diff(layers(numbers[rows])) >= 0).all()
    assert rows.tolist() == sampled(numbers, 3, most).tolist()
