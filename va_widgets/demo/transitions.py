"""Films test videos for shot detection: cuts, fades and dissolves, and within shots what only looks like one.

The demo's own videos have hard cuts between unlike scenes, which any detector finds. Here neighbours may share place
and hour, half of the joins are gradual, and most shots hold a flash, a whip pan, a fast zoom or a shaking camera.
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
_SAME_PLACE = 0.3  # the share of joins whose two shots have place, hour and weather in common
_DISTRACTED = 0.7  # the share of shots with a distraction
_MARGIN = 0.5  # seconds between a distraction and the shot's ends, so that neither is taken for the other
_GRAIN = 5.0  # the strongest film grain, in grey levels
_SHUTTER = 0.5  # the part of a frame's time in which the shutter is open and motion blurs
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Transition:
    """How one shot gives way to the next.

    `first` and `last` are the frames of its video that it changes, `start` and `end` the same in seconds. A hard cut
    changes none: both frames are the new shot's first, and both times that frame's.
    """

    video: str
    kind: str
    first: int
    last: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Distraction:
    """What may look like a transition but lies within a shot, at the video's frames `first` to `last`.

    `amount` is the share of white of a flash, the picture widths a whip pan travels (negative: to the left), the
    factor of a zoom (below 1: it widens), and the picture widths that the camera shakes by.
    """

    kind: str
    first: int
    last: int
    amount: float


@dataclass(frozen=True, slots=True)
class Take:
    """A scene and the video's frames `first` to `last` in which any of it is seen."""

    scene: Scene
    first: int
    last: int
    distraction: Distraction | None


@dataclass(frozen=True, slots=True)
class Film:
    """A video as planned: a transition lies between each take and the next. `grain` is in grey levels."""

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
    """Write `videos` videos of `shots` shots each to `folder`, and tell every transition in them.

    The same numbers and seed give the same videos. Each file appears whole or not at all; those that are there already
    stay as they are. `on_done` is called after each video.
    """
    films = plan_transitions(videos, seed, shots)
    folder.mkdir(parents=True, exist_ok=True)

    def one(film: Film) -> None:
        path = folder / film.video
        if not path.exists():
            write_video(path, pictures(film), film.fps, {})  # no options: x264's defaults, B-frames and all
        on_done()

    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        list(pool.map(one, films))
    return [transition for film in films for transition in film.transitions]


def plan_transitions(videos: int, seed: int, shots: int = SHOTS_A_VIDEO) -> list[Film]:
    """What `film_transitions` films, without filming it."""
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
    """The frames of a film in order, uint8 RGB (216, 384, 3)."""
    rng = np.random.default_rng([film.seed, 7])
    plate = rng.normal(0, film.grain, (2 * HEIGHT, 2 * WIDTH)).astype(np.float32)
    spans = [(one.first, one.last, one.kind) for one in film.transitions if one.kind != "cut"]
    for frame in range(film.frames):
        seen = [take for take in film.takes if take.first <= frame <= take.last]
        span = next((span for span in spans if span[0] <= frame <= span[1]), None)
        if span is None:
            picture = _shot(seen[0], frame)
        else:
            first, last, kind = span
            picture = _mixed(kind, (frame - first + 1) / (last - first + 2), *(_shot(take, frame) for take in seen))
        y, x = rng.integers((HEIGHT, WIDTH))
        yield np.clip(picture + plate[y : y + HEIGHT, x : x + WIDTH, None], 0, 255).astype(np.uint8)


def _plan(video: str, scenes: list[Scene], rng: Generator) -> Film:
    fps = int(rng.choice(_RATES))
    kinds = rng.choice(list(TRANSITIONS), size=len(scenes) - 1, p=list(TRANSITIONS.values()))
    takes: list[Take] = []
    transitions: list[Transition] = []
    first = frame = 0  # where this shot is first seen, and where it is first seen alone
    for scene, kind in zip(scenes, [*kinds, None], strict=True):
        alone = frame, frame + round(rng.uniform(*_SHOT_SECONDS) * fps)
        frame = alone[1]
        distraction = _distraction(alone, fps, rng) if rng.uniform() < _DISTRACTED else None
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


