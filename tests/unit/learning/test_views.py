"""Learning from several views, on arrays alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import multivariate_normal
from sklearn.metrics import average_precision_score

from va_widgets.learning import views as module
from va_widgets.learning.logistic import TextLogistic
from va_widgets.learning.statistics import SAMPLE, CorpusStatistics, sample_of
from va_widgets.learning.trainer import ClipArrays, Fit, Trainer, TrainingLabels
from va_widgets.learning.views import APPEARANCE, Space, View, choose_space

N, DIM, OTHER = 600, 24, 10
RNG = np.random.default_rng(5)
LOOKS = RNG.normal(size=(N, DIM))
LOOKS = (LOOKS / np.linalg.norm(LOOKS, axis=1, keepdims=True)).astype(np.float16)
MOVES = (RNG.normal(size=(N, OTHER)) * np.logspace(-2, 2, OTHER) + 7).astype(np.float32)  # units of all sizes
MOVES[:, 3] = 4.25  # tells nothing
SEEN = np.argsort(np.argsort(LOOKS[:, 0])) >= N * 3 // 4
MOVED = np.argsort(np.argsort(MOVES[:, 6])) >= N * 3 // 4


def view(name: str = "motion", matrix: NDArray[np.float32] = MOVES) -> View:
    return View(name, lambda: matrix, sample_of(matrix))


def clips(*views: View) -> ClipArrays:
    numbers = np.arange(N)
    return ClipArrays(lambda: LOOKS, numbers % 10, numbers, CorpusStatistics.of(LOOKS), seed=0, views=views)


def fitted(arrays: ClipArrays, truth: NDArray[np.bool_], number: int = 60) -> Fit:
    """A classifier of so many clips by the truth, half of them yes."""
    rng = np.random.default_rng(number)
    yes, no = (rng.choice(np.flatnonzero(truth == kind), number // 2, replace=False) for kind in (True, False))
    rows = np.concatenate([yes, no])
    labels = TrainingLabels(number, rows, truth[rows], np.zeros(number, dtype=bool))
    return Trainer(arrays, None, labels, 1).start(lambda: number)


def test_what_moves_is_learned_from_the_view_that_shows_it() -> None:
    alone, both = fitted(clips(), MOVED), fitted(clips(view()), MOVED)
    assert [chosen.name for chosen, _ in both.space.views] == ["motion"]
    assert average_precision_score(MOVED, both.logits) > 0.9
    assert average_precision_score(MOVED, alone.logits) < 0.5
    assert both.refit.cross_validated is not None
    assert alone.refit.cross_validated is not None
    assert both.refit.cross_validated.ap > alone.refit.cross_validated.ap + 0.2


def test_a_view_that_does_not_matter_changes_nothing() -> None:
    alone, both = fitted(clips(), SEEN), fitted(clips(view()), SEEN)
    assert both.space.views == ()
    np.testing.assert_array_equal(both.logits, alone.logits)
    assert both.refit.quality == alone.refit.quality


def test_of_several_views_those_that_matter_are_chosen() -> None:
    noise = np.random.default_rng(1).normal(size=(N, 5)).astype(np.float32)
    arrays = clips(view("noise", noise), view(), view("constant", np.ones((N, 3), dtype=np.float32)))
    assert [chosen.name for chosen, _ in fitted(arrays, MOVED).space.views] == ["motion"]


def test_a_concept_of_both_views_is_learned_from_both() -> None:
    truth = SEEN | MOVED
    alone, both = (
        average_precision_score(truth, fitted(arrays, truth, 200).logits) for arrays in (clips(), clips(view()))
    )
    assert both > 0.85 > alone + 0.1


def test_coefficients_of_the_views_give_the_logits_of_the_joined_features() -> None:
    space = Space(CorpusStatistics.of(LOOKS), 0.3, ((view(), 2.0),))
    rows = {APPEARANCE: LOOKS.astype(np.float32), "motion": MOVES}
    joined = space.joined(rows)
    classifier = TextLogistic(None, space.statistics).fit(joined[:100], MOVED[:100])
    linear = space.linear(classifier)
    parts = [rows[name].astype(np.float64) @ coef for name, coef in linear.coefs.items()]
    np.testing.assert_allclose(sum(parts) + linear.intercept, classifier.decision_function(joined), atol=1e-3)


def test_joined_features_take_other_embeddings_in_place_of_their_own() -> None:
    other = np.roll(LOOKS, 1, axis=0)
    for views in ((), ((view(), 2.0),)):
        space = Space(CorpusStatistics.of(LOOKS), 0.3 if views else 1.0, views)
        joined = space.joined({APPEARANCE: LOOKS, "motion": MOVES})
        expected = space.joined({APPEARANCE: other, "motion": MOVES})
        np.testing.assert_array_equal(space.with_embeddings(joined, other), expected)


def test_joined_features_have_the_scale_that_the_prior_is_about() -> None:
    space = Space(CorpusStatistics.of(LOOKS), 1.0, ((view(), 1.0),))
    joined = space.joined({APPEARANCE: LOOKS, "motion": MOVES})
    spread = [np.square(part - part.mean(axis=0)).sum(axis=1).mean() for part in (joined[:, :DIM], joined[:, DIM:])]
    np.testing.assert_allclose(spread, space.statistics.scale**2, rtol=1e-3)


def test_words_about_a_view_rank_clips_before_there_are_labels() -> None:
    none = np.empty(0, dtype=np.int64)
    labels = TrainingLabels(0, none, none.astype(bool), none.astype(bool))
    motion = view()
    fits = {"motion": motion.sample[:, 6]}  # such as the pan of each sampled clip
    fit = Trainer(clips(motion), None, labels, 0, fits).start(lambda: 0)
    assert average_precision_score(MOVED, fit.logits) > 0.9
    # A text about what is seen counts beside them.
    text = np.eye(DIM, dtype=np.float32)[0]
    mixed = Trainer(clips(motion), text, labels, 0, fits).start(lambda: 0).logits
    assert 0.5 < average_precision_score(MOVED, mixed) < 0.99
    assert 0.5 < average_precision_score(SEEN, mixed) < 0.99


def test_smoothing_over_clips_that_look_alike_leaves_motion_as_it_is() -> None:
    arrays = clips(view())
    neighbours = np.random.default_rng(2).integers(N, size=(10, N)).astype(np.int32)
    fit = fitted(replace(arrays, neighbours=lambda: neighbours), MOVED)
    assert fit.space.weight < 0.2  # the embeddings hardly count
    np.testing.assert_allclose(fit.logits, fit.plain.logits, atol=0.2 * fit.plain.logits.std())


def test_clips_whose_values_are_missing_are_scored_by_the_embeddings_alone() -> None:
    known = RNG.random(N) < 0.7
    partly = replace(view(matrix=np.where(known[:, None], MOVES, 0).astype(np.float32)), zero_is_missing=True)
    fit = fitted(clips(partly), MOVED, 100)  # labels of missing clips, too
    assert [chosen.name for chosen, _ in fit.space.views] == ["motion"]
    assert not known[fit.labels.rows].all()
    linear = fit.space.linear(fit.classifier)
    mean_clip = linear.intercept + linear.coefs["motion"] @ partly.center
    alone = LOOKS.astype(np.float64) @ linear.coefs[APPEARANCE] + mean_clip
    np.testing.assert_allclose(fit.logits[~known], alone[~known], atol=1e-3)
    assert np.abs(fit.logits - alone)[known].mean() > 0.5
    assert average_precision_score(MOVED[known], fit.logits[known]) > 0.9
    # What their rows would add as measurements is told from it: these are far from the mean clip.
    as_zeros = fitted(clips(replace(partly, zero_is_missing=False)), MOVED, 100)
    assert abs(as_zeros.logits[~known].mean() - fit.logits[~known].mean()) > 0.5


def test_missing_values_do_not_move_the_mean_nor_the_direction_of_words() -> None:
    known = np.arange(N) % 3 > 0
    partly = View("motion", lambda: MOVES, np.where(known[:, None], MOVES, 0).astype(np.float32), True)
    whole = View("motion", lambda: MOVES, MOVES[known])
    np.testing.assert_array_equal(partly.center, whole.center)
    np.testing.assert_array_equal(partly.unit, whole.unit)
    np.testing.assert_array_equal(partly.scaled_sample[known], whole.scaled_sample)
    assert not partly.scaled_sample[~known].any()
    np.testing.assert_array_equal(partly.direction(MOVES[:, 6]), whole.direction(MOVES[known, 6]))
    nothing = View("motion", lambda: MOVES, np.zeros_like(MOVES), True)
    assert not nothing.direction(MOVES[:, 6]).any()


def exact_evidence(kernel: NDArray[np.float64], expected: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    """The logarithm of the labels' probability by summing over a grid of logits."""
    axis = np.linspace(-14, 14, 281)
    grid = np.array(list(product(axis, repeat=len(targets))))
    density = multivariate_normal(np.zeros(len(targets)), kernel).pdf(grid)
    likelihood = expit(targets * (expected + grid)).prod(axis=1)
    return float(np.log((density * likelihood).sum() * (axis[1] - axis[0]) ** len(targets)))


