"""The annotator: an anywidget that lets a person search, label and review in a notebook cell."""

from __future__ import annotations

import hashlib
import itertools
import logging
import math
import os
import threading
import uuid
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, NoReturn, SupportsIndex

import anywidget
import msgspec
import pandas as pd
import traitlets

from va_widgets.base import arguments, background
from va_widgets.base.errors import (
    ArgumentError,
    LabelError,
    NotSavedError,
    ProtocolError,
    SearchUnavailableError,
    UnknownClipError,
    VaError,
)
from va_widgets.base.listeners import Listener, Listeners
from va_widgets.base.names import escaped
from va_widgets.base.texts import without_lone_surrogates
from va_widgets.display.still import still
from va_widgets.session import FLAT, LabelValue, Session
from va_widgets.widget import media, protocol
from va_widgets.widget.protocol import Card, ConceptShown, Point, QualityShown, Selection, Status
from va_widgets.widget.worker import RefitWorker

_STATIC = Path(__file__).parent / "static"
_VALUES: dict[str, LabelValue] = {"yes": True, "no": False, "unsure": "unsure", "none": None}
_LONGEST_SELECTION, _LONGEST_TITLE, _LONGEST_COURSE = 2_000, 80, 100
# What shows clips or labels by the classifier.
_BY_CLASSIFIER = (protocol.Feed, protocol.Review, protocol.Reviewed, protocol.Publish)
_LOADING = "Loading the text model; the first time its weights are downloaded, which may take minutes."
_THEN = "The first clips come then."
_FLAT = "these words do not tell your clips apart"
_numbers = itertools.count()  # of annotators, in the order in which they were made
_log = logging.getLogger(__name__)

Answer = tuple[dict[str, Any], list[bytes]]


def _bundle(name: str) -> str:
    path = _STATIC / name
    if not path.is_file():
        raise VaError(
            f"The front end's bundle ({name}) is missing from this installation: install va-widgets again,"
            " or run `npm ci && npm run build` in js/ of a source checkout."
        )
    return path.read_text(encoding="utf-8")


