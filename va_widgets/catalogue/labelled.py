"""What the annotators of a corpus agree on about a concept, read without a session."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.errors import LabelError
from va_widgets.base.paths import exists, inside
from va_widgets.corpus import Corpus
from va_widgets.labels.agreement import table
from va_widgets.labels.shared import StoreUser
from va_widgets.session import LABELS_FILE
from va_widgets.session.concept_text import ConceptText


def labels_in(corpus: Corpus, concept: str) -> pd.Series[str]:
    """Return "yes", "no", "unsure" or "tie" of every labelled clip, by clip_id; empty where nothing was labelled yet.

    Raises LabelError if the labels cannot be read.
    """
    path = inside(corpus.path, LABELS_FILE, error=LabelError)
    if not exists(path):
        return pd.Series(index=pd.Index([], dtype=object, name="clip_id"), dtype=object)
    user = StoreUser(path)
    try:
        return table(user.store.labels(concept), user.store.counting_rule(concept))["value"]
    finally:
        user.close()


def present_name(corpus: Corpus, concept: str) -> str:
    """Return what a concept is called now, such as that of a model that was published before it was renamed.

    Raises LabelError if the labels cannot be read.
    """
    path = inside(corpus.path, LABELS_FILE, error=LabelError)
    if not exists(path):
        return concept
    user = StoreUser(path)
    try:
        return user.store.concept_log.present_name(concept)
    finally:
        user.close()


def concept_vector(corpus: Corpus, concept: str) -> NDArray[np.float32] | None:
    """Return the vector of a concept's text, float32 (dim,), as far as it is known without loading a text model."""
    path = inside(corpus.path, LABELS_FILE, error=LabelError)
    if not exists(path):
        return corpus.phrase(concept)
    user = StoreUser(path)
    try:
        return ConceptText(corpus, user.store, concept).vector
    finally:
        user.close()
