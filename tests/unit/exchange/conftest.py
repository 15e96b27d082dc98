"""A corpus of clips with times, without labels, and a log of labels with awkward texts."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from va_widgets.labels.label_store import LABELS_FILE, LabelStore, NewRemark

FPS = 25.0


def clips_table() -> pd.DataFrame:
    """Twelve clips of 2, 3 and 5 s in turn, at 25 frames a second, in three videos."""
    rows = []
    for video in ("films/alpha.mp4", "films/-beta, two.mp4", "films/gamma.mov"):
        start = 0.0
        for length in (2.0, 3.0, 5.0, 2.0):
            rows.append((video, start, start + length, int(start * FPS), int((start + length) * FPS), FPS))
            start += length
    table = pd.DataFrame(rows, columns=["video", "start", "end", "frame_in", "frame_out", "fps"])
    return table.set_index(pd.Index([f"c{number:02}" for number in range(len(table))], name="clip_id"))


@pytest.fixture(scope="session")
def timed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("timed") / "corpus"
    table = clips_table()
    vectors = np.random.default_rng(0).normal(size=(len(table), 4))
    va.Corpus.from_embeddings(folder, vectors, table)
    return folder


@pytest.fixture
def corpus(timed_folder: Path, tmp_path: Path) -> va.Corpus:
    """The corpus without any labels, for one test alone."""
    shutil.copytree(timed_folder, tmp_path / "corpus")
    return va.Corpus.open(tmp_path / "corpus")


@pytest.fixture
def other(timed_folder: Path, tmp_path: Path) -> va.Corpus:
    """A second copy of the corpus without any labels."""
    shutil.copytree(timed_folder, tmp_path / "other")
    return va.Corpus.open(tmp_path / "other")


def store_of(corpus: va.Corpus) -> LabelStore:
    return LabelStore(corpus.path / LABELS_FILE)


def label(corpus: va.Corpus) -> None:
    """Label by two annotators, with an undo, a change of mind, an unsure, notes, tags and a guideline."""
    with store_of(corpus) as store:
        store.append("kelli", "night, city", {"c00": "yes", "c01": "no", "c02": "unsure"}, "search", message_id="m1")
        store.append("=sam", "night, city", {"c00": "yes", "c01": "yes"}, "random", 3)
        store.append("kelli", "night, city", {"c03": "yes", "c04": "no"}, "suggested", 1)
        store.undo("kelli", "night, city")
        store.append("kelli", "night, city", {"c01": "yes", "c05": "no", "c11": "no"}, "review", 2)
        store.append("kelli", "Ø 雪 ⛄", {"c06": "yes", "c07": "no"}, "search")
        store.append("kelli", "Ø 雪 ⛄", {"c06": "none"}, "review")
        store.append_all(
            [
                NewRemark("kelli", "night, city", "c00", '=cmd()|"quoted"\nsecond, line', ["re flection", "-dusk"]),
                NewRemark("kelli", "night, city", "c02", "\u202bעברית"),
            ]
        )
        store.set_state("", "night, city", "guideline", "dark; not indoors")
        store.add_concept_event("kelli", "night, city", "guideline", {"text": "dark; not indoors"})


def current(corpus: va.Corpus) -> dict[tuple[str, str, str], str]:
    """Each annotator's present labels: {(concept, annotator, clip): value}."""
    with store_of(corpus) as store:
        return {
            (concept, event.annotator, event.clip_id): event.value
            for concept in store.concepts()["concept"]
            for event in store.labels(concept)
        }


def histories(corpus: va.Corpus) -> dict[tuple[str, str], list[tuple[str, str, str, str, int]]]:
    """Each annotator's history of values: {(concept, annotator): [(clip, value, time, source, model version)]}."""
    result: dict[tuple[str, str], list[tuple[str, str, str, str, int]]] = {}
    with store_of(corpus) as store:
        for concept in store.concepts()["concept"]:
            for row in store.history(concept).to_dict("records"):
                event = (row["clip_id"], row["value"], row["time"], row["source"], row["model_version"])
                result.setdefault((concept, row["annotator"]), []).append(event)
    return result


def remarks(corpus: va.Corpus) -> set[tuple[str, str, str, str, tuple[str, ...]]]:
    with store_of(corpus) as store:
        return {
            (remark.concept, remark.annotator, remark.clip_id, remark.note, remark.tags)
            for concept in store.concepts()["concept"]
            for remark in store.remarks(concept)
        }
