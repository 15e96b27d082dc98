"""Pictures and videos on their way to the page, as binary buffers beside a reply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from va_widgets.errors import CorpusError, PreviewUnavailableError
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


def preview(session: Session, clip: str) -> tuple[dict[str, Any], list[bytes]]:
    """A clip's video, or the reason why there is none."""
    try:
        data = session.preview(clip)
    except PreviewUnavailableError as error:
        return {"clip": clip, "mime": PREVIEW_MIME, "available": False, "reason": str(error)}, []
    return {"clip": clip, "mime": PREVIEW_MIME, "available": True, "reason": ""}, [data]
