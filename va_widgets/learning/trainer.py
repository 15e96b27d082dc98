"""Fits a concept's classifier to labelled rows of an embedding matrix, scores all rows, and measures the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from va_widgets.base.forks import ForkLock
from va_widgets.base.texts import counted
from va_widgets.base.threads import one_blas_thread
from va_widgets.learning.calibration import PRIOR, Calibration, calibrate
from va_widgets.learning.corpus_estimate import Positives, Threshold, best_threshold, estimate_corpus, threshold_for
from va_widgets.learning.feeds import feed, reason
from va_widgets.learning.inherited import InheritedLabels
from va_widgets.learning.labelling_progress import advice, turnover
from va_widgets.learning.logistic import TextLogistic
from va_widgets.learning.quality import Quality, at_random, cross_validated, diversity, suspicion, too_few
from va_widgets.learning.score_index import ScoreIndex
from va_widgets.learning.scoring import logits_of, smoothed_logits, view_logits
from va_widgets.learning.smoothing import smoothed_embeddings
from va_widgets.learning.smoothing_share import choose_share, labels_used
from va_widgets.learning.statistics import CorpusStatistics
from va_widgets.learning.views import APPEARANCE, Linear, Space, View, choose_space

_FEW = 50  # labels below which a precision cannot be relied on
_OUTDATED = -1  # older than every label event
_UNMEASURED = "0.5, because there are too few labels to choose one"


@dataclass(frozen=True)
class Refit:
    """What a refit changed.

    `quality` is estimated for all clips of the corpus; `cross_validated` is measured on the clips that were labelled,
    `unbiased` on those of them that were drawn at random, where there are enough. `flipped` is how many clips changed
    sides of 0.5, `turnover` what share of the clips found is new; `seconds` is how long it took until there were new
    feeds; `random_labels` is how many labels from the random feed would narrow the quality's interval, None where it is
    narrow or they would not.
    """

    version: int
    labels: int
    quality: Quality | None
    quality_note: str
    diversity: float
    flipped: int
    seconds: float
    cross_validated: Quality | None = None
    unbiased: Quality | None = None
    turnover: float = float("nan")
    positives: Positives | None = None
    random_labels: int | None = None

    def record(self, counts: Mapping[str, int]) -> dict[str, Any]:
        """Return the refit as a point of the history, with how many clips counted as "yes" and "no"."""
        measured = _numbers(self.cross_validated, "") | _numbers(self.quality, "corpus_")
        if self.positives is not None:
            measured |= {"positives": self.positives.estimate}
            measured |= {"positives_low": self.positives.low, "positives_high": self.positives.high}
        changed: dict[str, float] = {"diversity": self.diversity, "flipped": self.flipped}
        if not np.isnan(self.turnover):
            changed["turnover"] = self.turnover
        numbers = {value: counts[value] for value in ("yes", "no")}
        return {"version": self.version, "labels": self.labels, **numbers, **measured, **changed}

    def metrics(self, y: NDArray[np.bool_]) -> dict[str, float | int | None]:
        """Return what a model's card says of the classifier and its labels `y`, bool (m,)."""
        figures: dict[str, float | int | None] = {}
        for name, quality in (("average_precision", self.cross_validated), ("corpus_average_precision", self.quality)):
            figures[name] = None if quality is None else quality.ap
            figures[f"{name}_low"] = None if quality is None else quality.low
            figures[f"{name}_high"] = None if quality is None else quality.high
        return {**figures, "diversity": self.diversity, "yes": int(y.sum()), "no": int((~y).sum())}


def _numbers(quality: Quality | None, prefix: str) -> dict[str, float]:
    """Return the numbers of a quality by name; {} for None."""
    if quality is None:
        return {}
    return {f"{prefix}ap": quality.ap, f"{prefix}low": quality.low, f"{prefix}high": quality.high}


