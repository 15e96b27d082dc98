"""Draws the surroundings of a scene, its setting and sky in the light of the hour, with OpenCV."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from va_widgets.demo.canvas import Canvas, Colour, Image, Points, box, ellipse, lit
from va_widgets.demo.scenes import Scene

# How the light of each hour multiplies the colours of the surroundings.
_AMBIENT: dict[str, Colour] = {
    "day": (1.0, 1.0, 1.0),
    "night": (0.25, 0.29, 0.46),
    "golden": (1.04, 0.74, 0.50),
}
_SKY: dict[str, tuple[Colour, Colour]] = {
    "day": ((84, 156, 232), (206, 230, 248)),
    "night": ((6, 9, 26), (30, 36, 70)),
    "golden": ((96, 84, 140), (255, 176, 84)),
}


def draw_background(canvas: Canvas, scene: Scene, moment: float, rng: Generator) -> Image:
    """Draw a scene's surroundings over the whole canvas, and return the image with snow on the ground if it snows."""
    if scene.setting == "interior":
        _interior(canvas, scene.light, rng)
        return canvas.image
    _sky(canvas, scene, moment, rng)
    if scene.setting == "sea":
        _sea(canvas, scene.light, moment, rng)
    else:
        draw = {"city": _city, "forest": _forest, "mountains": _mountains, "desert": _desert, "meadow": _meadow}
        draw[scene.setting](canvas, scene.light, rng)
    return _snow_covered(canvas.image) if scene.weather == "snow" else canvas.image


def _sky(canvas: Canvas, scene: Scene, moment: float, rng: Generator) -> None:
    """Fill the canvas with the sky: stars and moon, the low sun or clouds, by the hour, or grey in bad weather."""
    top, horizon = (np.array(colour) for colour in _SKY[scene.light])
    if scene.weather in ("rain", "snow", "fog") and scene.light != "night":
        grey = np.array((150.0, 154.0, 160.0)) * (1.0 if scene.light == "day" else 0.85)
        keep = 0.35 if scene.light == "day" else 0.62
        top, horizon = keep * top + (1 - keep) * grey, keep * horizon + (1 - keep) * grey
    jitter = rng.uniform(0.92, 1.08)
    share = np.clip(np.linspace(0, 1.6, canvas.image.shape[0]), 0, 1)[:, None, None]
    canvas.image[:] = np.clip((top + (horizon - top) * share) * jitter, 0, 255).astype(np.uint8)
    if scene.light == "night":
        stars = rng.uniform([-4, 0], [20, 5], (26, 2))
        moon = rng.uniform([2, 0.8], [14, 2.2])
        if scene.weather == "clear":
            for x, y in stars:
                canvas.fill(0.1, (190, 195, 215), ellipse(x, y, 0.035, 0.035, 6))
            canvas.fill(0.1, (226, 226, 206), ellipse(moon[0], moon[1], 0.5, 0.5))
            canvas.fill(0.1, (26, 31, 62), ellipse(moon[0] + 0.22, moon[1] - 0.08, 0.46, 0.46))
    elif scene.light == "golden":
        x = float(rng.uniform(2, 14))
        for radius, colour in ((2.6, (255, 186, 100)), (1.7, (255, 204, 124)), (1.0, (255, 236, 184))):
            canvas.fill(0.1, colour, ellipse(x, 4.4, radius, radius))
    elif scene.weather == "clear":
        for x, y, size in rng.uniform([-4, 0.6, 0.5], [20, 2.6, 1.0], (4, 3)):
            drift = x + 0.4 * moment
            for dx, scale in ((-1.0, 0.6), (0.0, 1.0), (1.0, 0.7)):
                cloud = ellipse(drift + dx * size, y, size * scale * 1.1, size * scale * 0.55, 20)
                canvas.fill(0.15, (250, 252, 255), cloud)


