"""A decoded frame, whose pixels are converted when they are needed."""

from __future__ import annotations

from dataclasses import dataclass

import av

from va_widgets.video.geometry import Geometry
from va_widgets.video.scaling import FrameScaler, Picture


@dataclass(frozen=True)
class Scalers:
    """What converts the frames of a video: small, for shot detection, and larger, for embedding and filmstrip."""

    small: FrameScaler
    picture: FrameScaler


class Frame:
    """A decoded frame: its number in the file, and its `time` and `end` in seconds from the file's first frame.

    Its pixels are converted on request, because most frames are only needed small.
    """

    __slots__ = ("_decoded", "_geometry", "_scalers", "_small", "end", "index", "time")

    def __init__(
        self, index: int, time: float, end: float, decoded: av.VideoFrame, geometry: Geometry, scalers: Scalers
    ) -> None:
        self.index = index
        self.time = time
        self.end = end
        self._decoded = decoded
        self._geometry = geometry
        self._scalers = scalers
        self._small: Picture | None = None

    def small(self) -> Picture:
        """Return it as BGR, for shot detection and motion; converted once."""
        if self._small is None:
            self._small = self._scalers.small(self._decoded, self._geometry)
        return self._small

    def picture(self) -> Picture:
        """Return it as RGB, for embedding and filmstrip."""
        return self._scalers.picture(self._decoded, self._geometry)

    def shown_size(self) -> tuple[int, int]:
        """Return its width and height in pixels, upright and before it is scaled down."""
        return self._geometry.size(self._decoded.width, self._decoded.height)
