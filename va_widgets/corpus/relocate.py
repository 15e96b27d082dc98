"""Relocation: record where the videos of a corpus are after they, or the corpus, were moved."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import msgspec
from filelock import Timeout

from va_widgets.base.errors import CorpusError, reason_of
from va_widgets.base.names import unescaped
from va_widgets.base.paths import GivenPath, absolute_path, is_folder
from va_widgets.corpus import storage
from va_widgets.corpus.lock import locked
from va_widgets.corpus.manifest import Manifest, Root, Source
from va_widgets.corpus.sources import located
from va_widgets.corpus.writing import Writing

_LISTED = 5  # videos and folders that a message names
_WINDOWS = re.compile(r"[A-Za-z]:([\\/]|$)|[\\/]{2}[^\\/]")  # C:\films, C:/films, \\server\films


def relocate(path: Path, old: GivenPath | None, new: GivenPath, missing_ok: bool, save: bool) -> Manifest:
    """Return the manifest of a corpus whose videos were moved from the folder `old` to `new`; it is written if `save`.

    Raises CorpusError if no video came from `old`, if videos are not in `new`, or if the corpus cannot be written.
    """
    if not save:
        return _relocated(path, old, new, missing_ok)
    try:
        with locked(path), Writing(path) as writing:
            return writing.finish(_relocated(path, old, new, missing_ok))
    except CorpusError as error:
        if not isinstance(error.__cause__, OSError) or isinstance(error.__cause__, Timeout):
            raise
        raise CorpusError(
            f"The corpus in {path} cannot be written ({reason_of(error.__cause__)}): give save=False to relocate its"
            " videos for this session alone."
        ) from error


def _relocated(path: Path, old: GivenPath | None, new: GivenPath, missing_ok: bool) -> Manifest:
    files = storage.open_files(path)
    manifest, sources = files.manifest, files.sources()
    folders = {number: _pure(unescaped(root.absolute)) for number, root in enumerate(manifest.roots) if root.absolute}
    if not folders:
        why = "its videos are URLs" if manifest.roots else "it was made of embeddings alone"
        raise CorpusError(f"The corpus in {path} has no videos that could be moved: {why}.")
    before = _common(list(folders.values())) if old is None else _former(old, list(folders.values()))
    target = absolute_path(new)
    if not is_folder(target):
        raise CorpusError(f"There is no folder {target}: give the folder where the videos are now.")
    target = Path(os.path.realpath(target))
    moved = {
        number: target.joinpath(*folder.relative_to(before).parts)
        for number, folder in folders.items()
        if folder.is_relative_to(before)
    }
    if not missing_ok:
        _check_videos(sources, moved, target)
    roots = [Root.of(moved[number], path) if number in moved else root for number, root in enumerate(manifest.roots)]
    return msgspec.structs.replace(manifest, roots=roots)


def _check_videos(sources: Sequence[Source], moved: dict[int, Path], target: Path) -> None:
    """Raise CorpusError if videos are not in the folders that they were `moved` to, by the number of their root."""
    videos = [source for source in sources if source.root in moved and source.status in ("done", "partial")]
    missing = []
    for source in videos:
        file = located(moved[source.root], source.source)
        if file is None:
            missing.append(source.source)
        elif file.stat().st_size != source.size:
            missing.append(f"{source.source}, which has another size there")
    if missing:
        more = f" and {len(missing) - _LISTED:,} more" if len(missing) > _LISTED else ""
        raise CorpusError(
            f"{len(missing):,} of {len(videos):,} videos are not in {target} ({'; '.join(missing[:_LISTED])}{more}):"
            " give the folder that holds all, or missing_ok=True to go on without these."
        )


def _former(old: GivenPath, folders: Sequence[PurePath]) -> PurePath:
    """Return the former folder that the user means by `old`: as it is written, absolute, or without links.

    Raises CorpusError unless `folders` lie in it.
    """
    here, text = absolute_path(old), os.fsdecode(old)
    spellings = [_pure(text), _pure(str(here)), _pure(os.path.realpath(here))]
    for spelling in spellings:
        if spelling.is_absolute() and any(folder.is_relative_to(spelling) for folder in folders):
            return spelling
    above = next((folder for folder in folders for spelling in spellings if spelling.is_relative_to(folder)), None)
    if above is not None:
        raise CorpusError(
            f"{text} is only a part of {above}, where this corpus has its videos: corpus.add of the new folder finds"
            " its videos by their content, without embedding them again."
        )
    raise CorpusError(f"This corpus has no videos of {text}: they come from {_listed(folders)}.")


def _common(folders: Sequence[PurePath]) -> PurePath:
    """Return the folder that contains all `folders`. Raises CorpusError if that is only the root of a file system."""
    common = folders[0]
    while common.parent != common and not all(folder.is_relative_to(common) for folder in folders):
        common = common.parent
    if len(folders) > 1 and common.parent == common:
        raise CorpusError(
            f"This corpus has videos of {len(folders)} folders ({_listed(folders)}): say which has moved, by"
            " corpus.relocate(old, new)."
        )
    return common


def _pure(path: str) -> PurePath:
    """Return a path of this or another machine as a path of Windows or of POSIX."""
    return PureWindowsPath(path) if _WINDOWS.match(path) else PurePosixPath(path)


def _listed(folders: Sequence[PurePath]) -> str:
    shown = ", ".join(str(folder) for folder in folders[:_LISTED])
    return shown + (" …" if len(folders) > _LISTED else "")
