"""What annotator, explorer and timeline share: a still where no kernel runs, as in a saved notebook, and no copies."""

from __future__ import annotations

import logging
from typing import Any, NoReturn, SupportsIndex

import anywidget
from IPython.display import display

from va_widgets.base.errors import VaError
from va_widgets.base.texts import without_lone_surrogates
from va_widgets.display.still import AS_SECOND_OUTPUT

_NOTHING = "<!-- The widget, without its kernel: see the next output. -->"
_log = logging.getLogger(__name__)


class CellWidget(anywidget.AnyWidget):
    """A live view or, where that cannot be, the HTML that `_still` returns. It is neither copied nor pickled."""

    _another: str
    """How another one like this is made, for people who try to copy it."""

    def _still(self) -> str:
        """Return HTML that is readable without styles and scripts."""
        raise NotImplementedError

    def __copy__(self) -> NoReturn:
        name = type(self).__name__
        raise VaError(
            f"{'An' if name[0] in 'AE' else 'A'} {name} can be neither copied nor pickled, since it is a view in this"
            f" notebook: make another one {self._another}."
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
            return {**data, "text/html": without_lone_surrogates(self._still())}, metadata
        except Exception:  # whatever is wrong with a picture, the widget itself must appear
            _log.exception("The still of the %s could not be made", type(self).__name__)
            return bundle
