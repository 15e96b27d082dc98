"""Sentences about errors of the system, such as a full disk, as opposed to files whose content is damaged."""

from __future__ import annotations

import errno

from va_widgets.base.errors import reason_of

_CAUSES: dict[int, tuple[str, str]] = {
    errno.EMFILE: ("this process has too many files open", "close some, or raise the limit (ulimit -n)"),
    errno.ENFILE: ("the system has too many files open", "close some programs and try again"),
    errno.ENOMEM: ("there is not enough memory", "close something else and try again"),
    errno.EACCES: ("it or its folder may not be opened", "give yourself the right to do so"),
    errno.EPERM: ("the system does not allow it", "give yourself the right to do so"),
    errno.EIO: ("its drive failed", "look whether the drive is still there, and try again"),
    errno.ENOSPC: ("the disk is full", "make room on it and try again"),
    errno.EROFS: ("its disk is read-only", "use a copy that you may write to"),
    errno.EFBIG: ("a limit on the size of files is reached", "raise the limit and try again"),
}
_OF_CONTENT = (None, errno.EINVAL, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP)
if hasattr(errno, "EDQUOT"):
    _CAUSES[errno.EDQUOT] = ("your share of the disk is used up", "make room on it and try again")


def failure(what: str, error: BaseException) -> str | None:
    """Return a sentence on why the system failed to open, read or write `what`, None where its content is at fault.

    What is not there, or is a folder, counts as content. Libraries raise OSError for content, too, but then without a
    number of the system's; EINVAL is the number for mapping an empty file.
    """
    if not isinstance(error, OSError) or error.errno in _OF_CONTENT:
        return None
    cause, remedy = _CAUSES.get(error.errno, (reason_of(error), "look whether it is still there, and try again"))
    return f"{what} cannot be used, because {cause}: {remedy}."