def _city(canvas: Canvas, light: str, rng: Generator) -> None:
    ambient = _AMBIENT[light]
    for depth, base, low, high in ((0.3, (136, 142, 156), 2.6, 4.4), (0.5, (104, 108, 122), 1.4, 3.6)):
        x = -6.0
        while x < 22:
            wide, tall = float(rng.uniform(1.1, 2.1)), float(rng.uniform(low, high))
            shade = float(rng.uniform(0.8, 1.2))
            wall = lit(tuple(c * shade for c in base), ambient)  # type: ignore[arg-type]
            canvas.fill(depth, wall, box(x, 6.8 - tall, x + wide, 7.2))
            if depth == 0.5:
                _windows(canvas, light, rng, x, wide, tall)
            x += wide + float(rng.uniform(0.02, 0.3))
    canvas.fill(0.8, lit((92, 92, 96), ambient), box(-8, 7.0, 24, 14))
    for x in np.arange(-7.0, 23.0, 2.0):
        canvas.fill(0.8, lit((214, 210, 190), ambient), box(x, 7.95, x + 1.0, 8.1))


def _windows(canvas: Canvas, light: str, rng: Generator, x: float, wide: float, tall: float) -> None:
    """Draw a house's windows, more of them lit the darker it is; `x` is the house's left edge."""
    lit_share = {"night": 0.6, "golden": 0.35, "day": 0.0}[light]
    for wx in np.arange(x + 0.15, x + wide - 0.25, 0.42):
        for wy in np.arange(6.95 - tall, 6.6, 0.5):
            on = rng.uniform() < lit_share
            pane = (252.0, 222.0, 128.0) if on else lit((72, 86, 110), _AMBIENT[light])
            canvas.fill(0.5, pane, box(wx, wy, wx + 0.2, wy + 0.26))


def _sea(canvas: Canvas, light: str, moment: float, rng: Generator) -> None:
    ambient = _AMBIENT[light]
    canvas.fill(0.2, lit((34, 104, 170), ambient), box(-8, 4.6, 24, 14))
    canvas.fill(0.5, lit((24, 82, 146), ambient), box(-8, 6.3, 24, 14))
    foam = lit((170, 208, 232), ambient)
    for x, y, long in rng.uniform([-6, 4.8, 0.5], [22, 8.9, 1.6], (46, 3)):
        depth = 0.2 + (y - 4.6) * 0.15
        drift = x + 0.5 * math.sin(2 * math.pi * (moment + x))
        canvas.fill(depth, foam, ellipse(drift, y, long, 0.02 + 0.012 * (y - 4.6), 10))
    if rng.uniform() < 0.5:  # an island far away
        island = ellipse(float(rng.uniform(0, 16)), 4.66, float(rng.uniform(0.8, 2.0)), 0.4)
        canvas.fill(0.2, lit((70, 98, 92), ambient), np.minimum(island, [99.0, 4.66]))


def _forest(canvas: Canvas, light: str, rng: Generator) -> None:
    ambient = _AMBIENT[light]
    canvas.fill(0.5, lit((44, 70, 36), ambient), box(-8, 6.6, 24, 14))
    rows = ((0.3, 6.4, 3.6, (58, 108, 74), 1.0), (0.5, 7.0, 4.4, (34, 84, 48), 1.5), (0.8, 8.2, 5.0, (22, 62, 34), 2.6))
    for depth, foot, tall, base, step in rows:
        for x in np.arange(-6.0, 22.0, step):
            x += float(rng.uniform(-0.4, 0.4))
            high = tall * float(rng.uniform(0.75, 1.15))
            leaves = lit(tuple(c * float(rng.uniform(0.85, 1.15)) for c in base), ambient)  # type: ignore[arg-type]
            if depth == 0.8 and 3.0 < x < 13.0:
                continue  # a clearing for the subject
            canvas.fill(depth, lit((74, 52, 36), ambient), box(x - 0.1, foot - 0.6, x + 0.1, foot + 0.3))
            for tier in range(3):
                top, wide = foot - high + tier * high * 0.25, 0.45 + 0.28 * tier
                tree = np.array([[x, top], [x + wide, top + high * 0.45], [x - wide, top + high * 0.45]])
                canvas.fill(depth, leaves, tree)


