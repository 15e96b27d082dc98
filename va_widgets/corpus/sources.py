"""Sources: the files and URLs that a corpus is built of, and the key that identifies each by its content."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from va_widgets.base import arguments
from va_widgets.base.errors import CorpusError, NoVideosError, reason_of
from va_widgets.base.names import escaped
from va_widgets.base.paths import GivenPath, absolute_path, irregular, is_file, is_folder, is_url, local, open_regular
from va_widgets.corpus.files import shards
from va_widgets.corpus.manifest import MANIFEST_FILE, PREVIEWS_FOLDER, source_file
from va_widgets.video import remote

VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .m2v .vob .ts .mts .m2ts .mxf .wmv .asf .flv .ogv .3gp .3g2 .y4m"
    " .gif".split()
)
PICTURE_SUFFIXES = frozenset(".jpg .jpeg .jfif .png .webp .bmp .tif .tiff .avif".split())
# Names of previews (see `media`) of this version, and of earlier ones, which were called by the clip's id alone.
_CUT_BY_A_CORPUS = re.compile(
    r"[a-z0-9][a-z0-9_-]{0,99}\.[0-9a-f]{16}\.\d+\.mp4|([0-9a-f]{16}-\d{8,}-\d{8,}|id-[0-9a-f]{32})(\.2)?\.mp4"
)
_BLOCK = 1 << 16  # bytes
_BLOCKS = 32  # read of a file to identify it: its head, its tail and evenly between


@dataclass(frozen=True)
class SourceFile:
    """A file or a URL. `name` is its path relative to the root of its group, as `names.escaped`, or the URL."""

    name: str
    place: str  # path, not escaped, or URL
    size: int
    modified: int

    @property
    def remote(self) -> bool:
        """Whether it is a URL."""
        return is_url(self.name)

    @property
    def picture(self) -> bool:
        """Whether it is a picture: a clip of one frame."""
        return _suffix(self.name) in PICTURE_SUFFIXES


@dataclass(frozen=True)
class SourceGroup:
    """The source files below one folder, `root`; or URLs, whose `root` is None."""

    root: Path | None
    files: list[SourceFile]
    # Names and reasons of folders that cannot be listed, pipes and the like, and URLs that are not followed.
    unread: list[tuple[str, str]] = field(default_factory=list)


def find_sources(
    videos: GivenPath | Iterable[GivenPath], pictures: bool | None = None, allow: Collection[str] = ()
) -> list[SourceGroup]:
    """Return the videos and pictures of a folder and its subfolders, or the files and URLs of a list.

    `pictures` says whether a folder's pictures count; None takes them where there are no videos, so that posters beside
    films are left out. URLs whose scheme is neither one of `remote.SCHEMES` nor in `allow` are not followed.

    Raises NoVideosError if there are none, CorpusError for arguments of other types or a URL that cannot be looked up.
    """
    videos = _checked_videos(videos)
    pictures = None if pictures is None else arguments.flag(pictures, "pictures")
    alone = not isinstance(videos, list)
    named = videos if isinstance(videos, list) else [videos]
    if not named:
        raise NoVideosError("The list of videos is empty: give at least one file.")
    urls, files = set[str](), set[str]()
    for item in named:
        if isinstance(item, str) and is_url(place := local(item)):
            urls.add(place)
        else:
            files.add(str(absolute_path(item)))
    if alone and files and is_folder(folder := next(iter(files))):
        return [_group_of_folder(Path(folder), pictures)]
    for file in sorted(files):
        if is_folder(file):
            raise NoVideosError(f"{file} is a folder: give one folder alone, or files.")
        if not is_file(file):
            why = irregular(file)
            raise NoVideosError(
                f"{file} cannot be read ({why}): give files." if why else f"There is no video {file}: check the path."
            )
    refused = [(url, why) for url in sorted(urls) if (why := remote.refusal(url, allow))]
    if refused and len(refused) == len(urls) and not files:
        raise NoVideosError(refused[0][1])
    groups = groups_of_files(files)
    followed = sorted(urls - {url for url, _ in refused})
    if followed:
        groups.append(SourceGroup(None, [look_up(url, allow) for url in followed]))
    groups[0].unread.extend(refused)
    return groups


def groups_of_files(files: Iterable[str]) -> list[SourceGroup]:
    """Return the files of absolute paths as one group, below their common folder; on Windows as a group a drive."""
    drives: dict[str, list[Path]] = {}
    for file in sorted({canonical(file) for file in files}):
        drives.setdefault(Path(file).anchor.lower(), []).append(Path(file))
    groups = []
    for paths in drives.values():
        root = Path(os.path.commonpath([file.parent for file in paths]))
        groups.append(SourceGroup(root, [_source_file(file, root) for file in paths]))
    return groups


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


def _checked_videos(videos: GivenPath | Iterable[GivenPath]) -> GivenPath | list[GivenPath]:
    """Return a folder, or files and URLs as a list. Raises CorpusError for anything else."""
    if isinstance(videos, (str, os.PathLike)):
        return arguments.path(videos, "videos", error=CorpusError)
    files = arguments.items(videos, "videos", "a folder, or a list of files and URLs", error=CorpusError)
    return [arguments.path(file, "Each of the videos", error=CorpusError) for file in files]


def _group_of_folder(folder: Path, pictures: bool | None) -> SourceGroup:
    unlisted: list[OSError] = []
    files = sorted(_files(folder, unlisted))
    videos, odd = _regular(file for file in files if file.suffix.lower() in VIDEO_SUFFIXES)
    images, odd_images = _regular(file for file in files if file.suffix.lower() in PICTURE_SUFFIXES)
    if pictures or (pictures is None and not videos):
        videos = sorted([*videos, *images])
        odd |= odd_images
    # A folder called like a video is only reported where it holds none.
    odd = {file: why for file, why in odd.items() if not any(video.is_relative_to(file) for video in videos)}
    if not videos:
        also = f"; it holds {len(images)} pictures, which pictures=True takes" if images else ""
        if unlisted:
            also += f"; {len(unlisted)} folders in it cannot be read ({unlisted[0].filename}: {reason_of(unlisted[0])})"
        if odd:
            first = next(iter(odd))
            also += f"; {len(odd)} others cannot be read ({first}: {odd[first]})"
        raise NoVideosError(
            f"The folder {folder} holds no videos: give one with files such as .mp4, .mov, .mkv or .webm{also}."
        )
    root = Path(os.path.realpath(folder))
    unread = [(_relative(str(error.filename), folder), f"it cannot be read ({reason_of(error)})") for error in unlisted]
    unread += [(_relative(str(file), folder), why) for file, why in odd.items()]
    return SourceGroup(root, [_source_file(root / file.relative_to(folder), root) for file in videos], unread)


def _regular(files: Iterable[Path]) -> tuple[list[Path], dict[Path, str]]:
    """Return the regular files, and those that are none (pipes, folders, …) with the reason.

    A file that does not exist or may not be read counts as regular: reading it reports why.
    """
    regular, odd = [], {}
    for file in files:
        if why := irregular(file):
            odd[file] = why
        else:
            regular.append(file)
    return regular, odd


def _files(folder: Path, unlisted: list[OSError]) -> Iterator[Path]:
    """Yield all files of a folder and its subfolders, linked ones too, but no hidden ones and none that a corpus cut.

    Folders that are called like a video or picture are yielded as well. Errors of folders that cannot be listed are
    appended to `unlisted`.
    """
    visited, caches = set[str](), set[str]()
    for place, folders, names in os.walk(folder, onerror=unlisted.append, followlinks=True):
        if (real := os.path.realpath(place)) in visited:  # a link leads back
            folders.clear()
            continue
        visited.add(real)
        if MANIFEST_FILE in names and shards.SHARDS_FOLDER in folders:
            caches.add(str(Path(place, PREVIEWS_FOLDER)))  # where somebody's own films may be, too
        if place in caches:
            names = [name for name in names if not _CUT_BY_A_CORPUS.fullmatch(name)]
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in names if not name.startswith("."))
        yield from (Path(place, name) for name in folders if _suffix(name) in VIDEO_SUFFIXES | PICTURE_SUFFIXES)


def _relative(path: str, folder: Path) -> str:
    return escaped(Path(path).relative_to(folder).as_posix())


def _source_file(file: Path, root: Path) -> SourceFile:
    name = escaped(file.relative_to(root).as_posix())
    try:
        entry = file.stat()
    except OSError:  # a broken link: reading it reports so
        return SourceFile(name, str(file), 0, 0)
    return SourceFile(name, str(file), entry.st_size, entry.st_mtime_ns)


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


def _suffix(name: str) -> str:
    if is_url(name):  # in "simplecache::zip://in/a.jpg::https://host/b.zip" the first that is a URL names the file
        parts = urlsplit(next(part for part in name.split("::") if is_url(part)))
        name = parts.netloc + parts.path
    return Path(name).suffix.lower()
