"""Products of a large matrix by a copy with one byte a value."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from va_widgets.base import int8_matrix
from va_widgets.base.int8_matrix import Int8Matrix, int8_copy

N, DIM = 3000, 48


@pytest.fixture
def matrix() -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    """Unit rows in a narrow cone, with one dimension that is much larger than the others."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((N, DIM)) + 0.5 * rng.standard_normal(DIM)
    rows[:, 3] += 20
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


@pytest.fixture
def small_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matrices of any size get a copy on any processor."""
    monkeypatch.setattr(int8_matrix, "LARGE", 0)
    monkeypatch.setattr(int8_matrix, "_multiplies_bytes", lambda: True)


def test_products_are_off_by_little_of_their_spread(matrix: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    if not int8_matrix._multiplies_bytes():
        pytest.skip("this processor does not multiply bytes exactly")
    vector = np.random.default_rng(1).standard_normal(DIM) * 30
    exact = matrix.astype(np.float64) @ vector
    products = Int8Matrix.of(matrix).products(vector)
    assert products.dtype == np.float32
    assert np.abs(products - exact).std() < 0.02 * exact.std()
    assert np.abs(products - exact).max() < 0.1 * exact.std()
    monkeypatch.setattr(int8_matrix, "_BLOCK", 700)
    np.testing.assert_array_equal(Int8Matrix.of(matrix).products(vector), products)


def test_processors_that_do_not_multiply_bytes_take_a_vector_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    if not int8_matrix._multiplies_bfloat16():
        pytest.skip("torch has no fast product of bytes with bfloat16 for this processor")
    rng = np.random.default_rng(2)
    matrix, vector = rng.standard_normal((3001, 128)).astype(np.float16), rng.standard_normal(128)
    exact = matrix.astype(np.float64) @ vector
    monkeypatch.setattr(int8_matrix, "LARGE", 0)
    monkeypatch.setattr(int8_matrix, "_multiplies_bytes", lambda: False)
    copy = int8_copy(matrix)
    assert copy is not None
    products = copy.products(vector)
    assert products.dtype == np.float32
    assert np.abs(products - exact).std() < 0.02 * exact.std()
    assert len(np.unique(products)) > 2900  # next to no ties, which would be ranked by row
    monkeypatch.setattr(int8_matrix, "_BLOCK", 700)
    np.testing.assert_array_equal(copy.products(vector), products)
    # A number of columns that the product does not take.
    assert int8_copy(matrix[:, :100].copy()) is None
    assert int8_copy(np.ones((3001, 2), dtype=np.float32), beside=matrix) is None


def test_columns_of_all_sizes_are_measured_by_units_of_their_own() -> None:
    rng = np.random.default_rng(0)
    sizes = np.logspace(-3, 2, DIM)
    uneven = (rng.standard_normal((N, DIM)) * sizes + sizes).astype(np.float32)
    uneven[:, 5] = 7.0  # tells nothing
    vector = rng.standard_normal(DIM) / sizes
    vector[5] = 0.1
    exact = uneven.astype(np.float64) @ vector
    errors = [np.abs(Int8Matrix.of(uneven, units).products(vector) - exact).std() for units in (True, False)]
    assert errors[0] < 0.02 * exact.std() < errors[1]


def test_rows_and_vectors_of_zeros() -> None:
    zeros = np.zeros((40, DIM), dtype=np.float16)
    assert (Int8Matrix.of(zeros).products(np.ones(DIM)) == 0).all()
    assert (Int8Matrix.of(zeros + np.float16(0.5)).products(np.zeros(DIM)) == 0).all()


@pytest.mark.usefixtures("small_copies")
def test_a_copy_is_kept_as_long_as_its_matrix(matrix: np.ndarray) -> None:
    before = len(int8_matrix._copies)
    own = matrix.copy()
    assert int8_copy(own) is int8_copy(own) is not None
    assert int8_copy(matrix) is not int8_copy(own)
    assert len(int8_matrix._copies) == before + 2
    del own
    gc.collect()
    assert len(int8_matrix._copies) == before + 1


@pytest.mark.usefixtures("small_copies")
def test_a_view_has_a_copy_where_the_embeddings_have_one(matrix: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    view = np.arange(2.0 * N, dtype=np.float32).reshape(N, 2)
    assert int8_copy(view) is None
    assert int8_copy(view, beside=matrix) is int8_copy(view, beside=matrix) is not None
    monkeypatch.setattr(int8_matrix, "LARGE", matrix.size + 1)
    assert int8_copy(view, beside=matrix) is None


@pytest.mark.usefixtures("small_copies")
def test_which_matrices_have_no_copy(matrix: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    assert int8_copy(matrix.astype(np.float32)) is None
    assert int8_copy(matrix[:, ::2]) is None
    monkeypatch.setattr(int8_matrix, "_memory", lambda: 4 * matrix.size - 4)
    assert int8_copy(matrix) is None
    monkeypatch.setattr(int8_matrix, "_memory", lambda: 4 * matrix.size)
    assert int8_copy(matrix) is not None
    monkeypatch.setattr(int8_matrix, "_multiplies_bytes", lambda: False)
    monkeypatch.setattr(int8_matrix, "_multiplies_bfloat16", lambda: False)
    assert int8_copy(matrix) is None
    monkeypatch.undo()
    assert int8_copy(matrix) is None  # too small
    assert (int8_matrix._memory() or 1 << 30) > 1 << 20
