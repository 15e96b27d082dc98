"""The feeds: which unlabelled clips to show next, as pure functions on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FEEDS = ("top_positive", "top_negative", "borderline", "random")

NEAR_DUPLICATE = 0.98  # cosine from which two clips count as the same picture
_CLIPS_A_VIDEO = 2  # of one video on a page, as long as other videos have something to show
_CANDIDATES = 6  # how many candidates a place on the page are looked at for thinning out
_REASONS = {"top_positive": "most likely yes", "top_negative": "most likely no", "random": "drawn at random"}


def feed(
    name: str,
    scores: NDArray[np.float32],
    k: int,
    *,
    labelled: NDArray[np.bool_],
    embeddings: NDArray[np.floating[Any]] | None = None,
    videos: NDArray[np.integer[Any]] | None = None,
    seed: int = 0,
    version: int = 0,
) -> NDArray[np.int64]:
    """The rows of the next `k` clips of a feed, best first.

    Near-duplicates of a clip already on the page and further clips of the same video are postponed, not dropped: as
    long as there are `k` unlabelled clips, `k` are returned.

    Parameters
    ----------
    name : str
        One of FEEDS: highest score, lowest, nearest to 0.5, or drawn at random.
    scores : float32 (n,)
        P(yes) of every clip.
    labelled : bool (n,)
        Clips to leave out.
    embeddings : float (n, dim), optional
        L2-normalised, for finding near-duplicates.
    videos : int (n,), optional
        A number a video.
    seed, version : int
        The random feed is a permutation by both; equal arguments give equal feeds.

    Raises ValueError for an unknown name.
    """
    free = np.flatnonzero(~labelled)
    if not len(free) or k <= 0:
        return np.empty(0, dtype=np.int64)
    wanted = min(k, len(free))
    candidates = _first(_cost(name, scores[free], seed, version), wanted * _CANDIDATES)
    return _thinned(free[candidates], wanted, embeddings, videos)


def reason(name: str, score: float) -> str:
    """Why a feed shows a clip, in a few words."""
    if name == "borderline":
        return f"undecided · {score:.2f}"
    return _REASONS[name]


def _cost(name: str, scores: NDArray[np.float32], seed: int, version: int) -> NDArray[np.floating[Any]]:
    """What a feed sorts by, lowest first."""
    if name == "top_positive":
        return -scores
    if name == "top_negative":
        return scores
    if name == "borderline":
        return np.abs(scores - np.float32(0.5))
    if name == "random":
        return np.random.default_rng([seed, version]).random(len(scores))
    raise ValueError(f"There is no feed called {name!r}: choose one of {', '.join(FEEDS)}.")


def _first(cost: NDArray[np.floating[Any]], number: int) -> NDArray[np.int64]:
    """The places of the `number` lowest costs in order, ties by place, without sorting all."""
    if number >= len(cost):
        return np.argsort(cost, kind="stable")
    limit = np.partition(cost, number - 1)[number - 1]
    below = np.flatnonzero(cost < limit)
    level = np.flatnonzero(cost == limit)[: number - len(below)]
    places = np.sort(np.concatenate([below, level]))
    return places[np.argsort(cost[places], kind="stable")]


def _thinned(
    rows: NDArray[np.int64],
    k: int,
    embeddings: NDArray[np.floating[Any]] | None,
    videos: NDArray[np.integer[Any]] | None,
) -> NDArray[np.int64]:
    """The first `k` of `rows` that differ from each other, then the postponed ones in their order."""
    vectors = None if embeddings is None else np.asarray(embeddings[rows], dtype=np.float32)
    chosen: list[int] = []
    postponed: list[int] = []
    seen: dict[int, int] = {}
    for i, row in enumerate(rows):
        if len(chosen) == k:
            break
        video = None if videos is None else int(videos[row])
        crowded = video is not None and seen.get(video, 0) >= _CLIPS_A_VIDEO
        twin = vectors is not None and bool(chosen) and bool((vectors[chosen] @ vectors[i] > NEAR_DUPLICATE).any())
        if crowded or twin:
            postponed.append(i)
            continue
        chosen.append(i)
        if video is not None:
            seen[video] = seen.get(video, 0) + 1
    places = sorted(chosen + postponed[: k - len(chosen)])
    return rows[places]
