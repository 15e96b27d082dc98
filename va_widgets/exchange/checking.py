"""Foreign rows become checked rows: names, values, times and tags as labels have them; every bad row is reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.arguments import described
from va_widgets.base.errors import LabelError
from va_widgets.base.texts import has_lone_surrogate
from va_widgets.exchange.foreign import RECORDS, Foreign, Problems
from va_widgets.exchange.formats.names import listed_tags
from va_widgets.labels.clip_remarks import checked_remark
from va_widgets.labels.label_store import LONGEST_SOURCE, LabelStore, StoredValue

_VALUES: Mapping[str, StoredValue] = {
    "yes": "yes", "true": "yes", "1": "yes", "1.0": "yes", "pos": "yes", "positive": "yes", "y": "yes", "": "yes",
    "no": "no", "false": "no", "0": "no", "0.0": "no", "neg": "no", "negative": "no", "n": "no",
    "unsure": "unsure", "none": "none",
}  # fmt: skip
_MEANT = "use yes, no or unsure, or say what it means by values={…}"
_TIME = "%Y-%m-%dT%H:%M:%S.%f+00:00"


def checked(
    foreign: Foreign,
    problems: Problems,
    *,
    concept: str | None,
    annotator: str | None,
    values: Mapping[str, str],
) -> pd.DataFrame:
    """Return the rows with concept, annotator, value, time, source, note, tags and record as labels have them.

    The other columns stay as they are. Rows that cannot be taken are added to `problems`; what is returned for them
    means nothing. `concept` and `annotator` are those of rows that name none. `values` are the meanings of further
    values, by their text.
    """
    given = foreign.rows
    rows = given.copy(deep=False)
    rows["record"] = _column(given, "record", "label")
    strange = ~rows["record"].isin(RECORDS).to_numpy(dtype=np.bool_)
    problems.add(strange, lambda row: f"its record {described(given['record'][row])} is none of {', '.join(RECORDS)}")
    labels = (rows["record"] == "label").to_numpy(dtype=np.bool_)

    for name, default, of in (("concept", concept, "concept"), ("annotator", annotator, "annotator's name")):
        rows[name] = _column(given, name, default).map(_digits)
        missing = rows[name].isna().to_numpy(dtype=np.bool_) | (rows[name] == "").to_numpy(dtype=np.bool_)
        problems.add(missing, f"it has no {of}: give one by {name}='…'")
        _check_each(rows[name], problems, name_checker(name))

    texts = _column(given, "value", "yes").map(_text)
    known = {**_VALUES, **{_text(text): value for text, value in values.items()}}
    stored = texts.map(known)
    bad = stored.isna().to_numpy(dtype=np.bool_) & labels
    if "value" in given:  # a row without an answer is none of those that name what a segment shows
        bad |= given["value"].map(lambda value: value is None or value == "").to_numpy(dtype=np.bool_) & labels
    problems.add(bad, lambda row: f"its value {described(given['value'][row])} is no label: {_MEANT}")
    rows["value"] = stored

    rows["time"] = _times(given, problems)
    rows["source"] = _column(given, "source", None)
    fine = rows["source"].map(lambda text: text is None or (isinstance(text, str) and len(text) <= LONGEST_SOURCE))
    problems.add(~fine.to_numpy(dtype=np.bool_), f"its source is no text of at most {LONGEST_SOURCE} characters")
    notes = _column(given, "note", "")
    odd = notes.map(lambda note: isinstance(note, (list, dict))).to_numpy(dtype=np.bool_)
    problems.add(odd, lambda row: f"its note is {described(notes.iloc[row])}, no text")
    rows["note"] = notes.map(str)
    _check_tags(rows, given, problems)
    for name in ("clip_id", "source", "note"):
        if name in rows:
            half = rows[name].map(has_lone_surrogate).to_numpy(dtype=np.bool_)
            problems.add(half, f"its {name} holds half of a character")
    _check_remarks(rows, problems)
    for name in ("action_id", "model_version"):
        if name in rows:
            rows[name] = pd.to_numeric(rows[name], errors="coerce")
    return rows


def _column(rows: pd.DataFrame, name: str, default: object) -> pd.Series[Any]:
    """Return a column with a default for what is missing, and whole numbers as their digits."""
    if name not in rows:
        return pd.Series([default] * len(rows), index=rows.index, dtype=object)
    column = rows[name].astype(object)
    return column.where(column.notna() & (column != ""), default)


def _digits(value: object) -> object:
    return str(value) if isinstance(value, (int, np.integer)) and not isinstance(value, bool) else value


def _text(value: object) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return str(value).strip().casefold()


def name_checker(name: str) -> Callable[[object], str]:
    """Return a function that says what is wrong with a "concept" or the name of an "annotator", "" if nothing is."""

    def check(value: object) -> str:
        try:
            if name == "concept":
                LabelStore.check_names("annotator", value)  # type: ignore[arg-type]
            else:
                LabelStore.check_names(value, "concept")  # type: ignore[arg-type]
        except LabelError as error:
            return str(error).rstrip(".")
        return f"the {name} holds half of a character" if has_lone_surrogate(value) else ""

    return check


def _check_each(column: pd.Series[Any], problems: Problems, check: Callable[[object], str]) -> None:
    """Refuse rows by a check of each distinct value, which returns what is wrong or an empty text."""
    reasons: dict[object, str] = {}
    try:
        distinct = column.dropna().unique()
    except TypeError:  # lists and the like cannot be compared
        distinct = np.array([], dtype=object)
        odd = column.map(lambda value: isinstance(value, (list, dict, set))).to_numpy(dtype=np.bool_)
        problems.add(odd, f"its {column.name} is no text")
        column = column.where(~odd, None)
        distinct = column.dropna().unique()
    for value in distinct:
        why = check(value)
        if why:
            reasons[value] = why
    if reasons:
        bad = column.isin(list(reasons)).to_numpy(dtype=np.bool_)
        problems.add(bad, lambda row: _lower(reasons[column.iloc[row]]))


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _times(given: pd.DataFrame, problems: Problems) -> pd.Series[Any]:
    """Return when labels were given, as label files have it: ISO 8601, UTC, to the microsecond; None if unknown."""
    column = _column(given, "time", None)
    known = column.notna()
    if not known.any():
        return column
    texts = column.map(lambda value: str(value) if isinstance(value, (str, date)) else None)  # numbers are not times
    moments = pd.to_datetime(texts, utc=True, format="ISO8601", errors="coerce")
    bad = (known & moments.isna()).to_numpy(dtype=np.bool_)
    problems.add(bad, lambda row: f"its time {described(column.iloc[row])} is none in ISO 8601, 2026-01-31T12:30:00Z")
    # Later labels would count as older ones. A day is what clocks and time zones differ by.
    late = (moments > datetime.now(UTC) + timedelta(days=1)).to_numpy(dtype=np.bool_)
    problems.add(late, lambda row: f"its time {described(column.iloc[row])} is in the future")
    return moments.dt.strftime(_TIME).astype(object).where(moments.notna(), None)


def _check_tags(rows: pd.DataFrame, given: pd.DataFrame, problems: Problems) -> None:
    if "tags" not in given:
        rows["tags"] = pd.Series([()] * len(rows), index=rows.index, dtype=object)
        return
    column = _column(given, "tags", "") if all(isinstance(tags, str) for tags in given["tags"]) else given["tags"]
    tags = [() if value is None or isinstance(value, float) else listed_tags(value) for value in column]
    bad = np.array([value is None or has_lone_surrogate(list(value)) for value in tags], dtype=np.bool_)
    problems.add(bad, lambda row: f"its tags {described(given['tags'].iloc[row])} are no list of texts")
    rows["tags"] = pd.Series([tuple(value or ()) for value in tags], index=rows.index, dtype=object)


def _check_remarks(rows: pd.DataFrame, problems: Problems) -> None:
    """Refuse notes and tags that could not be typed, and leave out spaces around the others."""
    remarks = list(zip(rows["note"].tolist(), rows["tags"].tolist(), strict=True))
    bad: NDArray[np.bool_] = np.zeros(len(remarks), dtype=np.bool_)
    for row, (note, tags) in enumerate(remarks):
        if note or tags:
            bad[row] = bool(_wrong_remark(note, tags))
            remarks[row] = (note, tags) if bad[row] else checked_remark(note, tags)
    problems.add(bad, lambda row: _wrong_remark(*remarks[row]))
    for name, column in zip(("note", "tags"), zip(*remarks, strict=True), strict=False):  # no rows, no columns
        rows[name] = pd.Series(list(column), rows.index, dtype=object)


def _wrong_remark(note: str, tags: tuple[str, ...]) -> str:
    """Return what is wrong with a note and tags, "" if nothing is."""
    try:
        checked_remark(note, tags)
    except LabelError as error:
        return _lower(str(error).rstrip("."))
    return ""
