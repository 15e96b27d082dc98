"""No file of the user's is touched, whatever is written into its folder and whatever it is called."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import va_widgets as va
from tests.unit.video.video_files import write_video
from va_widgets.corpus import storage
from va_widgets.corpus.files import leftovers, shards
from va_widgets.corpus.manifest import read_manifest
from va_widgets.corpus.writing import Writing, clear_unfinished

# What a user may have in a folder, called as closely like our own files as can be.
NAMES = (
    "clips-2024.parquet", "clips-1.parquet", "clips-2.parquet", "clips-.parquet", "clips-final-3.parquet",
    "embeddings-vitb32.npy", "embeddings-1.npy", "embeddings-2.npy", "embeddings-1.index", "embeddings-12.index",
    "texts-1.npz", "texts-en.npz", "sources-1.parquet", "sources-web.parquet", "sources-99999999999999999999.parquet",
    ".unfinished-notes", ".unfinished-1234-manifest.json", ".unfinished-123456789012345",
    ".unfinished-123456789012345-manifest.json", "clips-123456789012345.parquet", "embeddings-123456789012345.npy",
    "neighbours-1.npy", "neighbours-2024.npy", "neighbours-123456789012345.npy",
    "view-1-0.npy", "view-mine.npy", "view-123456789012345-0.npy", "view-123456789012345-mine.npy",
    "manifest.json.bak", "shard.json", "strips.bin", "index", "notes.txt", "report.html",
    "shards/notes.txt", "shards/mine/clips.parquet", "shards/mine/shard.json", "shards/.unfinished-abc/clips.parquet",
    "shards/.unfinished-123456789012345/clips.parquet", "shards/.unfinished-123456789012346/shard.json",
    "previews/mine.2.mp4", "models/mine/v1/card.json", "videos/notes.txt",
)  # fmt: skip


def vectors(n: int = 6, dim: int = 4) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((n, dim)).astype(np.float32)


def table(n: int = 6) -> pd.DataFrame:
    return pd.DataFrame(
        {"clip_id": [f"c{i}" for i in range(n)], "video": "a.mp4", "start": range(n), "end": range(1, n + 1)}
    )


def seed(folder: Path, names: tuple[str, ...] = NAMES) -> dict[Path, bytes]:
    """Write files of a user's. Returns their contents."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(f"the user's file {number}".encode())
    return contents(folder)


