"""Reports of a comparison."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from va_widgets.experiments import ExperimentError, curves, markdown, plot, table, wins


def results(strategies: dict[str, float], concepts: int = 5, seeds: int = 3, noise: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        (name, f"c{c}", s, n, level + c / 10 + s / 100 + noise * rng.normal())
        for name, level in strategies.items()
        for c in range(concepts)
        for s in range(seeds)
        for n in (10, 100)
    ]
    return pd.DataFrame(rows, columns=["strategy", "concept", "seed", "n", "ap"])


def test_a_table_has_medians_over_concepts_of_means_over_seeds() -> None:
    medians = table(results({"b": 0.1, "a": 0.3}))
    assert list(medians.index) == ["b", "a"]  # in the given order, not sorted
    assert [int(n) for n in medians.columns] == [10, 100]
    np.testing.assert_allclose(medians.to_numpy(), [[0.31, 0.31], [0.51, 0.51]])


def test_intervals_contain_the_point() -> None:
    points = curves(results({"a": 0.3, "b": 0.1}, noise=0.1))
    assert list(points.columns) == ["strategy", "n", "ap", "low", "high"]
    assert (points["low"] <= points["ap"]).all()
    assert (points["ap"] <= points["high"]).all()
    assert (points["high"] - points["low"] > 0.02).all()
    pd.testing.assert_frame_equal(points, curves(results({"a": 0.3, "b": 0.1}, noise=0.1)))
    wide, narrow = (curves(results({"a": 0.3}, noise=0.1), level) for level in (0.99, 0.5))
    assert (wide["high"] - wide["low"] > narrow["high"] - narrow["low"]).all()


def test_more_runs_make_intervals_shorter() -> None:
    few, many = (curves(results({"a": 0.0}, 1, seeds, noise=1.0)) for seeds in (3, 60))
    assert (many["high"] - many["low"]).mean() < (few["high"] - few["low"]).mean()


def test_missing_runs_are_ignored() -> None:
    runs = results({"a": 0.1, "b": 0.3})
    medians = table(runs[~((runs["strategy"] == "a") & (runs["concept"] != "c0"))])
    assert medians.loc["a", 10] == pytest.approx(0.11)
    assert medians.loc["b", 10] == pytest.approx(0.51)


def test_wins_ties_and_losses() -> None:
    runs = results({"a": 0.3, "b": 0.305, "c": 0.2})
    matrix = wins(runs)
    assert matrix.loc["a", "b"] == "0/30/0"
    assert matrix.loc["a", "c"] == "30/0/0"
    assert matrix.loc["c", "b"] == "0/0/30"
    assert matrix.loc["a", "a"] == ""
    assert wins(runs, 10, tie=0.001).loc["a", "b"] == "0/0/15"


@given(noise=st.floats(0, 1), tie=st.floats(0, 0.5))
def test_wins_of_a_pair_are_losses_of_the_reversed_pair(noise: float, tie: float) -> None:
    matrix = wins(results({"a": 0.3, "b": 0.3}, noise=noise), tie=tie)
    counts, reversed_counts = (
        [int(number) for number in str(matrix.loc[pair]).split("/")] for pair in (("a", "b"), ("b", "a"))
    )
    assert counts == reversed_counts[::-1]
    assert sum(counts) == 30


def test_markdown_has_the_table_and_the_wins() -> None:
    text = markdown(results({"ours": 0.3, "va": 0.1}))
    assert "median over concepts (5) of the mean over seeds (3), with a 90% bootstrap interval" in text
    assert "| labels | 10 | 100 |" in text
    assert "| ours | 0.51 (" in text
    assert "| va | 0/0/30 |  |" in text
    assert "Wins" not in markdown(results({"ours": 0.3}))
    only_va = markdown(results({"ours": 0.3, "va": 0.1}), of="va")
    assert "| va | 0/0/30 |  |" in only_va
    assert "| ours |  |" not in only_va
    with pytest.raises(ExperimentError, match="nothing of the strategy 'best'"):
        markdown(results({"ours": 0.3}), of="best")


def test_tables_without_results_are_refused() -> None:
    for wrong in (pd.DataFrame(), results({"a": 0.1}).drop(columns="ap"), results({"a": 0.1}).iloc[:0]):
        with pytest.raises(ExperimentError, match="columns strategy, concept, seed, n, ap"):
            table(wrong)
    with pytest.raises(ExperimentError, match="have rows"):
        wins(results({"a": 0.1}), 50)


def test_a_plot() -> None:
    matplotlib = pytest.importorskip("matplotlib", reason="plots need matplotlib")
    matplotlib.use("agg")
    axes = plot(results({"ours": 0.3, "va": 0.1}, noise=0.05))
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["ours", "va"]
    assert axes.get_xlabel() == "labels"
    assert plot(results({"ours": 0.3}), axes) is axes


def test_a_plot_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ExperimentError, match="needs matplotlib: pip install matplotlib"):
        plot(results({"a": 0.3}))


def test_importing_experiments_imports_neither_torch_nor_matplotlib() -> None:
    code = (
        "import sys, va_widgets.experiments.compare as c;"
        "assert c; print([m for m in ('torch', 'matplotlib', 'skactiveml', 'modAL') if m in sys.modules])"
    )
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert completed.stdout.strip() == "[]"
