"""The grammar of queries, and the parser that makes nodes of a text. Nothing of a text is ever evaluated as Python."""

from __future__ import annotations

import math
from difflib import get_close_matches
from functools import cache
from typing import Any, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from va_widgets.base import arguments
from va_widgets.base.errors import QueryError
from va_widgets.catalogue.query import syntax
from va_widgets.catalogue.query.syntax import Node

LONGEST = 10_000  # characters of a query
DEEPEST = 50  # nodes inside each other

_GRAMMAR = r"""
?start: any
?any: all (_OR all)*
?all: negation (_AND negation)*
?negation: NOT negation | relation
?relation: sum
    | sum (COMPARE sum)+ -> comparison
    | sum IN "(" option ("," option)* ")" -> membership
    | sum MISSING -> missing
?option: STRING -> name
    | SIGN? NUMBER -> signed
    | FLAG -> flag
?sum: product (SIGN product)*
?product: factor (SCALE factor)*
?factor: SIGN factor -> signed | atom
?atom: (NAME | STRING) -> name
    | NUMBER -> number
    | FLAG -> flag
    | TEXT "(" STRING ")" -> text
    | "(" any ")"

_AND.2: /and(?![\w.])/i
_OR.2: /or(?![\w.])/i
IN.3: /(not\s+)?in(?![\w.])/i
NOT.2: /not(?![\w.])/i
MISSING.2: /is\s+(not\s+)?missing(?![\w.])/i
FLAG.2: /(true|false)(?![\w.])/i
TEXT.2: /text(?=\s*\()/i
COMPARE: /[<>=!]=|[<>]/
SIGN: /[+-]/
SCALE: /[*\/]/
NUMBER: /(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?/i
NAME: /(?!(?i:and|or|not|in|true|false)(?![\w.]))[^\W\d][^\s!-\-\/:-@\[-^`{-~“”≤≥≠]*/
STRING: /"([^"]|"")*"|'([^']|'')*'|“[^“”]*”/
%ignore /\s+/
"""
_INSTEAD = {
    "&": "and",
    "|": "or",
    "!": "not",
    "~": "not",
    "=": "==",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
}  # of other languages
_LARGEST_WHOLE = 2**64 - 1  # that a column holds, such as an id of 19 digits, which no float is equal to
_WORDS = ("and", "or", "not", "in")


def parse(text: str) -> Node:
    """Return the nodes of a query. Raises QueryError, with the column, for a text that is none."""
    text = arguments.text(text, "A query", error=QueryError)
    if len(text) > LONGEST:
        raise QueryError(f"A query has at most {LONGEST:,} characters, not {len(text):,}.", LONGEST)
    if not text.strip():
        raise QueryError('The query is empty: write the name of a model, such as night_city, or "night city".', 0)
    try:
        root = cast(Node, _parser().parse(text))
    except UnexpectedInput as error:
        raise _refused(error, text) from None
    _check_depth(root, text)
    return root


def place(text: str, column: int) -> str:
    """Return in words where a column of a text is, which people count from 1."""
    line = text.count("\n", 0, column)
    if not line:
        return f"column {column + 1}"
    return f"line {line + 1}, column {column - text.rfind(chr(10), 0, column)}"


def unquoted(text: str) -> str:
    """Return what a quoted text says: a quote that is written twice stands for one."""
    mark = text[-1]
    return text[1:-1].replace(mark * 2, mark)


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", transformer=_Nodes(), maybe_placeholders=False)


