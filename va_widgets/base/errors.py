"""Every error that va_widgets raises on purpose; each says in one sentence what was wrong and what to do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from va_widgets.base.names import printable_text

if TYPE_CHECKING:
    import pandas as pd


class VaError(Exception):
    """Base of all va_widgets errors. A cell of a notebook shows its sentence alone; `%tb` shows where it was raised."""

    def __init__(self, message: str = "") -> None:
        # A sentence may name a file whose name is not valid Unicode; a notebook could not send it to the page.
        super().__init__(printable_text(str(message)))

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows of this error, instead of its own rendering."""
        if sys.exc_info()[1] is self:  # a cell has just failed; `%tb` calls this when nothing is handled any more
            return [f"{type(self).__name__}: {self}"]
        import traceback  # here, so that `import va_widgets` stays light

        return [printable_text(line.rstrip("\n")) for line in traceback.format_exception(self)]


class ArgumentError(VaError, ValueError):
    """An argument has a wrong type, or a value that it cannot have."""


class CorpusError(VaError):
    """A corpus cannot be built, opened or read."""


class NoVideosError(CorpusError):
    """There are no video files in the given folder or list."""


class EncoderError(VaError):
    """An encoder cannot be loaded or used."""


class EncoderMismatchError(CorpusError):
    """A corpus and an encoder do not belong together."""


class UnknownClipError(VaError):
    """A clip id is not in the corpus."""


class SearchUnavailableError(VaError):
    """A text cannot be searched for: the corpus has no text encoder, or it cannot be loaded."""


class PreviewUnavailableError(VaError):
    """The video behind a clip cannot be played."""


class LabelError(VaError):
    """A label, a concept or an annotator name that cannot be stored."""


class NotSavedError(LabelError):
    """Labels, or a guideline, could not be saved now: the same call may succeed once the label store is back."""


class ExchangeError(LabelError):
    """Labels that cannot be exported or imported; nothing was stored or written.

    `problems` is a table of what is wrong, DataFrame(where, reason), with at most a thousand rows; `count` is how many
    rows of the file are concerned.
    """

    def __init__(self, message: str = "", problems: pd.DataFrame | None = None, count: int = 0) -> None:
        super().__init__(message)
        self.problems = problems
        self.count = count


class NotEnoughLabelsError(VaError):
    """There are too few labels for what was called."""


class ModelError(VaError):
    """A published model cannot be written, read or applied."""


class QueryError(VaError):
    """A query that cannot be understood, or names what is not there.

    `column` is the offset in its text of what is wrong, None where it is about the whole; `suggestion` is what may have
    been meant there, "" if nothing is near.
    """

    def __init__(self, message: str, column: int | None = None, suggestion: str = "") -> None:
        super().__init__(message)
        self.column = column
        self.suggestion = suggestion


class ReelError(VaError):
    """Clips cannot be written as a list for an editing program."""


class ScoresError(VaError):
    """Scores of a corpus cannot be written to a folder, or read from it."""


class MissingPackageError(VaError):
    """A package that only some features need is not installed."""


class EngineError(VaError):
    """Ray, which spreads work over processes and machines, cannot be started or used."""


class ReportError(VaError):
    """A report cannot be written."""


class ProtocolError(VaError):
    """A message from the front end that does not follow the protocol."""

    def __init__(self, message: str, code: str = "malformed") -> None:
        super().__init__(message)
        self.code = code


def reason_of(error: Exception) -> str:
    """Return the message of an error of the system, without the name of the file that it is about."""
    return getattr(error, "strerror", None) or str(error)


class VaWarning(UserWarning):
    """Something that is done as asked, and is probably not what was meant; a sentence says what to do."""
