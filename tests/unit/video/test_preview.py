"""Previews have the sound of their part of a video, in time with the picture; what is wrong with it costs none."""

from __future__ import annotations

import io
import logging
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import fsspec
import numpy as np
import pytest
from numpy.typing import NDArray

from va_widgets.video.decode import Video
from va_widgets.video.preview import cut
from va_widgets.video.shots import segments

FPS = 25
LENGTH = 6.0  # seconds of video
AT = 3.2  # when it flashes and beeps
LONG = 0.2  # seconds that both last

Sound = NDArray[np.float32]


def beep(rate: int, channels: int = 2, length: float = LENGTH, at: float = AT, pitch: float = 1000.0) -> Sound:
    """Silence with a beep."""
    times = np.arange(round(length * rate)) / rate
    heard = 0.5 * np.sin(2 * np.pi * pitch * times) * ((times >= at) & (times < at + LONG))
    return np.tile(heard.astype(np.float32), (channels, 1))


def film(
    path: Path,
    sounds: list[Sound],
    codec: str = "aac",
    rate: int = 48_000,
    *,
    layout: str = "stereo",
    starts: float = 0.0,
    clock: float = 0.0,
    gap: tuple[float, float] = (0.0, 0.0),
    default: int | None = None,
    delay: int = 0,
) -> Path:
    """A video that flashes, with sounds.

    They start so many seconds later than it and lack the packets of a gap; the clock of both begins late. The picture
    is delayed by a number of frames.
    """
    options = {"output_ts_offset": str(clock), "avoid_negative_ts": "disabled"} if clock else {}
    with av.open(str(path), "w", options=options) as file:
        picture = file.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "g": "25"})
        picture.width, picture.height, picture.pix_fmt = 96, 64, "yuv420p"
        heard: list[Any] = [file.add_stream(codec, rate=rate, layout=layout) for _ in sounds]
        for number, stream in enumerate(heard):
            stream.disposition = av.stream.Disposition.default if number == default else av.stream.Disposition(0)
        packets: list[Any] = []
        for index in range(round(LENGTH * FPS)):
            light = 235 if AT - 1e-6 <= index / FPS < AT + LONG - 1e-6 else 16
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), light, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index + delay, Fraction(1, FPS)
            packets += picture.encode(frame)
        packets += picture.encode()
        for stream, samples in zip(heard, sounds, strict=True):
            raw = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
            raw.sample_rate, raw.time_base, raw.pts = rate, Fraction(1, rate), round(starts * rate)
            ready = av.AudioResampler(
                stream.codec_context.format, layout, rate, stream.codec_context.frame_size or 1024
            )
            for piece in [*ready.resample(raw), *ready.resample(None)]:
                packets += stream.encode(piece)
            packets += stream.encode()
        lost = [p for p in packets if p.stream is not picture and gap[0] < p.pts * p.time_base < gap[1]]
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            if packet not in lost:
                file.mux(packet)
    return path


def decoded(data: bytes) -> tuple[list[tuple[float, float]], Sound | None]:
    """The times and the lightness of a preview's frames; its sound at 48 kHz, from time 0 on."""
    with av.open(io.BytesIO(data), "r") as file:
        frames = [(frame.time or 0.0, float(frame.to_ndarray(format="gray").mean())) for frame in file.decode(video=0)]
    with av.open(io.BytesIO(data), "r") as file:
        if not file.streams.audio:
            return frames, None
        stream = file.streams.audio[0]
        assert (stream.codec_context.name, stream.rate) == ("aac", 48_000)
        pieces = list(file.decode(stream))
    assert pieces[0].time == 0
    return frames, np.concatenate([piece.to_ndarray() for piece in pieces], axis=1)


def seen(data: bytes) -> float:
    """When a preview flashes, in seconds."""
    frames, _ = decoded(data)
    return next(time for time, light in frames if light > 128)


def heard(data: bytes) -> float:
    """When a preview beeps, in seconds."""
    _, sound = decoded(data)
    assert sound is not None
    loud = np.abs(sound[0]) > 0.1
    assert loud.any()
    return int(np.argmax(loud)) / 48_000


