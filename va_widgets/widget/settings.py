"""How an annotator likes the page: keys, card size, cards a page, whether pages turn by themselves.

It belongs to the person and outlives the cell.

It is kept in the user's state folder, one small JSON file for each annotator's name, and is the same in all corpora.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from va_widgets.base.errors import reason_of
from va_widgets.base.names import folder_name
from va_widgets.base.user_state import state_folder, write_state

_FOLDER = "settings"
_Key = Annotated[str, Meta(max_length=32)]
_log = logging.getLogger(__name__)
_of_this_process: dict[str, dict[str, Any]] = {}  # settings that could not be written, by annotator


class _Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    """The part of the page's view state that is kept; what is not set is left to the page."""

    size: Annotated[float, Meta(ge=1, le=10_000)] | None = None
    page: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    turns: bool | None = None
    keys: Annotated[dict[_Key, _Key], Meta(max_length=100)] | None = None


def read(annotator: str) -> dict[str, Any]:
    """Return the settings of an annotator as a part of the page's view state; {} without any."""
    file = _file(annotator)
    known: dict[str, Any] = {}
    try:
        if file is not None:
            known = msgspec.to_builtins(msgspec.json.decode(file.read_bytes(), type=_Settings))
    except FileNotFoundError:
        pass
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _log.info("The settings of %r cannot be read: %s", annotator, reason_of(error))
    return known | _of_this_process.get(annotator, {})


class KeptSettings:
    """Keeps the settings of an annotator as the page changes them.

    Parameters
    ----------
    annotator : str

    Attributes
    ----------
    first : dict
        The settings at the beginning, as a part of the page's view state.
    """

    def __init__(self, annotator: str) -> None:
        self._annotator = annotator
        self.first = read(annotator)
        self._last = dict(self.first)

    def take(self, view_state: Mapping[str, Any]) -> None:
        """Store those settings that differ from the former call; one that is given for the first time is not stored.

        So a page that has been open for long does not overwrite what another page has changed since.
        """
        try:
            now = msgspec.to_builtins(msgspec.convert(dict(view_state), _Settings))
        except msgspec.ValidationError as error:
            _log.info("The settings of %r are not kept: %s", self._annotator, error)
            return
        changed = {name: value for name, value in now.items() if self._last.get(name, value) != value}
        self._last = now
        if changed:
            _write(self._annotator, read(self._annotator) | changed)


def _write(annotator: str, settings: dict[str, Any]) -> None:
    file = _file(annotator)
    try:
        write_state(file, msgspec.json.encode(settings))
        _of_this_process.pop(annotator, None)
    except OSError as error:
        _log.info("The settings of %r hold for this process only: %s", annotator, reason_of(error))
        _of_this_process[annotator] = settings


def _file(annotator: str) -> Path | None:
    folder = state_folder()
    return None if folder is None else folder / _FOLDER / f"{folder_name(annotator, 'annotator')}.json"
