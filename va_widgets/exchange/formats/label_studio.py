"""Label Studio: a task a clip, an annotation an annotator, a choice a concept; and the labelling configuration.

Annotators' names, times, notes and tags are in each result's `meta`, which Label Studio keeps: its own `completed_by`
names users of its server, and an import with unknown ones is refused.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # only written, never read

import numpy as np
import pandas as pd

from va_widgets.base.errors import ExchangeError
from va_widgets.exchange.content import Content
from va_widgets.exchange.foreign import Foreign
from va_widgets.exchange.formats.json_files import read_json, write_json
from va_widgets.exchange.formats.names import are_answers

_CHOICES = ("yes", "no", "unsure")
_PLACE = ("clip_id", "start", "end", "frame_in", "frame_out", "fps")


def files(content: Content) -> tuple[dict[str, bytes], list[str]]:
    """Return the tasks and, as "… config.xml" beside them, the configuration of a project for them."""
    rows = content.rows[content.rows["value"].isin(_CHOICES)]
    tasks: dict[str, dict[str, Any]] = {}
    results: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    columns = [rows[name].astype(object).where(rows[name].notna(), None).tolist() for name in rows.columns]
    for values in zip(*columns, strict=True):
        row = dict(zip(rows.columns, values, strict=True))
        place = {name: row[name] for name in _PLACE if row[name] is not None}
        tasks.setdefault(row["clip_id"], {"video": row["video"], **place})
        meta = {"annotator": row["annotator"], "time": row["time"], "source": row["source"], "tags": row["tags"]}
        result = {
            "id": f"{len(results)}-{len(results[row['clip_id'], row['annotator']])}",
            "from_name": row["concept"],
            "to_name": "video",
            "type": "choices",
            "value": {"choices": [row["value"]]},
            "meta": {key: value for key, value in meta.items() if value}
            | ({"text": [row["note"]]} if row["note"] else {}),
        }
        results[row["clip_id"], row["annotator"]].append(result)
    annotations: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (clip, _), marks in results.items():
        annotations[clip].append({"result": marks, "was_cancelled": False, "ground_truth": False})
    document = [{"data": data, "annotations": annotations[clip]} for clip, data in tasks.items()]
    notes = ["Label Studio plays a task's video from its URL: replace data.video by one that its server can reach."]
    ties = len(content.rows) - len(rows)
    if ties:
        notes.append(f"Label Studio holds no ties: {ties:,} left out.")
    if content.guidelines:
        notes.append("The guidelines are in the configuration, not in the tasks: they are not read back.")
    return {"": write_json(document), " config.xml": _configuration(content)}, notes


def _configuration(content: Content) -> bytes:
    """Return the labelling configuration, XML: the video, and a choice of yes, no and unsure for each concept."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Video", name="video", value="$video")
    for concept in content.concepts:
        ElementTree.SubElement(view, "Header", value=concept)
        if content.guidelines.get(concept):
            text = "".join(sign if sign.isprintable() else " " for sign in content.guidelines[concept])
            ElementTree.SubElement(view, "Text", name=f"guideline of {concept}", value=text)
        choices = ElementTree.SubElement(view, "Choices", name=concept, toName="video", choice="single-radio")
        for value in _CHOICES:
            ElementTree.SubElement(choices, "Choice", value=value)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="utf-8") + b"\n"


def read(file: Path) -> Foreign:
    """Return the choices and timeline labels of exported tasks (the format JSON, not JSON-MIN).

    A choice of yes or no answers whether the clip shows what its control is called; any other choice, and a label on
    the timeline, names what it shows. Frames of the timeline count from 1.
    """
    tasks: list[Any] = read_json(file, list[Any])
    found: list[dict[str, Any]] = []
    numbers: list[int] = []
    ignored = cancelled = 0
    choices: dict[str, set[str]] = defaultdict(set)
    for number, task in enumerate(tasks, 1):
        if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
            raise ExchangeError(f"{file} has no data in task {number}: export the project as JSON, not as JSON-MIN.")
        for annotation in _dicts(task.get("annotations")):
            if annotation.get("was_cancelled"):
                cancelled += 1
                continue
            for result in _dicts(annotation.get("result")):
                made = _rows_of(task["data"], annotation, result)
                ignored += not made
                for row in made:
                    if "value" in row:
                        choices[str(row["concept"])].add(str(row["value"]))
                    found.append(row)
                    numbers.append(number)
    if not found:
        raise ExchangeError(f"{file} holds no annotations with choices or labels on the timeline.")
    answering = {name for name, values in choices.items() if are_answers(values)}
    for row in found:
        if "value" not in row:
            row["value"] = "yes"
        elif str(row["concept"]) not in answering:
            row["concept"], row["value"] = row["value"], "yes"
    table = pd.DataFrame(found, dtype=object)
    notes = [
        f"{what}: {count:,} left out."
        for count, what in ((ignored, "Results of other kinds, such as boxes"), (cancelled, "Cancelled annotations"))
        if count
    ]
    return Foreign(table, file.name, "task", np.array(numbers, dtype=np.int64), notes=notes)


def _rows_of(data: dict[str, Any], annotation: dict[str, Any], result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each choice or segment of a result; none where it is of another kind."""
    value, meta = result.get("value"), result.get("meta")
    if not isinstance(value, dict):
        return []
    meta = meta if isinstance(meta, dict) else {}
    text = meta.get("text")
    common = {
        "video": _video(data, result),
        "annotator": meta.get("annotator") or _annotator(annotation.get("completed_by")),
        "time": meta.get("time") or annotation.get("updated_at") or annotation.get("created_at"),
        "source": meta.get("source"),
        "tags": meta.get("tags"),
        "note": "\n".join(map(str, text)) if isinstance(text, list) else text,
    }
    if isinstance(value.get("choices"), list):
        place = {name: data.get(name) for name in ("clip_id", "start", "end", "frame_in", "frame_out")}
        segment = {name: value[name] for name in ("start", "end") if name in value}
        return [
            {**common, **place, **segment, "concept": result.get("from_name"), "value": choice}
            for choice in value["choices"]
        ]
    for name, kind in (("timelinelabels", "ranges"), ("labels", None)):
        labels = value.get(name)
        if not isinstance(labels, list):
            continue
        if kind is not None:
            segments = [
                {"frame_in": span["start"] - 1, "frame_out": span["end"]}
                for span in _dicts(value.get(kind))
                if isinstance(span.get("start"), int) and isinstance(span.get("end"), int)
            ]
        else:
            segments = [{"start": value["start"], "end": value["end"]}] if {"start", "end"} <= set(value) else []
        return [{**common, **segment, "concept": label} for segment in segments for label in labels]
    return []


def _video(data: dict[str, Any], result: dict[str, Any]) -> object:
    """Return a task's video: the value of "video", or else of the only text that looks like a path or URL."""
    if isinstance(data.get("video"), str):
        return data["video"]
    paths = [value for value in data.values() if isinstance(value, str) and ("/" in value or "." in value)]
    named = data.get(str(result.get("to_name")))
    return named if isinstance(named, str) else paths[0] if len(paths) == 1 else None


def _annotator(completed_by: object) -> str | None:
    """Return a name for whom the server calls by a number, or by an account."""
    if isinstance(completed_by, dict):
        name = completed_by.get("email") or completed_by.get("username") or completed_by.get("id")
        return None if name is None else str(name)
    return f"user {completed_by}" if isinstance(completed_by, (int, str)) and completed_by != "" else None


def _dicts(value: object) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
