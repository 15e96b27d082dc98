"""Dividing clips among annotators, without overlap or with some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

ASSIGNED = "assigned"
"""The feed of an annotator's share, and the source of labels that are given in it."""
SHARES = ("", "shares")
"""The annotator and the key of the document that holds the shares of a concept."""


def divided(
    clips: Sequence[str], annotators: Sequence[str], overlap: float, readers: int, seed: int
) -> dict[str, list[str]]:
    """Return each annotator's clips, in the order given. The shares differ by one clip at most.

    Parameters
    ----------
    clips : of clip ids
    annotators : of names
    overlap : float
        The share of clips, 0 to 1, that several annotators get; which ones is drawn at random.
    readers : int
        How many get such a clip, at most as many as there are annotators.
    seed : int
    """
    rng = np.random.default_rng(seed)
    shared = set(rng.permutation(len(clips))[: round(overlap * len(clips))].tolist())
    shares: dict[str, list[str]] = {name: [] for name in annotators}
    for index, clip in enumerate(clips):
        # Who has the fewest clips gets it. Drawing among equals lets every two of them meet.
        order = [annotators[i] for i in rng.permutation(len(annotators))]
        order.sort(key=lambda name: len(shares[name]))
        for name in order[: readers if index in shared else 1]:
            shares[name].append(clip)
    return shares


def shares_in(document: object) -> dict[str, list[str]]:
    """Return the shares by annotator in a document that is kept as SHARES; none if it is of another form."""
    if not isinstance(document, Mapping):
        return {}
    return {
        str(name): [clip for clip in clips if isinstance(clip, str)]
        for name, clips in document.items()
        if isinstance(clips, list)
    }
