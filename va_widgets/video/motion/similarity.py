"""A picture's shift, scale and rotation as two complex numbers, x the real and y the imaginary part."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_LEAST_SCALE = 0.01  # of one picture to the next


class Similarity(NamedTuple):
    """Moves a point at z from the picture's centre to `turn` * z + `shift`, in pixels."""

    turn: complex = 1 + 0j
    shift: complex = 0j

    @classmethod
    def of(cls, matrix: NDArray[np.floating[Any]], size: tuple[int, int]) -> Similarity:
        """Return the similarity of a matrix (2, 3) that moves pixels of a picture of `size` (width, height)."""
        turn, centre = complex(matrix[0, 0], matrix[1, 0]), _centre(size)
        return cls(turn, complex(matrix[0, 2], matrix[1, 2]) + turn * centre - centre)

    def matrix(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """Return the matrix (2, 3) that moves pixels of a picture of `size` (width, height)."""
        centre = _centre(size)
        shift = self.shift + centre - self.turn * centre
        return np.array([[self.turn.real, -self.turn.imag, shift.real], [self.turn.imag, self.turn.real, shift.imag]])

    def after(self, other: Similarity) -> Similarity:
        """Return the similarity that moves a point as `other` and then as this one."""
        return Similarity(self.turn * other.turn, self.turn * other.shift + self.shift)

    def part(self, share: float) -> Similarity:
        """Return a share of the move, from 0 to 1."""
        return Similarity(self.turn**share if abs(self.turn) > _LEAST_SCALE else 1 + 0j, share * self.shift)

    def distance(self, size: tuple[int, int]) -> float:
        """Return how far points half-way between the centre and the corners move on average, in pixels."""
        width, height = size
        places = np.array([complex(x * width, y * height) / 4 for x in (-1, 1) for y in (-1, 1)])
        return float(np.abs((self.turn - 1) * places + self.shift).mean())

    def moves(self, points: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float64]:
        """Return how pixels at `points` (n, 2) of a picture of `size` move, float64 (n, 2)."""
        matrix = self.matrix(size)
        return points @ matrix[:, :2].T + matrix[:, 2] - points

    def camera(self, size: tuple[int, int]) -> dict[str, float]:
        """Return the camera's move that moves the picture so, as fields of PairMotion."""
        return {
            "pan": -self.shift.real / size[0],
            "tilt": self.shift.imag / size[1],
            "zoom": float(np.log(max(abs(self.turn), _LEAST_SCALE))),
            "roll": -float(np.angle(self.turn)),
        }


def _centre(size: tuple[int, int]) -> complex:
    return complex(size[0] - 1, size[1] - 1) / 2
