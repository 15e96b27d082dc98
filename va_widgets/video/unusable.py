"""Why a file cannot be decoded: its video is encrypted, its index is missing, or it is a part of a stream alone."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import av

from va_widgets.base.paths import opened
from va_widgets.video.mp4_boxes import boxes_in, file_boxes

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
_FRAGMENT, _FRAGMENTED = b"moof", b"mvex"  # pictures with an index of their own, and what "moov" has if there are such
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
    with opened(source) as file:
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
    with opened(source) as file:
        for box in file_boxes(file):
            if box.kind == b"moov" and box.end > file.seek(0, 2):
                return INCOMPLETE
            if box.kind == b"moov":
                is_fragmented = any(part.kind == _FRAGMENTED for part in boxes_in(file, box))
            kinds.add(box.kind)
    if not kinds:
        return ""
    if b"moov" in kinds:
        return NO_SEGMENTS if is_fragmented and kinds.isdisjoint((_FRAGMENT, b"mdat")) else ""
    return SEGMENT if _FRAGMENT in kinds else INCOMPLETE


def codec_tag(stream: av.VideoStream) -> bytes:
    """Return the four bytes by which the container names the stream's codec."""
    try:
        return stream.codec_tag.encode()
    except UnicodeDecodeError as error:  # PyAV takes it for a text
        return bytes(error.object)
