"""Search by text in a session: the corpus's search, and the concept's stored vector, which needs no text model."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from va_widgets.corpus import Corpus
from va_widgets.corpus.open_corpus import ClipFilter
from va_widgets.corpus.search.clip_search import cut_note
from va_widgets.labels.concept_labels import ConceptLabels
from va_widgets.session.concept_classifier import ConceptClassifier


@dataclass(frozen=True)
class ConceptSearch:
    """Searches a corpus by text while an annotator works on a concept, and keeps the queries with the labels."""

    corpus: Corpus
    labels: ConceptLabels
    classifier: ConceptClassifier

    @property
    def concept_note(self) -> str:
        """A sentence with the part of the concept that the model reads, if it is too long for it; otherwise empty."""
        return cut_note(self.classifier.text.read)

    def answers_at_once(self, text: str) -> bool:
        """Whether a search for this text needs no model that is not loaded yet."""
        query = self.corpus.motion_query(text)
        is_stored = self._is_stored(text) if query is None else not query.rest
        without_model = is_stored or not self.corpus.has_text_model
        return (self.classifier.ready and without_model) or self.corpus.text_search.state == "ready"

    def search(self, text: str, k: int, where: ClipFilter | None) -> pd.DataFrame:
        """Return the `k` clips nearest to a text, as `Session.search` returns them."""
        concept = self.classifier.text
        if concept.vector is not None and self._is_stored(text) and self.corpus.motion_query(text) is None:
            matches = self.corpus.search_vector(concept.vector, k, nonsense=concept.nonsense, where=where)
            matches.attrs["note"] = " ".join(filter(None, [self.concept_note, matches.attrs["note"]]))
        else:
            matches = self.corpus.search(text, k, where=where)
            self.classifier.take_late_text()
        self.labels.add_query(text)
        return matches

    def _is_stored(self, text: str) -> bool:
        """Whether this text is the concept and its vector is known."""
        return text == self.labels.concept and self.classifier.text.vector is not None
