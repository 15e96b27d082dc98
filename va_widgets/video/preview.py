"""Previews: a clip cut from its video as a small H.264 file, with its sound, that every browser plays."""

from __future__ import annotations

import io
import logging
from collections.abc import Collection
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from va_widgets.base.errors import CorpusError, PreviewUnavailableError, reason_of
from va_widgets.video.decode import Video
from va_widgets.video.errors import UndecodableError
from va_widgets.video.opened_video import opened_video

_SIDE = 360  # pixels of the shorter side
_LONGEST = 20.0  # seconds
_FASTEST = 30.0  # frames a second
_TICKS = 90_000
_RATE = 48_000  # samples a second; of fewer, what AAC puts before the first would move the picture
_BITS = 96_000  # of sound, a second
_TOLERANCE = 0.02  # seconds between a frame's time stamp and the end of the last: some containers round them

_log = logging.getLogger(__name__)


def cut(source: Path | str, start: float, end: float, context: float = 0.0, allow: Collection[str] = ()) -> bytes:
    """Return the part of a video, a path or URL, from `start` to `end` as MP4.

    Both are seconds from its first picture, also where its sound begins earlier: that part is left out. `context` is
    how many seconds before and after come with it, as far as the video has them. It is H.264, upright, in colours that
    a screen shows; at most 20 seconds and the context, 360 pixels on the shorter side, 30 frames a second. Its sound
    comes along as AAC, stereo or mono; where it cannot be had, the picture comes alone. `allow` are schemes of URLs
    that are followed beside the usual ones. Raises PreviewUnavailableError if the file cannot be decoded there.
    """
    name = source.name if isinstance(source, Path) else source
    try:
        with opened_video(source, allow, _SIDE, every=True, sound=True) as video:
            data = _recoded(video, name, max(0.0, start - context), min(end, start + _LONGEST) + context)
    except UndecodableError as error:
        raise PreviewUnavailableError(f"{name} cannot be played: {error}.") from error
    except (av.error.FFmpegError, OSError, ValueError, ImportError) as error:
        raise PreviewUnavailableError(f"{name} cannot be played from {start:.1f} s on ({reason_of(error)}).") from error
    except CorpusError as error:
        raise PreviewUnavailableError(str(error)) from error
    if data is None:
        raise PreviewUnavailableError(f"{name} has no picture at {start:.1f} s: it has changed since the build.")
    return data


def _recoded(video: Video, name: str, start: float, end: float) -> bytes | None:
    """Return a part of a video as MP4; None if it has no frame there."""
    out = io.BytesIO()
    target: av.VideoStream | None = None
    packets: list[av.Packet[Any]] = []
    last = -1.0
    until = start  # when the last picture ends
    # Not a fragmented MP4: of those, browsers add AAC's priming samples to the length.
    with av.open(out, "w", format="mp4") as file:
        for frame in video.frames(start):
            if frame.time >= end - 1e-4:
                break
            until = min(frame.end, end)
            if last >= 0 and frame.time - last < 1 / _FASTEST - 1e-3:
                continue
            last = frame.time
            picture = av.VideoFrame.from_ndarray(frame.picture(), format="rgb24")
            if target is None:
                # No B-frames: with them, files of an unsteady frame rate would end too early or late.
                target = file.add_stream("libx264", options={"preset": "veryfast", "crf": "26", "bf": "0"})
                target.width, target.height, target.pix_fmt = picture.width, picture.height, "yuv420p"
                target.time_base = target.codec_context.time_base = Fraction(1, _TICKS)
            picture.pts, picture.time_base = round((max(frame.time, start) - start) * _TICKS), Fraction(1, _TICKS)
            packets += target.encode(picture)
        if target is None:
            return None
        packets += target.encode()
        # The encoder does not know how long the last picture is shown.
        packets[-1].duration = max(1, round((until - start) * _TICKS) - (packets[-1].pts or 0))
        sound = _sound(video, name, start, until)
        if sound is not None:
            layout, encoded = sound
            audio = file.add_stream("aac", rate=_RATE, layout=layout)
            for packet in encoded:
                packet.stream = audio
            packets += encoded
        file.mux(sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base))
    return out.getvalue()


def _sound(video: Video, name: str, start: float, end: float) -> tuple[str, list[av.Packet[Any]]] | None:
    """Return the sound of a part of a video, its layout and its packets of AAC; None if it has none or it fails."""
    try:
        samples = _samples(video, start, end)
        if samples is None:
            return None
        layout = "mono" if len(samples) == 1 else "stereo"
        encoder = av.AudioCodecContext.create("aac", "w")
        encoder.layout, encoder.sample_rate, encoder.format, encoder.bit_rate = layout, _RATE, "fltp", _BITS
        encoder.options = {"aac_coder": "fast"}  # at so many bits also the better one
        frame = av.AudioFrame.from_ndarray(samples, "fltp", layout)
        frame.sample_rate, frame.time_base, frame.pts = _RATE, Fraction(1, _RATE), 0
        return layout, [*encoder.encode(frame), *encoder.encode()]
    except Exception as error:  # a damaged sound must not prevent the preview
        _log.info("A preview of %s comes without its sound: %s", name, reason_of(error))
        return None


def _samples(video: Video, start: float, end: float) -> NDArray[np.float32] | None:
    """Return the sound of a part of a video, float32 (channels, samples), 0 in gaps; None if it has none at all."""
    length = round((end - start) * _RATE)
    samples: NDArray[np.float32] | None = None
    setup: tuple[str, str, int] | None = None
    at: int | None = None  # the number of the next sample
    layout = ""
    for moment, frame in video.sound(start, end):
        layout = layout or ("mono" if frame.layout.nb_channels == 1 else "stereo")
        stamped = round((moment - start) * _RATE)
        if at is None or abs(stamped - at) > _TOLERANCE * _RATE:
            at = stamped
        before, setup = setup, (frame.format.name, frame.layout.name, frame.sample_rate)
        if setup != before:  # at the first frame, and where a broadcast changes it
            resampler = av.AudioResampler("fltp", layout, _RATE)
        for piece in resampler.resample(frame):
            first, last = max(0, at), min(at + piece.samples, length)
            if first < last:
                if samples is None:
                    samples = np.zeros((piece.layout.nb_channels, length), np.float32)
                samples[:, first:last] = piece.to_ndarray()[:, first - at : last - at]
            at += piece.samples
    return samples
