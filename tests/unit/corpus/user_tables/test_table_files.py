"""Tables in files as programs of any country write them, and the numbers that spreadsheets show of their rows."""

from __future__ import annotations

import csv
import datetime as dt
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import va_widgets as va
from va_widgets.corpus.user_tables.read import read_table, row_numbers
from va_widgets.corpus.user_tables.segments import checked_segments
from va_widgets.corpus.user_tables.times import seconds

GERMAN = (
    "sep=;\r\n Video ;START;End;Clip ID;Länge;Anzahl;Liste;;\r\n"
    "Übung.mp4;1,5;00:00:02,25;007;0,5;1;1,2,3;;\r\n;;;;;;;;\r\n\r\nb.mp4;12,25;13;8;1;2;x;;\r\n;;;;;;;;\r\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_german_spreadsheet_s_file(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "t.csv").write_bytes(GERMAN.encode(encoding))
    table = read_table(tmp_path / "t.csv", ("video", "start", "end"))
    assert table.columns.tolist() == ["video", "start", "end", "clip_id", "Länge", "Anzahl", "Liste"]
    assert table["Länge"].tolist() == [0.5, 1.0]
    assert table["Anzahl"].tolist() == [1, 2]
    assert table["Anzahl"].dtype.kind == "i"
    assert table["Liste"].tolist() == ["1,2,3", "x"]
    good, _ = checked_segments(table)
    assert good[["video", "start", "end", "clip_id"]].to_numpy().tolist() == [
        ["Übung.mp4", 1.5, 2.25, "007"],
        ["b.mp4", 12.25, 13.0, "8"],
    ]
    numbers = row_numbers(tmp_path / "t.csv")
    assert [numbers(row) for row in range(2)] == [2, 5]


def test_commas_between_texts_that_are_no_numbers_stay(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("video;tags;share\na;1,2\n", encoding="utf-8")
    assert read_table(tmp_path / "t.csv")["tags"].tolist() == [1.2]
    (tmp_path / "t.csv").write_text('video,tags\na,"1,2"\n', encoding="utf-8")
    assert read_table(tmp_path / "t.csv")["tags"].tolist() == ["1,2"]
    (tmp_path / "t.csv").write_text("sep=|\nvideo|tags\na;b,c|1\n", encoding="utf-8")
    assert read_table(tmp_path / "t.csv").to_numpy().tolist() == [["a;b,c", 1]]


CELL = st.text("aä;,\t\"' \n.5", max_size=6).map(str.strip)


@given(
    st.lists(st.one_of(st.none(), st.tuples(CELL, CELL)), min_size=1, max_size=8),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=60)
def test_cells_and_row_numbers_come_back(
    rows: list[tuple[str, str] | None], separator: str, line: str, named: bool, marked: bool
) -> None:
    """None is a blank row."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=separator, lineterminator=line, quoting=csv.QUOTE_ALL)
    writer.writerow(["clip_id", "video", "z"])
    for row in rows:
        if row is None:
            written.write(line)
        else:
            writer.writerow([*row, "z"])
    expected = [(number, row) for number, row in enumerate(rows, 2) if row is not None]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "t.csv")
        file.write_bytes(
            (f"sep={separator}{line}" * named + written.getvalue()).encode("utf-8-sig" if marked else "utf-8")
        )
        if not expected:
            with pytest.raises(va.CorpusError, match="holds no rows"):
                read_table(file)
            return
        table, numbers = read_table(file), row_numbers(file)
        cells = [
            tuple(text.replace("\r\n", "\n") for text in row) for row in table[["clip_id", "video"]].to_numpy().tolist()
        ]
        assert cells == [row for _, row in expected]
        assert [numbers(row) for row in range(len(table))] == [number for number, _ in expected]


def test_names_of_columns_in_memory() -> None:
    table = pd.DataFrame({"Video": [Path("a.mp4")], " START ": [0], "end": [1], "End": ["x"], "My Mood": ["calm"]})
    good, _ = checked_segments(table)
    assert good.to_dict("list") == {"video": ["a.mp4"], "start": [0.0], "end": [1.0], "End": ["x"], "My Mood": ["calm"]}
    with pytest.raises(va.CorpusError, match="The column 'video' comes twice"):
        read_table(pd.DataFrame([["a", "b"]], columns=["Video", "VIDEO"]))
    indexed = pd.DataFrame({"Start": [0], "End": [1]}, index=pd.Index([Path("a.mp4")], name="Video"))
    assert checked_segments(indexed)[0]["video"].tolist() == ["a.mp4"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (pd.Timedelta(1.5, "s"), 1.5),
        ("0 days 00:01:02.500000", 62.5),
        ("1 day, 0:00:01", 86_401.0),
        ("2 days soon", np.nan),
        (dt.timedelta(minutes=1), 60.0),
        (np.timedelta64(1500, "ms"), 1.5),
        (np.timedelta64("NaT", "ns"), np.nan),
        (pd.NaT, np.nan),
        (dt.time(0, 1, 2, 500_000), 62.5),
        ("12,5", 12.5),
        (" ,5 ", 0.5),
        ("1.234,5", np.nan),
        ("01:00:02:12", np.nan),
    ],
)
def test_times_of_every_type(value: object, expected: float) -> None:
    moments = seconds(pd.Series([value, "x"], dtype=object))
    np.testing.assert_equal(moments, [expected, np.nan])


def test_columns_of_durations() -> None:
    for values in (
        pd.to_timedelta([1.5, None], unit="s"),
        pd.array([dt.timedelta(seconds=1.5), None], "duration[us][pyarrow]"),
    ):
        np.testing.assert_equal(seconds(pd.Series(values)), [1.5, np.nan])


# --- workbooks -------------------------------------------------------------------------------------


def workbook(path: Path, sheets: dict[str, list[list[Any]]], formats: dict[str, str] | None = None) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for cell, number_format in (formats or {}).items():
            sheet[cell].number_format = number_format
    book.save(path)
    return path


def test_a_workbook_is_a_table(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["Clip ID", "Video ", "START", "End", "mood", "take", "when", "x", None],
        [7, "a.mp4", 0, 1.5, "calm", 1, dt.datetime(2020, 1, 2), 1, None],
        [],
        [" ", None, "", None],
        ["008", "b.mp4", dt.time(0, 1, 2, 500_000), dt.timedelta(seconds=70), "N/A", "2b", None, 2.5, "a note"],
        ["c", "b.mp4", dt.time(1, 20), "01:25", None, 3, None, None, None],
    ]
    file = workbook(tmp_path / "t.xlsx", {"Notes": [["only words"]], "Cuts": rows}, {"C6": "h:mm"})
    needed = ("video", "start", "end")
    table = read_table(file, needed)
    assert table.columns.tolist() == ["clip_id", "video", "start", "end", "mood", "take", "when", "x", "Unnamed: 8"]
    good, refused = checked_segments(table)
    assert refused.empty
    assert good["clip_id"].tolist() == ["7", "008", "c"]
    assert good["start"].tolist() == [0, 62.5, 80]
    assert good["end"].tolist() == [1.5, 70, 85]
    assert table["take"].tolist() == ["1", "2b", "3"]
    assert table["when"].dtype.kind == "M"
    assert table["x"].tolist()[:2] == [1, 2.5]
    assert table["mood"].isna().tolist() == [False, True, True]
    numbers = row_numbers(file, needed)
    assert [numbers(row) for row in range(3)] == [2, 5, 6]


def test_workbooks_that_hold_no_table_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(va.CorpusError, match=r"lacks the column 'video': it has 'a', 'b'\."):
        read_table(workbook(tmp_path / "t.xlsx", {"one": [["a", "b"], [1, 2]]}), ["video"])
    with pytest.raises(va.CorpusError, match=r"The column 'a' of .* comes twice"):
        read_table(workbook(tmp_path / "t.xlsx", {"one": [["a", "a"], [1, 2]]}))
    with pytest.raises(va.CorpusError, match=r"holds no rows|lacks"):
        read_table(workbook(tmp_path / "t.xlsx", {"one": []}), ["video"])
    (tmp_path / "t.xlsx").write_bytes(b"PK and no more")
    with pytest.raises(va.CorpusError, match="cannot be read as a workbook") as raised:
        read_table(tmp_path / "t.xlsx")
    assert "\n" not in str(raised.value)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(va.base.errors.MissingPackageError, match=r'pip install "va-widgets\[tables\]", or save'):
        read_table(tmp_path / "t.xlsx")
