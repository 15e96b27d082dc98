"""Whatever lies in a folder or behind a URL: what can be used becomes clips, and the report tells of the rest."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import va_widgets as va
from tests.unit.video.test_decode import REFUSED
from tests.unit.video.video_files import film, scene, write_video
from tests.unit.web_server import serving
from va_widgets.corpus.listing import find_sources
from va_widgets.corpus.sources import content_key
from va_widgets.encoders.protocol import Encoder, as_encoder


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return as_encoder("va-tiny")


@pytest.fixture
def build(encoder: Encoder, tmp_path: Path) -> Any:
    """Builds the corpus in tmp_path / "corpus", or goes on with it."""

    def build(videos: object, corpus: str = "corpus", **options: object) -> va.Corpus:
        home = tmp_path / corpus
        return va.Corpus.build(home, videos, encoder, progress=False, **options)  # type: ignore[arg-type]

    return build


def told(corpus: va.Corpus) -> dict[str, str]:
    """What became of every source."""
    return dict(zip(corpus.report["source"], corpus.report["status"], strict=True))


def ids(corpus: va.Corpus) -> dict[str, list[str]]:
    """The clips of every video."""
    return {str(name): rows.index.tolist() for name, rows in corpus.clips.groupby("video", observed=True)}


# --- odd files -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_odd_files_harm_none_of_the_others(build: Any, tmp_path: Path) -> None:
    folder = tmp_path / "v"
    film(folder / "good.mp4", scene(1, 30) + scene(2, 30))
    film(folder / "prores.MOV", scene(3, 20), "prores_ks", pix_fmt="yuv422p10le")
    film(folder / "upright.mp4", scene(4, 20), rotation=90)
    film(folder / "one frame.mkv", scene(5, 1))
    film(folder / "odd.mp4", scene(6, 20, (101, 67)), pix_fmt="yuv444p")
    film(folder / "fast.mp4", scene(7, 240), rate=240)
    film(folder / "broken.mkv", [np.roll(one, i, 1) for i, one in enumerate(scene(8, 100))], options={"g": "10"})
    whole = (folder / "broken.mkv").read_bytes()
    (folder / "broken.mkv").write_bytes(whole[: len(whole) // 2])
    film(folder / "film.ts", scene(9, 20), container="mpegts")  # what the lists name
    for name, (data, _) in REFUSED.items():
        (folder / name).write_bytes(data)
    (folder / "dangling.mp4").symlink_to(folder / "nowhere.mp4")
    (folder / ".hidden.mp4").write_bytes(whole)
    (folder / ".trash").mkdir()
    (folder / ".trash" / "old.mp4").write_bytes(whole)
    (folder / "notes.txt").write_text("not a video, and not named like one")
    corpus = build(folder)
    report = corpus.report.set_index("source")
    wanted = dict.fromkeys(REFUSED, "skipped") | {"dangling.mp4": "skipped", "broken.mkv": "partial"}
    good = ["fast.mp4", "film.ts", "good.mp4", "odd.mp4", "one frame.mkv", "prores.MOV", "upright.mp4"]
    assert told(corpus) == wanted | dict.fromkeys(good, "done")
    for name, (_, reason) in REFUSED.items():
        assert reason in str(report.loc[name, "reason"])
    assert "it breaks off at" in str(report.loc["broken.mkv", "reason"])
    assert "No such file" in str(report.loc["dangling.mp4", "reason"])
    assert report.loc["good.mp4", "clips"] == 2
    shapes = corpus.clips.groupby("video", observed=True)[["width", "height"]].first()
    assert shapes.loc["upright.mp4"].tolist() == [64, 96]
    assert shapes.loc["odd.mp4"].tolist() == [101, 67]
    for clip in corpus.clips.index:
        assert corpus.filmstrip(clip).frames == corpus.frames_per_shot
        assert corpus.preview(clip)


def test_windows_have_the_same_ids_in_every_build(build: Any, tmp_path: Path) -> None:
    film(tmp_path / "v" / "a.mp4", scene(1, 110), rate=25)
    corpus = build(tmp_path / "v", window=2.0)
    assert corpus.clips[["start", "end"]].to_numpy().tolist() == [[0.0, 2.0], [2.0, 4.0], [4.0, 4.4]]
    assert build(tmp_path / "v", "again", window=2.0).clips.index.equals(corpus.clips.index)
    with pytest.raises(va.CorpusError, match=r"are windows of 2 s, not windows of 3 s"):
        build(tmp_path / "v", window=3.0)


@pytest.mark.parametrize("window", [0.0, -1.0, float("nan"), float("inf")])
def test_a_window_that_is_no_length_is_refused(window: float, build: Any, tmp_path: Path) -> None:
    film(tmp_path / "v" / "a.mp4", scene(1, 10))
    with pytest.raises(va.CorpusError, match=r"at least 0\.04 seconds"):
        build(tmp_path / "v", window=window)


# --- pictures --------------------------------------------------------------------------------------


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(seed, 1, (64, 40))[0]).save(path)


@pytest.mark.slow
def test_many_pictures_come_and_go(build: Any, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    for number in range(600):
        picture(folder / f"{number:03d}.jpg", number)
    (folder / "zero.jpg").touch()
    (folder / "text.png").write_text("no picture")
    first = build(folder, frames_per_shot=1)
    assert len(first) == 600
    shards = tmp_path / "corpus" / "shards"
    assert len(list(shards.iterdir())) == 3  # not one a picture
    reasons = first.report[first.report["status"] == "skipped"].set_index("source")["reason"].to_dict()
    assert reasons == {
        "text.png": "it is not a picture of a kind that is known here",
        "zero.jpg": "it is empty (0 bytes)",
    }
    session = va.Session(first, "a thing")
    session.label(first.clips.index[:4], True)
    session.label(first.clips.index[300:304], False)
    session.refit()
    assert len(session.feed("top_positive", 8)) == 8
    session.close()
    with pytest.raises(va.PreviewUnavailableError, match=r"This clip is a picture: there is nothing to play\."):
        first.preview(first.clips.index[0])

    (folder / "300.jpg").unlink()
    picture(folder / "more" / "new.jpg", 1000)
    second = build(folder, frames_per_shot=1)
    before, after = ids(first), ids(second)
    assert before.keys() - after.keys() == {"300.jpg"}
    assert after.keys() - before.keys() == {"more/new.jpg"}
    assert all(before[name] == after[name] for name in before.keys() & after.keys())
    assert told(second)["300.jpg"] == "gone"
    clip = after["599.jpg"][0]
    one, other = first.embeddings[first.row(clip)], second.embeddings[second.row(clip)]
    np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    assert second.filmstrip(clip).data == first.filmstrip(clip).data
    session = va.Session(second, "a thing")
    assert (session.counts["yes"], session.counts["no"]) == (4, 4)
    session.close()


@pytest.mark.slow
def test_posters_beside_videos_are_left_alone_unless_asked_for(build: Any, tmp_path: Path) -> None:
    film(tmp_path / "v" / "a.mp4", scene(1, 10))
    picture(tmp_path / "v" / "a.jpg", 2)
    assert told(build(tmp_path / "v")) == {"a.mp4": "done", "*.jpg": "skipped"}
    assert told(build(tmp_path / "v", "both", pictures=True)) == {"a.mp4": "done", "a.jpg": "done"}
    (tmp_path / "v" / "a.mp4").unlink()
    with pytest.raises(va.NoVideosError, match="holds 1 pictures, which pictures=True takes"):
        build(tmp_path / "v", "none", pictures=False)


# --- what comes, goes and moves --------------------------------------------------------------------


@pytest.mark.slow
def test_clips_keep_their_ids_and_labels_whatever_happens_to_files(build: Any, tmp_path: Path) -> None:
    folder = tmp_path / "v"
    names = ["one.mp4", "two words.mp4", "ünï–codé 🎬.mp4", "line\nbreak.mp4", "deeper/one.mp4"]
    for seed, name in enumerate(names):
        film(folder / name, scene(seed, 12))
    first = build(folder)
    assert told(first) == dict.fromkeys(names, "done")
    session = va.Session(first, "a thing")
    session.label(first.clips.index, True)
    session.close()

    def unchanged(corpus: va.Corpus, renamed: dict[str, str], gone: int = 0) -> None:
        now = ids(corpus)
        assert {name: now[renamed.get(name, name)] for name in names if renamed.get(name, name) in now} == {
            name: clips for name, clips in ids(first).items() if renamed.get(name, name) in now
        }
        labels = va.Session(corpus, "a thing")
        assert (labels.scores().index == corpus.clips.index).all()
        assert labels.labels.index.isin(corpus.clips.index).sum() == len(names) - gone
        labels.close()

    (folder / "one.mp4").rename(tmp_path / "kept.mp4")
    without = build(folder)
    assert told(without)["one.mp4"] == "gone"
    unchanged(without, {}, gone=1)

    (tmp_path / "kept.mp4").rename(folder / "one.mp4")
    back = build(folder)
    assert told(back) == dict.fromkeys(names, "done")
    unchanged(back, {})

    (folder / "one.mp4").rename(folder / "uno.mp4")
    renamed = build(folder)
    assert "one.mp4" not in told(renamed)
    unchanged(renamed, {"one.mp4": "uno.mp4"})

    folder = folder.rename(tmp_path / "films")
    moved = build(folder)
    unchanged(moved, {"one.mp4": "uno.mp4"})
    assert all(moved.preview(clip) for clip in moved.clips.index)

    shutil.copy(folder / "uno.mp4", folder / "a copy.mp4")
    copied = build(folder)
    reasons = dict(zip(copied.report["source"], copied.report["reason"], strict=True))
    assert reasons["a copy.mp4"] == "it has the same content as uno.mp4"
    unchanged(copied, {"one.mp4": "uno.mp4"})

    (folder / "uno.mp4").unlink()
    unchanged(build(folder), {"one.mp4": "a copy.mp4"})

    film(folder / "two words.mp4", scene(77, 14))
    replaced = build(folder)
    assert told(replaced) == dict.fromkeys([*names[1:], "a copy.mp4"], "done")
    assert not set(ids(replaced)["two words.mp4"]) & set(ids(first)["two words.mp4"])


@pytest.mark.slow
def test_one_folder_by_any_of_its_names_is_one(build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "v"
    film(folder / "a.mp4", scene(1, 12))
    film(folder / "deeper" / "b.mp4", scene(2, 12))
    first = build(folder)
    manifest = (tmp_path / "corpus" / "manifest.json").read_bytes()
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    for name in ("v", "v/", "./v/../v", "link", f"{folder}/"):
        assert build(name).clips.equals(first.clips)
    assert build([folder / "a.mp4", "v/deeper/b.mp4", folder.as_uri() + "/a.mp4"]).clips.equals(first.clips)
    assert build(["v/a.mp4"]).clips.equals(first.clips)  # a list says nothing of what it does not name
    assert (tmp_path / "corpus" / "manifest.json").read_bytes() == manifest


@pytest.mark.slow
def test_a_folder_inside_or_around_a_known_one_holds_the_same_videos(build: Any, tmp_path: Path) -> None:
    folder = tmp_path / "v"
    film(folder / "deeper" / "a.mp4", scene(1, 12))
    film(folder / "b.mp4", scene(2, 12))
    whole = build(folder)
    manifest = (tmp_path / "corpus" / "manifest.json").read_bytes()
    assert build(folder / "deeper").clips.equals(whole.clips)
    assert build([folder / "deeper" / "a.mp4"]).clips.equals(whole.clips)
    assert (tmp_path / "corpus" / "manifest.json").read_bytes() == manifest
    part = build(folder / "deeper", "part")
    assert told(part) == {"a.mp4": "done"}
    grown = build(folder, "part")
    assert told(grown) == {"a.mp4": "done", "b.mp4": "done"}
    assert set(grown.clips.index) == set(whole.clips.index)
    (folder / "deeper" / "a.mp4").unlink()
    assert told(build(folder, "part")) == {"a.mp4": "gone", "b.mp4": "done"}


@pytest.mark.slow
def test_files_of_one_name_in_two_folders_are_two(build: Any, tmp_path: Path) -> None:
    film(tmp_path / "v" / "a.mp4", scene(1, 12))
    film(tmp_path / "w" / "a.mp4", scene(2, 12, (64, 96)))
    corpus = build(tmp_path / "v")
    corpus.add(tmp_path / "w", progress=False)
    assert corpus.report["source"].tolist() == ["a.mp4", "w/a.mp4"]
    assert corpus.clips["width"].tolist() == [96, 64]
    assert len({corpus.preview(clip) for clip in corpus.clips.index}) == 2
    assert build(tmp_path / "v").clips.equals(corpus.clips)


@pytest.mark.slow
def test_linked_folders_and_files_are_followed(build: Any, tmp_path: Path) -> None:
    film(tmp_path / "elsewhere" / "a.mp4", scene(1, 12))
    film(tmp_path / "alone.mp4", scene(2, 12))
    folder = tmp_path / "v"
    folder.mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "b.mp4").symlink_to(tmp_path / "alone.mp4")
    (folder / "round").symlink_to(folder)
    corpus = build(folder)
    assert told(corpus) == {"linked/a.mp4": "done", "b.mp4": "done"}
    assert all(corpus.preview(clip) for clip in corpus.clips.index)


@pytest.mark.slow
def test_a_corpus_among_its_videos_does_not_index_its_own_previews(build: Any, tmp_path: Path) -> None:
    film(tmp_path / "v" / "a.mp4", scene(1, 12))
    film(tmp_path / "v" / "previews" / "b.mp4", scene(2, 12))  # somebody's own folder of that name
    corpus = build(tmp_path / "v", "v/corpus")
    assert all(corpus.preview(clip) for clip in corpus.clips.index)
    again = build(tmp_path / "v", "v/corpus")
    assert told(again) == {"a.mp4": "done", "previews/b.mp4": "done"}
    # The same where the corpus lies in the folder itself.
    inside = build(tmp_path / "v", "v")
    assert all(inside.preview(clip) for clip in inside.clips.index)
    assert any((tmp_path / "v" / "previews").glob("*.3.mp4"))
    assert told(build(tmp_path / "v", "v")) == {"a.mp4": "done", "previews/b.mp4": "done"}


@pytest.mark.slow
def test_files_that_differ_only_where_nobody_looks_are_two(build: Any, tmp_path: Path) -> None:
    # Files are told apart by blocks of them; these are alike in all of those.
    folder = tmp_path / "v"
    write_video(folder / "a.mp4", [(1, 30)])
    whole = (folder / "a.mp4").read_bytes() + (8 + (1 << 23)).to_bytes(4, "big") + b"free" + bytes(1 << 23)
    for name in ("a.mp4", "b.mp4"):
        (folder / name).write_bytes(whole)
    with (folder / "b.mp4").open("r+b") as opened:
        opened.seek(200_000)
        opened.write(b"another")
    (group,) = find_sources(folder)
    assert len({content_key(file) for file in group.files}) == 1
    corpus = build(folder)
    assert told(corpus) == {"a.mp4": "done", "b.mp4": "done"}
    assert len(set(corpus.clips.index)) == 2


# --- URLs ------------------------------------------------------------------------------------------


class _Ranges(BaseHTTPRequestHandler):
    """Serves the files of a folder, whole or in parts."""

    folder: Path

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        file = self.folder / self.path.lstrip("/")
        if not file.is_file():
            self.send_error(404)
            return
        data, asked = file.read_bytes(), self.headers.get("Range")
        first, last = 0, len(data) - 1
        if asked is not None:
            start, _, end = asked.removeprefix("bytes=").partition("-")
            first, last = int(start), min(int(end or last), last)
        self.send_response(200 if asked is None else 206)
        if asked is not None:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{len(data)}"')
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        if body:
            self.wfile.write(data[first : last + 1])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A web server on this machine; serves tmp_path / "served"."""
    (tmp_path / "served").mkdir()
    handler = type("Handler", (_Ranges,), {"folder": tmp_path / "served"})
    with serving(handler) as host:
        yield f"http://{host}"


