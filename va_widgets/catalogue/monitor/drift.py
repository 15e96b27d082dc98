"""Whether new clips differ from those that a model was published from, by its scores and by what they look like.

Kolmogorov-Smirnov tests of single numbers with Bonferroni's correction, as Rabanser, Günnemann and Lipton recommend
("Failing Loudly", arXiv 1810.11953): the model's score, and the principal components of the embeddings. The clips of a
video resemble each other, so that the usual p-values, which take them for independent, would raise alarms without
need. Here whole videos are exchanged between the two sides, at random and many times: how often does that give as large
a difference as there is?
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base.threads import one_blas_thread
from va_widgets.models.reference import Reference, layers

FALSE_ALARMS = 0.05
"""How often there is an alarm where nothing has changed: half of it by the scores, half by the embeddings."""

COMPONENTS = 8
_EXCHANGES = 999
_AT_ONCE = 100  # exchanges computed together
_FOLDS = 5
_LIKENESS_C = 1.0  # of the logistic regression that tells new clips from those of the reference


@dataclass(frozen=True)
class Drift:
    """What has changed between a reference and a sample of new clips.

    Attributes
    ----------
    table : DataFrame(test, distance, p, threshold, drifted)
        One test a row: "score", then "look 1" to "look 8", the principal components. `distance`, 0 to 1, is the largest
        difference between the two cumulative distributions; a test has drifted where `p` is at most its `threshold`.
    videos : (int, int)
        How many videos were compared, of the reference and of the new clips.
    decidable : bool
        False where there are so few videos that no difference could raise an alarm.
    separability : float
        How well a classifier tells new clips from those of the reference, in videos that it has not seen: area under
        the ROC curve, 0.5 where it cannot. NaN with fewer than 5 videos on a side.
    direction : float64 (dim,)
        Its coefficients: the higher the product with an embedding, the newer it looks.
    """

    table: pd.DataFrame
    videos: tuple[int, int]
    decidable: bool
    separability: float
    direction: NDArray[np.float64]

    @property
    def scores_drifted(self) -> bool:
        """Whether the model's scores are distributed in another way."""
        return bool(self.table["drifted"].iloc[0])

    @property
    def looks_drifted(self) -> bool:
        """Whether the clips look otherwise."""
        return bool(self.table["drifted"].iloc[1:].any())


def measure_drift(reference: Reference, new: Reference, seed: int = 0) -> Drift:
    """Compare new clips with a reference; both are samples in the order of `models.reference.sampled`.

    Equal arguments give equal results.
    """
    scores = _Sides.of(reference.videos, new.videos)
    looks = _Sides.of(reference.videos[: len(reference.embeddings)], new.videos[: len(new.embeddings)])
    rng = np.random.default_rng(seed)
    rows = []
    if scores is not None:
        distance, p = scores.test(scores.joined(reference.scores, new.scores), rng)
        rows.append(("score", distance, p, FALSE_ALARMS / 2))
    direction, separability = np.zeros(reference.embeddings.shape[1]), float("nan")
    if looks is not None:
        embeddings = looks.joined(reference.embeddings, new.embeddings).astype(np.float64)
        with one_blas_thread():
            projected = _principal_components(embeddings)
            for number, values in enumerate(projected.T, start=1):
                distance, p = looks.test(values, rng)
                rows.append((f"look {number}", distance, p, FALSE_ALARMS / 2 / projected.shape[1]))
            direction, separability = _new_looks(embeddings, looks)
    table = pd.DataFrame(rows, columns=["test", "distance", "p", "threshold"])
    table["drifted"] = table["p"] <= table["threshold"]
    videos = (0, 0) if scores is None else scores.videos
    decidable = bool(1 / comb(sum(videos), videos[1]) <= FALSE_ALARMS / 2)
    return Drift(table, videos, decidable, separability, direction)


