"""Checks of paths that callers pass, which become absolute at once, so that a later `%cd` changes nothing."""

from __future__ import annotations

import errno
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import IO, TypeAlias
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from va_widgets.base.arguments import described
from va_widgets.base.errors import CorpusError, VaError

GivenPath: TypeAlias = str | os.PathLike[str]


def absolute_path(given: GivenPath, error: type[VaError] = CorpusError, name: str = "The path") -> Path:
    """Return a path with `~` expanded, absolute as of now. Links in it keep their names.

    Raises `error`, which calls it by its `name`, for what is no path: another type, an empty text, or a text that no
    file can have as its name.
    """
    if not isinstance(given, (str, bytes, os.PathLike)):
        raise error(f"{name} must be a path, a text or a pathlib.Path, not {described(given)}.")
    text = local(given)
    if not text:
        raise error(f"{name} is an empty text: give the path of a file or folder, or '.' for the working directory.")
    if "\0" in text:
        raise error(f"{name} {text!r} holds a NUL character, which no file name has: check it.")
    try:
        os.fsencode(text)
    except UnicodeEncodeError as cause:
        raise error(f"{name} {described(text)} cannot be written in this system's encoding: check it.") from cause
    return Path(os.path.abspath(expanded(text)))


def expanded(text: str) -> str:
    """Return a path with the home folder in place of `~`; as it is where there is no such user."""
    return os.path.expanduser(text)  # noqa: PTH111  # Path's own raises there


def local(given: GivenPath) -> str:
    """Return a path or URL as text, with the path of a file:// URL in its place."""
    text = os.fsdecode(given)
    if not text.startswith("file://"):
        return text
    path = urlsplit(text).path
    return url2pathname(path) if os.name == "nt" else unquote(path, errors="surrogateescape")


def is_url(text: str) -> bool:
    """Return whether a text is a URL and no path, not even one with a drive letter."""
    return "://" in text


# Path's own methods raise, before Python 3.14, for a path that is too long or in a folder that may not be entered.


def exists(path: str | Path) -> bool:
    """Return whether there is anything at a path; False where the system does not say."""
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: str | Path) -> bool:
    """Return whether a path is a file, or a link to one; False where the system does not say."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: str | Path) -> bool:
    """Return whether a path is a folder, or a link to one; False where the system does not say."""
    return os.path.isdir(path)  # noqa: PTH112


def is_share(path: Path) -> bool:
    r"""Return whether a path is on another machine, \\server\share: to look there, Windows sends it the user's name."""
    return path.drive.startswith("\\\\")


def inside(folder: Path, *names: str, error: type[VaError] = CorpusError) -> Path:
    """Return the path of a file or folder that belongs to `folder`, such as inside(corpus, "previews", "a.mp4").

    Raises `error` if a symbolic link, ".." or an absolute name leads out of `folder`: a corpus that somebody else made
    could have any file read or written that way. What does not exist yet is inside. `folder` itself may be a link.
    """
    path = folder.joinpath(*names)
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise error(f"{path} leads out of {folder}: put the file itself there, not a link to it.")
    return path


_KINDS = (
    (stat.S_ISDIR, "it is a folder, not a file"),
    (stat.S_ISFIFO, "it is a pipe, not a file"),
    (stat.S_ISSOCK, "it is a socket, not a file"),
    (stat.S_ISCHR, "it is a device, not a file"),
    (stat.S_ISBLK, "it is a device, not a file"),
)


def irregular(path: str | Path) -> str:
    """Return why a path leads to no regular file ("it is a pipe, not a file"); empty if it does, or to nothing."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  # Path's own raises for more than OSError before Python 3.14
    except (OSError, ValueError):
        return ""
    return _irregular(mode)


def open_regular(file: Path) -> BufferedReader:
    """Open a regular file, or a link to one, for reading in binary.

    Raises OSError for anything else, and never waits for it: a pipe may have no writer, and a device such as /dev/zero
    has no end.
    """
    _check_regular(file, file.stat().st_mode)  # opening a device may already change it
    regular = open(file, "rb", opener=_open_at_once)  # noqa: SIM115  # Path.open has no opener
    try:
        _check_regular(file, os.fstat(regular.fileno()).st_mode)  # it may have been exchanged meanwhile
    except OSError:
        regular.close()
        raise
    return regular


def opened(source: Path | IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    """Return the file of a path, opened by `open_regular` and closed after the block; a file object as it is."""
    return open_regular(source) if isinstance(source, Path) else nullcontext(source)


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Give a new, empty file beside `file` to write to; it takes the place of `file` once the block has ended.

    If the block raises, `file` stays as it was. Nothing that lies in the folder already is written to: the name of the
    new file cannot be guessed, and it is only made where there is nothing, not even a link. Raises OSError.
    """
    unfinished = file.with_name(f".unfinished-{uuid.uuid4().hex}")
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        yield unfinished
        os.replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)


def _open_at_once(path: str, flags: int) -> int:
    try:
        return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    except BlockingIOError:  # a file server (Samba) holds a lease on the file, which it releases to those who wait
        return os.open(path, flags)


def _check_regular(file: Path, mode: int) -> None:
    why = _irregular(mode)
    if why:
        raise OSError(errno.EINVAL, why, str(file))


def _irregular(mode: int) -> str:
    if stat.S_ISREG(mode):
        return ""
    return next((why for is_kind, why in _KINDS if is_kind(mode)), "it is no regular file")
