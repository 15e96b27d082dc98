"""The videos of a corpus: found by how a file calls them, with what is known of their clips."""

from __future__ import annotations

import unicodedata
from pathlib import PureWindowsPath
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.arguments import described
from va_widgets.base.paths import is_url
from va_widgets.corpus.user_tables.times import seconds
from va_widgets.exchange.foreign import Problems

_SEVERAL = -2  # videos of one name


class Videos:
    """The v videos of a corpus by their paths, names, and names without suffixes; numbered from 0.

    `of_clips` is the video of each clip, int64 (n,). By video: `clips` counts them, `newest` is the row of the last of
    them, `rate` is frames a second (0 if unknown), `last` the end of its last clip in seconds, and `timed` whether all
    of its clips have times.
    """

    def __init__(self, clips: pd.DataFrame) -> None:
        codes, names = pd.factorize(clips["video"])
        self.of_clips: NDArray[np.int64] = np.asarray(codes, dtype=np.int64)
        start, end = (clips[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in ("start", "end"))
        fps = clips["fps"].to_numpy(dtype=np.float64, na_value=np.nan) if "fps" in clips else np.zeros(len(clips))
        number = len(names)
        self.rate, self.last = np.zeros(number), np.zeros(number)
        np.maximum.at(self.rate, self.of_clips, np.nan_to_num(fps))
        np.maximum.at(self.last, self.of_clips, np.nan_to_num(end))
        self.clips = np.bincount(self.of_clips, minlength=number)
        self.newest: NDArray[np.int64] = np.zeros(number, dtype=np.int64)
        self.newest[self.of_clips] = np.arange(len(clips))
        self.timed: NDArray[np.bool_] = np.bincount(self.of_clips, weights=~(end > start), minlength=number) == 0
        self._exact: dict[str, int] = {}
        self._names: dict[str, int] = {}
        for code, video in enumerate(map(str, names)):
            self._exact[video] = code
            for key in set(_names_of(video)):
                self._names[key] = code if self._names.get(key, code) == code else _SEVERAL

    def found(
        self, rows: pd.DataFrame, needed: NDArray[np.bool_], problems: Problems
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return each row's video, int64 (n,), -1 for one that is not here, and whether it was cut out for the row.

        Names of several videos are added to `problems`.
        """
        texts = pd.Series([_text(value) if need else None for value, need in zip(rows["video"], needed, strict=True)])
        numbers: dict[object, int] = {}
        for text in texts.dropna().unique():
            known = (self._names[name] for name in _names_of(text) if name in self._names)
            numbers[text] = self._exact.get(text, next(known, -1))
        codes: NDArray[np.int64] = np.array([numbers.get(text, -1) for text in texts], dtype=np.int64)
        trimmed = self._cut_out(rows, texts, needed & (codes == -1), codes)
        several = codes == _SEVERAL
        problems.add(several, lambda row: f"several videos are called {described(texts.iloc[row])}: give its path")
        return codes, trimmed

    def _cut_out(
        self, rows: pd.DataFrame, texts: pd.Series[Any], missing: NDArray[np.bool_], codes: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Look for videos called ID_000010_000020, set their `codes`, and return of which rows they are, bool (n,)."""
        trimmed: NDArray[np.bool_] = np.zeros(len(rows), dtype=np.bool_)
        if not missing.any() or "start" not in rows or "end" not in rows:
            return trimmed
        chosen = np.flatnonzero(missing)
        times = (seconds(rows[name].iloc[chosen]).tolist() for name in ("start", "end"))
        for row, start, end in zip(chosen.tolist(), *times, strict=True):
            text = texts.iloc[row]
            if 0 <= start < end < _LATEST and isinstance(text, str):
                name = f"{_composed(text)}_{int(start):06d}_{int(end):06d}"
                codes[row] = self._names.get(name, -1)
                trimmed[row] = codes[row] >= 0
        return trimmed


_LATEST = 1e6  # seconds that have six digits


def _text(value: object) -> str | None:
    missing = value is None or value != value
    return None if missing else str(value)


def _names_of(video: str) -> tuple[str, str, str]:
    """Return what a video may be called, the most exact first: its path, its file's name, and that without a suffix."""
    path = _composed(video)
    name = _file_name(path)
    return path, name, _stem(name)


def _composed(text: str) -> str:
    """Return a text in the form of Unicode that most systems write; macOS takes names of files apart."""
    return unicodedata.normalize("NFC", text)


def _file_name(video: str) -> str:
    path = unquote(urlsplit(video).path) if is_url(video) else video
    return PureWindowsPath(path).name or video


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0] if "." in name.lstrip(".") else name
