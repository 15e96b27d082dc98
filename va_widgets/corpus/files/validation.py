"""Validation of the table of clips, so that code which works with an open corpus meets only values that it can have.

Values are compared in Arrow, before they are converted: a million clips take a few milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

PLAIN_NAME = r"[0-9A-Za-z_-]{1,200}"  # of a folder in shards/, and of the key of a source
LARGEST_STRIP = 1 << 26  # bytes
_MOST_PIXELS = 1 << 26  # of a filmstrip
_WIDEST = 65_500  # pixels of a JPEG
_LATEST = 1e9  # seconds, which are 30 years
_LARGEST = 1e15  # of a number in a corpus of embeddings, which may count in units of its own
_FASTEST = 1e9  # frames a second
_INT32 = (1 << 31) - 1

_FLOATS = {"start": (0.0, _LATEST), "end": (0.0, _LATEST), "fps": (0.0, _FASTEST)}
_COUNTS = {"frame_in": (0, _INT32), "frame_out": (0, _INT32), "width": (0, _INT32), "height": (0, _INT32)}
_STRIPS = {
    "_strip_at": (0, 1 << 60),
    "_strip_bytes": (0, LARGEST_STRIP),
    "_strip_frames": (1, _WIDEST),
    "_strip_width": (1, _WIDEST),
    "_strip_height": (1, _WIDEST),
}
_plain_name = re.compile(PLAIN_NAME)


def fault_of_columns(names: Sequence[str], *, from_embeddings: bool) -> str:
    """Return what is wrong with the names of the columns of a table of clips; "" if nothing is.

    Clips of a corpus that was made `from_embeddings` need no pictures.
    """
    if len(set(names)) != len(names):
        return "a column comes twice"
    needed = ["clip_id", "video", "cluster", *_FLOATS, *_COUNTS]
    if not from_embeddings or any(name in names for name in ("_key", "_root", *_STRIPS)):
        needed += ["_key", "_root", *_STRIPS]
    return next((f"it has no column {name}" for name in needed if name not in names), "")


def fault_of_clips(table: pa.Table, *, from_embeddings: bool) -> str:
    """Return what is wrong with what users see of a table of clips, such as "the column start is no number"; or "".

    Times of a corpus that was made `from_embeddings` may be missing or of any unit. Whether clip ids are unique is not
    checked: that takes longer than all else.
    """
    # In this order: each check relies on those before it.
    return fault_of_arrow(table) or next(
        filter(None, chain(_faults_of_texts(table), _faults_of_numbers(table, from_embeddings))), ""
    )


def fault_of_media(table: pa.Table, *, roots: int) -> str:
    """Return what is wrong with the columns that locate videos and filmstrips; "" if nothing is.

    `roots` is the number of folders that videos were taken from.
    """
    return fault_of_arrow(table) or next(filter(None, _faults_of_media(table, roots)), "")


def fault_of_arrow(table: pa.Table) -> str:
    """Return what is wrong with the lengths and indices of a table, or with a text that is not UTF-8; or ""."""
    try:
        table.validate(full=True)
    except pa.ArrowException as error:
        return str(error)
    return ""


def fault_of_frame(frame: pd.DataFrame, rows: int) -> str:
    """Return what is wrong with a table of clips in pandas, which follows metadata of the file in reading it; or ""."""
    if len(frame) != rows:
        return f"it has {len(frame):,} rows for {rows:,} clips"
    if frame.index.name != "clip_id":
        return "it is not indexed by clip_id"
    if not frame.columns.is_unique or not all(isinstance(name, str) for name in frame.columns):
        return "its columns have no names of their own"
    for name in (*_FLOATS, *_COUNTS):
        if name not in frame.columns or frame[name].dtype.kind not in "if":
            return f"the column {name} is no number"
    return "" if {"video", "cluster"} <= set(frame.columns) else "it has no column video or cluster"


def _faults_of_texts(table: pa.Table) -> Iterator[str]:
    for name in ("clip_id", "video"):
        yield _fault_of_text(table[name], name)
    videos = map(str, _distinct(table["video"]))
    yield from (f"the video {video!r} holds a NUL character" for video in videos if "\0" in video)


def _faults_of_numbers(table: pa.Table, from_embeddings: bool) -> Iterator[str]:
    limits: dict[str, tuple[float, float]] = {**_FLOATS, **_COUNTS}
    if from_embeddings:
        limits = dict.fromkeys(limits, (-_LARGEST, _LARGEST))
    for name, (least, most) in limits.items():
        yield _fault_of_range(table[name], name, least, most, missing=from_embeddings and name in _FLOATS)
    if not from_embeddings:
        for first, last in (("start", "end"), ("frame_in", "frame_out")):
            if (_values(table[first]) > _values(table[last])).any():
                yield f"a clip has its {first} after its {last}"


def _faults_of_media(table: pa.Table, roots: int) -> Iterator[str]:
    for name in ("_key", "_shard"):
        if name not in table.column_names:  # schema 1 has no _shard
            continue
        yield _fault_of_text(table[name], name)
        odd = next((text for text in _distinct(table[name]) if not _plain_name.fullmatch(str(text))), None)
        if odd is not None:
            yield f"{str(odd)[:80]!r} in the column {name} is no name of a folder"
    yield _fault_of_range(table["_root"], "_root", 0, roots - 1)
    for name, (least, most) in _STRIPS.items():
        yield _fault_of_range(table[name], name, least, most)
    width, height, frames = (_values(table[name]) for name in ("_strip_width", "_strip_height", "_strip_frames"))
    if len(table) and int(width.max()) * int(frames.max()) * int(height.max()) > _MOST_PIXELS:  # cheaper than every row
        width, height, frames = (values.astype(np.int64) for values in (width, height, frames))
        if (width * frames * height).max() > _MOST_PIXELS:
            yield "a filmstrip has more pixels than one can have"


def _fault_of_text(column: pa.ChunkedArray, name: str) -> str:
    """Return what is wrong with a column that must hold texts; or ""."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return f"the column {name} is no text"
    return f"the column {name} has gaps" if column.null_count else ""


def _fault_of_range(column: pa.ChunkedArray, name: str, least: float, most: float, missing: bool = False) -> str:
    """Return what is wrong with numbers that must lie in a range; or "". `missing` ones may be allowed."""
    whole = name not in _FLOATS
    if not (pa.types.is_integer(column.type) or (not whole and pa.types.is_floating(column.type))):
        return f"the column {name} is no number"
    if column.null_count and not missing:
        return f"the column {name} has gaps"
    values = _values(column)
    if missing:
        values = values[~np.isnan(values)]
    # NaN is neither less nor more than anything.
    if len(values) and not (values.min() >= least and values.max() <= most):
        return f"the column {name} has values that are not within {least:g} and {most:g}"
    return ""


def _distinct(column: pa.ChunkedArray) -> list[Any]:
    """Return the distinct values of a column of texts."""
    if pa.types.is_dictionary(column.type):
        return [text for chunk in column.chunks for text in chunk.dictionary.to_pylist()]
    return pc.unique(column).to_pylist()


def _values(column: pa.ChunkedArray) -> NDArray[Any]:
    return column.to_numpy()
