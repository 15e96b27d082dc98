"""The refits of a concept: numbered once, appended, and read from what older versions kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import va_widgets as va
from tests.conftest import labelled
from va_widgets.labels.label_store import LabelStore
from va_widgets.labels.refit_history import RefitHistory


def point(version: int, **more: float) -> dict[str, float]:
    return {"version": version, "labels": 4, "yes": 2, "no": 2, **more}


def test_each_refit_is_stored_once_whatever_their_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LabelStore(tmp_path / "labels.sqlite") as store:
        history = RefitHistory(store, "night")
        for number in range(1, 101):
            assert history.next_version(number - 1) == number
            history.add(point(number, ap=0.5))
        written: list[str] = []
        keep = store.set_state_if_absent

        def settle(*given: object, **more: float) -> object:
            written.append(str(given))
            return keep(*given, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(store, "set_state_if_absent", settle)
        history.add(point(history.next_version(100)))
        assert len(written) == 1
        assert len(written[0]) < 200
        again = RefitHistory(store, "night")
        assert [kept["version"] for kept in again.points] == list(range(1, 102))
        assert again.next_version(0) == 102
        assert RefitHistory(store, "rain").points == []


def test_what_an_older_version_kept_is_read_and_goes_on(tmp_path: Path) -> None:
    with LabelStore(tmp_path / "labels.sqlite") as store:
        store.set_state("", "night", "refits", [point(1), point(2, ap=0.7, low=0.6, high=0.8)])
        history = RefitHistory(store, "night")
        assert [kept["version"] for kept in history.points] == [1, 2]
        assert history.next_version(2) == 3
        history.add(point(3))
        assert [kept["version"] for kept in RefitHistory(store, "night").points] == [1, 2, 3]
        assert store.get_state("", "night", "refits") == [point(1), point(2, ap=0.7, low=0.6, high=0.8)]


@pytest.mark.parametrize("document", [3, {"a": 1}, ["x", None, {"version": "1"}, {"version": 1, "ap": "high"}], "[["])
def test_what_makes_no_sense_is_left_out(tmp_path: Path, document: object) -> None:
    with LabelStore(tmp_path / "labels.sqlite") as store:
        store.set_state("", "night", "refits", document)
        store.set_state("", "night", "refit:000000001", document)
        assert RefitHistory(store, "night").points == []


def test_two_that_refit_at_once_share_no_number_and_lose_no_point(tmp_path: Path) -> None:
    with LabelStore(tmp_path / "labels.sqlite") as store:
        one, two = RefitHistory(store, "night"), RefitHistory(store, "night")
        first, second = one.next_version(0), two.next_version(0)
        assert (first, second) == (1, 2)
        two.add(point(second))  # the later one is done first
        one.add(point(first))
        third = one.next_version(first)
        one.add(point(third))
        two.add(point(two.next_version(second)))
        one.add(point(one.next_version(third)))
        for history in (one, RefitHistory(store, "night")):
            assert [kept["version"] for kept in history.points] == [1, 2, 3, 4, 5]


REFITTING = """
import sys
import va_widgets as va
session = va.Session(va.Corpus.open(sys.argv[1]), "night", sys.argv[2])
clips = list(session.scores().index)
print(session.version, flush=True)  # a refit, too, where the other one has labelled before
for number in range(12):
    session.label(clips[number], True)
    print(session.refit().version, flush=True)
"""


@pytest.mark.slow
def test_two_processes_that_refit_at_once_share_no_number_and_lose_no_point(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 8))
    clips = pd.DataFrame({"clip_id": [f"c{number}" for number in range(40)]})
    corpus = va.Corpus.from_embeddings(tmp_path / "corpus", vectors, clips)
    command = [sys.executable, "-c", REFITTING, str(corpus.path)]
    runs = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in ("one", "two")]
    told = [run.communicate()[0].split() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    versions = [int(version) for lines in told for version in lines]
    measured = set(versions) - {0}
    assert all(lines == sorted(lines, key=int) for lines in told)
    again = va.Session(corpus, "night", "one")
    assert set(again.refits["version"]) == measured
    assert len(again.refits) == len(measured)
    # A refit without new labels returns the last one, so that a number may be told twice, but only by one of them.
    assert not set(told[0][1:]) & set(told[1][1:])


def test_a_session_goes_on_after_the_refits_of_an_older_version(demo_corpus: va.Corpus) -> None:
    session = labelled(demo_corpus)
    session._labels.store.set_state("", "night", "refits", [point(version) for version in range(1, 8)])
    again = va.Session(demo_corpus, "night")
    assert again.version == 7
    again.label(demo_corpus.clips.index[-1], "unsure")
    assert again.refit().version == 8
    assert again.refits["version"].tolist() == [*range(1, 9)]
    assert len(again.refit_history) == 8
