"""Sources: the files and URLs that a corpus is built of, and what identifies each whatever it is called."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

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
_BLOCK = 1 << 16  # bytes
_BLOCKS = 32  # that are read of a file to identify it: its head, its tail and evenly between


@dataclass(frozen=True)
class Found:
    """A file or a URL. `name` is its path seen from the folder that was searched, as `names.escaped`, or the URL."""

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
class Sources:
    """Where sources come from, and what was found there. `root` is None for URLs."""

    root: Path | None
    files: list[Found]
    # Folders that cannot be listed, pipes and the like, URLs that are not followed: their names, and why.
    unread: list[tuple[str, str]] = field(default_factory=list)


def find(
    videos: GivenPath | Iterable[GivenPath], pictures: bool | None = None, allow: Collection[str] = ()
) -> list[Sources]:
    """The videos and pictures of a folder and the folders in it, or the files and URLs named.

    `pictures` says whether a folder's pictures count; None takes them where there are no videos, so that the posters
    beside films are left alone. URLs whose scheme is neither one of `remote.SCHEMES` nor in `allow` are not followed.

    Raises NoVideosError if there are none, CorpusError if a URL cannot be looked up.
    """
    alone = isinstance(videos, (str, bytes, os.PathLike)) or not isinstance(videos, Iterable)
    named: list[GivenPath] = [videos] if alone else list(videos)  # type: ignore[list-item, arg-type]
    if not named:
        raise NoVideosError("The list of videos is empty: give at least one file.")
    urls, files = set[str](), set[str]()
    for one in named:
        if isinstance(one, str) and is_url(place := local(one)):
            urls.add(place)
        else:
            files.add(str(absolute_path(one)))
    if alone and files and is_folder(folder := next(iter(files))):
        return [_folder(Path(folder), pictures)]
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
    found = of_files(files)
    followed = sorted(urls - {url for url, _ in refused})
    if followed:
        found.append(Sources(None, [looked_up(url, allow) for url in followed]))
    found[0].unread.extend(refused)
    return found


def of_files(files: Iterable[str]) -> list[Sources]:
    """The files of absolute paths, by the folder that they have in common; on Windows one a drive."""
    drives: dict[str, list[Path]] = {}
    for file in sorted({canonical(file) for file in files}):
        drives.setdefault(Path(file).anchor.lower(), []).append(Path(file))
    found = []
    for some in drives.values():
        root = Path(os.path.commonpath([file.parent for file in some]))
        found.append(Sources(root, [_found(file, root) for file in some]))
    return found


def canonical(file: str | Path) -> str:
    """An absolute path without links on the way to it; a file that is a link itself keeps its own name."""
    folder, name = os.path.split(file)
    return str(Path(os.path.realpath(folder), name))


def located(folder: Path, name: str) -> Path | None:
    """The file that a source of a corpus is called by, seen from its folder; None if it is not there.

    A name may be there in another Unicode normal form: HFS+ decomposes all names, and other systems do not compose
    them when files come from there. Raises CorpusError if the name leads out of the folder.
    """
    for spelling in dict.fromkeys((name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))):
        if is_file(file := source_file(folder, spelling)):
            return file
    return None


def is_respelled(old: str, new: str) -> bool:
    """Whether two paths are one file that is spelled like `new` now, and was spelled like `old`.

    So it is where the file system tells neither case nor Unicode normal forms apart, and a file got another of them.
    """
    alike = _folded(old) == _folded(new) and old != new
    return alike and _is_same(old, new) and not _is_spelled(old)


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _is_same(one: str, other: str) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False


def _is_spelled(path: str) -> bool:
    """Whether folders list a path by this very spelling."""
    folder, name = os.path.split(path)
    try:
        # By the text: Windows's own paths are equal whatever their case.
        return not name or (name in {entry.name for entry in Path(folder).iterdir()} and _is_spelled(folder))
    except OSError:  # a folder on the way that may be passed but not listed
        return True


def content_key(found: Found) -> str:
    """Identifies a file by its size and blocks of it, so that renaming it or its folder keeps its clips' ids.

    A URL is identified by itself and what its server says of its version. Raises OSError if it cannot be read.
    """
    digest = hashlib.sha256(str(found.size).encode())
    if found.remote:
        digest.update(found.name.encode())
        digest.update(str(found.modified).encode())
        return digest.hexdigest()[:16]
    with open_regular(Path(found.place)) as opened:
        _digest_blocks(opened, found.size, digest)
    return digest.hexdigest()[:16]


def _digest_blocks(opened: IO[bytes], size: int, digest: Any) -> None:
    if size <= _BLOCK * _BLOCKS:
        digest.update(opened.read(size))  # no more: what says 0 bytes may have no end, as files of the kernel do
        return
    for i in range(_BLOCKS):
        opened.seek(i * (size - _BLOCK) // (_BLOCKS - 1))
        digest.update(opened.read(_BLOCK))


def _folder(given: Path, pictures: bool | None) -> Sources:
    unread: list[OSError] = []
    files = sorted(_files(given, unread))
    videos, odd = _regular(file for file in files if file.suffix.lower() in VIDEO_SUFFIXES)
    images, odd_images = _regular(file for file in files if file.suffix.lower() in PICTURE_SUFFIXES)
    if pictures or (pictures is None and not videos):
        videos = sorted([*videos, *images])
        odd |= odd_images
    # A folder called like a video is only odd where it holds none.
    odd = {file: why for file, why in odd.items() if not any(video.is_relative_to(file) for video in videos)}
    if not videos:
        also = f"; it holds {len(images)} pictures, which pictures=True takes" if images else ""
        if unread:
            also += f"; {len(unread)} folders in it cannot be read ({unread[0].filename}: {reason_of(unread[0])})"
        if odd:
            first = next(iter(odd))
            also += f"; {len(odd)} others cannot be read ({first}: {odd[first]})"
        raise NoVideosError(
            f"The folder {given} holds no videos: give one with files such as .mp4, .mov, .mkv or .webm{also}."
        )
    root = Path(os.path.realpath(given))
    reasons = [(_relative(str(error.filename), given), f"it cannot be read ({reason_of(error)})") for error in unread]
    reasons += [(_relative(str(file), given), why) for file, why in odd.items()]
    return Sources(root, [_found(root / file.relative_to(given), root) for file in videos], reasons)


def _regular(files: Iterable[Path]) -> tuple[list[Path], dict[Path, str]]:
    """The files that can be read, or of which reading tells why not, and why others are none: pipes, folders, …"""
    regular, odd = [], {}
    for file in files:
        if why := irregular(file):
            odd[file] = why
        else:
            regular.append(file)
    return regular, odd


def _files(folder: Path, unread: list[OSError]) -> Iterator[Path]:
    """All that is in a folder and the folders in it, linked ones too, but nothing hidden and no corpus's previews.

    Folders that are called like a video or picture are given as well. Errors of folders that cannot be listed are put
    into `unread`.
    """
    been = set()
    for place, folders, names in os.walk(folder, onerror=unread.append, followlinks=True):
        if (here := os.path.realpath(place)) in been:  # a link leads back
            folders.clear()
            continue
        been.add(here)
        corpus = MANIFEST_FILE in names and shards.SHARDS_FOLDER in folders
        hidden = [name for name in folders if name.startswith(".") or (corpus and name == PREVIEWS_FOLDER)]
        folders[:] = sorted(set(folders) - set(hidden))
        yield from (Path(place, name) for name in names if not name.startswith("."))
        yield from (Path(place, name) for name in folders if _suffix(name) in VIDEO_SUFFIXES | PICTURE_SUFFIXES)


def _relative(path: str, folder: Path) -> str:
    return escaped(Path(path).relative_to(folder).as_posix())


def _found(file: Path, root: Path) -> Found:
    name = escaped(file.relative_to(root).as_posix())
    try:
        entry = file.stat()
    except OSError:  # a link to nowhere: reading it tells
        return Found(name, str(file), 0, 0)
    return Found(name, str(file), entry.st_size, entry.st_mtime_ns)


def looked_up(url: str, allow: Collection[str] = ()) -> Found:
    """What the server of a URL says of it.

    Raises CorpusError if the URL is not followed, it cannot be reached or there is nothing.
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
    # What servers say of a file's version, under the names that fsspec's file systems give it.
    fields = ("ETag", "etag", "mtime", "LastModified", "created", "CRC")
    version = [str(details[name]) for name in fields if name in details]
    stamp = int.from_bytes(hashlib.sha256("".join(version).encode()).digest()[:7], "big")
    return Found(url, url, int(size), stamp)


def _suffix(name: str) -> str:
    if is_url(name):  # in "simplecache::zip://in/a.jpg::https://host/b.zip" the first that is a URL names the file
        parts = urlsplit(next(part for part in name.split("::") if is_url(part)))
        name = parts.netloc + parts.path
    return Path(name).suffix.lower()
