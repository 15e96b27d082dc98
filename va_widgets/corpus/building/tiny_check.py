"""A warning for corpora whose videos va-tiny cannot embed: it was trained on the demo's renderings alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SUBSPACE_FILE = Path(__file__).resolve().parents[2] / "demo" / "tiny" / "renderings.npz"
"""`mean` (dim,) and `directions` (32, dim) of va-tiny's vectors of renderings, written by `va_widgets.demo.train`."""

UNLIKE = (
    "This corpus is made with va-tiny, which knows only the demo's renderings, and these videos look unlike them, so"
    ' searches will find little: build with a model for real videos, such as encoder="PE-Core-B-16/meta", in another'
    " folder."
)

# Measured, medians over clips: 0.033 to 0.035 for demo corpora of four seeds, float32 and bfloat16 alike; 0.053 to
# 0.110 for each of five real videos. The least of 83 of their frames has 0.042.
_FARTHEST = 0.040
_CLIPS = 1000  # of which the median is taken, at most


def distance_to_renderings(embeddings: NDArray[np.floating[Any]]) -> float:
    """Return the median distance of va-tiny's vectors (n, dim) to the subspace in which those of renderings lie."""
    rows = np.unique(np.linspace(0, len(embeddings) - 1, _CLIPS).astype(int))
    with np.load(SUBSPACE_FILE) as stored:
        mean, directions = stored["mean"].astype(np.float32), stored["directions"].astype(np.float32)
    off = np.asarray(embeddings[rows], dtype=np.float32) - mean
    return float(np.median(np.linalg.norm(off - off @ directions.T @ directions, axis=1)))


def warn_if_unlike_renderings(embeddings: NDArray[np.floating[Any]]) -> None:
    """Write one line, beside the progress of a build, if va-tiny's vectors (n, dim) are unlike those of renderings."""
    from va_widgets.base.progress import Progress

    if len(embeddings) and distance_to_renderings(embeddings) > _FARTHEST:
        Progress(0, 0, shown=True).note(UNLIKE)
