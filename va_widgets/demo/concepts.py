"""The demo's concepts: their names, search texts, and which shots show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from va_widgets.demo.scenes import Scene


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept's name, its search text, and the `attributes` that a shot must have to show it."""

    name: str
    query: str
    attributes: dict[str, str] = field(hash=False)

    def shown_in(self, scene: Scene) -> bool:
        """True if the shot shows this concept."""
        return scene.has(**self.attributes)


CONCEPTS: tuple[Concept, ...] = (
    Concept("daylight", "daylight", {"light": "day"}),
    Concept("night", "night", {"light": "night"}),
    Concept("golden hour", "golden hour", {"light": "golden"}),
    Concept("city", "a city", {"setting": "city"}),
    Concept("sea", "the sea", {"setting": "sea"}),
    Concept("forest", "a forest", {"setting": "forest"}),
    Concept("mountains", "mountains", {"setting": "mountains"}),
    Concept("desert", "a desert", {"setting": "desert"}),
    Concept("meadow", "a meadow", {"setting": "meadow"}),
    Concept("interior", "an interior", {"setting": "interior"}),
    Concept("rain", "rain", {"weather": "rain"}),
    Concept("snow", "snow", {"weather": "snow"}),
    Concept("fog", "fog", {"weather": "fog"}),
    Concept("circle", "a circle", {"subject": "circle"}),
    Concept("square", "a square", {"subject": "square"}),
    Concept("triangle", "a triangle", {"subject": "triangle"}),
    Concept("star", "a star", {"subject": "star"}),
    Concept("heart", "a heart", {"subject": "heart"}),
    Concept("ring", "a ring", {"subject": "ring"}),
    Concept("cross", "a cross", {"subject": "cross"}),
    Concept("car", "a car", {"subject": "car"}),
    Concept("balloon", "a balloon", {"subject": "balloon"}),
    Concept("red", "something red", {"colour": "red"}),
    Concept("blue", "something blue", {"colour": "blue"}),
    Concept("green", "something green", {"colour": "green"}),
    Concept("yellow", "something yellow", {"colour": "yellow"}),
    Concept("close-up", "close-up", {"framing": "close-up"}),
    Concept("wide shot", "wide shot", {"framing": "wide"}),
    Concept("establishing shot", "establishing shot", {"subject": "none"}),
    Concept("pan", "panning shot", {"camera": "pan"}),
    Concept("zoom", "zooming shot", {"camera": "zoom"}),
    Concept("crowd", "a crowd", {"count": "many"}),
    Concept("pair", "a pair", {"count": "two"}),
    Concept("red circle", "red circle", {"colour": "red", "subject": "circle"}),
    Concept("night city", "city at night", {"setting": "city", "light": "night"}),
    Concept("rain at night", "rain at night", {"weather": "rain", "light": "night"}),
    Concept("snowy mountains", "snowy mountains", {"setting": "mountains", "weather": "snow"}),
    Concept("blue car", "blue car", {"colour": "blue", "subject": "car"}),
    Concept(
        "red circle at night",
        "red circle at night",
        {"colour": "red", "subject": "circle", "light": "night"},
    ),
)


def truth(scenes: Sequence[Scene]) -> dict[str, NDArray[np.bool_]]:
    """Return the ground truth of every concept: name -> bool array (len(scenes),)."""
    return {concept.name: np.array([concept.shown_in(scene) for scene in scenes], dtype=bool) for concept in CONCEPTS}
