"""Decoded frames become small arrays: scaled, upright, with square pixels, in the colours that a screen shows."""

from __future__ import annotations

from typing import Any, TypeAlias

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc, VideoReformatter
from numpy.typing import NDArray

from va_widgets.video.colour import Transfer, to_screen
from va_widgets.video.geometry import Geometry

Picture: TypeAlias = NDArray[np.uint8]
"""An image, uint8 (height, width, 3)."""

_HD = 720  # lines from which a frame without a colour space is taken as BT.709, not BT.601
_HDR: dict[int, Transfer] = {int(ColorTrc.SMPTE2084): "pq", int(ColorTrc.ARIB_STD_B67): "hlg"}
_UNSPECIFIED = 2  # FFmpeg's AVCOL_SPC_UNSPECIFIED
_CONVERTED = (0, 1, 4, 5, 6, 7, 9)  # AVCOL_SPC_… that FFmpeg's scaler knows; of others it gives an error
_BT2020: Colorspace = getattr(Colorspace, "BT2020", Colorspace.ITU709)  # PyAV 17 does not know it: the one most like it
_BT2020_CL = 10  # of constant luminance, which looks nearly like the usual BT.2020
# Whose brightness alone can be shown: in any other space their colours would be quite wrong.
GREY_SPACES = {8: "YCgCo", 11: "YDzDx", 14: "ICtCp", 15: "IPT-C2", 16: "YCgCo-R", 17: "YCgCo-R"}


class FrameScaler:
    """Converts decoded frames to arrays whose shorter side has at most `side` pixels.

    Parameters
    ----------
    side : int
        Pixels.
    pixel_format : str
        FFmpeg's name of the result's format, such as "rgb24".
    tone_map : bool
        Whether colours of BT.2020, as in high dynamic range, are converted to those of an ordinary screen.
    """

    def __init__(self, side: int, pixel_format: str, tone_map: bool) -> None:
        self._side = side
        self._pixel_format = pixel_format
        self._tone_map = tone_map
        self._reformatter = VideoReformatter()  # reused, because setting one up takes longer than a frame

    def __call__(self, frame: av.VideoFrame, geometry: Geometry) -> Picture:
        """Return the frame as an array, as it is shown."""
        width, height = fitted_size(*geometry.stretched(frame.width, frame.height), self._side)
        is_grey = frame.colorspace in GREY_SPACES
        # Area averaging avoids moire, which would disturb both shot detection and the encoder.
        scaled: NDArray[Any] = self._reformatter.reformat(
            frame,
            width,
            height,
            "gray" if is_grey else self._pixel_format,
            src_colorspace=_taken_space(frame),
            interpolation="AREA",
            threads=1,
        ).to_ndarray()
        if is_grey:
            scaled = np.repeat(scaled[..., None], 3, axis=2)
        picture = np.ascontiguousarray(geometry.upright(scaled), dtype=np.uint8)
        if self._tone_map and frame.color_primaries == ColorPrimaries.BT2020:
            return to_screen(picture, _HDR.get(frame.color_trc, "gamma"))
        return picture


def _taken_space(frame: av.VideoFrame) -> Colorspace | None:
    """Return the colour space that a frame is taken to have; None for what it says, or what FFmpeg takes by itself."""
    if frame.colorspace in _CONVERTED or (frame.colorspace == _UNSPECIFIED and frame.height < _HD):
        return None
    if frame.colorspace == _BT2020_CL:
        return _BT2020
    return Colorspace.ITU709 if frame.height >= _HD else Colorspace.ITU601


def fitted_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Return the width and height, both even, at which the shorter side of an image is at most `side`."""
    scale = min(1.0, side / max(1, min(width, height)))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)
