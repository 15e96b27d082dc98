"""Remarks on clips: an annotator's quick note, and tags that say why a clip is a no or is dubious."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.arguments import described
from va_widgets.base.errors import LabelError
from va_widgets.labels.concept_labels import ConceptLabels
from va_widgets.labels.records import Remark

LONGEST_NOTE = 1_000
LONGEST_TAG = 40
MOST_TAGS = 10


class ClipRemarks:
    """The remarks of a concept, kept up to date with the label file that other processes write to, too.

    All methods may be called from several threads.
    """

    def __init__(self, labels: ConceptLabels) -> None:
        self._labels = labels
        self._content: object = None  # what was read, see `ConceptLabels.content`
        self._newest: dict[tuple[str, str], Remark] = {}  # by clip and annotator, in the order in which they came
        self._read = 0
        self._tags: list[str] = []

    def add(self, clip_id: str, note: str, tags: Iterable[str]) -> Remark | None:
        """Store this annotator's note and tags on a clip in the place of the former ones; both may be empty.

        Returns what holds now. Nothing is stored if it is what holds already, so that a message may come twice. Raises
        LabelError for what cannot be stored, and of that NotSavedError where the file cannot be written now.
        """
        note, tags = checked_remark(note, tags)
        labels = self._labels
        key = (clip_id, labels.annotator)
        former = self._all().get(key)
        if (former.note, former.tags) != (note, tags) if former else note or tags:
            labels.change(lambda store: store.add_remark(labels.annotator, labels.concept, clip_id, note, tags))
        return self._all().get(key)

    def by_clip(self) -> dict[str, list[Remark]]:
        """Return the remarks that are not empty, by clip."""
        found: dict[str, list[Remark]] = {}
        for (clip, _), remark in self._all().items():
            if remark.note or remark.tags:
                found.setdefault(clip, []).append(remark)
        return found

    def table(self) -> pd.DataFrame:
        """Return the remarks that are not empty: DataFrame(clip_id, annotator, note, tags, time), oldest first."""
        columns = ["clip_id", "annotator", "note", "tags", "time"]
        kept = sorted((remark for some in self.by_clip().values() for remark in some), key=lambda one: one.remark_id)
        return pd.DataFrame([[getattr(remark, name) for name in columns] for remark in kept], columns=columns)

    def tags(self) -> list[str]:
        """Return this annotator's tags, on clips of any concept, the most used first."""
        self._tags = self._labels.read(lambda store: store.tags(self._labels.annotator), self._tags)
        return self._tags

    def _all(self) -> dict[tuple[str, str], Remark]:
        labels = self._labels
        with labels.lock:
            if self._content is not (content := labels.content):  # a copy was put in the place of the labels
                self._content, self._newest, self._read = content, {}, 0
            none: list[Remark] = []
            for remark in labels.read(lambda store: store.remarks(labels.concept, after=self._read), none):
                self._newest[remark.clip_id, remark.annotator] = remark
                self._read = remark.remark_id
            return dict(self._newest)


def checked_remark(note: object, tags: object) -> tuple[str, tuple[str, ...]]:
    """Return a note and tags, one of each, without spaces around them. Raises LabelError for what cannot be stored."""
    note = arguments.text(note, "A note", error=LabelError).strip()
    if len(note) > LONGEST_NOTE:
        raise LabelError(f"A note may have {LONGEST_NOTE:,} characters, not {len(note):,}: shorten it.")
    given = [tags] if isinstance(tags, str) else arguments.items(tags, "The tags", "a list of texts", error=LabelError)
    kept = dict.fromkeys(arguments.text(tag, "A tag", error=LabelError).strip() for tag in given)
    for tag in kept:
        if not tag or len(tag) > LONGEST_TAG or not tag.isprintable():
            raise LabelError(f"A tag is a word or a few, 1 to {LONGEST_TAG} characters on one line: {described(tag)}.")
    if len(kept) > MOST_TAGS:
        raise LabelError(f"A clip may have {MOST_TAGS} tags, not {len(kept)}: put the rest into its note.")
    return note, tuple(kept)
