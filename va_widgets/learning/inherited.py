"""Labels of clips of other corpora, from which a classifier learns beside those of its own corpus."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from va_widgets.learning.views import APPEARANCE


@dataclass(frozen=True)
class InheritedLabels:
    """Labels that came with a published model.

    Attributes
    ----------
    rows : {view: float32 (m, d)}
        The labelled clips' rows of every view, the embeddings among them.
    y : bool (m,)
        Whether each is a yes.
    clips, videos : int64 (m,)
        Hashes of the clips' ids and of their videos.
    """

    rows: Mapping[str, NDArray[np.float32]]
    y: NDArray[np.bool_]
    clips: NDArray[np.int64]
    videos: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.y)

    @property
    def views(self) -> dict[str, int]:
        """The number of columns of every view, by its name."""
        return {name: rows.shape[1] for name, rows in self.rows.items()}

    def only(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> InheritedLabels:
        """Return some of these labels, by their positions or a mask."""
        rows = {name: rows[chosen] for name, rows in self.rows.items()}
        return InheritedLabels(rows, self.y[chosen], self.clips[chosen], self.videos[chosen])

    def without(self, clips: NDArray[np.int64]) -> InheritedLabels:
        """Return these labels without those of some clips, by their hashes."""
        return self.only(~np.isin(self.clips, clips))

    def plus(self, other: InheritedLabels) -> InheritedLabels:
        """Return these labels and others, in the views that both have."""
        rows = {name: np.concatenate([self.rows[name], other.rows[name]]) for name in self.rows if name in other.rows}
        parts = ((getattr(self, name), getattr(other, name)) for name in ("y", "clips", "videos"))
        return InheritedLabels(rows, *(np.concatenate(part) for part in parts))

    def in_views(self, views: Collection[str]) -> InheritedLabels:
        """Return these labels with no other views than the embeddings and those that are named."""
        rows = {name: rows for name, rows in self.rows.items() if name == APPEARANCE or name in views}
        return InheritedLabels(rows, self.y, self.clips, self.videos)
