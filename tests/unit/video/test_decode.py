"""Videos of every kind are read: upright, in true colours and shapes, at the times that their time stamps say."""

from __future__ import annotations

import gc
import io
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av
import cv2
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from numpy.typing import NDArray
from PIL import Image

from tests.unit.video.video_files import film, places, read, scene
from va_widgets.video import large_pictures, stills
from va_widgets.video.decode import Video
from va_widgets.video.errors import UndecodableError
from va_widgets.video.preview import cut
from va_widgets.video.scaling import Picture
from va_widgets.video.shots import Shot
from va_widgets.video.stills import still

K = {"601": (0.299, 0.114), "709": (0.2126, 0.0722), "2020": (0.2627, 0.0593)}  # red's and blue's share of luma
PATCHES = np.array(
    [[235, 235, 235], [128, 128, 128], [16, 16, 16], [200, 40, 40], [40, 180, 60], [40, 60, 200], [220, 200, 40]],
    dtype=np.float64,
)


# --- codecs and containers -------------------------------------------------------------------------

QUICK = {"deadline": "realtime", "cpu-used": "8"}
CODECS: dict[str, dict[str, Any]] = {
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le"},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "mpeg2.mpg": {"codec": "mpeg2video"},
    "mpeg2.ts": {"codec": "mpeg2video", "container": "mpegts"},
    "mpeg2.m2v": {"codec": "mpeg2video", "container": "mpeg2video"},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mpeg4-b.avi": {"codec": "mpeg4", "b_frames": 2},
    "h264-b.avi": {"codec": "libx264"},
    "h264.flv": {"codec": "libx264"},
    "vp8.webm": {"codec": "libvpx", "options": QUICK},
    "vp9.webm": {"codec": "libvpx-vp9", "options": QUICK},
    "av1.mkv": {"codec": "libsvtav1", "options": {"preset": "12", "svtav1-params": "lp=1"}},
    "hevc10.mp4": {
        "codec": "libx265",
        "pix_fmt": "yuv420p10le",
        "options": {"preset": "ultrafast", "x265-params": "log-level=none:pools=1"},
    },
    "h264-444.mp4": {"codec": "libx264", "pix_fmt": "yuv444p"},
    "ffv1-12bit.mkv": {"codec": "ffv1", "pix_fmt": "yuv422p12le"},
    "raw.avi": {"codec": "rawvideo", "pix_fmt": "bgr24"},
    "wmv2.wmv": {"codec": "wmv2"},
    "gif.gif": {"codec": "gif", "pix_fmt": "rgb8"},
}


@pytest.mark.parametrize("name", CODECS)
def test_every_codec_is_read_to_the_frame(name: str, tmp_path: Path) -> None:
    film(tmp_path / name, scene(1, 30) + scene(2, 30), **CODECS[name])
    found, damage = read(tmp_path / name)
    assert places(found) == [(0.0, 1.2, 0, 30), (1.2, 2.4, 30, 60)]
    assert (found[0].width, found[0].height, damage) == (96, 64, "")
    for shot, seed in zip(found, (1, 2), strict=True):
        seen = cv2.resize(shot.pictures[0], (96, 64), interpolation=cv2.INTER_AREA)
        assert np.abs(seen.astype(int) - scene(seed, 1)[0]).mean() < (30 if name == "gif.gif" else 20)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [("odd.mp4", "libx264", "yuv444p"), ("odd.mpg", "mpeg2video", "yuv420p"), ("odd.mkv", "ffv1", "yuv420p")],
)
def test_odd_sizes_are_read(name: str, codec: str, pix_fmt: str, tmp_path: Path) -> None:
    film(tmp_path / name, scene(1, 20, (101, 67)), codec, pix_fmt=pix_fmt)
    found, damage = read(tmp_path / name)
    assert (len(found), found[0].width, found[0].height, damage) == (1, 101, 67, "")


