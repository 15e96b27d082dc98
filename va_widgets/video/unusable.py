"""Why a file cannot be decoded: its video is encrypted, or its index is missing."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

import av

from va_widgets.base.paths import open_regular

ENCRYPTED = "its video is encrypted: export it without protection"
INCOMPLETE = "it is incomplete: its index is missing, as after a recording or a copy that was interrupted"

_WINDOWS_MEDIA = {"encryption", "ASF_Protection_Type"}  # metadata that FFmpeg makes of its two ways to protect a file
_SAMPLE_AES = b"\xdb\0\0\0"  # Apple's type of a stream of encrypted H.264 in MPEG-TS
_FIRST_BOXES = (b"ftyp", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"sidx", b"moof")
_MOST_BOXES = 1000


def says_encrypted(container: av.container.InputContainer, stream: av.VideoStream) -> bool:
    """Return whether the headers of a file say that its video is encrypted."""
    if container.format.name == "asf":
        return not _WINDOWS_MEDIA.isdisjoint(container.metadata)
    if container.format.name == "mpegts":
        return _codec_tag(stream) == _SAMPLE_AES
    return "matroska" in container.format.name and "enc_key_id" in stream.metadata


def is_encrypted(packet: av.Packet[Any]) -> bool:
    """Return whether a packet is encrypted as the standard for MP4 (CENC) has it."""
    return packet.has_sidedata("encryption_info")


def lacks_index(source: Path | IO[bytes]) -> bool:
    """Return whether a file is an MP4 or a MOV without a whole "moov" box, which says where its frames are."""
    opened: AbstractContextManager[IO[bytes]] = (
        open_regular(source) if isinstance(source, Path) else nullcontext(source)
    )
    with opened as file:
        end, position = file.seek(0, 2), 0
        for _ in range(_MOST_BOXES):
            file.seek(position)
            head = file.read(16)
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if position == 0 and kind not in _FIRST_BOXES:
                return False
            if size == 1:  # it is too large for 32 bits
                size = int.from_bytes(head[8:], "big")
            if kind == b"moov":
                return position + size > end
            if len(head) < 8 or size < 8:  # the file's end, or a box that reaches to it
                return True
            position += size
    return False


def _codec_tag(stream: av.VideoStream) -> bytes:
    try:
        return stream.codec_tag.encode()
    except UnicodeDecodeError as error:  # PyAV takes it for a text
        return bytes(error.object)
