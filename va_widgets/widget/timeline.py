"""The timeline: an anywidget that plays a video with the scores of models over its clips."""

from __future__ import annotations

from typing import Any

import traitlets

from va_widgets.base import arguments
from va_widgets.base.errors import QueryError
from va_widgets.catalogue.exploration import Exploration, Question
from va_widgets.catalogue.timeline import places
from va_widgets.display.still import still_of_hits
from va_widgets.widget.cell_widget import CellWidget
from va_widgets.widget.explorer_handlers import Explored
from va_widgets.widget.explorer_kernel import ExplorerKernel
from va_widgets.widget.front_end import bundle


class Timeline(CellWidget):
    """Shows one video in a notebook cell: the player, and below it a strip for each model with the scores of its clips.

    What reaches a model's threshold is in colour, and so are the clips that are labelled for its concept. A press on a
    strip, or an arrow key, goes to another clip; a press on a model's name to the next clip where it holds.

    Parameters
    ----------
    corpus : Corpus
    video : str
        As in `corpus.clips["video"]`; or the id of a clip, whose video is shown from there on.
    models : models, or their folders, optional
        By default those that are served from the corpus.

    Raises
    ------
    QueryError
        If `corpus` is no corpus, it has no such video, or there are no models.
    EncoderMismatchError or ModelError
        If a model cannot be read, or is not of the corpus's encoder.
    VaError
        If the installation lacks the front end's bundle.
    """

    app = traitlets.Unicode("timeline").tag(sync=True)
    """Which widget of the front end's bundle is shown."""
    clip = traitlets.Unicode().tag(sync=True)
    """The clip that is played; another one that is set is played on the page. "" is the first one of the video."""

    _another = "with va.Timeline(corpus, video)"
    _opened = False  # Python closes a timeline that was refused, too

    def __init__(self, corpus: Any, video: str, models: Any = None) -> None:
        exploration = Exploration(corpus, models)
        video, clip = arguments.text(video, "video"), ""
        if video in exploration.corpus.clips.index:
            clip, video = video, str(exploration.corpus.clips.loc[video, "video"])
        places(exploration.corpus, video)
        slugs = tuple(exploration.models)
        if not slugs:
            raise QueryError(
                exploration.problem
                or "A Timeline shows the scores of models, and none are published from this corpus yet: publish one by"
                " session.publish(…)."
            )
        exploration.query(exploration.any_of(slugs))
        self._exploration, self._question = exploration, Question(exploration.any_of(slugs), "video", (video,))
        self._esm = bundle("annotator.js")
        self._css = bundle("annotator.css")
        super().__init__(clip=clip)
        self._answering = ExplorerKernel(Explored(exploration, shown=(video, slugs)), self._send_message)
        self._opened = True
        self.on_msg(self._receive)

    def close(self) -> None:
        """Take the widget off the page."""
        if self._opened:
            if self._answering.forked:  # a forked child's garbage collector must not close its parent's widget
                return
            self._answering.close()
        super().close()

    def _still(self) -> str:
        (video,) = self._question.values
        return still_of_hits(self._exploration.corpus, video, self._exploration.answer(self._question))

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        self._answering.receive(content, None)

    def _send_message(self, message: dict[str, Any], buffers: list[bytes] | None) -> None:
        self.send(message, buffers)
