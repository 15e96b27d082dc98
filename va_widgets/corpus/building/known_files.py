"""The files that a corpus has clips of, recognised by their path and by their content."""

from __future__ import annotations

import filecmp
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from va_widgets.base.names import unescaped
from va_widgets.base.paths import is_file, open_regular
from va_widgets.corpus.manifest import Root, Source, source_file
from va_widgets.corpus.sources import SourceFile, content_key, is_respelled

SourceId: TypeAlias = tuple[int, str]
"""The number of a source's root, and its name: its path relative to that root, or its URL."""


@dataclass(frozen=True)
class _Owner:
    """The file that has the clips of some content: its canonical path, and its source."""

    file: str
    source: SourceId


class KnownFiles:
    """The files of a corpus, `sources` by root and name, and those that a build has identified since.

    `respelled` are the sources whose file's name is spelled in another way now.
    """

    def __init__(self, sources: Mapping[SourceId, Source], roots: Sequence[Root]) -> None:
        self.respelled: set[SourceId] = set()
        self._sources = sources
        self._roots = roots
        self._real_folders: dict[str, str] = {}

    # Not computed by a build that finds nothing new: they take a moment for many thousand sources.

    @cached_property
    def _files(self) -> dict[SourceId, str]:
        """The canonical path of every source that is a file."""
        folders = [root.folder if root.absolute else None for root in self._roots]
        return {
            source_id: self._canonical(str(source_file(folder, source.source)))
            for source_id, source in self._sources.items()
            if source.root >= 0 and (folder := folders[source.root]) is not None
        }

    @cached_property
    def _ids(self) -> dict[str, SourceId]:
        """The source of every canonical path."""
        return {file: source_id for source_id, file in self._files.items()}

    @cached_property
    def _owners(self) -> dict[str, _Owner]:
        """The file that has the clips of each content, by content key; `identify` adds to it."""
        return {
            source.key: _Owner(self._files[source_id], source_id)
            for source_id, source in self._sources.items()
            if source.status in ("done", "partial") and source_id in self._files
        }

    def as_known(self, file: SourceFile, root: int) -> tuple[int, SourceFile]:
        """Return a file with the root and name of its source, which may have been listed from another folder.

        A file that is no source yet is returned with the `root` and name that it has.
        """
        if file.remote or (root, file.name) in self._sources:
            return root, file
        source_id = self._ids.get(self._canonical(file.place))
        return (root, file) if source_id is None else (source_id[0], replace(file, name=source_id[1]))

    def source_of(self, name: str) -> SourceId | None:
        """Return the source that is a file of this absolute path, as `names.escaped`; None if there is none."""
        place = unescaped(name)
        return self._ids.get(self._canonical(place)) if os.path.isabs(place) else None  # noqa: PTH117

    def lost_its_owner(self, key: str, source_id: SourceId) -> bool:
        """Return whether another file had the clips of this content, and no longer exists."""
        owner = self._owners.get(key)
        return owner is not None and owner.source != source_id and not is_file(owner.file)

    def identify(self, file: SourceFile, root: int) -> tuple[str, str]:
        """Return the content key of a file, and the name of another file of the same content, "" if there is none.

        Without such a file, this one has the clips of its content from now on. Raises OSError if it cannot be read.
        """
        key, source_id = content_key(file), (root, file.name)
        this = _Owner(file.place if file.remote else self._canonical(file.place), source_id)
        owner = self._owners.setdefault(key, this)
        if owner.source == source_id or owner.file == this.file or file.remote:
            return key, ""
        if not is_file(owner.file):  # it was renamed
            self._owners[key] = this
            return key, ""
        if is_respelled(owner.file, this.file):
            self.respelled.add(owner.source)
            self._owners[key] = this
            return key, ""
        if filecmp.cmp(owner.file, this.file, shallow=False):
            return key, owner.source[1]
        with open_regular(Path(file.place)) as opened:  # of the same size and with the same blocks, but another file
            return hashlib.file_digest(opened, "sha256").hexdigest()[:16], ""

    def _canonical(self, place: str) -> str:
        """Return what `sources.canonical` does, resolving each folder once."""
        folder, name = os.path.split(place)
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        return str(Path(self._real_folders[folder], name))
