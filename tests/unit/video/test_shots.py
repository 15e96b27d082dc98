"""Videos are cut into shots, windows and the segments of a table, to the frame."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.unit.video.video_files import film, places, read, scene
from va_widgets.video.decode import Video
from va_widgets.video.frame import Frame
from va_widgets.video.geometry import Geometry
from va_widgets.video.scaling import Picture
from va_widgets.video.shots import Shot, Transitions, segments, shots, windows


def cut_into_windows(path: Path, seconds: float, samples: int = 4) -> list[Shot]:
    video = Video(path, path.stat().st_size, 36, 64)
    try:
        return list(windows(video.frames(), seconds, samples))
    finally:
        video.close()


# --- shots -----------------------------------------------------------------------------------------


def test_a_short_shot_after_a_very_long_one_has_its_pictures(tmp_path: Path) -> None:
    long, short = scene(1, 3000, (64, 36)), scene(2, 12, (64, 36))
    film(tmp_path / "a.mp4", long + short + scene(3, 60, (64, 36)), options={"preset": "ultrafast"})
    found, _ = read(tmp_path / "a.mp4", samples=8)
    assert [shot.frame_in for shot in found] == [0, 3000, 3012]
    for shot, seed in zip(found, (1, 2, 3), strict=True):
        assert len(shot.pictures) == 8
        for picture in shot.pictures:
            assert np.abs(picture.astype(int) - scene(seed, 1, (64, 36))[0]).mean() < 10


def test_the_pictures_of_a_shot_are_spread_evenly_over_it(tmp_path: Path) -> None:
    # The picture grows brighter with time, so its level tells when it was.
    levels = np.linspace(20, 230, 1000)
    film(tmp_path / "a.mp4", [np.full((36, 64, 3), level, dtype=np.uint8) for level in levels])
    (shot,), _ = read(tmp_path / "a.mp4", samples=8)
    found = [float(picture.mean()) for picture in shot.pictures]
    assert found == pytest.approx(levels[[62, 187, 312, 437, 562, 687, 812, 937]].tolist(), abs=8)


def test_one_frame_is_a_shot(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", scene(1, 1))
    found, damage = read(tmp_path / "a.mp4", samples=8)
    assert (places(found), len(found[0].pictures), damage) == ([(0.0, 0.04, 0, 1)], 8, "")


def test_an_hour_needs_no_more_memory_than_a_minute() -> None:
    """Scaled down: ten minutes at 10 frames a second, as a decoder would give them."""

    class Painted(Frame):
        def small(self) -> Picture:
            return np.full((36, 64, 3), 40 + 100 * (self.index // 2000 % 2), dtype=np.uint8)

        def picture(self) -> Picture:
            return np.full((288, 512, 3), 40, dtype=np.uint8)

        def shown_size(self) -> tuple[int, int]:
            return 512, 288

    def frames() -> Iterator[Frame]:
        for number in range(6000):
            yield Painted(number, number / 10, (number + 1) / 10, None, Geometry(), None)  # type: ignore[arg-type]

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = [(shot.frame_in, shot.frame_out) for shot in shots(frames(), Transitions(10), 8)]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert found == [(0, 2000), (2000, 4000), (4000, 6000)]
    assert grown < 100  # MB; all pictures together are 2.6 GB


# --- large videos, of which only some frames are decoded -------------------------------------------

CUTS = [0, 17, 41, 60, 83]


@pytest.fixture(scope="module")
def moving() -> list[Picture]:
    """Shots of 1280 x 720 whose picture moves."""
    pictures: list[Picture] = []
    for seed, (start, end) in enumerate(zip(CUTS, [*CUTS[1:], 110], strict=True)):
        noise = np.random.default_rng(seed).integers(-12, 12, (720, 1280, 1))
        still = np.clip(scene(seed, 1, (1280, 720))[0] + noise, 0, 255).astype(np.uint8)
        pictures += [np.roll(still, 3 * number, axis=1) for number in range(end - start)]
    return pictures


@dataclass
class Setting:
    """An encoder's settings, and how many of the file's frames may be decoded."""

    options: dict[str, str]
    most: int
    codec: str = "libx264"


SETTINGS = {
    "default": Setting({"preset": "superfast"}, 80),
    "no-b-frames": Setting({"bf": "0"}, 110),
    "open-gop": Setting({"x264-params": "open-gop=1:keyint=30:bframes=3"}, 80),
    "no-scene-cuts": Setting({"x264-params": "keyint=250:scenecut=0:bframes=3:b-adapt=0"}, 80),
    "pyramid": Setting({"x264-params": "keyint=250:scenecut=0:bframes=3:b-adapt=0:b-pyramid=normal"}, 80),
    "hevc": Setting({"x265-params": "log-level=none:bframes=4:scenecut=0:b-adapt=0"}, 90, codec="libx265"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_cuts_of_large_videos_are_found_though_not_all_frames_are_decoded(
    name: str, moving: list[Picture], tmp_path: Path
) -> None:
    setting = SETTINGS[name]
    path = film(tmp_path / "a.mp4", moving, setting.codec, options={"preset": "ultrafast", **setting.options})
    every, some = Video(path, 1, 36, 64, every=True), Video(path, 1, 36, 64)
    whole = {(frame.index, round(frame.time, 4)) for frame in every.frames()}
    seen: list[tuple[int, float]] = []

    def watched() -> Iterator[Frame]:
        for frame in some.frames():
            seen.append((frame.index, round(frame.time, 4)))
            yield frame

    found = [shot.frame_in for shot in shots(watched(), Transitions(some.seen_fps), 2)]
    every.close()
    some.close()
    assert whole == {(number, round(number / 25, 4)) for number in range(110)}
    assert set(seen) <= whole  # numbers and times are the file's
    assert len(seen) <= setting.most
    assert found == CUTS


# --- windows ---------------------------------------------------------------------------------------


def test_windows_are_of_equal_length_and_the_last_is_shorter(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", scene(1, 60) + scene(2, 65))
    found = cut_into_windows(tmp_path / "a.mp4", 2.0)
    assert places(found) == [(0.0, 2.0, 0, 50), (2.0, 4.0, 50, 100), (4.0, 5.0, 100, 125)]
    assert all(len(shot.pictures) == 4 for shot in found)


def test_windows_of_a_broken_frame_rate_are_exact(tmp_path: Path) -> None:
    times = [Fraction(1001 * i, 30_000) for i in range(150)]
    film(tmp_path / "a.mkv", scene(1, 150), rate=30, times=times)
    found = cut_into_windows(tmp_path / "a.mkv", 2.0)
    assert [(shot.start, shot.end) for shot in found[:2]] == [(0.0, 2.0), (2.0, 4.0)]
    assert [(shot.frame_in, shot.frame_out) for shot in found] == [(0, 60), (60, 120), (120, 150)]
    assert found[2].end == pytest.approx(5.005, abs=0.005)


def test_windows_of_a_variable_frame_rate_go_by_time(tmp_path: Path) -> None:
    times = [Fraction(i, 30) for i in range(30)] + [1 + Fraction(i, 10) for i in range(30)]
    film(tmp_path / "a.mp4", scene(1, 60), rate=30, times=times)
    found = cut_into_windows(tmp_path / "a.mp4", 1.0)
    assert [(shot.start, shot.frame_in) for shot in found] == [(0.0, 0), (1.0, 30), (2.0, 40), (3.0, 50)]


def test_a_frame_that_is_shown_for_long_fills_its_windows(tmp_path: Path) -> None:
    # At 0, 1, 9 and 10 s: what is shown from 1 to 9 s is in three more windows.
    film(tmp_path / "a.mkv", scene(1, 2) + scene(2, 2), rate=1, times=[Fraction(one) for one in (0, 1, 9, 10)])
    found = cut_into_windows(tmp_path / "a.mkv", 2.0)
    assert [(shot.start, shot.end) for shot in found[:5]] == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]
    assert [(shot.frame_in, shot.frame_out) for shot in found[:5]] == [(0, 2), (1, 2), (1, 2), (1, 2), (1, 3)]


# --- segments --------------------------------------------------------------------------------------


def cut_out(path: Path, times: Sequence[tuple[float, float]]) -> tuple[dict[int, Shot], str]:
    video = Video(path, path.stat().st_size, 36, 64)
    try:
        return dict(segments(video.frames, times, 4)), video.damage
    finally:
        video.close()


def test_segments_may_overlap_and_come_in_any_order(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", [one for seed in range(8) for one in scene(seed, 25)], options={"g": "30"})
    asked = [(5.0, 6.0), (0.5, 2.5), (2.0, 3.0), (5.5, 5.6), (7.5, 9.0), (8.0, 9.0), (0.0, 8.0)]
    found, damage = cut_out(tmp_path / "a.mp4", asked)
    assert sorted(found) == [0, 1, 2, 3, 4, 6]  # the fifth lies behind the end
    assert damage == ""
    assert [(found[i].start, round(found[i].end, 3)) for i in sorted(found)] == [*asked[:4], (7.5, 8.0), (0.0, 8.0)]
    assert [(found[i].frame_in, found[i].frame_out) for i in (0, 1, 2, 6)] == [(125, 150), (12, 63), (50, 75), (0, 200)]
    for picture in found[0].pictures:
        assert np.abs(picture.astype(int) - scene(5, 1)[0]).mean() < 10


def test_a_late_segment_is_sought_and_not_read_up_to(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    pictures = [noise.integers(0, 255, (36, 64, 3), dtype=np.uint8) for _ in range(1000)]
    path = film(tmp_path / "a.mkv", pictures, options={"g": "25", "preset": "ultrafast"})
    read_of: list[int] = []

    class Counted:
        """A file that tells how much of it is read."""

        def __init__(self) -> None:
            self._file = path.open("rb")

        def read(self, size: int) -> bytes:
            data = self._file.read(size)
            read_of.append(len(data))
            return data

        def seek(self, place: int, whence: int = 0) -> int:
            return self._file.seek(place, whence)

        def tell(self) -> int:
            return self._file.tell()

        def close(self) -> None:
            self._file.close()

    counted = Counted()
    video = Video(counted, path.stat().st_size, 36, 64)  # type: ignore[arg-type]  # all that is needed of a file
    (place,) = segments(video.frames, [(35.0, 36.0)], 4)
    video.close()
    counted.close()
    assert (place[1].frame_in, place[1].frame_out) == (875, 900)
    assert sum(read_of) < path.stat().st_size / 2
