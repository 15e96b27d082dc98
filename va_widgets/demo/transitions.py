"""Writes test videos for shot detection: cuts, fades and dissolves, and events within shots that resemble them.

The demo's own videos have hard cuts between different scenes, which any detector finds. Here, neighbours may share
place and hour, half of the transitions are gradual, and most shots have a flash, a whip pan, a fast zoom or a shaking
camera.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from va_widgets.demo.render import Image, render
from va_widgets.demo.scenes import Scene, sample_scenes
from va_widgets.demo.videos import HEIGHT, WIDTH, write_video

TRANSITIONS: dict[str, float] = {"cut": 0.5, "dissolve": 0.3, "fade": 0.2}  # the share of each kind
DISTRACTIONS: tuple[str, ...] = ("flash", "whip pan", "zoom", "shake")
SHOTS_A_VIDEO = 8
_RATES = (24, 25)
_SHOT_SECONDS = (1.5, 5.0)
_GRADUAL_SECONDS = (0.4, 1.2)
_BLACK = 0.2  # the share of a fade that is black
_SAME_PLACE = 0.3  # the share of transitions between shots with the same place, hour and weather
_DISTRACTED = 0.7  # the share of shots with a distraction
_MARGIN = 0.5  # seconds between a distraction and the shot's ends, which keep the two apart
_GRAIN = 5.0  # the strongest film grain, in grey levels
_SHUTTER = 0.5  # the part of a frame's time for which the shutter is open, which determines motion blur
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Transition:
    """The transition from one shot to the next.

    `first` and `last` are the first and last frame of the transition, `start` and `end` its times in seconds. A hard
    cut has no frames of its own: `first` and `last` are both the new shot's first frame, `start` and `end` its time.
    """

    video: str
    kind: str
    first: int
    last: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Distraction:
    """An event that resembles a transition but lies within a shot, at the video's frames `first` to `last`.

    `amount` is, by kind: the share of white in a flash, the distance of a whip pan in image widths (negative: to the
    left), the factor of a zoom (below 1: outwards), and the strength of a shake in image widths.
    """

    kind: str
    first: int
    last: int
    amount: float


@dataclass(frozen=True, slots=True)
class Take:
    """A scene, and the video's frames `first` to `last` that show it, transitions included."""

    scene: Scene
    first: int
    last: int
    distraction: Distraction | None


@dataclass(frozen=True, slots=True)
class Film:
    """The plan of a video, with a transition between each take and the next. `grain` is in grey levels."""

    video: str
    fps: int
    frames: int
    takes: tuple[Take, ...]
    transitions: tuple[Transition, ...]
    grain: float
    seed: int


def film_transitions(
    folder: Path,
    videos: int,
    seed: int,
    shots: int = SHOTS_A_VIDEO,
    on_done: Callable[[], None] = lambda: None,
) -> list[Transition]:
    """Write `videos` videos of `shots` shots each to `folder`; returns all transitions in them.

    The same numbers and seed give the same videos. Files that exist already stay as they are, and no file is ever left
    incomplete. `on_done` is called after each video.
    """
    films = plan_transitions(videos, seed, shots)
    folder.mkdir(parents=True, exist_ok=True)

    def write(film: Film) -> None:
        path = folder / film.video
        if not path.exists():
            write_video(path, pictures(film), film.fps, {})  # x264's defaults, with B-frames
        on_done()

    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        list(pool.map(write, films))
    return [transition for film in films for transition in film.transitions]


def plan_transitions(videos: int, seed: int, shots: int = SHOTS_A_VIDEO) -> list[Film]:
    """Return the plans of the videos that `film_transitions` writes."""
    rng = np.random.default_rng([seed, 6])
    scenes = sample_scenes(videos * shots, seed)
    for i in range(1, len(scenes)):
        if rng.uniform() < _SAME_PLACE:
            last = scenes[i - 1]
            scenes[i] = replace(scenes[i], setting=last.setting, light=last.light, weather=last.weather)
    return [
        _plan(f"transitions-{seed}-{number:03d}.mp4", scenes[number * shots : (number + 1) * shots], rng)
        for number in range(videos)
    ]


def pictures(film: Film) -> Iterator[Image]:
    """Yield the frames of a film in order, uint8 RGB (216, 384, 3)."""
    rng = np.random.default_rng([film.seed, 7])
    grain = rng.normal(0, film.grain, (2 * HEIGHT, 2 * WIDTH)).astype(np.float32)
    gradual = [transition for transition in film.transitions if transition.kind != "cut"]
    for frame in range(film.frames):
        shown = [take for take in film.takes if take.first <= frame <= take.last]
        transition = next((item for item in gradual if item.first <= frame <= item.last), None)
        if transition is None:
            image = _take_frame(shown[0], frame)
        else:
            progress = (frame - transition.first + 1) / (transition.last - transition.first + 2)
            image = _mixed(transition.kind, progress, *(_take_frame(take, frame) for take in shown))
        y, x = rng.integers((HEIGHT, WIDTH))
        yield np.clip(image + grain[y : y + HEIGHT, x : x + WIDTH, None], 0, 255).astype(np.uint8)


