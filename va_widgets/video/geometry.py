"""How frames are to be shown: which way up, and how wide their pixels are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer
from numpy.typing import NDArray

from va_widgets.video.container import as_aspect, pixel_aspect

_ONE = 1 << 16  # in a display matrix
_SideData: Any = SideDataContainer  # PyAV's types know of motion vectors alone


@dataclass(frozen=True)
class Geometry:
    """How a frame is shown: its rows and columns are exchanged, and then it is mirrored.

    `mirrored` is from left to right, `flipped` from top to bottom. `pixel_aspect` is the width of a pixel divided by
    its height, before they are exchanged; None if the file does not say.
    """

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False
    pixel_aspect: Fraction | None = None

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height, with square pixels, at which a frame is shown."""
        width, height = self.stretched(width, height)
        return (height, width) if self.transposed else (width, height)

    def stretched(self, width: int, height: int) -> tuple[int, int]:
        """Return a frame's width and height with square pixels, before it is turned."""
        if self.pixel_aspect and Fraction(1, 4) < self.pixel_aspect < 4:
            width = max(1, round(width * self.pixel_aspect))
        return width, height

    def upright(self, picture: NDArray[Any]) -> NDArray[Any]:
        """Return an image (height, width, 3) as it is shown."""
        if self.transposed:
            picture = picture.swapaxes(0, 1)
        if self.mirrored:
            picture = picture[:, ::-1]
        return picture[::-1] if self.flipped else picture


class GeometryReader:
    """Reads from a video's frames how they are shown, in the order in which they are decoded."""

    def __init__(self, stream: av.VideoStream) -> None:
        self._codec = stream.codec_context
        self._geometry = Geometry(pixel_aspect=pixel_aspect(stream))
        self._container_aspect = self._geometry.pixel_aspect
        self._first_aspect: Fraction | None = None  # what the decoder says of the first frames
        self._is_begun = False
        self._aspect_before: Fraction | None = None
        self._pending = set[int]()  # time stamps of packets from the newest key frame on whose frames are to come
        self._before_key = set[int]()  # of those before it
        self._outdated = set[int]()  # of those before the change, whose frames have the aspect before

    def decoded(self, packet: av.Packet[av.VideoStream], has_frames: bool) -> None:
        """Take a packet after it was decoded, before its frames.

        The container's aspect counts until the decoder's changes, as in a broadcast where 16:9 follows 4:3. The change
        is known before the last frames of the old aspect come out of the decoder.
        """
        if packet.is_keyframe:
            self._before_key, self._pending = self._pending, set()
        if packet.pts is not None:
            self._pending.add(packet.pts)
        if not self._is_begun:
            if has_frames:
                self._is_begun, self._first_aspect = True, as_aspect(self._codec.sample_aspect_ratio)
            return
        coded = as_aspect(self._codec.sample_aspect_ratio)
        aspect = self._container_aspect if coded in (None, self._first_aspect) else coded
        if aspect != self._geometry.pixel_aspect:
            self._aspect_before, self._outdated = self._geometry.pixel_aspect, self._before_key
            self._geometry = replace(self._geometry, pixel_aspect=aspect)

    def geometry(self, frame: av.VideoFrame) -> Geometry:
        """Return how a frame is shown.

        Some streams say only with their first frame how they are turned.
        """
        matrix = _display_matrix(frame)
        if matrix is not None:
            transposed, mirrored, flipped = _orientation(matrix)
            self._geometry = replace(self._geometry, transposed=transposed, mirrored=mirrored, flipped=flipped)
        if frame.pts is None:
            return self._geometry
        is_outdated = frame.pts in self._outdated
        for stamps in (self._pending, self._before_key, self._outdated):
            stamps.discard(frame.pts)
        return replace(self._geometry, pixel_aspect=self._aspect_before) if is_outdated else self._geometry


def _display_matrix(frame: av.VideoFrame) -> NDArray[np.int32] | None:
    """Return FFmpeg's display matrix of a frame, int32 (9,) or its first five values; None if it has none."""
    try:
        # Not `frame.side_data`: that is kept by the frame, which it refers to, so that the frame's memory would only
        # be freed when Python looks for such cycles.
        side_data = _SideData(frame)
    except ValueError:
        # PyAV 18 does not know all kinds of FFmpeg 8, such as EXIF in Motion JPEG. It tells the rotation nonetheless,
        # in degrees counterclockwise, but not whether the frame is mirrored, and 0 where there is no matrix.
        if not frame.rotation:
            return None
        angle = np.radians(-frame.rotation)
        turn = np.array([np.cos(angle), np.sin(angle), 0, -np.sin(angle), np.cos(angle)])
        return np.asarray((turn * _ONE).round(), dtype=np.int32)
    matrix = side_data.get("DISPLAYMATRIX")
    return None if matrix is None else np.frombuffer(bytes(matrix), np.int32)


def _orientation(matrix: NDArray[np.int32]) -> tuple[bool, bool, bool]:
    """Return whether a display matrix transposes, mirrors and flips, of those eight ways the nearest one.

    FFmpeg's matrix, int32 (9,), takes a point (x, y) to (a x + c y, b x + d y), with a, b, c and d at 0, 1, 3 and 4.
    One of zeros alone, which some cameras write, says nothing.
    """
    a, b, _, c, d = matrix[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, a < 0, d < 0
    return True, c < 0, b < 0
