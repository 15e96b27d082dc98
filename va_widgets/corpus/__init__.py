"""The corpus: videos become shots, shots become embeddings, filmstrips and previews, in one folder.

Its names are imported when they are first used: the processes that decode videos need only a few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from va_widgets.corpus.corpus import Corpus
    from va_widgets.corpus.text_model import TextSearch
    from va_widgets.encoders.protocol import Encoder, OpenClipEncoder
    from va_widgets.video.filmstrip import Filmstrip

__all__ = ["Corpus", "Encoder", "Filmstrip", "OpenClipEncoder", "TextSearch"]

_LAZY = {
    "Corpus": "corpus",
    "Encoder": "encoders",
    "Filmstrip": "filmstrip",
    "OpenClipEncoder": "encoders",
    "TextSearch": "text_model",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    return value
