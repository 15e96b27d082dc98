"""What a published model keeps of its corpus: the labels that it was fitted to, and a sample of all clips."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from va_widgets.learning.inherited import InheritedLabels
from va_widgets.learning.trainer import Fit
from va_widgets.models.reference import LABELS_FILE, REFERENCE_FILE, hashed, labels_file, reference_file, sampled
from va_widgets.session.corpus_view import CorpusView


def kept_data(view: CorpusView, fit: Fit) -> dict[str, bytes]:
    """Return the files in which a model of a classifier keeps them, by their names."""
    return {REFERENCE_FILE: _reference(view, fit), LABELS_FILE: labels_file(_labels(view, fit), view.arrays.seed)}


def _labels(view: CorpusView, fit: Fit) -> InheritedLabels:
    """Return the labels that a classifier was fitted to, those that it has inherited among them."""
    rows, clips = fit.labels.rows, view.corpus.clips
    names, videos = clips.index[rows].tolist(), clips["video"].iloc[rows].astype(str).tolist()
    own = InheritedLabels(view.arrays.rows(rows), fit.labels.y, hashed(names), hashed(videos))
    return own if fit.labels.inherited is None else own.plus(fit.labels.inherited)


def _reference(view: CorpusView, fit: Fit) -> bytes:
    """Return the sample of the corpus that later ones are compared with."""
    rows = sampled(view.arrays.videos, view.arrays.seed)
    scores = expit(np.float32(fit.calibration.factor) * fit.plain.at(rows))
    return reference_file(scores, view.corpus.embeddings[rows], view.arrays.videos[rows])
