"""The names that a query over a corpus may use: models, columns of the clips, and the numbers of their motion."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias

import pandas as pd

from va_widgets.base.errors import QueryError
from va_widgets.catalogue.query.columns import Column, column_of, kind_of
from va_widgets.catalogue.query.kept import kept
from va_widgets.catalogue.query.parse import place
from va_widgets.catalogue.query.syntax import Named
from va_widgets.catalogue.scores import Models, read_models
from va_widgets.corpus import Corpus
from va_widgets.models.model import Model
from va_widgets.models.published import why_not_served

NameKind: TypeAlias = Literal["model", "column", "motion"]
_PREFIXES: dict[NameKind, str] = {"model": "models.", "column": "clips.", "motion": "motion."}
_BARE = re.compile(r"[^\W\d]\w*")
_WORDS = frozenset(("and", "or", "not", "in", "is", "true", "false", "text"))
_TAKEN = "score"  # the ranking's column in tables of hits
_LONGEST_COMPARED = 60  # characters of a wrong name that are compared with others
_LISTED = 5
_MOTION = {
    "pan": "positive where the camera moves right",
    "tilt": "positive where the camera moves up",
    "zoom": "positive where the camera moves in",
    "roll": "positive where the camera turns clockwise",
    "shake": "the usual speed at which the camera moves to and fro",
    "subject_motion": "the mean speed of what moves by itself",
    "brightness_change": "the change of light",
}


@dataclass(frozen=True)
class Name:
    """A name that a query may use: `detail` says what it is, `insert` is how it is written in a query."""

    name: str
    kind: NameKind
    detail: str
    insert: str


@dataclass(frozen=True)
class Entry:
    """What a name means: a `kind`, and the `key` by which the kind knows it; `shown` is its name in tables."""

    kind: NameKind
    key: str
    shown: str


class Names:
    """All names of a corpus and some models, by slug; a name of several kinds means a model, then a column."""

    def __init__(self, corpus: Corpus, models: Mapping[str, Model]) -> None:
        self._corpus = corpus
        self.models = models
        keys: list[tuple[NameKind, str]] = [("model", slug) for slug in models]
        keys += [("column", str(name)) for name in [corpus.clips.index.name, *corpus.clips.columns]]
        keys += [("motion", name) for name in (_MOTION if corpus.has_motion else ())]
        self._exact: dict[str, Entry] = {}
        self._loose: dict[str, dict[Entry, None]] = {}
        self.entries: list[Entry] = []
        for kind, key in keys:
            full = _PREFIXES[kind] + key
            entry = Entry(kind, key, full if key in self._exact or key == _TAKEN else key)
            self.entries.append(entry)
            self._exact.setdefault(key, entry)
            self._exact.setdefault(full, entry)
            self._add_loose(key, entry)
        for entry in self.entries:
            if entry.kind == "model":
                self._add_loose(models[entry.key].name, entry)
        named = frozenset(self._loose)  # a concept's name means its models where nothing is called so itself
        for entry in self.entries:
            if entry.kind == "model" and models[entry.key].concept.casefold() not in named:
                self._add_loose(models[entry.key].concept, entry)

    def _add_loose(self, name: str, entry: Entry) -> None:
        self._loose.setdefault(name.casefold(), {})[entry] = None

    def meant(self, name: str) -> list[Entry]:
        """Return what a name may mean, which is one thing if it is clear, and nothing if there is no such name."""
        if name in self._exact:
            return [self._exact[name]]
        matches = list(self._loose.get(name.strip().casefold(), ()))
        return [entry for entry in matches if entry.kind == matches[0].kind]

    def find(self, node: Named, text: str) -> Entry:
        """Return what a name in the query `text` means. Raises QueryError, with the nearest name, if there is none."""
        matches, where = self.meant(node.text), place(text, node.column)
        if len(matches) > 1:
            known = [written(entry.shown) for entry in matches]
            shown = " or ".join(known[:_LISTED]) + (" …" if len(known) > _LISTED else "")
            raise QueryError(f"“{node.text[:60]}” at {where} may be {shown}: write one of them.", node.column)
        if matches:
            return matches[0]
        problem = why_not_served(self._corpus, node.text)
        if problem is not None:
            raise QueryError(problem, node.column)
        near = self._nearest(node.text)
        if near:
            hint = f"did you mean {near}?"
        else:
            known = [written(entry.shown) for entry in self.entries[:_LISTED]]
            hint = f"known are {', '.join(known)}{' …' if len(self.entries) > _LISTED else ''}"
        message = f"There is no model and no column “{node.text[:_LONGEST_COMPARED]}” ({where}): {hint}"
        raise QueryError(message if near else f"{message}.", node.column, near)

    def is_like_one(self, text: str) -> bool:
        """Return whether a text is a name, or so like one that it may be meant."""
        return bool(self.meant(text) or self._nearest(text))

    def _nearest(self, text: str) -> str:
        """Return the name most like a wrong one, as it is written in a query; "" if none is like it."""
        known = {name: next(iter(entries)) for name, entries in self._loose.items()}
        known |= {name.casefold(): entry for name, entry in self._exact.items()}
        close = get_close_matches(text[:_LONGEST_COMPARED].casefold(), list(known), n=1)
        return written(known[close[0]].shown) if close else ""

    def column(self, entry: Entry) -> Column:
        """Return the values of a column or of a number of motion. Raises ValueError if queries cannot compare them."""
        return kept(self._corpus, (entry.kind, entry.key), lambda: self._read(entry))

    def _read(self, entry: Entry) -> Column:
        if entry.kind == "motion":
            return column_of(self._corpus.motion[entry.key].copy())
        return column_of(self._series(entry))

    def _series(self, entry: Entry) -> pd.Series[Any]:
        clips = self._corpus.clips
        return clips.index.to_series() if entry.key == clips.index.name else clips[entry.key]

    def detail(self, entry: Entry) -> str:
        """Return in a few words what a name is."""
        if entry.kind == "model":
            model = self.models[entry.key]
            return f"model, version {model.version}, yes from {model.threshold:.2f} on"
        if entry.kind == "motion":
            return f"motion, {_MOTION[entry.key]}"
        try:
            return f"column of {kind_of(self._series(entry))}s"  # a column itself takes 0.1 s of a million texts
        except ValueError as error:
            return f"column of {error}, which queries cannot compare"


def names(corpus: Corpus, models: Models | None = None) -> list[Name]:
    """Return the names that a query over a corpus may use: of models, by default those that are served, then of others.

    Raises ModelError if a model cannot be read.
    """
    return listed(Names(corpus, read_models(models, corpus)))


def listed(known: Names) -> list[Name]:
    """Return all names, with what each is."""
    return [Name(entry.shown, entry.kind, known.detail(entry), written(entry.shown)) for entry in known.entries]


def written(name: str) -> str:
    """Return a name as a query writes it: in quotes if it has other signs than letters, digits and "_"."""
    bare = all(_BARE.fullmatch(part) for part in name.split(".", 1)) and name.casefold() not in _WORDS
    return name if bare else '"' + name.replace('"', '""') + '"'
