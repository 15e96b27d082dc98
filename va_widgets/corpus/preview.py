"""Previews: a clip cut from its video as a small H.264 file that every browser plays."""

from __future__ import annotations

import io
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av

from va_widgets.corpus.frames import UndecodableError, Video
from va_widgets.errors import PreviewUnavailableError, said

_SIDE = 360  # pixels of the shorter side
_LONGEST = 20.0  # seconds
_FASTEST = 30.0  # frames a second
_TICKS = 90_000
_THREADS = 2


def cut(source: Path | str, start: float, end: float, context: float = 0.0) -> bytes:
    """The part of a video, a path or URL, from `start` to `end` (seconds from its first frame) as MP4.

    `context` is how many seconds before and after come with it, as far as the video has them. It is H.264, upright,
    in colours that a screen shows, without sound; at most 20 seconds and the context, 360 pixels on the shorter side,
    30 frames a second. Raises PreviewUnavailableError if the file cannot be decoded there.
    """
    name = source.name if isinstance(source, Path) else source
    try:
        with ExitStack() as opened:
            if isinstance(source, Path):
                video = Video(source, source.stat().st_size, 1, _SIDE, _THREADS, every=True)
            else:
                import fsspec

                file = opened.enter_context(fsspec.open(source, "rb"))
                video = Video(file, file.size or 1, 1, _SIDE, _THREADS, every=True)
            opened.callback(video.close)
            data = _recoded(video, max(0.0, start - context), min(end, start + _LONGEST) + context)
    except UndecodableError as error:
        raise PreviewUnavailableError(f"{name} cannot be played: {error}.") from error
    except (av.error.FFmpegError, OSError, ValueError, ImportError) as error:
        raise PreviewUnavailableError(f"{name} cannot be played from {start:.1f} s on ({said(error)}).") from error
    if data is None:
        raise PreviewUnavailableError(f"{name} has no picture at {start:.1f} s: it has changed since the build.")
    return data


def _recoded(video: Video, start: float, end: float) -> bytes | None:
    out = io.BytesIO()
    target: av.VideoStream | None = None
    last = -1.0
    with av.open(out, "w", format="mp4", options={"movflags": "empty_moov+default_base_moof+frag_keyframe"}) as file:
        for frame in video.frames(start):
            if frame.time >= end - 1e-4:
                break
            if last >= 0 and frame.time - last < 1 / _FASTEST - 1e-3:
                continue
            last = frame.time
            picture = av.VideoFrame.from_ndarray(frame.picture(), format="rgb24")
            if target is None:
                target = file.add_stream("libx264", options={"preset": "veryfast", "crf": "26"})
                target.width, target.height, target.pix_fmt = picture.width, picture.height, "yuv420p"
                target.time_base = target.codec_context.time_base = Fraction(1, _TICKS)
            picture.pts, picture.time_base = round((max(frame.time, start) - start) * _TICKS), Fraction(1, _TICKS)
            file.mux(target.encode(picture))
        if target is not None:
            file.mux(target.encode())
    return out.getvalue() if target is not None else None
