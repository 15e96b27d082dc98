"""The built front end: one module and one style sheet for all widgets."""

from __future__ import annotations

from pathlib import Path

from va_widgets.base.errors import VaError

_STATIC = Path(__file__).parent / "static"


def bundle(name: str) -> str:
    """Return the text of a file of the built front end. Raises VaError if it is missing."""
    path = _STATIC / name
    if not path.is_file():
        raise VaError(
            f"The front end's bundle ({name}) is missing from this installation: install va-widgets again,"
            " or run `npm ci && npm run build` in js/ of a source checkout."
        )
    return path.read_text(encoding="utf-8")
