"""Vectors and tables that people bring along: read alike from all files, and refused in one sentence."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import h5py
import numpy as np
import pandas as pd
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
from va_widgets.corpus.user_tables.segments import checked_segments

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


# --- vectors -------------------------------------------------------------------------------------


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


# --- tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t", ", "])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_text_columns_of_a_csv_stay_as_written(tmp_path: Path, separator: str, encoding: str) -> None:
    rows = ["clip_id,video,start,title", "007,NA,1.5,Überfall", '1e5,nan,2,"one; two"', ",012,,NA"]
    text = "\n".join(row.replace(",", separator) for row in ["", *rows]) + "\n"
    (tmp_path / "t.csv").write_text(text, encoding=encoding)
    table = read_table(tmp_path / "t.csv", ["video", "start"])
    assert table["clip_id"].tolist() == ["007", "1e5", ""]
    assert table["video"].tolist() == ["NA", "nan", "012"]
    assert table["start"].tolist()[:2] == [1.5, 2.0]
    assert table["title"].tolist()[:2] == ["Überfall", "one; two"]
    assert table.iloc[2][["start", "title"]].isna().all()


def test_other_columns_may_be_kept_as_text(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("key\tvideo\n01\t02\n")
    table = read_table(str(tmp_path / "t.tsv"), text=["key"])
    assert table.to_dict("list") == {"key": ["01"], "video": [2]}


def test_a_table_comes_from_parquet_or_is_copied(tmp_path: Path) -> None:
    given_table = pd.DataFrame({"video": ["a"], "x": [1]}, index=pd.Index(["c0"], name="clip_id"))
    given_table.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", ["clip_id", "video"]).equals(given_table)
    copied = read_table(given_table, ["clip_id", "x"])
    copied["x"] = 2
    assert given_table["x"].tolist() == [1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n", "lacks the column 'video': it has 'a', 'b'"),
        (b"video,start\n", "holds no rows"),
        (b"", "cannot be read as a table"),
        (b"video,start\n1,2,3\n", "more fields than its header"),
        (b"video,start\n1,2\n1,2,3\n", "cannot be read as a table .*line 3"),
        (b'video,start\n"1,2\n', "cannot be read as a table"),
        ("video\nCafé\n".encode("latin-1"), "is not UTF-8"),
    ],
)
def test_a_csv_that_is_no_table_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(va.CorpusError, match=said) as raised:
        read_table(tmp_path / "t.csv", ["video"])
    assert "\n" not in str(raised.value)


def test_other_tables_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(va.CorpusError, match="cannot be read as Parquet"):
        read_table(tmp_path / "t.parquet")
    with pytest.raises(va.CorpusError, match=r"from \.csv, \.tsv or \.parquet, not from"):
        read_table(tmp_path / "t.xlsx")
    with pytest.raises(va.CorpusError, match="The table holds no rows"):
        read_table(pd.DataFrame({"video": []}), ["video"])
    with pytest.raises(va.CorpusError, match="The table lacks the column 'end', 'start': it has 'video'"):
        read_table(pd.DataFrame({"video": ["a"]}), ["video", "end", "start"])


# --- segments ------------------------------------------------------------------------------------


def segments(starts: Sequence[object]) -> tuple[dict[int, float], dict[int, str]]:
    """The starts of those that are good, and the reasons of the others, by row."""
    videos = [f"v{i}" for i in range(len(starts))]
    table = pd.DataFrame({"video": videos, "start": pd.Series(list(starts), dtype=object), "end": 1e9})
    good, refused = checked_segments(table)
    return dict(zip(good.index, good["start"], strict=True)), dict(zip(refused.index, refused["reason"], strict=True))


CLOCK = st.tuples(st.integers(0, 30), st.integers(0, 59), st.integers(0, 59_999), st.sampled_from(".,"))


@given(st.lists(CLOCK, min_size=1, max_size=30))
@settings(max_examples=20)
def test_a_time_of_the_clock_is_read(times: list[tuple[int, int, int, str]]) -> None:
    exact = [hours * 3600 + minutes * 60 + millis / 1000 for hours, minutes, millis, _ in times]
    written = [(h, m, f"{millis // 1000:02d}{sign}{millis % 1000:03d}") for h, m, millis, sign in times]
    for words in (
        [f"{h:02d}:{m:02d}:{seconds}" for h, m, seconds in written],
        [f" {h * 60 + m}:{seconds}" for h, m, seconds in written],
    ):
        good, refused = segments(words)
        assert not refused
        np.testing.assert_allclose(list(good.values()), exact, rtol=1e-12)


@given(st.lists(st.floats(0, 1e8), min_size=1, max_size=30))
@settings(max_examples=20)
def test_seconds_are_read_as_numbers_and_as_text(seconds: list[float]) -> None:
    exact = dict(enumerate(seconds))
    assert segments(seconds) == segments([repr(one) for one in seconds]) == (exact, {})


ANYTHING = st.one_of(
    st.text(max_size=12),
    st.text("0123456789:.,- einf", max_size=12),
    st.floats(),
    st.integers(),
    st.none(),
    st.booleans(),
    st.binary(max_size=4),
)


@given(st.lists(ANYTHING, min_size=1, max_size=40))
@settings(max_examples=50)
def test_whatever_is_given_is_a_time_or_is_refused(values: list[object]) -> None:
    good, refused = segments(values)
    assert sorted([*good, *refused]) == list(range(len(values)))
    assert all(0 <= start < 1e9 for start in good.values())


@pytest.mark.parametrize(
    "value", ["1:60", "1:60:00", "1:2:3:4", ":30", "12:", "-1:30", "1,5", "", "soon", "９:００x", True]
)
def test_what_is_not_a_time_is_refused(value: object) -> None:
    assert segments([value]) == ({}, {0: "its start is not a time: give seconds, MM:SS or HH:MM:SS.mmm"})


def test_rows_that_cannot_be_used_say_why() -> None:
    table = pd.DataFrame(
        [
            ("a.mp4", "0", "1.5", "x"),
            ("a.mp4", "00:01:00", "01:02.5", "x"),
            ("", 0, 1, "x"),
            (None, 0, 1, "x"),
            (7, 0, 1, "x"),
            ("a.mp4", -1, 1, "x"),
            ("a.mp4", 2, 2, "x"),
            ("a.mp4", 3, 2, "x"),
            ("a.mp4", 0, "inf", "x"),
            ("a.mp4", 0, None, "x"),
            ("a.mp4", 0.0001, 1.5, "x"),
            ("b.mp4", 0, 1.5, "x"),
            ("", 5, 6, "x"),
        ],
        columns=["video", "start", "end", "mood"],
        index=range(100, 113),
    )
    good, refused = checked_segments(table)
    assert good.to_dict("list") == {
        "video": ["a.mp4", "a.mp4", "b.mp4"],
        "start": [0.0, 60.0, 0.0],
        "end": [1.5, 62.5, 1.5],
        "mood": ["x"] * 3,
    }
    assert good.index.tolist() == [0, 1, 11]
    assert good["start"].dtype == good["end"].dtype == np.float64
    assert refused["reason"].to_dict() == {
        2: "it names no video, which must be text",
        3: "it names no video, which must be text",
        4: "it names no video, which must be text",
        5: "it starts before 0",
        6: "it does not end after its start",
        7: "it does not end after its start",
        8: "its end is not finite",
        9: "its end is not a time: give seconds, MM:SS or HH:MM:SS.mmm",
        10: "the same segment is there already",
        12: "it names no video, which must be text",
    }
    assert refused.loc[8, "end"] == "inf"
    assert table.columns.tolist() == ["video", "start", "end", "mood"]


@pytest.mark.parametrize("as_index", [False, True])
def test_a_clip_id_comes_once(as_index: bool) -> None:
    table = pd.DataFrame(
        {
            "clip_id": ["a", "", "a", "b", "c"],
            "video": ["v", "v", "v", "v", "v"],
            "start": [0, 1, 2, 0, 9],
            "end": [1, 2, 3, 1, 8],
        }
    )
    good, refused = checked_segments(table.set_index("clip_id") if as_index else table)
    assert good["clip_id"].tolist() == ["a"]
    assert refused["reason"].to_dict() == {
        1: "its clip_id is not text",
        2: "its clip_id is there already",
        3: "the same segment is there already",
        4: "it does not end after its start",
    }


def test_missing_numbers_of_every_kind_are_refused() -> None:
    table = pd.DataFrame(
        {"video": ["v", "v"], "start": pd.array([0, 1], "Int64"), "end": pd.array([1, None], "Float64")}
    )
    good, refused = checked_segments(table)
    assert good.index.tolist() == [0]
    assert refused.index.tolist() == [1]
    with pytest.raises(va.CorpusError, match="lacks the column 'end'"):
        checked_segments(table[["video", "start"]])
