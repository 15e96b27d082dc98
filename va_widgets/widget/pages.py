"""The pages that show an annotator: which there are, the session they show, and the events sent to them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from va_widgets.base.errors import VaError
from va_widgets.base.texts import without_lone_surrogates
from va_widgets.session import Session
from va_widgets.widget import protocol
from va_widgets.widget.protocol import Selection, Status
from va_widgets.widget.status import status_of

_log = logging.getLogger(__name__)


class Pages:
    """The pages that show an annotator, what they show, and the way to send messages to them.

    A cell that is run again leaves its former annotator alive in the kernel: without pages no events are sent. Pages
    that reload without sending `bye` stay in the set.

    Parameters
    ----------
    session : Session
    send : callable
        Sends a message and its buffers to all pages.

    Attributes
    ----------
    session : Session
        The session that is shown now.
    selection : Selection or None
        The clips that `Annotator.show` has opened.
    state, message : str
        Of the background refits: "ready", "refitting" or "error", and a sentence where there is one.
    """

    def __init__(self, session: Session, send: Callable[[dict[str, Any], list[bytes] | None], object]) -> None:
        self.session = session
        self.selection: Selection | None = None
        self.state = "ready"
        self.message = ""
        self._send = send
        self._names: set[str] = set()
        self._last_status: Status | None = None

    def __bool__(self) -> bool:
        return bool(self._names)

    def add(self, name: str) -> bool:
        """Send events to the page of this name from now on. Returns False if that was so before."""
        if name in self._names:
            return False
        self._names.add(name)
        return True

    def remove(self, name: str) -> None:
        """Send no more events to the page of this name."""
        self._names.discard(name)

    def show_session(self, session: Session) -> None:
        """Show another session from now on."""
        self.session = session
        self._last_status = None

    def set_state(self, state: str, message: str = "") -> None:
        """Change the state of the background refits, without an event."""
        self.state, self.message = state, message

    def status(self) -> Status:
        """Return what the header shows; where the labels cannot be read, the last status with the error."""
        try:
            self._last_status = status_of(self.session, self.state, self.message)
        except VaError as error:
            if self._last_status is None:
                raise
            return msgspec.structs.replace(self._last_status, state="error", message=str(error))
        return self._last_status

    def send_event(self, name: protocol.EventName, **data: object) -> None:
        """Send an event with the status to the pages. Without pages the status is not computed either."""
        if not self._names:
            return
        try:
            message = protocol.event(name, {**data, "status": self.status()})
        except Exception:  # whatever cannot be shown, labelling and learning go on
            _log.exception("The event %s could not be sent to the page", name)
            return
        self.post(message)

    def post(self, message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """Send a message to the pages. Whatever is wrong with it or with the connection must end no thread."""
        try:
            self._send(without_lone_surrogates(message), buffers)
        except Exception:  # the page sends its request again
            _log.exception("A message could not be sent to the page")
