"""The scores of published models for all clips of a corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.arguments import described, listed
from va_widgets.base.errors import ModelError
from va_widgets.base.paths import GivenPath
from va_widgets.corpus import Corpus
from va_widgets.models.bundle import load_model
from va_widgets.models.model import Model
from va_widgets.models.published import served

Models: TypeAlias = Model | GivenPath | Sequence[Model | GivenPath]
"""What people give as models: some that were loaded, or the folders that they were published to."""


def read_models(given: Models | None, corpus: Corpus) -> dict[str, Model]:
    """Return models by `Model.slug`: those that were given, or those that are served from a corpus for None.

    Raises ModelError if something given is no model, cannot be read, or two have the same name.
    """
    if given is None:
        return served(corpus)
    models: dict[str, Model] = {}
    for one in [given] if isinstance(given, (Model, str, PathLike)) else given:
        if not isinstance(one, (Model, str, PathLike)):
            raise ModelError(f"A model is a va.Model or the folder it was published to, not {described(one)}.")
        model = one if isinstance(one, Model) else load_model(one)
        if model.slug in models:
            raise ModelError(f"Two of the models are called {listed([model.name])}: give one of them.")
        models[model.slug] = model
    return models


def score_columns(corpus: Corpus, models: Mapping[str, Model]) -> dict[str, NDArray[np.floating[Any]]]:
    """Return P(yes) of every clip of a corpus, float32 (n,), by the names under which the models are given.

    Raises EncoderMismatchError or ModelError as `Model.score_corpus`.
    """
    return {name: model.score_corpus(corpus).to_numpy(np.float32) for name, model in models.items()}
