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
class Test:
    """Whether a weighted sum is on one side of a `bound`."""

    terms: Sequence[Term]
    operator: str
    bound: float

    def evaluate(self, rows: slice, negated: bool, rule: Rule) -> Block:  # noqa: ARG002
        """Return which rows are on that side; the degree is the mean of P(yes), or of P(no) where it counts against.

        Sums with other numbers than scores, and equality, only select: the degree is 1 for rows that match.
        """
        name = _OPPOSITE[self.operator] if negated else self.operator
        total = self._total(rows)
        matches = _HOLDS[name](total, self.bound)
        if name == "!=":
            matches &= total == total  # NaN: a value is missing
        if name in ("==", "!=") or any(term.threshold is None for term in self.terms):
            return matches, matches.astype(np.float32)
        shares = sum(abs(term.weight) for term in self.terms)
        lowest = sum(min(0.0, term.weight) for term in self.terms)
        degrees = total if (shares, lowest) == (1.0, 0.0) else (total - np.float32(lowest)) / np.float32(shares)
        return matches, degrees if name in (">", ">=") else 1 - degrees

    def _total(self, rows: slice) -> NDArray[Any]:
        first, *others = self.terms
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
    for start in range(0, clips, _BLOCK):
        rows = slice(start, start + _BLOCK)
        matches[rows], degrees[rows] = root.evaluate(rows, False, rule)
    return matches, degrees
