"""Files whose video cannot be decoded say why: it is encrypted, or the file lacks its index."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.video.video_files import film, read, scene
from va_widgets.base.errors import PreviewUnavailableError
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


@pytest.mark.parametrize("left", [0.01, 0.3, 0.97])
def test_an_mp4_that_ends_before_its_index_does_is_incomplete(left: float, tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", scene(1, 60))
    data = path.read_bytes()
    path.write_bytes(data[: int(left * len(data))])
    with pytest.raises(UndecodableError, match="it is incomplete: its index is missing"):
        read(path)


def test_the_parts_of_a_film_without_their_beginning_are_incomplete(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", scene(1, 60), file_options={"movflags": "frag_keyframe+empty_moov"})
    data = path.read_bytes()
    path.write_bytes(data[data.index(b"moof") - 4 :])
    with pytest.raises(UndecodableError, match="it is incomplete: its index is missing"):
        read(path)


def test_an_index_of_which_the_end_is_missing_is_named_where_nothing_can_be_decoded(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", scene(1, 60))
    path.write_bytes(path.read_bytes()[:-100])
    found, damage = read(path)
    assert (found, damage.split(":")[0]) == ([], "it is incomplete")
