"""Draws a scene at a moment in time, with OpenCV, the same pixels for the same scene.

The world is 16 x 9 units, y downwards. A camera looks at it through a `_View`: a scale and a shift per
depth, so that a pan moves the foreground faster than the background.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from va_widgets.demo.scenes import Scene

Image: TypeAlias = NDArray[np.uint8]
Points: TypeAlias = NDArray[np.float64]
Colour: TypeAlias = tuple[float, float, float]

COLOURS: dict[str, Colour] = {
    "red": (222, 36, 40),
    "blue": (40, 88, 232),
    "green": (36, 172, 66),
    "yellow": (248, 216, 36),
    "purple": (146, 52, 190),
    "orange": (248, 128, 22),
    "white": (244, 244, 244),
}

# How the light of the hour colours surroundings, and how much less it takes away from the subject,
# which the camera crew has lit.
_AMBIENT: dict[str, Colour] = {
    "day": (1.0, 1.0, 1.0),
    "night": (0.25, 0.29, 0.46),
    "golden": (1.04, 0.74, 0.50),
}
_ON_SUBJECT: dict[str, Colour] = {
    "day": (1.0, 1.0, 1.0),
    "night": (0.80, 0.80, 0.86),
    "golden": (1.0, 0.95, 0.88),
}
_SKY: dict[str, tuple[Colour, Colour]] = {
    "day": ((84, 156, 232), (206, 230, 248)),
    "night": ((6, 9, 26), (30, 36, 70)),
    "golden": ((96, 84, 140), (255, 176, 84)),
}
_SIZE = {"close-up": (5.6, 7.4), "medium": (2.9, 3.9), "wide": (1.4, 1.9)}
_NUMBER = {"none": 0, "one": 1, "two": 2, "three": 3}
_SHRINK = {1: 1.0, 2: 0.78, 3: 0.70}
_SHIFT = 4  # cv2 draws with 4 fractional bits, so that slow motion does not jump from pixel to pixel


@dataclass(frozen=True, slots=True)
class _View:
    """Maps world units at some depth to pixels."""

    pixels: float  # pixels a world unit
    zoom: float
    pan: float  # world units the camera has moved to the right
    bob: float

    def at(self, points: Points, depth: float) -> NDArray[np.int32]:
        centre = np.array([8.0, 4.5])
        moved = (points - centre) * (1 + (self.zoom - 1) * depth) + centre
        moved = moved - np.array([self.pan * depth, self.bob * depth])
        return np.round(moved * self.pixels * (1 << _SHIFT)).astype(np.int32)


def render(scene: Scene, moment: float, width: int, height: int) -> Image:
    """Draw `scene` at `moment` (0 = start of the shot, 1 = its end).

    Returns a uint8 RGB array (height, width, 3). Width and height should be about 16:9.
    """
    rng = np.random.default_rng([scene.seed, 1])
    view = _camera(scene, moment, width, rng)
    image = np.zeros((height, width, 3), dtype=np.uint8)
    image = _background(image, scene, view, moment, rng)
    if scene.framing == "close-up":
        # A long lens: the surroundings come nearer and fall out of focus.
        image = _magnified(image, 1.5)
        image = cv2.GaussianBlur(image, (0, 0), sigmaX=width / 60).astype(np.uint8, copy=False)
    _weather(image, scene, moment, behind=True)
    _subjects(image, scene, view, moment)
    _weather(image, scene, moment, behind=False)
    return _shutter(image, scene)


def _camera(scene: Scene, moment: float, width: int, rng: Generator) -> _View:
    direction = float(rng.choice([-1.0, 1.0]))
    speed = float(rng.uniform(2.2, 3.4))
    zoom, pan = 1.0, 0.0
    if scene.camera == "pan":
        pan = direction * speed * (moment - 0.5)
    elif scene.camera == "zoom":
        zoom = 1.0 + 0.45 * (moment if direction > 0 else 1 - moment)
    bob = 0.04 * math.sin(2 * math.pi * (moment + float(rng.uniform())))
    return _View(pixels=width / 16, zoom=zoom, pan=pan, bob=bob)


def _lit(colour: Colour, light: Colour) -> Colour:
    return tuple(min(255.0, channel * factor) for channel, factor in zip(colour, light, strict=True))  # type: ignore[return-value]


def _fill(image: Image, view: _View, depth: float, colour: Colour, *outlines: Points) -> None:
    contours = [view.at(outline, depth) for outline in outlines]
    cv2.fillPoly(image, contours, colour, lineType=cv2.LINE_AA, shift=_SHIFT)


def _ellipse(x: float, y: float, rx: float, ry: float, steps: int = 36) -> Points:
    angle = np.linspace(0, 2 * math.pi, steps, endpoint=False)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


def _box(left: float, top: float, right: float, bottom: float) -> Points:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)


def _hills(rng: Generator, top: float, swing: float, waves: float) -> Points:
    """A rolling outline that fills everything below it, wider than the frame so that a pan finds no end."""
    x = np.linspace(-6, 22, 60)
    phase = rng.uniform(0, 2 * math.pi, 3)
    y = (
        top
        + swing * np.sin(x * waves + phase[0])
        + 0.4 * swing * np.sin(x * waves * 2.3 + phase[1])
        + 0.15 * swing * np.sin(x * waves * 5.1 + phase[2])
    )
    return np.concatenate([np.stack([x, y], axis=1), [[22.0, 14.0], [-6.0, 14.0]]])


def _background(image: Image, scene: Scene, view: _View, moment: float, rng: Generator) -> Image:
    if scene.setting == "interior":
        _interior(image, scene, view, rng)
        return image
    _sky(image, scene, view, moment, rng)
    ambient = _AMBIENT[scene.light]
    {
        "city": _city,
        "sea": _sea,
        "forest": _forest,
        "mountains": _mountains,
        "desert": _desert,
        "meadow": _meadow,
    }[scene.setting](image, scene, view, ambient, moment, rng)
    if scene.weather == "snow":
        return _whitened(image)
    return image


def _sky(image: Image, scene: Scene, view: _View, moment: float, rng: Generator) -> None:
    top, horizon = (np.array(colour) for colour in _SKY[scene.light])
    if scene.weather in ("rain", "snow", "fog") and scene.light != "night":
        grey = np.array((150.0, 154.0, 160.0)) * (1.0 if scene.light == "day" else 0.85)
        keep = 0.35 if scene.light == "day" else 0.62
        top, horizon = keep * top + (1 - keep) * grey, keep * horizon + (1 - keep) * grey
    jitter = rng.uniform(0.92, 1.08)
    share = np.clip(np.linspace(0, 1.6, image.shape[0]), 0, 1)[:, None, None]
    image[:] = np.clip((top + (horizon - top) * share) * jitter, 0, 255).astype(np.uint8)
    if scene.light == "night":
        stars = rng.uniform([-4, 0], [20, 5], (26, 2))
        moon = rng.uniform([2, 0.8], [14, 2.2])
        if scene.weather == "clear":
            for x, y in stars:
                _fill(image, view, 0.1, (190, 195, 215), _ellipse(x, y, 0.035, 0.035, 6))
            _fill(image, view, 0.1, (226, 226, 206), _ellipse(moon[0], moon[1], 0.5, 0.5))
            _fill(image, view, 0.1, (26, 31, 62), _ellipse(moon[0] + 0.22, moon[1] - 0.08, 0.46, 0.46))
    elif scene.light == "golden":
        x = float(rng.uniform(2, 14))
        for radius, colour in ((2.6, (255, 186, 100)), (1.7, (255, 204, 124)), (1.0, (255, 236, 184))):
            _fill(image, view, 0.1, colour, _ellipse(x, 4.4, radius, radius))
    elif scene.weather == "clear":
        for x, y, size in rng.uniform([-4, 0.6, 0.5], [20, 2.6, 1.0], (4, 3)):
            drift = x + 0.4 * moment
            for dx, scale in ((-1.0, 0.6), (0.0, 1.0), (1.0, 0.7)):
                cloud = _ellipse(drift + dx * size, y, size * scale * 1.1, size * scale * 0.55, 20)
                _fill(image, view, 0.15, (250, 252, 255), cloud)


def _city(image: Image, scene: Scene, view: _View, ambient: Colour, moment: float, rng: Generator) -> None:
    for depth, base, low, high in ((0.3, (136, 142, 156), 2.6, 4.4), (0.5, (104, 108, 122), 1.4, 3.6)):
        x = -6.0
        while x < 22:
            wide, tall = float(rng.uniform(1.1, 2.1)), float(rng.uniform(low, high))
            shade = float(rng.uniform(0.8, 1.2))
            wall = _lit(tuple(c * shade for c in base), ambient)  # type: ignore[arg-type]
            _fill(image, view, depth, wall, _box(x, 6.8 - tall, x + wide, 7.2))
            if depth == 0.5:
                _windows(image, scene, view, rng, x, wide, tall)
            x += wide + float(rng.uniform(0.02, 0.3))
    _fill(image, view, 0.8, _lit((92, 92, 96), ambient), _box(-8, 7.0, 24, 14))
    for x in np.arange(-7.0, 23.0, 2.0):
        _fill(image, view, 0.8, _lit((214, 210, 190), ambient), _box(x, 7.95, x + 1.0, 8.1))


def _windows(image: Image, scene: Scene, view: _View, rng: Generator, x: float, wide: float, tall: float) -> None:
    lit = {"night": 0.6, "golden": 0.35, "day": 0.0}[scene.light]
    for wx in np.arange(x + 0.15, x + wide - 0.25, 0.42):
        for wy in np.arange(6.95 - tall, 6.6, 0.5):
            on = rng.uniform() < lit
            pane = (252.0, 222.0, 128.0) if on else _lit((72, 86, 110), _AMBIENT[scene.light])
            _fill(image, view, 0.5, pane, _box(wx, wy, wx + 0.2, wy + 0.26))


def _sea(image: Image, scene: Scene, view: _View, ambient: Colour, moment: float, rng: Generator) -> None:
    _fill(image, view, 0.2, _lit((34, 104, 170), ambient), _box(-8, 4.6, 24, 14))
    _fill(image, view, 0.5, _lit((24, 82, 146), ambient), _box(-8, 6.3, 24, 14))
    foam = _lit((170, 208, 232), ambient)
    for x, y, long in rng.uniform([-6, 4.8, 0.5], [22, 8.9, 1.6], (46, 3)):
        depth = 0.2 + (y - 4.6) * 0.15
        drift = x + 0.5 * math.sin(2 * math.pi * (moment + x))
        _fill(image, view, depth, foam, _ellipse(drift, y, long, 0.02 + 0.012 * (y - 4.6), 10))
    if rng.uniform() < 0.5:  # a far island
        island = _ellipse(float(rng.uniform(0, 16)), 4.66, float(rng.uniform(0.8, 2.0)), 0.4)
        _fill(image, view, 0.2, _lit((70, 98, 92), ambient), np.minimum(island, [99.0, 4.66]))


def _forest(image: Image, scene: Scene, view: _View, ambient: Colour, moment: float, rng: Generator) -> None:
    _fill(image, view, 0.5, _lit((44, 70, 36), ambient), _box(-8, 6.6, 24, 14))
    rows = ((0.3, 6.4, 3.6, (58, 108, 74), 1.0), (0.5, 7.0, 4.4, (34, 84, 48), 1.5), (0.8, 8.2, 5.0, (22, 62, 34), 2.6))
    for depth, foot, tall, base, step in rows:
        for x in np.arange(-6.0, 22.0, step):
            x += float(rng.uniform(-0.4, 0.4))
            high = tall * float(rng.uniform(0.75, 1.15))
            leaves = _lit(tuple(c * float(rng.uniform(0.85, 1.15)) for c in base), ambient)  # type: ignore[arg-type]
            if depth == 0.8 and 3.0 < x < 13.0:
                continue  # a clearing, where the subject stands
            _fill(image, view, depth, _lit((74, 52, 36), ambient), _box(x - 0.1, foot - 0.6, x + 0.1, foot + 0.3))
            for tier in range(3):
                top, wide = foot - high + tier * high * 0.25, 0.45 + 0.28 * tier
                tree = np.array([[x, top], [x + wide, top + high * 0.45], [x - wide, top + high * 0.45]])
                _fill(image, view, depth, leaves, tree)


def _mountains(image: Image, scene: Scene, view: _View, ambient: Colour, moment: float, rng: Generator) -> None:
    for depth, base, low, high, step in ((0.2, (138, 142, 164), 1.4, 2.8, 3.0), (0.4, (98, 98, 116), 2.8, 4.4, 2.4)):
        ridge = [[-8.0, 7.0]]
        for x in np.arange(-7.0, 24.0, step):
            ridge.append([x, float(rng.uniform(low, high))])
            ridge.append([x + step / 2 + float(rng.uniform(-0.3, 0.3)), float(rng.uniform(high + 0.6, high + 1.6))])
        outline = np.array([*ridge, [24.0, 7.0], [24.0, 14.0], [-8.0, 14.0]])
        _fill(image, view, depth, _lit(base, ambient), outline)
        for i in range(1, len(ridge) - 1, 2):  # the side away from the light
            peak, foot = ridge[i], ridge[i + 1]
            shade = np.array([peak, foot, [peak[0] + 0.1, foot[1] + 0.4]])
            _fill(image, view, depth, _lit(tuple(c * 0.78 for c in base), ambient), shade)  # type: ignore[arg-type]
    _fill(image, view, 0.6, _lit((112, 112, 96), ambient), _hills(rng, 6.9, 0.25, 0.6))
    for x, y, size in rng.uniform([-6, 7.2, 0.1], [22, 8.8, 0.35], (16, 3)):
        _fill(image, view, 0.7, _lit((88, 86, 80), ambient), _ellipse(x, y, size, size * 0.6, 7))


def _desert(image: Image, scene: Scene, view: _View, ambient: Colour, moment: float, rng: Generator) -> None:
    _fill(image, view, 0.3, _lit((226, 190, 130), ambient), _hills(rng, 4.9, 0.5, 0.35))
    _fill(image, view, 0.5, _lit((214, 172, 108), ambient), _hills(rng, 6.0, 0.6, 0.45))
    for x, size in rng.uniform([-5, 0.7], [21, 1.2], (5, 2)):
        cactus = _lit((62, 112, 64), ambient)
        _fill(image, view, 0.55, cactus, _box(x - 0.14 * size, 6.6 - 1.5 * size, x + 0.14 * size, 6.8))
        for side, arm in ((-1, 0.9), (1, 0.6)):
            inner, outer = x + side * 0.1, x + side * 0.55 * size
            left, right = min(inner, outer), max(inner, outer)
            _fill(image, view, 0.55, cactus, _box(left, 6.5 - arm * size, right, 6.5 - (arm - 0.22) * size))
            _fill(
                image,
                view,
                0.55,
                cactus,
                _box(outer - 0.1, 6.5 - (arm + 0.5) * size, outer + 0.1, 6.5 - (arm - 0.22) * size),
            )
    _fill(image, view, 0.8, _lit((198, 150, 88), ambient), _hills(rng, 7.6, 0.35, 0.5))


def _meadow(image: Image, scene: Scene, view: _View, ambient: Colour, moment: float, rng: Generator) -> None:
    _fill(image, view, 0.3, _lit((146, 196, 104), ambient), _hills(rng, 5.0, 0.5, 0.4))
    _fill(image, view, 0.5, _lit((118, 182, 76), ambient), _hills(rng, 5.9, 0.5, 0.5))
    _fill(image, view, 0.8, _lit((96, 164, 60), ambient), _hills(rng, 7.2, 0.3, 0.4))
    for x, y in rng.uniform([-6, 6.6], [22, 9.0], (70, 2)):
        petal = [(250, 250, 250), (250, 220, 90), (240, 130, 170), (180, 140, 230)][int(rng.integers(4))]
        size = 0.05 + 0.03 * (y - 6.6)
        _fill(image, view, 0.8, _lit(petal, ambient), _ellipse(x, y, size, size, 6))


def _interior(image: Image, scene: Scene, view: _View, rng: Generator) -> None:
    ambient = {"day": (1.0, 1.0, 1.0), "night": (0.42, 0.38, 0.40), "golden": (1.0, 0.82, 0.62)}[scene.light]
    wall = [(206, 196, 182), (182, 194, 196), (204, 186, 186), (190, 188, 204)][int(rng.integers(4))]
    _fill(image, view, 0.3, _lit(wall, ambient), _box(-8, -6, 24, 14))
    _fill(image, view, 0.3, _lit((150, 110, 76), ambient), _box(-8, 6.8, 24, 14))
    _fill(image, view, 0.3, _lit((236, 230, 222), ambient), _box(-8, 6.6, 24, 6.8))
    for i in range(-6, 23, 2):  # floor boards run towards the viewer
        board = np.array([[i, 6.8], [i + 0.04, 6.8], [8 + (i - 8) * 1.8 + 0.1, 10.0], [8 + (i - 8) * 1.8, 10.0]])
        _fill(image, view, 0.3, _lit((118, 84, 58), ambient), board)
    left = float(rng.uniform(1.0, 9.5))
    _fill(image, view, 0.3, _lit((244, 240, 232), ambient), _box(left - 0.2, 1.0, left + 4.2, 4.8))
    top, horizon = _SKY[scene.light]
    _fill(image, view, 0.3, top, _box(left, 1.2, left + 4.0, 3.0))
    _fill(image, view, 0.3, horizon, _box(left, 3.0, left + 4.0, 4.6))
    _fill(image, view, 0.3, _lit((244, 240, 232), ambient), _box(left + 1.93, 1.2, left + 2.07, 4.6))
    _fill(image, view, 0.3, _lit((244, 240, 232), ambient), _box(left, 2.83, left + 4.0, 2.97))
    other = left + 5.2 if left < 5 else left - 4.2
    _fill(image, view, 0.3, _lit((98, 70, 50), ambient), _box(other, 1.6, other + 2.6, 3.6))
    _fill(image, view, 0.3, _lit((172, 178, 150), ambient), _box(other + 0.2, 1.8, other + 2.4, 3.4))
    sofa = other - 0.6
    _fill(image, view, 0.45, _lit((112, 104, 108), ambient), _box(sofa, 5.0, sofa + 4.0, 7.2))
    _fill(image, view, 0.45, _lit((132, 124, 128), ambient), _box(sofa + 0.3, 6.0, sofa + 3.7, 7.0))
    if scene.light == "night":
        lamp = left + 2.0
        _fill(
            image,
            view,
            0.4,
            (255, 226, 150),
            np.array([[lamp - 0.4, 4.9], [lamp + 0.4, 4.9], [lamp + 0.7, 5.8], [lamp - 0.7, 5.8]]),
        )
        _fill(image, view, 0.4, (70, 56, 48), _box(lamp - 0.06, 5.8, lamp + 0.06, 7.0))


def _whitened(image: Image) -> Image:
    """Snow has settled: what lies low turns white, darker by night because it is mixed in by brightness."""
    height = image.shape[0]
    share = np.clip((np.linspace(0, 1, height) - 0.45) / 0.4, 0, 0.72)[:, None, None]
    level = image[int(height * 0.75) :].mean()
    white = np.clip(np.array((1.0, 1.02, 1.06)) * (70 + 1.35 * level), 0, 250)
    return np.clip(image * (1 - share) + white * share, 0, 255).astype(np.uint8)


def _weather(image: Image, scene: Scene, moment: float, *, behind: bool) -> None:
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


def _subjects(image: Image, scene: Scene, view: _View, moment: float) -> None:
    rng = np.random.default_rng([scene.seed, 3])
    number = _NUMBER.get(scene.count) if scene.count != "many" else int(rng.integers(6, 10))
    if not number or scene.subject == "none":
        return
    low, high = _SIZE[scene.framing]
    size = float(rng.uniform(low, high)) * _SHRINK.get(number, 0.55)
    if scene.count == "many":
        size = min(size, 2.2)
    colour = _lit(COLOURS[scene.colour], _ON_SUBJECT[scene.light])
    for i, (x, y) in enumerate(_places(scene, number, size, rng)):
        turn = math.radians(float(rng.uniform(-14, 14)))
        sway = 0.05 * size * math.sin(2 * math.pi * (moment + i / number))
        _subject(image, scene.subject, view, (x, y + sway), size, turn, colour)


def _places(scene: Scene, number: int, size: float, rng: Generator) -> list[tuple[float, float]]:
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
    """The contours of a shape, one unit across, around the origin; a second contour is a hole."""
    if shape == "circle":
        return [_ellipse(0, 0, 0.5, 0.5, 48)]
    if shape == "ring":
        return [_ellipse(0, 0, 0.5, 0.5, 48), _ellipse(0, 0, 0.3, 0.3, 40)]
    if shape == "square":
        return [_box(-0.43, -0.43, 0.43, 0.43)]
    if shape == "triangle":
        return [np.array([[0, -0.5], [0.55, 0.45], [-0.55, 0.45]])]
    if shape == "cross":
        a, b = 0.17, 0.5
        return [
            np.array(
                [
                    [-a, -b],
                    [a, -b],
                    [a, -a],
                    [b, -a],
                    [b, a],
                    [a, a],
                    [a, b],
                    [-a, b],
                    [-a, a],
                    [-b, a],
                    [-b, -a],
                    [-a, -a],
                ]
            )
        ]
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
        return [
            np.array(
                [
                    [-0.62, 0.18],
                    [-0.62, 0.0],
                    [-0.5, -0.06],
                    [-0.34, -0.28],
                    [0.18, -0.28],
                    [0.36, -0.06],
                    [0.62, 0.0],
                    [0.62, 0.18],
                ]
            )
        ]
    angle = np.linspace(math.pi * 0.80, math.pi * 2.20, 30)  # a hot-air balloon's envelope
    envelope = np.stack([0.40 * np.cos(angle), -0.12 + 0.40 * np.sin(angle)], axis=1)
    return [np.concatenate([envelope, [[0.1, 0.30], [-0.1, 0.30]]])]


def _subject(
    image: Image, shape: str, view: _View, place: tuple[float, float], size: float, turn: float, colour: Colour
) -> None:
    if shape in ("car", "balloon"):
        turn *= 0.3
    spin = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]]) * size

    def put(points: Points) -> Points:
        return points @ spin + np.array(place)

    outlines = [put(outline) for outline in _outline(shape)]
    rim = tuple(min(255.0, 0.55 * c + 110) for c in colour)
    dark = tuple(0.30 * c for c in colour)
    _fill(image, view, 1.0, colour, *outlines)
    thick = max(1, round(view.pixels * size * 0.018))
    for outline in outlines:
        cv2.polylines(image, [view.at(outline, 1.0)], True, rim, thick, cv2.LINE_AA, shift=_SHIFT)
    if shape == "car":
        for x in (-0.36, 0.36):
            _fill(image, view, 1.0, (24, 24, 26), put(_ellipse(x, 0.19, 0.13, 0.13, 24)))
            _fill(image, view, 1.0, (150, 150, 156), put(_ellipse(x, 0.19, 0.06, 0.06, 16)))
        glass = np.array([[-0.29, -0.07], [-0.2, -0.22], [0.13, -0.22], [0.24, -0.07]])
        _fill(image, view, 1.0, (168, 196, 214), put(glass))
    elif shape == "balloon":
        for x in (-0.2, 0.0, 0.2):
            _fill(image, view, 1.0, dark, put(_ellipse(x * 0.9, -0.12, 0.012, 0.38, 16)))  # type: ignore[arg-type]
        _fill(image, view, 1.0, (120, 84, 50), put(_box(-0.09, 0.40, 0.09, 0.55)))
        for x in (-0.08, 0.07):
            _fill(image, view, 1.0, (90, 70, 50), put(_box(x, 0.30, x + 0.015, 0.41)))


def _magnified(image: Image, factor: float) -> Image:
    height, width = image.shape[:2]
    matrix = np.array([[factor, 0, width * (1 - factor) / 2], [0, factor, height * (1 - factor) * 0.6]])
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _shutter(image: Image, scene: Scene) -> Image:
    """The motion blur of an open shutter: sideways in a pan, outwards from the middle in a zoom."""
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