def test_of_several_videos_in_a_file_the_default_one_is_read(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as file:
        for seed in (1, 2):
            stream: Any = file.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            stream.disposition = av.stream.Disposition.default if seed == 2 else av.stream.Disposition.dub
        for seed, stream in enumerate(file.streams.video, start=1):
            for picture in scene(seed, 5):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            file.mux(stream.encode())
    (shot,), damage = read(tmp_path / "a.mkv")
    assert np.abs(shot.pictures[0].astype(int) - scene(2, 1)[0]).mean() < 20
    assert damage == ""


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotated_videos_stand_upright(degrees: int, suffix: str, tmp_path: Path) -> None:
    upright = np.full((96, 160, 3), 40, dtype=np.uint8)
    upright[:48, :80], upright[:48, 80:], upright[48:, :80] = (230, 30, 30), (30, 230, 30), (30, 30, 230)
    lying = np.ascontiguousarray(np.rot90(upright, -degrees // 90))
    film(tmp_path / f"a.{suffix}", [lying] * 10, rotation=degrees)
    (shot,), _ = read(tmp_path / f"a.{suffix}")
    assert (shot.width, shot.height) == (160, 96)
    seen = shot.pictures[0]
    height, width = seen.shape[:2]
    corners = seen[[height // 4, height // 4, 3 * height // 4, 3 * height // 4], [width // 4, 3 * width // 4] * 2]
    wanted = upright[[24, 24, 72, 72], [40, 120, 40, 120]].astype(int)
    assert np.abs(corners - wanted).max() < 8


UPRIGHT = np.full((48, 80, 3), 40, dtype=np.uint8)  # no two of its quarters have one colour
UPRIGHT[:24, :40], UPRIGHT[:24, 40:], UPRIGHT[24:, :40] = (230, 30, 30), (30, 230, 30), (30, 30, 230)
# How a picture lies in the file, and the matrix (a, b, c, d of FFmpeg's) that says how it is to be shown.
LYING: dict[str, tuple[Picture, tuple[int, int, int, int]]] = {
    "a selfie": (UPRIGHT[:, ::-1], (-1, 0, 0, 1)),
    "upside down": (UPRIGHT[::-1], (1, 0, 0, -1)),
    "transposed": (UPRIGHT.swapaxes(0, 1), (0, 1, 1, 0)),
    "transposed and turned": (UPRIGHT[::-1, ::-1].swapaxes(0, 1), (0, -1, -1, 0)),
    "zeros": (UPRIGHT, (0, 0, 0, 0)),
}


def stands_upright(shot: Shot) -> bool:
    """Whether what is seen is UPRIGHT, of whatever size."""
    ((height, width),) = {picture.shape[:2] for picture in shot.pictures}
    rows, columns = [height // 4, height // 4, 3 * height // 4, 3 * height // 4], [width // 4, 3 * width // 4] * 2
    quarters = UPRIGHT[[12, 12, 36, 36], [20, 60, 20, 60]].astype(int)
    return width > height and all(np.abs(one[rows, columns] - quarters).max() < 12 for one in shot.pictures)


@pytest.mark.parametrize("how", LYING)
def test_mirrored_videos_stand_upright(how: str, tmp_path: Path) -> None:
    lying, (a, b, c, d) = LYING[how]
    matrix = [part << 16 for part in (a, b, 0, c, d, 0, 0, 0, 0)]
    film(tmp_path / "a.mp4", [np.ascontiguousarray(lying)] * 6, matrix=matrix)
    (shot,), _ = read(tmp_path / "a.mp4")
    assert (shot.width, shot.height) == (80, 48)
    assert stands_upright(shot)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_motion_jpeg_stands_as_its_exif_says(orientation: int, tmp_path: Path) -> None:
    lying = np.ascontiguousarray(np.rot90(UPRIGHT, {1: 0, 3: 2, 6: 1}[orientation]))
    exif, data = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(lying).save(data, "JPEG", exif=exif, quality=95)
    with av.open(str(tmp_path / "a.avi"), "w") as file:
        stream = file.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = *lying.shape[:2], "yuvj420p"
        for number in range(6):
            packet = av.Packet(data.getvalue())
            packet.stream, packet.pts, packet.dts, packet.is_keyframe = stream, number, number, True
            packet.time_base = Fraction(1, 25)
            file.mux(packet)
    (shot,), damage = read(tmp_path / "a.avi")
    assert damage == ""
    assert stands_upright(shot)


def test_what_the_first_frame_says_of_its_orientation_holds_for_all(tmp_path: Path) -> None:
    film(tmp_path / "plain.ts", [np.ascontiguousarray(np.rot90(UPRIGHT, -1))] * 60, options={"g": "10"})
    with av.open(str(tmp_path / "plain.ts")) as plain, av.open(str(tmp_path / "a.ts"), "w") as turned:
        stream = plain.streams.video[0]
        insert = BitStreamFilterContext("h264_metadata=display_orientation=insert:rotate=90", stream)
        target = turned.add_stream_from_template(stream)
        for packet in itertools.chain.from_iterable(
            insert.filter(one if one.size else None) for one in plain.demux(stream)
        ):
            packet.stream = target
            turned.mux(packet)
    (shot,), _ = read(tmp_path / "a.ts")
    assert (shot.width, shot.height) == (80, 48)
    assert stands_upright(shot)
    video = Video(tmp_path / "a.ts", 1, 36, 36)
    frame = next(video.frames(2.0))  # from a key frame that says nothing
    video.close()
    assert frame.shown_size() == (80, 48)


BROADCASTS = [("mpegts", "mpeg2video"), ("mpegts", "libx264"), ("mpeg", "mpeg2video")]


@pytest.mark.parametrize(("container", "codec"), BROADCASTS)
def test_a_shape_that_changes_in_the_stream_is_followed_to_the_frame(
    container: str, codec: str, tmp_path: Path
) -> None:
    whole = b""
    for number, aspect in enumerate((Fraction(16, 15), Fraction(64, 45))):
        pictures = scene(number + 1, 50, (180, 144))
        part = film(tmp_path / f"{number}.x", pictures, codec, container=container, aspect=aspect)
        whole += part.read_bytes()
    (tmp_path / "a.x").write_bytes(whole)
    found, _ = read(tmp_path / "a.x")
    assert [(shot.frame_in, shot.width, shot.height) for shot in found] == [(0, 192, 144), (50, 256, 144)]
    assert {picture.shape for picture in found[0].pictures}.isdisjoint(picture.shape for picture in found[1].pictures)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.ts", "libx264")])
def test_pixels_that_are_not_square_are_shown_in_their_true_shape(name: str, codec: str, tmp_path: Path) -> None:
    film(tmp_path / name, scene(1, 10, (144, 96)), codec, aspect=Fraction(16, 11))
    (shot,), _ = read(tmp_path / name)
    assert (shot.width, shot.height) == (209, 96)
    assert shot.pictures[0].shape[1] / shot.pictures[0].shape[0] == pytest.approx(209 / 96, rel=0.03)


# --- times -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_times_of_a_variable_frame_rate_are_those_of_the_time_stamps(suffix: str, tmp_path: Path) -> None:
    slow = [Fraction(1) + Fraction(i, 10) for i in range(31)]
    times = [Fraction(i, 30) for i in range(30)] + slow[:30]
    film(tmp_path / f"a.{suffix}", scene(1, 30) + scene(2, 30), rate=30, times=times)
    found, _ = read(tmp_path / f"a.{suffix}")
    assert [(shot.frame_in, shot.frame_out) for shot in found] == [(0, 30), (30, 60)]
    assert [shot.start for shot in found] == pytest.approx([0.0, 1.0], abs=2e-3)
    assert found[-1].end == pytest.approx(3.9, abs=0.11)  # how long the last frame is shown, few files say


@pytest.mark.parametrize(("name", "start"), [("a.mp4", 7), ("a.mkv", 7), ("a.ts", 0)])
def test_times_count_from_the_first_frame(name: str, start: int, tmp_path: Path) -> None:
    times = [start + Fraction(i, 25) for i in range(60)]
    film(tmp_path / name, scene(1, 30) + scene(2, 30), times=times)
    found, damage = read(tmp_path / name)
    assert (places(found), damage) == ([(0.0, 1.2, 0, 30), (1.2, 2.4, 30, 60)], "")


@pytest.mark.parametrize("flags", ["", "faststart", "frag_keyframe+empty_moov"])
def test_an_mp4_is_read_wherever_its_index_is(flags: str, tmp_path: Path) -> None:
    options = {"movflags": flags} if flags else {}
    film(tmp_path / "a.mp4", scene(1, 30) + scene(2, 30), file_options=options, options={"g": "15"})
    assert places(read(tmp_path / "a.mp4")[0]) == [(0.0, 1.2, 0, 30), (1.2, 2.4, 30, 60)]


def test_what_an_edit_list_leaves_out_is_left_out(tmp_path: Path) -> None:
    film(tmp_path / "whole.mp4", scene(1, 50) + scene(2, 50), options={"g": "250", "sc_threshold": "0", "bf": "3"})
    with av.open(str(tmp_path / "whole.mp4")) as whole, av.open(str(tmp_path / "part.mp4"), "w") as part:
        stream = part.add_stream_from_template(whole.streams.video[0])
        base = whole.streams.video[0].time_base
        assert base is not None
        for packet in whole.demux(video=0):
            if packet.dts is None or packet.pts is None:
                continue
            # As if it began at 1.2 s: what lies before is needed to decode it, but not shown.
            packet.pts -= round(Fraction(12, 10) / base)
            packet.dts -= round(Fraction(12, 10) / base)
            packet.stream = stream
            part.mux(packet)
    found, damage = read(tmp_path / "part.mp4")
    assert ([place[:2] for place in places(found)], damage) == ([(0.0, 0.8), (0.8, 2.8)], "")


@pytest.mark.parametrize(
    ("rate", "frames", "wanted"),
    [
        (120, 120, [(0.0, 1.0, 0, 120), (1.0, 2.0, 120, 240)]),
        (1, 4, [(0.0, 4.0, 0, 4), (4.0, 8.0, 4, 8)]),
    ],
)
def test_fast_and_slow_videos_are_cut(rate: int, frames: int, wanted: list[object], tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", scene(1, frames) + scene(2, frames), rate=rate)
    assert places(read(tmp_path / "a.mp4")[0]) == wanted


def test_a_slide_show_is_cut_at_its_times(tmp_path: Path) -> None:
    times = [Fraction(10 * i) for i in range(8)]
    film(tmp_path / "a.mkv", scene(1, 4) + scene(2, 4), times=times, rate=1)
    found, _ = read(tmp_path / "a.mkv")
    assert [place[0] for place in places(found)] == [0.0, 40.0]


def test_recordings_that_follow_one_another_in_a_file_go_on(tmp_path: Path) -> None:
    # Another size, and a clock that starts anew.
    first = film(tmp_path / "a.ts", scene(1, 30), container="mpegts")
    second = film(tmp_path / "b.ts", scene(2, 30, (64, 80)), container="mpegts")
    both = tmp_path / "both.ts"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    found, _ = read(both)
    assert places(found) == [(0.0, 1.2, 0, 30), (1.2, 2.4, 30, 60)]
    assert [(shot.width, shot.height) for shot in found] == [(96, 64), (64, 80)]
    assert all(len({picture.shape for picture in shot.pictures}) == 1 for shot in found)
    video = Video(both, both.stat().st_size, 36, 64)
    later = [(frame.time, frame.shown_size()) for frame in video.frames(1.8)]
    assert len(later) == 15
    assert later[0][0] == pytest.approx(1.8)
    assert later[0][1] == (64, 80)
    assert list(video.frames(3.0)) == []
    video.close()


@pytest.mark.parametrize("suffix", ["ts", "mpg"])
def test_every_moment_is_found_in_recordings_that_follow_one_another(suffix: str, tmp_path: Path) -> None:
    # Most times are those of both, by their own clocks.
    data = b""
    for number, length in ((0, 60), (1, 150)):
        codec = "libx264" if suffix == "ts" else "mpeg2video"
        path = film(tmp_path / f"{number}.{suffix}", moving(length, seed=number), codec, options={"g": "10"})
        data += path.read_bytes()
    whole = from_moment(io.BytesIO(data), 0.0)[0]
    assert len(whole) == 210
    source = _Counted(data)
    video = Video(source, 1, 36, 64, every=True)

    def check(start: float) -> None:
        frame = next(video.frames(start))
        shown = (round(frame.time, 4), round(frame.end, 4), frame.small().tobytes())
        assert shown == next(one for one in whole if one[1] > start)

    check(1.01)
    taken = source.taken
    for start in (2.21, 3.01, 4.01, 7.01):  # in order, as clips of a table are read
        check(start)
    assert source.taken - taken <= len(data)  # not from the beginning for each of them
    check(1.01)
    assert video.damage == ""
    video.close()


@pytest.mark.parametrize("short_is_first", [True, False])
def test_a_recording_is_found_that_is_a_small_part_of_its_file(short_is_first: bool, tmp_path: Path) -> None:
    short = film(tmp_path / "short.ts", moving(75), container="mpegts", **x264(10, 0)).read_bytes()
    long = film(tmp_path / "long.ts", moving(300, seed=1), container="mpegts", **x264(10, 0)).read_bytes()
    spare = (b"\x47\x1f\xff\x10" + bytes(184)) * 20  # packets of no stream, as a channel of a steady bit rate has them
    long = b"".join(long[at : at + 188] + spare for at in range(0, len(long), 188))
    assert len(long) > 64 * len(short)
    path = tmp_path / "both.ts"
    path.write_bytes(short + long if short_is_first else long + short)
    whole = from_moment(path, 0.0)[0]
    assert len(whole) == 375
    number = 100 if short_is_first else 25  # at the first second of the long recording
    assert from_moment(path, whole[number][0])[0] == whole[number:]


# --- from a moment on ------------------------------------------------------------------------------


def moving(frames: int, size: tuple[int, int] = (96, 64), seed: int = 0) -> list[Picture]:
    """Pictures of which no two are alike."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (frames, 5, 8, 3), dtype=np.uint8)
    return [np.asarray(cv2.resize(one, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8) for one in coarse]


def x264(gop: int, b_frames: int, **more: str) -> dict[str, Any]:
    steady = {"preset": "ultrafast", "g": str(gop), "keyint_min": str(gop), "sc_threshold": "0", "bf": str(b_frames)}
    return {"options": steady | more}


def x265(b_frames: int) -> dict[str, Any]:
    told = f"log-level=none:pools=1:keyint=40:min-keyint=40:scenecut=0:bframes={b_frames}"
    return {"codec": "libx265", "options": {"preset": "ultrafast", "x265-params": told}}


SEEKABLE: dict[str, dict[str, Any]] = {
    f"h264-{gop}-{b_frames}.{suffix}": x264(gop, b_frames)
    for suffix in ("mp4", "mkv", "ts", "m2ts", "avi", "flv")
    for gop, b_frames in ((1, 0), (12, 0), (40, 2), (250, 3))
} | {
    "fragments.mp4": {**x264(40, 3), "file_options": {"movflags": "frag_keyframe+empty_moov"}},
    "live.mkv": {**x264(40, 3), "file_options": {"live": "1"}},
    "late.ts": {**x264(40, 2), "file_options": {"output_ts_offset": "37.5"}},
    "late.mkv": {**x264(40, 2), "file_options": {"output_ts_offset": "37.5", "avoid_negative_ts": "disabled"}},
    # Pictures that are shown before a key frame, but need the one before it.
    **{f"open.{suffix}": x264(40, 3, **{"x264-params": "open-gop=1"}) for suffix in ("mp4", "ts", "avi")},
    # Key frames that are whole only some pictures later; its fastest preset tells wrongly how many.
    **{
        f"refresh.{suffix}": x264(40, 0, **{"x264-params": "intra-refresh=1", "preset": "veryfast"})
        for suffix in ("mp4", "mkv", "ts")
    },
    "hevc.ts": x265(0),
    "hevc-b.ts": x265(3),
    "hevc-b.mp4": x265(3),
    **{f"mpeg2.{suffix}": {"codec": "mpeg2video", "options": {"bf": "2"}} for suffix in ("ts", "mpg", "avi", "m2v")},
    **{f"mpeg4.{suffix}": {"codec": "mpeg4", "options": {"g": "40", "bf": "2"}} for suffix in ("mp4", "ts", "avi")},
    "plain.h264": {**x264(40, 0), "container": "h264"},  # nothing can be sought in it
}


def from_moment(source: Path | io.BytesIO, start: float) -> tuple[list[tuple[float, float, bytes]], str]:
    """Times and pixels of a video's frames from a moment on, and what is wrong with the file."""
    video = Video(source, 1, 36, 64, every=True)
    try:
        frames = [(round(one.time, 4), round(one.end, 4), one.small().tobytes()) for one in video.frames(start)]
        return frames, video.damage
    finally:
        video.close()


def same_from_every_moment(path: Path, starts: Sequence[float]) -> None:
    """From each moment on there are the frames that decoding from the beginning gives from there on."""
    whole, damage = from_moment(path, 0.0)
    assert len({pixels for _, _, pixels in whole}) == len(whole)
    for start in starts:
        wanted = [frame for frame in whole if frame[1] > start + 1e-3]
        found, more = from_moment(path, start)
        assert [frame[:2] for frame in found] == [frame[:2] for frame in wanted], start
        assert [frame[2] for frame in found] == [frame[2] for frame in wanted], start
        assert more == damage, start


@pytest.mark.parametrize("name", SEEKABLE)
def test_decoding_from_a_moment_on_gives_the_same_frames(name: str, tmp_path: Path) -> None:
    film(tmp_path / name, moving(100), **SEEKABLE[name])
    assert len(from_moment(tmp_path / name, 0.0)[0]) == 100
    same_from_every_moment(tmp_path / name, [0.04, 0.5, 1.56, 1.6, 1.61, 2.48, 3.96, 3.99, 9.0])


def test_frames_leave_memory_when_they_are_no_longer_needed(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", moving(50), **x264(12, 2))
    gc.collect()
    gc.disable()  # what only it frees may be gigabytes of large frames
    try:
        cut(path, 0.0, 2.0)
        left = sum(type(one) is av.VideoFrame for one in gc.get_objects())
    finally:
        gc.enable()
    assert left < 5


def test_frames_from_a_moment_on_have_their_numbers(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.avi", "a.ts"):
        film(tmp_path / name, moving(80), **x264(10, 3))
        video = Video(tmp_path / name, 1, 36, 64, every=True)
        late = [(frame.index, round(frame.time, 3)) for frame in video.frames(1.0)]
        video.close()
        assert late == [(index, round(index / 25, 3)) for index in range(25, 80)]


def test_a_frame_that_ends_when_the_moment_comes_is_not_among_them(tmp_path: Path) -> None:
    film(tmp_path / "a.ts", moving(80), **x264(10, 2))
    whole, _ = from_moment(tmp_path / "a.ts", 0.0)
    for number in range(1, 80):
        found, _ = from_moment(tmp_path / "a.ts", round(number / 25, 2))  # as floats, they may lie on either side
        assert found == whole[number:]


@pytest.mark.parametrize(("name", "codec"), [("a.ts", "libx264"), ("a.mpg", "mpeg2video")])
def test_a_recording_that_begins_amid_a_group_of_pictures(name: str, codec: str, tmp_path: Path) -> None:
    # Its first frames do not decode, and times count from the first one that does.
    film(tmp_path / "whole.ts", moving(100), codec, container="mpegts" if name == "a.ts" else "mpeg", **x264(40, 2))
    whole = (tmp_path / "whole.ts").read_bytes()
    unit = 188 if name == "a.ts" else 2048
    (tmp_path / name).write_bytes(whole[len(whole) // 10 // unit * unit :])
    left = from_moment(tmp_path / name, 0.0)[0]
    assert 50 < len(left) < 95
    assert left[0][0] == 0.0
    same_from_every_moment(tmp_path / name, [0.04, 0.5, 0.96, 1.0, 1.5, 2.2])


def test_an_avi_without_its_index(tmp_path: Path) -> None:
    film(tmp_path / "whole.avi", moving(100), **x264(40, 2))
    whole = (tmp_path / "whole.avi").read_bytes()
    assert b"idx1" in whole
    (tmp_path / "a.avi").write_bytes(whole[: whole.rindex(b"idx1")])
    same_from_every_moment(tmp_path / "a.avi", [0.5, 1.56, 1.6, 2.48, 3.96])


def test_one_video_gives_its_frames_as_often_as_they_are_asked_for(tmp_path: Path) -> None:
    for name, container in (("a.mp4", None), ("a.ts", "mpegts"), ("a.h264", "h264")):
        film(tmp_path / name, moving(60), container=container, **x264(20, 0))
        for source in (tmp_path / name, io.BytesIO((tmp_path / name).read_bytes())):
            whole, _ = from_moment(tmp_path / name, 0.0)
            video = Video(source, 1, 36, 64, every=True)
            for start in (1.0, 0.0, 0.0, 2.0, 0.4):
                found = [one.small().tobytes() for one in itertools.islice(video.frames(start), 5)]
                assert found == [pixels for _, _, pixels in whole[round(start * 25) :][:5]], (name, start)
            assert video.damage == ""
            video.close()


@pytest.mark.parametrize(
    ("name", "codec", "b_frames"), [("a.mp4", "mpeg4", 0), ("a.mp4", "mpeg4", 2), ("a.3gp", "h263", 0)]
)
def test_a_frame_that_refers_to_another_is_no_beginning_though_the_index_says_so(
    name: str, codec: str, b_frames: int, tmp_path: Path
) -> None:
    pictures = [np.roll(one, 4 * i, axis=1) for i, one in enumerate(scene(1, 60, (176, 144)))]
    path = film(tmp_path / name, pictures, codec, options={"g": "25"}, b_frames=b_frames)
    path.write_bytes(path.read_bytes().replace(b"stss", b"free"))  # the list of key frames
    for start in (0.6, 1.4, 2.2):
        video = Video(path, path.stat().st_size, 36, 144)
        frame = next(video.frames(start))
        seen = cv2.resize(frame.picture(), (176, 144), interpolation=cv2.INTER_AREA)
        assert frame.time == pytest.approx(start)
        assert np.abs(seen.astype(int) - pictures[round(start * 25)]).mean() < 25
        video.close()


def test_real_videos_from_a_moment_on(shared_data: Path) -> None:
    """In cockatoo.mp4 only the first frame says which encoder's mistakes a decoder has to make, too."""
    for path in sorted((shared_data / "videos" / "real").glob("*.mp4")):
        whole, _ = from_moment(path, 0.0)
        start = whole[len(whole) // 2][0] + 1e-3
        found, damage = from_moment(path, start)
        assert (found, damage) == (whole[len(whole) // 2 :], ""), path.name


class _Counted(io.BytesIO):
    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_what_lies_before_a_moment_is_not_read(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noisy = [rng.integers(0, 255, (96, 128, 3), dtype=np.uint8) for _ in range(50)]
    film(tmp_path / name, itertools.chain.from_iterable([noisy] * 12), **x264(25, 0, crf="18"))
    source = _Counted((tmp_path / name).read_bytes())
    video = Video(source, 1, 36, 64, every=True)
    next(video.frames(0.5))  # of a transport stream places all over the file are looked at before
    opened = source.taken
    assert next(video.frames(20.5)).time == pytest.approx(20.48, abs=1e-3)
    video.close()
    size = len(source.getvalue())
    assert size > 5_000_000
    assert source.taken - opened < size / 4


# --- damage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.flv"])
def test_the_good_part_of_a_truncated_file_is_taken_and_told(name: str, tmp_path: Path) -> None:
    options = {"movflags": "faststart"} if name.endswith("mp4") else {}
    rng = np.random.default_rng(0)
    noisy = [rng.integers(0, 255, (64, 96, 3), dtype=np.uint8) for _ in range(100)]
    film(tmp_path / name, noisy, file_options=options, options={"g": "10", "preset": "ultrafast"})
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) * 11 // 20])
    found, damage = read(tmp_path / name)
    assert 1.5 < found[-1].end < 2.5
    assert f"it breaks off at {found[-1].end:.1f} of 4.0 s" in damage


def test_what_is_left_of_a_truncated_transport_stream_is_taken(tmp_path: Path) -> None:
    # It says nowhere how long it was.
    film(tmp_path / "a.ts", scene(1, 50) + scene(2, 50), container="mpegts", options={"g": "10"})
    whole = (tmp_path / "a.ts").read_bytes()
    (tmp_path / "a.ts").write_bytes(whole[: len(whole) * 3 // 5])
    found, _ = read(tmp_path / "a.ts")
    assert 1.5 < found[-1].end < 3.5


def test_a_film_whose_sound_is_longer_than_its_picture_is_whole(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv"):
        with av.open(str(tmp_path / name), "w") as file:
            video = file.add_stream("libx264", rate=25)
            video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
            sound = file.add_stream("aac", rate=44100)
            for picture in scene(1, 25):
                file.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            file.mux(video.encode())
            for number in range(250):
                silence = np.zeros((1, 1024), dtype=np.float32)
                wave = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
                wave.sample_rate, wave.pts = 44100, number * 1024
                file.mux(sound.encode(wave))
            file.mux(sound.encode())
        assert read(tmp_path / name)[1] == ""


def test_reading_only_its_beginning_is_no_damage(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", scene(1, 100))
    video = Video(tmp_path / "a.mp4", 1, 36, 64)
    for frame in video.frames():
        if frame.time >= 1:
            break
    assert video.damage == ""
    video.close()


REFUSED = {
    "empty.mp4": (b"", "it is empty"),
    "random.mp4": (np.random.default_rng(0).bytes(20_000), "not a video"),
    "random.ts": (np.random.default_rng(1).bytes(200_000), "not a video"),
    "text.mp4": (b"hello there\n" * 200, "not a video"),
    "subtitles.mp4": (b"1\n00:00:01,000 --> 00:00:02,000\nhello\n", "only sound or data"),
    "playlist.mp4": (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:8,\nfilm.ts\n#EXT-X-ENDLIST\n", "not a video"),
    "list.mp4": (b"ffconcat version 1.0\nfile film.ts\n", "list or a text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_video_is_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    film(tmp_path / "film.ts", scene(1, 10), container="mpegts")
    data, reason = REFUSED[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UndecodableError, match=reason):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["playlist.mp4", "list.mp4"])
def test_a_list_that_a_server_sends_opens_no_files_of_ours(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film(tmp_path / "film.ts", scene(1, 10), container="mpegts")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UndecodableError, match="not a video"):
        Video(io.BytesIO(REFUSED[name][0].replace(b"film.ts", str(tmp_path / "film.ts").encode())), 99, 36, 64)


@pytest.mark.parametrize("cover", [False, True])
def test_sound_is_no_video_not_even_with_a_cover(cover: bool, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as file:
        sound = file.add_stream("aac", rate=44100)
        if cover:
            picture: Any = file.add_stream("mjpeg", rate=1)
            picture.width, picture.height, picture.pix_fmt = 96, 64, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
            file.mux(picture.encode(av.VideoFrame.from_ndarray(scene(1, 1)[0], format="rgb24")))
            file.mux(picture.encode())
        for number in range(50):
            wave = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            wave.sample_rate, wave.pts = 44100, number * 1024
            file.mux(sound.encode(wave))
        file.mux(sound.encode())
    with pytest.raises(UndecodableError, match="only sound"):
        read(tmp_path / "a.mp4")


def test_empty_packets_repeat_the_frame_before_and_are_no_damage(tmp_path: Path) -> None:
    # As Theora has it; PyAV has no encoder for that, and NUT keeps such packets of any codec.
    with av.open(str(tmp_path / "a.nut"), "w") as file:
        stream: Any = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(12):
            packets = [av.Packet(0)]
            if number in (5, 6, 10, 11):
                packets[0].stream, packets[0].time_base = stream, stream.codec_context.time_base
                packets[0].pts = packets[0].dts = number
            else:
                frame = av.VideoFrame.from_ndarray(scene(number // 6, 1)[0], format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                packets = stream.encode(frame)
            file.mux(packets)
        file.mux(stream.encode())
    video = Video(tmp_path / "a.nut", 9999, 36, 64)
    frames = [(frame.index, round(frame.time, 2), round(frame.end, 2)) for frame in video.frames()]
    video.close()
    assert video.damage == ""
    assert [frames[4], frames[5], frames[-1]] == [(4, 0.16, 0.28), (7, 0.28, 0.32), (9, 0.36, 0.48)]


# --- colours ---------------------------------------------------------------------------------------


def encoded(patches: NDArray[np.float64], matrix: str, full: bool, bits: int, size: tuple[int, int]) -> av.VideoFrame:
    """Patches of R'G'B' (n, 3) up to 255 side by side, as ITU-R BT.601, 709 or 2020 say, without a library's help."""
    width, height = size
    red_share, blue_share = K[matrix]
    red, green, blue = (patches / 255).T
    luma = red_share * red + (1 - red_share - blue_share) * green + blue_share * blue
    chroma = [(blue - luma) / (2 * (1 - blue_share)), (red - luma) / (2 * (1 - red_share))]
    unit, most = 1 << (bits - 8), (1 << bits) - 1
    levels = [luma * most if full else (16 + 219 * luma) * unit]
    levels += [one * most + 128 * unit if full else (128 + 224 * one) * unit for one in chroma]
    frame = av.VideoFrame(width, height, "yuv420p" if bits == 8 else "yuv420p10le")
    kind = np.dtype(np.uint8 if bits == 8 else np.uint16)
    for plane, level in zip(frame.planes, levels, strict=True):
        column = np.arange(plane.line_size // kind.itemsize).clip(max=plane.width - 1) * len(patches) // plane.width
        row = np.clip(np.round(level[column]), 0, most).astype(kind)
        plane.update(np.tile(row, (plane.height, 1)).tobytes())
    frame.color_range = 2 if full else 1
    return frame


def seen(path: Path, patches: int) -> NDArray[np.int_]:
    """The colours of patches that lie side by side in a video's first picture."""
    (shot,), _ = read(path, side=288)
    picture = shot.pictures[0]
    centres = ((np.arange(patches) + 0.5) / patches * picture.shape[1]).astype(int)
    return picture[picture.shape[0] // 2, centres].astype(int)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("matrix", "size", "tagged"),
    [
        ("601", (224, 64), True), ("709", (224, 64), True), ("601", (224, 64), False),
        ("709", (1344, 720), True), ("601", (1344, 720), True), ("709", (1344, 720), False),
    ],
)  # fmt: skip
def test_colours_are_true(matrix: str, size: tuple[int, int], tagged: bool, full: bool, tmp_path: Path) -> None:
    colour = {"color_range": 2 if full else 1}
    if tagged:
        colour["colorspace"] = {"601": 6, "709": 1}[matrix]
    frames = [encoded(PATCHES, matrix, full, 8, size)] * 2
    film(tmp_path / "a.mp4", frames, options={"crf": "4", "preset": "ultrafast"}, colour=colour)
    assert np.abs(seen(tmp_path / "a.mp4", len(PATCHES)) - PATCHES).max() <= 4


def perceptual(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """cd/m2 as SMPTE ST 2084 encodes them, 0 to 1."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = np.clip(light / 10_000, 0, 1) ** m1
    return np.asarray(((c1 + c2 * power) / (1 + c3 * power)) ** m2)


def hybrid(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """cd/m2 on a screen of 1,000 as ITU-R BT.2100's HLG encodes them, 0 to 1."""
    brightness = light @ np.array([0.2627, 0.6780, 0.0593]) / 1000
    scene_light = light / 1000 * np.maximum(brightness, 1e-9)[:, None] ** (1 / 1.2 - 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    dark, bright = np.sqrt(3 * scene_light), a * np.log(np.maximum(12 * scene_light - b, 1e-9)) + c
    return np.where(scene_light <= 1 / 12, dark, bright)


WIDE = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])  # BT.709 to BT.2020


@pytest.mark.parametrize("space", [3, 8, 10, 14])  # reserved, YCgCo, BT.2020 of constant luminance, ICtCp
def test_colours_of_a_rare_kind_are_shown_as_well_as_can_be(space: int, tmp_path: Path) -> None:
    picture = scene(1, 1)[0]
    path = film(tmp_path / "a.mkv", [picture] * 3, "ffv1", pix_fmt="yuv444p", colour={"colorspace": space})
    (shot,), damage = read(path)
    shown = shot.pictures[0].astype(int)
    is_grey = space in (8, 14)
    assert ("shown in grey" in damage) == is_grey
    assert bool((shown[..., 0] == shown[..., 2]).all()) == is_grey
    expected = picture @ np.array([0.299, 0.587, 0.114]) if is_grey else picture
    assert np.abs(shown - (expected[..., None] if is_grey else expected)).mean() < 16
    assert cut(path, 0.0, 0.1)


@pytest.mark.parametrize(("encode", "transfer"), [(perceptual, 16), (hybrid, 18)])
def test_high_dynamic_range_looks_right_on_an_ordinary_screen(encode: Any, transfer: int, tmp_path: Path) -> None:
    options = {"crf": "4", "preset": "ultrafast"}
    colour = {"color_range": 1, "colorspace": 9, "color_primaries": 9, "color_trc": transfer}
    greys = np.array([0.1, 1, 10, 50, 100, 203, 500, 1000])[:, None] * np.ones(3)
    frames = [encoded(encode(greys) * 255, "2020", False, 10, (256, 64))] * 2
    film(tmp_path / "grey.mp4", frames, pix_fmt="yuv420p10le", options=options, colour=colour)
    grey = seen(tmp_path / "grey.mp4", len(greys))
    assert (np.diff(grey[:, 1]) > 10).all()  # all are told apart, in their order
    assert np.ptp(grey, axis=1).max() <= 4  # and none has a tint
    assert grey[0, 1] < 20
    assert 160 < grey[5, 1] < 220  # a white sheet of paper
    assert grey[-1, 1] > 235

    light = (PATCHES / 255) ** 2.4 @ WIDE.T * 203
    frames = [encoded(encode(light) * 255, "2020", False, 10, (224, 64))] * 2
    film(tmp_path / "colour.mp4", frames, pix_fmt="yuv420p10le", options=options, colour=colour)
    shown = seen(tmp_path / "colour.mp4", len(PATCHES))
    strong = PATCHES[3:6]
    assert (shown[3:6].argmax(axis=1) == strong.argmax(axis=1)).all()
    assert (shown[3:6].max(axis=1) > 140).all()
    assert (shown[3:6].min(axis=1) < 60).all()


def test_a_wide_gamut_is_brought_to_an_ordinary_screen(tmp_path: Path) -> None:
    colour = {"color_range": 1, "colorspace": 9, "color_primaries": 9, "color_trc": 14}
    wide = np.clip((PATCHES / 255) ** 2.4 @ WIDE.T, 0, 1) ** (1 / 2.4) * 255
    frames = [encoded(wide, "2020", False, 10, (224, 64))] * 2
    options = {"crf": "4", "preset": "ultrafast"}
    film(tmp_path / "a.mp4", frames, pix_fmt="yuv420p10le", options=options, colour=colour)
    assert np.abs(seen(tmp_path / "a.mp4", len(PATCHES)) - PATCHES).max() <= 14


# --- pictures --------------------------------------------------------------------------------------


def _still(picture: Image.Image, kind: str, **options: Any) -> Shot:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    file.seek(0)
    return still(file, 64).shot


def _pictures() -> Iterator[tuple[str, Shot]]:
    """The picture of seed 3, kept in every way."""
    pixels = scene(3, 1)[0]
    colour = Image.fromarray(pixels)
    for kind in ("PNG", "WEBP", "TIFF", "BMP", "JPEG"):
        yield kind, _still(colour, kind, **({"lossless": True} if kind == "WEBP" else {}))
    turned = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }
    for orientation, turn in turned.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield f"EXIF {orientation}", _still(colour.transpose(turn), "JPEG", exif=exif, quality=95)
        yield f"EXIF {orientation} in a TIFF", _still(colour.transpose(turn), "TIFF", exif=exif)
    yield "CMYK", _still(colour.convert("CMYK"), "JPEG", quality=95)
    yield "palette", _still(colour.convert("P", palette=Image.Palette.ADAPTIVE), "PNG")
    yield (
        "animated",
        _still(colour, "WEBP", save_all=True, append_images=[Image.fromarray(pixels[::-1])], lossless=True),
    )
    deep = cv2.imencode(".png", pixels[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
    yield "16 bits a channel", still(io.BytesIO(deep), 64).shot


def test_pictures_of_every_kind_are_read_upright() -> None:
    wanted = scene(3, 1)[0].astype(int)
    for name, shot in _pictures():
        assert (shot.width, shot.height, shot.frame_out, shot.end) == (96, 64, 1, 0.0), name
        assert np.abs(shot.pictures[0] - wanted).mean() < 12, name


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "LAB", "transparent P"])
def test_a_large_picture_is_made_smaller_in_parts_and_looks_the_same(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stills, "_PART", 1 << 16)
    large = Image.fromarray(scene(3, 1, (1003, 777))[0]).convert(mode.split()[-1])
    small = np.asarray(large.convert("RGB").resize((82, 64), Image.Resampling.LANCZOS), dtype=int)
    shot = _still(large, "TIFF" if mode in ("CMYK", "LAB") else "PNG", **({"transparency": 255} if " " in mode else {}))
    assert (shot.width, shot.height) == (1003, 777)
    assert shot.pictures[0].shape == small.shape
    assert np.abs(shot.pictures[0] - small).mean() < 4


@pytest.mark.parametrize("kind", ["I;16", "F", "1", "turned"])
def test_a_large_picture_that_is_deep_or_turned_is_made_smaller_in_parts_and_looks_the_same(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stills, "_PART", 1 << 16)
    pixels = scene(3, 1, (1003, 777))[0]
    grey = np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.float32)
    exif = Image.Exif()
    exif[0x0112] = 6 if kind == "turned" else 1
    large = {
        "I;16": Image.fromarray((grey * 257).astype(np.uint16)),
        "F": Image.fromarray((grey - grey.min()) / (grey.max() - grey.min())),
        "1": Image.fromarray(grey.astype(np.uint8)).convert("1"),
        "turned": Image.fromarray(pixels).transpose(Image.Transpose.ROTATE_90),
    }[kind]
    shown = Image.fromarray(pixels if kind == "turned" else grey.astype(np.uint8)).convert("RGB")
    small = np.asarray(shown.resize((82, 64), Image.Resampling.LANCZOS), dtype=int)
    shot = _still(large, "TIFF" if kind == "F" else "PNG", exif=exif)
    assert (shot.width, shot.height) == (1003, 777)
    assert np.abs(shot.pictures[0] - small).mean() < (12 if kind == "F" else 4)  # its levels are spread


LARGE: dict[str, tuple[str, dict[str, Any]]] = {
    "lossy": ("WEBP", {"quality": 90, "method": 0}),
    "lossless": ("WEBP", {"lossless": True, "method": 0}),
    "avif": ("AVIF", {"speed": 10, "max_threads": 1}),
    "avif-444-limited": ("AVIF", {"speed": 10, "max_threads": 1, "subsampling": "4:4:4", "range": "limited"}),
    "jpeg2000": ("JPEG2000", {"quality_mode": "rates", "quality_layers": [20]}),
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_picture_that_is_decoded_smaller_looks_the_same(
    name: str, orientation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, options = LARGE[name]
    Image.init()
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {kind}")
    large = Image.fromarray(scene(3, 1, (1003, 777))[0])
    if kind == "WEBP":
        large.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 1003).astype(np.uint8), (777, 1))))

    def shown() -> Shot:
        exif = Image.Exif()  # a new one each time, because Pillow takes the orientation out of it for AVIF
        exif[0x0112] = orientation
        return _still(large, kind, exif=exif, **options)

    wanted = shown()
    monkeypatch.setattr(large_pictures, "_LARGE", 1)
    made, reduced = list[Image.Image](), large_pictures.reduced

    def noted(image: Image.Image, file: IO[bytes], side: int) -> Image.Image:
        made.append(reduced(image, file, side))
        return made[-1]

    monkeypatch.setattr(large_pictures, "reduced", noted)
    shot = shown()
    assert max(made[0].size) < 600
    assert (shot.width, shot.height) == (wanted.width, wanted.height)
    assert np.abs(shot.pictures[0].astype(int) - wanted.pictures[0]).mean() < 4


@pytest.mark.parametrize(("kind", "options"), [("WEBP", {"lossless": True}), ("JPEG2000", {})])
def test_a_large_picture_that_is_damaged_is_refused(
    kind: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_pictures, "_LARGE", 1)
    file = io.BytesIO()
    Image.fromarray(scene(3, 1, (400, 400))[0]).save(file, kind, **options)
    data = file.getvalue()
    whole = len(data) // 2 if kind == "JPEG2000" else 40
    with pytest.raises(UndecodableError, match="not a picture that can be read"):
        still(io.BytesIO(data[:whole] + bytes(len(data) - whole)), 64)


@pytest.mark.parametrize(
    ("kind", "mode", "options", "bytes_a_pixel"),
    [
        ("JPEG", "RGB", {"progressive": True, "subsampling": 0}, 6),
        ("JPEG", "RGB", {"progressive": True, "subsampling": 2}, 3),
        ("JPEG", "CMYK", {"progressive": True}, 8),
        ("JPEG", "L", {"progressive": True}, 2),
        ("JPEG2000", "RGB", {"num_resolutions": 1}, 19),
    ],
)
def test_a_picture_that_takes_too_much_memory_is_refused(
    kind: str, mode: str, options: dict[str, Any], bytes_a_pixel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_pictures, "_LARGE", 1)
    picture = Image.fromarray(scene(3, 1, (2000, 1000))[0]).convert(mode)  # decoded smaller, if it can be
    monkeypatch.setattr(large_pictures, "_MOST_MEMORY", bytes_a_pixel * 2e6)
    assert _still(picture, kind, **options).width == 2000
    monkeypatch.setattr(large_pictures, "_MOST_MEMORY", bytes_a_pixel * 2e6 - 1)
    with pytest.raises(UndecodableError, match=r"^decoding its 2 megapixels takes more than 1 GB of memory: save it"):
        _still(picture, kind, **options)


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {}), ("JPEG2000", {}), ("WEBP", {}), ("PNG", {})])
def test_a_picture_that_can_be_decoded_in_little_memory_is_not_refused(
    kind: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_pictures, "_LARGE", 1)
    monkeypatch.setattr(large_pictures, "_MOST_MEMORY", 1)
    assert _still(Image.fromarray(scene(3, 1, (2000, 1000))[0]), kind, **options).width == 2000


def test_grey_pictures_of_any_depth_keep_their_shades() -> None:
    ramp = np.tile(np.linspace(0, 255, 64), (64, 1))
    sixteen = Image.fromarray((ramp * 257).astype(np.uint16))
    floats = Image.fromarray((ramp / 1000).astype(np.float32))
    for picture, kind in ((sixteen, "PNG"), (floats, "TIFF"), (Image.fromarray(ramp.astype(np.uint8)), "PNG")):
        assert np.abs(_still(picture, kind).pictures[0][..., 0] - ramp).max() <= 2


def test_a_colour_that_stands_for_nothing_looks_like_paper_in_a_large_picture_too() -> None:
    picture = Image.new("RGB", (400, 400), (10, 20, 30))
    assert (_still(picture, "PNG", transparency=(10, 20, 30)).pictures[0] == 255).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_looks_like_paper(kind: str) -> None:
    pixels = np.zeros((64, 64, 4), dtype=np.uint8)
    pixels[:32, :, 3] = 255
    picture = _still(Image.fromarray(pixels), kind, **({"lossless": True} if kind == "WEBP" else {})).pictures[0]
    assert picture[:30].max() < 10
    assert picture[34:].min() > 245


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"text" * 99, "not a picture of a kind that is known"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "picture"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(UndecodableError, match=reason):
        still(io.BytesIO(data), 64)


def test_a_damaged_avif_is_called_damaged() -> None:
    Image.init()
    if "AVIF" not in Image.SAVE:
        pytest.skip("this Pillow does not write AVIF")
    file = io.BytesIO()
    Image.fromarray(scene(1, 1)[0]).save(file, "AVIF", speed=10, max_threads=1)
    data, pixels = file.getvalue(), file.getvalue().index(b"mdat") + 4
    for damaged in (data[:100], data[:pixels] + bytes(len(data) - pixels)):
        with pytest.raises(UndecodableError, match=r"damaged or truncated AVIF|cannot be read|can be read"):
            still(io.BytesIO(damaged), 64)


def test_a_picture_whose_exif_is_damaged_is_shown() -> None:
    whole = scene(1, 1)[0]
    for kind in ("WEBP", "PNG", "JPEG"):
        shot = _still(Image.fromarray(whole), kind, exif=b"Exif\0\0rubbish", quality=95)
        assert np.abs(shot.pictures[0].astype(int) - whole).mean() < 6, kind


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_last_bytes_is_shown(progressive: bool) -> None:
    file = io.BytesIO()
    whole = scene(1, 1, (320, 240))[0]
    Image.fromarray(whole).save(file, "JPEG", progressive=progressive)
    data = file.getvalue()
    small = np.asarray(Image.fromarray(whole).resize((86, 64)), dtype=int)
    for missing in (1, 2, 30):
        shown = still(io.BytesIO(data[:-missing]), 64)
        assert shown.flaw == "its end is missing"
        assert np.abs(shown.shot.pictures[0] - small).mean() < 4
    assert still(io.BytesIO(data), 64).flaw == ""
    for kept in (len(data) // 4, 500) if not progressive else (500,):
        with pytest.raises(UndecodableError, match=r"missing|[Tt]runcated"):
            still(io.BytesIO(data[:kept]), 64)


@pytest.mark.parametrize(
    ("brands", "reason"),
    [
        (b"heic\0\0\0\0mif1heic", "it is a HEIC picture, which is not read here: save it as JPEG, PNG or AVIF"),
        (b"mif1\0\0\0\0heicmif1", "it is a HEIC picture"),
        (b"avif\0\0\0\0mif1avif", "an AVIF picture"),
        (b"isom\0\0\0\0isommp41", "it is not a picture of a kind that is known here"),
    ],
)
def test_a_picture_that_is_built_like_an_mp4_is_called_what_it_is(brands: bytes, reason: str) -> None:
    data = (8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands + (9).to_bytes(4, "big") + b"metax"
    with pytest.raises(UndecodableError, match=reason if brands[:4] != b"avif" else "AVIF|cannot be read"):
        still(io.BytesIO(data), 64)


def test_of_an_animation_that_is_no_clip_the_first_picture_is_shown_and_that_is_said() -> None:
    file = io.BytesIO()
    colours = [Image.fromarray(scene(seed, 1)[0]) for seed in (1, 2, 3)]
    colours[0].save(file, "WEBP", save_all=True, append_images=colours[1:])
    assert still(io.BytesIO(file.getvalue()), 64).flaw == "only the first of its 3 pictures is shown"


def test_a_truncated_and_a_gigantic_picture_are_refused() -> None:
    file = io.BytesIO()
    Image.fromarray(scene(1, 1)[0]).save(file, "PNG")
    with pytest.raises(UndecodableError, match="truncated"):
        still(io.BytesIO(file.getvalue()[: len(file.getvalue()) // 2]), 64)
    file = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(file, "PNG")
    file.seek(0)
    with pytest.raises(UndecodableError, match="exceeds limit"):
        still(file, 64)
