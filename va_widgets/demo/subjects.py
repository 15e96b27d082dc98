"""Draws a scene's subjects: shapes, cars and balloons, with OpenCV."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from va_widgets.demo.canvas import Canvas, Colour, Points, box, ellipse, lit
from va_widgets.demo.scenes import Scene

COLOURS: dict[str, Colour] = {
    "red": (222, 36, 40),
    "blue": (40, 88, 232),
    "green": (36, 172, 66),
    "yellow": (248, 216, 36),
    "purple": (146, 52, 190),
    "orange": (248, 128, 22),
    "white": (244, 244, 244),
}

# How the light of each hour multiplies the colours of subjects: less than those of the surroundings, as if the camera
# crew had lit the subjects.
_SUBJECT_LIGHT: dict[str, Colour] = {
    "day": (1.0, 1.0, 1.0),
    "night": (0.80, 0.80, 0.86),
    "golden": (1.0, 0.95, 0.88),
}
_SIZES = {"close-up": (5.6, 7.4), "medium": (2.9, 3.9), "wide": (1.4, 1.9)}
_NUMBERS = {"none": 0, "one": 1, "two": 2, "three": 3}
_SIZE_FACTORS = {1: 1.0, 2: 0.78, 3: 0.70}


def draw_subjects(canvas: Canvas, scene: Scene, moment: float) -> None:
    """Draw a scene's subjects, as many as its count says; nothing if it has none."""
    rng = np.random.default_rng([scene.seed, 3])
    number = _NUMBERS.get(scene.count) if scene.count != "many" else int(rng.integers(6, 10))
    if not number or scene.subject == "none":
        return
    low, high = _SIZES[scene.framing]
    size = float(rng.uniform(low, high)) * _SIZE_FACTORS.get(number, 0.55)
    if scene.count == "many":
        size = min(size, 2.2)
    colour = lit(COLOURS[scene.colour], _SUBJECT_LIGHT[scene.light])
    for i, (x, y) in enumerate(_positions(scene, number, size, rng)):
        turn = math.radians(float(rng.uniform(-14, 14)))
        sway = 0.05 * size * math.sin(2 * math.pi * (moment + i / number))
        _draw_subject(canvas, scene.subject, (x, y + sway), size, turn, colour)


def _positions(scene: Scene, number: int, size: float, rng: Generator) -> list[tuple[float, float]]:
    """Return the centres of `number` subjects in world units: in a row, or in two rows if there are more than three."""
    middle = 4.7 if scene.framing == "close-up" else 5.4
    if number > 3:
        columns = math.ceil(number / 2)
        step = min(13.0 / columns, size * 1.35)
        return [
            (
                8 + (i % columns - (columns - 1) / 2) * step + float(rng.uniform(-0.2, 0.2)),
                middle + (-0.55 if i < columns else 0.6) * size + float(rng.uniform(-0.15, 0.15)),
            )
            for i in range(number)
        ]
    step = size * 1.2
    x, y = 8 + float(rng.uniform(-1.6, 1.6)), middle + float(rng.uniform(-0.5, 0.5))
    return [(x + (i - (number - 1) / 2) * step, y + float(rng.uniform(-0.1, 0.1)) * size) for i in range(number)]


def _outline(shape: str) -> list[Points]:
    """Return the contours of a shape, one unit across, around the origin; a second contour is a hole."""
    if shape == "circle":
        return [ellipse(0, 0, 0.5, 0.5, 48)]
    if shape == "ring":
        return [ellipse(0, 0, 0.5, 0.5, 48), ellipse(0, 0, 0.3, 0.3, 40)]
    if shape == "square":
        return [box(-0.43, -0.43, 0.43, 0.43)]
    if shape == "triangle":
        return [np.array([[0, -0.5], [0.55, 0.45], [-0.55, 0.45]])]
    if shape == "cross":
        a, b = 0.17, 0.5  # half the width and half the length of an arm
        corners = [
            [-a, -b], [a, -b], [a, -a], [b, -a], [b, a], [a, a], [a, b], [-a, b], [-a, a], [-b, a], [-b, -a], [-a, -a],
        ]  # fmt: skip
        return [np.array(corners)]
    if shape == "star":
        angle = np.arange(10) * math.pi / 5 - math.pi / 2
        radius = np.where(np.arange(10) % 2 == 0, 0.56, 0.23)
        return [np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)]
    if shape == "heart":
        t = np.linspace(0, 2 * math.pi, 48, endpoint=False)
        x = 16 * np.sin(t) ** 3
        y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
        return [np.stack([x / 33, -(y + 2.5) / 31], axis=1)]
    if shape == "car":
        corners = [
            [-0.62, 0.18], [-0.62, 0.0], [-0.5, -0.06], [-0.34, -0.28], [0.18, -0.28], [0.36, -0.06], [0.62, 0.0],
            [0.62, 0.18],
        ]  # fmt: skip
        return [np.array(corners)]
    angle = np.linspace(math.pi * 0.80, math.pi * 2.20, 30)  # the envelope of a hot-air balloon
    envelope = np.stack([0.40 * np.cos(angle), -0.12 + 0.40 * np.sin(angle)], axis=1)
    return [np.concatenate([envelope, [[0.1, 0.30], [-0.1, 0.30]]])]


def _draw_subject(
    canvas: Canvas, shape: str, place: tuple[float, float], size: float, turn: float, colour: Colour
) -> None:
    """Draw one subject around `place`, turned by `turn` radians, with a lighter rim and its details."""
    if shape in ("car", "balloon"):
        turn *= 0.3
    rotation = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]]) * size

    def placed(points: Points) -> Points:
        return points @ rotation + np.array(place)

    outlines = [placed(outline) for outline in _outline(shape)]
    red, green, blue = (min(255.0, 0.55 * channel + 110) for channel in colour)
    canvas.fill(1.0, colour, *outlines)
    thickness = max(1, round(canvas.view.pixels * size * 0.018))
    for outline in outlines:
        canvas.draw_line(1.0, (red, green, blue), outline, thickness)
    if shape == "car":
        for x in (-0.36, 0.36):
            canvas.fill(1.0, (24, 24, 26), placed(ellipse(x, 0.19, 0.13, 0.13, 24)))
            canvas.fill(1.0, (150, 150, 156), placed(ellipse(x, 0.19, 0.06, 0.06, 16)))
        glass = np.array([[-0.29, -0.07], [-0.2, -0.22], [0.13, -0.22], [0.24, -0.07]])
        canvas.fill(1.0, (168, 196, 214), placed(glass))
    elif shape == "balloon":
        for x in (-0.2, 0.0, 0.2):
            canvas.fill(1.0, lit(colour, (0.3, 0.3, 0.3)), placed(ellipse(x * 0.9, -0.12, 0.012, 0.38, 16)))
        canvas.fill(1.0, (120, 84, 50), placed(box(-0.09, 0.40, 0.09, 0.55)))
        for x in (-0.08, 0.07):
            canvas.fill(1.0, (90, 70, 50), placed(box(x, 0.30, x + 0.015, 0.41)))
