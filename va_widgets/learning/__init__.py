"""Learning: the classifier, the feeds and the measures of both, as estimators and functions on arrays."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from va_widgets.learning.classifier import Classifier

__all__ = ["Classifier"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = import_module(f"{__name__}.classifier").Classifier  # it imports scikit-learn
    return value
