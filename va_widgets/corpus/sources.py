"""Sources: the files and URLs that a corpus is built of, and the key that identifies each by its content."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from va_widgets.base.errors import CorpusError, reason_of
from va_widgets.base.names import escaped
from va_widgets.base.paths import is_file, is_url, open_regular
from va_widgets.corpus.file_kinds import is_picture
from va_widgets.corpus.manifest import source_file
from va_widgets.video import remote

_BLOCK = 1 << 16  # bytes
_LOOK_UPS = 16  # of URLs at a time
_BLOCKS = 32  # read of a file to identify it: its head, its tail and evenly between


@dataclass(frozen=True)
class SourceFile:
    """A file or a URL. `name` is its path relative to the root of its group, as `names.escaped`, or the URL."""

    name: str
    place: str  # path, not escaped, or URL
    size: int
    modified: int
    animated: bool = False  # a picture that moves, which is a video

    @property
    def remote(self) -> bool:
        """Whether it is a URL."""
        return is_url(self.name)

    @property
    def picture(self) -> bool:
        """Whether it is a picture: a clip of one frame."""
        return is_picture(self.name) and not self.animated


@dataclass(frozen=True)
class SourceGroup:
    """The source files below one folder, `root`; or URLs, whose `root` is None."""

    root: Path | None
    files: list[SourceFile]
    # Names and reasons of folders that cannot be listed, of pipes and the like, of kinds of files that are left out,
    # and of what a list names and cannot be read.
    unread: list[tuple[str, str]] = field(default_factory=list)


def groups_of_files(files: Iterable[str]) -> list[SourceGroup]:
    """Return the files of absolute paths as one group, below their common folder; on Windows as a group a drive."""
    drives: dict[str, list[Path]] = {}
    for file in sorted({canonical(file) for file in files}):
        drives.setdefault(Path(file).anchor.lower(), []).append(Path(file))
    groups = []
    for paths in drives.values():
        root = Path(os.path.commonpath([file.parent for file in paths]))
        groups.append(SourceGroup(root, [source_file_at(file, root) for file in paths]))
    return groups


def source_file_at(file: Path, root: Path) -> SourceFile:
    """Return a file below the folder `root` with its size and when it was modified, 0 if it does not exist."""
    name = escaped(file.relative_to(root).as_posix())
    try:
        entry = file.stat()
    except OSError:  # a broken link: reading it reports so
        return SourceFile(name, str(file), 0, 0)
    return SourceFile(name, str(file), entry.st_size, entry.st_mtime_ns)


def group_below(root: Path, files: Iterable[str]) -> SourceGroup:
    """Return files that lie below a folder, by their canonical paths, as one group of that folder."""
    return SourceGroup(root, [source_file_at(Path(file), root) for file in files])


def told_apart(groups: Sequence[SourceGroup], known: Iterable[tuple[Path, str]]) -> list[SourceGroup]:
    """Return groups whose files have names of their own, which begin with a folder's where two had the same.

    A group of which a file is called like one of another group, or like a `known` one of another root (its folder and
    name), is one of the folder above, as long as that is not the root of a file system.
    """
    groups, known = list(groups), list(known)
    while True:
        roots_of = defaultdict[str, set[Path | None]](set)
        for root, name in known:
            roots_of[name].add(root)
        for group in groups:
            for file in group.files:
                roots_of[file.name].add(group.root)
        alike = [
            place
            for place, group in enumerate(groups)
            if _may_go_up(group) and any(len(roots_of[file.name]) > 1 for file in group.files)
        ]
        if not alike:
            return groups
        for place in alike:
            groups[place] = _one_up(groups[place])


def _may_go_up(group: SourceGroup) -> bool:
    return group.root is not None and group.root.parent != Path(group.root.anchor)


def _one_up(group: SourceGroup) -> SourceGroup:
    """Return a group as one of the folder above its own."""
    assert group.root is not None
    above = escaped(group.root.name)
    files = [replace(file, name=f"{above}/{file.name}") for file in group.files]
    return replace(group, root=group.root.parent, files=files)


def canonical(file: str | Path) -> str:
    """Return an absolute path without links among its folders; a file that is a link itself keeps its own name."""
    folder, name = os.path.split(file)
    return str(Path(os.path.realpath(folder), name))


def located(folder: Path, name: str) -> Path | None:
    """Return the file of a corpus's source, by its name relative to its folder; None if it does not exist.

    The name on disk may be in another Unicode normal form: HFS+ decomposes all names, and other systems do not compose
    them when files are copied from there. Raises CorpusError if the name leads out of the folder.
    """
    for spelling in dict.fromkeys((name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))):
        if is_file(file := source_file(folder, spelling)):
            return file
    return None


def is_respelled(old: str, new: str) -> bool:
    """Return whether two paths are one file that was spelled like `old` and is spelled like `new` now.

    This happens on file systems that ignore case or Unicode normal forms, when a file is renamed to another of them.
    """
    alike = _folded(old) == _folded(new) and old != new
    return alike and _is_same(old, new) and not _is_spelled(old)


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _is_same(path: str, other: str) -> bool:
    try:
        return Path(path).samefile(other)
    except OSError:
        return False


def _is_spelled(path: str) -> bool:
    """Return whether folders list a path by this very spelling."""
    folder, name = os.path.split(path)
    try:
        # Names are compared as text: paths of Windows are equal whatever their case.
        return not name or (name in {entry.name for entry in Path(folder).iterdir()} and _is_spelled(folder))
    except OSError:  # a parent folder that may be entered but not listed
        return True


def content_key(file: SourceFile) -> str:
    """Return 16 hexadecimal digits that identify a file by its size and blocks of its content.

    So a file keeps its clips' ids when it or its folder is renamed. A URL is identified by itself and what its server
    reports of its version. Raises OSError if the file cannot be read.
    """
    digest = hashlib.sha256(str(file.size).encode())
    if file.remote:
        digest.update(file.name.encode())
        digest.update(str(file.modified).encode())
        return digest.hexdigest()[:16]
    with open_regular(Path(file.place)) as opened:
        _digest_blocks(opened, file.size, digest)
    return digest.hexdigest()[:16]


def _digest_blocks(opened: IO[bytes], size: int, digest: Any) -> None:
    if size <= _BLOCK * _BLOCKS:
        digest.update(opened.read(size))  # no more: files in /proc report 0 bytes and may have no end
        return
    for i in range(_BLOCKS):
        opened.seek(i * (size - _BLOCK) // (_BLOCKS - 1))
        digest.update(opened.read(_BLOCK))


def look_up_all(
    urls: Iterable[str], allow: Collection[str] = ()
) -> tuple[list[SourceFile], list[tuple[str, CorpusError]]]:
    """Return the files at URLs, and those URLs that cannot be looked up with the errors that `look_up` raises."""
    files, failed = list[SourceFile](), list[tuple[str, CorpusError]]()
    urls = list(urls)

    def found(url: str) -> SourceFile | CorpusError:
        try:
            return look_up(url, allow)
        except CorpusError as error:
            return error

    with ThreadPoolExecutor(_LOOK_UPS) as threads:  # a server that does not answer must not delay all others
        for url, result in zip(urls, threads.map(found, urls), strict=True):
            if isinstance(result, SourceFile):
                files.append(result)
            else:
                failed.append((url, result))
    return files, failed


def look_up(url: str, allow: Collection[str] = ()) -> SourceFile:
    """Return the size and version of the file at a URL, which its server reports.

    Raises CorpusError if the URL is not followed, the server cannot be reached or the file does not exist.
    """
    try:
        details = remote.info(url, allow)
    except FileNotFoundError as error:
        raise CorpusError(f"There is nothing at {url}: check the address.") from error
    except (OSError, ValueError, ImportError) as error:
        raise CorpusError(
            f"{url} cannot be read ({reason_of(error)}): check the address, or download the file."
        ) from error
    size = details.get("size")
    if not size:
        raise CorpusError(f"The server of {url} does not say how large the file is: download it.")
    # What servers report of a file's version, under the names that fsspec's file systems give it.
    fields = ("ETag", "etag", "mtime", "LastModified", "created", "CRC")
    version = [str(details[name]) for name in fields if name in details]
    stamp = int.from_bytes(hashlib.sha256("".join(version).encode()).digest()[:7], "big")
    return SourceFile(url, url, int(size), stamp)
