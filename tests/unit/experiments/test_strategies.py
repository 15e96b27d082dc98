"""Strategies: what they learn, what they choose, and that all work with few labels or labels of one class."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold

from tests.unit.experiments.synthetic_pool import make_pool
from va_widgets.experiments import STRATEGIES, ExperimentError
from va_widgets.experiments.bandits import POLICIES, EpsilonGreedy, Exp3, Ucb, policy, round_robin
from va_widgets.experiments.learners import fit_logistic, perch_learner, rocchio_learner, text_probe_learner
from va_widgets.experiments.queries import Bandit, four_feeds_query, half_half_query, margin_query, top_query
from va_widgets.experiments.strategies import State, Task, strategy

PACKAGES = {
    "typiclust": "skactiveml", "probcover": "skactiveml", "badge": "skactiveml", "density": "skactiveml",
    "modal_uncertainty": "modAL", "modal_batch": "modAL", "coreset": "small_text",
}  # fmt: skip
POOL = make_pool()
X = np.asarray(POOL.embeddings, dtype=np.float32)
Y = POOL.truth["truck"].to_numpy()


def task(text: bool = True, seed: int = 0) -> Task:
    return Task(X, POOL.texts["truck"] if text else None, POOL.videos, seed, np.random.default_rng(seed))


def state(rows: list[int], given_task: Task | None = None, scores: np.ndarray | None = None) -> State:
    labelled = np.array(rows, dtype=np.int64)
    return State(
        given_task or task(), labelled, Y[labelled], X @ POOL.texts["truck"] if scores is None else scores, 1, 50
    )


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("labels", ["both", "yes", "no", "one"])
@pytest.mark.parametrize("text", [True, False])
def test_every_strategy_works_with_any_labels(name: str, labels: str, text: bool) -> None:
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name], reason="another package's strategy: pip install '.[benchmarks]'")
    yes, no = np.flatnonzero(Y), np.flatnonzero(~Y)
    rows = {"both": np.append(yes[:4], no[:9]), "yes": yes[:5], "no": no[:5], "one": yes[:1]}[labels]
    new_task, tested = task(text), STRATEGIES[name]
    for _ in range(3):
        fitted = tested.learner(new_task, rows, Y[rows])
        scores = np.asarray(fitted(X))
        assert scores.shape == (len(X),)
        assert np.isfinite(scores).all()
        assert np.isfinite(np.asarray(fitted(X[:0]))).all()
        chosen = tested.query(State(new_task, rows, Y[rows], scores, 1, 50), 5)
        assert len(set(chosen.tolist())) == len(chosen) == 5
        assert not set(chosen.tolist()) & set(rows.tolist())
        rows = np.concatenate([rows, chosen])


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_learns(name: str) -> None:
    rows = np.arange(0, 240, 2)
    scores = STRATEGIES[name].learner(task(), rows, Y[rows])(X[1::2])
    assert average_precision_score(Y[1::2], scores) > 0.75


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name not in PACKAGES])
def test_a_query_returns_the_last_clips(name: str) -> None:
    rows = np.arange(len(X) - 3)
    new_task = task()
    scores = STRATEGIES[name].learner(new_task, rows, Y[rows])(X)
    chosen = STRATEGIES[name].query(State(new_task, rows, Y[rows], scores, 9, 240), 5)
    assert sorted(chosen.tolist()) == [237, 238, 239]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("skactiveml.pool", "modAL.models", "small_text"):
        monkeypatch.setitem(sys.modules, module, None)
    for name in ("typiclust", "modal_batch", "coreset"):
        with pytest.raises(ExperimentError, match=r"needs (scikit-activeml|modAL-python|small-text): pip install"):
            STRATEGIES[name].query(state([0, 1, *np.flatnonzero(Y)[:2]]), 5)


def test_an_unknown_strategy_is_refused() -> None:
    assert strategy("va") is STRATEGIES["va"]
    with pytest.raises(ExperimentError, match="no strategy called 'best': choose among ours, va"):
        strategy("best")


def test_vas_classifier_equals_scikit_learns() -> None:
    rows = np.arange(80)
    fitted, quality = fit_logistic(X[rows], Y[rows])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        expected = LogisticRegressionCV(cv=folds, scoring="average_precision", max_iter=1000).fit(X[rows], Y[rows])
    np.testing.assert_allclose(expit(fitted(X)), expected.predict_proba(X)[:, 1], rtol=1e-4)
    assert 0.5 < quality <= 1


def test_the_four_feeds_give_a_quarter_each() -> None:
    scores = np.linspace(-1, 3, len(X)).astype(np.float32)
    chosen = four_feeds_query(state([], scores=scores), 8).tolist()
    assert chosen[:3] == [239, 0, 60]  # highest, lowest, nearest to 0
    assert chosen[4:7] == [238, 1, 59]
    # The turn of the next batch goes on where the last one ended.
    assert four_feeds_query(state(list(range(100, 105)), scores=scores), 1).tolist() == [0]


def test_half_of_half_half_is_nearest_to_the_text() -> None:
    nearest = np.argsort(-X @ POOL.texts["truck"], kind="stable").tolist()
    chosen = half_half_query(state([]), 10).tolist()
    for i in range(0, 10, 2):
        assert chosen[i] == next(row for row in nearest if row not in chosen[:i])
    assert len(set(chosen[1::2]) & set(nearest[:20])) < 5


def test_top_and_margin_rank_by_scores() -> None:
    scores = np.arange(len(X), dtype=np.float32) - 100
    assert top_query(state([239], scores=scores), 2).tolist() == [238, 237]
    assert margin_query(state([100], scores=scores), 2).tolist() == [99, 101]


def test_rocchio_scores_by_the_nearer_mean() -> None:
    rows = np.arange(60)
    scores = rocchio_learner(task(), rows, Y[rows])(X[:5])
    positive_mean, negative_mean = X[rows[Y[rows]]].mean(axis=0), X[rows[~Y[rows]]].mean(axis=0)
    expected = [np.linalg.norm(x - negative_mean) - np.linalg.norm(x - positive_mean) for x in X[:5]]
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


def test_probes_depend_on_the_seed_alone() -> None:
    rows = np.arange(60)
    for learner in (perch_learner, text_probe_learner):
        np.testing.assert_array_equal(learner(task(), rows, Y[rows])(X), learner(task(), rows, Y[rows])(X))


def test_a_bandit_learns_which_source_has_rewards() -> None:
    new_task = task()
    bandit = Bandit(Ucb(0.0))
    chosen = []
    for quality in (0.0, 0.0, 0.5, 0.5, 0.6, 0.7):  # only the second source, zero-shot, has rewards
        new_task.memory["quality"] = quality
        bandit(state([0], new_task), 2)
        chosen.append(new_task.memory["chosen"])
    assert chosen[:3] == [0, 1, 2]
    assert chosen[3:] == [1, 1, 1]


def test_bandits_against_values_computed_by_hand() -> None:
    rng = np.random.default_rng(0)
    assert [round_robin([(0, 0.0)] * n, 3, rng) for n in range(4)] == [0, 1, 2, 0]
    history = [(0, 0.1), (1, 0.3), (2, 0.2), (1, 0.1)]  # means 0.1, 0.2, 0.2
    assert EpsilonGreedy(0.0)(history, 3, rng) == 1
    # 0.2 + c sqrt(ln 4 / 1) > 0.2 + c sqrt(ln 4 / 2)
    assert Ucb(0.1)(history, 3, rng) == 2
    assert Ucb(0.0)(history, 3, rng) == 1
    history_with_rewards = [(2, 1.0)] * 200
    drawn = [Exp3(0.1)(history_with_rewards, 3, rng) for _ in range(100)]
    assert drawn.count(2) > 80
    with pytest.raises(ExperimentError, match="no policy called 'luck'"):
        policy("luck")


@given(
    name=st.sampled_from(sorted(POLICIES)),
    history=st.lists(st.tuples(st.integers(0, 2), st.floats(-1, 1)), max_size=60),
    seed=st.integers(0, 99),
)
def test_policies_are_repeatable_and_choose_an_arm(name: str, history: list[tuple[int, float]], seed: int) -> None:
    arms = [policy(name)(history, 3, np.random.default_rng(seed)) for _ in range(2)]
    assert arms[0] == arms[1]
    assert arms[0] in (0, 1, 2)


def test_without_a_text_zero_shot_scores_are_random() -> None:
    new_task = task(text=False)
    np.testing.assert_array_equal(new_task.zero_shot_scores, new_task.zero_shot_scores)
    assert len(np.unique(new_task.zero_shot_scores)) > 200
