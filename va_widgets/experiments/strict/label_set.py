"""Labels as the release's code holds them: two sets of clips, whose order is that of their keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class RefusedError(Exception):
    """The release's code raises an error here, so that it has no result."""


@dataclass(frozen=True)
class LabelSet:
    """The clips labelled yes and the clips labelled no. Raises RefusedError if a clip is in both."""

    yes: frozenset[str] = frozenset()
    no: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if both := self.yes & self.no:
            raise RefusedError(f"{min(both)!r} is labelled yes and no")

    @classmethod
    def of(cls, labels: Iterable[tuple[str, bool]]) -> LabelSet:
        """Return the set of some (key, label), among which a key may come several times."""
        pairs = set(labels)
        return cls(frozenset(key for key, yes in pairs if yes), frozenset(key for key, yes in pairs if not yes))

    def __len__(self) -> int:
        return len(self.yes) + len(self.no)

    @property
    def keys(self) -> list[str]:
        """The keys in the order of rows: those labelled yes, then those labelled no, each sorted."""
        return [*sorted(self.yes), *sorted(self.no)]

    @property
    def y(self) -> NDArray[np.bool_]:
        """The labels of `keys`, bool (n,)."""
        return np.arange(len(self)) < len(self.yes)

    def among(self, keys: Iterable[str]) -> LabelSet:
        """Return the labels of these clips."""
        chosen = frozenset(keys)
        return LabelSet(self.yes & chosen, self.no & chosen)

    def without(self, keys: Iterable[str]) -> LabelSet:
        """Return the labels of all other clips."""
        left_out = frozenset(keys)
        return LabelSet(self.yes - left_out, self.no - left_out)

    def __or__(self, other: LabelSet) -> LabelSet:
        return LabelSet(self.yes | other.yes, self.no | other.no)
