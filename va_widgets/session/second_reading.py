"""Which clips somebody reads a second time, without the answer of the first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SECOND_READING = "second_reading"
"""The feed of these clips, and the source of labels that are given in it."""


def chosen_rows(
    rows: NDArray[np.int64], suspicion: NDArray[np.float64], draw: NDArray[np.float64], k: int
) -> list[int]:
    """Return `k` of some rows, half of them the most suspicious ones, the others drawn at random from the rest.

    They come in an order that tells nothing about either.

    Parameters
    ----------
    rows : int64 (n,)
    suspicion : float64 (n,)
        How far the classifier disagrees with the label of each; NaN where that is not known.
    draw : float64 (n, 2)
        Random numbers of each row: by the first ones rows are drawn, by the second ones they are put in order.
    k : int
    """
    known = np.flatnonzero(np.isfinite(suspicion))
    suspicious = known[np.argsort(-suspicion[known], kind="stable")][: k // 2]
    others = np.setdiff1d(np.arange(len(rows)), suspicious)
    drawn = others[np.argsort(draw[others, 0], kind="stable")][: k - len(suspicious)]
    chosen = np.concatenate([suspicious, drawn])
    return rows[chosen[np.argsort(draw[chosen, 1], kind="stable")]].tolist()
