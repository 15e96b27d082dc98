"""Former names of attributes, which still work and warn."""

from __future__ import annotations

import warnings
from typing import Any


class FormerName:
    """Reads the attribute `name` under the name that it had before, with a DeprecationWarning.

    >>> class Session:
    ...     standing = FormerName("status")
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.__doc__ = f"The former name of `{name}`."

    def __set_name__(self, owner: type, former: str) -> None:
        self._former = former

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if instance is None:
            return self
        kind = type(instance).__name__  # the class that a caller knows, which may extend the one that has the name
        warnings.warn(f"{kind}.{self._former} is called {kind}.{self._name} now.", DeprecationWarning, stacklevel=2)
        return getattr(instance, self._name)
