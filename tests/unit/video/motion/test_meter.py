"""What is measured of clips whose motion is known."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from tests.unit.video.motion.scenes import Image, filmed, seen, world
from va_widgets.video.motion.features import FEATURES, readable
from va_widgets.video.motion.meter import MotionMeter
from va_widgets.video.motion.words import motion_in_words

STILL = 0.01


def words(picture: Callable[[float], Image], seconds: float = 1.5, fps: float = 24.0) -> str:
    return motion_in_words(filmed(picture, seconds, fps).numbers._asdict())


@pytest.mark.parametrize("fps", [12, 24, 60])
@pytest.mark.parametrize(
    ("move", "speed"),
    [
        ("pan", 0.2),
        ("pan", -0.4),
        ("tilt", 0.2),
        ("tilt", -0.2),
        ("zoom", 0.2),
        ("zoom", -0.04),
        ("roll", 0.3),
        ("roll", -0.15),
    ],
)
def test_moves_have_their_sign_and_speed_at_every_frame_rate(move: str, speed: float, fps: float) -> None:
    moved: dict[str, Callable[[float], Image]] = {
        "pan": lambda way: seen(x=way),
        "tilt": lambda way: seen(y=way),
        "zoom": lambda way: seen(zoom=way),
        "roll": lambda way: seen(roll=way),
    }
    numbers = filmed(lambda second: moved[move](speed * (second - 0.75)), fps=fps).numbers
    assert getattr(numbers, move) == pytest.approx(speed, rel=0.15)
    others = {"pan", "tilt", "zoom", "roll"} - {move}
    assert all(abs(getattr(numbers, other)) < 0.1 * abs(speed) + 0.003 for other in others)
    assert numbers.shake < 0.02


def test_moves_add_up() -> None:
    numbers = filmed(lambda s: seen(x=0.2 * (s - 0.75), y=0.1 * (s - 0.75), zoom=0.1 * (s - 0.75))).numbers
    assert numbers[:3] == pytest.approx((0.2, 0.1, 0.1), rel=0.2)


@pytest.mark.parametrize("fps", [12, 24, 60])
def test_a_whip_pan_is_measured(fps: float) -> None:
    numbers = filmed(lambda s: seen(x=0.9 * float(np.clip((s - 0.5) / 0.35, 0, 1))), fps=fps).numbers
    assert numbers.pan * 1.5 == pytest.approx(0.9, rel=0.2)


def test_shake_is_not_a_move_and_a_move_is_no_shake() -> None:
    def shaken(second: float) -> Image:
        return seen(x=0.015 * np.sin(2 * np.pi * 3.1 * second), y=0.015 * np.sin(2 * np.pi * 2.3 * second + 1))

    numbers = filmed(shaken, seconds=2).numbers
    assert numbers.shake > 0.1
    assert max(abs(value) for value in numbers[:4]) < 0.04
    assert words(shaken, seconds=2) == "shaky"


def test_a_subject_does_not_move_the_camera() -> None:
    subject = cv2.resize(world(1), (20, 24), interpolation=cv2.INTER_AREA)

    def walk(second: float) -> Image:
        image = seen()
        left = round(5 + 16 * second)
        image[8:32, left : left + 20] = subject
        return image

    numbers = filmed(walk).numbers
    assert max(abs(value) for value in numbers[:4]) < 2 * STILL
    assert numbers.subject_motion > 0.02
    assert words(walk) == "static, subject moves"
    assert filmed(lambda _: seen()).numbers.subject_motion == 0


def test_a_subject_that_the_camera_follows_stays_a_subject() -> None:
    subject = cv2.resize(world(1), (16, 22), interpolation=cv2.INTER_AREA)

    def followed(second: float) -> Image:
        image = seen(x=0.3 * second)
        image[8:30, 24:40] = subject
        return image

    numbers = filmed(followed).numbers
    assert numbers.pan == pytest.approx(0.3, rel=0.15)
    assert numbers.subject_motion > 0.02


def test_a_van_that_fills_half_of_the_picture_does_not_move_a_camera_at_rest() -> None:
    van = cv2.resize(world(1), (34, 108), interpolation=cv2.INTER_AREA)

    def drives(second: float) -> Image:
        image = seen()
        top = round(20 * second)
        image[:, 15:49] = van[top : top + 36]
        return image

    assert max(abs(value) for value in filmed(drives).numbers[:4]) < 2 * STILL
    assert words(drives) == "static, subject moves"


def test_a_crowd_that_goes_one_way_does_not_move_a_camera_at_rest() -> None:
    rng = np.random.default_rng(9)
    people = cv2.resize(world(1), (60 * 6, 10), interpolation=cv2.INTER_AREA)
    places, speeds = rng.uniform(0, 1, (60, 2)), rng.uniform(0.1, 0.2, 60)  # picture widths a second

    def crowd(second: float) -> Image:
        image = seen(size=(256, 144))
        for i, (x, y) in enumerate(places):
            left, top = round((x + speeds[i] * second) % 1 * 232), round(50 + y * 52)
            person = cv2.resize(people[:, 6 * i : 6 * i + 6], (24, 40), interpolation=cv2.INTER_LINEAR)
            image[top : top + 40, left : left + 24] = person
        return cv2.resize(image, (64, 36), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

    assert abs(filmed(crowd, seconds=2).numbers.pan) < 0.015
    assert words(crowd, seconds=2).startswith("static")


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_water_and_crowds_stay_static(share: float) -> None:
    rng = np.random.default_rng(3)
    fields = [rng.normal(0, 40, (12, 20, 3)).astype(np.float32) for _ in range(12)]

    def water(second: float) -> Image:
        place = second * 6  # a new pattern six times a second, with a soft change from one to the next
        first, part = fields[int(place) % 12], place % 1
        field = first * (1 - part) + fields[(int(place) + 1) % 12] * part
        waves = np.clip(cv2.resize(field, (64, 36), interpolation=cv2.INTER_CUBIC) + 120, 0, 255)
        image = seen()
        image[round(36 * (1 - share)) :] = waves[round(36 * (1 - share)) :].astype(np.uint8)
        return image

    numbers = filmed(water, seconds=2).numbers
    assert max(abs(value) for value in numbers[:4]) < 0.03
    assert numbers.subject_motion > 0.02
    assert words(water, seconds=2).startswith("static")


def waves(second: float, top: int = 0, stream: float = 0.0) -> Image:
    """Waves of many lengths and directions that fill the picture from row `top` on, on a stream in widths a second."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:36, 0:64].astype(np.float64)
    height = np.zeros((36, 64))
    for number, way, start in rng.uniform((0.2, 0, 0), (2.0, 2 * np.pi, 2 * np.pi), (25, 3)):
        place = (x - 64 * stream * second) * np.cos(way) + y * np.sin(way)
        height += np.sin(number * place - 6 * np.sqrt(number) * second + start)
    image = seen()
    image[top:] = np.clip(height * 9 + 110, 0, 255)[top:, :, None]
    return image


