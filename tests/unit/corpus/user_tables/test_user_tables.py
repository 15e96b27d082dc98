"""Tables of the user's: read alike from all files, and refused in one sentence; segments of videos that they name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import va_widgets as va
from va_widgets.corpus.user_tables.read import read_table
from va_widgets.corpus.user_tables.segments import checked_segments


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
        (b"video,start\n1,2,3\n", "Row 2 of .* has more fields than its header"),
        (b"video,start\n1,2\n\n1,2,3\n", "Row 4 of .* has more fields than its header"),
        (b'video,start\n"1,2\n', "cannot be read as a table"),
        ("video\nCafé\n".encode("latin-1"), "is not UTF-8"),
        ("video\na\n".encode("utf-16-le"), "is not UTF-8"),  # without its mark
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
    with pytest.raises(va.CorpusError, match=r"from \.csv, \.tsv, \.xlsx or \.parquet, not from"):
        read_table(tmp_path / "t.ods")
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
    "value", ["1:60", "1:60:00", "1:2:3:4", ":30", "12:", "-1:30", "1,5,0", "", "soon", "９:００x", True]
)
def test_what_is_not_a_time_is_refused(value: object) -> None:
    assert segments([value]) == (
        {},
        {0: "its start is not a time: give seconds, MM:SS, HH:MM:SS.mmm or time code HH:MM:SS:FF"},
    )


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
        9: "its end is not a time: give seconds, MM:SS, HH:MM:SS.mmm or time code HH:MM:SS:FF",
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
