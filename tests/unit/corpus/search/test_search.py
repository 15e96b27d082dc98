"""Search: what sorting all scores gives, for every shape and kind of matrix; and the index over large ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import va_widgets as va
from va_widgets.base import matrix as matrix_pass
from va_widgets.corpus.search import exact, index


def unit(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.maximum(np.linalg.norm(matrix, axis=-1, keepdims=True), 1e-12)
    return np.divide(matrix, lengths, dtype=np.float32)


def expected(matrix: np.ndarray, query: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Every row scored in float32 alone, then a stable sort."""
    scores = np.array([exact.float32_scores(row[None], query)[0] for row in matrix], dtype=np.float32)
    np.testing.assert_allclose(scores, matrix.astype(np.float64) @ query, atol=1e-4 * np.abs(scores).max() + 1e-4)
    rows = np.argsort(-scores, kind="stable")[:k]
    return rows, scores[rows]


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """A matrix with rows that repeat and rows that nearly do, a query and a k."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n, dim = draw(st.integers(1, 120)), draw(st.sampled_from([1, 2, 3, 7, 16, 33, 257, 512, 4096]))
    kinds = draw(st.integers(1, n))
    rows = rng.normal(size=(kinds, dim)) + draw(st.sampled_from([0.0, 1.0, 5.0]))
    matrix = rows[rng.integers(0, kinds, n)] + draw(st.sampled_from([0.0, 1e-4])) * rng.normal(size=(n, dim))
    if draw(st.booleans()):
        matrix[rng.integers(0, n)] = 0
    query = rng.normal(size=dim) * draw(st.sampled_from([1e-3, 1.0, 30.0]))
    dtype = draw(st.sampled_from([np.float16, np.float32]))
    return unit(matrix.astype(np.float32)).astype(dtype), query.astype(np.float32), draw(st.integers(0, n + 5))


@pytest.mark.parametrize("large", [0, 1 << 24])
@given(case=cases(), chunk=st.integers(1, 40))
def test_nearest_is_what_sorting_all_gives(large: int, case: tuple[np.ndarray, np.ndarray, int], chunk: int) -> None:
    matrix, query, k = case
    with mock.patch.object(matrix_pass, "LARGE", large), mock.patch.object(exact, "_CHUNK", chunk):
        rows, scores = exact.nearest(matrix, query, k)
    best, their = expected(matrix, query, k)
    np.testing.assert_array_equal(rows, best)
    np.testing.assert_array_equal(scores, their)
    assert rows.dtype.name == "int64"
    assert scores.dtype.name == "float32"


@pytest.mark.parametrize("large", [0, 1 << 24])
@given(case=cases(), seed=st.integers(0, 100), share=st.sampled_from([0.0, 0.1, 0.6, 1.0]))
def test_the_nearest_among_some_rows_are_those_of_the_rows_alone(
    large: int, case: tuple[np.ndarray, np.ndarray, int], seed: int, share: float
) -> None:
    matrix, query, k = case
    among = np.random.default_rng(seed).random(len(matrix)) < share
    with mock.patch.object(matrix_pass, "LARGE", large):
        rows, scores = exact.nearest(matrix, query, k, among)
    best, their = expected(matrix, query, len(matrix))
    kept = among[best]
    np.testing.assert_array_equal(rows, best[kept][:k])
    np.testing.assert_array_equal(scores, their[kept][:k])


@pytest.mark.parametrize("length", [1e-3, 1.9, 40.0, 1e5])
def test_rows_of_any_length_are_found(length: float) -> None:
    rng = np.random.default_rng(3)
    matrix = (unit(rng.normal(size=(400, 64)).astype(np.float32)) * length).astype(np.float16)
    query = rng.normal(size=64).astype(np.float32)
    with mock.patch.object(matrix_pass, "LARGE", 0):
        rows, scores = exact.nearest(matrix, query, 9)
    best, their = expected(matrix.astype(np.float32), query, 9)
    np.testing.assert_array_equal(rows, best)
    np.testing.assert_array_equal(scores, their)


def test_the_half_precision_way_is_taken_and_a_wrong_product_is_not_trusted() -> None:
    rng = np.random.default_rng(1)
    matrix = unit(rng.normal(size=(500, 32)).astype(np.float32)).astype(np.float16)
    query = rng.normal(size=32).astype(np.float32)
    best, _ = expected(matrix, query, 20)
    with mock.patch.object(matrix_pass, "LARGE", 0):
        with mock.patch.object(exact, "float32_scores", wraps=exact.float32_scores) as scored:
            exact.nearest(matrix, query, 20)
        (call,) = scored.call_args_list
        assert 20 <= len(call.args[2]) < 40  # few are scored again
        with mock.patch.object(exact, "half_products", return_value=np.zeros(500, dtype=np.float16)):
            rows, _ = exact.nearest(matrix, query, 20)
    np.testing.assert_array_equal(rows, best)


@pytest.mark.parametrize("query", [np.zeros(24), np.full(24, 1e-30)])
def test_a_query_that_tells_nothing_gives_the_first_rows(query: np.ndarray) -> None:
    matrix = np.ones((50, 24), dtype=np.float16)
    with mock.patch.object(matrix_pass, "LARGE", 0):
        rows, _ = exact.nearest(matrix, query, 3)
    assert rows.tolist() == [0, 1, 2]


def test_a_read_only_map_and_views_of_it_give_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    kept = unit(rng.normal(size=(300, 40)).astype(np.float32)).astype(np.float16)
    np.save(tmp_path / "m.npy", kept)
    mapped = np.load(tmp_path / "m.npy", mmap_mode="r")
    query = rng.normal(size=20).astype(np.float32)
    with mock.patch.object(matrix_pass, "LARGE", 0):
        for view in (mapped[::3, :20], mapped[:, ::2], mapped[10:200, 20:], mapped.T[:20].T):
            rows, scores = exact.nearest(view, query, 7)
            best, their = expected(np.ascontiguousarray(view), query, 7)
            np.testing.assert_array_equal(rows, best)
            np.testing.assert_array_equal(scores, their)
        whole, _ = exact.nearest(mapped, np.ones(40, dtype=np.float32), 7)
    np.testing.assert_array_equal(whole, expected(kept, np.ones(40, dtype=np.float32), 7)[0])
    np.testing.assert_array_equal(mapped, kept)


def test_a_small_matrix_is_searched_without_loading_torch() -> None:
    script = (
        "import sys, numpy as np; from va_widgets.corpus.search.exact import nearest;"
        "nearest(np.ones((9, 4), dtype=np.float16), np.ones(4), 2); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


# --- the index -------------------------------------------------------------------------------------


def clip_like(n: int, dim: int = 32, seed: int = 0) -> NDArray[np.float16]:
    """Clusters in a narrow cone, as clips of videos are."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(20, dim))
    rows = 3 + centres[rng.integers(0, 20, n)] + 0.3 * rng.normal(size=(n, dim))
    return unit(rows.astype(np.float32)).astype(np.float16)


