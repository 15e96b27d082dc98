"""VA's experiments on the files of a release, written once more from its description, without our code.

Data sets are dicts {key: label}. What raises an error in the release's code raises one here.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import average_precision_score
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.model_selection import StratifiedKFold

Data: TypeAlias = dict[str, bool]
Queues: TypeAlias = "dict[str, tuple[list[str], list[str]] | None]"  # positives and negatives of each source
SOURCES = ("agg", "zero_shot", "random")


def murmur3(text: str, seed: int) -> int:
    """Return the signed MurmurHash3_x86_32, written after the author's publication."""
    data, h = text.encode(), seed
    whole = len(data) // 4 * 4
    words = [int.from_bytes(data[i : i + 4], "little") for i in range(0, whole, 4)]
    tail = int.from_bytes(data[whole:], "little")
    for i, k in enumerate([*words, tail]):
        mixed = k * 0xCC9E2D51 & 0xFFFFFFFF
        mixed = (mixed << 15 | mixed >> 17) & 0xFFFFFFFF
        h ^= mixed * 0x1B873593 & 0xFFFFFFFF
        if i < len(words):
            h = (h << 13 | h >> 19) & 0xFFFFFFFF
            h = h * 5 + 0xE6546B64 & 0xFFFFFFFF
    h ^= len(data)
    h = (h ^ h >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    h ^= h >> 16
    return h - (1 << 32) if h >> 31 else h


class Reference:
    """The files of one concept."""

    def __init__(self, folder: Path, concept: str) -> None:
        with h5py.File(folder / "embeddings.h5") as opened:
            vectors = opened["embeddings"][()]
        shots = pd.read_csv(folder / "shot-data.csv", keep_default_na=False)
        self.vector = dict(zip(shots["key"], vectors, strict=True))
        self.cluster = dict(zip(shots["key"], shots["cluster_index"], strict=True))
        self.text = np.array(json.loads((folder / "text-embeddings.json").read_text())[concept])
        self.agg = {row["key"]: row["agg"] for row in _json(folder, "agg", concept)["data"]}
        self.checkpoints = [
            dict.fromkeys(one["pos"], True) | dict.fromkeys(one["neg"], False)
            for one in _json(folder, "checkpoints", concept)
        ]
        self.cmp = {
            name: [(row["key"], row["value"]) for row in rows] for name, rows in _json(folder, "cmp", concept).items()
        }
        self._known: dict[tuple[tuple[tuple[str, bool], ...], int], float] = {}

    def validation(self, seed: int) -> Data:
        return {key: label for key, label in self.agg.items() if murmur3(key, seed) % 10 % 5 == 0}

    def ap(self, training: Data, seed: int = 0) -> float:
        known = (tuple(sorted(training.items())), seed)
        if known not in self._known:
            X, y = self._matrix(training)
            folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=0)
            model = LogisticRegressionCV(cv=folds, scoring="average_precision", max_iter=1000)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.fit(X, y)
            self._known[known] = self.evaluated(lambda X: model.predict_proba(X)[:, 1], seed)
        return self._known[known]

    def evaluated(self, scorer: Callable[[np.ndarray], np.ndarray], seed: int = 0) -> float:
        X, y = self._matrix(self.validation(seed))
        aps = []
        for repetition in range(5):
            rows = np.arange(len(y))
            if repetition:
                np.random.seed(repetition)
                rows = np.random.choice(len(y), len(y))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                aps.append(average_precision_score(y[rows], scorer(X[rows])))
        return float(np.nanmean(aps))

    def zero_shot(self) -> float:
        return self.evaluated(lambda X: cosine_similarity(X, [self.text])[:, 0])

    def diversity(self, training: Data) -> float:
        table = pd.DataFrame({"y": training.values(), "cluster": [self.cluster[key] for key in training]})
        return float(table.groupby(["y", "cluster"]).size().clip(upper=10).sum() / 200)

    def trained_checkpoints(self) -> list[Data]:
        held_out = self.validation(0)
        return [{k: y for k, y in data.items() if k not in held_out} for data in self.checkpoints]

    def baseline(self, name: str, n: int) -> Data:
        held_out = self.validation(0)
        rows = {source: [row for row in self.cmp[source] if row[0] not in held_out] for source in self.cmp}
        if name == "half_half":
            return joined(_dict(rows["random"][: round(n * 0.5)]), _dict(rows["zero_shot"][: n - round(n * 0.5)]))
        return _dict(rows[name][:n])

    def _matrix(self, data: Data) -> tuple[np.ndarray, np.ndarray]:
        keys = sorted(key for key in data if data[key]) + sorted(key for key in data if not data[key])
        return np.stack([self.vector[key] for key in keys]), np.array([data[key] for key in keys])


def experiment_1(reference: Reference, budgets: Sequence[int]) -> dict[tuple[str, int], tuple[float, float, int]]:
    """{(source, n): (ap, diversity, number of labels)}."""
    results = {("text", 0): (reference.zero_shot(), 0.0, 0)}

    def note(source: str, n: int, data: Data) -> None:
        results[source, n] = (reference.ap(data), reference.diversity(data), len(data))

    for n in budgets:
        allowed = [data for data in reference.trained_checkpoints() if len(data) <= n + 10]
        if allowed:
            aps = [reference.ap(data) for data in allowed]
            note("va", n, allowed[int(np.argmax(aps))])
        for source in ("random", "zero_shot", "half_half"):
            with suppress(ValueError):  # the release logs the error and goes on
                note(source, n, reference.baseline(source, n))
    return results


