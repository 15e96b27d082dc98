"""The videos and pictures of folders and lists, and what in them is left out."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from va_widgets.base import arguments
from va_widgets.base.errors import CorpusError, NoVideosError, reason_of
from va_widgets.base.names import escaped
from va_widgets.base.paths import GivenPath, absolute_path, irregular, is_file, is_folder, is_url, local
from va_widgets.corpus.file_kinds import is_companion, is_film, is_picture, is_video, suffix_of
from va_widgets.corpus.files.shards import SHARDS_FOLDER
from va_widgets.corpus.manifest import MANIFEST_FILE, PREVIEWS_FOLDER
from va_widgets.corpus.sources import SourceFile, SourceGroup, groups_of_files, look_up_all, source_file_at
from va_widgets.video import remote

# Names of previews (see `media`) of this version, and of earlier ones, which were called by the clip's id alone.
_CUT_BY_A_CORPUS = re.compile(
    r"[a-z0-9][a-z0-9_-]{0,99}\.[0-9a-f]{16}\.\d+\.mp4|([0-9a-f]{16}-\d{8,}-\d{8,}|id-[0-9a-f]{32})(\.2)?\.mp4"
)
_MODELS_FOLDER = "models"  # of a corpus, where `models` publishes them
_MOST_KINDS = 20  # of files that are left out, which the report names
_LISTED = 5  # items that a message names


def find_sources(
    videos: GivenPath | Iterable[GivenPath], pictures: bool | None = None, allow: Collection[str] = ()
) -> list[SourceGroup]:
    """Return the videos and pictures of folders and their subfolders, and files and URLs.

    `pictures` says whether a folder's pictures count; None takes them where there are no films, so that posters beside
    films are left out. URLs whose scheme is neither one of `remote.SCHEMES` nor in `allow` are not followed. What of a
    list cannot be read is among the `unread` of a group.

    Raises NoVideosError if nothing is left, CorpusError for arguments of other types, or for a URL alone that cannot be
    looked up.
    """
    pictures = None if pictures is None else arguments.flag(pictures, "pictures")
    given = _Given.of(videos)
    refused: list[tuple[str, CorpusError]] = [
        (url, NoVideosError(why)) for url in sorted(given.urls) if (why := remote.refusal(url, allow))
    ]
    refused += [(escaped(file), _unusable(file)) for file in sorted(given.others)]
    groups = list[SourceGroup]()
    for folder in sorted(given.folders):
        try:
            groups.append(_group_of_folder(Path(folder), pictures, alone=len(given.folders) == 1))
        except NoVideosError as error:
            refused.append((escaped(folder), error))
    groups += groups_of_files(given.files)
    found, failed = look_up_all(sorted(given.urls - {url for url, _ in refused}), allow)
    groups += [SourceGroup(None, found)] if found else []
    refused += failed
    groups = _without_repetitions(groups)
    if not groups:
        raise _nothing(refused)
    groups[0].unread.extend((name, getattr(error, "reason", str(error))) for name, error in refused)
    return groups


@dataclass
class _Given:
    """What the argument `videos` names: absolute paths, not escaped, and URLs."""

    folders: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)  # where there is nothing, or no regular file
    urls: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, videos: GivenPath | Iterable[GivenPath]) -> _Given:
        """Return what `videos` names. Raises CorpusError for anything but paths, NoVideosError for an empty list."""
        given = cls()
        if isinstance(videos, (str, os.PathLike)):
            named = [arguments.path(videos, "videos", error=CorpusError)]
        else:
            named = arguments.items(
                videos, "videos", "a folder, or a list of folders, files and URLs", error=CorpusError
            )
            named = [arguments.path(item, "Each of the videos", error=CorpusError) for item in named]
        if not named:
            raise NoVideosError("The list of videos is empty: give at least one folder or file.")
        for item in named:
            if isinstance(item, str) and is_url(place := local(item)):
                given.urls.add(place)
                continue
            path = str(absolute_path(item))
            kind = given.folders if is_folder(path) else given.files if is_file(path) else given.others
            kind.add(path)
        return given


def _unusable(file: str) -> NoVideosError:
    why = irregular(file)
    return NoVideosError(
        f"{file} cannot be read ({why}): give files." if why else f"There is no video {file}: check the path."
    )


def _nothing(refused: list[tuple[str, CorpusError]]) -> CorpusError:
    """Return the error for a list of which nothing can be used."""
    if len(refused) == 1:
        return refused[0][1]
    first = " ".join(str(error) for _, error in refused[:_LISTED])
    more = f" There are {len(refused) - _LISTED:,} more." if len(refused) > _LISTED else ""
    return NoVideosError(f"None of the {len(refused):,} folders, files and URLs can be used. {first}{more}")


def _without_repetitions(groups: list[SourceGroup]) -> list[SourceGroup]:
    """Return groups without files that an earlier one has, and without the groups that are empty then."""
    if len(groups) < 2:
        return groups
    seen, folders, kept = set[str](), dict[str, str](), list[SourceGroup]()

    def is_new(file: SourceFile) -> bool:
        folder, name = os.path.split(file.place)
        if not file.remote and folder not in folders:
            folders[folder] = os.path.realpath(folder)
        place = file.place if file.remote else str(Path(folders[folder], name))
        before = len(seen)
        seen.add(place)
        return len(seen) > before

    for group in groups:
        files = [file for file in group.files if is_new(file)]
        if files:
            kept.append(replace(group, files=files))
    return kept


# --- folders ---------------------------------------------------------------------------------------


def _group_of_folder(folder: Path, pictures: bool | None, *, alone: bool) -> SourceGroup:
    """Return the videos and pictures of a folder; `alone` says that it is the only one, so that paths in it suffice.

    Raises NoVideosError if there are none.
    """
    unlisted, others = list[OSError](), set[str]()
    files = sorted(_files(folder, unlisted, others))
    videos, odd = _regular(file for file in files if is_video(file.name))
    images, odd_images = _regular(file for file in files if is_picture(file.name))
    # A GIF may lie among pictures, which are no posters then.
    take_pictures = pictures or (pictures is None and not any(is_film(file.name) for file in videos))
    if take_pictures:
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

    def name_of(path: str | Path) -> str:
        return escaped(Path(path).relative_to(folder).as_posix() if alone else path)

    unread = [(name_of(error.filename), f"it cannot be read ({reason_of(error)})") for error in unlisted]
    unread += [(name_of(file), why) for file, why in odd.items()]
    unread += _left_out([] if take_pictures else images, others)
    return SourceGroup(root, [source_file_at(root / file.relative_to(folder), root) for file in videos], unread)


def _left_out(pictures: Iterable[Path], others: Collection[str]) -> list[tuple[str, str]]:
    """Return the kinds of files that are left out, such as "*.jpg", each with the reason.

    Not their numbers: a corpus would change with every text file that is put beside its videos.
    """
    kinds = {
        f"*{suffix}": "pictures beside videos are left out: pictures=True takes them"
        for suffix in sorted({suffix_of(picture.name) for picture in pictures})
    }
    kinds |= {
        escaped(f"*{suffix}" if suffix else "* without a suffix"): (
            "files of this kind are not read: call them by another suffix, such as .mp4, if they are videos"
        )
        for suffix in sorted(others)
    }
    listed = list(kinds.items())
    if len(listed) > _MOST_KINDS:
        listed = [*listed[:_MOST_KINDS], ("* of other suffixes", "there are too many kinds of files to name them here")]
    return listed


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


def _files(folder: Path, unlisted: list[OSError], others: set[str]) -> Iterator[Path]:
    """Yield the videos and pictures of a folder and its subfolders, linked ones too, but no hidden ones.

    Folders that are called like a video or picture are yielded as well, and previews that a corpus cut are not. Errors
    of folders that cannot be listed are appended to `unlisted`, suffixes of files of unknown kinds to `others`.
    """
    visited, caches, own = set[str](), set[str](), set[str]()
    for place, folders, names in os.walk(folder, onerror=unlisted.append, followlinks=True):
        if (real := os.path.realpath(place)) in visited:  # a link leads back
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        is_corpus = MANIFEST_FILE in names and SHARDS_FOLDER in folders
        if is_corpus:
            caches.add(str(Path(place, PREVIEWS_FOLDER)))  # where somebody's own films may be, too
            own |= {str(Path(place, name)) for name in (SHARDS_FOLDER, _MODELS_FOLDER)}
        elif place in own:
            own |= {str(Path(place, name)) for name in folders}
        if place in caches:
            names = [name for name in names if not _CUT_BY_A_CORPUS.fullmatch(name)]
        for name in [name for name in names if not name.startswith(".")]:
            if is_video(name) or is_picture(name):
                yield Path(place, name)
            elif not (is_corpus or place in own or is_companion(name)):
                others.add(suffix_of(name))
        yield from (Path(place, name) for name in folders if is_video(name) or is_picture(name))
