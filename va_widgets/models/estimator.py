"""The interface by which scikit-learn uses a classifier that is fitted already and never fitted again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Never, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from va_widgets.base.errors import ModelError


class FittedClassifier:
    """A binary classifier for scikit-learn's metrics and displays, whose classes are False and True.

    `dim` is the number of columns that it scores, `threshold` the probability from which on it predicts True.
    """

    dim: int
    threshold: float
    _estimator_type: ClassVar[str] = "classifier"  # what scikit-learn before 1.6 asks for

    @abstractmethod
    def decision_function(
        self, embeddings: ArrayLike, views: Mapping[str, ArrayLike] | None = None
    ) -> NDArray[np.float32]:
        """Return the logits of P(True), float32 (n,)."""

    @property
    def classes_(self) -> NDArray[np.bool_]:
        """The classes in the order of the columns of `predict_proba`: no and yes, as False and True."""
        return np.array([False, True])

    @property
    def n_features_in_(self) -> int:
        """The number of columns of the embeddings."""
        return self.dim

    def predict_proba(self, embeddings: ArrayLike, views: Mapping[str, ArrayLike] | None = None) -> NDArray[np.float32]:
        """Return P(no) and P(yes), float32 (n, 2); arguments and errors are those of `score`."""
        logits = self.decision_function(embeddings, views)
        return np.stack([expit(-logits), expit(logits)], axis=1)

    def predict(self, embeddings: ArrayLike, views: Mapping[str, ArrayLike] | None = None) -> NDArray[np.bool_]:
        """Return whether each clip is a yes by the model's own `threshold`, bool (n,), as `score` takes them."""
        yes: NDArray[np.bool_] = expit(self.decision_function(embeddings, views)) >= np.float32(self.threshold)
        return yes

    def fit(self, *_: object, **__: object) -> Never:
        """Raise ModelError: a published model never changes. scikit-learn requires the method of every estimator."""
        raise ModelError("A published model never changes: label more clips and publish again, or fit another one.")

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_clone__(self) -> Self:
        return self

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=False),
            classifier_tags=ClassifierTags(multi_class=False),
        )
