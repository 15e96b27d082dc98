"""Checks of what is to be stored in a label file: names, sources, values, and texts that UTF-8 can hold."""

from __future__ import annotations

from collections.abc import Iterable

from va_widgets.base.arguments import described
from va_widgets.base.errors import LabelError
from va_widgets.labels.records import NewConceptEvent, NewRemark
from va_widgets.labels.rows import NewAction
from va_widgets.labels.schema import VALUES

_LONGEST_CONCEPT, _LONGEST_ANNOTATOR = 500, 200
LONGEST_SOURCE = 64


def check_names(annotator: str, concept: str) -> None:
    """Raise LabelError unless both can be stored: texts without control characters, the annotator's of 1 to 200
    characters and the concept's of 1 to 500.
    """
    _check_name("annotator's name", annotator, _LONGEST_ANNOTATOR)
    _check_name("concept", concept, _LONGEST_CONCEPT)


def check_entry(action: NewAction | NewRemark | NewConceptEvent) -> None:
    """Raise LabelError for what cannot be stored."""
    check_names(action.annotator, action.concept)
    if isinstance(action, NewRemark):
        check_unicode([action.clip_id, action.note, *action.tags])
    if not isinstance(action, NewAction):
        return
    for clip, value in action.labels.items():
        if value not in VALUES:
            raise LabelError(f"The label {value!r} of clip {clip!r} cannot be stored: use {', '.join(VALUES)}.")
    sources = {action.source, *action.sources.values()}
    longest = max(map(len, sources))
    if longest > LONGEST_SOURCE:
        raise LabelError(f"The source of a label may have {LONGEST_SOURCE} characters, not {longest}.")
    check_unicode([*sources, action.message_id or "", *action.labels, *action.times.values()])


def check_unicode(texts: Iterable[str]) -> None:
    """Raise LabelError for a text that holds half of a character."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise LabelError(f"The text {described(text)} holds half of a character and cannot be stored.") from error


def _check_name(what: str, name: str, longest: int) -> None:
    if not isinstance(name, str) or not name.strip():
        raise LabelError(f"The {what} must be a text with at least one character, not {described(name)}.")
    if len(name) > longest:
        raise LabelError(f"The {what} may have {longest} characters, not {len(name)}: {name[:40]!r}… is too long.")
    if not all(char.isprintable() or char in "\u200d\ufe0f" for char in name):
        raise LabelError(f"The {what} {described(name)} holds a line break or another control character: leave it out.")
