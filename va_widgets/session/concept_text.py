"""The text vector of a concept, stored with its labels, so that a session opens without the text model."""

from __future__ import annotations

import base64
import binascii
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.errors import LabelError
from va_widgets.corpus import Corpus
from va_widgets.labels.label_store import LabelStore
from va_widgets.labels.refit_history import HISTORY_PATIENCE

_EVERYBODY = ""  # the vector belongs to the concept, not to one annotator
_log = logging.getLogger(__name__)


class ConceptText:
    """The vector of a concept's text, float32 (dim,).

    It comes from the phrases of the corpus, from the label store, or from the corpus's text model. The model's vector
    is stored bit by bit under the concept and the encoder's fingerprint, and is read from then on: the classifier is
    the same on every machine, with the model and without it.

    Attributes
    ----------
    vector : float32 (dim,), or None while it is not known
    read : str or None
        The part of the concept that the model reads, where the concept is too long for it.
    nonsense : bool
        Whether the model takes the concept for a string without meaning.
    """

    def __init__(self, corpus: Corpus, labels: LabelStore, concept: str) -> None:
        self._corpus = corpus
        self._labels = labels
        self._concept = concept
        # A concept that was renamed has a vector for each of its names.
        renamed = labels.concept_log.first_name(concept) != concept
        self._key = f"text:{corpus.encoder_fingerprint}" + (f":{concept}" if renamed else "")
        self.read: str | None = None
        self.nonsense = False
        self.vector: NDArray[np.float32] | None = corpus.phrase(concept)
        if self.vector is None:
            self._take(labels.get_state(_EVERYBODY, concept, self._key))

    @property
    def missing(self) -> bool:
        """Whether there is no vector although the corpus has a text model to make one."""
        return self.vector is None and self._corpus.has_text_model

    def load(self) -> None:
        """Embed the concept with the corpus's text model, unless its vector is known, and store it.

        Takes as long as loading the model does. Raises SearchUnavailableError if it cannot be embedded.
        """
        if not self.missing:
            return
        vector = self._corpus.text_embedding(self._concept)
        read = self._corpus.cut_text(self._concept)
        nonsense = self._corpus.resembles_nonsense(self._concept, vector)
        self.vector, self.read, self.nonsense = vector, read, nonsense
        if self._labels.read_only:
            return
        data = base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
        document = {"float32": data, "read": read, "nonsense": nonsense}
        try:
            key = (_EVERYBODY, self._concept, self._key)
            if not self._take(self._labels.set_state_if_absent(*key, document, patience=HISTORY_PATIENCE)):
                self._labels.set_state(*key, document, patience=HISTORY_PATIENCE)  # what was there is damaged
        except LabelError as error:  # the feeds go on; the next session of the concept makes the vector again
            _log.warning("The text vector of %r is not kept: %s", self._concept, error)

    def _take(self, document: Any) -> bool:
        """Use a stored vector; return False if there is none or it is damaged."""
        if document is None:
            return False
        try:
            data = base64.b64decode(document["float32"], validate=True)
            vector = np.frombuffer(data, dtype="<f4").astype(np.float32)
            read, nonsense = document["read"], bool(document["nonsense"])
        except (TypeError, KeyError, ValueError, binascii.Error) as error:
            _log.warning("The stored text vector of %r is damaged and is made anew: %s", self._concept, error)
            return False
        dim = self._corpus.embeddings.shape[1]
        if vector.shape != (dim,) or not np.isfinite(vector).all():
            _log.warning("The stored text vector of %r is damaged and is made anew", self._concept)
            return False
        self.vector, self.read, self.nonsense = vector, read if isinstance(read, str) else None, nonsense
        return True
