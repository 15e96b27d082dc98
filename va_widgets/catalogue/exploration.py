"""A corpus as it is explored: the clips of a question in an order, and what is known about all of them."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.arguments import described, instance
from va_widgets.base.errors import EncoderMismatchError, ModelError, QueryError
from va_widgets.base.names import escaped
from va_widgets.base.sorting import order_of
from va_widgets.catalogue.counting import Histogram, Values, countable, histogram, values_of
from va_widgets.catalogue.query import Name, Query, complete, names
from va_widgets.catalogue.query.names import Names, written
from va_widgets.catalogue.query.parse import parse
from va_widgets.catalogue.saved_queries import SavedQueries
from va_widgets.catalogue.scores import Models, read_models, score_columns
from va_widgets.catalogue.scoring import weights_digest
from va_widgets.catalogue.thresholds import Threshold, thresholds, with_threshold
from va_widgets.corpus import Corpus
from va_widgets.models.bundle import Model
from va_widgets.models.motion_version import motion_note
from va_widgets.models.published import served_and_damaged

Order: TypeAlias = Literal["best", "worst", "time"]
NameKind: TypeAlias = Literal["model", "column", "motion", "text"]
_KEPT = 8  # queries: the present one, and those that were typed before it
_LISTED = 20  # values of a column
_PREPARED = 1 << 28  # bytes of scores that are computed before somebody asks


@dataclass(frozen=True)
class Question:
    """Which clips: those that match `text`, all for an empty one; with `values` those alone that have one of them."""

    text: str
    column: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """The clips of a question: `rows` of the corpus in order, the query's `names` and what it says of every clip."""

    rows: NDArray[np.int64]
    query: Query | None  # None for all clips
    clips: pd.DataFrame

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the query."""
        return () if self.query is None else self.query.names

    def table(self, k: int | None = None, offset: int = 0) -> pd.DataFrame:
        """Return `k` clips, or all, from the place `offset` on: DataFrame(score, one column a name) by clip_id."""
        rows = self.rows[offset:] if k is None else self.rows[offset : offset + k]
        columns: dict[str, Any] = {}
        if self.query is not None:
            columns = {"score": self.query.scores[rows]}
            columns |= {name: self.query.column(name)[rows] for name in self.names}
        return pd.DataFrame(columns, index=self.clips.index[rows])


class Exploration:
    """Answers questions about a corpus with the models that are served from it, or those that were given.

    It may be asked from several threads.

    Parameters
    ----------
    corpus : Corpus
    models : models, or their folders, optional

    Raises
    ------
    QueryError
        If what was given is no corpus.
    ModelError
        If a model that was given cannot be read.
    """

    def __init__(self, corpus: Corpus, models: Models | None = None) -> None:
        self.corpus = instance(
            corpus, Corpus, "The corpus", "a va.Corpus, such as va.Corpus.open returns", error=QueryError
        )
        self.saved = SavedQueries(corpus.path)
        self.problem = ""
        """What is wrong with a model that is not withdrawn, in one sentence: it cannot be read, and what was read of it
        before is used; or it has learned from motion of another version than the corpus's."""
        self._given = models
        self._models: Mapping[str, Model] = {} if models is None else read_models(models, corpus)
        self._lock = threading.RLock()
        self._queries: OrderedDict[str, Query] = OrderedDict()
        self._answer: tuple[tuple[object, ...], Answer] | None = None
        self._clips = corpus.clips
        self.refresh()

    # --- what can be asked -----------------------------------------------------------------------

    def refresh(self) -> None:
        """Take the models that are served by now, unless some were given."""
        if self._given is not None:
            return
        try:
            served, problems = served_and_damaged(self.corpus)
        except ModelError as error:  # the folder of the models cannot be read: the former ones are used
            self.problem = str(error)
            return
        self.problem = next(iter(problems.values()), "") or _motion_problem(served.values(), self.corpus)
        # What was read before it was damaged is still good.
        served |= {slug: self._models[slug] for slug in problems if slug in self._models}
        with self._lock:
            if _versions(served) != _versions(self._models):
                self._models = served
                self._forget()

    @property
    def models(self) -> Mapping[str, Model]:
        """The models by slug."""
        return self._models

    @property
    def digest(self) -> str:
        """A text that is another one once there are other models, or more clips."""
        state = repr((len(self.corpus), _versions(self._models)))
        return hashlib.sha256(state.encode()).hexdigest()[:16]

    @property
    def corpus_id(self) -> str:
        """A text for the corpus that does not tell where it is."""
        return hashlib.sha256(escaped(self.corpus.path).encode()).hexdigest()[:16]

    def names(self) -> list[Name]:
        """Return what may stand in a query."""
        return names(self.corpus, list(self._models.values()))

    def completions(self, text: str, cursor: int, most: int = 12) -> tuple[list[Name], int, int]:
        """Return the names that fit what is written before the cursor, and the part of the text that they replace."""
        found, start, end = complete(text, min(cursor, len(text)), self.corpus, list(self._models.values()))
        return found[:most], start, end

    def columns(self) -> list[str]:
        """Return the columns by whose values clips can be counted and chosen."""
        return countable(self.corpus)

    def prepare(self) -> None:
        """Do beforehand what the first queries would wait for: load what reads them, and score all clips in one pass.

        Models are scored as long as their scores take up to 256 MB; those that do not fit the corpus are left out.
        """
        parse("a")
        fitting: dict[str, Model] = {}
        for slug, model in list(self._models.items())[: _PREPARED // (4 * max(1, len(self.corpus)))]:
            try:
                model.check_corpus(self.corpus)
            except (EncoderMismatchError, ModelError):  # said once a query names it
                continue
            fitting[slug] = model
        if fitting:
            score_columns(self.corpus, fitting)

    # --- answers ---------------------------------------------------------------------------------

    def answer(self, question: Question, order: Order = "best", by: str = "") -> Answer:
        """Return the clips of a question in an order: by `by`, a name of the query, or by its own score for any other.

        Clips that are equal in that are in the order of the corpus, as are all clips where nothing ranks them.
        Raises QueryError for a text that is no query; EncoderMismatchError or ModelError if a model cannot be applied.
        """
        with self._lock:
            query = self.query(question.text)
            key = (question, order, by)
            if self._answer is not None and self._answer[0] == key:
                return self._answer[1]
            rows = np.flatnonzero(self._matches(query, question))
            answer = Answer(self._sorted(rows, query, order, by), query, self.corpus.clips)
            self._answer = (key, answer)
            return answer

    def count(self, question: Question) -> int:
        """Return the number of clips of a question. Raises as `answer`."""
        return int(np.count_nonzero(self._matches(self.query(question.text), question)))

    def query(self, text: str) -> Query | None:
        """Return the query of a text, made once; None for an empty one. Raises as `answer`."""
        with self._lock:
            if self.corpus.clips is not self._clips:  # `Corpus.add`
                self._clips = self.corpus.clips
                self._forget()
            if not text.strip():
                return None
            if text not in self._queries:
                self._queries[text] = Query(text, self.corpus, list(self._models.values()))
            self._queries.move_to_end(text)
            while len(self._queries) > _KEPT:
                self._queries.popitem(last=False)
            return self._queries[text]

    def thresholds(self, text: str) -> dict[str, Threshold]:
        """Return the threshold of each name of a query that has one."""
        return thresholds(text, self.corpus, self._models) if text.strip() else {}

    def with_threshold(self, text: str, name: str, value: float) -> str:
        """Return a query that compares a name with another number."""
        return with_threshold(text, name, value, self.corpus, self._models)

    def numbers(self, text: str) -> dict[str, NDArray[Any]]:
        """Return the values of those names of a query that are numbers, (n,) each. Raises as `answer`."""
        query = self.query(text)
        columns = {name: np.asarray(query.column(name)) for name in query.names} if query is not None else {}
        return {name: values for name, values in columns.items() if values.dtype.kind in "fiu"}

    def histograms(self, question: Question) -> list[tuple[str, NameKind, Histogram]]:
        """Return how all clips and those of a question are spread over the numbers of its names."""
        matches = self._matches(self.query(question.text), question)
        kinds = {entry.shown: entry.kind for entry in Names(self.corpus, self._models).entries}
        found: list[tuple[str, NameKind, Histogram]] = []
        for name, values in self.numbers(question.text).items():
            kind: NameKind = kinds.get(name, "text")
            counted = histogram(values, matches, is_probability=kind in ("model", "text"))
            if counted is not None:
                found.append((name, kind, counted))
        return found

    def facet(self, question: Question) -> tuple[list[tuple[str, int]], int] | None:
        """Return the most frequent values of a question's column among the clips of its text, and those with others.

        None without a column.
        """
        if not question.column:
            return None
        matches = self._matches(self.query(question.text), Question(question.text))
        return self._values(question.column).most_frequent(matches, _LISTED)

    def any_of(self, slugs: Sequence[str]) -> str:
        """Return a query that has all of some models, by slug."""
        return " or ".join(written(f"models.{slug}") for slug in slugs)

    # --- inside ----------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._queries.clear()
        self._answer = None

    def _values(self, column: str) -> Values:
        if column not in self.columns():
            raise QueryError(f"Clips cannot be counted by {described(column)}: choose one of corpus.clips.columns.")
        return values_of(self.corpus, column)

    def _matches(self, query: Query | None, question: Question) -> NDArray[np.bool_]:
        matches = np.ones(len(self.corpus), dtype=bool) if query is None else query.matches
        if not (question.column and question.values):
            return matches
        return matches & self._values(question.column).among(list(question.values))

    def _sorted(self, rows: NDArray[np.int64], query: Query | None, order: Order, by: str) -> NDArray[np.int64]:
        if order == "time":
            videos = values_of(self.corpus, "video").codes[rows]
            starts = self.corpus.clips["start"].to_numpy(dtype=np.float64)[rows]
            return rows[np.lexsort((starts, videos))]
        if query is None:
            return rows
        values = query.column(by) if by in query.names else query.scores
        keys = _numbers(values[rows])
        return rows[order_of(keys, highest_first=order != "worst")]


def _numbers(values: Any) -> NDArray[np.floating[Any]]:
    """Return numbers by which values can be sorted: of texts, their places in the alphabet."""
    array = np.asarray(values)
    if array.dtype == np.float32:
        return array
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    return pd.Series(values).rank(method="dense", na_option="keep").to_numpy(dtype=np.float64)


def _motion_problem(models: Iterable[Model], corpus: Corpus) -> str:
    """Return the first `motion_note` of some models; empty if there is none."""
    return next(filter(None, (motion_note(model, corpus) for model in models)), "")


def _versions(models: Mapping[str, Model]) -> list[tuple[object, ...]]:
    """Return what tells models from others: a version that was deleted may have been published again."""
    return [
        (slug, str(model.folder), model.version, model.threshold, weights_digest(model))
        for slug, model in models.items()
    ]
