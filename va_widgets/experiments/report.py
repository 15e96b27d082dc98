"""Report a comparison: curves with intervals, a table, counts of wins, a plot, and all of it as Markdown.

Each concept counts once: its AP is the mean over its seeds, and the reports show the median over concepts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import described, is_one_of
from va_widgets.experiments.errors import ExperimentError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = ["strategy", "concept", "seed", "n", "ap"]


def curves(results: pd.DataFrame, level: float = 0.9, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Return the AP of each strategy at each number of labels: DataFrame(strategy, n, ap, low, high).

    Parameters
    ----------
    results : DataFrame(strategy, concept, seed, n, ap)
        The table of `compare`.
    level : float
        The level of the interval, 0 to 1. It is from a bootstrap over concepts and over the seeds of each. With few
        concepts it shows how much the result depends on their choice.
    resamples, seed : int
        The number of bootstrap resamples, and their seed.

    Raises ExperimentError if the table lacks a column or has no rows.
    """
    level = arguments.number(level, "level", above=0, most=1, error=ExperimentError)
    resamples = arguments.count(resamples, "resamples", least=1, most=1_000_000, error=ExperimentError)
    seed = arguments.seed(seed, error=ExperimentError)
    names, budgets, values = _cube(results)
    low, high = (100 * (1 - level) / 2, 100 * (1 + level) / 2)
    rng = np.random.default_rng(seed)
    concepts, seeds = values.shape[2:]
    resampled = np.empty((resamples, len(names), len(budgets)))
    for i in range(resamples):
        chosen = np.repeat(rng.integers(concepts, size=concepts), seeds)
        runs = rng.integers(seeds, size=len(chosen))
        resampled[i] = _median(values[:, :, chosen, runs].reshape(values.shape))
    lows, highs = np.nanpercentile(resampled, [low, high], axis=0)
    point = _median(values)
    return pd.DataFrame(
        [
            (name, n, point[i, j], min(lows[i, j], point[i, j]), max(highs[i, j], point[i, j]))
            for i, name in enumerate(names)
            for j, n in enumerate(budgets)
        ],
        columns=["strategy", "n", "ap", "low", "high"],
    )


def table(results: pd.DataFrame) -> pd.DataFrame:
    """Return the median AP over concepts: one row per strategy, one column per number of labels."""
    names, budgets, values = _cube(results)
    return pd.DataFrame(_median(values), index=pd.Index(names, name="strategy"), columns=pd.Index(budgets, name="n"))


def wins(results: pd.DataFrame, n: int | None = None, tie: float = 0.01) -> pd.DataFrame:
    """Count how often the row's strategy beats the column's: "wins/ties/losses" over concepts and seeds.

    Parameters
    ----------
    n : int
        The number of labels to compare at; all of them if not given.
    tie : float
        The difference in AP up to which two runs count as equal.

    Raises ExperimentError if there are no results at `n` labels.
    """
    tie = arguments.number(tie, "tie", least=0, error=ExperimentError)
    if n is not None:
        n = arguments.count(n, "n", error=ExperimentError)
    selected = results if n is None else _checked(results)[results["n"] == n]
    names, _, values = _cube(selected)
    cells = pd.DataFrame("", index=pd.Index(names, name="strategy"), columns=names)
    for i, name in enumerate(names):
        for j, other in enumerate(names):
            if i != j:
                difference = values[i] - values[j]
                won, lost = int((difference > tie).sum()), int((difference < -tie).sum())
                equal = int(np.isfinite(difference).sum()) - won - lost
                cells.loc[name, other] = f"{won}/{equal}/{lost}"
    return cells


