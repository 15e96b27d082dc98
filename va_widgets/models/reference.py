"""What a published model keeps of the corpus that it was published from.

A sample of that corpus's scores and embeddings, which later corpora are compared with, and the labels that the model
was fitted to, from which its next version goes on learning in another corpus. Both are files in safetensors beside the
model's weights; a model of a version that did not keep them has neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from va_widgets.base.errors import ModelError, reason_of
from va_widgets.learning.inherited import InheritedLabels
from va_widgets.learning.views import APPEARANCE
from va_widgets.models.files import LARGEST_FILE
from va_widgets.models.model import Model

REFERENCE_FILE, LABELS_FILE = "reference.safetensors", "labels.safetensors"
CLIPS_A_VIDEO = 8  # of a sample, at most: more clips of one video tell little more
_SCORES, _EMBEDDINGS, _LABELS = 2000, 1000, 20_000  # rows that are kept
_LABEL_BYTES = LARGEST_FILE - (1 << 20)  # of their rows
_VIEW = "view."
_TYPES = {"F16": np.float16, "F32": np.float32, "I64": np.int64, "BOOL": np.bool_}


@dataclass(frozen=True)
class Reference:
    """A sample of a corpus by a model's scores and embeddings.

    Attributes
    ----------
    scores : float32 (n,)
        P(yes), 0 to 1, of each clip by itself, not smoothed by its neighbours.
    videos : int64 (n,)
        A number a video. Clips are in the order of `sampled`: one of each video, then a second one, and so on.
    embeddings : float16 (m, dim)
        Of the first m <= n of these clips.
    """

    scores: NDArray[np.float32]
    videos: NDArray[np.int64]
    embeddings: NDArray[np.floating[Any]]


def sampled(videos: NDArray[np.integer[Any]], seed: int = 0, most: int = _SCORES) -> NDArray[np.int64]:
    """Return rows of a random sample of clips, int64 (m,), m <= `most`, spread over as many videos as there are.

    First comes one clip of each video, in a random order of these, then a second one of each that has one, and so on up
    to 8, as long as there is room for all of them. `videos` (n,) is a number a video. Equal arguments give equal rows.
    """
    rng = np.random.default_rng([seed, len(videos)])
    shuffled = rng.permutation(len(videos))
    places = layers(videos[shuffled])
    order = rng.permutation(int(videos.max()) + 1 if len(videos) else 0)[videos[shuffled]]
    chosen = np.lexsort((order, places))
    return shuffled[chosen[: _whole_layers(places, most)]]


def _whole_layers(places: NDArray[np.int64], most: int) -> int:
    """Return how many clips the layers hold that fit into `most`; of the first layer, what fits."""
    sizes = np.cumsum(np.bincount(places)[:CLIPS_A_VIDEO])
    fitting = sizes[sizes <= most]
    return int(fitting[-1]) if len(fitting) else min(most, len(places))


def layers(videos: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return for each clip how many clips of its video are before it, int64 (n,)."""
    places: NDArray[np.int64] = np.asarray(pd.Series(videos).groupby(videos).cumcount(), dtype=np.int64)
    return places


def embedded(videos: NDArray[np.integer[Any]]) -> int:
    """Return of how many clips, the first of a sample's videos (n,), the embeddings are kept."""
    return _whole_layers(layers(videos), _EMBEDDINGS)


def reference_file(
    scores: NDArray[np.floating[Any]], embeddings: NDArray[np.floating[Any]], videos: NDArray[np.integer[Any]]
) -> bytes:
    """Return a file with a reference of clips in the order of `sampled`: scores (n,), embeddings (n, dim), videos."""
    return bytes(
        save(
            {
                "scores": np.asarray(scores, dtype=np.float32),
                "videos": pd.factorize(videos)[0].astype(np.int64),
                "embeddings": np.asarray(embeddings[: embedded(videos)], dtype=np.float16),
            }
        )
    )


