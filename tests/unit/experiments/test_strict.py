"""The strict mode of VA's experiments against a second implementation of them (`va_reference.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.unit.experiments import va_reference
from tests.unit.experiments.synthetic_release import CONCEPTS, write_release
from tests.unit.experiments.va_reference import Reference
from va_widgets.experiments import ExperimentError, best_step_gains, experiment_1, experiment_2, gains, open_release
from va_widgets.experiments.bandits import POLICIES
from va_widgets.experiments.release import Release

SOUND, ODD = CONCEPTS[:2]
BUDGETS = (10, 60, 1000)
LEARNING = ["epsilon_greedy_0.5", "ucb_0.1", "exp3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release, one of whose concepts has a clip that both baselines name, with different labels, and one twice."""
    folder = tmp_path_factory.mktemp("release") / "videoannotator"
    write_release(folder, shots=240, seed=3)
    file = folder / "cmp" / f"{ODD}.json"
    answers = json.loads(file.read_text())
    random, zero_shot = answers["random"], answers["zero_shot"]
    in_training = [row for row in random if va_reference.murmur3(row["key"], 0) % 5]
    random.insert(5, in_training[0])
    known = {row["key"] for row in zero_shot}
    moved = next(row for row in in_training[15:] if row["key"] not in known)
    zero_shot.insert(20, {"key": moved["key"], "value": not moved["value"]})
    file.write_text(json.dumps(answers))
    return folder


@pytest.fixture(scope="module")
def release(folder: Path) -> Release:
    return open_release(folder)


@pytest.fixture(scope="module")
def results(release: Release) -> pd.DataFrame:
    return experiment_1(release, [SOUND, ODD], BUDGETS, strict=True, jobs=1)


@pytest.mark.parametrize("concept", [SOUND, ODD])
def test_experiment_1_is_the_release_s(folder: Path, results: pd.DataFrame, concept: str) -> None:
    expected = va_reference.experiment_1(Reference(folder, concept), BUDGETS)
    rows = results[results["concept"] == concept].set_index(["source", "n"])
    assert set(rows.index) == set(expected)
    for key, (ap, diversity, labels) in expected.items():
        assert rows.loc[key, "ap"] == pytest.approx(ap, abs=1e-6), key
        assert rows.loc[key, "diversity"] == pytest.approx(diversity, abs=1e-12)
        assert rows.loc[key, "labels"] == labels


def test_the_budgets_are_those_of_the_release(results: pd.DataFrame) -> None:
    rows = results.set_index(["concept", "source", "n"])["labels"]
    # The last checkpoint, and all labels of the baselines, count as 1,000.
    assert (rows.xs(1000, level="n") < 200).all()
    # A clip of both baselines counts once, and contradictory labels leave nothing to fit.
    assert rows[SOUND, "half_half", 60] < 60
    assert (ODD, "half_half", 10) in rows
    assert (ODD, "half_half", 60) not in rows


@pytest.mark.parametrize(
    ("concept", "policies"),
    [(SOUND, LEARNING), (ODD, ["round_robin"]), pytest.param(SOUND, ["greedy"], marks=pytest.mark.slow)],
)
def test_experiment_2_is_the_release_s(folder: Path, release: Release, concept: str, policies: list[str]) -> None:
    results = experiment_2(release, policies, [concept], strict=True, jobs=1)
    reference = Reference(folder, concept)
    for policy in policies:
        expected = list(va_reference.experiment_2(reference, policy))
        curve = results[results["policy"] == policy]
        assert curve["n"].tolist() == [n for n, _ in expected]
        np.testing.assert_allclose(curve["ap"], [ap for _, ap in expected], atol=1e-6)
        assert len(curve) > 4 or concept == ODD  # where contradictory labels end it


def test_the_best_steps_are_compared_with_the_best_checkpoint(release: Release, results: pd.DataFrame) -> None:
    table = experiment_2(release, ["va", "round_robin"], [SOUND], strict=True, jobs=1)
    checkpoints = table[table["policy"] == "va"]
    va = results[(results["concept"] == SOUND) & (results["source"] == "va")]
    assert checkpoints["ap"].max() == va["ap"].max()
    best = table[table["policy"] == "round_robin"]["ap"].max()
    gain = best_step_gains(table)
    assert gain.index.tolist() == ["round_robin"]
    assert list(gain.loc["round_robin", ["median", "min", "max"]]) == pytest.approx([best - va["ap"].max()] * 3)
    with pytest.raises(ExperimentError, match="nothing of the policy 'luck'"):
        best_step_gains(table, "luck")
    # The seed also chooses the validation set.
    other = experiment_2(release, ["round_robin"], [SOUND], strict=True, seed=2, jobs=1)
    assert other["ap"].tolist() != table[table["policy"] == "round_robin"]["ap"].tolist()


def test_equal_results_are_left_out_of_strict_gains() -> None:
    rows = [
        (concept, source, 25, ap)
        for concept, va in (("a", 0.5), ("b", 0.7))
        for source, ap in (("va", va), ("half_half", 0.5))
    ]
    results = pd.DataFrame(rows, columns=["concept", "source", "n", "ap"])
    assert list(gains(results).loc[25]) == pytest.approx([0.1, 0, 0.2, 2])
    assert list(gains(results, strict=True).loc[25]) == pytest.approx([0.2, 0.2, 0.2, 1])


def test_invalid_arguments_raise_clear_errors(release: Release, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="strict must be True or False, not 'yes'"):
        experiment_1(release, strict="yes")  # type: ignore[arg-type]
    write_release(tmp_path / "videoannotator")
    file = tmp_path / "videoannotator" / "agg" / f"{SOUND}.json"
    votes = json.loads(file.read_text())
    for row in votes["data"]:
        row["agg"] = row["agg"] and va_reference.murmur3(row["key"], 0) % 5 == 0
    file.write_text(json.dumps(votes))
    with pytest.raises(ExperimentError, match="training set of 'aerial' has no positives"):
        experiment_1(open_release(tmp_path / "videoannotator"), [SOUND], strict=True, jobs=1)


def test_policies_have_the_same_names_in_both_modes() -> None:
    from va_widgets.experiments.strict import policies

    assert set(policies.POLICIES) == set(POLICIES)
