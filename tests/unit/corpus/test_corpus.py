"""Search, similarity, own vectors, columns of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import va_widgets as va
from va_widgets.corpus.neighbours import nearest_neighbours
from va_widgets.corpus.search import exact


def vectors(n: int, dim: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


def table(n: int) -> pd.DataFrame:
    return pd.DataFrame({"clip_id": [f"c{i}" for i in range(n)], "video": [f"v{i // 3}" for i in range(n)]})


@given(n=st.integers(1, 60), k=st.integers(0, 80), seed=st.integers(0, 99), chunk=st.integers(1, 40))
@settings(max_examples=60)
def test_nearest_is_what_sorting_all_would_give(n: int, k: int, seed: int, chunk: int) -> None:
    matrix = vectors(n, seed=seed).astype(np.float16)
    query = vectors(1, seed=seed + 1)[0]
    with mock.patch.object(exact, "_CHUNK", chunk):
        rows, scores = exact.nearest(matrix, query, k)
    every = matrix.astype(np.float32) @ query
    order = np.argsort(-every, kind="stable")[:k]
    np.testing.assert_allclose(every[rows], every[order], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(scores, every[rows], rtol=1e-4, atol=1e-4)


def test_text_search_finds_what_was_filmed(demo_corpus: va.Corpus) -> None:
    truth = va.demo.truth_of(demo_corpus, "night")
    found = demo_corpus.search("at night", 10)
    assert list(found.columns) == ["clip_id", "score"]
    assert found["score"].is_monotonic_decreasing
    assert truth[found["clip_id"]].mean() >= 0.9


def test_similar_leaves_the_clip_itself_out(demo_corpus: va.Corpus) -> None:
    clip = demo_corpus.clips.index[5]
    found = demo_corpus.similar(clip, 8)
    assert len(found) == 8
    assert clip not in set(found["clip_id"])
    with pytest.raises(va.UnknownClipError, match="'nothing'"):
        demo_corpus.similar("nothing")


def test_an_empty_search_is_refused(demo_corpus: va.Corpus) -> None:
    with pytest.raises(va.SearchUnavailableError, match="nothing to search for"):
        demo_corpus.search("  ")


def test_own_vectors_become_a_corpus(tmp_path: Path) -> None:
    matrix = vectors(30)
    corpus = va.Corpus.from_embeddings(
        tmp_path / "c", matrix, table(30).assign(mood="calm"), text_embeddings={"the first": matrix[0]}
    )
    opened = va.Corpus.open(tmp_path / "c")
    assert opened.clips.equals(corpus.clips)
    assert opened.clips["mood"].eq("calm").all()
    assert opened.search("the first", 1)["clip_id"].tolist() == ["c0"]
    with pytest.raises(va.SearchUnavailableError, match="'the first'"):
        opened.search("something else")
    with pytest.raises(va.CorpusError, match="made of embeddings"):
        opened.filmstrip("c0")
    with pytest.raises(va.PreviewUnavailableError, match="made of embeddings"):
        opened.preview("c0")


@pytest.mark.parametrize(
    ("matrix", "clips", "said"),
    [
        (vectors(3), table(4), "One vector a clip"),
        (vectors(0), table(0), "at least one clip"),
        (np.full((2, 4), np.nan), table(2), "'c0' holds values that are not finite"),
        (vectors(2), pd.DataFrame({"clip_id": ["a", "a"]}), "'a' comes twice"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(
    tmp_path: Path, matrix: np.ndarray, clips: pd.DataFrame, said: str
) -> None:
    with pytest.raises(va.CorpusError, match=said):
        va.Corpus.from_embeddings(tmp_path / "c", matrix, clips)
    assert not (tmp_path / "c").exists()


def test_columns_of_one_s_own_are_kept(tmp_path: Path) -> None:
    corpus = va.Corpus.from_embeddings(tmp_path / "c", vectors(4), table(4))
    more = pd.DataFrame({"season": ["spring", "summer"]}, index=["c1", "c3"])
    changed = corpus.with_columns(more)
    assert va.Corpus.open(tmp_path / "c").clips["season"].fillna("").tolist() == ["", "spring", "", "summer"]
    assert changed.clips.index.equals(corpus.clips.index)
    with pytest.raises(va.CorpusError, match="'start' is the corpus's own"):
        corpus.with_columns(pd.DataFrame({"start": [1.0]}, index=["c1"]))


def test_the_nearest_clips_are_stored_and_kept(tmp_path: Path) -> None:
    made = va.Corpus.from_embeddings(tmp_path / "c", vectors(30), table(30))
    assert made.neighbours is not None
    np.testing.assert_array_equal(made.neighbours, nearest_neighbours(made.embeddings))
    widened = made.with_columns(pd.DataFrame({"mine": range(30)}, index=made.clips.index))
    for corpus in (widened, va.Corpus.open(tmp_path / "c")):
        np.testing.assert_array_equal(corpus.neighbours, made.neighbours)


def test_neighbours_that_are_no_clips_are_found_out(tmp_path: Path) -> None:
    made = va.Corpus.from_embeddings(tmp_path / "c", vectors(30), table(30))
    (file,) = (tmp_path / "c").glob("neighbours-*.npy")
    assert made.neighbours is not None
    changed = np.array(made.neighbours)
    changed[2, 3] = 30
    np.save(file, changed)
    manifest = json.loads((tmp_path / "c" / "manifest.json").read_text())
    del manifest["files"][file.name]  # as if it were too large to be compared with its digest on opening
    (tmp_path / "c" / "manifest.json").write_text(json.dumps(manifest))
    opened = va.Corpus.open(tmp_path / "c")
    with pytest.raises(va.CorpusError, match=r"neighbours .* are damaged"):
        va.Session(opened, "anything")
    np.save(file, changed[:, 1:])
    with pytest.raises(va.CorpusError, match=r"neighbours .* have the shape \(10, 29\)"):
        va.Corpus.open(tmp_path / "c")


def test_a_second_corpus_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    va.Corpus.from_embeddings(tmp_path / "c", vectors(4), table(4))
    with pytest.raises(va.CorpusError, match="already holds a corpus"):
        va.Corpus.from_embeddings(tmp_path / "c", vectors(4), table(4))


def test_a_corpus_that_lost_a_file_says_which(tmp_path: Path) -> None:
    corpus = va.Corpus.from_embeddings(tmp_path / "c", vectors(4), table(4))
    next(corpus.path.glob("embeddings-*.npy")).unlink()
    with pytest.raises(va.CorpusError, match=r"lacks its file 'embeddings-\d+\.npy'"):
        va.Corpus.open(corpus.path)


def test_a_corpus_says_what_it_holds(demo_corpus: va.Corpus) -> None:
    said = str(demo_corpus)
    assert f"{len(demo_corpus)} of" in said
    assert "va-tiny" in said or "tiny@" in said
    assert "\n" not in repr(demo_corpus)
    page = demo_corpus._repr_html_()
    assert page.count("<img") == 8
    assert len(page) < 120_000


def test_a_clip_is_shown_and_played_in_a_cell(demo_corpus: va.Corpus) -> None:
    clip = demo_corpus.clips.index[3]
    assert demo_corpus.thumbnail(clip).image.width == demo_corpus.filmstrip(clip).width * demo_corpus.frames_per_shot
    assert "<video" in demo_corpus.play(clip)._repr_html_()


def test_a_corpus_of_vectors_has_nothing_to_show_and_says_so(tmp_path: Path) -> None:
    corpus = va.Corpus.from_embeddings(tmp_path / "c", vectors(4), table(4))
    assert "<img" not in corpus._repr_html_()
    assert "made of embeddings" in corpus.play("c1")._repr_html_()


def test_alike_clips_lie_close_on_the_map(demo_corpus: va.Corpus) -> None:
    places = demo_corpus.map()
    assert places.index.equals(demo_corpus.clips.index)
    assert list(places.columns) == ["x", "y"]
    night = va.demo.truth_of(demo_corpus, "night").to_numpy()
    xy = places.to_numpy()
    nearest = np.argsort(((xy[:, None] - xy[None]) ** 2).sum(axis=-1), axis=1)[:, 1:6]
    assert night[nearest][night].mean() > 1.5 * night.mean()


def test_search_goes_by_an_index_if_it_is_asked_to(tmp_path: Path) -> None:
    pytest.importorskip("faiss", reason="the extra `index` is not installed")
    matrix = np.repeat(vectors(100, 32), 30, axis=0) + vectors(3000, 32, seed=1) / 3  # clips come in kinds
    exact = va.Corpus.from_embeddings(tmp_path / "c", matrix, table(3000), text_embeddings={"a thing": matrix[7]})
    indexed = va.Corpus.open(tmp_path / "c", search="index")
    found, true = indexed.search("a thing", 20), exact.search("a thing", 20)
    assert len(set(found["clip_id"]) & set(true["clip_id"])) >= 16
    assert found["clip_id"][0] == "c7"
    before = sorted(file.name for file in (tmp_path / "c").glob("*.index"))
    assert len(before) == 1
    assert va.Corpus.open(tmp_path / "c", search="index").similar("c3", 5)["clip_id"].size == 5  # read, not made again
    with pytest.raises(va.CorpusError, match="exact or index"):
        va.Corpus.open(tmp_path / "c", search="fast")  # type: ignore[arg-type]
