"""Files for benchmarks of builds: many small videos and pictures, very large pictures, and a long film.

Few of them are drawn and encoded; the others are copies with another comment, so that no two have the same content.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from va_widgets.demo.render import render
from va_widgets.demo.scenes import sample_scenes

FPS = 25
KINDS = 100  # different small videos and pictures
MINUTE = 60 * FPS  # frames of a film that is repeated
GRAIN = 2.0  # grey levels
LARGE = (13_300, 13_300)  # pixels of a picture, nearly as many as Pillow allows


def made(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return a folder, with the files that `make` writes to it unless it exists."""
    if not folder.exists():
        unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
        make(unfinished)
        unfinished.rename(folder)
    return folder


def make_videos(folder: Path, number: int) -> None:
    """Write different videos of one second in 180p."""
    scenes = sample_scenes(KINDS, 0)
    with tempfile.TemporaryDirectory() as scratch:
        first = Path(scratch, "first.mp4")
        for kind in range(min(KINDS, number)):
            write_film(first, (render(scenes[kind], i / FPS, 320, 180) for i in range(FPS)))
            for other in range(kind, number, KINDS):
                repeat(first, folder / f"{other:05d}.mp4", 1, f"number {other}")


def make_film(folder: Path, minutes: int) -> None:
    """Write a film in 360p: a minute of shots of 2 to 5 seconds with film grain, again and again."""
    with tempfile.TemporaryDirectory() as scratch:
        first = Path(scratch, "minute.mp4")
        write_film(first, minute())
        repeat(first, folder / "film.mp4", minutes, "")


def minute() -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    grains = [np.repeat(rng.normal(0, GRAIN, (360, 640, 1)), 3, axis=2) for _ in range(8)]
    scenes, left = iter(sample_scenes(60, 0)), MINUTE
    while left > 0:
        scene, length = next(scenes), min(left, int(rng.integers(2 * FPS, 5 * FPS)))
        for i in range(length):
            picture = render(scene, i / length, 640, 360) + grains[int(rng.integers(8))]
            yield np.clip(picture, 0, 255).astype(np.uint8)
        left -= length


def write_film(file: Path, frames: Iterator[NDArray[np.uint8]]) -> None:
    """Encode RGB frames (height, width, 3) with x264's defaults."""
    with av.open(str(file), "w") as target:
        stream = None
        for frame in frames:
            if stream is None:
                stream = target.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
                stream.height, stream.width, stream.pix_fmt = *frame.shape[:2], "yuv420p"
            target.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        assert stream is not None
        target.mux(stream.encode())


def repeat(source: Path, target: Path, times: int, comment: str) -> None:
    """Copy the packets of a video so many times into another one."""
    with av.open(str(source)) as former, av.open(str(target), "w") as file:
        film = former.streams.video[0]
        stream = file.add_stream_from_template(film)
        file.metadata["comment"] = comment
        packets = [packet for packet in former.demux(film) if packet.dts is not None]
        length = round(len(packets) / (FPS * film.time_base)) if film.time_base else 0
        for number in range(times):
            for packet in packets:
                copy = av.Packet(bytes(packet))
                copy.stream, copy.time_base, copy.is_keyframe = stream, packet.time_base, packet.is_keyframe
                copy.pts, copy.dts = (packet.pts or 0) + number * length, (packet.dts or 0) + number * length
                copy.duration = packet.duration
                file.mux(copy)


def make_pictures(folder: Path, number: int) -> None:
    """Write different pictures in 720p."""
    drawn = [Image.fromarray(render(scene, 0.5, 1280, 720)) for scene in sample_scenes(KINDS, 0)]
    for place in range(number):
        drawn[place % KINDS].save(folder / f"{place:05d}.jpg", comment=f"number {place}")


def make_large_pictures(folder: Path) -> None:
    """Write five very large pictures, of which two are turned."""
    picture = Image.fromarray(render(sample_scenes(1, 0)[0], 0.5, 1280, 720)).resize(LARGE)
    turned = Image.Exif()
    turned[0x0112] = 6
    picture.save(folder / "plain.jpg")
    picture.save(folder / "progressive.jpg", progressive=True, exif=turned)
    picture.save(folder / "turned.png", compress_level=1, exif=turned)
    picture.convert("RGBA").save(folder / "alpha.png", compress_level=1)
    picture.save(folder / "plain.tif")