def experiment_2(reference: Reference, policy: str, seed: int = 1) -> Iterator[tuple[int, float]]:
    """Yield (number of labels, ap) after each step, until the release's code stops or fails."""
    held_out = reference.validation(seed)
    queues: Queues = {"agg": _agg_queue(reference, held_out)}
    for name in ("zero_shot", "random"):
        rows = [row for row in reference.cmp[name] if row[0] not in held_out]
        queues[name] = ([key for key, y in rows if y], [key for key, y in rows if not y])
    state = (queues, Data())
    kind, _, parameter = policy.rpartition("_")
    kind = kind or policy
    rewards: dict[str, list[float]] = {name: [] for name in SOURCES}
    before = 0.0
    if kind in ("epsilon_greedy", "ucb") or policy == "exp3":
        first = {}
        for name in SOURCES:
            try:
                first[name] = reference.ap(_extend(state, name)[1], seed)
            except (ValueError, ZeroDivisionError):
                first[name] = 0.0
        before = min(first.values())
        rewards = {name: [first[name] - before] for name in SOURCES}
    alive = list(SOURCES)
    weights = dict.fromkeys(SOURCES, 1.0)

    def mean(name: str) -> float:
        return float(np.mean(rewards[name]))

    def chances() -> list[float]:
        total = sum(weights[name] for name in alive)
        return [0.9 * weights[name] / total + 0.1 / len(alive) for name in alive]

    def choice(step: int) -> str:
        if policy == "greedy":
            best, best_ap = "", -1.0
            for name in alive:
                try:
                    ap = reference.ap(_extend(state, name)[1], seed)
                except (ValueError, ZeroDivisionError):
                    continue
                if ap > best_ap:
                    best, best_ap = name, ap
            return best
        if step < 3:
            return SOURCES[step]
        if policy == "round_robin":
            return alive[step % len(alive)]
        if kind == "epsilon_greedy":
            np.random.seed(seed + step)
            if np.random.rand() < float(parameter):
                return str(np.random.choice(alive))
            return max((mean(name), name) for name in alive)[1]
        if kind == "ucb":
            pulls = {name: len(rewards[name]) - 1 for name in SOURCES}
            bounds = [mean(name) + float(parameter) * np.sqrt(np.log(step + 1) / pulls[name]) for name in alive]
            return alive[int(np.argmax(bounds))]
        assert policy == "exp3"
        np.random.seed(0)
        return str(np.random.choice(alive, p=chances()))

    for step in range(40):
        name = choice(step)
        while name and state[0][name] is None and (step >= 3 or policy == "greedy"):
            alive.remove(name)
            if not alive:
                return
            name = choice(step)
        try:
            state = _extend(state, name)
            ap = reference.ap(state[1], seed)
        except (KeyError, ValueError, ZeroDivisionError):
            return
        rewards[name].append(ap - before)
        weights[name] *= np.exp(0.1 * mean(name) / chances()[alive.index(name)] / len(alive))
        before = ap
        yield len(state[1]), ap


def _agg_queue(reference: Reference, held_out: Data) -> tuple[list[str], list[str]]:
    """Return the annotator's clips that have a majority's label, checkpoint after checkpoint, each shuffled."""
    positives: list[str] = []
    negatives: list[str] = []
    for i, data in enumerate(reference.checkpoints):
        if i and len(data) <= len(positives) + len(negatives):
            continue
        np.random.seed(0)
        order = [
            str(key)
            for label in (True, False)
            for key in np.random.permutation(sorted(k for k in data if data[k] is label))
        ]
        order = [key for key in order if key in reference.agg and key not in held_out]
        positives += [key for key in order if reference.agg[key] and key not in positives]
        negatives += [key for key in order if not reference.agg[key] and key not in negatives]
    return positives, negatives


def _extend(state: tuple[Queues, Data], name: str) -> tuple[Queues, Data]:
    queues, data = deepcopy(state[0]), dict(state[1])
    chosen = queues[name]
    if chosen is None:
        return queues, data
    positives, negatives = chosen
    size = len(positives) + len(negatives)
    number = min(len(positives), max(round(len(positives) / size * 25), 1))
    batch = (positives[:number], negatives[: min(len(negatives), 25 - number)])
    taken = len(batch[0]) + len(batch[1])
    if taken < 25 or taken == size:
        queues[name] = None
    data = joined(data, dict.fromkeys(batch[0], True) | dict.fromkeys(batch[1], False))
    for other, queue in queues.items():
        if queue is not None:
            queues[other] = (_without(queue[0], batch[0]), _without(queue[1], batch[1]))
    return queues, data


def _without(keys: list[str], gone: list[str]) -> list[str]:
    return [key for key in keys if key not in gone]


def joined(one: Data, other: Data) -> Data:
    if any(one[key] != other[key] for key in one.keys() & other.keys()):
        raise ValueError("a key is positive and negative")
    return one | other


def _dict(rows: list[tuple[str, bool]]) -> Data:
    result: Data = {}
    for key, label in rows:
        result = joined(result, {key: label})
    return result


def _json(folder: Path, part: str, concept: str) -> Any:
    return json.loads((folder / part / f"{concept}.json").read_text())
