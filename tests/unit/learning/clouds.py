"""Synthetic embeddings with labels that a linear classifier can learn."""

from __future__ import annotations

import numpy as np


def cloud(n: int = 200, dim: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors, their labels, and the direction that tells them apart."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=dim)
    direction /= np.linalg.norm(direction)
    X = rng.normal(size=(n, dim))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return X, X @ direction > 0.1, direction