@pytest.mark.parametrize("top", [0, 4, 12])
@pytest.mark.parametrize("stream", [0.0, 0.05])
def test_waves_that_most_points_follow_for_a_moment_do_not_move_a_camera_at_rest(top: int, stream: float) -> None:
    def sea(second: float) -> Image:
        return waves(second, top, stream)

    assert words(sea, seconds=2).startswith("static")


def test_snow_that_falls_at_many_speeds_does_not_move_a_camera_at_rest() -> None:
    rng = np.random.default_rng(2)
    places, speeds = rng.uniform(0, 1, (500, 2)), rng.uniform(0.2, 0.6, 500)

    def snow(second: float) -> Image:
        image = (cv2.resize(seen(), (320, 180), interpolation=cv2.INTER_LINEAR) * 0.4).astype(np.uint8)
        for (x, y), speed in zip(places, speeds, strict=True):
            at = round((x + 0.04 * second) % 1 * 320), round((y + speed * second) % 1 * 180)
            cv2.circle(image, at, 1, (230, 230, 230), -1)
        return cv2.resize(image, (64, 36), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

    assert words(snow, seconds=1.5).startswith("static")


@pytest.mark.parametrize("zoom", [0.0, 0.03])
def test_somebody_who_moves_before_the_camera_hides_neither_rest_nor_a_slow_zoom(zoom: float) -> None:
    head = cv2.resize(world(1), (30, 36), interpolation=cv2.INTER_AREA)

    def talks(second: float) -> Image:
        image = seen(zoom=zoom * second)
        left, top = round(17 + 3 * np.sin(4 * second)), round(6 + 2 * np.sin(2.6 * second))
        image[top:36, left : left + 30] = head[: 36 - top]
        return image

    numbers = filmed(talks, seconds=3).numbers
    assert numbers.zoom == pytest.approx(zoom, abs=0.008)
    assert words(talks, seconds=3) == ("zooms in slowly" if zoom else "static, subject moves")


def test_what_is_checked_does_not_reach_over_a_cut() -> None:
    def video(second: float) -> Image:
        return waves(second) if second < 1 else seen(x=0.03 * (second - 1))

    meter = MotionMeter()
    for i in range(72):
        meter.add(video(i / 24), i / 24)
    assert meter.result(1.0, 3.0).numbers.pan == pytest.approx(0.03, rel=0.15)


def test_a_frozen_picture_is_static() -> None:
    motion = filmed(lambda _: seen())
    assert not any(motion.numbers)
    assert words(lambda _: seen()) == "static"


def test_repeated_frames_do_not_make_a_move_stutter() -> None:
    smooth = filmed(lambda s: seen(x=0.3 * s), fps=60).numbers
    repeated = filmed(lambda s: seen(x=0.3 * (int(s * 12) / 12)), fps=60).numbers
    assert repeated.pan == pytest.approx(smooth.pan, rel=0.1)
    assert repeated.shake < 0.02


def test_black_bars_do_not_hold_a_move_back() -> None:
    def barred(second: float) -> Image:
        image = seen(x=0.3 * second, y=0.2 * second)
        image[:5] = image[-5:] = 0
        return image

    numbers = filmed(barred).numbers
    assert numbers.pan == pytest.approx(0.3, rel=0.15)
    assert numbers.tilt == pytest.approx(0.2 * 36 / 24, rel=0.2)  # in heights of the picture without its bars


def test_vertical_videos_are_measured_in_their_own_widths() -> None:
    numbers = filmed(lambda s: seen(x=0.3 * s, y=0.2 * s, size=(36, 64))).numbers
    assert numbers.pan == pytest.approx(0.3, rel=0.15)
    assert numbers.tilt == pytest.approx(0.2, rel=0.15)


def test_low_light_is_enough() -> None:
    rng = np.random.default_rng(5)

    def dark(second: float) -> Image:
        image = seen(x=0.3 * second) * 0.08 + rng.normal(0, 0.5, (36, 64, 3))
        return np.clip(image, 0, 255).astype(np.uint8)

    assert filmed(dark).numbers.pan == pytest.approx(0.3, rel=0.2)
    still = filmed(lambda _: np.clip(seen() * 0.08 + rng.normal(0, 0.5, (36, 64, 3)), 0, 255).astype(np.uint8))
    assert max(abs(value) for value in still.numbers[:4]) < STILL


def test_changes_of_light_are_no_moves() -> None:
    def fade(second: float) -> Image:
        return (seen() * np.clip(second, 0.02, 1)).astype(np.uint8)

    def from_black(second: float) -> Image:
        return (seen() * min(1.0, second)).astype(np.uint8)

    assert words(from_black) == "static"
    numbers = filmed(fade, seconds=1.5).numbers
    assert max(abs(value) for value in numbers[:4]) < STILL
    assert numbers.brightness_change == pytest.approx(0.5 / 1.5, rel=0.2)
    rising = dict(zip(FEATURES, filmed(fade).features, strict=True))
    assert rising["light rise"] > 1
    assert rising["light from black"] == 1


@pytest.mark.parametrize("frames", [0, 1, 2, 3])
@pytest.mark.parametrize("size", [(64, 36), (2, 2), (16, 16), (36, 400)])
def test_the_shortest_clips_have_numbers(frames: int, size: tuple[int, int]) -> None:
    meter = MotionMeter()
    for i in range(frames):
        meter.add(seen(x=0.01 * i, size=size), i / 24)
    motion = meter.result(0.0, 1.0)
    assert motion.features.dtype == np.float32
    assert motion.features.shape == (len(FEATURES),)
    assert np.isfinite(motion.features).all()
    assert np.isfinite(motion.numbers).all()
    if frames < 2:
        assert not any(motion.numbers)
    if frames == 2 and size == (64, 36):
        assert motion.numbers.pan == pytest.approx(0.01 * 24, rel=0.3)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_pictures_without_texture_are_static(level: int) -> None:
    motion = filmed(lambda _: np.full((36, 64, 3), level, dtype=np.uint8))
    assert not any(motion.numbers)
    assert np.isfinite(motion.features).all()


def test_each_shot_of_a_video_is_measured_by_itself() -> None:
    def video(second: float) -> Image:
        return seen(x=0.3 * second) if second < 1 else 255 - seen(y=0.3 * (second - 1))

    meter = MotionMeter()
    for i in range(48):
        meter.add(video(i / 24), i / 24)
    first = meter.result(0.0, 1.0)
    meter.forget(1.0)
    second = meter.result(1.0, 2.0)
    assert first.numbers.pan == pytest.approx(0.3, rel=0.15)
    assert abs(first.numbers.tilt) < STILL
    assert second.numbers.tilt == pytest.approx(0.3, rel=0.15)
    assert abs(second.numbers.pan) < STILL
    assert second.numbers.brightness_change < 0.3  # the cut between them is in neither


def test_frames_may_have_the_same_time() -> None:
    meter = MotionMeter()
    for i in range(12):
        meter.add(seen(x=0.02 * i), 0.5)
    motion = meter.result(0.0, 1.0)
    assert np.isfinite(motion.features).all()
    assert not any(motion.numbers[:6])
    meter.forget(2.0)
    assert not any(meter.result(0.0, 3.0).numbers)


def test_frames_may_change_their_size() -> None:
    meter = MotionMeter()
    for i in range(24):
        meter.add(seen(x=0.3 * i / 24, size=(64, 36) if i < 12 else (48, 36)), i / 24)
    assert meter.result(0.0, 1.0).numbers.pan == pytest.approx(0.3, rel=0.3)


def test_results_are_the_same_every_time() -> None:
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 255, (36, 64, 3)).astype(np.uint8) for _ in range(24)]
    one, other = (filmed(lambda s: frames[round(s * 24)], seconds=1) for _ in range(2))
    assert np.array_equal(one.features, other.features)