def test_videos_and_pictures_are_read_from_a_web_server(build: Any, server: str, tmp_path: Path) -> None:
    pytest.importorskip("aiohttp", reason="fsspec reads http with aiohttp, which is not installed")
    film(tmp_path / "served" / "a.mp4", scene(1, 30) + scene(2, 30))
    film(tmp_path / "served" / "b.mkv", scene(3, 30))
    picture(tmp_path / "served" / "c.png", 4)
    urls = [f"{server}/{name}" for name in ("a.mp4", "b.mkv", "c.png")]
    corpus = build(urls)
    assert told(corpus) == dict.fromkeys(urls, "done")
    films = corpus.clips[corpus.clips["video"] != urls[2]]
    assert films["start"].tolist() == [0.0, 1.2, 0.0]
    assert all(corpus.preview(clip) for clip in films.index)
    assert build(urls).clips.equals(corpus.clips)
    with pytest.raises(va.CorpusError, match=r"/gone\.mp4 cannot be read, because there is nothing at this"):
        build([f"{server}/gone.mp4"])
    (tmp_path / "served" / "b.mkv").unlink()
    shutil.rmtree(tmp_path / "corpus" / "previews")
    clip = films.index[films["video"] == urls[1]][0]
    with pytest.raises(va.PreviewUnavailableError, match=r"b\.mkv cannot be read, because there is nothing"):
        corpus.preview(clip)