@dataclass(frozen=True)
class _Sides:
    """The clips that are compared: those kept of the reference and of the new ones, and their videos.

    `groups` (n,) is a number a video, from 0 on, the reference's first; `videos` how many there are on each side.
    """

    kept: tuple[NDArray[np.int64], NDArray[np.int64]]
    groups: NDArray[np.int64]
    videos: tuple[int, int]

    @classmethod
    def of(cls, reference: NDArray[np.integer[Any]], new: NDArray[np.integer[Any]]) -> _Sides | None:
        """Return as many clips of each video on either side, as far as it has them; None without clips on a side.

        A sample of many videos holds one clip of each, one of few videos several: only what was drawn in the same way
        can be exchanged.
        """
        if not (len(reference) and len(new)):
            return None
        ranks = [layers(videos) for videos in (reference, new)]
        number = min(int(rank.max()) + 1 for rank in ranks)
        kept = [np.flatnonzero(rank < number) for rank in ranks]
        sides = [
            np.unique(videos[rows], return_inverse=True) for videos, rows in zip((reference, new), kept, strict=True)
        ]
        first = len(sides[0][0])
        groups = np.concatenate([sides[0][1].ravel(), sides[1][1].ravel() + first]).astype(np.int64)
        return cls((kept[0], kept[1]), groups, (first, len(sides[1][0])))

    def joined(self, reference: NDArray[np.floating[Any]], new: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Return the kept clips' values, (n,) or (n, d)."""
        return np.concatenate([reference[self.kept[0]], new[self.kept[1]]])

    def test(self, values: NDArray[np.floating[Any]], rng: np.random.Generator) -> tuple[float, float]:
        """Return the Kolmogorov-Smirnov distance of values (n,) and its p-value by exchange of videos."""
        order = np.argsort(values, kind="stable")
        ordered, groups = values[order], self.groups[order]
        ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))  # equal values are one step
        is_new = np.arange(sum(self.videos)) >= self.videos[0]
        (observed,) = _distances(is_new[None], groups, ends)
        as_far = done = 1
        # Once so many exchanges lead as far that there can be no alarm, more of them would only refine the p-value.
        while done <= _EXCHANGES and as_far <= FALSE_ALARMS / 2 * (_EXCHANGES + 1):
            number = min(_AT_ONCE, _EXCHANGES + 1 - done)
            exchanged = rng.permuted(np.broadcast_to(is_new, (number, len(is_new))), axis=1)
            as_far += int(np.count_nonzero(_distances(exchanged, groups, ends) >= observed - 1e-6))
            done += number
        return float(observed), as_far / done


def _distances(is_new: NDArray[np.bool_], groups: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the distances (k,) of k divisions of the videos (k, videos); `groups` (n,) are those of ordered values."""
    sides = is_new[:, groups]
    numbers = sides.sum(axis=1, keepdims=True, dtype=np.float32)
    steps = np.where(sides, 1 / numbers, -1 / (sides.shape[1] - numbers)).astype(np.float32)
    return np.abs(np.cumsum(steps, axis=1)[:, ends]).max(axis=1)


def _principal_components(embeddings: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first principal components of embeddings (n, dim), (n, 8 or fewer).

    They are those of both sides together: components of the reference alone would fit it better than new clips.
    """
    centered = embeddings - embeddings.mean(axis=0)
    values, vectors = np.linalg.eigh(centered.T @ centered)
    vectors = vectors[:, ::-1][:, : min(COMPONENTS, len(embeddings) - 1)]
    return centered @ vectors[:, values[::-1][: vectors.shape[1]] > 1e-9]


def _new_looks(embeddings: NDArray[np.float64], sides: _Sides) -> tuple[NDArray[np.float64], float]:
    """Return the direction of what is new in embeddings (n, dim), and how well it separates unseen videos."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    is_new = np.arange(len(embeddings)) >= len(sides.kept[0])
    centered = embeddings - embeddings.mean(axis=0)
    scale = float(np.sqrt(np.square(centered).sum(axis=1).mean()))
    centered /= scale or 1.0
    classifier = LogisticRegression(C=_LIKENESS_C, class_weight="balanced", max_iter=200)
    direction: NDArray[np.float64] = classifier.fit(centered, is_new).coef_[0]
    if min(sides.videos) < _FOLDS:
        return direction, float("nan")
    shuffled = np.random.default_rng(0).permutation(sum(sides.videos))[sides.groups]
    margins = cross_val_predict(
        classifier, centered, is_new, groups=shuffled, cv=GroupKFold(_FOLDS), method="decision_function"
    )
    return direction, float(roc_auc_score(is_new, margins))
