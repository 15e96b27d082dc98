"""Pools: embeddings with known truth, split into a half to label from and a half to test on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from va_widgets.base import arguments
from va_widgets.base.arguments import described, is_one_of
from va_widgets.base.errors import SearchUnavailableError, reason_of
from va_widgets.base.paths import GivenPath, absolute_path
from va_widgets.base.texts import counted
from va_widgets.corpus import Corpus
from va_widgets.experiments.errors import ExperimentError
from va_widgets.learning.views import APPEARANCE

Half: TypeAlias = Literal["development", "reporting"]
TextQuality: TypeAlias = Literal["excellent", "fair", "poor", "misleading"]

TEXT_QUALITIES: tuple[TextQuality, ...] = ("excellent", "fair", "poor", "misleading")
_EMBEDDINGS_FILE, _LABELS_FILE, _TEXTS_FILE = "embeddings.npy", "labels.csv", "text.npz"
# The angle in degrees between a made text and its class. The values give a pool of real images about the zero-shot AP
# that the texts stored with that pool have. "misleading" turns the text towards another class.
_TEXT_ANGLES = {"excellent": 20.0, "fair": 42.0, "poor": 60.0, "misleading": 85.0}
# The share of a class's own direction in a made text, of the part that is not shared by all images. With it, the
# cosines of one text with many images have a spread of 0.02 to 0.05, as CLIP's have.
_CLASS_SHARE = 0.25


@dataclass(frozen=True)
class Pool:
    """Embeddings of clips with known truth. Immutable; the functions below and `replace` make new pools.

    Attributes
    ----------
    name : str
        The pool's name in tables.
    embeddings : float16 or float32 (n, dim)
        L2-normalised.
    truth : DataFrame of bool (n rows), one column per concept
    texts : {concept: float (dim,)}
        The concepts' text embeddings. A concept without one has no text.
    train, test : int (m,)
        The rows to label from and the rows to measure on, ascending and disjoint.
    videos, clusters : int (n,), optional
    views : {name: float (n, d)}
        Other views of the clips, from which strategies with `views` learn, too.
    """

    name: str
    embeddings: NDArray[np.floating[Any]]
    truth: pd.DataFrame
    texts: Mapping[str, NDArray[np.floating[Any]]]
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    videos: NDArray[np.int64] | None = None
    clusters: NDArray[np.int64] | None = None
    views: Mapping[str, NDArray[np.floating[Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.embeddings)
        columns = {"truth": self.truth, "videos": self.videos, "clusters": self.clusters, **self.views}
        for part, values in columns.items():
            if values is not None and len(values) != n:
                raise ExperimentError(f"The pool {self.name!r} has {n} embeddings but {len(values)} rows of {part}.")

    def __len__(self) -> int:
        return len(self.embeddings)

    def __repr__(self) -> str:
        return f"Pool({self.name!r}: {counted(len(self), 'clip')}, {counted(len(self.concepts), 'concept')})"

    @property
    def concepts(self) -> list[str]:
        """The names of all concepts, in the order of the truth's columns."""
        return [str(name) for name in self.truth.columns]

    @cached_property
    def digest(self) -> str:
        """A hash of the pool's contents, which tells the results of different pools apart."""
        digest = hashlib.blake2b(digest_size=8)
        arrays = [self.embeddings, self.truth.to_numpy(dtype=bool), self.train, self.test, self.videos]
        arrays += [self.texts[concept] for concept in sorted(self.texts)]
        arrays += [self.views[name] for name in sorted(self.views)]
        for array in arrays:
            digest.update(b"|" if array is None else np.ascontiguousarray(array).tobytes())
        digest.update("|".join([self.name, *self.concepts, *sorted(self.texts), *sorted(self.views)]).encode())
        return digest.hexdigest()


def half(concept: str) -> Half:
    """Return a concept's half, by its name: "development" to tune learners on, "reporting" to report results of."""
    return "reporting" if _hash(arguments.text(concept, "The concept", error=ExperimentError))[0] % 2 else "development"


