"""Frames that are flagged as interlaced are shown without combs; all others stay as they are, and so do times."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.unit.video.field_coding import coded_by_fields
from tests.unit.video.video_files import film
from va_widgets.video.decode import Video
from va_widgets.video.interlacing import deinterlaced
from va_widgets.video.preview import cut
from va_widgets.video.scaling import Picture

FRAMES = 12


def moving(size: tuple[int, int], top_first: bool = True) -> list[Picture]:
    """Return interlaced frames of a white bar that moves right, by a sixteenth of the width from field to field."""
    width, height = size
    fields = np.zeros((2 * FRAMES, height, width, 3), np.uint8)
    for number, picture in enumerate(fields):
        left = number * width // 16 % (width * 3 // 4)
        picture[:, left : left + width // 4] = 235
    frames = fields[0::2].copy()
    later = slice(1, None, 2) if top_first else slice(0, None, 2)
    frames[:, later] = fields[1::2, later]
    return list(frames)


def combs(picture: Picture) -> float:
    """Return how much neighbouring lines differ, in grey levels; in the bar's pictures they are the same."""
    lines = picture.astype(np.float32)
    return float(np.abs(np.diff(lines, axis=0)).mean())


def flagged(picture: Picture, field_order: str) -> av.VideoFrame:
    """Return a picture as a frame of a field order: "tff" or "bff" (top or bottom first), or "prog" (progressive)."""
    height, width = picture.shape[:2]
    made = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
    graph = av.filter.Graph()
    source = graph.add_buffer(width=width, height=height, format=made.format, time_base=Fraction(1, 25))
    graph.link_nodes(source, graph.add("setfield", field_order), graph.add("buffersink")).configure()
    graph.vpush(made)
    return graph.vpull()


def bar(picture: Picture) -> float:
    """Return where the bar is, as a share of the width."""
    columns = picture.astype(np.float64).mean(axis=(0, 2))
    return float(columns @ np.arange(len(columns)) / columns.sum() / len(columns))


@dataclass
class Coding:
    codec: str
    name: str
    size: tuple[int, int] = (96, 64)
    options: dict[str, str] = field(default_factory=dict)
    top_first: bool = True


CODINGS = {
    "mpeg2": Coding("mpeg2video", "a.ts", options={"flags": "+ildct+ilme", "b": "4000000"}),
    "h264": Coding("libx264", "a.mp4", options={"x264-params": "tff=1", "crf": "10"}),
    "h264-bottom-first": Coding("libx264", "a.mkv", options={"x264-params": "bff=1", "crf": "10"}, top_first=False),
    "dv": Coding("dvvideo", "a.avi", size=(720, 576), top_first=False),
}


@pytest.mark.parametrize("name", CODINGS)
def test_interlaced_video_is_shown_without_combs(name: str, tmp_path: Path) -> None:
    coding = CODINGS[name]
    pictures = moving(coding.size, coding.top_first)
    frames = [flagged(picture, "tff" if coding.top_first else "bff") for picture in pictures]
    path = film(tmp_path / coding.name, frames, coding.codec, options=coding.options)
    video = Video(path, path.stat().st_size, 36, coding.size[1], every=True)
    shown = list(video.frames())
    video.close()
    assert [frame.index for frame in shown] == list(range(FRAMES))
    assert [round(frame.time, 3) for frame in shown] == [round(number / 25, 3) for number in range(FRAMES)]
    assert [round(frame.end, 3) for frame in shown] == [round((number + 1) / 25, 3) for number in range(FRAMES)]
    assert min(combs(picture) for picture in pictures) > 20
    assert max(combs(frame.picture()) for frame in shown) < 8
    for frame, picture in zip(shown, pictures, strict=True):
        assert bar(frame.picture()) == pytest.approx(bar(picture[0 if coding.top_first else 1 :: 2]), abs=0.01)


@pytest.mark.parametrize("top_first", [True, False])
def test_h264_that_is_coded_field_by_field_is_shown_without_combs(top_first: bool, tmp_path: Path) -> None:
    pictures = moving((96, 64), top_first)
    path = tmp_path / "a.h264"
    path.write_bytes(coded_by_fields([picture[..., 0].clip(16, 235) for picture in pictures], top_first))
    video = Video(path, path.stat().st_size, 36, 64, every=True)
    shown = list(video.frames())
    assert video.damage == ""
    video.close()
    assert [frame.index for frame in shown] == list(range(FRAMES))
    assert max(combs(frame.picture()) for frame in shown) < 8
    for frame, picture in zip(shown, pictures, strict=True):
        assert bar(frame.picture()) == pytest.approx(bar(picture[0 if top_first else 1 :: 2]), abs=0.01)


def test_previews_of_interlaced_video_have_no_combs(tmp_path: Path) -> None:
    frames = [flagged(picture, "tff") for picture in moving((96, 64))]
    path = film(tmp_path / "a.ts", frames, "mpeg2video", options=CODINGS["mpeg2"].options)
    with av.open(io.BytesIO(cut(path, 0.1, 0.4)), "r") as preview:
        shown = [frame.to_ndarray(format="rgb24").astype(np.uint8) for frame in preview.decode(video=0)]
    assert len(shown) >= 7
    assert max(combs(picture) for picture in shown) < 8


# --- single frames ---------------------------------------------------------------------------------


def test_progressive_frames_are_passed_on_as_they_are_and_at_once() -> None:
    frames = [flagged(picture, "prog") for picture in moving((32, 32))[:3]]
    passed = deinterlaced((one, number) for number, one in enumerate(frames))
    for number, one in enumerate(frames):
        assert next(passed) == (one, number)


def test_only_the_flagged_frames_of_a_mixed_video_are_changed() -> None:
    orders = ["prog", "tff", "bff", "prog", "prog", "tff"]
    frames = [flagged(picture, order) for picture, order in zip(moving((32, 32)), orders, strict=False)]
    shown = list(deinterlaced((one, number) for number, one in enumerate(frames)))
    assert [number for _, number in shown] == list(range(6))
    for (after, number), before in zip(shown, frames, strict=True):
        assert np.array_equal(after.to_ndarray(), before.to_ndarray()) == (orders[number] == "prog")


def test_the_size_of_interlaced_frames_may_change() -> None:
    sizes = [(32, 32), (32, 32), (64, 48), (64, 48), (32, 32)]
    frames = [flagged(moving(size)[number], "tff") for number, size in enumerate(sizes)]
    shown = list(deinterlaced((one, number) for number, one in enumerate(frames)))
    assert [(one.width, one.height, number) for one, number in shown] == [
        (*size, number) for number, size in enumerate(sizes)
    ]


def test_frames_of_too_few_lines_for_the_filter_stay_as_they_are() -> None:
    frames = [flagged(picture, "tff") for picture in moving((16, 2))[:3]]
    shown = list(deinterlaced((one, number) for number, one in enumerate(frames)))
    assert [one for one, _ in shown] == frames
