"""Unfinished files: those of a writer that was killed go, and no file of the user's ever does.

Every file that a writer begins has a number of 15 random digits in its name, so that no file of the user's is called
so. Before the first of them, a marker `.unfinished-<number>` is written, whose content is known, too; it goes when all
is whole. The next writer removes the files with the number of a marker that is still there.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable
from pathlib import Path

_DIGITS = 15
_MARKER = re.compile(rf"\.unfinished-(\d{{{_DIGITS}}})")
_KINDS = ("clips-{}.parquet", "embeddings-{}.npy", "texts-{}.npz", "sources-{}.parquet")


def new_number() -> str:
    """Return a number that no file has in its name."""
    return f"{secrets.randbelow(9 * 10 ** (_DIGITS - 1)) + 10 ** (_DIGITS - 1)}"


def unfinished(folder: Path, number: str, name: str = "") -> Path:
    """Return the path of a file, or without a `name` of the marker, that is there only while something is written."""
    return folder / (f".unfinished-{number}-{name}" if name else f".unfinished-{number}")


def number_of(entry: Path) -> str | None:
    """Return the number of a marker by its name; None if it is not called like one."""
    found = _MARKER.fullmatch(entry.name)
    return found[1] if found else None


def write_marker(folder: Path, number: str) -> None:
    """Say that files with a number in their names are unfinished."""
    with unfinished(folder, number).open("xb") as opened:
        opened.write(_content(number))


def remove_marker(folder: Path, number: str) -> None:
    """Say that the files with a number in their names are whole, or gone."""
    unfinished(folder, number).unlink(missing_ok=True)


def clear(folder: Path, named: Collection[str]) -> None:
    """Remove the unfinished files of writers that are gone, except for those in `named`."""
    for marker in folder.glob(".unfinished-*"):
        number = number_of(marker)
        if number is None or not _is_marker(marker, number):
            continue
        begun = [folder / kind.format(number) for kind in _KINDS]
        left = [file for file in begun if file.name not in named] + list(folder.glob(f"{marker.name}-*"))
        if remove_all(left):
            remove(marker)


def remove(file: Path) -> bool:
    """Remove a file. Returns whether it is gone: Windows removes no file that some process has mapped."""
    try:
        file.unlink(missing_ok=True)
    except PermissionError:
        return False
    return True


def remove_all(files: Iterable[Path]) -> bool:
    """Remove files. Returns whether all are gone."""
    gone = [remove(file) for file in files]
    return all(gone)


def _is_marker(file: Path, number: str) -> bool:
    """Whether a file is a marker, or one that a writer was killed in writing, which is empty."""
    if file.is_symlink() or not file.is_file():
        return False
    return file.stat().st_size <= len(_content(number)) and file.read_bytes() in (b"", _content(number))


def _content(number: str) -> bytes:
    return f"Files with {number} in their names are being written by va-widgets.\n".encode()
