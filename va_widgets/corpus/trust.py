"""Trust: the folders and servers outside a corpus that it may read videos from.

A corpus folder says where its videos are, and whoever made the folder could have named any place: a private folder of
the user's, or a server of their network. So these places are only followed where this user has named them, by building
the corpus or adding to it, by relocating it, or by Corpus.trust(). That is remembered outside the corpus, as git does
with `safe.directory`: in one small file a corpus, in a folder of the user's state. The environment variable
VA_WIDGETS_STATE_DIR names another folder. Where that cannot be written to, it holds for this process.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from va_widgets.base.errors import PreviewUnavailableError, reason_of
from va_widgets.base.names import escaped, unescaped
from va_widgets.base.paths import is_folder, is_url, replacing
from va_widgets.base.user_state import STATE_VARIABLE, state_folder
from va_widgets.corpus.manifest import Root
from va_widgets.corpus.sources import Sources, located
from va_widgets.video import remote

_FOLDER = "trusted"

_log = logging.getLogger(__name__)
_of_this_process: dict[str, frozenset[str]] = {}  # what could not be written down, by corpus


class _Entry(msgspec.Struct, frozen=True):
    """What is remembered of a corpus: its real path, and the places, all as `names.escaped`."""

    corpus: str
    places: list[str]


def trusted(corpus: Path) -> frozenset[str]:
    """Return the places that a corpus may read videos from.

    They are real paths of folders, as `names.escaped`, and origins of URLs.
    """
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
    """Add places that a corpus may read videos from. Where no file can be written, they are added for this process."""
    name, before = _name(corpus), trusted(corpus)
    after = before | frozenset(places)
    if after == before:
        return
    file = _file(name)
    try:
        if file is None:
            raise FileNotFoundError("there is no folder for a user's state")
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacing(file) as unfinished:
            unfinished.write_bytes(msgspec.json.encode(_Entry(name, sorted(after))))
    except OSError as error:
        _log.info("What is trusted of %s holds for this process only: %s", corpus, reason_of(error))
        _of_this_process[name] = after


def places_of(sources: Iterable[Sources]) -> set[str]:
    """Return the places of sources that the user has named."""
    places = set()
    for source in sources:
        if source.root is not None:
            places.add(place_of(source.root))
        else:
            places |= {remote.origin(file.place) for file in source.files}
    return places


def place_of(folder: Path) -> str:
    """Return a folder as the text that stands for it among trusted places."""
    return escaped(os.path.realpath(folder))


def places_named(corpus: Path, roots: Iterable[Root], videos: Iterable[str]) -> set[str]:
    """Return the places that a corpus says its videos are in: its roots, and the origins of URLs among `videos`."""
    places: set[str] = set()
    for root in roots:
        if root.absolute:
            folders = [folder for folder in root.folders(corpus) if "\0" not in str(folder)]
            places |= {escaped(os.path.abspath(folder)) for folder in folders}
            places |= {place_of(folder) for folder in folders}
        else:
            places |= {remote.origin(video) for video in videos if is_url(video)}
    return places


def video_file(corpus: Path, root: Root, video: str, places: frozenset[str]) -> Path:
    """Return the file of a video, which is looked for where the corpus says it is.

    It may lie in the corpus's own folder, if no link leads out of it, or in one of the trusted `places`.
    Raises PreviewUnavailableError if the file is not there, or its folder not trusted, and CorpusError if the video's
    name leads out of its root.
    """
    home = Path(os.path.realpath(corpus))
    known = [Path(unescaped(place)) for place in places if not is_url(place)]
    refused: str | None = None
    for folder in root.folders(corpus):
        if "\0" in str(folder):
            continue
        here = Path(os.path.abspath(folder))
        if _is_in(here, known) and _is_in(Path(os.path.realpath(here)), known):
            # A link among the user's own videos may lead anywhere.
            file = located(here, video)
            if file is not None:
                return file
        elif here.is_relative_to(home):
            file = located(here, video)
            if file is not None and Path(os.path.realpath(file)).is_relative_to(home):
                return file
            refused = escaped(here) if file is not None else refused
        elif refused is None and (_is_share(here) or (is_folder(here) and located(here, video) is not None)):
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
    """Return the URL of a video, unchanged.

    Raises PreviewUnavailableError if it has a scheme that is not followed, not even by the user's word (`allow`), or
    if its server is not one of the trusted `places`.
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


def _is_in(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _is_share(path: Path) -> bool:
    r"""Whether a path is on another machine, \\server\share: Windows tells it who the user is when it looks there."""
    return path.drive.startswith("\\\\")


def _name(corpus: Path) -> str:
    return escaped(os.path.normcase(os.path.realpath(corpus)))


def _file(name: str) -> Path | None:
    """The file that holds what is trusted of a corpus; None where this user has no folder of their own."""
    folder = state_folder()
    if folder is None:
        return None
    if not os.environ.get(STATE_VARIABLE):  # which names the folder of what is trusted itself
        folder /= _FOLDER
    return folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"
