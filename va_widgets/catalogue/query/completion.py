"""What can be written at a place in a query."""

from __future__ import annotations

import re

from va_widgets.base import arguments
from va_widgets.catalogue.query.names import Name, Names, listed
from va_widgets.catalogue.scores import Models, read_models
from va_widgets.corpus import Corpus

_BARE = re.compile(r"[^\s!-\-/:-@\[-^`{-~“”]*\Z")


def complete(text: str, cursor: int, corpus: Corpus, models: Models | None = None) -> tuple[list[Name], int, int]:
    """Return the names that fit what is written before the cursor, and the part of the text that one of them replaces.

    Names that begin so come first, then those that hold it anywhere. Within an open quote names with blanks are found,
    too. `cursor` is from 0 to the length of the text.
    """
    text = arguments.text(text, "A query")
    cursor = arguments.count(cursor, "cursor", most=len(text))
    start, end, written = _word(text, cursor)
    known = listed(Names(corpus, read_models(models, corpus)))
    key = written.casefold()
    begin = [name for name in known if _keys(name)[0].startswith(key) or name.name.casefold().startswith(key)]
    inside = [name for name in known if name not in begin and any(key in other for other in _keys(name))]
    return begin + inside, start, end


def _keys(name: Name) -> list[str]:
    plain = name.name.casefold()
    return [plain.split(".", 1)[-1], plain.replace("_", " ")]


def _word(text: str, cursor: int) -> tuple[int, int, str]:
    """Return where the word at the cursor begins and ends, and what of it is before the cursor."""
    quote = _open_quote(text[:cursor])
    if quote is not None:
        mark = {"“": "”"}.get(text[quote], text[quote])
        close = text.find(mark, cursor)
        return quote, cursor if close < 0 else close + 1, text[quote + 1 : cursor]
    match = _BARE.search(text, 0, cursor)
    start = match.start() if match else cursor
    after = re.compile(r"[^\s!-\-/:-@\[-^`{-~“”]*").match(text, cursor)
    return start, after.end() if after else cursor, text[start:cursor]


def _open_quote(before: str) -> int | None:
    """Return where the quoted text begins that is still open at the end; None if none is."""
    opened: int | None = None
    for place, sign in enumerate(before):
        if opened is None:
            opened = place if sign in "\"'“" else None
        elif sign == {"“": "”"}.get(before[opened], before[opened]):
            opened = None
    return opened
