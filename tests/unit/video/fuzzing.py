"""Video files that are damaged on purpose, and what must be true of whatever a reader makes of them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np

from va_widgets.video.decoder_messages import Clip, Done, Failed, Message, Moved, Request, Spent
from va_widgets.video.decoder_process import DecoderProcess

SAMPLES = 8
_SIDES = (64, 224, 288)
_HEAD = 4096  # bytes, where a file says what it is; some say it at their end
_CODECS = {
    "h264.mp4": "libx264", "mpeg4.mov": "mpeg4", "h264.mkv": "libx264", "vp8.webm": "libvpx", "mjpeg.avi": "mjpeg",
    "h264.ts": "libx264", "mpeg4.avi": "mpeg4", "mpeg2.ts": "mpeg2video", "ffv1.mkv": "ffv1",
}  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What became of a damaged file: "done", "partial", "skipped" or "crash", and what it took."""

    name: str
    change: str
    outcome: str
    clips: int
    seconds: float  # of processor time
    megabytes: float  # of memory, at the most
    reason: str


def write_originals(folder: Path) -> list[Path]:
    """Whole files of many containers and codecs, of two shots each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, codec in _CODECS.items():
        with av.open(str(folder / name), "w") as file:
            stream = file.add_stream(codec, rate=25)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = 96, 64
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.time_base = stream.codec_context.time_base = Fraction(1, 25)
            for index in range(40):
                rng = np.random.default_rng(index // 20)
                still = cv2.resize(rng.integers(0, 255, (4, 6, 3), dtype=np.uint8), (96, 64))
                picture = np.asarray(np.roll(still, index, axis=1), dtype=np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                file.mux(stream.encode(frame))
            file.mux(stream.encode())
    return sorted(folder / name for name in _CODECS)


def damaged(data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """A file's bytes with something done to them, and what that was."""
    size = len(data)
    change = str(rng.choice(["bits", "head", "cut", "zeros", "twice", "swapped"]))
    mutable = bytearray(data)
    start, end = sorted(int(place) for place in rng.integers(0, size + 1, 2))
    if change in ("bits", "head"):
        most = size if change == "bits" else min(size, _HEAD)
        for place in rng.integers(0, most, int(rng.integers(1, 101))):
            # As often from the end: that is where many an index lies.
            where = int(place) if change == "bits" or rng.random() < 0.5 else size - 1 - int(place)
            mutable[where] ^= 1 << int(rng.integers(0, 8))
    elif change == "cut":
        del mutable[start:]
    elif change == "zeros":
        end = min(end, start + 10_000)
        mutable[start:end] = bytes(end - start)
    elif change == "twice":
        mutable[start:start] = data[start:end]
    else:
        length = int(rng.integers(1, max(2, size // 4)))
        one, other = (int(place) for place in rng.integers(0, max(1, size - length), 2))
        mutable[one : one + length], mutable[other : other + length] = (
            data[other : other + length],
            data[one : one + length],
        )
    return change, bytes(mutable)


def asked(file: Path, rng: np.random.Generator) -> Request:
    """A request for a file: mostly shots, now and then windows or segments."""
    side, threads = int(rng.choice(_SIDES)), int(rng.integers(1, 3))
    request = Request(str(file), file.stat().st_size, side, SAMPLES, threads=threads)
    how = rng.random()
    if how < 0.15:
        request.window = float(rng.choice([0.04, 0.5, 5.0]))
    elif how < 0.3:
        starts = rng.random(3) * 3
        request.segments = [(float(start), float(start + 0.05 + rng.random())) for start in starts]
    return request


def tried(reader: DecoderProcess, file: Path, rng: np.random.Generator, change: str) -> Result:
    """Let a reader read a damaged file. Raises AssertionError if anything that it says is not well formed."""
    request = asked(file, rng)
    before = _used(reader)
    messages = list(reader.read(request))
    seconds, megabytes = _used(reader)
    clips = [one for one in messages if isinstance(one, Clip)]
    check(request, messages)
    last = messages[-1]
    assert isinstance(last, (Done, Failed))
    if reader._process is None:
        outcome = "crash"
    elif not clips:
        outcome = "skipped"
    else:
        outcome = "partial" if last.reason else "done"
    return Result(file.name, change, outcome, len(clips), seconds - before[0], megabytes, last.reason)


def check(request: Request, messages: Sequence[Message]) -> None:
    """Assert that what a reader has said of a video is well formed."""
    assert isinstance(messages[-1], (Done, Failed))
    assert all(isinstance(one, (Clip, Moved, Spent)) for one in messages[:-1])
    for moved in (one for one in messages if isinstance(one, Moved)):
        assert math.isfinite(moved.seconds)
        assert moved.position >= 0
    clips = [one for one in messages if isinstance(one, Clip)]
    for clip in clips:
        assert math.isfinite(clip.end)
        assert 0 <= clip.start < clip.end
        assert 0 <= clip.frame_in < clip.frame_out < 1 << 31
        assert 0 < clip.width < 1 << 31
        assert 0 < clip.height < 1 << 31
        assert math.isfinite(clip.fps)
        assert clip.fps > 0
        assert len(clip.pictures) == clip.strip_frames == request.samples
        for height, width, data in clip.pictures:
            assert min(height, width) <= request.picture_side
            assert len(data) == height * width * 3
        strip = cv2.imdecode(np.frombuffer(clip.strip, dtype=np.uint8), cv2.IMREAD_COLOR)
        assert strip is not None
        assert strip.shape == (clip.strip_height, clip.strip_width * clip.strip_frames, 3)
    if request.segments is None:
        for one, following in pairwise(clips):
            assert one.end <= following.start
            # A frame that stands still may fill several windows.
            assert (one.frame_out if request.window is None else one.frame_in) <= following.frame_in
            # What a clip is called: no two may share it.
            assert round(one.start * 1000) < round(following.start * 1000)
    else:
        assert len({clip.place for clip in clips}) == len(clips)
        for clip in clips:
            start, end = request.segments[clip.place]
            assert clip.start == start
            assert clip.end <= end


def _used(reader: DecoderProcess) -> tuple[float, float]:
    """Seconds of processor time, and the most memory in MB since it was last asked, of a reader's process."""
    process = reader._process
    if process is None or process.poll() is not None:
        return 0.0, 0.0
    folder = Path(f"/proc/{process.pid}")
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    lines = (folder / "status").read_text().splitlines()
    most = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    (folder / "clear_refs").write_text("5")  # the peak starts anew
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), most / 1e3


def counted(results: Iterable[Result]) -> dict[str, int]:
    """How many files had which outcome."""
    outcomes = [one.outcome for one in results]
    return {name: outcomes.count(name) for name in ("done", "partial", "skipped", "crash")}
