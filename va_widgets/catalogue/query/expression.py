"""A query as something that can be computed for a block of clips: which clips match, and how well.

A value that is missing makes a part of a query unknown (Kleene's three-valued logic): neither it nor its opposite
matches. Negations are therefore taken to the tests inside, by De Morgan's laws: `negated` asks a part for its opposite.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
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
    parts = [term.values[rows] if term.weight == 1 else term.values[rows] * term.weight for term in terms]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
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
        blocks = [part.evaluate(rows, negated, rule) for part in self.parts]
        degrees = [block[1] for block in blocks]
        if self.all != negated:
            return np.logical_and.reduce([block[0] for block in blocks]), rule.conjunction(degrees)
        return np.logical_or.reduce([block[0] for block in blocks]), rule.disjunction(degrees)


@dataclass(frozen=True)
class Opposite:
    """What does not match."""

    of: Expression

    def evaluate(self, rows: slice, negated: bool, rule: Rule) -> Block:
        """Return which rows do not match, and their degrees."""
        return self.of.evaluate(rows, not negated, rule)


_BLOCK = 1 << 15  # clips at a time, so that what is computed of them stays in the processor's cache


def evaluated(root: Expression, clips: int, rule: Rule) -> Block:
    """Return of all clips which match, bool (n,), and their degrees, float32 (n,)."""
    matches, degrees = np.empty(clips, dtype=bool), np.empty(clips, dtype=np.float32)
    with np.errstate(all="ignore"):  # of numbers so large that their sum has no value: they match nothing
        for start in range(0, clips, _BLOCK):
            rows = slice(start, start + _BLOCK)
            matches[rows], degrees[rows] = root.evaluate(rows, False, rule)
    return matches, degrees