def test_the_numbers_are_read_back_from_features_in_half_precision() -> None:
    measured = [
        filmed(lambda s: seen(x=0.3 * s, y=-0.1 * s, zoom=0.2 * s, roll=0.05 * s)),
        filmed(lambda s: seen(x=0.02 * float(np.sin(20 * s)))),
        MotionMeter().result(0, 1),
    ]
    rows = readable(np.stack([motion.features for motion in measured]).astype(np.float16))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, [motion.numbers for motion in measured], rtol=0.004, atol=1e-4)


def test_features_that_are_zero_throughout_are_unknown() -> None:
    rows = readable(np.stack([np.zeros(len(FEATURES)), MotionMeter().result(0, 1).features]))
    assert np.isnan(rows[0]).all()
    assert (rows[1] == 0).all()


@pytest.mark.parametrize("size", [(36, 64), (36, 900), (36, 36), (8, 8), (9, 7), (1, 36), (1, 1)])
def test_pictures_of_any_size_and_cards_of_one_colour_have_finite_features(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (*size, 3)).astype(np.uint8) for _ in range(6)]
    cards = [np.full((*size, 3), level, np.uint8) for level in (0, 255, 20, 200, 20, 21)]
    for pictures in (noise, cards):
        meter = MotionMeter()
        for number, picture in enumerate(pictures):
            meter.add(picture, number / 12)
        features = meter.result(0, 1).features
        assert np.isfinite(features.astype(np.float16)).all()
        assert features.any()
