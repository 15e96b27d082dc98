"""Logistic regression on clip embeddings that starts from the concept's text and works from the first label on.

Without scikit-learn, whose import takes a third of a second: a session opens without it.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import expit

from va_widgets import arguments
from va_widgets.arguments import described
from va_widgets.errors import ArgumentError
from va_widgets.learning.backdrop import Backdrop
from va_widgets.matrix import one_thread, products

# Chosen on the development half of the pools of benchmarks/strategies.py; classifier_defaults.py there varies them.
PRIOR_STRENGTH = 4.0
C = 5.0
BACKGROUND_WEIGHT = 5.0
_DOUBT = 0.7  # the deviation of the text's weight, as a share of what is expected of it
_LEAST_DOUBT = 0.05
_DISTRUST = 1.5  # how fast a text is given up whose nearest clips are no
_INTERCEPT_VARIANCE = 100.0  # keeps the intercept finite where all labels agree
_TOLERANCE = 0.01  # of the gradient, by which logits differ by some hundredths
_FLATTER = 0.3  # the loss curves less where it ends than where it begins: nearer the labels doubts are smaller


class TextLogistic:
    """Binary, probabilistic logistic regression that leans on a text while labels are few.

    A clip's logit is  u . z + a t + b,  z being how the clip differs from the mean clip, t how near it is to the text
    (1 for the nearest clips). Minimised is the weighted logistic loss plus  |u|^2 / (2 C) + (a - m)^2 / (2 s^2) +
    b^2 / (2 v): the maximum a posteriori under Gaussians. So the text's weight `a` is learned from the labels like
    any other, around an expected one, `m`; holding a linear probe near a text is Silva-Rodriguez et al.'s idea ("A
    Closer Look at the Few-Shot Adaptation of Large Vision-Language Models", CVPR 2024).

    What is expected of the text follows the evidence: m = prior_strength ((1 + P) / (1 + P + N))^1.5, P and N being how
    many yes and no there are, each counted by its t from 0 to 1. A text whose nearest clips are no is soon given up.

    Unlabelled clips of the backdrop are weak negatives, as in Perch Hoplite, so that it ranks sensibly from the first
    label on. All is linear: `coef_` and `intercept_` apply to plain embeddings.

    Parameters
    ----------
    prior : array (dim,), optional
        The concept's text embedding; its length does not matter.
    backdrop : Backdrop, optional
        What the corpus looks like. Without it the labelled clips must do, and there are no weak negatives.
    prior_strength : float
        The logit that the text's nearest clips are expected to have above the mean clip's.
    C : float
        The variance of the weights `u`: larger trusts the labels more.
    background_weight : float
        What all weak negatives together weigh, in labels.

    Attributes
    ----------
    coef_ : float64 (1, dim), intercept_ : float64 (1,), classes_ : (2,), n_features_in_ : int
    """

    def __init__(
        self,
        prior: ArrayLike | None = None,
        backdrop: Backdrop | None = None,
        prior_strength: float = PRIOR_STRENGTH,
        C: float = C,
        background_weight: float = BACKGROUND_WEIGHT,
    ) -> None:
        self.prior = prior
        self.backdrop = backdrop
        self.prior_strength = prior_strength
        self.C = C
        self.background_weight = background_weight

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to embeddings (n, dim) and labels (n,), bool or 0 and 1.

        One class alone is enough, and with a prior no label at all. Raises ArgumentError, which is a ValueError, for
        shapes that do not match, values that are not finite, more than two classes, and parameters out of range.
        """
        self._check_parameters()
        features, targets, weights = self._checked(X, y, sample_weight)
        labels, dim = features.shape
        backdrop = self.backdrop if self.backdrop is not None else Backdrop(features.astype(np.float32))
        if backdrop.sample.shape[1] != dim:
            raise ArgumentError(
                f"The backdrop must have the embeddings' {dim} dimensions, not {backdrop.sample.shape[1]}."
            )
        center, scale = backdrop.center, backdrop.scale
        # Once they are centred float32 is enough, in which products take half as long.
        away = _away(features, center)
        if self.backdrop is not None and len(weak := backdrop.negatives):
            away = np.concatenate([away, _away(weak, center)])
            targets = np.concatenate([targets, np.full(len(weak), -1.0)])
            weights = np.concatenate([weights, np.full(len(weak), self.background_weight / len(weak))])
        with one_thread():
            text = self._text(backdrop, dim)
            nearness = away @ text.astype(np.float32)
            expected = self._expected(nearness[:labels], targets[:labels], weights[:labels])
            # How far each weight is believed to be from what is expected of it.
            deviation = np.full(dim + 2, self.C**0.5)
            deviation[dim:] = _DOUBT * expected + _LEAST_DOUBT, _INTERCEPT_VARIANCE**0.5
            deviation[:dim] /= scale
            signed = np.column_stack([away, nearness, np.ones(len(away), dtype=np.float32)])
            signed *= targets[:, None].astype(np.float32)
            signed *= deviation.astype(np.float32)
            found = deviation * _solve(signed, targets * nearness * expected, weights)
        coef = found[:dim] + (expected + found[dim]) * text
        self.coef_ = coef[None, :]
        self.intercept_ = np.array([found[dim + 1] - coef @ center])
        self.n_features_in_ = dim
        return self

    def _check_parameters(self) -> None:
        arguments.number(self.prior_strength, "prior_strength", least=0)
        arguments.number(self.C, "C", above=0)
        arguments.number(self.background_weight, "background_weight", least=0)
        if self.backdrop is not None:
            arguments.instance(self.backdrop, Backdrop, "backdrop", "a Backdrop")

    def _text(self, backdrop: Backdrop, dim: int) -> NDArray[np.float64]:
        """The vector whose product with a clip is its nearness to the text, above the mean clip's."""
        text = _vector(self.prior, dim, "prior")
        length = float(np.linalg.norm(text))
        if not length:
            return text
        text = text / length
        reach = backdrop.reach(text)
        return text / reach if reach > np.finfo(np.float32).eps else np.zeros(dim)

    def _expected(
        self, nearness: NDArray[np.floating[Any]], targets: NDArray[np.float64], weights: NDArray[np.float64]
    ) -> float:
        """What the text's weight is expected to be, by how near to the text the labelled clips are."""
        sure = weights * np.clip(nearness, 0, 1)
        right, wrong = float(sure[targets > 0].sum()), float(sure[targets < 0].sum())
        return self.prior_strength * ((1 + right) / (1 + right + wrong)) ** _DISTRUST

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
        """Another one with the same settings."""
        return type(self)(self.prior, self.backdrop, self.prior_strength, self.C, self.background_weight)

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Logits (n,) of embeddings (n, dim): above 0 means yes. Raises AttributeError before `fit`."""
        features = _matrix(X).astype(np.float64, copy=False)
        if features.ndim != 2 or features.shape[1] != self.n_features_in_:
            raise ArgumentError(f"Embeddings (n, {self.n_features_in_}) are needed, not shape {features.shape}.")
        _check_finite(features)
        logits: NDArray[np.float64] = features @ self.coef_[0] + self.intercept_[0]
        return logits

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probabilities (n, 2) of no and yes."""
        yes = expit(self.decision_function(X))
        return np.column_stack([1.0 - yes, yes])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The likelier class (n,) of each embedding."""
        return self.classes_[(self.decision_function(X) > 0).astype(int)]


def decision_scores(
    embeddings: NDArray[np.floating[Any]],
    coef: NDArray[np.floating[Any]],
    intercept: NDArray[np.floating[Any]] | float,
) -> NDArray[np.float32]:
    """Logits, float32 (n,), of a matrix (n, dim) that may be memory-mapped and half precision, in one pass."""
    found = products(embeddings, np.asarray(coef, dtype=np.float32).ravel())
    found += np.float32(np.asarray(intercept).ravel()[0])
    return found


def _away(features: NDArray[np.floating[Any]], center: NDArray[np.float64]) -> NDArray[np.float32]:
    """How clips differ from the mean clip."""
    return (features - center.astype(features.dtype)).astype(np.float32, copy=False)


def _solve(
    signed: NDArray[np.float32], fixed: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where  weights . log(1 + exp(-(signed x + fixed))) + |x|^2 / 2  is least, by L-BFGS from 0; there is one place.

    `signed` is float32 (n, m), `fixed` and `weights` are float64 (n,).
    """
    # In coordinates in which the loss curves alike in all directions, a tenth of the steps are enough.
    doubt = expit(-fixed)
    curved = signed * np.sqrt(_FLATTER * weights * doubt * (1 - doubt)).astype(np.float32)[:, None]
    curvature = curved.T @ curved
    curvature[np.diag_indices_from(curvature)] += 1
    root = cholesky(curvature, lower=True, overwrite_a=True, check_finite=False)

    def loss(place: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        point = solve_triangular(root, place.astype(np.float32), lower=True, trans="T", check_finite=False)
        margins = signed @ point + fixed
        value = float(weights @ np.logaddexp(0, -margins)) + float(point @ point) / 2
        slope = point - (weights * expit(-margins)).astype(np.float32) @ signed
        return value, solve_triangular(root, slope, lower=True, check_finite=False).astype(np.float64)

    start = np.zeros(signed.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "gtol": _TOLERANCE})
    return solve_triangular(root, found.x.astype(np.float32), lower=True, trans="T").astype(np.float64)


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
    """Embeddings as float32 if they are, and as float64 otherwise."""
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
    """The two classes of some labels, no before yes; one of them may have no label."""
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