def _plan(video: str, scenes: list[Scene], rng: Generator) -> Film:
    """Plan one video: its shots' lengths, transitions and distractions at random."""
    fps = int(rng.choice(_RATES))
    kinds = rng.choice(list(TRANSITIONS), size=len(scenes) - 1, p=list(TRANSITIONS.values()))
    takes: list[Take] = []
    transitions: list[Transition] = []
    first = frame = 0  # this shot's first frame, and its first frame outside a transition
    for scene, kind in zip(scenes, [*kinds, None], strict=True):
        start, frame = frame, frame + round(rng.uniform(*_SHOT_SECONDS) * fps)
        distraction = _distraction(start, frame, fps, rng) if rng.uniform() < _DISTRACTED else None
        if kind is None:
            takes.append(Take(scene, first, frame - 1, distraction))
        elif kind == "cut":
            takes.append(Take(scene, first, frame - 1, distraction))
            transitions.append(Transition(video, "cut", frame, frame, frame / fps, frame / fps))
            first = frame
        else:
            last = frame + round(rng.uniform(*_GRADUAL_SECONDS) * fps) - 1
            takes.append(Take(scene, first, last, distraction))
            transitions.append(Transition(video, str(kind), frame, last, frame / fps, (last + 1) / fps))
            first, frame = frame, last + 1
    grain = float(rng.uniform(0, _GRAIN))
    return Film(video, fps, frame, tuple(takes), tuple(transitions), grain, int(rng.integers(2**31)))


def _distraction(start: int, stop: int, fps: int, rng: Generator) -> Distraction | None:
    """Return a random distraction within the frames from `start` up to, not including, `stop`; None if too few."""
    kind = str(rng.choice(DISTRACTIONS))
    low, high = {"flash": (1, 3), "whip pan": (5, 11), "zoom": (8, 24), "shake": (15, 45)}[kind]
    margin = round(_MARGIN * fps)
    available = stop - start - 2 * margin
    if available < low:
        return None
    frames = int(rng.integers(low, min(high, available) + 1))
    sign = 1 if rng.uniform() < 0.5 else -1
    amount = {
        "flash": rng.uniform(0.6, 0.95),
        "whip pan": sign * rng.uniform(0.5, 1.6),
        "zoom": rng.uniform(1.5, 2.4) ** sign,
        "shake": rng.uniform(0.02, 0.06),
    }[kind]
    first = start + margin + int(rng.integers(available - frames + 1))
    return Distraction(kind, first, first + frames - 1, float(amount))


def _take_frame(take: Take, frame: int) -> Image:
    """Return a take's image at a frame of its video, with its distraction."""
    image = render(take.scene, (frame - take.first) / max(1, take.last - take.first), WIDTH, HEIGHT)
    distraction = take.distraction
    if distraction is None:
        return image
    if distraction.kind == "flash":
        if not distraction.first <= frame <= distraction.last:
            return image
        return _blended(image, np.full_like(image, 250), distraction.amount)
    return _moved(image, distraction, frame)


def _moved(image: Image, distraction: Distraction, frame: int) -> Image:
    """Return the image as a moving camera sees it. It is mirrored beyond its edges, so that a pan shows no end."""
    zoom, x, y = _camera(distraction, frame)
    if (zoom, x, y) == (1.0, 0.0, 0.0):
        return image
    matrix = np.array([[zoom, 0, WIDTH * ((1 - zoom) / 2 - x)], [0, zoom, HEIGHT * (1 - zoom) / 2 - WIDTH * y]])
    moved = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    opened = _camera(distraction, frame - _SHUTTER / 2)
    closed = _camera(distraction, frame + _SHUTTER / 2)
    blur = [max(1, round(abs(b - a) * WIDTH)) for a, b in zip(opened[1:], closed[1:], strict=True)]
    return cv2.blur(moved, (blur[0], blur[1])).astype(np.uint8, copy=False)


def _camera(distraction: Distraction, frame: float) -> tuple[float, float, float]:
    """Return a moving camera's zoom, and its shift to the right and down in image widths, at a frame."""
    progress = float(np.clip((frame - distraction.first + 1) / (distraction.last - distraction.first + 2), 0, 1))
    eased = progress * progress * (3 - 2 * progress)
    if distraction.kind == "whip pan":
        return 1.0, distraction.amount * eased, 0.0
    if distraction.kind == "zoom":
        # An outward zoom starts enlarged, so that the image always fills the frame.
        return max(1.0, 1 / distraction.amount) * distraction.amount**eased, 0.0, 0.0
    strength = distraction.amount * np.sin(np.pi * progress)
    return 1.0, float(strength * np.sin(1.1 * frame)), float(strength * 0.6 * np.sin(1.7 * frame + 1))


def _mixed(kind: str, progress: float, before: Image, after: Image) -> Image:
    """Return the mixture of two shots in a dissolve, or in a fade through black; `progress` is 0 to 1."""
    if kind == "dissolve":
        return _blended(before, after, progress)
    slope = (1 - _BLACK) / 2
    if progress < 0.5:
        return _blended(np.zeros_like(before), before, max(0.0, 1 - progress / slope))
    return _blended(np.zeros_like(after), after, max(0.0, 1 - (1 - progress) / slope))


def _blended(first: Image, second: Image, share: float) -> NDArray[np.uint8]:
    """Return the sum of two images, with weight `share` for the second."""
    return cv2.addWeighted(first, 1 - share, second, share, 0).astype(np.uint8, copy=False)
