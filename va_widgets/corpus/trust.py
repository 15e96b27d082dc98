"""Trust: the folders and servers outside a corpus that its videos may be read from.

A corpus names the places of its videos, and whoever made it could have named any: a private folder of the user's, or a
server of their network. So a place is only read from if this user has named it, by building the corpus or adding to it,
by relocating it, or by Corpus.trust(). These places are stored outside the corpus, as git does with `safe.directory`:
in one small file for each corpus, in the user's state folder. The environment variable VA_WIDGETS_STATE_DIR names
another folder. Where that cannot be written to, they are trusted until this process ends.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from va_widgets.base.errors import CorpusError, PreviewUnavailableError, reason_of
from va_widgets.base.names import escaped, unescaped
from va_widgets.base.paths import is_folder, is_share, is_url
from va_widgets.base.user_state import STATE_VARIABLE, state_folder, write_state
from va_widgets.corpus.manifest import Root, source_file
from va_widgets.corpus.sources import SourceGroup, located
from va_widgets.video import remote

_FOLDER = "trusted"

_log = logging.getLogger(__name__)
_of_this_process: dict[str, frozenset[str]] = {}  # places that could not be written to a file, by corpus


class _Entry(msgspec.Struct, frozen=True):
    """The file for a corpus: its real path, and its trusted places, all as `names.escaped`."""

    corpus: str
    places: list[str]


def trusted(corpus: Path) -> frozenset[str]:
    """Return the trusted places of a corpus: real paths of folders, as `names.escaped`, and origins of URLs."""
    name = _name(corpus)
    known = _of_this_process.get(name, frozenset())
    file = _file(name)
    try:
        entry = None if file is None else msgspec.json.decode(file.read_bytes(), type=_Entry)
    except FileNotFoundError:
        return known
    except (OSError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        _log.info("What is trusted of %s cannot be read: %s", corpus, reason_of(error))
        return known
    return known if entry is None or entry.corpus != name else known | frozenset(entry.places)


def remember(corpus: Path, places: Iterable[str]) -> None:
    """Add trusted places of a corpus. Where no file can be written, they are trusted until this process ends."""
    name, before = _name(corpus), trusted(corpus)
    after = before | frozenset(places)
    if after == before:
        return
    file = _file(name)
    try:
        write_state(file, msgspec.json.encode(_Entry(name, sorted(after))))
    except OSError as error:
        _log.info("What is trusted of %s holds for this process only: %s", corpus, reason_of(error))
        _of_this_process[name] = after


def places_of(groups: Iterable[SourceGroup]) -> set[str]:
    """Return the places of source files that the user has named."""
    places = set()
    for group in groups:
        if group.root is not None:
            places.add(place_of(group.root))
        else:
            places |= {remote.origin(file.place) for file in group.files}
    return places


def place_of(folder: Path) -> str:
    """Return the trusted place that stands for a folder: its real path, as `names.escaped`."""
    return escaped(os.path.realpath(folder))


def places_below(folder: Path, roots: Iterable[Root]) -> set[str]:
    """Return the places of those roots that lie in a folder, a real path."""
    return {place_of(root.folder) for root in roots if root.folder.is_relative_to(folder)}


def places_named(corpus: Path, roots: Iterable[Root], videos: Iterable[str]) -> set[str]:
    """Return the places that a corpus itself names: its roots, and the origins of URLs among `videos`."""
    places: set[str] = set()
    for root in roots:
        if root.absolute:
            folders = [folder for folder in root.folders(corpus) if "\0" not in str(folder)]
            places |= {escaped(os.path.abspath(folder)) for folder in folders}
            places |= {place_of(folder) for folder in folders}
        else:
            places |= {remote.origin(video) for video in videos if is_url(video)}
    return places


@dataclass(frozen=True)
class VideoAccess:
    """Locates the videos of the corpus in the folder `corpus`, in trusted places only.

    `granted` are places that are trusted beside those that `remember` has stored, and `allow` schemes of URLs that the
    user allows beside the usual ones.
    """

    corpus: Path
    roots: Sequence[Root]
    granted: frozenset[str]
    allow: frozenset[str]

    def locate(self, root: int, video: str) -> Path | str:
        """Return the file or URL of a video, by the number of its root and its name.

        Raises PreviewUnavailableError if it cannot be read from there, CorpusError if the corpus was tampered with.
        """
        places = self.granted | trusted(self.corpus)
        if self.roots[root].absolute:
            return video_file(self.corpus, self.roots[root], video, places)
        if not is_url(video):
            raise CorpusError(f"The source {video!r} is no URL: the corpus was tampered with.")
        return video_url(video, places, self.allow)


def video_file(corpus: Path, root: Root, video: str, places: frozenset[str]) -> Path:
    """Return the file of a video, which is searched for in the folders of its root.

    It may lie in the corpus's own folder, if no link leads out of it, or in one of the trusted `places`.
    Raises PreviewUnavailableError if there is no such file, or its folder is not trusted, and CorpusError if the
    video's name leads out of its root.
    """
    home = Path(os.path.realpath(corpus))
    known = [Path(unescaped(place)) for place in places if not is_url(place)]
    refused: str | None = None
    for folder in root.folders(corpus):
        if "\0" in str(folder):
            continue
        here = Path(os.path.abspath(folder))
        is_trusted = _is_trusted(here, known)
        if is_trusted or _is_trusted(source_file(here, video).parent, known):
            # A link among the user's own videos may lead anywhere. The folder's name may be spelled in another way.
            file = located(here, video)
            if file is not None and (is_trusted or _is_trusted(file.parent, known)):
                return file
        elif here.is_relative_to(home):
            file = located(here, video)
            if file is not None and Path(os.path.realpath(file)).is_relative_to(home):
                return file
            refused = escaped(here) if file is not None else refused
        elif refused is None and (is_share(here) or (is_folder(here) and located(here, video) is not None)):
            refused = escaped(here)
    if refused is not None:
        raise PreviewUnavailableError(
            f"The video {video} is not read from {refused}, which only the corpus itself names: if you trust this"
            " corpus, call corpus.trust() once."
        )
    raise PreviewUnavailableError(
        f"The video {video} is no longer in {root.absolute}: put it back to play it, or say where the videos are"
        " now by corpus.relocate(old, new)."
    )


def video_url(url: str, places: frozenset[str], allow: Collection[str]) -> str:
    """Return the URL of a video if it may be fetched.

    Raises PreviewUnavailableError if its scheme is neither one of the usual ones nor in `allow`, or if its server is
    not one of the trusted `places`.
    """
    why = remote.refusal(url, allow)
    if why:
        raise PreviewUnavailableError(why)
    place = remote.origin(url)
    if place not in places:
        raise PreviewUnavailableError(
            f"The video {url} is not fetched from {place}, which only the corpus itself names: if you trust this"
            " corpus, call corpus.trust() once."
        )
    return url


def _is_trusted(folder: Path, places: Iterable[Path]) -> bool:
    return _is_in(folder, places) and _is_in(Path(os.path.realpath(folder)), places)


def _is_in(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _name(corpus: Path) -> str:
    return escaped(os.path.normcase(os.path.realpath(corpus)))


def _file(name: str) -> Path | None:
    """Return the file with the trusted places of a corpus; None where this user has no state folder."""
    folder = state_folder()
    if folder is None:
        return None
    if not os.environ.get(STATE_VARIABLE):  # which names the folder of what is trusted itself
        folder /= _FOLDER
    return folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"
