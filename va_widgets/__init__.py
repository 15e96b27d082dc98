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
    ExchangeError,
    LabelError,
    MissingPackageError,
    ModelError,
    NotEnoughLabelsError,
    NotSavedError,
    NoVideosError,
    PreviewUnavailableError,
    ProtocolError,
    QueryError,
    ReelError,
    ReportError,
    ScoresError,
    SearchUnavailableError,
    UnknownClipError,
    VaError,
    VaWarning,
)

if TYPE_CHECKING:
    from va_widgets import demo, experiments, labels, learning
    from va_widgets.base.ray_engine import RayEngine
    from va_widgets.catalogue.monitor import monitor
    from va_widgets.catalogue.reel import export_hits
    from va_widgets.catalogue.score import score
    from va_widgets.corpus import Corpus
    from va_widgets.models.bundle import load_model
    from va_widgets.models.model import Model
    from va_widgets.session import Session
    from va_widgets.widget.annotator import Annotator
    from va_widgets.widget.explorer import Explorer
    from va_widgets.widget.map import Map
    from va_widgets.widget.timeline import Timeline

# name -> (module, attribute in it or None for the module itself)
_LAZY: dict[str, tuple[str, str | None]] = {
    "Annotator": ("va_widgets.widget.annotator", "Annotator"),
    "Corpus": ("va_widgets.corpus", "Corpus"),
    "Explorer": ("va_widgets.widget.explorer", "Explorer"),
    "Map": ("va_widgets.widget.map", "Map"),
    "Model": ("va_widgets.models.model", "Model"),
    "RayEngine": ("va_widgets.base.ray_engine", "RayEngine"),
    "Session": ("va_widgets.session", "Session"),
    "Timeline": ("va_widgets.widget.timeline", "Timeline"),
    "demo": ("va_widgets.demo", None),
    "export_hits": ("va_widgets.catalogue.reel", "export_hits"),
    "experiments": ("va_widgets.experiments", None),
    "labels": ("va_widgets.labels", None),
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
    "ExchangeError",
    "Explorer",
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
    "QueryError",
    "RayEngine",
    "ReelError",
    "ReportError",
    "ScoresError",
    "SearchUnavailableError",
    "Session",
    "Timeline",
    "UnknownClipError",
    "VaError",
    "VaWarning",
    "__version__",
    "demo",
    "experiments",
    "export_hits",
    "labels",
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
