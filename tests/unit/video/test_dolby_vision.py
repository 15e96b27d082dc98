"""Files of Dolby Vision without ordinary colours are called so; others are not."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from tests.unit.video.video_files import film, read, scene

_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")


def record(profile: int, compatibility: int) -> bytes:
    """Return a configuration record of Dolby Vision of level 6, which has metadata and no enhancement layer."""
    numbers = profile << 9 | 6 << 3 | 0b101
    return b"\1\0" + numbers.to_bytes(2, "big") + bytes([compatibility << 4]) + bytes(19)


def dolby_vision(path: Path, configuration: bytes, tag: bytes = b"hev1", kind: bytes = b"dvcC") -> Path:
    """Write a film of HEVC, whose description in the MP4 file is that of Dolby Vision."""
    data = film(path, scene(1, 5), "libx265", options={"x265-params": "log-level=none"}).read_bytes()
    box = (8 + len(configuration)).to_bytes(4, "big") + kind + configuration if configuration else b""
    head, index = data[: data.index(b"moov") - 4], bytearray(data[data.index(b"moov") - 4 :])
    entry = index.index(b"hev1") - 4
    end = entry + int.from_bytes(index[entry : entry + 4], "big")
    for start in [*(index.index(name) - 4 for name in _PARENTS), entry]:
        index[start : start + 4] = (int.from_bytes(index[start : start + 4], "big") + len(box)).to_bytes(4, "big")
    index[entry + 4 : entry + 8] = tag
    index[end:end] = box
    path.write_bytes(head + index)
    return path


def as_matroska(path: Path) -> Path:
    copy = path.with_suffix(".mkv")
    with av.open(str(path)) as source, av.open(str(copy), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return copy


NOTE = (
    "it is Dolby Vision without ordinary colours (profile 5), so its pictures are green and purple: "
    "export it as HDR10 or SDR"
)


@pytest.mark.parametrize(
    ("configuration", "tag", "note"),
    [
        (record(5, 0), b"dvh1", NOTE),
        (record(5, 0), b"hev1", NOTE),
        (b"", b"dvh1", NOTE),
        (record(8, 4), b"hev1", ""),  # a telephone's, which is HLG
        (record(8, 1), b"dvh1", ""),
        (record(7, 0), b"hev1", ""),  # from before there was a compatibility in the record
        (b"", b"hev1", ""),
    ],
)
def test_only_dolby_vision_without_ordinary_colours_is_noted(
    configuration: bytes, tag: bytes, note: str, tmp_path: Path
) -> None:
    found, damage = read(dolby_vision(tmp_path / "a.mp4", configuration, tag))
    assert ([(shot.frame_in, shot.frame_out) for shot in found], damage) == ([(0, 5)], note)


def test_it_is_noted_in_matroska_too(tmp_path: Path) -> None:
    assert read(as_matroska(dolby_vision(tmp_path / "a.mp4", record(5, 0), b"hev1")))[1] == NOTE
