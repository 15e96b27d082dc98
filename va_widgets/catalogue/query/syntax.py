"""What a query consists of: the nodes that `parse` makes of its text. `column` is the offset of a node in that text."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

Operator: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True)
class Node:
    """A part of a query; `parts` are the nodes that it is made of."""

    column: int

    @property
    def parts(self) -> tuple[Node, ...]:
        """The nodes inside, from left to right."""
        values = [getattr(self, one.name) for one in fields(self)]
        inside = [part for value in values for part in (value if isinstance(value, tuple) else (value,))]
        return tuple(part for part in inside if isinstance(part, Node))


@dataclass(frozen=True)
class Named(Node):
    """A name, or a quoted text, which is a value where it is compared with a column of texts or dates."""

    text: str
    quoted: bool


@dataclass(frozen=True)
class Number(Node):
    """A number, whole or not, without a sign."""

    value: int | float


@dataclass(frozen=True)
class Flag(Node):
    """True or false."""

    value: bool


@dataclass(frozen=True)
class TextSearch(Node):
    """`text("…")`: how well clips fit a text."""

    text: str

    @property
    def shown(self) -> str:
        """How a query writes it, and tables of hits call it."""
        doubled = self.text.replace('"', '""')
        return f'text("{doubled}")'


@dataclass(frozen=True)
class Sum(Node):
    """Terms that are added, or subtracted where their sign is -1."""

    signs: tuple[int, ...]
    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Scaled(Node):
    """Two factors that are multiplied ("*"), or the first divided by the second ("/")."""

    left: Node
    operator: str
    right: Node


@dataclass(frozen=True)
class Comparison(Node):
    """Two values that are compared; `column` is that of the operator."""

    left: Node
    operator: Operator
    right: Node


@dataclass(frozen=True)
class Membership(Node):
    """Whether a column has one of some values, or none of them where it is `negated`."""

    value: Node
    options: tuple[Node, ...]
    negated: bool


@dataclass(frozen=True)
class Missing(Node):
    """Whether a column has no value for a clip, or has one where it is `negated`."""

    value: Node
    negated: bool


@dataclass(frozen=True)
class Not(Node):
    """What does not hold."""

    of: Node


@dataclass(frozen=True)
class All(Node):
    """All parts hold: `and`."""

    all_of: tuple[Node, ...]


@dataclass(frozen=True)
class Any(Node):
    """At least one part holds: `or`."""

    any_of: tuple[Node, ...]


def all_names(root: Node) -> list[str]:
    """Return the names in a query, and the quoted values, which may be names."""
    found, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        found += [node.text] if isinstance(node, Named) else []
        waiting += node.parts
    return found
