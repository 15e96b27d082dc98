"""The thresholds in a query's text: which number each name is compared with, and the text with another one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from va_widgets.base.errors import QueryError
from va_widgets.catalogue.query import syntax
from va_widgets.catalogue.query.names import Names, written
from va_widgets.catalogue.query.parse import parse
from va_widgets.catalogue.query.syntax import Node
from va_widgets.corpus import Corpus
from va_widgets.models.bundle import Model

_ABOVE = (">", ">=")
_BELOW = ("<", "<=")
_QUOTED = r"\"([^\"]|\"\")*\"|'([^']|'')*'|“[^“”]*”"
_NUMBER = re.compile(r"[+-]?\s*(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_NAMED = re.compile(rf"{_QUOTED}|[^\W\d][^\s!-\-\/:-@\[-^`{{-~“”≤≥≠]*")
_SEARCH = re.compile(rf"text\s*\(\s*({_QUOTED})\s*\)", re.IGNORECASE)


@dataclass(frozen=True)
class Threshold:
    """The number that a query compares a name with.

    `above` says whether values above it are asked for. `start` and `end` are where the number is written in the query;
    where the name stands alone, so that its model's own threshold counts, both are where one can be inserted.
    """

    value: float
    above: bool
    start: int
    end: int


def thresholds(text: str, corpus: Corpus, models: Mapping[str, Model]) -> dict[str, Threshold]:
    """Return the threshold of each name of a query that has one, by the name as `Query.names` has it.

    Of a name that is compared several times it is the first one. Raises QueryError for a text that is no query.
    """
    known = Names(corpus, models)
    found: dict[str, Threshold] = {}
    for node, is_negated in _conditions(parse(text)):
        name, threshold = _threshold(node, is_negated, text, known)
        if threshold is not None:
            found.setdefault(name, threshold)
    return found


def with_threshold(text: str, name: str, value: float, corpus: Corpus, models: Mapping[str, Model]) -> str:
    """Return a query that compares one of its names with another number, or compares it at all.

    Raises QueryError for a text that is no query.
    """
    number = np.format_float_positional(value, precision=4, unique=True, trim="-")
    threshold = thresholds(text, corpus, models).get(name)
    if threshold is None:
        root = parse(text)
        first = f"({text})" if isinstance(root, syntax.Any) else text
        insert = name if _SEARCH.fullmatch(name) else written(name)
        return f"{first} and {insert} >= {number}"
    if threshold.start == threshold.end:
        number = f" >= {number}"
    return text[: threshold.start] + number + text[threshold.end :]


def _conditions(node: Node, is_negated: bool = False) -> Iterator[tuple[Node, bool]]:
    """Yield what `and`, `or` and `not` join, from left to right, and whether it is negated."""
    if isinstance(node, syntax.All | syntax.Any):
        for part in node.parts:
            yield from _conditions(part, is_negated)
    elif isinstance(node, syntax.Not):
        yield from _conditions(node.of, not is_negated)
    else:
        yield node, is_negated


def _threshold(node: Node, is_negated: bool, text: str, known: Names) -> tuple[str, Threshold | None]:
    if isinstance(node, syntax.Comparison):
        above = (node.operator in _ABOVE) != is_negated
        name, number = node.left, node.right
        if _is_number(name):
            name, number, above = number, name, not above
        shown = _name(name, text, known)
        if not shown or not _is_number(number) or node.operator not in (*_ABOVE, *_BELOW):
            return "", None
        match = _NUMBER.match(text, number.column)
        if match is None:
            return "", None
        return shown, Threshold(float(match[0].replace(" ", "")), above, match.start(), match.end())
    shown = _name(node, text, known)
    own = known.models[shown].threshold if shown in known.models else 0.5
    match = (_SEARCH if isinstance(node, syntax.TextSearch) else _NAMED).match(text, node.column)
    if not shown or match is None or not (shown in known.models or isinstance(node, syntax.TextSearch)):
        return "", None
    return shown, Threshold(float(own), not is_negated, match.end(), match.end())


def _name(node: Node, text: str, known: Names) -> str:
    """Return the name that a node is, as `Query.names` has it; "" if it is none."""
    if isinstance(node, syntax.TextSearch):
        return node.shown
    if not isinstance(node, syntax.Named):
        return ""
    try:
        return known.find(node, text).shown
    except QueryError:  # a quoted value
        return ""


def _is_number(node: Node) -> bool:
    is_signed = isinstance(node, syntax.Sum) and len(node.terms) == 1 and isinstance(node.terms[0], syntax.Number)
    return is_signed or isinstance(node, syntax.Number)
