"""The feeds: which unlabelled clips to show next, as pure functions on arrays."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from va_widgets.learning.score_index import ScoreIndex

# In the order of the annotator's buttons and of the keys 1 to 5.
FEEDS = ("suggested", "top_positive", "borderline", "random", "top_negative")

_LOGITS = {"top_positive": np.inf, "borderline": 0.0, "top_negative": -np.inf}
NEAR_DUPLICATE = 0.98  # cosine from which two clips count as the same picture
# Cosine of two clips, minus the mean clip, from which they are too similar for one page of the suggested feed.
_ALIKE = 0.6
# Half of the suggested clips are undecided, half lie a little below, at P(yes) = 0.27: where a classifier whose labels
# are mostly of clips that it scored high is too sure. Chosen on the development half (benchmarks/strategies.py).
_SUGGESTED_LOGITS = (0.0, -1.0)
_CLIPS_A_VIDEO = 2  # of one video on a page, as long as other videos have something to show
_CANDIDATES = 8  # candidates for each clip of a page, which near-duplicates are removed from
_ALL_SHUFFLED = 100_000  # clips up to which a random order of all of them is made
_REASONS = {"suggested": "teaches most", "random": "at random"}
# What the other feeds show, and what they say where they have nothing left that is so; by P(yes).
_RANKED = {"top_positive": "likely yes", "borderline": "undecided", "top_negative": "likely no"}
_RANKED_REST = {"top_positive": "highest left", "borderline": "nearest to .50", "top_negative": "lowest left"}
_UNDECIDED = (0.25, 0.75)


class Rows(Protocol):
    """A matrix that is not there as a whole."""

    def __getitem__(self, rows: NDArray[np.int64], /) -> NDArray[np.floating[Any]]:
        """Return some rows, float (k, dim)."""


def feed(
    name: str,
    ranking: ScoreIndex,
    k: int,
    *,
    labelled: NDArray[np.bool_],
    any_yes: bool = True,
    embeddings: NDArray[np.floating[Any]] | Rows | None = None,
    center: NDArray[np.floating[Any]] | None = None,
    videos: NDArray[np.integer[Any]] | None = None,
    seed: int = 0,
    version: int = 0,
) -> NDArray[np.int64]:
    """Return the rows of the next `k` clips of a feed, best first.

    Near-duplicates of a clip already on the page and further clips of the same video are postponed, not dropped: as
    long as there are `k` unlabelled clips, `k` are returned.

    Parameters
    ----------
    name : str
        One of FEEDS: highest score, nearest to 0.5, drawn at random, lowest; or suggested, which is clips that
        are nearly undecided and differ from each other.
    ranking : ScoreIndex
        The logits of all clips: above 0 means yes.
    labelled : bool (n,)
        Clips to leave out.
    any_yes : bool
        Whether any clip is labelled yes. Before that, the suggested clips are those with the highest scores.
    embeddings : float (n, dim), or anything that gives some of its rows, optional
        L2-normalised, for finding near-duplicates; those of suggested clips with a `center` may have any length.
    center : float (dim,), optional
        The mean embedding: suggested clips are compared by how they differ from it.
    videos : int (n,), optional
        A number a video.
    seed, version : int
        Seeds of the random feed's order; equal arguments give equal feeds.

    Raises ValueError for an unknown name.
    """
    if name not in FEEDS:
        raise ValueError(f"There is no feed called {name!r}: choose one of {', '.join(FEEDS)}.")
    free = len(labelled) - int(np.count_nonzero(labelled))
    k = min(k, free)
    if k <= 0:
        return np.empty(0, dtype=np.int64)
    number = min(k * _CANDIDATES, free)
    candidates = _candidates(name, ranking, number, labelled, any_yes, seed, version)
    suggested = name == "suggested"
    vectors = None if embeddings is None else np.asarray(embeddings[candidates], dtype=np.float32)
    if vectors is not None and suggested and center is not None:
        vectors = vectors - center.astype(np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    limit = _ALIKE if suggested and center is not None else NEAR_DUPLICATE
    return _thinned(candidates, k, vectors, limit, videos)


def reason(name: str, score: float, nearest: str = "") -> str:
    """Return why a feed shows a clip, in the few words that a card has room for, in agreement with its score.

    Parameters
    ----------
    score : float
        P(yes) of the clip.
    nearest : str
        The label, "yes" or "no", of the labelled clip most like it; empty if it is not known.
    """
    side = "yes" if score >= 0.5 else "no"
    low, high = _UNDECIDED
    undecided = low <= score <= high
    fits = {"top_positive": side == "yes", "borderline": undecided, "top_negative": side == "no"}
    if name in _RANKED and not fits[name]:
        return f"{_RANKED_REST[name]}: {score:.2f}".replace(": 0.", ": .")
    text = (_REASONS | _RANKED)[name]
    agrees = nearest == side or (undecided and name not in ("top_positive", "top_negative"))
    return f"near a {nearest} · {text}" if nearest and agrees else text


def _candidates(
    name: str,
    ranking: ScoreIndex,
    number: int,
    labelled: NDArray[np.bool_],
    any_yes: bool,
    seed: int,
    version: int,
) -> NDArray[np.int64]:
    """Return the first `number` rows of a feed that are not labelled, in order."""
    if name == "random":
        return _drawn(number, labelled, np.random.default_rng([seed, version]))
    if name in _LOGITS:
        return ranking.nearest(_LOGITS[name], number, labelled)
    if not any_yes:
        return ranking.nearest(_LOGITS["top_positive"], number, labelled)
    parts = [ranking.nearest(score, number, labelled) for score in _SUGGESTED_LOGITS]
    both = np.stack(parts, axis=1).ravel()  # a row of each, alternating
    _, first = np.unique(both, return_index=True)
    return both[np.sort(first)][:number]


def _drawn(number: int, labelled: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the first `number` rows of a random order of those that are not labelled."""
    n = len(labelled)
    if n < _ALL_SHUFFLED or number * 4 > n - np.count_nonzero(labelled):
        free = np.flatnonzero(~labelled)
        return free[np.argsort(rng.random(len(free)))[:number]]
    drawn = np.empty(0, dtype=np.int64)
    while len(drawn) < number:  # a few rows of many: hardly ever twice the same
        more = rng.integers(n, size=2 * number)
        both = np.concatenate([drawn, more[~labelled[more]]])
        _, first = np.unique(both, return_index=True)
        drawn = both[np.sort(first)]
    return drawn[:number]


def _thinned(
    rows: NDArray[np.int64],
    k: int,
    vectors: NDArray[np.float32] | None,
    limit: float,
    videos: NDArray[np.integer[Any]] | None,
) -> NDArray[np.int64]:
    """Return the first `k` of `rows` that differ from each other, then the postponed ones in their order."""
    chosen: list[int] = []
    postponed: list[int] = []
    seen: dict[int, int] = {}
    for i, row in enumerate(rows):
        if len(chosen) == k:
            break
        video = None if videos is None else int(videos[row])
        crowded = video is not None and seen.get(video, 0) >= _CLIPS_A_VIDEO
        twin = vectors is not None and bool(chosen) and bool((vectors[chosen] @ vectors[i] > limit).any())
        if crowded or twin:
            postponed.append(i)
            continue
        chosen.append(i)
        if video is not None:
            seen[video] = seen.get(video, 0) + 1
    places = sorted(chosen + postponed[: k - len(chosen)])
    return rows[places]