def pitch(data: bytes) -> float:
    _, sound = decoded(data)
    assert sound is not None
    return float(np.argmax(np.abs(np.fft.rfft(sound[0]))) * 48_000 / sound.shape[1])


def lasts(data: bytes) -> tuple[float, float]:
    """How many seconds of picture and of sound a preview has."""
    frames, sound = decoded(data)
    assert sound is not None
    return len(frames) / FPS, sound.shape[1] / 48_000


@pytest.mark.parametrize(("start", "end"), [(0.0, 6.0), (1.12, 5.0), (3.0, 4.0)])
@pytest.mark.parametrize(
    ("name", "codec", "rate", "layout", "channels"),
    [
        ("a.mp4", "aac", 44_100, "stereo", 2),
        ("a.mov", "pcm_s16le", 8_000, "mono", 1),
        ("a.mkv", "flac", 96_000, "stereo", 2),  # its time stamps are whole milliseconds
        ("b.mkv", "libopus", 48_000, "stereo", 2),
        ("c.mkv", "ac3", 48_000, "5.1", 6),
        ("a.avi", "libmp3lame", 44_100, "stereo", 2),
        ("a.ts", "mp2", 48_000, "stereo", 2),
        ("a.m2ts", "ac3", 48_000, "stereo", 2),
    ],
)
def test_the_sound_is_in_time_with_the_picture(
    tmp_path: Path, name: str, codec: str, rate: int, layout: str, channels: int, start: float, end: float
) -> None:
    data = cut(film(tmp_path / name, [beep(rate, channels)], codec, rate, layout=layout), start, end)
    assert seen(data) == pytest.approx(AT - start, abs=0.001)
    assert heard(data) == pytest.approx(AT - start, abs=0.03)
    picture, sound = lasts(data)
    assert (picture, sound) == pytest.approx((end - start, end - start), abs=0.03)
    _, samples = decoded(data)
    assert samples is not None
    assert len(samples) == min(channels, 2)


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [("a.mp4", "aac", 44_100), ("a.mkv", "libmp3lame", 44_100), ("b.mkv", "libopus", 48_000), ("a.ts", "mp2", 48_000)],
)
@pytest.mark.parametrize("start", [0.0, 2.0, 3.04])  # where a file can be entered, and where not
def test_the_sound_has_no_holes(tmp_path: Path, name: str, codec: str, rate: int, start: float) -> None:
    tone = 0.5 * np.sin(np.arange(round(LENGTH * rate)) / rate * 2 * np.pi * 440)
    _, sound = decoded(cut(film(tmp_path / name, [np.tile(tone.astype(np.float32), (2, 1))], codec, rate), start, 5.0))
    assert sound is not None
    whole = round((5.0 - start) * 100)
    loudest = np.abs(sound[0][: whole * 480].reshape(whole, 480)).max(axis=1)  # of each hundredth of a second
    assert loudest[3:-1].min() > 0.4


def test_it_is_in_time_where_the_file_s_clock_begins_late(tmp_path: Path) -> None:
    data = cut(film(tmp_path / "a.mkv", [beep(48_000)], clock=7.0), 2.0, 5.0)
    assert (seen(data), heard(data)) == pytest.approx((AT - 2.0, AT - 2.0), abs=0.03)
    data = cut(film(tmp_path / "a.ts", [beep(48_000)]), 0.0, 5.0)  # at 1.4 s
    assert (seen(data), heard(data)) == pytest.approx((AT, AT), abs=0.03)


def test_it_is_in_time_where_the_sound_begins_after_the_picture(tmp_path: Path) -> None:
    data = cut(film(tmp_path / "a.mp4", [beep(48_000, at=AT - 1.5)], starts=1.5), 0.0, 5.0)
    assert (seen(data), heard(data)) == pytest.approx((AT, AT), abs=0.03)
    assert lasts(data) == pytest.approx((5.0, 5.0), abs=0.03)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.mkv", "libopus"), ("a.ts", "mp2")])
