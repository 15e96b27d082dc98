"""The canvas that scenes are drawn on: a camera's view of a flat world, and the shapes that drawings are made of.

The world is 16 x 9 units, y downwards. A `View` has a scale and a shift for each depth, so that a pan moves the
foreground faster than the background.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
Points: TypeAlias = NDArray[np.float64]
Colour: TypeAlias = tuple[float, float, float]

_FRACTION_BITS = 4  # cv2 draws at sixteenths of a pixel, so that slow motion is smooth


@dataclass(frozen=True, slots=True)
class View:
    """Maps points in world units, at some depth (0 is farthest, 1 nearest), to pixels."""

    pixels: float  # pixels per world unit
    zoom: float
    pan: float  # world units that the camera has moved to the right
    bob: float  # world units that the camera has moved down

    def to_pixels(self, points: Points, depth: float) -> NDArray[np.int32]:
        """Return the pixel coordinates (n, 2) of points (n, 2), as fixed-point numbers for cv2."""
        centre = np.array([8.0, 4.5])
        moved = (points - centre) * (1 + (self.zoom - 1) * depth) + centre
        moved = moved - np.array([self.pan * depth, self.bob * depth])
        return np.round(moved * self.pixels * (1 << _FRACTION_BITS)).astype(np.int32)


@dataclass(frozen=True, slots=True)
class Canvas:
    """An image to draw on, with the view that maps world units to its pixels."""

    image: Image
    view: View

    def fill(self, depth: float, colour: Colour, *outlines: Points) -> None:
        """Fill the area between closed outlines; a second outline within the first is a hole."""
        contours = [self.view.to_pixels(outline, depth) for outline in outlines]
        cv2.fillPoly(self.image, contours, colour, lineType=cv2.LINE_AA, shift=_FRACTION_BITS)

    def draw_line(self, depth: float, colour: Colour, outline: Points, thickness: int) -> None:
        """Draw a closed outline, `thickness` pixels wide."""
        contour = self.view.to_pixels(outline, depth)
        cv2.polylines(self.image, [contour], True, colour, thickness, cv2.LINE_AA, shift=_FRACTION_BITS)


def lit(colour: Colour, light: Colour) -> Colour:
    """Return a colour under a light, whose channels are factors."""
    return tuple(min(255.0, channel * factor) for channel, factor in zip(colour, light, strict=True))  # type: ignore[return-value]


def ellipse(x: float, y: float, rx: float, ry: float, steps: int = 36) -> Points:
    """Return the outline of an ellipse around (x, y) as a polygon (steps, 2)."""
    angle = np.linspace(0, 2 * math.pi, steps, endpoint=False)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


def box(left: float, top: float, right: float, bottom: float) -> Points:
    """Return the outline (4, 2) of a rectangle."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)