def test_videos_and_pictures_are_read_from_an_archive(build: Any, tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", scene(1, 30))
    picture(tmp_path / "b.png", 2)
    with zipfile.ZipFile(tmp_path / "films.zip", "w") as archive:
        archive.write(tmp_path / "a.mp4", "in/a.mp4")
        archive.write(tmp_path / "b.png", "b.png")
    urls = [f"zip://{name}::{tmp_path}/films.zip" for name in ("b.png", "in/a.mp4")]
    with pytest.raises(va.NoVideosError, match=r"a chain of URLs: download the file, or give allow=\('zip',\)"):
        build(urls)
    corpus = build(urls, allow=("zip",))
    assert told(corpus) == dict.fromkeys(urls, "done")
    assert (corpus.clips["end"] - corpus.clips["start"]).tolist() == pytest.approx([0.0, 1.2])
    assert corpus.preview(corpus.clips.index[1])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "foo://host/a.mp4",
            r"^foo://host/a\.mp4 is not followed, because only http, .* and hf are: download the file, ",
        ),
        ("odd://host/a.mp4", r"^odd://host/a\.mp4 cannot be read \(Protocol not known: odd\): check the address, or"),
        ("zip://a.mp4::/nowhere.zip", r"^There is nothing at zip://a\.mp4::/nowhere\.zip: check the address\.$"),
        ("file:///nowhere/a.mp4", r"^There is no video /nowhere/a\.mp4: check the path\.$"),
    ],
)
def test_a_url_of_nothing_is_refused_in_one_sentence(url: str, message: str, build: Any, tmp_path: Path) -> None:
    with pytest.raises(va.CorpusError, match=message):
        build(url, allow=("zip", "odd"))
    assert not (tmp_path / "corpus").exists()