def plot(results: pd.DataFrame, ax: Axes | None = None, *, level: float = 0.9) -> Axes:
    """Draw the curves with their intervals over a logarithmic axis of labels; returns the axes.

    Raises ExperimentError if matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
        from matplotlib.ticker import NullLocator
    except ImportError as error:
        raise ExperimentError("A plot needs matplotlib: pip install matplotlib.") from error
    if ax is not None and not hasattr(ax, "set_title"):
        raise ExperimentError(f"ax must be axes of matplotlib, such as pyplot.gca() returns, not {described(ax)}.")
    table_of_curves = curves(results, level)  # raises for wrong arguments before anything is drawn
    axes = ax or pyplot.subplots(figsize=(7, 4.5))[1]
    for name, curve in table_of_curves.groupby("strategy", sort=False):
        (line,) = axes.plot(curve["n"], curve["ap"], marker="o", markersize=3, label=str(name))
        axes.fill_between(curve["n"], curve["low"], curve["high"], alpha=0.12, color=line.get_color(), linewidth=0)
    budgets = sorted(results["n"].unique())
    axes.set_xscale("log")
    axes.set_xticks(budgets, [str(n) for n in budgets])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("labels")
    axes.set_ylabel("average precision, median over concepts")
    axes.legend(frameon=False, fontsize="small")
    return axes


def markdown(results: pd.DataFrame, level: float = 0.9, of: str | None = None) -> str:
    """Return the table with its intervals, and the matrix of wins over all numbers of labels, as Markdown.

    Parameters
    ----------
    level : float
        The level of the intervals, see `curves`.
    of : str
        The strategy whose wins are listed; all strategies if not given.

    Raises ExperimentError if the results have no strategy of that name, or are no table of `compare`.
    """
    names = list(dict.fromkeys(_checked(results)["strategy"]))
    if of is not None and not is_one_of(of, names):
        raise ExperimentError(f"The results hold nothing of the strategy {described(of)}.")
    points = curves(results, level)
    budgets = sorted(points["n"].unique())
    cells = {(row.strategy, row.n): f"{row.ap:.2f} ({row.low:.2f}–{row.high:.2f})" for row in points.itertuples()}
    concepts, seeds = results["concept"].nunique(), results["seed"].nunique()
    lines = [
        f"Average precision on the test half: the median over concepts ({concepts}) of the mean over seeds ({seeds}),"
        f" with a {level:.0%} bootstrap interval.",
        "",
        *_table(["labels", *map(str, budgets)], [[name, *(cells[name, n] for n in budgets)] for name in names]),
    ]
    if len(names) > 1:
        listed = names if of is None else [of]
        matrix = wins(results).loc[listed]
        lines += ["", "Wins/ties/losses of the row against the column, over concepts, seeds and numbers of labels:", ""]
        lines += _table(["", *names], [[name, *matrix.loc[name]] for name in listed])
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def _checked(results: pd.DataFrame) -> pd.DataFrame:
    """Return the results. Raises ExperimentError if they are no table of `compare`."""
    arguments.instance(results, pd.DataFrame, "Results", "a DataFrame that compare returns", error=ExperimentError)
    missing = [column for column in _COLUMNS if column not in results]
    if missing or not len(results):
        raise ExperimentError(f"Results have rows and the columns {', '.join(_COLUMNS)}.")
    return results


def _cube(results: pd.DataFrame) -> tuple[list[str], list[int], NDArray[np.float64]]:
    """Return strategies, numbers of labels, and APs (strategies, numbers, concepts, seeds), NaN for missing runs."""
    _checked(results)
    names, budgets = list(dict.fromkeys(results["strategy"])), sorted(int(n) for n in results["n"].unique())
    axes = [names, budgets, sorted(results["concept"].unique()), sorted(results["seed"].unique())]
    values = np.full([len(axis) for axis in axes], np.nan)
    columns = ("strategy", "n", "concept", "seed")
    positions = [pd.Index(axis).get_indexer(results[column]) for axis, column in zip(axes, columns, strict=True)]
    values[tuple(positions)] = results["ap"]
    return names, budgets, values


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median over concepts (last axis but one) of the mean over seeds (last axis), ignoring NaN."""
    present = np.isfinite(values)
    number = present.sum(axis=-1)
    means = np.where(present, values, 0).sum(axis=-1) / np.maximum(number, 1)
    means[number == 0] = np.nan
    median: NDArray[np.float64] = np.ma.median(np.ma.masked_invalid(means), axis=-1).filled(np.nan)
    return median