def open_pool(folder: GivenPath, text: str = "fair", seed: int = 0) -> Pool:
    """Open a pool from a folder of embeddings.npy, labels.csv and text.npz.

    Parameters
    ----------
    folder : path
        The folder of `embeddings.npy` (n, dim), `labels.csv` (the row number, and one column of 0 and 1 per concept),
        and optionally `text.npz` (`<concept>/<quality>`: a vector (dim,)).
    text : str
        The quality of texts to use. A concept that has none gets no text.
    seed : int
        Seed of the split into halves.

    Raises ExperimentError if a file is missing or damaged, or no concept has a text of that quality.
    """
    home = absolute_path(folder, ExperimentError, "A pool's folder")
    text = arguments.text(text, "text", error=ExperimentError)
    seed = arguments.seed(seed, error=ExperimentError)
    try:
        embeddings = np.load(home / _EMBEDDINGS_FILE)
        truth = pd.read_csv(home / _LABELS_FILE).iloc[:, 1:].astype(bool)
        texts: dict[str, NDArray[np.floating[Any]]] = {}
        if (home / _TEXTS_FILE).exists():
            with np.load(home / _TEXTS_FILE) as vectors:
                texts = {name.split("/")[0]: vectors[name] for name in vectors.files if name.endswith(f"/{text}")}
                qualities = sorted({name.split("/")[1] for name in vectors.files})
            if not texts:
                raise ExperimentError(f"{home} has no texts of the quality {text!r}: choose one of {qualities}.")
    except (OSError, ValueError, IndexError) as error:
        raise ExperimentError(f"{home} cannot be read as a pool ({reason_of(error)}).") from error
    train, test = _halves(len(embeddings), None, seed)
    return Pool(f"{home.name}/{text}", embeddings, truth, texts, train, test)


