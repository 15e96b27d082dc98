"""Search by how the picture moves, for texts that name a camera move, with or without words for what is seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.errors import SearchUnavailableError
from va_widgets.video.motion.words import MotionQuery, shares_of_worse

# How much a move counts beside the other words of a text: from the worst fit to the best as much as this many standard
# deviations of the similarity to the words. benchmarks/motion_search.py compares it with other ways to combine both.
_WEIGHT = 2.0


def search_by_motion(
    query: MotionQuery,
    motion: pd.DataFrame,
    similarities: Callable[[str], NDArray[np.float32]],
    k: int,
    among: NDArray[np.bool_] | None,
) -> pd.DataFrame:
    """Return the `k` clips that move most as a text says: DataFrame(clip_id, score), best first.

    The words beside the move count as well. `motion` has the readable numbers of all clips, NaN for clips of which they
    are not known; these come last if there are other words, and are left out otherwise. `similarities` returns the
    cosine of a text and each clip, float32 (n,), or raises SearchUnavailableError. Only rows of `among`, bool (n,), are
    returned. `attrs["motion"]` of the table is the move in words, and `attrs["note"]` says how the clips are ranked.
    """
    fit = query.scores(motion)
    eligible = np.isfinite(fit)
    note = f"Ranked by {query.measure}."
    scores = fit
    if query.rest:
        try:
            cosines = similarities(query.rest).astype(np.float64)
        except SearchUnavailableError as error:
            note = f"Ranked by {query.measure} alone. {error}"
        else:
            note = f"Ranked by “{query.rest}” and by {query.measure}."
            scores = (cosines - cosines.mean()) / max(float(cosines.std()), 1e-9) + _WEIGHT * shares_of_worse(fit)
            eligible[:] = True
    rows = np.flatnonzero(eligible if among is None else eligible & among)
    if 0 < k < len(rows):  # so that few are sorted
        rows = rows[scores[rows] >= np.partition(scores[rows], len(rows) - k)[len(rows) - k]]
    best = rows[np.argsort(-scores[rows], kind="stable")[:k]]
    matches = pd.DataFrame({"clip_id": motion.index[best], "score": scores[best].astype(np.float32)})
    matches.attrs |= {"note": note, "motion": query.phrase}
    return matches
