"""Files whose video cannot be decoded say why: it is encrypted, or the file lacks its index."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from tests.unit.video.video_files import film, read, scene
from va_widgets.base.errors import PreviewUnavailableError
from va_widgets.video.decode import Video
from va_widgets.video.errors import UndecodableError
from va_widgets.video.preview import cut


def mp4(path: Path) -> None:
    """Write a film that is encrypted by the standard for MP4."""
    key = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "00" * 16, "encryption_kid": "11" * 16}
    film(path, scene(1, 10), file_options=key)


def crc(data: bytes) -> bytes:
    """Return the checksum of a table of MPEG-TS."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = ((value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return struct.pack(">I", value)


def mpeg_ts(path: Path) -> None:
    """Write a film whose table of streams says that its H.264 is SAMPLE-AES."""
    data = bytearray(film(path, scene(1, 10), container="mpegts").read_bytes())
    for packet in range(0, len(data), 188):
        table = packet + 5
        if data[packet + 1 : packet + 3] == b"\x50\x00":  # a table of the first programme's streams begins here
            end = table + 3 + (int.from_bytes(data[table + 1 : table + 3], "big") & 0xFFF)
            data[data.index(b"\x1b\xe1\x00", table, end)] = 0xDB
            data[end - 4 : end] = crc(bytes(data[table : end - 4]))
    path.write_bytes(data)


def pay_tv(path: Path, size: int = 188) -> None:
    """Write a film of MPEG-TS in packets of `size` bytes, in which those of the video say that they are scrambled."""
    before = 4 if size == 192 else 0  # bytes before each packet, as cameras write them
    film(path, scene(1, 10), container="mpegts", file_options={"mpegts_m2ts_mode": str(int(size == 192))})
    with av.open(str(path)) as file:
        video = file.streams.video[0].id
    data = path.read_bytes()
    noise = np.random.default_rng(0)
    packets = []
    for at in range(before, len(data), before + 188):
        packet = bytearray(data[at : at + 188])
        first = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)  # of the payload
        if int.from_bytes(packet[1:3], "big") & 0x1FFF == video:
            packet[3] |= 0x80
            packet[first:] = noise.bytes(188 - first)
        packets.append(data[at - before : at] + packet + bytes(size - before - 188))
    path.write_bytes(b"".join(packets))


def asf(path: Path, kind: str, content: bytes) -> None:
    """Write a film of Windows Media whose header holds one object more."""
    data = bytearray(film(path, scene(1, 10), "wmv2").read_bytes())
    added = uuid.UUID(kind).bytes_le + struct.pack("<Q", 24 + len(content)) + content
    size, objects = struct.unpack("<QI", data[16:28])
    data[16:28] = struct.pack("<QI", size + len(added), objects + 1)
    data[30:30] = added
    path.write_bytes(data)


def windows_media(path: Path) -> None:
    texts = [b"", b"DRM", b"key", b"url"]
    content = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    asf(path, "2211B3FB-BD23-11D2-B4B7-00A0C955FC6E", content)


def newer_windows_media(path: Path) -> None:
    asf(path, "298AE614-2622-4C17-B935-DAE07EE9289C", bytes(8))


def element(name: str, content: bytes) -> bytes:
    """Return an element of Matroska."""
    return bytes.fromhex(name) + (len(content) | 1 << 56).to_bytes(8, "big") + content


def webm(path: Path) -> None:
    """Write a film whose track names the key that it is encrypted with."""
    data = film(path, scene(1, 10), "libvpx", options={"deadline": "realtime"}).read_bytes()
    key = element("5035", element("47e1", b"\5") + element("47e2", b"k" * 16))
    encoding = element("6d80", element("6240", element("5033", b"\1") + key))
    tracks = data.rindex(bytes.fromhex("1654ae6b"))
    first = data.index(b"\xae\x01", tracks) + 9  # of the only track
    end = first + int.from_bytes(data[first - 7 : first], "big")
    changed = element("1654ae6b", element("ae", data[first:end] + encoding))
    length = data.index(bytes.fromhex("18538067")) + 4
    unknown = b"\x01" + b"\xff" * 7
    path.write_bytes(data[:length] + unknown + data[length + 8 : tracks] + changed + data[end:])


