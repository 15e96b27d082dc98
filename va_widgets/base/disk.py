"""Flush files and folders to the disk, where the file system can: what is written then survives a power cut."""

from __future__ import annotations

import errno
import os
from pathlib import Path

UNSUPPORTED = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENODEV, errno.EINVAL, errno.ENOTTY)
"""Error numbers of file systems that cannot flush, map a file or reserve space: some network and user-space ones."""


def sync(file: Path) -> None:
    """Flush the content of a file to the disk. Raises OSError."""
    with file.open("rb+") as opened:
        _flush(opened.fileno())


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk: those of new and of renamed files. Raises OSError."""
    if os.name == "nt":  # folders cannot be opened there
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        _flush(opened)
    finally:
        os.close(opened)


def _flush(opened: int) -> None:
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
