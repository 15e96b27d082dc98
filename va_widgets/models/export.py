"""A published model is copied out of its corpus: the bundle as it is, or ONNX."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from va_widgets.base.disk import sync_folder
from va_widgets.base.errors import ModelError, reason_of
from va_widgets.base.paths import GivenPath, absolute_path
from va_widgets.base.system_errors import failure
from va_widgets.models.bundle import copy_bundle, load_model
from va_widgets.models.model import Model

ONNX_SUFFIX = ".onnx"


def export(model: Model, target: GivenPath) -> Path:
    """Copy a model's bundle to a new folder, or write it as ONNX to a file that ends in .onnx. Returns the path.

    The copy has the files that the model's card lists, and no others. It is read before it appears, so that it is a
    whole model. Raises ModelError if there is something at `target`
    already, the model is damaged, or it cannot be written, MissingPackageError if onnx is needed and not installed.
    """
    path = absolute_path(target, ModelError, "The place to export to")
    if os.path.lexists(path):
        raise ModelError(f"There is something at {path} already: give a new folder, or a new file that ends in .onnx.")
    if path.suffix.lower() == ONNX_SUFFIX:
        model.to_onnx(path)
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".unfinished-{uuid.uuid4().hex}")
        try:
            copy_bundle(model, unfinished)
            load_model(unfinished)
            sync_folder(unfinished)
            os.rename(unfinished, path)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        sync_folder(path.parent)
    except OSError as error:
        raise ModelError(
            failure(f"The folder {path}", error)
            or f"The model {model.name!r} cannot be copied to {path} ({reason_of(error)}): give another folder."
        ) from error
    return path