def labels_file(labels: InheritedLabels, seed: int = 0) -> bytes:
    """Return a file with labels; of more than 20,000, or than a file may hold, it has some, drawn at random."""
    most = min(_LABELS, _LABEL_BYTES // (4 * sum(labels.views.values())))
    if len(labels) > most:
        labels = labels.only(np.sort(np.random.default_rng(seed).choice(len(labels), most, replace=False)))
    arrays: dict[str, NDArray[Any]] = {"y": labels.y, "clips": labels.clips, "videos": labels.videos}
    for name, rows in labels.rows.items():
        half = name == APPEARANCE  # as they are in a corpus
        arrays[_VIEW + name] = np.ascontiguousarray(rows, dtype=np.float16 if half else np.float32)
    return bytes(save(arrays))


def hashed(names: Sequence[str]) -> NDArray[np.int64]:
    """Return a hash of each of some texts, such as clip ids, int64 (n,)."""
    digests = [hashlib.blake2b(str(name).encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in names]
    return np.frombuffer(b"".join(digests), dtype="<i8").astype(np.int64)


def reference_of(model: Model) -> Reference | None:
    """Return a model's reference, None for a model without one. Raises ModelError if it is damaged."""
    arrays = _arrays(model, REFERENCE_FILE)
    if arrays is None:
        return None
    scores, videos, embeddings = (arrays.get(name, np.empty(0)) for name in ("scores", "videos", "embeddings"))
    fits = (
        [str(array.dtype) for array in (scores, videos, embeddings)] == ["float32", "int64", "float16"]
        and scores.ndim == 1
        and 0 < len(scores) <= _SCORES
        and videos.shape == scores.shape
        and embeddings.ndim == 2
        and embeddings.shape[1] == model.dim
        and len(embeddings) <= len(scores)
        and bool(((scores >= 0) & (scores <= 1)).all())
        and bool(np.isfinite(embeddings).all())
    )
    if not fits:
        raise _damaged(model, REFERENCE_FILE, "its arrays are not those of a reference")
    return Reference(scores, videos, embeddings)


def labels_of(model: Model) -> InheritedLabels | None:
    """Return the labels that a model was fitted to, None for one without them. Raises ModelError if damaged."""
    arrays = _arrays(model, LABELS_FILE)
    if arrays is None:
        return None
    y, clips, videos = (arrays.pop(name, np.empty(0)) for name in ("y", "clips", "videos"))
    views = {name.removeprefix(_VIEW): rows for name, rows in arrays.items() if name.startswith(_VIEW)}
    first = views.get(APPEARANCE, np.empty(0))
    fits = (
        [str(array.dtype) for array in (y, clips, videos)] == ["bool", "int64", "int64"]
        and y.ndim == 1
        and len(y) <= _LABELS
        and clips.shape == videos.shape == y.shape
        and first.shape == (len(y), model.dim)
        and all(rows.ndim == 2 and len(rows) == len(y) and rows.dtype.kind == "f" for rows in views.values())
        and all(bool(np.isfinite(rows).all()) for rows in views.values())
    )
    if not fits:
        raise _damaged(model, LABELS_FILE, "its arrays are not those of labels")
    return InheritedLabels({name: rows.astype(np.float32) for name, rows in views.items()}, y, clips, videos)


def _arrays(model: Model, name: str) -> dict[str, NDArray[Any]] | None:
    """Return the arrays of a file of a model, None if it has none. Raises ModelError if it is damaged."""
    if name not in model.files:
        return None
    arrays = {}
    try:
        for key, tensor in deserialize(model.read_file(name)):
            if tensor["dtype"] not in _TYPES:
                raise _damaged(model, name, f"it holds numbers of the type {tensor['dtype']}")
            dtype = np.dtype(_TYPES[tensor["dtype"]])
            values = np.frombuffer(tensor["data"], dtype=dtype.newbyteorder("<")).astype(dtype)
            arrays[key] = values.reshape(tensor["shape"])
    except (ValueError, SafetensorError) as error:
        raise _damaged(model, name, reason_of(error)) from error
    return arrays


def _damaged(model: Model, name: str, why: str) -> ModelError:
    return ModelError(f"The file {name} of the model in {model.folder} is damaged ({why}): publish the model again.")
