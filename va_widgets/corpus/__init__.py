"""The corpus: the shots of many videos, their embeddings and filmstrips, in one folder that can be searched.

Its names are imported at their first use: the processes that decode videos need only a few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from va_widgets.corpus.corpus import Corpus
    from va_widgets.corpus.search.text_model import TextSearch
    from va_widgets.encoders import Encoder, OpenClipEncoder
    from va_widgets.video.filmstrip import Filmstrip

__all__ = ["Corpus", "Encoder", "Filmstrip", "OpenClipEncoder", "TextSearch"]

_LAZY = {
    "Corpus": "va_widgets.corpus.corpus",
    "Encoder": "va_widgets.encoders.protocol",
    "Filmstrip": "va_widgets.video.filmstrip",
    "OpenClipEncoder": "va_widgets.encoders.open_clip",
    "TextSearch": "va_widgets.corpus.search.text_model",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LAZY[name]), name)
    return value
