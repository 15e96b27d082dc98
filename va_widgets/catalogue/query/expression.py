"""A query as something that can be computed for a block of clips: which clips match, and how well.

A value that is missing makes a part of a query unknown (Kleene's three-valued logic): neither it nor its opposite
matches. Negations are therefore taken to the tests inside, by De Morgan's laws: `negated` asks a part for its opposite.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from va_widgets.catalogue.query.ranking import Degrees, Rule

Block: TypeAlias = tuple[NDArray[np.bool_], Degrees]
"""Of a block of clips: which match, and each one's degree from 0 to 1."""

_HOLDS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


class Expression(Protocol):
    """A part of a query that a clip may match."""

    def evaluate(self, rows: slice, negated: bool, rule: Rule) -> Block:
        """Return which of some rows match, or match its opposite, and their degrees."""


@dataclass(frozen=True)
class Term:
    """A number a clip in a sum: `values` (n,) times `weight`; `threshold` is that of scores, None for other numbers."""

    values: NDArray[Any]
    weight: float
    threshold: float | None


@dataclass(frozen=True)
class NumberTest:
    """Whether a weighted sum of numbers is on one side of a `bound`; the clips for which it is are all alike."""

    terms: Sequence[Term]
    operator: str
    bound: float

    def evaluate(self, rows: slice, negated: bool, rule: Rule) -> Block:  # noqa: ARG002
        """Return which rows are on that side; their degree is 1."""
        name = _OPPOSITE[self.operator] if negated else self.operator
        total = _total(self.terms, rows)
        matches = _HOLDS[name](total, self.bound)
        if name == "!=" and total.dtype.kind == "f":
            matches &= ~np.isnan(total)  # a value is missing
        return matches, matches.astype(np.float32)


@dataclass(frozen=True)
class ScoreTest:
    """Whether a weighted sum of scores, whose weights add up to 1 without their signs, is above or below a `bound`."""

    terms: Sequence[Term]
    operator: str
    bound: float

    def evaluate(self, rows: slice, negated: bool, rule: Rule) -> Block:  # noqa: ARG002
        """Return which rows are on that side. The degree is the mean of P(yes), and of P(no) of scores that subtract;
        where low sums are asked for, or high ones are negated, it is what this lacks of 1.
        """
        name = _OPPOSITE[self.operator] if negated else self.operator
        total = _total(self.terms, rows)
        lowest = sum(term.weight for term in self.terms if term.weight < 0)
        degrees = total - np.float32(lowest) if lowest else total
        return _HOLDS[name](total, self.bound), degrees if name in (">", ">=") else 1 - degrees


def _total(terms: Sequence[Term], rows: slice) -> NDArray[Any]:
    """Return the weighted sum of some rows; a single value as it is."""
    first, *others = terms
    total = first.values[rows] if first.weight == 1 else first.values[rows] * first.weight
    for term in others:
        total = total + term.values[rows] * term.weight
    return total


@dataclass(frozen=True)
class Selection:
    """Clips that a column selects: bool (n,) each, which match and of which it is unknown."""

    matches: NDArray[np.bool_]
    unknown: NDArray[np.bool_] | None

    def evaluate(self, rows: slice, negated: bool, rule: Rule) -> Block:  # noqa: ARG002
        """Return which rows are selected; their degree is 1."""
        matches = ~self.matches[rows] if negated else self.matches[rows]
        if self.unknown is not None:
            matches = matches & ~self.unknown[rows]
        return matches, matches.astype(np.float32)


@dataclass(frozen=True)
class Combination:
    """Parts that must `all` match, or of which one is enough."""

    parts: Sequence[Expression]
    all: bool

    def evaluate(self, rows: slice, negated: bool, rule: Rule) -> Block:
        """Return which rows match, and their degrees by the rule."""
        conjunction = self.all != negated
        matches, degrees = self.parts[0].evaluate(rows, negated, rule)
        parts = [degrees]
        for part in self.parts[1:]:
            others, degrees = part.evaluate(rows, negated, rule)
            matches = matches & others if conjunction else matches | others
            parts.append(degrees)
        return matches, rule.conjunction(parts) if conjunction else rule.disjunction(parts)


@dataclass(frozen=True)
class Opposite:
    """What does not match."""

    of: Expression

    def evaluate(self, rows: slice, negated: bool, rule: Rule) -> Block:
        """Return which rows do not match, and their degrees."""
        return self.of.evaluate(rows, not negated, rule)


_BLOCK = 1 << 16  # clips at a time, so that what is computed of them stays in the processor's cache


def evaluated(root: Expression, clips: int, rule: Rule) -> Block:
    """Return of all clips which match, bool (n,), and their degrees, float32 (n,)."""
    matches, degrees = np.empty(clips, dtype=bool), np.empty(clips, dtype=np.float32)

    def evaluate(start: int) -> None:
        rows = slice(start, start + _BLOCK)
        with np.errstate(all="ignore"):  # of numbers so large that their sum has no value: they match nothing
            matches[rows], degrees[rows] = root.evaluate(rows, False, rule)

    starts = range(0, clips, _BLOCK)
    if len(starts) == 1:
        evaluate(0)
    else:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(evaluate, starts))
    return matches, degrees
