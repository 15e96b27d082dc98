"""A small synthetic pool for the experiments' tests: three concepts, each a direction in a narrow cone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from va_widgets.experiments.pools import Pool

CONCEPTS = ("truck", "cat", "frog")
SHARES = (0.3, 0.15, 0.08)


def make_pool(n: int = 240, dim: int = 16, seed: int = 0, text: float = 1.0) -> Pool:
    """Return a pool; `text` is the texts' quality: 1 for the concepts' own directions, 0 for unrelated ones."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    truth = rng.random((n, len(CONCEPTS))) < SHARES
    vectors = basis[0] * 1.5 + truth @ basis[1:4] * 0.8 + rng.normal(size=(n, dim)) * 0.25
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = {
        name: (0.3 * basis[0] + text * basis[1 + i] + (1 - text) * basis[5 + i]).astype(np.float32)
        for i, name in enumerate(CONCEPTS)
    }
    order = rng.permutation(n)
    return Pool(
        "synthetic",
        vectors.astype(np.float16),
        pd.DataFrame(truth, columns=list(CONCEPTS)),
        texts,
        np.sort(order[: n // 2]),
        np.sort(order[n // 2 :]),
        videos=np.arange(n) // 4,
    )
