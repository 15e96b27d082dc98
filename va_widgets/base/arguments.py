"""Checks of the values that callers pass to public functions. Each returns the value, or raises one sentence of ours.

`name` is how the error message calls the argument, `error` the class that is raised. pandas, which takes a second to
load and which decoder processes do without, is not imported: where it is not loaded no value can be of its types.
"""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from numbers import Real
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, TypeVar

import numpy as np

from va_widgets.base.errors import ArgumentError, VaError

if TYPE_CHECKING:
    import pandas as pd

ClipIds: TypeAlias = "str | Iterable[str] | pd.DataFrame"
"""One clip id, several in any container, or a table with a column or an index called clip_id."""

LARGEST_SEED = 2**32 - 1  # what numpy and scikit-learn both take
_LONGEST = 60  # characters of a value in a message
_LISTED = 3
_LARGEST = sys.float_info.max

_T = TypeVar("_T")


def described(value: object) -> str:
    """Return a value as a few words for an error message: simple ones as they are, others by their type."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**20:
        return "so large a number"
    if isinstance(value, (str, bytes, bool, int, float, complex, np.generic, PurePath)):
        shown = repr(value)
        return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def listed(names: Sequence[str], most: int = _LISTED) -> str:
    """Return the first few names, quoted."""
    return ", ".join(map(described, names[:most])) + (" …" if len(names) > most else "")


def is_one_of(value: object, options: Collection[str]) -> bool:
    """Whether a value is one of some texts; False for values of any other type, arrays and tables included."""
    return isinstance(value, str) and value in options


def is_within(value: object, least: float, most: float, *, above: bool = False) -> TypeGuard[float]:
    """Whether a value is a real number from `least`, or only above it, to `most`; False for any other type and NaN."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        real = float(value)
    except (OverflowError, ValueError, TypeError):
        return False
    return (least < real if above else least <= real) and real <= most


def count(
    value: object, name: str, *, least: int = 0, most: int | None = None, error: type[VaError] = ArgumentError
) -> int:
    """Return a whole number from `least` to `most`, of one of Python's or NumPy's types, as an int."""
    try:
        whole = None if isinstance(value, (bool, np.bool_)) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        whole = None
    if whole is None or whole < least or (most is not None and whole > most):
        limits = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise error(f"{name} must be a whole number {limits}, not {described(value)}.")
    return whole


def seed(value: object, name: str = "seed", *, error: type[VaError] = ArgumentError) -> int:
    """Return a seed of random numbers, 0 to 2^32 - 1."""
    return count(value, name, most=LARGEST_SEED, error=error)


def number(
    value: object,
    name: str,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
    error: type[VaError] = ArgumentError,
) -> float:
    """Return a finite real number above `above`, not below `least` and not above `most`."""
    low = above if above is not None else least
    if not is_within(
        value, -_LARGEST if low is None else low, _LARGEST if most is None else most, above=above is not None
    ):
        limits = "" if low is None else f" above {low:g}" if above is not None else f" of at least {low:g}"
        limits += "" if most is None else f" {'and ' if limits else ''}up to {most:g}"
        raise error(f"{name} must be a finite number{limits}, not {described(value)}.")
    return float(value)


def text(value: object, name: str, *, error: type[VaError] = ArgumentError) -> str:
    """Return a text, which may be empty but can be written as UTF-8."""
    if not isinstance(value, str):
        raise error(f"{name} must be a text, not {described(value)}.")
    try:
        value.encode()
    except UnicodeEncodeError as cause:
        raise error(f"{name} {described(value)} holds half a character (a lone surrogate): leave it out.") from cause
    return value


def flag(value: object, name: str, *, error: type[VaError] = ArgumentError) -> bool:
    """Return True or False, of Python's or NumPy's type, as a bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise error(f"{name} must be True or False, not {described(value)}.")
    return bool(value)


def path(
    value: object,
    name: str,
    *,
    expected: str = "a path, a text or a pathlib.Path",
    error: type[VaError] = ArgumentError,
) -> str | os.PathLike[str]:
    """Return a path as a text or a path object; `paths.absolute_path` makes it absolute."""
    given = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(given, str):
        raise error(f"{name} must be {expected}, not {described(value)}.")
    return value  # type: ignore[return-value]


def instance(
    value: object,
    kinds: type[_T] | tuple[type[_T], ...],
    name: str,
    expected: str,
    *,
    error: type[VaError] = ArgumentError,
) -> _T:
    """Return an object of one of some types; `expected` says what it must be and how to get one."""
    if not isinstance(value, kinds):
        raise error(f"{name} must be {expected}, not {described(value)}.")
    return value


def function(value: object, name: str, *, error: type[VaError] = ArgumentError) -> Callable[..., Any]:
    """Return a function or another object that can be called."""
    if not callable(value):
        raise error(f"{name} must be a function, not {described(value)}.")
    return value


def items(value: object, name: str, expected: str, *, error: type[VaError] = ArgumentError) -> list[Any]:
    """Return the items of a list, tuple, set, array, Series, Index or generator; `expected` says what must be given.

    Texts, mappings and tables are refused: their items are not what is meant.
    """
    refused = isinstance(value, (str, bytes, Mapping)) or _is_table(value)
    try:
        values: list[Any] | None = None if refused else list(value)  # type: ignore[call-overload]
    except TypeError:
        values = None
    if values is None:
        raise error(f"{name} must be {expected}, not {described(value)}.")
    return values


def clip_ids(value: object, name: str, *, error: type[VaError] = ArgumentError) -> list[str]:
    """Return clip ids as a list: one id, several in any container, or those of a table's column or index `clip_id`.

    It is not checked whether the corpus holds them.
    """
    if isinstance(value, str):
        return [value]
    given: object = value
    if _is_table(value):
        given = table_clips(value)
        if given is None:
            raise error(f"{name} must be clip ids, but this table has neither a column nor an index called clip_id.")
    elif isinstance(value, Mapping):
        given = list(value)
    ids = items(given, name, "a clip id or a list of them", error=error)
    for clip in ids:
        if not isinstance(clip, str):
            raise error(f"{name} must be clip ids, which are texts, but one of them is {described(clip)}.")
    return [str(clip) for clip in ids]


def _is_table(value: object) -> TypeGuard[pd.DataFrame]:
    """Return whether a value is a DataFrame."""
    frame = getattr(sys.modules.get("pandas"), "DataFrame", None)
    return frame is not None and isinstance(value, frame)


def table_clips(table: pd.DataFrame) -> pd.Series[Any] | pd.Index[Any] | None:
    """Return the clip ids of a table: its column `clip_id`, or its index of that name; None if it has neither."""
    if list(table.columns).count("clip_id") == 1:
        return table["clip_id"]
    return table.index if table.index.name == "clip_id" else None
