"""What decoding raises."""

from __future__ import annotations

from va_widgets.base.errors import CorpusError


class UndecodableError(CorpusError):
    """A file holds no video or image that can be decoded; the text says why, as the end of a sentence."""
