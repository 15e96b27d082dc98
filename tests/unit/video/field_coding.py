"""H.264 that is coded field by field (PAFF), as broadcasters and camcorders do, which no encoder of PyAV writes.

Its samples are not compressed (I_PCM), so that the bits of ITU-T H.264, section 7.3, are few.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_SPS, _PPS, _IDR, _NOT_IDR = 0x67, 0x68, 0x65, 0x61  # first bytes of units
_MAIN, _LEVEL = 77, 30
_INTRA, _PCM = 7, 25  # types of a slice and of a macroblock


class _Bits:
    """A writer of bits."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, *values: tuple[int, int]) -> _Bits:
        """Append numbers, each with its length in bits; of length 0 are Exp-Golomb codes."""
        for value, length in values:
            code = f"{value:0{length}b}" if length else f"{value + 1:b}"
            self.text += code if length else "0" * (len(code) - 1) + code
        return self

    def unit(self, kind: int) -> bytes:
        """Return a NAL unit of these bits."""
        text = self.text + "1"
        data = int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")
        escaped, zeros = bytearray(), 0
        for byte in data:
            if zeros >= 2 and byte <= 3:
                escaped.append(3)
                zeros = 0
            escaped.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return b"\0\0\0\1" + bytes([kind]) + bytes(escaped)


def coded_by_fields(frames: Iterable[NDArray[np.uint8]], top_first: bool = True) -> bytes:
    """Return grey frames, uint8 (height, width) with multiples of 32 and 16, as a stream of H.264, two fields each."""
    stream, parameters = b"", b""
    for number, frame in enumerate(frames):
        height, width = frame.shape
        parameters = parameters or _parameters(width, height)
        stream += parameters
        for place in (0, 1):
            is_bottom = place == (1 if top_first else 0)
            stream += _field(frame[is_bottom::2], is_bottom, place, number)
    return stream


def _parameters(width: int, height: int) -> bytes:
    """Return the parameters of the sequence and of its pictures."""
    sequence = _Bits().put((_MAIN, 8), (0, 8), (_LEVEL, 8), (0, 0), (0, 0), (0, 0), (4, 0), (1, 0), (0, 1))
    # Not only of frames, and no macroblocks in pairs.
    sequence.put((width // 16 - 1, 0), (height // 32 - 1, 0), (0, 1), (0, 1), (1, 1), (0, 1), (0, 1))
    pictures = _Bits().put((0, 0), (0, 0), (0, 1), (0, 1), (0, 0), (0, 0), (0, 0), (0, 1), (0, 2))
    pictures.put((0, 0), (0, 0), (0, 0), (1, 1), (0, 1), (0, 1))
    return sequence.unit(_SPS) + pictures.unit(_PPS)


def _field(lines: NDArray[np.uint8], is_bottom: bool, place: int, number: int) -> bytes:
    """Return a field; `place` is 0 for the first of a frame, with which decoding can begin."""
    bits = _Bits().put((0, 0), (_INTRA, 0), (0, 0), (0, 4), (1, 1), (is_bottom, 1))
    if place == 0:
        bits.put((number % 2, 0))
    bits.put((place, 8)).put(*([(0, 1), (0, 1)] if place == 0 else [(0, 1)])).put((0, 0), (1, 0))
    for row in range(0, lines.shape[0], 16):
        for column in range(0, lines.shape[1], 16):
            bits.put((_PCM, 0))
            bits.text += "0" * (-len(bits.text) % 8)
            grey = lines[row : row + 16, column : column + 16].tobytes() + bytes([128] * 128)
            bits.text += "".join(f"{byte:08b}" for byte in grey)
    return bits.unit(_IDR if place == 0 else _NOT_IDR)
