"""A query over a corpus: which clips match it, and in which order."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import described
from va_widgets.base.errors import QueryError
from va_widgets.base.sorting import order_of
from va_widgets.base.texts import counted
from va_widgets.catalogue.query.expression import evaluated
from va_widgets.catalogue.query.names import Entry, Names
from va_widgets.catalogue.query.parse import parse
from va_widgets.catalogue.query.ranking import PRODUCT, Rule
from va_widgets.catalogue.query.resolve import Resolver, Scores
from va_widgets.catalogue.query.syntax import all_names
from va_widgets.catalogue.query.text_fit import text_fit
from va_widgets.catalogue.scores import Models, read_models, score_columns
from va_widgets.corpus import Corpus


class Query:
    """The clips of a corpus that match a text such as "night_city > 0.7 and not rain", and their ranking.

    Attributes
    ----------
    text : str
    names : tuple of str
        The names in the query, in their order: of models, columns, numbers of motion, and texts.
    matches : bool (n,)
        Which clips match.
    scores : float32 (n,)
        What the clips are ranked by, from 0 to 1: an estimate of the probability that a clip is what the query asks
        for. Also of clips that do not match.
    count : int
        How many clips match.

    Parameters
    ----------
    models : models, or their folders, optional
        Those that the query can name; by default all that are served from the corpus.

    Raises
    ------
    QueryError
        If the text is no query, or has a name that is not known, with the `column` in the text and the nearest name as
        `suggestion`.
    ModelError or EncoderMismatchError
        If a model that it names cannot be read, or is not of the corpus's encoder.
    """

    def __init__(self, text: str, corpus: Corpus, models: Models | None = None, *, rule: Rule = PRODUCT) -> None:
        corpus = arguments.instance(corpus, Corpus, "The corpus of a query", "a va.Corpus", error=QueryError)
        corpus = copy(corpus)  # which does not change when another thread adds clips
        root = parse(text)
        known = Names(corpus, read_models(models, corpus))
        named = {
            entry.key: known.models[entry.key]
            for name in all_names(root)
            for entry in known.meant(name)
            if entry.kind == "model"
        }
        columns = score_columns(corpus, named)  # in one pass
        scores = {slug: Scores(columns[slug], model.threshold) for slug, model in named.items()}
        resolver = Resolver(text, known, scores, lambda phrase: text_fit(corpus, phrase))
        expression = resolver.expression(root)
        self.text = text
        self._corpus_clips = corpus.clips
        self._known = known
        self._used: dict[str, Scores | Entry] = resolver.used
        self.names: tuple[str, ...] = tuple(resolver.used)
        self.matches, self.scores = evaluated(expression, len(corpus), rule)

    @cached_property
    def count(self) -> int:
        """How many clips match."""
        return int(np.count_nonzero(self.matches))

    def column(self, name: str) -> NDArray[Any]:
        """Return the values of a name of the query for all clips: P(yes) float32 (n,), or those of a column (n,).

        Raises QueryError if the query does not have the name.
        """
        if name not in self._used:
            raise QueryError(f"The query has no name {described(name)}, only {', '.join(self.names)}.")
        return self._values(name, slice(None))

    def table(self, k: int = 48, offset: int = 0) -> pd.DataFrame:
        """Return the `k` best clips that match, or those after the best `offset`: DataFrame(score, one column a name).

        It is indexed by clip_id. Clips that score alike are in the order of the corpus. `attrs` of the table are the
        `query` and the `count` of all clips that match.
        """
        k, offset = arguments.count(k, "k"), arguments.count(offset, "offset")
        rows = self._best(k + offset)[offset:]
        columns = {"score": self.scores[rows]} | {name: self._values(name, rows) for name in self.names}
        table = pd.DataFrame(columns, index=self._corpus_clips.index[rows])
        table.attrs |= {"query": self.text, "count": self.count}
        return table

    def _best(self, k: int) -> NDArray[np.int64]:
        """Return the rows of the `k` best clips that match, best first."""
        rows = np.flatnonzero(self.matches)
        scores = self.scores[rows]
        if 0 < k < len(rows):  # few are sorted
            enough = scores >= np.partition(scores, len(rows) - k)[len(rows) - k]
            rows, scores = rows[enough], scores[enough]
        return rows[order_of(scores, highest_first=True)[:k]]

    def _values(self, name: str, rows: Any) -> Any:
        used = self._used[name]
        if isinstance(used, Scores):
            return used.values[rows]
        if used.kind == "motion":
            return self._known.column(used).values[rows]
        if used.key == self._corpus_clips.index.name:
            return self._corpus_clips.index[rows].to_numpy()
        return self._corpus_clips[used.key].iloc[rows].array

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        return f"Query({self.text!r}: {counted(self.count, 'clip')})"
