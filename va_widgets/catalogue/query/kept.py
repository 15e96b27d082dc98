"""What was made of a corpus for queries, kept for the next ones."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, TypeVar, cast

from va_widgets.corpus import Corpus

_T = TypeVar("_T")
_TEXTS = 8  # that are kept


class _Kept:
    """What was made of a corpus's columns."""

    def __init__(self) -> None:
        self.made: dict[tuple[str, str], Any] = {}
        self.texts: dict[str, Any] = {}


_kept: dict[int, _Kept] = {}  # by the id of the table of clips, which copies of a corpus share, as long as it is in use


def kept(corpus: Corpus, key: tuple[str, str], make: Callable[[], _T]) -> _T:
    """Return what `make` returns, which is called once for a key and a corpus, until the corpus grows."""
    made = _kept_of(corpus).made
    if key not in made:
        made[key] = make()
    return cast(_T, made[key])


def kept_text(corpus: Corpus, text: str, make: Callable[[], _T]) -> _T:
    """Return what `make` returns for a text; the last few texts are kept while somebody refines a query."""
    texts = _kept_of(corpus).texts
    value = texts.pop(text, None)
    texts[text] = value = make() if value is None else value  # the last one
    for oldest in list(texts)[:-_TEXTS]:
        texts.pop(oldest, None)  # another thread may have dropped it
    return cast(_T, value)


def _kept_of(corpus: Corpus) -> _Kept:
    clips = corpus.clips
    known = _kept.get(id(clips))
    if known is None:
        known = _kept[id(clips)] = _Kept()
        weakref.finalize(clips, _kept.pop, id(clips), None)
    return known
