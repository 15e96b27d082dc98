"""The corpus as a map beside the annotator: jupyter-scatter draws it, a lasso on it becomes a list to label."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NoReturn, SupportsIndex

import numpy as np
import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.errors import MissingPackageError, VaError
from va_widgets.base.texts import counted
from va_widgets.session import Session
from va_widgets.widget.annotator import Annotator

# Five shades for P(yes), and a colour a label; told apart by the colour-blind, too.
_SHADES = {
    "score 0.0–0.2": "#b9c0cc",
    "score 0.2–0.4": "#a7b6db",
    "score 0.4–0.6": "#8ea5da",
    "score 0.6–0.8": "#5f7fd0",
    "score 0.8–1.0": "#2f55bf",
}
_LABELS = {"yes": "#12805f", "no": "#d95f02", "unsure": "#c39b00"}
_COLOURS = {**_SHADES, **_LABELS}
_EDGES = (-1.06, 1.06)  # of the plane: a clip at its border is seen whole
_TITLE = "on the map"
_log = logging.getLogger(__name__)


class Map:
    """All clips in the plane, those that look alike together, coloured by score and label. Shows itself in a notebook.

    What is chosen with the lasso is `selected`; with an annotator it opens in the annotator's Search tab, too. The
    colours follow every refit, and the concept that the annotator shows.

    Parameters
    ----------
    shown : Session or Annotator
    seed : int
        The same corpus and seed give the same map.
    height : int
        Pixels.

    Raises
    ------
    MissingPackageError
        If jupyter-scatter is not installed.
    VaError
        If what was given is neither a session nor an annotator, or `seed` or `height` are no whole numbers.
    """

    scatter: Any
    """The plot itself, a `jscatter.Scatter`, whose looks may be changed."""

    def __init__(self, shown: Session | Annotator, *, seed: int = 0, height: int = 480) -> None:
        if not isinstance(shown, (Session, Annotator)):
            raise VaError(
                f"A Map shows a session or an annotator, not {type(shown).__name__}:"
                " write va.Map(va.Session(corpus, …))."
            )
        seed, height = arguments.seed(seed), arguments.count(height, "height", least=1)
        jscatter = _jscatter()
        self._shown = shown
        self._places = self.session.corpus.map(seed)
        self._process = os.getpid()
        self._drawing = threading.Lock()  # refits end on a thread of their own
        table = self._table()
        self.scatter = jscatter.Scatter(
            x="x", y="y", x_scale=_EDGES, y_scale=_EDGES, data=table, height=height, axes=False, legend=True
        )
        self._encode(table)
        self.scatter.tooltip(enable=True, properties=["color", "P(yes)"])
        self.scatter.mouse(mode="lasso")  # the wheel still zooms
        self.scatter.background((0, 0, 0, 0))  # the page's own, light or dark
        self._unsubscribe: Callable[[], None] = shown.subscribe(self._on_session_event)
        self.scatter.widget.observe(self._on_selection, names="selection")

    @property
    def session(self) -> Session:
        """The session whose scores and labels are shown."""
        return self._shown.session if isinstance(self._shown, Annotator) else self._shown

    @property
    def selected(self) -> list[str]:
        """The clips that are chosen with the lasso, those with the highest scores first."""
        rows = np.asarray(self.scatter.widget.selection, dtype=np.int64)
        return self.session.scores().iloc[rows].sort_values(ascending=False, kind="stable").index.tolist()

    def refresh(self) -> None:
        """Draw the scores and labels as they are now; after a refit and another concept it happens by itself."""
        with self._drawing:
            table = self._table()
            self.scatter.data(table)
            self._encode(table)

    def close(self) -> None:
        """Take the map off the page. The session and the annotator stay open."""
        self._unsubscribe()
        self.scatter.widget.close()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise VaError(
            "A Map can be neither copied nor pickled, since it is a view in this notebook: make another one of its"
            " session with va.Map(session)."
        )

    def __repr__(self) -> str:
        return f"Map({self.session.concept!r}: {counted(len(self._places), 'clip')}, {len(self.selected):,} selected)"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        data, metadata = self.scatter.show()._repr_mimebundle_(**options)
        return {**data, "text/plain": repr(self)}, metadata

    def _on_session_event(self, name: str, _data: Mapping[str, Any]) -> None:
        if name not in ("refit", "switch") or os.getpid() != self._process:  # a forked child has no page
            return
        try:
            self.refresh()
        except Exception:  # a map that cannot be drawn must not stop the refit or the switch that caused the event
            _log.exception("The map could not be drawn again")

    def _on_selection(self, _change: object) -> None:
        clips = self.selected
        if clips and isinstance(self._shown, Annotator):
            self._shown.show(clips, _TITLE)

    def _encode(self, table: pd.DataFrame) -> None:
        """Set colours and sizes of the categories in use, as lists: jupyter-scatter takes no new data after dicts."""
        kinds, sizes = set(table["clip"]), _sizes(len(table))
        self.scatter.color(by="clip", map=[colour for kind, colour in _COLOURS.items() if kind in kinds])
        known = set(table["labelled"])
        self.scatter.size(by="labelled", map=[size for kind, size in sizes.items() if kind in known])

    def _table(self) -> pd.DataFrame:
        """Return DataFrame(x, y, clip, labelled, P(yes)) by row: `clip` is the label, or the shade of the score."""
        scores = self.session.scores()
        shades = np.array(list(_SHADES), dtype=object)
        kind = pd.Series(shades[np.minimum(scores.to_numpy() * len(shades), len(shades) - 1).astype(int)], scores.index)
        values = self.session.labels["value"]
        known = values[values.isin(list(_LABELS)) & values.index.isin(scores.index)]
        kind.loc[known.index] = known
        return pd.DataFrame(
            {
                "x": self._places["x"].to_numpy(),
                "y": self._places["y"].to_numpy(),
                "clip": pd.Categorical(kind, categories=list(_COLOURS)),
                "labelled": pd.Categorical(
                    np.where(kind.isin(list(_LABELS)), "labelled", "unlabelled"), list(_sizes(0))
                ),
                "P(yes)": scores.to_numpy(),
            }
        )


def _sizes(clips: int) -> dict[str, int]:
    """Return the sizes in pixels of clips without and with a label; they are smaller the more clips there are."""
    small = round(min(8.0, max(2.0, 400 / max(1, clips) ** 0.5)))
    return {"unlabelled": small, "labelled": small + 4}


def _jscatter() -> Any:
    try:
        return import_module("jscatter")
    except ImportError as error:
        raise MissingPackageError(
            'A Map needs jupyter-scatter, which is not installed: pip install "va-widgets[map]".'
        ) from error
