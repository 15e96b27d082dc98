"""How the scores of a query's parts become one, by which its clips are ranked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Degrees: TypeAlias = NDArray[np.float32]
"""How well each clip fits a part of a query, float32 (n,) from 0 to 1."""


@dataclass(frozen=True)
class Rule:
    """How degrees are combined: those of parts that must all hold, and those of which one is enough."""

    name: str
    conjunction: Callable[[Sequence[Degrees]], Degrees]
    disjunction: Callable[[Sequence[Degrees]], Degrees]


def _product(parts: Sequence[Degrees]) -> Degrees:
    result = parts[0].copy()
    for part in parts[1:]:
        result *= part
    return result


def _probabilistic_sum(parts: Sequence[Degrees]) -> Degrees:
    result = 1 - parts[0]
    others = np.empty_like(result)
    for part in parts[1:]:
        result *= np.subtract(1, part, out=others)
    return np.subtract(1, result, out=result)


PRODUCT = Rule("product", _product, _probabilistic_sum)
"""P(a and b) and P(a or b) of independent events: benchmarks/query.py compares it with other rules."""
