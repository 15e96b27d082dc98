"""The scores of published models for all clips of a corpus, kept in memory as long as the corpus is."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from os import PathLike
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import described
from va_widgets.base.errors import ModelError
from va_widgets.base.forks import ForkLock
from va_widgets.base.paths import GivenPath, absolute_path, exists
from va_widgets.catalogue.local_score import score_blocks
from va_widgets.catalogue.scoring import Weights, weights_digest
from va_widgets.corpus import Corpus
from va_widgets.models.bundle import goes_on_from, load_model
from va_widgets.models.model import Model
from va_widgets.models.names import other_names
from va_widgets.models.published import served_and_damaged, why_not_served

Models: TypeAlias = Model | GivenPath | Sequence[Model | GivenPath]
"""What people give as models: some that were loaded, names of published ones, or the folders of these."""

_EXPECTED = "a va.Model, its name or the folder it was published to, or a list of these"
_MOST_BYTES = 1 << 31  # of the scores that are kept for a corpus: 536 models of a million clips


def read_models(given: Models | None, *corpora: Corpus) -> dict[str, Model]:
    """Return models by `Model.slug`: those that were given, or all that are served from the corpora for None.

    A text is the name of a model that is served from one of the corpora, or else the folder of a model. Of a model that
    one corpus has gone on from and published again, it is the later version. Damaged models are left out for None.
    Raises ModelError if there is no such model, it cannot be read, something given is no model, or two have the same
    name.
    """
    return models_and_damaged(given, *corpora)[0]


def models_and_damaged(given: Models | None, *corpora: Corpus) -> tuple[dict[str, Model], dict[str, str]]:
    """Return what `read_models` does, and for None why models were left out, by `Model.slug`; each is read once."""
    if given is None:
        known, damaged = _served(corpora)
        return _by_slug(known), damaged
    if isinstance(given, (Model, str, PathLike)):
        given = [given]
    items = arguments.items(given, "models", _EXPECTED, error=ModelError)
    if all(isinstance(item, Model) for item in items):
        return _by_slug(items), {}
    known, _ = _served(corpora)
    return _by_slug([item if isinstance(item, Model) else _published(item, known, corpora) for item in items]), {}


def _by_slug(models: Iterable[Model]) -> dict[str, Model]:
    """Return models by `Model.slug`. Raises ModelError if two that score differently have the same name."""
    found: dict[str, Model] = {}
    for model in models:
        other = found.get(model.slug)
        if other is not None and weights_digest(model) != weights_digest(other):
            raise ModelError(
                f"Two of the models are called {described(model.name)}, in {other.folder} and {model.folder}: give one"
                " of them."
            )
        found[model.slug] = model
    return found


def _served(corpora: Sequence[Corpus]) -> tuple[list[Model], dict[str, str]]:
    """Return the models that are served from some corpora, and why others are not, by the names of their folders.

    Those that another one of the corpora has gone on from are left out, and those of a name that is damaged in another.
    """
    models: list[Model] = []
    damaged: dict[str, str] = {}
    for corpus in corpora:
        served, problems = served_and_damaged(corpus)
        models += served.values()
        damaged |= problems
    if len(corpora) > 1:
        models = [model for model in models if not any(goes_on_from(other, model) for other in models)]
    return [model for model in models if model.slug not in damaged], damaged


def _published(given: object, known: Sequence[Model], corpora: Sequence[Corpus]) -> Model:
    """Return the model that a name or a folder means. Raises ModelError if there is none."""
    if not isinstance(given, (str, PathLike)):
        raise ModelError(f"A model is a va.Model, its name or the folder it was published to, not {described(given)}.")
    named = [model for model in known if given in (model.slug, model.name)]
    if len(named) > 1 and len({weights_digest(model) for model in named}) > 1:
        raise ModelError(
            f"Two of the corpora have a model {described(given)}: give the folder of one of them, {named[0].folder} or"
            f" {named[1].folder}."
        )
    if named:
        return named[0]
    if isinstance(given, str) and not exists(absolute_path(given, ModelError, "A model's folder")):
        for problem in [why_not_served(corpus, given) for corpus in corpora]:
            if problem is not None:
                raise ModelError(problem)
        names = [model.slug for model in known]
        advice = other_names(given, names) if names else "there are none: give the folder that one was published to."
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
