"""Handlers of the explorer's requests, and of the timeline's: one function per request."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import pandas as pd

from va_widgets.base.errors import QueryError, VaError
from va_widgets.base.names import folder_name
from va_widgets.catalogue.exploration import Exploration, Question
from va_widgets.catalogue.labelled import present_name
from va_widgets.catalogue.reel import export_hits
from va_widgets.catalogue.saved_queries import SavedQuery
from va_widgets.catalogue.timeline import known_concepts, labels_of, places
from va_widgets.widget import explorer_protocol as protocol
from va_widgets.widget import media
from va_widgets.widget.cards import finite, motion_of
from va_widgets.widget.protocol import ConceptShown, Filmstrips, Preview

Answer: TypeAlias = tuple[dict[str, Any], list[bytes]]

_MOST_LABELLED = 2_000  # clips that are opened in the annotator at once
_MIMES: dict[protocol.Format, str] = {
    "csv": "text/csv",
    "otio": "application/json",
    "edl": "text/plain",
    "fcpxml": "application/xml",
}
_NO_MODELS = (
    "No models are published from this corpus yet: publish one by session.publish(…), or in an annotator’s Review."
)


class Labelling(Protocol):
    """How clips are labelled in the explorer's place."""

    annotator: str
    """Whose labels these are."""

    @property
    def concept(self) -> str:
        """The concept that is labelled; "" if none is."""

    def open(self, concept: str, clips: list[str], title: str) -> None:
        """Open clips for a concept, which may be new."""


@dataclass
class Explored:
    """What the handlers work on; `shown` is what a timeline shows: a video and its models."""

    exploration: Exploration
    labelling: Labelling | None = None
    shown: tuple[str, tuple[str, ...]] = ("", ())


def answer(explored: Explored, request: protocol.ExplorerRequest) -> Answer:
    """Carry out a request; return the reply's result and buffers. Raises VaError, or whatever goes wrong."""
    return _HANDLERS[type(request)](explored, request)


# --- what can be asked -------------------------------------------------------------------------------


def _catalogue(explored: Explored, _request: protocol.Catalogue) -> Answer:
    exploration, labelling = explored.exploration, explored.labelling
    exploration.refresh()
    note = exploration.problem or ("" if exploration.models else _NO_MODELS)
    try:
        saved = _saved(exploration)
    except QueryError as error:
        saved, note = [], str(error)
    return {
        "corpus": exploration.corpus_id,
        "clips": len(exploration.corpus),
        "names": [_name(name) for name in exploration.names()],
        "columns": exploration.columns(),
        "saved": saved,
        "annotator": "" if labelling is None else labelling.annotator,
        "labelling": "" if labelling is None else labelling.concept,
        "models": exploration.digest,
        "note": note,
    }, []


def _draft(explored: Explored, request: protocol.Draft) -> Answer:
    exploration = explored.exploration
    completions, start, end = exploration.completions(request.text, request.cursor)
    count, fault = 0, None
    try:
        count = exploration.count(_question(request))
    except VaError as error:
        fault = _fault(error)
    names = [_name(name) for name in completions]
    return {"count": count, "fault": fault, "completions": names, "start": start, "end": end}, []


def _threshold(explored: Explored, request: protocol.Threshold) -> Answer:
    return {"text": explored.exploration.with_threshold(request.text, request.name, request.value)}, []


# --- the clips ---------------------------------------------------------------------------------------


def _hits(explored: Explored, request: protocol.Hits) -> Answer:
    exploration = explored.exploration
    try:
        answer = exploration.answer(_question(request), request.order, request.by)
    except VaError as error:
        return {"count": 0, "names": [], "hits": [], "fault": _fault(error)}, []
    table = answer.table(request.k, request.offset)
    rows = answer.rows[request.offset : request.offset + request.k].tolist()
    clips = exploration.corpus.clips.iloc[rows][["video", "start", "end"]]
    moves = motion_of(exploration.corpus, rows)
    scores = [[_plain(value) for value in table[name]] for name in answer.names]
    ranked = table["score"] if "score" in table else [None] * len(table)
    hits = [
        protocol.Hit(
            clip=str(clip),
            video=str(place.video),
            start=finite(place.start),
            end=finite(place.end),
            score=finite(score),
            scores=[column[number] for column in scores],
            frames=exploration.corpus.frames_per_shot,
            motion=motion,
        )
        for number, (clip, place, score, motion) in enumerate(
            zip(table.index, clips.itertuples(), ranked, moves, strict=True)
        )
    ]
    return {"count": len(answer.rows), "names": list(answer.names), "hits": hits, "fault": None}, []


def _summary(explored: Explored, request: protocol.Summary) -> Answer:
    exploration, question = explored.exploration, _question(request)
    thresholds = exploration.thresholds(request.text)
    histograms = []
    for name, kind, counted in exploration.histograms(question):
        threshold = thresholds.get(name)
        histograms.append(
            protocol.HistogramShown(
                name=name,
                kind=kind,
                low=counted.low,
                high=counted.high,
                bins=counted.all.tolist(),
                hits=counted.matching.tolist(),
                threshold=None if threshold is None else threshold.value,
                above=threshold is None or threshold.above,
            )
        )
    facet = exploration.facet(question)
    shown = None
    if facet is not None:
        values = [protocol.ValueCount(value, clips) for value, clips in facet[0]]
        shown = protocol.FacetShown(request.column, values, facet[1])
    return {"histograms": histograms, "facet": shown}, []


