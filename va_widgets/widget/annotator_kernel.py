"""The kernel's side of an annotator: answers the page's requests, the slow ones on threads of their own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from va_widgets.base import background
from va_widgets.base.errors import NotSavedError, VaError
from va_widgets.session import Session
from va_widgets.video.filmstrip import STRIP_WIDTH
from va_widgets.widget import handlers, protocol
from va_widgets.widget.controller import Controller
from va_widgets.widget.protocol import Selection

_LONGEST_SELECTION, _LONGEST_TITLE = 2_000, 80
_log = logging.getLogger(__name__)


class AnnotatorKernel:
    """Answers the requests of an annotator's pages, which an Annotator shows, or an Explorer in its own place.

    Parameters
    ----------
    session : Session
        The one that is shown first.
    send : callable
        Sends a message and its buffers to all pages.

    Attributes
    ----------
    controller : Controller
    """

    def __init__(self, session: Session, send: Callable[[dict[str, Any], list[bytes] | None], object]) -> None:
        # A preview of a large video takes seconds to cut: labels and feeds must not wait behind it.
        self._previews = background.TaskQueue("va-preview")
        self._strips = background.TaskQueue("va-strips")  # what is decoded now, for which the player does not wait
        # What needs a model that is not loaded yet is answered when it is; labels must not wait behind it either.
        self._loading = background.TaskQueue("va-loading")
        self.controller = Controller(session, send)

    @property
    def session(self) -> Session:
        """The session that is shown now."""
        return self.controller.session

    def close(self) -> None:
        """End the threads. The session stays open."""
        self.controller.close()
        for queue in (self._previews, self._strips, self._loading):
            queue.cancel()

    def show(self, clips: Sequence[str], title: str) -> None:
        """Open clips on the pages as a list in the Search tab. Raises UnknownClipError, and then changes nothing."""
        chosen = list(dict.fromkeys(clips))[:_LONGEST_SELECTION]
        for clip in chosen:
            self.session.corpus.row(clip)
        pages = self.controller.pages
        pages.selection = Selection(" ".join(title.split())[:_LONGEST_TITLE], chosen)
        pages.send_event("show", selection=pages.selection)

    def answer(self, request: protocol.Request, content: object) -> None:
        """Answer a request that was parsed of `content`; the page gets a reply whatever goes wrong."""
        if isinstance(request, protocol.Preview):
            self._previews.submit(lambda: self._answer_now(request, content))
        elif isinstance(request, protocol.Filmstrips) and (
            request.width > STRIP_WIDTH or self.session.corpus.decodes_filmstrips
        ):
            self._strips.submit(lambda: self._answer_now(request, content))
        elif handlers.needs_model(self.session, request):
            self._loading.submit(lambda: self._answer_now(request, content))
        else:
            self._answer_now(request, content)

    def _answer_now(self, request: protocol.Request, content: object) -> None:
        pages = self.controller.pages
        try:
            result, buffers = handlers.answer(self.controller, request)
        except VaError as error:
            if isinstance(error, NotSavedError):
                pages.send_event("status")  # first: the header shows what is wrong
            pages.post(protocol.failure(*protocol.identity(content), handlers.error_code(error), str(error)))
        except Exception as error:  # the page must never wait for an answer that will not come
            _log.exception("A %s request failed", type(request).__name__)
            pages.post(handlers.unexpected(request, content, error))
        else:
            pages.post(protocol.reply(request, result), buffers)
