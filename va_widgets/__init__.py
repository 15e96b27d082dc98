"""Video Annotator in a notebook cell: build a binary video classifier by search and active learning.

See Ziai and Vartakavi, "Video Annotator", arXiv 2402.06560. Heavy imports wait until they are needed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from va_widgets._version import __version__
from va_widgets.base.errors import (
    ArgumentError,
    CorpusError,
    EncoderError,
    EncoderMismatchError,
    EngineError,
    LabelError,
    MissingPackageError,
    ModelError,
    NotEnoughLabelsError,
    NotSavedError,
    NoVideosError,
    PreviewUnavailableError,
    ProtocolError,
    ReportError,
    ScoresError,
    SearchUnavailableError,
    UnknownClipError,
    VaError,
)

if TYPE_CHECKING:
    from va_widgets import demo, experiments, learning
    from va_widgets.base.ray_engine import RayEngine
    from va_widgets.catalogue.monitor import monitor
    from va_widgets.catalogue.score import score
    from va_widgets.corpus import Corpus
    from va_widgets.models.bundle import load_model
    from va_widgets.models.model import Model
    from va_widgets.session import Session
    from va_widgets.widget.annotator import Annotator
    from va_widgets.widget.map import Map

# name -> (module, attribute in it or None for the module itself)
_LAZY: dict[str, tuple[str, str | None]] = {
    "Annotator": ("va_widgets.widget.annotator", "Annotator"),
    "Corpus": ("va_widgets.corpus", "Corpus"),
    "Map": ("va_widgets.widget.map", "Map"),
    "Model": ("va_widgets.models.model", "Model"),
    "RayEngine": ("va_widgets.base.ray_engine", "RayEngine"),
    "Session": ("va_widgets.session", "Session"),
    "demo": ("va_widgets.demo", None),
    "experiments": ("va_widgets.experiments", None),
    "learning": ("va_widgets.learning", None),
    "monitor": ("va_widgets.catalogue.monitor", "monitor"),
    "load_model": ("va_widgets.models.bundle", "load_model"),
    "score": ("va_widgets.catalogue.score", "score"),
}

__all__ = [
    "Annotator",
    "ArgumentError",
    "Corpus",
    "CorpusError",
    "EncoderError",
    "EncoderMismatchError",
    "EngineError",
    "LabelError",
    "Map",
    "MissingPackageError",
    "Model",
    "ModelError",
    "NoVideosError",
    "NotEnoughLabelsError",
    "NotSavedError",
    "PreviewUnavailableError",
    "ProtocolError",
    "RayEngine",
    "ReportError",
    "ScoresError",
    "SearchUnavailableError",
    "Session",
    "UnknownClipError",
    "VaError",
    "__version__",
    "demo",
    "experiments",
    "learning",
    "load_model",
    "monitor",
    "score",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _LAZY[name]
    value: Any = import_module(module)
    if attribute is not None:
        value = getattr(value, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
