"""Names of columns as people write them in the header of a table."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def plain_names(names: Sequence[str], own: Collection[str]) -> list[str]:
    """Return names without spaces around them, and the `own` ones as we write them: "Clip ID " becomes "clip_id".

    A name stays as it is if the same column is there in our spelling.
    """
    stripped = [name.strip() for name in names]
    spellings = {_folded(name): name for name in own if name not in stripped}
    return [spellings.get(_folded(name), name) for name in stripped]


def _folded(name: str) -> str:
    return _BETWEEN_WORDS.sub("", name).casefold()
