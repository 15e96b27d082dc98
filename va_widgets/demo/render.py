"""Draws a scene at a moment in time, with OpenCV; the same scene and moment give the same pixels."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.random import Generator

from va_widgets.demo.backgrounds import draw_background
from va_widgets.demo.canvas import Canvas, Image, View
from va_widgets.demo.scenes import Scene
from va_widgets.demo.subjects import draw_subjects

__all__ = ["Image", "render"]


def render(scene: Scene, moment: float, width: int, height: int) -> Image:
    """Draw `scene` at `moment` (0 = start of the shot, 1 = its end).

    Returns a uint8 RGB array (height, width, 3). Width and height should be about 16:9.
    """
    rng = np.random.default_rng([scene.seed, 1])
    view = _camera(scene, moment, width, rng)
    empty = np.zeros((height, width, 3), dtype=np.uint8)
    image = draw_background(Canvas(empty, view), scene, moment, rng)
    if scene.framing == "close-up":
        # As through a long lens, the surroundings are larger and out of focus.
        image = _magnified(image, 1.5)
        image = cv2.GaussianBlur(image, (0, 0), sigmaX=width / 60).astype(np.uint8, copy=False)
    _weather(image, scene, moment, behind=True)
    draw_subjects(Canvas(image, view), scene, moment)
    _weather(image, scene, moment, behind=False)
    return _shutter(image, scene)


def _camera(scene: Scene, moment: float, width: int, rng: Generator) -> View:
    """Return the camera's view at a moment: panned, zoomed, and moved slightly up or down."""
    direction = float(rng.choice([-1.0, 1.0]))
    speed = float(rng.uniform(2.2, 3.4))
    zoom, pan = 1.0, 0.0
    if scene.camera == "pan":
        pan = direction * speed * (moment - 0.5)
    elif scene.camera == "zoom":
        zoom = 1.0 + 0.45 * (moment if direction > 0 else 1 - moment)
    bob = 0.04 * math.sin(2 * math.pi * (moment + float(rng.uniform())))
    return View(pixels=width / 16, zoom=zoom, pan=pan, bob=bob)


def _magnified(image: Image, factor: float) -> Image:
    """Return the image enlarged by `factor` around a point a little below its centre."""
    height, width = image.shape[:2]
    matrix = np.array([[factor, 0, width * (1 - factor) / 2], [0, factor, height * (1 - factor) * 0.6]])
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _weather(image: Image, scene: Scene, moment: float, *, behind: bool) -> None:
    """Draw fog, rain or snow over the image: the layer behind the subjects or the one before them."""
    rng = np.random.default_rng([scene.seed, 2, int(behind)])
    height, width = image.shape[:2]
    unit = width / 16
    dim = 0.55 if scene.light == "night" else 1.0
    if scene.weather == "fog":
        share = np.linspace(0.35, 0.75, height)[:, None, None] if behind else np.full((1, 1, 1), 0.22)
        haze = np.array((206, 208, 212)) * (dim * 0.75 if dim < 1 else 1.0)
        if scene.light == "golden":
            haze = np.array((226, 190, 156))
        image[:] = (image * (1 - share) + haze * share).astype(np.uint8)
    elif scene.weather == "rain":
        layer = image.copy()
        drops = rng.uniform([0, -1], [18, 1], (110 if behind else 55, 2))
        fall = 9.0 * 3 * moment
        for x, y in drops:
            top = (y * 4.5 + 4.5 + fall) % 10 - 1
            start = (int(x * unit), int(top * unit))
            stop = (int((x - 0.28) * unit), int((top + 1.0) * unit))
            tone = int(225 * dim)
            cv2.line(layer, start, stop, (tone - 12, tone - 4, tone), max(1, round(unit / 14)), cv2.LINE_AA)
        cv2.addWeighted(layer, 0.7, image, 0.3, -4, dst=image)
    elif scene.weather == "snow":
        flakes = rng.uniform([0, 0, 0.05], [16, 10, 0.13], (80 if behind else 40, 3))
        white = 250 * (0.85 if dim < 1 else 1.0)
        for x, y, size in flakes:
            centre = (int((x + 0.3 * math.sin(6 * moment + x)) * unit), int(((y + 4 * moment) % 10 - 0.5) * unit))
            cv2.circle(image, centre, max(1, round(size * unit)), (white, white, white), -1, cv2.LINE_AA)


def _shutter(image: Image, scene: Scene) -> Image:
    """Return the image with the motion blur of an open shutter: sideways in a pan, radially in a zoom."""
    height, width = image.shape[:2]
    if scene.camera == "pan":
        return cv2.blur(image, (max(3, width // 30), 1))  # type: ignore[return-value]
    if scene.camera == "zoom":
        total = np.zeros(image.shape, dtype=np.float32)
        steps = 6
        for i in range(steps):
            factor = 1 + 0.12 * i / (steps - 1)
            matrix = np.array([[factor, 0, width * (1 - factor) / 2], [0, factor, height * (1 - factor) / 2]])
            total += cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        return (total / steps).astype(np.uint8)
    return image