def from_corpus(
    corpus: Corpus,
    prefix: str = "truth:",
    *,
    name: str | None = None,
    queries: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Pool:
    """Make a pool from a corpus with columns of true labels, such as the demo's. Each video is in one half only.

    Parameters
    ----------
    prefix : str
        The prefix of those columns' names; the rest is the concept's name. Concepts with fewer than two positives in
        either half are left out.
    name : str
        The pool's name; that of the corpus's folder if not given.
    queries : {concept: text}
        The texts to search for, where they differ from the concepts' names. A corpus that cannot be searched gives no
        texts.
    seed : int
        Seed of the split into halves.

    Raises ExperimentError if no such column is left.
    """
    arguments.instance(corpus, Corpus, "The pool's corpus", "a va.Corpus", error=ExperimentError)
    prefix = arguments.text(prefix, "prefix", error=ExperimentError)
    seed = arguments.seed(seed, error=ExperimentError)
    if name is not None:
        name = arguments.text(name, "name", error=ExperimentError)
    if queries is not None:
        arguments.instance(queries, Mapping, "queries", "a mapping {concept: text}", error=ExperimentError)
    clips = corpus.clips
    columns = [column for column in clips.columns if str(column).startswith(prefix)]
    invalid = [column for column in columns if not clips[column].isin([True, False]).all()]
    if invalid:
        raise ExperimentError(f"The column {invalid[0]!r} is no truth: it must be True or False for every clip.")
    truth = clips[columns].astype(bool).rename(columns=lambda column: str(column).removeprefix(prefix))
    videos = pd.factorize(clips["video"])[0].astype(np.int64)
    train, test = _halves(len(corpus), videos, seed)
    enough = [c for c in truth.columns if min(truth[c].iloc[rows].sum() for rows in (train, test)) >= 2]
    if not enough:
        raise ExperimentError(f"{corpus.path} has no columns {prefix}… with a truth to test on in both halves.")
    texts = {}
    for concept in enough:
        try:
            texts[concept] = corpus.text_embedding((queries or {}).get(concept, concept))
        except SearchUnavailableError:
            continue
    return Pool(
        name or Path(corpus.path).name,
        np.asarray(corpus.embeddings),
        truth[enough].reset_index(drop=True),
        texts,
        train,
        test,
        videos,
        clips["cluster"].to_numpy(dtype=np.int64) if "cluster" in clips else None,
        {view: np.asarray(corpus.view(view)) for view in corpus.views if view != APPEARANCE},
    )


def with_pairs(pool: Pool, number: int = 12, least: float = 0.005, most: float = 0.05) -> Pool:
    """Add rarer concepts to a pool: clips that show two of its concepts at once, such as "rain + night city".

    Parameters
    ----------
    number : int
        The number of concepts to add; fewer if there are not as many. They are chosen by a hash of their names.
    least, most : float
        The smallest and largest share of positives that an added concept may have.

    The text of an added concept is the mean of the two texts, where both have one.
    """
    _check_pool(pool)
    number = arguments.count(number, "number", error=ExperimentError)
    least = arguments.number(least, "least", least=0, most=1, error=ExperimentError)
    most = arguments.number(most, "most", least=0, most=1, error=ExperimentError)
    truth, texts = pool.truth.copy(), dict(pool.texts)
    pairs = {f"{first} + {second}": (first, second) for first, second in combinations(pool.concepts, 2)}
    added = 0
    for name in sorted(pairs, key=_hash):
        first, second = pairs[name]
        shown = pool.truth[first] & pool.truth[second]
        enough = all(shown.iloc[rows].sum() >= 2 for rows in (pool.train, pool.test))
        nested = shown.equals(pool.truth[first]) or shown.equals(pool.truth[second])
        if added == number or nested or not enough or not least <= shown.mean() <= most:
            continue
        truth[name] = shown
        if first in texts and second in texts:
            both = np.array([texts[first], texts[second]], dtype=np.float32)
            texts[name] = _unit((both / np.linalg.norm(both, axis=1, keepdims=True)).sum(axis=0))
        added += 1
    return replace(pool, truth=truth, texts=texts)


def bent(
    pool: Pool, *, gap: float | None = None, narrow: float | None = None, text: TextQuality | None = None, seed: int = 0
) -> Pool:
    """Return the pool with another geometry: another width of the images' cone, gap to the texts, or quality of texts.

    An embedding is the sum of a part that all images share and a part of its own; `narrow` sets their shares. A text is
    the sum of that shared part, a part that only texts have, and a direction of its own; `gap` sets the share of the
    first.

    Parameters
    ----------
    gap : float
        The mean cosine between texts and images, so that a larger value is a smaller gap: 0.15 to 0.35 for CLIP.
        Unchanged if not given.
    narrow : float
        The mean cosine between two images, 0 to 1: 0.4 to 0.9 for CLIP. Unchanged if not given.
    text : str
        "excellent", "fair" or "poor": the direction in which a class differs from all images, turned at random by 20,
        42 or 60 degrees; "misleading": mostly the direction of another class. The pool's own texts if not given.

    Raises ExperimentError for numbers that no pool can have, and if texts are needed but the pool has none.
    """
    _check_pool(pool)
    seed = arguments.seed(seed, error=ExperimentError)
    gap = None if gap is None else arguments.number(gap, "gap", error=ExperimentError)
    narrow = None if narrow is None else arguments.number(narrow, "narrow", error=ExperimentError)
    if narrow is not None and not 0 < narrow < 1:
        raise ExperimentError(f"The mean cosine between pictures lies between 0 and 1, not at {narrow}.")
    if text is not None and not is_one_of(text, TEXT_QUALITIES):
        raise ExperimentError(f"Texts are {', '.join(TEXT_QUALITIES)}, not {described(text)}.")
    if text is None and gap is not None and not pool.texts:
        raise ExperimentError(f"The pool {pool.name!r} has no texts to set apart: choose how good made ones are.")
    X = np.asarray(pool.embeddings, dtype=np.float32)
    mean = np.asarray(X.mean(axis=0), dtype=np.float32)
    # The direction that all images share, and the rest of each image, which is orthogonal to it.
    shared, own = _unit(mean), X - np.outer(X @ _unit(mean), _unit(mean))
    if text is not None:
        directions = _text_directions(pool, own, text, seed)
    else:
        directions = {name: _unit(_without(np.asarray(t, dtype=np.float32), shared)) for name, t in pool.texts.items()}
    image_cosine = float(mean @ mean)
    if narrow is not None:
        own *= np.sqrt((1 - narrow) / np.square(own).sum(axis=1).mean())
        X = own + np.sqrt(narrow) * shared
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        image_cosine = narrow
    texts = {concept: np.asarray(vector) for concept, vector in pool.texts.items()}
    if text is not None or gap is not None or (narrow is not None and texts):
        own_gap = image_cosine**0.5 * float(np.mean([_unit(v) @ shared for v in texts.values()])) if texts else 0.25
        texts = _texts_with_gap(directions, shared, own, own_gap if gap is None else gap, image_cosine)
    changes = {"gap": gap, "narrow": narrow, "text": text}
    name = ", ".join([pool.name, *(f"{key}={value}" for key, value in changes.items() if value is not None)])
    return replace(pool, name=name, embeddings=X, texts=texts)


def _check_pool(pool: Pool) -> None:
    arguments.instance(pool, Pool, "The pool", "a Pool, such as open_pool returns", error=ExperimentError)


def _text_directions(
    pool: Pool, own: NDArray[np.float32], text: TextQuality, seed: int
) -> dict[str, NDArray[np.float32]]:
    """Return a direction (unit length) for each concept's text, of the given quality, as `bent` describes.

    `own` (n, dim) is the part of each embedding that is not common to all.
    """
    names = pool.concepts
    classes = {name: _unit(own[pool.truth[name].to_numpy()].mean(axis=0) - own.mean(axis=0)) for name in names}
    directions = {}
    for number, name in enumerate(names):
        rng = np.random.default_rng([seed, TEXT_QUALITIES.index(text), number])
        # Noise is a random mixture of images: noise in a direction in which images do not vary would change no ranking.
        noise = rng.normal(size=len(own)).astype(np.float32) @ own
        if text == "misleading" and len(names) > 1:
            noise = 0.3 * _unit(noise) + classes[names[(number + 1) % len(names)]]
        angle = np.radians(_TEXT_ANGLES[text])
        directions[name] = _unit(np.cos(angle) * classes[name] + np.sin(angle) * _unit(_without(noise, classes[name])))
    return directions


def _texts_with_gap(
    directions: Mapping[str, NDArray[np.float32]],
    shared: NDArray[np.float32],
    own: NDArray[np.float32],
    gap: float,
    image_cosine: float,
) -> dict[str, NDArray[np.floating[Any]]]:
    """Return texts (unit length) whose mean cosine with the images is `gap`.

    `directions` are the texts' own directions, `shared` is the images' common direction, `own` (n, dim) is the rest of
    each image, and `image_cosine` is the mean cosine between two images.
    """
    along = gap / image_cosine**0.5
    if not -1 < along < 1:
        raise ExperimentError(
            f"A mean cosine of {gap} between texts and pictures needs a narrower cone of pictures than"
            f" {image_cosine:.2f}."
        )
    # The part that only texts have: the direction in which images vary least.
    only_texts = np.linalg.eigh(own.T @ own)[1][:, 1].astype(np.float32)
    rest = 1 - along**2
    texts: dict[str, NDArray[np.floating[Any]]] = {}
    for concept, direction in directions.items():
        text_only = _unit(_without(_without(only_texts, shared), direction))
        vector = (
            along * shared + (rest * _CLASS_SHARE) ** 0.5 * direction + (rest * (1 - _CLASS_SHARE)) ** 0.5 * text_only
        )
        texts[concept] = vector.astype(np.float32)
    return texts


def _hash(name: str) -> bytes:
    return hashlib.blake2b(name.encode()).digest()


def _halves(n: int, videos: NDArray[np.int64] | None, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split rows into those to label from and those to test on: half of all clips each, or half of all videos."""
    groups = np.arange(n) if videos is None else videos
    number = int(groups.max()) + 1 if n else 0
    chosen = np.zeros(number, dtype=bool)
    chosen[np.random.default_rng(seed).permutation(number)[: number // 2]] = True
    return np.flatnonzero(chosen[groups]), np.flatnonzero(~chosen[groups])


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def _without(vector: NDArray[np.float32], unit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the part of a vector that is orthogonal to `unit`, a vector of length 1."""
    return vector - (vector @ unit) * unit
