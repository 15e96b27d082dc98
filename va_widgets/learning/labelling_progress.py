"""The progress of labelling: how much the last refit changed, and advice on what to do next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from va_widgets.base.matrix import kth_largest
from va_widgets.base.texts import counted

_LEAST_TOP = 50  # clips at the top that are compared from one refit to the next
_DRAWN = 20  # labels of random clips that are enough to show whether anything was missed
_SETTLED = 0.05  # the turnover below which a refit changed little
_SETTLED_REFITS = 3
_MANY = 50  # labels from which on a random page is advised although the classifier still changes
_TRIED = 10  # labels without a yes, or without a no, from which on that is the advice


def turnover(logits: NDArray[np.float32], former: NDArray[np.float32]) -> float:
    """Return the share of the clips found that changed from one classifier to the next, 0 to 1.

    Those found are the clips above 0, but at least the 50 highest and as many of both classifiers (logits (n,)).
    """
    if not len(logits):
        return 0.0
    number = min(len(logits), max(_LEAST_TOP, int((logits > 0).sum())))
    tops = [values >= kth_largest(values, number) for values in (logits, former)]
    return 1.0 - min(1.0, float((tops[0] & tops[1]).sum()) / number)


def advice(
    yes: int, no: int, measured: bool, turnovers: Sequence[float], drawn: int, random_labels: int | None = None
) -> str:
    """Return what the annotator should do next, in one sentence; empty where that is to go on labelling.

    Parameters
    ----------
    yes, no : int
        How many labels there are of each value.
    measured : bool
        Whether there is a quality yet.
    turnovers : sequence of float
        Those of all refits, oldest first.
    drawn : int
        How many labels came from the random feed.
    random_labels : int, optional
        How many more of those would make the quality's interval narrow.
    """
    if yes + no >= _TRIED and not yes:
        return "These words find little here, no yes so far: search in other words, or look through a page of Random."
    if yes >= _TRIED and not no:
        return "No clip is a no yet: say no to some in Borderline or Random, so that the limits become clear."
    last = [value for value in turnovers[-_SETTLED_REFITS:] if np.isfinite(value)]
    if measured and len(last) == _SETTLED_REFITS and max(last) < _SETTLED:
        settled = f"The last {_SETTLED_REFITS} batches changed less than {_SETTLED:.0%} of what is found"
        if random_labels:
            clips = counted(random_labels, "clip")
            return f"{settled}: label {clips} of Random, and the quality is known to about a tenth."
        if drawn < _DRAWN:
            missing = f"{_DRAWN - drawn} {'more clips' if drawn else 'clips'}"
            return f"{settled}: label {missing} of Random to see whether anything was missed, then review and publish."
        return f"{settled}: a good moment to review and publish."
    if random_labels and yes + no >= _MANY:
        return f"{counted(random_labels, 'label')} from Random would tell the quality to about a tenth."
    return ""
