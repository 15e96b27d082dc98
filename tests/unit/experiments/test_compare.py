"""Comparing strategies: the same table for any number of processes, resumed or not; how the AP is measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

import va_widgets as va
from tests.unit.experiments.synthetic_pool import CONCEPTS, make_pool
from va_widgets.experiments import ExperimentError, Pool, compare
from va_widgets.experiments.compare import replay
from va_widgets.experiments.learners import rocchio_learner, zero_shot_learner
from va_widgets.experiments.oracle import answers
from va_widgets.experiments.pools import Half, half
from va_widgets.experiments.queries import random_query, top_query
from va_widgets.experiments.strategies import Fitted, Rows, State, Strategy, Task, strategy

QUICK = ("rocchio", "zero_shot", "random")


class Spy:
    """A learner that records the labels of each call."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.rows: list[Rows] = []
        self.labels: list[NDArray[np.bool_]] = []

    def __call__(self, task: Task, rows: Rows, y: NDArray[np.bool_]) -> Fitted:
        self.numbers.append(len(rows))
        self.rows.append(rows)
        self.labels.append(y)
        return rocchio_learner(task, rows, y)


def test_the_table(tmp_path: Path) -> None:
    assert va.experiments.compare is compare
    results = compare(make_pool(), QUICK, budgets=(10, 25), seeds=2, jobs=1)
    assert list(results.columns) == ["strategy", "concept", "seed", "n", "ap"]
    assert len(results) == 3 * len(CONCEPTS) * 2 * 2
    assert not results.duplicated(["strategy", "concept", "seed", "n"]).any()
    assert results["ap"].between(0, 1).all()


def test_strategies_with_views_learn_from_those_of_the_pool() -> None:
    pool = make_pool()
    rng = np.random.default_rng(0)
    moves = rng.normal(size=(len(pool), 6)).astype(np.float32)
    truth = pd.DataFrame({"pan": moves[:, 0] > 0.8})
    pool = replace(pool, truth=truth, texts={})
    viewed = replace(pool, views={"motion": moves})
    assert viewed.digest != pool.digest
    without, with_view = (replay(one, strategy("ours"), "pan", 0, (40,))[0][1] for one in (pool, viewed))
    assert with_view > 0.8 > without + 0.2
    assert replay(viewed, strategy("rocchio"), "pan", 0, (40,)) == replay(pool, strategy("rocchio"), "pan", 0, (40,))
    with pytest.raises(ExperimentError, match=r"embeddings but 5 rows of motion"):
        replace(pool, views={"motion": moves[:5]})


@pytest.mark.slow
def test_the_number_of_processes_and_resuming_do_not_change_results(tmp_path: Path) -> None:
    pool = make_pool()
    arguments: dict[str, Any] = {"budgets": (10, 25, 60), "seeds": (3, 5), "error": 0.05}
    alone = compare(pool, [*QUICK, "perch"], jobs=1, **arguments)
    first = compare(pool, QUICK[:1], ["cat"], jobs=1, folder=tmp_path / "runs", **arguments)
    both = compare(pool, [*QUICK, "perch"], jobs=2, folder=tmp_path / "runs", **arguments)
    pd.testing.assert_frame_equal(alone, both, check_exact=True)
    expected = both[(both["strategy"] == QUICK[0]) & (both["concept"] == "cat")].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, expected, check_exact=True)
    files = sorted((tmp_path / "runs").iterdir())
    assert [file.suffix for file in files] == [".json"] * len(files)
    assert len(files) == 4 * len(CONCEPTS) * 2


def test_finished_runs_are_not_repeated(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"concepts": ["cat"], "budgets": (10, 25), "seeds": 1, "jobs": 1, "folder": tmp_path}
    compare(make_pool(), ["rocchio"], **arguments)
    (file,) = tmp_path.iterdir()
    content = json.loads(file.read_text())
    content["points"] = [[10, 0.125], [25, 0.25]]
    file.write_text(json.dumps(content))
    assert compare(make_pool(), ["rocchio"], **arguments)["ap"].tolist() == [0.125, 0.25]
    # Other arguments are another run.
    assert compare(make_pool(seed=1), ["rocchio"], **arguments)["ap"].tolist() != [0.125, 0.25]
    assert compare(make_pool(), ["rocchio"], error=0.1, **arguments)["ap"].tolist() != [0.125, 0.25]
    file.write_text("{}")
    with pytest.raises(ExperimentError, match="is no result of a comparison: delete it"):
        compare(make_pool(), ["rocchio"], **arguments)


def test_a_folder_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExperimentError, match="cannot be made"):
        compare(make_pool(), ["rocchio"], seeds=1, jobs=1, folder=tmp_path / "file" / "runs")


def test_batches_have_5_labels_up_to_100_labels_and_25_after_that() -> None:
    spy = Spy()
    replay(make_pool(400), Strategy("spy", spy, top_query), "truck", 0, (10, 12, 150))
    assert spy.numbers == [10, 12, *range(15, 101, 5), 125, 150]


