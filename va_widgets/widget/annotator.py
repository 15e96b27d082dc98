"""The annotator: an anywidget that lets a person search, label and review in a notebook cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import traitlets

from va_widgets.base import arguments
from va_widgets.base.errors import ProtocolError, VaError
from va_widgets.base.listeners import Listener
from va_widgets.base.texts import without_lone_surrogates
from va_widgets.display.still import still
from va_widgets.session import Session
from va_widgets.widget import protocol
from va_widgets.widget.annotator_kernel import AnnotatorKernel
from va_widgets.widget.cell_widget import CellWidget
from va_widgets.widget.front_end import bundle
from va_widgets.widget.settings import KeptSettings


class Annotator(CellWidget):
    """Shows a session in a notebook cell: tabs Search, Feeds and Review, cards, labels by button and key.

    Parameters
    ----------
    session : Session
        Several annotators may show one session, and one annotator may be displayed several times. `session` is the
        one that is shown now: the page may switch to another concept of the corpus, or start a new one. An annotator
        that no page shows, such as that of a cell that was run again, goes on with the session of a newer one for the
        same labels, so that it keeps no former session, corpus and open files.

    Raises
    ------
    VaError
        If what was given is not a session, or the installation lacks the front end's bundle.
    """

    place = traitlets.Dict().tag(sync=True)
    """Where the person is: tab, feed, query, card size, keys. The front end writes it; it survives a page reload. Card
    size, cards a page and keys are kept for this annotator's name, also when the cell is run again."""

    _another = "of its session with va.Annotator(session)"
    _opened = False  # Python closes an annotator that was refused, too

    def __init__(self, session: Session) -> None:
        if not isinstance(session, Session):
            raise VaError(
                f"An Annotator shows a session, not {type(session).__name__}:"
                " write va.Annotator(va.Session(corpus, …))."
            )
        self._esm = bundle("annotator.js")
        self._css = bundle("annotator.css")
        self._settings = KeptSettings(session.annotator)
        super().__init__(place=self._settings.first)
        self.observe(lambda change: self._settings.take(change["new"]), "place")
        self._kernel = AnnotatorKernel(session, self._send_message)
        self._controller = self._kernel.controller
        self._opened = True
        self.on_msg(self._receive)

    @property
    def session(self) -> Session:
        """The session that is shown now."""
        return self._controller.session

    def close(self) -> None:
        """Take the widget off the page and end its threads. The session stays open."""
        if self._opened:
            if self._controller.forked:  # a forked child's garbage collector must not close its parent's widget
                return
            self._kernel.close()
        super().close()

    @traitlets.validate("place")
    def _checked_place(self, proposal: traitlets.Bunch) -> object:
        return without_lone_surrogates(proposal["value"])  # a page that is reloaded gets it sent

    def show(self, clip_ids: arguments.ClipIds, title: str = "selection") -> None:
        """Open clips of your choice on the page, as a list in the Search tab, in the order in which they are given.

        It stays until the person searches for something else. At most 2,000 clips are shown, the first ones.

        Raises UnknownClipError if a clip is not in the corpus, ArgumentError if clip ids or the title are none, and
        then changes nothing.
        """
        given = arguments.clip_ids(clip_ids, "The clips to show")
        self._kernel.show(given, arguments.text(title, "The title"))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(event, data)` after every event of the session that is shown now; returns what stops it.

        It is called on the thread that caused the event, and with "switch" after another session is shown.
        """
        return self._controller.listeners.add(arguments.function(listener, "The listener"))

    def _still(self) -> str:
        return still(self.session)

    # --- messages --------------------------------------------------------------------------------

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        """Answer one message; whatever goes wrong, the front end gets one sentence and nothing is half done."""
        try:
            request = protocol.parse(content)
        except ProtocolError as error:
            self._controller.pages.post(protocol.failure(*protocol.identity(content), error.code, str(error)))
            return
        self._kernel.answer(request, content)

    def _send_message(self, message: dict[str, Any], buffers: list[bytes] | None) -> None:
        self.send(message, buffers)
