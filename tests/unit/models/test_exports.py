"""A model in other people's hands: scikit-learn's, ONNX's and MLflow's."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics
from sklearn.base import clone, is_classifier
from sklearn.utils.validation import check_is_fitted

import va_widgets as va
from tests.unit.models.conftest import DIM, publish_model

VIEWS = ("motion", "second")


@pytest.fixture
def rows() -> dict[str, np.ndarray]:
    """Rows of the embeddings and of two views, called as an exported model's inputs."""
    rng = np.random.default_rng(2)
    views = {f"view.{name}": rng.normal(size=(50, 3)).astype(np.float32) for name in VIEWS}
    return {"embeddings": rng.normal(size=(50, DIM)).astype(np.float32), **views}


def test_scikit_learn_takes_a_model_for_a_fitted_classifier(model: va.Model, rows: dict[str, np.ndarray]) -> None:
    X = rows["embeddings"]
    check_is_fitted(model)
    assert is_classifier(model)
    assert clone(model) is model
    assert model in {model}
    assert model.n_features_in_ == DIM
    both = model.predict_proba(X)
    assert (both.shape, both.dtype) == ((50, 2), np.float32)
    np.testing.assert_allclose(both.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(both[:, 1], model.score(X))
    yes = model.predict(X)
    assert yes.tolist() == (model.score(X) >= model.threshold).tolist()
    assert set(yes) == set(model.classes_)
    for scorer in ("average_precision", "roc_auc", "f1"):
        assert metrics.get_scorer(scorer)(model, X, yes) == 1
    assert metrics.get_scorer("neg_log_loss")(model, X, yes) > -1
    np.testing.assert_array_equal(model.decision_function(X).argsort(), model.score(X).argsort())


def test_a_published_model_is_not_fitted_again(model: va.Model) -> None:
    with pytest.raises(va.ModelError, match="never changes"):
        model.fit([[0.0] * DIM], [1])


def test_labels_in_place_of_views_are_refused(model: va.Model) -> None:
    with pytest.raises(va.ModelError, match="The views are rows"):
        model.predict([[0.0] * DIM], [1])  # type: ignore[arg-type]


@pytest.mark.parametrize("views", [(), VIEWS])
def test_onnx_gives_the_same_scores(tmp_path: Path, views: tuple[str, ...], rows: dict[str, np.ndarray]) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    model = publish_model(tmp_path / "models", views=views)
    exported = model.to_onnx(tmp_path / "model.onnx")
    assert {node.op_type for node in exported.graph.node} == {"MatMul", "Add", "Sigmoid"}
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    assert session.get_modelmeta().custom_metadata_map["threshold"] == "0.4"
    given = {each.name: rows[each.name] for each in session.get_inputs()}
    assert given.keys() == {"embeddings", *(f"view.{name}" for name in views)}
    (scores,) = session.run(["probability"], given)
    expected = model.score(rows["embeddings"], {name: rows[f"view.{name}"] for name in views})
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_onnx_is_written_whole_or_not_at_all(model: va.Model, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    for wrong in (tmp_path, tmp_path / "none" / "model.onnx"):
        with pytest.raises(va.ModelError, match="give the path of a file"):
            model.to_onnx(wrong)
    assert not list(tmp_path.glob("*.onnx"))
    assert model.to_onnx().graph.name == "night"


# MLflow warns about the type hints of its own classes, and about models without an example.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("views", [(), VIEWS])
def test_mlflow_loads_a_model_without_a_pickle(
    tmp_path: Path, views: tuple[str, ...], rows: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    pyfunc = pytest.importorskip("mlflow.pyfunc")
    model = publish_model(tmp_path / "models", views=views, files={"notes.txt": b"seen"})
    (model.folder / "stray").write_text("not listed")
    folder = model.to_mlflow(tmp_path / "exported")
    assert folder == tmp_path / "exported"
    names = {file.name for file in folder.rglob("*")}
    assert {"notes.txt", "card.json", "MLmodel"} <= names
    assert not {name for name in names if name == "stray" or name.endswith((".pkl", ".pickle"))}
    monkeypatch.setattr(pickle, "load", None)
    loaded = pyfunc.load_model(str(folder))
    given = {name: rows[name] for name in ("embeddings", *(f"view.{view}" for view in views))}
    scores = loaded.predict(given if views else rows["embeddings"])
    expected = model.score(rows["embeddings"], {name: rows[f"view.{name}"] for name in views})
    np.testing.assert_array_equal(scores, expected)
    with pytest.raises(va.ModelError, match="already"):
        model.to_mlflow(folder)
    assert {entry.name for entry in tmp_path.iterdir()} == {"models", "exported"}


@pytest.mark.filterwarnings("ignore")
def test_a_bundle_that_was_changed_is_not_exported(model: va.Model, tmp_path: Path) -> None:
    pytest.importorskip("mlflow.pyfunc")
    (model.folder / "notes.txt").unlink()
    (model.folder / "notes.txt").symlink_to("/etc/hostname")
    with pytest.raises(va.ModelError, match="leads out of"):
        model.to_mlflow(tmp_path / "exported")
    assert os.listdir(tmp_path) == ["models"]  # noqa: PTH208


@pytest.mark.parametrize(("package", "extra"), [("onnx", "onnx"), ("mlflow", "mlflow")])
def test_a_missing_package_is_named(
    model: va.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, extra: str
) -> None:
    for module in (package, f"{package}.checker", f"{package}.pyfunc"):
        monkeypatch.setitem(sys.modules, module, None)
    export = {"onnx": model.to_onnx, "mlflow": model.to_mlflow}[package]
    with pytest.raises(va.MissingPackageError, match=rf'pip install "va-widgets\[{extra}\]"'):
        export(tmp_path / "exported")
