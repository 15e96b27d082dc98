"""Convert labels, as callers may pass them, to stored values: {clip id: "yes" | "no" | "unsure" | "none"}."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd

from va_widgets.base import arguments
from va_widgets.base.arguments import described
from va_widgets.base.errors import LabelError
from va_widgets.labels.label_store import StoredValue

LabelValue: TypeAlias = bool | np.bool_ | Literal["yes", "no", "unsure", 0, 1] | None
"""One label. None takes a label back, and so does any missing value: NaN, pandas.NA, NaT."""
LabelValues: TypeAlias = LabelValue | Iterable[LabelValue]
"""One label for all clips, or one a clip."""
LabelledClips: TypeAlias = "str | Iterable[str] | Mapping[str, LabelValue] | pd.Series[Any] | pd.DataFrame"
"""One clip id or several, or clips together with their labels."""

OMITTED: Final[Any] = object()
"""Stands for a value that was not given: None is a label."""

_MEANT = "True, False, 'yes', 'no', 'unsure', 1, 0 or None"
_TEXTS: Mapping[str, StoredValue] = {"yes": "yes", "no": "no", "unsure": "unsure"}


def read_labels(clips: LabelledClips, value: LabelValues = OMITTED) -> dict[str, StoredValue]:
    """Return the value to store of each clip, in the order given.

    Parameters
    ----------
    clips : clip ids, or clips with their labels if `value` is omitted
        One id; a list, tuple, set, array, Index or Series of ids; a table with a column or index `clip_id`. With their
        labels: a mapping {clip id: label}, a Series of labels indexed by clip id, or a table that also has a column
        `value`.
    value : one label, or as many as there are clips
        A Series of labels whose index holds these clip ids is matched by its index, any other sequence by position.

    Raises LabelError if it is not clear which clip has which label, something is no clip id or no label, or a clip
    comes twice with different labels.
    """
    ids, values = _with_labels(clips) if value is OMITTED else _matched(clips, value)
    labels: dict[str, StoredValue] = {}
    for clip, label in zip(ids, values, strict=True):
        stored = _stored(label, clip)
        if labels.setdefault(clip, stored) != stored:
            raise LabelError(
                f"The clip {described(clip)} comes twice, as {labels[clip]!r} and as {stored!r}: give it one label."
            )
    return labels


def _with_labels(clips: object) -> tuple[list[str], list[object]]:
    """Return the clip ids and the labels of one object that holds both."""
    if isinstance(clips, Mapping):
        return _ids(list(clips)), list(clips.values())
    if isinstance(clips, pd.Series):
        return _ids(clips.index), clips.tolist()
    if isinstance(clips, pd.DataFrame):
        if list(clips.columns).count("value") != 1:
            raise LabelError("This table has no column called value, which would hold the labels: give a label, too.")
        return _ids(clips), clips["value"].tolist()
    raise LabelError(
        f"There is no label for {described(clips)}: give {_MEANT}, or give a mapping {{clip id: label}} alone."
    )


def _matched(clips: object, value: object) -> tuple[list[str], Sequence[object]]:
    """Return the clip ids, and as many labels in the same order."""
    if isinstance(clips, Mapping):
        raise LabelError("A mapping of clips holds their labels already: leave out the other value.")
    ids = _ids(clips)
    if not _is_sequence(value):
        return ids, [value] * len(ids)
    if isinstance(value, (Mapping, pd.DataFrame, set, frozenset)):
        raise LabelError(
            f"Labels must be one value or a list of as many as there are clips, not {described(value)}: give a mapping"
            " or a table alone, without a list of clips."
        )
    if isinstance(clips, (set, frozenset)):
        raise LabelError("The clips of a set have no order that a list of labels could follow: give a list of clips.")
    values = value.tolist() if isinstance(value, (pd.Series, pd.Index, np.ndarray)) else list(value)  # type: ignore[call-overload]
    if len(values) != len(ids):
        raise LabelError(
            f"One label or {len(ids)} are needed for {len(ids)} clips, not {len(values)}: give lists of one length."
        )
    if isinstance(value, pd.Series) and not _same_rows(clips, value):
        by_clip = dict(zip(value.index, values, strict=True))
        if len(by_clip) != len(values) or set(by_clip) != set(ids):
            raise LabelError(
                "The Series of labels has an index of its own, which does not hold these clips: index it by clip_id,"
                " or give its values with .tolist()."
            )
        return ids, [by_clip[clip] for clip in ids]
    return ids, values


def _same_rows(clips: object, value: pd.Series[Any]) -> bool:
    """Whether the labels of a Series belong to clips by their position."""
    if isinstance(clips, (pd.Series, pd.DataFrame)):
        return clips.index.equals(value.index)
    return isinstance(value.index, pd.RangeIndex)


def _is_sequence(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes))


def _ids(clips: object) -> list[str]:
    return arguments.clip_ids(clips, "The clips to label", error=LabelError)


def _stored(value: object, clip: str) -> StoredValue:
    """Return what is stored for a label. Raises LabelError if it is none."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, str):
        known = _TEXTS.get(value.strip().casefold())
        if known is not None:
            return known
    elif value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):  # type: ignore[call-overload]
        return "none"
    elif isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)) and value in (0, 1):
        return "yes" if value else "no"
    raise LabelError(f"A label is {_MEANT}, not {described(value)}, as for the clip {described(clip)}.")
