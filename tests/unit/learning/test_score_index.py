"""The index of scores finds what sorting finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from va_widgets.learning import score_index
from va_widgets.learning.score_index import ScoreIndex


@given(
    logits=st.lists(st.one_of(st.floats(-8, 8, width=32), st.floats(-1e9, 1e9, width=32)), max_size=60),
    digits=st.integers(0, 4),
    number=st.integers(1, 20),
    to=st.sampled_from([0.0, -1.0, 0.3, np.inf, -np.inf]),
    share=st.floats(0, 1),
    sample=st.sampled_from([1, 5, 100]),
)
def test_a_ranking_finds_what_sorting_finds(
    logits: list[float], digits: int, number: int, to: float, share: float, sample: int
) -> None:
    values: np.ndarray = np.round(np.array(logits), digits).astype(np.float32)
    without = np.random.default_rng(0).random(len(values)) < share
    distances = np.abs(values - np.float32(to)) if np.isfinite(to) else -np.sign(np.float32(to)) * values
    expected = [row for row in np.argsort(distances, kind="stable") if not without[row]][:number]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_index, "_SAMPLE", sample)
        patch.setattr(score_index, "_SPARE", 0)  # so that the sample often promises too many
        assert ScoreIndex(values).nearest(to, number, without).tolist() == expected


@pytest.mark.parametrize("target", [0.0, np.inf])
def test_where_a_sample_misses_all_that_is_near_more_is_looked_at(target: float) -> None:
    logits = np.full(100_000, -3.0, dtype=np.float32)
    logits[1::600] = np.linspace(0, 1, 167)
    none = np.zeros(len(logits), dtype=bool)
    found = ScoreIndex(logits).nearest(target, 20, none)
    expected = np.arange(20) if target == 0 else 166 - np.arange(20)
    assert found.tolist() == (1 + 600 * expected).tolist()


def test_many_logits_are_counted_and_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = np.random.default_rng(0).standard_normal(100).astype(np.float32)
    levels, counts = ScoreIndex(logits).histogram()
    monkeypatch.setattr(score_index, "_CHUNK", 7)
    in_parts = ScoreIndex(logits).histogram()
    np.testing.assert_array_equal(in_parts[0], levels)
    np.testing.assert_array_equal(in_parts[1], counts)
    assert counts.sum() == 100
    monkeypatch.setattr(score_index, "_SAMPLE", 50)
    found = ScoreIndex(logits).nearest(0.3, 5, np.zeros(100, dtype=bool))
    assert found.tolist() == np.argsort(np.abs(logits - np.float32(0.3)))[:5].tolist()
