"""The one place where a corpus, a label store and a classifier meet: what a notebook and the widget drive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.corpus import Corpus, Filmstrip
from va_widgets.errors import LabelError, NotEnoughLabelsError, SearchUnavailableError
from va_widgets.labels.agreement import resolve, training_set
from va_widgets.labels.store import LabelStore
from va_widgets.learning.classifier import Classifier, decision_scores
from va_widgets.learning.feeds import FEEDS, feed, reason
from va_widgets.learning.quality import Quality, cross_validated, diversity, suspicion
from va_widgets.models.bundle import Model, choose_threshold, publish

LabelValue: TypeAlias = bool | Literal["unsure"] | None
StoredValue: TypeAlias = Literal["yes", "no", "unsure", "none"]
Listener: TypeAlias = Callable[[str, Mapping[str, Any]], None]

LABELS_FILE = "labels.sqlite"
MODELS_FOLDER = "models"
_SHARED = ""  # the guideline and the refits belong to the concept, not to one annotator
_KEPT_QUERIES = 20
_CENTRE_SAMPLE = 20_000
_BACKGROUND_SAMPLE = 256


@dataclass(frozen=True)
class Refit:
    """What a refit changed. `seconds` is its duration; `flipped` how many clips changed sides of 0.5."""

    version: int
    labels: int
    quality: Quality | None
    quality_note: str
    diversity: float
    flipped: int
    seconds: float


@dataclass(frozen=True)
class _Fit:
    """A classifier with all that was computed from it; replaced as a whole, never changed."""

    refit: Refit
    event: int  # the newest label event it knows of
    classifier: Classifier
    scores: NDArray[np.float32]  # P(yes) of every clip, in the corpus's order
    suspicion: Mapping[str, float]
    held_out: tuple[NDArray[np.bool_], NDArray[np.float64]] | None  # labels and their cross-validated P(yes)


class Session:
    """An annotator at work on one concept of a corpus.

    Labels are kept beside the corpus and are on disk when `label` returns. Opening the same concept again resumes
    where it was left. All methods may be called from several threads.

    Parameters
    ----------
    corpus : Corpus
    concept : str
        What the classifier shall find, in words; it is also the text that the first feeds are ranked by.
    annotator : str
        Whose labels these are.
    seed : int
        The same labels in the same order and the same seed give the same classifier and the same feeds.

    Raises
    ------
    LabelError
        If the concept's or the annotator's name cannot be used, or the labels cannot be read.
    """

    def __init__(self, corpus: Corpus, concept: str, annotator: str = "me", *, seed: int = 0) -> None:
        self.corpus = copy(corpus)  # which may grow meanwhile, by `add`: this session's clips stay the same
        self.concept = concept
        self.annotator = annotator
        self.seed = seed
        self._store = LabelStore(Path(corpus.path) / LABELS_FILE)
        self._store.check_names(annotator, concept)
        self._lock = threading.RLock()
        self._fitting = threading.Lock()
        self._listeners: list[Listener] = []
        self._siblings: dict[str, Session] = {concept: self}
        self._opening = threading.Lock()  # not the labels' lock: opening another concept takes a moment
        self._known_event = -1
        self._mine: dict[str, StoredValue] = {}
        self._resolved = pd.DataFrame()
        self._clips = corpus.clips.index
        self._videos = pd.factorize(corpus.clips["video"])[0]
        self._prior = self._text_prior()
        self._centre = _centre(corpus)
        self._background = _background(corpus, seed)
        self._fit = self._resumed()

    def __repr__(self) -> str:
        counts = self.counts
        said = ", ".join(f"{number} {value}" for value, number in counts.items())
        return f"Session({self.concept!r}, annotator={self.annotator!r}: {said}, v{self.version})"

    # --- other concepts of the corpus -------------------------------------------------------------

    def for_concept(self, concept: str) -> Session:
        """The same annotator at work on another concept of the same corpus, which may be new.

        Sessions that come from one another are one a concept, so that all who show it hear of its labels. Raises
        LabelError if the concept's name cannot be used.
        """
        with self._opening:
            found = self._siblings.get(concept)
            if found is None:
                found = Session(self.corpus, concept, self.annotator, seed=self.seed)
                found._siblings, found._opening = self._siblings, self._opening
                self._siblings[concept] = found
        return found

    @property
    def concepts(self) -> pd.DataFrame:
        """Every concept with labels, and this one: DataFrame(concept, annotators, yes, no, unsure), by name."""
        known = self._store.concepts()
        if self.concept not in set(known["concept"]):
            own = pd.DataFrame([[self.concept, 0, 0, 0, 0]], columns=known.columns)
            known = pd.concat([known, own]) if len(known) else own
        return known.sort_values("concept", ignore_index=True)

    # --- finding clips ---------------------------------------------------------------------------

    @property
    def searchable(self) -> bool:
        """Whether the corpus can be searched by text."""
        return self.corpus.searchable

    def search(self, text: str, k: int = 24) -> pd.DataFrame:
        """The `k` clips nearest to a text: DataFrame(clip_id, score = cosine), best first.

        Raises SearchUnavailableError if the corpus has no text encoder.
        """
        found = self.corpus.search(text, k)
        former = [query for query in self.queries if query != text]
        self._remember(self.annotator, "queries", [text, *former][:_KEPT_QUERIES])
        return found

    def similar(self, clip_id: str, k: int = 24) -> pd.DataFrame:
        """The `k` clips that look most like a clip: DataFrame(clip_id, score = cosine), best first."""
        return self.corpus.similar(clip_id, k)

    @property
    def queries(self) -> list[str]:
        """This annotator's searches for this concept, newest first."""
        return list(self._store.get_state(self.annotator, self.concept).get("queries", []))

    @property
    def feeds(self) -> tuple[str, ...]:
        """The names of the feeds."""
        return FEEDS

    def feed(self, name: str, k: int = 24, *, exclude: Collection[str] = ()) -> pd.DataFrame:
        """The next `k` clips of a feed: DataFrame(clip_id, score = P(yes), reason).

        Clips that anybody has labelled for this concept never appear, nor do those of `exclude`, which are the
        clips already shown on earlier pages. The same labels and seed give the same feed.

        Raises
        ------
        LabelError
            If there is no feed of that name.
        """
        if name not in FEEDS:
            raise LabelError(f"There is no feed called {name!r}: choose one of {', '.join(FEEDS)}.")
        with self._lock:
            self._notice_others()
            left_out = np.zeros(len(self.corpus), dtype=bool)
            known = self._clips
            left_out[known.get_indexer(self._resolved.index.intersection(known))] = True
            left_out[known.get_indexer(known.intersection(pd.Index(list(exclude), dtype=object)))] = True
            fit = self._fit
        rows = feed(
            name,
            fit.scores,
            k,
            labelled=left_out,
            embeddings=self.corpus.embeddings,
            videos=self._videos,
            seed=self.seed,
            version=fit.refit.version,
        )
        scores = fit.scores[rows]
        return pd.DataFrame(
            {
                "clip_id": self._clips[rows],
                "score": scores,
                "reason": [reason(name, float(score)) for score in scores],
            }
        )

    def scores(self) -> pd.Series[float]:
        """P(yes) of every clip under the newest classifier, by clip_id."""
        return pd.Series(self._fit.scores, index=self._clips, name=self.concept)

    # --- labels ----------------------------------------------------------------------------------

    def label(
        self,
        clip_id: str | Iterable[str],
        value: LabelValue,
        source: str = "notebook",
        *,
        message_id: str | None = None,
    ) -> dict[str, StoredValue]:
        """Label one clip or several: True, False, "unsure", or None to take a label back.

        The labels are on disk when this returns. Several clips are one action, which one `undo` reverts. A second
        call with the same `message_id` stores nothing.

        Returns the stored value of each clip. Raises UnknownClipError or LabelError, and then stores nothing.
        """
        clips = [clip_id] if isinstance(clip_id, str) else list(clip_id)
        for clip in clips:
            self.corpus.row(clip)
        stored = _stored(value)
        with self._lock:
            labels = self._store.append(
                self.annotator,
                self.concept,
                dict.fromkeys(clips, stored),
                source=source,
                model_version=self.version,
                message_id=message_id,
            )
            self._notice_others()
        self._tell("labels", {"labels": labels})
        return labels

    def undo(self, *, message_id: str | None = None) -> dict[str, StoredValue]:
        """Revert this annotator's newest action. Returns the clips' values now, {} if there is nothing to undo."""
        return self._step(self._store.undo, message_id)

    def redo(self, *, message_id: str | None = None) -> dict[str, StoredValue]:
        """Do again what `undo` reverted last. Returns the clips' values now, {} if there is nothing to redo."""
        return self._step(self._store.redo, message_id)

    def _step(self, step: Callable[..., dict[str, StoredValue]], message_id: str | None) -> dict[str, StoredValue]:
        with self._lock:
            labels = step(self.annotator, self.concept, message_id=message_id)
            self._notice_others()
        if labels:
            self._tell("labels", {"labels": labels})
        return labels

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to undo."""
        return self._store.can_undo(self.annotator, self.concept)

    @property
    def can_redo(self) -> bool:
        """Whether there is an action to redo."""
        return self._store.can_redo(self.annotator, self.concept)

    @property
    def labels(self) -> pd.DataFrame:
        """What all annotators together say, by clip_id: value ("yes", "no", "unsure", "tie"), annotators, agree, …"""
        with self._lock:
            self._notice_others()
            return self._resolved.copy()

    @property
    def own_labels(self) -> dict[str, StoredValue]:
        """This annotator's own labels: {clip_id: "yes" | "no" | "unsure"}."""
        with self._lock:
            self._notice_others()
            return dict(self._mine)

    @property
    def counts(self) -> dict[str, int]:
        """How many clips count as yes, no and unsure."""
        values = self.labels["value"].value_counts()
        return {value: int(values.get(value, 0)) for value in ("yes", "no", "unsure")}

    @property
    def history(self) -> pd.DataFrame:
        """Every label event of this concept, of all annotators, oldest first; nothing is ever removed from it."""
        return self._store.history(self.concept)

    def review(self, value: str = "all", order: str = "suspicion") -> pd.DataFrame:
        """All labelled clips: DataFrame(clip_id, value, suspicion, note, time).

        Suspicion is how far the cross-validated classifier disagrees with the label, 0 to 1; NaN while there are
        too few labels. `value` keeps only "yes", "no", "unsure" or "tie", or with "disputed" what annotators
        disagree about. `order` puts the most "suspicion", the "newest" or the annotators' "disagreement" first.
        """
        if value not in ("all", "yes", "no", "unsure", "tie", "disputed"):
            raise LabelError(f"Labels cannot be filtered by {value!r}: choose all, yes, no, unsure, tie or disputed.")
        if order not in ("suspicion", "newest", "disagreement"):
            raise LabelError(f"Labels cannot be ordered by {order!r}: choose suspicion, newest or disagreement.")
        labels = self.labels
        labels = labels[labels.index.isin(self._clips)]
        suspicious = self._fit.suspicion
        table = pd.DataFrame(
            {
                "clip_id": labels.index,
                "value": labels["value"].to_numpy(),
                "suspicion": [suspicious.get(str(clip), float("nan")) for clip in labels.index],
                "note": ["" if agree else "annotators disagree" for agree in labels["agree"]],
                "time": labels["time"].to_numpy(),
            }
        )
        if value == "disputed":
            table = table[table["note"] != ""]
        elif value != "all":
            table = table[table["value"] == value]
        first = {"suspicion": ["suspicion"], "newest": [], "disagreement": ["note", "suspicion"]}[order]
        by = [*first, "time", "clip_id"]
        ascending = [False] * (len(by) - 1) + [True]
        return table.sort_values(by, ascending=ascending, na_position="last", kind="stable").reset_index(drop=True)

    # --- learning --------------------------------------------------------------------------------

    def refit(self) -> Refit:
        """Fit the classifier to the labels as they are now, score every clip, and say what changed.

        If labels come in meanwhile they are left to the next refit. A refit without new labels returns the last one.
        """
        with self._fitting:
            with self._lock:
                self._notice_others()
                event, labels, former = self._known_event, self._resolved, self._fit
            if event == former.event:
                return former.refit
            fit = self._fitted(labels, event, former)
            with self._lock:
                self._fit = fit
                points = [*self._points(), _point(fit.refit)]
                self._remember(_SHARED, "refits", points)
        self._tell("refit", {"refit": fit.refit})
        return fit.refit

    @property
    def version(self) -> int:
        """The number of the newest classifier; 0 is the text alone."""
        return self._fit.refit.version

    @property
    def last_refit(self) -> Refit:
        """What the newest refit said."""
        return self._fit.refit

    @property
    def pending(self) -> int:
        """How many label events the newest classifier does not know yet."""
        with self._lock:
            self._notice_others()
            if self._known_event == self._fit.event:
                return 0
            return self._store.events_since(self.concept, self._fit.event)

    @property
    def quality(self) -> Quality | None:
        """Cross-validated average precision with its interval, None while there are too few labels."""
        return self._fit.refit.quality

    @property
    def quality_note(self) -> str:
        """Why there is no quality yet; empty when there is one."""
        return self._fit.refit.quality_note

    @property
    def diversity(self) -> float:
        """Data diversity of the labels by Video Annotator's definition, 0 to 1."""
        return self._fit.refit.diversity

    @property
    def refits(self) -> pd.DataFrame:
        """Every refit of this concept: DataFrame(version, labels, ap), oldest first."""
        return pd.DataFrame(self._points(), columns=["version", "labels", "ap"])

    def publish(self, name: str) -> Model:
        """Write the classifier as a new, immutable version of a model called `name`, beside the corpus.

        Raises NotEnoughLabelsError without at least one yes and one no.
        """
        self.refit()
        with self._lock:
            fit, labels = self._fit, self._resolved
        clips, y = training_set(labels)
        if not (y.any() and (~y).any()):
            raise NotEnoughLabelsError(
                "A model needs at least one yes and one no: label a few more clips, then publish."
            )
        threshold, why = choose_threshold(*(fit.held_out or (y, None)))
        quality = fit.refit.quality
        metrics = {
            "average_precision": None if quality is None else quality.ap,
            "average_precision_low": None if quality is None else quality.low,
            "average_precision_high": None if quality is None else quality.high,
            "diversity": fit.refit.diversity,
            "yes": int(y.sum()),
            "no": int((~y).sum()),
        }
        return publish(
            Path(self.corpus.path) / MODELS_FOLDER,
            name=name,
            concept=self.concept,
            guideline=self.guideline,
            encoder_fingerprint=self.corpus.encoder_fingerprint,
            classifier=fit.classifier,
            labels=(clips, y),
            metrics=metrics,
            threshold=threshold,
            threshold_why=why,
        )

    # --- the concept's guideline, media, events --------------------------------------------------

    @property
    def guideline(self) -> str:
        """What counts as this concept, in the annotators' words; shared by all of them."""
        return str(self._store.get_state(_SHARED, self.concept).get("guideline", ""))

    @guideline.setter
    def guideline(self, text: str) -> None:
        self._remember(_SHARED, "guideline", text)
        self._tell("status", {})

    def filmstrip(self, clip_id: str) -> Filmstrip:
        """A clip's frames side by side in one picture."""
        return self.corpus.filmstrip(clip_id)

    def preview(self, clip_id: str, context: float = 0.0) -> bytes:
        """A clip as a short H.264 file, with `context` seconds before and after it if there are any.

        Raises PreviewUnavailableError if its video is gone.
        """
        return self.corpus.preview(clip_id, context)

    def warm_up(self) -> None:
        """Load what the first search needs, so that it answers at once."""
        if self.searchable:
            self.corpus.text_embedding(self.concept)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(event, data)` after every "labels", "refit" and "status" event; returns the way to stop it.

        It is called on the thread that caused the event.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def close(self) -> None:
        """Close the label store."""
        self._store.close()

    def _tell(self, event: str, data: Mapping[str, Any]) -> None:
        for listener in tuple(self._listeners):
            listener(event, data)

    def _remember(self, annotator: str, key: str, value: object) -> None:
        if not self._store.read_only:
            self._store.set_state(annotator, self.concept, key, value)

    # --- inside ----------------------------------------------------------------------------------

    def _text_prior(self) -> NDArray[np.float32] | None:
        if not self.corpus.searchable:
            return None
        try:
            return self.corpus.text_embedding(self.concept)
        except SearchUnavailableError:  # phrases were given as vectors, and this concept is not among them
            return None

    def _notice_others(self) -> None:
        """Read the labels again if anybody, perhaps another process, has written some."""
        event = self._store.last_event(self.concept)
        if event == self._known_event:
            return
        current = self._store.current(self.concept)
        own = current[current["annotator"] == self.annotator]
        self._mine = dict(zip(own["clip_id"], own["value"], strict=True))
        self._resolved = resolve(current)
        self._known_event = event

    def _points(self) -> list[dict[str, Any]]:
        return list(self._store.get_state(_SHARED, self.concept).get("refits", []))

    def _resumed(self) -> _Fit:
        self._notice_others()
        points = self._points()
        version = int(points[-1]["version"]) if points else 0
        nothing = Refit(0, 0, None, "", 0.0, 0, 0.0)
        nobody = np.full(len(self.corpus), 0.5, dtype=np.float32)
        blank = _Fit(nothing, -1, Classifier(), nobody, {}, None)
        fit = self._fitted(self._resolved, self._known_event, blank)
        number = max(version, 1) if fit.refit.labels else version
        return replace(fit, refit=replace(fit.refit, version=number, flipped=0))

    def _fitted(self, labels: pd.DataFrame, event: int, former: _Fit) -> _Fit:
        started = time.perf_counter()
        clips, y = training_set(labels)
        rows_of = self._clips.get_indexer(pd.Index(clips, dtype=object))
        here = rows_of >= 0  # labels of clips that have left the corpus are kept, but teach nothing
        clips = [clip for clip, present in zip(clips, here, strict=True) if present]
        rows, y = rows_of[here], y[here]
        features = np.asarray(self.corpus.embeddings[rows], dtype=np.float32)
        knowledge: dict[str, Any] = {"prior": self._prior, "center": self._centre, "background": self._background}
        classifier = Classifier(**knowledge).fit(features, y)
        logits = decision_scores(self.corpus.embeddings, classifier.coef_, classifier.intercept_)
        scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
        quality, note, held_out = cross_validated(features, y, **knowledge, seed=self.seed)
        doubts = {} if held_out is None else dict(zip(clips, suspicion(y, held_out).tolist(), strict=True))
        clusters = self.corpus.clips["cluster"].to_numpy()[rows]
        refit = Refit(
            version=former.refit.version + 1,
            labels=len(y),
            quality=quality,
            quality_note=note,
            diversity=diversity(clusters[y], clusters[~y]),
            flipped=int(((scores > 0.5) != (former.scores > 0.5)).sum()),
            seconds=time.perf_counter() - started,
        )
        return _Fit(refit, event, classifier, scores, doubts, None if held_out is None else (y, held_out))


def _background(corpus: Corpus, seed: int) -> NDArray[np.float32]:
    """Unlabelled clips that stand for "most of the corpus is not this" while there are few labels."""
    rng = np.random.default_rng([seed, len(corpus)])
    n = len(corpus)
    rows = np.sort(rng.choice(n, size=min(n, _BACKGROUND_SAMPLE), replace=False))
    return np.asarray(corpus.embeddings[rows], dtype=np.float32)


def _centre(corpus: Corpus) -> NDArray[np.float32]:
    """The mean embedding: vectors of one encoder lie in a cone, and what they share tells no clip from another."""
    step = max(1, len(corpus) // _CENTRE_SAMPLE)
    return np.asarray(corpus.embeddings[::step], dtype=np.float32).mean(axis=0)


def _stored(value: LabelValue) -> StoredValue:
    if value is None:
        return "none"
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if value == "unsure":
        return "unsure"
    raise LabelError(f"A label is True, False, 'unsure' or None, not {value!r}.")


def _point(refit: Refit) -> dict[str, Any]:
    ap = None if refit.quality is None else refit.quality.ap
    return {"version": refit.version, "labels": refit.labels, "ap": ap}
