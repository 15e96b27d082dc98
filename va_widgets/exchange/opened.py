"""The corpus whose labels are exchanged."""

from __future__ import annotations

import os

from va_widgets.base.arguments import described
from va_widgets.base.errors import ExchangeError
from va_widgets.base.paths import GivenPath
from va_widgets.corpus.open_corpus import OpenCorpus


def opened(corpus: OpenCorpus | GivenPath) -> OpenCorpus:
    """Return a corpus, which may be given by its path. Raises ExchangeError for anything else."""
    if isinstance(corpus, OpenCorpus):
        return corpus
    if isinstance(corpus, (str, os.PathLike)):
        return OpenCorpus(corpus)
    raise ExchangeError(f"The corpus must be a va.Corpus or the path of one, not {described(corpus)}.")
