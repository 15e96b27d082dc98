"""Unfinished files: those of a killed writer are removed, and no file of the user's is.

Every file that a writer begins has a number of 15 random digits in its name, so that no file of the user's is called
so. Before the first of them, a marker `.unfinished-<number>` of known content is written; it is removed when all files
are complete. The next writer removes the files with the number of a marker that still exists.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable
from pathlib import Path

_DIGITS = 15
_MARKER = re.compile(rf"\.unfinished-(\d{{{_DIGITS}}})")
_KINDS = ("clips-{}.parquet", "embeddings-{}.npy", "neighbours-{}.npy", "texts-{}.npz", "sources-{}.parquet")
_VIEWS, _VIEW = "view-{}-*.npy", re.compile(r"view-\d+-\d{1,4}\.npy")  # a writer may begin several


def new_number() -> str:
    """Return a number that no file has in its name."""
    return f"{secrets.randbelow(9 * 10 ** (_DIGITS - 1)) + 10 ** (_DIGITS - 1)}"


def unfinished(folder: Path, number: str, name: str = "") -> Path:
    """Return the path of a file that exists only during writing; without a `name` that of the marker."""
    return folder / (f".unfinished-{number}-{name}" if name else f".unfinished-{number}")


def number_of(entry: Path) -> str | None:
    """Return the number in the name of a marker; None for any other name."""
    match = _MARKER.fullmatch(entry.name)
    return match[1] if match else None


def write_marker(folder: Path, number: str) -> None:
    """Mark the files with a number in their names as unfinished."""
    with unfinished(folder, number).open("xb") as opened:
        opened.write(_content(number))


def remove_marker(folder: Path, number: str) -> None:
    """Remove the mark of files that are complete, or removed."""
    unfinished(folder, number).unlink(missing_ok=True)


def clear(folder: Path, named: Collection[str]) -> None:
    """Remove the unfinished files of writers that have ended, except for those in `named`."""
    for marker in folder.glob(".unfinished-*"):
        number = number_of(marker)
        if number is None or not _is_marker(marker, number):
            continue
        files = [folder / kind.format(number) for kind in _KINDS]
        files += [file for file in folder.glob(_VIEWS.format(number)) if _VIEW.fullmatch(file.name)]
        unnamed = [file for file in files if file.name not in named]
        if remove_all([*unnamed, *folder.glob(f"{marker.name}-*")]):
            remove(marker)


def remove(file: Path) -> bool:
    """Remove a file. Return whether it is gone: Windows removes no file that a process has mapped."""
    try:
        file.unlink(missing_ok=True)
    except PermissionError:
        return False
    return True


def remove_all(files: Iterable[Path]) -> bool:
    """Remove files. Return whether all are gone."""
    gone = [remove(file) for file in files]
    return all(gone)


def _is_marker(file: Path, number: str) -> bool:
    """Return whether a file is a marker, or an empty one, whose writer was killed."""
    if file.is_symlink() or not file.is_file():
        return False
    return file.stat().st_size <= len(_content(number)) and file.read_bytes() in (b"", _content(number))


def _content(number: str) -> bytes:
    return f"Files with {number} in their names are being written by va-widgets.\n".encode()
