"""The filmstrip of a clip, decoded from its video when somebody looks at it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import av

from va_widgets.base.errors import CorpusError, reason_of
from va_widgets.video.decode import Video
from va_widgets.video.errors import UndecodableError
from va_widgets.video.filmstrip import Filmstrip, filmstrip
from va_widgets.video.frame import Frame
from va_widgets.video.opened_video import opened_video

_SIDE = 144  # pixels of the shorter side of the pictures: a little more than a filmstrip has
_LONGEST = 20.0  # seconds of a clip that is decoded as a whole; in a longer one each frame is sought


def clip_strip(source: Path | str, start: float, end: float, frames: int, allow: Collection[str] = ()) -> Filmstrip:
    """Return so many frames, spread evenly from `start` to `end` (seconds from the first picture) of a video.

    `source` is a path or URL. A clip that ends after its video repeats the last frame. Raises CorpusError if there is
    no picture, or the file cannot be decoded.
    """
    name = source.name if isinstance(source, Path) else source
    moments = [start + (i + 0.5) / frames * (end - start) for i in range(frames)]
    try:
        with opened_video(source, allow, _SIDE) as video:
            pictures = [frame.picture() for frame in _frames_at(video, start, moments)]
    except UndecodableError as error:
        raise CorpusError(f"{name} has no pictures: {error}.") from error
    except (av.error.FFmpegError, OSError, ValueError, ImportError) as error:
        raise CorpusError(f"{name} cannot be read at {start:.1f} s ({reason_of(error)}).") from error
    if not pictures:
        raise CorpusError(f"{name} has no picture at {start:.1f} s: it ends before.")
    return filmstrip(pictures + pictures[-1:] * (frames - len(pictures)))


def _frames_at(video: Video, start: float, moments: list[float]) -> Iterator[Frame]:
    """Yield the frame that is shown at each moment, as long as there is one."""
    if moments[-1] - moments[0] > _LONGEST:
        for moment in moments:
            yield from (frame for frame in [next(video.frames(moment), None)] if frame is not None)
        return
    waiting = list(moments)
    for frame in video.frames(start):
        while waiting and waiting[0] < frame.end:
            del waiting[0]
            yield frame
        if not waiting:
            return
