"""Why a file cannot be decoded: its video is encrypted, its index is missing, or it is a part of a stream alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

import av

from va_widgets.base.paths import open_regular

ENCRYPTED = "its video is encrypted: export it without protection"
INCOMPLETE = "it is incomplete: its index is missing, as after a recording or a copy that was interrupted"
SEGMENT = (
    "it is a segment of a stream, which cannot be decoded without the stream's first file (init): join that and all"
    " segments to one file, or give the whole film"
)
NO_SEGMENTS = (
    "it is the first file of a stream (init), without pictures: join it and the stream's segments to one file, or give"
    " the whole film"
)

_WINDOWS_MEDIA = {"encryption", "ASF_Protection_Type"}  # metadata that FFmpeg makes of its two ways to protect a file
_SAMPLE_AES = b"\xdb\0\0\0"  # Apple's type of a stream of encrypted H.264 in MPEG-TS
_FIRST_BOXES = (b"ftyp", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"sidx", b"moof", b"emsg", b"prft")
_FRAGMENT, _FRAGMENTED = b"moof", b"mvex"  # pictures with an index of their own, and what "moov" has if there are such
_MOST_BOXES = 1000
_MOST_READ = 1 << 24  # bytes of a "moov" box
_TS_SIZES = (188, 192, 204)  # bytes of a packet of MPEG-TS: bare, as cameras write it, and as broadcasters do
_TS_SYNC, _TS_SYNCS = 0x47, 5  # the first byte of each packet, and how many of them show that it is one
_TS_PROBED = 1 << 19  # bytes


def says_encrypted(container: av.container.InputContainer, stream: av.VideoStream) -> bool:
    """Return whether the headers of a file say that its video is encrypted."""
    if container.format.name == "asf":
        return not _WINDOWS_MEDIA.isdisjoint(container.metadata)
    if container.format.name == "mpegts":
        return codec_tag(stream) == _SAMPLE_AES
    return "matroska" in container.format.name and "enc_key_id" in stream.metadata


def is_encrypted(packet: av.Packet[Any]) -> bool:
    """Return whether a packet is encrypted as the standard for MP4 (CENC) has it."""
    return packet.has_sidedata("encryption_info")


def is_scrambled(source: Path | IO[bytes], stream_id: int) -> bool:
    """Return whether most packets of a stream of MPEG-TS are scrambled, as a pay-TV channel's are, at its beginning.

    FFmpeg's demuxer does not look at these bits (ISO/IEC 13818-1, table 2-4) and finds no frame.
    """
    with _opened(source) as file:
        position = file.tell()  # at which FFmpeg goes on, if it reads the same file object
        file.seek(0)
        data = file.read(_TS_PROBED)
        file.seek(position)
    starts = ((size, first) for size in _TS_SIZES for first in range(size))
    for size, first in starts:
        syncs = data[first::size][:_TS_SYNCS]
        if len(syncs) == _TS_SYNCS and set(syncs) == {_TS_SYNC}:
            break
    else:
        return False
    scrambled = packets = 0
    for at in range(first, len(data) - 3, size):
        has_payload = data[at + 3] & 0x10
        if has_payload and int.from_bytes(data[at + 1 : at + 3], "big") & 0x1FFF == stream_id:
            packets += 1
            scrambled += data[at + 3] >= 0x40
    return 2 * scrambled > packets


def missing_part(source: Path | IO[bytes]) -> str:
    """Return what an MP4 or a MOV lacks to be decoded, as a sentence; empty if it lacks nothing, or is another file.

    Its "moov" box says where its frames are, or that each "moof" box does so for those that follow it.
    """
    kinds = set[bytes]()
    with _opened(source) as file:
        for kind, position, size in _boxes(file):
            if kind == b"moov" and position + size > file.seek(0, 2):
                return INCOMPLETE
            if kind == b"moov":
                file.seek(position)
                is_fragmented = _FRAGMENTED in file.read(min(size, _MOST_READ))
            kinds.add(kind)
    if not kinds:
        return ""
    if b"moov" in kinds:
        return NO_SEGMENTS if is_fragmented and kinds.isdisjoint((_FRAGMENT, b"mdat")) else ""
    return SEGMENT if _FRAGMENT in kinds else INCOMPLETE


def _boxes(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind, position and size of each box of an MP4, up to one that reaches to the end of the file.

    Nothing of other files.
    """
    position = 0
    for _ in range(_MOST_BOXES):
        file.seek(position)
        head = file.read(16)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if position == 0 and kind not in _FIRST_BOXES:
            return
        if size == 1:  # it is too large for 32 bits
            size = int.from_bytes(head[8:], "big")
        if len(head) >= 8:
            yield kind, position, size
        if size < 8:
            return
        position += size


def codec_tag(stream: av.VideoStream) -> bytes:
    """Return the four bytes by which the container names the stream's codec."""
    try:
        return stream.codec_tag.encode()
    except UnicodeDecodeError as error:  # PyAV takes it for a text
        return bytes(error.object)


def _opened(source: Path | IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    return open_regular(source) if isinstance(source, Path) else nullcontext(source)