class _Nodes(Transformer[Token, Node]):
    """Makes a node of each rule, from the inside outwards and without recursion."""

    def any(self, parts: list[Node]) -> Node:
        return syntax.Any(parts[0].column, tuple(parts))

    def all(self, parts: list[Node]) -> Node:
        return syntax.All(parts[0].column, tuple(parts))

    def negation(self, parts: list[Any]) -> Node:
        return syntax.Not(_offset(parts[0]), parts[1])

    def comparison(self, parts: list[Any]) -> Node:
        pairs = [
            syntax.Comparison(_offset(operator), left, str(operator), right)  # type: ignore[arg-type]
            for left, operator, right in zip(parts[:-2:2], parts[1::2], parts[2::2], strict=True)
        ]
        return pairs[0] if len(pairs) == 1 else syntax.All(pairs[0].column, tuple(pairs))

    def membership(self, parts: list[Any]) -> Node:
        value, word, *options = parts
        return syntax.Membership(_offset(word), value, tuple(options), str(word).lower().startswith("not"))

    def missing(self, parts: list[Any]) -> Node:
        return syntax.Missing(_offset(parts[1]), parts[0], "not" in str(parts[1]).lower())

    def sum(self, parts: list[Any]) -> Node:
        signs = tuple(-1 if sign == "-" else 1 for sign in ["+", *parts[1::2]])
        return syntax.Sum(parts[0].column, signs, tuple(parts[::2]))

    def product(self, parts: list[Any]) -> Node:
        node: Node = parts[0]
        for operator, factor in zip(parts[1::2], parts[2::2], strict=True):
            node = syntax.Scaled(_offset(operator), node, str(operator), factor)
        return node

    def signed(self, parts: list[Any]) -> Node:
        *sign, value = parts
        node = self.number([value]) if isinstance(value, Token) else value
        if not sign:
            return node
        return syntax.Sum(_offset(sign[0]), (-1 if sign[0] == "-" else 1,), (node,))

    def name(self, parts: list[Token]) -> Node:
        quoted = parts[0].type == "STRING"
        return syntax.Named(_offset(parts[0]), unquoted(parts[0]) if quoted else str(parts[0]), quoted)

    def number(self, parts: list[Token]) -> Node:
        digits = str(parts[0])
        is_whole = digits.isdigit() and len(digits) <= len(str(_LARGEST_WHOLE)) and int(digits) <= _LARGEST_WHOLE
        value = int(digits) if is_whole else float(digits)
        if not math.isfinite(value):
            raise QueryError(f"The number {digits[:20]} is too large.", _offset(parts[0]))
        return syntax.Number(_offset(parts[0]), value)

    def flag(self, parts: list[Token]) -> Node:
        return syntax.Flag(_offset(parts[0]), parts[0].lower() == "true")

    def text(self, parts: list[Token]) -> Node:
        return syntax.TextSearch(_offset(parts[0]), unquoted(parts[1]))


def _offset(token: Token) -> int:
    return int(token.start_pos or 0)


def _check_depth(root: Node, text: str) -> None:
    """Raise QueryError if more nodes are inside each other than the functions that go through them can take."""
    level: list[Node] = [root]
    for _ in range(DEEPEST):
        level = [part for node in level for part in node.parts]
        if not level:
            return
    column = level[0].column
    raise QueryError(
        f"More than {DEEPEST} parts are inside each other at {place(text, column)}: make it flatter.", column
    )


def _refused(error: UnexpectedInput, text: str) -> QueryError:
    """Return the error about a text that does not follow the grammar."""
    if isinstance(error, UnexpectedCharacters):
        return _refused_sign(text, int(error.pos_in_stream or 0))
    token, expected = cast(UnexpectedToken, error).token, cast(UnexpectedToken, error).expected
    wants_value = "NAME" in expected
    if token.type == "$END":
        column = len(text.rstrip())
        missing = "a name or a value is missing" if wants_value else "a “)” is missing"
        return QueryError(f"The query ends too early, at {place(text, column)}: {missing}.", column)
    column, sign = _offset(token), str(token)
    where = place(text, column)
    if wants_value:
        return QueryError(f"A name or a value is missing before {_shown(sign)} at {where}.", column)
    if token.type in ("NAME", "STRING"):
        alike = [word for word in _WORDS if abs(len(word) - len(sign)) <= 1]
        close = ["is missing"] if sign.lower() == "is" else get_close_matches(sign.lower(), alike, n=1)
        hint = f"did you mean “{close[0]}”?" if close else 'join names by "and" or "or", or quote one with blanks.'
        return QueryError(f"{_shown(sign)} cannot follow at {where}: {hint}", column, close[0] if close else "")
    return QueryError(f"{_shown(sign)} cannot follow at {where}.", column)


def _refused_sign(text: str, column: int) -> QueryError:
    sign, where = text[column], place(text, column)
    if sign in "\"'“":
        return QueryError(f"The text that begins at {where} has no closing quote.", column)
    if sign in _INSTEAD:
        word = _INSTEAD[sign]
        return QueryError(f"{_shown(sign)} at {where} is no sign of a query: write “{word}”.", column, word)
    return QueryError(f"{_shown(sign)} at {where} is no sign of a query.", column)


def _shown(sign: str) -> str:
    return f"“{sign if len(sign) <= 30 else sign[:30] + '…'}”"
