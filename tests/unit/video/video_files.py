"""Small real video files for tests, and the shots that are found in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from va_widgets.video.decode import Video
from va_widgets.video.scaling import Picture
from va_widgets.video.shots import Shot, Transitions, shots


def write_video(
    path: Path, shots: list[tuple[int, int]], fps: int = 25, size: tuple[int, int] = (160, 90)
) -> list[float]:
    """Write an H.264 file of shots (seed, number of frames); returns where its cuts are, in seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = Fraction(1, fps)
        cuts, frames = [], 0
        for seed, length in shots:
            if frames:
                cuts.append(frames / fps)
            still = _picture(seed, width, height)
            for index in range(length):
                frame = av.VideoFrame.from_ndarray(np.roll(still, index // 4, axis=1), format="rgb24")
                frame.pts, frame.time_base = frames, Fraction(1, fps)
                file.mux(stream.encode(frame))
                frames += 1
        file.mux(stream.encode())
    return cuts


def _picture(seed: int, width: int, height: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (5, 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def scene(seed: int, frames: int, size: tuple[int, int] = (96, 64)) -> list[Picture]:
    """One still picture, as unlike those of other seeds as can be, so many times."""
    coarse = np.random.default_rng(seed).integers(0, 255, (5, 8, 3), dtype=np.uint8)
    return [np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)] * frames


def film(
    path: Path,
    pictures: Iterable[Picture | av.VideoFrame],
    codec: str = "libx264",
    *,
    pix_fmt: str = "yuv420p",
    rate: int = 25,
    times: Sequence[Fraction] | None = None,
    container: str | None = None,
    file_options: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    rotation: int = 0,
    matrix: Sequence[int] | None = None,
    aspect: Fraction | None = None,
    b_frames: int | None = None,
    colour: dict[str, int] | None = None,
) -> Path:
    """Write a video of RGB pictures or ready frames, shown at `times` (seconds) or at a steady rate."""
    try:
        av.codec.Codec(codec, "w")
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"this build of PyAV has no encoder {codec}")
    path.parent.mkdir(parents=True, exist_ok=True)
    base = Fraction(1, rate) if times is None else Fraction(1, 1000)
    stream: Any = None  # its type depends on the codec's name
    with av.open(str(path), "w", format=container, options=file_options or {}) as file:
        for number, one in enumerate(pictures):
            frame = one if isinstance(one, av.VideoFrame) else av.VideoFrame.from_ndarray(one, format="rgb24")
            if stream is None:
                stream = file.add_stream(codec, rate=rate, options=options or {})
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pix_fmt
                stream.time_base = stream.codec_context.time_base = base
                stream.codec_context.thread_count = 1  # the same file on every machine, however many cores it has
                if rotation:
                    stream.set_display_rotation(rotation)
                if matrix is not None:
                    stream.set_display_matrix(matrix)
                if aspect is not None:
                    stream.codec_context.sample_aspect_ratio = stream.sample_aspect_ratio = aspect
                if b_frames is not None:
                    stream.codec_context.max_b_frames = b_frames
                for name, value in (colour or {}).items():
                    setattr(stream.codec_context, name, value)
            frame.pts, frame.time_base = (number if times is None else round(times[number] / base)), base
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def with_time_code(path: Path, start: str, rate: int | Fraction = 25, frames: int | None = None) -> Path:
    """Write a video of four scenes, by default in 2 seconds, whose first picture has a time code, if `start` is any.

    It is written in the way of its container.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as target:
        if start:
            target.metadata["timecode"] = start
        stream = target.add_stream("mpeg2video" if path.suffix == ".mxf" else "libx264", rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        length = round(rate) // 2 if frames is None else frames
        for picture in (one for seed in range(4) for one in scene(seed, length)):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        target.mux(stream.encode())
    return path


def read(path: Path, side: int = 64, samples: int = 4) -> tuple[list[Shot], str]:
    """The shots of a video, and what is wrong with the file."""
    video = Video(path, path.stat().st_size, 36, side)
    try:
        return list(shots(video.frames(), Transitions(video.seen_fps), samples)), video.damage
    finally:
        video.close()


def places(found: Sequence[Shot]) -> list[tuple[float, float, int, int]]:
    return [(round(shot.start, 2), round(shot.end, 2), shot.frame_in, shot.frame_out) for shot in found]