def _mountains(canvas: Canvas, light: str, rng: Generator) -> None:
    ambient = _AMBIENT[light]
    for depth, base, low, high, step in ((0.2, (138, 142, 164), 1.4, 2.8, 3.0), (0.4, (98, 98, 116), 2.8, 4.4, 2.4)):
        ridge = [[-8.0, 7.0]]
        for x in np.arange(-7.0, 24.0, step):
            ridge.append([x, float(rng.uniform(low, high))])
            ridge.append([x + step / 2 + float(rng.uniform(-0.3, 0.3)), float(rng.uniform(high + 0.6, high + 1.6))])
        outline = np.array([*ridge, [24.0, 7.0], [24.0, 14.0], [-8.0, 14.0]])
        canvas.fill(depth, lit(base, ambient), outline)
        for i in range(1, len(ridge) - 1, 2):  # the shaded side
            peak, foot = ridge[i], ridge[i + 1]
            shade = np.array([peak, foot, [peak[0] + 0.1, foot[1] + 0.4]])
            canvas.fill(depth, lit(tuple(c * 0.78 for c in base), ambient), shade)  # type: ignore[arg-type]
    canvas.fill(0.6, lit((112, 112, 96), ambient), _hills(rng, 6.9, 0.25, 0.6))
    for x, y, size in rng.uniform([-6, 7.2, 0.1], [22, 8.8, 0.35], (16, 3)):
        canvas.fill(0.7, lit((88, 86, 80), ambient), ellipse(x, y, size, size * 0.6, 7))


def _desert(canvas: Canvas, light: str, rng: Generator) -> None:
    ambient = _AMBIENT[light]
    canvas.fill(0.3, lit((226, 190, 130), ambient), _hills(rng, 4.9, 0.5, 0.35))
    canvas.fill(0.5, lit((214, 172, 108), ambient), _hills(rng, 6.0, 0.6, 0.45))
    for x, size in rng.uniform([-5, 0.7], [21, 1.2], (5, 2)):
        cactus = lit((62, 112, 64), ambient)
        canvas.fill(0.55, cactus, box(x - 0.14 * size, 6.6 - 1.5 * size, x + 0.14 * size, 6.8))
        for side, arm in ((-1, 0.9), (1, 0.6)):
            inner, outer = x + side * 0.1, x + side * 0.55 * size
            left, right = min(inner, outer), max(inner, outer)
            canvas.fill(0.55, cactus, box(left, 6.5 - arm * size, right, 6.5 - (arm - 0.22) * size))
            canvas.fill(
                0.55,
                cactus,
                box(outer - 0.1, 6.5 - (arm + 0.5) * size, outer + 0.1, 6.5 - (arm - 0.22) * size),
            )
    canvas.fill(0.8, lit((198, 150, 88), ambient), _hills(rng, 7.6, 0.35, 0.5))


def _meadow(canvas: Canvas, light: str, rng: Generator) -> None:
    ambient = _AMBIENT[light]
    canvas.fill(0.3, lit((146, 196, 104), ambient), _hills(rng, 5.0, 0.5, 0.4))
    canvas.fill(0.5, lit((118, 182, 76), ambient), _hills(rng, 5.9, 0.5, 0.5))
    canvas.fill(0.8, lit((96, 164, 60), ambient), _hills(rng, 7.2, 0.3, 0.4))
    for x, y in rng.uniform([-6, 6.6], [22, 9.0], (70, 2)):
        petal = [(250, 250, 250), (250, 220, 90), (240, 130, 170), (180, 140, 230)][int(rng.integers(4))]
        size = 0.05 + 0.03 * (y - 6.6)
        canvas.fill(0.8, lit(petal, ambient), ellipse(x, y, size, size, 6))


