"""Names of files and folders as people and other machines make them: each is built, listed and played."""

from __future__ import annotations

import os
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import va_widgets as va
from tests.unit.video.video_files import write_video
from va_widgets.base.names import escaped, folder_name, is_reserved, unescaped
from va_widgets.corpus import listing, sources
from va_widgets.corpus.manifest import file_name
from va_widgets.encoders.protocol import Encoder, as_encoder

NOT_UTF_8 = os.fsdecode(b"caf\xe9.mp4")
NAMES = [
    NOT_UTF_8,
    r"caf\xe9.mp4",  # what the name above is shown as
    "back\\slash.mp4",
    "film \U0001f3ac.mp4",
    "\u202efilm\u202c \u05d0\u05d1\u05d2.mp4",
    "line\nbreak.mp4",
    "dots...mp4",
    " spaces .mp4",
    "é" * 125 + ".mp4",  # 254 bytes
    "x" * 251 + ".mp4",
    "CON.mp4",
    "case.mp4",
    "Case.mp4",
    unicodedata.normalize("NFC", "é.mp4"),
    unicodedata.normalize("NFD", "é.mp4"),
    "folder. /trailing.mp4",
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return as_encoder("va-tiny")


@pytest.fixture(scope="module")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Small videos that all differ."""
    folder = tmp_path_factory.mktemp("patterns")
    for seed in range(len(NAMES)):
        write_video(folder / f"{seed}.mp4", [(seed, 4)], size=(48, 32))
    return [folder / f"{seed}.mp4" for seed in range(len(NAMES))]


def put(folder: Path, patterns: list[Path]) -> list[str]:
    """Copy videos to all names that the file system of this machine takes. Returns these."""
    taken = []
    for pattern, name in zip(patterns, NAMES, strict=True):
        file = folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                shutil.copyfile(pattern, file)
                taken.append(name)
        except OSError:  # macOS refuses bytes that are not UTF-8, Windows more
            continue
    return taken


texts = st.text(st.one_of(st.sampled_from("\\xu5c8de9\udce9\udc80\ud83d\udfff"), st.characters()))


@given(texts)
def test_an_escaped_name_is_text_and_gives_the_name_back(name: str) -> None:
    assert unescaped(escaped(name)) == name
    escaped(name).encode("utf-8")


@given(st.binary())
def test_any_bytes_are_a_name_that_comes_back(data: bytes) -> None:
    assert os.fsencode(unescaped(escaped(os.fsdecode(data)))) == data


def test_plain_names_are_not_changed_by_escaping() -> None:
    for name in ("a.mp4", "back\\slash.mp4", "ünï 🎬.mp4", "line\nbreak", "C:\\films\\x.mp4"):
        assert escaped(name) == name
    assert escaped(NOT_UTF_8) == r"caf\xe9.mp4"
    assert escaped("\ud83d.mp4") == r"\ud83d.mp4"
    assert escaped(r"caf\xe9.mp4") == r"caf\x5cxe9.mp4"


@pytest.mark.slow
def test_every_name_is_built_listed_and_played(encoder: Encoder, patterns: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    names = put(folder, patterns)
    corpus = va.Corpus.build(tmp_path / "corpus", folder, encoder, progress=False)
    assert sorted(corpus.report["source"]) == sorted(map(escaped, names))
    assert corpus.report["status"].eq("done").all(), corpus.report.to_string()
    assert sorted(corpus.clips["video"]) == sorted(map(escaped, names))
    for video in corpus.clips["video"]:
        str(video).encode("utf-8")
    opened = va.Corpus.open(tmp_path / "corpus")
    assert all(opened.preview(clip) and opened.filmstrip(clip).data for clip in opened.clips.index)
    manifest = (tmp_path / "corpus" / "manifest.json").read_bytes()
    assert va.Corpus.build(tmp_path / "corpus", folder, encoder, progress=False).clips.equals(opened.clips)
    assert (tmp_path / "corpus" / "manifest.json").read_bytes() == manifest
    str(corpus).encode("utf-8")
    corpus._repr_html_().encode("utf-8")


@pytest.mark.slow
def test_a_folder_whose_name_is_not_utf_8_holds_a_whole_corpus(
    encoder: Encoder, patterns: list[Path], tmp_path: Path
) -> None:
    home = tmp_path / os.fsdecode(b"d\xe9j\xe0 vu")
    try:
        (home / "videos").mkdir(parents=True)
    except OSError:
        pytest.skip("this file system takes no names that are not UTF-8")
    shutil.copy(patterns[0], home / "videos" / NOT_UTF_8)
    shutil.copy(patterns[1], home / "videos" / "b.mp4")
    va.Corpus.build(home / "corpus", home / "videos", encoder, progress=False)
    corpus = va.Corpus.open(home / "corpus").with_columns(pd.DataFrame({"mine": []}, dtype=float))
    assert "mine" in corpus.clips
    assert all(corpus.preview(clip) for clip in corpus.clips.index)
    str(corpus).encode("utf-8")
    session = va.Session(corpus, "a thing")
    session.label(corpus.clips.index[0], True)
    session.label(corpus.clips.index[1], False)
    model = session.publish("a thing")
    assert va.load_model(corpus.path / "models" / model.slug).version == 1
    assert session.report().save(home / "report.html").is_file()
    session.close()
    table = pd.DataFrame({"clip_id": list("abc")})
    # Not by pandas: before 2.3 it gives Arrow the path.
    with (home / "clips.parquet").open("wb") as opened:
        pq.write_table(pa.Table.from_pandas(table), opened)
    with (home / "vectors.parquet").open("wb") as opened:
        pq.write_table(pa.table({"embedding": np.eye(3, dtype=np.float32).tolist()}), opened)
    va.Corpus.from_embeddings(home / "given", home / "vectors.parquet", home / "clips.parquet")
    assert len(va.Corpus.open(home / "given")) == 3
    (home / "videos").rename(home / "films")
    with pytest.raises(va.PreviewUnavailableError) as told:
        va.Corpus.open(home / "corpus").preview(_uncached(corpus))
    str(told.value).encode("utf-8")
    corpus.relocate(home / "films")
    assert corpus.preview(_uncached(corpus))


@pytest.mark.slow
def test_an_index_lies_in_a_folder_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    home = tmp_path / os.fsdecode(b"d\xe9j\xe0 vu")
    try:
        home.mkdir()
    except OSError:
        pytest.skip("this file system takes no names that are not UTF-8")
    vectors = np.random.default_rng(0).normal(size=(1100, 8)).astype(np.float32)
    va.Corpus.from_embeddings(home / "c", vectors, pd.DataFrame({"clip_id": np.arange(1100).astype(str)}))
    for _ in range(2):  # made, and then read
        assert va.Corpus.open(home / "c", search="index").similar("7", 3).shape == (3, 2)


def _uncached(corpus: va.Corpus) -> str:
    shutil.rmtree(corpus.path / "previews", ignore_errors=True)
    return str(corpus.clips.index[0])


@pytest.mark.slow
def test_a_table_names_such_files_as_they_are_or_as_they_are_shown(
    encoder: Encoder, patterns: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "videos"
    names = put(folder, patterns)
    if NOT_UTF_8 not in names:
        pytest.skip("this file system takes no names that are not UTF-8")
    raw = pd.DataFrame({"start": 0.0, "end": 0.1, "file": pd.Series(names, dtype=object)}).assign(
        video=pd.Series(names, dtype=object)
    )
    corpus = va.Corpus.from_manifest(tmp_path / "raw", raw, encoder, videos=folder, progress=False)
    assert sorted(corpus.clips["video"]) == sorted(map(escaped, names))
    assert sorted(corpus.clips["file"]) == sorted(map(escaped, names))
    manifest = (tmp_path / "raw" / "manifest.json").read_bytes()
    va.Corpus.from_manifest(tmp_path / "raw", raw, encoder, videos=folder, progress=False)
    assert (tmp_path / "raw" / "manifest.json").read_bytes() == manifest
    shown = corpus.clips.loc[~corpus.clips["video"].str.startswith(" "), ["video", "start", "end"]]  # as CSV has it
    shown.to_csv(folder / "clips.csv", index=False)
    again = va.Corpus.from_manifest(tmp_path / "shown", folder / "clips.csv", encoder, progress=False)
    assert again.clips["video"].tolist() == shown["video"].tolist()
    assert again.clips.index.equals(shown.index)


def test_a_name_of_a_table_may_be_composed_in_another_way_than_the_file_s(
    encoder: Encoder, patterns: list[Path], tmp_path: Path
) -> None:
    shutil.copy(patterns[0], tmp_path / unicodedata.normalize("NFD", "é.mp4"))
    rows = pd.DataFrame({"video": [unicodedata.normalize("NFC", "é.mp4")], "start": [0.0], "end": [0.1]})
    corpus = va.Corpus.from_manifest(tmp_path / "c", rows, encoder, videos=tmp_path, progress=False)
    assert corpus.report["status"].tolist() == ["done"]
    assert corpus.preview(corpus.clips.index[0])


def test_names_of_rows_that_cannot_be_used_are_listed_whatever_they_are(
    encoder: Encoder, patterns: list[Path], tmp_path: Path
) -> None:
    shutil.copy(patterns[0], tmp_path / "a.mp4")
    gone = [
        "a.mp4",
        "y" * 300 + ".mp4",
        os.fsdecode(b"gone\xff.mp4"),
        "nul\0.mp4",
        "z/" * 3000 + "a.mp4",
        "~nobody/x.mp4",
    ]
    rows = pd.DataFrame({"start": 0.0, "end": 0.1, "video": pd.Series(gone, dtype=object)})
    corpus = va.Corpus.from_manifest(tmp_path / "c", rows, encoder, videos=tmp_path, progress=False)
    status = corpus.report.set_index("source")["status"].to_dict()
    assert status == {escaped(name): "done" if name == "a.mp4" else "skipped" for name in gone}


def test_clip_ids_that_are_not_unicode_are_refused(encoder: Encoder, patterns: list[Path], tmp_path: Path) -> None:
    ids = pd.Series(["fine", "odd\udce9"], dtype=object)
    with pytest.raises(va.CorpusError, match=r"^The clip id 'odd\\udce9' is not valid Unicode: give the clip another"):
        va.Corpus.from_embeddings(tmp_path / "g", np.eye(2, dtype=np.float32), pd.DataFrame({"clip_id": ids}))
    shutil.copy(patterns[0], tmp_path / "a.mp4")
    rows = pd.DataFrame({"video": "a.mp4", "start": [0.0, 0.04], "end": 0.1, "clip_id": ids})
    corpus = va.Corpus.from_manifest(tmp_path / "c", rows, encoder, videos=tmp_path, progress=False)
    assert corpus.clips.index.tolist() == ["fine"]
    assert corpus.report["reason"].tolist() == ["its clip_id is not valid Unicode", ""]


@pytest.mark.slow
def test_a_path_that_is_too_long_is_listed_and_the_others_are_built(
    encoder: Encoder, patterns: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    shutil.copy(patterns[0], videos / "a.mp4")
    monkeypatch.chdir(videos)
    for _ in range(20):  # each step is short, all of them together are no path that the system takes
        Path("d" * 240).mkdir()
        os.chdir("d" * 240)
    try:
        shutil.copy(patterns[1], "b.mp4")
        corpus = va.Corpus.build(tmp_path / "corpus", videos, encoder, progress=False)
        report = corpus.report.set_index("source")
        assert report.loc["a.mp4", "status"] == "done"
        (skipped,) = report.index[report["status"] == "skipped"]
        assert str(skipped).startswith("d" * 240)
        assert report.loc[skipped, "reason"] == "it cannot be read (File name too long)"
        manifest = (tmp_path / "corpus" / "manifest.json").read_bytes()
        va.Corpus.build(tmp_path / "corpus", videos, encoder, progress=False)
        assert (tmp_path / "corpus" / "manifest.json").read_bytes() == manifest
    finally:
        for _ in range(20):  # nothing else can take away what no path leads to
            for entry in list(Path().iterdir()):
                entry.rmdir() if entry.is_dir() else entry.unlink()
            os.chdir("..")
        Path("d" * 240).rmdir()


@pytest.mark.parametrize("door", ["open", "build", "from_manifest", "load_model", "open_release", "open_pool"])
def test_a_path_that_cannot_be_is_refused_in_one_sentence(door: str, tmp_path: Path) -> None:
    def call(path: Any) -> object:
        return {
            "open": lambda: va.Corpus.open(path),
            "build": lambda: va.Corpus.build(tmp_path / "c", path, progress=False),
            "from_manifest": lambda: va.Corpus.from_manifest(tmp_path / "c", path, progress=False),
            "load_model": lambda: va.load_model(path),
            "open_release": lambda: va.experiments.open_release(path),
            "open_pool": lambda: va.experiments.open_pool(path),
        }[door]()

    for path in ("x" * 300, "x/" * 3000, str(tmp_path / os.fsdecode(b"\xff"))):
        with pytest.raises(va.VaError) as told:
            call(path)
        str(told.value).encode("utf-8")
    for nothing, message in (("", "empty text"), ("a\0b", "NUL character"), (5, "not 5[.:]")):
        with pytest.raises(va.VaError, match=message):
            call(nothing)


# --- names that we give ------------------------------------------------------------------------------


def test_clips_that_differ_by_case_alone_have_files_of_their_own() -> None:
    ids = ["aB3", "Ab3", "ab3", "CON", "con", "nul", "com1", "é", "x" * 300, "a.b", "a-b", "lpt1"]
    names = [file_name(clip) for clip in ids]
    assert len({name.casefold() for name in names}) == len(ids)
    assert not any(is_reserved(f"{name}.2.mp4") for name in names)
    assert file_name("0123456789abcdef-00000000-00001200") == "0123456789abcdef-00000000-00001200"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Night city", "night_city"),
        (" 바다 풍경 ", "바다_풍경"),
        (unicodedata.normalize("NFD", "바다"), "바다"),
        ("夕焼け-空", "夕焼け_空"),
        ("हिन्दी", "हिन्दी"),  # its vowel signs are marks, not letters
        ("Ночной ГОРОД", "ночной_город"),
        ("Café", "café"),
        ("مدينة ليلا", "مدينة_ليلا"),
    ],
)
def test_a_folder_is_called_by_its_text_in_any_script(text: str, name: str, tmp_path: Path) -> None:
    assert folder_name(text, "model") == name
    (tmp_path / name).mkdir()


def test_folders_of_texts_that_differ_have_names_that_differ_and_can_be_made(tmp_path: Path) -> None:
    texts = [
        "바다",
        "바다?",
        "../바다",
        "바다/",
        "con",
        "com¹",
        "🎬",
        "🎥",
        ".",
        "a" * 101,
        "a" * 102,
        "바" * 200,
        "바" * 201,
    ]
    names = [folder_name(text, "model") for text in texts]
    assert len({name.casefold() for name in names}) == len(texts)
    for name in names:
        assert len(name.encode()) <= 100
        assert not is_reserved(name)
        assert not set(name) & set('/\\:*?"<>|. ')
        (tmp_path / name).mkdir()


def test_names_that_windows_reserves_are_known() -> None:
    assert all(map(is_reserved, ["CON", "con", "nul.mp4", "Aux.tar.gz", "COM1", "lpt9.txt", "com¹", "LPT³.log"]))
    assert not any(map(is_reserved, ["console", "com", "com10", "a.nul", "null"]))


@pytest.mark.slow
def test_a_file_whose_spelling_changed_where_case_is_not_told_apart_keeps_its_clips(
    encoder: Encoder, patterns: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    shutil.copy(patterns[0], folder / "Film.mp4")
    first = va.Corpus.build(tmp_path / "corpus", folder, encoder, progress=False)
    if (folder / "film.mp4").exists():
        pytest.skip("this file system does not tell case apart itself: the test makes one of another that does")
    # As a file system that does not tell case apart does it: both spellings lead to the file, one is listed.
    os.link(folder / "Film.mp4", folder / "film.mp4")
    listed = listing._files
    monkeypatch.setattr(listing, "_files", lambda *given: [file for file in listed(*given) if file.name != "Film.mp4"])
    monkeypatch.setattr(sources, "_is_spelled", lambda path: not path.endswith("Film.mp4"))
    second = va.Corpus.build(tmp_path / "corpus", folder, encoder, progress=False)
    assert second.report[["source", "status"]].to_numpy().tolist() == [["film.mp4", "done"]]
    assert second.clips.index.equals(first.clips.index)
    manifest = (tmp_path / "corpus" / "manifest.json").read_bytes()
    va.Corpus.build(tmp_path / "corpus", folder, encoder, progress=False)
    assert (tmp_path / "corpus" / "manifest.json").read_bytes() == manifest


def test_a_listed_spelling_is_told_from_one_that_only_leads_there(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    assert sources._is_spelled(str(tmp_path / "a.mp4"))
    assert not sources._is_spelled(str(tmp_path / "A.mp4"))
    if (tmp_path / "A.mp4").exists():
        pytest.skip("this file system does not tell case apart")
    os.link(tmp_path / "a.mp4", tmp_path / "A.mp4")
    assert not sources.is_respelled(str(tmp_path / "a.mp4"), str(tmp_path / "A.mp4"))  # two names, both listed
