"""Edited films that are hard for shot detection.

Montages, quick cuts, dim scenes, lights that go out, flashes, and starry skies: stars that twinkle look like fades, as
does a flickering light in a dim scene or one that goes out and comes back; shots of a few frames look like flashes, and
the cuts of a hectic advert like the motion around them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from va_widgets.demo.render import Image
from va_widgets.demo.scenes import Scene, sample_scenes
from va_widgets.demo.transitions import Distraction, Film, Take, Transition, pictures, plan_transitions
from va_widgets.demo.videos import HEIGHT, WIDTH, write_video

CASES = ("montage", "quick cuts", "dim scenes", "lights out", "stars", "flashes")
_MONTAGE_FRAMES = (5, 16)  # of one shot, at 15 frames a second
_QUICK_FRAMES = (4, 10)
_QUICK_RUN = (2, 4)  # such shots, between two longer ones
_LONG_SECONDS = (1.0, 2.5)
_DIM = (0.08, 0.25)  # the share of the light that is left
_FLICKER = (0.1, 0.5)  # the share of this light that comes and goes
_OUT_FRAMES, _ON_FRAMES = (2, 8), (6, 40)  # of a lamp with a loose contact
_OUT = (0.0, 0.15)  # the share of the light that is left meanwhile
_SEEN = 6  # frames around a transition in which the light stays on
_FLASH_SECONDS, _STROBE_SECONDS = (0.2, 0.36), (0.06, 0.2)  # of a flash, and of each one of a strobe
_STROBE_FLASHES = (3, 9)
_CALM_SECONDS = (0.3, 2.0)  # between flashes
_FLASH_LIGHT = (2.0, 20.0)  # the light of a flash, as many times the one that a scene has
_FLASH_VEIL = 0.02  # the share of it that is scattered into the lens
_GAMMA = 2.2
_STARS = (40, 250)
_DRIFT = 40.0  # pixels a second that stars move at most


def hard_films(case: str, number: int, seed: int) -> list[Film]:
    """Return the plans of `number` films of a case; the same seed gives the same."""
    rng = np.random.default_rng([seed, CASES.index(case)])
    if case in ("dim scenes", "lights out", "stars", "flashes"):
        return [
            _calm(film, f"{case.split()[0]}-{film.video}", float(rng.uniform(1.0, 4.0)))
            for film in plan_transitions(number, seed + 1)
        ]
    return [_fast(case, f"{case.split()[0]}-{seed}-{index:03d}.mp4", seed + index, rng) for index in range(number)]


def film_case(folder: Path, case: str, number: int, seed: int) -> list[Film]:
    """Write the films of a case to `folder` unless they are there, and return their plans."""
    films = hard_films(case, number, seed)
    for film in films:
        if not (folder / film.video).exists():
            write_video(folder / film.video, hard_pictures(case, film), film.fps, {})
    return films


def hard_pictures(case: str, film: Film) -> Iterator[Image]:
    """Yield the frames of a film of a case, uint8 RGB (216, 384, 3)."""
    if case == "dim scenes":
        return _dimmed(film)
    if case == "lights out":
        return _interrupted(film)
    if case == "flashes":
        rng = np.random.default_rng([film.seed, 15])
        changes = [(transition.first, transition.last) for transition in film.transitions]
        return flashes(pictures(film), film.frames, film.fps, changes, rng)
    return _starry(film) if case == "stars" else pictures(film)


def _calm(film: Film, name: str, grain: float) -> Film:
    """Return a film under another name, with other grain and without distractions."""
    takes = tuple(replace(take, distraction=None) for take in film.takes)
    transitions = tuple(replace(transition, video=name) for transition in film.transitions)
    return replace(film, video=name, takes=takes, transitions=transitions, grain=grain)


def _fast(case: str, video: str, seed: int, rng: Generator) -> Film:
    """Plan a film of hard cuts, whose shots are short; those of a montage move throughout."""
    montage = case == "montage"
    fps = 15 if montage else int(rng.choice([24, 25, 30]))
    lengths: list[int] = []
    while sum(lengths) < 20 * fps:
        if montage:
            lengths.append(int(rng.integers(_MONTAGE_FRAMES[0], _MONTAGE_FRAMES[1] + 1)))
            continue
        lengths.append(round(rng.uniform(*_LONG_SECONDS) * fps))
        run = int(rng.integers(_QUICK_RUN[0], _QUICK_RUN[1] + 1))
        lengths += rng.integers(_QUICK_FRAMES[0], _QUICK_FRAMES[1] + 1, run).tolist()
    takes: list[Take] = []
    transitions: list[Transition] = []
    first = 0
    for scene, length in zip(_scenes(len(lengths), seed, rng), lengths, strict=True):
        distraction = _motion(first, length, rng) if montage else None
        takes.append(Take(scene, first, first + length - 1, distraction))
        if first:
            transitions.append(Transition(video, "cut", first, first, first / fps, first / fps))
        first += length
    grain = float(rng.uniform(0, 4.0))
    return Film(video, fps, first, tuple(takes), tuple(transitions), grain, int(rng.integers(2**31)))


def _scenes(number: int, seed: int, rng: Generator) -> list[Scene]:
    """Return scenes in an order in which some follow one of the same place and hour, as in an edited film."""
    scenes = sample_scenes(number, seed + 9000)
    for i in range(1, number):
        if rng.uniform() < 0.3:
            scenes[i] = replace(scenes[i], setting=scenes[i - 1].setting, light=scenes[i - 1].light)
    return scenes


def _motion(first: int, length: int, rng: Generator) -> Distraction:
    """Return a camera move that lasts as long as a shot."""
    kind = str(rng.choice(["whip pan", "zoom", "shake"]))
    sign = 1 if rng.uniform() < 0.5 else -1
    amount = {
        "whip pan": sign * rng.uniform(0.05, 0.14) * length,
        "zoom": rng.uniform(1.5, 2.5) ** sign,
        "shake": rng.uniform(0.02, 0.06),
    }[kind]
    return Distraction(kind, first, first + length - 1, float(amount))


def _dimmed(film: Film) -> Iterator[Image]:
    """Yield a film's frames as at the light of a fire: dim, flickering, and with the grain of a fast film."""
    rng = np.random.default_rng([film.seed, 11])
    light, flicker = rng.uniform(*_DIM), rng.uniform(*_FLICKER)
    level = 0.0
    for image in pictures(replace(film, grain=0.0)):
        level = 0.7 * level + 0.5 * rng.normal()
        share = light * max(0.2, 1 + flicker * level)
        grain = rng.normal(0, film.grain, image.shape[:2])[..., None]
        yield np.clip(image * share + grain, 0, 255).astype(np.uint8)


