"""A published model as ONNX: a matrix product a view, their sum with the intercept, and a sigmoid."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from va_widgets.base.errors import MissingPackageError, ModelError
from va_widgets.base.paths import GivenPath, absolute_path, is_folder, replacing
from va_widgets.base.system_errors import failure
from va_widgets.models.names import EMBEDDINGS_INPUT, view_input

if TYPE_CHECKING:
    import onnx

    from va_widgets.models.model import Model

# Low enough for runtimes of 2022, and what the three operators need.
_OPSET, _IR_VERSION = 13, 8


def to_onnx(model: Model, path: GivenPath | None = None) -> onnx.ModelProto:
    """Return a model as ONNX, also written to a file if a `path` is given, as `Model.to_onnx` says."""
    onnx = _onnx()
    file = None if path is None else absolute_path(path, ModelError, "The ONNX file")
    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    coefs = {EMBEDDINGS_INPUT: model.coef} | {view_input(name): coef for name, coef in model.views.items()}
    constants = {f"coef.{name}": coef for name, coef in coefs.items()}
    constants["intercept"] = np.array(model.intercept, dtype=np.float32)
    nodes, total = [], "intercept"
    for name in coefs:
        nodes.append(helper.make_node("MatMul", [name, f"coef.{name}"], [f"product.{name}"]))
        nodes.append(helper.make_node("Add", [f"product.{name}", total], [f"sum.{name}"]))
        total = f"sum.{name}"
    for view, logit in model.missing.items():
        name = view_input(view)
        constants |= {
            f"zero.{name}": np.zeros(1, dtype=np.float32),
            f"missing.{name}": np.array([logit], dtype=np.float32),
        }
        nodes += [
            helper.make_node("ReduceL1", [name], [f"size.{name}"], axes=[1], keepdims=0),
            helper.make_node("Equal", [f"size.{name}", f"zero.{name}"], [f"unknown.{name}"]),
            helper.make_node("Where", [f"unknown.{name}", f"missing.{name}", f"zero.{name}"], [f"correction.{name}"]),
            helper.make_node("Add", [total, f"correction.{name}"], [f"corrected.{name}"]),
        ]
        total = f"corrected.{name}"
    nodes.append(helper.make_node("Sigmoid", [total], ["probability"]))
    graph = helper.make_graph(
        nodes,
        model.slug,
        [helper.make_tensor_value_info(name, float32, ["n", len(coef)]) for name, coef in coefs.items()],
        [helper.make_tensor_value_info("probability", float32, ["n"])],
        [onnx.numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    exported = helper.make_model(
        graph,
        producer_name="va_widgets",
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        model_version=model.version,
    )
    known = {
        "name": model.name,
        "concept": model.concept,
        "encoder": model.encoder,
        "threshold": repr(model.threshold),
    }
    helper.set_model_props(exported, known)
    onnx.checker.check_model(exported, full_check=True)
    if file is not None:
        _write(exported.SerializeToString(), file)
    return exported


def _write(data: bytes, file: Any) -> None:
    if is_folder(file):
        raise ModelError(f"{file} is a folder: give the path of a file, such as model.onnx.")
    try:
        with replacing(file) as unfinished:
            unfinished.write_bytes(data)
    except OSError as error:
        raise ModelError(
            failure(f"The file {file}", error)
            or f"The model cannot be written to {file} ({error.strerror}): give the path of a file in a folder that"
            " exists and may be written to."
        ) from error


def _onnx() -> Any:
    try:
        for module in ("onnx.checker", "onnx.helper", "onnx.numpy_helper"):
            import_module(module)
        return import_module("onnx")
    except ImportError as error:
        raise MissingPackageError(
            'Exporting to ONNX needs onnx, which is not installed: pip install "va-widgets[onnx]".'
        ) from error
