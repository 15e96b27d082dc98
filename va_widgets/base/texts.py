"""Texts without lone surrogates (half a character), which Python and JavaScript allow and UTF-8 does not."""

from __future__ import annotations

import re
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")


def has_lone_surrogate(value: Any) -> bool:
    """Return whether a text, or any text of a JSON document, holds a surrogate, which UTF-8 cannot encode."""
    if isinstance(value, str):
        return _SURROGATE.search(value) is not None
    if isinstance(value, dict):
        return any(has_lone_surrogate(key) or has_lone_surrogate(part) for key, part in value.items())
    return isinstance(value, (list, tuple)) and any(map(has_lone_surrogate, value))


def without_lone_surrogates(value: Any) -> Any:
    """Return a JSON document whose lone surrogates are replaced by U+FFFD, the replacement character.

    Two surrogates that make up a character become that character. A document without surrogates is returned as it is.
    """
    if not has_lone_surrogate(value):
        return value
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {without_lone_surrogates(key): without_lone_surrogates(part) for key, part in value.items()}
    return [without_lone_surrogates(part) for part in value]


def counted(number: int, noun: str) -> str:
    """Return a number of things in words, such as "1 clip" or "2,000 clips"; `noun` is what one of them is called."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