def _interrupted(film: Film) -> Iterator[Image]:
    """Yield a film's frames with a light that goes out at times, for a few frames."""
    rng = np.random.default_rng([film.seed, 14])
    shares = np.ones(film.frames)
    frame = int(rng.integers(*_ON_FRAMES))
    while frame < film.frames:
        length = int(rng.integers(*_OUT_FRAMES))
        shares[frame : frame + length] = rng.uniform(*_OUT)
        frame += length + int(rng.integers(*_ON_FRAMES))
    for transition in film.transitions:  # which would not be seen in the dark
        shares[max(0, transition.first - _SEEN) : transition.last + _SEEN] = 1.0
    for image, share in zip(pictures(film), shares.tolist(), strict=True):
        yield (image * share).astype(np.uint8)


def flashes(
    images: Iterable[Image], number: int, fps: float, changes: Sequence[tuple[int, int]], rng: Generator
) -> Iterator[Image]:
    """Yield `number` images, uint8 (height, width, 3), with camera flashes, lightning and strobes among them.

    `changes` are the first and the last image of each transition; near them there is no flash, so that they are seen.
    """
    levels = np.zeros(number)  # of the flash's light
    lamps = np.zeros((number, 3))  # where its light is brightest, as shares of width and height, and how far it reaches
    frame = round(rng.uniform(*_CALM_SECONDS) * fps)
    while frame < number:
        pulse = _pulse(str(rng.choice(["camera", "lightning", "strobe"])), fps, rng)[: number - frame]
        levels[frame : frame + len(pulse)] = pulse * np.exp(rng.uniform(*np.log(_FLASH_LIGHT)))
        lamps[frame : frame + len(pulse)] = rng.uniform((-0.2, -0.2, 0.3), (1.2, 1.2, 2.0))
        frame += len(pulse) + round(rng.uniform(*_CALM_SECONDS) * fps)
    for first, last in changes:
        levels[max(0, first - _SEEN) : last + _SEEN] = 0.0
    for image, level, lamp in zip(images, levels.tolist(), lamps.tolist(), strict=True):
        yield _lit(image, level, *lamp) if level > 0 else image


