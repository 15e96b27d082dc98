"""The classifier as a scikit-learn estimator."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from va_widgets.learning.logistic import TextLogistic


class Classifier(ClassifierMixin, BaseEstimator, TextLogistic):
    """`TextLogistic` with its parameters, as a scikit-learn estimator: binary, probabilistic, cloneable."""

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the logits (n,) of embeddings (n, dim): above 0 means yes. Raises NotFittedError before `fit`."""
        check_is_fitted(self)
        return super().decision_function(X)
