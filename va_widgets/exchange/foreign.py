"""Rows as a file has them, under the names of our columns, and what is wrong with some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.errors import ExchangeError
from va_widgets.base.texts import counted

MOST_PROBLEMS = 1000
"""How many bad rows a report holds; the others are counted."""
_SHOWN = 8

RECORDS = ("label", "remark", "concept")
"""The kinds of rows of a log."""
COLUMNS = (
    "concept", "annotator", "clip_id", "value", "video", "start", "end", "frame_in", "frame_out", "fps", "time",
    "source", "note", "tags", "record", "kind", "details", "action_id", "model_version", "message_id",
)  # fmt: skip


@dataclass
class Foreign:
    """The rows of a file, or of a table in memory.

    Parameters
    ----------
    rows : DataFrame
        With some of `COLUMNS`, as the file has them. A row without a value is a yes: it names what its segment shows.
    name : str
        The file's name, for messages and for the source of labels.
    unit : str
        What `numbers` count, such as "line".
    numbers : int64 (n,)
        Where each row is, as the user sees it.
    parts : n names, or None
        The file within a folder that each row is in.
    cut : bool (n,), or None
        Which rows have fewer fields than they must have.
    log : bool
        Whether the rows are a log, whose order is kept.
    bad : list of (number, part, reason)
        Rows that could not even be read, of which `bad_count` there are.
    notes : list of str
        What the file holds and labels cannot, a sentence each.
    """

    rows: pd.DataFrame
    name: str
    unit: str
    numbers: NDArray[np.int64]
    parts: Sequence[str] | None = None
    cut: NDArray[np.bool_] | None = None
    log: bool = False
    bad: list[tuple[int, str, str]] = field(default_factory=list)
    bad_count: int = 0
    notes: list[str] = field(default_factory=list)

    def without(self, rows: NDArray[np.bool_]) -> None:
        """Leave rows out, bool (n,)."""
        kept = ~rows
        self.rows = self.rows[kept].reset_index(drop=True)
        self.numbers = self.numbers[kept]
        self.cut = None if self.cut is None else self.cut[kept]
        self.parts = None if self.parts is None else [part for part, keep in zip(self.parts, kept, strict=True) if keep]

    def where(self, row: int) -> str:
        """Return where a row is, in the user's words."""
        place = f"{self.unit} {self.numbers[row]:,}"
        return place if self.parts is None else f"{self.parts[row]}, {place}"


class Problems:
    """Which rows of a file are refused, and why: only the first reason of each row, and the first rows of each reason.

    A million bad rows take no more memory than a thousand.
    """

    def __init__(self, foreign: Foreign) -> None:
        self._foreign = foreign
        self.refused: NDArray[np.bool_] = np.zeros(len(foreign.rows), dtype=np.bool_)
        self._reasons: list[tuple[int, str, str]] = []  # row, where, why
        if foreign.cut is not None:
            self.add(foreign.cut, "it has fewer fields than the header: the file may be cut off")

    def add(self, bad: NDArray[np.bool_], reason: str | Callable[[int], str]) -> None:
        """Refuse rows, bool (n,); `reason` is a text, or a function of the row."""
        new = bad & ~self.refused
        self.refused |= new
        for row in np.flatnonzero(new)[:MOST_PROBLEMS].tolist():
            self._reasons.append((row, self._foreign.where(row), reason if isinstance(reason, str) else reason(row)))

    @property
    def count(self) -> int:
        """How many rows are refused."""
        return int(self.refused.sum()) + self._foreign.bad_count

    def table(self) -> pd.DataFrame:
        """Return the first refused rows in their order: DataFrame(where, reason)."""
        unread = [
            (number, f"{part}, {place}" if part else place, reason)
            for number, part, reason in self._foreign.bad
            for place in (f"{self._foreign.unit} {number:,}",)
        ]
        numbered = [(int(self._foreign.numbers[row]), where, reason) for row, where, reason in self._reasons]
        merged = sorted([*unread, *numbered], key=lambda entry: entry[0])[:MOST_PROBLEMS]
        return pd.DataFrame([entry[1:] for entry in merged], columns=["where", "reason"])

    def check(self) -> None:
        """Raise ExchangeError if any row is refused; its sentence names the first ones."""
        if not self.count:
            return
        table = self.table()
        shown = [f"{where}: {reason}" for where, reason in table.head(_SHOWN).itertuples(index=False)]
        rest = self.count - len(shown)
        more = f"; and {rest:,} more" if rest else ""
        rows = counted(self.count, "row")
        raise ExchangeError(
            f"Nothing was imported, because {rows} of {self._foreign.name} cannot be taken: {'; '.join(shown)}{more}.",
            table,
            self.count,
        )