def contents(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def untouched(before: dict[Path, bytes]) -> bool:
    return {file: file.read_bytes() for file in before if file.is_file()} == before


def own_files(folder: Path, before: dict[Path, bytes]) -> list[str]:
    """The kinds of the files that are there and were not before."""
    new = sorted(file for file in contents(folder) if file not in before)
    return sorted(file.relative_to(folder).as_posix().partition("-")[0] for file in new)


# --- the operations --------------------------------------------------------------------------------


def test_embeddings_that_lie_in_the_corpus_s_own_folder_stay(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    np.save(data / "embeddings-vitb32.npy", vectors())
    table().to_parquet(data / "clips-2024.parquet")
    before = {**contents(data), **seed(data, NAMES[2:5] + NAMES[6:])}
    before = contents(data)
    corpus = va.Corpus.from_embeddings(data, data / "embeddings-vitb32.npy", data / "clips-2024.parquet")
    assert untouched(before)
    for number in range(2):
        corpus = corpus.with_columns(pd.DataFrame({f"more {number}": 1}, index=corpus.clips.index))
        assert untouched(before)
    assert own_files(data, before) == [".build.lock", "clips", "embeddings", "manifest.json", "neighbours"]
    assert va.Corpus.open(data).clips["more 0"].eq(1).all()


@pytest.mark.slow
def test_films_that_are_built_where_they_lie_stay_with_all_that_lies_there(tmp_path: Path) -> None:
    films = tmp_path / "films"
    write_video(films / "a.mp4", [(1, 10), (2, 10)], size=(96, 54))
    write_video(films / "shards" / "b.mp4", [(3, 10)], size=(96, 54))
    seed(films)
    for mine in films.glob("previews/*.mp4"):
        shutil.copyfile(films / "a.mp4", mine)
    before = contents(films)
    corpus = va.Corpus.build(films, videos=films, progress=False)
    assert len(corpus) >= 3
    assert untouched(before)
    names = own_files(films, before)
    va.Corpus.build(films, videos=films, progress=False)  # there is nothing to do
    assert untouched(before)
    assert own_files(films, before) == names
    corpus = va.Corpus.open(films)
    corpus.with_columns(pd.DataFrame({"mine": 1}, index=corpus.clips.index))
    corpus.preview(corpus.clips.index[0])
    assert untouched(before)
    write_video(tmp_path / "c.mp4", [(4, 10)], size=(96, 54))
    corpus = va.Corpus.open(films).add(tmp_path / "c.mp4", progress=False)
    assert corpus.clips["mine"].isna().any()
    assert untouched(before)
    shutil.copytree(films, tmp_path / "moved")
    va.Corpus.open(films).relocate(films, tmp_path / "moved", missing_ok=True)
    assert untouched(before)
    rows = pd.DataFrame({"video": ["a.mp4"], "start": [0.0], "end": [0.3]})
    segments = tmp_path / "segments"
    other = seed(segments)
    va.Corpus.from_manifest(segments, rows, videos=films, progress=False)
    assert untouched(other)


def test_an_index_and_its_embeddings_go_together_and_another_s_index_stays(tmp_path: Path) -> None:
    pytest.importorskip("faiss", reason="the extra `index` is not installed")
    home = tmp_path / "c"
    before = seed(home)
    va.Corpus.from_embeddings(home, vectors(2000, 8), table(2000))
    va.Corpus.open(home, search="index")
    matrix = read_manifest(home).embeddings_file
    assert (home / matrix).with_suffix(".index").is_file()
    assert not [*home.glob(".unfinished-*[0-9]-*.index")]
    former = read_manifest(home)
    with Writing(home) as writing:  # as a build does that has found new videos
        name, written = writing.embeddings(2000, 8)
        written[:] = np.load(home / matrix)
        writing.finish(msgspec.structs.replace(former, embeddings_file=name))
    assert not (home / matrix).exists()
    assert not (home / matrix).with_suffix(".index").exists()
    assert untouched(before)
    assert len(va.Corpus.open(home)) == 2000


words = st.one_of(
    st.sampled_from([name for name in NAMES if "/" not in name]),
    st.builds(
        "{}-{}{}".format,
        st.sampled_from(["clips", "embeddings", "view", "texts", "sources", ".unfinished"]),
        st.one_of(st.integers(0, 10**16).map(str), st.text("abc-_ 0é", max_size=6)),
        st.sampled_from(["", ".parquet", ".npy", ".npz", ".index", "-manifest.json"]),
    ),
)


@settings(max_examples=12)
@given(names=st.lists(words, max_size=12, unique=True))
def test_files_of_any_name_stay(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    home = tmp_path_factory.mktemp("any") / "c"
    home.mkdir()
    before = seed(home, tuple(names))
    corpus = va.Corpus.from_embeddings(home, vectors(3), table(3))
    corpus.with_columns(pd.DataFrame({"mine": [1, 2, 3]}, index=corpus.clips.index))
    assert untouched(before)
    assert own_files(home, before) == [".build.lock", "clips", "embeddings", "manifest.json", "neighbours"]


# --- what stands in the way ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("manifest.json", '{"name": "a web page"}', r"manifest\.json is damaged, or no manifest of a corpus \("),
        ("shards", "a text", r"shards is no folder: move it, or choose another folder for the corpus\."),
        (
            ".build.lock",
            "make",
            r"\.build\.lock is not the corpus's: move it, or choose another folder for the corpus\.",
        ),
    ],
)
def test_a_file_of_a_name_that_a_corpus_needs_is_told_before_anything_is_written(
    tmp_path: Path, name: str, content: str, told: str
) -> None:
    home = tmp_path / "c"
    home.mkdir()
    (home / name).write_text(content)
    write_video(tmp_path / "films" / "a.mp4", [(1, 5)], size=(48, 32))
    before = contents(home)
    with pytest.raises(va.CorpusError, match=told):
        va.Corpus.from_embeddings(home, vectors(), table())
    with pytest.raises(va.CorpusError, match=told):
        va.Corpus.build(home, tmp_path / "films", progress=False)
    assert contents(home) == before


@pytest.mark.slow
def test_a_shard_s_folder_with_another_s_files_is_told_before_its_video_is_read(tmp_path: Path) -> None:
    write_video(tmp_path / "films" / "a.mp4", [(1, 5)], size=(48, 32))
    home = tmp_path / "c"
    va.Corpus.build(home, tmp_path / "films", progress=False)
    key = next((home / "shards").iterdir()).name
    (home / "manifest.json").unlink()
    (home / "shards" / key / "shard.json").write_text("{")
    (home / "shards" / key / "notes.txt").write_text("mine")
    with pytest.raises(
        va.CorpusError, match=rf"{key} holds notes\.txt, which is not the corpus's: move it, then build"
    ):
        va.Corpus.build(home, tmp_path / "films", progress=False)
    assert (home / "shards" / key / "notes.txt").read_text() == "mine"
    (home / "shards" / key / "notes.txt").unlink()
    assert len(va.Corpus.build(home, tmp_path / "films", progress=False))


def test_a_file_of_a_former_manifest_that_is_another_now_stays(tmp_path: Path) -> None:
    corpus = va.Corpus.from_embeddings(tmp_path / "c", vectors(), table())
    former = read_manifest(corpus.path)
    with Writing(corpus.path) as writing:
        name = writing.clips(storage.open_files(corpus.path).clips.read())
        writing.finish(msgspec.structs.replace(former, clips_file=name))
    file = corpus.path / former.clips_file
    assert not file.exists()
    file.write_text("the user's")
    va.Corpus.open(corpus.path).with_columns(pd.DataFrame({"mine": 1}, index=corpus.clips.index))
    assert file.read_text() == "the user's"


def test_a_manifest_cannot_have_another_file_removed(tmp_path: Path) -> None:
    corpus = va.Corpus.from_embeddings(tmp_path / "c", vectors(), table())
    (corpus.path / "labels.sqlite").write_bytes(b"labels")
    file = corpus.path / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "replaced": {"labels.sqlite": 6}}))
    with pytest.raises(va.CorpusError, match="damaged"):
        corpus.with_columns(pd.DataFrame({"mine": 1}, index=corpus.clips.index))
    assert (corpus.path / "labels.sqlite").read_bytes() == b"labels"


