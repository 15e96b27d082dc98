"""What an export and an import say that they did."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from va_widgets.base.texts import counted

_HOW = {"id": "by id", "time": "by video and time", "frame": "by video and frame", "video": "by video", "kept": "kept"}


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Parameters
    ----------
    path : Path
        The file or folder.
    files : list of Path
        All files that were written.
    format : str
    rows : int
        How many labels, or events of the log, there were to write.
    concepts, annotators : lists of str
        Annotators have pseudonyms where their names were left out; there are none where labels are what they agreed on.
    notes : list of str
        What the format could not hold, a sentence each.
    """

    path: Path
    files: list[Path]
    format: str
    rows: int
    concepts: list[str]
    annotators: list[str]
    notes: list[str]

    def __str__(self) -> str:
        by = f" by {len(self.annotators):,} annotators" if len(self.annotators) > 1 else ""
        rows, concepts = counted(self.rows, "row"), counted(len(self.concepts), "concept")
        return "\n".join([f"{rows} of {concepts}{by} in {self.path} ({self.format}).", *self.notes])


@dataclass(frozen=True)
class Imported:
    """What an import took and what it left.

    Parameters
    ----------
    name, format : str
        The file, and how it was read.
    rows : int
        How many rows the file has.
    labels, remarks, events : int
        How many labels, notes with tags, and events of concepts were stored.
    same, older, duplicates : int
        Labels that were not: because they are the annotator's present ones, because the annotator has a newer one
        (or, of a log, because it is known), and because the file says it twice.
    matched : {"id" | "time" | "frame" | "video" | "kept": int}
        How many rows were matched to clips how.
    several : int
        How many rows are of several clips.
    left : DataFrame(where, reason)
        Rows that match no clip, at most a thousand; `left_count` is how many there are.
    concepts, annotators : lists of str
        Those of what was stored.
    notes : list of str
        What the file holds and labels cannot.
    dry_run : bool
        Whether nothing was stored, because only this was asked for.
    """

    name: str
    format: str
    rows: int
    labels: int
    remarks: int
    events: int
    same: int
    older: int
    duplicates: int
    matched: dict[str, int]
    several: int
    left: pd.DataFrame = field(repr=False)
    left_count: int
    concepts: list[str]
    annotators: list[str]
    notes: list[str]
    dry_run: bool

    def __str__(self) -> str:
        stored = [counted(self.labels, "label")]
        stored += [counted(self.remarks, "note")] if self.remarks else []
        stored += [counted(self.events, "event") + " of concepts"] if self.events else []
        would = "would be stored" if self.dry_run else "stored"
        lines = [f"{self.name} ({self.format}, {counted(self.rows, 'row')}): {', '.join(stored)} {would}."]
        if self.matched:
            ways = [f"{number:,} {_HOW[how]}" for how, number in self.matched.items()]
            several = f" {counted(self.several, 'row')} of several clips each." if self.several else ""
            lines.append(f"Rows were matched to clips: {', '.join(ways)}.{several}")
        for number, why in (
            (self.same, "that were there already"),
            (self.older, "that are known, or older than the annotator's present one"),
            (self.duplicates, "that the file has twice"),
        ):
            if number:
                lines.append(f"Labels {why}: {number:,} left out.")
        if self.left_count:
            where, reason = self.left.iloc[0]
            lines.append(f"{counted(self.left_count, 'row')} left out, such as {where}: {reason}.")
        return "\n".join([*lines, *self.notes])
