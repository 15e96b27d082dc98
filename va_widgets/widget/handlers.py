"""Handlers of the page's requests: one function per request, which returns the reply's result and its buffers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from va_widgets.base.errors import (
    ArgumentError,
    LabelError,
    NotSavedError,
    SearchUnavailableError,
    UnknownClipError,
    VaError,
)
from va_widgets.base.names import escaped, folder_name
from va_widgets.session import FLAT, LabelValue, Session
from va_widgets.video.motion.words import is_static
from va_widgets.widget import media, protocol
from va_widgets.widget.cards import clip_cards, remarks_shown, review_cards, shown_labels, tagged
from va_widgets.widget.controller import Controller
from va_widgets.widget.protocol import ConceptShown

Answer: TypeAlias = tuple[dict[str, Any], list[bytes]]
Handler: TypeAlias = Callable[[Controller, Any], Answer]
_Found: TypeAlias = protocol.Search | protocol.Similar | protocol.Sorted  # requests of the search tab

_VALUES: dict[str, LabelValue] = {"yes": True, "no": False, "unsure": "unsure", "none": None}
_FLAT_REASON = "hardly matches"
_LIKENESSES: dict[protocol.Likeness, tuple[list[str], str]] = {  # in which views, and the reason on the cards
    "look": (["appearance"], "looks alike"),
    "motion": (["motion"], "moves alike"),
    "both": (["appearance", "motion"], "looks and moves alike"),
}
# Requests for clips or labels by the classifier.
_BY_CLASSIFIER = (protocol.Feed, protocol.Review, protocol.Reviewed, protocol.Publish, protocol.Export)


def answer(controller: Controller, request: protocol.Request) -> Answer:
    """Carry out a request; return the reply's result and buffers. Raises VaError, or whatever goes wrong."""
    return _HANDLERS[type(request)](controller, request)


def needs_model(session: Session, request: protocol.Request) -> bool:
    """Whether the answer takes as long as loading the text model does."""
    if isinstance(request, protocol.Search):
        return not session.answers_at_once(request.text)
    return isinstance(request, _BY_CLASSIFIER) and not session.ready


def error_code(error: VaError) -> str:
    """Return the code by which the page distinguishes errors."""
    if isinstance(error, NotSavedError):
        return "not_saved"
    if isinstance(error, UnknownClipError):
        return "unknown_clip"
    if isinstance(error, SearchUnavailableError):
        return "no_text_search"
    if isinstance(error, (ArgumentError, LabelError)):
        return "bad_value"
    return "failed"


def unexpected(request: protocol.Request, content: object, error: Exception) -> dict[str, Any]:
    """Return the reply to a request that failed by an error that is none of ours."""
    message = f"{type(request).__name__} failed in the kernel ({type(error).__name__}: {error}); try it again."
    return protocol.failure(*protocol.identity(content), "failed", message)


# --- pages and concepts ------------------------------------------------------------------------------


def _hello(controller: Controller, request: protocol.Hello) -> Answer:
    controller.add_page(request.page)
    # The page keeps labels that are not saved yet under this name; no path of the machine has to leave it.
    corpus = hashlib.sha256(escaped(controller.session.corpus.path).encode()).hexdigest()[:16]
    own = controller.session.own_labels
    return {
        "status": controller.pages.status(),
        "tags": controller.session.tags,
        "session": controller.run_id,
        "corpus": corpus,
        "selection": controller.pages.selection,
        "labels": shown_labels({clip: own.get(clip, "none") for clip in request.clips}),
    }, []


def _bye(controller: Controller, request: protocol.Bye) -> Answer:
    controller.remove_page(request.page)
    return {}, []


def _concepts(controller: Controller, _request: protocol.Concepts | protocol.Forget | protocol.Archive) -> Answer:
    session = controller.session
    concepts = []
    archived = session.archived_concepts
    for row in session.all_concepts.to_dict("records"):
        name = str(row["concept"])
        yes, no, unsure = (int(row[value]) for value in ("yes", "no", "unsure"))
        empty = not (yes or no or unsure or row["guideline"] or name == session.concept)
        people, is_archived = int(row["annotators"]), name in archived
        concepts.append(ConceptShown(name, yes, no, unsure, people, empty and not is_archived, is_archived))
    return {"concepts": concepts}, []


def _switch(controller: Controller, request: protocol.Switch) -> Answer:
    controller.switch(request.concept.strip())
    return {"status": controller.pages.status()}, []


