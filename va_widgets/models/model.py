"""A published model: scores clips, is used like a classifier of scikit-learn, and can be withdrawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from va_widgets.base import arguments
from va_widgets.base.arguments import described
from va_widgets.base.errors import EncoderMismatchError, ModelError, reason_of
from va_widgets.base.matrix import zero_rows
from va_widgets.base.paths import GivenPath
from va_widgets.base.system_errors import failure
from va_widgets.corpus import Corpus
from va_widgets.corpus.manifest import MOTION
from va_widgets.learning.logistic import decision_scores
from va_widgets.learning.smoothing import smoothed
from va_widgets.models import withdrawal
from va_widgets.models.estimator import FittedClassifier
from va_widgets.models.files import check_listed, read_file
from va_widgets.models.motion_version import warn_of_motion
from va_widgets.models.names import slug

if TYPE_CHECKING:
    import onnx

    from va_widgets.catalogue.compare import Comparison


@dataclass(frozen=True, eq=False)  # arrays cannot be compared as a whole
class Model(FittedClassifier):
    """A binary classifier of clips, as it was published. It has the interface of a fitted classifier of scikit-learn.

    `coef` is float32 (dim,) on raw embeddings; a clip is a yes from `threshold` (a probability) on; `card` holds
    everything known about it, and `folder` is where it was read from. `smoothing` is the share of a clip's nearest
    clips in its logit, where a whole corpus is scored; 0 for a model of a corpus whose nearest clips were not known.
    `views` are the coefficients, float32 (d,), of the other views that it has learned from, by their names. `missing`
    is what a clip adds whose row of a view is zero throughout, because its values are not known, for views where that
    may be so.
    """

    name: str
    version: int
    concept: str
    guideline: str
    encoder: str
    dim: int
    coef: NDArray[np.float32] = field(repr=False)
    intercept: float = field(repr=False)
    threshold: float
    card: Mapping[str, Any] = field(repr=False)
    folder: Path = field(repr=False)
    smoothing: float = field(default=0.0, repr=False)
    views: Mapping[str, NDArray[np.float32]] = field(default_factory=dict, repr=False)
    missing: Mapping[str, float] = field(default_factory=dict, repr=False)

    @property
    def slug(self) -> str:
        """The name as a folder is called, and as queries name the model."""
        return slug(self.name)

    # --- scores ----------------------------------------------------------------------------------

    def score(self, embeddings: ArrayLike, views: Mapping[str, ArrayLike] | None = None) -> NDArray[np.float32]:
        """Return P(yes), float32 (n,), of embeddings (n, dim), each by itself.

        `views` are the same clips' rows of the other views that the model has learned from, (n, d) each, by name.

        Raises ModelError if a view is missing, or if they have other shapes, are no numbers, or are not finite.
        """
        scores: NDArray[np.float32] = expit(self.decision_function(embeddings, views))
        return scores

    def decision_function(
        self, embeddings: ArrayLike, views: Mapping[str, ArrayLike] | None = None
    ) -> NDArray[np.float32]:
        """Return the logits of P(yes), float32 (n,); arguments and errors are those of `score`."""
        if views is not None and not isinstance(views, Mapping):
            raise ModelError(f"The views are rows of the same clips by the views' names, not {described(views)}.")
        matrices = {**(views or {}), "": embeddings}
        self._check_views(matrices)
        first, others = self._logits(matrices)
        return first + others

    def score_corpus(self, corpus: Corpus) -> pd.Series[float]:
        """Return P(yes) of every clip of a corpus, by clip_id; smoothed by its nearest clips where both know them.

        Raises EncoderMismatchError if the corpus was embedded by another encoder than the model was trained on,
        ModelError if it lacks a view that the model has learned from, or has one with other columns.
        """
        self.check_corpus(corpus)
        logits, others = self._logits({"": corpus.embeddings} | {name: corpus.view(name) for name in self.views})
        neighbours = corpus.neighbours
        if self.smoothing and neighbours is not None:
            logits = smoothed(logits, neighbours, self.smoothing)
        return pd.Series(expit(logits + others), index=corpus.clips.index, name=self.name)

    def check_corpus(self, corpus: Corpus) -> None:
        """Raise what `score_corpus` raises for a corpus that this model cannot score.

        A warning is logged where the corpus's motion was measured by another version than the model has learned from.
        """
        arguments.instance(corpus, Corpus, "The corpus to score", "a va.Corpus, such as va.Corpus.open returns")
        if corpus.encoder_fingerprint != self.encoder:
            raise EncoderMismatchError(
                f"The model {self.name!r} was trained on embeddings of {self.encoder}, but the corpus in {corpus.path}"
                f" was embedded by {corpus.encoder_fingerprint}: build the corpus with the model's encoder."
            )
        self._check_views(corpus.views, f"the corpus in {corpus.path}")
        self._matrix(corpus.embeddings, self.coef, "embeddings")
        for name, coef in self.views.items():
            self._matrix(corpus.view(name), coef, f"the view {name!r}")
        warn_of_motion(self, corpus)

    def _logits(self, matrices: Mapping[str, ArrayLike]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what the embeddings, called "", and the other views add to the logits, float32 (n,) each."""
        first = decision_scores(self._matrix(matrices[""], self.coef, "embeddings"), self.coef, self.intercept)
        others = np.zeros(len(first), dtype=np.float32)
        for name, coef in self.views.items():
            matrix = self._matrix(matrices[name], coef, f"the view {name!r}")
            if len(matrix) != len(first):
                raise ModelError(f"The view {name!r} has {len(matrix):,} rows for {len(first):,} embeddings.")
            others += decision_scores(matrix, coef, 0.0)
            if name in self.missing:
                others[zero_rows(matrix)] += self.missing[name]
        wrong = np.isnan(first) | np.isnan(others)
        if wrong.any():
            raise ModelError(
                f"The embedding in row {int(np.argmax(wrong))} holds values that are not finite: leave it out."
            )
        return first, others

    def _check_views(self, known: Collection[str], where: str = "what was given") -> None:
        missing = [name for name in self.views if name not in known]
        if missing:
            how = f"corpus.add_view({missing[0]!r}{'' if missing[0] == MOTION else ', …'})"
            raise ModelError(
                f"The model {self.name!r} has also learned from the view {missing[0]!r}, which {where} lacks: add it by"
                f" {how}, and score the corpus."
            )

    def _matrix(self, given: ArrayLike, coef: NDArray[np.float32], what: str) -> NDArray[np.floating[Any]]:
        try:
            matrix = np.asarray(given)
        except (ValueError, TypeError, RuntimeError) as error:  # lists of different lengths, tensors on a GPU
            raise ModelError(
                f"The model {self.name!r} scores a matrix (n, {len(coef)}), not {described(given)}."
            ) from error
        if matrix.ndim != 2 or matrix.shape[1] != len(coef):
            raise ModelError(f"The model {self.name!r} scores {what} (n, {len(coef)}), not {matrix.shape}.")
        if matrix.dtype.kind not in "fiu":
            raise ModelError(f"The model {self.name!r} scores numbers, not {what} of the type {matrix.dtype}.")
        return matrix

    def _repr_html_(self) -> str:
        from va_widgets.display.model_summary import model_html

        return model_html(self)

    # --- its folder ------------------------------------------------------------------------------

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        """The files of the bundle beside the card, by name: their size in "bytes" and "sha256".

        Models of version 0.1 list none.
        """
        files: Mapping[str, Mapping[str, Any]] = self.card.get("files", {})
        return files

    def read_file(self, name: str) -> bytes:
        """Return the content of one of `files`.

        Raises ModelError if there is none of that name, or it does not hold any more what was published.
        """
        if not arguments.is_one_of(name, self.files):
            raise ModelError(f"The model {self.name!r}, version {self.version}, has no file {described(name)}.")
        try:
            data = read_file(self.folder, name, self.files[name]["bytes"])
            check_listed(name, data, self.files)
        except (OSError, ValueError) as error:
            raise ModelError(
                failure(f"The model in {self.folder}", error)
                or f"The model in {self.folder} is damaged ({name}: {reason_of(error)}): publish it again."
            ) from error
        return data

    def to_onnx(self, path: GivenPath | None = None) -> onnx.ModelProto:
        """Return the model as ONNX, also written to a file if a `path` is given.

        The graph has the input "embeddings", float32 (n, dim), one input "view.NAME" for each of `views`, and the
        output "probability", float32 (n,): that of `score`, of each clip by itself. `score_corpus` also takes the
        scores of similar clips into account, which a graph of single clips cannot.

        Raises MissingPackageError if onnx is not installed, ModelError if the file cannot be written.
        """
        from va_widgets.models.onnx import to_onnx

        return to_onnx(self, path)

    def to_mlflow(self, path: GivenPath) -> Path:
        """Write the model as a pyfunc model of MLflow into a new folder, and return its absolute path.

        `mlflow.pyfunc.load_model(path).predict(embeddings)` returns P(yes), float32 (n,), of float32 (n, dim), each
        clip by itself as `score` does. A model of several views is given a mapping of "embeddings" and "view.NAME". The
        folder holds no pickle; reading it needs va_widgets.

        Raises MissingPackageError if mlflow is not installed, ModelError if there is something at `path` already, or it
        cannot be written to.
        """
        from va_widgets.models.mlflow import to_mlflow

        return to_mlflow(self, path)

    @property
    def withdrawn(self) -> str | None:
        """Why this version is not served any more; None while it is. It is read from the folder at every call."""
        return withdrawal.reason_of_withdrawal(self.folder)

    def compare(self, older: Model, corpus: Corpus, *, sample: pd.DataFrame | None = None, seed: int = 0) -> Comparison:
        """Compare this version with an older one on the labels of a corpus; a notebook shows which clips changed sides.

        Arguments, and what is raised, are those of `va_widgets.catalogue.compare.compare`.
        """
        from va_widgets.catalogue.compare import compare

        return compare(self, older, corpus, sample=sample, seed=seed)

    def withdraw(self, reason: str) -> None:
        """Take this version out of those that are served, without deleting anything; `restore` reverts it.

        Raises ModelError without a reason, or where the model's folder cannot be written to.
        """
        withdrawal.withdraw(self.folder, reason)

    def restore(self) -> None:
        """Let this version be served again. Raises ModelError where the model's folder cannot be written to."""
        withdrawal.restore(self.folder)
