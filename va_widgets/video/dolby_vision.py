"""Dolby Vision whose colours no other decoder knows: profile 5, and what follows it in newer codecs.

Other profiles hold a picture of ordinary colours (HDR10, HLG or SDR), which is decoded like any other. That of
profile 5 is in Dolby's own space of colours (IPT-PQ-c2, changed by the metadata of each frame): people are green and
purple in it.
"""

from __future__ import annotations

import io

import av

from va_widgets.video.unusable import codec_tag

FALSE_COLOURS = (
    "it is Dolby Vision without ordinary colours (profile 5), so its pictures are green and purple: "
    "export it as HDR10 or SDR"
)

_CODECS = ("hevc", "av1")
_TAGS = (b"dvh1", b"dvhe", b"dav1")  # of MP4, where a player without Dolby Vision is not to play the stream
_OWN_COLOURS = (5, 10, 20)  # profiles of HEVC, AV1 and MV-HEVC
_NAMES = (b"dvcC", b"dvvC", b"dvwC")  # of the configuration record, by profile
_RECORD = b"\x41\xed\x98"  # Matroska's BlockAddIDExtraData of 24 bytes


def has_own_colours(stream: av.VideoStream) -> bool:
    """Return whether a stream is Dolby Vision without a picture of ordinary colours."""
    if stream.codec_context.codec.canonical_name not in _CODECS:
        return False
    record = _configuration(stream)
    if record is None:
        return codec_tag(stream) in _TAGS
    # Dolby Vision Streams within the ISO Base Media File Format 2.1.2, section 3.2: seven bits of the profile come
    # after two bytes of the version, and four of the base layer's compatibility after 32 bits.
    profile, compatibility = record[2] >> 1, record[4] >> 4
    return profile in _OWN_COLOURS and compatibility == 0


def _configuration(stream: av.VideoStream) -> bytes | None:
    """Return the stream's configuration record of Dolby Vision, 24 bytes; None if it has none.

    PyAV has no access to it. It is read from the header of a Matroska file that is made for the stream, because FFmpeg
    copies the record to it, whatever container it comes from.
    """
    copy = io.BytesIO()
    try:
        with av.open(copy, "w", format="matroska") as container:
            container.add_stream_from_template(stream)
            container.start_encoding()
    except (av.error.FFmpegError, ValueError):  # Matroska does not take the stream
        return None
    header = copy.getvalue()
    named = max(header.find(name) for name in _NAMES)
    first = header.find(_RECORD, named) if named >= 0 else -1
    return header[first + len(_RECORD) :][:24] if first >= 0 else None
