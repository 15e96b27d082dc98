"""How well clips fit a text, as a number that can be combined with P(yes) of models."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from va_widgets.base.matrix import products
from va_widgets.catalogue.query.kept import kept, kept_text
from va_widgets.catalogue.query.resolve import Scores
from va_widgets.corpus import Corpus
from va_widgets.learning.statistics import CorpusStatistics

# Chosen by benchmarks/query.py --text: they predict the truth about the demo's concepts and about real pictures.
_MIDDLE, _SLOPE = 0.6, 8.0
_THRESHOLD = 0.5


def text_fit(corpus: Corpus, text: str) -> Scores:
    """Return how well each clip fits a text: expit(8 (t - 0.6)), t being how near it is; it fits from 0.5 on.

    A cosine alone says little, as it differs from encoder to encoder and from text to text. So t is the cosine less
    that of the mean clip, divided by what this is for the clips nearest to the text (the best one in 500): 0 for a clip
    like all others, 1 for the nearest. Raises SearchUnavailableError if the text cannot be embedded.
    """
    return kept_text(corpus, text, lambda: Scores(_fit(corpus, text), _THRESHOLD))


def _fit(corpus: Corpus, text: str) -> NDArray[np.float32]:
    vector, embeddings = corpus.text_embedding(text), corpus.embeddings
    statistics = kept(corpus, ("statistics", ""), lambda: CorpusStatistics.of(embeddings))
    scale = statistics.text_scale(vector)
    if scale <= np.finfo(np.float32).eps:  # all clips are equally near
        return np.full(len(corpus), expit(-_SLOPE * _MIDDLE), dtype=np.float32)
    nearness = (products(embeddings, vector) - np.float32(statistics.center @ vector)) / np.float32(scale)
    return expit(np.float32(_SLOPE) * (nearness - np.float32(_MIDDLE)))
