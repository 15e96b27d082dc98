"""The pictures of a published model: clips that were labelled yes and no, clips at its threshold, and its curve."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from va_widgets.base.errors import CorpusError
from va_widgets.corpus import Corpus
from va_widgets.learning.trainer import Fit
from va_widgets.models.model_card import BORDERLINE, CURVE, NO, YES
from va_widgets.video.filmstrip import frame_of

_COLUMNS, _ROWS = 4, 2
_SHOWN = _COLUMNS * _ROWS  # clips of a picture, at most
_WIDTH, _HEIGHT = 160, 90  # pixels of the box of a clip
_GAP = 2  # pixels between boxes
_QUALITY = 80  # of JPEG
_TRIED = 3 * _SHOWN  # clips at the threshold, of which some may have no pictures


def pictures(corpus: Corpus, fit: Fit, threshold: float) -> dict[str, bytes]:
    """Return the pictures that a bundle's README shows, JPEG and PNG, by the names of their files.

    Those of clips are absent where the corpus has none, the curve with too few labels and without matplotlib.
    """
    rows, y = fit.labels.rows, fit.labels.y
    labelled = np.zeros(len(fit.logits), dtype=bool)
    labelled[rows] = True
    at_threshold = fit.ranking.nearest(float(logit(threshold)) / fit.calibration.factor, _TRIED, labelled)
    shown = {
        YES: _contact_sheet(corpus, _spread(rows[y], fit.logits)),
        NO: _contact_sheet(corpus, _spread(rows[~y], fit.logits)),
        BORDERLINE: _contact_sheet(corpus, at_threshold),
        CURVE: _curve(fit, threshold),
    }
    return {name: data for name, data in shown.items() if data}


def _spread(rows: NDArray[np.int64], logits: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return up to 8 of some rows, from the highest logit to the lowest in even steps."""
    ordered = rows[np.argsort(-logits[rows], kind="stable")]
    steps = np.linspace(0, len(ordered) - 1, min(_SHOWN, len(ordered)))
    return np.asarray(ordered[steps.round().astype(np.int64)], dtype=np.int64)


def _contact_sheet(corpus: Corpus, rows: Iterable[int]) -> bytes:
    """Return the middle frames of up to 8 clips as one JPEG; empty if none of them has a picture."""
    import cv2  # loaded with the first picture

    sheet = np.zeros((_ROWS * (_HEIGHT + _GAP) - _GAP, _COLUMNS * (_WIDTH + _GAP) - _GAP, 3), dtype=np.uint8)
    number = 0
    for row in rows:
        try:
            strip = corpus.filmstrip(str(corpus.clips.index[row]))
            frame = frame_of(strip, strip.frames // 2)
        except CorpusError:  # this clip has none, others may
            continue
        scale = min(_WIDTH / frame.shape[1], _HEIGHT / frame.shape[0])
        width, height = (max(1, round(side * scale)) for side in (frame.shape[1], frame.shape[0]))
        line, column = divmod(number, _COLUMNS)
        top = line * (_HEIGHT + _GAP) + (_HEIGHT - height) // 2
        left = column * (_WIDTH + _GAP) + (_WIDTH - width) // 2
        sheet[top : top + height, left : left + width] = cv2.resize(
            frame, (width, height), interpolation=cv2.INTER_AREA
        )
        number += 1
        if number == _SHOWN:
            break
    if not number:
        return b""
    lines, columns = -(-number // _COLUMNS), min(number, _COLUMNS)
    used = sheet[: lines * (_HEIGHT + _GAP) - _GAP, : columns * (_WIDTH + _GAP) - _GAP]
    return bytes(cv2.imencode(".jpg", used, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes())


def _curve(fit: Fit, threshold: float) -> bytes:
    """Return precision over recall as a PNG; empty with too few labels and without matplotlib."""
    if fit.held_out is None:
        return b""
    try:
        from matplotlib.figure import Figure
    except ImportError:  # an extra: README.md says that the curve is absent
        return b""
    from va_widgets.display import plots

    figure = Figure(figsize=(6.4, 3.6), dpi=100, layout="constrained")
    # Without the concept as its title: matplotlib warns about every script that its font lacks.
    plots.precision_recall(fit.held_out, threshold, "", "", figure.subplots())
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()
