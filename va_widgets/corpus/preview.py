"""Previews: a clip cut from its video as a small H.264 file that every browser plays."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av

from va_widgets.corpus.frames import fitted
from va_widgets.errors import PreviewUnavailableError

_SIDE = 360  # pixels of the shorter side
_LONGEST = 20.0  # seconds
_FASTEST = 30.0  # frames a second
_TICKS = 90_000


def cut(path: Path, start: float, end: float) -> bytes:
    """The part of a video from `start` to `end` (seconds from its first frame) as MP4: H.264, no sound, upright.

    At most 20 seconds, 360 pixels on the shorter side, 30 frames a second. Raises PreviewUnavailableError if the
    file cannot be decoded there.
    """
    try:
        with av.open(str(path)) as source:
            data = _recoded(source, start, min(end, start + _LONGEST))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise PreviewUnavailableError(f"{path.name} cannot be played from {start:.1f} s on ({said}).") from error
    if data is None:
        raise PreviewUnavailableError(f"{path.name} has no picture at {start:.1f} s: it has changed since the build.")
    return data


def _recoded(source: av.container.InputContainer, start: float, end: float) -> bytes | None:
    stream = source.streams.video[0]
    stream.thread_type = "AUTO"
    base = float(stream.time_base or Fraction(1, _TICKS))
    first = (stream.start_time or 0) * base
    source.seek(int((first + max(0.0, start)) / base), stream=stream, backward=True)
    out = io.BytesIO()
    target: av.VideoStream | None = None
    last = -1.0
    with av.open(out, "w", format="mp4", options={"movflags": "empty_moov+default_base_moof+frag_keyframe"}) as file:
        for frame in source.decode(stream):
            moment = (float(frame.time) if frame.time is not None else first) - first
            if moment < start - 1e-4:
                continue
            if moment >= end - 1e-4:
                break
            if last >= 0 and moment - last < 1 / _FASTEST - 1e-3:
                continue
            last = moment
            width, height = fitted(frame.width, frame.height, _SIDE)
            picture = frame.reformat(width=width, height=height, format="yuv420p")
            turns = round(frame.rotation / 90) % 4
            if turns:
                picture = _turned(frame, width, height, turns)
            if target is None:
                target = file.add_stream("libx264", options={"preset": "veryfast", "crf": "26"})
                target.width, target.height, target.pix_fmt = picture.width, picture.height, "yuv420p"
                target.time_base = target.codec_context.time_base = Fraction(1, _TICKS)
            picture.pts, picture.time_base = round((moment - start) * _TICKS), Fraction(1, _TICKS)
            file.mux(target.encode(picture))
        if target is not None:
            file.mux(target.encode())
    return out.getvalue() if target is not None else None


def _turned(frame: av.VideoFrame, width: int, height: int, turns: int) -> av.VideoFrame:
    import numpy as np

    pixels = np.rot90(frame.reformat(width=width, height=height, format="rgb24").to_ndarray(), turns)
    turned = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels, dtype=np.uint8), format="rgb24")
    return turned.reformat(format="yuv420p")
