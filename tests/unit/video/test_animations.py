"""Animated pictures are clips, whatever their kind, and HEIC is no film."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import va_widgets as va
from tests.unit.video.video_files import film, scene
from va_widgets.encoders.protocol import as_encoder
from va_widgets.video.animations import playable
from va_widgets.video.decode import Video
from va_widgets.video.errors import UndecodableError
from va_widgets.video.picture_kinds import is_animated

SCENES = (1, 2, 3)
MILLISECONDS = [200, 300, 500]


def animation(path: Path, size: tuple[int, int] = (96, 64), number: int = 3) -> Path:
    pictures = [Image.fromarray(scene(seed, 1, size)[0]) for seed in SCENES[:number]]
    if number == 1:
        pictures[0].save(path)
    else:
        pictures[0].save(path, quality=95, save_all=True, append_images=pictures[1:], duration=MILLISECONDS)
    return path


@pytest.mark.parametrize("suffix", [".webp", ".avif", ".png"])
@pytest.mark.parametrize("as_file", [False, True])
def test_an_animation_is_a_video_of_its_pictures(suffix: str, as_file: bool, tmp_path: Path) -> None:
    if suffix not in Image.registered_extensions():
        pytest.skip("this Pillow does not read AVIF")
    path = animation(tmp_path / f"a{suffix}")
    with path.open("rb") as file:
        assert is_animated(file)
        video = Video(file if as_file else path, path.stat().st_size, 36, 64)
        frames = [(frame.time, frame.end, frame.picture()) for frame in video.frames()]
        video.close()
    assert video.damage == ""
    assert [(round(start, 3), round(end, 3)) for start, end, _ in frames] == [(0.0, 0.2), (0.2, 0.5), (0.5, 1.0)]
    for seed, (_, _, picture) in zip(SCENES, frames, strict=True):
        assert np.abs(picture - scene(seed, 1, (96, 64))[0].astype(int)).mean() < 6


@pytest.mark.parametrize("suffix", [".webp", ".png", ".jpg"])
def test_a_picture_that_rests_is_none(suffix: str, tmp_path: Path) -> None:
    path = animation(tmp_path / f"a{suffix}", number=1)
    with path.open("rb") as file:
        assert not is_animated(file)
    assert playable(path) == path
    assert not is_animated(io.BytesIO(b""))
    assert not is_animated(io.BytesIO(path.read_bytes()[:20]))


@pytest.mark.parametrize("suffix", [".webp", ".avif"])
def test_a_damaged_animation_is_refused(suffix: str, tmp_path: Path) -> None:
    if suffix not in Image.registered_extensions():
        pytest.skip("this Pillow does not read AVIF")
    data = animation(tmp_path / f"a{suffix}").read_bytes()
    head = data[:40] if suffix == ".webp" else data[: data.index(b"mdat") + 4]
    with pytest.raises(UndecodableError, match="animation"):
        playable(io.BytesIO(head + bytes(len(data) - len(head))))


def test_heic_that_is_called_a_film_is_no_film(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", scene(1, 5))
    data = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(data.replace(b"ftypisom", b"ftypheic"))
    with pytest.raises(UndecodableError, match="it is a HEIC picture"):
        Video(tmp_path / "a.mp4", len(data), 36, 64)


def test_animations_among_pictures_are_clips_that_play(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    animation(folder / "moves.webp")
    animation(folder / "moves.png")
    animation(folder / "rests.webp", number=1)
    whole = animation(folder / "cut.jpg", (320, 240), number=1).read_bytes()
    (folder / "cut.jpg").write_bytes(whole[:-9])
    (folder / "photo.heic").write_bytes(b"\0\0\0\x14ftypheic\0\0\0\0heic" + bytes(99))
    encoder = as_encoder("va-tiny")
    corpus = va.Corpus.build(tmp_path / "c", folder, encoder, progress=False, frames_per_shot=2)
    report = corpus.report.set_index("source")
    assert report["status"].to_dict() == {
        "cut.jpg": "partial",
        "moves.png": "done",
        "moves.webp": "done",
        "photo.heic": "skipped",
        "rests.webp": "done",
    }
    assert report.loc["cut.jpg", "reason"] == "its end is missing"
    assert "HEIC" in str(report.loc["photo.heic", "reason"])
    ends = {str(name): round(max(clips["end"]), 3) for name, clips in corpus.clips.groupby("video", observed=True)}
    assert ends == {"cut.jpg": 0.0, "moves.png": 1.0, "moves.webp": 1.0, "rests.webp": 0.0}
    assert corpus.preview(corpus.clips.index[corpus.clips["video"] == "moves.webp"][0])
    manifest = (corpus.path / "manifest.json").read_bytes()
    va.Corpus.build(tmp_path / "c", folder, encoder, progress=False, frames_per_shot=2)
    assert (corpus.path / "manifest.json").read_bytes() == manifest
    (corpus.path / "manifest.json").unlink()  # as if the build had been killed before its end
    again = va.Corpus.build(tmp_path / "c", folder, encoder, progress=False, frames_per_shot=2)
    assert again.report.iloc[0].tolist()[:3] == ["cut.jpg", "partial", "its end is missing"]
