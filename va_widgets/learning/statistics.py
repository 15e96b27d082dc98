"""Statistics of a corpus's embeddings, by which a classifier centres and scales embeddings and texts.

Embeddings of one encoder lie in a narrow cone, texts in another, and both differ from encoder to encoder. So absolute
values say little: embeddings are centred on the corpus's mean, and texts are scaled by their nearest clips.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

SAMPLE = 4096  # clips that the statistics are computed from
_WEAK_NEGATIVES = 256
_NEAREST = 500  # one clip in so many counts as near to a text


@dataclass(frozen=True)
class CorpusStatistics:
    """A sample of a corpus's clips, float32 (m, dim), in random order."""

    sample: NDArray[np.float32]

    @classmethod
    def of(cls, embeddings: NDArray[np.floating[Any]], seed: int = 0) -> CorpusStatistics:
        """Return the statistics of embeddings (n, dim), which may be memory-mapped; the same for the same seed."""
        n = len(embeddings)
        rng = np.random.default_rng([seed, n])
        rows = np.sort(rng.choice(n, size=min(n, SAMPLE), replace=False))  # in the order in which they lie on the disk
        return cls(np.asarray(embeddings[rows], dtype=np.float32)[rng.permutation(len(rows))])

    @cached_property
    def center(self) -> NDArray[np.float64]:
        """The mean embedding, float64 (dim,), 0 without clips."""
        if not len(self.sample):
            return np.zeros(self.sample.shape[1])
        return self.sample.mean(axis=0, dtype=np.float64)

    @cached_property
    def scale(self) -> float:
        """The root mean square distance of clips from the mean; 1 where all clips are equal."""
        distance = float(np.square(self.sample - self.center).sum(axis=1).mean()) ** 0.5 if len(self.sample) else 0.0
        return distance if distance > np.finfo(np.float32).eps else 1.0

    @cached_property
    def negatives(self) -> NDArray[np.float32]:
        """Weak negatives, float32 (m, dim): part of the sample, since most clips do not show a concept."""
        return self.sample[:_WEAK_NEGATIVES]

    def text_scale(self, text: ArrayLike) -> float:
        """Return a text's mean dot product with its nearest clips, minus that with the mean clip; 1 without clips."""
        if not len(self.sample):
            return 1.0
        scores = self.sample @ np.asarray(text, dtype=np.float32) - float(self.center @ np.asarray(text, dtype=float))
        number = max(1, len(scores) // _NEAREST)
        return float(np.partition(scores, len(scores) - number)[len(scores) - number :].mean())
