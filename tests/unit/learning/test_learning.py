"""The classifier, the feeds and what is told about them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import beta
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from va_widgets.base import matrix
from va_widgets.learning.classifier import Classifier
from va_widgets.learning.feeds import FEEDS, NEAR_DUPLICATE, feed, reason
from va_widgets.learning.labelling_progress import advice, turnover
from va_widgets.learning.logistic import decision_scores
from va_widgets.learning.quality import at_random, cross_validated, diversity, suspicion
from va_widgets.learning.score_index import ScoreIndex
from va_widgets.learning.statistics import CorpusStatistics


def cloud(n: int = 200, dim: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors, their labels, and the direction that tells them apart."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=dim)
    direction /= np.linalg.norm(direction)
    X = rng.normal(size=(n, dim))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return X, X @ direction > 0.1, direction


def test_without_a_prior_it_is_plain_logistic_regression() -> None:
    X, y, _ = cloud()
    ours = Classifier(C=3.0).fit(X, y)
    standard = X - X.mean(axis=0)
    standard /= np.sqrt(np.square(standard).sum(axis=1).mean())
    theirs = LogisticRegression(C=3.0, tol=1e-8, max_iter=2000).fit(standard, y)
    # scikit-learn leaves the intercept free; ours is held by a wide Gaussian, and stops a little earlier.
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(standard), atol=0.05)


def test_with_no_label_the_prior_ranks() -> None:
    X, y, direction = cloud()
    classifier = Classifier(prior=direction).fit(np.empty((0, 12)), np.empty(0, dtype=bool))
    assert average_precision_score(y, classifier.decision_function(X)) > 0.99


@pytest.mark.parametrize("value", [True, False])
def test_one_class_alone_still_ranks(value: bool) -> None:
    X, y, direction = cloud()
    some = X[y == value][:3]
    classifier = Classifier(prior=direction + 0.3).fit(some, np.full(3, value))
    assert np.isfinite(classifier.decision_function(X)).all()
    assert average_precision_score(y, classifier.decision_function(X)) > y.mean() + 0.2


def test_labels_overrule_a_wrong_prior() -> None:
    X, y, direction = cloud(400)
    classifier = Classifier(prior=-direction).fit(X[:200], y[:200])
    assert average_precision_score(y[200:], classifier.decision_function(X[200:])) > 0.9


def test_it_is_a_scikit_learn_estimator() -> None:
    X, y, direction = cloud()
    classifier = clone(Classifier(prior=direction, C=2.0))
    assert classifier.get_params()["C"] == 2.0
    probabilities = classifier.fit(X, y).predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert ((probabilities[:, 1] > 0.5) == classifier.predict(X)).all()
    assert classifier.score(X, y) > 0.9


@pytest.mark.parametrize(
    ("X", "y", "said"),
    [
        (np.zeros((2, 3)), np.zeros(3), "Embeddings"),
        (np.full((2, 3), np.nan), np.zeros(2), "not finite"),
        (np.zeros((3, 3)), np.array(["a", "b", "c"]), "two classes"),
    ],
)
def test_bad_arrays_are_refused(X: np.ndarray, y: np.ndarray, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Classifier().fit(X, y)


@pytest.mark.parametrize("large", [0, 1 << 30])
def test_scoring_a_half_precision_matrix(large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y, direction = cloud(3000)
    classifier = Classifier(direction, CorpusStatistics.of(X)).fit(X[:50], y[:50])
    monkeypatch.setattr(matrix, "LARGE", large)
    scores = decision_scores(X.astype(np.float16), classifier.coef_, classifier.intercept_)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, classifier.decision_function(X), atol=0.05)


@given(scale=st.floats(0.01, 100), shift=st.floats(-5, 5), length=st.floats(0.01, 100))
def test_nothing_depends_on_the_encoder_s_scale_or_cone_or_the_text_s_length(
    scale: float, shift: float, length: float
) -> None:
    X, y, direction = cloud()
    plain = Classifier(direction, CorpusStatistics.of(X)).fit(X[:30], y[:30])
    other = X * scale + shift
    bent = Classifier(direction * length, CorpusStatistics.of(other)).fit(other[:30], y[:30])
    np.testing.assert_allclose(bent.decision_function(other), plain.decision_function(X), atol=0.05)


def test_a_misleading_text_is_given_up_within_a_page() -> None:
    X, _, direction = cloud(2000, dim=32)
    nearest = np.argsort(-(X @ direction))[:12]
    statistics = CorpusStatistics.of(X)
    believed = Classifier(direction, statistics).fit(X[nearest[:0]], np.empty(0, dtype=bool))
    refuted = Classifier(direction, statistics).fit(X[nearest], np.zeros(12, dtype=bool))
    assert refuted.coef_[0] @ direction < 0.3 * (believed.coef_[0] @ direction)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.ones((6, 8)), np.array([1, 0, 1, 0, 1, 0], dtype=bool)),  # duplicates, contradicting each other
        (np.eye(8)[:1], np.array([True])),
        (np.eye(8)[:1], np.array([False])),
        (np.zeros((3, 8)), np.array([True, True, False])),
        (np.column_stack([np.ones(6), np.eye(6)[:, :7], np.zeros(6)]), np.arange(6) > 2),  # constant columns
    ],
)
@pytest.mark.parametrize("prior", [None, np.ones(8), np.zeros(8)])
def test_odd_labels_give_finite_scores(X: np.ndarray, y: np.ndarray, prior: np.ndarray | None) -> None:
    for statistics in (None, CorpusStatistics.of(np.eye(8)), CorpusStatistics.of(np.ones((20, 8)))):
        classifier = Classifier(prior, statistics).fit(X, y)
        assert np.isfinite(classifier.decision_function(np.eye(8))).all()


# --- feeds -----------------------------------------------------------------------------------------


@given(
    n=st.integers(0, 80),
    k=st.integers(0, 30),
    seed=st.integers(0, 50),
    name=st.sampled_from(FEEDS),
    share=st.floats(0, 1),
)
def test_a_feed_is_full_unlabelled_unique_and_repeatable(n: int, k: int, seed: int, name: str, share: float) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=n).astype(np.float32)
    labelled = rng.random(n) < share
    vectors = rng.normal(size=(n, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    videos = rng.integers(0, 5, n)

    def rows() -> np.ndarray:
        return feed(
            name,
            ScoreIndex(scores),
            k,
            labelled=labelled,
            embeddings=vectors,
            center=vectors.sum(axis=0),
            videos=videos,
            seed=seed,
        )

    found = rows()
    assert len(found) == min(k, int((~labelled).sum()))
    assert len(set(found.tolist())) == len(found)
    assert not labelled[found].any()
    np.testing.assert_array_equal(found, rows())


def test_feeds_are_ordered_by_what_their_name_says() -> None:
    scores = np.array([2.2, -2.2, 0.1, 0.4, 4.6], dtype=np.float32)
    none = np.zeros(5, dtype=bool)
    assert feed("top_positive", ScoreIndex(scores), 2, labelled=none).tolist() == [4, 0]
    assert feed("top_negative", ScoreIndex(scores), 2, labelled=none).tolist() == [1, 2]
    assert feed("borderline", ScoreIndex(scores), 2, labelled=none).tolist() == [2, 3]
    assert feed("suggested", ScoreIndex(scores), 2, labelled=none, any_yes=False).tolist() == [4, 0]
    doubtful = np.array([3.0, 0.1, -1.1, 0.2, -1.2, -4.0], dtype=np.float32)
    assert feed("suggested", ScoreIndex(doubtful), 4, labelled=np.zeros(6, dtype=bool)).tolist() == [1, 2, 3, 4]
    with pytest.raises(ValueError, match="no feed called 'best'"):
        feed("best", ScoreIndex(scores), 2, labelled=none)


@pytest.mark.parametrize(
    ("name", "score", "nearest", "expected"),
    [
        ("top_positive", 0.93, "yes", "near a yes · likely yes"),
        ("top_positive", 0.93, "no", "likely yes"),
        ("top_positive", 0.05, "no", "highest left: .05"),
        ("top_negative", 0.0, "yes", "likely no"),
        ("top_negative", 0.0, "no", "near a no · likely no"),
        ("top_negative", 0.62, "", "lowest left: .62"),
        ("top_negative", 1.0, "yes", "lowest left: 1.00"),
        ("borderline", 0.51, "no", "near a no · undecided"),
        ("borderline", 0.04, "no", "nearest to .50: .04"),
        ("suggested", 0.31, "yes", "near a yes · teaches most"),
        ("suggested", 0.1, "yes", "teaches most"),
        ("random", 0.31, "", "at random"),
        ("random", 0.0, "yes", "at random"),
        ("random", 0.0, "no", "near a no · at random"),
        ("random", 0.9, "yes", "near a yes · at random"),
    ],
)
def test_the_reason_of_a_clip_agrees_with_its_score(name: str, score: float, nearest: str, expected: str) -> None:
    assert reason(name, score, nearest) == expected


@given(
    logits=st.lists(st.one_of(st.floats(-8, 8, width=32), st.floats(-1e9, 1e9, width=32)), max_size=60),
    digits=st.integers(0, 4),
    number=st.integers(1, 20),
    to=st.sampled_from([0.0, -1.0, 0.3, np.inf, -np.inf]),
    share=st.floats(0, 1),
)
def test_a_ranking_finds_what_sorting_finds(
    logits: list[float], digits: int, number: int, to: float, share: float
) -> None:
    values: np.ndarray = np.round(np.array(logits), digits).astype(np.float32)
    without = np.random.default_rng(0).random(len(values)) < share
    distances = np.abs(values - np.float32(to)) if np.isfinite(to) else -np.sign(np.float32(to)) * values
    expected = [row for row in np.argsort(distances, kind="stable") if not without[row]][:number]
    assert ScoreIndex(values).nearest(to, number, without).tolist() == expected


def test_a_random_page_of_a_large_corpus_is_drawn_without_shuffling_all_of_it() -> None:
    labelled = np.zeros(150_000, dtype=bool)
    labelled[::2] = True
    scores = np.zeros(len(labelled), dtype=np.float32)
    pages = [feed("random", ScoreIndex(scores), 500, labelled=labelled, version=version) for version in (1, 1, 2)]
    assert pages[0].tolist() == pages[1].tolist() != pages[2].tolist()
    assert len(set(pages[0].tolist())) == 500
    assert not labelled[pages[0]].any()


def test_near_duplicates_and_one_video_s_clips_are_thinned_out() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[1] = vectors[0]
    videos = np.repeat(np.arange(10), 4)
    scores = np.linspace(1, 0, 40, dtype=np.float32)
    found = feed("top_positive", ScoreIndex(scores), 10, labelled=np.zeros(40, bool), embeddings=vectors, videos=videos)
    assert not {0, 1} <= set(found.tolist())
    assert np.bincount(videos[found]).max() <= 2
    assert float(vectors[0] @ vectors[1]) > NEAR_DUPLICATE


# --- quality ---------------------------------------------------------------------------------------


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

    def held_out(self, X: Any, y: Any, left_out: NDArray[np.bool_], wanted: Any = lambda: True) -> Any:
        self.left_out = left_out
        return super().held_out(X, y, left_out, wanted)


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


# --- the course of the labelling --------------------------------------------------------------------


def test_turnover_is_the_share_of_clips_found_that_changed() -> None:
    logits = np.linspace(1, -9, 1000, dtype=np.float32)  # the first hundred are above 0
    assert turnover(logits, logits) == 0.0
    other = logits.copy()
    other[:25], other[-25:] = logits[-25:], logits[:25]
    assert turnover(other, logits) == pytest.approx(0.25)
    assert turnover(np.empty(0, dtype=np.float32), np.empty(0, dtype=np.float32)) == 0.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, 12, False, [], 0), "No yes so far"),
        ((12, 0, False, [], 0), "No clip is a no yet"),
        ((20, 20, True, [0.5, 0.01, 0.02, 0.03], 0), ": label 20 clips of Random to see whether"),
        ((20, 20, True, [0.5, 0.01, 0.02, 0.03], 12), ": label 8 more clips of Random to see whether"),
        ((20, 20, True, [0.5, 0.01, 0.02, 0.03], 20), "a good moment to review and publish"),
        ((20, 20, True, [0.5, 0.01, 0.02, 0.03], 25, 30), ": label 30 clips of Random"),
        ((20, 20, True, [0.5], 25, 30), ""),
        ((30, 20, True, [0.5], 25, 30), "30 labels from Random would tell the quality"),
        ((20, 20, True, [0.01, 0.02, 0.03], 25), "a good moment to review and publish"),
        ((20, 20, True, [0.01, 0.2, 0.03], 25), ""),
        ((20, 20, False, [0.01, 0.02, 0.03], 25), ""),
        ((0, 0, False, [], 0), ""),
    ],
)
def test_advice(arguments: tuple[Any, ...], said: str) -> None:
    assert (said in advice(*arguments)) if said else advice(*arguments) == ""


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
