"""Sources: the files and URLs that a corpus is built of, and what identifies each whatever it is called."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from va_widgets.corpus import store
from va_widgets.errors import CorpusError, NoVideosError, said

VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .m2v .vob .ts .mts .m2ts .mxf .wmv .asf .flv .ogv .3gp .3g2 .y4m"
    " .gif".split()
)
PICTURE_SUFFIXES = frozenset(".jpg .jpeg .jfif .png .webp .bmp .tif .tiff .avif".split())
_BLOCK = 1 << 16  # bytes
_BLOCKS = 32  # that are read of a file to identify it: its head, its tail and evenly between


@dataclass(frozen=True)
class Found:
    """A file or a URL. `name` is its path seen from the folder that was searched, or the URL."""

    name: str
    place: str  # path or URL
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


def find(videos: Path | str | Iterable[Path | str], pictures: bool | None = None) -> list[Sources]:
    """The videos and pictures of a folder and the folders in it, or the files and URLs named.

    `pictures` says whether a folder's pictures count; None takes them where there are no videos, so that the posters
    beside films are left alone.

    Raises NoVideosError if there are none, CorpusError if a URL cannot be looked up.
    """
    if isinstance(videos, (str, Path)) and not is_url(str(videos)):
        given = Path(videos)
        if given.is_dir():
            return [_folder(given, pictures)]
    named = [videos] if isinstance(videos, (str, Path)) else list(videos)
    if not named:
        raise NoVideosError("The list of videos is empty: give at least one file.")
    places = sorted({local(one) for one in named})
    urls = [place for place in places if is_url(place)]
    files = [Path(os.path.abspath(place)) for place in places if not is_url(place)]
    found = []
    for file in files:
        if file.is_dir():
            raise NoVideosError(f"{file} is a folder: give one folder alone, or files.")
        if not file.is_file():
            raise NoVideosError(f"There is no video {file}: check the path.")
    if files:
        root = Path(os.path.commonpath([file.parent for file in files]))
        found.append(Sources(root, [_found(file, root) for file in files]))
    if urls:
        found.append(Sources(None, [looked_up(url) for url in urls]))
    return found


def is_url(text: str) -> bool:
    """Whether a text is a URL and no path, not even one with a drive letter."""
    return "://" in text


def content_key(found: Found) -> str:
    """Identifies a file by its size and blocks of it, so that renaming it or its folder keeps its clips' ids.

    A URL is identified by itself and what its server says of its version. Raises OSError if it cannot be read.
    """
    digest = hashlib.sha256(str(found.size).encode())
    if found.remote:
        digest.update(found.name.encode())
        digest.update(str(found.modified).encode())
        return digest.hexdigest()[:16]
    with Path(found.place).open("rb") as opened:
        _digest_blocks(opened, found.size, digest)
    return digest.hexdigest()[:16]


def _digest_blocks(opened: IO[bytes], size: int, digest: Any) -> None:
    if size <= _BLOCK * _BLOCKS:
        digest.update(opened.read())
        return
    for i in range(_BLOCKS):
        opened.seek(i * (size - _BLOCK) // (_BLOCKS - 1))
        digest.update(opened.read(_BLOCK))


def _folder(given: Path, pictures: bool | None) -> Sources:
    files = sorted(file for file in _files(given) if file.is_file() or file.is_symlink())
    videos = [file for file in files if file.suffix.lower() in VIDEO_SUFFIXES]
    images = [file for file in files if file.suffix.lower() in PICTURE_SUFFIXES]
    if pictures or (pictures is None and not videos):
        videos = sorted([*videos, *images])
    if not videos:
        also = f"; it holds {len(images)} pictures, which pictures=True takes" if images else ""
        raise NoVideosError(
            f"The folder {given} holds no videos: give one with files such as .mp4, .mov, .mkv or .webm{also}."
        )
    root = given.resolve()
    return Sources(root, [_found(root / file.relative_to(given), root) for file in videos])


def _files(folder: Path) -> Iterator[Path]:
    """All that is in a folder and the folders in it, linked ones too, but nothing hidden and no corpus's previews."""
    been = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        if (here := os.path.realpath(place)) in been:  # a link leads back
            folders.clear()
            continue
        been.add(here)
        corpus = store.MANIFEST_FILE in names and store.SHARDS_FOLDER in folders
        hidden = [name for name in folders if name.startswith(".") or (corpus and name == store.PREVIEWS_FOLDER)]
        folders[:] = sorted(set(folders) - set(hidden))
        yield from (Path(place, name) for name in names if not name.startswith("."))


def _found(file: Path, root: Path) -> Found:
    name = file.relative_to(root).as_posix()
    try:
        stat = file.stat()
    except OSError:  # a link to nowhere: reading it tells
        return Found(name, str(file), 0, 0)
    return Found(name, str(file), stat.st_size, stat.st_mtime_ns)


def looked_up(url: str) -> Found:
    """What the server of a URL says of it. Raises CorpusError if it cannot be reached or there is nothing."""
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(url)
        details = system.info(path)
    except FileNotFoundError as error:
        raise CorpusError(f"There is nothing at {url}: check the address.") from error
    except (OSError, ValueError, ImportError) as error:
        raise CorpusError(f"{url} cannot be read ({said(error)}): check the address, or download the file.") from error
    size = details.get("size")
    if not size:
        raise CorpusError(f"The server of {url} does not say how large the file is: download it.")
    # What servers say of a file's version, under the names that fsspec's file systems give it.
    told = ("ETag", "etag", "mtime", "LastModified", "created", "CRC")
    version = [str(details[name]) for name in told if name in details]
    stamp = int.from_bytes(hashlib.sha256("".join(version).encode()).digest()[:7], "big")
    return Found(url, url, int(size), stamp)


def local(one: Path | str) -> str:
    """A path or URL, with the path of a file:// URL in its place."""
    text = str(one)
    return unquote(urlsplit(text).path) if text.startswith("file://") else text


def _suffix(name: str) -> str:
    if is_url(name):  # in "simplecache::zip://in/a.jpg::https://host/b.zip" the first that is a URL names the file
        parts = urlsplit(next(part for part in name.split("::") if is_url(part)))
        name = parts.netloc + parts.path
    return Path(name).suffix.lower()
