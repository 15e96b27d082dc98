"""Queries that are kept under names, beside the corpus: one small JSON file each, so that two can be saved at once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from va_widgets.base.arguments import described
from va_widgets.base.errors import QueryError, reason_of
from va_widgets.base.names import folder_name
from va_widgets.base.paths import inside, is_folder, open_regular, replacing
from va_widgets.base.texts import has_lone_surrogate

FOLDER = "queries"
MOST = 200
_LARGEST = 1 << 18  # bytes of a file
_SUFFIX = ".json"
_log = logging.getLogger(__name__)
_Text = Annotated[str, Meta(max_length=500)]


class SavedQuery(msgspec.Struct, frozen=True):
    """A query under a name. If there are `values`, it means the clips with one of them in a `column` alone."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    text: Annotated[str, Meta(max_length=10_000)]
    column: _Text = ""
    values: Annotated[list[_Text], Meta(max_length=100)] = []


class SavedQueries:
    """The saved queries of a corpus.

    Parameters
    ----------
    corpus : Path
        Its folder, in which they have a folder of their own.

    Raises QueryError, in all methods, if they cannot be read or written.
    """

    def __init__(self, corpus: Path) -> None:
        self._corpus = corpus

    def all(self) -> list[SavedQuery]:
        """Return all saved queries by name, at most 200; files that hold none are left out."""
        return sorted(self._read(), key=lambda query: query.name.casefold())[:MOST]

    def save(self, query: SavedQuery, *, replace: bool = False) -> None:
        """Keep a query under its name, which must be new unless `replace`."""
        if has_lone_surrogate(msgspec.to_builtins(query)):
            raise QueryError("A name of a query cannot hold half a character (a lone surrogate): leave it out.")
        if not query.name.strip():
            raise QueryError("A query needs a name to be saved under.")
        file = self._file(query.name)
        names = [known.name for known in self._read()]
        if query.name in names and not replace:
            raise QueryError(f"There is a query called {described(query.name)} already: choose another name.")
        if query.name not in names and len(names) >= MOST:
            raise QueryError(f"There are {MOST} saved queries already: remove one first.")
        try:
            file.parent.mkdir(exist_ok=True)
            with replacing(file) as unfinished:
                unfinished.write_bytes(msgspec.json.encode(query))
        except OSError as error:
            raise QueryError(f"The query cannot be saved in {file.parent} ({reason_of(error)}).") from error

    def rename(self, name: str, to: str) -> None:
        """Give a query another name, which must be new."""
        query = self._known(name)
        self.save(msgspec.structs.replace(query, name=to))
        self._remove(name)

    def remove(self, name: str) -> None:
        """Keep a query no longer."""
        self._known(name)
        self._remove(name)

    def _known(self, name: str) -> SavedQuery:
        for query in self._read():
            if query.name == name:
                return query
        raise QueryError(f"There is no saved query called {described(name)} any more.")

    def _remove(self, name: str) -> None:
        file = self._file(name)
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise QueryError(f"The query cannot be removed from {file.parent} ({reason_of(error)}).") from error

    def _file(self, name: str) -> Path:
        return inside(self._corpus, FOLDER, _file_name(name), error=QueryError)

    def _read(self) -> Iterator[SavedQuery]:
        home = inside(self._corpus, FOLDER, error=QueryError)
        if not is_folder(home):
            return
        try:
            files = sorted(file.name for file in home.iterdir() if file.suffix == _SUFFIX)[: 2 * MOST]
        except OSError as error:
            raise QueryError(f"The saved queries in {home} cannot be read ({reason_of(error)}).") from error
        for name in files:
            try:
                with open_regular(inside(home, name, error=QueryError)) as file:
                    query = msgspec.json.decode(file.read(_LARGEST), type=SavedQuery)
            except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError, QueryError) as error:
                _log.info("%s holds no saved query: %s", home / name, error)
                continue
            if _file_name(query.name) == name:  # otherwise it could be neither renamed nor removed
                yield query


def _file_name(name: str) -> str:
    return f"{folder_name(name, 'query')}{_SUFFIX}"
