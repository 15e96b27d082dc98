"""Publish a concept's classifier: choose its threshold, and write it as a model into the corpus's folder."""

from __future__ import annotations

import numpy as np

from va_widgets.base import arguments
from va_widgets.base.arguments import described, is_within
from va_widgets.base.errors import ModelError, NotEnoughLabelsError
from va_widgets.base.paths import inside
from va_widgets.labels.concept_labels import ConceptLabels
from va_widgets.learning.trainer import Fit
from va_widgets.models.bundle import publish
from va_widgets.models.card import training_facts
from va_widgets.models.model import Model
from va_widgets.models.motion_version import motion_facts
from va_widgets.models.names import MODELS_FOLDER, slug
from va_widgets.models.published import newest
from va_widgets.session.concept_classifier import ConceptClassifier
from va_widgets.session.corpus_view import CorpusView
from va_widgets.session.kept_data import kept_data
from va_widgets.session.model_pictures import pictures


def threshold(fit: Fit, precision: float | None = None) -> tuple[float, str]:
    """Return the probability from which a clip is a yes, and why: with the best F1, or a `precision`, 0 to 1.

    Raises ModelError for a precision that is none.
    """
    if precision is None:
        return fit.best_threshold
    return fit.threshold_for(_checked_precision(precision))


def _checked_precision(precision: object) -> float:
    """Return a precision as a float. Raises ModelError unless it is a number above 0 and up to 1."""
    if not is_within(precision, 0, 1, above=True):
        raise ModelError(f"A precision is a number above 0 and up to 1, not {described(precision)}.")
    return float(precision)


def publish_classifier(
    view: CorpusView,
    labels: ConceptLabels,
    classifier: ConceptClassifier,
    name: str,
    precision: float | None,
    with_pictures: bool,
    follows: Model | None = None,
) -> Model:
    """Refit a classifier and write it as the next version of the model `name`, in the corpus's folder of models.

    `follows` is the version of another corpus that the classifier has learned on from. Other arguments and errors are
    those of `Session.publish`.
    """
    corpus = view.corpus
    with_pictures = arguments.flag(with_pictures, "pictures")
    folder_name = slug(name)  # raises what is wrong with the name before anything is done
    if precision is not None:
        precision = _checked_precision(precision)
    folder = inside(corpus.path, MODELS_FOLDER, folder_name, error=ModelError).parent
    labels.check_file()
    classifier.refit()
    fit = classifier.fit
    clips, y = labels.training_set()
    if (inherited := fit.labels.inherited) is not None:
        clips = [*clips, *(f"{clip:016x}" for clip in inherited.clips.view(np.uint64))]
        y = np.concatenate([y, inherited.y])
    if not (y.any() and (~y).any()):
        raise NotEnoughLabelsError("A model needs at least one yes and one no: label a few more clips, then publish.")
    here = newest(corpus, folder_name)
    if here is not None:
        _check_concept(here, name, labels)
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
        smoothing=fit.share,
        facts=training_facts(fit.refit, fit.calibration, labels.annotators())
        | motion_facts(corpus, fit.calibrated.coefs, None if follows is None else follows.card),
        files=kept_data(view, fit) | (pictures(corpus, fit, chosen) if with_pictures else {}),
        parent=_parent(here, follows),
    )


def _check_concept(model: Model, name: str, labels: ConceptLabels) -> None:
    """Raise ModelError if a model is of another concept, which those who query it by its name would not notice."""
    known = labels.store.concept_log
    if known.present_name(model.concept) != known.present_name(labels.concept):
        raise ModelError(
            f"There is a model {described(name)} already, of the concept {described(model.concept)} and not"
            f" {described(labels.concept)}: publish by another name, or withdraw that model first."
        )


def _parent(here: Model | None, follows: Model | None) -> Model | None:
    """Return which version the next one follows: the newest of this corpus, or a newer one of the same name."""
    if here is None or follows is None:
        return here or follows
    return follows if follows.slug == here.slug and follows.version > here.version else here
