"""Video Annotator's release: agg/<concept>.json (all annotators' labels) and checkpoints/<concept>.json (how the
primary annotator's grew).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from va_widgets.base.arguments import described, listed
from va_widgets.base.errors import ExchangeError
from va_widgets.base.paths import inside
from va_widgets.exchange.content import Content
from va_widgets.exchange.foreign import Foreign
from va_widgets.exchange.formats.json_files import read_json, write_json
from va_widgets.exchange.formats.names import LONGEST_NAME, METADATA, held_not, left_out, quoted, unquoted

_LABELS, _CHECKPOINTS = "agg", "checkpoints"


class _Vote(msgspec.Struct):
    key: str
    primary: bool
    secondaries: dict[str, bool] = {}


class _Votes(msgspec.Struct):
    primary: str
    secondaries: list[str]
    data: list[_Vote]


class _Split(msgspec.Struct):
    pos: list[str]
    neg: list[str]


def files(content: Content) -> tuple[dict[str, bytes], list[str]]:
    """Return the files of each concept.

    The primary annotator is the one with the most labels, among the concept's primary annotators where there are any.
    """
    written: dict[str, bytes] = {}
    notes: list[str] = []
    incomplete = ties = long = 0
    if content.agreed:
        raise ExchangeError("The release holds each annotator's labels, not what they agree on: leave out agreed.")
    rows = content.rows[content.rows["value"].isin(["yes", "no"])]
    for concept in content.concepts:
        name = quoted(concept)
        if len(name.encode()) > LONGEST_NAME:
            long += 1
            continue
        mine = rows[rows["concept"] == concept]
        counts = mine["annotator"].value_counts(sort=False)
        if not len(counts):
            continue
        candidates = counts[counts.index.isin(content.primary.get(concept, frozenset()))]
        primary = str((candidates if len(candidates) else counts).idxmax())
        secondaries = sorted(set(counts.index) - {primary})
        votes = mine.assign(value=mine["value"] == "yes").pivot(index="clip_id", columns="annotator", values="value")
        whole = votes.dropna()
        incomplete += len(votes) - len(whole)
        positive = whole.astype(int).sum(axis=1)
        tied = positive * 2 == len(counts)
        ties += int(tied.sum())
        data = [
            {
                "key": key,
                "primary": bool(whole.at[key, primary]),
                "secondaries": {other: bool(whole.at[key, other]) for other in secondaries},
                "agg": bool(positive[key] * 2 > len(counts)),
                "pos_cnt": int(positive[key]),
            }
            for key in mine["clip_id"].drop_duplicates()
            if key in whole.index and not tied[key]
        ]
        written[f"{_LABELS}/{name}.json"] = write_json({"primary": primary, "secondaries": secondaries, "data": data})
        written[f"{_CHECKPOINTS}/{name}.json"] = write_json(_checkpoints(content.history, concept, primary))
    if incomplete:
        notes.append(f"agg holds clips that all annotators of a concept labelled: {incomplete:,} others are not in it.")
    if ties:
        notes.append(f"agg holds no ties: {ties:,} clips are not in it.")
    if long:
        notes.append(f"Concepts whose names are too long for files: {long:,} left out.")
    notes += left_out({'labels "unsure"': int(content.rows["value"].eq("unsure").sum())}, "The release")
    if content.guidelines:
        notes.append("The release holds no guidelines.")
    return written, [*notes, *held_not(content.rows, "The release", METADATA)]


def _checkpoints(history: pd.DataFrame, concept: str, annotator: str) -> list[dict[str, list[str]]]:
    """Return an annotator's yes and no after each rebuild, and at the end: labels given to one version are one step."""
    mine = history[(history["concept"] == concept) & (history["annotator"] == annotator)]
    values: dict[str, str] = {}
    steps: list[dict[str, list[str]]] = []
    newest: int | None = None
    for clip, value, version in zip(mine["clip_id"], mine["value"], mine["model_version"], strict=True):
        if newest is not None and version > newest:
            steps.append(_split(values))
        newest = version if newest is None else max(version, newest)
        values.pop(clip, None)
        values[clip] = value
    return [*steps, _split(values)]