def _forget(controller: Controller, request: protocol.Forget) -> Answer:
    controller.session.forget_concept(request.concept)
    return _concepts(controller, request)


def _rename_concept(controller: Controller, request: protocol.RenameConcept) -> Answer:
    name = request.name.strip()
    shown = controller.session
    is_shown = request.concept == shown.concept
    _session_of(controller, request.concept).rename(name)
    if is_shown and shown.name_now(request.concept) == name:
        controller.switch(name)
    return {"status": controller.pages.status()}, []


def _archive(controller: Controller, request: protocol.Archive) -> Answer:
    change = controller.session.archive_concept if request.archived else controller.session.restore_concept
    change(request.concept)
    return _concepts(controller, request)


def _hints(controller: Controller, request: protocol.Hints) -> Answer:
    controller.session.hints(request.concept, offered=request.offered)
    return {"status": controller.pages.status()}, []


def _guideline(controller: Controller, request: protocol.Guideline) -> Answer:
    controller.session.guideline = request.text
    return {"status": controller.pages.status()}, []


# --- clips -------------------------------------------------------------------------------------------


def _search(controller: Controller, request: protocol.Search) -> Answer:
    controller.pages.selection = None  # the search takes its place on the page
    hidden = _hidden(controller.session, request)
    where = _where(controller.session, request)
    try:
        matches = controller.session.search(request.text, request.k + len(hidden), where=where)
    except SearchUnavailableError:
        controller.pages.send_event("status")  # before the error: the status holds the reason
        raise
    note = matches.attrs["note"]
    shown = matches[~matches["clip_id"].isin(hidden)].head(request.k)
    cards = clip_cards(controller.session, shown, _FLAT_REASON if FLAT in note else "matches the words")
    if matches.attrs["motion"]:  # the score is no similarity then, and each card says what its camera does
        cards = [replace(card, score=None, reason=card.motion.words if card.motion else "") for card in cards]
    status = controller.pages.status()
    return {"cards": cards, "status": status, "note": note, "motion": matches.attrs["motion"]}, []


def _similar(controller: Controller, request: protocol.Similar) -> Answer:
    controller.pages.selection = None
    hidden = _hidden(controller.session, request)
    where = _where(controller.session, request)
    views, reason = _LIKENESSES[request.by if controller.session.corpus.has_motion else "look"]
    matches = controller.session.similar(request.clip, request.k + len(hidden), by=views, where=where)
    shown = matches[~matches["clip_id"].isin(hidden)].head(request.k)
    return {"cards": clip_cards(controller.session, shown, reason)}, []


def _sorted(controller: Controller, request: protocol.Sorted) -> Answer:
    controller.pages.selection = None
    session, hidden = controller.session, _hidden(controller.session, request)
    where = _where(session, request)
    clips = session.corpus.sorted_by(request.number, request.k + len(hidden), lowest=request.lowest, where=where)
    shown = clips[~clips["clip_id"].isin(hidden)].head(request.k)
    reasons = [f"{request.number} {value:.3g}" for value in shown["score"]]
    return {"cards": clip_cards(session, shown.assign(score=None, reason=reasons), "")}, []


def _hidden(session: Session, request: _Found) -> set[str]:
    """Return the clips that a search leaves out, however well they match."""
    return set(request.exclude) | (set() if request.labelled else set(session.own_labels))


def _where(session: Session, request: _Found) -> NDArray[np.bool_] | None:
    """Return the clips that a search chooses from by their motion, bool (n,); None for all."""
    if request.motion == "all" or not session.corpus.has_motion:
        return None
    motion = session.corpus.motion
    clips = session.corpus.clips
    static = is_static(motion, clips["end"] - clips["start"])
    return static if request.motion == "static" else ~static & motion["pan"].notna().to_numpy()


def _feed(controller: Controller, request: protocol.Feed) -> Answer:
    clips = controller.session.feed(request.name, request.k, exclude=request.exclude)
    return {"cards": clip_cards(controller.session, clips, ""), "version": controller.session.version}, []


def _review(controller: Controller, request: protocol.Review) -> Answer:
    session = controller.session
    table = session.review(request.value, request.order, request.annotator or None)
    if request.tag:
        table = tagged(session, table, request.tag, with_others=request.value == "all" and not request.annotator)
    cards = review_cards(session, table.iloc[: request.k], request.annotator)
    annotators = session.annotators["annotator"].tolist()
    tags = session.remark_tags
    return {"clips": table["clip_id"].tolist(), "cards": cards, "annotators": annotators, "tags": tags}, []


