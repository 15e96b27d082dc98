"""ELAN: an .eaf file for each video, with a tier for each concept and annotator, whose annotations say yes, no, unsure.

See the EAF schema, version 3.0, of the Max Planck Institute for Psycholinguistics.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from mimetypes import guess_type
from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # trees are only built here; files are parsed by safe_xml
from xml.etree.ElementTree import Element, SubElement

import numpy as np
import pandas as pd

from va_widgets.base.errors import ExchangeError
from va_widgets.base.paths import inside, is_folder
from va_widgets.exchange.content import Content
from va_widgets.exchange.foreign import Foreign
from va_widgets.exchange.formats.names import METADATA, are_answers, files_of, held_not, left_out, placed, unquoted
from va_widgets.exchange.formats.safe_xml import parsed

_BETWEEN = " · "  # in the name of a tier: concept, annotator, number
_NUMBER = re.compile(rf"{_BETWEEN}[0-9]+$")
_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_VIDEO = "va-widgets:video"


def files(content: Content) -> tuple[dict[str, bytes], list[str]]:
    """Return a file for each video; clips that overlap, which one tier cannot hold, are in further tiers."""
    rows = content.rows[content.rows["value"] != "tie"]
    kept = placed(rows).sort_values(["start", "end"], kind="stable")
    names = files_of(sorted(kept["video"].unique()))
    written = {
        f"{names[str(video)]}.eaf": _document(str(video), clips)
        for video, clips in kept.groupby("video", sort=True, observed=True)
    }
    ties = len(content.rows) - len(rows)
    notes = left_out({"ties": ties, "clips without times": len(rows) - len(kept)}, "ELAN")
    if content.guidelines:
        notes.append("ELAN holds no guidelines.")
    return written, [*notes, *held_not(rows, "ELAN", METADATA)]


def _document(video: str, clips: pd.DataFrame) -> bytes:
    ElementTree.register_namespace("xsi", _INSTANCE)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    root = Element("ANNOTATION_DOCUMENT", AUTHOR="va-widgets", DATE=now, FORMAT="3.0", VERSION="3.0")
    root.set(f"{{{_INSTANCE}}}noNamespaceSchemaLocation", _SCHEMA)
    header = SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    SubElement(header, "MEDIA_DESCRIPTOR", MEDIA_URL=video, MIME_TYPE=guess_type(video)[0] or "video/mp4")
    SubElement(header, "PROPERTY", NAME=_VIDEO).text = video
    order = SubElement(root, "TIME_ORDER")
    number = 0
    for names, labels in clips.groupby(["concept", "annotator"], sort=True):
        concept, annotator = map(str, names)
        tiers: list[tuple[float, Element]] = []  # the end of each tier's last annotation
        for start, end, value in zip(labels["start"], labels["end"], labels["value"], strict=True):
            place = next((n for n, (until, _) in enumerate(tiers) if until <= start), len(tiers))
            if place == len(tiers):
                parts = [concept, annotator] if annotator else [concept]
                name = _BETWEEN.join([*parts, *([str(place + 1)] if place else [])])
                tier = Element("TIER", TIER_ID=name, LINGUISTIC_TYPE_REF="label", PARTICIPANT=concept)
                if annotator:
                    tier.set("ANNOTATOR", annotator)
                tiers.append((end, tier))
                root.append(tier)
            tier = tiers[place][1]
            tiers[place] = (end, tier)
            number += 1
            slots = f"ts{2 * number - 1}", f"ts{2 * number}"
            for slot, moment in zip(slots, (start, end), strict=True):
                SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(round(moment * 1000)))
            aligned = SubElement(SubElement(tier, "ANNOTATION"), "ALIGNABLE_ANNOTATION", ANNOTATION_ID=f"a{number}")
            for side, slot in enumerate(slots, 1):
                aligned.set(f"TIME_SLOT_REF{side}", slot)
            SubElement(aligned, "ANNOTATION_VALUE").text = value
    SubElement(root, "LINGUISTIC_TYPE", LINGUISTIC_TYPE_ID="label", TIME_ALIGNABLE="true", GRAPHIC_REFERENCES="false")
    ElementTree.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="utf-8") + b"\n"


def read(path: Path) -> Foreign:
    """Return the annotations of a file, or of all files in a folder.

    Those of a tier with a yes or a no among its annotations answer whether its name is shown; those of other tiers
    name what is shown. Annotations that refer to others have no times of their own and are left out.
    """
    files = sorted(path.glob("*.eaf")) if is_folder(path) else [path]
    if not files:
        raise ExchangeError(f"{path} holds no .eaf files.")
    rows: list[dict[str, Any]] = []
    parts: list[str] = []
    numbers: list[int] = []
    refer = 0
    for file in files:
        source = inside(path, file.name, error=ExchangeError) if is_folder(path) else file
        root = parsed(source)
        if root.tag != "ANNOTATION_DOCUMENT":
            raise ExchangeError(f"{file} is no file of ELAN: it begins with {root.tag!r}.")
        video = _video(root) or unquoted(file.stem)
        slots = {slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iter("TIME_SLOT")}
        number = 0
        for tier in root.iter("TIER"):
            refer += sum(1 for _ in tier.iter("REF_ANNOTATION"))
            found = list(tier.iter("ALIGNABLE_ANNOTATION"))
            texts = [(mark.findtext("ANNOTATION_VALUE") or "").strip() for mark in found]
            answers = are_answers(texts)
            for mark, text in zip(found, texts, strict=True):
                number += 1
                start, end = (_seconds(slots.get(mark.get(f"TIME_SLOT_REF{side}"))) for side in (1, 2))
                row = {"video": video, "start": start, "end": end, "annotator": tier.get("ANNOTATOR") or None}
                rows.append(
                    {**row, "concept": _concept(tier) if answers else text, "value": text if answers else "yes"}
                )
                parts.append(file.name)
                numbers.append(number)
    if not rows:
        raise ExchangeError(f"{path} holds no annotations with times.")
    notes = [f"Annotations without times of their own: {refer:,} left out."] if refer else []
    table = pd.DataFrame(rows, dtype=object)
    places = parts if len(files) > 1 else None
    return Foreign(table, path.name, "annotation", np.array(numbers, dtype=np.int64), places, notes=notes)


def _video(root: Element) -> str:
    """Return the video of a file: the one that we noted, or that of its first media descriptor."""
    noted = root.find(f"HEADER/PROPERTY[@NAME='{_VIDEO}']")
    if noted is not None and noted.text:
        return noted.text
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    return "" if media is None else media.get("RELATIVE_MEDIA_URL") or media.get("MEDIA_URL") or ""


def _concept(tier: Element) -> str:
    """Return the concept that a tier is about: its name, without the annotator and number that we append."""
    name, annotator = tier.get("TIER_ID") or "", tier.get("ANNOTATOR")
    concept = tier.get("PARTICIPANT") or ""
    expected = _BETWEEN.join([concept, annotator] if annotator else [concept])
    if concept and (name == expected or _NUMBER.sub("", name) == expected):
        return concept
    return name


def _seconds(milliseconds: str | None) -> float | str:
    """Return a time in seconds, or what is there in its place."""
    try:
        return "missing" if milliseconds is None else int(milliseconds) / 1000
    except ValueError:
        return str(milliseconds)
