"""The spread of a corpus's clips, by which a search whose scores hardly differ is recognised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_SAMPLE = 4096  # clips of which the spread is computed, at most
_FEWEST = 10  # clips; of fewer no text is said to tell none apart
_FLAT = 0.5  # of benchmarks/flat_search.py: nonsense stays below it, texts that tell clips apart are above 1


@dataclass(frozen=True)
class Spread:
    """How far the clips of a corpus differ from their mean embedding.

    `center` is the mean embedding, float32 (dim,); `scale` the root of the mean square of the distance to it; `clips`
    the number of clips that both were computed of.
    """

    center: NDArray[np.float32]
    scale: float
    clips: int

    @classmethod
    def of(cls, embeddings: NDArray[np.floating[Any]]) -> Self:
        """Return the spread of embeddings (n, dim), which may be memory-mapped, by a sample of evenly spaced rows."""
        rows = np.unique(np.linspace(0, max(0, len(embeddings) - 1), _SAMPLE).astype(np.int64))[: len(embeddings)]
        sample = np.asarray(embeddings[rows], dtype=np.float32)
        if not len(sample):
            return cls(np.zeros(embeddings.shape[1], dtype=np.float32), 0.0, 0)
        center = sample.mean(axis=0, dtype=np.float64)
        scale = float(np.square(sample - center).sum(axis=1).mean()) ** 0.5
        return cls(center.astype(np.float32), scale, len(sample))

    def is_flat(self, vector: NDArray[np.float32], highest: float) -> bool:
        """Return whether a text's scores hardly differ from clip to clip, by its vector (dim,) and its `highest` score.

        The highest score is compared with the mean clip's. In units of what one direction in the space of embeddings
        contributes to the clips' spread, scale / sqrt(dim), a random direction reaches 3 to 4 and words that the model
        knows reach 1 to 12; nonsense that the model puts in one place stays below 0.5.
        """
        if self.clips < _FEWEST or self.scale <= np.finfo(np.float32).eps:
            return False  # no text could tell these clips apart
        lift = highest - float(self.center @ vector)
        return lift < _FLAT * self.scale / len(vector) ** 0.5
