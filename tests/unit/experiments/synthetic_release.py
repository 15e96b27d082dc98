"""Writes a small synthetic release in the format of VA's release; each concept is a direction in space."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

CONCEPTS = ("aerial", "car-chase", "interior")
SHOTS, DIM = 300, 32
_CLUSTERS = 10
_SHOTS_A_VIDEO = 12
_FPS = 23.976024
_LEAST_COSINE = 0.35  # shots with a higher cosine show the concept


def write_release(folder: Path, shots: int = SHOTS, dim: int = DIM, seed: int = 0) -> dict[str, np.ndarray]:
    """Write a release and return its truth: {concept: bool (shots,)}. The same arguments give the same release."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(dim, len(CONCEPTS))))[0].T
    shown = rng.random((shots, len(CONCEPTS))) < 0.3
    vectors = rng.normal(size=(shots, dim)) / np.sqrt(dim) + shown @ directions * 1.2
    vectors *= rng.uniform(0.5, 4.0, size=(shots, 1))  # as CLIP4Clip's, which are not normalised
    cosines = vectors @ directions.T / np.linalg.norm(vectors, axis=1, keepdims=True)
    truth = {concept: cosines[:, i] > _LEAST_COSINE for i, concept in enumerate(CONCEPTS)}

    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "embeddings.h5", "w") as opened:
        opened.create_dataset("embeddings", data=vectors.astype(np.float32))
    table = shot_data(shots, rng)
    table.to_csv(folder / "shot-data.csv", index=False)
    keys = table["key"].to_numpy(dtype=object)
    queries = {concept: [f"{concept} shot", f"a {concept}"] for concept in CONCEPTS}
    _write(folder / "queries.json", queries)
    texts = {}
    for i, concept in enumerate(CONCEPTS):
        for text in (concept, *queries[concept]):
            texts[text] = (directions[i] + rng.normal(size=dim) * 0.02).tolist()
    _write(folder / "text-embeddings.json", texts)
    for i, concept in enumerate(CONCEPTS):
        _write_concept(folder, concept, keys, truth[concept], np.argsort(-cosines[:, i]), rng)
    return truth


def shot_data(shots: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return the table of shot-data.csv; some names look like numbers or missing values, some genres are missing."""
    names = ["NA", "007", "-1e5", "null", *(f"yt{i:09d}" for i in range(shots // _SHOTS_A_VIDEO + 1))]
    rows: list[dict[str, Any]] = []
    for i in range(shots):
        name, first = names[i // _SHOTS_A_VIDEO], (i % _SHOTS_A_VIDEO) * 60
        last = first + int(rng.integers(20, 60))
        rows.append(
            {
                "key": f"{name}|{first}",
                "yt_id": name,
                "desc": f'A Film - "Scene", {i // _SHOTS_A_VIDEO}',
                "genre": ("Comedy", "Action", None)[i // _SHOTS_A_VIDEO % 3],
                "frame_in": first,
                "frame_out": last,
                "start": first / _FPS,
                "end": last / _FPS,
                "fps": _FPS,
                "cluster_index": int(rng.integers(_CLUSTERS)),
            }
        )
    return pd.DataFrame(rows)


def _write_concept(
    folder: Path, concept: str, keys: np.ndarray, truth: np.ndarray, nearest: np.ndarray, rng: np.random.Generator
) -> None:
    """Write a concept's files: labels of a primary and two other annotators, with 5 % of them wrong."""
    people = ["A", "B", "C"]
    primary = people.pop(CONCEPTS.index(concept))
    chosen = rng.permutation(len(keys))[: len(keys) // 3]
    votes = []
    for row in chosen:
        answers = [bool(truth[row] ^ (rng.random() < 0.05)) for _ in range(3)]
        votes.append(
            {
                "key": keys[row],
                "primary": answers[0],
                "secondaries": dict(zip(people, answers[1:], strict=True)),
                "agg": sum(answers) >= 2,
                "pos_cnt": sum(answers),
            }
        )
    _write(folder / "agg" / f"{concept}.json", {"primary": primary, "secondaries": people, "data": votes})
    checkpoints = [_split(keys, truth, chosen[:number]) for number in (10, 25, 60, len(chosen))]
    _write(folder / "checkpoints" / f"{concept}.json", checkpoints)
    orders = {"random": rng.permutation(len(keys))[:80], "zero_shot": nearest[:80]}
    comparison = {
        name: [{"key": keys[row], "value": bool(truth[row])} for row in rows] for name, rows in orders.items()
    }
    _write(folder / "cmp" / f"{concept}.json", comparison)
    if concept != CONCEPTS[-1]:  # the AVE data set has only some of the concepts
        _write(folder / "ave" / "validation" / f"{concept}.json", _split(keys, truth, rng.permutation(len(keys))[:50]))


def _split(keys: np.ndarray, truth: np.ndarray, rows: np.ndarray) -> dict[str, list[str]]:
    return {"pos": keys[rows[truth[rows]]].tolist(), "neg": keys[rows[~truth[rows]]].tolist()}


def _write(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")
