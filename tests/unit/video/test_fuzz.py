"""Damaged files neither crash nor hang a reader, and whatever it makes of them is well formed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest

from tests.unit.video.fuzzing import Result, counted, damaged, tried, write_originals
from tests.unit.video.video_files import write_video
from va_widgets.video.decoder_messages import Clip, Done, Failed, Request
from va_widgets.video.decoder_process import DecoderProcess

_CASES = 75
_SECONDS, _MEGABYTES = 10.0, 1000.0  # that no damaged file of less than 100 KB may take


@pytest.fixture(scope="module")
def reader() -> Iterator[DecoderProcess]:
    with closing(DecoderProcess()) as started:
        yield started


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_originals(tmp_path_factory.mktemp("originals"))


def read_damaged(reader: DecoderProcess, originals: Sequence[Path], folder: Path, seed: int) -> list[Result]:
    """Read damaged copies of files, each well formed or an AssertionError that names the case."""
    results = []
    for number in range(_CASES):
        rng = np.random.default_rng((seed, number))
        original = originals[number % len(originals)]
        change, data = damaged(original.read_bytes(), rng)
        file = folder / f"{number}-{original.name}"
        file.write_bytes(data)
        result = tried(reader, file, rng, change)
        assert result.outcome != "crash", result
        assert result.seconds < _SECONDS, result
        assert result.megabytes < _MEGABYTES, result
        results.append(result)
        file.unlink()
    return results


def test_damaged_files_of_every_container_are_read_as_far_as_they_go(
    reader: DecoderProcess, originals: list[Path], tmp_path: Path
) -> None:
    outcomes = counted(read_damaged(reader, originals, tmp_path, seed=1))
    assert outcomes["partial"] > 10
    assert outcomes["skipped"] > 10


def test_damaged_real_files_are_read_as_far_as_they_go(
    reader: DecoderProcess, shared_data: Path, tmp_path: Path
) -> None:
    real = [file for file in sorted((shared_data / "videos").rglob("*.*")) if 1000 < file.stat().st_size < 100_000]
    outcomes = counted(read_damaged(reader, real, tmp_path, seed=2))
    assert outcomes["partial"] > 10
    assert outcomes["skipped"] > 10


def test_whole_files_of_every_container_are_done(reader: DecoderProcess, originals: list[Path]) -> None:
    for file in originals:
        last = list(reader.read(Request(str(file), file.stat().st_size, 64, 8)))[-1]
        assert last == Done(""), file.name


def test_a_title_that_is_not_in_utf_8_is_no_damage(reader: DecoderProcess, tmp_path: Path) -> None:
    write_video(tmp_path / "plain.mp4", [(1, 10)])
    file = tmp_path / "latin.mp4"
    with av.open(str(tmp_path / "plain.mp4")) as source, av.open(str(file), "w") as target:
        target.metadata["title"] = "Caf_ noir"
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = file.read_bytes()
    assert b"Caf_ noir" in data
    file.write_bytes(data.replace(b"Caf_ noir", "Café noir".encode("latin-1")))
    assert list(reader.read(Request(str(file), file.stat().st_size, 64, 8)))[-1] == Done("")


def test_a_video_of_an_unknown_codec_is_skipped_with_its_reason(reader: DecoderProcess, tmp_path: Path) -> None:
    write_video(tmp_path / "plain.mp4", [(1, 10)])
    file = tmp_path / "unknown.mp4"
    file.write_bytes((tmp_path / "plain.mp4").read_bytes().replace(b"avc1", b"xyz1").replace(b"avcC", b"xyzC"))
    last = list(reader.read(Request(str(file), file.stat().st_size, 64, 8)))[-1]
    assert last == Failed("its video is of a kind that is not known here")


def test_a_stream_that_appears_late_ends_nothing(reader: DecoderProcess, tmp_path: Path) -> None:
    data = b""
    for sound in (False, True):
        part = tmp_path / f"{sound}.ts"
        with av.open(str(part), "w") as target:
            stream = target.add_stream("mpeg2video", rate=25)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            audio = target.add_stream("mp2", rate=44100) if sound else None
            for index in range(200):
                frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), index, dtype=np.uint8), format="rgb24")
                target.mux(stream.encode(frame))
                if isinstance(audio, av.AudioStream):
                    samples = av.AudioFrame.from_ndarray(np.zeros((1, 1152 * 2), dtype=np.int16), format="s16")
                    samples.sample_rate = 44100
                    target.mux(audio.encode(samples))
            target.mux(stream.encode())
        data += part.read_bytes()
    file = tmp_path / "late.ts"
    file.write_bytes(data)
    messages = list(reader.read(Request(str(file), len(data), 64, 8)))
    assert isinstance(messages[-1], Done)
    assert [one.frame_out for one in messages if isinstance(one, Clip)][-1] >= 399
