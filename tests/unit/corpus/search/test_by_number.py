"""Clips in the order of a number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.motion_views import motion_view

N = 40


@pytest.fixture
def corpus(tmp_path: Path) -> va.Corpus:
    table = pd.DataFrame(
        {
            "clip_id": [f"c{i}" for i in range(N)],
            "video": "a.mp4",
            "rating": [float("nan") if i % 10 == 9 else float(i % 7) for i in range(N)],
            "year": np.arange(N)[::-1],
            "place": "sea",
            "good": True,
        }
    )
    moves = [None if i == 3 else {"pan": (i - 20) / 50} for i in range(N)]
    return va.Corpus.from_embeddings(tmp_path / "c", np.eye(N), table, views={"motion": motion_view(moves)})


def test_numbers_are_those_of_motion_and_columns_that_hold_some(corpus: va.Corpus) -> None:
    assert corpus.numbers == (*corpus.motion.columns, "rating", "year")


@pytest.mark.parametrize("lowest", [False, True])
@pytest.mark.parametrize("k", [0, 5, 100])
def test_clips_are_sorted_by_a_number(corpus: va.Corpus, lowest: bool, k: int) -> None:
    for name, values in (("rating", corpus.clips["rating"]), ("pan", corpus.motion["pan"])):
        expected = values.dropna().sort_values(ascending=lowest, kind="stable").head(k)
        found = corpus.sorted_by(name, k, lowest=lowest)
        assert found["clip_id"].tolist() == expected.index.tolist()
        np.testing.assert_allclose(found["score"], expected)


def test_a_filter_holds(corpus: va.Corpus) -> None:
    found = corpus.sorted_by("year", 3, where=corpus.clips["rating"] > 4)
    assert found["clip_id"].tolist() == ["c5", "c6", "c12"]


@pytest.mark.parametrize("name", ["place", "good", "price", "start", 3, ["pan"]])
def test_what_is_no_number_is_refused(corpus: va.Corpus, name: object) -> None:
    with pytest.raises(va.CorpusError, match=r"have no number .*, only '?pan"):
        corpus.sorted_by(name)  # type: ignore[arg-type]


def test_without_numbers_none_is_offered(tmp_path: Path) -> None:
    corpus = va.Corpus.from_embeddings(tmp_path / "c", np.eye(3), pd.DataFrame({"video": ["a.mp4"] * 3}))
    assert corpus.numbers == ()
    with pytest.raises(va.CorpusError, match="have no number 'pan', only none"):
        corpus.sorted_by("pan")
