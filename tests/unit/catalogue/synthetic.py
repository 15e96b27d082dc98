"""Corpora of random vectors, and models with random weights that fit them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import va_widgets as va
from va_widgets.learning.views import APPEARANCE, Linear
from va_widgets.models.bundle import publish
from va_widgets.models.published import MODELS_FOLDER

DIM = 16


class Words:
    """An encoder whose vectors mean nothing; corpora of one `name` have the same."""

    dim = DIM

    def __init__(self, name: str = "words") -> None:
        self.fingerprint = name

    def encode_frames(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        return np.full((len(frames), DIM), 0.25, np.float32)

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.full((len(texts), DIM), 0.25, np.float32)


def corpus(
    path: Path,
    clips: int | Iterable[int] = 300,
    *,
    views: Mapping[str, int] | None = None,
    encoder: str = "words",
    seed: int = 0,
) -> va.Corpus:
    """Return a corpus of clips by number; with the same seed a clip has the same vectors in every corpus."""
    numbers = list(range(clips) if isinstance(clips, int) else clips)
    table = pd.DataFrame({"video": [f"v{i // 20}" for i in numbers]}, index=pd.Index([f"c{i:04}" for i in numbers]))
    table.index.name = "clip_id"

    def vectors(size: int) -> NDArray[np.float64]:
        return np.stack([np.random.default_rng([seed, size, number]).normal(size=size) for number in numbers])

    named = {name: vectors(size) for name, size in (views or {}).items()}
    return va.Corpus.from_embeddings(path, vectors(DIM), table, Words(encoder), views=named or None)


def model(
    home: va.Corpus,
    name: str,
    seed: int = 0,
    *,
    smoothing: float = 0.0,
    encoder: str = "words",
    parent: va.Model | None = None,
    **views: int,
) -> va.Model:
    """Publish a model of random weights in a corpus, as the next version of its name."""
    rng = np.random.default_rng(seed)
    sizes = {APPEARANCE: DIM, **views}
    return publish(
        home.path / MODELS_FOLDER,
        name=name,
        concept=name,
        guideline="",
        encoder_fingerprint=encoder,
        classifier=Linear({view: rng.normal(size=size) for view, size in sizes.items()}, float(rng.normal())),
        labels=(["c0000", "c0001"], np.array([True, False])),
        metrics={},
        threshold=0.5,
        threshold_why="",
        smoothing=smoothing,
        parent=parent,
    )
