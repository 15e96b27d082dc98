"""Find damage in SQLite's write-ahead log, the file -wal beside a label file, which SQLite itself passes over.

SQLite reads the log up to the first frame whose checksum is wrong and takes the rest for what a crash left behind. So
a flipped byte silently drops every change from there on. Here such a frame is told from an unfinished one by a later
frame that ends a transaction. Damage in the last frame of all looks like the work of a process that was killed just
then, and is not reported. The format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

_HEADER = struct.Struct(">8I")  # magic, version, page size, checkpoint, two salts, two checksums
_FRAME = struct.Struct(">6I")  # page, pages of the file after a transaction's last frame (else 0), salts, checksums
_MAGIC = 0x377F0682  # its last bit says that checksums are over big-endian words
_VERSION = 3007000
_PAGE_BYTES = [1 << bits for bits in range(9, 17)]
_READINGS = 3


class _Gap(NamedTuple):
    """The first frame that cannot be read, -1 for the header of the log, and the number of changes that end later."""

    salts: tuple[int, int]
    frame: int
    changes: int


def damage(log: Path) -> str:
    """Return what is wrong with a log, in one sentence; "" for a sound one, and if there is none.

    Raises OSError if it cannot be read.
    """
    gap = _gap(log)
    for _ in range(_READINGS - 1):
        # A process that writes to the log meanwhile may have been half way. Then the next reading differs.
        former, gap = gap, _gap(log) if gap else None
        if former == gap:
            break
    if gap is None:
        return ""
    if gap.frame < 0:
        return f"the header of {log.name}, the log of the newest changes, is damaged: none of them can be read"
    number = f"{gap.changes:,} or more"
    return f"{log.name} is damaged in frame {gap.frame + 1:,}: changes from there on cannot be read ({number})"


def _gap(log: Path) -> _Gap | None:
    try:
        return _gap_in(log)
    except FileNotFoundError:
        return None


def _gap_in(log: Path) -> _Gap | None:
    with log.open("rb") as opened:
        header = opened.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return None
        magic, version, page_bytes, _, *salts, sum_1, sum_2 = _HEADER.unpack(header)
        words = ">" if magic & 1 else "<"
        sums = _checksums(header[:24], (0, 0), words)
        broken = None if (magic & ~1, version, *sums) == (_MAGIC, _VERSION, sum_1, sum_2) else -1
        if broken == -1 and page_bytes not in _PAGE_BYTES:
            page_bytes = 4096
        changes = 0
        for number, data in enumerate(_frames(opened, page_bytes)):
            page, pages_after, *frame_salts, sum_1, sum_2 = _FRAME.unpack_from(data)
            if broken is None:
                sums = _checksums(data[:8] + data[_FRAME.size :], sums, words)
                if not page or frame_salts != salts or sums != (sum_1, sum_2):
                    broken = number
            # Frames of an earlier log, which this one overwrites, have other salts.
            if broken is not None and pages_after and number > broken and (frame_salts == salts or broken < 0):
                changes += 1
    if broken is not None and _header(log) != header:  # it was begun anew meanwhile, over frames not read yet
        return None
    return _Gap((salts[0], salts[1]), broken, changes) if broken is not None and changes else None


def _header(log: Path) -> bytes:
    with log.open("rb") as opened:
        return opened.read(_HEADER.size)


def _frames(opened: BinaryIO, page_bytes: int) -> Iterator[bytes]:
    """Yield the whole frames from here to the end of a log."""
    size = _FRAME.size + page_bytes
    while len(data := opened.read(size)) == size:
        yield data


def _checksums(data: bytes, start: tuple[int, int], words: str) -> tuple[int, int]:
    """Return SQLite's two checksums of some bytes, a multiple of 8, continued from others."""
    first, second = start
    values = struct.unpack(f"{words}{len(data) // 4}I", data)
    for even, odd in zip(values[::2], values[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
