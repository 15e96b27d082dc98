"""Writes scenes to H.264 video files, with hard cuts between the shots."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from va_widgets.base.paths import replacing
from va_widgets.demo.render import Image, render
from va_widgets.demo.scenes import Scene

WIDTH, HEIGHT = 384, 216
FPS = 12
SHOTS_A_VIDEO = 8
_SHORTEST, _LONGEST = 12, 19  # frames per shot
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Shot:
    """A scene in a video: `start` and `end` are in seconds."""

    video: str
    start: float
    end: float
    scene: Scene


def plan(scenes: Sequence[Scene], seed: int) -> list[list[Shot]]:
    """Divide scenes into videos, ordered so that neighbours differ in place and hour, and every cut is visible."""
    rng = np.random.default_rng([seed, 5])
    waiting = [scenes[i] for i in rng.permutation(len(scenes))]
    ordered: list[Scene] = []
    while waiting:
        last = ordered[-1] if ordered else None
        best = min(range(min(len(waiting), 60)), key=lambda i: _similarity(last, waiting[i]))
        ordered.append(waiting.pop(best))
    videos = []
    for number, first in enumerate(range(0, len(ordered), SHOTS_A_VIDEO)):
        frame, shots = 0, []
        for scene in ordered[first : first + SHOTS_A_VIDEO]:
            length = int(rng.integers(_SHORTEST, _LONGEST + 1))
            shots.append(Shot(f"demo-{number:04d}.mp4", frame / FPS, (frame + length) / FPS, scene))
            frame += length
        videos.append(shots)
    return videos


def _similarity(last: Scene | None, scene: Scene) -> int:
    """Return how much two scenes have in common, 0 to 5: place and hour count 2 each, fog 1."""
    if last is None:
        return 0
    same = (scene.setting == last.setting, scene.light == last.light, scene.weather == last.weather == "fog")
    return 2 * same[0] + 2 * same[1] + same[2]


def film(folder: Path, videos: Sequence[Sequence[Shot]], on_done: Callable[[], None] = lambda: None) -> None:
    """Write every video that is not in `folder` yet; an interrupted call leaves no incomplete file."""
    folder.mkdir(parents=True, exist_ok=True)

    def write(shots: Sequence[Shot]) -> None:
        path = folder / shots[0].video
        if not path.exists():
            write_video(path, _frames(shots), FPS, {"preset": "veryfast", "crf": "20", "g": "24"})
        on_done()

    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        list(pool.map(write, videos))


def write_video(path: Path, frames: Iterable[Image], fps: int, options: dict[str, str]) -> None:
    """Encode uint8 RGB frames (216, 384, 3) with x264 and its `options`.

    Frames are written to a temporary file that is renamed at the end, so that `path` is never incomplete.
    """
    with replacing(path) as unfinished, av.open(str(unfinished), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.thread_count = 1  # each thread writes one file
        stream.time_base = Fraction(1, fps)
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def _frames(shots: Sequence[Shot]) -> Iterator[Image]:
    for shot in shots:
        number = round((shot.end - shot.start) * FPS)
        for i in range(number):
            yield render(shot.scene, i / (number - 1), WIDTH, HEIGHT)


def write_truth(path: Path, videos: Sequence[Sequence[Shot]]) -> None:
    """Write each shot's video, times and attributes as JSON."""
    rows = [
        {"video": shot.video, "start": shot.start, "end": shot.end, **shot.scene.as_dict()}
        for shots in videos
        for shot in shots
    ]
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
