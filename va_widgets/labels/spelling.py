"""Names that look the same: in either form of Unicode, with or without spaces around them, or in another case."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


class Spellings:
    """Names as they are known already; others become known as they are written first."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = dict.fromkeys(known)
        self._by_looks: dict[str, str] = {}
        for name in self._known:
            self._by_looks.setdefault(_looks(name), name)

    def of(self, name: str) -> str:
        """Return a name as it is known, where one is known that looks exactly the same; otherwise the name."""
        return name if name in self._known else self._by_looks.setdefault(_looks(name), name)


def look_alike(name: str, known: Iterable[str]) -> str | None:
    """Return a known name that differs from a name by no more than its case; None if there is none."""
    folded = _folded(name)
    return next((other for other in known if _folded(other) == folded), None)


def _looks(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", _looks(name).casefold())
