"""Many models in one product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from va_widgets.catalogue.scoring import Weights, block_logits
from va_widgets.models.bundle import Model

RNG = np.random.default_rng(0)


def model(name: str, dim: int = 16, **views: int) -> Model:
    def weights(size: int) -> np.ndarray:
        return RNG.normal(size=size).astype(np.float32)

    return Model(
        name, 1, name, "", "enc", dim, weights(dim), float(RNG.normal()), 0.5, {}, Path(), 0.3,
        {view: weights(size) for view, size in views.items()},
    )  # fmt: skip


@pytest.mark.parametrize("by_torch", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_logits_are_those_of_each_model_alone(dtype: type[np.floating], by_torch: bool) -> None:
    models = [model("a"), model("b", motion=3), model("c", motion=3, video=5)]
    blocks = {"appearance": RNG.normal(size=(2100, 16)), "motion": RNG.normal(size=(2100, 3))}
    blocks = {name: block.astype(dtype) for name, block in blocks.items()} | {"video": np.ones((2100, 5), np.float32)}
    for block in blocks.values():
        block.flags.writeable = False  # as those of a memory-mapped file
    logits = block_logits(blocks, Weights.of(models), by_torch=by_torch)
    assert logits.dtype == np.float32
    for column, one in enumerate(models):
        alone = blocks["appearance"].astype(float) @ one.coef + one.intercept
        alone += sum(blocks[view].astype(float) @ coef for view, coef in one.views.items())
        np.testing.assert_allclose(logits[:, column], alone, atol=1e-5)


def test_views_can_be_asked_for_one_by_one() -> None:
    weights = Weights.of([model("a", motion=3), model("b")])
    blocks = {"appearance": RNG.normal(size=(5, 16)), "motion": RNG.normal(size=(5, 3)), "unknown": np.ones((5, 2))}
    blocks = {name: block.astype(np.float32) for name, block in blocks.items()}
    parts = [block_logits({name: block}, weights) for name, block in blocks.items()]
    np.testing.assert_allclose(sum(parts), block_logits(blocks, weights), atol=1e-6)
    assert not parts[1][:, 1].any()  # a model that has not learned from the view
    assert not parts[2].any()
