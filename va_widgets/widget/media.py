"""Pictures and videos on their way to the page, as binary buffers beside a reply."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from va_widgets.base.errors import CorpusError, PreviewUnavailableError
from va_widgets.session import Session
from va_widgets.widget.protocol import Strip

PREVIEW_MIME = "video/mp4"


def filmstrips(session: Session, clips: Sequence[str]) -> tuple[list[Strip], list[bytes]]:
    """The filmstrips of some clips and their bytes. A clip without pictures gets a strip that says why."""
    strips: list[Strip] = []
    buffers: list[bytes] = []
    for clip in clips:
        try:
            picture = session.filmstrip(clip)
        except CorpusError as error:
            strips.append(Strip(clip, "", 0, 0, 0, None, str(error)))
            continue
        strips.append(Strip(clip, picture.mime, picture.frames, picture.width, picture.height, len(buffers), ""))
        buffers.append(picture.data)
    return strips, buffers


def preview(session: Session, clip: str, context: float) -> tuple[dict[str, Any], list[bytes]]:
    """A clip's video and whether it has sound, or the reason why there is none.

    `start` and `end` say where in it the clip itself lies, in seconds.
    """
    shown = {"clip": clip, "mime": PREVIEW_MIME, "start": 0.0, "end": 0.0, "sound": False}
    try:
        data = session.preview(clip, context)
    except (PreviewUnavailableError, CorpusError) as error:
        return {**shown, "available": False, "reason": str(error)}, []
    import av  # loaded with the first preview

    row = session.corpus.row(clip)
    start, end = (float(session.corpus.clips[edge].iloc[row]) for edge in ("start", "end"))
    before = min(context, start)
    try:
        with av.open(io.BytesIO(data), "r") as file:
            sound = bool(file.streams.audio)
    except (av.error.FFmpegError, ValueError) as error:
        why = f"The preview of this clip is damaged ({error}): delete the folder previews of the corpus to cut it anew."
        return {**shown, "available": False, "reason": why}, []
    extent = {"start": before, "end": before + end - start, "sound": sound}
    return {**shown, **extent, "available": True, "reason": ""}, [data]