def test_times_count_from_the_first_picture_where_the_sound_begins_before(
    tmp_path: Path, name: str, codec: str
) -> None:
    path = film(tmp_path / name, [beep(48_000, at=AT + 1.0)], codec, delay=FPS)
    for start, end, context in ((0.0, 5.0, 0.0), (3.0, 4.0, 0.0), (0.4, 4.6, 2.0)):
        data = cut(path, start, end, context)
        before = min(start, context)
        assert (seen(data), heard(data)) == pytest.approx((AT - start + before, AT - start + before), abs=0.03)
    video = Video(path, path.stat().st_size, 36, 36)
    (shot,) = (shot for _, shot in segments(video.frames, [(AT, AT + LONG)], 1))
    assert float(np.mean(shot.pictures[0])) > 128
    video.close()


def test_it_is_in_time_after_a_gap(tmp_path: Path) -> None:
    """Half a second of packets is missing, as where a recording was disturbed."""
    data = cut(film(tmp_path / "a.mkv", [beep(48_000)], gap=(2.2, 2.7)), 2.0, 5.0)
    assert (seen(data), heard(data)) == pytest.approx((AT - 2.0, AT - 2.0), abs=0.03)


def test_what_is_around_the_clip_is_heard_too(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [beep(48_000)])
    data = cut(path, 3.6, 4.0, context=2.0)
    assert (seen(data), heard(data)) == pytest.approx((AT - 1.6, AT - 1.6), abs=0.03)
    assert lasts(data) == pytest.approx((4.4, 4.4), abs=0.03)
    data = cut(path, 0.4, 5.8, context=2.0)  # the video has less of it
    assert (seen(data), heard(data)) == pytest.approx((AT, AT), abs=0.03)
    assert lasts(data) == pytest.approx((LENGTH, LENGTH), abs=0.03)


def test_a_sound_longer_than_the_picture_ends_with_it(tmp_path: Path) -> None:
    data = cut(film(tmp_path / "a.mp4", [beep(48_000, length=9.0)]), 3.0, 6.0, context=2.0)
    assert lasts(data) == pytest.approx((5.0, 5.0), abs=0.03)


def test_where_the_sound_has_ended_there_is_silence_or_none(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [beep(48_000, length=4.0)])
    data = cut(path, 3.0, 6.0)
    assert lasts(data) == pytest.approx((3.0, 3.0), abs=0.03)
    assert heard(data) == pytest.approx(AT - 3.0, abs=0.03)
    assert decoded(cut(path, 4.6, 6.0))[1] is None


@pytest.mark.parametrize(("default", "wanted"), [(None, 500), (0, 500), (1, 2000)])
def test_of_several_sounds_it_is_the_default_or_the_first(tmp_path: Path, default: int | None, wanted: int) -> None:
    sounds = [beep(48_000, pitch=500), beep(48_000, pitch=2000)]
    data = cut(film(tmp_path / "a.mkv", sounds, default=default), 2.0, 5.0)
    assert pitch(data) == pytest.approx(wanted, rel=0.01)


def test_a_video_without_sound_is_as_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    frames, sound = decoded(cut(film(tmp_path / "a.mp4", []), 2.0, 3.0))
    assert sound is None
    assert [time for time, _ in frames] == pytest.approx(np.arange(25) / FPS, abs=1e-4)
    assert caplog.records == []


def test_a_clip_may_begin_at_any_frame(tmp_path: Path) -> None:
    """However its time is rounded: some frames end, as floats, a trifle after the next one begins."""
    path = film(tmp_path / "a.mp4", [])
    for index in range(100, 130):
        frames, _ = decoded(cut(path, round(index / FPS, 2), 6.0))
        assert len(frames) == LENGTH * FPS - index


def shown(data: bytes) -> tuple[list[float], float]:
    """When a preview's frames are shown, in seconds, and how long it says it is."""
    with av.open(io.BytesIO(data), "r") as file:
        return [float(frame.time or 0.0) for frame in file.decode(video=0)], (file.duration or 0) / av.time_base


@pytest.mark.parametrize("sounds", [0, 1])
@pytest.mark.parametrize("name", ["a.mp4", "a.ts"])
def test_it_begins_at_once_and_is_as_long_as_the_clip(tmp_path: Path, name: str, sounds: int) -> None:
    path = film(tmp_path / name, [beep(48_000)] * sounds)
    for start, end in ((0.0, 2.0), (1.0, 1.4), (1.96, 4.2), (3.0, 6.0)):
        times, length = shown(cut(path, start, end))
        assert times == pytest.approx(np.arange(round((end - start) * FPS)) / FPS, abs=1e-4)
        assert length == pytest.approx(end - start, abs=1e-3)


