"""Files that were changed anywhere are read, or refused by an error of ours; nothing else is raised."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import va_widgets as va
from tests.unit.exchange.conftest import label

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    2.5,
    2**70,
    "maybe",
    "",
    "c00",
    "alpha.mp4",
    "00:00:01",
    "2026-01-01",
    "nan",
    [],
    {},
    ["a"],
    {"a": 1},
)
ROUNDS = 12


def changed(value: Any, rng: np.random.Generator) -> Any:
    """A JSON document with some of its parts replaced, left out, or twice in it."""
    if rng.random() < 0.05:
        return ODD[rng.integers(len(ODD))]
    if isinstance(value, dict):
        return {key: changed(part, rng) for key, part in value.items() if rng.random() > 0.03}
    if isinstance(value, list):
        parts = [changed(part, rng) for part in value]
        return [*parts, *parts[:1]] if rng.random() < 0.1 else parts
    return value


def attempt(corpus: va.Corpus, path: Path, kind: str) -> None:
    with suppress(va.VaError):
        va.labels.import_(corpus, path, kind, concept="night", annotator="k", unmatched="keep", dry_run=True)


@pytest.mark.parametrize("kind", ["label-studio", "coco", "jsonl"])
def test_json_documents(corpus: va.Corpus, tmp_path: Path, kind: str) -> None:
    label(corpus)
    file = tmp_path / "a.json"
    va.labels.export(corpus, file, kind, log=kind == "jsonl")
    text = file.read_text(encoding="utf-8")
    document = [json.loads(line) for line in text.splitlines()] if kind == "jsonl" else json.loads(text)
    rng = np.random.default_rng(0)
    for _ in range(ROUNDS):
        made = changed(document, rng)
        lines = made if kind == "jsonl" and isinstance(made, list) else [made]
        file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        attempt(corpus, file, kind)


@pytest.mark.parametrize(
    ("kind", "name"), [("elan", "alpha.eaf"), ("webvtt", "alpha.vtt"), ("csv", ""), ("parquet", "")]
)
def test_bytes(corpus: va.Corpus, tmp_path: Path, kind: str, name: str) -> None:
    label(corpus)
    va.labels.export(corpus, tmp_path / "a", kind)
    data = (tmp_path / "a" / name if name else tmp_path / "a").read_bytes()
    file = tmp_path / (name or f"a.{kind}")
    rng = np.random.default_rng(0)
    for _ in range(ROUNDS):
        made = bytearray(data)
        for place in rng.integers(len(data), size=3).tolist():
            made[place : place + int(rng.integers(3))] = rng.bytes(int(rng.integers(3)))
        file.write_bytes(bytes(made))
        attempt(corpus, file, kind)
