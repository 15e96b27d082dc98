"""The clips that count as found: those labelled yes, and those without a yes or no that score high enough."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.labels.concept_labels import ConceptLabels
from va_widgets.session.corpus_view import CorpusView

_COLUMNS = ["video", "start", "end"]


def found(
    probabilities: NDArray[np.float32], threshold: float, rows: NDArray[np.int64], y: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which clips count as found, bool (n,): the labels decide where there are any, else the threshold.

    Parameters
    ----------
    probabilities : float32 (n,)
        P(yes) of all clips.
    threshold : float
        The probability from which on a clip is a yes.
    rows : int64 (m,), y : bool (m,)
        The clips labelled yes or no, and whether each is yes.
    """
    is_found = probabilities >= threshold
    is_found[rows] = y
    return is_found


class FoundClips:
    """The found clips of a concept at one moment.

    Parameters
    ----------
    view : CorpusView
    labels : ConceptLabels
    probabilities : float32 (n,)
        P(yes) of all clips of the view.
    threshold : float
        The probability from which on a clip is a yes.
    """

    def __init__(
        self, view: CorpusView, labels: ConceptLabels, probabilities: NDArray[np.float32], threshold: float
    ) -> None:
        clips, y = labels.training_set()
        rows = view.rows(clips)
        here = rows >= 0  # clips that have left the corpus are in no export
        self._clips = view.corpus.clips
        self._probabilities = probabilities
        self._rows, self._y = rows[here], y[here]
        self._is_found = found(probabilities, threshold, self._rows, self._y)

    def __len__(self) -> int:
        return int(np.count_nonzero(self._is_found))

    def table(self) -> pd.DataFrame:
        """Return the clips, best first: DataFrame(clip_id, video, start, end, score = P(yes), label = "yes" or "")."""
        rows = np.flatnonzero(self._is_found)
        rows = rows[np.argsort(-self._probabilities[rows], kind="stable")]
        table = self._clips.iloc[rows][_COLUMNS].reset_index()
        table["score"] = self._probabilities[rows]
        table["label"] = np.where(np.isin(rows, self._rows[self._y]), "yes", "")
        return table