def _split(values: dict[str, str]) -> dict[str, list[str]]:
    return {
        name: [clip for clip, value in values.items() if value == of] for name, of in (("pos", "yes"), ("neg", "no"))
    }


def read(folder: Path) -> Foreign:
    """Return the labels of a release: each checkpoint is an action of the primary annotator, and agg is one of each.

    Where a concept has no file in agg, its checkpoints are by no annotator.
    """
    concepts = sorted({file.stem for part in (_LABELS, _CHECKPOINTS) for file in (folder / part).glob("*.json")})
    if not concepts:
        raise ExchangeError(f"{folder} holds neither {_LABELS}/*.json nor {_CHECKPOINTS}/*.json.")
    rows: list[dict[str, Any]] = []
    parts: list[str] = []
    numbers: list[int] = []
    for name in concepts:
        concept = unquoted(name)
        file = f"{_LABELS}/{name}.json"
        source = inside(folder, _LABELS, f"{name}.json", error=ExchangeError)
        votes: _Votes | None = read_json(source, _Votes) if source.is_file() else None
        _check(votes, file)
        primary = votes.primary if votes else None
        steps = _steps(folder, name)
        known: dict[str, bool] = {}
        for step, values in enumerate(steps, 1):
            place = f"{_CHECKPOINTS}/{name}.json, checkpoint {step}"
            changed = {clip: value for clip, value in values.items() if known.get(clip) is not value}
            gone = [clip for clip in known if clip not in values]
            for number, (clip, value) in enumerate([*changed.items(), *((clip, None) for clip in gone)], 1):
                rows.append(_row(concept, primary, clip, value, step, place))
                parts.append(place)
                numbers.append(number)
            known = values
        if votes is None:
            continue
        for annotator in (votes.primary, *votes.secondaries):
            for number, vote in enumerate(votes.data, 1):
                value = vote.primary if annotator == votes.primary else vote.secondaries[annotator]
                if annotator == votes.primary and known.get(vote.key) is value:
                    continue
                rows.append(_row(concept, annotator, vote.key, value, len(steps) + 1, file))
                parts.append(file)
                numbers.append(number)
    if not rows:
        raise ExchangeError(f"{folder} holds no labels.")
    return Foreign(pd.DataFrame(rows, dtype=object), folder.name, "entry", np.array(numbers), parts, log=True)


def _check(votes: _Votes | None, file: str) -> None:
    """Raise ExchangeError if an annotator's answer is missing, or two of them have one name."""
    if votes is None:
        return
    names = [votes.primary, *votes.secondaries]
    if len(set(names)) < len(names):
        raise ExchangeError(f"{file} names its annotators {listed(names)}: each needs a name of its own.")
    for vote in votes.data:
        if set(vote.secondaries) != set(votes.secondaries):
            raise ExchangeError(f"{file} lacks an annotator's answer for {described(vote.key)}: copy it again.")


def _steps(folder: Path, name: str) -> list[dict[str, bool]]:
    """Return the values after each checkpoint. Raises ExchangeError if a clip is both a yes and a no."""
    file = inside(folder, _CHECKPOINTS, f"{name}.json", error=ExchangeError)
    splits: list[_Split] = read_json(file, list[_Split]) if file.is_file() else []
    steps = []
    for number, split in enumerate(splits, 1):
        both = sorted(set(split.pos) & set(split.neg))
        if both:
            raise ExchangeError(f"{file} has {listed(both)} in pos and neg of checkpoint {number}: keep one of them.")
        steps.append(dict.fromkeys(split.pos, True) | dict.fromkeys(split.neg, False))
    return steps


def _row(concept: str, annotator: str | None, clip: str, value: bool | None, step: int, place: str) -> dict[str, Any]:
    """Return a label event; the id of its message makes that a second import stores nothing."""
    digest = hashlib.sha256(f"{place}\x1f{concept}\x1f{annotator}\x1f{clip}\x1f{value}".encode()).hexdigest()
    return {
        "record": "label",
        "concept": concept,
        "annotator": annotator,
        "clip_id": clip,
        "value": {True: "yes", False: "no", None: "none"}[value],
        "action_id": step,
        "model_version": step - 1,
        "message_id": digest,
    }
