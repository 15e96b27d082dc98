"""Plots of a session, with matplotlib: quality over the refits, the scores, precision against recall.

Every function draws on given axes or on new ones, and returns them. Texts of users are drawn as they are, not as
mathematical formulas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from va_widgets.base.arguments import described
from va_widgets.base.errors import ArgumentError, MissingPackageError
from va_widgets.base.texts import counted
from va_widgets.display.html import shortened

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_YES, _NO, _QUALITY, _ALL = "#1b9e77", "#d95f02", "#5468e0", "#9aa0a6"  # which colour-blind people can distinguish
_LONGEST_TITLE = 60


def history(refits: pd.DataFrame, title: str, ax: Axes | None = None) -> Axes:
    """Plot quality with its interval over the refits, before the number of labels of each kind.

    Parameters
    ----------
    refits : DataFrame(version, yes, no, corpus_ap, corpus_low, corpus_high)
        As `Session.refits` gives it; a refit with too few labels for a quality has none.
    title : str
        Written above.
    ax : Axes
        What to draw on; new axes if it is not given.

    Raises MissingPackageError if matplotlib is not installed.
    """
    axes = _axes(title, ax)
    if refits.empty:
        return _with_note(axes, "No refit yet: label a few clips.")
    version = refits["version"].to_numpy()
    yes, no = (refits[kind].fillna(0).to_numpy(dtype=float) for kind in ("yes", "no"))
    numbers = axes.twinx()
    numbers.bar(version, yes, color=_YES, alpha=0.35, label="yes")
    numbers.bar(version, no, bottom=yes, color=_NO, alpha=0.25, label="no")
    numbers.set_ylabel("labels")
    numbers.set_ylim(0, max(1.0, 1.6 * float((yes + no).max())))  # the bars stay below the curve
    numbers.locator_params(axis="y", integer=True)
    numbers.spines[["top"]].set_visible(False)
    axes.set_zorder(numbers.get_zorder() + 1)
    axes.patch.set_visible(False)
    measured = refits.dropna(subset=["corpus_ap"])
    if measured.empty:
        _with_note(axes, "Too few labels yet for a quality.", clear=False)
    edges = (measured[f"corpus_{edge}"].fillna(measured["corpus_ap"]) for edge in ("ap", "low", "high"))
    ap, low, high = (values.to_numpy(dtype=float) for values in edges)
    at = measured["version"].to_numpy()
    axes.fill_between(at, low, high, color=_QUALITY, alpha=0.15, linewidth=0)
    if len(at) < 40:
        axes.vlines(at, low, high, color=_QUALITY, alpha=0.5, linewidth=1)
    axes.plot(at, ap, color=_QUALITY, marker="o", markersize=3.5, label="quality, 90 % interval")
    axes.set_ylim(0, 1.02)
    axes.set_xlim(version.min() - 0.7, version.max() + 0.7)
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel("refit")
    axes.set_ylabel("average precision over the corpus")
    (quality, kinds) = (shown.get_legend_handles_labels() for shown in (axes, numbers))
    _legend_below(axes, quality[0] + kinds[0], quality[1] + kinds[1])
    return axes


def story(events: pd.DataFrame, title: str) -> list[Axes]:
    """Plot quality, diversity, prevalence and flips over the label events, and mark the concept's other events.

    Parameters
    ----------
    events : DataFrame(event, kind, corpus_ap, corpus_low, corpus_high, diversity, prevalence, flipped)
        As `Session.story` gives it.
    title : str
        Written above.

    Raises MissingPackageError if matplotlib is not installed.
    """
    _, axes_of_panels = _pyplot().subplots(4, 1, sharex=True, figsize=(7, 7), layout="constrained")
    panels: list[Axes] = list(axes_of_panels)
    refits = events[(events["kind"] == "refit") & events["event"].notna()]
    others = events[events["kind"] != "refit"]
    at = refits["event"].to_numpy(dtype=float)
    names = ("AP over the corpus", "diversity", "prevalence", "flipped clips")
    columns = ("corpus_ap", "diversity", "prevalence", "flipped")
    for axes, name, column in zip(panels, names, columns, strict=True):
        axes.plot(at, refits[column].to_numpy(dtype=float), color=_QUALITY, marker="o", markersize=3)
        axes.set_ylabel(name, fontsize="small")
        axes.spines[["top", "right"]].set_visible(False)
        for event in others["event"]:
            axes.axvline(float(event), color=_ALL, linestyle=":", linewidth=1)
    low, high = (refits[f"corpus_{edge}"].to_numpy(dtype=float) for edge in ("low", "high"))
    panels[0].fill_between(at, low, high, color=_QUALITY, alpha=0.15, linewidth=0)
    panels[0].set_ylim(0, 1.02)
    panels[1].set_ylim(0, 1.02)
    panels[0].set_title(shortened(title, _LONGEST_TITLE), parse_math=False)
    for kind, event in zip(others["kind"], others["event"], strict=True):
        panels[0].annotate(
            str(kind), (float(event), 1.02), fontsize="x-small", rotation=30, annotation_clip=False, parse_math=False
        )
    panels[-1].set_xlabel("label event")
    if refits.empty:
        _with_note(panels[0], "No refit yet: label a few clips.", clear=False)
    return panels


def scores(
    probabilities: pd.Series[float], values: pd.Series[str], threshold: float, title: str, ax: Axes | None = None
) -> Axes:
    """Plot a histogram of P(yes) over all clips, the labelled ones marked above it, and the threshold.

    Parameters
    ----------
    probabilities : Series by clip_id
    values : Series by clip_id
        "yes", "no" or anything else, which is not marked.
    threshold : float
        The P(yes) from which on a clip would be a yes.
    title : str
        Written above.
    ax : Axes
        What to draw on; new axes if it is not given.

    Raises MissingPackageError if matplotlib is not installed.
    """
    axes = _axes(title, ax)
    counts, _, _ = axes.hist(probabilities.to_numpy(), bins=np.linspace(0, 1, 41).tolist(), color=_ALL, alpha=0.8)
    axes.set_yscale("log")
    axes.set_ylim(0.7, 6 * max(1.0, float(np.max(counts))))  # the marks have the top for themselves
    for value, colour, height in (("yes", _YES, 0.95), ("no", _NO, 0.88)):
        labelled = probabilities.reindex(values.index[values == value]).dropna()
        axes.plot(
            labelled.to_numpy(),
            np.full(len(labelled), height),
            "|",
            color=colour,
            markersize=9,
            transform=axes.get_xaxis_transform(),
            label=f"labelled {value} ({len(labelled):,})",
        )
    text = axes.xaxis.label.get_color()
    axes.axvline(threshold, ymax=0.84, color=text, linestyle="--", linewidth=1, label=f"threshold {threshold:.2f}")
    axes.set_xlim(-0.01, 1.01)
    axes.set_xlabel("P(yes)")
    axes.set_ylabel("clips, logarithmic")
    _legend_below(axes, *axes.get_legend_handles_labels())
    return axes


def precision_recall(
    held_out: tuple[NDArray[np.bool_], NDArray[np.float64]] | None,
    threshold: float,
    note: str,
    title: str,
    ax: Axes | None = None,
) -> Axes:
    """Plot precision against recall on labels that the classifier had not seen, and where the threshold lies.

    Parameters
    ----------
    held_out : (bool (n,), float64 (n,)) or None
        Labels and their cross-validated P(yes); None if there are too few, and then the axes say `note`.
    threshold : float
        The P(yes) from which on a clip would be a yes.
    note : str
        Why there is nothing to draw.
    title : str
        Written above.
    ax : Axes
        What to draw on; new axes if it is not given.

    Raises MissingPackageError if matplotlib is not installed.
    """
    axes = _axes(title, ax)
    if held_out is None:
        return _with_note(axes, shortened(f"No curve: {note or 'too few labels yet'}.", 80))
    y, probabilities = held_out
    precision, recall, _ = precision_recall_curve(y, probabilities)
    axes.step(recall, precision, where="post", color=_QUALITY, label=f"cross-validated on {counted(len(y), 'label')}")
    chosen = probabilities >= threshold
    hits = float((chosen & y).sum())
    at = (hits / max(1.0, float(y.sum())), hits / max(1.0, float(chosen.sum())))
    label = f"threshold {threshold:.2f}: precision {at[1]:.2f}, recall {at[0]:.2f}"
    axes.plot(*at, "o", color=_NO, markersize=7, label=label)
    axes.axhline(float(y.mean()), color=_ALL, linestyle=":", label="every label called yes")
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.04)
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.legend(frameon=False, fontsize="small", loc="lower left")
    return axes


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise MissingPackageError(
            'Drawing needs matplotlib, which is not installed: pip install "va-widgets[plots]".'
        ) from error
    return pyplot


def _axes(title: str, ax: Axes | None) -> Axes:
    if ax is None:
        ax = _pyplot().subplots(figsize=(7, 4), layout="constrained")[1]
    elif not hasattr(ax, "set_title"):
        raise ArgumentError(f"ax must be axes of matplotlib, such as pyplot.gca() returns, not {described(ax)}.")
    ax.set_title(shortened(title, _LONGEST_TITLE), parse_math=False)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _legend_below(axes: Axes, handles: list[Artist], names: list[str]) -> None:
    axes.legend(
        handles, names, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, frameon=False, fontsize="small"
    )


def _with_note(axes: Axes, sentence: str, *, clear: bool = True) -> Axes:
    """Write a sentence into axes that explains why they are empty."""
    if clear:
        axes.set_axis_off()
    axes.text(0.5, 0.6, sentence, transform=axes.transAxes, ha="center", va="center", parse_math=False)
    return axes
