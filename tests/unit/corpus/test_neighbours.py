"""The nearest clips of each clip."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from va_widgets.corpus import neighbours
from va_widgets.corpus.neighbours import NEIGHBOURS, nearest_neighbours


def vectors(n: int, dim: int = 24, groups: int = 12) -> NDArray[np.float16]:
    """Unit vectors around the centres of some groups."""
    rng = np.random.default_rng(n)
    raw = rng.standard_normal((groups, dim))[rng.integers(groups, size=n)] + 0.8 * rng.standard_normal((n, dim))
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float16)


def compared(embeddings: NDArray[np.float16]) -> NDArray[np.int64]:
    """The same by sorting all products, (NEIGHBOURS, n)."""
    scores = embeddings.astype(np.float64) @ embeddings.T.astype(np.float64)
    np.fill_diagonal(scores, -1)
    return np.argsort(-scores, axis=1)[:, :NEIGHBOURS].T


def test_all_clips_of_a_small_corpus_are_compared() -> None:
    embeddings = vectors(1100)
    found = nearest_neighbours(embeddings)
    assert found.dtype == np.int32
    assert (np.sort(found, axis=0) == np.sort(compared(embeddings), axis=0)).mean() > 0.999  # but for equal scores


def test_cells_of_a_large_corpus_find_most_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings = vectors(3000)
    exact = nearest_neighbours(embeddings)
    monkeypatch.setattr(neighbours, "_EXACT", 1000)
    monkeypatch.setattr(neighbours, "_CELL", 60)
    found = nearest_neighbours(embeddings)
    assert np.array_equal(found, nearest_neighbours(embeddings))
    recall = np.mean([len(np.intersect1d(*pair)) for pair in zip(found.T, exact.T, strict=True)]) / NEIGHBOURS
    assert recall > 0.8
    assert not (found == np.arange(3000)).any()


def test_near_duplicates_are_left_out() -> None:
    embeddings = np.repeat(vectors(400), 3, axis=0)
    found = nearest_neighbours(embeddings)
    assert not (found // 3 == np.arange(1200) // 3).any()


@pytest.mark.parametrize(("n", "expected"), [(1, 0), (99, 0), (100, 1), (350, 3), (1000, NEIGHBOURS)])
def test_a_small_corpus_has_fewer(n: int, expected: int) -> None:
    found = nearest_neighbours(vectors(n))
    others = [len(set(column) - {row}) for row, column in enumerate(found.T.tolist())]
    assert set(others) == {expected}


def test_clips_that_are_all_the_same_have_themselves_alone() -> None:
    found = nearest_neighbours(np.tile(np.eye(1, 16, dtype=np.float16), (300, 1)))
    assert (found == np.arange(300)).all()
