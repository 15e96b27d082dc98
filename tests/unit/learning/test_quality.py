"""Quality by cross-validation and by random labels, suspicion and diversity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import beta
from sklearn.metrics import average_precision_score

from tests.unit.learning.clouds import cloud
from va_widgets.learning.classifier import Classifier
from va_widgets.learning.quality import at_random, cross_validated, diversity, suspicion
from va_widgets.learning.statistics import CorpusStatistics


def test_quality_is_said_only_with_enough_labels() -> None:
    X, y, direction = cloud()
    few = np.concatenate([np.flatnonzero(y)[:3], np.flatnonzero(~y)[:9]])
    checked = cross_validated(X[few], y[few], Classifier(direction))
    assert checked is not None
    assert (checked.quality, checked.logits) == (None, None)
    assert checked.note == "too few labels yet: 2 more yes needed"
    checked = cross_validated(X, y, Classifier(direction))
    assert checked is not None
    quality = checked.quality
    assert quality is not None
    assert checked.note == ""
    assert 0.9 < quality.low <= quality.ap <= quality.high <= 1
    assert "5-fold cross-validation, 3 times, on the 200 clips" in quality.method


def test_quality_is_scikit_learns_average_precision_and_its_interval_a_bootstraps() -> None:
    X, y, direction = cloud(120)
    y = y ^ (np.random.default_rng(0).random(120) < 0.2)
    checked = cross_validated(X, y, Classifier(direction))
    assert checked is not None
    assert checked.quality is not None
    assert checked.logits is not None
    quality, logits = checked.quality, checked.logits
    assert quality.ap == pytest.approx(average_precision_score(y, logits))
    rng = np.random.default_rng(0)
    yes, no = np.flatnonzero(y), np.flatnonzero(~y)
    resamples = [np.concatenate([rng.choice(yes, len(yes)), rng.choice(no, len(no))]) for _ in range(500)]
    low, high = np.percentile([average_precision_score(y[rows], logits[rows]) for rows in resamples], (5, 95))
    assert quality.low == pytest.approx(low, abs=0.02)
    assert quality.high == pytest.approx(high, abs=0.02)


class Recorder(Classifier):
    """Notes which labels each fit of a cross-validation leaves out."""

    def held_out(self, X: Any, y: Any, left_out: NDArray[np.bool_], *more: Any) -> Any:
        self.left_out = left_out
        return super().held_out(X, y, left_out, *more)


@pytest.mark.parametrize(
    ("groups", "together", "said"),
    [
        (np.arange(200) // 5, True, ", those of one camera in one fold"),
        (np.arange(200), False, "chosen to be labelled"),
        (np.arange(200) % 4, False, ", in folds over clips, because yes or no come from fewer than 5 cameras"),
        (None, False, "chosen to be labelled"),
    ],
)
def test_folds_keep_groups_together_where_there_are_enough(
    groups: NDArray[np.int64] | None, together: bool, said: str
) -> None:
    X, y, direction = cloud()
    classifier = Recorder(direction)
    checked = cross_validated(X, y, classifier, groups=groups, group="camera")
    assert checked is not None
    assert checked.quality is not None
    assert checked.quality.method.endswith(said)
    left_out = classifier.left_out
    assert left_out.shape == (15, 200)
    for repeat in range(3):
        assert (left_out[5 * repeat : 5 * repeat + 5].sum(axis=0) == 1).all()
    if groups is not None:
        split = [len({tuple(column) for column in left_out[:, groups == group].T}) > 1 for group in np.unique(groups)]
        assert any(split) is not (together or len(np.unique(groups)) == 200)


def test_clips_of_a_video_that_are_alike_do_not_make_the_quality_better() -> None:
    """Labels that only tell one video from another say nothing about the next one."""
    rng = np.random.default_rng(0)
    videos = np.arange(120) // 6
    y = np.repeat(rng.permutation(20) < 8, 6)
    X = np.repeat(rng.normal(size=(20, 64)), 6, axis=0) + 0.1 * rng.normal(size=(120, 64))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    over_clips, over_videos = (cross_validated(X, y, Classifier(), groups=groups) for groups in (None, videos))
    assert over_clips is not None
    assert over_videos is not None
    assert over_clips.quality is not None
    assert over_videos.quality is not None
    assert over_clips.quality.ap > 0.95
    assert over_videos.quality.ap < 0.7


def test_many_labels_are_not_cross_validated_three_times() -> None:
    X, y, direction = cloud(500)
    classifier = Recorder(direction)
    checked = cross_validated(X, y, classifier)
    assert checked is not None
    assert checked.quality is not None
    assert checked.quality.method == "5-fold cross-validation on the 500 clips that were chosen to be labelled"
    assert len(classifier.left_out) == 5


def test_a_cross_validation_that_is_not_wanted_any_more_ends() -> None:
    X, y, _ = cloud()
    answers = iter([False, False, False, True])
    assert cross_validated(X, y, Classifier(), stopped=lambda: next(answers)) is None
    assert not list(answers)


def test_folds_that_are_fitted_together_are_what_each_alone_would_be() -> None:
    X, y, direction = cloud(160, dim=24)
    y = y ^ (np.random.default_rng(1).random(160) < 0.15)
    left_out = np.arange(160) % 4 == np.arange(4)[:, None]
    left_out[0, :60] |= ~y[:60]  # one of the fits sees other yes and no than the others: the text's weight follows them
    for statistics in (None, CorpusStatistics.of(X[:100])):
        classifier = Classifier(direction, statistics)
        together = classifier.held_out(X, y, left_out)
        assert together is not None
        for out, logits in zip(left_out, together, strict=True):
            alone = Classifier(direction, statistics).fit(X, y, sample_weight=(~out).astype(float))
            np.testing.assert_allclose(logits[out], alone.decision_function(X[out]), atol=0.02)
            assert not logits[~out].any()


def test_labels_drawn_at_random_give_a_quality_of_their_own_when_there_are_enough() -> None:
    y = np.arange(40) % 4 == 0
    said = np.where(y, 0.9, 0.1)
    drawn = np.arange(40) < 20
    quality = at_random(y, said, drawn)
    assert quality is not None
    assert quality.ap == quality.high == 1.0
    assert 0.5 < quality.low < 0.8  # five of five: nobody knows how the sixth would be ranked
    assert "20 labelled clips that were drawn at random" in quality.method
    assert at_random(y, said, np.arange(40) < 10) is None


def test_the_interval_of_random_labels_is_that_of_a_share_of_their_positives() -> None:
    rng = np.random.default_rng(0)
    y = rng.random(400) < 0.1
    said = rng.normal(loc=np.where(y, 2.0, 0.0))
    quality = at_random(y, said, np.ones(400, dtype=bool))
    assert quality is not None
    assert quality.ap == pytest.approx(average_precision_score(y, said))
    k = int(y.sum())
    edges = beta.ppf(np.array([0.05, 0.95]), k * quality.ap + 0.5, k * (1 - quality.ap) + 0.5)
    np.testing.assert_allclose((quality.low, quality.high), edges, rtol=1e-6)


def test_a_wrong_label_is_the_most_suspicious() -> None:
    X, y, direction = cloud(300)
    wrong = int(np.argmax(X @ direction))
    given_labels = y.copy()
    given_labels[wrong] = False
    checked = cross_validated(X, given_labels, Classifier(direction))
    assert checked is not None
    assert checked.logits is not None
    assert int(np.argmax(suspicion(given_labels, expit(checked.logits)))) == wrong


@pytest.mark.parametrize(
    ("yes", "no", "expected"),
    [
        ([], [], 0.0),
        ([0] * 10, [], 1 / 20),  # one cluster of ten fully covered by yes
        (list(range(10)) * 10, list(range(10)) * 10, 1.0),
    ],
)
def test_diversity_by_video_annotator_s_definition(yes: list[int], no: list[int], expected: float) -> None:
    assert diversity(np.array(yes, dtype=int), np.array(no, dtype=int)) == pytest.approx(expected)
