"""Names of files for concepts and videos, and what formats share: how answers look, and what a format leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PureWindowsPath
from urllib.parse import unquote

import msgspec
import numpy as np
import pandas as pd

from va_widgets.base.names import is_reserved

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*%]|^[. ]|[. ]$')
LONGEST_NAME = 200  # bytes in UTF-8 that a file's name may have without its suffix
_ANSWERS = frozenset(("yes", "no", "unsure", "true", "false"))


def quoted(text: str) -> str:
    """Return the name of a file for a text: signs that a name cannot hold become %2F and the like."""
    name = _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", text)
    return f"%{ord(name[0]):02X}{name[1:]}" if is_reserved(name) else name


def unquoted(name: str) -> str:
    """Return the text that `quoted` made a name of."""
    return unquote(name)


def stem(video: str) -> str:
    """Return the name of a video without folders and suffix."""
    return PureWindowsPath(video).stem or video


def files_of(videos: Iterable[str], *, dots: bool = True) -> dict[str, str]:
    """Return a file's name without a suffix for each video, made of the video's own; all of them differ.

    Without `dots` there is "_" in the place of each.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for video in videos:
        plain = quoted(stem(video)) if dots else quoted(stem(video).replace(".", "_"))
        name = plain.encode()[: LONGEST_NAME - 10].decode("utf-8", "ignore")
        number, unique = 1, name
        while unique.casefold() in taken:
            number += 1
            unique = f"{name} ({number})"
        taken.add(unique.casefold())
        names[video] = unique
    return names


def are_answers(values: Iterable[object]) -> bool:
    """Whether labels answer a question, as "yes" and "no" do; others name what a segment shows."""
    return any(str(value).strip().casefold() in _ANSWERS for value in values)


def placed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return those rows whose clips have a video and times."""
    return rows[(rows["video"] != "") & (rows["end"] > rows["start"])]


def left_out(counts: Mapping[str, int], name: str) -> list[str]:
    """Return a sentence for each kind of label that a format does not hold, where there are any."""
    return [f"{name} holds no {what}: {number:,} left out." for what, number in counts.items() if number]


def held_not(rows: pd.DataFrame, name: str, columns: Mapping[str, str]) -> list[str]:
    """Return a sentence about the columns that a format does not hold, of those with any content."""
    lost = [what for column, what in columns.items() if rows[column].astype(bool).any()]
    if not lost:
        return []
    listed = lost[0] if len(lost) == 1 else f"{', '.join(lost[:-1])} and {lost[-1]}"
    return [f"{name} does not hold {listed}."]


METADATA = {"time": "the times of labels", "source": "their sources", "note": "notes", "tags": "tags"}


def listed_tags(value: object) -> Iterable[str] | None:
    """Return tags as a file has them, a list, a JSON list or words between commas; None if it is none of these."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return [str(tag) for tag in value] if all(isinstance(tag, str) for tag in value) else None
    if not isinstance(value, str):
        return None
    if value.lstrip().startswith("["):
        try:
            return msgspec.json.decode(value, type=list[str])
        except msgspec.MsgspecError:
            return None
    return [tag for tag in map(str.strip, value.split(",")) if tag]
