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
_TEXTS = 8  # whose scales are kept


def sample_of(matrix: NDArray[np.floating[Any]], seed: int = 0) -> NDArray[np.float32]:
    """Return a sample of the rows of a matrix (n, d), which may be memory-mapped, float32 (m, d) in random order.

    The rows are the same ones for every matrix with n rows and the same seed.
    """
    n = len(matrix)
    rng = np.random.default_rng([seed, n])
    rows = np.sort(rng.choice(n, size=min(n, SAMPLE), replace=False))  # in the order in which they lie on the disk
    return np.asarray(matrix[rows], dtype=np.float32)[rng.permutation(len(rows))]


@dataclass(frozen=True)
class CorpusStatistics:
    """A sample of a corpus's clips, float32 (m, dim), in random order.

    `known_scale` takes the place of `scale` where another one than the sample's own is meant.
    """

    sample: NDArray[np.float32]
    known_scale: float | None = None

    @classmethod
    def of(cls, embeddings: NDArray[np.floating[Any]], seed: int = 0) -> CorpusStatistics:
        """Return the statistics of embeddings (n, dim), which may be memory-mapped; the same for the same seed."""
        return cls(sample_of(embeddings, seed))

    @cached_property
    def center(self) -> NDArray[np.float64]:
        """The mean embedding, float64 (dim,), 0 without clips."""
        if not len(self.sample):
            return np.zeros(self.sample.shape[1])
        return self.sample.mean(axis=0, dtype=np.float64)

    @cached_property
    def scale(self) -> float:
        """The root mean square distance of clips from the mean; 1 where all clips are equal."""
        if self.known_scale is not None:
            return self.known_scale
        distance = float(np.square(self.sample - self.center).sum(axis=1).mean()) ** 0.5 if len(self.sample) else 0.0
        return distance if distance > np.finfo(np.float32).eps else 1.0

    @cached_property
    def negatives(self) -> NDArray[np.float32]:
        """Weak negatives, float32 (m, dim): part of the sample, since most clips do not show a concept."""
        return self.sample[:_WEAK_NEGATIVES]

    @cached_property
    def _text_scales(self) -> dict[bytes, float]:
        """What `text_scale` has returned for some texts."""
        return {}

    def text_scale(self, text: ArrayLike) -> float:
        """Return a text's mean dot product with its nearest clips, minus that with the mean clip; 1 without clips."""
        if not len(self.sample):
            return 1.0
        vector = np.asarray(text, dtype=float)
        key = vector.tobytes()  # every refit asks for the same text several times
        if key not in self._text_scales:
            if len(self._text_scales) >= _TEXTS:
                self._text_scales.clear()
            scores = self.sample @ vector.astype(np.float32) - float(self.center @ vector)
            self._text_scales[key] = mean_of_nearest(scores)
        return self._text_scales[key]

    def text_direction(self, text: ArrayLike) -> NDArray[np.float64]:
        """Return a text's vector, float64 (dim,), scaled so that its product with clips, less the mean clip's, is 1 for
        the nearest ones; zeros where all clips are equally near.
        """
        vector = np.asarray(text, dtype=np.float64)
        length = float(np.linalg.norm(vector))
        if not length:
            return vector
        vector = vector / length
        scale = self.text_scale(vector)
        return vector / scale if scale > np.finfo(np.float32).eps else np.zeros(len(vector))


def mean_of_nearest(scores: NDArray[np.floating[Any]]) -> float:
    """Return the mean of the highest scores (m,): one in 500, at least one."""
    number = max(1, len(scores) // _NEAREST)
    return float(np.partition(scores, len(scores) - number)[len(scores) - number :].mean())
