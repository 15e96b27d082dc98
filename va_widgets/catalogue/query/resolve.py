"""The nodes of a query become an expression over the arrays of a corpus: names are looked up, types are checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.errors import QueryError, VaError
from va_widgets.catalogue.query import syntax
from va_widgets.catalogue.query.columns import Column, period
from va_widgets.catalogue.query.expression import (
    Combination,
    Expression,
    NumberTest,
    Opposite,
    ScoreTest,
    Selection,
    Term,
)
from va_widgets.catalogue.query.names import Entry, Names, written
from va_widgets.catalogue.query.parse import place
from va_widgets.catalogue.query.syntax import Node

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_MOST_TEXTS = 20  # each takes a pass over the embeddings


@dataclass(frozen=True)
class Scores:
    """P(yes) of every clip, float32 (n,), and the threshold from which a clip is a yes."""

    values: NDArray[np.float32]
    threshold: float


@dataclass
class _Linear:
    """A sum of numbers times weights: `terms` by name, and a constant."""

    terms: dict[str, Term] = field(default_factory=dict)
    constant: float = 0

    def plus(self, other: _Linear, factor: float) -> _Linear:
        terms = dict(self.terms)
        for name, term in other.terms.items():
            weight = term.weight * factor + (terms[name].weight if name in terms else 0.0)
            terms[name] = Term(term.values, weight, term.threshold)
        return _Linear(terms, self.constant + other.constant * factor)


class Resolver:
    """Makes an expression of a query's nodes. `used` are the names it has, with their values, in their order.

    Parameters
    ----------
    text : str
        The query, for the places in messages.
    names : Names
    scores : {slug: Scores}
        Of all models that the query names.
    fit_of : callable
        Returns how well clips fit a text. Raises VaError if it cannot be told.
    """

    def __init__(self, text: str, names: Names, scores: Mapping[str, Scores], fit_of: Callable[[str], Scores]) -> None:
        self._text = text
        self._names = names
        self._scores = scores
        self._fit_of = fit_of
        self._texts: dict[str, Scores] = {}
        self.used: dict[str, Scores | Entry] = {}

    def expression(self, node: Node) -> Expression:
        """Return what a node means. Raises QueryError if it means nothing."""
        if isinstance(node, syntax.All | syntax.Any):
            return Combination([self.expression(part) for part in node.parts], isinstance(node, syntax.All))
        if isinstance(node, syntax.Not):
            return Opposite(self.expression(node.of))
        if isinstance(node, syntax.Comparison):
            return self._comparison(node)
        if isinstance(node, syntax.Membership):
            return self._membership(node)
        if isinstance(node, syntax.Missing):
            column = self._column(self._entry(node.value, "has a value or none"), node.value)
            missing = np.zeros(len(column.values), dtype=bool) if column.missing is None else column.missing
            return Selection(~missing if node.negated else missing, None)
        return self._alone(node)

    def _alone(self, node: Node) -> Expression:
        """Return what a value means that is compared with nothing."""
        if isinstance(node, syntax.Flag):
            raise self._error("“true” and “false” need a column before them, such as indoor == true", node)
        column = self._typed(node)
        if column is not None:
            if column.kind != "flag":
                raise self._error(f"A column of {column.kind}s is compared with a value, such as == '…'", node)
            return Selection(column.values, column.missing)
        linear = self._linear(node)
        for name, term in linear.terms.items():
            if term.threshold is None:
                raise self._error(f"{name} is a number: compare it, such as {name} > 1", node)
        thresholds = [term.weight * term.threshold for term in linear.terms.values() if term.threshold is not None]
        return self._test(_Linear(linear.terms, -sum(thresholds)), ">=", node)

    def _comparison(self, node: syntax.Comparison) -> Expression:
        left, right, name = node.left, node.right, node.operator
        column = None if _is_value_of(left, right) else self._typed(left)
        if column is None and not _is_value_of(right, left):
            column = self._typed(right)
            if column is not None:
                left, right, name = right, left, _MIRRORED[name]  # type: ignore[assignment]
        if column is not None:
            return self._selection(column, name, right, node)
        self._check_unquoted(left, right)
        return self._test(self._linear(left).plus(self._linear(right), -1), name, node)

    def _check_unquoted(self, *values: Node) -> None:
        """Raise QueryError for a quoted value that is no name, beside numbers."""
        for value in values:
            if isinstance(value, syntax.Named) and value.quoted and not self._names.is_like_one(value.text):
                raise self._error("A number is compared with a number, without quotes, or with a name", value)

    def _test(self, difference: _Linear, name: str, node: Node) -> Expression:
        """Return where a sum compares with 0."""
        terms = [term for term in difference.terms.values() if term.weight]
        if not terms:
            raise self._error("No name decides this: compare a name with a number", node)
        bound: float = -difference.constant
        scores = name not in ("==", "!=") and all(term.threshold is not None for term in terms)
        shares = sum(abs(term.weight) for term in terms)
        if len(terms) == 1 and terms[0].weight < 0:
            name, bound = _MIRRORED[name], -bound
            terms = [Term(terms[0].values, -terms[0].weight, terms[0].threshold)]
        if shares != 1 and (scores or len(terms) == 1):
            terms = [Term(term.values, term.weight / shares, term.threshold) for term in terms]
            bound /= shares
        if not all(math.isfinite(number) for number in (shares, bound, *(term.weight for term in terms))):
            raise self._error("These numbers are too large", node)
        return ScoreTest(terms, name, bound) if scores else NumberTest(terms, name, bound)

    def _selection(self, column: Column, name: str, value: Node, node: Node) -> Expression:
        """Return where a column of flags, texts or dates compares with a value as it should."""
        if column.kind == "flag":
            if not isinstance(value, syntax.Flag) or name not in ("==", "!="):
                raise self._error("A column of true and false is compared by == or != with true or false", node)
            wanted = value.value == (name == "==")
            return Selection(column.values if wanted else ~column.values, column.missing)
        if not (isinstance(value, syntax.Named) and value.quoted):
            raise self._error(f"A column of {column.kind}s is compared with a quoted value, such as '…'", value)
        if column.kind == "text":
            if name not in ("==", "!="):
                raise self._error("Texts are compared by == and != alone", node)
            found = column.is_in([value.text])
            return Selection(found if name == "==" else ~found, column.missing)
        begin, end = self._period(value)
        if name in ("==", "!="):
            found = column.within(begin, end)
            return Selection(found if name == "==" else ~found, column.missing)
        # The day that is compared with belongs to <= and >= as a whole.
        compared = {"<": column.values < begin, "<=": column.values < end}
        compared |= {">": column.values >= end, ">=": column.values >= begin}
        return Selection(compared[name], column.missing)

    def _membership(self, node: syntax.Membership) -> Expression:
        entry = self._entry(node.value, "is one of some values")
        column = self._column(entry, node.value)
        if column.kind == "text":
            texts = [option.text for option in node.options if isinstance(option, syntax.Named)]
            if len(texts) < len(node.options):
                raise self._error(f"{entry.shown} holds texts: quote all values after “in”", node)
            found = column.is_in(texts)
        else:
            equal = [
                self.expression(syntax.Comparison(node.column, node.value, "==", option)) for option in node.options
            ]
            result: Expression = Combination(equal, False)
            return Opposite(result) if node.negated else result
        return Selection(~found if node.negated else found, column.missing)

    # --- values ----------------------------------------------------------------------------------

    def _linear(self, node: Node) -> _Linear:
        """Return a node as a sum of numbers. Raises QueryError if it is none."""
        if isinstance(node, syntax.Number):
            return _Linear(constant=node.value)
        if isinstance(node, syntax.Sum):
            total = _Linear()
            for sign, part in zip(node.signs, node.terms, strict=True):
                total = total.plus(self._linear(part), sign)
            return total
        if isinstance(node, syntax.Scaled):
            return self._scaled(node)
        if isinstance(node, syntax.TextSearch):
            return _score_term(*self._text_scores(node))
        if not isinstance(node, syntax.Named):
            raise self._error("Only names and numbers can be compared, added and multiplied", node)
        entry = self._names.find(node, self._text)
        if entry.kind == "model":
            self.used[entry.shown] = self._scores[entry.key]
            return _score_term(entry.shown, self._scores[entry.key])
        column = self._column(entry, node)
        if column.kind != "number":
            raise self._error(f"{entry.shown} holds {column.kind}s, which are no numbers", node)
        return _Linear({entry.shown: Term(column.values, 1.0, None)})

    def _scaled(self, node: syntax.Scaled) -> _Linear:
        left, right = self._linear(node.left), self._linear(node.right)
        if node.operator == "/":
            if right.terms or not right.constant:
                raise self._error("Only a number other than 0 can divide", node)
            return _Linear().plus(left, 1 / right.constant)
        if left.terms and right.terms:
            raise self._error("A name is multiplied by a number, not by another name", node)
        factor, of = (left, right) if right.terms else (right, left)
        return _Linear().plus(of, float(factor.constant))  # whole numbers would grow without end

    def _text_scores(self, node: syntax.TextSearch) -> tuple[str, Scores]:
        shown = node.shown
        if shown not in self._texts:
            if len(self._texts) == _MOST_TEXTS:
                raise self._error(f"A query has at most {_MOST_TEXTS} texts", node)
            try:
                self.used[shown] = self._texts[shown] = self._fit_of(node.text)
            except VaError as error:
                raise QueryError(str(error), node.column) from error
        return shown, self._texts[shown]

    def _typed(self, node: Node) -> Column | None:
        """Return the column that a name means, if it holds flags, texts or dates."""
        if not isinstance(node, syntax.Named):
            return None
        entry = self._names.find(node, self._text)
        if entry.kind == "model":
            return None
        column = self._column(entry, node)
        return None if column.kind == "number" else column

    def _entry(self, node: Node, what: str) -> Entry:
        if isinstance(node, syntax.Named):
            entry = self._names.find(node, self._text)
            if entry.kind != "model":
                return entry
        raise self._error(f"Only a column of the clips {what}", node)

    def _column(self, entry: Entry, node: Node) -> Column:
        try:
            column = self._names.column(entry)
        except ValueError as error:
            message = f"The column {written(entry.shown)} holds {error}, which queries cannot compare"
            raise self._error(message, node) from error
        self.used[entry.shown] = entry
        return column

    def _period(self, value: syntax.Named) -> tuple[np.datetime64, np.datetime64]:
        try:
            return period(value.text)
        except ValueError as error:
            raise self._error(f"“{value.text[:30]}” is no date such as 1999-12-31", value) from error

    def _error(self, message: str, node: Node) -> QueryError:
        return QueryError(f"{message} ({place(self._text, node.column)}).", node.column)


def _score_term(name: str, scores: Scores) -> _Linear:
    return _Linear({name: Term(scores.values, 1.0, scores.threshold)})


def _is_value_of(node: Node, other: Node) -> bool:
    """Return whether a node is a value of a column that the other node names, rather than a name itself."""
    if not isinstance(node, syntax.Named) or not isinstance(other, syntax.Named):
        return False
    return node.quoted and not other.quoted