@dataclass(frozen=True)
class ClipArrays:
    """The arrays that describe a corpus's clips to a trainer; row i of each is clip i.

    Attributes
    ----------
    embeddings : callable
        Returns float (n, dim), L2-normalised, perhaps memory-mapped. It is called before each pass over the matrix, and
        may raise an error where its file cannot be read any more.
    clusters, videos : int (n,)
        Which cluster and which video a clip belongs to.
    groups : int (n,)
        Which clips cross-validation keeps together, such as those of a video; `group` says what they are, in a word.
    neighbours : callable
        Returns the rows of the k clips nearest to each, int32 (k, n), by which logits are smoothed; None without them.
    views : sequence of View
        Further matrices about the clips, from which a classifier learns where they matter for its concept.
    statistics : CorpusStatistics
    seed : int
        Of the folds of cross-validation and of the random feed.
    """

    embeddings: Callable[[], NDArray[np.floating[Any]]]
    clusters: NDArray[np.integer[Any]]
    videos: NDArray[np.integer[Any]]
    statistics: CorpusStatistics
    seed: int
    groups: NDArray[np.integer[Any]] | None = None
    group: str = "video"
    neighbours: Callable[[], NDArray[np.int32] | None] = lambda: None
    views: Sequence[View] = ()

    def rows(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
        """Return some rows of every view, float32 (m, d) each, by its name."""
        matrices = {APPEARANCE: self.embeddings} | {view.name: view.matrix for view in self.views}
        return {name: np.asarray(matrix()[rows], dtype=np.float32) for name, matrix in matrices.items()}


@dataclass(frozen=True)
class TrainingLabels:
    """Labels of rows as they are at one moment.

    Attributes
    ----------
    event : int
        The number of the newest label event among them.
    rows : int64 (m,)
    y : bool (m,)
        Whether each is a yes.
    drawn : bool (m,)
        Whether each row was drawn at random when it was labelled.
    inherited : InheritedLabels, optional
        Labels of clips of other corpora: the classifier learns from them, too, but nothing that is measured of this
        corpus counts them.
    """

    event: int
    rows: NDArray[np.int64]
    y: NDArray[np.bool_]
    drawn: NDArray[np.bool_]
    inherited: InheritedLabels | None = None

    @property
    def all_y(self) -> NDArray[np.bool_]:
        """The labels that a classifier is fitted to, bool (m + inherited,): those of the corpus, then the others."""
        return self.y if self.inherited is None else np.concatenate([self.y, self.inherited.y])


@dataclass(frozen=True)
class Fit:
    """A classifier with all that was computed from it; replaced as a whole, never changed.

    Attributes
    ----------
    event : int
        The newest label event that the classifier was fitted to; -1 if that is not known.
    features : float32 (m, dim)
        Embeddings of the labelled rows, then those of inherited labels.
    space : Space
        Which views the classifier has learned from.
    joined : float32 (m, d)
        The same in this space, in which `classifier` works.
    ranking : ScoreIndex
        The logits of all rows, smoothed where neighbours are known.
    plain : ScoreIndex
        The same as they come from the classifier: the suggested feed, which looks for what it does not know, uses them.
    share : float
        That of the neighbours' mean in the smoothed logits, 0 where they are not known.
    suspicion : {row: 0 to 1}
        How far cross-validation disagrees with the label.
    held_out : (bool (m,), float64 (m,)), or None with too few labels
        Labels and their cross-validated P(yes).
    calibration : Calibration
        Like `suspicion` and `held_out` it is that of the former fit until it is measured.
    measured : int
        The version of the classifier that these three were measured with; 0 without any.
    """

    refit: Refit
    event: int
    labels: TrainingLabels
    features: NDArray[np.float32]
    space: Space
    joined: NDArray[np.float32]
    classifier: TextLogistic
    ranking: ScoreIndex
    plain: ScoreIndex
    share: float
    suspicion: Mapping[int, float]
    held_out: tuple[NDArray[np.bool_], NDArray[np.float64]] | None
    calibration: Calibration = PRIOR
    measured: int = 0

    @property
    def logits(self) -> NDArray[np.float32]:
        """The classifier's logits, float32 (n,), smoothed and not calibrated: above 0 means yes."""
        return self.ranking.logits

    @cached_property  # the number of clips found is shown after every label
    def probabilities(self) -> NDArray[np.float32]:
        """Calibrated P(yes), float32 (n,)."""
        return expit(np.float32(self.calibration.factor) * self.logits)

    @property
    def calibrated(self) -> Linear:
        """The classifier whose P(yes) are the calibrated ones, by its coefficients of the views."""
        return self.space.linear(self.classifier).scaled(self.calibration.factor)

    @cached_property  # the number of clips above it is shown after every label
    def best_threshold(self) -> tuple[float, str]:
        """The P(yes) with the best F1 to expect over the corpus, and in words what to expect; 0.5 without a quality."""
        return (0.5, _UNMEASURED) if self._best is None else self._explained(self._best, "best F1: ")

    @property
    def expectation(self) -> str:
        """What to expect of the clips above the best threshold, in words for somebody who knows no statistics."""
        if self._best is None:
            return "There are too few labels to say how many of them are right."
        few = len(self.labels.all_y)
        doubt = (
            f" That is a guess from {counted(few, 'label')}: label {_FEW} or more before you rely on it."
            if few < _FEW
            else ""
        )
        return self._best.plainly() + doubt

    @cached_property
    def _best(self) -> Threshold | None:
        return None if self.held_out is None else best_threshold(self.ranking, self.calibration)

    def complete(self) -> Fit:
        """Compute what every label asks for, so that none waits for it. Returns the fit itself."""
        self.probabilities, self.best_threshold  # noqa: B018  # both are kept
        return self

    def threshold_for(self, precision: float) -> tuple[float, str]:
        """Return the lowest P(yes) with a given precision, and in words what to expect; 0.5 without a quality."""
        if self.held_out is None:
            return 0.5, _UNMEASURED
        return self._explained(threshold_for(self.ranking, self.calibration, precision), "")

    def _explained(self, chosen: Threshold, aim: str) -> tuple[float, str]:
        why = aim + chosen.exactly()
        few = len(self.labels.all_y)
        if few < _FEW:
            only = f"there {'is' if few == 1 else 'are'} only {counted(few, 'label')}"
            why += f"; unsure, as {only}: label {_FEW} or more before you rely on it"
        return float(expit(self.calibration.factor * chosen.logit)), why

    def advice(self, turnovers: Sequence[float]) -> str:
        """Return what to do next, in one sentence, given the turnovers of all refits; empty if that is to go on."""
        y, drawn = self.labels.all_y, int(self.labels.drawn.sum())
        yes = int(y.sum())
        measured = self.refit.quality is not None
        return advice(yes, len(y) - yes, measured, turnovers, drawn, self.refit.random_labels)


class FeedPage(NamedTuple):
    """Clips of a feed, best first: rows int64 (k,), P(yes) float32 (k,), and why each is shown."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]
    reasons: list[str]


class Trainer:
    """Holds a concept's newest classifier, and fits the next one when there are new labels.

    `start`, `fit` and `measure` may be called by one thread at a time. All else may be read meanwhile by other threads.

    Parameters
    ----------
    clips : ClipArrays
    text : float32 (dim,), optional
        The concept's text vector, by which clips are ranked before there are labels.
    labels : TrainingLabels
        What the first classifier is fitted to, however late `start` is called: the same labels then give the same
        versions.
    version : int
        The version of the last classifier that was fitted to the concept's labels, perhaps by another process.
    fits : {view: float (m,)}
        How well the clips of the statistics' sample fit the concept's words, by the view that these are about.
    """

    def __init__(
        self,
        clips: ClipArrays,
        text: NDArray[np.float32] | None,
        labels: TrainingLabels,
        version: int,
        fits: Mapping[str, NDArray[np.floating[Any]]] | None = None,
    ) -> None:
        self.text = text
        fits = fits or {}
        self._directions = {view.name: view.direction(fits[view.name]) for view in clips.views if view.name in fits}
        self.newest: Fit | None = None
        self._clips = clips
        self._first = labels
        self._first_version = max(version, 1) if len(labels.all_y) else version
        self._lock = ForkLock(waits=True)  # around every change of `newest`

    @property
    def version(self) -> int:
        """The number of the newest classifier; 0 is the text alone."""
        return self._first_version if self.newest is None else self.newest.refit.version

    @property
    def event(self) -> int:
        """The newest label event that the newest classifier was fitted to, or will be, before the first fit."""
        return self._first.event if self.newest is None else self.newest.event

    @property
    def quality_note(self) -> str:
        """Why there is no quality yet; empty when there is one."""
        if self.newest is None:
            return too_few(self._first.all_y) or "not measured yet"
        return self.newest.refit.quality_note

    def start(self, newest_event: Callable[[], int], version: int | None = None) -> Fit:
        """Fit and measure the first classifier, which may be given its own version. `newest_event` as in `measure`."""
        if version is not None:
            self._first_version = version
        matrix = self._clips.embeddings()
        none, unknown = np.empty(0, dtype=np.int64), ScoreIndex(np.zeros(len(matrix), dtype=np.float32))
        blank = Fit(
            Refit(0, 0, None, "", 0.0, 0, 0.0),
            _OUTDATED,
            TrainingLabels(_OUTDATED, none, none.astype(bool), none.astype(bool)),
            np.empty((0, matrix.shape[1]), dtype=np.float32),
            Space(self._clips.statistics),
            np.empty((0, matrix.shape[1]), dtype=np.float32),
            TextLogistic(),
            unknown,
            unknown,
            0.0,
            {},
            None,
        )
        fit = self._fitted(self._first, blank, self._first_version)
        fit = self._measured(fit, fit, newest_event)
        fit = replace(fit, refit=replace(fit.refit, flipped=0)).complete()
        with self._lock:
            self.newest = fit
        return fit

    def fit(self, labels: TrainingLabels, former: Fit, version: int) -> Fit:
        """Fit the next classifier and score all rows, so that there are new feeds; its quality is that of `former`."""
        fit = self._fitted(labels, former, version)
        with self._lock:
            self.newest = fit
        return fit

    def measure(self, fit: Fit, former: Fit, newest_event: Callable[[], int]) -> Fit:
        """Measure what takes longer: quality, diversity, turnover and the number of positives.

        `newest_event` returns the number of the newest label event. Once there is a newer one than `fit` knows, the
        quality is left to the next classifier.
        """
        fit = self._measured(fit, former, newest_event).complete()
        with self._lock:
            self.newest = fit
        return fit

    def outdate(self) -> None:
        """Make every label count as new to the newest classifier: the ones it knows may not be there any more."""
        with self._lock:
            if self.newest is not None:
                self.newest = replace(self.newest, event=_OUTDATED)

    def feed(self, fit: Fit, name: str, k: int, left_out: NDArray[np.bool_]) -> FeedPage:
        """Return the next `k` clips of the feed `name`, one of FEEDS, without the rows `left_out`, bool (n,)."""
        suggested = name == "suggested"
        rows = feed(
            name,
            fit.plain if suggested else fit.ranking,
            k,
            labelled=left_out,
            any_yes=bool(fit.labels.all_y.any()),
            embeddings=_Joined(self._clips, fit.space) if suggested else self._clips.embeddings(),
            center=fit.space.statistics.center,
            videos=self._clips.videos,
            seed=self._clips.seed,
            version=fit.refit.version,
        )
        nearest = _nearest_labels(self._clips.rows(rows), fit)
        scores = expit(np.float32(fit.calibration.factor) * fit.ranking.at(rows))
        reasons = [reason(name, float(score), label) for score, label in zip(scores, nearest, strict=True)]
        return FeedPage(rows, scores, reasons)

    def _fitted(self, labels: TrainingLabels, former: Fit, version: int) -> Fit:
        """Return a classifier fitted to labels, with its scores; its quality is that of the former one."""
        started = time.perf_counter()
        clips, text = self._clips, self.text
        views, rows = _all_rows(clips, labels)
        space = choose_space(clips.statistics, views, rows, labels.all_y, text, self._directions)
        if space.weights == former.space.weights:
            space = former.space  # with its statistics
        joined = space.joined(rows)
        classifier = TextLogistic(space.text(text, self._directions), space.statistics).fit(joined, labels.all_y)
        linear = space.linear(classifier)
        embeddings = clips.embeddings()
        neighbours, share = clips.neighbours(), 0.0
        # The share keeps one core busy and waits for no logits. BLAS is limited for both, whichever takes longer: equal
        # labels give equal results to the bit.
        with one_blas_thread(), ThreadPoolExecutor(1) as pool:
            if neighbours is not None:
                chosen = pool.submit(_share, embeddings, neighbours, labels, space, joined, classifier)
            plain = ranking = logits_of(embeddings, linear.coefs[APPEARANCE], linear.intercept)
        if neighbours is not None:
            share = chosen.result()
            ranking = smoothed_logits(plain, neighbours, share)
        for view, _ in space.views:  # not smoothed: clips that look alike need not move alike
            more = view_logits(view, linear.coefs[view.name], linear.missing.get(view.name, 0.0), embeddings)
            plain, ranking = plain.plus(more), ranking.plus(more)
        refit = replace(
            former.refit,
            version=version,
            labels=len(labels.y),
            flipped=int(np.count_nonzero((ranking.logits > 0) != (former.logits > 0))),
            seconds=time.perf_counter() - started,
        )
        measured = former.suspicion, former.held_out, former.calibration, former.measured
        features = rows[APPEARANCE]
        return Fit(refit, labels.event, labels, features, space, joined, classifier, ranking, plain, share, *measured)

    def _measured(self, fit: Fit, former: Fit, newest_event: Callable[[], int]) -> Fit:
        """Return the same fit with its own quality, diversity, turnover and number of positives."""
        rows, y, drawn, own = fit.labels.rows, fit.labels.y, fit.labels.drawn, len(fit.labels.rows)
        version = fit.refit.version
        clusters, seed = self._clips.clusters[rows], self._clips.seed
        refit = replace(
            fit.refit,
            diversity=diversity(clusters[y], clusters[~y]),
            turnover=turnover(fit.logits, former.logits),
        )
        neighbours = self._clips.neighbours()
        scored = None
        if neighbours is not None:
            smooth = smoothed_embeddings(self._clips.embeddings(), neighbours, rows, fit.share)
            scored = np.concatenate([fit.space.with_embeddings(fit.joined[:own], smooth), fit.joined[own:]])
        checked = cross_validated(
            fit.joined,
            fit.labels.all_y,
            fit.classifier,
            scored=scored,
            groups=_groups(self._clips, fit.labels),
            group=self._clips.group,
            seed=seed,
            stopped=lambda: newest_event() != fit.event,
        )
        if checked is None:  # there are newer labels, and the next refit measures them
            return replace(fit, refit=refit)
        refit = replace(refit, quality_note=checked.note, cross_validated=checked.quality)
        if checked.logits is None:
            unknown = replace(refit, quality=None, unbiased=None, positives=None, random_labels=None)
            return replace(fit, refit=unknown, suspicion={}, held_out=None, calibration=PRIOR, measured=version)
        held_out = checked.logits[:own]
        calibration = calibrate(fit.labels.all_y, checked.logits) if too_few(y) else calibrate(y, held_out)
        estimate = estimate_corpus(fit.ranking, rows, y, calibration, seed, len(fit.labels.all_y) - own)
        refit = replace(
            refit,
            quality=estimate.quality,
            unbiased=at_random(y, held_out, drawn),
            positives=estimate.positives,
            random_labels=estimate.random_labels,
        )
        probabilities = expit(calibration.factor * checked.logits)
        doubts = dict(zip(rows.tolist(), suspicion(y, probabilities[:own]).tolist(), strict=True))
        checked_labels = fit.labels.all_y, probabilities
        return replace(
            fit,
            refit=refit,
            suspicion=doubts,
            held_out=checked_labels,
            calibration=calibration,
            measured=version,
        )


@dataclass(frozen=True)
class _Joined:
    """The features of all clips in a space, of which only those that are asked for are made."""

    clips: ClipArrays
    space: Space

    def __getitem__(self, rows: NDArray[np.int64], /) -> NDArray[np.float32]:
        return self.space.joined(self.clips.rows(rows))


def _all_rows(clips: ClipArrays, labels: TrainingLabels) -> tuple[Sequence[View], dict[str, NDArray[np.float32]]]:
    """Return the views that all labels have, and their rows of these, float32 (m, d) by name, inherited ones last."""
    own, inherited = clips.rows(labels.rows), labels.inherited
    if inherited is None:
        return clips.views, own
    known = inherited.views
    views = [view for view in clips.views if known.get(view.name) == view.sample.shape[1]]
    names = [APPEARANCE, *(view.name for view in views)]
    return views, {name: np.concatenate([own[name], inherited.rows[name]]) for name in names}


def _share(
    embeddings: NDArray[np.floating[Any]],
    neighbours: NDArray[np.int32],
    labels: TrainingLabels,
    space: Space,
    joined: NDArray[np.float32],
    classifier: TextLogistic,
) -> float:
    """Return how much of a logit is to be its neighbours' mean, by this corpus's labels that `classifier` knows."""
    some = labels_used(len(labels.y))
    nearest = smoothed_embeddings(embeddings, neighbours, labels.rows[some], 1.0)
    others = space.with_embeddings(joined[some], nearest)
    return choose_share(labels.y[some], *classifier.without_each(joined, labels.all_y, some, others))


def _groups(clips: ClipArrays, labels: TrainingLabels) -> NDArray[np.int64] | None:
    """Return a number a group of labels, int64 (m + inherited,): inherited ones are grouped by video."""
    if clips.groups is None:
        return None
    own = np.asarray(clips.groups[labels.rows], dtype=np.int64)
    if labels.inherited is None:
        return own
    others = np.unique(labels.inherited.videos, return_inverse=True)[1]
    return np.concatenate([own, others + int(own.max(initial=-1)) + 1])


def _nearest_labels(rows: Mapping[str, NDArray[np.float32]], fit: Fit) -> list[str]:
    """Return "yes" or "no", the label of the labelled clip most like each of some clips; "" without labels."""
    y = fit.labels.all_y
    if not len(y):
        return [""] * len(rows[APPEARANCE])
    with one_blas_thread():
        likeness = rows[APPEARANCE] @ fit.features.T
    return ["yes" if yes else "no" for yes in y[likeness.argmax(axis=1)]]