@pytest.mark.parametrize(("start", "end"), [(0.0, 3.0), (0.5, 6.0), (4.0, 6.0), (5.0, 12.0), (10.5, 11.5)])
def test_pictures_that_are_shown_long_are_shown_as_long(tmp_path: Path, start: float, end: float) -> None:
    """As of a screen on which something moves only sometimes: a picture a second, 25 a second, a picture a second."""
    moments = [*range(5), *(5 + index / 25 for index in range(25)), *range(6, 14)]
    with av.open(str(tmp_path / "a.mkv"), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, moment in enumerate(moments):
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), 6 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(moment * 1000), Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    times, length = shown(cut(tmp_path / "a.mkv", start, end))
    first = max(moment for moment in moments if moment <= start)
    wanted = [max(moment, start) - start for moment in moments if first <= moment < end]
    assert times == pytest.approx(wanted, abs=2e-3)
    assert length == pytest.approx(end - start, abs=2e-3)


def test_a_video_read_through_fsspec_has_its_sound(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/preview/a.mp4", film(tmp_path / "a.mp4", [beep(48_000)]).read_bytes())
    try:
        data = cut("memory://preview/a.mp4", 2.0, 5.0, allow=("memory",))
    finally:
        memory.rm("/preview", recursive=True)
    assert (seen(data), heard(data)) == pytest.approx((AT - 2.0, AT - 2.0), abs=0.03)


# --- what is wrong with a sound costs no picture ----------------------------------------------------


def spoil(path: Path, until: float = LENGTH) -> Path:
    """Overwrite the sound of a file, up to so many seconds."""
    with av.open(str(path)) as file:
        places = [
            (packet.pos, packet.size)
            for packet in file.demux(audio=0)
            if packet.pos is not None and packet.pts is not None and packet.pts * packet.time_base < until
        ]
    whole = bytearray(path.read_bytes())
    for at, size in places:
        whole[at : at + size] = b"\xff" * size
    path.write_bytes(whole)
    return path


def without(path: Path, caplog: pytest.LogCaptureFixture, says: str) -> None:
    """The preview has every picture and no sound, and the log says why."""
    caplog.set_level(logging.INFO)
    data = cut(path, 2.0, 5.0)
    frames, sound = decoded(data)
    assert len(frames) == 3 * FPS
    assert seen(data) == pytest.approx(AT - 2.0, abs=0.001)
    assert sound is None
    (record,) = (one for one in caplog.records if one.name.startswith("va_widgets"))  # PyAV logs, too
    assert record.levelname == "INFO"
    assert path.name in record.getMessage()
    assert says in record.getMessage()


def test_decoders_do_not_log_through_python_which_may_wait_for_them(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [beep(48_000)])
    av.logging.set_level(av.logging.ERROR)  # as old versions of torchvision do
    cut(path, 2.0, 3.0)
    assert av.logging.get_level() is None


def test_a_sound_that_does_not_decode(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    without(spoil(film(tmp_path / "a.mp4", [beep(48_000)])), caplog, "a.mp4 comes without its sound: ")


def test_a_sound_that_does_not_encode(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    without(
        film(tmp_path / "a.mov", [np.full((2, 288_000), np.nan, np.float32)], "pcm_f32le"), caplog, "Invalid argument"
    )


def test_a_sound_of_a_kind_that_nobody_knows(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = film(tmp_path / "a.mov", [beep(48_000)], "pcm_s16le")
    path.write_bytes(path.read_bytes().replace(b"sowt", b"zzzz"))
    without(path, caplog, "not known here")


def test_the_good_part_of_a_damaged_sound_is_heard(tmp_path: Path) -> None:
    data = cut(spoil(film(tmp_path / "a.mp4", [beep(48_000)]), until=3.0), 2.0, 5.0)
    assert (seen(data), heard(data)) == pytest.approx((AT - 2.0, AT - 2.0), abs=0.03)
