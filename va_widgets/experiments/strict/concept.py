"""What the release has on a concept, with its own vectors, and the AP of VA's classifier on a set of labels."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.model_selection import StratifiedKFold

from va_widgets.experiments.errors import ExperimentError
from va_widgets.experiments.evaluation import in_validation, score
from va_widgets.experiments.release import Release
from va_widgets.experiments.strict.label_set import LabelSet, RefusedError
from va_widgets.learning.quality import diversity

_FOLDS = 5


@dataclass(frozen=True)
class Labels:
    """All labels of a concept.

    `checkpoints` has the primary annotator's labels after each rebuild, `baselines` the labels of each baseline as
    (key, label), in the order of labelling and with repetitions.
    """

    majority: LabelSet
    checkpoints: Sequence[LabelSet]
    baselines: Mapping[str, Sequence[tuple[str, bool]]]

    @property
    def keys(self) -> list[str]:
        """Every clip that has a label, sorted."""
        sets = (self.majority, *self.checkpoints)
        answers = (key for labels in self.baselines.values() for key, _ in labels)
        return sorted({*answers, *(key for labels in sets for key in labels.keys)})


@dataclass(frozen=True)
class Concept:
    """The labels of a concept, and its clips as they are in the release.

    `X` (n, dim) has the vectors of the clips in `row_of`, `clusters` int (n,) their clusters; `text` float64 (dim,) is
    the vector of the concept's name.
    """

    name: str
    labels: Labels
    row_of: Mapping[str, int]
    X: NDArray[np.floating[Any]]
    clusters: NDArray[np.int64]
    text: NDArray[np.float64] | None
    _aps: dict[tuple[LabelSet, LabelSet], float] = field(default_factory=dict)

    def validation(self, seed: int = 0) -> LabelSet:
        """Return the clips with a majority that the hash selects.

        Raises ExperimentError if there are no positives among them, or among the others.
        """
        majority = self.labels.majority
        keys = np.array(majority.keys, dtype=object)
        inside = in_validation(majority.keys, seed)
        for part, chosen in (("validation", inside), ("training", ~inside)):
            if not majority.among(keys[chosen]).yes:
                raise ExperimentError(f"The {part} set of {self.name!r} has no positives.")
        return majority.among(keys[inside])

    def ap(self, labels: LabelSet, validation: LabelSet) -> float:
        """Return the validation AP of VA's classifier. Raises RefusedError if scikit-learn cannot fit it."""
        # Policies begin alike: the same labels come again and again.
        if (labels, validation) not in self._aps:
            self._aps[labels, validation] = self._fitted_ap(labels, validation)
        return self._aps[labels, validation]

    def text_ap(self, validation: LabelSet) -> float | None:
        """Return the validation AP of the cosine to the text; None without a text."""
        if self.text is None:
            return None
        return score(validation.y, cosine_similarity(self.X[self._rows(validation)], self.text[np.newaxis])[:, 0])

    def diversity(self, labels: LabelSet) -> float:
        """Return the data diversity of labels."""
        clusters = self.clusters[self._rows(labels)]
        return diversity(clusters[labels.y], clusters[~labels.y])

    def _fitted_ap(self, labels: LabelSet, validation: LabelSet) -> float:
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
        model = LogisticRegressionCV(cv=folds, scoring="average_precision", max_iter=1000)
        with warnings.catch_warnings():
            # scikit-learn warns of folds without positives, and of parameters that it renames in later versions.
            warnings.simplefilter("ignore")
            try:
                model.fit(self.X[self._rows(labels)], labels.y)
            except ValueError as error:
                raise RefusedError(str(error)) from error
        return score(validation.y, model.predict_proba(self.X[self._rows(validation)])[:, 1])

    def _rows(self, labels: LabelSet) -> NDArray[np.int64]:
        return np.array([self.row_of[key] for key in labels.keys], dtype=np.int64)


def read_concepts(release: Release, names: Sequence[str]) -> list[Concept]:
    """Read concepts, with one pass through the release's vectors.

    Raises CorpusError if a file of the release is missing or damaged.
    """
    texts = release.text_vectors()
    labels = [_read_labels(release, name) for name in names]
    index = release.corpus.clips.index
    clusters = release.corpus.clips["cluster"].to_numpy(dtype=np.int64)
    rows = [index.get_indexer(pd.Index(np.array(of.keys, dtype=object))) for of in labels]
    all_rows = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *rows]))
    X = release.vectors(all_rows)
    return [
        Concept(
            name,
            of,
            {key: row for row, key in enumerate(of.keys)},
            X[np.searchsorted(all_rows, own_rows)],
            clusters[own_rows],
            texts.get(name),
        )
        for name, of, own_rows in zip(names, labels, rows, strict=True)
    ]


def _read_labels(release: Release, name: str) -> Labels:
    baselines = release.comparison(name).items()
    return Labels(
        LabelSet.of(_pairs(release.labels(name)["agg"])),
        [LabelSet.of(_pairs(table["value"])) for table in release.checkpoints(name)],
        {baseline: _pairs(table["value"]) for baseline, table in baselines},
    )


def _pairs(column: pd.Series[Any]) -> list[tuple[str, bool]]:
    return [(str(key), bool(label)) for key, label in column.items()]
