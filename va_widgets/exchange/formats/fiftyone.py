"""FiftyOne: a folder in its FiftyOneTemporalDetectionDataset format, and a Classification for each clip and concept.

data.json            {id: path of a video}
labels.json          {"classes": [concepts], "labels": {id: [{"label", "support": [first, last frame], "attributes"}]}}
classifications.json {clip id: {"filepath", "support", concept: {"_cls": "Classification", "label", "tags"}}}

FiftyOne loads the first two by `Dataset.from_dir(dataset_dir=…, data_path="data.json",
dataset_type=fiftyone.types.FiftyOneTemporalDetectionDataset)`; the entries of the third are arguments of
`fiftyone.Classification.from_dict`. Frames count from 1, and the last one is included.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from va_widgets.base.errors import ExchangeError
from va_widgets.base.paths import inside, is_folder
from va_widgets.exchange.content import Content
from va_widgets.exchange.foreign import Foreign
from va_widgets.exchange.formats.json_files import read_json, write_json
from va_widgets.exchange.formats.names import METADATA, files_of, held_not, left_out, placed

_MEDIA, _LABELS, _CLASSIFICATIONS = "data.json", "labels.json", "classifications.json"
_NOT_CONCEPTS = ("filepath", "support", "timestamps")


def files(content: Content) -> tuple[dict[str, bytes], list[str]]:
    """Return the folder's files: temporal detections are the clips that count as yes, classifications all of them."""
    rows = content.rows[content.rows["value"] != "tie"]
    kept = placed(rows)
    # FiftyOne takes what follows a dot in an id for the suffix of a file.
    ids = files_of(sorted(rows["video"][rows["video"] != ""].unique()), dots=False)
    labels: dict[str, list[dict[str, Any]]] = {name: [] for name in ids.values()}
    for row in records(kept[kept["value"] == "yes"].sort_values(["start", "end"], kind="stable")):
        detection = {"label": row["concept"], **segment(row), "attributes": {"clip_id": row["clip_id"]}}
        labels[ids[row["video"]]].append(detection)
    clips: dict[str, dict[str, Any]] = {}
    for row in records(rows):
        place = segment(row) if row["end"] > row["start"] else {}
        clip = clips.setdefault(row["clip_id"], {"filepath": row["video"], **place})
        if row["concept"] not in _NOT_CONCEPTS:
            clip[row["concept"]] = {"_cls": "Classification", "label": row["value"], "tags": row["tags"]}
    written = {
        _MEDIA: write_json({name: video for video, name in ids.items()}),
        _LABELS: write_json({"classes": content.concepts, "labels": labels}),
        _CLASSIFICATIONS: write_json(clips),
    }
    counts = {
        "ties": len(content.rows) - len(rows),
        "concepts called filepath, support or timestamps": int(rows["concept"].isin(_NOT_CONCEPTS).sum()),
    }
    notes = left_out(counts, "FiftyOne")
    lost = len(rows) - len(kept)
    if lost:
        notes.append(f"{lost:,} labels are of clips without times: they are no temporal detections.")
    if content.guidelines:
        notes.append("FiftyOne holds no guidelines.")
    lost_columns = {name: what for name, what in METADATA.items() if name != "tags"}
    return written, [*notes, *held_not(rows, "FiftyOne", lost_columns)]


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def segment(row: dict[str, Any]) -> dict[str, list[float]]:
    """Return the segment of a clip in frames, or in seconds where its frames are not known."""
    first, last = row["frame_in"], row["frame_out"]
    if pd.notna(first) and pd.notna(last) and last > first:
        return {"support": [int(first) + 1, int(last)]}
    return {"timestamps": [float(row["start"]), float(row["end"])]}


def read(path: Path) -> Foreign:
    """Return the labels of a folder as `files` writes it, or as FiftyOne does, or of a labels.json alone.

    Without classifications.json the labels name what a segment, or a whole video, shows.
    """
    folder = path if is_folder(path) else path.parent
    if is_folder(path) and inside(folder, _CLASSIFICATIONS, error=ExchangeError).is_file():
        return _classified(path)
    file = inside(folder, _LABELS, error=ExchangeError) if is_folder(path) else path
    if not file.is_file():
        raise ExchangeError(f"{path} has no {_LABELS}: is it in another format?")
    document: dict[str, Any] = read_json(file, dict[str, Any])
    labels, classes = document.get("labels"), document.get("classes")
    if not isinstance(labels, dict):
        raise ExchangeError(f"{file} has no object called labels: is it in another format of FiftyOne?")
    media = inside(folder, _MEDIA, error=ExchangeError)
    videos: dict[str, Any] = read_json(media, dict[str, Any]) if media.is_file() else {}
    rows: list[dict[str, Any]] = []
    for name, entries in labels.items():
        for entry in entries if isinstance(entries, list) else [entries]:
            label = entry.get("label") if isinstance(entry, dict) else entry
            if label is None:
                continue
            if isinstance(label, int) and isinstance(classes, list) and 0 <= label < len(classes):
                label = classes[label]
            attributes = entry.get("attributes") if isinstance(entry, dict) else None
            clip = attributes.get("clip_id") if isinstance(attributes, dict) else None
            rows.append(
                {"concept": label, "value": "yes", "video": videos.get(name, name), "clip_id": clip, **_place(entry)}
            )
    return _foreign(rows, path)


def _classified(folder: Path) -> Foreign:
    clips: dict[str, dict[str, Any]] = read_json(folder / _CLASSIFICATIONS, dict[str, dict[str, Any]])
    rows = []
    for clip, entry in clips.items():
        for concept, label in entry.items():
            if concept in _NOT_CONCEPTS or not isinstance(label, dict):
                continue
            row = {"concept": concept, "value": label.get("label"), "clip_id": clip, "video": entry.get("filepath")}
            rows.append({**row, "tags": label.get("tags"), **_place(entry)})
    return _foreign(rows, folder)


def _place(entry: object) -> dict[str, Any]:
    """Return the segment of an entry, whose frames count from 1."""
    support, times = (entry.get("support"), entry.get("timestamps")) if isinstance(entry, dict) else (None, None)
    if isinstance(support, list) and len(support) == 2 and all(isinstance(frame, int) for frame in support):
        return {"frame_in": support[0] - 1, "frame_out": support[1]}
    if isinstance(times, list) and len(times) == 2:
        return {"start": times[0], "end": times[1]}
    return {}


def _foreign(rows: list[dict[str, Any]], path: Path) -> Foreign:
    if not rows:
        raise ExchangeError(f"{path} holds no labels.")
    numbers = np.arange(1, len(rows) + 1, dtype=np.int64)
    return Foreign(pd.DataFrame(rows, dtype=object), path.name, "label", numbers)
