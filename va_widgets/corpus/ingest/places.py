"""The files that the names of videos in a table of the user's stand for."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import cached_property
from pathlib import Path

from va_widgets.base.errors import CorpusError, reason_of
from va_widgets.base.names import escaped, unescaped
from va_widgets.base.paths import expanded, irregular, is_file, is_url, local
from va_widgets.corpus.file_kinds import VIDEO_SUFFIXES
from va_widgets.corpus.sources import canonical
from va_widgets.corpus.user_tables.timecode import MIDNIGHT, SourceClock, time_code
from va_widgets.video import remote


class VideoPlaces:
    """Finds the files of names, which are relative to the folder `root`; `allow` are schemes of URLs as for a build."""

    def __init__(self, root: Path, allow: Collection[str] = ()) -> None:
        self._root = root
        self._allow = allow
        self._listed: dict[str, dict[str, str]] = {}  # names in folders, by their composed form

    def place(self, name: str) -> str:
        """Return the path or URL that a name stands for.

        A path may be written as it is, or as `names.escaped`, as in `Corpus.clips`, with backslashes between folders,
        with spaces around it, or in other Unicode normal forms than on the disk: macOS decomposes letters with accents.
        """
        text = local(name)
        if is_url(text):
            return text
        plain = unescaped(text)
        spellings = (plain, text, plain.strip(), plain.strip().replace("\\", "/"))
        paths = [os.path.abspath(self._root / expanded(spelling)) for spelling in dict.fromkeys(spellings)]
        for path in paths:
            if (found := self._respelled(path)) is not None:
                return canonical(found)
        return paths[0]

    def missing(self, place: str) -> str:
        """Return why a path leads to no file; "" if it does."""
        return "" if is_file(place) else irregular(place) or f"there is no such file in {escaped(self._root)}"

    def clock(self, name: str) -> SourceClock:
        """Return how the video of a name counts its frames. Raises CorpusError, with the reason, if it cannot be read.

        A video without time code begins at 00:00:00:00.
        """
        from va_widgets.video.errors import UndecodableError
        from va_widgets.video.source_clock import source_count

        place = self.place(name)
        try:
            if is_url(place):
                with remote.opened(place, self._allow) as file:
                    count = source_count(file)
            elif why := self.missing(place):
                raise CorpusError(why)
            else:
                count = source_count(Path(place))
        except UndecodableError as error:
            raise CorpusError(str(error)) from error
        except (OSError, ValueError, ImportError) as error:
            raise CorpusError(f"it cannot be read ({reason_of(error)})") from error
        return SourceClock(count.rate, time_code(count.time_code) or MIDNIGHT, count.base)

    def first_of(self, names: Iterable[str]) -> str:
        """Return the first name that a file has; if none has one, the first name.

        After the names themselves, files anywhere in the folder whose name, with or without its suffix, is the last
        part of a name; of several the first, in the order of their paths.
        """
        names = list(names)
        for name in names:
            place = self.place(name)
            if is_url(place) or is_file(place):
                return name
        for name in names:
            last = _composed(local(name).replace("\\", "/").rsplit("/", 1)[-1].strip()).casefold()
            if files := self._by_name.get(last, []):
                return escaped(files[0])
        return names[0] if names else ""

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """The paths of the videos in the folder and its subfolders, by their names with and without suffix."""
        files: dict[str, list[str]] = defaultdict(list)
        for folder, folders, names in os.walk(self._root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                file = Path(name)
                if file.suffix.lower() in VIDEO_SUFFIXES and not name.startswith("."):
                    for key in (name, file.stem):
                        files[_composed(key).casefold()].append(os.path.join(folder, name))  # noqa: PTH118
        return files

    def _respelled(self, path: str) -> str | None:
        """Return a path as the names of its folders and file are spelled on the disk; None if there is no such file."""
        if is_file(path):
            return path
        if path.isascii():  # it has no other form
            return None
        here = Path(path).anchor
        for part in Path(path).parts[1:]:
            following = os.path.join(here, part)  # noqa: PTH118
            if not os.path.lexists(following):
                spelling = self._names_in(here).get(_composed(part))
                if spelling is None:
                    return None
                following = os.path.join(here, spelling)  # noqa: PTH118
            here = following
        return here if is_file(here) else None

    def _names_in(self, folder: str) -> dict[str, str]:
        if folder not in self._listed:
            try:
                names = os.listdir(folder)  # noqa: PTH208  # names as text, also those that are not valid Unicode
            except OSError:
                names = []
            self._listed[folder] = {_composed(name): name for name in sorted(names)}
        return self._listed[folder]


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