def test_a_query_that_ignores_scores_needs_no_fits_between_budgets() -> None:
    spy = Spy()
    points = replay(make_pool(), Strategy("spy", spy, random_query, adaptive=False), "truck", 0, (10, 50))
    assert spy.numbers == [10, 50]
    assert [n for n, _ in points] == [10, 50]


def test_labelling_starts_with_a_search_if_the_strategy_searches() -> None:
    pool = make_pool()
    nearest = np.argsort(-np.asarray(pool.embeddings[pool.train], dtype=np.float32) @ pool.texts["cat"], kind="stable")
    for searches in (True, False):
        spy = Spy()
        replay(pool, Strategy("spy", spy, random_query, searches=searches), "cat", 0, (10,))
        assert (sorted(spy.rows[0].tolist()) == sorted(nearest[:10].tolist())) is searches


def test_labels_have_errors_but_the_ap_uses_the_truth() -> None:
    pool, spy = make_pool(), Spy()
    ((_, ap),) = replay(pool, Strategy("spy", spy, random_query), "truck", 7, (60,), error=0.3)[-1:]
    truth = pool.truth["truck"].to_numpy()
    np.testing.assert_array_equal(spy.labels[-1], answers(truth, 0.3, 7)[pool.train][spy.rows[-1]])
    assert (spy.labels[-1] != truth[pool.train][spy.rows[-1]]).any()
    X = np.asarray(pool.embeddings, dtype=np.float32)
    task = Task(X[pool.train], None, None, 7, np.random.default_rng(0))
    scores = rocchio_learner(task, spy.rows[-1], spy.labels[-1])(X[pool.test])
    assert ap == pytest.approx(average_precision_score(truth[pool.test], scores))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["va", "ours", "ucb_0.1", "text_probe", "perch"])
def test_labelling_works_after_a_search_without_positives(name: str) -> None:
    pool = make_pool()
    misled = replace(pool, texts={"frog": -pool.texts["frog"]})
    positives = pool.truth["frog"].to_numpy()[pool.train]
    nearest = np.argsort(-np.asarray(misled.embeddings[misled.train], dtype=np.float32) @ misled.texts["frog"])[:10]
    assert not positives[nearest].any()
    for searched in (misled, replace(pool, texts={})):
        results = compare(searched, [name], ["frog"], (10, 60), 1, jobs=1)
        assert results["n"].tolist() == [10, 60]
        assert results["ap"].between(0, 1).all()


def test_concepts_of_one_half() -> None:
    halves: tuple[Half, ...] = ("development", "reporting")
    for which in halves:
        expected = [name for name in CONCEPTS if half(name) == which]
        results = compare(make_pool(), ["zero_shot"], which, (10,), 1, jobs=1)
        assert list(results["concept"]) == expected


def test_budgets_beyond_the_pool_are_left_out() -> None:
    results = compare(make_pool(60), ["random"], ["truck"], (10, 30, 31, 5000), 1, jobs=1)
    assert results["n"].tolist() == [10, 30]


def test_invalid_arguments_raise_clear_errors() -> None:
    pool = make_pool()

    def refused(match: str, of: Pool = pool, strategies: object = ("zero_shot",), **arguments: object) -> None:
        with pytest.raises(ExperimentError, match=match):
            compare(of, strategies, **{"seeds": 1, "jobs": 1, **arguments})  # type: ignore[arg-type]

    refused("no strategy called 'best'", strategies=["best"])
    refused("same name", strategies=["zero_shot", Strategy("zero_shot", zero_shot_learner, top_query)])
    refused("At least one strategy", strategies=[])
    refused("At least one strategy", budgets=(0, 9999))
    refused("At least one strategy", seeds=0)
    refused("knows no truth about 'dog'", concepts=["dog"])
    refused("'development' or 'reporting', not 'all'", concepts="all")
    refused("between 0 and 1, not at 2", error=2)
    hidden = pool.truth.copy()
    hidden.loc[pool.test, "cat"] = False
    refused("no positives of 'cat' in the half to test on", of=replace(pool, truth=hidden))


def test_a_query_that_repeats_a_clip_is_named() -> None:
    def stuck(state: State, k: int) -> Rows:
        return np.zeros(k, dtype=np.int64)

    with pytest.raises(ExperimentError, match="'stuck' chose a clip twice"):
        replay(make_pool(), Strategy("stuck", rocchio_learner, stuck), "cat", 0, (25,))


def test_a_query_that_returns_too_few_clips_is_filled_up() -> None:
    def lazy(state: State, k: int) -> Rows:
        return np.empty(0, dtype=np.int64)

    assert [n for n, _ in replay(make_pool(), Strategy("lazy", rocchio_learner, lazy), "cat", 0, (10, 25))] == [10, 25]
