"""Learning from several views of the clips: what they look like, what moves in them, and matrices of the user's.

Which views matter for a concept is found from its labels. Each view has a weight: the prior standard deviation of a
classifier's logits by that view. Weights are chosen by the evidence for them, the probability of the labels under a
classifier with these weights, by Laplace's approximation (Rasmussen and Williams, "Gaussian Processes for Machine
Learning", 2006, algorithm 3.1). A view that does not matter for a concept is left out, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve
from scipy.special import expit, ndtri

from va_widgets.base.matrix import zero_rows
from va_widgets.base.threads import one_blas_thread
from va_widgets.learning.logistic import (
    BACKGROUND_WEIGHT,
    INTERCEPT_VARIANCE,
    PRIOR_STRENGTH,
    C,
    TextLogistic,
    expected_text_weight,
    text_weight_std,
)
from va_widgets.learning.statistics import CorpusStatistics, mean_of_nearest

APPEARANCE = "appearance"
"""The view that every corpus has: its embeddings."""

# Weights of the appearance and of another view that are tried. benchmarks/motion.py measures what they lead to.
_TRIED = ((1.0, 1.0), (0.1, 1.0), (0.03, 2.0))
_COMPARED = 100  # labels that the evidence is computed from, at most
_UNLABELLED = 64  # weak negatives that it is computed from
_RIDGE = 1e-3  # of the direction of a concept's words, as a share of a view's variance
_STEPS, _SETTLED = 30, 0.01  # of Newton's method, and the change of the logarithm at which it ends
_LEAST_SHARE = 1e-3  # of a step, below which it is not made smaller


@dataclass(frozen=True)
class View:
    """One more matrix about a corpus's clips, beside the embeddings.

    Attributes
    ----------
    name : str
    matrix : callable
        Returns float (n, d), perhaps memory-mapped; row i is clip i.
    sample : float32 (m, d)
        The rows of the clips of the corpus's statistics, in their order (`statistics.sample_of`).
    zero_is_missing : bool
        Whether a row that is zero throughout is that of a clip whose values are not known, as where the motion in a
        video could not be measured. Such a clip counts as the mean clip: the view adds nothing to what others say.
    """

    name: str
    matrix: Callable[[], NDArray[np.floating[Any]]]
    sample: NDArray[np.float32] = field(repr=False)
    zero_is_missing: bool = False

    @cached_property
    def center(self) -> NDArray[np.float64]:
        """The mean of each column, float64 (d,)."""
        return self._known.mean(axis=0, dtype=np.float64)

    @cached_property
    def unit(self) -> NDArray[np.float64]:
        """What is 1 after scaling in each column, float64 (d,): all vary alike, and clips have the mean length 1."""
        deviation = self._known.std(axis=0, dtype=np.float64)
        constant = deviation <= 1e-6 * np.maximum(np.abs(self.center), 1e-6)
        varying = int(np.count_nonzero(~constant))
        return np.where(constant, np.inf, deviation) * np.sqrt(max(1, varying))

    @property
    def _known(self) -> NDArray[np.float32]:
        """The rows of the sample whose values are known; all of them if that is none."""
        known = self.is_known(self.sample)
        return self.sample[known] if known.any() else self.sample

    def is_known(self, rows: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        """Return whether the values of rows of the matrix (k, d) are known, bool (k,)."""
        return (rows != 0).any(axis=1) if self.zero_is_missing else np.ones(len(rows), dtype=bool)

    @cached_property
    def missing_rows(self) -> NDArray[np.int64]:
        """The rows of all clips whose values are not known, int64 (k,)."""
        return zero_rows(self.matrix()) if self.zero_is_missing else np.empty(0, dtype=np.int64)

    @cached_property
    def scaled_sample(self) -> NDArray[np.float32]:
        """The sample, centred and scaled."""
        return self.scaled(self.sample)

    def scaled(self, rows: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Return rows of the matrix (k, d) centred and scaled, float32 (k, d); 0 where they are not known."""
        scaled = ((np.asarray(rows, dtype=np.float64) - self.center) / self.unit).astype(np.float32)
        scaled[~self.is_known(rows)] = 0.0
        return scaled

    def direction(self, fits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return the vector (d,) whose products with scaled rows follow best how well sampled clips fit some words.

        `fits` are float (m,), the best highest. Only their order counts; the products' mean over the nearest is 1.
        Clips whose values are not known are left out.
        """
        known = self.is_known(self.sample)
        if not known.any():
            return np.zeros(self.sample.shape[1])
        order = np.argsort(np.argsort(fits[known], kind="stable"), kind="stable")
        normal = ndtri((order + 0.5) / len(order))
        scaled = self.scaled_sample[known].astype(np.float64)
        covariance = scaled.T @ scaled / len(scaled)
        covariance[np.diag_indices_from(covariance)] += _RIDGE
        vector: NDArray[np.float64] = solve(covariance, scaled.T @ normal / len(scaled), assume_a="pos")
        length = mean_of_nearest(scaled @ vector)
        return vector / length if length > np.finfo(np.float32).eps else np.zeros(len(vector))


class Linear(NamedTuple):
    """A classifier's logit: the sum over views of the products with `coefs`, float64 (d,) by view, and `intercept`.

    Where a view's values may be missing, `missing` has what a row of zeros adds in place of its product, which is 0: as
    much as the mean clip.
    """

    coefs: Mapping[str, NDArray[np.float64]]
    intercept: float
    missing: Mapping[str, float] = MappingProxyType({})

    def scaled(self, factor: float) -> Linear:
        """Return the classifier whose logits are those of this one times a factor."""
        return Linear(
            {name: coef * factor for name, coef in self.coefs.items()},
            self.intercept * factor,
            {name: logit * factor for name, logit in self.missing.items()},
        )


@dataclass(frozen=True)
class Space:
    """The space that a classifier is fitted in: the embeddings, and beside them those views that matter, by weight.

    Attributes
    ----------
    embeddings : CorpusStatistics
        Of the embeddings.
    weight : float
        That of the embeddings.
    views : tuple of (View, float)
        The other views that matter, with their weights.
    """

    embeddings: CorpusStatistics
    weight: float = 1.0
    views: tuple[tuple[View, float], ...] = ()

    @property
    def weights(self) -> dict[str, float]:
        """The weights of the embeddings and of the other views that matter, by name."""
        return {APPEARANCE: self.weight} | {view.name: weight for view, weight in self.views}

    @cached_property
    def statistics(self) -> CorpusStatistics:
        """The statistics of the joined features."""
        if not self.views:
            return self.embeddings
        return CorpusStatistics(
            self._joined(self.embeddings.sample, [view.scaled_sample for view, _ in self.views]), self.embeddings.scale
        )

    def joined(self, rows: Mapping[str, NDArray[np.floating[Any]]]) -> NDArray[np.float32]:
        """Return the features, float32 (k, d), of clips by their rows (k, ...) of each view."""
        first = np.asarray(rows[APPEARANCE], dtype=np.float32)
        if not self.views:
            return first
        return self._joined(first, [view.scaled(rows[view.name]) for view, _ in self.views])

    def with_embeddings(
        self, joined: NDArray[np.float32], embeddings: NDArray[np.floating[Any]]
    ) -> NDArray[np.float32]:
        """Return joined features of clips, float32 (k, d), with other `embeddings` (k, dim) in place of their own."""
        first = np.asarray(embeddings, dtype=np.float32)
        if not self.views:
            return first
        return np.concatenate([np.float32(self.weight) * first, joined[:, first.shape[1] :]], axis=1)

    def _joined(self, first: NDArray[np.float32], scaled: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        others = [np.float32(self._factor(weight)) * one for one, (_, weight) in zip(scaled, self.views, strict=True)]
        return np.concatenate([np.float32(self.weight) * first, *others], axis=1)

    def text(
        self, text: NDArray[np.floating[Any]] | None, directions: Mapping[str, NDArray[np.float64]]
    ) -> NDArray[np.floating[Any]] | None:
        """Return a concept's text as a vector in this space; None without one.

        `text` is float (dim,), and `directions` float64 (d,) by view, as `View.direction` returns them.
        """
        if not self.views:
            return text
        first = np.zeros(self.embeddings.sample.shape[1]) if text is None else self.embeddings.text_direction(text)
        others = [
            directions.get(view.name, np.zeros(view.sample.shape[1])) / self._factor(weight)
            for view, weight in self.views
        ]
        return np.concatenate([first / self.weight, *others])

    def linear(self, classifier: TextLogistic) -> Linear:
        """Return a classifier that was fitted in this space, by its coefficients of the views as they are."""
        coef, intercept = classifier.coef_[0], float(classifier.intercept_[0])
        place = self.embeddings.sample.shape[1]
        coefs, missing = {APPEARANCE: coef[:place] * self.weight if self.views else coef}, dict[str, float]()
        for view, weight in self.views:
            size = view.sample.shape[1]
            coefs[view.name] = coef[place : place + size] * self._factor(weight) / view.unit
            mean = float(coefs[view.name] @ view.center)
            intercept -= mean
            if view.zero_is_missing:
                missing[view.name] = mean
            place += size
        return Linear(coefs, intercept, missing)

    def _factor(self, weight: float) -> float:
        """Return what scaled rows of a view are multiplied by: embeddings keep their own scale."""
        return weight * self.embeddings.scale


def choose_space(
    embeddings: CorpusStatistics,
    views: Sequence[View],
    rows: Mapping[str, NDArray[np.floating[Any]]],
    y: NDArray[np.bool_],
    text: NDArray[np.floating[Any]] | None,
    directions: Mapping[str, NDArray[np.float64]],
) -> Space:
    """Return the space in which the labels `y`, bool (m,), are most likely: which views matter, and how much.

    Parameters
    ----------
    embeddings : CorpusStatistics
    views : sequence of View
    rows : {view: float (m, d)}
        The labelled clips' rows of every view, the embeddings among them.
    text, directions
        As for `Space.text`. A view with a direction is always taken: the concept's words are about it.
    """
    if not views:
        return Space(embeddings)
    with one_blas_thread():
        labels = _Labels.of(embeddings, views, rows, y, text, directions)
        weight, chosen = 1.0, {view.name: 0.0 for view in views}
        for view in views:
            # Not compared with the embeddings at their full weight alone: with good words they need little of it.
            without = max(labels.evidence(first, chosen) for first in {first for first, _ in _TRIED})
            tried = []
            for first, other in _TRIED:
                weights = {**chosen, view.name: other}
                tried.append((labels.evidence(first, weights), first, weights))
            highest = max(tried, key=lambda candidate: candidate[0])
            if view.name in directions or highest[0] > without:
                _, weight, chosen = highest
    return Space(embeddings, weight, tuple((view, chosen[view.name]) for view in views if chosen[view.name]))


@dataclass(frozen=True)
class _Labels:
    """Labels and some weak negatives, n together, as the evidence needs them.

    `products` are the products of their scaled features by view, float64 (n, n), `targets` 1 or -1, `weights` those in
    the likelihood, `known` how many are labels. `near` are how near clips are to the text by view, of these n and of
    the corpus's sample.
    """

    products: Mapping[str, NDArray[np.float64]]
    targets: NDArray[np.float64]
    weights: NDArray[np.float64]
    known: int
    near: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]

    @classmethod
    def of(
        cls,
        embeddings: CorpusStatistics,
        views: Sequence[View],
        rows: Mapping[str, NDArray[np.floating[Any]]],
        y: NDArray[np.bool_],
        text: NDArray[np.floating[Any]] | None,
        directions: Mapping[str, NDArray[np.float64]],
    ) -> _Labels:
        some = np.linspace(0, len(y) - 1, min(len(y), _COMPARED)).round().astype(np.int64)  # spread over all of them
        weak = min(len(embeddings.sample), _UNLABELLED)

        first = np.concatenate([rows[APPEARANCE][some], embeddings.sample[:weak]]).astype(np.float64)
        scaled, near = {APPEARANCE: (first - embeddings.center) / embeddings.scale}, {}
        if text is not None:
            direction = embeddings.text_direction(text)
            mean = float(embeddings.center @ direction)
            sample = embeddings.sample @ direction.astype(np.float32)
            near[APPEARANCE] = first @ direction - mean, sample.astype(np.float64) - mean
        for view in views:
            both = np.concatenate([np.asarray(rows[view.name], dtype=np.float64)[some], view.sample[:weak]])
            scaled[view.name] = view.scaled(both).astype(np.float64)
            if view.name in directions:
                direction = directions[view.name]
                near[view.name] = scaled[view.name] @ direction, view.scaled_sample @ direction
        return cls(
            {name: features @ features.T for name, features in scaled.items()},
            np.concatenate([np.where(y[some], 1.0, -1.0), np.full(weak, -1.0)]),
            np.concatenate([np.ones(len(some)), np.full(weak, BACKGROUND_WEIGHT / max(weak, 1))]),
            len(some),
            near,
        )

    def evidence(self, weight: float, others: Mapping[str, float]) -> float:
        """Return the logarithm of the labels' probability, given the weights of the embeddings and of other views."""
        kernel = np.full(next(iter(self.products.values())).shape, INTERCEPT_VARIANCE)
        for name, share in {APPEARANCE: weight, **others}.items():
            if share:
                kernel += C * share**2 * self.products[name]
        expected = np.zeros(len(self.targets))
        used = [near for name, near in self.near.items() if name == APPEARANCE or others[name]]
        if used:
            scale = mean_of_nearest(np.sum([sample for _, sample in used], axis=0))
            near = np.sum([own for own, _ in used], axis=0) / (scale if scale > 0 else 1.0)
            known = slice(self.known)
            mean = expected_text_weight(near[known], self.targets[known], self.weights[known, None], PRIOR_STRENGTH)
            expected = mean[0] * near
            kernel += text_weight_std(mean)[0] ** 2 * np.outer(near, near)
        return _evidence(kernel, expected, self.targets, self.weights)


def _evidence(
    kernel: NDArray[np.float64],
    expected: NDArray[np.float64],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> float:
    """Return the logarithm of the probability of targets (n,), 1 or -1, under a Gaussian process of logits.

    `expected` are the logits' means (n,), `kernel` their covariance (n, n); `weights` (n,) are those of the targets.
    """

    def likelihood(dual: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        offset = kernel @ dual
        margins = targets * (expected + offset)
        return -float(weights @ np.logaddexp(0, -margins)) - float(dual @ offset) / 2, offset

    dual, stretched = np.zeros(len(targets)), np.empty_like(kernel)
    value, offset = likelihood(dual)
    for _ in range(_STEPS):
        wrong = expit(-targets * (expected + offset))
        curvature = weights * wrong * (1 - wrong)
        root = np.sqrt(curvature)
        np.multiply(root[:, None], kernel, out=stretched)  # memory taken for every step costs more
        stretched *= root
        stretched.flat[:: len(root) + 1] += 1.0
        # Symmetric, and transposed it is as LAPACK wants it: it is not copied.
        factor = cholesky(stretched.T, lower=True, overwrite_a=True, check_finite=False)
        slope = curvature * offset + weights * targets * wrong
        step = slope - root * cho_solve((factor, True), root * (kernel @ slope), check_finite=False) - dual
        former, share = value, 1.0
        while share > _LEAST_SHARE:  # where logits begin far from the labels a whole step leads too far
            value, offset = likelihood(dual + share * step)
            if value >= former:
                break
            share /= 2
        dual = dual + share * step
        if value - former < _SETTLED:
            break
    return value - float(np.log(np.diag(factor)).sum())
