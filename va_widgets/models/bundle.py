"""A published model: a folder with weights in safetensors and a card in JSON, never changed once it is written."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import unicodedata
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save
from scipy.special import expit

from va_widgets._version import __version__
from va_widgets.base import arguments
from va_widgets.base.arguments import described, is_within
from va_widgets.base.disk import sync, sync_folder
from va_widgets.base.errors import EncoderMismatchError, ModelError, reason_of
from va_widgets.base.names import folder_name, is_reserved
from va_widgets.base.paths import GivenPath, absolute_path, exists, inside, is_folder, open_regular
from va_widgets.base.system_errors import failure
from va_widgets.corpus import Corpus
from va_widgets.corpus.manifest import MOTION
from va_widgets.learning.logistic import decision_scores
from va_widgets.learning.smoothing import smoothed
from va_widgets.learning.views import APPEARANCE, Linear

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "card.json"
SCHEMA_VERSION = 2
_EMBEDDINGS_ALONE = 1  # the schema of a model of the embeddings alone, which versions before 0.2 read, too
_VIEW = "view."  # begins the names of other views' weights
_LARGEST_CARD, _LARGEST_WEIGHTS = 1 << 24, 1 << 26  # bytes
_VERSION = re.compile(r"v(\d+)")
_CARD_TYPES: dict[str, type | tuple[type, ...]] = {
    "schema": int,
    "name": str,
    "version": int,
    "concept": str,
    "guideline": str,
    "encoder": str,
    "dim": int,
    "threshold": (int, float),
}


@dataclass(frozen=True)
class Model:
    """A binary classifier of clips, as it was published.

    `coef` is float32 (dim,) on raw embeddings; a clip is a yes from `threshold` (a probability) on; `card` holds
    everything known about it, and `folder` is where it was read from. `smoothing` is the share of a clip's nearest
    clips in its logit, where a whole corpus is scored; 0 for a model of a corpus whose nearest clips were not known.
    `views` are the coefficients, float32 (d,), of the other views that it has learned from, by their names.
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
    folder: Path = field(repr=False, compare=False)
    smoothing: float = field(default=0.0, repr=False)
    views: Mapping[str, NDArray[np.float32]] = field(default_factory=dict, repr=False)

    @property
    def slug(self) -> str:
        """The name as a folder is called."""
        return slug(self.name)

    def score(self, embeddings: ArrayLike, views: Mapping[str, ArrayLike] | None = None) -> NDArray[np.float32]:
        """Return P(yes), float32 (n,), of embeddings (n, dim), each by itself.

        `views` are the same clips' rows of the other views that the model has learned from, (n, d) each, by name.

        Raises ModelError if a view is missing, or if they have other shapes, are no numbers, or are not finite.
        """
        matrices = {"": embeddings, **(views or {})}
        self._check_views(matrices)
        first, others = self._logits(matrices)
        scores: NDArray[np.float32] = expit(first + others)
        return scores

    def _logits(self, matrices: Mapping[str, ArrayLike]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what the embeddings, called "", and the other views add to the logits, float32 (n,) each."""
        first = decision_scores(self._matrix(matrices[""], self.coef, "embeddings"), self.coef, self.intercept)
        others = np.zeros(len(first), dtype=np.float32)
        for name, coef in self.views.items():
            matrix = self._matrix(matrices[name], coef, f"the view {name!r}")
            if len(matrix) != len(first):
                raise ModelError(f"The view {name!r} has {len(matrix):,} rows for {len(first):,} embeddings.")
            others += decision_scores(matrix, coef, 0.0)
        wrong = np.isnan(first) | np.isnan(others)
        if wrong.any():
            raise ModelError(
                f"The embedding in row {int(np.argmax(wrong))} holds values that are not finite: leave it out."
            )
        return first, others

    def _check_views(self, known: Collection[str]) -> None:
        missing = [name for name in self.views if name not in known]
        if missing:
            how = f"corpus.add_view({missing[0]!r}{'' if missing[0] == MOTION else ', …'})"
            raise ModelError(
                f"The model {self.name!r} has also learned from the view {missing[0]!r}, which is not there: add it by"
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

    def score_corpus(self, corpus: Corpus) -> pd.Series[float]:
        """Return P(yes) of every clip of a corpus, by clip_id; smoothed by its nearest clips where both know them.

        Raises EncoderMismatchError if the corpus was embedded by another encoder than the model was trained on,
        ModelError if it lacks a view that the model has learned from, or has one with other columns.
        """
        arguments.instance(corpus, Corpus, "The corpus to score", "a va.Corpus, such as va.Corpus.open returns")
        if corpus.encoder_fingerprint != self.encoder:
            raise EncoderMismatchError(
                f"The model {self.name!r} was trained on embeddings of {self.encoder}, but this corpus was embedded by"
                f" {corpus.encoder_fingerprint}: build the corpus with the model's encoder."
            )
        self._check_views(corpus.views)
        logits, others = self._logits({"": corpus.embeddings} | {name: corpus.view(name) for name in self.views})
        neighbours = corpus.neighbours
        if self.smoothing and neighbours is not None:
            logits = smoothed(logits, neighbours, self.smoothing)
        return pd.Series(expit(logits + others), index=corpus.clips.index, name=self.name)


def publish(
    folder: GivenPath,
    *,
    name: str,
    concept: str,
    guideline: str,
    encoder_fingerprint: str,
    classifier: Linear,
    labels: tuple[Sequence[str], NDArray[np.bool_]],
    metrics: Mapping[str, float | int | None],
    threshold: float,
    threshold_why: str,
    smoothing: float = 0.0,
    files: Mapping[str, bytes] = MappingProxyType({}),
    parent: Model | None = None,
) -> Model:
    """Write a fitted classifier as the next version of `name` under `folder`; it appears whole or not at all.

    Parameters
    ----------
    labels : (clip ids, bool (n,))
        What it was fitted to; the card keeps their number and a digest.
    smoothing : float
        The share of a clip's nearest clips in the logits that the threshold and the metrics are about.

    Raises ModelError for a name without a letter or digit to call a folder by, where nothing can be written, and where
    a link leads out of `folder`.
    """
    clips, y = labels
    home = inside(absolute_path(folder, ModelError), slug(name), error=ModelError)
    coefs = {name: coef.astype(np.float32) for name, coef in classifier.coefs.items()}
    coef = coefs.pop(APPEARANCE)
    card = {
        "schema": SCHEMA_VERSION if coefs else _EMBEDDINGS_ALONE,
        "name": name,
        "concept": concept,
        "guideline": guideline,
        "encoder": encoder_fingerprint,
        "dim": len(coef),
        **({"views": {name: len(other) for name, other in coefs.items()}} if coefs else {}),
        "threshold": threshold,
        "threshold_why": threshold_why,
        "smoothing": smoothing,
        "metrics": dict(metrics),
        "labels": {"yes": int(y.sum()), "no": int((~y).sum()), "digest": _digest(clips, y)},
        "parent": None if parent is None else {"name": parent.name, "version": parent.version},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "va_widgets": __version__,
    }
    try:
        home.mkdir(parents=True, exist_ok=True)
        unfinished = home / f".unfinished-{uuid.uuid4().hex}"
        try:
            unfinished.mkdir()
            # Written by Python: safetensors gives its files to their owner alone, and has errors of its own.
            arrays = {"coef": coef, "intercept": np.array([classifier.intercept], dtype=np.float32)}
            weights = save(arrays | {_VIEW + name: other for name, other in coefs.items()})
            _write_synced(unfinished / WEIGHTS_FILE, weights)
            for file, data in files.items():
                _write_synced(unfinished / file, data)
            former = inside(home.parent, _former_slug(name), error=ModelError)  # its versions are counted on
            known = _versions(home) + (_versions(former) if is_folder(former) else [])
            if parent is not None and parent.slug == slug(name):
                known.append(parent.version)
            version = max(known, default=0) + 1
            while True:
                text = json.dumps({**card, "version": version}, indent=2, ensure_ascii=False) + "\n"
                _write_synced(unfinished / CARD_FILE, text.encode())
                sync_folder(unfinished)
                try:
                    os.rename(unfinished, home / f"v{version}")
                except OSError as error:
                    if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                        raise
                    version += 1  # another process has just published this version
                else:
                    sync_folder(home)
                    break
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    except OSError as error:
        raise ModelError(
            failure(f"The folder {home} of the model {name!r}", error)
            or f"The model {name!r} cannot be written to {home} ({error}): open a copy of the corpus you may write to."
        ) from error
    return load_model(home / f"v{version}")


def load_model(path: GivenPath) -> Model:
    """Read a published model: the folder of one version, or that of all its versions for the newest.

    Raises ModelError if there is none, or if it is damaged.
    """
    folder = absolute_path(path, ModelError, "A model's folder")
    if not exists(folder / CARD_FILE):
        try:
            versions = _versions(folder) if is_folder(folder) else []
        except OSError as error:
            raise ModelError(
                failure(f"The folder {folder}", error) or f"The folder {folder} cannot be listed ({error})."
            ) from error
        if not versions:
            raise ModelError(f"There is no published model in {folder}: give the folder that session.publish wrote.")
        folder = folder / f"v{max(versions)}"
    try:
        card = json.loads(_read(folder / CARD_FILE, _LARGEST_CARD))
        weights = _read_weights(folder / WEIGHTS_FILE)
        coef, intercept = weights["coef"], weights["intercept"]
    except KeyError as error:
        raise ModelError(f"The model in {folder} is damaged (its weights lack {error}): publish it again.") from error
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        raise ModelError(
            failure(f"The model in {folder}", error)
            or f"The model in {folder} is damaged ({reason_of(error)}): publish it again."
        ) from error
    views = {name.removeprefix(_VIEW): weight for name, weight in weights.items() if name.startswith(_VIEW)}
    wrong = _wrong(card, coef, intercept, views)
    if wrong:
        raise ModelError(f"The model in {folder} is damaged ({wrong}): publish it again.")
    return Model(
        name=card["name"],
        version=card["version"],
        concept=card["concept"],
        guideline=card["guideline"],
        encoder=card["encoder"],
        dim=card["dim"],
        coef=coef,
        intercept=float(intercept[0]),
        threshold=float(card["threshold"]),
        card=card,
        folder=folder,
        smoothing=float(card.get("smoothing", 0.0)),  # up to version 0.1.0 there was none
        views=views,
    )


def _read(file: Path, most: int) -> bytes:
    """Return the bytes of a file. Raises ValueError if there are more than `most`, OSError if it is no regular file."""
    with open_regular(file) as opened:
        data = opened.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{file.name} is larger than {most:,} bytes")
    return data


def _read_weights(file: Path) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a file in safetensors.

    Raises ValueError if one is not float32, SafetensorError for another file. NumPy lacks some of the format's types,
    such as bfloat16 and float8.
    """
    arrays = {}
    for name, tensor in deserialize(_read(file, _LARGEST_WEIGHTS)):
        if tensor["dtype"] != "F32":
            raise ValueError(f"its weights are of the type {tensor['dtype']}, not float32")
        arrays[name] = np.frombuffer(tensor["data"], dtype="<f4").astype(np.float32).reshape(tensor["shape"])
    return arrays


def checked_precision(precision: object) -> float:
    """Return a precision as a float. Raises ModelError unless it is a number above 0 and up to 1."""
    if not is_within(precision, 0, 1, above=True):
        raise ModelError(f"A precision is a number above 0 and up to 1, not {described(precision)}.")
    return float(precision)


def slug(name: str) -> str:
    """Return the name of the folder for a model's name, as `base.names.folder_name` makes it.

    Raises ModelError for a name that is no text, or blank.
    """
    name = arguments.text(name, "A model's name", error=ModelError)
    if not name.strip():
        raise ModelError("A model needs a name with at least one character.")
    return folder_name(name, "model")


def _former_slug(name: str) -> str:
    """Return the folder's name up to version 0.1.0: ASCII letters and digits, and a digest if others are left out."""
    plain = unicodedata.normalize("NFKD", name.strip().lower())
    kept = re.sub(r"[^a-z0-9]+", "_", plain.encode("ascii", "ignore").decode()).strip("_")[:60]
    if re.fullmatch(r"[a-z0-9 _-]+", name.strip().lower()) and kept and not is_reserved(kept):
        return kept
    return f"{kept or 'model'}_{hashlib.sha256(name.strip().encode()).hexdigest()[:8]}"


def _write_synced(file: Path, data: bytes) -> None:
    """Write a file that is on the disk when this returns."""
    file.write_bytes(data)
    sync(file)


def _versions(home: Path) -> list[int]:
    """Return the versions in a model's folder. Raises OSError if it cannot be listed."""
    return [int(match[1]) for entry in home.iterdir() if (match := _VERSION.fullmatch(entry.name))]


def _digest(clips: Sequence[str], y: NDArray[np.bool_]) -> str:
    """Return the SHA-256 over "clip<TAB>yes|no" lines in the order of the clip ids."""
    lines = sorted(f"{clip}\t{'yes' if value else 'no'}\n" for clip, value in zip(clips, y, strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _wrong(card: object, coef: NDArray[Any], intercept: NDArray[Any], views: Mapping[str, NDArray[Any]]) -> str:
    if not isinstance(card, dict):
        return "its card is not a JSON object"
    for key, kind in _CARD_TYPES.items():
        if not isinstance(card.get(key), kind) or isinstance(card.get(key), bool):
            return f"its card lacks {key!r}"
    if card["schema"] not in (_EMBEDDINGS_ALONE, SCHEMA_VERSION):
        return f"its card has schema {card['schema']}, known here is {SCHEMA_VERSION}"
    if coef.shape != (card["dim"],) or intercept.shape != (1,):
        return f"its weights have the shape {coef.shape}, not ({card['dim']},)"
    if card.get("views", {}) != {name: weight.size for name, weight in views.items()}:
        return "its weights are not of the views that its card names"
    if any(weight.ndim != 1 for weight in views.values()):
        return "its weights of a view are no vector"
    arrays = (coef, intercept, *views.values())
    if any(array.dtype != np.float32 or not np.isfinite(array).all() for array in arrays):
        return "its weights are not finite float32 numbers"
    if not 0 <= card["threshold"] <= 1:
        return "its threshold is not between 0 and 1"
    if not is_within(card.get("smoothing", 0.0), 0, 1):
        return "its smoothing is not between 0 and 1"
    return ""