@pytest.mark.parametrize("targets", [[1.0, 1.0], [1.0, -1.0]])
@pytest.mark.parametrize("expected", [[0.0, 0.0], [2.0, -1.0], [-3.0, 3.0]])
def test_the_evidence_is_the_probability_of_the_labels(targets: list[float], expected: list[float]) -> None:
    kernel = np.array([[3.0, 1.0], [1.0, 2.0]])
    mean, y = np.array(expected), np.array(targets)
    found = module._evidence(kernel, mean, y, np.ones(2))
    assert found == pytest.approx(exact_evidence(kernel, mean, y), abs=0.15)


def test_the_evidence_is_found_where_words_and_labels_contradict_each_other() -> None:
    """Newton's method by whole steps went away from it: a logarithm of -13,700."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(80, 30)) / 30**0.5
    near = rng.normal(size=80)
    targets = np.where(near > 0, -1.0, 1.0)
    kernel = 5 * features @ features.T + 100 + 8 * np.outer(near, near)
    assert -60 < module._evidence(kernel, 8 * near, targets, np.ones(80)) < 0


def test_no_labels_and_no_clips_leave_the_embeddings_alone() -> None:
    empty: dict[str, NDArray[np.floating[Any]]] = {APPEARANCE: LOOKS[:0], "motion": MOVES[:0]}
    space = choose_space(CorpusStatistics.of(LOOKS), [view()], empty, np.empty(0, dtype=bool), None, {})
    assert space.views == ()


def test_samples_of_all_views_are_of_the_same_clips() -> None:
    n = SAMPLE + 500
    numbers = np.arange(n, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(sample_of(numbers, 3) * 2, sample_of(numbers * 2, 3))
    assert len(np.unique(sample_of(numbers, 3))) == SAMPLE
