"""Filmstrips of a corpus's clips, and the previews of them that it keeps."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from va_widgets.base.errors import CorpusError, PreviewUnavailableError
from va_widgets.base.paths import inside, open_regular, replacing
from va_widgets.base.system_errors import failure
from va_widgets.corpus.files import shards
from va_widgets.corpus.manifest import PREVIEWS_FOLDER, file_name
from va_widgets.corpus.storage import Files
from va_widgets.video.filmstrip import STRIP_MIME, Filmstrip

_PREVIEW_VERSION = 3  # in the names of previews: 1 had no sound, 2 was known by its clip's id alone
_LARGEST_PREVIEW = 1 << 28  # bytes; a larger file was not written by this package


class ClipMedia:
    """Where the filmstrips and videos of clips are. The table is read when it is first needed."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        self._files = files

    @cached_property
    def table(self) -> pd.DataFrame:
        """The columns of the clip table that locate filmstrips and videos; none if there are none."""
        return self._files.read_media()

    def row(self, number: int) -> dict[str, Any] | None:
        """Return what the table says of the clip in a row; None if it was made of embeddings alone."""
        table = self.table
        if "_shard" not in table or pd.isna(table["_shard"].iloc[number]):
            return None
        texts = ("_key", "_shard")
        return {
            str(name): str(table[name].iloc[number]) if name in texts else int(table[name].iloc[number])
            for name in table
        }

    def filmstrip(self, clip_id: str, number: int) -> Filmstrip:
        """Return the filmstrip of the clip in a row. Raises CorpusError if the corpus has no pictures of it."""
        media = self.row(number)
        if media is None:
            raise CorpusError(f"There are no pictures of clip {clip_id}: this corpus was made of embeddings alone.")
        try:
            data = shards.read_strip(self._path, media["_shard"], media["_strip_at"], media["_strip_bytes"])
        except OSError as error:
            raise CorpusError(
                failure(f"The pictures of clip {clip_id}", error)
                or f"The pictures of clip {clip_id} are gone from {self._path}: copy it again."
            ) from error
        return Filmstrip(media["_strip_frames"], media["_strip_width"], media["_strip_height"], STRIP_MIME, data)


def preview_name(clip_id: str, key: str, start: float, end: float, context: float) -> str:
    """Return the file name of a preview.

    It depends on the video's content, by `key`, and on the part that is shown, because a clip id of the user's own may
    come to mean another part.
    """
    part = hashlib.sha256(repr((key, start, end, context)).encode()).hexdigest()[:16]
    return f"{file_name(clip_id)}.{part}.{_PREVIEW_VERSION}.mp4"


def kept_preview(path: Path, name: str, cut: Callable[[], bytes]) -> bytes:
    """Return the preview of that name from the corpus in `path`; if there is none, call `cut` for it and keep it.

    Raises PreviewUnavailableError if the folder of previews leads out of the corpus, or whatever `cut` raises.
    """
    file = inside(path, PREVIEWS_FOLDER, name, error=PreviewUnavailableError)
    try:
        with open_regular(file) as kept:
            if len(data := kept.read(_LARGEST_PREVIEW + 1)) <= _LARGEST_PREVIEW:
                return data
    except OSError:  # there is none that can be read
        pass
    data = cut()
    if os.access(path, os.W_OK):
        try:
            file.parent.mkdir(exist_ok=True)
            with replacing(file) as unfinished:
                unfinished.write_bytes(data)
        except OSError:  # no space is left: the preview is shown all the same, and cut again next time
            pass
    return data
