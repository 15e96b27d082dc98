"""Turnover from one refit to the next, and the advice that follows from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from va_widgets.learning.labelling_progress import advice, turnover


def test_turnover_is_the_share_of_clips_found_that_changed() -> None:
    logits = np.linspace(1, -9, 1000, dtype=np.float32)  # the first hundred are above 0
    assert turnover(logits, logits) == 0.0
    other = logits.copy()
    other[:25], other[-25:] = logits[-25:], logits[:25]
    assert turnover(other, logits) == pytest.approx(0.25)
    assert turnover(np.empty(0, dtype=np.float32), np.empty(0, dtype=np.float32)) == 0.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, 12, False, [], 0), "These words find little here"),
        ((12, 0, False, [], 0), "No clip is a no yet"),
        ((20, 20, True, [0.5, 0.01, 0.02, 0.03], 0), ": label 20 clips of Random to see whether"),
        ((20, 20, True, [0.5, 0.01, 0.02, 0.03], 12), ": label 8 more clips of Random to see whether"),
        ((20, 20, True, [0.5, 0.01, 0.02, 0.03], 20), "a good moment to review and publish"),
        ((20, 20, True, [0.5, 0.01, 0.02, 0.03], 25, 30), ": label 30 clips of Random"),
        ((20, 20, True, [0.5], 25, 30), ""),
        ((30, 20, True, [0.5], 25, 30), "30 labels from Random would tell the quality"),
        ((20, 20, True, [0.01, 0.02, 0.03], 25), "a good moment to review and publish"),
        ((20, 20, True, [0.01, 0.2, 0.03], 25), ""),
        ((20, 20, False, [0.01, 0.02, 0.03], 25), ""),
        ((0, 0, False, [], 0), ""),
    ],
)
def test_advice(arguments: tuple[Any, ...], said: str) -> None:
    assert (said in advice(*arguments)) if said else advice(*arguments) == ""
