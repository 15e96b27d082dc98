"""The camera's move that a concept's words name, as in "pan left": what its first feeds are ranked by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from va_widgets.corpus.manifest import MOTION
from va_widgets.learning.views import View
from va_widgets.video.motion.words import motion_query, motion_scores


@dataclass(frozen=True)
class ConceptMove:
    """What a concept's words say of how the picture moves.

    Attributes
    ----------
    fits : {view: float32 (m,)}
        How well the clips of the motion view's sample fit; empty where the words name no move, or without that view.
    alone : bool
        Whether the words say nothing but the move.
    """

    fits: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    alone: bool = False

    @classmethod
    def of(cls, concept: str, views: Sequence[View]) -> Self:
        """Return what a concept's words say about a corpus with these views."""
        query = motion_query(concept)
        motion = next((view for view in views if view.name == MOTION), None)
        scores = None if query is None or motion is None else motion_scores(concept, motion.sample)
        if query is None or scores is None:
            return cls()
        return cls({MOTION: scores}, not query.rest)
