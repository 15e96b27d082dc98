"""Many models in one product."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.catalogue import synthetic
from va_widgets.catalogue.scoring import Weights, block_logits, probabilities, weights_digest
from va_widgets.models.model import Model


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    home = synthetic.corpus(tmp_path_factory.mktemp("corpora") / "c", 10)
    return [
        synthetic.model(home, "a", 1),
        synthetic.model(home, "b", 2, look=3),
        synthetic.model(home, "c", 3, look=3, video=5),
    ]


def blocks(dtype: type = np.float16, rows: int = 2100) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {"appearance": rng.normal(size=(rows, 16)), "look": rng.normal(size=(rows, 3)), "video": np.ones((rows, 5))}
    result: dict[str, np.ndarray] = {name: block.astype(dtype) for name, block in made.items()}
    for block in result.values():
        block.flags.writeable = False  # as those of a memory-mapped file
    return result


@pytest.mark.parametrize("by_torch", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_logits_are_those_of_each_model_alone(models: list[Model], dtype: type, by_torch: bool) -> None:
    views = blocks(dtype)
    logits = block_logits(views, Weights.of(models), by_torch=by_torch)
    assert logits.dtype == np.float32
    for column, one in enumerate(models):
        alone = views["appearance"].astype(float) @ one.coef + one.intercept
        alone += sum(views[view].astype(float) @ coef for view, coef in one.views.items())
        np.testing.assert_allclose(logits[:, column], alone, atol=1e-5)


def test_rows_of_zeros_add_what_a_model_knows_of_missing_values(models: list[Model]) -> None:
    views, weights = blocks(rows=5), Weights.of([replace(models[1], missing={"look": 1.5}), models[2]])
    views["look"] = np.where(np.arange(5)[:, None] < 2, 0, views["look"]).astype(np.float16)
    known = block_logits(views, Weights.of(models[1:]))
    np.testing.assert_allclose(block_logits(views, weights) - known, [[1.5, 0]] * 2 + [[0, 0]] * 3, atol=1e-5)
    assert weights_digest(models[1]) != weights_digest(replace(models[1], missing={"look": 1.5}))


def test_views_can_be_asked_for_one_by_one(models: list[Model]) -> None:
    weights, views = Weights.of(models), {**blocks(rows=5), "unknown": np.ones((5, 2), np.float16)}
    parts = {name: block_logits({name: block}, weights) for name, block in views.items()}
    np.testing.assert_allclose(sum(parts.values()), block_logits(views, weights), atol=1e-5)
    assert not parts["look"][:, 0].any()  # of a model that has not learned from the view
    assert not parts["unknown"].any()


@pytest.mark.parametrize("by_torch", [False, True])
def test_logits_become_probabilities_in_place(by_torch: bool) -> None:
    logits = np.array([[-np.inf, -1000, 0], [2, 1000, np.inf]], np.float32)
    scores = probabilities(logits, by_torch=by_torch)
    assert scores is logits
    np.testing.assert_allclose(scores, [[0, 0, 0.5], [1 / (1 + np.exp(-2)), 1, 1]], rtol=1e-6)


def test_a_digest_is_of_all_that_scores_depend_on(tmp_path: Path) -> None:
    home = synthetic.corpus(tmp_path / "c", 10)
    same = [synthetic.model(home, name, 1, smoothing=0.3, look=3) for name in ("a", "b")]
    others = [synthetic.model(home, "c", 1, look=3), synthetic.model(home, "d", 2, smoothing=0.3, look=3)]
    others.append(synthetic.model(home, "e", 1, smoothing=0.3, view=3))
    assert weights_digest(same[0]) == weights_digest(same[1])
    assert len({weights_digest(one) for one in same + others}) == 4
