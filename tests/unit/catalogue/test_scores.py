"""Scores of a whole corpus in memory."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import va_widgets as va
from tests.unit.catalogue import synthetic
from va_widgets.catalogue import local_score, scores
from va_widgets.catalogue.scores import read_models, score_columns
from va_widgets.catalogue.scoring import Weights
from va_widgets.models import published


@pytest.fixture
def films(tmp_path: Path) -> va.Corpus:
    """A corpus with two views and three models."""
    corpus = synthetic.corpus(tmp_path / "films", views={"look": 3, "sound": 2})
    synthetic.model(corpus, "Night city", 1, smoothing=0.3)
    synthetic.model(corpus, "rain", 2)
    synthetic.model(corpus, "car", 3, smoothing=0.2, look=3, sound=2)
    return corpus


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of models of all passes over a corpus."""
    counts: list[int] = []

    def counted(corpus: va.Corpus, weights: Weights, *given: object, **options: object) -> object:
        counts.append(len(weights))
        return local_score.score_blocks(corpus, weights, *given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(scores, "score_blocks", counted)
    return counts


@pytest.mark.parametrize("large", [False, True])
def test_they_are_those_of_each_model_alone(films: va.Corpus, large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if large:  # as a large corpus: by torch, and in several blocks
        monkeypatch.setattr(local_score, "LARGE", 1)
        monkeypatch.setattr(local_score, "BLOCK", 128)
        monkeypatch.setattr(local_score, "_ROWS", 50)
    models = read_models(None, films)
    assert films.neighbours is not None
    assert list(models) == ["car", "night_city", "rain"]
    for name, column in score_columns(films, models).items():
        assert column.dtype == np.float32
        np.testing.assert_allclose(column, models[name].score_corpus(films), atol=2e-6)


@pytest.mark.parametrize("rows", [[3], [299, 5, 5], []])
def test_some_clips_are_scored_as_all_are(films: va.Corpus, rows: list[int]) -> None:
    models = read_models(None, films)
    weights = Weights.of(list(models.values()))
    blocks = list(local_score.score_blocks(films, weights, np.array(rows, np.int64)))
    for row, column in enumerate(score_columns(films, models).values()):
        np.testing.assert_allclose(blocks[0][row] if blocks else [], column[rows], atol=1e-6)


def test_logits_that_need_much_memory_are_kept_in_a_file(
    films: va.Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = read_models(None, films)
    monkeypatch.setattr(local_score, "_IN_MEMORY", 100)
    (tmp_path / "scratch").mkdir()
    [block] = local_score.score_blocks(films, Weights.of(list(models.values())), scratch=tmp_path / "scratch")
    np.testing.assert_allclose(block, list(score_columns(films, models).values()), atol=1e-6)
    gc.collect()
    assert not list((tmp_path / "scratch").iterdir())


def test_only_models_without_scores_are_computed(films: va.Corpus, passes: list[int]) -> None:
    models = read_models(["night_city", "rain"], films)
    first = score_columns(films, models)
    again = score_columns(films, {**models, "car": read_models("car", films)["car"]})
    assert passes == [2, 1]
    assert all(again[name] is first[name] for name in first)
    with pytest.raises(ValueError, match="read-only"):
        first["rain"][0] = 0
    synthetic.model(films, "rain", 7)
    newer = score_columns(films, read_models("rain", films))["rain"]
    assert passes == [2, 1, 1]
    assert not np.array_equal(newer, first["rain"])


def test_threads_wait_for_scores_that_another_computes(films: va.Corpus, passes: list[int]) -> None:
    models = read_models(None, films)
    with ThreadPoolExecutor(4) as pool:
        results = [future.result() for future in [pool.submit(score_columns, films, models) for _ in range(8)]]
    assert passes == [3]
    assert all(result["car"] is results[0]["car"] for result in results)


def test_they_go_with_the_corpus_and_the_oldest_go_before(
    films: va.Corpus, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    models = read_models(None, films)
    monkeypatch.setattr(scores, "_MOST_BYTES", 2 * 300 * 4)
    opened = va.Corpus.open(films.path)
    for name in ("car", "rain", "night_city", "rain", "car"):
        score_columns(opened, {name: models[name]})
    assert passes == [1, 1, 1, 1]  # rain was still there
    gc.collect()
    kept = len(scores._kept)
    del opened
    gc.collect()
    assert len(scores._kept) == kept - 1


def test_a_corpus_that_has_changed_is_scored_again(films: va.Corpus, passes: list[int]) -> None:
    models = read_models("car", films)
    before = score_columns(films, models)["car"]
    changed = films.add_view("look", np.ones((300, 3)))
    after = score_columns(changed, models)["car"]
    assert not np.array_equal(after, before)
    more = changed.with_columns(films.clips[["video"]].rename(columns={"video": "film"}))
    np.testing.assert_array_equal(score_columns(more, models)["car"], after)
    assert score_columns(films, models)["car"] is before


def test_models_are_given_by_name_or_folder_or_as_they_are(films: va.Corpus) -> None:
    rain = read_models("rain", films)["rain"]
    assert list(read_models(["Night city", rain.folder, "rain", rain], films)) == ["night_city", "rain"]
    assert list(read_models((one for one in [rain]), films)) == ["rain"]  # type: ignore[arg-type]
    rain.withdraw("old")
    assert "rain" not in read_models(None, films)
    for call in (films.tag, films.query):
        with pytest.raises(va.VaError, match=r"^All versions of the model 'rain' are withdrawn: restore one"):
            call("rain")
    other = synthetic.model(films, "rain", 9)
    for given, told in {
        "nigth city": r"No model 'nigth city' is published from this corpus; did you mean 'night_city'\?",
        "xyz": r"No model 'xyz' is published from this corpus; there are 'car', 'night_city', 'rain'\.",
        7: r"A model is a va.Model, its name or the folder it was published to, not 7\.",
    }.items():
        with pytest.raises(va.ModelError, match=f"^{told}$"):
            read_models([given], films)  # type: ignore[list-item]
    with pytest.raises(va.ModelError, match="Two of the models are called 'rain'"):
        read_models([rain, other], films)


@pytest.mark.parametrize("given", [7, b"rain", {"rain": 1}, object()])
def test_what_is_no_list_of_models_is_refused(films: va.Corpus, given: Any) -> None:
    calls = (films.tag, lambda models: films.query("rain", models=models), lambda models: va.Explorer(films, models))
    for call in calls:
        with pytest.raises(va.ModelError, match=r"^models must be a va\.Model, its name or the folder"):
            call(given)


def test_a_model_is_read_once(films: va.Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(folder: Path) -> va.Model:
        read.append(folder.parent.name)
        return va.load_model(folder)

    monkeypatch.setattr(published, "load_model", counted)
    for call in (films.tag, lambda: va.score(films, None, tmp_path / "scores", progress=False)):
        read.clear()
        call()
        assert sorted(read) == ["car", "night_city", "rain"]


def test_a_model_that_does_not_fit_is_refused(films: va.Corpus, tmp_path: Path) -> None:
    other = synthetic.corpus(tmp_path / "other", 10, encoder="others", views={"look": 3})
    with pytest.raises(va.EncoderMismatchError, match="was trained on embeddings of words"):
        score_columns(other, read_models("rain", films))
    same = synthetic.corpus(tmp_path / "same", 10, views={"look": 4, "sound": 2})
    with pytest.raises(va.ModelError, match=r"scores the view 'look' \(n, 3\), not \(10, 4\)"):
        score_columns(same, read_models("car", films))


def test_a_corpus_is_tagged_with_scores(films: va.Corpus) -> None:
    tagged = films.tag(["night_city", "rain"])
    np.testing.assert_allclose(tagged.clips["rain"], read_models("rain", films)["rain"].score_corpus(films), atol=1e-6)
    assert "night_city" in va.Corpus.open(films.path).clips
    assert "car" in tagged.tag().clips
    bare = synthetic.corpus(films.path.parent / "bare", 10)
    with pytest.raises(va.ModelError, match="There is no model to tag clips by"):
        bare.tag()
