"""Publish a concept's classifier: choose its threshold, and write it as a model into the corpus's folder."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from va_widgets.base.errors import ModelError, NotEnoughLabelsError
from va_widgets.base.paths import inside
from va_widgets.labels.concept_labels import ConceptLabels
from va_widgets.learning.inherited import InheritedLabels
from va_widgets.learning.smoothing import SHARE
from va_widgets.learning.trainer import Fit
from va_widgets.models.bundle import Model, checked_precision, publish, slug
from va_widgets.models.published import MODELS_FOLDER
from va_widgets.models.reference import LABELS_FILE, REFERENCE_FILE, hashed, labels_file, reference_file, sampled
from va_widgets.session.concept_classifier import ConceptClassifier
from va_widgets.session.corpus_view import CorpusView


def threshold(fit: Fit, precision: float | None = None) -> tuple[float, str]:
    """Return the probability from which a clip is a yes, and why: with the best F1, or a `precision`, 0 to 1.

    Raises ModelError for a precision that is none.
    """
    if precision is None:
        return fit.best_threshold
    return fit.threshold_for(checked_precision(precision))


def publish_classifier(
    view: CorpusView,
    labels: ConceptLabels,
    classifier: ConceptClassifier,
    name: str,
    precision: float | None,
    parent: Model | None = None,
) -> Model:
    """Refit a classifier and write it as the next version of the model `name`, in the corpus's folder of models.

    `parent` is the version that it has learned on from; other arguments and errors are those of `Session.publish`.
    """
    corpus = view.corpus
    folder_name = slug(name)  # raises what is wrong with the name before anything is done
    if precision is not None:
        precision = checked_precision(precision)
    folder = inside(corpus.path, MODELS_FOLDER, folder_name, error=ModelError).parent
    labels.check_file()
    classifier.refit()
    fit = classifier.fit
    kept = _labels(view, fit)
    clips, y = [f"{clip:016x}" for clip in kept.clips.view(np.uint64)], kept.y
    if not (y.any() and (~y).any()):
        raise NotEnoughLabelsError("A model needs at least one yes and one no: label a few more clips, then publish.")
    chosen, why = threshold(fit, precision)
    return publish(
        folder,
        name=name,
        concept=labels.concept,
        guideline=labels.guideline,
        encoder_fingerprint=corpus.encoder_fingerprint,
        classifier=fit.calibrated,
        labels=(clips, y),
        metrics=fit.refit.metrics(y),
        threshold=chosen,
        threshold_why=why,
        smoothing=0.0 if corpus.neighbours is None else SHARE,
        files={REFERENCE_FILE: _reference(view, fit), LABELS_FILE: labels_file(kept, view.arrays.seed)},
        parent=parent,
    )


def _labels(view: CorpusView, fit: Fit) -> InheritedLabels:
    """Return the labels that a classifier was fitted to, which the next version may inherit."""
    rows, clips = fit.labels.rows, view.corpus.clips
    names, videos = clips.index[rows].tolist(), clips["video"].iloc[rows].astype(str).tolist()
    own = InheritedLabels(view.arrays.rows(rows), fit.labels.y, hashed(names), hashed(videos))
    return own if fit.labels.inherited is None else own.plus(fit.labels.inherited)


def _reference(view: CorpusView, fit: Fit) -> bytes:
    """Return the sample of the corpus that later ones are compared with."""
    rows = sampled(view.arrays.videos, view.arrays.seed)
    scores = expit(np.float32(fit.calibration.factor) * fit.plain.at(rows))
    return reference_file(scores, view.corpus.embeddings[rows], view.arrays.videos[rows])