def test_what_would_not_open_is_not_put_in_place(tmp_path: Path) -> None:
    corpus = va.Corpus.from_embeddings(tmp_path / "c", vectors(), table())
    before = contents(corpus.path)
    former, whole = read_manifest(corpus.path), storage.open_files(corpus.path).clips.read()
    twice = whole.set_axis(pd.Index(["twice"] * len(whole), name="clip_id"))
    for rows, told in (
        (pd.concat([whole, whole.rename(index="{}-2".format)]), "it has 12 rows for 6 clips"),
        (twice, "The clip id 'twice' comes twice"),
        (whole.assign(start="soon"), "the column start is no number"),
        (whole.drop(columns="fps"), "it has no column fps"),
    ):
        with pytest.raises(va.CorpusError, match=told), Writing(corpus.path) as writing:
            writing.finish(msgspec.structs.replace(former, clips_file=writing.clips(rows)))
    with (
        pytest.raises(va.CorpusError, match=r"cannot be written \(.*fingerprint"),
        Writing(corpus.path) as writing,
    ):
        writing.finish(msgspec.structs.replace(former, fingerprint="x" * 100_000))
    assert contents(corpus.path) == before


def test_the_demo_leaves_files_of_its_names_alone(tmp_path: Path) -> None:
    for name in ("truth.json", "demo.json"):
        (tmp_path / name).write_text("[]")
        with pytest.raises(va.CorpusError, match=rf"{name} is not the demo's: move it, or choose another folder"):
            va.demo.corpus(tmp_path, clips=8, progress=False)
        assert [file.read_text() for file in tmp_path.iterdir()] == ["[]"]
        (tmp_path / name).unlink()
    from va_widgets.demo.launcher import headless

    (tmp_path / "report.html").write_text("<p>mine")
    with pytest.raises(va.CorpusError, match=r"report\.html is not the demo's: move it, or choose another folder"):
        headless(tmp_path, 8, 0, "night city", 4)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["<p>mine"]


# --- kills -----------------------------------------------------------------------------------------

_watched: list[tuple[Path, Path]] = []  # the folder whose states are kept, and where


def _keep(event: str, told: tuple[object, ...]) -> None:
    """Before each step on the disk, keep a copy of the folder: what a kill there would leave."""
    if not _watched or event not in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"):
        return
    folder, kept = _watched[0]
    if any(str(one).startswith(str(folder)) for one in told):
        _watched.clear()  # what follows is this function's own
        shutil.copytree(folder, kept / str(len(list(kept.iterdir()))))
        _watched.append((folder, kept))


@contextmanager
def states(folder: Path, kept: Path) -> Iterator[None]:
    """Keep every state that a folder goes through."""
    if not getattr(sys, "_va_keeps", False):
        sys.addaudithook(_keep)
        sys._va_keeps = True  # type: ignore[attr-defined]  # a hook cannot be taken away
    kept.mkdir()
    _watched.append((folder, kept))
    try:
        yield
    finally:
        _watched.clear()


def test_a_writer_that_is_killed_at_any_step_leaves_nothing_for_ever(tmp_path: Path) -> None:
    home = tmp_path / "c"
    seed(home)
    names = {file.relative_to(home) for file in contents(home)}
    corpus = va.Corpus.from_embeddings(home, vectors(), table(), text_embeddings={"a thing": vectors()[0]})
    more = pd.DataFrame({"mine": 1}, index=corpus.clips.index)
    with states(home, tmp_path / "states"):
        corpus.with_columns(more)
    kept = sorted((tmp_path / "states").iterdir())
    assert len(kept) > 10
    left = set()
    for state in kept:
        left |= {file.name for file in state.glob(".unfinished-*")}
        found = va.Corpus.open(state)
        again = found.with_columns(more)
        assert again.clips["mine"].eq(1).all()
        before = {state / name: (home / name).read_bytes() for name in names}
        assert untouched(before)
        assert own_files(state, before) == [
            ".build.lock",
            "clips",
            "embeddings",
            "manifest.json",
            "neighbours",
            "texts",
        ]
    assert len(left) >= len([name for name in names if str(name).startswith(".unfinished-")]) + 2


