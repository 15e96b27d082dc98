"""How well clips fit a text, as a number that can be compared with P(yes) of models."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from va_widgets.base.matrix import products
from va_widgets.catalogue.query.resolve import Scores
from va_widgets.corpus import Corpus

_MIDDLE, _SLOPE = 2.0, 2.0


def text_fit(corpus: Corpus, text: str) -> Scores:
    """Return how well each clip fits a text. Raises SearchUnavailableError if the text cannot be embedded."""
    cosines = products(corpus.embeddings, corpus.text_embedding(text))
    spread = max(float(cosines.std(dtype=np.float64)), 1e-6)
    deviations = (cosines - cosines.mean(dtype=np.float64)) / spread
    return Scores(expit(_SLOPE * (deviations - _MIDDLE)).astype(np.float32), 0.5)
