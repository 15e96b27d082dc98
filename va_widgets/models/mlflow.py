"""A published model as a pyfunc model of MLflow, which calls `_load_pyfunc` of this module; nothing is pickled."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from va_widgets._version import __version__
from va_widgets.base.errors import MissingPackageError, ModelError, reason_of
from va_widgets.base.paths import GivenPath, absolute_path, exists
from va_widgets.base.system_errors import failure
from va_widgets.models.bundle import copy_bundle, load_model
from va_widgets.models.names import EMBEDDINGS_INPUT, view_input

if TYPE_CHECKING:
    from va_widgets.models.model import Model


class Scorer:
    """What MLflow calls: returns P(yes) of clips, each by itself."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def predict(self, model_input: ArrayLike | pd.DataFrame | Mapping[str, ArrayLike]) -> NDArray[np.float32]:
        """Return P(yes), float32 (n,), of embeddings (n, dim), or of a mapping of "embeddings" and "view.NAME".

        Raises ModelError as `Model.score`.
        """
        if not isinstance(model_input, Mapping):
            return self._model.score(model_input)
        if EMBEDDINGS_INPUT not in model_input:
            raise ModelError(f"The model {self._model.name!r} needs the input {EMBEDDINGS_INPUT!r}.")
        views = {name: model_input[view_input(name)] for name in self._model.views if view_input(name) in model_input}
        return self._model.score(model_input[EMBEDDINGS_INPUT], views)


def to_mlflow(model: Model, path: GivenPath) -> Path:
    """Write a model as a pyfunc model of MLflow into a new folder, and return its path, as `Model.to_mlflow` says."""
    pyfunc, signature = _pyfunc(), _signature(model)
    folder = absolute_path(path, ModelError, "The folder")
    if exists(folder):
        raise ModelError(f"There is something at {folder} already: give the path of a folder that does not exist yet.")
    unfinished = folder.with_name(f".unfinished-{uuid.uuid4().hex}")
    try:
        unfinished.mkdir()
        try:
            bundle = unfinished / f"v{model.version}"
            copy_bundle(model, bundle)
            pyfunc.save_model(
                unfinished / "mlflow",
                loader_module=__name__,
                data_path=str(bundle),
                signature=signature,
                pip_requirements=[f"va-widgets=={__version__}"],
                metadata={"name": model.name, "version": model.version, "threshold": model.threshold},
            )
            os.rename(unfinished / "mlflow", folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    except OSError as error:
        raise ModelError(
            failure(f"The folder {folder}", error)
            or f"The model cannot be written to {folder} ({reason_of(error)}): give the path of a new folder in one"
            " that exists and may be written to."
        ) from error
    return folder


def _load_pyfunc(data_path: str) -> Scorer:
    """Return what MLflow calls of the bundle at a path. Raises ModelError if it is damaged."""
    return Scorer(load_model(data_path))


def _signature(model: Model) -> Any:
    models, types = import_module("mlflow.models"), import_module("mlflow.types")
    float32 = np.dtype(np.float32)
    if model.views:
        columns = {EMBEDDINGS_INPUT: model.dim} | {view_input(name): len(coef) for name, coef in model.views.items()}
        inputs = [types.TensorSpec(float32, (-1, size), name) for name, size in columns.items()]
    else:
        inputs = [types.TensorSpec(float32, (-1, model.dim))]
    outputs = [types.TensorSpec(float32, (-1,))]
    return models.ModelSignature(inputs=types.Schema(inputs), outputs=types.Schema(outputs))


def _pyfunc() -> Any:
    try:
        return import_module("mlflow.pyfunc")
    except ImportError as error:
        raise MissingPackageError(
            'Exporting to MLflow needs mlflow, which is not installed: pip install "va-widgets[mlflow]".'
        ) from error
