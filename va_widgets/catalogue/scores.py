"""The scores of published models for all clips of a corpus, kept in memory as long as the corpus is."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from copy import copy
from difflib import get_close_matches
from os import PathLike
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.arguments import described, listed
from va_widgets.base.errors import ModelError
from va_widgets.base.forks import ForkLock
from va_widgets.base.paths import GivenPath, absolute_path, exists
from va_widgets.catalogue.local_score import score_blocks
from va_widgets.catalogue.scoring import Weights, weights_digest
from va_widgets.corpus import Corpus
from va_widgets.models.bundle import load_model
from va_widgets.models.model import Model
from va_widgets.models.published import served

Models: TypeAlias = Model | GivenPath | Sequence[Model | GivenPath]
"""What people give as models: some that were loaded, names of published ones, or the folders of these."""

_MOST_BYTES = 1 << 31  # of the scores that are kept for a corpus: 536 models of a million clips


def read_models(given: Models | None, *corpora: Corpus) -> dict[str, Model]:
    """Return models by `Model.slug`: those that were given, or all that are served from the corpora for None.

    A text is the name of a model that is served from one of the corpora, or else the folder of a model. Raises
    ModelError if there is no such model, it cannot be read, something given is no model, or two have the same name.
    """
    items = None if given is None else [given] if isinstance(given, (Model, str, PathLike)) else list(given)
    known: list[Model] = []
    if items is None or not all(isinstance(item, Model) for item in items):
        known = [model for corpus in corpora for model in served(corpus).values()]
    models: dict[str, Model] = {}
    for item in known if items is None else items:
        model = item if isinstance(item, Model) else _published(item, known)
        if model.slug in models and weights_digest(model) != weights_digest(models[model.slug]):
            raise ModelError(f"Two of the models are called {listed([model.name])}: give one of them.")
        models[model.slug] = model
    return models


def _published(given: object, known: Sequence[Model]) -> Model:
    """Return the model that a name or a folder means. Raises ModelError if there is none."""
    if not isinstance(given, (str, PathLike)):
        raise ModelError(f"A model is a va.Model, its name or the folder it was published to, not {described(given)}.")
    named = [model for model in known if given in (model.slug, model.name)]
    if len(named) > 1 and len({weights_digest(model) for model in named}) > 1:
        raise ModelError(f"Two of the corpora have a model {described(given)}: give the folder of one of them.")
    if named:
        return named[0]
    if isinstance(given, str) and not exists(absolute_path(given, ModelError, "A model's folder")):
        names = [model.slug for model in known]
        near = get_close_matches(given.lower().replace(" ", "_"), names, 1)
        advice = f"did you mean {near[0]!r}?" if near else f"there are {listed(names)}." if names else "there are none."
        raise ModelError(f"No model {described(given)} is published from this corpus; {advice}")
    return load_model(given)


class _Columns:
    """The scores that were computed for one version of a corpus, by `weights_digest`, the last used ones last."""

    def __init__(self) -> None:
        self.lock = ForkLock()
        self._columns: dict[str, NDArray[np.float32]] = {}

    def get(self, corpus: Corpus, models: Mapping[str, Model]) -> dict[str, NDArray[np.float32]]:
        """Return the scores of models by digest; those that are missing are computed."""
        missing = {digest: model for digest, model in models.items() if digest not in self._columns}
        if missing:
            # Arrays of their own: one that is dropped later shall free its memory.
            columns = {digest: np.empty(len(corpus), dtype=np.float32) for digest in missing}
            done = 0
            for block in score_blocks(corpus, Weights.of(list(missing.values()))):
                for column, scores in zip(columns.values(), block, strict=True):
                    column[done : done + len(scores)] = scores
                done += block.shape[1]
            for column in columns.values():
                column.flags.writeable = False
            self._columns |= columns
        result = {digest: self._columns.pop(digest) for digest in models}
        size = sum(column.nbytes for column in result.values())
        for digest in reversed(list(self._columns)):
            size += self._columns[digest].nbytes
            if size > _MOST_BYTES:
                del self._columns[digest]
        self._columns |= result
        return result


_kept: dict[int, _Columns] = {}  # by the id of the embeddings, as long as they are in use
_lock = ForkLock()


def score_columns(corpus: Corpus, models: Mapping[str, Model]) -> dict[str, NDArray[np.floating[Any]]]:
    """Return P(yes) of every clip of a corpus, float32 (n,), by the names under which the models are given.

    They are the scores of `Model.score_corpus`, computed in float32 for all models in one pass. They are kept as long
    as the corpus is open and has the same clips, so that the second call costs nothing; they are read-only. May be
    called by several threads.

    Raises EncoderMismatchError or ModelError as `Model.score_corpus`.
    """
    corpus = copy(corpus)  # which does not change when another thread adds clips
    for model in models.values():
        model.check_corpus(corpus)
    digests = {name: weights_digest(model) for name, model in models.items()}
    kept = _columns_of(corpus.embeddings)
    with kept.lock:
        columns = kept.get(corpus, {digests[name]: model for name, model in models.items()})
    return {name: columns[digest] for name, digest in digests.items()}


def _columns_of(embeddings: NDArray[np.float16]) -> _Columns:
    """Return what is kept for a matrix, which is a new one whenever a corpus is opened or has grown."""
    with _lock:
        if id(embeddings) not in _kept:
            _kept[id(embeddings)] = _Columns()
            weakref.finalize(embeddings, _kept.pop, id(embeddings))
        return _kept[id(embeddings)]
