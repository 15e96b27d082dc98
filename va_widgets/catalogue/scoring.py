"""The logits of many models at once: a product of a block of clips with the coefficients of all models."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from va_widgets.base.forks import imports
from va_widgets.base.matrix import block_products, zero_rows
from va_widgets.learning.views import APPEARANCE
from va_widgets.models.model import Model


@dataclass(frozen=True)
class Weights:
    """The weights of m models side by side; small, and safe to send to other processes.

    `coefs` are float32 (d, m) by the name of a view, with zeros for models that have not learned from it. The
    embeddings are the view "appearance". `intercepts` and `smoothing` are float32 (m,), and so is each of `missing`,
    by the name of a view; see `Model`.
    """

    coefs: Mapping[str, NDArray[np.float32]]
    intercepts: NDArray[np.float32]
    smoothing: NDArray[np.float32]
    missing: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @classmethod
    def of(cls, models: Sequence[Model]) -> Weights:
        """Return the weights of models of one encoder, whose views of the same name have the same number of columns."""
        coefs = {APPEARANCE: np.stack([model.coef for model in models], axis=1)}
        missing: dict[str, NDArray[np.float32]] = {}
        for column, model in enumerate(models):
            for view, coef in model.views.items():
                coefs.setdefault(view, np.zeros((len(coef), len(models)), dtype=np.float32))[:, column] = coef
            for view, logit in model.missing.items():
                missing.setdefault(view, np.zeros(len(models), dtype=np.float32))[column] = logit
        return cls(
            coefs,
            np.array([model.intercept for model in models], dtype=np.float32),
            np.array([model.smoothing for model in models], dtype=np.float32),
            missing,
        )

    def __len__(self) -> int:
        return len(self.intercepts)


def block_logits(
    blocks: Mapping[str, NDArray[np.floating[Any]]], weights: Weights, *, by_torch: bool = False
) -> NDArray[np.float32]:
    """Return what some rows of the given views add to the logits of all models, float32 (rows, m).

    With the view "appearance" the intercepts are added. A model's logit is the sum over all views; smoothing by
    neighbours applies to what "appearance" adds, so that a caller who smooths asks for that alone, and for the others.

    Parameters
    ----------
    blocks : {view: float16 or float32 (rows, d)}
        Views that no model has learned from are left out.
    by_torch : bool
        Whether torch multiplies, which takes a third of numpy's time for float16 but seconds to import. The results
        differ by rounding in float32.
    """
    rows = {len(block) for block in blocks.values()}.pop()
    logits: NDArray[np.float32] | None = None
    for view, block in blocks.items():
        if view in weights.coefs:
            added = block_products(block, weights.coefs[view], by_torch=by_torch)
            logits = added if logits is None else np.add(logits, added, out=logits)
    if logits is None:
        logits = np.zeros((rows, len(weights)), dtype=np.float32)
    if APPEARANCE in blocks:
        logits += weights.intercepts
    for view, block in blocks.items():
        if view in weights.missing:
            logits[zero_rows(block)] += weights.missing[view]
    return logits


def probabilities(logits: NDArray[np.float32], *, by_torch: bool = False) -> NDArray[np.float32]:
    """Return P(yes) for logits of any shape, written over them; by torch in a tenth of the time."""
    if not by_torch:
        scores: NDArray[np.float32] = expit(logits, out=logits)
        return scores
    with imports:
        import torch

    torch.from_numpy(logits).sigmoid_()
    return logits


def weights_digest(model: Model) -> str:
    """Return the SHA-256 of all that a model's scores depend on; equal for models that score alike."""
    digest = hashlib.sha256(np.array([model.intercept, model.smoothing], dtype="<f8").tobytes())
    for name, coef in [("", model.coef), *sorted(model.views.items())]:
        digest.update(f"{name}:{len(coef)}:".encode())
        digest.update(coef.astype("<f4").tobytes())
        digest.update(np.array([model.missing.get(name, 0.0)], dtype="<f8").tobytes())
    return digest.hexdigest()
