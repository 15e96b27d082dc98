"""A JSON file in the manner of COCO: videos, categories and annotations with ids. It holds all that labels have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from va_widgets.base.errors import ExchangeError
from va_widgets.exchange.content import Content
from va_widgets.exchange.foreign import Foreign
from va_widgets.exchange.formats.json_files import read_json, write_json

_OWN = ("clip_id", "value", "start", "end", "frame_in", "frame_out", "annotator", "time", "source", "note", "tags")
_START = ("start", "start_time", "t_start", "time_start")
_END = ("end", "end_time", "t_end", "time_end")
_FRAMES = (("frame_in", "frame_out"), ("start_frame", "end_frame"))


def files(content: Content) -> tuple[dict[str, bytes], list[str]]:
    """Return one file. Ids count from 1; segments are in seconds and in frames."""
    rows = content.rows
    names = [name for name in dict.fromkeys(rows["video"]) if name]
    videos = {name: number for number, name in enumerate(names, 1)}
    rates = rows.drop_duplicates("video").set_index("video")["fps"]
    categories = {name: number for number, name in enumerate(content.concepts, 1)}
    columns = {name: rows[name].astype(object).where(rows[name].notna(), None).tolist() for name in _OWN}
    annotations = []
    for number, (concept, video) in enumerate(zip(rows["concept"], rows["video"], strict=True)):
        own = {name: column[number] for name, column in columns.items()}
        own = {name: value for name, value in own.items() if value is not None and value != "" and value != []}
        place = {"video_id": videos[video]} if video else {}
        annotations.append({"id": number + 1, **place, "category_id": categories[concept], **own})
    document = {
        "info": {"description": "Labels of clips; a category is a concept, an annotation is a label of a clip"},
        "videos": [
            {"id": number, "file_name": name} | ({"fps": float(rates[name])} if rates[name] > 0 else {})
            for name, number in videos.items()
        ],
        "categories": [
            {"id": number, "name": name}
            | ({"guideline": content.guidelines[name]} if name in content.guidelines else {})
            for name, number in categories.items()
        ],
        "annotations": annotations,
    }
    notes = ["The guidelines are written, and not read back."] if content.guidelines else []
    return {"": write_json(document)}, notes


def read(file: Path) -> Foreign:
    """Return the annotations of a file: of those without a `value` the category names what the segment shows."""
    document: dict[str, Any] = read_json(file, dict[str, Any])
    videos = _by_id(file, document, "videos")
    categories = _by_id(file, document, "categories")
    annotations = _objects(file, document, "annotations")
    if not annotations:
        raise ExchangeError(f"{file} holds no annotations.")
    rows = []
    boxes = 0
    for annotation in annotations:
        video = videos.get(_id(annotation.get("video_id")), {})
        category = categories.get(_id(annotation.get("category_id")), {})
        row = {name: annotation[name] for name in _OWN if name in annotation}
        row["concept"] = category.get("name")
        row["video"] = video.get("file_name") or video.get("name")
        row["value"] = annotation.get("value", "yes")
        segment = annotation.get("segment")
        if isinstance(segment, list) and len(segment) == 2:
            row["start"], row["end"] = segment
        for name, aliases in (("start", _START), ("end", _END)):
            row[name] = next((annotation[alias] for alias in aliases if alias in annotation), row.get(name))
        for first, last in _FRAMES:
            if first in annotation:
                row["frame_in"], row["frame_out"] = annotation[first], annotation.get(last)
        boxes += "bboxes" in annotation or "bbox" in annotation
        rows.append(row)
    notes = [f"Boxes of annotations: {boxes:,} left out."] if boxes else []
    numbers = np.arange(1, len(rows) + 1, dtype=np.int64)
    return Foreign(pd.DataFrame(rows, dtype=object), file.name, "annotation", numbers, notes=notes)


def _by_id(file: Path, document: dict[str, Any], part: str) -> dict[str, dict[str, Any]]:
    return {_id(entry.get("id")): entry for entry in _objects(file, document, part)}


def _id(value: object) -> str:
    """Return an id, a number or a text, as a key."""
    return repr(value)


def _objects(file: Path, document: dict[str, Any], part: str) -> list[dict[str, Any]]:
    entries = document.get(part)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ExchangeError(f"{file} has no list of objects called {part}: is it in another format?")
    return entries
