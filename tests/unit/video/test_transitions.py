"""Cuts, fades and dissolves are found in moving, dim and flickering pictures, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from va_widgets.video.transitions import TransitionDetector

Pictures = NDArray[np.float64]
SIZE = (64, 36)


def found(pictures: Pictures, fps: float = 25) -> list[int]:
    """Return the first frames of shots of pictures (n, 36, 64, 3) from 0 to 255."""
    detector = TransitionDetector(fps)
    frames = np.clip(pictures, 0, 255).astype(np.uint8)
    return [start for frame in frames for start in detector.process(frame)] + detector.finish()


def scene(seed: int, frames: int, speed: int = 0) -> Pictures:
    """Return a scene as unlike those of other seeds as can be, which moves by so many pixels a frame."""
    coarse = np.random.default_rng(seed).integers(0, 255, (5, 8, 3), dtype=np.uint8)
    still = cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC)
    return np.stack([np.roll(still, speed * number, axis=1) for number in range(frames)]).astype(np.float64)


def joined(lengths: Sequence[int], speed: int = 0) -> tuple[Pictures, list[int]]:
    """Return scenes of so many frames, one after another, and where they begin but for the first."""
    shots = [scene(seed, length, speed) for seed, length in enumerate(lengths)]
    return np.concatenate(shots), np.cumsum(lengths)[:-1].tolist()


def noisy(pictures: Pictures, deviation: float) -> Pictures:
    return pictures + np.random.default_rng(0).normal(0, deviation, pictures.shape)


def stars(seed: int, frames: int) -> Pictures:
    """Return points of light on black that twinkle and drift."""
    rng = np.random.default_rng(seed)
    number = 150
    places, phases = rng.uniform(0, 1, (number, 2)) * (36, 64), rng.uniform(0, 7, number)
    sky = np.zeros((frames, 36, 64, 3))
    for frame in range(frames):
        rows, columns = ((places + np.array([0, 0.2 * frame])) % (36, 64)).astype(int).T
        sky[frame, rows, columns] = (60 * (1 + np.sin(0.4 * frame + phases)))[:, None]
    return sky


# --- short shots -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [24, 25, 30])
def test_cuts_a_few_frames_apart_are_found(fps: int) -> None:
    pictures, cuts = joined([30, 4, 5, 6, 30, 7, 9, 4, 10, 8, 30])
    assert found(pictures, fps) == cuts


def test_cuts_of_a_hectic_montage_at_15_frames_a_second_are_found() -> None:
    pictures, cuts = joined([12, 5, 8, 6, 9, 4, 15, 5], speed=3)
    assert found(pictures, 15) == cuts


@pytest.mark.parametrize("fps", [15, 25])
def test_a_camera_that_is_pushed_makes_no_shots(fps: int) -> None:
    rng = np.random.default_rng(0)
    # As in nature, the larger a pattern, the stronger.
    octaves = [rng.normal(0, 100 / 2**level, (9 * 2**level, 16 * 2**level, 3)) for level in range(5)]
    large = 128 + np.sum([cv2.resize(octave, (256, 144), interpolation=cv2.INTER_CUBIC) for octave in octaves], axis=0)
    place, push, frames = np.array([80.0, 50.0]), np.zeros(2), []
    for number in range(200):
        push = rng.normal(0, [6.0, 2.0]) if number % 10 == 0 else 0.6 * push
        place = np.clip(place + push, 0, [192, 108])
        left, top = place.astype(int)
        frames.append(large[top : top + 36, left : left + 64])
    assert found(np.stack(frames), fps) == []


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_flash_is_no_shot(length: int) -> None:
    pictures = scene(1, 60, speed=1)
    pictures[30 : 30 + length] = 0.1 * pictures[30 : 30 + length] + 225
    assert found(pictures) == []


@pytest.mark.parametrize("length", [5, 7, 9])
@pytest.mark.parametrize("speed", [0, 1])
def test_light_that_overexposes_a_shot_for_less_than_the_shortest_one_ends_none(length: int, speed: int) -> None:
    pictures = scene(1, 100, speed)
    dying = np.linspace(1.0, 0.4, length)
    for first, levels in ((20, np.ones(length)), (50, dying), (80, 5 * np.ones(length))):
        light = np.linspace(2.0, 0.3, SIZE[0])[:, None] * levels[:, None, None, None]  # from the left
        pictures[first : first + length] = pictures[first : first + length] * (1 + light) + 40 * light
    assert found(pictures) == []


def test_a_strobe_ends_no_shot() -> None:
    pictures = scene(1, 100, speed=1)
    for first in range(20, 80, 9):
        pictures[first : first + 5] = 3 * pictures[first : first + 5] + 50
    assert found(pictures) == []


def test_a_bright_shot_of_a_few_frames_between_two_of_one_dark_scene_is_found() -> None:
    pictures = 0.2 * scene(1, 60)
    pictures[30:36] = 80 + 0.5 * scene(2, 6)
    assert found(pictures) == [30, 36]


# --- light -----------------------------------------------------------------------------------------


def test_stars_that_twinkle_are_one_shot_and_another_sky_is_the_next() -> None:
    assert found(noisy(stars(1, 200), 2.0)) == []
    assert found(noisy(np.concatenate([stars(1, 60), stars(2, 60)]), 2.0)) == [60]


@pytest.mark.parametrize("light", [0.05, 0.1, 0.2])
def test_a_dim_scene_that_flickers_is_one_shot(light: float) -> None:
    flicker = np.random.default_rng(1).uniform(0.4, 1.6, (200, 1, 1, 1))
    assert found(noisy(light * flicker * scene(1, 200, speed=1), 3.0)) == []


@pytest.mark.parametrize("light", [0.05, 0.1, 0.2])
def test_cuts_between_dim_scenes_are_found(light: float) -> None:
    pictures, cuts = joined([40, 30, 20, 40])
    assert found(noisy(light * pictures, 3.0)) == cuts


@pytest.mark.parametrize("length", [2, 4, 6, 8])
def test_a_light_that_goes_out_and_comes_back_ends_no_shot(length: int) -> None:
    pictures = scene(1, 120)
    for start in (20, 50, 70, 95):
        pictures[start : start + length] *= 0.02
    assert found(noisy(pictures, 1.0)) == []


@pytest.mark.parametrize("light", [0.15, 1.0])
def test_a_fade_through_black_ends_a_shot_in_its_middle(light: float) -> None:
    levels = [*[1.0] * 30, *np.linspace(1, 0, 12), *[0.0] * 4, *np.linspace(0, 1, 12), *[1.0] * 30]
    pictures = np.concatenate([scene(1, 44), scene(2, 44)]) * np.array(levels)[:, None, None, None]
    (start,) = found(noisy(light * pictures, 1.0))
    assert 38 <= start <= 50


def test_pictures_of_one_colour_that_change_slowly_are_one_shot() -> None:
    grey = np.linspace(5, 60, 200)[:, None, None, None] * np.ones((1, 36, 64, 3))
    assert found(np.floor(grey / 2) * 2) == []


def test_a_dissolve_ends_a_shot_in_its_middle() -> None:
    share = np.clip((np.arange(80) - 30) / 20, 0, 1)[:, None, None, None]
    (start,) = found((1 - share) * scene(1, 80) + share * scene(2, 80))
    assert 36 <= start <= 44
