"""Logistic regression on clip embeddings with a prior from the concept's text, usable from the first label on.

It does not import scikit-learn, which takes a third of a second: a session opens without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import expit

from va_widgets.base import arguments
from va_widgets.base.arguments import described
from va_widgets.base.errors import ArgumentError
from va_widgets.base.int8_matrix import Int8Matrix
from va_widgets.base.matrix import products
from va_widgets.base.threads import one_blas_thread
from va_widgets.learning.statistics import CorpusStatistics

# Chosen on the development half of the pools of benchmarks/strategies.py; classifier_defaults.py there varies them.
PRIOR_STRENGTH = 4.0
C = 5.0
BACKGROUND_WEIGHT = 5.0
_TEXT_WEIGHT_STD = 0.7  # prior standard deviation of the text's weight, as a share of its mean,
_LEAST_TEXT_STD = 0.05  # to which this is added
_TEXT_DECAY = 1.5  # exponent: how fast the text's expected weight falls with labels that contradict it
INTERCEPT_VARIANCE = 100.0  # keeps the intercept finite where all labels agree
_TOLERANCE = 0.01  # of the gradient, by which logits differ by some hundredths
_LEAST_CURVATURE = 1e-3  # share of a label's curvature that is left without it, which float32 knows only roughly
_CURVATURE_SHARE = 0.3  # of the loss's curvature at the start that is left at the solution, roughly


class TextLogistic:
    """Binary, probabilistic logistic regression whose prior is the text's ranking: with few labels the text decides.

    A clip's logit is  u . z + a t + b,  z being how the clip differs from the mean clip, t how near it is to the text
    (1 for the nearest clips). Minimised is the weighted logistic loss plus  |u|^2 / (2 C) + (a - m)^2 / (2 s^2) +
    b^2 / (2 v): the maximum a posteriori under Gaussians. So the text's weight `a` is learned from the labels like
    any other, around an expected one, `m`; holding a linear probe near a text is Silva-Rodriguez et al.'s idea ("A
    Closer Look at the Few-Shot Adaptation of Large Vision-Language Models", CVPR 2024).

    What is expected of the text follows the evidence: m = prior_strength ((1 + P) / (1 + P + N))^1.5, P and N being the
    numbers of yes and no, each label counted by its t from 0 to 1. A text whose nearest clips are labelled no soon has
    little weight.

    Unlabelled clips of the statistics are weak negatives, as in Perch Hoplite, so that it ranks sensibly from the first
    label on. All is linear: `coef_` and `intercept_` apply to plain embeddings.

    Parameters
    ----------
    prior : array (dim,), optional
        The concept's text embedding; its length does not matter.
    statistics : CorpusStatistics, optional
        Mean and spread of the corpus. Without it they are those of the labelled clips, without weak negatives.
    prior_strength : float
        The logit that the text's nearest clips are expected to have above the mean clip's.
    C : float
        The prior variance of the weights `u`: with a larger one labels count more.
    background_weight : float
        The weight of all weak negatives together; a label weighs 1.

    Attributes
    ----------
    coef_ : float64 (1, dim), intercept_ : float64 (1,), classes_ : (2,), n_features_in_ : int
    """

    def __init__(
        self,
        prior: ArrayLike | None = None,
        statistics: CorpusStatistics | None = None,
        prior_strength: float = PRIOR_STRENGTH,
        C: float = C,
        background_weight: float = BACKGROUND_WEIGHT,
    ) -> None:
        self.prior = prior
        self.statistics = statistics
        self.prior_strength = prior_strength
        self.C = C
        self.background_weight = background_weight

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to embeddings (n, dim) and labels (n,), bool or 0 and 1.

        One class alone is enough, and with a prior no label at all. Raises ArgumentError, which is a ValueError, for
        shapes that do not match, values that are not finite, more than two classes, and parameters out of range.
        """
        problem = self._problem(X, y, sample_weight)
        coefs, intercepts = problem.solved(problem.weights[:, None])
        self.coef_ = coefs
        self.intercept_ = intercepts
        self.n_features_in_ = coefs.shape[1]
        return self

    def held_out(
        self,
        X: ArrayLike,
        y: ArrayLike,
        left_out: NDArray[np.bool_],
        scored: ArrayLike | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> NDArray[np.float64] | None:
        """Return the logits of labels by classifiers that were fitted without them, float64 (k, n), 0 elsewhere.

        All k classifiers are fitted at once, which takes a fraction of the time of k fits: their products with the
        embeddings are one product of two matrices, and they share what makes the solver converge quickly.

        Parameters
        ----------
        X : float (n, dim), y : (n,)
            As for `fit`.
        left_out : bool (k, n)
            Which labels each classifier is not fitted to, and predicts.
        scored : float (n, dim), optional
            What the classifiers predict, if it is not `X`.
        stopped : callable
            Called before every step of the solver: None is returned once it returns True.
        """
        problem = self._problem(X, y, None)
        weights = np.repeat(problem.weights[:, None], len(left_out), axis=1)
        weights[: problem.labels][left_out.T] = 0.0
        try:
            coefs, intercepts = problem.solved(weights, stopped)
        except _StoppedError:
            return None
        logits = np.asarray(X if scored is None else scored, dtype=np.float64) @ coefs.T + intercepts
        return np.where(left_out, logits.T, 0.0)

    def without_each(
        self, X: ArrayLike, y: ArrayLike, rows: NDArray[np.int64], others: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return logits of some labels, and of other vectors, by classifiers that were fitted without that label.

        Each is an approximation, one Newton step from this classifier, which must be fitted to the same labels (Beirami
        et al., "On Optimal Generalizability in Parametric Learning", NeurIPS 2017). So all cost about as much as a fit,
        and the text's expected weight stays the same.

        Parameters
        ----------
        X : float (n, dim), y : (n,)
            As for `fit`.
        rows : int64 (k,)
            Which of the labels are left out, one at a time.
        others : float (k, dim)
            What else is scored by the classifier without each of these.

        Returns
        -------
        The logits of X[rows] and of `others`, float64 (k,) each.
        """
        return self._problem(X, y, None).without_each(self.coef_[0], float(self.intercept_[0]), rows, _matrix(others))

    def _problem(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> _Problem:
        """Return what is minimised for some labels. Raises ArgumentError as `fit` does."""
        self._check_parameters()
        features, targets, weights = self._checked(X, y, sample_weight)
        labels, dim = features.shape
        statistics = self.statistics if self.statistics is not None else CorpusStatistics(features.astype(np.float32))
        if statistics.sample.shape[1] != dim:
            raise ArgumentError(
                f"The statistics must have the embeddings' {dim} dimensions, not {statistics.sample.shape[1]}."
            )
        center = statistics.center
        # Once they are centred float32 is enough, in which products take half as long.
        centered = _centered(features, center)
        if self.statistics is not None and len(weak := statistics.negatives):
            centered = np.concatenate([centered, _centered(weak, center)])
            targets = np.concatenate([targets, np.full(len(weak), -1.0)])
            weights = np.concatenate([weights, np.full(len(weak), self.background_weight / len(weak))])
        with one_blas_thread():
            text = statistics.text_direction(_vector(self.prior, dim, "prior"))
            nearness = centered @ text.astype(np.float32)
        return _Problem(centered, targets, weights, labels, nearness, text, center, statistics.scale, self)

    def _check_parameters(self) -> None:
        arguments.number(self.prior_strength, "prior_strength", least=0)
        arguments.number(self.C, "C", above=0)
        arguments.number(self.background_weight, "background_weight", least=0)
        if self.statistics is not None:
            arguments.instance(self.statistics, CorpusStatistics, "statistics", "a CorpusStatistics")

    def _checked(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[NDArray[np.floating[Any]], NDArray[np.float64], NDArray[np.float64]]:
        features, labels = _matrix(X), np.asarray(y)
        if features.ndim != 2 or labels.shape != (len(features),):
            raise ArgumentError(
                f"Embeddings (n, dim) and labels (n,) are needed, not shapes {features.shape} and {labels.shape}."
            )
        _check_finite(features)
        self.classes_ = _classes(labels)
        weights = np.ones(len(features)) if sample_weight is None else _numbers(sample_weight, "sample_weight")
        if weights.shape != labels.shape:
            raise ArgumentError(f"One weight a label is needed, not shape {weights.shape} for {len(labels)} labels.")
        if not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ArgumentError("The weights of labels must be finite and not below 0.")
        return features, np.where(labels == self.classes_[1], 1.0, -1.0), weights

    def unfitted(self) -> Self:
        """Return a classifier with the same settings, not fitted."""
        return type(self)(self.prior, self.statistics, self.prior_strength, self.C, self.background_weight)

    def scaled(self, factor: float) -> Self:
        """Return a classifier whose logits are those of this one times a factor. Raises AttributeError before `fit`."""
        other = self.unfitted()
        other.coef_, other.intercept_ = self.coef_ * factor, self.intercept_ * factor
        other.n_features_in_, other.classes_ = self.n_features_in_, self.classes_
        return other

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the logits (n,) of embeddings (n, dim): above 0 means yes. Raises AttributeError before `fit`."""
        features = _matrix(X).astype(np.float64, copy=False)
        if features.ndim != 2 or features.shape[1] != self.n_features_in_:
            raise ArgumentError(f"Embeddings (n, {self.n_features_in_}) are needed, not shape {features.shape}.")
        _check_finite(features)
        logits: NDArray[np.float64] = features @ self.coef_[0] + self.intercept_[0]
        return logits

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probabilities (n, 2) of no and yes."""
        yes = expit(self.decision_function(X))
        return np.column_stack([1.0 - yes, yes])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the likelier class (n,) of each embedding."""
        return self.classes_[(self.decision_function(X) > 0).astype(int)]


def decision_scores(
    embeddings: NDArray[np.floating[Any]],
    coef: NDArray[np.floating[Any]],
    intercept: NDArray[np.floating[Any]] | float,
    copy: Int8Matrix | None = None,
) -> NDArray[np.float32]:
    """Return the logits, float32 (n,), of a matrix (n, dim), which may be memory-mapped and half precision.

    With a `copy` of the matrix they are computed from that, faster and less exact.
    """
    vector = np.asarray(coef, dtype=np.float32).ravel()
    logits = products(embeddings, vector) if copy is None else copy.products(vector)
    logits += np.float32(np.asarray(intercept).ravel()[0])
    return logits


def expected_text_weight(
    nearness: NDArray[np.floating[Any]], targets: NDArray[np.float64], weights: NDArray[np.float64], strength: float
) -> NDArray[np.float64]:
    """Return what the text's weight is expected to be, float64 (k,), by how near to the text labelled clips (n,) are.

    `targets` are 1 or -1, `weights` those of the labels in k fits, (n, k), `strength` the weight without labels.
    """
    sure = weights * np.clip(nearness, 0, 1)[:, None]
    right, wrong = sure[targets > 0].sum(axis=0), sure[targets < 0].sum(axis=0)
    return strength * ((1 + right) / (1 + right + wrong)) ** _TEXT_DECAY


def text_weight_std(expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the prior standard deviations of the text's weight, float64 (k,), around those that are expected."""
    return _TEXT_WEIGHT_STD * expected + _LEAST_TEXT_STD


def _centered(features: NDArray[np.floating[Any]], center: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return embeddings minus the mean embedding, float32."""
    return (features - center.astype(features.dtype)).astype(np.float32, copy=False)


class _StoppedError(Exception):
    """The caller has stopped the fit."""


@dataclass(frozen=True)
class _Problem:
    """The labels and weak negatives of one classifier, n rows together, ready to be fitted with several weightings.

    `centered` is float32 (n, dim), `targets` are 1 or -1, the first `labels` rows are labels, `nearness` (n,) is
    how near each clip is to `text`, float64 (dim,).
    """

    centered: NDArray[np.float32]
    targets: NDArray[np.float64]
    weights: NDArray[np.float64]
    labels: int
    nearness: NDArray[np.float32]
    text: NDArray[np.float64]
    center: NDArray[np.float64]
    scale: float
    settings: TextLogistic

    def solved(
        self, weights: NDArray[np.float64], stopped: Callable[[], bool] = lambda: False
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the coefficients, float64 (k, dim), and intercepts (k,) of k fits with the weights (n, k).

        Raises _StoppedError once `stopped` returns True.
        """
        dim, signs = len(self.text), self.targets
        with one_blas_thread():
            expected = self._expected(weights)
            text_std = text_weight_std(expected)
            # That of the text's weight differs between fits.
            deviation = self._deviation(float(text_std.mean()))
            penalties = np.ones((dim + 2, weights.shape[1]))
            penalties[dim] = (deviation[dim] / text_std) ** 2
            signed = _with_text(self.centered, self.nearness, deviation)
            signed *= signs[:, None].astype(np.float32)
            fixed = (signs * self.nearness)[:, None] * expected
            solution = deviation[:, None] * _solve(signed, fixed, weights, penalties, stopped)
        coefs = solution[:dim].T + (expected + solution[dim])[:, None] * self.text
        return coefs, solution[dim + 1] - coefs @ self.center

    def without_each(
        self, coef: NDArray[np.float64], intercept: float, rows: NDArray[np.int64], others: NDArray[np.floating[Any]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Do what `TextLogistic.without_each` says, from the solution `coef` (dim,) and `intercept`."""
        with one_blas_thread():
            deviation = self._deviation(float(text_weight_std(self._expected(self.weights[:, None]))[0]))
            features = _with_text(self.centered, self.nearness, deviation)
            logits = self.centered @ coef + (intercept + float(self.center @ coef))
            p_yes = expit(logits)
            curving = self.weights * p_yes * (1 - p_yes)
            curved = features * np.sqrt(curving).astype(np.float32)[:, None]
            curvature = curved.T @ curved
            curvature[np.diag_indices_from(curvature)] += 1.0
            moved = cho_solve((cholesky(curvature, overwrite_a=True, check_finite=False), False), features[rows].T)
            other = _centered(others, self.center)
            other_features = _with_text(other, other @ self.text.astype(np.float32), deviation)
            own = np.einsum("ij,ji->i", features[rows], moved).astype(np.float64)
            between = np.einsum("ij,ji->i", other_features, moved).astype(np.float64)
            wrong = self.weights[rows] * (p_yes[rows] - (self.targets[rows] > 0))
            steps = wrong / np.maximum(1 - own * curving[rows], _LEAST_CURVATURE)
            return logits[rows] + own * steps, others @ coef + intercept + between * steps

    def _expected(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the text's weight is expected to be in fits with the weights (n, k), float64 (k,)."""
        known = slice(self.labels)
        strength = self.settings.prior_strength
        return expected_text_weight(self.nearness[known], self.targets[known], weights[known], strength)

    def _deviation(self, text_std: float) -> NDArray[np.float64]:
        """Return the prior standard deviations of the weights, of the text's weight and of the intercept."""
        dim = len(self.text)
        deviation = np.full(dim + 2, self.settings.C**0.5)
        deviation[dim:] = text_std, INTERCEPT_VARIANCE**0.5
        deviation[:dim] /= self.scale
        return deviation


def _with_text(
    centered: NDArray[np.float32], nearness: NDArray[np.floating[Any]], deviation: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return features, nearness to the text and 1, float32 (n, dim + 2), times `deviation`."""
    features = np.empty((len(centered), len(deviation)), dtype=np.float32)
    features[:, :-2], features[:, -2], features[:, -1] = centered, nearness, 1
    features *= deviation.astype(np.float32)
    return features


def _solve(
    signed: NDArray[np.float32],
    fixed: NDArray[np.float64],
    weights: NDArray[np.float64],
    penalties: NDArray[np.float64],
    stopped: Callable[[], bool],
) -> NDArray[np.float64]:
    """Return where  weights . log(1 + exp(-(signed x + fixed))) + penalties . x^2 / 2  is least, for each column.

    By L-BFGS from 0, for all columns at once. `signed` is float32 (n, m); `fixed`
    and `weights` are float64 (n, k), `penalties` and the result float64 (m, k).
    """
    # Preconditioned by the Cholesky factor of an approximate Hessian: a tenth of the steps are enough.
    p_wrong = expit(-fixed)
    curving = (_CURVATURE_SHARE * weights * p_wrong * (1 - p_wrong)).mean(axis=1)
    curved = signed * np.sqrt(curving).astype(np.float32)[:, None]
    curvature = curved.T @ curved
    curvature[np.diag_indices_from(curvature)] += penalties.mean(axis=1).astype(np.float32)
    root = cholesky(curvature, lower=True, overwrite_a=True, check_finite=False)
    shape = penalties.shape

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        if stopped():
            raise _StoppedError
        preconditioned = flat.reshape(shape).astype(np.float32)
        points = solve_triangular(root, preconditioned, lower=True, trans="T", check_finite=False)
        margins = signed @ points + fixed
        held = penalties * points
        value = float(np.vdot(weights, np.logaddexp(0, -margins))) + float(np.vdot(held, points)) / 2
        slopes = held - signed.T @ (weights * expit(-margins)).astype(np.float32)
        steps = solve_triangular(root, slopes.astype(np.float32), lower=True, check_finite=False)
        return value, steps.astype(np.float64).ravel()

    start = np.zeros(penalties.size)
    result = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "gtol": _TOLERANCE})
    preconditioned = result.x.reshape(shape).astype(np.float32)
    return solve_triangular(root, preconditioned, lower=True, trans="T").astype(np.float64)


def _vector(values: ArrayLike | None, dim: int, name: str) -> NDArray[np.float64]:
    if values is None:
        return np.zeros(dim)
    vector = _numbers(values, f"The {name}")
    if vector.shape != (dim,):
        raise ArgumentError(f"The {name} must have the embeddings' shape ({dim},), not {vector.shape}.")
    if not np.isfinite(vector).all():
        raise ArgumentError(f"The {name} holds values that are not finite: give another vector.")
    return vector


def _matrix(X: ArrayLike) -> NDArray[np.floating[Any]]:
    """Return embeddings as they are if they are float32, and otherwise as float64. Raises ArgumentError."""
    array = _array(X, "The embeddings")
    return array if array.dtype == np.float32 else _numbers(array, "The embeddings")


def _numbers(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = _array(values, name)
    try:
        if array.dtype.kind in "biufO":  # objects may be numbers, as in pandas' own types
            return array.astype(np.float64)
    except (ValueError, TypeError):
        pass
    raise ArgumentError(f"{name} must be an array of real numbers, not of the type {array.dtype}.")


def _array(values: ArrayLike, name: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:  # lists of different lengths, tensors on a GPU
        raise ArgumentError(f"{name} must be one array, not {described(values)} of parts that do not fit.") from error


def _check_finite(features: NDArray[np.floating[Any]]) -> None:
    if not np.isfinite(features).all():
        raise ArgumentError("The embeddings hold values that are not finite: leave those clips out.")


def _classes(labels: NDArray[Any]) -> NDArray[Any]:
    """Return the two classes of some labels, no before yes; one of them may have no label."""
    if labels.dtype == bool or not len(labels):
        return np.array([False, True])
    missing = pd.isna(labels)
    if missing.any():
        raise ArgumentError(f"The label in row {int(np.argmax(missing))} is missing: leave that clip out.")
    try:
        classes = np.unique(labels)
        binary = set(classes.tolist()) <= {0, 1}
    except (TypeError, ValueError) as error:  # values of different types have no order, and arrays are no labels
        raise ArgumentError("Labels of one type are needed, such as bool, or 0 and 1.") from error
    if binary:
        return np.array([0, 1], dtype=labels.dtype)
    if labels.dtype.kind in "fc" and not np.equal(np.mod(labels, 1), 0).all():
        raise ArgumentError("Labels of two classes are needed, not fractions: give bool, or 0 and 1.")
    if len(classes) != 2:
        raise ArgumentError(f"Labels of two classes are needed, not {len(classes)}.")
    return classes