def _distraction(alone: tuple[int, int], fps: int, rng: Generator) -> Distraction | None:
    """One that fits into the frames from the first up to but without the second, with a margin; None if none does."""
    kind = str(rng.choice(DISTRACTIONS))
    low, high = {"flash": (1, 3), "whip pan": (5, 11), "zoom": (8, 24), "shake": (15, 45)}[kind]
    margin = round(_MARGIN * fps)
    room = alone[1] - alone[0] - 2 * margin
    if room < low:
        return None
    frames = int(rng.integers(low, min(high, room) + 1))
    sign = 1 if rng.uniform() < 0.5 else -1
    amount = {
        "flash": rng.uniform(0.6, 0.95),
        "whip pan": sign * rng.uniform(0.5, 1.6),
        "zoom": rng.uniform(1.5, 2.4) ** sign,
        "shake": rng.uniform(0.02, 0.06),
    }[kind]
    first = alone[0] + margin + int(rng.integers(room - frames + 1))
    return Distraction(kind, first, first + frames - 1, float(amount))


def _shot(take: Take, frame: int) -> Image:
    """A take's picture at a frame of its video, with its distraction."""
    picture = render(take.scene, (frame - take.first) / max(1, take.last - take.first), WIDTH, HEIGHT)
    distraction = take.distraction
    if distraction is None:
        return picture
    if distraction.kind == "flash":
        if not distraction.first <= frame <= distraction.last:
            return picture
        return _blended(picture, np.full_like(picture, 250), distraction.amount)
    return _filmed(picture, distraction, frame)


def _filmed(picture: Image, distraction: Distraction, frame: int) -> Image:
    """The picture through a moving camera. Beyond its edges it goes on mirrored, so that a pan finds no end."""
    zoom, x, y = _camera(distraction, frame)
    if (zoom, x, y) == (1.0, 0.0, 0.0):
        return picture
    matrix = np.array([[zoom, 0, WIDTH * ((1 - zoom) / 2 - x)], [0, zoom, HEIGHT * (1 - zoom) / 2 - WIDTH * y]])
    moved = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    opened = _camera(distraction, frame - _SHUTTER / 2)
    closed = _camera(distraction, frame + _SHUTTER / 2)
    blur = [max(1, round(abs(b - a) * WIDTH)) for a, b in zip(opened[1:], closed[1:], strict=True)]
    return cv2.blur(moved, (blur[0], blur[1])).astype(np.uint8, copy=False)


def _camera(distraction: Distraction, frame: float) -> tuple[float, float, float]:
    """A moving camera's zoom, and its shift in picture widths to the right and down, at a frame."""
    done = float(np.clip((frame - distraction.first + 1) / (distraction.last - distraction.first + 2), 0, 1))
    eased = done * done * (3 - 2 * done)
    if distraction.kind == "whip pan":
        return 1.0, distraction.amount * eased, 0.0
    if distraction.kind == "zoom":
        # A zoom that widens starts from close, so that the picture always fills the frame.
        return max(1.0, 1 / distraction.amount) * distraction.amount**eased, 0.0, 0.0
    strength = distraction.amount * np.sin(np.pi * done)
    return 1.0, float(strength * np.sin(1.1 * frame)), float(strength * 0.6 * np.sin(1.7 * frame + 1))


def _mixed(kind: str, done: float, before: Image, after: Image) -> Image:
    """Two shots in a dissolve, or in a fade through black, of which the share `done` (0 to 1) has passed."""
    if kind == "dissolve":
        return _blended(before, after, done)
    slope = (1 - _BLACK) / 2
    if done < 0.5:
        return _blended(np.zeros_like(before), before, max(0.0, 1 - done / slope))
    return _blended(np.zeros_like(after), after, max(0.0, 1 - (1 - done) / slope))


def _blended(one: Image, other: Image, share: float) -> NDArray[np.uint8]:
    return cv2.addWeighted(one, 1 - share, other, share, 0).astype(np.uint8, copy=False)
