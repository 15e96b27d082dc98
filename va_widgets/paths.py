"""Paths as people give them, taken once: what they mean is settled when they are given, whatever `%cd` comes later."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from va_widgets.arguments import described
from va_widgets.errors import CorpusError, VaError

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


# Path's own methods raise, before Python 3.14, for a path that is too long or in a folder that may not be entered.


def exists(path: str | Path) -> bool:
    """Return whether there is anything at a path; False where that cannot be found out."""
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: str | Path) -> bool:
    """Return whether a path is a file, or a link to one; False where that cannot be found out."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: str | Path) -> bool:
    """Return whether a path is a folder, or a link to one; False where that cannot be found out."""
    return os.path.isdir(path)  # noqa: PTH112


def inside(folder: Path, *names: str, error: type[VaError] = CorpusError) -> Path:
    """Return the path of a file or folder that belongs to `folder`, such as inside(corpus, "previews", "a.mp4").

    Raises `error` if a symbolic link, ".." or an absolute name leads out of `folder`: a corpus that somebody else made
    could have any file read or written that way. What does not exist yet is inside. `folder` itself may be a link.
    """
    path = folder.joinpath(*names)
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise error(f"{path} leads out of {folder}: put the file itself there, not a link to it.")
    return path
