"""Pools: how they are made, their halves, and changes of their geometry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

import va_widgets as va
from tests.unit.experiments.synthetic_pool import CONCEPTS, make_pool
from va_widgets.experiments import ExperimentError, Pool, bent, from_corpus, half, open_pool, with_pairs
from va_widgets.experiments.pools import TEXT_QUALITIES


def write(folder: Path, pool: Pool) -> None:
    folder.mkdir()
    np.save(folder / "embeddings.npy", pool.embeddings)
    pool.truth.astype(int).to_csv(folder / "labels.csv", index_label="row")
    texts: dict[str, Any] = {
        f"{name}/{quality}": vector for name, vector in pool.texts.items() for quality in ("fair", "poor")
    }
    np.savez(folder / "text.npz", **texts)


def zero_shot(pool: Pool, concept: str) -> float:
    scores = np.asarray(pool.embeddings, dtype=np.float32) @ pool.texts[concept]
    return float(average_precision_score(pool.truth[concept], scores))


def test_a_folder_becomes_a_pool(tmp_path: Path) -> None:
    made = make_pool()
    write(tmp_path / "small", made)
    pool = open_pool(tmp_path / "small")
    assert pool.name == "small/fair"
    assert pool.concepts == list(CONCEPTS)
    np.testing.assert_array_equal(pool.embeddings, made.embeddings)
    pd.testing.assert_frame_equal(pool.truth, made.truth)
    np.testing.assert_array_equal(pool.texts["cat"], made.texts["cat"])


def test_halves_depend_on_the_seed_alone(tmp_path: Path) -> None:
    write(tmp_path / "small", make_pool())
    pool, again, other = (open_pool(tmp_path / "small", seed=seed) for seed in (0, 0, 1))
    assert len(pool.train) == len(pool.test) == 120
    np.testing.assert_array_equal(np.sort(np.concatenate([pool.train, pool.test])), np.arange(240))
    np.testing.assert_array_equal(pool.train, again.train)
    assert not np.array_equal(pool.train, other.train)


def test_a_pool_without_texts(tmp_path: Path) -> None:
    write(tmp_path / "small", make_pool())
    (tmp_path / "small" / "text.npz").unlink()
    assert not open_pool(tmp_path / "small").texts


def test_invalid_folders_raise_clear_errors(tmp_path: Path) -> None:
    write(tmp_path / "small", make_pool())
    with pytest.raises(ExperimentError, match="no texts of the quality 'good': choose one of"):
        open_pool(tmp_path / "small", "good")
    with pytest.raises(ExperimentError, match="cannot be read as a pool"):
        open_pool(tmp_path / "nothing")
    (tmp_path / "small" / "embeddings.npy").write_bytes(b"no array")
    with pytest.raises(ExperimentError, match="cannot be read as a pool"):
        open_pool(tmp_path / "small")


def test_numbers_of_rows_must_match() -> None:
    with pytest.raises(ExperimentError, match="240 embeddings but 239 rows of truth"):
        replace(make_pool(), truth=make_pool().truth.iloc[1:])


def test_a_corpus_with_its_truth_becomes_a_pool(tmp_path: Path) -> None:
    made = make_pool()
    clips = pd.DataFrame(
        {
            "video": [f"film-{i // 4}" for i in range(len(made))],
            "start": [float(i % 4) for i in range(len(made))],
            "end": [float(i % 4 + 1) for i in range(len(made))],
            **{f"truth:{name}": made.truth[name] for name in CONCEPTS},
            "truth:never": False,
        }
    )
    texts = {"truck": made.texts["truck"], "a cat": made.texts["cat"]}
    corpus = va.Corpus.from_embeddings(tmp_path / "corpus", made.embeddings, clips, text_embeddings=texts)
    pool = from_corpus(corpus, queries={"cat": "a cat"})
    assert (pool.name, pool.concepts, sorted(pool.texts)) == ("corpus", list(CONCEPTS), ["cat", "truck"])
    assert pool.videos is not None
    assert not set(pool.videos[pool.train]) & set(pool.videos[pool.test])
    assert len(pool.train) + len(pool.test) == len(pool)
    with pytest.raises(ExperimentError, match="no columns fact:"):
        from_corpus(corpus, prefix="fact:")


def test_a_concept_s_half_depends_on_its_name() -> None:
    # These must never change: results must not be reported for concepts that learners were tuned on.
    halves = {name: half(name) for name in ("truck", "cat", "bird", "frog", "airplane")}
    assert [name for name, which in halves.items() if which == "reporting"] == ["frog", "airplane"]


def test_different_pools_have_different_digests() -> None:
    pool = make_pool()
    others = [make_pool(seed=1), make_pool(text=0.5), replace(pool, name="x"), replace(pool, train=pool.test)]
    assert pool.digest == make_pool().digest
    assert len({pool.digest, *(other.digest for other in others)}) == 5


@settings(max_examples=25)
@given(
    narrow=st.floats(0.4, 0.9), gap=st.floats(-0.1, 0.4), text=st.sampled_from(TEXT_QUALITIES), seed=st.integers(0, 9)
)
def test_a_bent_pool_has_the_given_geometry(narrow: float, gap: float, text: str, seed: int) -> None:
    pool = make_pool(400, 32)
    made = bent(pool, narrow=narrow, gap=gap, text=text, seed=seed)  # type: ignore[arg-type]
    X = np.asarray(made.embeddings, dtype=np.float64)
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1, atol=1e-5)
    cosines = X @ X.T
    assert cosines[np.triu_indices(len(X), 1)].mean() == pytest.approx(narrow, abs=0.05)
    for vector in made.texts.values():
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        assert (X @ vector).mean() == pytest.approx(gap, abs=0.05)
    pd.testing.assert_frame_equal(made.truth, pool.truth)
    np.testing.assert_array_equal(made.train, pool.train)
    assert made.digest == bent(pool, narrow=narrow, gap=gap, text=text, seed=seed).digest  # type: ignore[arg-type]


def test_text_qualities_are_in_order() -> None:
    pool = make_pool(2000)
    mean_aps = [np.mean([zero_shot(bent(pool, text=text), name) for name in CONCEPTS]) for text in TEXT_QUALITIES]
    assert mean_aps == sorted(mean_aps, reverse=True)
    assert mean_aps[0] > 2 * mean_aps[-1]


def test_bent_without_arguments_changes_nothing() -> None:
    pool = make_pool()
    made = bent(pool)
    np.testing.assert_array_equal(made.embeddings, np.asarray(pool.embeddings, dtype=np.float32))
    assert {name: made.texts[name].tolist() for name in CONCEPTS} == {n: pool.texts[n].tolist() for n in CONCEPTS}


def test_impossible_geometries_are_refused() -> None:
    pool = make_pool()
    for wrong in (0.0, 1.0, -0.2):
        with pytest.raises(ExperimentError, match="between 0 and 1"):
            bent(pool, narrow=wrong)
    with pytest.raises(ExperimentError, match="narrower cone"):
        bent(pool, narrow=0.25, gap=0.6)
    with pytest.raises(ExperimentError, match="excellent, fair"):
        bent(pool, text="good")  # type: ignore[arg-type]
    with pytest.raises(ExperimentError, match="no texts to set apart"):
        bent(replace(pool, texts={}), gap=0.2)
    assert bent(replace(pool, texts={}), text="fair").texts.keys() == set(CONCEPTS)


def test_pairs_of_concepts_are_added() -> None:
    pool = make_pool(1000)
    made = with_pairs(replace(pool, texts={"truck": 3 * pool.texts["truck"], "cat": pool.texts["cat"]}))
    assert made.concepts[:3] == list(CONCEPTS)
    assert set(made.concepts[3:]) == {"truck + cat", "truck + frog", "cat + frog"}
    np.testing.assert_array_equal(made.truth["truck + cat"], pool.truth["truck"] & pool.truth["cat"])
    total = sum(pool.texts[name] / np.linalg.norm(pool.texts[name]) for name in ("truck", "cat"))
    np.testing.assert_allclose(made.texts["truck + cat"], total / np.linalg.norm(total), rtol=1e-5)
    assert "truck + frog" not in made.texts
    assert len(with_pairs(pool, 1).concepts) == 4
    assert with_pairs(pool, most=0.0).concepts == list(CONCEPTS)


def test_the_pool_of_real_images_has_its_documented_figures(shared_data: Path) -> None:
    expected = {"excellent": (0.79, 0.47, 0.65, 0.55, 0.35), "misleading": (0.15, 0.15, 0.05, 0.07, 0.03)}
    for quality, figures in expected.items():
        pool = open_pool(shared_data / "pools" / "real_images", quality)
        assert (len(pool.train), len(pool.test)) == (8000, 8000)
        figures_now = [zero_shot(pool, name) for name in ("truck", "cat", "bird", "frog", "airplane")]
        np.testing.assert_allclose(figures_now, figures, atol=0.011)