@pytest.fixture(scope="module")
def matrix() -> NDArray[np.float16]:
    return clip_like(5000)


@pytest.fixture(scope="module")
def file(matrix: NDArray[np.float16], tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("faiss", reason='pip install "va-widgets[index]"')
    made = tmp_path_factory.mktemp("index") / "of-clips.faiss"
    index.build_index(matrix, made, progress=False)
    return made


def test_an_index_finds_what_is_near_with_its_exact_score(matrix: NDArray[np.float16], file: Path) -> None:
    opened = index.open_index(file, matrix)
    found = 0
    for query in clip_like(20, seed=5).astype(np.float32):
        rows, scores = opened.nearest(query, 50)
        np.testing.assert_array_equal(scores, exact.float32_scores(matrix, query, rows))
        assert (np.diff(scores) <= 0).all()
        found += len(np.intersect1d(rows, exact.nearest(matrix, query, 50)[0]))
    assert found >= 0.9 * 20 * 50  # of texts and clips at a real size, benchmarks/search.py tells
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("k", [0, 1, 1400, 1500, 9999])
def test_an_index_gives_as_many_rows_as_were_asked_for(k: int, tmp_path: Path) -> None:
    pytest.importorskip("faiss", reason='pip install "va-widgets[index]"')
    rows = clip_like(1500, dim=7)
    opened = index.build_index(rows, tmp_path / "i", progress=False)
    query = clip_like(1, dim=7, seed=9)[0]
    best, scores = opened.nearest(query, k)
    assert len(best) == len(scores) == min(1500, k)
    if k >= 1400:  # then every row is looked at
        np.testing.assert_array_equal(best, exact.nearest(rows, query, k)[0])


def test_an_index_of_few_clips_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("faiss", reason='pip install "va-widgets[index]"')
    with pytest.raises(va.CorpusError, match="needs 1,024 clips, but these are 30"):
        index.build_index(clip_like(30), tmp_path / "i", progress=False)


@pytest.mark.parametrize("other", [clip_like(4999), clip_like(5000, seed=1), clip_like(5000, dim=16)])
def test_an_index_of_another_matrix_is_refused(file: Path, other: NDArray[np.float16]) -> None:
    with pytest.raises(va.CorpusError, match=r"5000 clips of 32 dimensions that are not this corpus's"):
        index.open_index(file, other)


@pytest.mark.parametrize("harm", ["cut", "empty", "text", "hole", "longer"])
def test_a_damaged_index_is_refused(file: Path, matrix: NDArray[np.float16], tmp_path: Path, harm: str) -> None:
    data = file.read_bytes()
    broken = {
        "cut": data[: len(data) // 2],
        "empty": b"",
        "text": b"not an index" * 100,
        "hole": data[:9000] + bytes(50) + data[9050:],
        "longer": data + b"\0",
    }[harm]
    (tmp_path / "i").write_bytes(broken)
    with pytest.raises(va.CorpusError, match="is damaged: build it again"):
        index.open_index(tmp_path / "i", matrix)
    with pytest.raises(va.CorpusError, match="There is no index"):
        index.open_index(tmp_path / "nothing", matrix)


def test_an_interrupted_build_leaves_the_former_index(
    file: Path, matrix: NDArray[np.float16], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()
    monkeypatch.setattr(index, "_check", mock.Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        index.build_index(matrix[:2000], file, progress=False)
    assert file.read_bytes() == before
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_without_faiss_it_is_said_what_to_install(
    matrix: NDArray[np.float16], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(va.SearchUnavailableError, match=r'pip install "va-widgets\[index\]"'):
        index.build_index(matrix, tmp_path / "i")