def _reviewed(controller: Controller, request: protocol.Reviewed) -> Answer:
    # A clip whose label was taken back meanwhile keeps its place, without a suspicion.
    session = controller.session
    for clip in request.clips:
        session.corpus.row(clip)  # raises UnknownClipError, which names the clip
    table = session.review(annotator=request.annotator or None)
    table = table.set_index("clip_id").reindex(request.clips).rename_axis("clip_id").reset_index()
    table["note"] = [note if isinstance(note, str) else "" for note in table["note"]]
    return {"cards": review_cards(session, table, request.annotator)}, []


def _filmstrips(controller: Controller, request: protocol.Filmstrips) -> Answer:
    strips, buffers = media.filmstrips(controller.session.corpus, request.clips, request.width)
    return {"strips": strips}, buffers


def _preview(controller: Controller, request: protocol.Preview) -> Answer:
    return media.preview(controller.session.corpus, request.clip, request.context)


# --- labels and models -------------------------------------------------------------------------------


def _session_of(controller: Controller, concept: str) -> Session:
    """Return the session of a concept that the page has had open, whatever it is called now."""
    shown = controller.session
    return shown if concept == shown.concept else shown.for_concept(shown.name_now(concept))


def _label(controller: Controller, request: protocol.Label) -> Answer:
    session = _session_of(controller, request.concept)
    labels = session.label(request.clips, _VALUES[request.value], source=request.source, message_id=request.id)
    return {"labels": shown_labels(labels)}, []


def _undo(controller: Controller, request: protocol.Undo) -> Answer:
    labels = _session_of(controller, request.concept).undo(message_id=request.id)
    return {"labels": shown_labels(labels)}, []


def _redo(controller: Controller, request: protocol.Redo) -> Answer:
    labels = _session_of(controller, request.concept).redo(message_id=request.id)
    return {"labels": shown_labels(labels)}, []


def _remark(controller: Controller, request: protocol.Remark) -> Answer:
    session = _session_of(controller, request.concept)
    session.remark(request.clip, request.note, request.tags)
    return {"remark": remarks_shown(session, [request.clip])[request.clip], "tags": session.tags}, []


def _refit(controller: Controller, _request: protocol.Refit) -> Answer:
    controller.worker.now()
    return {"status": controller.pages.status()}, []


def _publish(controller: Controller, request: protocol.Publish) -> Answer:
    model = controller.session.publish(request.name)
    folder = escaped(model.folder)
    published = {"name": model.name, "version": model.version, "folder": folder, "line": _loading_line(model.folder)}
    return {**published, "status": controller.pages.status()}, []


def _loading_line(folder: Path) -> str:
    """Return the line of Python that loads a published model."""
    return f"model = va.load_model({str(folder)!r})"


def _export(controller: Controller, _request: protocol.Export) -> Answer:
    session = controller.session
    table = session.found().round({"start": 3, "end": 3, "score": 4})
    # The mark of UTF-8 at the beginning is what tells Excel the encoding.
    data = table.to_csv(index=False).encode("utf-8-sig")
    return {"file": f"{folder_name(session.concept, 'concept')}.csv", "mime": "text/csv", "clips": len(table)}, [data]


_HANDLERS: Mapping[type, Handler] = {
    protocol.Hello: _hello,
    protocol.Bye: _bye,
    protocol.Concepts: _concepts,
    protocol.Switch: _switch,
    protocol.Forget: _forget,
    protocol.RenameConcept: _rename_concept,
    protocol.Archive: _archive,
    protocol.Hints: _hints,
    protocol.Guideline: _guideline,
    protocol.Search: _search,
    protocol.Similar: _similar,
    protocol.Sorted: _sorted,
    protocol.Feed: _feed,
    protocol.Review: _review,
    protocol.Reviewed: _reviewed,
    protocol.Filmstrips: _filmstrips,
    protocol.Preview: _preview,
    protocol.Label: _label,
    protocol.Undo: _undo,
    protocol.Redo: _redo,
    protocol.Remark: _remark,
    protocol.Refit: _refit,
    protocol.Publish: _publish,
    protocol.Export: _export,
}
