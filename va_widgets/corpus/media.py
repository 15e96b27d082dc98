"""Filmstrips and previews of the clips of a corpus."""

from __future__ import annotations

import hashlib
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from va_widgets.base.errors import CorpusError, PreviewUnavailableError
from va_widgets.base.paths import inside, open_regular, replacing
from va_widgets.base.system_errors import failure
from va_widgets.corpus.files import shards
from va_widgets.corpus.manifest import NO_VIDEO, PREVIEWS_FOLDER, file_name
from va_widgets.corpus.storage import Files
from va_widgets.corpus.trust import VideoAccess
from va_widgets.video.filmstrip import STRIP_MIME, Filmstrip, stored_strip

_PREVIEW_VERSION = 3  # in the names of previews: 1 had no sound, 2 was named by its clip's id alone
_ALONE = "it was made of embeddings without a video that could be read"
_STRIP_SUFFIX = ".strip"  # not .jpg: a build of pictures would take it for one
_MOST_FRAMES = 64  # of a filmstrip that is decoded here, whatever the manifest says
_LARGEST_PREVIEW = 1 << 28  # bytes; a larger file was not written by this package


class ClipMedia:
    """The filmstrips and previews of the clips of the corpus in the folder `path`, whose `files` are open."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        self._files = files

    @cached_property
    def table(self) -> pd.DataFrame:
        """The columns of the clip table that locate filmstrips and videos; empty if it has none.

        They are read at the first access.
        """
        return self._files.read_media()

    def filmstrip(self, row: int, clip: pd.Series[Any], access: VideoAccess) -> Filmstrip:
        """Return the filmstrip of the clip in a row: the stored one, or one that is decoded from its video.

        `clip` is its row in the table of clips. Raises CorpusError if the corpus has no pictures of it.
        """
        media = self._row(row)
        if media is None:
            raise CorpusError(f"There are no pictures of clip {clip.name}: {_ALONE}.")
        if not media["_strip_bytes"]:
            return self._decoded_strip(row, media["_key"], clip, access)
        try:
            data = shards.read_strip(self._path, media["_shard"], media["_strip_at"], media["_strip_bytes"])
        except OSError as error:
            raise CorpusError(
                failure(f"The pictures of clip {clip.name}", error)
                or f"The pictures of clip {clip.name} are gone from {self._path}: copy it again."
            ) from error
        return Filmstrip(media["_strip_frames"], media["_strip_width"], media["_strip_height"], STRIP_MIME, data)

    def _decoded_strip(self, row: int, key: str, clip: pd.Series[Any], access: VideoAccess) -> Filmstrip:
        """Return a filmstrip of a clip's video, which is kept beside the previews. Raises CorpusError."""
        from va_widgets.video.clip_strip import clip_strip

        start, end = float(clip["start"]), float(clip["end"])
        if not end > start:
            raise CorpusError(f"There are no pictures of clip {clip.name}: it has no times in its video.")
        frames = min(self._files.manifest.frames_per_shot, _MOST_FRAMES)
        name = Path(_preview_name(str(clip.name), key, start, end, 0.0)).with_suffix(_STRIP_SUFFIX).name
        file = inside(self._path, PREVIEWS_FOLDER, name)
        strip = stored_strip(_stored(file), frames)
        if strip is None:
            try:
                video = self.video(row, str(clip["video"]), access)
            except PreviewUnavailableError as error:
                raise CorpusError(f"There are no pictures of clip {clip.name}: {error}") from error
            strip = clip_strip(video, start, end, frames, access.allow)
            if os.access(self._path, os.W_OK):
                _store(file, strip.data)
        return strip

    def preview(self, row: int, clip: pd.Series[Any], context: float, access: VideoAccess) -> bytes:
        """Return a clip as an H.264 file, from the previews that the corpus keeps, or cut from its video.

        `clip` is its row in the table of clips, and `context` the seconds before and after it. Raises
        PreviewUnavailableError if there is no preview, and its video does not exist or may not be read.
        """
        from va_widgets.video.preview import cut

        media, start, end = self._row(row), float(clip["start"]), float(clip["end"])
        if media is None:
            raise PreviewUnavailableError(f"There is no video of this clip: {_ALONE}.")
        if not end > start:
            raise PreviewUnavailableError("This clip is a picture: there is nothing to play.")
        name = _preview_name(str(clip.name), media["_key"], start, end, context)
        file = inside(self._path, PREVIEWS_FOLDER, name, error=PreviewUnavailableError)
        data = _stored(file)
        if data is None:
            video = self.video(row, str(clip["video"]), access)
            data = cut(video, start, end, context, access.allow)
            if os.access(self._path, os.W_OK):
                _store(file, data)
        return data

    def video(self, row: int, name: str, access: VideoAccess) -> Path | str:
        """Return the file or URL of the video called `name` of the clip in a row.

        Raises PreviewUnavailableError if there is none, or it may not be read.
        """
        media = self._row(row)
        if media is None:
            raise PreviewUnavailableError(f"There is no video of this clip: {_ALONE}.")
        return access.locate(media["_root"], name)

    def _row(self, row: int) -> dict[str, Any] | None:
        """Return a row of `table`; None if the clip was made of embeddings alone."""
        table = self.table
        if "_shard" not in table or table["_key"].iloc[row] == NO_VIDEO:
            return None
        texts = ("_key", "_shard")
        return {
            str(name): str(table[name].iloc[row]) if name in texts else int(table[name].iloc[row]) for name in table
        }


def _preview_name(clip_id: str, key: str, start: float, end: float, context: float) -> str:
    """Return the file name of a preview.

    It depends on the video's content, by `key`, and on the part that is shown, because the user may give a clip id of
    theirs to another part later.
    """
    part = hashlib.sha256(repr((key, start, end, context)).encode()).hexdigest()[:16]
    return f"{file_name(clip_id)}.{part}.{_PREVIEW_VERSION}.mp4"


def _stored(file: Path) -> bytes | None:
    """Return the content of a preview, None if there is none that can be read."""
    try:
        with open_regular(file) as opened:
            data = opened.read(_LARGEST_PREVIEW + 1)
    except OSError:
        return None
    return data if len(data) <= _LARGEST_PREVIEW else None


def _store(file: Path, data: bytes) -> None:
    """Write a preview, unless no space is left: then it is cut again the next time."""
    try:
        file.parent.mkdir(exist_ok=True)
        with replacing(file) as unfinished:
            unfinished.write_bytes(data)
    except OSError:
        pass
