"""The explorer: an anywidget that shows the clips of queries, from which they are labelled and exported."""

from __future__ import annotations

from typing import Any

import pandas as pd
import traitlets

from va_widgets.base import arguments
from va_widgets.base.texts import without_lone_surrogates
from va_widgets.catalogue.exploration import Answer, Exploration, Question
from va_widgets.display.still import still_of_hits
from va_widgets.session import Session
from va_widgets.widget.cell_widget import CellWidget
from va_widgets.widget.explorer_handlers import Explored
from va_widgets.widget.explorer_kernel import ExplorerKernel, LabellingInPlace
from va_widgets.widget.front_end import bundle
from va_widgets.widget.settings import KeptSettings


class Explorer(CellWidget):
    """Shows the clips of a query over a corpus and its models in a notebook cell.

    On the page: a query with completion and a live count, the clips with their scores, histograms whose thresholds can
    be dragged, counts by video or column, saved queries, a timeline of the video that is played, the clips as a file,
    and *Label these*, which opens them in an annotator in the explorer's own place.

    Parameters
    ----------
    corpus : Corpus
    models : models, or their folders, optional
        By default those that are served from the corpus; one that is published later appears by itself.
    query : str
        What is shown first; all clips for "".
    annotator : str
        Whose labels those are that are given here.

    Raises
    ------
    QueryError
        If `corpus` is no corpus, or `query` no query.
    ModelError
        If a model that was given cannot be read.
    VaError
        If the installation lacks the front end's bundle.
    """

    app = traitlets.Unicode("explorer").tag(sync=True)
    """Which widget of the front end's bundle is shown."""
    explored = traitlets.Dict().tag(sync=True)
    """What the person looks at: query, values of a column, order, card size, keys. It survives a page reload."""
    place = traitlets.Dict().tag(sync=True)
    """The same of the annotator in the explorer's place."""

    _another = "of its corpus with va.Explorer(corpus)"
    _opened = False  # Python closes an explorer that was refused, too

    def __init__(self, corpus: Any, models: Any = None, *, query: str = "", annotator: str = "me") -> None:
        exploration = Exploration(corpus, models)
        exploration.query(arguments.text(query, "query"))
        annotator = arguments.text(annotator, "annotator")
        self._esm = bundle("annotator.js")
        self._css = bundle("annotator.css")
        # Two, because each notices by itself what its part of the page has changed.
        settings = {"explored": KeptSettings(annotator), "place": KeptSettings(annotator)}
        first = settings["place"].first
        super().__init__(explored={**first, "query": query}, place=first)
        for name, kept in settings.items():
            self.observe(lambda change, kept=kept: kept.take(change["new"]), name)
        self._exploration = exploration
        self._labelling = LabellingInPlace(exploration, annotator, self._send_message)
        self._answering = ExplorerKernel(Explored(exploration, self._labelling), self._send_message)
        self._opened = True
        self.on_msg(self._receive)

    @property
    def query(self) -> str:
        """The query whose clips are shown; another one that is set appears on the page.

        Setting it raises QueryError for a text that is no query.
        """
        return str(self.explored.get("query", ""))

    @query.setter
    def query(self, text: str) -> None:
        self._exploration.query(arguments.text(text, "query"))
        self.explored = {**self.explored, "query": text}

    @property
    def hits(self) -> pd.DataFrame:
        """The clips that are shown, of all pages: DataFrame(score, one column a name) by clip_id, in their order."""
        return self._answer().table()

    @property
    def session(self) -> Session | None:
        """The session of the concept that was labelled here last; None before that."""
        return self._labelling.session

    def close(self) -> None:
        """Take the widget off the page and end its threads. The session stays open."""
        if self._opened:
            if self._answering.forked:  # a forked child's garbage collector must not close its parent's widget
                return
            self._answering.close()
            self._labelling.close()
        super().close()

    @traitlets.validate("explored", "place")
    def _checked(self, proposal: traitlets.Bunch) -> object:
        return without_lone_surrogates(proposal["value"])  # a page that is reloaded gets it sent

    def _answer(self) -> Answer:
        """Return what is shown."""
        shown = self.explored
        values = tuple(shown.get("values", ())) if shown.get("column") else ()
        question = Question(self.query, str(shown.get("column", "")), values)
        return self._exploration.answer(question, shown.get("order", "best"), str(shown.get("by", "")))

    def _still(self) -> str:
        return still_of_hits(self._exploration.corpus, self.query or "all clips", self._answer())

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        self._answering.receive(content, self._labelling.kernel)

    def _send_message(self, message: dict[str, Any], buffers: list[bytes] | None) -> None:
        self.send(message, buffers)