ENCRYPTED: dict[str, Callable[[Path], None]] = {
    "a.mp4": mp4,
    "a.ts": mpeg_ts,
    "scrambled.ts": pay_tv,
    "scrambled.m2ts": lambda path: pay_tv(path, 192),
    "broadcast.ts": lambda path: pay_tv(path, 204),
    "a.wmv": windows_media,
    "newer.wmv": newer_windows_media,
    "a.webm": webm,
}


@pytest.mark.parametrize("name", ENCRYPTED)
def test_an_encrypted_video_is_called_so(name: str, tmp_path: Path) -> None:
    ENCRYPTED[name](tmp_path / name)
    with pytest.raises(UndecodableError, match=r"^its video is encrypted: export it without protection$"):
        read(tmp_path / name)
    with pytest.raises(PreviewUnavailableError, match="cannot be played: its video is encrypted"):
        cut(tmp_path / name, 0.1, 0.3)


def test_an_open_video_beside_scrambled_ones_is_read(tmp_path: Path) -> None:
    path = film(tmp_path / "a.ts", scene(1, 10), container="mpegts")
    scrambled = b"\x47\x01\x23\x90" + bytes(184)  # of another stream
    path.write_bytes(scrambled * 50 + path.read_bytes())
    with path.open("rb") as file:  # as a remote one is
        video = Video(file, path.stat().st_size, 36, 64)
        assert len(list(video.frames())) == 10
        video.close()


@pytest.mark.parametrize("left", [0.01, 0.3, 0.97])
def test_an_mp4_that_ends_before_its_index_does_is_incomplete(left: float, tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", scene(1, 60))
    data = path.read_bytes()
    path.write_bytes(data[: int(left * len(data))])
    with pytest.raises(UndecodableError, match="it is incomplete: its index is missing"):
        read(path)


def test_a_part_of_a_stream_alone_is_called_what_it_is(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", scene(1, 60), file_options={"movflags": "frag_keyframe+empty_moov"})
    data = path.read_bytes()
    first, segment = data[: data.index(b"moof") - 4], data[data.index(b"moof") - 4 :]
    path.write_bytes(segment)
    with pytest.raises(UndecodableError, match=r"it is a segment of a stream, .* join that and all segments to one"):
        read(path)
    path.write_bytes(first)
    found, damage = read(path)
    assert (found, damage.split(":")[0]) == ([], "it is the first file of a stream (init), without pictures")
    path.write_bytes(first + segment)  # as the sentence says
    found, damage = read(path)
    assert (len(found), damage) == (1, "")


def test_an_index_of_which_the_end_is_missing_is_named_where_nothing_can_be_decoded(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", scene(1, 60))
    path.write_bytes(path.read_bytes()[:-100])
    found, damage = read(path)
    assert (found, damage.split(":")[0]) == ([], "it is incomplete")


def test_a_fragmented_mp4_that_ends_within_its_first_index_is_incomplete(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", scene(1, 10), file_options={"movflags": "frag_keyframe+empty_moov"})
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"hdlr")])
    with pytest.raises(UndecodableError, match="it is incomplete: its index is missing"):
        read(path)


def test_a_file_of_which_nothing_can_be_decoded_says_so(tmp_path: Path) -> None:
    path = film(tmp_path / "a.ivf", scene(1, 10), "libvpx", options={"deadline": "realtime"})
    path.write_bytes(path.read_bytes()[:60])
    found, damage = read(path)
    assert (found, damage) == ([], "it is damaged or truncated: not one of its pictures can be decoded")
