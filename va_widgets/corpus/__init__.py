"""The corpus: videos become shots, shots become embeddings, filmstrips and previews, in one folder."""

from va_widgets.corpus.corpus import Corpus
from va_widgets.corpus.encoders import Encoder, OpenClipEncoder
from va_widgets.corpus.frames import Filmstrip

__all__ = ["Corpus", "Encoder", "Filmstrip", "OpenClipEncoder"]