def _interior(canvas: Canvas, light: str, rng: Generator) -> None:
    ambient = {"day": (1.0, 1.0, 1.0), "night": (0.42, 0.38, 0.40), "golden": (1.0, 0.82, 0.62)}[light]
    wall = [(206, 196, 182), (182, 194, 196), (204, 186, 186), (190, 188, 204)][int(rng.integers(4))]
    canvas.fill(0.3, lit(wall, ambient), box(-8, -6, 24, 14))
    canvas.fill(0.3, lit((150, 110, 76), ambient), box(-8, 6.8, 24, 14))
    canvas.fill(0.3, lit((236, 230, 222), ambient), box(-8, 6.6, 24, 6.8))
    for i in range(-6, 23, 2):  # floor boards, which run towards the viewer
        board = np.array([[i, 6.8], [i + 0.04, 6.8], [8 + (i - 8) * 1.8 + 0.1, 10.0], [8 + (i - 8) * 1.8, 10.0]])
        canvas.fill(0.3, lit((118, 84, 58), ambient), board)
    left = float(rng.uniform(1.0, 9.5))
    canvas.fill(0.3, lit((244, 240, 232), ambient), box(left - 0.2, 1.0, left + 4.2, 4.8))
    top, horizon = _SKY[light]
    canvas.fill(0.3, top, box(left, 1.2, left + 4.0, 3.0))
    canvas.fill(0.3, horizon, box(left, 3.0, left + 4.0, 4.6))
    canvas.fill(0.3, lit((244, 240, 232), ambient), box(left + 1.93, 1.2, left + 2.07, 4.6))
    canvas.fill(0.3, lit((244, 240, 232), ambient), box(left, 2.83, left + 4.0, 2.97))
    other = left + 5.2 if left < 5 else left - 4.2
    canvas.fill(0.3, lit((98, 70, 50), ambient), box(other, 1.6, other + 2.6, 3.6))
    canvas.fill(0.3, lit((172, 178, 150), ambient), box(other + 0.2, 1.8, other + 2.4, 3.4))
    sofa = other - 0.6
    canvas.fill(0.45, lit((112, 104, 108), ambient), box(sofa, 5.0, sofa + 4.0, 7.2))
    canvas.fill(0.45, lit((132, 124, 128), ambient), box(sofa + 0.3, 6.0, sofa + 3.7, 7.0))
    if light == "night":
        lamp = left + 2.0
        canvas.fill(
            0.4,
            (255, 226, 150),
            np.array([[lamp - 0.4, 4.9], [lamp + 0.4, 4.9], [lamp + 0.7, 5.8], [lamp - 0.7, 5.8]]),
        )
        canvas.fill(0.4, (70, 56, 48), box(lamp - 0.06, 5.8, lamp + 0.06, 7.0))


def _snow_covered(image: Image) -> Image:
    """Return the image with a white ground; the white depends on the ground's brightness, so it is darker by night."""
    height = image.shape[0]
    share = np.clip((np.linspace(0, 1, height) - 0.45) / 0.4, 0, 0.72)[:, None, None]
    level = image[int(height * 0.75) :].mean()
    white = np.clip(np.array((1.0, 1.02, 1.06)) * (70 + 1.35 * level), 0, 250)
    return np.clip(image * (1 - share) + white * share, 0, 255).astype(np.uint8)


def _hills(rng: Generator, top: float, swing: float, waves: float) -> Points:
    """Return a rolling outline with everything below it. It is wider than the frame, so that a pan shows no end."""
    x = np.linspace(-6, 22, 60)
    phase = rng.uniform(0, 2 * math.pi, 3)
    y = (
        top
        + swing * np.sin(x * waves + phase[0])
        + 0.4 * swing * np.sin(x * waves * 2.3 + phase[1])
        + 0.15 * swing * np.sin(x * waves * 5.1 + phase[2])
    )
    return np.concatenate([np.stack([x, y], axis=1), [[22.0, 14.0], [-6.0, 14.0]]])
