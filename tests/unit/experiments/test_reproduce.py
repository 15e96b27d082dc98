"""VA's experiments on a synthetic release, and their definitions computed independently."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from tests.unit.experiments.synthetic_release import CONCEPTS, write_release
from tests.unit.experiments.va_reference import murmur3
from va_widgets.experiments import ExperimentError, experiment_1, experiment_2, gains, open_release
from va_widgets.experiments.evaluation import in_validation, score
from va_widgets.experiments.release import Release
from va_widgets.experiments.reproduce import _read


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("release") / "videoannotator"
    write_release(folder)
    return open_release(folder)


def test_the_hash_has_published_values() -> None:
    # Known values of MurmurHash3_x86_32.
    assert murmur3("", 0) == 0
    assert murmur3("test", 0) & 0xFFFFFFFF == 0xBA6BD213
    assert murmur3("Hello, world!", 0) & 0xFFFFFFFF == 0xC0363E43


@given(key=st.text(max_size=30), seed=st.integers(0, 5))
def test_validation_is_decided_by_the_hash(key: str, seed: int) -> None:
    assert in_validation([key], seed).tolist() == [murmur3(key, seed) % 5 < 1]


def test_a_fifth_is_for_validation() -> None:
    assert in_validation([f"yt{i:09d}|{i}" for i in range(20_000)]).mean() == pytest.approx(0.2, abs=0.01)


def test_a_score_is_the_mean_of_five_evaluations() -> None:
    rng = np.random.default_rng(0)
    y, scores = rng.random(60) < 0.3, rng.random(60)
    parts = [average_precision_score(y, scores)]
    for seed in (1, 2, 3, 4):
        rows = np.random.RandomState(seed).choice(60, 60)
        parts.append(average_precision_score(y[rows], scores[rows]))
    assert score(y, scores) == pytest.approx(np.mean(parts), abs=1e-12)
    assert score(np.array([True] + [False] * 60), -np.arange(61.0)) <= 1
    assert score(np.zeros(5, dtype=bool), np.arange(5.0)) == 0


def test_experiment_1(release: Release) -> None:
    results = experiment_1(release, budgets=(25, 50, 1000), jobs=1)
    assert list(results.columns) == ["concept", "source", "n", "ap", "diversity"]
    assert set(results["concept"]) == set(CONCEPTS)
    # The release is too small for 1,000 labels from any source.
    assert set(zip(results["source"], results["n"], strict=True)) == {
        ("text", 0), *((name, n) for name in ("va", "random", "zero_shot", "half_half") for n in (25, 50)),
    }  # fmt: skip
    assert results["ap"].between(0.2, 1).all()
    assert (results["diversity"] <= results["n"] / 200 + 1e-12).all()
    gain = gains(results)
    wide = results.pivot_table(index=["concept", "n"], columns="source", values="ap")
    expected = (wide["va"] - wide["half_half"]).dropna().groupby("n").median()
    np.testing.assert_allclose(gain["median"], expected)
    assert gain["concepts"].tolist() == [3, 3]
    with pytest.raises(ExperimentError, match="nothing of the source 'luck'"):
        gains(results, baseline="luck")


def test_labels_for_learning_are_outside_the_validation_set(release: Release) -> None:
    concept = _read(release, CONCEPTS[0])
    keys = release.labels(CONCEPTS[0]).index
    assert len(concept.validation) >= in_validation(keys.tolist()).sum()
    for rows in concept.sources.values():
        assert not set(rows) & set(concept.validation.tolist())
        assert len(rows) == len(set(rows))
    first = release.checkpoints(CONCEPTS[0])[0]
    outside = first[~in_validation(first.index.tolist())]
    majority = release.labels(CONCEPTS[0])["agg"]
    np.testing.assert_array_equal(concept.truth[concept.sources["va"][: len(outside)]], majority[outside.index])


@pytest.mark.slow
def test_experiment_2(release: Release) -> None:
    names = ["va", "round_robin", "greedy"]
    results = experiment_2(release, names, CONCEPTS[:1], jobs=1)
    assert list(results.columns) == ["concept", "policy", "n", "ap"]
    assert list(dict.fromkeys(results["policy"])) == names
    for _, curve in results.groupby("policy"):
        assert curve["n"].tolist()[:2] == [25, 50]
        assert curve["n"].is_monotonic_increasing
    first = results[results["n"] == 25].set_index("policy")["ap"]
    assert first["greedy"] == first.max()
    # Round robin begins with VA's feeds.
    assert first["round_robin"] == first["va"]


@pytest.mark.slow
def test_experiment_2_is_the_same_in_any_number_of_processes(release: Release) -> None:
    one, two = (experiment_2(release, ["exp3"], CONCEPTS[:2], jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    assert set(one["concept"]) == set(CONCEPTS[:2])


def test_invalid_arguments_raise_clear_errors(release: Release, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="no policy called 'luck'"):
        experiment_2(release, ["luck"])
    write_release(tmp_path / "videoannotator")
    for file in (tmp_path / "videoannotator").rglob(f"{CONCEPTS[0]}.json"):
        file.write_text(json.dumps(_all_negative(json.loads(file.read_text()))))
    with pytest.raises(ExperimentError, match="validation set of 'aerial' has no positives"):
        experiment_1(open_release(tmp_path / "videoannotator"), [CONCEPTS[0]], jobs=1)


def _all_negative(content: object) -> object:
    if isinstance(content, dict):
        if {"pos", "neg"} <= content.keys():
            return {"pos": [], "neg": [*content["pos"], *content["neg"]]}
        return {name: _all_negative(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_all_negative(value) for value in content]
    return False if content is True else content
