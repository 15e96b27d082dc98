"""The kernel's side of an explorer or a timeline: answers the page's requests on threads of their own."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any, TypeAlias

from va_widgets.base import background
from va_widgets.base.errors import ProtocolError, VaError
from va_widgets.base.texts import without_lone_surrogates
from va_widgets.catalogue.exploration import Exploration
from va_widgets.catalogue.labelled import present_name
from va_widgets.session import Session
from va_widgets.video.filmstrip import STRIP_WIDTH
from va_widgets.widget import explorer_handlers, handlers, protocol
from va_widgets.widget.annotator_kernel import AnnotatorKernel
from va_widgets.widget.explorer_handlers import Explored
from va_widgets.widget.explorer_protocol import Catalogue, ExplorerRequest

Send: TypeAlias = Callable[[dict[str, Any], list[bytes] | None], object]
_log = logging.getLogger(__name__)


class ExplorerKernel:
    """Answers the requests of an explorer's pages, and of the annotator that they show in its place.

    Parameters
    ----------
    explored : Explored
    send : callable
        Sends a message and its buffers to all pages.
    """

    def __init__(self, explored: Explored, send: Send) -> None:
        self._explored = explored
        self._send = send
        self._questions = background.TaskQueue("va-explorer")
        self._previews = background.TaskQueue("va-preview")
        self._strips = background.TaskQueue("va-strips")
        self._process = os.getpid()

    @property
    def forked(self) -> bool:
        """Whether this is a child of the process that the pages belong to."""
        return os.getpid() != self._process

    def close(self) -> None:
        """Answer no more requests."""
        for queue in (self._questions, self._previews, self._strips):
            queue.cancel()

    def receive(self, content: object, annotator: AnnotatorKernel | None) -> None:
        """Answer one message; whatever goes wrong, the page gets one sentence. `annotator` answers its own requests."""
        try:
            request = protocol.parse(content, ExplorerRequest | protocol.Request)
        except ProtocolError as error:
            self.post(protocol.failure(*protocol.identity(content), error.code, str(error)))
            return
        if isinstance(request, protocol.Preview):
            self._previews.submit(lambda: self._answer(request, content))
        elif isinstance(request, protocol.Filmstrips):
            if request.width > STRIP_WIDTH or self._explored.exploration.corpus.decodes_filmstrips:
                self._strips.submit(lambda: self._answer(request, content))
            else:
                self._answer(request, content)
        elif isinstance(request, ExplorerRequest):
            self._questions.submit(lambda: self._answer(request, content))
            if isinstance(request, Catalogue):  # while the page is looked at and a query typed
                self._questions.submit(self._prepare)
        elif annotator is not None:
            annotator.answer(request, content)
        else:
            message = "No concept is labelled here now: go back to the query, and press Label these."
            self.post(protocol.failure(*protocol.identity(content), "failed", message))

    def post(self, message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """Send a message to the pages. Whatever is wrong with it or with the connection must end no thread."""
        try:
            self._send(without_lone_surrogates(message), buffers)
        except Exception:  # the page sends its request again
            _log.exception("A message could not be sent to the page")

    def _prepare(self) -> None:
        try:
            self._explored.exploration.prepare()
        except VaError:  # the page is told once a query needs what failed
            _log.debug("The scores of a corpus could not be prepared", exc_info=True)

    def _answer(self, request: Any, content: object) -> None:
        try:
            result, buffers = explorer_handlers.answer(self._explored, request)
        except VaError as error:
            self.post(protocol.failure(*protocol.identity(content), handlers.error_code(error), str(error)))
        except Exception as error:  # the page must never wait for an answer that will not come
            _log.exception("A %s request failed", type(request).__name__)
            self.post(handlers.unexpected(request, content, error))
        else:
            self.post(protocol.reply(request, result), buffers)


class LabellingInPlace:
    """The annotator that an explorer shows in its own place, once clips are to be labelled.

    Parameters
    ----------
    exploration : Exploration
    annotator : str
        Whose labels these are.
    send : callable
    """

    def __init__(self, exploration: Exploration, annotator: str, send: Send) -> None:
        self._exploration = exploration
        self.annotator = annotator
        self._send = send
        self.kernel: AnnotatorKernel | None = None

    @property
    def concept(self) -> str:
        """The concept that is labelled; "" if none is."""
        return "" if self.kernel is None else self.kernel.session.concept

    @property
    def session(self) -> Session | None:
        """The session that is labelled in; None before clips were opened."""
        return None if self.kernel is None else self.kernel.session

    def open(self, concept: str, clips: list[str], title: str) -> None:
        """Open clips in the annotator, for a concept that may be new.

        Raises LabelError if the concept's name cannot be used, UnknownClipError if a clip is not in the corpus.
        """
        corpus = self._exploration.corpus
        concept = present_name(corpus, concept)
        for clip in clips:
            corpus.row(clip)
        # A session knows the clips that the corpus had when it was opened.
        if self.kernel is None or len(self.kernel.session.corpus) != len(corpus):
            former, self.kernel = self.kernel, AnnotatorKernel(Session(corpus, concept, self.annotator), self._send)
            if former is not None:
                former.close()
        else:
            self.kernel.controller.switch(concept)
        self.kernel.show(clips, title)

    def close(self) -> None:
        """End the annotator's threads. Its session stays open."""
        if self.kernel is not None:
            self.kernel.close()
