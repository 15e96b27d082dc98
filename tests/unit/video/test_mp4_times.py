"""MP4 files with odd edit lists or without durations of frames: no frame is lost that is to be shown."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from tests.unit.video import test_preview
from tests.unit.video.test_decode import from_moment, moving, same_from_every_moment, x264
from tests.unit.video.video_files import film
from va_widgets.video.mp4_times import NOTHING_LEFT
from va_widgets.video.preview import cut
from va_widgets.video.source_clock import source_count

SECOND = 12_800  # units of a track of 25 frames a second, as FFmpeg writes it; an edit's duration is in milliseconds
PAUSE = -1
FRAGMENTS = "frag_keyframe+default_base_moof"
CONTAINERS = (b"moov", b"trak")


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def with_edits(data: bytes, edits: list[tuple[int, int]], version: int = 0) -> bytes:
    """Return an MP4 with other edit lists: durations, and where in the track they begin."""
    edit = struct.Struct(">QqI" if version else ">IiI")
    listed = b"".join(edit.pack(*one, 1 << 16) for one in edits)
    edts = box(b"edts", box(b"elst", struct.pack(">B3xI", version, len(edits)) + listed))

    def changed(part: bytes) -> bytes:
        new, at = b"", 0
        while at < len(part):
            size, kind = struct.unpack(">I4s", part[at : at + 8])
            if kind in CONTAINERS:
                new += box(kind, changed(part[at + 8 : at + size]))
            elif kind != b"edts":
                new += part[at : at + size] + (edts if kind == b"tkhd" else b"")
            at += size
        return new

    result = changed(data)
    if data.index(b"moov") < data.index(b"mdat") and b"stco" in data:  # its table has the position of what follows
        at = result.index(b"stco") + 12
        (position,) = struct.unpack(">I", result[at : at + 4])
        result = result[:at] + struct.pack(">I", position + len(result) - len(data)) + result[at + 4 :]
    return result


def with_steady_durations(data: bytes, duration: int) -> bytes:
    """Return an MP4 of whose frames each is shown for so many units."""
    at = data.index(b"stts") + 12
    frames, _ = struct.unpack(">II", data[at : at + 8])
    return data[:at] + struct.pack(">II", frames, duration) + data[at + 8 :]


# What the edit list has, where 0 is the first picture; the frames that are to be shown, of 100; and what is said.
EDITS: dict[str, tuple[list[tuple[int, int]], list[int], str]] = {
    "without an end": ([(0, 0)], list(range(100)), ""),
    "without an end from 1.2 s on": ([(0, 15_360)], list(range(30, 100)), ""),
    "without an end, after a pause": ([(1000, PAUSE), (0, 0)], list(range(100)), ""),
    "a pause at its end": ([(4000, 0), (1000, PAUSE)], list(range(100)), ""),
    "two parts with a pause between": ([(1000, 0), (1000, PAUSE), (3000, SECOND)], list(range(100)), ""),
    "longer than the track": ([(99_000, 0)], list(range(100)), ""),
    "two parts": ([(1000, 0), (1000, 2 * SECOND)], [*range(25), *range(50, 75)], ""),
    "a part twice": ([(2000, 0), (2000, 0)], [*range(50), *range(50)], ""),
    "none": ([], list(range(100)), ""),
    "a part behind the end": ([(1000, 20 * SECOND)], list(range(100)), NOTHING_LEFT),
    "without an end, from behind the end on": ([(0, 20 * SECOND)], list(range(100)), NOTHING_LEFT),
    "a pause alone": ([(1000, PAUSE)], list(range(100)), NOTHING_LEFT),
}


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("name", EDITS)
def test_of_an_edit_list_what_is_to_be_shown_is_shown(name: str, b_frames: int, version: int, tmp_path: Path) -> None:
    edits, shown, flaw = EDITS[name]
    path = film(tmp_path / "a.mp4", moving(100), **x264(12, b_frames))
    whole = [pixels for _, _, pixels in from_moment(path, 0.0)[0]]
    first = 512 * b_frames  # of the track's time: where its frames are reordered, the first is shown so much later
    moved = [(duration, begin if begin == PAUSE else begin + first) for duration, begin in edits]
    path.write_bytes(with_edits(path.read_bytes(), moved, version))
    found, damage = from_moment(path, 0.0)
    assert [pixels for _, _, pixels in found] == [whole[number] for number in shown]
    # FFmpeg shows a second part one frame late if its frames are reordered.
    assert [start for start, _, _ in found] == pytest.approx([place / 25 for place in range(len(shown))], abs=0.041)
    assert damage == flaw
    if "twice" not in name:
        same_from_every_moment(path, [0.04, 0.5, 1.04, 1.96])


@pytest.mark.parametrize("flags", [FRAGMENTS, f"{FRAGMENTS}+empty_moov"])
@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("begin", [0, 15_360])
def test_an_edit_list_of_a_fragmented_file_says_where_it_begins(
    begin: int, b_frames: int, flags: str, tmp_path: Path
) -> None:
    path = film(tmp_path / "a.mp4", moving(100), file_options={"movflags": flags}, **x264(12, b_frames))
    whole = [pixels for _, _, pixels in from_moment(path, 0.0)[0]]
    path.write_bytes(with_edits(path.read_bytes(), [(0, begin + 512 * b_frames)]))
    found, damage = from_moment(path, 0.0)
    assert ([pixels for _, _, pixels in found], damage) == (whole[begin // 512 :], "")
    assert found[0][0] == 0.0
    same_from_every_moment(path, [0.04, 0.5, 1.04, 1.96])


def test_a_preview_of_a_file_with_an_endless_edit_list(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", moving(100), **x264(12, 2))
    path.write_bytes(with_edits(path.read_bytes(), [(0, SECOND + 1024)]))
    (tmp_path / "preview.mp4").write_bytes(cut(path, 1.0, 2.0))
    assert len(from_moment(tmp_path / "preview.mp4", 0.0)[0]) == 25


def test_the_sound_of_a_file_with_endless_edit_lists_is_in_time(tmp_path: Path) -> None:
    path = test_preview.film(tmp_path / "a.mp4", [test_preview.beep(48_000)])
    path.write_bytes(with_edits(path.read_bytes(), [(0, 1024)]))  # of the sound, too, whose first packet has no sound
    preview = cut(path, test_preview.AT - 1, test_preview.AT + 1)
    assert test_preview.heard(preview) == pytest.approx(test_preview.seen(preview), abs=0.02)


@pytest.mark.parametrize(
    ("name", "codec", "rate"), [("a.mp4", "libx264", 25), ("b.mp4", "libx264", 30), ("a.mov", "mjpeg", 25)]
)
@pytest.mark.parametrize("duration", [0, 1])
def test_frames_that_take_no_time_are_shown_at_the_frame_rate(
    duration: int, name: str, codec: str, rate: int, tmp_path: Path
) -> None:
    options = {"pix_fmt": "yuvj420p"} if codec == "mjpeg" else x264(12, 0)
    path = film(tmp_path / name, moving(100), codec, rate=rate, **options)
    whole, _ = from_moment(path, 0.0)
    path.write_bytes(with_steady_durations(path.read_bytes(), duration))
    found, damage = from_moment(path, 0.0)
    assert np.allclose([frame[:2] for frame in found], [frame[:2] for frame in whole], atol=1e-3)
    assert ([pixels for _, _, pixels in found], damage) == ([pixels for _, _, pixels in whole], "")
    assert source_count(path).rate == rate
    same_from_every_moment(path, [0.07, 0.51, 1.07, 1.97])


def test_reordered_frames_that_take_no_time_are_shown_in_their_order(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", moving(100), **x264(12, 2))
    whole, _ = from_moment(path, 0.0)
    path.write_bytes(with_steady_durations(path.read_bytes(), 0))
    found, damage = from_moment(path, 0.0)
    assert ([pixels for _, _, pixels in found], damage) == ([pixels for _, _, pixels in whole], "")
    assert found[-1][1] == pytest.approx(4.0, abs=0.05)
    same_from_every_moment(path, [0.07, 0.51, 1.07, 1.97])


def test_few_frames_of_a_fast_camera_have_their_times(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", moving(30), rate=960, **x264(12, 0))
    with av.open(str(path)) as file:
        assert file.streams.video[0].average_rate == 960
    assert from_moment(path, 0.0)[0][-1][1] == pytest.approx(30 / 960, abs=1e-3)
