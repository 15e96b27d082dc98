"""What a session draws with matplotlib."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.conftest import labelled
from va_widgets.display import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

CONCEPT = "night $x_ \\frac <b>"  # no formula, whatever it looks like
REFITS = ["version", "labels", "yes", "no", "corpus_ap", "corpus_low", "corpus_high"]


@pytest.fixture(autouse=True)
def _no_window() -> Iterator[None]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield
    pyplot.close("all")


def drawn(axes: Axes) -> Axes:
    """Axes that can be drawn, too."""
    axes.get_figure().savefig(io.BytesIO(), dpi=30)  # type: ignore[union-attr]
    return axes


def values(line: Line2D) -> tuple[list[float], list[float]]:
    x, y = (np.asarray(data, dtype=float).tolist() for data in line.get_data())
    return x, y


def words(axes: Axes) -> str:
    return " ".join(text.get_text() for text in axes.texts)


def test_a_session_draws_its_history_scores_and_precision(demo_corpus: va.Corpus) -> None:
    session = labelled(demo_corpus, concept=CONCEPT)
    session.refit()
    session.label(demo_corpus.clips.index[-3:], False)
    session.refit()
    history, scores, curve = map(
        drawn, (session.plot_history(), session.plot_scores(), session.plot_precision_recall())
    )
    assert [axes.get_title() for axes in (history, scores, curve)] == [CONCEPT] * 3
    assert values(history.lines[0])[1] == session.refits["corpus_ap"].tolist()
    assert [line.get_label() for line in scores.lines] == [
        f"labelled yes ({session.counts['yes']})",
        f"labelled no ({session.counts['no']})",
        f"threshold {session.threshold[0]:.2f}",
    ]
    assert sum(bar.get_height() for bar in scores.patches) == len(demo_corpus)  # type: ignore[attr-defined]
    (recall,), (precision,) = values(curve.lines[1])
    assert 0 < precision <= 1
    assert 0 < recall <= 1


def test_they_draw_on_given_axes(demo_corpus: va.Corpus) -> None:
    from matplotlib import pyplot

    session = va.Session(demo_corpus, "night")
    for plot in (session.plot_history, session.plot_scores, session.plot_precision_recall):
        axes = pyplot.subplots()[1]
        assert drawn(plot(axes)) is axes


def test_too_few_labels_are_said_on_the_axes(demo_corpus: va.Corpus) -> None:
    session = va.Session(demo_corpus, "night")
    assert words(drawn(session.plot_history())) == "No refit yet: label a few clips."
    assert "too few labels yet: 5 more yes and 5 more no" in words(drawn(session.plot_precision_recall()))
    session.label(demo_corpus.clips.index[:2], True)
    session.refit()
    history = drawn(session.plot_history())
    assert words(history) == "Too few labels yet for a quality."
    assert values(history.lines[0]) == ([], [])


def test_a_history_without_intervals_is_drawn_without_them() -> None:
    former = pd.DataFrame([[1, 8, None, None, 0.5, None, None], [2, 12, 5, 7, 0.7, 0.6, 0.8]], columns=REFITS)
    axes = drawn(plots.history(former.astype(float), "night"))
    assert values(axes.lines[0]) == ([1, 2], [0.5, 0.7])


def test_without_matplotlib_one_sentence_says_what_to_install(
    demo_corpus: va.Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(va.MissingPackageError, match=r'pip install "va-widgets\[plots\]"'):
        va.Session(demo_corpus, "night").plot_scores()
