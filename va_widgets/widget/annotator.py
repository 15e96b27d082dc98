"""The annotator: an anywidget that lets a person search, label and review in a notebook cell."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, SupportsIndex

import anywidget
import traitlets
from IPython.display import display

from va_widgets.base import arguments, background
from va_widgets.base.errors import NotSavedError, ProtocolError, VaError
from va_widgets.base.listeners import Listener
from va_widgets.base.texts import without_lone_surrogates
from va_widgets.display.still import AS_SECOND_OUTPUT, still
from va_widgets.session import Session
from va_widgets.video.filmstrip import STRIP_WIDTH
from va_widgets.widget import handlers, protocol
from va_widgets.widget.controller import Controller
from va_widgets.widget.protocol import Selection
from va_widgets.widget.settings import KeptSettings

_STATIC = Path(__file__).parent / "static"
_LONGEST_SELECTION, _LONGEST_TITLE = 2_000, 80
_NOTHING = "<!-- The annotator, without its kernel: see the next output. -->"
_log = logging.getLogger(__name__)


def _bundle(name: str) -> str:
    path = _STATIC / name
    if not path.is_file():
        raise VaError(
            f"The front end's bundle ({name}) is missing from this installation: install va-widgets again,"
            " or run `npm ci && npm run build` in js/ of a source checkout."
        )
    return path.read_text(encoding="utf-8")


class Annotator(anywidget.AnyWidget):
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

    _opened = False  # Python closes an annotator that was refused, too

    def __init__(self, session: Session) -> None:
        if not isinstance(session, Session):
            raise VaError(
                f"An Annotator shows a session, not {type(session).__name__}:"
                " write va.Annotator(va.Session(corpus, …))."
            )
        self._esm = _bundle("annotator.js")
        self._css = _bundle("annotator.css")
        self._settings = KeptSettings(session.annotator)
        super().__init__(place=self._settings.first)
        self.observe(lambda change: self._settings.take(change["new"]), "place")
        # A preview of a large video takes seconds to cut: labels and feeds must not wait behind it.
        self._previews = background.TaskQueue("va-preview")
        self._strips = background.TaskQueue("va-strips")  # wide ones, for which the player does not wait
        # What needs a model that is not loaded yet is answered when it is; labels must not wait behind it either.
        self._loading = background.TaskQueue("va-loading")
        self._controller = Controller(session, self._send_message)
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
            self._controller.close()
            self._previews.cancel()
            self._strips.cancel()
            self._loading.cancel()
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
        title = arguments.text(title, "The title")
        clips = list(dict.fromkeys(given))[:_LONGEST_SELECTION]
        for clip in clips:
            self.session.corpus.row(clip)
        pages = self._controller.pages
        pages.selection = Selection(" ".join(title.split())[:_LONGEST_TITLE], clips)
        pages.send_event("show", selection=pages.selection)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(event, data)` after every event of the session that is shown now; returns what stops it.

        It is called on the thread that caused the event, and with "switch" after another session is shown.
        """
        return self._controller.listeners.add(arguments.function(listener, "The listener"))

    def __copy__(self) -> NoReturn:
        raise VaError(
            "An Annotator can be neither copied nor pickled, since it is a view in this notebook: make another one of"
            " its session with va.Annotator(session)."
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        self.__copy__()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        self.__copy__()

    def _ipython_display_(self) -> None:
        """Show the live view, and as a second output the still, which is hidden while the view is alive.

        As a part of one output the still would not be seen in a notebook that was saved and opened again: JupyterLab
        prefers the widget there, and shows "model not found".
        """
        data, metadata = self._repr_mimebundle_() or ({}, {})
        html, plain = data.get("text/html"), data.pop("text/plain", repr(self))
        # Converters to static pages must find something in the first output that they know.
        data |= {"text/html": _NOTHING} if html else {"text/plain": plain}
        display(data, metadata=metadata, raw=True)
        if html:
            display({"text/html": AS_SECOND_OUTPUT.format(still=html), "text/plain": plain}, raw=True)

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the live view, which hosts prefer, and a still for places where no kernel runs."""
        bundle: tuple[dict[str, Any], dict[str, Any]] | None = super()._repr_mimebundle_(**options)
        if bundle is None:
            return None
        data, metadata = bundle
        try:
            return {**data, "text/html": without_lone_surrogates(still(self.session))}, metadata
        except Exception:  # whatever is wrong with a picture, the annotator itself must appear
            _log.exception("The still of the annotator could not be made")
            return bundle

    # --- messages --------------------------------------------------------------------------------

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        """Answer one message; whatever goes wrong, the front end gets one sentence and nothing is half done."""
        try:
            request = protocol.parse(content)
        except ProtocolError as error:
            self._controller.pages.post(protocol.failure(*protocol.identity(content), error.code, str(error)))
            return
        if isinstance(request, protocol.Preview):
            self._previews.submit(lambda: self._answer(request, content))
        elif isinstance(request, protocol.Filmstrips) and request.width > STRIP_WIDTH:
            self._strips.submit(lambda: self._answer(request, content))
        elif handlers.needs_model(self.session, request):
            self._loading.submit(lambda: self._answer(request, content))
        else:
            self._answer(request, content)

    def _answer(self, request: protocol.Request, content: object) -> None:
        pages = self._controller.pages
        try:
            result, buffers = handlers.answer(self._controller, request)
        except VaError as error:
            if isinstance(error, NotSavedError):
                pages.send_event("status")  # first: the header shows what is wrong
            pages.post(protocol.failure(*protocol.identity(content), handlers.error_code(error), str(error)))
        except Exception as error:  # the page must never wait for an answer that will not come
            _log.exception("A %s request failed", type(request).__name__)
            message = f"{type(request).__name__} failed in the kernel ({type(error).__name__}: {error}); try it again."
            pages.post(protocol.failure(*protocol.identity(content), "failed", message))
        else:
            pages.post(protocol.reply(request, result), buffers)

    def _send_message(self, message: dict[str, Any], buffers: list[bytes] | None) -> None:
        self.send(message, buffers)
