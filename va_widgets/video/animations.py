"""Animations that FFmpeg does not decode, WebP and AVIF, become videos that it does."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import IO

import av
import numpy as np
from PIL import Image, UnidentifiedImageError

from va_widgets.base.errors import reason_of
from va_widgets.base.paths import open_regular
from va_widgets.video.errors import UndecodableError
from va_widgets.video.picture_kinds import HEAD, is_webp_or_avif

_MOST_PIXELS = 1 << 31  # of all pictures of an animation: about 2,300 of 1280x720
_SHOWN = 100  # milliseconds, of a picture that does not say how long
_TICKS = 1000
# Of Pillow, which tells by a RuntimeError what libavif cannot decode, and of FFmpeg.
_FAILURES = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, av.error.FFmpegError)


def playable(source: Path | IO[bytes]) -> Path | IO[bytes]:
    """Return a source of a video as it is; an animated WebP or AVIF as a video file in memory.

    Raises UndecodableError if its pictures cannot be read.
    """
    if isinstance(source, Path):
        try:
            with open_regular(source) as file:
                return _as_video(file) if is_webp_or_avif(file.read(HEAD)) else source
        except OSError:  # which opening it as a video reports
            return source
    source.seek(0)
    converted = is_webp_or_avif(source.read(HEAD))
    source.seek(0)
    return _as_video(source) if converted else source


def _as_video(file: IO[bytes]) -> IO[bytes]:
    """Return an animation as an MP4 of nearly the same pictures, on white where they are transparent."""
    file.seek(0)
    out = io.BytesIO()
    Image.init()
    formats = tuple(name for name in ("WEBP", "AVIF") if name in Image.OPEN)
    try:
        with Image.open(file, formats=formats) as image, av.open(out, "w", format="mp4") as target:
            number = getattr(image, "n_frames", 1)
            if image.width * image.height * number > _MOST_PIXELS:
                raise UndecodableError(
                    f"it is an animation of {number:,} pictures, which are too many: make it a video"
                )
            # In RGB, so that there is no question of how its colours are meant.
            stream = target.add_stream("libx264rgb", options={"preset": "veryfast", "crf": "4", "bf": "0"})
            stream.width, stream.height, stream.pix_fmt = image.width, image.height, "rgb24"
            stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS)
            packets: list[av.Packet[av.VideoStream]] = []
            shown_at = 0
            for index in range(number):
                image.seek(index)
                image.load()
                duration = max(1, round(image.info.get("duration") or _SHOWN))
                white = Image.new("RGBA", image.size, "white")
                pixels = np.asarray(Image.alpha_composite(white, image.convert("RGBA")).convert("RGB"))
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.duration, frame.time_base = shown_at, duration, Fraction(1, _TICKS)
                shown_at += duration
                packets += stream.encode(frame)
            packets += stream.encode()
            packets[-1].duration = duration  # which the encoder does not know
            target.mux(packets)
    except UnidentifiedImageError as error:
        raise UndecodableError("it is an animation of a kind that the installed Pillow does not read") from error
    except (*_FAILURES, Image.DecompressionBombError) as error:
        raise UndecodableError(f"it is not an animation that can be read ({reason_of(error)})") from error
    out.seek(0)
    return out