def test_a_writer_of_a_shard_that_is_killed_at_any_step_leaves_nothing_for_ever(tmp_path: Path) -> None:
    home = tmp_path / "c"
    seed(home)
    names = {file.relative_to(home) for file in contents(home)}
    clips = pa.Table.from_pandas(table(2), preserve_index=False)
    card = shards.ShardCard("encoder", 1, "done", "", 2)
    made = shards.Shard(clips, vectors(2).astype(np.float16), b"strips", card, vectors(2).astype(np.float16))
    shards.write_shard(home, "0123456789abcdef", made)
    with states(home, tmp_path / "states"):
        shards.write_shard(home, "0123456789abcdef", made)  # in the place of the former
    kept = sorted((tmp_path / "states").iterdir())
    assert len(kept) > 10
    for state in kept:
        clear_unfinished(state)
        before = {state / name: (home / name).read_bytes() for name in names}
        assert untouched(before)
        new = sorted(file.relative_to(state).as_posix() for file in contents(state) if file not in before)
        whole = [f"shards/0123456789abcdef/{name}" for name in sorted(shards.SHARD_FILES)]
        assert new in (whole, [])
        assert {folder.name for folder in state.glob("shards/*")} - {"0123456789abcdef"} == {
            name.parts[1] for name in names if name.parts[0] == "shards"
        }
        if new:
            assert shards.read_shard_card(state, "0123456789abcdef") is not None


def test_a_writer_of_a_view_that_is_killed_at_any_step_leaves_nothing_for_ever(tmp_path: Path) -> None:
    home = tmp_path / "c"
    corpus = va.Corpus.from_embeddings(home, vectors(), table(), views={"mine": vectors(dim=2)})
    with states(home, tmp_path / "states"):
        corpus.add_view("mine", vectors())
    kept = sorted((tmp_path / "states").iterdir())
    assert len(kept) > 10
    for state in kept:
        found = va.Corpus.open(state)
        assert np.array_equal(found.view("mine"), vectors(dim=found.view("mine").shape[1]))
        assert np.array_equal(found.add_view("mine", vectors()).view("mine"), vectors())
        kinds = [".build.lock", "clips", "embeddings", "manifest.json", "neighbours", "view"]
        assert own_files(state, {}) == kinds


def test_a_writer_of_a_shard_s_motion_that_is_killed_at_any_step_leaves_the_shard_whole(tmp_path: Path) -> None:
    home, key = tmp_path / "c", "0123456789abcdef"
    clips = pa.Table.from_pandas(table(2), preserve_index=False)
    card = shards.ShardCard("encoder", 1, "done", "", 2)
    shards.write_shard(home, key, shards.Shard(clips, vectors(2).astype(np.float16), b"strips", card))
    motion = vectors(2, 3).astype(np.float16)
    with states(home, tmp_path / "states"):
        shards.write_shard_motion(home, key, motion, 1)
    kept = sorted((tmp_path / "states").iterdir())
    assert len(kept) > 5
    for state in kept:
        clear_unfinished(state)
        assert [folder.name for folder in (state / "shards").iterdir()] == [key]
        assert shards.read_shard_card(state, key) is not None
        before = shards.read_shard_motion(state, key, 3)
        assert before is None or np.array_equal(before, motion)
        shards.write_shard_motion(state, key, motion, 1)
        after = shards.read_shard_motion(state, key, 3)
        assert after is not None
        assert np.array_equal(after, motion)
        assert shards.read_shard_motion(state, key, 4) is None  # as of a version that measures something else


def test_numbers_of_unfinished_files_are_no_names_of_a_user_s(tmp_path: Path) -> None:
    number = leftovers.new_number()
    assert len(number) == 15
    assert number != leftovers.new_number()
    leftovers.write_marker(tmp_path, number)
    for name in (
        f"clips-{number}.parquet",
        f"embeddings-{number}.npy",
        f"view-{number}-0.npy",
        f"view-{number}-1.npy",
        f".unfinished-{number}-manifest.json",
    ):
        (tmp_path / name).touch()
    (tmp_path / f"notes-{number}.txt").touch()
    leftovers.clear(tmp_path, [f"embeddings-{number}.npy", f"view-{number}-1.npy"])
    left = [f"embeddings-{number}.npy", f"notes-{number}.txt", f"view-{number}-1.npy"]
    assert sorted(file.name for file in tmp_path.iterdir()) == left
