"""What moves from one frame to another, as numbers; without OpenCV, so that numbers can be read before it is loaded."""

from __future__ import annotations

from typing import NamedTuple


class PairMotion(NamedTuple):
    """The camera's move from one frame to the next, and what moves against it.

    `pan` (to the right) is in picture widths, `tilt` (up) in picture heights, `zoom` (in) the logarithm of the scale,
    `roll` (clockwise) in radians: a point at a distance r from the centre moves by r times `zoom` or `roll`. All four
    are multiplied by `certainty`, which is from 0 to 1.

    `subject` is how far the average point moves against the camera's move, `moving` the share of points that do, `x`
    and `y` their mean place, from the centre, and `right` and `down` their mean move; in picture widths and heights.
    `change` is the part of the picture that the camera's move does not explain, from 0 to about 1.
    """

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0
    roll: float = 0.0
    certainty: float = 0.0
    subject: float = 0.0
    moving: float = 0.0
    x: float = 0.0
    y: float = 0.0
    right: float = 0.0
    down: float = 0.0
    change: float = 0.0
