"""How the labelling goes: what the last batch changed, how many positives there are, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, expit

from va_widgets.base.matrix import kth_largest

_LEAST_TOP = 50  # clips at the top that are compared from one refit to the next
_DRAWN = 20  # random labels from which they tell how many positives there are
_INTERVAL = (0.05, 0.95)
_SETTLED = 0.05  # the turnover below which a refit changed little
_SETTLED_REFITS = 3
_TRIED = 10  # labels without a yes after which another search helps more


@dataclass(frozen=True)
class Positives:
    """How many clips of the corpus are a yes, and how that was estimated; `low` and `high` are a 90 % interval."""

    estimate: int
    low: int | None
    high: int | None
    method: str
    drawn: int  # how many labels were drawn at random


def turnover(logits: NDArray[np.float32], former: NDArray[np.float32]) -> float:
    """What share of the clips found changed from one classifier to the next, 0 to 1.

    Those found are the clips above 0, but at least the 50 highest and as many of both classifiers (logits (n,)).
    """
    if not len(logits):
        return 0.0
    number = min(len(logits), max(_LEAST_TOP, int((logits > 0).sum())))
    tops = [values >= kth_largest(values, number) for values in (logits, former)]
    return 1.0 - min(1.0, float((tops[0] & tops[1]).sum()) / number)


def positives(logits: NDArray[np.float32], known: int, labelled: int, drawn: NDArray[np.bool_]) -> Positives:
    """How many clips are a yes.

    Parameters
    ----------
    logits : float32 (n,)
        Of all clips.
    known, labelled : int
        How many clips are labelled yes, and how many yes or no.
    drawn : bool (m,)
        The labels of clips that were drawn at random. From 20 on they give the estimate with its interval (Jeffreys'),
        before that the sum of all P(yes) does.
    """
    rest = len(logits) - labelled
    if len(drawn) >= _DRAWN:
        yes, no = float(drawn.sum()) + 0.5, float((~drawn).sum()) + 0.5
        low, high = (float(betaincinv(yes, no, edge)) for edge in _INTERVAL)
        share = float(drawn.mean())
        estimate, least, most = (known + round(rest * value) for value in (share, low, high))
        return Positives(estimate, least, most, f"from {len(drawn)} clips drawn at random", len(drawn))
    expected = float(expit(logits).sum(dtype=np.float64))
    return Positives(max(known, round(expected)), None, None, "by the classifier's own scores", len(drawn))


def advice(yes: int, no: int, measured: bool, turnovers: Sequence[float], drawn: int) -> str:
    """What the annotator had best do next, in one sentence; empty if there is nothing to say but to go on.

    Parameters
    ----------
    yes, no : int
        Labels of each kind.
    measured : bool
        Whether there is a quality yet.
    turnovers : float
        Of all refits, oldest first.
    drawn : int
        How many labels came from the random feed.
    """
    if yes + no >= _TRIED and not yes:
        return "No yes so far: search in other words, or for something that looks like it."
    if yes >= _TRIED and not no:
        return "No clip is a no yet: say no to some in Borderline or Random, so that the limits become clear."
    last = [value for value in turnovers[-_SETTLED_REFITS:] if np.isfinite(value)]
    if measured and len(last) == _SETTLED_REFITS and max(last) < _SETTLED:
        settled = f"The last {_SETTLED_REFITS} batches changed less than {_SETTLED:.0%} of what is found"
        if drawn < _DRAWN:
            missing = f"{_DRAWN - drawn} {'more clips' if drawn else 'clips'}"
            return f"{settled}: label {missing} of Random to see whether anything was missed, then review and publish."
        return f"{settled}: a good moment to review and publish."
    return ""
