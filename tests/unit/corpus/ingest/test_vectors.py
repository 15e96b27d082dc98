"""Vectors of the user's: read alike from all files, and refused in one sentence."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

import va_widgets as va
from va_widgets.corpus.ingest import vectors as reading
from va_widgets.corpus.ingest.vectors import read_vectors, write_normalised
from va_widgets.corpus.user_tables.read import read_table

FLOATS = (np.float16, np.float32, np.float64)


def write_npy(file: Path, matrix: np.ndarray) -> Path:
    np.save(file.with_suffix(".npy"), matrix)
    return file.with_suffix(".npy")


def write_h5(file: Path, matrix: np.ndarray) -> Path:
    with h5py.File(file.with_suffix(".h5"), "w") as opened:
        opened.create_dataset("embeddings", data=matrix)
        opened.create_dataset("more/floats", data=np.zeros((2, 2)))
    return file.with_suffix(".h5")


def write_lists(file: Path, matrix: np.ndarray) -> Path:
    return write_column(file, pa.array(list(matrix)))


def write_fixed(file: Path, matrix: np.ndarray) -> Path:
    return write_column(file, pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1]))


def write_column(file: Path, lists: pa.Array, name: str = "embedding") -> Path:
    table = pa.table({"clip_id": [f"c{i}" for i in range(len(lists))], name: lists})
    pq.write_table(table, file.with_suffix(".parquet"), row_group_size=5)
    return file.with_suffix(".parquet")


def matrix_of(n: int, dim: int = 4, dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(n).normal(size=(n, dim)).astype(dtype)


def normalised(source: object, clip_ids: Sequence[str] | None = None) -> np.ndarray:
    vectors = read_vectors(source)  # type: ignore[arg-type]
    out = np.full(vectors.shape, -1, dtype=np.float16)
    write_normalised(vectors, out, clip_ids)
    return out


@given(
    matrix=nps.arrays(
        st.sampled_from(FLOATS),
        st.tuples(st.integers(1, 23), st.integers(1, 9)),
        elements=st.floats(-100, 100, width=16),
    ),
    write=st.sampled_from([write_npy, write_h5, write_lists, write_fixed, lambda _, matrix: matrix]),
    block=st.integers(1, 60),
)
@settings(max_examples=80)
def test_vectors_come_back_from_every_kind_of_file(
    matrix: np.ndarray, write: Callable[[Path, np.ndarray], Path], block: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(reading, "_BLOCK", block):
        vectors = read_vectors(write(Path(folder) / "vectors", matrix))
        assert vectors.shape == matrix.shape
        assert len(vectors) == len(matrix)
        assert vectors.dtype == matrix.dtype
        assert all(len(one) * matrix.shape[1] <= max(block, matrix.shape[1]) for one in vectors.blocks())
        np.testing.assert_array_equal(np.asarray(vectors), matrix)
        del vectors  # a file that is mapped cannot be removed on Windows


@given(
    matrix=nps.arrays(
        st.sampled_from(FLOATS),
        st.tuples(st.integers(1, 12), st.integers(1, 9)),
        elements=st.floats(allow_nan=False, allow_infinity=False, width=16),
    ),
    scale=st.sampled_from([1.0, 1e-35, 1e33]),
    block=st.integers(1, 60),
)
def test_normalised_vectors_have_length_one(matrix: np.ndarray, scale: float, block: int) -> None:
    matrix[~matrix.any(axis=1), 0] = 1
    scaled = matrix if matrix.dtype == np.float16 else (matrix * scale).astype(matrix.dtype)
    with mock.patch.object(reading, "_BLOCK", block):
        found = normalised(scaled).astype(np.float64)
    exact = scaled.astype(np.float64)
    exact = exact / np.abs(exact).max(axis=1, keepdims=True)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    np.testing.assert_allclose(found, exact, atol=1e-3)


def test_normalised_vectors_go_into_a_file(tmp_path: Path) -> None:
    matrix = matrix_of(40)
    out = np.lib.format.open_memmap(tmp_path / "out.npy", mode="w+", dtype=np.float16, shape=matrix.shape)
    write_normalised(read_vectors(matrix), out)
    out.flush()
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), normalised(matrix))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.nan, "holds values that are not finite"),
        (np.inf, "holds values that are not finite"),
        (-np.inf, "holds values that are not finite"),
        (0, "is all zeros"),
    ],
)
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_first_vector_without_a_direction_is_named(value: float, said: str, dtype: type) -> None:
    matrix = matrix_of(12, dtype=dtype)
    matrix[7, :] = value
    matrix[9, 2] = np.nan
    with mock.patch.object(reading, "_BLOCK", 12):
        with pytest.raises(va.CorpusError, match=f"in row 7 {said}"):
            normalised(matrix)
        with pytest.raises(va.CorpusError, match=f"in row 7 of clip 'c7' {said}"):
            normalised(matrix, [f"c{i}" for i in range(12)])


def test_an_array_is_read_in_any_order_of_bytes(tmp_path: Path) -> None:
    matrix = matrix_of(5)
    np.testing.assert_array_equal(normalised(write_npy(tmp_path / "v", matrix.astype(">f4"))), normalised(matrix))
    np.testing.assert_array_equal(normalised(np.asfortranarray(matrix)), normalised(matrix))
    np.testing.assert_array_equal(normalised(matrix.tolist()), normalised(matrix.astype(np.float64)))


def test_vectors_are_taken_as_they_are() -> None:
    vectors = read_vectors(matrix_of(3))
    assert read_vectors(vectors) is vectors
    with pytest.raises(ValueError, match="without a copy"):
        vectors.__array__(copy=False)  # as NumPy 2 asks for it


def test_the_only_matrix_of_floats_is_found(tmp_path: Path) -> None:
    matrix = matrix_of(6)
    with h5py.File(tmp_path / "v.hdf5", "w") as opened:
        opened["group/features"] = matrix
        opened["ids"] = np.arange(12).reshape(6, 2)
        opened["scores"] = np.zeros(6)
    np.testing.assert_array_equal(np.asarray(read_vectors(tmp_path / "v.hdf5")), matrix)
    with h5py.File(tmp_path / "v.hdf5", "a") as opened:
        opened["other"] = matrix
    with pytest.raises(
        va.CorpusError, match=r"dataset 'embeddings', or only one .* holds 'group/features', 'ids', 'other'"
    ):
        read_vectors(tmp_path / "v.hdf5")


def test_the_column_of_vectors_is_found(tmp_path: Path) -> None:
    lists = pa.array(list(matrix_of(6)))
    assert read_vectors(write_column(tmp_path / "a", lists, "features")).shape == (6, 4)
    pq.write_table(pa.table({"tags": lists, "vector": lists}), tmp_path / "b.parquet")
    assert "'vector'" in read_vectors(tmp_path / "b.parquet").name
    pq.write_table(pa.table({"tags": lists, "more": lists}), tmp_path / "c.parquet")
    with pytest.raises(va.CorpusError, match="has the columns 'tags', 'more'"):
        read_vectors(tmp_path / "c.parquet")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[1.0, 2.0]] * 6 + [[1.0]], "1 values and not 2 in row 6"),
        ([[1.0, 2.0]] * 6 + [None], "no vector in row 6"),
        ([None, [1.0]], "no vector in row 0"),
        ([[1.0, 2.0]] * 6 + [[1.0, None]], "in row 6 holds values that are not finite"),
        ([[], []], "holds no vectors"),
    ],
)
def test_lists_that_do_not_fit_are_named(tmp_path: Path, rows: list[list[float] | None], said: str) -> None:
    with pytest.raises(va.CorpusError, match=said):
        normalised(write_column(tmp_path / "v", pa.array(rows, pa.list_(pa.float32()))))
    if all(row is None or len(row) == 2 for row in rows):
        fixed = pa.array(rows, pa.list_(pa.float32(), 2))
        old = rows[0] is not None and rows[6] is None and int(pa.__version__.split(".")[0]) < 26
        with pytest.raises(va.CorpusError, match="no vector in one of its rows" if old else said):
            normalised(write_column(tmp_path / "v", fixed))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (np.ones((3, 2), dtype=np.int64), "holds int64, not float16"),
        (np.ones((3, 2), dtype=bool), "holds bool, not float16"),
        (np.ones((3, 2), dtype=np.complex64), "holds complex64"),
        (np.array([[1.0, None]]), "holds objects"),
        (np.ones(3), r"has the shape \(3,\)"),
        (np.ones((3, 2, 2)), r"has the shape \(3, 2, 2\)"),
        (1.5, r"has the shape \(\)"),
        (np.ones((0, 2)), "at least one clip"),
        (np.ones((2, 0)), "holds no vectors"),
        ([[1.0, 2.0], [3.0]], "are no matrix"),
        (None, "holds objects"),
    ],
)
def test_what_is_no_matrix_of_floats_is_refused(tmp_path: Path, source: object, said: str) -> None:
    with pytest.raises(va.CorpusError, match=said):
        read_vectors(source)  # type: ignore[arg-type]
    if isinstance(source, np.ndarray) and source.dtype.kind != "O":
        for write in (write_npy, write_h5):
            with pytest.raises(va.CorpusError, match=said):
                read_vectors(write(tmp_path / "v", source))


@pytest.mark.parametrize("suffix", [".npy", ".h5", ".parquet"])
@pytest.mark.parametrize("keep", [0, 30, 0.5])
def test_a_damaged_file_is_refused(tmp_path: Path, suffix: str, keep: float) -> None:
    write = {".npy": write_npy, ".h5": write_h5, ".parquet": write_lists}[suffix]
    file = write(tmp_path / "v", matrix_of(2000))
    whole = file.read_bytes()
    file.write_bytes(whole[: int(keep * len(whole)) if keep < 1 else int(keep)])
    with pytest.raises(va.CorpusError, match=rf"v\{suffix}.*(cannot be read|is no \.npy)") as raised:
        normalised(file)
    assert "\n" not in str(raised.value)


def test_bytes_that_were_changed_within_a_file_are_noticed(tmp_path: Path) -> None:
    file = tmp_path / "v.h5"
    with h5py.File(file, "w") as opened:
        opened.create_dataset("embeddings", data=matrix_of(4000), compression="gzip", chunks=(1000, 4))
    spoilt = bytearray(file.read_bytes())
    spoilt[len(spoilt) // 2 : len(spoilt) // 2 + 2000] = bytes(2000)
    file.write_bytes(spoilt)
    with pytest.raises(va.CorpusError, match="cannot be read"):
        normalised(file)


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(va.CorpusError, match="cannot be read as an array"):
        read_vectors(tmp_path / "v.npy")
    np.savez(tmp_path / "z.npz", a=matrix_of(2))
    with pytest.raises(va.CorpusError, match=r"is no \.npy file"):
        read_vectors((tmp_path / "z.npz").rename(tmp_path / "z.npy"))


@pytest.mark.parametrize("name", ["v.npz", "v.pkl", "v.csv", "v"])
def test_another_kind_of_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(va.CorpusError, match=r"from \.npy, \.h5, \.hdf5 or \.parquet, not from"):
        read_vectors(str(tmp_path / name))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for read, name in ((read_vectors, "v.npy"), (read_table, "t.csv")):
        with pytest.raises(va.CorpusError, match=f"There is no file .*{name}: check the path"):
            read(tmp_path / name)
