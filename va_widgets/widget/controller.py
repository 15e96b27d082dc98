"""Connects an annotator's session and its pages: events, pages that open and close, refits in the background."""

from __future__ import annotations

import itertools
import logging
import os
import threading
import uuid
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from va_widgets.base import background
from va_widgets.base.errors import VaError
from va_widgets.base.listeners import Listeners
from va_widgets.session import Remark, Session
from va_widgets.widget.cards import remarks_shown, shown_labels
from va_widgets.widget.pages import Pages
from va_widgets.widget.worker import RefitWorker

_MOST_REMARKS = 2_000  # clips in one event; what is remarked on others comes with their cards
_numbers = itertools.count()  # of controllers, in the order in which they were made
_log = logging.getLogger(__name__)


class Controller:
    """Connects the session that an annotator shows with its pages.

    Parameters
    ----------
    session : Session
    send : callable
        Sends a message and its buffers to all pages.

    Attributes
    ----------
    pages : Pages
    listeners : Listeners
        Called after every event of the session that is shown now, and after "switch".
    worker : RefitWorker
    run_id : str
        Tells this annotator from one of the same session in a kernel that was started again.
    """

    def __init__(self, session: Session, send: Callable[[dict[str, Any], list[bytes] | None], object]) -> None:
        self.pages = Pages(session, send)
        self.run_id = uuid.uuid4().hex
        self.listeners = Listeners()
        self.worker = RefitWorker(self._refit_shown, self._refit_starts, self._refit_failed)
        self._unsubscribe = session.subscribe(self._on_session_event)
        self._switching = threading.Lock()
        self._process = os.getpid()
        self._number = next(_numbers)
        self._warm = False
        self._remarks: dict[str, list[Remark]] = {}  # that the pages know of, by clip
        for other in tuple(_controllers):
            other._follow(self)
        _controllers.add(self)

    @property
    def session(self) -> Session:
        """The session that is shown now."""
        return self.pages.session

    @property
    def forked(self) -> bool:
        """Whether this is a child of the process that the pages belong to."""
        return os.getpid() != self._process

    def close(self) -> None:
        """End the refits and unsubscribe from the session."""
        self._unsubscribe()
        self.worker.stop()
        _controllers.discard(self)

    # --- pages -----------------------------------------------------------------------------------

    def add_page(self, name: str) -> None:
        """Show the annotator on a page from now on; a name that is there already changes nothing."""
        if not self.pages:
            self._remarks = self._remarks_now()
        if not self.pages.add(name):  # first, so that it gets the events from now on
            return
        if self.session.pending:
            self.worker.now()  # labels that were given while no page showed the annotator
        if not self._warm:  # not before: a script that shows no page does not need torch
            self._warm = True
            background.start(self._warm_up, "va-warm-up")

    def remove_page(self, name: str) -> None:
        """Show the annotator no more on a page; without any page no refits are started."""
        self.pages.remove(name)
        if not self.pages:
            self.worker.drop_waiting()
            for other in tuple(_controllers):
                self._follow(other)

    def switch(self, concept: str) -> None:
        """Show another concept of the corpus, which may be new. Raises LabelError if its name cannot be used."""
        session = self.session.for_concept(concept)
        with self._switching:
            switched = session is not self.session
            if switched:
                self._show(session)
                self.pages.set_state("ready")
                self.pages.selection = None
                if session.pending:
                    self.worker.now()
                self.pages.send_event("switch")
        if switched:
            self.listeners.notify("switch", {})

    def _follow(self, newer: Controller) -> None:
        """Go on with the session of a newer annotator for the same labels, unless a page shows this one."""
        session = newer.session
        if self.pages or newer._number < self._number or session is self.session:
            return
        if _identity(session) != _identity(self.session):
            return
        with self._switching:
            self._show(session)

    def _show(self, session: Session) -> None:
        self._unsubscribe()
        self.pages.show_session(session)
        self._remarks = self._remarks_now()
        self._unsubscribe = session.subscribe(self._on_session_event)

    def _warm_up(self) -> None:
        try:
            self.session.warm_up()
        except VaError as error:  # a search that needs the model fails with the same error
            _log.info("The text encoder could not be loaded ahead of time: %s", error)

    # --- events of the session and its refits ----------------------------------------------------

    def _on_session_event(self, name: str, data: Mapping[str, Any]) -> None:
        if self.forked:
            return
        if name == "labels":
            self.pages.send_event("labels", labels=shown_labels(data["labels"]))
            if self.pages:
                self.worker.labelled(len({*data["labels"], *data.get("others", ())}))
        elif name == "refit":
            refit = data["refit"]
            self.pages.set_state("ready")
            self.pages.send_event("refit", version=refit.version, flipped=refit.flipped, seconds=refit.seconds)
        else:
            self.pages.send_event("status")
        if self.pages and name != "refit":
            self._send_remarks()
        self.listeners.notify(name, data)

    def _send_remarks(self) -> None:
        """Send the pages what anybody has remarked since, perhaps in another kernel."""
        former, self._remarks = self._remarks, self._remarks_now()
        changed = [clip for clip in {**former, **self._remarks} if former.get(clip) != self._remarks.get(clip)]
        if not changed:
            return
        try:
            remarks = remarks_shown(self.session, changed[:_MOST_REMARKS])
        except VaError as error:  # a label that was stored must not seem to have failed
            _log.info("The remarks could not be read: %s", error)
        else:
            self.pages.send_event("remarks", remarks=remarks)

    def _remarks_now(self) -> dict[str, list[Remark]]:
        try:
            return self.session.remarks_by_clip
        except VaError as error:  # the status says what is wrong with the labels
            _log.info("The remarks could not be read: %s", error)
            return self._remarks

    def _refit_starts(self) -> None:
        self.pages.set_state("refitting")
        self.pages.send_event("status")

    def _refit_shown(self) -> None:
        self.session.refit()
        if self.pages.state == "refitting":  # another refit knew all labels, so that this one caused no event
            self.pages.state = "ready"
            self.pages.send_event("status")

    def _refit_failed(self, error: Exception) -> None:
        if self.session.closed:
            return
        _log.error("The refit failed", exc_info=error)
        self.pages.set_state(
            "error",
            f"The classifier could not be refitted ({error}). Your labels are safe; label another clip to try again.",
        )
        self.pages.send_event("status")


_controllers: weakref.WeakSet[Controller] = weakref.WeakSet()


def _identity(session: Session) -> tuple[object, ...]:
    """Return a key that is equal for sessions of the same labels and seed."""
    return session.corpus.path, session.concept, session.annotator, session.seed