# --- vectors of one's own --------------------------------------------------------------------------


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(20, 64)).astype(np.float32)


@pytest.mark.parametrize("kind", ["npy", "h5", "parquet"])
@pytest.mark.parametrize("clips", ["csv", "parquet"])
def test_vectors_and_tables_are_read_from_files(kind: str, clips: str, vectors: np.ndarray, tmp_path: Path) -> None:
    file = tmp_path / f"vectors.{kind}"
    if kind == "npy":
        np.save(file, vectors)
    elif kind == "h5":
        h5py = pytest.importorskip("h5py")
        with h5py.File(file, "w") as opened:
            opened["embeddings"] = vectors
    else:
        pd.DataFrame({"embedding": list(vectors)}).to_parquet(file)
    table = pd.DataFrame({"clip_id": [f"{i:03d}" for i in range(20)], "video": "a.mp4", "start": np.arange(20) / 2})
    table = table.assign(end=table["start"] + 0.5, mood="calm")
    if clips == "csv":
        table.to_csv(tmp_path / "clips.csv", index=False)
    else:
        table.set_index("clip_id").to_parquet(tmp_path / "clips.parquet")
    corpus = va.Corpus.from_embeddings(tmp_path / "c", file, tmp_path / f"clips.{clips}")
    assert corpus.clips.index.tolist() == table["clip_id"].tolist()
    assert corpus.clips["end"].tolist() == table["end"].tolist()
    assert corpus.clips["mood"].eq("calm").all()
    wanted = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(corpus.embeddings.astype(np.float32), wanted, atol=2e-3)
    assert corpus.similar("003", 3).shape == (3, 2)
    with pytest.raises(va.SearchUnavailableError, match=r"^This corpus has no text encoder"):
        corpus.search("a dog")


def test_vectors_with_a_text_encoder_can_be_searched(encoder: Encoder, tmp_path: Path) -> None:
    vectors = encoder.encode_text(["a red circle", "a city at night", "snow"])
    table = pd.DataFrame({"clip_id": ["red", "city", "snow"]})
    corpus = va.Corpus.from_embeddings(tmp_path / "c", vectors, table, text_encoder=encoder)
    assert corpus.search("a city at night", 1)["clip_id"].tolist() == ["city"]
    assert va.Corpus.open(tmp_path / "c").search("snow", 1)["clip_id"].tolist() == ["snow"]  # its own is va-tiny


def test_vectors_of_another_length_than_the_text_encoder_s_are_refused(encoder: Encoder, tmp_path: Path) -> None:
    table = pd.DataFrame({"clip_id": ["a", "b"]})
    with pytest.raises(va.CorpusError, match="encoder"):
        va.Corpus.from_embeddings(tmp_path / "c", np.ones((2, 7), np.float32), table, text_encoder=encoder)