def _timeline(explored: Explored, request: protocol.Timeline) -> Answer:
    exploration, text = explored.exploration, request.text
    video, slugs = explored.shown
    if request.clip:
        video = str(exploration.corpus.clips["video"].iloc[exploration.corpus.row(request.clip)])
    else:
        text = exploration.any_of(slugs)
    columns, thresholds = exploration.numbers(text), exploration.thresholds(text)
    concepts = {name: exploration.models[name].concept for name in columns if name in exploration.models}
    found, labels = places(exploration.corpus, video), labels_of(exploration.corpus, list(concepts.values()))
    clips = exploration.corpus.clips.index[found.best_rows(next(iter(columns.values()), None))].tolist()
    tracks = []
    for name, values in columns.items():
        concept, threshold = concepts.get(name, ""), thresholds.get(name)
        own = labels.get(concept, {})
        scores = [finite(score) for score in found.highest(values).round(4).tolist()]
        shown = {clip: own[clip] for clip in clips if clip in own}
        tracks.append(
            protocol.Track(name, concept, None if threshold is None else threshold.value, scores, shown)  # type: ignore[arg-type]
        )
    times = {"starts": found.starts.round(3).tolist(), "ends": found.ends.round(3).tolist()}
    return {"video": video, "clips": clips, **times, "tracks": tracks}, []


def _filmstrips(explored: Explored, request: Filmstrips) -> Answer:
    strips, buffers = media.filmstrips(explored.exploration.corpus, request.clips, request.width)
    return {"strips": strips}, buffers


def _preview(explored: Explored, request: Preview) -> Answer:
    return media.preview(explored.exploration.corpus, request.clip, request.context)


# --- saved queries -----------------------------------------------------------------------------------


def _save(explored: Explored, request: protocol.Save) -> Answer:
    query = SavedQuery(request.name, request.text, request.column, request.values)
    explored.exploration.saved.save(query, replace=request.replace)
    return {"saved": _saved(explored.exploration)}, []


def _rename(explored: Explored, request: protocol.Rename) -> Answer:
    explored.exploration.saved.rename(request.name, request.to)
    return {"saved": _saved(explored.exploration)}, []


def _remove(explored: Explored, request: protocol.Remove) -> Answer:
    explored.exploration.saved.remove(request.name)
    return {"saved": _saved(explored.exploration)}, []


# --- what the clips are for --------------------------------------------------------------------------


def _hits_file(explored: Explored, request: protocol.HitsFile) -> Answer:
    exploration = explored.exploration
    table = exploration.answer(_question(request), request.order, request.by).table()
    name = f"{folder_name(request.text[:60], 'clips')}.{request.format}"
    with tempfile.TemporaryDirectory(prefix="va-widgets-") as folder:
        data = export_hits(table, exploration.corpus, Path(folder) / name).read_bytes()
    return {"file": name, "mime": _MIMES[request.format], "clips": len(table)}, [data]


def _label_concepts(explored: Explored, _request: protocol.LabelConcepts) -> Answer:
    exploration = explored.exploration
    none = {"yes": 0, "no": 0, "unsure": 0, "annotators": 0}
    known = {row["concept"]: row for row in known_concepts(exploration.corpus)}
    for model in exploration.models.values():
        name = present_name(exploration.corpus, model.concept)
        known.setdefault(name, none)
    concepts = [
        ConceptShown(concept, int(row["yes"]), int(row["no"]), int(row["unsure"]), int(row["annotators"]), False)
        for concept, row in sorted(known.items())
    ]
    return {"concepts": concepts}, []


def _label_hits(explored: Explored, request: protocol.LabelHits) -> Answer:
    exploration, labelling = explored.exploration, explored.labelling
    if labelling is None:
        raise QueryError("Clips are labelled in an explorer, not in a timeline.")
    clips = request.clips
    if not clips:
        answer = exploration.answer(_question(request), request.order, request.by)
        clips = answer.table(_MOST_LABELLED).index.tolist()
    if not clips:
        raise QueryError("There are no clips to label: change the query so that it finds some.")
    labelling.open(request.concept.strip(), clips, request.text or "every clip")
    return {"concept": labelling.concept, "clips": len(clips)}, []


# --- inside ------------------------------------------------------------------------------------------


def _question(request: protocol.Question) -> Question:
    return Question(request.text, request.column, tuple(request.values))


def _name(name: Any) -> protocol.NameShown:
    return protocol.NameShown(name.name, name.kind, name.detail, name.insert)


def _saved(exploration: Exploration) -> list[protocol.SavedQueryShown]:
    return [
        protocol.SavedQueryShown(query.name, query.text, query.column, query.values)
        for query in exploration.saved.all()
    ]


def _fault(error: VaError) -> protocol.Fault:
    if isinstance(error, QueryError):
        return protocol.Fault(str(error), error.column, error.suggestion)
    return protocol.Fault(str(error), None, "")


def _plain(value: object) -> float | str | None:
    """Return a value as a card shows it: numbers as they are, anything else as text, None where it is missing."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    if isinstance(value, (int, float, np.number)):
        return finite(value)
    is_missing = value is None or value is pd.NA or value is pd.NaT
    return None if is_missing else str(value)[:200]


_HANDLERS: Mapping[type, Callable[[Explored, Any], Answer]] = {
    protocol.Catalogue: _catalogue,
    protocol.Draft: _draft,
    protocol.Hits: _hits,
    protocol.Summary: _summary,
    protocol.Threshold: _threshold,
    protocol.Save: _save,
    protocol.Rename: _rename,
    protocol.Remove: _remove,
    protocol.HitsFile: _hits_file,
    protocol.LabelConcepts: _label_concepts,
    protocol.LabelHits: _label_hits,
    protocol.Timeline: _timeline,
    Filmstrips: _filmstrips,
    Preview: _preview,
}