class Annotator(anywidget.AnyWidget):
    """Shows a session in a notebook cell: tabs Search, Feeds and Review, cards, labels by button and key.

    Parameters
    ----------
    session : Session
        Several annotators may show one session, and one annotator may be displayed several times. `session` is the
        one that is shown now: the page may switch to another concept of the corpus, or start a new one. An annotator
        that no page shows, such as that of a cell that was run again, goes on with the session of a newer one for the
        same labels, so that it keeps no former session, corpus and open files.

    Raises
    ------
    VaError
        If what was given is not a session, or the installation lacks the front end's bundle.
    """

    place = traitlets.Dict().tag(sync=True)
    """Where the person is: tab, feed, query, card size, keys. The front end writes it; it survives a page reload."""

    _opened = False  # Python closes an annotator that was refused, too
    _all: ClassVar[weakref.WeakSet[Annotator]] = weakref.WeakSet()

    _names: ClassVar[dict[type, str]] = {
        protocol.Hello: "_hello",
        protocol.Bye: "_bye",
        protocol.Search: "_search",
        protocol.Similar: "_similar",
        protocol.Feed: "_feed",
        protocol.Review: "_review",
        protocol.Reviewed: "_reviewed",
        protocol.Label: "_label",
        protocol.Undo: "_undo",
        protocol.Redo: "_redo",
        protocol.Refit: "_refit",
        protocol.Guideline: "_guideline",
        protocol.Concepts: "_concepts",
        protocol.Switch: "_switch",
        protocol.Publish: "_publish",
        protocol.Filmstrips: "_filmstrips",
        protocol.Preview: "_preview",
    }

    def __init__(self, session: Session) -> None:
        if not isinstance(session, Session):
            raise VaError(
                f"An Annotator shows a session, not {type(session).__name__}:"
                " write va.Annotator(va.Session(corpus, …))."
            )
        self._esm = _bundle("annotator.js")
        self._css = _bundle("annotator.css")
        super().__init__()
        self.session = session
        self._run = uuid.uuid4().hex
        self._state: str = "ready"
        self._message = ""
        self._selection: Selection | None = None
        # A cell that is run again leaves its former annotator alive in the kernel: one that no page shows is quiet. A
        # page that went without a word, such as a reloaded one, stays in here.
        self._pages: set[str] = set()
        self._listeners = Listeners()
        self._worker = RefitWorker(self._refit_shown, self._refit_starts, self._refit_failed)
        self._unsubscribe = session.subscribe(self._heard)
        self._switching = threading.Lock()
        # A preview of a large video takes seconds to cut: labels and feeds must not wait behind it.
        self._previews = background.TaskQueue("va-preview")
        # What needs a model that is not loaded yet is answered when it is; labels must not wait behind it either.
        self._loading = background.TaskQueue("va-loading")
        self._process = os.getpid()
        self._number = next(_numbers)
        self._opened = True
        self._warm = False
        self._last_status: Status | None = None
        self.on_msg(self._receive)
        for other in tuple(Annotator._all):
            other._follow(self)
        Annotator._all.add(self)

    def close(self) -> None:
        """Take the widget off the page and end its threads. The session goes on."""
        if self._opened:
            if os.getpid() != self._process:  # Python closes what it forgets in a forked child, too
                return
            self._unsubscribe()
            self._worker.stop()
            self._previews.cancel()
            self._loading.cancel()
            Annotator._all.discard(self)
        super().close()

    @traitlets.validate("place")
    def _checked_place(self, proposal: traitlets.Bunch) -> object:
        return without_lone_surrogates(proposal["value"])  # a page that is reloaded gets it sent

    def show(self, clip_ids: arguments.ClipIds, title: str = "selection") -> None:
        """Open clips of your choice on the page, as a list in the Search tab, in the order in which they are given.

        It stays until the person searches for something else. At most 2,000 clips are shown, the first ones.

        Raises UnknownClipError if a clip is not in the corpus, ArgumentError if clip ids or the title are none, and
        then changes nothing.
        """
        given = arguments.clip_ids(clip_ids, "The clips to show")
        title = arguments.text(title, "The title")
        clips = list(dict.fromkeys(given))[:_LONGEST_SELECTION]
        for clip in clips:
            self.session.corpus.row(clip)
        self._selection = Selection(" ".join(title.split())[:_LONGEST_TITLE], clips)
        self._tell("show", selection=self._selection)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(event, data)` after every event of the session that is shown now, and after a "switch" to
        another one; returns the way to stop it.

        It is called on the thread that caused the event.
        """
        return self._listeners.add(arguments.function(listener, "The listener"))

    def __copy__(self) -> NoReturn:
        raise VaError(
            "An Annotator can be neither copied nor pickled, since it is a view in this notebook: make another one of"
            " its session with va.Annotator(session)."
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        self.__copy__()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        self.__copy__()

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The live view, and beside it a still for places where no kernel runs; hosts prefer the first."""
        bundle: tuple[dict[str, Any], dict[str, Any]] | None = super()._repr_mimebundle_(**options)
        if bundle is None:
            return None
        data, metadata = bundle
        try:
            return {**data, "text/html": without_lone_surrogates(still(self.session))}, metadata
        except Exception:  # whatever is wrong with a picture, the annotator itself must appear
            _log.exception("The still of the annotator could not be made")
            return bundle

    # --- messages --------------------------------------------------------------------------------

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        """Answer one message; whatever goes wrong, the front end gets one sentence and nothing is half done."""
        try:
            request = protocol.parse(content)
        except ProtocolError as error:
            self._post(protocol.failure(*protocol.identity(content), error.code, str(error)))
            return
        if isinstance(request, protocol.Preview):
            self._previews.submit(lambda: self._answer(request, content))
        elif self._needs_model(request):
            self._loading.submit(lambda: self._answer(request, content))
        else:
            self._answer(request, content)

    def _needs_model(self, request: protocol.Request) -> bool:
        """Whether the answer takes as long as loading the text model does."""
        if isinstance(request, protocol.Search):
            return not self.session.answers_at_once(request.text)
        return isinstance(request, _BY_CLASSIFIER) and not self.session.ready

    def _answer(self, request: protocol.Request, content: object) -> None:
        name = self._names[type(request)]
        try:
            result, buffers = getattr(self, name)(request)
        except VaError as error:
            if isinstance(error, NotSavedError):
                self._tell("status")  # first: the header says what is wrong
            self._post(protocol.failure(*protocol.identity(content), _code(error), str(error)))
        except Exception as error:  # the page must never wait for an answer that will not come
            _log.exception("A %s request failed", type(request).__name__)
            message = f"{type(request).__name__} failed in the kernel ({type(error).__name__}: {error}); try it again."
            self._post(protocol.failure(*protocol.identity(content), "failed", message))
        else:
            self._post(protocol.reply(request, result), buffers)

    def _post(self, message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """Send a message to the pages. Whatever is wrong with it or with the connection must end no thread."""
        try:
            self.send(without_lone_surrogates(message), buffers)
        except Exception:  # the page asks again
            _log.exception("A message could not be sent to the page")

    def _hello(self, request: protocol.Hello) -> Answer:
        if request.page not in self._pages:
            self._pages.add(request.page)  # first: of what happens from now on it is told
            if self.session.pending:
                self._worker.now()  # labels that were given while nobody looked
            if not self._warm:  # not before: a script that shows no page needs no torch
                self._warm = True
                background.start(self._warm_up, "va-warm-up")
        # The page keeps labels that are not saved yet under this name; no path of the machine has to leave it.
        corpus = hashlib.sha256(escaped(self.session.corpus.path).encode()).hexdigest()[:16]
        own = self.session.own_labels
        return {
            "status": self._status(),
            "session": self._run,
            "corpus": corpus,
            "selection": self._selection,
            "labels": _shown({clip: own.get(clip, "none") for clip in request.clips}),
        }, []

    def _bye(self, request: protocol.Bye) -> Answer:
        self._pages.discard(request.page)
        if not self._pages:
            self._worker.forget()
            for other in tuple(Annotator._all):
                self._follow(other)
        return {}, []

    def _follow(self, newer: Annotator) -> None:
        """Go on with the session of a newer annotator for the same labels, unless a page shows this one."""
        session = newer.session
        if self._pages or newer._number < self._number or session is self.session:
            return
        if _shown_by(session) != _shown_by(self.session):
            return
        with self._switching:
            self._unsubscribe()
            self.session = session
            self._last_status = None
            self._unsubscribe = session.subscribe(self._heard)

    def _search(self, request: protocol.Search) -> Answer:
        self._selection = None  # the person has gone on
        try:
            found = self.session.search(request.text, request.k)
        except SearchUnavailableError:
            self._tell("status")  # first: the page shows there why words cannot be searched
            raise
        note = found.attrs["note"]
        reason = _FLAT if FLAT in note else "matches the words"
        return {"cards": self._cards(found, reason), "status": self._status(), "note": note}, []

    def _similar(self, request: protocol.Similar) -> Answer:
        self._selection = None
        found = self.session.similar(request.clip, request.k)
        return {"cards": self._cards(found, "looks alike")}, []

    def _feed(self, request: protocol.Feed) -> Answer:
        found = self.session.feed(request.name, request.k, exclude=request.exclude)
        return {"cards": self._cards(found, ""), "version": self.session.version}, []

    def _review(self, request: protocol.Review) -> Answer:
        table = self.session.review(request.value, request.order, request.annotator or None)
        cards = self._review_cards(table.iloc[: request.k], request.annotator)
        annotators = self.session.annotators["annotator"].tolist()
        return {"clips": table["clip_id"].tolist(), "cards": cards, "annotators": annotators}, []

    def _reviewed(self, request: protocol.Reviewed) -> Answer:
        # A clip whose label was taken back meanwhile keeps its place, without a suspicion.
        for clip in request.clips:
            self.session.corpus.row(clip)  # says which one it does not know
        table = self.session.review(annotator=request.annotator or None)
        table = table.set_index("clip_id").reindex(request.clips).rename_axis("clip_id").reset_index()
        table["note"] = [note if isinstance(note, str) else "" for note in table["note"]]
        return {"cards": self._review_cards(table, request.annotator)}, []

    def _review_cards(self, table: pd.DataFrame, annotator: str) -> list[Card]:
        if annotator and annotator != self.session.annotator:  # the buttons tell one's own labels only
            said = [f"{annotator}: {value}" if isinstance(value, str) else "" for value in table["value"]]
            table = table.assign(
                note=[" · ".join(filter(None, parts)) for parts in zip(said, table["note"], strict=True)]
            )
        rows = [self.session.corpus.row(clip) for clip in table["clip_id"]]  # `reindex` would go through all clips
        return self._cards(table.assign(score=self.session.scores().iloc[rows].to_numpy()), "")

    def _label(self, request: protocol.Label) -> Answer:
        session = self.session.for_concept(request.concept)
        labels = session.label(request.clips, _VALUES[request.value], source=request.source, message_id=request.id)
        return {"labels": _shown(labels)}, []

    def _undo(self, request: protocol.Undo) -> Answer:
        labels = self.session.for_concept(request.concept).undo(message_id=request.id)
        return {"labels": _shown(labels)}, []

    def _redo(self, request: protocol.Redo) -> Answer:
        labels = self.session.for_concept(request.concept).redo(message_id=request.id)
        return {"labels": _shown(labels)}, []

    def _refit(self, _request: protocol.Refit) -> Answer:
        self._worker.now()
        return {"status": self._status()}, []

    def _guideline(self, request: protocol.Guideline) -> Answer:
        self.session.guideline = request.text
        return {"status": self._status()}, []

    def _concepts(self, _request: protocol.Concepts) -> Answer:
        table = self.session.concepts[["concept", "yes", "no", "unsure"]]
        shown = [
            ConceptShown(str(row["concept"]), int(row["yes"]), int(row["no"]), int(row["unsure"]))
            for row in table.to_dict("records")
        ]
        return {"concepts": shown}, []

    def _switch(self, request: protocol.Switch) -> Answer:
        session = self.session.for_concept(request.concept.strip())
        with self._switching:
            switched = session is not self.session
            if switched:
                self._unsubscribe()
                self.session = session
                self._state, self._message, self._selection = "ready", "", None
                self._last_status = None
                self._unsubscribe = session.subscribe(self._heard)
                if session.pending:
                    self._worker.now()
                self._tell("switch")
        if switched:
            self._listeners.tell("switch", {})
        return {"status": self._status()}, []

    def _publish(self, request: protocol.Publish) -> Answer:
        model = self.session.publish(request.name)
        return {"name": model.name, "version": model.version, "status": self._status()}, []

    def _filmstrips(self, request: protocol.Filmstrips) -> Answer:
        strips, buffers = media.filmstrips(self.session, request.clips)
        return {"strips": strips}, buffers

    def _preview(self, request: protocol.Preview) -> Answer:
        return media.preview(self.session, request.clip, request.context)

    # --- events ----------------------------------------------------------------------------------

    def _heard(self, name: str, data: Mapping[str, Any]) -> None:
        if os.getpid() != self._process:  # the pages are those of the process that this one was forked from
            return
        if name == "labels":
            self._tell("labels", labels=_shown(data["labels"]))
            if self._pages:
                self._worker.labelled(len(data["labels"]))
        elif name == "refit":
            refit = data["refit"]
            self._state, self._message = "ready", ""
            self._tell("refit", version=refit.version, flipped=refit.flipped, seconds=refit.seconds)
        else:
            self._tell("status")
        self._listeners.tell(name, data)

    def _tell(self, name: protocol.EventName, **data: object) -> None:
        """Send an event with the status to the pages. Where there are none, it does not cost anything either."""
        if not self._pages:
            return
        try:
            message = protocol.event(name, {**data, "status": self._status()})
        except Exception:  # whatever cannot be shown, labelling and learning go on
            _log.exception("The page could not be told of %s", name)
            return
        self._post(message)

    def _refit_starts(self) -> None:
        self._state, self._message = "refitting", ""
        self._tell("status")

    def _refit_shown(self) -> None:
        self.session.refit()
        if self._state == "refitting":  # somebody else's refit had learnt all labels, so that this one told nothing
            self._state = "ready"
            self._tell("status")

    def _refit_failed(self, error: Exception) -> None:
        if self.session.closed:
            return
        _log.error("The refit failed", exc_info=error)
        self._state = "error"
        self._message = (
            f"The classifier could not be refitted ({error}). Your labels are safe; label another clip to try again."
        )
        self._tell("status")

    def _warm_up(self) -> None:
        try:
            self.session.warm_up()
        except VaError as error:  # the search itself will say so when it is asked for
            _log.info("The text encoder could not be loaded ahead of time: %s", error)

    # --- what is shown ---------------------------------------------------------------------------

    def _status(self) -> Status:
        """What the header shows; where the labels cannot be read, what it showed last, and why."""
        try:
            self._last_status = self._fresh_status()
        except VaError as error:
            if self._last_status is None:
                raise
            return msgspec.structs.replace(self._last_status, state="error", message=str(error))
        return self._last_status

    def _fresh_status(self) -> Status:
        session = self.session
        ready = session.ready
        standing, quality = session.standing, session.quality if ready else None
        unsaved = session.unsaved
        words, words_note = self._words()
        points = [
            Point(int(refit["version"]), int(refit["labels"]), _finite(refit.get("ap")))
            for refit in session.course[-_LONGEST_COURSE:]
        ]
        return Status(
            concept=session.concept,
            guideline=session.guideline,
            annotator=session.annotator,
            clips=len(session.corpus),
            feeds=list(session.feeds),
            counts=standing.counts,
            quality=None if quality is None else QualityShown(quality.ap, quality.low, quality.high),
            quality_note=session.quality_note,
            diversity=session.diversity if ready else 0.0,
            version=session.version,
            points=points,
            advice=session.advice if ready else "",
            state="error" if unsaved else self._state,  # type: ignore[arg-type]
            message=unsaved or self._message,
            pending=standing.pending,
            can_undo=standing.can_undo,
            can_redo=standing.can_redo,
            searchable=session.searchable,
            ready=ready,
            words=words,
            words_note=words_note,
            concept_note=session.concept_note,
            queries=session.queries,
        )

    def _words(self) -> tuple[Literal["ready", "loading", "unavailable"], str]:
        """Whether any words can be searched for now, and if not, why."""
        session = self.session
        search = session.text_search
        if not session.searchable:
            return "unavailable", search.reason
        if search.state == "unloaded":
            return "loading", _LOADING if session.ready else f"{_LOADING} {_THEN}"
        return (search.state, search.reason) if session.ready else ("loading", f"The clips are being ranked. {_THEN}")

    def _cards(self, found: pd.DataFrame, reason: str) -> list[Card]:
        """Cards of a table with clip_id and, where it has them, score, reason, suspicion and note."""
        corpus = self.session.corpus
        rows = [corpus.row(clip) for clip in found["clip_id"]]  # `loc` would go through all clips
        places = corpus.clips.iloc[rows][["video", "start", "end"]]
        own = self.session.own_labels
        cards = []
        for row, place in zip(found.to_dict("records"), places.to_dict("records"), strict=True):
            clip = str(row["clip_id"])
            label = own.get(clip)
            cards.append(
                Card(
                    clip=clip,
                    video=str(place["video"]),
                    start=_finite(place["start"]),
                    end=_finite(place["end"]),
                    score=_finite(row.get("score")),
                    reason=str(row.get("reason", reason)),
                    label=None if label == "none" else label,
                    frames=self.session.corpus.frames_per_shot,
                    suspicion=_finite(row.get("suspicion")),
                    note=str(row.get("note", "")),
                )
            )
        return cards


def _shown(labels: Mapping[str, str]) -> dict[str, str | None]:
    return {clip: None if value == "none" else value for clip, value in labels.items()}


def _finite(value: object) -> float | None:
    if value is None:
        return None
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None


def _shown_by(session: Session) -> tuple[object, ...]:
    """What is the same for sessions that show and store the same."""
    return session.corpus.path, session.concept, session.annotator, session.seed


def _code(error: VaError) -> str:
    if isinstance(error, NotSavedError):
        return "not_saved"
    if isinstance(error, UnknownClipError):
        return "unknown_clip"
    if isinstance(error, SearchUnavailableError):
        return "no_text_search"
    if isinstance(error, (ArgumentError, LabelError)):
        return "bad_value"
    return "failed"