def _pulse(kind: str, fps: float, rng: Generator) -> NDArray[np.float64]:
    """Return the light of a flash from frame to frame, 0 to 1."""
    length = max(1, round(rng.uniform(*_FLASH_SECONDS) * fps))
    if kind == "camera":
        return np.ones(length)
    if kind == "lightning":  # strokes follow one another, and the last one dies away
        return rng.uniform(0.3, 1.0, length) * np.linspace(1.0, rng.uniform(0.1, 1.0), length)
    on, off = (max(1, round(seconds * fps)) for seconds in rng.uniform(*_STROBE_SECONDS, 2).tolist())
    return np.tile(np.repeat([1.0, 0.0], [on, off]), int(rng.integers(*_STROBE_FLASHES)))


def _lit(image: Image, level: float, x: float, y: float, reach: float) -> Image:
    """Return an image in the additional light of a lamp at (x, y), which overexposes what is near."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width] / width
    distance = np.hypot(columns - x, rows - y * height / width) / reach
    light = (level / (1 + np.square(distance)))[..., None]
    linear = (image / 255) ** _GAMMA * (1 + light) + _FLASH_VEIL * light
    return (255 * np.minimum(linear, 1) ** (1 / _GAMMA)).astype(np.uint8)


def _starry(film: Film) -> Iterator[Image]:
    """Yield a film of starry skies: a sky for each of its scenes, with its transitions."""
    rng = np.random.default_rng([film.seed, 12])
    skies = [_Sky(np.random.default_rng([film.seed, 13, index])) for index in range(len(film.takes))]
    for frame in range(film.frames):
        shown = [
            (take, sky.image((frame - take.first) / film.fps))
            for take, sky in zip(film.takes, skies, strict=True)
            if take.first <= frame <= take.last
        ]
        image = shown[0][1]
        if len(shown) > 1:
            first, last = shown[1][0].first, shown[0][0].last
            share = (frame - first + 1) / (last - first + 2)
            image = shown[0][1] * (1 - share) + shown[1][1] * share
        yield np.clip(image + rng.normal(0, film.grain, image.shape[:2])[..., None], 0, 255).astype(np.uint8)


class _Sky:
    """Stars that twinkle and drift over black."""

    def __init__(self, rng: Generator) -> None:
        number = int(rng.integers(*_STARS))
        self._places = rng.uniform(0, 1, (number, 2)) * (WIDTH, HEIGHT)
        self._radii = rng.uniform(0.5, 2.5, number)
        self._levels = rng.uniform(60, 255, number)
        self._rates, self._phases = rng.uniform(2, 12, number), rng.uniform(0, 6.3, number)
        self._depth = rng.uniform(0.3, 1.0)
        self._drift = rng.uniform(-_DRIFT, _DRIFT, 2)
        self._tint = rng.uniform(0.7, 1.0, 3).astype(np.float32)

    def image(self, seconds: float) -> NDArray[np.float32]:
        """Return the sky after some seconds, (216, 384, 3)."""
        image = np.zeros((HEIGHT, WIDTH), np.float32)
        places = (self._places + self._drift * seconds) % (WIDTH, HEIGHT)
        levels = self._levels * (1 - self._depth * (0.5 + 0.5 * np.sin(self._rates * seconds + self._phases)))
        for (x, y), radius, level in zip(places.tolist(), self._radii.tolist(), levels.tolist(), strict=True):
            center = (round(x * 16), round(y * 16))
            cv2.circle(image, center, round(radius * 16), level, -1, cv2.LINE_AA, 4)
        return image[..., None] * self._tint
