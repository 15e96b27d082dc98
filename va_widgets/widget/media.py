"""Filmstrips and previews for the page, as binary buffers beside a reply."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Protocol

import pandas as pd

from va_widgets.base.errors import CorpusError, PreviewUnavailableError
from va_widgets.video.filmstrip import STRIP_WIDTH, Filmstrip, filmstrip_of_preview
from va_widgets.widget.protocol import Strip

PREVIEW_MIME = "video/mp4"


class Clips(Protocol):
    """What filmstrips and previews are read from: a corpus."""

    @property
    def clips(self) -> pd.DataFrame:
        """The clips by clip_id."""

    def row(self, clip_id: str) -> int:
        """Return the row of a clip."""

    def filmstrip(self, clip_id: str) -> Filmstrip:
        """Return a clip's frames side by side in one picture."""

    def preview(self, clip_id: str, context: float = 0.0) -> bytes:
        """Return a clip as a short H.264 file."""


def filmstrips(corpus: Clips, clips: Sequence[str], width: int) -> tuple[list[Strip], list[bytes]]:
    """Return the filmstrips of some clips and their bytes. A clip without pictures gets a strip that says why.

    Of more than the stored `width`, in pixels a frame, they are made of the clips' previews, which are cut if need be.
    """
    strips: list[Strip] = []
    buffers: list[bytes] = []
    for clip in clips:
        try:
            picture = corpus.filmstrip(clip)
            if width > STRIP_WIDTH:
                picture = _wide(corpus, clip, picture, width)
        except CorpusError as error:
            strips.append(Strip(clip, "", 0, 0, 0, None, str(error)))
            continue
        strips.append(Strip(clip, picture.mime, picture.frames, picture.width, picture.height, len(buffers), ""))
        buffers.append(picture.data)
    return strips, buffers


def _wide(corpus: Clips, clip: str, stored: Filmstrip, width: int) -> Filmstrip:
    """Return a filmstrip of wider frames; the stored one where there is no preview, or its pictures are no larger."""
    try:
        wide = filmstrip_of_preview(corpus.preview(clip), stored.frames, width)
    except (PreviewUnavailableError, CorpusError):
        return stored
    return wide if wide.height > stored.height else stored


def preview(corpus: Clips, clip: str, context: float) -> tuple[dict[str, Any], list[bytes]]:
    """Return a clip's video and whether it has sound, or the reason why there is none.

    `start` and `end` say where in it the clip itself lies, in seconds.
    """
    shown = {"clip": clip, "mime": PREVIEW_MIME, "start": 0.0, "end": 0.0, "sound": False}
    try:
        data = corpus.preview(clip, context)
    except (PreviewUnavailableError, CorpusError) as error:
        return {**shown, "available": False, "reason": str(error)}, []
    import av  # loaded with the first preview

    row = corpus.row(clip)
    start, end = (float(corpus.clips[edge].iloc[row]) for edge in ("start", "end"))
    before = min(context, start)
    try:
        with av.open(io.BytesIO(data), "r") as file:
            sound = bool(file.streams.audio)
    except (av.error.FFmpegError, ValueError) as error:
        why = f"The preview of this clip is damaged ({error}): delete the folder previews of the corpus to cut it anew."
        return {**shown, "available": False, "reason": why}, []
    extent = {"start": before, "end": before + end - start, "sound": sound}
    return {**shown, **extent, "available": True, "reason": ""}, [data]
