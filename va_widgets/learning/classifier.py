"""Logistic regression on clip embeddings that starts from the concept's text and works from the first label on."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

# Chosen on a pool of 16,000 real pictures (benchmarks/classifier_defaults.py prints the table).
PRIOR_STRENGTH = 8.0
C = 30.0
BACKGROUND_WEIGHT = 4.0
_INTERCEPT_VARIANCE = 100.0  # keeps the intercept finite where all labels agree
_CHUNK = 65_536


class Classifier(ClassifierMixin, BaseEstimator):
    """Binary, probabilistic logistic regression, pulled towards a text while labels are few.

    Minimises  sum_i w_i log(1 + exp(-s_i (x_i - center) . w - s_i b)) + |w - a prior|^2 / (2 C) + b^2 / (2 v)
    with s_i = +-1: the maximum a posteriori weights under a Gaussian around the prior, the way a linear probe is held
    near text prototypes by Silva-Rodriguez et al., "A Closer Look at the Few-Shot Adaptation of Large Vision-Language
    Models" (CVPR 2024). Background clips are weak negatives, as in Perch Hoplite.

    Parameters
    ----------
    prior : array (dim,), optional
        The concept's text embedding; its length does not matter.
    center : array (dim,), optional
        What is subtracted from every embedding, such as the corpus's mean; it is folded into `intercept_`.
    background : array (m, dim), optional
        Unlabelled clips taken as negatives. Together they weigh `background_weight` labels while there are no
        negatives, and less with every negative given.
    prior_strength : float
        The length `a` of the prior weights.
    C : float
        The variance of the weights around the prior: larger trusts the labels more.
    background_weight : float
        What the whole background weighs, in labels.

    Attributes
    ----------
    coef_ : float64 (1, dim), intercept_ : float64 (1,), classes_ : (2,), n_features_in_ : int
    """

    def __init__(
        self,
        prior: ArrayLike | None = None,
        center: ArrayLike | None = None,
        background: ArrayLike | None = None,
        prior_strength: float = PRIOR_STRENGTH,
        C: float = C,
        background_weight: float = BACKGROUND_WEIGHT,
    ) -> None:
        self.prior = prior
        self.center = center
        self.background = background
        self.prior_strength = prior_strength
        self.C = C
        self.background_weight = background_weight

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to embeddings (n, dim) and labels (n,), bool or 0 and 1.

        One class alone is enough, and with a prior no label at all. Raises ValueError for shapes that do not match,
        values that are not finite, and more than two classes.
        """
        features, targets, weights = self._checked(X, y, sample_weight)
        dim = features.shape[1]
        center = _vector(self.center, dim, "center")
        prior = _unit(_vector(self.prior, dim, "prior")) * self.prior_strength
        if self.background is not None and len(background := np.asarray(self.background, dtype=np.float64)):
            negatives = float(weights[targets < 0].sum())
            share = self.background_weight / (1.0 + negatives) / len(background)
            features = np.concatenate([features, background])
            targets = np.concatenate([targets, np.full(len(background), -1.0)])
            weights = np.concatenate([weights, np.full(len(background), share)])
        coef, intercept = _solve(features - center, targets, weights, prior, self.C)
        self.coef_ = coef[None, :]
        self.intercept_ = np.array([intercept - coef @ center])
        self.n_features_in_ = dim
        return self

    def _checked(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        features = np.asarray(X, dtype=np.float64)
        labels = np.asarray(y)
        if features.ndim != 2 or labels.shape != (len(features),):
            raise ValueError(
                f"Embeddings (n, dim) and labels (n,) are needed, not shapes {features.shape} and {labels.shape}."
            )
        if not np.isfinite(features).all():
            raise ValueError("The embeddings hold values that are not finite: leave those clips out.")
        classes = np.unique(labels)
        if labels.dtype == bool or not len(labels):
            self.classes_ = np.array([False, True])
        elif set(classes.tolist()) <= {0, 1}:
            self.classes_ = np.array([0, 1], dtype=labels.dtype)
        elif len(classes) == 2:
            self.classes_ = classes
        else:
            raise ValueError(f"Labels of two classes are needed, not {len(classes)}.")
        weights = np.ones(len(features)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        if weights.shape != labels.shape:
            raise ValueError(f"One weight a label is needed, not shape {weights.shape} for {len(labels)} labels.")
        return features, np.where(labels == self.classes_[1], 1.0, -1.0), weights

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Logits (n,) of embeddings (n, dim): above 0 means yes."""
        check_is_fitted(self)
        features = np.asarray(X, dtype=np.float64)
        if features.ndim != 2 or features.shape[1] != self.n_features_in_:
            raise ValueError(f"Embeddings (n, {self.n_features_in_}) are needed, not shape {features.shape}.")
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
    chunk: int = _CHUNK,
) -> NDArray[np.float32]:
    """Logits, float32 (n,), of a matrix (n, dim) that may be memory-mapped and half precision, chunk by chunk."""
    weights = np.asarray(coef, dtype=np.float32).ravel()
    shift = np.float32(np.asarray(intercept).ravel()[0])
    out = np.empty(len(embeddings), dtype=np.float32)
    for start in range(0, len(embeddings), chunk):
        part = np.asarray(embeddings[start : start + chunk], dtype=np.float32)
        np.matmul(part, weights, out=out[start : start + chunk])
    out += shift
    return out


def _solve(
    features: NDArray[np.float64],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    prior: NDArray[np.float64],
    variance: float,
) -> tuple[NDArray[np.float64], float]:
    """The minimum, by L-BFGS from the prior; the loss is strictly convex, so there is one."""
    dim = features.shape[1]

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        coef, intercept = point[:dim], point[dim]
        margins = targets * (features @ coef + intercept)
        away = coef - prior
        value = weights @ np.logaddexp(0, -margins) + away @ away / (2 * variance)
        value += intercept**2 / (2 * _INTERCEPT_VARIANCE)
        pull = -weights * targets * expit(-margins)
        gradient = np.append(features.T @ pull + away / variance, pull.sum() + intercept / _INTERCEPT_VARIANCE)
        return float(value), gradient

    found = minimize(loss, np.append(prior, 0.0), jac=True, method="L-BFGS-B", options={"maxiter": 500, "gtol": 1e-6})
    return found.x[:dim], float(found.x[dim])


def _vector(values: ArrayLike | None, dim: int, name: str) -> NDArray[np.float64]:
    if values is None:
        return np.zeros(dim)
    vector = np.asarray(values, dtype=np.float64)
    if vector.shape != (dim,):
        raise ValueError(f"The {name} must have the embeddings' shape ({dim},), not {vector.shape}.")
    return vector


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector
