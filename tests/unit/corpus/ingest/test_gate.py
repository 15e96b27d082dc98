"""Tables at the doors of a corpus: what is taken comes back equal, all else is one sentence before anything is done."""

from __future__ import annotations

import datetime as dt
import pickle
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import va_widgets as va
from tests.unit.video.video_files import film, scene
from va_widgets.corpus.ingest.with_columns import replace_clips
from va_widgets.corpus.manifest import COLUMNS, HIDDEN, read_manifest
from va_widgets.corpus.user_tables.columns import check_stacked
from va_widgets.corpus.user_tables.ids import id_texts
from va_widgets.corpus.user_tables.read import read_table
from va_widgets.corpus.user_tables.segments import checked_segments
from va_widgets.encoders.protocol import Encoder, as_encoder

IDS = ["a", "b", "c"]
VECTORS = np.eye(3, 5, dtype=np.float32)
BERLIN = dt.timezone(dt.timedelta(hours=1))
CLIP = pd.DataFrame({"clip_id": IDS})

KEPT: dict[str, Any] = {
    "text": ["x", None, "ü 🎬"],
    "category": pd.Categorical(["x", None, "y"], ["y", "x", "z"], ordered=True),
    "category of numbers": pd.Categorical([2, None, 1]),
    "category of dates": pd.Categorical(pd.to_datetime(["2020", "2021", "2020"])),
    "float": [1.5, np.nan, np.inf],
    "half": np.array([1.5, 2, 3], np.float16),
    "other order of bytes": np.array([1.5, 2, 3], ">f4"),
    "whole": [1, 2, 2**62 + 1],
    "unsigned": np.array([1, 2, 2**64 - 1], np.uint64),
    "truth": [True, False, True],
    "truth with gaps": pd.Series([True, None, pd.NA], dtype=object),
    "Int64": pd.array([1, None, 2**60 + 1], "Int64"),
    "boolean": pd.array([True, None, False], "boolean"),
    "string": pd.array(["x", None, "y"], "string"),
    "Arrow's numbers": pd.array([1, None, 2**60 + 1], "int64[pyarrow]"),
    "Arrow's texts": pd.array(["x", None, "y"], "string[pyarrow]"),
    "dates": np.array(["2020-01-01T00:00:00.5", "NaT", "2021-03-04T05:06:07.123456"], "M8[us]"),
    "dates in a zone": pd.date_range("2020", periods=3, tz="Europe/Berlin"),
    "dates with offsets": [dt.datetime(2020, 1, 1, tzinfo=dt.UTC), None, dt.datetime(2020, 1, 2, tzinfo=BERLIN)],
    "far dates": pd.Series([dt.datetime(3000, 1, 1), None, dt.datetime(1, 1, 1)], dtype=object),
    "seconds since 1970": np.array(["1000-01-01", "2020-01-01", "NaT"], "M8[s]"),
    "durations": pd.to_timedelta([1, 2, None], unit="s"),
    "days": pd.Series([dt.date(2020, 1, 1), None, dt.date(2021, 1, 1)], dtype=object),
    "times of day": pd.Series([dt.time(1, 2, 3), None, dt.time(4)], dtype=object),
    "decimals": pd.Series([Decimal("1.50"), None, Decimal("-2")], dtype=object),
    "bytes": pd.Series([b"\xff\0", None, b""], dtype=object),
    "nothing": pd.Series([None, None, None], dtype=object),
    "numpy's numbers": pd.Series([np.int8(3), np.int64(4), np.float32(0.5)], dtype=object),
}
REFUSED: dict[str, tuple[Any, str]] = {
    "mixed": (pd.Series(["x", 1, 2.5], dtype=object), "values of the types str, int, float"),
    "texts and bytes": (pd.Series(["x", b"y", "z"], dtype=object), "of which 'x' would come back as b'x'"),
    "truths and numbers": (pd.Series([True, 1, 0], dtype=object), "values of the types bool, int"),
    "paths": (pd.Series([Path("x")] * 3, dtype=object), "Path"),
    "complex": ([1j, 2, 3], "complex128"),
    "sparse": (pd.arrays.SparseArray([0, 0, 1]), r"Sparse.*\.sparse\.to_dense\(\)"),
    "lists": (pd.Series([[1], [2, 3], None], dtype=object), "values of the type list"),
    "arrays": (pd.Series([np.ones(2)] * 3, dtype=object), "values of the type ndarray"),
    "dicts": (pd.Series([{"x": 1}, {"y": 2}, {}], dtype=object), "values of the type dict"),
    "sets": (pd.Series([{1}, {2}, set()], dtype=object), "values of the type set"),
    "Arrow's lists": (pd.Series([[1], None, [2]], dtype=pd.ArrowDtype(pa.list_(pa.int8()))), "list"),
    "periods": (pd.period_range("2020", periods=3), "period"),
    "intervals": (pd.interval_range(0, 3), "interval"),
    "bins": (pd.cut([1, 2, 3], 2), "category"),
    "categories of tuples": (pd.Categorical(pd.Index([("x", 1), ("y", 2), ("x", 1)], tupleize_cols=False)), "category"),
    "too large": (pd.Series([2**70, 1, 2], dtype=object), "whole numbers of more than"),
    "large with gaps": (pd.Series([2**60 + 1, None, 2], dtype=object), "1152921504606846977 would come back as 1.15"),
    "too late": (np.array([2**62, 5, 6], "M8[s]"), r"datetime64\[s\]"),
    "times in a zone": (pd.Series([dt.time(1, tzinfo=dt.UTC)] * 3, dtype=object), "time"),
    "fractions": (pd.Series([Fraction(1, 3)] * 3, dtype=object), "Fraction"),
    "ids of their own": (pd.Series([uuid.UUID(int=1)] * 3, dtype=object), "UUID"),
    "objects": (pd.Series([object()] * 3, dtype=object), "values of the type object"),
}


def state(folder: Path) -> dict[str, tuple[int, int]] | None:
    """All that lies in a folder but its lock; None if it is not there."""
    if not folder.exists():
        return None
    files = [file for file in folder.rglob("*") if file.suffix != ".lock"]
    return {str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in files}


def refusal(folder: Path, door: Callable[[], object]) -> str:
    """The one sentence with which a door refuses, having left a folder as it was."""
    before = state(folder)
    with pytest.raises(va.CorpusError) as raised:
        door()
    said = str(raised.value)
    assert "\n" not in said
    assert said.endswith(".")
    assert state(folder) == before
    return said


def differences(column: pd.Series, values: object) -> list[tuple[object, object]]:
    """Where a column has other values than were given. Missing values of all kinds are alike, True and 1 are not."""
    wanted, found = pd.Series(values, dtype=None).reset_index(drop=True), column.reset_index(drop=True)
    pairs = zip(wanted.astype(object), found.astype(object), wanted.isna(), found.isna(), strict=True)
    return [
        (one, other)
        for one, other, missing, lost in pairs
        if missing != lost or not (missing or (one == other and isinstance(one, bool) == isinstance(other, bool)))
    ]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return as_encoder("va-tiny")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    film(folder / "one.mp4", scene(1, 30))
    film(folder / "two.mp4", scene(2, 30))
    return folder


def cuts(video: object = "one.mp4", **columns: Any) -> pd.DataFrame:
    rows = {"clip_id": IDS, "video": video, "start": [0.0, 0.2, 0.4], "end": [0.2, 0.4, 0.6]}
    return pd.DataFrame({**rows, **columns})


Doors = dict[str, tuple[Path, Callable[[pd.DataFrame], va.Corpus]]]


@pytest.fixture
def doors(tmp_path: Path, encoder: Encoder, videos: Path) -> Doors:
    """The three doors by their names: the folder that each writes to, and the call, of a table of three clips."""
    plain = va.Corpus.from_embeddings(tmp_path / "plain", VECTORS, CLIP)
    times = cuts().set_index("clip_id")

    def from_manifest(table: pd.DataFrame) -> va.Corpus:
        rows = table.assign(**{str(name): times[name].to_numpy() for name in times})
        return va.Corpus.from_manifest(tmp_path / "manifest", rows, encoder, videos=videos, progress=False)

    return {
        "from_embeddings": (
            tmp_path / "given",
            lambda table: va.Corpus.from_embeddings(tmp_path / "given", VECTORS, table),
        ),
        "from_manifest": (tmp_path / "manifest", from_manifest),
        "with_columns": (plain.path, plain.with_columns),
    }


# --- values ----------------------------------------------------------------------------------------


def test_values_come_back_equal_in_another_process(doors: Doors, tmp_path: Path) -> None:
    table = CLIP.assign(**KEPT)
    here = {}
    for folder, door in doors.values():
        here[str(folder)] = door(table).clips
    script = (
        "import pickle, sys, va_widgets as va\n"
        "clips = {folder: va.Corpus.open(folder).clips for folder in sys.argv[2:]}\n"
        "open(sys.argv[1], 'wb').write(pickle.dumps(clips))"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "clips.pickle"), *here], check=True)
    there = pickle.loads((tmp_path / "clips.pickle").read_bytes())
    for folder, clips in there.items():
        pd.testing.assert_frame_equal(clips, here[folder])
        assert {name: found for name in KEPT if (found := differences(clips.loc[IDS, name], KEPT[name]))} == {}


@pytest.mark.parametrize("name", REFUSED)
def test_values_that_would_not_come_back_are_refused_by_every_door(name: str, doors: Doors) -> None:
    values, told = REFUSED[name]
    for folder, door in doors.values():
        said = refusal(folder, partial(door, CLIP.assign(**{name: values})))
        assert said.startswith(f"The column {name!r} holds ")
        assert re.search(told, said)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> va.Corpus:
    """A corpus that gets columns again and again."""
    return va.Corpus.from_embeddings(tmp_path_factory.mktemp("plain") / "c", VECTORS, CLIP)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.binary(max_size=3), st.dates(),
    st.datetimes(), st.datetimes(timezones=st.sampled_from([dt.UTC, BERLIN])), st.timedeltas(), st.times(),
    st.decimals(allow_nan=False, allow_infinity=False, places=2), st.complex_numbers(), st.just(pd.NA), st.just(pd.NaT),
    st.lists(st.integers(0, 9), max_size=2), st.dictionaries(st.text(max_size=2), st.integers(0, 9), max_size=1),
    st.tuples(st.text(max_size=2)), st.sampled_from([Path("x"), Fraction(1, 3), np.int8(5), np.float32(0.1), object()]),
    st.just("\ud800"),
)  # fmt: skip
KINDS = st.sampled_from(
    [st.booleans(), st.integers(), st.integers(2**52, 2**65), st.floats(), st.text(max_size=4), st.dates(), VALUES]
)


@given(values=KINDS.flatmap(lambda kind: st.lists(st.one_of(kind, kind, st.none()), min_size=3, max_size=3)))
@settings(max_examples=60)
def test_whatever_is_given_comes_back_equal_or_is_refused(plain: va.Corpus, values: list[Any]) -> None:
    table = CLIP.assign(mine=pd.Series(values, dtype=object))
    texts = [one.replace("\ud800", r"\ud800") if isinstance(one, str) else one for one in values]
    with tempfile.TemporaryDirectory() as made:
        fresh = Path(made) / "fresh"
        doors: list[tuple[Path, Callable[[], object]]] = [
            (plain.path, lambda: va.Corpus.open(plain.path).with_columns(table)),
            (fresh, lambda: va.Corpus.from_embeddings(fresh, VECTORS, table)),
        ]
        for folder, door in doors:
            before, said = state(folder), ""
            try:
                door()
            except va.CorpusError as error:
                said = str(error)
            if said:
                assert said.startswith("The column 'mine' holds ")
                assert state(folder) == before
            else:
                kept = pd.Series(texts, dtype=object)
                assert differences(va.Corpus.open(folder).clips["mine"].astype(object), kept) == []


@pytest.mark.parametrize(
    ("given", "kept", "told"),
    [
        ([1, 2], ["x", "y"], "The column 'mine', beside those of the corpus's other clips, holds values of the types"),
        ([2**60 + 1, 2], [0.5, 1], "The column 'mine' holds whole numbers of more than 53 bits, but fractions"),
        ([0.5, 1], [2**60 + 1, 2], "The column 'mine' holds whole numbers of more than 53 bits, but fractions"),
        ([1, 2], [0.5, None], ""),
        ([2**60 + 1, 2], [3, 4], ""),
        (["x", None], [None, "y"], ""),
    ],
)
def test_values_stand_beside_those_of_other_clips(given: Any, kept: Any, told: str) -> None:
    new, old = pd.DataFrame({"mine": given}, index=["a", "b"]), pd.DataFrame({"mine": kept}, index=["c", "d"])
    if told:
        with pytest.raises(va.CorpusError, match=re.escape(told)):
            check_stacked(new, old)
    else:
        check_stacked(new, old)


def test_whole_numbers_stay_whole_beside_gaps(tmp_path: Path) -> None:
    corpus = va.Corpus.from_embeddings(tmp_path / "c", VECTORS, CLIP)
    more = pd.DataFrame({"large": [2**60 + 1], "unsigned": np.array([2**64 - 1], np.uint64), "small": [3]}, index=["b"])
    clips = corpus.with_columns(more).clips
    assert [clips[name]["b"] for name in more] == [2**60 + 1, 2**64 - 1, 3]
    assert clips.loc[["a", "c"], ["large", "unsigned", "small"]].isna().all(axis=None)


# --- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*HIDDEN, "_", "_id", "__index_level_0__"])
def test_names_of_the_corpus_s_own_are_refused_by_every_door(name: str, doors: Doors) -> None:
    for folder, door in doors.values():
        said = refusal(folder, partial(door, CLIP.assign(**{name: 1})))
        assert said == f"The column {name!r} is the corpus's own: give yours another name."


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_that_are_made_of_videos_are_the_corpus_s_own(name: str, doors: Doors) -> None:
    table = CLIP.assign(**{name: 1})
    told = f"The column {name!r} is the corpus's own: give yours another name."
    assert refusal(doors["with_columns"][0], lambda: doors["with_columns"][1](table)) == told
    if name not in ("video", "start", "end"):
        assert refusal(doors["from_manifest"][0], lambda: doors["from_manifest"][1](table)) == told


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (["clip_id", "mine", "mine"], "The column 'mine' comes twice: give each a name of its own."),
        (["clip_id", "clip_id", "mine"], "The column 'clip_id' comes twice: give each a name of its own."),
        (["clip_id", 5, "mine"], "A column's name must be a text, not 5: rename it."),
        (["clip_id", None, "mine"], "A column's name must be a text, not "),
        (["clip_id", "x\ud800", "mine"], r"The name of the column 'x\ud800' is not valid Unicode: rename it."),
        (pd.MultiIndex.from_tuples([("clip_id", ""), ("x", "y"), ("x", "z")]), "A column's name must be a text, not a"),
    ],
)
def test_every_column_has_a_name_of_its_own_that_is_text(columns: Any, told: str, doors: Doors) -> None:
    table = pd.DataFrame([[one, 1, 2] for one in IDS])
    table.columns = pd.Index(columns, dtype=None if isinstance(columns, pd.MultiIndex) else object)
    for name in ("from_embeddings", "with_columns"):
        folder, door = doors[name]
        assert refusal(folder, partial(door, table)).startswith(told)
    with pytest.raises(va.CorpusError) as raised:
        read_table(table, ("video",))
    assert str(raised.value).startswith(told)


def test_no_table_is_a_dict(doors: Doors, tmp_path: Path, encoder: Encoder) -> None:
    table: Any = {"clip_id": IDS, "video": "one.mp4", "start": 0, "end": 1}
    for name, door in {
        "given": lambda: va.Corpus.from_embeddings(tmp_path / "given", VECTORS, table),
        "manifest": lambda: va.Corpus.from_manifest(tmp_path / "manifest", table, encoder),
    }.items():
        assert refusal(tmp_path / name, door) == "A table must be a DataFrame, or the path of a file, not a dict."
    assert refusal(*doors["with_columns"][:1], lambda: doors["with_columns"][1](table)).endswith("not a dict.")


# --- ids -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_index", [False, True])
@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (["a", None, "c"], "The clip in row 3 has no id"),
        (["a", " ", "c"], "The clip in row 3 has no id"),
        (pd.array([1, None, 3], "Int64"), "The clip in row 3 has no id"),
        ([1.0, np.nan, 3.0], "The clip in row 3 has no id"),
        (["a", "b", "a"], "The clip id 'a' comes twice"),
        (["a", "a", "a"], "The clip id 'a' comes twice"),
        ([1, "1", "c"], "The clip id '1' comes twice"),
        (pd.Categorical(["a", "b", "b"]), "The clip id 'b' comes twice"),
        ([b"a", b"b", b"c"], "A clip id must be a text, not b'a'"),
        ([True, "b", "c"], "A clip id must be a text, not True"),
        ([["a"], ["b"], ["c"]], "A clip id must be a text, not a list"),
        (["a", "b", "c\ud800"], r"The clip id 'c\ud800' is not valid Unicode"),
    ],
)
def test_every_clip_has_an_id_of_its_own(ids: Any, told: str, as_index: bool, doors: Doors) -> None:
    values = pd.Series(ids, dtype=object if isinstance(ids, list) else None)
    table = pd.DataFrame({"mine": 1}, index=pd.Index(values, name="clip_id"))
    for name in ("from_embeddings", "with_columns"):
        folder, door = doors[name]
        one = table if as_index else pd.DataFrame({"clip_id": values, "mine": 1})
        assert refusal(folder, partial(door, one)).startswith(told)


def test_ids_that_are_numbers_become_text(tmp_path: Path, encoder: Encoder, videos: Path) -> None:
    numbers = pd.DataFrame({"clip_id": [3, 1, 2], "mine": [30, 10, 20]})
    corpus = va.Corpus.from_embeddings(tmp_path / "c", VECTORS, numbers)
    assert corpus.clips.index.tolist() == ["3", "1", "2"]
    assert corpus.with_columns(numbers.assign(more=[3, 1, 2])).clips["more"].tolist() == [3, 1, 2]
    good, refused = checked_segments(cuts(clip_id=pd.Series([3, 1, 1.5], dtype=object)))
    assert good["clip_id"].tolist() == ["3", "1"]
    assert refused["reason"].tolist() == ["its clip_id is not text"]


@pytest.mark.parametrize("name", ["from_embeddings", "from_manifest", "with_columns"])
def test_an_index_and_a_column_of_ids_say_the_same(name: str, doors: Doors) -> None:
    folder, door = doors[name]
    table = CLIP.set_index(pd.Index(["a", "c", "b"], name="clip_id")).assign(mine=1)
    told = "The index and the column clip_id differ, as in row 3 ('c' and 'b'): keep one of them."
    assert refusal(folder, lambda: door(table)) == told
    same = CLIP.set_index(pd.Index(IDS, name="clip_id")).assign(mine=1)
    assert door(same).clips.index.tolist() == IDS


def test_levels_of_an_index_are_not_lost(doors: Doors) -> None:
    table = CLIP.assign(mine=1, take=[1, 2, 3]).set_index(["clip_id", "take"])
    for name in ("from_embeddings", "with_columns"):
        folder, door = doors[name]
        assert refusal(folder, partial(door, table)).startswith("The index has 2 levels: index the table by")
    folder, door = doors["from_manifest"]
    assert refusal(folder, lambda: door(table)).startswith("The index of the table has a level 'take', which would be")


def test_rows_of_other_clips_are_left_out_and_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = va.Corpus.from_embeddings(tmp_path / "c", VECTORS, CLIP)
    more = pd.DataFrame({"mine": [9, 1, 9]}, index=["elsewhere", "b", "nowhere"])
    assert corpus.with_columns(more).clips["mine"].dropna().to_dict() == {"b": 1}
    told = "2 of the 3 rows are of no clip of this corpus ('elsewhere', 'nowhere'): they are left out."
    assert told in "".join(capsys.readouterr())


def test_an_id_that_a_clip_of_another_video_has_is_refused_before_decoding(
    tmp_path: Path, encoder: Encoder, videos: Path
) -> None:
    def made(rows: pd.DataFrame) -> va.Corpus:
        return va.Corpus.from_manifest(tmp_path / "c", rows, encoder, videos=videos, progress=False)

    first = made(cuts(mood=["calm", "wild", "calm"]))
    shards = sorted((tmp_path / "c" / "shards").iterdir())
    said = refusal(tmp_path / "c", lambda: made(cuts("two.mp4", clip_id=["x", "b", "y"])))
    assert said.startswith("1 clip ids of the table belong to clips of other videos in the corpus ('b')")
    said = refusal(tmp_path / "c", lambda: made(cuts("two.mp4", clip_id=["x", "y", "z"], mood=[1, 2, 3])))
    assert said.startswith("The column 'mood', beside those of the corpus's other clips, holds values of the types")
    assert sorted((tmp_path / "c" / "shards").iterdir()) == shards
    pd.testing.assert_frame_equal(va.Corpus.open(tmp_path / "c").clips, first.clips)
    # Of the same video the new clips take the place of the old ones, with values of another kind.
    assert made(cuts(clip_id=["c", "x", "b"], mood=[1, 2, 3])).clips["mood"].tolist() == [1, 2, 3]


# --- vectors and their ids -------------------------------------------------------------------------

OTHERWISE = ["c", "a", "b"]  # the order of the table's clips
TABLE = pd.DataFrame({"clip_id": OTHERWISE, "mine": [3, 1, 2]})


def h5(folder: Path, name: str, ids: object) -> Path:
    with h5py.File(folder / "v.h5", "w") as opened:
        opened["here/embeddings"] = VECTORS
        opened[name] = ids
    return folder / "v.h5"


def parquet(folder: Path, table: pd.DataFrame) -> Path:
    table.to_parquet(folder / "v.parquet")
    return folder / "v.parquet"


def lists(name: str = "clip_id", ids: object = IDS) -> pd.DataFrame:
    return pd.DataFrame({name: ids, "embedding": list(VECTORS)})


WITH_IDS: dict[str, Callable[[Path], Any]] = {
    "DataFrame by its index": lambda _: pd.DataFrame(VECTORS, index=pd.Index(IDS, name="clip_id")),
    "DataFrame by an index without a name": lambda _: pd.DataFrame(VECTORS, index=IDS),
    "DataFrame by a column": lambda _: pd.DataFrame(VECTORS).assign(id=IDS),
    "DataFrame of arrays": lambda _: lists().assign(video="x"),
    "Series": lambda _: pd.Series(list(VECTORS), index=IDS),
    "dict": lambda _: dict(zip(IDS, VECTORS, strict=True)),
    "dict of lists": lambda _: dict(zip(IDS, VECTORS.tolist(), strict=True)),
    "Parquet by clip_id": lambda folder: parquet(folder, lists()),
    "Parquet by id": lambda folder: parquet(folder, lists("id")),
    "Parquet by its index": lambda folder: parquet(folder, lists().set_index("clip_id")),
    "Parquet by an index without a name": lambda folder: parquet(
        folder, lists().set_index("clip_id").rename_axis(None)
    ),
    "HDF5 beside": lambda folder: h5(folder, "here/ids", IDS),
    "HDF5 at the top": lambda folder: h5(folder, "clip_id", np.array(IDS, "S1")),
}
WITHOUT_IDS: dict[str, Callable[[Path], Any]] = {
    "array": lambda _: VECTORS,
    "DataFrame": lambda _: pd.DataFrame(VECTORS),
    "Series": lambda _: pd.Series(list(VECTORS)),
    "Parquet": lambda folder: parquet(folder, lists()[["embedding"]]),
    "HDF5": lambda folder: h5(folder, "more/ids", IDS),
}


@pytest.mark.parametrize("name", WITH_IDS)
@pytest.mark.parametrize("as_file", [False, True])
def test_vectors_with_ids_come_to_the_clips_of_these_ids(name: str, as_file: bool, tmp_path: Path) -> None:
    table: Any = TABLE
    if as_file:
        TABLE.to_csv(table := tmp_path / "ids.csv", index=False)
    corpus = va.Corpus.from_embeddings(tmp_path / "c", WITH_IDS[name](tmp_path), table)
    assert corpus.clips.index.tolist() == OTHERWISE
    assert corpus.clips["mine"].tolist() == [3, 1, 2]
    np.testing.assert_array_equal(np.asarray(corpus.embeddings, np.float32), VECTORS[[2, 0, 1]])
    assert corpus.similar("c", 1).shape == (1, 2)


@pytest.mark.parametrize("name", WITHOUT_IDS)
def test_vectors_without_ids_come_to_the_clips_of_their_rows(name: str, tmp_path: Path) -> None:
    corpus = va.Corpus.from_embeddings(tmp_path / "c", WITHOUT_IDS[name](tmp_path), TABLE)
    np.testing.assert_array_equal(np.asarray(corpus.embeddings, np.float32), VECTORS)


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (["a", "b", "z"], "1 of the 3 ids of the table of embeddings are not in the table of clips ('z')"),
        (["a", "b", "b"], "The clip id 'b' of the table of embeddings comes twice"),
        (["a", None, "c"], "The clip in row 1 of the table of embeddings has no id"),
        ([7, 8, 9], "3 of the 3 ids of the table of embeddings are not in the table of clips ('7', '8', '9')"),
        (pd.MultiIndex.from_product([["a"], IDS]), "The index of the table of embeddings has 2 levels"),
    ],
)
def test_vectors_whose_ids_are_not_the_clips_are_refused(ids: Any, told: str, tmp_path: Path) -> None:
    vectors = pd.DataFrame(VECTORS, index=ids)
    said = refusal(tmp_path / "c", lambda: va.Corpus.from_embeddings(tmp_path / "c", vectors, TABLE))
    assert said.startswith(told)


def test_clips_and_vectors_that_lack_each_other_are_counted(tmp_path: Path) -> None:
    few = dict(zip(IDS[:2], VECTORS, strict=False))
    said = refusal(tmp_path / "c", lambda: va.Corpus.from_embeddings(tmp_path / "c", few, TABLE))
    assert said.startswith("1 of the 3 clips have no vector of the mapping of embeddings ('c')")
    named = pd.DataFrame(VECTORS, index=IDS)
    said = refusal(tmp_path / "c", lambda: va.Corpus.from_embeddings(tmp_path / "c", named, TABLE[["mine"]]))
    assert said.startswith("The table of embeddings comes with ids of clips, but the table has none: call its column")


def test_tables_with_the_same_labels_belong_together_by_row(tmp_path: Path) -> None:
    # What is left of one table that was filtered: both parts have the same labels, in the same order.
    both = pd.DataFrame(VECTORS).assign(clip_id=OTHERWISE).set_axis([7, 2, 5])
    corpus = va.Corpus.from_embeddings(tmp_path / "c", both[range(5)], both[["clip_id"]])
    np.testing.assert_array_equal(np.asarray(corpus.embeddings, np.float32), VECTORS)
    with pytest.raises(va.CorpusError, match="are not in the table of clips"):
        va.Corpus.from_embeddings(tmp_path / "d", both[range(5)], both[["clip_id"]].sort_index())
    # Labels that could as well be ids, which say something else.
    numbers = pd.DataFrame(VECTORS).assign(clip_id=[3, 1, 2]).set_axis([1, 2, 3])
    with pytest.raises(va.CorpusError, match="holds its clip ids in another order: call it clip_id if these are ids"):
        va.Corpus.from_embeddings(tmp_path / "d", numbers[range(5)], numbers[["clip_id"]])
    named = numbers[range(5)].rename_axis("clip_id")
    corpus = va.Corpus.from_embeddings(tmp_path / "e", named, numbers[["clip_id"]])
    np.testing.assert_array_equal(np.asarray(corpus.embeddings, np.float32), VECTORS[[2, 0, 1]])


def test_vectors_and_clips_may_lie_in_one_table(tmp_path: Path) -> None:
    table = lists().assign(mine=[1, 2, 3])
    sources: list[Any] = [table, parquet(tmp_path, table)]
    for number, source in enumerate(sources):
        corpus = va.Corpus.from_embeddings(tmp_path / str(number), source, source)
        assert corpus.clips["mine"].tolist() == [1, 2, 3]
        assert "embedding" not in corpus.clips


def test_vectors_are_named_by_clip_wherever_they_lie(tmp_path: Path) -> None:
    spoilt = {**dict(zip(IDS, VECTORS, strict=True)), "b": VECTORS[1] * np.nan}
    with pytest.raises(va.CorpusError, match="in row 1 of clip 'b' holds values that are not finite"):
        va.Corpus.from_embeddings(tmp_path / "c", spoilt, TABLE)
    assert not (tmp_path / "c").exists()


# --- times and numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"start": [0, np.nan, 1], "end": [1, 2, 2]}, "The clip 'b' has only one of start and end"),
        ({"start": [0, 1, 1], "end": [1, None, None]}, "The clip 'b' (the first of 2 such) has only one of start and"),
        ({"start": [0, 1, 1], "end": [1, np.inf, 2]}, "The clip 'b' has the end inf: give a number of seconds"),
        ({"start": [0, -1e308, 1], "end": [1, 2, 2]}, "The clip 'b' has the start -1e+308: give a number of seconds"),
        ({"start": [0, -1, 1], "end": [1, 2, 2]}, "The clip 'b' starts before 0, at -1: give seconds from the first"),
        ({"start": [0, 3, 1], "end": [1, 2, 2]}, "The clip 'b' ends before its start, at 2: exchange them"),
        ({"start": ["0", "soon", "1"], "end": [1, 2, 2]}, "The clip 'b' has the start 'soon': give seconds, MM:SS"),
        ({"start": [0, 1j, 1], "end": [1, 2, 2]}, "The clip 'a' (the first of 3 such) has the start 0j: give seconds"),
        ({"start": [0, 1, 1]}, "The table of clips has a column 'start' but none called 'end': give both"),
        ({"fps": [25, -25, 30]}, "The clip 'b' has the fps -25: give a number from 0 on, or leave it out"),
        ({"fps": [25, np.inf, 30]}, "The clip 'b' has the fps inf: give a number from 0 on, or leave it out"),
        ({"width": [1, 1.5, 2]}, "The clip 'b' has the width 1.5: give a whole number from 0 to 2147483647"),
        ({"height": [1, 2**31, 2]}, "The clip 'b' has the height 2147483648: give a whole number from 0 to"),
        ({"frame_in": [1, "x", 2]}, "The clip 'b' has the frame_in 'x': give a whole number from 0 to"),
        ({"cluster": [1, None, 2]}, "The clip 'b' has the cluster nan: give a whole number from 0 to 32767, or rename"),
        ({"cluster": ["x", "y", "z"]}, "The clip 'a' has the cluster 'x': give a whole number"),
        ({"video": ["x", ["y"], "z"]}, "The name of a video must be a text, not a list: give its path or id"),
    ],
)
def test_times_and_numbers_of_clips_are_such(columns: dict[str, Any], told: str, tmp_path: Path) -> None:
    table = CLIP.assign(**columns)
    door = lambda clips: lambda: va.Corpus.from_embeddings(tmp_path / "c", VECTORS, clips)  # noqa: E731
    assert refusal(tmp_path / "c", door(table)).startswith(told)
    if not any(isinstance(one, (complex, list)) for values in columns.values() for one in values):
        table.to_csv(file := tmp_path / "clips.csv", index=False)
        said = refusal(tmp_path / "c", door(file))
        assert f" of {file}" in said


def test_clips_may_have_no_times_and_unknown_numbers(tmp_path: Path) -> None:
    names: Any = pd.Series([Path("films") / "x.mp4", None, 7], dtype=object)
    times: dict[str, Any] = {"start": ["0:01", None, 5], "end": [2, np.nan, 5]}
    table = CLIP.assign(video=names, **times, fps=[25, np.nan, 0], width=pd.array([1920, None, 0], "Int64"))
    clips = va.Corpus.from_embeddings(tmp_path / "c", VECTORS, table).clips
    assert clips["video"].tolist() == [str(Path("films") / "x.mp4"), "", "7"]
    np.testing.assert_array_equal(clips["start"], [1, np.nan, 5])
    np.testing.assert_array_equal(clips["end"], [2, np.nan, 5])
    assert clips[["fps", "width", "height", "frame_in"]].to_numpy().tolist() == [[25, 1920, 0, 0], [0] * 4, [0] * 4]
    again = va.Corpus.from_embeddings(tmp_path / "again", VECTORS, clips)  # a corpus's own table is one, too
    pd.testing.assert_frame_equal(again.clips, clips, check_dtype=False)
    plain = va.Corpus.from_embeddings(tmp_path / "plain", VECTORS, CLIP)
    assert plain.clips[["start", "end"]].isna().all(axis=None)
    assert "0 clips" not in str(plain)
    assert plain.clips["video"].tolist() == [""] * 3


def test_paths_of_videos_are_names_of_videos(tmp_path: Path, encoder: Encoder, videos: Path) -> None:
    rows = cuts(video=pd.Series([Path("one.mp4")] * 3, dtype=object))
    corpus = va.Corpus.from_manifest(tmp_path / "c", rows, encoder, videos=videos, progress=False)
    assert corpus.clips["video"].tolist() == ["one.mp4"] * 3


# --- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("clip_id,mood,mood\na,1,2\nb,1,2\nc,1,2\n", "The column 'mood' of {} comes twice"),
        ("clip_id;_key\na;1\nb;1\nc;1\n", "The column '_key' of {} is the corpus's own"),
        ("clip_id,x\na,1\nb,1\na,1\n", "The clip id 'a' of {} comes twice"),
        ("clip_id,x\na,1\n,1\nc,1\n", "The clip in row 3 of {} has no id"),
        ("clip_id,x\na,1\nb,1\n", "One vector a clip is needed, not embeddings (3, 5) for the 2 clips of {}"),
    ],
)
def test_the_file_of_a_table_is_named(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "clips.csv"
    file.write_text(text)
    said = refusal(tmp_path / "c", lambda: va.Corpus.from_embeddings(tmp_path / "c", VECTORS, file))
    assert said.startswith(told.format(file))


def test_the_file_of_a_manifest_is_named(tmp_path: Path, encoder: Encoder, videos: Path) -> None:
    file = tmp_path / "cuts.parquet"
    for columns, told in (
        ({"tags": [["x"]] * 3}, f"The column 'tags' of {file} holds values of the type ndarray"),
        ({"fps": 25}, f"The column 'fps' of {file} is the corpus's own"),
        (
            {"tags": pd.Series([["x"]] * 3, dtype=pd.ArrowDtype(pa.list_(pa.string())))},
            f"The column 'tags' of {file} holds",
        ),
    ):
        cuts(**columns).to_parquet(file)
        door = lambda: va.Corpus.from_manifest(tmp_path / "c", file, encoder, videos=videos)  # noqa: E731
        assert refusal(tmp_path / "c", door).startswith(told)


# --- what is put in place --------------------------------------------------------------------------


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[va.Corpus]:
    """A corpus that opens before and after."""
    corpus = va.Corpus.from_embeddings(tmp_path / "c", VECTORS, CLIP.assign(mine=[1, 2, 3]))
    before = sorted(file.name for file in corpus.path.iterdir())
    yield corpus
    assert sorted(file.name for file in corpus.path.iterdir()) == before
    pd.testing.assert_frame_equal(va.Corpus.open(corpus.path).clips, corpus.clips)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda clips: pd.concat([clips, clips.iloc[:1]]), "The clip id 'a' comes twice"),
        (lambda clips: clips.iloc[:2], "it has 2 rows for 3 clips"),
        (
            lambda clips: pd.concat([clips, clips.iloc[:1].set_axis(pd.Index(["d"], name="clip_id"))]),
            "it has 4 rows for 3 clips",
        ),
    ],
)
def test_a_table_that_would_not_open_is_not_put_in_place(
    spoil: Callable[[pd.DataFrame], pd.DataFrame], told: str, whole: va.Corpus
) -> None:
    with pytest.raises(va.CorpusError, match=told):
        replace_clips(whole.path, read_manifest(whole.path), spoil(whole.clips))


def test_an_id_twice_makes_no_longer_table(whole: va.Corpus) -> None:
    for table in (
        pd.DataFrame({"more": [1, 2]}, index=["b", "b"]),
        pd.DataFrame({"clip_id": ["b", "b"], "more": [1, 2]}),
    ):
        with pytest.raises(va.CorpusError, match="The clip id 'b' comes twice"):
            whole.with_columns(table)


def test_ids_are_text_of_any_kind_of_index() -> None:
    for index in (pd.Index([1, 2]), pd.Index(["1", "2"]), pd.CategoricalIndex([1, 2]), pd.RangeIndex(1, 3)):
        texts = id_texts(index)
        assert texts.tolist() == ["1", "2"]
        assert texts.name == "clip_id"
