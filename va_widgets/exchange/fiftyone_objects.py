"""Labels as objects of FiftyOne, for a dataset of the user's, where it is installed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any, NamedTuple

from va_widgets.base.errors import MissingPackageError
from va_widgets.base.paths import GivenPath
from va_widgets.corpus.open_corpus import OpenCorpus
from va_widgets.exchange.exporting import content_of
from va_widgets.exchange.formats.fiftyone import records, segment
from va_widgets.exchange.formats.names import placed


class FiftyOneLabels(NamedTuple):
    """Labels on which most annotators agree, as objects of FiftyOne.

    `detections` are {video: fiftyone.TemporalDetections}, of the clips that count as yes and of which the corpus knows
    the frames; `classifications` are {clip id: {concept: fiftyone.Classification}}, of all clips with a label.
    """

    detections: dict[str, Any]
    classifications: dict[str, dict[str, Any]]


def to_fiftyone(corpus: OpenCorpus | GivenPath, concepts: Iterable[str] | str | None = None) -> FiftyOneLabels:
    """Return the labels of a corpus as objects of FiftyOne; videos are called as in `corpus.clips`.

    Raises MissingPackageError if FiftyOne is not installed, ExchangeError if there are no labels or no such concept.
    """
    try:
        fiftyone = import_module("fiftyone")
    except ImportError as error:
        raise MissingPackageError(
            "FiftyOne is not installed: pip install fiftyone, or export its JSON by format='fiftyone'."
        ) from error
    content = content_of(corpus, concepts, agreed=True)
    rows = content.rows[content.rows["value"] != "tie"]
    found: dict[str, list[Any]] = {}
    classifications: dict[str, dict[str, Any]] = {}
    for row in records(placed(rows[rows["value"] == "yes"])):
        place = segment(row)
        if "support" in place:
            detection = fiftyone.TemporalDetection(
                label=row["concept"], support=place["support"], tags=row["tags"], clip_id=row["clip_id"]
            )
            found.setdefault(row["video"], []).append(detection)
    for row in records(rows):
        label = fiftyone.Classification(label=row["value"], tags=row["tags"])
        classifications.setdefault(row["clip_id"], {})[row["concept"]] = label
    detections = {video: fiftyone.TemporalDetections(detections=marks) for video, marks in found.items()}
    return FiftyOneLabels(detections, classifications)
