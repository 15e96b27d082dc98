"""Models that are published without a session, which takes a few milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from va_widgets.learning.views import APPEARANCE, Linear
from va_widgets.models.bundle import publish

DIM = 8
FINGERPRINT = "tests@8"


def publish_model(folder: Path, name: str = "night", views: tuple[str, ...] = (), **changes: Any) -> va.Model:
    """Publish a model of random coefficients, with views of three columns."""
    rng = np.random.default_rng(len(views))
    coefs = {APPEARANCE: rng.normal(size=DIM)} | {view: rng.normal(size=3) for view in views}
    given: dict[str, Any] = {
        "concept": "night",
        "guideline": "",
        "encoder_fingerprint": FINGERPRINT,
        "classifier": Linear(coefs, 0.5),
        "labels": (["a", "b", "c"], np.array([True, False, False])),
        "metrics": {"corpus_average_precision": 0.9, "corpus_average_precision_low": 0.8},
        "threshold": 0.4,
        "threshold_why": "best F1",
    }
    return publish(folder, name=name, **{**given, **changes})


@pytest.fixture
def model(tmp_path: Path) -> va.Model:
    """A published model with one further file."""
    return publish_model(tmp_path / "models", files={"notes.txt": b"seen"})


@pytest.fixture
def corpus(tmp_path: Path) -> va.Corpus:
    """A corpus of twenty vectors, without pictures."""
    vectors = np.random.default_rng(1).normal(size=(20, DIM))
    return va.Corpus.from_embeddings(
        tmp_path / "corpus", vectors, pd.DataFrame({"clip_id": [f"c{i}" for i in range(20)]})
    )
